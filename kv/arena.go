package kv

// An arena hands out blocks of bytes from pages of one size class each. A block is named by a ref, not by a
// pointer, so that the garbage collector sees a few pages where there are millions of keys. A page whose last block is
// freed is given back, but for some that are kept for the next ones that are wanted: a small database would else make a
// page for every second command. Blocks stay where they are, but for those of pages that are being emptied (compact.go).
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

// nextFree is what follows a free block in the chain.
func (p *page) nextFree(block int) uint16 {
	at := block * p.size
	return uint16(p.mem[at]) | uint16(p.mem[at+1])<<8
}

func (p *page) full() bool { return p.free == 0 && (p.fresh+1)*p.size > len(p.mem) }

// class is the pages of one size of block.
type class struct {
	room  []uint32 // numbers of those with room, and of full ones not yet found to be full
	pages int
	used  int // blocks handed out
}

type arena struct {
	pages   []*page  // [0] is never used
	spare   []uint32 // numbers of pages that were given back
	idle    []*page  // those that are kept
	classes [maxBlock/classStep + 1]class
	bytes   int64  // held in pages
	handed  int64  // handed out
	loose   int    // blocks in adopted pages that no key has yet
	leaving uint32 // the page that is being emptied, of which nothing is handed out; 0: none is
	emptied int    // its blocks before this one are gone
	tried   int    // so many pages have been looked at for one that is to be emptied
}

const (
	idleShare     = 32 // bounds the empty pages that are kept: one, and one in so many
	inheritedMost = 64 // pages that stay when all keys go
)

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
		p.free = p.nextFree(int(block))
	} else {
		block = uint16(p.fresh)
		p.fresh++
	}
	p.used++
	a.class(size).used++
	a.handed += int64(size)
	at := int(block) * size
	return makeRef(number, block), p.mem[at : at+size : at+size]
}

// class is that of blocks of a size.
func (a *arena) class(size int) *class { return &a.classes[size/classStep] }

func (a *arena) pageWithRoom(size int) (uint32, *page) {
	c := a.class(size)
	room := c.room
	for n := len(room); n > 0; n-- {
		p := a.pages[room[n-1]]
		if !p.full() {
			return room[n-1], p
		}
		a.delist(p)
	}
	p := a.emptyPage()
	*p = page{mem: p.mem, size: size}
	c.pages++
	number := a.number(p)
	a.list(number, p)
	return number, p
}

func (a *arena) emptyPage() *page {
	if last := len(a.idle) - 1; last >= 0 {
		p := a.idle[last]
		a.idle[last] = nil
		a.idle = a.idle[:last]
		return p
	}
	a.bytes += pageBytes
	return &page{mem: make([]byte, pageBytes)}
}

// inherit takes over some pages of an arena that nobody needs any more, empty. Go makes whoever wants new ones wait while it sweeps up
// all the others, for up to tens of milliseconds.
func (a *arena) inherit(from *arena) {
	want := min(inheritedMost, from.worthKeeping())
	for _, p := range from.pages {
		if len(a.idle) == want {
			break
		}
		if p != nil {
			a.idle = append(a.idle, p)
			a.bytes += pageBytes
		}
	}
}

// worthKeeping is how many empty pages an arena of this size keeps, beside one.
func (a *arena) worthKeeping() int { return int(a.bytes / (pageBytes * idleShare)) }

// list notes that a page has room.
func (a *arena) list(number uint32, p *page) {
	room := &a.class(p.size).room
	*room = append(*room, number)
	p.place = len(*room)
}

// delist takes a page from the list of its class, at once when it goes: its number may be the next that an adopted page gets.
func (a *arena) delist(p *page) {
	room := &a.class(p.size).room
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
	a.loose += p.used
	c := a.class(p.size)
	c.pages++
	c.used += p.used
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
	a.class(p.size).used--
	a.handed -= int64(p.size)
	if p.used == 0 {
		a.giveBack(r.page(), p)
		return
	}
	i := r.block() * p.size
	p.mem[i], p.mem[i+1] = byte(p.free), byte(p.free>>8)
	p.free = uint16(r.block()) + 1
	if p.place == 0 && r.page() != a.leaving {
		a.list(r.page(), p)
	}
}

// giveBack makes an empty page one of nobody's.
func (a *arena) giveBack(number uint32, p *page) {
	if p.place > 0 {
		a.delist(p)
	}
	if number == a.leaving {
		a.leaving = 0
	}
	a.class(p.size).pages--
	a.pages[number] = nil
	a.spare = append(a.spare, number)
	a.idle = append(a.idle, p)
	for last := len(a.idle) - 1; last > a.worthKeeping(); last-- {
		a.idle[last] = nil
		a.idle = a.idle[:last]
		a.bytes -= pageBytes
	}
}
