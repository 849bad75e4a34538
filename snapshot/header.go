package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// boltMeta is what one of bbolt's two header pages says: magic u32, version u32, page size u32, flags u32,
// root bucket {root u64, sequence u64}, free list u64, high water mark u64, transaction u64, FNV-1a u64 over
// all of that. A commit writes the page that its number is odd or even for, so that a torn one leaves the other.
type boltMeta struct {
	pageSize                  int
	root, freelist, hwm, txid uint64
}

const (
	boltMagic    = 0xED0CDAED
	boltVersion  = 2
	boltMetaSize = 64
	noFreelist   = 1<<64 - 1
	longFreelist = 0xFFFF // entries, or more
)

// parseBoltMeta reads a header page. errBoltMagic says that it is none; errBoltSum that it is a damaged one.
func parseBoltMeta(p []byte) (boltMeta, error) {
	if len(p) < pageHeader+boltMetaSize {
		return boltMeta{}, errBoltMagic
	}
	m, u32, u64 := p[pageHeader:], binary.NativeEndian.Uint32, binary.NativeEndian.Uint64
	if u32(m) != boltMagic {
		return boltMeta{}, errBoltMagic
	}
	if boltSum(m[:boltMetaSize-8]) != u64(m[boltMetaSize-8:]) {
		return boltMeta{}, errBoltSum
	}
	if u32(m[4:]) != boltVersion {
		return boltMeta{}, errBoltVersion
	}
	size := int(u32(m[8:]))
	if size < 1<<10 || size > 16<<20 || size&(size-1) != 0 {
		return boltMeta{}, errBoltSum
	}
	return boltMeta{pageSize: size, root: u64(m[16:]), freelist: u64(m[32:]), hwm: u64(m[40:]), txid: u64(m[48:])}, nil
}

func boltSum(b []byte) uint64 {
	sum := fnv.New64a()
	sum.Write(b) // which never fails
	return sum.Sum64()
}

// page makes the start of the header page that says this; zeros follow.
func (m boltMeta) page(id uint64) []byte {
	ne := binary.NativeEndian
	p := ne.AppendUint64(make([]byte, 0, pageHeader+boltMetaSize), id)
	p = ne.AppendUint16(p, pageMeta)
	p = append(p, make([]byte, 2+4)...) // elements and overflow
	p = ne.AppendUint32(p, boltMagic)
	p = ne.AppendUint32(p, boltVersion)
	p = ne.AppendUint32(p, uint32(m.pageSize))
	p = ne.AppendUint32(p, 0)
	p = ne.AppendUint64(p, m.root)
	p = ne.AppendUint64(p, 0) // the root's sequence, which nobody uses
	p = ne.AppendUint64(p, m.freelist)
	p = ne.AppendUint64(p, m.hwm)
	p = ne.AppendUint64(p, m.txid)
	return ne.AppendUint64(p, boltSum(p[pageHeader:]))
}

var (
	errBoltMagic   = errors.New("no bbolt header")
	errBoltSum     = errors.New("damaged bbolt header")
	errBoltVersion = errors.New("bbolt header of another version")
)

// header is a file's head as checkHeader found it.
type header struct {
	boltMeta
	bad int // the header page that is not valid, though the other is; -1 where both are
}

// readHeader finds the newer of the two header pages, as bbolt does.
func readHeader(r io.ReaderAt, size int64, file string) (header, error) {
	var failed error // to read: that says nothing about the file
	read := func(off int64) (boltMeta, error) {
		p := make([]byte, pageHeader+boltMetaSize)
		if _, err := r.ReadAt(p, off); err == io.EOF {
			return boltMeta{}, errBoltMagic
		} else if err != nil {
			failed = fmt.Errorf("reading %s at %d: %w", file, off, err)
			return boltMeta{}, failed
		}
		return parseBoltMeta(p)
	}
	first, err0 := read(0)
	second, err1 := boltMeta{}, errBoltMagic
	if err0 == nil {
		second, err1 = read(int64(first.pageSize))
	} else {
		for at := int64(1 << 10); at < size && err1 != nil; at <<= 1 { // the page size is in the page
			second, err1 = read(at)
		}
	}
	switch {
	case failed != nil:
		return header{}, failed
	case err0 == nil && err1 == nil && first.txid > second.txid:
		return header{first, -1}, nil
	case err0 == nil && err1 == nil:
		return header{second, -1}, nil
	case err0 == nil:
		return header{first, 1}, nil
	case err1 == nil:
		return header{second, 0}, nil
	case err0 == errBoltVersion || err1 == errBoltVersion:
		return header{}, fmt.Errorf("%w: %w", ErrNewer, errBoltVersion)
	case err0 == errBoltSum || err1 == errBoltSum:
		return header{}, &DamageError{File: file, Offset: 0, What: "both header pages are damaged"}
	}
	if size == 0 { // what nobody means to put there, and a file system may leave
		return header{}, &DamageError{File: file, Offset: 0, What: "the file is empty"}
	}
	return header{}, fmt.Errorf("%w: %w", ErrNotBase, errBoltMagic)
}

// checkHeader looks at what bbolt would believe on opening: the file's length, and the free list, of which
// bbolt allocates as many entries as it says it has.
func checkHeader(r io.ReaderAt, size int64, file string) (header, []uint64, error) {
	h, err := readHeader(r, size, file)
	if err != nil {
		return header{}, nil, err
	}
	if h.hwm > uint64(size)/uint64(h.pageSize) {
		return header{}, nil, &DamageError{
			File: file, Offset: size,
			What: fmt.Sprintf("the file ends at %d bytes, before the last of its %d pages", size, h.hwm),
		}
	}
	if h.freelist == noFreelist {
		return header{}, nil, fmt.Errorf("%w: a bbolt file without a stored free list", ErrNotBase)
	}
	free, err := readFreelist(r, h.boltMeta, file)
	return h, free, err
}

// readFreelist reads the numbers of the free pages: ascending, each once, and all within the file.
func readFreelist(r io.ReaderAt, m boltMeta, file string) ([]uint64, error) {
	v := view{file: file, pageSize: m.pageSize}
	if m.freelist < 2 || m.freelist >= m.hwm {
		what := fmt.Sprintf("the free list is said to be at page %d of %d", m.freelist, m.hwm)
		return nil, &DamageError{File: file, Offset: -1, What: what}
	}
	at := int64(m.freelist) * int64(m.pageSize)
	start := make(page, pageHeader+8)
	if _, err := r.ReadAt(start, at); err != nil {
		return nil, fmt.Errorf("reading the free list of %s at %d: %w", file, at, err)
	}
	count, skip := uint64(start.count()), 0
	if count == longFreelist { // then the first entry has the true count
		count, skip = binary.NativeEndian.Uint64(start[pageHeader:]), 8
	}
	over := uint64(start.overflow())
	room := (1 + over) * uint64(m.pageSize) / 8 // entries, were there no header
	if start.id() != m.freelist || start.flags() != pageFreelist ||
		over >= m.hwm-m.freelist || count > room-2-uint64(skip/8) {
		return nil, v.damage(m.freelist, "is no free list")
	}
	raw := make([]byte, count*8)
	if _, err := r.ReadAt(raw, at+pageHeader+int64(skip)); err != nil && len(raw) > 0 {
		return nil, fmt.Errorf("reading the free list of %s at %d: %w", file, at, err)
	}
	free, before := make([]uint64, count), uint64(1)
	for i := range free {
		free[i] = binary.NativeEndian.Uint64(raw[8*i:])
		if free[i] <= before || free[i] >= m.hwm || free[i] >= m.freelist && free[i] <= m.freelist+over {
			return nil, v.damage(m.freelist, "lists page %d as free after page %d", free[i], before)
		}
		before = free[i]
	}
	return free, nil
}
