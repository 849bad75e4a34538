package snapshot

import (
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"holdfast/internal/vfs"
)

// The order is that of compareEntries, whatever keys begin with, end with, or have in common.
func TestOrderOfGathered(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	text := func(letters string, most int) string {
		b := make([]byte, rng.IntN(most+1))
		for i := range b {
			b[i] = letters[rng.IntN(len(letters))]
		}
		return string(b)
	}
	for range 300 {
		var g gathered
		var want []entry
		before, stores := text("ab\x00", 20), 1+rng.IntN(3)
		for i := range rng.IntN(100) {
			key := before + text("\x00\x01a\xff", 14)
			e := entry(appendEntry(nil, opRaw, Store(rng.IntN(stores)), uint64(i), 0, []byte(key), nil))
			slab := g.room(len(e))
			*slab = append(*slab, e...)
			want = append(want, e)
		}
		slices.SortFunc(want, compareEntries)
		var got []entry
		if err := each(g.source(), func(e entry) error { got = append(got, e); return nil }); err != nil {
			t.Fatal(err)
		}
		if !slices.EqualFunc(got, want, func(a, b entry) bool { return string(a) == string(b) }) {
			t.Fatalf("%q\nwant\n%q", got, want)
		}
	}
}

// Whatever operation fails behind the caller, the caller hears of it, before the end, and no file is left.
func TestWhatFailsBehind(t *testing.T) {
	dir := t.TempDir()
	meta := Meta{DBs: []DB{{Index: 0, Store: 1}}}
	for n := 1; ; n++ {
		fsys := vfs.NewFaulty(dir, int64(n))
		fsys.FailAt(n, os.ErrPermission, vfs.Create, vfs.Write, vfs.Sync, vfs.Rename, vfs.SyncDir) // but no Remove, which leaves its file
		c := NewChangesBehind(fsys, dir, 2000)
		var err error
		for i := 0; i < 60 && err == nil; i++ {
			err = c.Put(1, []byte{byte(i * 37)}, Record{Payload: make([]byte, 50), Deadline: 1})
		}
		if err == nil {
			_, err = WriteFresh(fsys, dir, "base.db", c, meta)
		}
		if err == nil && len(fsys.Injected()) == 0 {
			must(t, c.Discard())
			break
		}
		if !errors.Is(err, os.ErrPermission) {
			t.Fatalf("operation %d failed, and what came was %v", n, err)
		}
		must(t, c.Discard())
		files, err := filepath.Glob(filepath.Join(dir, "*"+TemporarySuffix))
		must(t, err)
		if len(files) > 0 {
			t.Fatalf("operation %d failed, and left %q", n, files)
		}
		must(t, removeIfThere(vfs.OS(), filepath.Join(dir, "base.db")))
	}
	b := open(t, dir, OpenOptions{})
	report, err := b.Verify(nil)
	must(t, err)
	if report.Keys != 60 || report.Deadlines != 60 {
		t.Errorf("%+v", report)
	}
}

// endless gives out one entry, again and again, until it is to fail.
type endless struct {
	left int
	err  error
}

func (e *endless) next() (entry, error) {
	if e.left--; e.left < 0 {
		return nil, e.err
	}
	return appendEntry(nil, opRaw, 1, 1, 1, []byte("key"), make([]byte, 100)), nil
}

func TestAhead(t *testing.T) {
	ours, theirs := errors.New("of the reader"), errors.New("of the source")
	const entries = 10_000
	for _, test := range []struct {
		source, fn, want error
		seen             int
	}{{io.EOF, nil, nil, entries}, {theirs, nil, theirs, entries}, {io.EOF, ours, ours, 5}} {
		seen := 0
		err := eachAhead(&endless{entries, test.source}, func(e entry) error {
			if seen++; seen == test.seen {
				return test.fn
			}
			return nil
		})
		if !errors.Is(err, test.want) || seen != test.seen {
			t.Errorf("%v after %d entries, want %v after %d", err, seen, test.want, test.seen)
		}
	}
	if err := eachAhead(&endless{0, io.EOF}, func(entry) error { return ours }); err != nil {
		t.Error(err)
	}
}
