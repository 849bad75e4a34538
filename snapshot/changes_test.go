package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"holdfast/internal/vfs"
)

// TestTheLastCallWins reads as: these calls leave these things to do.
func TestTheLastCallWins(t *testing.T) {
	whole, parted := Record{Payload: []byte("w")}, Record{Parted: true}
	put := func(r Record) func(*Changes) error {
		return func(c *Changes) error { return c.Put(1, []byte("k"), r) }
	}
	del := func(c *Changes) error { return c.Delete(1, []byte("k")) }
	part := func(n uint64) func(*Changes) error {
		return func(c *Changes) error { return c.PutPart(1, []byte("k"), n, []byte("p")) }
	}
	delPart := func(n uint64) func(*Changes) error {
		return func(c *Changes) error { return c.DeletePart(1, []byte("k"), n) }
	}
	big := Record{Payload: make([]byte, chunk+1)}
	for _, test := range []struct {
		calls []func(*Changes) error
		want  string
	}{
		{nil, ""},
		{[]func(*Changes) error{put(whole)}, "put+clear"},
		{[]func(*Changes) error{put(parted)}, "put"},
		{[]func(*Changes) error{del}, "delete+clear"},
		{[]func(*Changes) error{put(whole), del}, "delete+clear"},
		{[]func(*Changes) error{del, put(parted)}, "put+clear"},
		{[]func(*Changes) error{put(whole), put(parted), put(parted)}, "put+clear"},
		{[]func(*Changes) error{part(2), part(1)}, "part1 part2"},
		{[]func(*Changes) error{part(1), delPart(1), part(2), part(2)}, "del1 part2"},
		{[]func(*Changes) error{part(1), put(parted), part(2)}, "put part1 part2"},
		{[]func(*Changes) error{part(1), del, part(2), put(parted), part(3)}, "put+clear part2 part3"},
		{[]func(*Changes) error{part(1), put(whole)}, "put+clear"},
		{[]func(*Changes) error{put(big)}, "put+clear chunk0 chunk1"},
		{[]func(*Changes) error{put(big), put(big)}, "put+clear chunk0 chunk1"},
		{[]func(*Changes) error{put(big), put(whole)}, "put+clear"},
		{[]func(*Changes) error{put(big), del}, "delete+clear"},
		{[]func(*Changes) error{put(Record{Payload: make([]byte, 2*chunk+1)}), put(big)}, "put+clear chunk0 chunk1"},
	} {
		for _, memory := range []int{1 << 20, 1} { // in memory, and a run per entry
			c := NewChanges(vfs.OS(), t.TempDir(), memory)
			for _, call := range append(test.calls, func(c *Changes) error { return c.Put(2, []byte("other"), whole) }) {
				must(t, call(c))
			}
			got := resolvedNames(t, c)
			if want := strings.TrimSpace(test.want + " put+clear"); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if c.Len() != len(test.calls)+1 {
				t.Errorf("Len is %d after %d calls", c.Len(), len(test.calls)+1)
			}
			must(t, c.Discard())
		}
	}
}

func resolvedNames(t *testing.T, c *Changes) string {
	t.Helper()
	from, err := c.resolved()
	must(t, err)
	var names []string
	for {
		e, err := from.next()
		if err == io.EOF {
			return strings.Join(names, " ")
		}
		must(t, err)
		name := map[op]string{opPut: "put", opDelete: "delete", opChunk: "chunk", opPart: "part", opDelPart: "del"}[e.op()]
		if e.class() != classRecord {
			name += fmt.Sprint(e.part())
		} else if e.clear() {
			name += "+clear"
		}
		names = append(names, name)
	}
}

// TestSpillAndMerge: whatever the limit, what comes out is sorted, whole, and may be read again.
func TestSpillAndMerge(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	const n = 1100
	for i, memory := range []int{1, 500, 20_000, 10 << 20, 500, 20_000, 10 << 20} { // from a run per entry, in three levels, to none
		c := NewChanges(vfs.OS(), dir, memory)
		c.spool.behind = i > 3
		var want []string
		for _, i := range rng.Perm(n) {
			must(t, c.Put(Store(i%3), fmt.Appendf(nil, "key %d", i), Record{Payload: fmt.Append(nil, i)}))
			want = append(want, fmt.Sprintf("%d kkey %d", i%3, i))
		}
		slices.Sort(want)
		for range 2 {
			from, err := c.resolved()
			must(t, err)
			var got []string
			for e, err := from.next(); err != io.EOF; e, err = from.next() {
				must(t, err)
				got = append(got, fmt.Sprintf("%d %s", e.store(), e.key()))
			}
			if !slices.Equal(got, want) {
				t.Fatalf("memory %d: %d entries of %d, or out of order", memory, len(got), n)
			}
		}
		files, err := filepath.Glob(filepath.Join(dir, "*"+TemporarySuffix))
		must(t, err)
		if spilled := memory < 10<<20; (len(files) > 0) != spilled || len(files) > 3*runsOfLevel {
			t.Errorf("memory %d: %d files", memory, len(files))
		}
		if c.Bytes() < n*entryHeader {
			t.Errorf("Bytes is %d", c.Bytes())
		}
		must(t, c.Discard())
		if files, err = filepath.Glob(filepath.Join(dir, "*")); err != nil || len(files) > 0 || c.Len() != 0 || c.Bytes() != 0 {
			t.Errorf("after Discard: %q, %v", files, err)
		}
	}
}

func TestADamagedRunIsNoticed(t *testing.T) {
	dir := t.TempDir()
	c := NewChanges(vfs.OS(), dir, 1000)
	for i := range 100 {
		must(t, c.Put(1, fmt.Append(nil, i), Record{}))
	}
	run := c.spool.runs[1].path
	content, err := os.ReadFile(run)
	must(t, err)
	for i := 0; i < len(content); i += 7 {
		content[i] ^= 0x10
		must(t, os.WriteFile(run, content, 0o600))
		from, err := c.resolved()
		for err == nil {
			_, err = from.next()
		}
		if !errors.Is(err, ErrCorrupt) {
			t.Fatalf("byte %d: %v", i, err)
		}
		content[i] ^= 0x10
	}
	must(t, c.Discard())
}

func TestRemoveTemporary(t *testing.T) {
	dir := t.TempDir()
	m := small(t, dir)
	c := NewChanges(vfs.OS(), dir, 1)
	must(t, c.Put(1, []byte("a"), Record{}))
	must(t, c.Put(1, []byte("b"), Record{}))
	for _, name := range []string{"base.db" + TemporarySuffix, "base.db" + redoSuffix + TemporarySuffix, "other.tmp"} {
		must(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	must(t, RemoveTemporary(vfs.OS(), dir))
	names, err := vfs.OS().List(dir)
	must(t, err)
	if !slices.Equal(names, []string{"base.db", "other.tmp"}) {
		t.Errorf("%q are left", names)
	}
	m.check(t, open(t, dir, OpenOptions{}))
}

func TestTooLargeAPart(t *testing.T) {
	c := NewChanges(vfs.OS(), t.TempDir(), 1<<20)
	if err := c.PutPart(1, []byte("k"), 0, make([]byte, MaxPart+1)); !errors.Is(err, ErrTooLarge) || c.Len() != 0 {
		t.Errorf("%v", err)
	}
}

func FuzzBlocks(f *testing.F) {
	var b bytes.Buffer
	file := &memoryFile{}
	w := newBlockWriter(file, "run", runMagic, nil)
	if err := errors.Join(w.add(appendEntry(nil, opPut, 1, 1, 0, []byte("k"), []byte("v"))), w.finish()); err != nil {
		f.Fatal(err)
	}
	b.Write(file.content)
	f.Add(b.Bytes())
	f.Add([]byte(runMagic))
	f.Fuzz(func(t *testing.T, content []byte) {
		r := newBlockReader(&memoryFile{content: content}, "run", runMagic)
		for {
			e, err := r.next()
			if err == io.EOF {
				return
			}
			if err != nil {
				if !errors.Is(err, ErrCorrupt) {
					t.Fatal(err)
				}
				return
			}
			if e.size() != len(e) || len(e) > len(content) {
				t.Fatalf("an entry of %d bytes in a file of %d", len(e), len(content))
			}
		}
	})
}

// memoryFile is a vfs.File of which block files use but little.
type memoryFile struct {
	vfs.File
	content []byte
}

func (m *memoryFile) WriteAt(b []byte, off int64) (int, error) {
	m.content = append(m.content[:off], b...)
	return len(b), nil
}

func (m *memoryFile) ReadAt(b []byte, off int64) (int, error) {
	return bytes.NewReader(m.content).ReadAt(b, off)
}

func (m *memoryFile) Size() (int64, error) { return int64(len(m.content)), nil }
