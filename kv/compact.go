package kv

// What is free in a page is of use for blocks of its size class alone. Where keys of one size go and others come, or none, pages
// are left that hold few blocks, and each stays until its last one goes. So pages are emptied: their blocks move into gaps of
// other pages of the class. A block has its key in it, by which its slot is found.
//
// It is done in steps between commands, as long as a certain share of the pages could be spared: then no page is moved for
// less than it is worth, and keys that come and go in the same sizes move nothing.

const (
	spareShare = 8       // of the pages one in so many may be to spare: see spare
	spareLeast = 1 << 20 // bytes
	moveStep   = 64      // blocks moved in a step, which takes some 10 microseconds
	pagesTried = 32      // the one among so many that has the fewest blocks is emptied
	// owedShare is how many bytes are moved for each byte of a new page, at most. To free one page of which a share p is in use,
	// p/(1-p) pages are to be moved.
	owedShare  = 4
	repaySteps = 4  // a command repays at most,
	repayMost  = 64 // and a batch of them: what eight new blocks for each of 128 commands owe
)

// spare is how much of its pages an arena may have to spare before one is emptied: one in so many, or so many bytes of them.
type spare struct{ share, least int64 }

func (s spare) of(bytes int64) int64 { return max(s.least, bytes/s.share) }

// Compact moves some blocks, and reports whether there are more to be moved.
func (ks *Keyspace) Compact() (more bool) {
	for _, db := range ks.dbs {
		if db.arena.chooseLeaving(ks.spare); db.arena.leaving != 0 {
			db.moveSome()
			return true
		}
	}
	ks.owed = 0
	return false
}

// Repay moves blocks because of pages that so many commands have made: where they come as fast as they can, nobody else would find
// the time to keep up with them. What a single command owes above its share is for those behind it, and what they all owe above
// theirs for who calls Compact at rest: a million keys that one script wrote must not hold up the batches behind it for long.
func (ks *Keyspace) Repay(commands int) {
	for n := min(repaySteps*commands, repayMost); ks.owed > 0 && n > 0; n-- {
		ks.Compact()
	}
}

// chooseLeaving has the page that is being emptied stay where it would not make one fewer any more, and chooses another where
// that is due. Adopted blocks that have no slot yet could not be moved.
func (a *arena) chooseLeaving(s spare) {
	if number := a.leaving; number != 0 {
		p := a.pages[number]
		if a.loose == 0 && a.excess(p.size) > 0 {
			return
		}
		a.leaving = 0
		a.list(number, p)
	}
	if a.loose > 0 {
		return
	}
	if size := a.wasteful(s.of(a.bytes)); size > 0 {
		a.leaving, a.emptied = a.trySome(a.class(size).room), 0
		a.delist(a.pages[a.leaving])
	}
}

// wasteful is the size of which most pages could be spared, if those of all sizes are more than so many bytes; else 0.
func (a *arena) wasteful(most int64) (size int) {
	if a.bytes-a.handed <= most {
		return 0
	}
	all, ofWorst := 0, 0
	for s := smallestBlock; s <= maxBlock; s = blockSize(s + 1) {
		n := a.excess(s)
		if all += n; n > ofWorst {
			size, ofWorst = s, n
		}
	}
	if int64(all)*pageBytes <= most {
		return 0
	}
	return size
}

// excess is how many pages fewer there would be if the blocks of a size lay together.
func (a *arena) excess(size int) int {
	c, inPage := a.class(size), pageBytes/size
	return c.pages - (c.used+inPage-1)/inPage
}

// trySome looks at some pages with room, others each time, and returns the one that has the fewest blocks.
func (a *arena) trySome(room []uint32) (number uint32) {
	for range min(pagesTried, len(room)) {
		a.tried++
		if n := room[a.tried%len(room)]; number == 0 || a.pages[n].used < a.pages[number].used {
			number = n
		}
	}
	return number
}

// gaps says which blocks of a page are free.
type gaps [pageBytes/smallestBlock/64 + 1]uint64

func (g *gaps) has(block int) bool { return g[block/64]>>(block%64)&1 != 0 }

func (p *page) gaps() (g gaps) {
	for next := p.free; next != 0; {
		block := int(next - 1)
		g[block/64] |= 1 << (block % 64)
		next = p.nextFree(block)
	}
	return g
}

// moveSome moves blocks out of the page that is being emptied.
func (db *DB) moveSome() {
	a, n := &db.arena, 0
	number, p := a.leaving, a.pages[a.leaving]
	free := p.gaps()
	var moving [moveStep]laid
	for ; n < moveStep && a.emptied < p.fresh; a.emptied++ {
		if free.has(a.emptied) {
			continue
		}
		r := makeRef(number, uint16(a.emptied))
		moving[n] = laid{hash: db.table.hash(db.key(a.at(r))), at: r}
		n++
	}
	db.table.touchAll(moving[:n])
	for _, m := range moving[:n] {
		db.move(m)
	}
}

// move moves a block. The key is what it was: nothing has changed that a checkpoint or anybody who asks could see.
func (db *DB) move(m laid) {
	seg, i := db.table.slotOf(m.hash, m.at)
	old := db.arena.at(m.at)
	r, b := db.arena.alloc(len(old))
	copy(b, old)
	seg.setRef(i, r)
	db.arena.release(m.at)
	db.ks.Moved++
	db.ks.owed -= int64(len(b))
}
