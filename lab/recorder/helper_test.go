package recorder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"holdfast/lab/trace"
)

// The files of a mount are used by child processes: a process must not map files of its own filesystem, and a client
// that crashes has to be one of its own anyway. A child is this test binary, told by the environment what to do.
const childVar = "HOLDFAST_RECORDER_CHILD"

func TestMain(m *testing.M) {
	if name := os.Getenv(childVar); name != "" {
		work, ok := children()[name]
		if !ok {
			fmt.Fprintf(os.Stderr, "no child is called %q\n", name)
			os.Exit(2)
		}
		if err := work(os.Args[1], os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child is a command that does what a child of that name does in a directory.
func child(t testing.TB, name, dir string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, append([]string{dir}, args...)...)
	cmd.Env = append(os.Environ(), childVar+"="+name)
	return cmd
}

// run runs a child to its end, which must be good.
func run(t testing.TB, name, dir string, args ...string) {
	t.Helper()
	if out, err := child(t, name, dir, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// lab is a mount with all that belongs to it.
type lab struct {
	*Filesystem
	t              testing.TB
	backing, mount string
	path           string // of the trace
	writer         *trace.Writer
	faults         *Faults
	events         []trace.Event // after done
	reader         *trace.Reader
}

// open mounts on a new directory; prepare may put something into the backing directory before.
func open(t testing.TB, prepare func(backing string), change ...func(*Options)) *lab {
	t.Helper()
	dir := t.TempDir()
	l := &lab{t: t, backing: filepath.Join(dir, "backing"), mount: filepath.Join(dir, "mount"), path: filepath.Join(dir, "trace"), faults: &Faults{}}
	for _, d := range []string{l.backing, l.mount} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if prepare != nil {
		prepare(l.backing)
	}
	var err error
	if l.writer, err = trace.NewWriter(l.path, trace.Meta{}, 0); err != nil {
		t.Fatal(err)
	}
	o := Options{Backing: l.backing, Mountpoint: l.mount, Trace: l.writer, Faults: l.faults}
	for _, c := range change {
		c(&o)
	}
	l.Filesystem, err = Mount(o)
	if errors.Is(err, ErrNoFUSE) && os.Getenv("HOLDFAST_LAB_NO_FUSE") == "1" {
		t.Skipf("HOLDFAST_LAB_NO_FUSE=1 allows it: %v", err)
	}
	if err != nil {
		t.Fatalf("%v (HOLDFAST_LAB_NO_FUSE=1 skips what needs a mount)", err)
	}
	t.Cleanup(func() {
		if err := l.Unmount(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// done unmounts, reads the trace and checks that doing it again gives what the backing directory holds.
func (l *lab) done() {
	l.t.Helper()
	if err := errors.Join(l.Unmount(), l.writer.Close()); err != nil {
		l.t.Fatal(err)
	}
	var err error
	if l.reader, err = trace.Open(l.path); err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { l.reader.Close() })
	if err := l.reader.Events(func(e trace.Event) (bool, error) {
		l.events = append(l.events, e)
		return true, nil
	}); err != nil {
		l.t.Fatal(err)
	}
	got, want := l.replay(), holds(l.t, l.backing)
	for path, content := range want {
		if got[path] != content {
			l.t.Errorf("%s: the trace makes %s of it, and the directory has %s", path, brief(got[path]), brief(content))
		}
		delete(got, path)
	}
	for path := range got {
		l.t.Errorf("%s: it is in the trace, and not in the directory", path)
	}
}

func brief(text string) string { return fmt.Sprintf("%d bytes, %.60q", len(text), text) }

// replay does what the trace says. Directories are "dir", links "-> target".
func (l *lab) replay() map[string]string {
	l.t.Helper()
	names, numbers, files := map[string]string{}, map[string]uint64{}, map[uint64][]byte{}
	size := func(file uint64, n int64) {
		for int64(len(files[file])) < n {
			files[file] = append(files[file], make([]byte, n-int64(len(files[file])))...)
		}
	}
	for _, e := range l.events {
		switch e.Kind {
		case trace.Mkdir:
			names[e.Path] = "dir"
		case trace.Create:
			names[e.Path], numbers[e.Path], files[e.File] = "file", e.File, nil
		case trace.Symlink:
			names[e.Path] = "-> " + e.To
		case trace.Link:
			names[e.To], numbers[e.To] = "file", e.File
		case trace.Rmdir, trace.Unlink:
			delete(names, e.Path)
			delete(numbers, e.Path)
		case trace.Rename:
			for path := range names {
				if rest, below := strings.CutPrefix(path, e.Path+"/"); below {
					names[e.To+"/"+rest], numbers[e.To+"/"+rest] = names[path], numbers[path]
					delete(names, path)
				}
			}
			names[e.To], numbers[e.To] = names[e.Path], numbers[e.Path]
			delete(names, e.Path)
		case trace.Write:
			size(e.File, e.Off+e.Size)
			if err := l.reader.ReadData(e.Data, 0, files[e.File][e.Off:e.Off+e.Size]); err != nil {
				l.t.Fatal(err)
			}
		case trace.Truncate:
			size(e.File, e.Size)
			files[e.File] = files[e.File][:e.Size]
		case trace.Allocate:
			if e.Mode == 0 {
				size(e.File, e.Off+e.Size)
			} else if e.Mode&2 != 0 { // a hole
				clear(files[e.File][e.Off:min(e.Off+e.Size, int64(len(files[e.File])))])
			}
		}
	}
	for path, what := range names {
		if what == "file" {
			names[path] = "file " + string(files[numbers[path]])
		}
	}
	return names
}

// holds is what a directory holds, as replay has it.
func holds(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name := strings.TrimPrefix(path, dir+"/")
		switch {
		case d.IsDir():
			all[name] = "dir"
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			all[name] = "-> " + target
			return err
		case d.Type().IsRegular():
			content, err := os.ReadFile(path)
			all[name] = "file " + string(content)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// said is the trace as lines, without the numbers and times of events.
func (l *lab) said(from string) string {
	var lines []string
	for _, e := range l.events {
		if e.Kind == trace.Mark && e.Note == from {
			lines = nil
			continue
		}
		_, line, _ := strings.Cut(e.String(), " ")
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// until waits until something is so.
func until(t testing.TB, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !so(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}

// mountpoints are those of this package's kind below a directory.
func mountpoints(t testing.TB, dir string) (points []string) {
	t.Helper()
	all, err := mounts()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if strings.HasPrefix(m.point, dir) {
			points = append(points, m.point)
		}
	}
	return points
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
