package recorder

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"holdfast/lab/trace"
)

// Each operation fails as the rule says, and no other.
func TestFaults(t *testing.T) {
	for _, op := range []Op{OpWrite, OpSync, OpRename, OpAllocate, OpCreate, OpUnlink} {
		for _, c := range []struct {
			rule Rule
			fail []int // of the two of each
		}{
			{Rule{Op: op, N: 1, Err: syscall.EIO}, []int{0}},
			{Rule{Op: op, N: 2, Err: syscall.ENOSPC}, []int{1}},
			{Rule{Op: op, N: 1, From: true, Err: syscall.ENOSPC}, []int{0, 1}},
			{Rule{Op: op, N: 3, From: true, Err: syscall.ENOSPC}, nil},
			{Rule{Op: op, N: 1, Glob: "1.*", Err: syscall.EIO}, []int{1}},
		} {
			l := open(t, nil)
			if err := l.faults.Arm(c.rule); err != nil {
				t.Fatal(err)
			}
			out, err := child(t, "faulty", l.mount).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			for line := range strings.Lines(string(out)) {
				var of Op
				var i int
				var what string
				if _, err := fmt.Sscanf(strings.Replace(line, ":", " ", 1), "%s %d %s", &of, &i, &what); err != nil {
					t.Fatalf("%q: %v", line, err)
				}
				want := "fine"
				if of == op && slices.Contains(c.fail, i) {
					want = map[syscall.Errno]string{syscall.EIO: "EIO", syscall.ENOSPC: "ENOSPC"}[c.rule.Err]
				}
				if what != want {
					t.Errorf("%+v: %s, want %s", c.rule, strings.TrimSpace(line), want)
				}
			}
			injected := l.faults.Injected()
			if len(injected) != len(c.fail) || l.faults.Fired() != len(c.fail) {
				t.Errorf("%+v: injected %v", c.rule, injected)
			}
			l.done()
			marks := 0
			for _, e := range l.events {
				if strings.HasPrefix(e.Note, "fault: ") {
					marks++
				}
			}
			if marks != len(c.fail) {
				t.Errorf("%+v: %d marks", c.rule, marks)
			}
		}
	}
}

// A failed sync leaves no Sync but a mark, with what it would have covered; the next one succeeds.
func TestAFailedSync(t *testing.T) {
	l := open(t, nil)
	f, err := os.Create(filepath.Join(l.mount, "f"))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.faults.Arm(Rule{Op: OpSync, N: 1, Err: syscall.EIO}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []error{syscall.EIO, nil} {
		if _, err := f.WriteString("text"); err != nil {
			t.Fatal(err)
		}
		if err := f.Sync(); !errors.Is(err, want) {
			t.Errorf("sync %d: %v, want %v", i+1, err, want)
		}
	}
	l.faults.Disarm()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	l.done()
	var failed, written uint64
	var syncs []trace.Event
	for _, e := range l.events {
		switch {
		case e.Kind == trace.Write && written == 0:
			written = e.Seq
		case e.Note == trace.MarkSyncFailed:
			failed = e.Covers
			if e.File == 0 || e.Path != "f" {
				t.Errorf("the mark is about file %d, %q", e.File, e.Path)
			}
		case e.Kind == trace.Sync:
			syncs = append(syncs, e)
		}
	}
	if failed != written || len(syncs) != 1 || syncs[0].Covers <= failed {
		t.Errorf("written at %d, failed up to %d, synced %v", written, failed, syncs)
	}
	if c := l.faults.Counts(); c[OpSync] != 2 || c[OpWrite] != 2 || c[OpCreate] != 1 {
		t.Errorf("counts %v", c)
	}
}

// A failed sync of a directory is left out of the trace.
func TestAFailedSyncOfADirectory(t *testing.T) {
	l := open(t, nil)
	if err := l.faults.Arm(Rule{Op: OpSync, N: 1, Err: syscall.EIO}); err != nil {
		t.Fatal(err)
	}
	dir, err := os.Open(l.mount)
	if err != nil {
		t.Fatal(err)
	}
	if err := dir.Sync(); !errors.Is(err, syscall.EIO) {
		t.Errorf("%v, want EIO", err)
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		t.Error(err)
	}
	l.done()
	if got := l.said("fault: " + l.faults.Injected()[0].String()); got != "syncdir " {
		t.Errorf("after the fault: %q", got)
	}
}

// A write that fails does nothing, and what was read before it is read after it.
func TestAFailedWriteDoesNothing(t *testing.T) {
	l := open(t, func(backing string) { write(t, filepath.Join(backing, "f"), "before") })
	f, err := os.OpenFile(filepath.Join(l.mount, "f"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.faults.Arm(Rule{Op: OpWrite, N: 1, From: true, Err: syscall.ENOSPC, Glob: "f"}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("after"), 0); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v, want ENOSPC", err)
	}
	if got, err := os.ReadFile(filepath.Join(l.mount, "f")); string(got) != "before" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	l.faults.Disarm()
	_, err = f.WriteAt([]byte("AFTER"), 0)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Error(err)
	}
	l.done()
}

func TestRulesThatMakeNoSense(t *testing.T) {
	var f Faults
	for _, r := range []Rule{{}, {Op: "read", N: 1, Err: syscall.EIO}, {Op: OpWrite, Err: syscall.EIO}, {Op: OpWrite, N: 1},
		{Op: OpWrite, N: 1, Err: syscall.EIO, Glob: "["}} {
		if err := f.Arm(r); !errors.Is(err, ErrRule) {
			t.Errorf("%+v: %v", r, err)
		}
	}
}
