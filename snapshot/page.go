package snapshot

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"unsafe"
)

// view is the file as one transaction sees it. It trusts nothing in it: every page number, length and
// position is checked before it is followed, so that damage is an error with an offset and neither a panic
// nor an endless loop. It reads bbolt's page format of version 2 (bbolt's internal/common is the reference).
type view struct {
	file     string
	data     []byte // the mapped file up to the transaction's high water mark
	pageSize int
	txid     int
	places   *atomic.Pointer[places] // of the base, if any
}

func (v *view) pages() uint64 { return uint64(len(v.data) / v.pageSize) }

// page is a page with its overflow pages: a header {id u64, flags u16, count u16, overflow u32}, count
// elements of 16 bytes, and keys and values that the elements point at. Numbers are in the machine's order.
type page []byte

const (
	pageHeader  = 16
	elementSize = 16

	pageBranch   = 0x01
	pageLeaf     = 0x02
	pageMeta     = 0x04
	pageFreelist = 0x10

	elementBucket = 0x01
	bucketHeader  = 16 // root u64, sequence u64; a small bucket's only page follows, and its root is 0
)

func (p page) id() uint64     { return binary.NativeEndian.Uint64(p) }
func (p page) flags() uint16  { return binary.NativeEndian.Uint16(p[8:]) }
func (p page) count() int     { return int(binary.NativeEndian.Uint16(p[10:])) }
func (p page) overflow() int  { return int(binary.NativeEndian.Uint32(p[12:])) }
func (p page) isLeaf() bool   { return p.flags() == pageLeaf }
func (p page) isBranch() bool { return p.flags() == pageBranch }

// damage makes an error about the page with this number.
func (v *view) damage(id uint64, format string, args ...any) error {
	return &DamageError{
		File: v.file, Offset: int64(id) * int64(v.pageSize),
		What: fmt.Sprintf("page %d ", id) + fmt.Sprintf(format, args...),
	}
}

// offset is where in the file a piece of it lies; -1 for bytes that are no part of it.
func (v *view) offset(piece []byte) int64 {
	if len(piece) == 0 || len(v.data) == 0 {
		return -1
	}
	at := uintptr(unsafe.Pointer(&piece[0])) - uintptr(unsafe.Pointer(&v.data[0])) // huge for what comes before it
	if at >= uintptr(len(v.data)) {
		return -1
	}
	return int64(at)
}

// page returns a branch or leaf page.
func (v *view) page(id uint64) (page, error) {
	pages := v.pages()
	if id < 2 || id >= pages {
		return nil, &DamageError{File: v.file, Offset: -1, What: fmt.Sprintf("page %d of %d is referred to", id, pages)}
	}
	at := int(id) * v.pageSize
	p := page(v.data[at : at+v.pageSize])
	if p.id() != id {
		return nil, v.damage(id, "calls itself %d", p.id())
	}
	if !p.isLeaf() && !p.isBranch() {
		return nil, v.damage(id, "has flags %#x", p.flags())
	}
	if uint64(p.overflow()) >= pages-id {
		return nil, v.damage(id, "continues over %d more, beyond the file's end", p.overflow())
	}
	end := at + (1+p.overflow())*v.pageSize
	p = page(v.data[at:end:end])
	if !p.wellCounted() {
		return nil, v.damage(id, "does not have %d elements", p.count())
	}
	return p, nil
}

// wellCounted checks the number of elements. bbolt writes the first key right behind the last element, and zeros
// where there is none: so a wrong number shows, and with it keys that would be missed in silence.
func (p page) wellCounted() bool {
	end := pageHeader + p.count()*elementSize
	if end > len(p) {
		return false
	}
	if p.count() == 0 {
		next := p[pageHeader:min(len(p), pageHeader+elementSize)]
		return len(bytes.Trim(next, "\x00")) == 0
	}
	position := p[pageHeader:] // of a branch element's key
	if p.isLeaf() {
		position = position[4:]
	}
	return pageHeader+int(binary.NativeEndian.Uint32(position)) == end
}

// branch returns the i-th element of a branch page: the least key below it, and the child's page.
func (p page) branch(i int) (key []byte, child uint64, ok bool) {
	at := pageHeader + i*elementSize
	e := p[at : at+elementSize]
	start := at + int(binary.NativeEndian.Uint32(e))
	end := start + int(binary.NativeEndian.Uint32(e[4:]))
	if end > len(p) {
		return nil, 0, false
	}
	return p[start:end:end], binary.NativeEndian.Uint64(e[8:]), true
}

// item is an element of a leaf page.
type item struct {
	key, value []byte
	bucket     bool
}

func (p page) item(i int) (it item, ok bool) {
	at := pageHeader + i*elementSize
	e := p[at : at+elementSize]
	key := at + int(binary.NativeEndian.Uint32(e[4:]))
	value := key + int(binary.NativeEndian.Uint32(e[8:]))
	end := value + int(binary.NativeEndian.Uint32(e[12:]))
	if end > len(p) || value == key {
		return item{}, false
	}
	flags := binary.NativeEndian.Uint32(e)
	return item{p[key:value:value], p[value:end:end], flags == elementBucket}, flags&^elementBucket == 0
}

// key returns the key of the i-th element.
func (p page) key(i int) (key []byte, ok bool) {
	if p.isLeaf() {
		it, ok := p.item(i)
		return it.key, ok
	}
	key, _, ok = p.branch(i)
	return key, ok
}
