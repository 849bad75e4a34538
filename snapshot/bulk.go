package snapshot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"holdfast/internal/nice"
	"holdfast/internal/vfs"
)

// A file that is written whole is written here, and not by bbolt, in bbolt's format: whoever has the keys in order needs no
// page twice. Each goes to the file once it is full, behind the one before, and only the right edge of the tree is in memory.
// By bbolt's own transactions a million keys took three times as long, and left 0.4 GB for the collector.

// bulkFile is the file. Page numbers are handed out in the order of its bytes.
type bulkFile struct {
	file     vfs.File
	pageSize int
	buf      []byte // pages not yet written
	next     uint64 // number of the page behind them
	way      nice.Way
}

// bulkBytes is how much is written at a time.
const bulkBytes = 256 << 10

// createBulk makes the file, which must not be there.
func createBulk(fs vfs.FS, path string) (*bulkFile, error) {
	file, err := fs.Create(path)
	if err != nil {
		return nil, err
	}
	return &bulkFile{file: file, pageSize: os.Getpagesize(), next: 2}, nil
}

// page appends a page of so many bytes, zeros but for its number, that continues over others if need be.
func (f *bulkFile) page(size int) (page, error) {
	if len(f.buf) >= bulkBytes {
		if err := f.flush(); err != nil {
			return nil, err
		}
	}
	f.way.Give()
	pages := (size + f.pageSize - 1) / f.pageSize
	start := len(f.buf)
	f.buf = slices.Grow(f.buf, pages*f.pageSize)[:start+pages*f.pageSize]
	p := page(f.buf[start:])
	clear(p)
	f.number(p, pages)
	return p, nil
}

// pageAlone writes a leaf page at once: of one element, whose key the level has and whose value it has not.
func (f *bulkFile) pageAlone(l *bulkLevel, value []byte) (id uint64, err error) {
	if err := f.flush(); err != nil {
		return 0, err
	}
	p := make(page, l.size())
	pages := (len(p) + len(value) + f.pageSize - 1) / f.pageSize
	f.number(p, pages)
	l.fill(p, 1)
	id = p.id()
	at := int64(id) * int64(f.pageSize)
	if _, err := f.file.WriteAt(p, at); err != nil {
		return 0, err
	}
	_, err = f.file.WriteAt(value, at+int64(len(p)))
	return id, err
}

// number numbers a page that continues over others.
func (f *bulkFile) number(p page, pages int) {
	binary.NativeEndian.PutUint64(p, f.next)
	binary.NativeEndian.PutUint32(p[12:], uint32(pages-1))
	f.next += uint64(pages)
}

func (f *bulkFile) flush() error {
	if len(f.buf) == 0 {
		return nil
	}
	at := int64(f.next)*int64(f.pageSize) - int64(len(f.buf))
	if _, err := f.file.WriteAt(f.buf, at); err != nil {
		return err
	}
	if f.buf = f.buf[:0]; cap(f.buf) > 2*bulkBytes { // a giant's
		f.buf = nil
	}
	return nil
}

// finish writes what stands above the buckets, given by their names, and both header pages. It does not sync.
func (f *bulkFile) finish(buckets map[string][]byte) error {
	t := newBulkTree(f)
	for _, name := range slices.Sorted(maps.Keys(buckets)) {
		if err := t.put([]byte(name), buckets[name], elementBucket); err != nil {
			return err
		}
	}
	root, err := t.finish()
	if err != nil {
		return err
	}
	free, err := f.page(pageHeader) // none is
	if err != nil {
		return err
	}
	binary.NativeEndian.PutUint16(free[8:], pageFreelist)
	m := boltMeta{pageSize: f.pageSize, root: root, freelist: free.id(), hwm: f.next, txid: 1}
	if err := f.flush(); err != nil {
		return err
	}
	head := make([]byte, 2*f.pageSize)
	m.putPages(head)
	_, err = f.file.WriteAt(head, 0)
	return err
}

func (f *bulkFile) close(err error) error { return errors.Join(err, f.file.Close()) }

// bulkTree is a bucket that is filled in the order of its keys.
type bulkTree struct {
	file   *bulkFile
	last   []byte       // the last key, where it was put; good until another is
	levels []*bulkLevel // leaves first; each holds what is not yet in a page
}

type bulkLevel struct {
	kind     uint16
	elements []bulkElement
	data     []byte // their keys and values, in turn
	pages    int    // written
}

type bulkElement struct {
	flags      uint32
	key, value int    // bytes
	child      uint64 // of a branch page's element
}

func newBulkTree(f *bulkFile) *bulkTree {
	return &bulkTree{file: f, levels: []*bulkLevel{{kind: pageLeaf}}}
}

// put appends a key.
func (t *bulkTree) put(key, value []byte, flags uint32) error {
	if t.last != nil && bytes.Compare(t.last, key) >= 0 {
		panic(fmt.Sprintf("BUG: snapshot: key %.64q behind %.64q", key, t.last))
	}
	leaf, e := t.levels[0], bulkElement{flags: flags, key: len(key), value: len(value)}
	if n := len(leaf.elements); n > 0 && leaf.size()+elementSize+len(key)+len(value) > t.file.pageSize {
		if err := t.write(0, n); err != nil {
			return err
		}
	}
	if len(value) > bulkBytes {
		return t.putAlone(e, key, value)
	}
	leaf.add(e, key, value)
	at := len(leaf.data) - len(value)
	t.last = leaf.data[at-len(key) : at]
	return nil
}

// putAlone appends a key whose value is not to be copied once more for all that follows it to be gathered. It has a page to itself.
func (t *bulkTree) putAlone(e bulkElement, key, value []byte) error {
	l := &bulkLevel{kind: pageLeaf}
	l.add(e, key, nil)
	id, err := t.file.pageAlone(l, value)
	if err != nil {
		return err
	}
	t.last = l.data
	return t.raise(0, key, id)
}

func (l *bulkLevel) add(e bulkElement, key, value []byte) {
	l.elements = append(l.elements, e)
	l.data = append(append(l.data, key...), value...)
}

// size is what a page with all elements takes.
func (l *bulkLevel) size() int { return pageHeader + len(l.elements)*elementSize + len(l.data) }

// leastChildren is what bbolt wants below a branch page.
const leastChildren = 2

// write writes the first n elements of a level as a page, and tells the level above.
func (t *bulkTree) write(level, n int) error {
	l := t.levels[level]
	p, err := t.file.page(l.sizeOf(n))
	if err != nil {
		return err
	}
	l.fill(p, n)
	err = t.raise(level, l.data[:l.elements[0].key], p.id())
	l.drop(n)
	return err
}

// raise tells the level above of a page that begins with a key. A branch page is written once two more children than fit are
// there, so that none is ever left with one.
func (t *bulkTree) raise(level int, first []byte, id uint64) error {
	t.levels[level].pages++
	if level+1 == len(t.levels) {
		t.levels = append(t.levels, &bulkLevel{kind: pageBranch})
	}
	above := t.levels[level+1]
	above.add(bulkElement{key: len(first), child: id}, first, nil)
	if n := len(above.elements); n >= 2*leastChildren && above.sizeOf(n-1) > t.file.pageSize {
		return t.write(level+1, above.fitting(t.file.pageSize))
	}
	return nil
}

// sizeOf is what a page with the first n elements takes.
func (l *bulkLevel) sizeOf(n int) int {
	size := l.size()
	for _, e := range l.elements[n:] {
		size -= elementSize + e.key + e.value
	}
	return size
}

// fitting is how many elements a branch page takes, and no fewer than it must.
func (l *bulkLevel) fitting(pageSize int) int {
	size, n := pageHeader, 0
	for _, e := range l.elements {
		if size += elementSize + e.key; size > pageSize {
			break
		}
		n++
	}
	return max(n, leastChildren)
}

// fill puts the first n elements into a page, or as much of them as it has room for.
func (l *bulkLevel) fill(p page, n int) {
	ne := binary.NativeEndian
	ne.PutUint16(p[8:], l.kind)
	ne.PutUint16(p[10:], uint16(n))
	at, data := pageHeader, pageHeader+n*elementSize
	start := data
	for _, e := range l.elements[:n] {
		if to := p[at:]; l.kind == pageLeaf {
			ne.PutUint32(to, e.flags)
			ne.PutUint32(to[4:], uint32(data-at))
			ne.PutUint32(to[8:], uint32(e.key))
			ne.PutUint32(to[12:], uint32(e.value))
		} else {
			ne.PutUint32(to, uint32(data-at))
			ne.PutUint32(to[4:], uint32(e.key))
			ne.PutUint64(to[8:], e.child)
		}
		at += elementSize
		data += e.key + e.value
	}
	copy(p[start:min(data, len(p))], l.data)
}

// drop forgets the first n elements.
func (l *bulkLevel) drop(n int) {
	bytes := 0
	for _, e := range l.elements[:n] {
		bytes += e.key + e.value
	}
	l.elements = append(l.elements[:0], l.elements[n:]...)
	if l.data = append(l.data[:0], l.data[bytes:]...); cap(l.data) > bulkBytes && len(l.data) == 0 {
		l.data = nil // a giant's
	}
}

// finish writes what is left, and returns the number of the root's page.
func (t *bulkTree) finish() (root uint64, err error) {
	for level := 0; ; level++ {
		l := t.levels[level]
		if n := len(l.elements); l.kind == pageBranch && n >= 2*leastChildren && l.size() > t.file.pageSize {
			if err := t.write(level, n-leastChildren); err != nil {
				return 0, err
			}
		}
		if l.pages > 0 {
			if len(l.elements) > 0 { // none where the last page was written alone
				if err := t.write(level, len(l.elements)); err != nil {
					return 0, err
				}
			}
			continue
		}
		if l.kind == pageBranch && len(l.elements) == 1 { // of such a page, and no other
			return l.elements[0].child, nil
		}
		p, err := t.file.page(l.size())
		if err != nil {
			return 0, err
		}
		l.fill(p, len(l.elements))
		return p.id(), nil
	}
}

// bucket ends the tree, and returns what stands for it in the tree of buckets: the root's number, or, of a small one, 0 and
// the page itself.
func (t *bulkTree) bucket() ([]byte, error) {
	value := make([]byte, bucketHeader)
	leaf := t.levels[0]
	if leaf.pages == 0 && leaf.size() <= t.file.pageSize/4 {
		value = append(value, make([]byte, leaf.size())...)
		leaf.fill(value[bucketHeader:], len(leaf.elements))
		return value, nil
	}
	root, err := t.finish()
	binary.NativeEndian.PutUint64(value, root)
	return value, err
}
