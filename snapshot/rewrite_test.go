package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"holdfast/internal/vfs"
)

// contents lists all that a base's buckets hold, byte for byte.
func contents(t testing.TB, b *Base) []string {
	t.Helper()
	var all []string
	must(t, b.read("listing", func(v *view, root uint64) error {
		w := newWalk(v, true)
		w.fault = func(err error) error { return err }
		w.leaf = func(in *tree, p page) error {
			for i := range p.count() {
				it, _ := p.item(i)
				all = append(all, fmt.Sprintf("%s %.100q(%d) = %08x %.60q(%d)", in.bucket, it.key, len(it.key), checksum(it.key, it.value), it.value, len(it.value)))
			}
			return nil
		}
		return w.file(root)
	}))
	return all
}

// sameContents compares two bases byte for byte.
func sameContents(t testing.TB, what string, got, want *Base) {
	t.Helper()
	a, b := contents(t, got), contents(t, want)
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			t.Fatalf("%s: entry %d is\n%s and not\n%s", what, i, a[i], b[i])
		}
	}
	if len(a) != len(b) {
		t.Fatalf("%s: %d entries instead of %d", what, len(a), len(b))
	}
}

// copyFile makes a base of the same bytes in a directory of its own.
func copyFile(t testing.TB, path string) (dir string) {
	t.Helper()
	content, err := os.ReadFile(path)
	must(t, err)
	dir = t.TempDir()
	must(t, os.WriteFile(basePath(dir), content, 0o600))
	return dir
}

// anew gathers all of a model, for WriteFresh.
func anew(t testing.TB, dir string, m *model) *Changes {
	t.Helper()
	ch := NewChanges(vfs.OS(), dir, 1<<20)
	for store, keys := range m.stores {
		for key, r := range keys {
			must(t, ch.Put(store, []byte(key), r.Record))
			for part, payload := range r.parts {
				must(t, ch.PutPart(store, []byte(key), part, []byte(payload)))
			}
		}
	}
	return ch
}

// threeWays makes the same change by Rewrite to the base of dir, by Apply to a copy of it, and by WriteFresh of what
// there must be then. The outcomes are the model's, and each other's byte for byte.
func threeWays(t *testing.T, dir string, c both) {
	t.Helper()
	applied := open(t, copyFile(t, basePath(dir)), OpenOptions{})
	_, err := applied.Apply(c.ch, c.m.meta)
	must(t, err)

	b, err := Open(basePath(dir), OpenOptions{})
	must(t, err)
	r, err := b.Rewrite(c.ch, c.m.meta)
	must(t, errors.Join(err, b.Close(), c.ch.Discard()))
	rewritten, err := Open(basePath(dir), OpenOptions{})
	must(t, err)
	defer func() { must(t, rewritten.Close()) }()
	c.m.check(t, rewritten)
	if fmt.Sprint(r.Meta) != fmt.Sprint(rewritten.Meta()) {
		t.Fatalf("the Result's meta is %+v", r.Meta)
	}
	sameContents(t, "Rewrite and Apply", rewritten, applied)

	freshDir := t.TempDir()
	ch := anew(t, freshDir, c.m)
	_, err = WriteFresh(vfs.OS(), freshDir, "base.db", ch, c.m.meta)
	must(t, errors.Join(err, ch.Discard()))
	sameContents(t, "Rewrite and WriteFresh", rewritten, open(t, freshDir, OpenOptions{}))
	onlyTheBase(t, dir)
}

func onlyTheBase(t *testing.T, dir string) {
	t.Helper()
	if names, err := vfs.OS().List(dir); err != nil || !slices.Equal(names, []string{"base.db"}) {
		t.Errorf("%q are left, %v", names, err)
	}
}

func TestRewriteIsApplyIsWriteFresh(t *testing.T) {
	unraced(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	m := newModel(1, 2, 9)
	c := newChanges(t, vfs.OS(), dir, m)
	c.random(rng, 2000)
	c.fresh(vfs.OS(), dir)
	for round := range 8 {
		m.meta.LSN, m.meta.Time, m.meta.Extra = m.meta.LSN+1, int64(round), []byte{byte(round)}
		m.swapOrFlush(rng)
		c.random(rng, rng.IntN(2000))
		threeWays(t, dir, c)
	}
}

// TestRewriteStepByStep is the list of what a change may do to a key.
func TestRewriteStepByStep(t *testing.T) {
	dir := t.TempDir()
	m := small(t, dir)
	c := newChanges(t, vfs.OS(), dir, m)
	long := strings.Repeat("l", 2*chunk)
	parts := func(key string, of ...uint64) {
		for _, part := range of {
			c.putPart(1, key, part, fmt.Sprint(key[:1], part))
		}
	}
	for step, change := range []func(){
		func() {},
		func() { c.put(1, "a", Record{Deadline: 5000}); c.put(1, "aa", Record{Deadline: 5000}) },
		func() { c.put(1, "a", Record{Deadline: 5000, Payload: []byte("the same deadline")}) },
		func() { c.delete(1, "a"); c.put(1, "b", Record{Deadline: 4000}) }, // 5000 of aa begins with that of a
		func() { c.put(1, "b", Record{}); c.delete(1, "nobody"); c.put(1, "", Record{Deadline: 1}) },
		func() {
			for i, key := range []string{"g", "h", "hp", "h\x00\x00\x00\x00\x00\x00\x00\x00", long} {
				c.put(1, key, Record{Parted: true, Deadline: 7, Payload: make([]byte, i*chunk)})
				parts(key, 0, 1<<40, 2<<40)
			}
		},
		func() { parts("h", 1, 1<<40); c.deletePart(1, "h", 0); parts(long, 3); c.deletePart(1, long, 77) },
		func() { c.put(1, "h", Record{Parted: true, Payload: []byte("another head")}); parts("h", 9) },
		func() {
			c.delete(1, "h")
			c.put(1, "h", Record{Parted: true})
			parts("h", 1, 5)
			c.deletePart(1, "h", 9)
		},
		func() { c.put(1, "h", Record{Payload: make([]byte, 3*chunk)}) },
		func() { c.put(1, "h", Record{Payload: make([]byte, 2*chunk+1)}) },
		func() { c.put(1, "h", Record{Parted: true, Payload: make([]byte, 2*chunk)}); parts("h", 0) },
		func() { c.put(1, "g", Record{Parted: true, Payload: []byte("no chunks")}); c.delete(1, "hp") },
		func() { c.put(1, long, Record{Payload: []byte("whole"), Deadline: 8}) },
		func() { c.delete(1, long); c.delete(1, "h"); c.put(1, "zz", Record{}) },
		func() { // a second store, with keys of the first
			m.meta.DBs = append(m.meta.DBs, DB{Index: 1, Store: 5})
			m.stores[5] = map[string]modelRecord{}
			c.put(5, "g", Record{Deadline: 7})
			for _, store := range []Store{1, 5} {
				c.put(store, "zzz", Record{Parted: true})
				c.putPart(store, "zzz", 1, "of one of two")
			}
		},
		func() { c.delete(1, "zzz") },
		func() { m.meta.DBs[0].Store, m.meta.DBs[1].Store = 5, 1 },
		func() { // a flushed store, and a key of it that was on its way
			m.meta.DBs[0].Store = 3
			m.stores[3] = map[string]modelRecord{}
			delete(m.stores, 5)
			must(t, c.ch.Put(5, []byte("too late"), Record{Deadline: 1}))
			must(t, c.ch.PutPart(0, []byte("nowhere"), 1, nil))
			c.put(3, "first", Record{})
		},
		func() { m.meta.DBs, m.stores = nil, map[Store]map[string]modelRecord{} },
	} {
		m.meta.LSN++
		change()
		t.Logf("step %d", step)
		threeWays(t, dir, c)
	}
}

// TestARewrittenBase reads on from the old file and takes no more changes, which would be lost.
func TestARewrittenBase(t *testing.T) {
	dir := t.TempDir()
	m := small(t, dir)
	b := open(t, dir, OpenOptions{})
	before, old := m.clone(), contents(t, b)
	c := newChanges(t, vfs.OS(), dir, m)
	m.meta.LSN++
	c.put(1, "a", Record{Payload: []byte("changed")})
	r, err := b.Rewrite(c.ch, m.meta)
	must(t, err)
	if r.Keys != 3 || r.Pages == 0 || r.Bytes != r.Pages*int64(os.Getpagesize()) || r.Meta.LSN != m.meta.LSN {
		t.Errorf("%+v", r)
	}
	before.check(t, b)
	if !slices.Equal(contents(t, b), old) {
		t.Error("the old file has changed")
	}
	if stats, err := b.Stats(); err != nil || stats.Pages*int64(stats.PageBytes) > stats.FileBytes {
		t.Errorf("%+v, %v", stats, err)
	}
	if _, err := b.Apply(c.ch, m.meta); !errors.Is(err, ErrFailed) {
		t.Errorf("Apply: %v", err)
	}
	if _, err := b.Rewrite(c.ch, m.meta); !errors.Is(err, ErrFailed) {
		t.Errorf("Rewrite: %v", err)
	}
	if !b.Replaced() {
		t.Error("the base does not say that another file has its name")
	}
	after := open(t, dir, OpenOptions{})
	m.check(t, after)
	c.apply(after)
	m.check(t, after)
}

func TestRewriteGivesBackWhatIsFree(t *testing.T) {
	dir := t.TempDir()
	m := newModel(1)
	c := newChanges(t, vfs.OS(), dir, m)
	for i := range 3000 {
		c.put(1, manyKey(i), Record{Payload: make([]byte, 500)})
	}
	c.fresh(vfs.OS(), dir)
	b := open(t, dir, OpenOptions{})
	for i := range 2900 {
		c.delete(1, manyKey(i))
	}
	c.apply(b)
	before, err := b.Stats()
	must(t, err)
	_, err = b.Rewrite(c.ch, m.meta)
	must(t, err)
	rewritten := open(t, dir, OpenOptions{})
	m.check(t, rewritten)
	after, err := rewritten.Stats()
	must(t, err)
	if before.FreePages < before.Pages/2 || after.FreePages > 20 || after.Pages > before.Pages/5 || after.FileBytes >= before.FileBytes {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

func TestRewriteOfWhatCannotBeChanged(t *testing.T) {
	dir := t.TempDir()
	m := small(t, dir)
	ch := NewChanges(vfs.OS(), dir, 1<<20)
	b, err := Open(basePath(dir), OpenOptions{ReadOnly: true})
	must(t, err)
	if _, err := b.Rewrite(ch, m.meta); !errors.Is(err, ErrReadOnly) {
		t.Errorf("of a read-only base: %v", err)
	}
	must(t, b.Close())
	b, err = Open(basePath(dir), OpenOptions{})
	must(t, err)
	must(t, b.Close())
	if _, err := b.Rewrite(ch, m.meta); !errors.Is(err, ErrClosed) {
		t.Errorf("of a closed base: %v", err)
	}
	m.check(t, open(t, dir, OpenOptions{ReadOnly: true}))
	onlyTheBase(t, dir)
}

// TestRewriteFinishesWhatIsUnfinished: a redo file may still be there when the disk was full for a while.
func TestRewriteFinishesWhatIsUnfinished(t *testing.T) {
	dir := t.TempDir()
	m := small(t, dir)
	b := open(t, dir, OpenOptions{})
	c := newChanges(t, vfs.OS(), dir, m)
	c.put(1, "a", Record{Payload: []byte("of the redo file")})
	m.meta.LSN++
	_, err := b.writeRedo(c.ch, newState(m.meta))
	must(t, errors.Join(err, c.ch.Discard()))
	c.put(1, "b", Record{Payload: []byte("of the Rewrite")})
	m.meta.LSN++
	_, err = b.Rewrite(c.ch, m.meta)
	must(t, errors.Join(err, c.ch.Discard()))
	m.check(t, open(t, dir, OpenOptions{}))
	onlyTheBase(t, dir)
}

// TestRewriteOfAPartWithoutAHead is the caller's bug, as it is for Apply; the base lives.
func TestRewriteOfAPartWithoutAHead(t *testing.T) {
	dir := t.TempDir()
	m := small(t, dir)
	b := open(t, dir, OpenOptions{})
	c := newChanges(t, vfs.OS(), dir, m)
	for _, key := range []string{"a", "nobody"} {
		must(t, c.ch.PutPart(1, []byte(key), 1, nil))
		func() {
			defer func() {
				if p, ok := recover().(string); !ok || !strings.HasPrefix(p, "BUG: ") {
					t.Errorf("recovered %v", p)
				}
			}()
			_, err := b.Rewrite(c.ch, m.meta)
			t.Errorf("Rewrite returned %v", err)
		}()
		must(t, c.ch.Discard())
	}
	must(t, RemoveTemporary(vfs.OS(), dir))
	c.put(1, "a", Record{Payload: []byte("later")})
	c.apply(b)
	m.check(t, b)
}

// TestRewriteOfADamagedBase is the list of what a Rewrite must not carry over.
func TestRewriteOfADamagedBase(t *testing.T) {
	unraced(t)
	for name, harm := range map[string]func(w *writer) error{
		"a record that does not match its checksum": func(w *writer) error {
			return w.put(tableKeys, 1, appendStored(nil, []byte(manyKey(7))), []byte("of some other key"))
		},
		"a deadline that does not match its checksum": func(w *writer) error {
			return w.put(tableDeadlines, 1, appendDeadlineKey(nil, 4, appendStored(nil, []byte(manyKey(4)))), make([]byte, sumSize))
		},
		"a part that does not match its checksum": func(w *writer) error {
			return w.put(tableParts, 1, appendPartKey(nil, []byte("kp"), spaceParts, 1), make([]byte, 9))
		},
		"a record that is gone": func(w *writer) error {
			return w.delete(tableKeys, 1, appendStored(nil, []byte(manyKey(6)))) // which has no deadline
		},
		"a deadline that is gone": func(w *writer) error {
			return w.delete(tableDeadlines, 1, appendDeadlineKey(nil, 4, appendStored(nil, []byte(manyKey(4)))))
		},
		"a deadline that is gone, of a key that is changed": func(w *writer) error {
			return w.delete(tableDeadlines, 1, appendDeadlineKey(nil, 1, appendStored(nil, []byte(manyKey(1)))))
		},
		"a deadline that is gone, and not counted": func(w *writer) error {
			c := w.state.stores[1]
			w.state.stores[1] = counts{c.keys, c.deadlines - 1}
			return w.delete(tableDeadlines, 1, appendDeadlineKey(nil, 4, appendStored(nil, []byte(manyKey(4)))))
		},
		"a bucket that is gone": func(w *writer) error { return w.tx.DeleteBucket(tableParts.bucket(1)) },
	} {
		dir := t.TempDir()
		m := damageable(t, dir, rand.New(rand.NewPCG(1, 1)))
		b := open(t, dir, OpenOptions{})
		must(t, b.update(func(w *writer) error { return errors.Join(harm(w), w.writeState()) }))
		rewriteRefuses(t, name, b, m)
	}
}

// rewriteRefuses says that a Rewrite finds damage, and leaves all as it was.
func rewriteRefuses(t *testing.T, what string, b *Base, m *model) {
	t.Helper()
	before, err := os.ReadFile(b.Path())
	must(t, err)
	c := newChanges(t, vfs.OS(), t.TempDir(), m.clone())
	c.put(1, manyKey(1), Record{})
	if _, err := b.Rewrite(c.ch, c.m.meta); !errors.Is(err, ErrCorrupt) || errors.Is(err, ErrFailed) {
		t.Errorf("%s: Rewrite said %v", what, err)
	}
	after, err := os.ReadFile(b.Path())
	must(t, err)
	if !bytes.Equal(before, after) {
		t.Errorf("%s: the base was replaced", what)
	}
	onlyTheBase(t, strings.TrimSuffix(b.Path(), "/base.db"))
}

// TestRewriteOfAFlippedByte: what Rewrite does not find was not in its way.
func TestRewriteOfAFlippedByte(t *testing.T) {
	unraced(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	m := damageable(t, dir, rng)
	used := usedBytes(t, dir)
	whole, err := os.ReadFile(basePath(dir))
	must(t, err)
	c := newChanges(t, vfs.OS(), dir, m)
	c.put(1, manyKey(1), Record{Deadline: 3})
	found := 0
	const flips = 40
	for range flips {
		at := rng.Int64N(used)
		if rng.IntN(2) == 0 { // half of them where pages have their structure
			at = at&^4095 + rng.Int64N(128)
		}
		mask := byte(1 + rng.IntN(255))
		whole[at] ^= mask
		must(t, os.WriteFile(basePath(dir), whole, 0o600))
		whole[at] ^= mask
		b, err := Open(basePath(dir), OpenOptions{})
		if err == nil {
			_, err = b.Rewrite(c.ch, m.meta)
			must(t, b.Close())
		}
		if err != nil {
			found++
			if !known(err) {
				t.Fatalf("byte %d ^ %#x: %v", at, mask, err)
			}
			continue
		}
		b, err = Open(basePath(dir), OpenOptions{})
		must(t, err)
		m.check(t, b)
		must(t, b.Close())
		must(t, os.Remove(basePath(dir))) // the next flip is of the old one
	}
	t.Logf("%d of %d flips were damage", found, flips)
	if found < flips/5 {
		t.Error("the flips missed what is there")
	}
}

// TestEveryFailedOperationOfARewrite is reported. The path names the old base, and the open one goes on; or the new
// one, and the open one refuses.
func TestEveryFailedOperationOfARewrite(t *testing.T) {
	for n := 1; ; n++ {
		dir := t.TempDir()
		fsys := vfs.NewFaulty(dir, int64(n))
		m := small(t, dir)
		before := m.clone()
		b, err := Open(basePath(dir), OpenOptions{FS: fsys})
		must(t, err)
		c := newChanges(t, vfs.OS(), t.TempDir(), m)
		c.ch.spool.limit = 1 // what is set aside goes to files too
		m.meta.LSN++
		c.put(1, "a", Record{Payload: []byte("changed"), Deadline: 6})
		c.delete(1, "b")
		fsys.FailAt(fsys.Ops()+n, syscall.EIO)
		_, err = b.Rewrite(c.ch, m.meta)
		injected := fsys.Injected()
		if len(injected) == 0 {
			must(t, errors.Join(err, b.Close(), c.ch.Discard()))
			if n < 8 {
				t.Fatalf("a Rewrite made only %d operations", n-1)
			}
			return
		}
		if !errors.Is(err, injected[0].Err) {
			t.Fatalf("%v failed and Rewrite said %v", injected[0], err)
		}
		fsys.Heal()
		before.check(t, b)
		if errors.Is(err, ErrFailed) {
			must(t, b.Close())
			b, err = Open(basePath(dir), OpenOptions{FS: fsys})
			must(t, err)
			m.check(t, b)
		}
		must(t, RemoveTemporary(fsys, dir))
		c.apply(b)
		m.check(t, b)
		must(t, b.Close())
		onlyTheBase(t, dir)
	}
}

// TestACrashOfARewrite cuts the power at every operation, and at every read.
func TestACrashOfARewrite(t *testing.T) {
	unraced(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rewrite := func(fsys vfs.FS, dir string, ch *Changes, m Meta) error {
		b, err := Open(basePath(dir), OpenOptions{FS: fsys})
		if err != nil {
			return err
		}
		_, err = b.Rewrite(ch, m)
		return errors.Join(err, b.Close())
	}
	for _, kinds := range [][]vfs.Kind{nil, {vfs.Read}} {
		points := 0
		for more := true; more; points++ {
			more = crashAt(t, rewrite, false, seed, points+1, kinds)
		}
		t.Logf("%d crash points of kinds %v", points-1, kinds)
		if points < 8 {
			t.Errorf("only %d crash points of kinds %v", points-1, kinds)
		}
	}
}

// BenchmarkRewrite rewrites a million keys with 50 k changed ones.
func BenchmarkRewrite(b *testing.B) {
	dir, _ := benchBase(b)
	rng := rand.New(rand.NewPCG(3, 3))
	b.ResetTimer()
	for n := range b.N {
		base, err := Open(basePath(dir), OpenOptions{})
		must(b, err)
		ch := NewChanges(vfs.OS(), dir, 64<<20)
		for range 50_000 {
			must(b, ch.Put(1, benchKey(rng.IntN(benchKeys)), Record{Kind: 2, Payload: make([]byte, 80)}))
		}
		r, err := base.Rewrite(ch, Meta{LSN: uint64(n + 2), DBs: []DB{{Store: 1}}})
		must(b, errors.Join(err, ch.Discard(), base.Close()))
		b.ReportMetric(float64(r.Keys)/r.Duration.Seconds(), "keys/s")
	}
}
