package kv

// An arena hands out blocks of bytes from pages of one size class each. A block is named by a ref, not by a
// pointer, so that the garbage collector sees a few pages where there are millions of keys. Blocks do not move;
// a page whose last block is freed is given back, but for one that is kept for the next that is wanted: a small
// database would else make a page for every second command.
//
// One allocation per key was rejected: Go's allocator rounds and the collector walks, which together came to
// some 70 bytes and 20 ns of collection for each key.

const (
	pageBytes     = 32 << 10
	maxBlock      = 1024 // a bigger value lies in a pool of its own, see DB.strings
	classStep     = 8
	smallestBlock = 24
)

// ref names a block: page number (from 1) in the upper bits, block number within the page in the lower 16.
// The zero ref names nothing. A ref fits into 46 bits: a billion pages of 32 KiB.
type ref uint64

func makeRef(page uint32, block uint16) ref { return ref(page)<<16 | ref(block) }
func (r ref) page() uint32                  { return uint32(r >> 16) }
func (r ref) block() int                    { return int(r & 0xffff) }

// page is cut into blocks of one size. Free blocks form a chain: each holds the number of the next plus one.
type page struct {
	mem   []byte
	size  int    // of a block
	used  int    // blocks handed out
	fresh int    // blocks never handed out yet begin here
	free  uint16 // head of the chain plus one; 0 ends it
	place int    // of the page's number in its class's list of pages with room, plus one; 0: it is not in it
}

func (p *page) full() bool { return p.free == 0 && (p.fresh+1)*p.size > len(p.mem) }

type arena struct {
	pages  []*page                          // [0] is never used
	spare  []uint32                         // numbers of pages that were given back
	idle   *page                            // the one that is kept
	room   [maxBlock/classStep + 1][]uint32 // by class: pages with room, and full ones not yet found to be full
	bytes  int64                            // held in pages
	handed int64                            // handed out
}

// blockSize rounds n up to its size class: steps of 8 up to 128, then an eighth of the size, so that at most
// about a tenth is lost.
func blockSize(n int) int {
	step := classStep
	for limit := 128; n > limit; limit *= 2 {
		step *= 2
	}
	return max(smallestBlock, (n+step-1)/step*step)
}

// alloc returns a block of at least n bytes, n <= maxBlock. Its contents are undefined.
func (a *arena) alloc(n int) (ref, []byte) {
	size := blockSize(n)
	number, p := a.pageWithRoom(size)
	var block uint16
	if p.free != 0 {
		block = p.free - 1
		at := int(block) * size
		p.free = uint16(p.mem[at]) | uint16(p.mem[at+1])<<8
	} else {
		block = uint16(p.fresh)
		p.fresh++
	}
	p.used++
	a.handed += int64(size)
	at := int(block) * size
	return makeRef(number, block), p.mem[at : at+size : at+size]
}

func (a *arena) pageWithRoom(size int) (uint32, *page) {
	room := a.room[size/classStep]
	for n := len(room); n > 0; n-- {
		p := a.pages[room[n-1]]
		if !p.full() {
			return room[n-1], p
		}
		a.delist(p)
	}
	p := a.idle
	a.idle = nil
	if p == nil {
		p = &page{mem: make([]byte, pageBytes)}
		a.bytes += pageBytes
	}
	*p = page{mem: p.mem, size: size}
	number := a.number(p)
	a.list(number, p)
	return number, p
}

// list notes that a page has room.
func (a *arena) list(number uint32, p *page) {
	room := &a.room[p.size/classStep]
	*room = append(*room, number)
	p.place = len(*room)
}

// delist takes a page from the list of its class, at once when it goes: its number may be the next that an adopted page gets.
func (a *arena) delist(p *page) {
	room := &a.room[p.size/classStep]
	last := (*room)[len(*room)-1]
	(*room)[p.place-1] = last
	a.pages[last].place = p.place
	*room = (*room)[:len(*room)-1]
	p.place = 0
}

// number makes a page one of the arena's.
func (a *arena) number(p *page) uint32 {
	if n := len(a.spare); n > 0 {
		number := a.spare[n-1]
		a.spare = a.spare[:n-1]
		a.pages[number] = p
		return number
	}
	if len(a.pages) == 0 {
		a.pages = append(a.pages, nil)
	}
	a.pages = append(a.pages, p)
	return uint32(len(a.pages) - 1)
}

// adopt takes over a full page of another arena, with the blocks in it.
func (a *arena) adopt(p *page) uint32 {
	p.place = 0 // that was in the other arena
	a.bytes += pageBytes
	a.handed += int64(p.used * p.size)
	return a.number(p)
}

// at returns the block that r names.
func (a *arena) at(r ref) []byte {
	p := a.pages[r.page()]
	i := r.block() * p.size
	return p.mem[i : i+p.size : i+p.size]
}

// release gives a block back.
func (a *arena) release(r ref) {
	p := a.pages[r.page()]
	p.used--
	a.handed -= int64(p.size)
	if p.used == 0 {
		if p.place > 0 {
			a.delist(p)
		}
		a.pages[r.page()] = nil
		a.spare = append(a.spare, r.page())
		if a.idle == nil {
			a.idle = p
		} else {
			a.bytes -= pageBytes
		}
		return
	}
	i := r.block() * p.size
	p.mem[i], p.mem[i+1] = byte(p.free), byte(p.free>>8)
	p.free = uint16(r.block()) + 1
	if p.place == 0 {
		a.list(r.page(), p)
	}
}
