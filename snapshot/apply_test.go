package snapshot

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"holdfast/internal/vfs"
)

// ways are the two roads of Apply.
var ways = map[string]limits{
	"whole": defaultLimits(),
	"redo":  {whole: 0, entries: 1, bytes: 1},
}

// eachWay runs a test on an open base with little in it, by both roads.
func eachWay(t *testing.T, test func(t *testing.T, b *Base, c both)) {
	for name, limits := range ways {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			m := small(t, dir)
			b := open(t, dir, OpenOptions{})
			b.limits = limits
			test(t, b, newChanges(t, vfs.OS(), dir, m))
			m.check(t, b)
			if names, err := vfs.OS().List(dir); err != nil || !slices.Equal(names, []string{"base.db"}) {
				t.Errorf("%q are left, %v", names, err)
			}
		})
	}
}

func deadlines(t *testing.T, b *Base, store Store) string {
	t.Helper()
	var all []string
	must(t, b.Deadlines(store, 0, math.MaxInt64, func(deadline int64, key []byte) error {
		all = append(all, fmt.Sprintf("%s@%d", key, deadline))
		return nil
	}))
	return strings.Join(all, " ")
}

func TestDeadlinesFollowTheRecords(t *testing.T) {
	eachWay(t, func(t *testing.T, b *Base, c both) {
		for _, step := range []struct {
			change func()
			want   string
		}{
			{func() {}, "b@5000"},
			{func() { c.put(1, "a", Record{Deadline: 6000}) }, "b@5000 a@6000"},
			{func() { c.put(1, "a", Record{Deadline: 4000}) }, "a@4000 b@5000"},
			{func() { c.put(1, "b", Record{Deadline: 5000, Payload: []byte("new")}) }, "a@4000 b@5000"},
			{func() { c.put(1, "a", Record{}) }, "b@5000"},
			{func() { c.delete(1, "b"); c.put(1, "c", Record{Deadline: 1}) }, "c@1"},
			{func() { c.put(1, "c", Record{Deadline: 2}); c.put(1, "c", Record{Deadline: 3}) }, "c@3"},
			{func() { c.put(1, "c", Record{Deadline: 3, Lapse: 2}); c.put(1, "d", Record{Lapse: 9}) }, "c@2 d@9"},
			{func() { c.put(1, "c", Record{Deadline: 1, Lapse: 2}) }, "c@1 d@9"},
			{func() { c.put(1, "c", Record{Lapse: 2}); c.put(1, "d", Record{}) }, "c@2"},
			{func() { c.put(1, "c", Record{Deadline: 3}) }, "c@3"},
			{func() { c.delete(1, "c"); c.delete(1, "nobody") }, ""},
		} {
			step.change()
			c.apply(b)
			if got := deadlines(t, b, 1); got != step.want {
				t.Errorf("deadlines are %q, want %q", got, step.want)
			}
			c.m.check(t, b)
		}
	})
}

func TestPartsFollowTheirHead(t *testing.T) {
	eachWay(t, func(t *testing.T, b *Base, c both) {
		// Neighbours whose part keys would mix with h's, were lengths not stored.
		for _, key := range []string{"h", "hp", "g", "h\x00\x00\x00\x00\x00\x00\x00\x00", "h\x01"} {
			c.put(1, key, Record{Parted: true, Payload: []byte("three parts")})
			for part := range uint64(3) {
				c.putPart(1, key, part<<40, fmt.Sprint(key, part))
			}
		}
		for _, change := range []func(){
			func() {},
			func() { c.putPart(1, "h", 1<<40, "changed"); c.deletePart(1, "h", 0) },
			func() { c.put(1, "h", Record{Parted: true, Payload: []byte("another head")}) },
			func() { c.delete(1, "h"); c.put(1, "h", Record{Parted: true}); c.putPart(1, "h", 5, "the only one") },
			func() { c.put(1, "h", Record{Payload: []byte("whole")}) },
			func() { c.put(1, "h", Record{Parted: true}); c.putPart(1, "h", 7, "parted again") },
			func() { c.put(1, "h", Record{Payload: make([]byte, 3*chunk)}) },
			func() { c.put(1, "h", Record{Payload: make([]byte, 2*chunk)}) },
			func() { c.put(1, "h", Record{Parted: true, Payload: make([]byte, 2*chunk)}); c.putPart(1, "h", 0, "") },
			func() { c.put(1, "h", Record{Parted: true}) },
			func() { c.delete(1, "h") },
		} {
			change()
			c.apply(b)
			c.m.check(t, b)
		}
	})
}

// TestAPartNeedsAPartedHead: nobody would ever remove it.
func TestAPartNeedsAPartedHead(t *testing.T) {
	eachWay(t, func(t *testing.T, b *Base, c both) {
		for _, key := range []string{"a", "nobody"} {
			must(t, c.ch.PutPart(1, []byte(key), 1, nil))
			func() {
				defer func() {
					if p, ok := recover().(string); !ok || !strings.HasPrefix(p, "BUG: ") {
						t.Errorf("recovered %v", p)
					}
				}()
				_, err := b.Apply(c.ch, c.m.meta)
				t.Errorf("Apply returned %v", err)
			}()
			must(t, c.ch.Discard())
			if err := os.Remove(b.Path() + redoSuffix); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
		}
	})
}

func TestSwapAndFlush(t *testing.T) {
	eachWay(t, func(t *testing.T, b *Base, c both) {
		c.m.meta.DBs = append(c.m.meta.DBs, DB{Index: 1, Store: 2})
		c.m.stores[2] = map[string]modelRecord{}
		c.put(2, "of two", Record{Deadline: 9})
		c.apply(b)
		c.m.check(t, b)

		dbs := c.m.meta.DBs // SWAPDB 0 1
		dbs[0].Store, dbs[1].Store = 2, 1
		r := c.apply(b)
		c.m.check(t, b)
		if r.Keys != 0 {
			t.Errorf("a swap wrote %d keys", r.Keys)
		}

		dbs[0].Store = 3 // SELECT 0, FLUSHDB, and a key of the old store that was on its way
		delete(c.m.stores, 2)
		c.m.stores[3] = map[string]modelRecord{}
		must(t, c.ch.Put(2, []byte("too late"), Record{}))
		c.put(3, "first", Record{})
		c.apply(b)
		c.m.check(t, b)
		for _, key := range []string{"of two", "too late"} {
			if _, ok, err := b.Get(2, []byte(key)); ok || err != nil {
				t.Errorf("store 2 still has %q: %v", key, err)
			}
		}

		c.m.meta.DBs, c.m.stores = nil, map[Store]map[string]modelRecord{} // FLUSHALL
		c.apply(b)
		c.m.check(t, b)
	})
}

func TestTwoDatabasesInOneStore(t *testing.T) {
	eachWay(t, func(t *testing.T, b *Base, c both) {
		for _, dbs := range [][]DB{{{0, 1, 0, 0}, {1, 1, 0, 0}}, {{0, 1, 0, 0}, {0, 2, 0, 0}}} {
			func() {
				defer func() {
					if p, ok := recover().(string); !ok || !strings.HasPrefix(p, "BUG: ") {
						t.Errorf("recovered %v", p)
					}
				}()
				_, err := b.Apply(c.ch, Meta{DBs: dbs})
				t.Errorf("Apply returned %v", err)
			}()
		}
	})
}

// TestReadsGoOnDuringAnApply: readers see the state before or after, and do not wait for ever.
func TestReadsGoOnDuringAnApply(t *testing.T) {
	eachWay(t, func(t *testing.T, b *Base, c both) {
		done := make(chan error)
		go func() {
			for range 2000 {
				if r, ok, err := b.Get(1, []byte("a")); err != nil || !ok || r.Kind != 1 {
					done <- fmt.Errorf("a is %v, %t, %w", r, ok, err)
					return
				}
			}
			done <- nil
		}()
		for i := range 10 {
			for j := range 20 {
				c.put(1, fmt.Sprint("other ", j), Record{Payload: make([]byte, i*100)})
			}
			c.apply(b)
		}
		must(t, <-done)
	})
}

// TestEveryFailedOperationIsReported fails each file operation in turn: Apply says so, the base is in one of the
// two states, and after Heal the next Apply or Open makes it the new one.
func TestEveryFailedOperationIsReported(t *testing.T) {
	for n := 1; ; n++ {
		dir := t.TempDir()
		fsys := vfs.NewFaulty(dir, int64(n))
		m := small(t, dir)
		before := m.clone()
		b, err := Open(basePath(dir), OpenOptions{FS: fsys})
		must(t, err)
		b.limits = ways["redo"]
		c := newChanges(t, fsys, dir, m)
		m.meta.LSN++
		c.put(1, "a", Record{Payload: []byte("changed")})
		c.delete(1, "b")
		fsys.FailAt(fsys.Ops()+n, syscall.EIO)
		_, err = b.Apply(c.ch, m.meta)
		injected := fsys.Injected()
		if len(injected) == 0 {
			must(t, err)
			must(t, b.Close())
			if n < 6 {
				t.Fatalf("an Apply made only %d operations", n-1)
			}
			return
		}
		if !errors.Is(err, injected[0].Err) {
			t.Fatalf("%v failed and Apply said %v", injected[0], err)
		}
		if before.differs(b) != nil && m.differs(b) != nil && !b.meta.Load().applying {
			t.Fatalf("after %v the base is neither old nor new: %v", injected[0], m.differs(b))
		}
		fsys.Heal()
		if n%2 == 0 {
			must(t, b.Close())
			b, err = Open(basePath(dir), OpenOptions{FS: fsys})
			must(t, err)
		}
		c.apply(b)
		m.check(t, b)
		must(t, b.Close())
	}
}

// TestAFailedWriteOfBbolt: once bbolt's memory is in doubt the base writes no more, and reads go on.
func TestAFailedWriteOfBbolt(t *testing.T) {
	dir := t.TempDir()
	m := small(t, dir)
	b := open(t, dir, OpenOptions{})
	c := newChanges(t, vfs.OS(), dir, m.clone())
	c.put(1, "a", Record{Payload: []byte("changed")})
	c.m.meta.LSN++
	b.db.MaxSize = 1 // bbolt refuses to grow
	for i := range 1000 {
		c.put(1, fmt.Sprint(i), Record{Payload: make([]byte, 1000)})
	}
	for range 2 {
		if _, err := b.Apply(c.ch, c.m.meta); !errors.Is(err, ErrFailed) {
			t.Fatalf("Apply said %v", err)
		}
	}
	m.check(t, b)
}

func TestWriteFreshReplaces(t *testing.T) {
	dir := t.TempDir()
	old := small(t, dir)
	b := open(t, dir, OpenOptions{})
	must(t, os.WriteFile(basePath(dir)+redoSuffix, []byte("of the old one"), 0o600))
	m := newModel(8)
	c := newChanges(t, vfs.OS(), dir, m)
	c.put(8, "new", Record{Deadline: 3, Payload: []byte("x")})
	c.delete(8, "never there")
	must(t, c.ch.Put(9, []byte("in no database"), Record{}))
	c.fresh(vfs.OS(), dir)
	old.check(t, b) // still reads the old file
	m.check(t, open(t, dir, OpenOptions{}))
	if names, err := vfs.OS().List(dir); err != nil || !slices.Equal(names, []string{"base.db"}) {
		t.Errorf("%q are left, %v", names, err)
	}
}
