package disk

import (
	"fmt"
	"io/fs"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"holdfast/lab/trace"
)

// script makes a trace of lines such as these, separated by semicolons; numbers of files are the first, paths come as they
// are, "." is the data directory, and dots in what is written are zeros:
//
//	create 1 a · write 1 0 bytes · truncate 1 4 · allocate 1 MODE OFF SIZE · sync 1 [COVERS] · mkdir d · rmdir d
//	rename a b · link a b · unlink a · symlink a target · syncdir d [COVERS] · syncfailed 1 · begin
func script(t testing.TB, text string) (*trace.Reader, []trace.Event) {
	t.Helper()
	rec := newRecording(t)
	for line := range strings.SplitSeq(text, ";") {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		e, data := parseLine(t, words, rec.last)
		rec.add(e, data)
	}
	return rec.play()
}

func parseLine(t testing.TB, words []string, last uint64) (e trace.Event, data []byte) {
	t.Helper()
	number := func(i int) int64 {
		n, err := strconv.ParseInt(words[i], 10, 64)
		if err != nil {
			t.Fatalf("%v: %v", words, err)
		}
		return n
	}
	path := func(i int) string { return strings.TrimPrefix(words[i], ".") }
	for kind := trace.Mkdir; kind <= trace.SyncDir; kind++ {
		if kind.String() == words[0] {
			e.Kind = kind
		}
	}
	switch words[0] {
	case "begin":
		return trace.Event{Kind: trace.Mark, Note: trace.MarkBegin}, nil
	case "syncfailed":
		return trace.Event{Kind: trace.Mark, Note: trace.MarkSyncFailed, File: uint64(number(1)), Covers: last}, nil
	case "create":
		e.File, e.Path = uint64(number(1)), path(2)
	case "write":
		data = []byte(strings.ReplaceAll(words[3], ".", "\x00"))
		e.File, e.Off, e.Size = uint64(number(1)), number(2), int64(len(data))
	case "truncate":
		e.File, e.Size = uint64(number(1)), number(2)
	case "allocate":
		e.File, e.Mode, e.Off, e.Size = uint64(number(1)), uint32(number(2)), number(3), number(4)
	case "sync", "syncdir":
		if e.Covers = last; len(words) > 2 {
			e.Covers = uint64(number(2))
		}
		if e.Kind == trace.Sync {
			e.File = uint64(number(1))
		} else {
			e.Path = path(1)
		}
	case "rename", "link", "symlink":
		e.Path, e.To = path(1), path(2)
	case "mkdir", "rmdir", "unlink":
		e.Path = path(1)
	default:
		t.Fatalf("what is %q?", words)
	}
	return e, data
}

// recording is a trace that a test writes.
type recording struct {
	t    testing.TB
	path string
	w    *trace.Writer
	last uint64
}

func newRecording(t testing.TB) *recording {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trace")
	w, err := trace.NewWriter(path, trace.Meta{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	return &recording{t: t, path: path, w: w}
}

func (r *recording) add(e trace.Event, data []byte) {
	r.t.Helper()
	seq, err := r.w.Append(e, data)
	if err != nil {
		r.t.Fatal(err)
	}
	r.last = seq
}

// play reads the trace back.
func (r *recording) play() (*trace.Reader, []trace.Event) {
	r.t.Helper()
	if err := r.w.Close(); err != nil {
		r.t.Fatal(err)
	}
	in, err := trace.Open(r.path)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { in.Close() })
	var events []trace.Event
	if err := in.Events(func(e trace.Event) (bool, error) { events = append(events, e); return true, nil }); err != nil {
		r.t.Fatal(err)
	}
	return in, events
}

// model applies all events.
func model(t testing.TB, r *trace.Reader, events []trace.Event, reading Reading) *Model {
	t.Helper()
	m := New(r, reading)
	for _, e := range events {
		if err := m.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// show writes a directory down in one line: "a=bytes d/ d/b=a l>target", zeros as dots, "b:a" for a second name of a.
func show(t testing.TB, dir string) string {
	t.Helper()
	first := map[uint64]string{}
	var parts []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name := strings.TrimPrefix(path, dir+"/")
		switch {
		case d.IsDir():
			parts = append(parts, name+"/")
		case d.Type() == fs.ModeSymlink:
			target, err := os.Readlink(path)
			parts = append(parts, name+">"+target)
			return err
		default:
			info, err := d.Info()
			if err != nil {
				return err
			}
			inode := info.Sys().(*syscall.Stat_t).Ino
			if other, met := first[inode]; met {
				parts = append(parts, name+":"+other)
				return nil
			}
			first[inode] = name
			b, err := os.ReadFile(path)
			parts = append(parts, name+"="+strings.ReplaceAll(string(b), "\x00", "."))
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(parts, " ")
}

// built is what a choice leaves, as show shows it.
func built(t testing.TB, c *Crash, ch Choice) string {
	t.Helper()
	dir, err := os.MkdirTemp(t.TempDir(), "state")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := c.Build(dir, ch); err != nil {
		t.Fatal(err)
	}
	return show(t, dir)
}

// shown is what Build would make, as built shows it, without making it.
func shown(t testing.TB, c *Crash, ch Choice) string {
	t.Helper()
	ed := &editor{own: new(edit), r: c.r}
	s := c.leave(c.marks(c.Normalise(ch)), ed)
	if ed.err != nil {
		t.Fatal(ed.err)
	}
	var parts []string
	first := map[*file]string{}
	var walk func(dir *node, at string)
	walk = func(dir *node, at string) {
		for _, name := range sorted(s.names.list(dir)) {
			n, p := s.names.list(dir)[name], at+name
			switch {
			case n.isLink:
				parts = append(parts, p+">"+n.target)
			case n.isDir():
				parts = append(parts, p+"/")
				walk(n, p+"/")
			case first[n.file] != "":
				parts = append(parts, p+":"+first[n.file])
			default:
				first[n.file] = p
				b := make([]byte, s.files[n.file].size)
				s.files[n.file].root.each(0, math.MaxInt64, func(e *extent) {
					if err := c.r.ReadData(trace.Data{Pos: e.pos, Len: e.end - e.off}, 0, b[e.off:e.end]); err != nil {
						t.Fatal(err)
					}
				})
				parts = append(parts, p+"="+strings.ReplaceAll(string(b), "\x00", "."))
			}
		}
	}
	walk(s.names.root, "")
	return strings.Join(parts, " ")
}

// states is every directory that a crash may leave, with the choices that leave it. Each directory has one digest, and no
// two have the same.
func states(t testing.TB, c *Crash) map[string][]Choice {
	t.Helper()
	if c.Pieces() > 14 {
		t.Fatalf("%d pieces are too many to try all subsets", c.Pieces())
	}
	all := map[string][]Choice{}
	seen := map[string]string{} // by normalised choice
	digests := map[[32]byte]string{}
	for set := range 1 << c.Pieces() {
		var lost []int
		for i := range c.Pieces() {
			if set>>i&1 == 1 {
				lost = append(lost, i)
			}
		}
		ch := c.Choice(lost)
		normal := c.Normalise(ch)
		state, known := seen[normal.String()]
		if !known {
			state = shown(t, c, normal)
			seen[normal.String()] = state
			digest := c.Digest(normal)
			if other, met := digests[digest]; met && other != state {
				t.Errorf("one digest for %q and %q", other, state)
			}
			digests[digest] = state
		}
		all[state] = append(all[state], ch)
	}
	if len(digests) != len(all) {
		t.Errorf("%d digests for %d directories", len(digests), len(all))
	}
	return all
}

// rng is a source for a test, whose seed is logged.
func rng(t testing.TB, seed uint64) *rand.Rand {
	t.Helper()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 1))
}

func lines(set []string) string {
	return fmt.Sprintf("  %s\n", strings.Join(slices.Sorted(slices.Values(set)), "\n  "))
}

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
