package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"holdfast/internal/vfs"
)

// TestACrashLeavesTheOldOrTheNew cuts the power at every operation, and at every read, of a change: a fresh base,
// a small Apply, and a large one by way of a redo file. Whatever of the unsynced rest survives, what a start
// finds is one of the two states, whole, and the new one where the change had said that it was done.
func TestACrashLeavesTheOldOrTheNew(t *testing.T) {
	unraced(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for name, change := range map[string]func(fsys vfs.FS, dir string, ch *Changes, m Meta) error{
		"fresh": func(fsys vfs.FS, dir string, ch *Changes, m Meta) error {
			_, err := WriteFresh(fsys, dir, "base.db", ch, m)
			return err
		},
		"whole": func(fsys vfs.FS, dir string, ch *Changes, m Meta) error {
			return crashingApply(fsys, dir, ch, m, limits{whole: 1 << 20, bytes: 1 << 30})
		},
		"redo": func(fsys vfs.FS, dir string, ch *Changes, m Meta) error {
			return crashingApply(fsys, dir, ch, m, limits{whole: 0, entries: 10, bytes: 1 << 20})
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, kinds := range [][]vfs.Kind{nil, {vfs.Read}} {
				points := 0
				for more := true; more; points++ {
					more = crashAt(t, change, name == "fresh", seed, points+1, kinds)
				}
				t.Logf("%d crash points of kinds %v", points-1, kinds)
			}
		})
	}
}

func crashingApply(fsys vfs.FS, dir string, ch *Changes, m Meta, l limits) error {
	b, err := Open(basePath(dir), OpenOptions{FS: fsys})
	if err != nil {
		return err
	}
	b.limits = l
	_, err = b.Apply(ch, m)
	return errors.Join(err, b.Close())
}

// crashAt plays one crash. It says false when the change was over before.
func crashAt(
	t *testing.T, change func(vfs.FS, string, *Changes, Meta) error, fresh bool, seed uint64, n int, kinds []vfs.Kind,
) bool {
	t.Helper()
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(seed, 1)) // the same calls for every n
	before := newModel(1, 2)
	before.meta.LSN = 1
	c := newChanges(t, vfs.OS(), dir, before)
	c.random(rng, 25)
	c.fresh(vfs.OS(), dir)

	fsys := vfs.NewFaulty(dir, int64(n))
	after := before.clone()
	if fresh {
		after = newModel(1, 2)
	}
	after.meta.LSN = 2
	c = newChanges(t, fsys, dir, after)
	for i := range 6 { // two of these fill a block of the redo file
		c.put(1, fmt.Sprint("large", i), Record{Payload: make([]byte, 40_000+i)})
	}
	c.random(rng, 25)
	fsys.CrashAt(fsys.Ops(kinds...)+n, kinds...)
	err := change(fsys, dir, c.ch, after.meta)
	if fsys.Crashed() == (err == nil) {
		t.Fatalf("crash at %d: the change said %v", n, err)
	}
	last := vfs.RandomOrdered
	if kinds != nil { // a crash between two operations: what is random was seen at the operation
		last = vfs.Everything
	}
	for mode := vfs.OnlySynced; mode <= last; mode++ {
		left := filepath.Join(t.TempDir(), "left")
		must(t, fsys.Materialise(left, mode, int64(n)))
		afterCrash(t, left, fmt.Sprintf("crash at %d (%v), %v", n, kinds, mode), before, after, err == nil)
		must(t, os.RemoveAll(left))
	}
	if err := c.ch.Discard(); err != nil && !fsys.Crashed() {
		t.Fatal(err)
	}
	must(t, os.RemoveAll(dir))
	return fsys.Crashed()
}

// afterCrash is what a start does.
func afterCrash(t *testing.T, dir, what string, before, after *model, acknowledged bool) {
	t.Helper()
	if b, err := Open(basePath(dir), OpenOptions{ReadOnly: true}); err == nil { // which must not show a half
		if b.Meta().LSN == 1 {
			err = before.differs(b)
		} else {
			err = after.differs(b)
		}
		if err != nil {
			t.Fatalf("%s, read-only: %v", what, err)
		}
		must(t, b.Close())
	} else if !errors.Is(err, ErrUnfinished) {
		t.Fatalf("%s, read-only: %v", what, err)
	}
	must(t, RemoveTemporary(vfs.OS(), dir))
	b, err := Open(basePath(dir), OpenOptions{})
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if b.Meta().LSN == 1 && !acknowledged {
		err = before.differs(b)
	} else {
		err = after.differs(b)
	}
	if err == nil {
		_, err = b.Verify(nil)
	}
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	must(t, b.Close())
	names, err := vfs.OS().List(dir)
	if err != nil || len(names) != 1 {
		t.Fatalf("%s: a start leaves %q, %v", what, names, err)
	}
}

// TestRedoFiles: what Open does about the redo file that it finds.
func TestRedoFiles(t *testing.T) {
	dir := t.TempDir()
	m := small(t, dir)
	old := m.clone()
	b, err := Open(basePath(dir), OpenOptions{})
	must(t, err)
	c := newChanges(t, vfs.OS(), dir, m)
	c.put(1, "a", Record{Payload: []byte("changed")})
	m.meta.LSN++
	_, err = b.writeRedo(c.ch, newState(m.meta))
	must(t, err)
	must(t, b.Close())
	redo, err := os.ReadFile(basePath(dir) + redoSuffix)
	must(t, err)
	base, err := os.ReadFile(basePath(dir))
	must(t, err)
	prepare := func(content []byte) {
		must(t, os.WriteFile(basePath(dir), base, 0o600))
		must(t, os.WriteFile(basePath(dir)+redoSuffix, content, 0o600))
	}

	for i := range redo { // a damaged one stops the start and changes nothing
		redo[i] ^= 0x40
		prepare(redo)
		if _, err := Open(basePath(dir), OpenOptions{}); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("redo byte %d: %v", i, err)
		}
		redo[i] ^= 0x40
		prepare(redo[:i])
		if _, err := Open(basePath(dir), OpenOptions{}); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("redo cut at %d: %v", i, err)
		}
	}

	prepare(redo)
	b, err = Open(basePath(dir), OpenOptions{ReadOnly: true}) // nothing of it is applied yet
	must(t, err)
	old.check(t, b)
	must(t, b.Close())
	for range 2 { // the second time it is done already
		b, err = Open(basePath(dir), OpenOptions{})
		must(t, err)
		m.check(t, b)
		must(t, b.Close())
		must(t, os.WriteFile(basePath(dir)+redoSuffix, redo, 0o600))
	}

	other := t.TempDir() // one that belongs to another base
	n := newModel(1)
	n.meta.ID = [16]byte{99}
	newChanges(t, vfs.OS(), other, n).fresh(vfs.OS(), other)
	must(t, os.WriteFile(basePath(other)+redoSuffix, redo, 0o600))
	if _, err := Open(basePath(other), OpenOptions{}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a redo file of another base: %v", err)
	}
}

// TestAHalfAppliedChangeWithoutItsRedoFile can come of no crash, only of somebody who removed the file, or of a damaged header page.
func TestAHalfAppliedChangeWithoutItsRedoFile(t *testing.T) {
	dir := t.TempDir()
	small(t, dir)
	b, err := Open(basePath(dir), OpenOptions{})
	must(t, err)
	must(t, b.update(func(w *writer) error { return w.interrupt() }))
	must(t, b.Close())
	expect := func(says string) {
		t.Helper()
		for _, readOnly := range []bool{false, true} {
			if _, err := Open(basePath(dir), OpenOptions{ReadOnly: readOnly}); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), says) {
				t.Errorf("Open, read-only %v: %v, and not %q", readOnly, err, says)
			}
		}
	}
	expect("a change is half applied, and its redo file is gone")

	content, err := os.ReadFile(basePath(dir))
	must(t, err)
	h, err := readHeader(bytes.NewReader(content), int64(len(content)), "")
	must(t, err)
	older := int64(1-h.txid%2) * int64(h.pageSize)
	content[older+30] ^= 1
	must(t, os.WriteFile(basePath(dir), content, 0o600))
	expect(fmt.Sprintf("offset %d: page %d is no valid header", older, older/int64(h.pageSize)))
}

// TestANameIsSyncedBeforeAnythingRestsOnIt: of a redo file or of a base that has its name, and not for good, as the sync of the
// directory failed or never came. What is half applied would stay so, and who drops a log would rely on a base that is not there.
func TestANameIsSyncedBeforeAnythingRestsOnIt(t *testing.T) {
	dir := t.TempDir()
	m := small(t, dir)
	before := m.clone()
	fsys := vfs.NewFaulty(dir, 1)
	b, err := Open(basePath(dir), OpenOptions{FS: fsys})
	must(t, err)
	c := newChanges(t, vfs.OS(), t.TempDir(), m)
	change := func(content string) {
		c.put(1, "a", Record{Payload: []byte(content)})
		m.meta.LSN++
	}
	noSync := func(kind vfs.Kind, _ string) error {
		if kind == vfs.SyncDir {
			return syscall.EIO
		}
		return nil
	}
	expect := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, syscall.EIO) {
			t.Fatalf("%s said %v", what, err)
		}
	}

	change("by a redo file")
	b.limits.whole = 0
	fsys.Intercept(noSync)
	for range 2 {
		_, err = b.Apply(c.ch, m.meta)
		expect("Apply", err)
		before.check(t, b)
	}
	must(t, b.Close())
	_, err = Open(basePath(dir), OpenOptions{FS: fsys})
	expect("Open beside a redo file", err)
	b = open(t, dir, OpenOptions{ReadOnly: true})
	before.check(t, b)
	must(t, b.Close())
	fsys.Intercept(nil)
	b, err = Open(basePath(dir), OpenOptions{FS: fsys})
	must(t, err)
	m.check(t, b)

	change("by a new file")
	fsys.Intercept(noSync)
	_, err = b.Rewrite(c.ch, m.meta)
	expect("Rewrite", err)
	must(t, b.Close())
	_, err = Open(basePath(dir), OpenOptions{FS: fsys})
	expect("Open of what was rewritten", err)
	fsys.Intercept(nil)
	b, err = Open(basePath(dir), OpenOptions{FS: fsys})
	must(t, err)
	m.check(t, b)
	must(t, b.Close())
}

// TestWhatAKillLeftIsSyncedFirst: a commit whose header page had been written and not synced is the valid one for a start, and a
// power cut takes it back. The next commit writes over pages of the one before, which are free then: what it does is to be lost with
// nothing but itself.
func TestWhatAKillLeftIsSyncedFirst(t *testing.T) {
	dir := t.TempDir()
	small(t, dir)
	b := open(t, dir, OpenOptions{})
	b.pages = tap{pageFile: b.pages, sync: func() error { return syscall.EIO }}
	if err := b.settle(); !errors.Is(err, syscall.EIO) {
		t.Errorf("what Open does last said %v, and the file could not be synced", err)
	}
}
