package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"holdfast/internal/vfs"
)

// salvageBase writes a base of every form of record: plain, hashed, chunked and parted, in two databases.
func salvageBase(t *testing.T, dir string) (keys map[string]Record, m Meta) {
	t.Helper()
	keys = map[string]Record{}
	m = Meta{ID: [16]byte{1}, LSN: 7, Time: 1, DBs: []DB{{Index: 0, Store: 1}, {Index: 4, Store: 2}}}
	ch := NewChanges(vfs.OS(), dir, 1<<20)
	put := func(store Store, key string, r Record) {
		keys[fmt.Sprintf("%d/%s", map[Store]int{1: 0, 2: 4}[store], key)] = r
		must(t, ch.Put(store, []byte(key), r))
	}
	for i := range 600 {
		r := Record{Kind: 1, Payload: bytes.Repeat([]byte{byte(i)}, i%300)}
		if i%5 == 0 {
			r.Deadline = int64(i + 1)
		}
		put(Store(1+i%2), fmt.Sprintf("key-%04d", i), r)
	}
	put(1, string(bytes.Repeat([]byte("k"), MaxPlainKey+1)), Record{Kind: 1, Payload: []byte("hashed")})
	put(1, "chunked", Record{Kind: 2, Payload: bytes.Repeat([]byte("c"), 3*chunk+5)})
	put(2, "parted", Record{Kind: 3, Parted: true, Payload: []byte("head")})
	for i := range uint64(50) {
		must(t, ch.PutPart(2, []byte("parted"), i, bytes.Repeat([]byte{byte(i)}, 500)))
	}
	_, err := WriteFresh(vfs.OS(), dir, "base.db", ch, m)
	must(t, errors.Join(err, ch.Discard()))
	return keys, m
}

// salvageAll salvages a base into a new one, and checks that all that it has is what was written.
func salvageAll(t *testing.T, dir string, keys map[string]Record) Salvaged {
	t.Helper()
	ch := NewChanges(vfs.OS(), dir, 1<<20)
	kept := 0
	found, err := Salvage(vfs.OS(), basePath(dir), ch, func(db int, key []byte, r Record, parts []Part) error {
		kept++
		want, ok := keys[fmt.Sprintf("%d/%s", db, key)]
		if !ok || want.Kind != r.Kind || want.Deadline != r.Deadline || !bytes.Equal(want.Payload, r.Payload) || want.Parted != r.Parted {
			t.Errorf("%d/%.50q is not what was written", db, key)
		}
		if r.Parted && len(parts) != 50 {
			return errors.New("parts are missing")
		}
		return nil
	})
	if errors.Is(err, ErrCorrupt) || errors.Is(err, ErrNotBase) || errors.Is(err, ErrNewer) {
		must(t, ch.Discard())
		return Salvaged{}
	}
	must(t, err)
	fresh := filepath.Join(t.TempDir(), "fresh")
	must(t, os.MkdirAll(fresh, 0o700))
	_, err = WriteFresh(vfs.OS(), fresh, "base.db", ch, found.Meta)
	must(t, errors.Join(err, ch.Discard()))
	b, err := Open(basePath(fresh), OpenOptions{})
	must(t, err)
	report, err := b.Verify(nil)
	must(t, errors.Join(err, b.Close()))
	if report.Keys != found.Keys || found.Meta.LSN != 7 {
		t.Errorf("salvaged %d keys, and the new base of LSN %d has %d", found.Keys, found.Meta.LSN, report.Keys)
	}
	return found
}

// Of a sound base everything is salvaged.
func TestSalvageWhole(t *testing.T) {
	dir := t.TempDir()
	keys, _ := salvageBase(t, dir)
	if found := salvageAll(t, dir, keys); found.Keys != int64(len(keys)) || found.Found != 0 || len(found.Lost) != 0 {
		t.Errorf("%d of %d keys, %d problems: %v", found.Keys, len(keys), found.Found, found.First)
	}
}

// Whatever byte is damaged, nothing is salvaged that was not written, and little is lost.
func TestSalvageDamaged(t *testing.T) {
	unraced(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	keys, _ := salvageBase(t, dir)
	sound, err := os.ReadFile(basePath(dir))
	must(t, err)
	b, err := Open(basePath(dir), OpenOptions{})
	must(t, err)
	stats, err := b.Stats()
	must(t, errors.Join(err, b.Close()))
	used := int(stats.Pages) * stats.PageBytes
	for range 150 {
		damaged := bytes.Clone(sound)
		damaged[rng.IntN(used)] ^= byte(1 + rng.IntN(255))
		must(t, os.WriteFile(basePath(dir), damaged, 0o600))
		if found := salvageAll(t, dir, keys); found.Found == 0 && found.Meta.LSN != 0 && found.Keys != int64(len(keys)) {
			t.Errorf("%d of %d keys, and no problem", found.Keys, len(keys))
		}
	}
	for _, at := range []int64{0, int64(stats.PageBytes)} { // one header page is enough
		must(t, os.WriteFile(basePath(dir), sound, 0o600))
		overwrite(t, basePath(dir), at, stats.PageBytes)
		if found := salvageAll(t, dir, keys); found.Keys != int64(len(keys)) {
			t.Errorf("without the header at %d: %d of %d keys", at, found.Keys, len(keys))
		}
	}
	must(t, os.WriteFile(basePath(dir), sound[:used/2], 0o600)) // and half of a file gives what it has
	salvageAll(t, dir, keys)
}

func overwrite(t *testing.T, path string, at int64, size int) {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	clear(b[at : at+int64(size)])
	must(t, os.WriteFile(path, b, 0o600))
}

// A base that somebody is writing is left alone.
func TestSalvageLocked(t *testing.T) {
	dir := t.TempDir()
	salvageBase(t, dir)
	b, err := Open(basePath(dir), OpenOptions{})
	must(t, err)
	if _, err := Salvage(vfs.OS(), basePath(dir), nil, nil); !errors.Is(err, ErrLocked) {
		t.Error(err)
	}
	must(t, b.Close())
	if _, err := Salvage(vfs.OS(), filepath.Join(dir, "nowhere"), nil, nil); !errors.Is(err, ErrNotExist) {
		t.Error(err)
	}
}

// Where a change was half applied when the base was damaged, its redo file finishes what can be read.
func TestSalvageHalfApplied(t *testing.T) {
	dir := t.TempDir()
	keys, m := salvageBase(t, dir)
	b, err := Open(basePath(dir), OpenOptions{})
	must(t, err)
	ch := NewChanges(vfs.OS(), dir, 1<<20)
	for i := range 300 {
		key := fmt.Sprintf("key-%04d", 2*i)
		r := Record{Kind: 1, Payload: []byte("changed")}
		keys["0/"+key] = r
		must(t, ch.Put(1, []byte(key), r))
	}
	must(t, ch.PutPart(2, []byte("parted"), 3, []byte("changed")))
	must(t, ch.Delete(2, []byte("key-0001")))
	delete(keys, "4/key-0001")
	m.LSN = 9
	_, err = b.writeRedo(ch, newState(m))
	must(t, err)
	from := newBlockReader(mustOpen(t, basePath(dir)+redoSuffix), basePath(dir)+redoSuffix, redoMagic)
	_, err = from.next()
	must(t, err)
	must(t, b.update(func(w *writer) error { // the first of its transactions, and no other
		w.wanted = newState(m).stores
		for range 40 {
			e, err := from.next()
			if err != nil {
				return err
			}
			if err := w.apply(e); err != nil {
				return err
			}
		}
		return w.interrupt()
	}))
	must(t, errors.Join(from.file.Close(), b.Close(), ch.Discard()))

	into := NewChanges(vfs.OS(), dir, 1<<20)
	found, err := Salvage(vfs.OS(), basePath(dir), into, nil)
	must(t, err)
	fresh := t.TempDir()
	_, err = WriteFresh(vfs.OS(), fresh, "base.db", into, found.Meta)
	must(t, errors.Join(err, into.Discard()))
	b, err = Open(basePath(fresh), OpenOptions{})
	must(t, err)
	defer func() { must(t, b.Close()) }()
	if _, err := b.Verify(nil); err != nil || b.Meta().LSN != 9 {
		t.Fatalf("LSN %d: %v", b.Meta().LSN, err)
	}
	for _, db := range b.Meta().DBs {
		must(t, b.Each(db.Store, nil, func(key []byte, r Record) error {
			name := fmt.Sprintf("%d/%s", db.Index, key)
			if want, ok := keys[name]; !ok || !bytes.Equal(want.Payload, r.Payload) {
				t.Errorf("%.50q is %.50q", name, r.Payload)
			}
			delete(keys, name)
			return nil
		}))
	}
	if len(keys) > 0 {
		t.Errorf("%d keys are missing", len(keys))
	}
	part, ok, err := b.Part(2, []byte("parted"), 3)
	if string(part) != "changed" || !ok || err != nil {
		t.Errorf("the part is %q, %v, %v", part, ok, err)
	}
}

func mustOpen(t *testing.T, path string) vfs.File {
	t.Helper()
	f, err := vfs.OS().OpenRead(path)
	must(t, err)
	return f
}
