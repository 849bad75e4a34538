package recorder

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"holdfast/lab/trace"
)

// Everything that a child does is in the trace, in order, and nothing else.
func TestEveryOperationIsRecordedInOrder(t *testing.T) {
	l := open(t, func(backing string) { write(t, filepath.Join(backing, "begun"), "was there") })
	run(t, "everything", l.mount)
	l.done()
	want := strings.TrimSpace(`
mkdir d
create d/a.tmp
write file 2 d/a.tmp [0, 11)
write file 2 d/a.tmp [6, 7)
truncate file 2 d/a.tmp to 8
allocate file 2 d/a.tmp [0, 16)
allocate file 2 d/a.tmp [0, 2)
sync file 2 d/a.tmp
sync data file 2 d/a.tmp
rename d/a.tmp to d/a
syncdir d
write file 2 d/a [16, 24)
write file 2 d/a [24, 30)
truncate file 2 d/a to 20
truncate file 2 d/a to 0
write file 2 d/a [0, 1)
link d/a to b
symlink l to d/a
rename d to e
unlink b
unlink e/a
write file 2  [0, 8)
truncate file 2  to 4
rmdir e
unlink l
create x
write file 3 x [0, 6)
create y
write file 4 y [0, 6)
rename x to z
rename y to z`)
	if got := l.said(trace.MarkBegin); got != want {
		t.Errorf("recorded:\n%s\nwant:\n%s", got, want)
	}
	for _, e := range l.events {
		if (e.Kind == trace.Sync || e.Kind == trace.SyncDir) && (e.Covers == 0 || e.Covers >= e.Seq) {
			t.Errorf("%v covers up to %d", e, e.Covers)
		}
	}
	if got := l.Problems(); !slices.Equal(got, []string{"b: a hard link"}) {
		t.Errorf("problems %q", got)
	}
}

// What the backing directory holds comes first, and is durable.
func TestTheTraceBeginsWithWhatIsThere(t *testing.T) {
	l := open(t, func(backing string) {
		for _, err := range []error{
			os.MkdirAll(filepath.Join(backing, "a", "b"), 0o755),
			os.WriteFile(filepath.Join(backing, "a", "b", "big"), bytes.Repeat([]byte("0123456789"), 250_000), 0o644),
			os.WriteFile(filepath.Join(backing, "empty"), nil, 0o644),
			os.Link(filepath.Join(backing, "empty"), filepath.Join(backing, "other")),
			os.Symlink("a/b", filepath.Join(backing, "link")),
			syscall.Mkfifo(filepath.Join(backing, "pipe"), 0o600),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
	})
	l.done()
	if last := l.events[len(l.events)-1]; last.Kind != trace.Mark || last.Note != trace.MarkBegin {
		t.Errorf("the last event is %v", last)
	}
	if want := []string{"other: a hard link", "pipe: neither file nor directory, not recorded"}; !slices.Equal(l.Problems(), want) {
		t.Errorf("problems %q, want %q", l.Problems(), want)
	}
}

// A thousand writes of four threads: what the trace makes of them is what the files hold, byte for byte; done checks it.
func TestTheOrderOfTheTraceIsTheOrderOnDisk(t *testing.T) {
	l := open(t, nil)
	run(t, "threads", l.mount)
	l.done()
	writes, appended := 0, int64(0)
	for _, e := range l.events {
		if e.Kind != trace.Write {
			continue
		}
		if writes++; e.Path == "2" {
			if e.Off != appended {
				t.Errorf("%v: appended at %d, and the end was at %d", e, e.Off, appended)
			}
			appended += e.Size
		}
	}
	if want := threads * (writesEach + (writesEach+2)/3); writes != want {
		t.Errorf("%d writes, want %d", writes, want)
	}
}

func TestMappedWritesAreNoticed(t *testing.T) {
	l := open(t, nil)
	run(t, "mapped", l.mount)
	l.done()
	if p := l.Problems(); len(p) != 1 || !strings.Contains(p[0], "m is written to through a mapping") {
		t.Errorf("problems %q", p)
	}
	marks := 0
	for _, e := range l.events {
		if e.Note == trace.MarkMapped {
			marks++
		}
	}
	if marks != 1 {
		t.Errorf("%d marks, want 1", marks)
	}
}

func TestMappingsForReadingShowWhatIsWritten(t *testing.T) {
	l := open(t, nil)
	run(t, "coherent", l.mount)
	l.done()
	if p := l.Problems(); len(p) > 0 {
		t.Errorf("problems %q", p)
	}
}

func TestSynchronousWritesAreSyncs(t *testing.T) {
	l := open(t, nil)
	run(t, "synced", l.mount)
	l.done()
	problems := strings.Join(l.Problems(), "\n")
	for name, want := range map[string][2]string{
		"dsync": {"sync data", "dsync is opened with O_SYNC or O_DSYNC"}, "sync": {"sync file", "sync is opened with O_SYNC"},
		"both": {"sync data", "both is opened with O_DIRECT"}, "direct": {"", "direct is opened with O_DIRECT"},
	} {
		syncs, wrote := "", uint64(0)
		for _, e := range l.events {
			if e.Path == name && e.Kind == trace.Write {
				wrote = e.Seq
			} else if e.Path == name && e.Kind == trace.Sync && e.Covers >= wrote && wrote > 0 {
				syncs += e.String() + "\n"
			}
		}
		if wrote == 0 || (syncs == "") != (want[0] == "") || !strings.Contains(syncs, want[0]) {
			t.Errorf("%s: written at event %d, synced by %q", name, wrote, syncs)
		}
		if !strings.Contains(problems, want[1]) {
			t.Errorf("%s: problems %q", name, problems)
		}
	}
}

func TestLocksKeepOutOthers(t *testing.T) {
	l := open(t, nil)
	first := child(t, "locks", l.mount)
	out, err := first.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "locked\n" {
		t.Fatalf("%q, %v", line, err)
	}
	run(t, "locks", l.mount, "second")
	kill(t, first)
	l.done()
}

// A reader that is slow sees each byte once while others append.
func TestASlowReaderSeesAll(t *testing.T) {
	l := open(t, nil)
	write(t, filepath.Join(l.mount, "lines"), "begin\n")
	reader := child(t, "reader", l.mount, "lines")
	var out bytes.Buffer
	reader.Stderr = &out
	if err := reader.Start(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(l.mount, "lines"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		if _, err := fmt.Fprintf(f, "line %d\n", i); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.WriteString("end\n"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Close(), reader.Wait()); err != nil {
		t.Errorf("%v: %s", err, &out)
	}
	l.done()
}

func TestSyncDelay(t *testing.T) {
	const delay = 60 * time.Millisecond
	l := open(t, nil, func(o *Options) { o.SyncDelay = delay })
	f, err := os.Create(filepath.Join(l.mount, "f"))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < delay {
		t.Errorf("a sync took %v, want %v or more", took, delay)
	}
	l.SetSyncDelay(0)
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
	l.done()
}

func kill(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	var ended *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &ended) {
		t.Fatal(err)
	}
}

// A client that crashes leaves a mount that unmounts; what it wrote is in the trace.
func TestAClientThatCrashes(t *testing.T) {
	l := open(t, nil)
	cmd := child(t, "hang", l.mount)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "a write", func() bool { return l.faults.Counts()[OpWrite] > 10 })
	kill(t, cmd)
	l.done()
	if points := mountpoints(t, l.mount); len(points) > 0 {
		t.Errorf("still mounted: %q", points)
	}
}

// A mount that is in use goes all the same, and may be unmounted again.
func TestUnmountWhileInUse(t *testing.T) {
	l := open(t, nil)
	cmd := child(t, "hang", l.mount)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "a write", func() bool { return l.faults.Counts()[OpWrite] > 10 })
	if err := l.Unmount(); err != nil {
		t.Error(err)
	}
	if points := mountpoints(t, l.mount); len(points) > 0 {
		t.Errorf("still mounted: %q", points)
	}
	var ended *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &ended) || ended.ExitCode() != 1 {
		t.Errorf("the client ended with %v, want an error of its write", err)
	}
	l.done()
}

// Who waits for a sync that takes for ever does not keep the mount.
func TestUnmountDuringASync(t *testing.T) {
	l := open(t, nil, func(o *Options) { o.SyncDelay = time.Hour })
	cmd := child(t, "loop", l.mount)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "a sync", func() bool { return l.faults.Counts()[OpSync] > 0 })
	if err := l.Unmount(); err != nil {
		t.Error(err)
	}
	var ended *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &ended) || ended.ExitCode() != 1 {
		t.Errorf("the client ended with %v, want an error of its sync", err)
	}
}

// What hinders the trace is said, and the filesystem works on.
func TestATraceThatIsFull(t *testing.T) {
	path := filepath.Join(t.TempDir(), "small")
	small, err := trace.NewWriter(path, trace.Meta{}, 2000)
	if err != nil {
		t.Fatal(err)
	}
	l := open(t, nil, func(o *Options) { o.Trace = small })
	for i := range 100 {
		write(t, filepath.Join(l.mount, fmt.Sprint(i)), "content of a file")
	}
	if p := l.Problems(); len(p) != 1 || !strings.Contains(p[0], trace.ErrFull.Error()) {
		t.Errorf("problems %q", p)
	}
	if got := len(holds(t, l.backing)); got != 100 {
		t.Errorf("%d files, want 100", got)
	}
	if err := errors.Join(l.Unmount(), l.writer.Close()); err != nil {
		t.Error(err)
	}
	if err := small.Close(); !errors.Is(err, trace.ErrFull) {
		t.Error(err)
	}
}

func TestWithoutATrace(t *testing.T) {
	l := open(t, nil, func(o *Options) { o.Trace = nil })
	run(t, "threads", l.mount)
	if got := holds(t, l.backing); len(got) != 3 {
		t.Errorf("%d files, want 3", len(got))
	}
}

// The client is killed at the n-th operation: it is the last in the trace, whatever other threads are about to do.
func TestAtAnOperation(t *testing.T) {
	for _, n := range []int{1, 2, 5, 44} {
		l := open(t, nil)
		cmd := child(t, "loop", l.mount)
		started, killed := make(chan struct{}), make(chan error, 1)
		l.At(n, func() {
			<-started
			err := cmd.Process.Kill()
			cmd.Wait() // the kill is its result
			killed <- err
		})
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		close(started)
		select {
		case err := <-killed:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("the client is not killed at the operation")
		}
		l.done()
		operations := 0
		for _, e := range l.events {
			if e.Kind.IsFile() {
				operations++
			}
		}
		if operations != n {
			t.Errorf("%d operations, want %d", operations, n)
		}
	}
}

func TestMountRefuses(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), "")
	for _, o := range []Options{
		{Backing: filepath.Join(dir, "none"), Mountpoint: dir},
		{Backing: dir, Mountpoint: filepath.Join(dir, "none")},
		{Backing: filepath.Join(dir, "file"), Mountpoint: dir},
	} {
		if _, err := Mount(o); err == nil || errors.Is(err, ErrNoFUSE) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// A lab that was killed leaves a mount that answers nobody; it goes, with what lies around it, and one that lives stays.
func TestStaleMountsAreCleaned(t *testing.T) {
	alive := open(t, nil)
	for _, prefix := range []string{"", "holdfast-lab-"} {
		room, err := os.MkdirTemp(t.TempDir(), "holdfast-lab-")
		if err != nil {
			t.Fatal(err)
		}
		cmd := startLab(t, room)
		mount := filepath.Join(room, "mount")
		if cleaned, err := CleanStale(prefix); slices.Contains(cleaned, mount) || err != nil {
			t.Errorf("%q cleaned while its lab lives, %v", cleaned, err)
		}
		if _, err := os.Stat(filepath.Join(mount, "file")); err != nil {
			t.Errorf("the other lab's file: %v", err)
		}
		kill(t, cmd)
		if _, err := os.Open(filepath.Join(mount, "file")); !errors.Is(err, syscall.ENOTCONN) {
			t.Errorf("a dead mount: %v", err)
		}
		if cleaned, err := CleanStale(prefix); !slices.Contains(cleaned, mount) || err != nil { // other tests may have left some too
			t.Errorf("%q cleaned, %v; want %q", cleaned, err, mount)
		}
		gone := mount
		if prefix != "" {
			gone = room
		}
		if _, err := os.Lstat(gone); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there, %v", gone, err)
		}
	}
	write(t, filepath.Join(alive.mount, "still"), "here")
	alive.done()
}

// startLab starts another lab in a directory, and waits until it has mounted.
func startLab(t *testing.T, room string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := child(t, "lab", room, args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "mounted\n" {
		t.Fatalf("%q, %v", line, err)
	}
	return cmd
}

// A lab that is killed while it waits for its own filesystem cannot end: nobody is left to answer. Cleaning frees it.
func TestALabThatHangsOnItself(t *testing.T) {
	open(t, nil) // fails or skips where there is no FUSE
	room, err := os.MkdirTemp(t.TempDir(), "holdfast-lab-")
	if err != nil {
		t.Fatal(err)
	}
	cmd := startLab(t, room, "stuck")
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	until(t, "cleaning", func() bool {
		cleaned, err := CleanStale("holdfast-lab-")
		if err != nil {
			t.Fatal(err)
		}
		return slices.Contains(cleaned, filepath.Join(room, "mount"))
	})
	var ended *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &ended) {
		t.Error(err)
	}
	if _, err := os.Lstat(room); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there, %v", room, err)
	}
}

// A child that lives on must not keep the connection of a killed lab open: then its mount would hang and not fail.
func TestChildrenDoNotInheritTheConnection(t *testing.T) {
	open(t, nil)
	out, err := exec.Command("ls", "-l", "/proc/self/fd").Output()
	if err != nil || bytes.Contains(out, []byte(device)) {
		t.Errorf("%s, %v", out, err)
	}
}

// A server in this process, such as a test has, cannot die of a kill: it is refused what comes after the n-th operation.
func TestAtAnOperationOfThisProcess(t *testing.T) {
	l := open(t, nil)
	path := filepath.Join(l.mount, "f")
	var at error
	ended := make(chan struct{})
	l.At(1, func() {
		defer close(ended)
		until(t, "the second operation", func() bool {
			_, at = os.Create(filepath.Join(l.mount, "g"))
			return errors.Is(at, syscall.EIO)
		})
	})
	f, err := os.Create(path)
	if err != nil {
		t.Fatalf("the operation itself: %v", err)
	}
	<-ended
	until(t, "the end of the halt", func() bool { _, err := f.WriteString("x"); return err == nil })
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	l.done()
}
