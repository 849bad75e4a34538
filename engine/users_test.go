package engine_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"holdfast/acl"
	"holdfast/engine"
	"holdfast/internal/vfs"
)

// withUsers is a setup with a file of users.
func withUsers(t *testing.T, text string) (s setup, path string) {
	t.Helper()
	dir := t.TempDir()
	path = filepath.Join(dir, "users.acl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return setup{fs: vfs.NewFaulty(dir, 1), dir: filepath.Join(dir, "data"), settings: []string{"aclfile", path}}, path
}

// ACL SAVE replaces the file or leaves it as it was, whichever of its operations fails; then it says so.
func TestUsersAreSavedWholeOrNotAtAll(t *testing.T) {
	s, path := withUsers(t, "user alice on nopass +get\n")
	r := open(t, s)
	disk := s.fs.(*vfs.Faulty)
	before := read(t, path)
	for n := 1; ; n++ {
		r.expect("ACL SETUSER bob on", "+OK")
		var operations atomic.Int64 // of the file and its directory; the data's are others'
		disk.Intercept(func(_ vfs.Kind, at string) error {
			if (strings.HasPrefix(at, path) || at == filepath.Dir(path)) && operations.Add(1) == int64(n) {
				return syscall.EIO
			}
			return nil
		})
		reply := r.do("ACL SAVE")
		disk.Intercept(nil)
		failed := operations.Load() >= int64(n)
		if failed != strings.HasPrefix(reply, "-ERR saving the users failed: ") {
			t.Fatalf("operation %d failed: %t; the reply is %s", n, failed, reply)
		}
		after := read(t, path)
		if after != before && (!strings.Contains(after, "user bob on") || !strings.HasSuffix(after, "\n")) {
			t.Fatalf("operation %d left %q", n, after)
		}
		if !failed {
			if n < 4 || after == before {
				t.Fatalf("saved with %d operations: %q", n-1, after)
			}
			break
		}
	}
	r.mustClose(false)
	again := r.again()
	again.expect("ACL USERS", "*3 $5 alice $3 bob $7 default")
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A file of users that is not there, or has a bad line, refuses the start; an empty one does not.
func TestUsersThatCannotBeRead(t *testing.T) {
	s, path := withUsers(t, "")
	r := open(t, s)
	r.expect("ACL LIST", "*1 $34 user default on nopass ~* &* +@all")
	r.mustClose(false)
	for _, x := range []struct{ text, says string }{
		{"user alice on\nuser bob +nosuch\n", path + ":2: Error in applying operation '+nosuch'"},
		{"", "no such file"},
	} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if x.text != "" {
			if err := os.WriteFile(path, []byte(x.text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s.fs = vfs.NewFaulty(filepath.Dir(path), 1)
		_, err := tryOpen(t, s)
		if !errors.Is(err, acl.ErrFile) || errors.Is(err, engine.ErrUsersTwice) || !strings.Contains(err.Error(), x.says) {
			t.Errorf("%q: the error is %v, want %q in it", x.text, err, x.says)
		}
	}
}

// A guesser's passwords are not even looked at in a transaction, where his reply could not wait.
func TestGuessingInATransaction(t *testing.T) {
	r := open(t, setup{})
	r.expect("ACL SETUSER u on >secret +@all ~*", "+OK")
	guesser := r.connect()
	ask := func(line, want string) {
		t.Helper()
		if got := r.as(guesser, line); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
	const wrong = "-WRONGPASS invalid username-password pair or user is disabled."
	for range 12 {
		ask("MULTI", "+OK")
		ask("AUTH u wrong", "+QUEUED")
		ask("EXEC", "*1 "+wrong)
	}
	ask("MULTI", "+OK")
	ask("AUTH u secret", "+QUEUED")
	ask("EXEC", "*1 "+wrong)
	ask("AUTH u secret", "") // this one waits
	r.setup.clock.advance(60_000)
	if got := r.await(guesser).reply; got != "+OK" {
		t.Errorf("the late reply is %s", got)
	}
}
