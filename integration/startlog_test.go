package integration

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// With a log file the start, what SIGHUP did, and a start that is refused are told there.
func TestTheLogFileTellsOfTheStart(t *testing.T) {
	t.Parallel()
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "log")
	o := Options{Dir: filepath.Join(dir, "data"), Extra: []string{"--logfile", file, "--log-format", "json"}}
	proc := start(t, subject, o)
	told := func(text string) {
		t.Helper()
		var log []byte
		for deadline := time.Now().Add(replyWaitMax); !strings.Contains(string(log), text); {
			var err error
			if log, err = os.ReadFile(file); err != nil {
				t.Fatal(err)
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s is not told:\n%s", text, log)
			}
			time.Sleep(time.Millisecond)
		}
	}
	told(`"recovered":"nothing to recover: a new data set"`)
	if err := proc.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	told(`"SIGHUP: nothing is read anew`)
	must(t, dial(t, proc.Addr), "SET", "a", "1")
	if code, err := proc.Stop(); code != 0 || err != nil {
		t.Fatal(code, err)
	}
	if out := proc.Output(); out != "" {
		t.Errorf("it wrote beside the log:\n%s", out)
	}
	if err := os.WriteFile(filepath.Join(o.Dir, "base.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	refused, err := Launch(subject, o)
	if err != nil {
		t.Fatal(err)
	}
	if code, err := refused.Exit(); code == 0 || err != nil {
		t.Fatal(code, err)
	}
	told(`"msg":"the start is refused"`)
}
