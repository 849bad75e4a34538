package snapshot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"holdfast/internal/vfs"
)

// byExchange are limits that have a change written by many exchanges of a few pages each.
var byExchange = limits{whole: 0, entries: 50, bytes: 1 << 20, pages: 16}

// overwritten is a base with a tree of several levels, to be changed by overwrite. One by chance with a key so long that the root
// takes several pages is left to bbolt: then it is another one.
func overwritten(t *testing.T, seed uint64) (dir string, m *model) {
	t.Helper()
	for single := false; !single; seed++ {
		dir = t.TempDir()
		m = damageable(t, dir, rand.New(rand.NewPCG(seed, 2)))
		b := open(t, dir, OpenOptions{ReadOnly: true})
		must(t, b.read("looking at the root", func(v *view, root uint64) error {
			tree, err := (&storeView{v, root, 1}).tree(tableKeys)
			if err != nil {
				return err
			}
			p, err := tree.page(tree.root)
			single = err == nil && p.overflow() == 0
			return err
		}))
		must(t, b.Close())
	}
	return dir, m
}

// overwriting are changes for such a base: mostly values of keys that are there, and so many others, which may empty the store.
func overwriting(t *testing.T, dir string, m *model, seed uint64, others int) both {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 3))
	m.meta.LSN++
	c := newChanges(t, vfs.OS(), dir, m)
	for range 60 {
		i := rng.IntN(manyKeys)
		c.put(1, manyKey(i), Record{Kind: 9, Deadline: int64(i % 3 * i), Payload: make([]byte, rng.IntN(60))})
	}
	c.random(rng, others)
	return c
}

// tap is a page file that somebody looks into.
type tap struct {
	pageFile
	write func(b []byte, at int64) error // before a write, if any, and
	sync  func() error                   // before a sync
}

func (f tap) WriteAt(b []byte, at int64) (int, error) {
	if f.write != nil {
		if err := f.write(b, at); err != nil {
			return 0, err
		}
	}
	return f.pageFile.WriteAt(b, at)
}

func (f tap) Sync() error {
	if f.sync != nil {
		if err := f.sync(); err != nil {
			return err
		}
	}
	return f.pageFile.Sync()
}

// TestValuesAreOverwrittenByExchange: bbolt has next to nothing to do then, and finds the file as its own.
func TestValuesAreOverwrittenByExchange(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	dir, m := overwritten(t, seed)
	b := open(t, dir, OpenOptions{})
	b.limits = byExchange
	syncs := 0
	b.pages = tap{pageFile: b.pages, sync: func() error { syncs++; return nil }}
	overwriting(t, dir, m, seed, 0).apply(b)
	m.check(t, b)
	if syncs < 4 {
		t.Errorf("%d syncs by exchanges", syncs)
	}
	for _, limits := range []limits{defaultLimits(), byExchange, ways["redo"], defaultLimits()} {
		b.limits = limits
		seed++
		overwriting(t, dir, m, seed, 20).apply(b)
		m.check(t, b)
		if _, err := b.Verify(nil); err != nil {
			t.Fatal(err)
		}
	}
}

// hastened notes what the disk is to begin with.
type hastened struct {
	pageFile
	ranges [][2]int64
}

func (f *hastened) WriteAt(b []byte, _ int64) (int, error) { return len(b), nil }
func (f *hastened) Hasten(off, size int64)                 { f.ranges = append(f.ranges, [2]int64{off, size}) }

// Each so many writes the disk begins with all of them, wherever the last one is.
func TestTheDiskIsHastened(t *testing.T) {
	var file hastened
	x := exchange{file: &file}
	for i := range int64(2*hastenAt + 1) {
		at := 1000 + 10*i
		if i == 2*hastenAt-1 {
			at = 5
		}
		must(t, x.write(make([]byte, 4), at))
	}
	want := [][2]int64{{1000, 10*(hastenAt-1) + 4}, {5, 1000 + 10*(2*hastenAt-2) + 4 - 5}}
	if !slices.Equal(file.ranges, want) {
		t.Errorf("the disk began with %d, want %d", file.ranges, want)
	}
}

// Between the commits of a large change there is a pause, and none around a small one.
func TestAPauseIsBetweenCommits(t *testing.T) {
	for name, most := range map[string]limits{"whole": defaultLimits(), "redo": ways["redo"], "exchange": byExchange} {
		t.Run(name, func(t *testing.T) {
			dir, m := overwritten(t, 1)
			pauses := 0
			b := open(t, dir, OpenOptions{Between: func(took time.Duration) {
				if pauses++; took <= 0 {
					t.Errorf("a commit took %v", took)
				}
			}})
			b.limits = most
			overwriting(t, dir, m, 1, 0).apply(b)
			m.check(t, b)
			if (pauses > 1) != (name != "whole") {
				t.Errorf("%d pauses", pauses)
			}
		})
	}
}

// Once its redo file has its name, a large change takes no more room than that and the pages.
func TestTheSortedChangesAreGoneBeforeThePagesCome(t *testing.T) {
	dir, m := overwritten(t, 1)
	looked := false
	b := open(t, dir, OpenOptions{Between: func(time.Duration) {
		looked = true
		left, err := filepath.Glob(filepath.Join(dir, "changes-*"))
		if must(t, err); len(left) > 0 {
			t.Errorf("%q are there still", left)
		}
	}})
	b.limits = ways["redo"]
	c := both{t, m, NewChanges(vfs.OS(), dir, 1)} // each in a file of its own
	for i := range 60 {
		c.put(1, manyKey(i), Record{Kind: 9, Payload: []byte("new")})
	}
	if len(c.ch.spool.runs) == 0 {
		t.Fatal("the changes are in no file")
	}
	m.meta.LSN++
	c.apply(b)
	m.check(t, b)
	if !looked {
		t.Error("it was one commit")
	}
}

var errPower = errors.New("the power is gone")

// TestACrashInAnExchange cuts the power before each write and sync of the exchanges; any of what was not synced may be there
// then, whole or in part. The next start ends in the new state, and the file is sound.
func TestACrashInAnExchange(t *testing.T) {
	unraced(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	dir, m := overwritten(t, seed)
	file, err := os.ReadFile(basePath(dir))
	must(t, err)
	for n := 1; ; n++ {
		must(t, os.WriteFile(basePath(dir), file, 0o600))
		if over := crashInExchange(t, dir, m.clone(), seed, n); over {
			if n < 12 {
				t.Errorf("only %d crashes", n-1)
			}
			return
		}
	}
}

func crashInExchange(t *testing.T, dir string, after *model, seed uint64, n int) (over bool) {
	t.Helper()
	b, err := Open(basePath(dir), OpenOptions{})
	must(t, err)
	b.limits = byExchange
	rng := rand.New(rand.NewPCG(seed, uint64(n)))
	var image []byte // the file as a crash leaves it
	synced := true
	ops := 0
	next := func() error {
		if ops++; ops == n {
			over = false
			return errPower
		}
		return nil
	}
	over = true
	b.pages = tap{
		pageFile: b.pages,
		write: func(p []byte, at int64) error {
			if synced { // whatever bbolt wrote before is
				image, err = os.ReadFile(basePath(dir))
				must(t, err)
				synced = false
			}
			stays := p
			switch rng.IntN(3) {
			case 0:
				stays = nil
			case 1:
				stays = p[:rng.IntN(len(p)+1)/512*512]
			}
			if more := at + int64(len(stays)) - int64(len(image)); more > 0 {
				image = append(image, make([]byte, more)...)
			}
			copy(image[at:], stays)
			return next()
		},
		sync: func() error {
			err := next()
			if err == nil {
				synced = true
			}
			return err
		},
	}
	c := overwriting(t, dir, after, seed, 20)
	_, err = b.Apply(c.ch, after.meta)
	must(t, c.ch.Discard())
	if over {
		must(t, errors.Join(err, b.Close()))
		return true
	}
	if !errors.Is(err, errPower) {
		t.Fatalf("crash %d: Apply said %v", n, err)
	}
	if synced {
		image, err = os.ReadFile(basePath(dir))
		must(t, err)
	}
	redo, err := os.ReadFile(basePath(dir) + redoSuffix)
	must(t, err)
	must(t, errors.Join(b.Close(), os.Remove(basePath(dir)+redoSuffix)))
	left := filepath.Join(t.TempDir(), "left")
	must(t, os.MkdirAll(left, 0o700))
	must(t, os.WriteFile(basePath(left), image, 0o600))
	must(t, os.WriteFile(basePath(left)+redoSuffix, redo, 0o600))
	b, err = Open(basePath(left), OpenOptions{})
	if err != nil {
		t.Fatalf("crash %d: %v", n, err)
	}
	if err := after.differs(b); err != nil {
		t.Fatalf("crash %d: %v", n, err)
	}
	if _, err := b.Verify(nil); err != nil {
		t.Fatalf("crash %d: %v", n, err)
	}
	must(t, b.Close())
	return false
}

// TestAFailedExchange: a full disk leaves the rest to bbolt, a write of pages that nobody needs yet may be tried again, and a
// failed sync ends all changes until the file is opened anew.
func TestAFailedExchange(t *testing.T) {
	for _, c := range []struct {
		name  string
		at    int // the first write that may fail
		sync  bool
		err   error
		fatal bool
	}{
		{"a full disk", 4, false, &os.PathError{Op: "write", Path: "base.db", Err: syscall.ENOSPC}, false},
		{"a quota", 4, false, &os.PathError{Op: "write", Path: "base.db", Err: syscall.EDQUOT}, false},
		{"a bad disk", 4, false, &os.PathError{Op: "write", Path: "base.db", Err: syscall.EIO}, false},
		{"a bad disk, by a sync", 0, true, syscall.EIO, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, m := overwritten(t, 1)
			b, err := Open(basePath(dir), OpenOptions{})
			must(t, err)
			b.limits = byExchange
			writes := 0
			b.pages = tap{
				pageFile: b.pages,
				write: func(_ []byte, at int64) error {
					if writes++; c.at > 0 && writes >= c.at && at >= 2*int64(os.Getpagesize()) { // no header page
						c.at = 0
						return c.err
					}
					return nil
				},
				sync: func() error {
					if c.sync {
						return c.err
					}
					return nil
				},
			}
			changes := overwriting(t, dir, m, 1, 20)
			_, err = b.Apply(changes.ch, m.meta)
			told := !vfs.NoRoom(c.err)
			if c.fatal != errors.Is(err, ErrFailed) || told != errors.Is(err, c.err) {
				t.Fatalf("Apply said %v", err)
			}
			if told && !c.fatal {
				_, err = b.Apply(changes.ch, m.meta)
				must(t, err)
			}
			if c.fatal {
				_, err = b.Apply(changes.ch, m.meta)
				if !errors.Is(err, ErrFailed) {
					t.Fatalf("then Apply said %v", err)
				}
				must(t, b.Close())
				b, err = Open(basePath(dir), OpenOptions{})
				must(t, err)
			}
			m.check(t, b)
			if _, err := b.Verify(nil); err != nil {
				t.Error(err)
			}
			must(t, errors.Join(b.Close(), changes.ch.Discard()))
		})
	}
}

// TestAReaderKeepsItsStateBesideExchanges: one that began before them leaves all to bbolt, one that begins amid them
// is waited for before a page that it sees is written over.
func TestAReaderKeepsItsStateBesideExchanges(t *testing.T) {
	dir, m := overwritten(t, 1)
	b := open(t, dir, OpenOptions{})
	b.limits = byExchange
	kinds := func(v *view, root uint64) (all []byte) {
		keys, err := (&storeView{v, root, 1}).tree(tableKeys)
		if err != nil {
			return fmt.Append(nil, err)
		}
		for i := range manyKeys {
			value, ok, err := keys.find(appendStored(nil, []byte(manyKey(i))))
			if err != nil {
				return fmt.Append(nil, err)
			}
			if !ok {
				value = make([]byte, headSize)
			}
			all = append(all, value[4])
		}
		return all
	}
	tx, v, root, err := b.begin("reading")
	must(t, err)
	old := kinds(&v, root)
	overwriting(t, dir, m, 1, 20).apply(b)
	m.check(t, b)
	if b.exchanged.pages != 0 || !slices.Equal(kinds(&v, root), old) {
		t.Errorf("%d pages exchanged under a reader", b.exchanged.pages)
	}
	must(t, end(tx, nil))

	writes, done := 0, make(chan error, 1)
	b.pages = tap{pageFile: b.pages, write: func([]byte, int64) error {
		if writes++; writes != 5 {
			return nil
		}
		tx, v, root, err := b.begin("reading")
		if err != nil {
			return err
		}
		go func() {
			was := kinds(&v, root)
			for range 200 {
				if now := kinds(&v, root); !slices.Equal(was, now) || len(was) != manyKeys {
					err = fmt.Errorf("a reader has %v and then %v", was, now)
				}
			}
			done <- end(tx, err)
		}()
		return nil
	}}
	for kind := byte(20); kind < 22; kind++ {
		c := newChanges(t, vfs.OS(), dir, m)
		for i := range manyKeys {
			c.put(1, manyKey(i), Record{Kind: kind, Deadline: int64(i % 3 * i)})
		}
		c.apply(b)
		m.check(t, b)
	}
	if must(t, <-done); b.exchanged.pages == 0 {
		t.Error("no page was exchanged")
	}
}

func TestOutlastWaitsForThoseBefore(t *testing.T) {
	var r readers
	for range 3 {
		before := r.enter()
		done := make(chan bool)
		go func() { r.outlast(); close(done) }()
		for r.epoch.Load() == before {
		}
		after := r.enter()
		select {
		case <-done:
			t.Fatal("it did not wait")
		default:
		}
		r.leave(before)
		<-done // though one that came later is still there
		r.leave(after)
	}
}

// imageFile is a page file, of which it keeps what was written last.
type imageFile struct {
	at int64
	b  []byte
}

func (f *imageFile) WriteAt(b []byte, at int64) (int, error) {
	f.at, f.b = at, bytes.Clone(b)
	return len(b), nil
}

func (f *imageFile) ReadAt(b []byte, at int64) (int, error) {
	return bytes.NewReader(f.b).ReadAt(b, at-f.at)
}

func (f *imageFile) Hasten(int64, int64) {}

func (f *imageFile) Sync() error { return nil }

// TestTheFreeListOfAnExchangeIsRead: short and long ones, of which the first entry is the length, in a run of free pages or at
// the file's end.
func TestTheFreeListOfAnExchangeIsRead(t *testing.T) {
	const pageSize = 1 << 10
	for _, n := range []int{0, 1, 500, longFreelist - 3, longFreelist - 2, longFreelist - 1, longFreelist, 2 * longFreelist} {
		old := make(page, 3*pageSize) // two header pages, and the old list
		binary.NativeEndian.PutUint64(old[2*pageSize:], 2)
		file := &imageFile{}
		x := exchange{file: file, view: &view{pageSize: pageSize, data: old}, header: header{boltMeta: boltMeta{freelist: 2}}}
		x.hwm, x.most = 10+2*uint64(n), 1<<20
		for i := range n {
			x.free = append(x.free, uint64(10+2*i)) // no two side by side
		}
		id, err := x.putFreelist()
		must(t, err)
		free, err := readFreelist(file, boltMeta{pageSize: pageSize, freelist: id, hwm: x.hwm}, "file")
		must(t, err)
		if left := n - len(x.free); len(free) != n+1-left || free[0] != 2 {
			t.Errorf("%d free pages and the old list's are %d", n, len(free))
		}
	}
}

// TestATransactionThatKeepsItsLockIsTheLast: bbolt panics holding it, and the next change must not wait for it.
func TestATransactionThatKeepsItsLockIsTheLast(t *testing.T) {
	dir, m := overwritten(t, 1)
	b, err := Open(basePath(dir), OpenOptions{})
	must(t, err)
	tx, err := b.db.Begin(true)
	must(t, err)
	cause := errors.New("a page that makes no sense")
	if err := b.ended(tx, cause); !errors.Is(err, ErrFailed) || !errors.Is(err, cause) {
		t.Errorf("of a transaction that is open: %v", err)
	}
	changes := overwriting(t, dir, m, 1, 20)
	if _, err := b.Apply(changes.ch, m.meta); !errors.Is(err, ErrFailed) {
		t.Errorf("then Apply said %v", err)
	}
	if err := b.Close(); !errors.Is(err, ErrFailed) {
		t.Errorf("then Close said %v", err)
	}
	must(t, tx.Rollback())
	if err := b.ended(tx, cause); err != cause {
		t.Errorf("of one that has ended: %v", err)
	}
	b.stuck.Store(false)
	must(t, errors.Join(b.Close(), changes.ch.Discard()))
}
