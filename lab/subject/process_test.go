package subject

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func start(t testing.TB, p *Process) *Running {
	t.Helper()
	r, err := p.StartProcess(t.Context(), filepath.Join(t.TempDir(), "data"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Kill(); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(r.scratch); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left", r.scratch)
		}
	})
	return r
}

// startError starts what must not start, and returns why it did not.
func startError(t *testing.T, p *Process) error {
	t.Helper()
	dir := t.TempDir()
	server, err := p.Start(t.Context(), filepath.Join(dir, "data"))
	if err == nil {
		t.Fatal(errors.Join(errors.New("it started"), server.Kill()))
	}
	if server != nil {
		t.Error("a server and an error")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	return err
}

func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

func do(t testing.TB, c Conn, args ...string) string {
	t.Helper()
	var bs [][]byte
	for _, a := range args {
		bs = append(bs, []byte(a))
	}
	reply, err := c.Do(bs...)
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	switch {
	case reply.Null:
		return "nil"
	case reply.Kind == ':':
		return strconv.FormatInt(reply.Int, 10)
	}
	return string(reply.Str)
}

// build builds the program of this module.
func build(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "holdfast")
	cmd := exec.Command("go", "build", "-o", path, "./cmd/holdfast")
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// Real servers keep what they acknowledged, whether they are asked to end or killed.
func TestRealServers(t *testing.T) {
	holdfast := build(t)
	for _, name := range []string{"holdfast", "redis"} {
		for _, policy := range Policies() {
			t.Run(name+" "+policy, func(t *testing.T) {
				command, err := Preset(name, policy, holdfast)
				if err != nil {
					t.Fatal(err)
				}
				p := &Process{Command: command}
				dir := filepath.Join(t.TempDir(), "data")
				if err := os.Mkdir(dir, 0o700); err != nil {
					t.Fatal(err)
				}
				for i, end := range []func(*Running) error{(*Running).Terminate, (*Running).Kill, (*Running).Kill} {
					r, err := p.StartProcess(t.Context(), dir)
					if err != nil {
						t.Fatal(err)
					}
					c, err := r.Dial()
					if err != nil {
						t.Fatal(err)
					}
					if got := do(t, c, "INCR", "n"); got != strconv.Itoa(i+1) {
						t.Errorf("start %d: INCR replied %q\n%s", i+1, got, r.Output())
					}
					if err := errors.Join(end(r), r.Kill(), c.Close()); err != nil {
						t.Error(err)
					}
					if !gone(r.PID()) || len(r.Strays()) > 0 {
						t.Errorf("process %d is there, or it left %q", r.PID(), r.Strays())
					}
				}
			})
		}
	}
}

func TestItCountsAsUp(t *testing.T) {
	for _, name := range []string{"good", "password", "loading"} {
		t.Run(name, func(t *testing.T) { start(t, bad(t, name)) })
	}
}

func TestItRefuses(t *testing.T) {
	err := startError(t, bad(t, "refuses"))
	if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "damaged at 4096") {
		t.Error(err)
	}
	if err := startError(t, bad(t, "forgotten")); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "giving up") {
		t.Error(err)
	}
}

func TestItIsSilent(t *testing.T) {
	for _, name := range []string{"mute", "silent"} {
		p := bad(t, name)
		p.StartMax = 300 * time.Millisecond
		if err := startError(t, p); !errors.Is(err, ErrSilent) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestItGoesToTheBackground(t *testing.T) {
	redis, err := Preset("redis", "always", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []*Process{bad(t, "background"), {Command: append(redis, "--daemonize", "yes", "--appendonly", "no", "--dir", "/tmp/../{dir}")}} {
		dir := t.TempDir()
		_, err := p.StartProcess(t.Context(), dir)
		if !errors.Is(err, ErrBackground) || !errors.Is(err, ErrRefused) || strings.Contains(err.Error(), "by hand") {
			t.Errorf("%v", err)
		}
		if strings.Contains(fmt.Sprint(err), "\n") {
			t.Errorf("not one line: %v", err)
		}
	}
}

func TestAMissingProgram(t *testing.T) {
	if err := startError(t, &Process{Command: []string{"/nowhere/server"}}); !errors.Is(err, ErrNoProgram) {
		t.Error(err)
	}
	if _, err := Preset("holdfast", "always", "/nowhere/holdfast"); !errors.Is(err, ErrNoProgram) {
		t.Error(err)
	}
	t.Setenv("PATH", t.TempDir())
	_, err := Preset("redis", "always", "")
	if !errors.Is(err, ErrNoProgram) || err.Error() != "redis: no such program: redis-server is not installed or not in the PATH" {
		t.Error(err)
	}
}

func TestPresetsThatAreNone(t *testing.T) {
	for _, c := range [][2]string{{"keydb", "always"}, {"redis", "no"}, {"", ""}} {
		if _, err := Preset(c[0], c[1], os.Args[0]); !errors.Is(err, ErrPreset) {
			t.Errorf("%q: %v", c, err)
		}
	}
}

// A port that is taken after all is not the end.
func TestAPortInUse(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tries"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	p := bad(t, "taken")
	r, err := p.StartProcess(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Kill(); err != nil {
		t.Error(err)
	}
	if tries, err := os.ReadFile(filepath.Join(dir, "tries")); string(tries) != "xxx" || err != nil {
		t.Errorf("tries %q, %v", tries, err)
	}
}

// Many at once do not meet: each answers on a port of its own.
func TestManyServersAtOnce(t *testing.T) {
	p := bad(t, "good")
	var all sync.WaitGroup
	var mu sync.Mutex
	ports := map[int]bool{}
	for range 30 {
		all.Go(func() {
			r, err := p.StartProcess(t.Context(), filepath.Join(t.TempDir(), "data"))
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			if ports[r.Port()] {
				t.Errorf("port %d twice", r.Port())
			}
			ports[r.Port()] = true
			mu.Unlock()
			t.Cleanup(func() {
				if err := r.Kill(); err != nil {
					t.Error(err)
				}
			})
		})
	}
	all.Wait()
}

func TestAReservedPortIsNotGivenTwice(t *testing.T) {
	port, reserved, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	if l, err := net.Listen("unix", fmt.Sprintf("@holdfast-lab-port-%d", port)); err == nil {
		l.Close()
		t.Error("it can be reserved again")
	}
	if err := reserved.Close(); err != nil {
		t.Error(err)
	}
}

func TestStrays(t *testing.T) {
	r := start(t, bad(t, "strays"))
	want := []string{"logs", "logs/server.log"}
	if got := r.Strays(); !slices.Equal(got, want) {
		t.Errorf("running: %q, want %q", got, want)
	}
	if err := r.Kill(); err != nil {
		t.Error(err)
	}
	if got := r.Strays(); !slices.Equal(got, want) {
		t.Errorf("after it: %q, want %q", got, want)
	}
}

func TestTerminateInVain(t *testing.T) {
	p := bad(t, "stubborn")
	p.EndMax = 100 * time.Millisecond
	if err := start(t, p).Terminate(); !errors.Is(err, ErrSilent) {
		t.Error(err)
	}
}

func TestTerminate(t *testing.T) {
	r := start(t, bad(t, "good"))
	// A Go program that does not handle SIGTERM is ended by it, and that is no code 0.
	if err := r.Terminate(); err == nil || !strings.Contains(err.Error(), "ended badly") {
		t.Error(err)
	}
	select {
	case <-r.Exited():
	default:
		t.Error("not ended")
	}
	if code := r.ExitCode(); code != -1 {
		t.Errorf("code %d", code)
	}
}

// Stop holds a server up, and Continue lets it answer what came meanwhile.
func TestStopAndContinue(t *testing.T) {
	r := start(t, bad(t, "good"))
	r.replyMax = 100 * time.Millisecond
	slow, err := r.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	r.replyMax = 10 * time.Second
	patient, err := r.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer patient.Close()
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := slow.Do([]byte("PING")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a server that is stopped: %v", err)
	}
	time.AfterFunc(50*time.Millisecond, func() {
		if err := r.Continue(); err != nil {
			t.Error(err)
		}
	})
	if got := do(t, patient, "PING"); got != "PONG" {
		t.Errorf("%q", got)
	}
	// A kill ends one that is stopped, too: the clean-up does it.
	if err := r.Stop(); err != nil {
		t.Error(err)
	}
}

// Kill ends the children too, and so does the end of the server itself.
func TestChildrenGoWithTheServer(t *testing.T) {
	for _, end := range []func(*Running) error{(*Running).Kill, func(r *Running) error { return r.Signal(syscall.SIGKILL) }} {
		r := start(t, bad(t, "family"))
		child, err := strconv.Atoi(strings.TrimSpace(r.Output()))
		if err != nil {
			t.Fatal(err)
		}
		if gone(child) {
			t.Error("the child is not there")
		}
		if err := end(r); err != nil {
			t.Error(err)
		}
		<-r.Exited()
		if alive(r.PID()) {
			t.Error("the child is there still")
		}
	}
}

// Closing a connection from elsewhere ends the wait for a reply.
func TestCloseEndsAWait(t *testing.T) {
	r := start(t, bad(t, "good"))
	c, err := r.Dial()
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, func() { c.Close() })
	if _, err := c.Do([]byte("NOTHING")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v, want %v", err, net.ErrClosed)
	}
}

func TestStartEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	dir := t.TempDir()
	if _, err := bad(t, "mute").Start(ctx, filepath.Join(dir, "data")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestOutputKeepsTheNewest(t *testing.T) {
	var out tail
	for i := range 20_000 {
		fmt.Fprintf(&out, "line %d\n", i)
	}
	got := out.String()
	if len(got) > tailMax || len(got) < tailMax/2 || !strings.HasPrefix(got, "line ") || !strings.HasSuffix(got, "\nline 19999\n") {
		t.Errorf("%d bytes: %.20q … %q", len(got), got, got[len(got)-20:])
	}
	if _, err := out.Write(bytes.Repeat([]byte("x"), 3*tailMax)); err != nil {
		t.Error(err)
	}
	if got := out.String(); got != strings.Repeat("x", tailMax) {
		t.Errorf("%d bytes", len(got))
	}
}

// How long a start and an end take: play does little else.
func BenchmarkStart(b *testing.B) {
	holdfast := build(b)
	for _, name := range []string{"holdfast", "redis"} {
		b.Run(name, func(b *testing.B) {
			command, err := Preset(name, "always", holdfast)
			if err != nil {
				b.Fatal(err)
			}
			p := &Process{Command: command}
			for b.Loop() {
				r, err := p.StartProcess(b.Context(), b.TempDir())
				if err != nil {
					b.Fatal(err)
				}
				if err := r.Kill(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
