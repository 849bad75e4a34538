package snapshot

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"holdfast/internal/vfs"
)

// WriteFresh writes a new base from scratch, dir/name, and replaces the one of that name, if any, when the new one
// is whole, synced and has been looked at: until then the old one is untouched. A Base that has the old one open
// keeps reading it; it is to be closed and the new one opened. It removes an old redo file.
//
// Keys that ch deletes are left out. It loads sorted, about 3 M small keys/s, and wants twice the room of
// ch on the disk of dir beside that of the base.
func WriteFresh(fs vfs.FS, dir, name string, ch *Changes, m Meta) (Result, error) {
	started := time.Now() // a stopwatch; nothing depends on it
	path := filepath.Join(dir, name)
	l := newLoader(fs, path, ch, m)
	if err := l.build(func() error { return l.fill(ch) }); err != nil {
		return Result{}, err
	}
	if err := publish(fs, l.path, path); err != nil {
		return Result{}, err
	}
	if err := removeIfThere(fs, path+redoSuffix); err != nil {
		return Result{}, err
	}
	return l.result(started), nil
}

// inspect looks at a new file's shape as Open and the first Apply would.
func inspect(fs vfs.FS, path string) error {
	b, err := Open(path, OpenOptions{FS: fs, ReadOnly: true})
	if err != nil {
		return err
	}
	return errors.Join(b.fence(), b.Close())
}

// RemoveTemporary removes what this package left in a directory when it was interrupted. A start calls it before
// anything of this package writes there.
func RemoveTemporary(fs vfs.FS, dir string) error {
	names, err := fs.List(dir)
	if err != nil {
		return fmt.Errorf("listing %s: %w", dir, err)
	}
	found := false
	for _, name := range names {
		if strings.HasSuffix(name, TemporarySuffix) {
			found = true
			if err := fs.Remove(filepath.Join(dir, name)); err != nil {
				return fmt.Errorf("removing a temporary file: %w", err)
			}
		}
	}
	if !found {
		return nil
	}
	if err := fs.SyncDir(dir); err != nil {
		return fmt.Errorf("syncing %s: %w", dir, err)
	}
	return nil
}

// loader fills a new file in the order of its keys. Records come in that order; their deadlines and parts are put in order by
// a second sort.
type loader struct {
	fs      vfs.FS
	path    string // temporary
	state   state
	derived spool
	ended   func() error // if any, says whether to go on
	puts    int

	file     *bulkFile
	tree     *bulkTree // of the bucket at hand
	at       bucketOf
	buckets  map[string][]byte // those that are done, and what stands for them
	counting Store             // whose records are being put,
	counted  counts            // and what of them is not yet in the state
	keys     int64
	pages    int64
	pageSize int

	key    entry // the key at hand,
	parted bool  // and whether its record is
}

// newLoader makes the loader of what will replace the base at path.
func newLoader(fs vfs.FS, path string, ch *Changes, m Meta) *loader {
	return &loader{
		fs: fs, path: path + TemporarySuffix, state: newState(m), ended: ch.ended, buckets: map[string][]byte{},
		derived: spool{fs: fs, dir: filepath.Dir(path), limit: ch.spool.limit, behind: ch.spool.behind},
	}
}

// build writes the temporary file, which fill fills, syncs it and looks at it. What did not become whole is removed.
func (l *loader) build(fill func() error) error {
	if err := removeIfThere(l.fs, l.path); err != nil {
		return err
	}
	err := guard(l.path, "writing a new base", func() error { return l.load(fill) })
	if err = errors.Join(err, l.derived.discard()); err == nil {
		err = inspect(l.fs, l.path)
	}
	if err != nil {
		return errors.Join(err, removeIfThere(l.fs, l.path))
	}
	return nil
}

func (l *loader) result(started time.Time) Result {
	return Result{
		Keys: l.keys, Bytes: l.pages * int64(l.pageSize), Pages: l.pages,
		Duration: time.Since(started), Meta: l.state.counted(),
	}
}

func (l *loader) load(fill func() error) (err error) {
	if l.file, err = createBulk(l.fs, l.path); err != nil {
		return fmt.Errorf("creating %s: %w", l.path, err)
	}
	defer func() { // also when the disk cannot give a mapped page
		if err == nil {
			err = l.file.file.Sync()
		}
		if err = l.file.close(err); err != nil {
			err = fmt.Errorf("writing %s: %w", l.path, err)
		}
	}()
	err = fill()
	l.pages, l.pageSize = int64(l.file.next), l.file.pageSize
	return err
}

func (l *loader) fill(ch *Changes) error {
	err := ch.relent()
	if err != nil {
		return err
	}
	records, err := ch.resolved()
	switch {
	case err != nil:
	case ch.spool.behind:
		err = eachAhead(records, l.record)
	default:
		err = each(records, l.record)
	}
	l.settleCounts()
	if err == nil {
		err = l.derived.relent()
	}
	if err != nil {
		return err
	}
	derived, err := l.derived.entries()
	if err == nil {
		err = each(derived, func(e entry) error { return l.put(table(e.key()[0]), e.store(), e.key()[1:], e.value()) })
	}
	if err == nil {
		err = l.finish()
	}
	return err
}

func each(from source, fn func(entry) error) error {
	for {
		e, err := from.next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = fn(e)
		}
		if err != nil {
			return err
		}
	}
}

// record loads a record and sets aside what derives from it.
func (l *loader) record(e entry) error {
	if _, ok := l.state.stores[e.store()]; !ok || e.op() == opDelete || e.op() == opDelPart {
		return nil
	}
	switch e.op() {
	case opChunk:
		return l.derive(tableParts, e.store(), appendPartKey(nil, e.key(), spaceChunks, e.part()), e.value())
	case opPart:
		if !l.parted || !sameKey(l.key, e) {
			panic(fmt.Sprintf("BUG: snapshot: part %d of key %q, which is not parted", e.part(), e.key()))
		}
		return l.derive(tableParts, e.store(), appendPartKey(nil, e.key(), spaceParts, e.part()), e.value())
	}
	h, _ := parseHead(e.value())
	l.key, l.parted = append(l.key[:0], e.about()...), h.has(flagParted)
	if h.due() != 0 {
		key := appendDeadlineKey(nil, h.due(), e.key())
		if err := l.derive(tableDeadlines, e.store(), key, seal(key, make([]byte, sumSize))); err != nil {
			return err
		}
	}
	return l.putRecord(e.store(), e.key(), e.value(), h)
}

// putRecord appends a record and counts it.
func (l *loader) putRecord(s Store, stored, value []byte, h head) error {
	if l.counting != s {
		l.settleCounts()
		l.counting = s
	}
	l.counted.keys++
	l.counted.deadlines += one(h.due() != 0)
	l.keys++
	return l.put(tableKeys, s, stored, value)
}

// settleCounts adds what was counted of a store to its counts.
func (l *loader) settleCounts() {
	if l.counted != (counts{}) {
		c := l.state.stores[l.counting]
		l.state.stores[l.counting] = counts{c.keys + l.counted.keys, c.deadlines + l.counted.deadlines}
		l.counted = counts{}
	}
}

// derive sets a value aside for the second sort.
func (l *loader) derive(t table, s Store, key, value []byte) error {
	return l.derived.add(opRaw, s, 0, append([]byte{byte(t)}, key...), value)
}

// put appends to a bucket.
func (l *loader) put(t table, s Store, key, value []byte) error {
	const often = 1 << 10
	if l.ended != nil && l.puts%often == 0 {
		if err := l.ended(); err != nil {
			return err
		}
	}
	l.puts++
	if at := (bucketOf{t, s}); l.tree == nil || l.at != at {
		if err := l.closeBucket(); err != nil {
			return err
		}
		l.tree, l.at = newBulkTree(l.file), at
	}
	return l.tree.put(key, value, 0)
}

// closeBucket ends the bucket at hand.
func (l *loader) closeBucket() (err error) {
	if l.tree != nil {
		l.buckets[string(l.at.table.bucket(l.at.store))], err = l.tree.bucket()
		l.tree = nil
	}
	return err
}

// finish adds the buckets that are empty, and the meta.
func (l *loader) finish() error {
	if err := l.closeBucket(); err != nil {
		return err
	}
	for store := range l.state.stores {
		for t := tableKeys; t <= tableParts; t++ {
			name := string(t.bucket(store))
			if _, ok := l.buckets[name]; ok {
				continue
			}
			var err error
			if l.buckets[name], err = newBulkTree(l.file).bucket(); err != nil {
				return err
			}
		}
	}
	meta := newBulkTree(l.file)
	err := meta.put([]byte(keyFormat), formatValue(), 0)
	if err == nil {
		err = meta.put([]byte(keyState), l.state.value(), 0)
	}
	if err == nil {
		l.buckets[bucketMeta], err = meta.bucket()
	}
	if err != nil {
		return err
	}
	return l.file.finish(l.buckets)
}
