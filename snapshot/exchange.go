package snapshot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"holdfast/internal/vfs"
)

// An exchange puts new pages in the place of old ones, in a commit of our own to the file that bbolt has open. It is what
// bbolt's are: new pages go to free ones, a new free list with them, and once they are synced a new header page, which names
// the new root, is written over the older of the two and synced. A crash at any moment leaves the state before or the one after.
//
// It runs within a write transaction of bbolt's that changes nothing and is rolled back: so nobody else writes, and bbolt
// reads the free list anew from the header that is valid then. Readers find that header by themselves.

// pageFile is how pages get into the file.
type pageFile interface {
	io.WriterAt
	// Hasten has the disk begin with what was written to a range, and waits for nothing. It is a hint.
	Hasten(off, size int64)
	Sync() error
}

// boltFile is bbolt's file, synced as bbolt does.
type boltFile struct{ *os.File }

// Sync makes the data durable, and the size where that has changed.
func (f boltFile) Sync() error { return vfs.Datasync(f.File) }

func (f boltFile) Hasten(off, size int64) { vfs.Hasten(f.File, off, size) }

// hastenAt is how many writes the disk begins with at once. So it works while further pages are made. A sync that finds 8,000 pages
// all over the file has them written in 0.1 seconds, in which the kernel takes a processor for up to a millisecond again and again.
const hastenAt = 32

// exchange is one such commit.
type exchange struct {
	file   pageFile
	view   *view // the state before
	header header
	root   uint64
	free   []uint64 // numbers of pages that nobody sees, ascending
	freed  []uint64 // of those that the new state no longer has
	hwm    uint64   // the number of the page behind the last
	most   uint64   // which hwm must not exceed, so that all is mapped
	pages  int64    // put

	run    []byte // pages not yet written, one behind the other,
	runAt  uint64 // from this number on
	begun  int    // writes since the disk was hastened,
	from   int64  // which lie from here
	to     int64  // to here
	failed error  // the write or sync after which nobody knows what is in the file
}

// errNoRoom says that the file would outgrow what is mapped of it, or the disk. bbolt can map more, and takes fewer pages at
// a time.
var errNoRoom = errors.New("no room for so many pages at a time")

// begin begins one on a state as bbolt sees it.
func (x *exchange) begin(file pageFile, v *view, root uint64, mapped int) error {
	h, free, err := checkHeader(bytes.NewReader(v.data), int64(len(v.data)), v.file)
	if err == nil && (h.root != root || int(h.txid) != v.txid) {
		err = v.damage(0, "has changed under the open file")
	}
	if err != nil {
		return err
	}
	*x = exchange{
		file: file, view: v, header: h, root: root, free: free, hwm: h.hwm, most: uint64(mapped / h.pageSize),
	}
	return nil
}

// put writes the elements of a level as a page in the place of another one.
func (x *exchange) put(l *bulkLevel, old page) (id uint64, err error) {
	if id, err = x.take(); err != nil {
		return 0, err
	}
	size := x.view.pageSize
	if n := len(x.run); n > 0 && (id != x.runAt+uint64(n/size) || n >= bulkBytes) {
		if err := x.flush(); err != nil {
			return 0, err
		}
	}
	start := len(x.run)
	if start == 0 {
		x.runAt = id
	}
	x.run = slices.Grow(x.run, size)[:start+size]
	p := page(x.run[start:])
	clear(p)
	binary.NativeEndian.PutUint64(p, id)
	l.fill(p, len(l.elements))
	x.release(old)
	x.pages++
	return id, nil
}

// take finds room for a page.
func (x *exchange) take() (id uint64, err error) {
	if len(x.free) > 0 {
		id, x.free = x.free[0], x.free[1:]
		return id, nil
	}
	return x.extend(1)
}

// takeRun finds room for consecutive pages.
func (x *exchange) takeRun(n int) (first uint64, err error) {
	for i, start := 0, 0; i < len(x.free); i++ {
		if i > start && x.free[i] != x.free[i-1]+1 {
			start = i
		}
		if i-start+1 == n {
			first = x.free[start]
			x.free = slices.Concat(x.free[:start], x.free[i+1:])
			return first, nil
		}
	}
	return x.extend(n)
}

func (x *exchange) extend(n int) (first uint64, err error) {
	if x.hwm+uint64(n) > x.most {
		return 0, errNoRoom
	}
	first = x.hwm
	x.hwm += uint64(n)
	return first, nil
}

// release notes that the new state does not have a page.
func (x *exchange) release(p page) {
	for i := range uint64(p.overflow()) + 1 {
		x.freed = append(x.freed, p.id()+i)
	}
}

func (x *exchange) flush() error {
	err := x.write(x.run, int64(x.runAt)*int64(x.view.pageSize))
	x.run = x.run[:0]
	return err
}

// write writes where nothing is that anybody needs: that it failed leaves nothing in doubt. On a full disk bbolt may find room.
func (x *exchange) write(b []byte, at int64) error {
	_, err := x.file.WriteAt(b, at)
	if vfs.NoRoom(err) {
		return fmt.Errorf("%w: %w", errNoRoom, err)
	}
	if err == nil {
		x.hasten(at, at+int64(len(b)))
	}
	return err
}

// hasten has the disk begin, when there is enough, with what was written last: in the order of the file, but for the free list.
func (x *exchange) hasten(at, end int64) {
	if x.begun == 0 {
		x.from, x.to = at, end
	}
	x.from, x.to = min(x.from, at), max(x.to, end)
	if x.begun++; x.begun == hastenAt {
		x.file.Hasten(x.from, x.to-x.from)
		x.begun = 0
	}
}

// fail notes what leaves the file in doubt.
func (x *exchange) fail(err error) error {
	if err != nil {
		x.failed = err
	}
	return err
}

// commit makes the pages that were put, with this root, the state of the file.
func (x *exchange) commit(root uint64) error {
	freelist, err := x.putFreelist()
	if err == nil {
		err = x.flush()
	}
	if err == nil {
		err = x.fail(x.file.Sync())
	}
	if err != nil {
		return err
	}
	m := boltMeta{pageSize: x.view.pageSize, root: root, freelist: freelist, hwm: x.hwm, txid: x.header.txid + 1}
	id := m.txid % 2
	p := make([]byte, m.pageSize)
	copy(p, m.page(id))
	if _, err = x.file.WriteAt(p, int64(id)*int64(m.pageSize)); err == nil {
		err = x.file.Sync()
	}
	return x.fail(err)
}

// putFreelist writes the list of the pages that are free in the new state. It is the last page to be put.
func (x *exchange) putFreelist() (id uint64, err error) {
	v := x.view
	x.release(page(v.data[int(x.header.freelist)*v.pageSize:]))
	entries := len(x.free) + len(x.freed) + 1 // of a long list the first is its length
	n := (pageHeader + 8*entries + v.pageSize - 1) / v.pageSize
	if id, err = x.takeRun(n); err != nil {
		return 0, err
	}
	list := slices.Concat(x.free, x.freed)
	slices.Sort(list)
	for i, free := range list {
		if i > 0 && list[i-1] == free {
			panic(fmt.Sprintf("BUG: snapshot: page %d is freed twice", free))
		}
	}
	ne := binary.NativeEndian
	p := make(page, pageHeader, n*v.pageSize)
	ne.PutUint64(p, id)
	ne.PutUint16(p[8:], pageFreelist)
	ne.PutUint16(p[10:], uint16(min(len(list), longFreelist)))
	ne.PutUint32(p[12:], uint32(n-1))
	if len(list) >= longFreelist {
		p = ne.AppendUint64(p, uint64(len(list)))
	}
	for _, free := range list {
		p = ne.AppendUint64(p, free)
	}
	return id, x.write(p[:cap(p)], int64(id)*int64(v.pageSize))
}
