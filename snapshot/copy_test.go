package snapshot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"holdfast/internal/vfs"
)

// openAt opens a base by path and closes it at the end of the test.
func openAt(t testing.TB, path string) *Base {
	t.Helper()
	b, err := Open(path, OpenOptions{})
	must(t, err)
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func TestACopy(t *testing.T) {
	dir := t.TempDir()
	m := damageable(t, dir, rand.New(rand.NewPCG(1, 1)))
	for _, readOnly := range []bool{true, false} {
		b, err := Open(basePath(dir), OpenOptions{ReadOnly: readOnly})
		must(t, err)
		path := filepath.Join(t.TempDir(), "named.db")
		var last, total int64
		must(t, b.CopyTo(vfs.OS(), path, func(done, of int64) {
			if done <= last || done > of {
				t.Errorf("progress went from %d to %d of %d", last, done, of)
			}
			last, total = done, of
		}))
		if info, err := os.Stat(path); err != nil || last != total || info.Size() != total {
			t.Errorf("progress ended at %d of %d, %v", last, total, err)
		}
		copied := openAt(t, path)
		m.check(t, copied)
		sameContents(t, "the copy", copied, b)

		c := newChanges(t, vfs.OS(), t.TempDir(), m.clone()) // and it is a base like any other
		c.put(1, "only in the copy", Record{Deadline: 5})
		c.apply(copied)
		c.m.check(t, copied)
		m.check(t, b)
		must(t, b.Close())
	}
	onlyTheBase(t, dir)
}

// TestBothHeaderPagesOfACopy lead to its state: damage to either costs nothing.
func TestBothHeaderPagesOfACopy(t *testing.T) {
	dir := t.TempDir()
	m := small(t, dir)
	b := open(t, dir, OpenOptions{})
	c := newChanges(t, vfs.OS(), dir, m)
	for round := range 2 { // an odd and an even transaction
		m.meta.LSN++
		c.put(1, "a", Record{Payload: fmt.Append(nil, round)})
		c.apply(b)
		for harmed := range 2 {
			copies := t.TempDir()
			must(t, b.CopyTo(vfs.OS(), basePath(copies), nil))
			content, err := os.ReadFile(basePath(copies))
			must(t, err)
			content[harmed*os.Getpagesize()+pageHeader+20] ^= 1
			must(t, os.WriteFile(basePath(copies), content, 0o600))
			if diff := m.differs(open(t, copies, OpenOptions{ReadOnly: true})); diff != nil {
				t.Errorf("round %d, without header page %d: %v", round, harmed, diff)
			}
		}
	}
}

// TestHeaderPagesAreBbolts: what page makes is what bbolt wrote.
func TestHeaderPagesAreBbolts(t *testing.T) {
	dir := t.TempDir()
	small(t, dir)
	content, err := os.ReadFile(basePath(dir))
	must(t, err)
	for id := range 2 {
		at := content[id*os.Getpagesize():][:pageHeader+boltMetaSize]
		m, err := parseBoltMeta(at)
		must(t, err)
		if got := m.page(uint64(id)); !bytes.Equal(got, at) {
			t.Errorf("header page %d is\n%x and not\n%x", id, got, at)
		}
	}
}

func TestACopyDoesNotReplace(t *testing.T) {
	dir := t.TempDir()
	m := small(t, dir)
	b := open(t, dir, OpenOptions{})
	path := filepath.Join(dir, "named.db")
	must(t, os.WriteFile(path, []byte("somebody else's"), 0o600))
	if err := b.CopyTo(vfs.OS(), path, nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("CopyTo: %v", err)
	}
	if err := b.CopyTo(vfs.OS(), b.Path(), nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("CopyTo itself: %v", err)
	}
	must(t, os.Remove(path))
	err := b.CopyTo(vfs.OS(), path, func(int64, int64) { // somebody comes first
		must(t, os.WriteFile(path, []byte("somebody else's"), 0o600))
	})
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("CopyTo: %v", err)
	}
	if content, err := os.ReadFile(path); err != nil || string(content) != "somebody else's" {
		t.Errorf("the file is %q, %v", content, err)
	}
	if names, err := vfs.OS().List(dir); err != nil || !slices.Equal(names, []string{"base.db", "named.db"}) {
		t.Errorf("%q are left, %v", names, err)
	}
	if err := b.CopyTo(vfs.OS(), filepath.Join(dir, "nowhere", "named.db"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("CopyTo a directory that is not there: %v", err)
	}
	m.check(t, b)
}

// TestCopiesDuringApplies: each copy is one of the states that there were, and changes do go on while it is made.
func TestCopiesDuringApplies(t *testing.T) {
	all := maps.Clone(ways)
	all["exchange"] = byExchange
	for name, limits := range all {
		t.Run(name, func(t *testing.T) {
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			rng := rand.New(rand.NewPCG(seed, 0))
			dir := t.TempDir()
			m := damageable(t, dir, rng)
			b := open(t, dir, OpenOptions{})
			limits.entries = 100
			b.limits = limits
			c := newChanges(t, vfs.OS(), t.TempDir(), m)
			for i := range 60 { // several pieces of copyPages
				c.put(1, fmt.Sprint("large ", i), Record{Payload: bytes.Repeat([]byte{byte(i)}, chunk)})
			}
			c.apply(b)
			states := map[uint64]*model{m.meta.LSN: m.clone()}
			var mu sync.Mutex // guards states

			const copies = 4
			ask, done := make(chan bool), make(chan bool)
			go func() { // an Apply for each question
				defer close(done)
				for range ask {
					m.meta.LSN++
					c.random(rng, 60)
					mu.Lock()
					states[m.meta.LSN] = m.clone()
					mu.Unlock()
					if _, err := b.Apply(c.ch, m.meta); err != nil {
						t.Error(err)
					}
					if err := c.ch.Discard(); err != nil {
						t.Error(err)
					}
					done <- true
				}
			}()
			for i := range copies {
				path := filepath.Join(t.TempDir(), "named.db")
				pieces := 0
				must(t, b.CopyTo(vfs.OS(), path, func(int64, int64) {
					if pieces++; pieces <= 4 {
						ask <- true
						<-done // between two pieces, pages are freed and written
					}
				}))
				if i%2 == 0 {
					ask <- true // one that the next copy meets under way
					go func() { <-done }()
				}
				copied, err := Open(path, OpenOptions{})
				must(t, err)
				mu.Lock()
				want := states[copied.Meta().LSN]
				mu.Unlock()
				if want == nil || pieces < 4 {
					t.Fatalf("a copy of LSN %d in %d pieces", copied.Meta().LSN, pieces)
				}
				want.check(t, copied)
				must(t, copied.Close())
			}
			close(ask)
			<-done
			m.check(t, b)
		})
	}
}

// TestACopyOfAHalfAppliedChange would be a base that nobody can finish.
func TestACopyOfAHalfAppliedChange(t *testing.T) {
	dir := t.TempDir()
	small(t, dir)
	b := open(t, dir, OpenOptions{})
	must(t, b.update(func(w *writer) error { return w.interrupt() }))
	if err := b.CopyTo(vfs.OS(), filepath.Join(dir, "named.db"), nil); !errors.Is(err, ErrUnfinished) {
		t.Errorf("CopyTo: %v", err)
	}
	onlyTheBase(t, dir)
}

// TestACopyOfADamagedBase: what the first Apply would refuse to touch is not published.
func TestACopyOfADamagedBase(t *testing.T) {
	dir := t.TempDir()
	damageable(t, dir, rand.New(rand.NewPCG(1, 1)))
	forge(t, dir, func(v *view, h header, p func(uint64) page) {
		root := manyRoot(t, v, h)
		binary.NativeEndian.PutUint64(p(root)[pageHeader+8:], root)
	})
	b := open(t, dir, OpenOptions{})
	if err := b.CopyTo(vfs.OS(), filepath.Join(dir, "named.db"), nil); !errors.Is(err, ErrCorrupt) {
		t.Errorf("CopyTo: %v", err)
	}
	onlyTheBase(t, dir)
}

// TestACopyOfAFileThatIsCut: reading beyond its end is an error and not the end of the process.
func TestACopyOfAFileThatIsCut(t *testing.T) {
	dir := t.TempDir()
	damageable(t, dir, rand.New(rand.NewPCG(1, 1)))
	b := open(t, dir, OpenOptions{ReadOnly: true})
	must(t, os.Truncate(basePath(dir), 3*4096))
	if err := b.CopyTo(vfs.OS(), filepath.Join(dir, "named.db"), nil); !errors.Is(err, ErrCorrupt) {
		t.Errorf("CopyTo: %v", err)
	}
	onlyTheBase(t, dir)
}

// TestEveryFailedOperationOfACopy is reported, and the target is there only where its name alone is not yet durable.
func TestEveryFailedOperationOfACopy(t *testing.T) {
	for n := 1; ; n++ {
		dir := t.TempDir()
		fsys := vfs.NewFaulty(dir, int64(n))
		m := small(t, dir)
		b, err := Open(basePath(dir), OpenOptions{FS: fsys})
		must(t, err)
		path := filepath.Join(dir, "named.db")
		fsys.FailAt(fsys.Ops()+n, syscall.ENOSPC)
		err = b.CopyTo(fsys, path, nil)
		injected := fsys.Injected()
		if len(injected) == 0 {
			must(t, errors.Join(err, b.Close()))
			if n < 6 {
				t.Fatalf("a CopyTo made only %d operations", n-1)
			}
			return
		}
		if !errors.Is(err, injected[0].Err) {
			t.Fatalf("%v failed and CopyTo said %v", injected[0], err)
		}
		want := []string{"base.db"}
		if injected[0].Kind == vfs.SyncDir {
			m.check(t, openAt(t, path))
			want = append(want, "named.db")
		}
		if names, err := fsys.List(dir); err != nil || !slices.Equal(names, want) {
			t.Errorf("%v leaves %q, %v", injected[0], names, err)
		}
		m.check(t, b)
		must(t, b.Close())
	}
}

// TestACrashOfACopy cuts the power at every operation, and at every read: then there is no copy or a whole one, and
// the base is as it was.
func TestACrashOfACopy(t *testing.T) {
	for _, kinds := range [][]vfs.Kind{nil, {vfs.Read}} {
		points := 0
		for more := true; more; points++ {
			more = crashCopyAt(t, points+1, kinds)
		}
		t.Logf("%d crash points of kinds %v", points-1, kinds)
		if points < 4 {
			t.Errorf("only %d crash points of kinds %v", points-1, kinds)
		}
	}
}

// crashCopyAt plays one crash. It says false when the copy was done before.
func crashCopyAt(t *testing.T, n int, kinds []vfs.Kind) bool {
	t.Helper()
	dir := t.TempDir()
	m := small(t, dir)
	fsys := vfs.NewFaulty(dir, int64(n))
	b, err := Open(basePath(dir), OpenOptions{FS: fsys})
	must(t, err)
	fsys.CrashAt(fsys.Ops(kinds...)+n, kinds...)
	copying := b.CopyTo(fsys, filepath.Join(dir, "named.db"), nil)
	must(t, b.Close())
	if fsys.Crashed() == (copying == nil) {
		t.Fatalf("crash at %d: CopyTo said %v", n, copying)
	}
	for mode := vfs.OnlySynced; mode <= vfs.RandomOrdered; mode++ {
		left := filepath.Join(t.TempDir(), "left")
		must(t, fsys.Materialise(left, mode, int64(n)))
		must(t, RemoveTemporary(vfs.OS(), left))
		names, err := vfs.OS().List(left)
		must(t, err)
		for _, name := range names {
			b, err := Open(filepath.Join(left, name), OpenOptions{})
			must(t, err)
			m.check(t, b)
			must(t, b.Close())
		}
		if whole := strings.Join(names, " "); whole != "base.db named.db" && (whole != "base.db" || copying == nil) {
			t.Fatalf("crash at %d (%v), %v leaves %q", n, kinds, mode, names)
		}
	}
	return fsys.Crashed()
}

func BenchmarkCopyTo(b *testing.B) {
	dir, r := benchBase(b)
	base := openBench(b, dir)
	b.SetBytes(r.Bytes)
	for n := range b.N {
		must(b, base.CopyTo(vfs.OS(), filepath.Join(dir, fmt.Sprint(n)), nil))
	}
}
