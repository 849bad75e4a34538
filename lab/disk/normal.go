package disk

import "slices"

// Normalise adds to a choice what cannot survive without what it loses:
//
//   - Ordered: all of the journal after the first of it that is lost; and data written where something was cut off or freed
//     before, if that is lost, for it was written to other blocks.
//   - Strict: names in a directory that itself was never given one; and moves that would put a directory into itself.
//
// What Pick returns is so already, and Build and Digest do it too.
func (c *Crash) Normalise(ch Choice) Choice {
	lost := c.marks(ch)
	c.close(lost)
	return lost.choice()
}

func (c *Crash) close(lost marks) {
	if !slices.Contains(lost, true) {
		return
	}
	if c.reading == Ordered {
		c.closeJournal(lost)
		c.closeCleared(lost)
		return
	}
	for c.closeNames(lost) || c.closeMoves(lost) {
	}
}

// closeJournal loses all of the journal after the first lost piece of it.
func (c *Crash) closeJournal(lost marks) {
	over := false
	for i, o := range c.ops {
		if !o.journal {
			continue
		}
		for k := c.first[i]; k < c.first[i+1]; k++ {
			over = over || lost[k]
			lost[k] = over
		}
	}
}

// closeCleared loses data over what would have been cleared before.
func (c *Crash) closeCleared(lost marks) {
	uncleared := map[*file][]span{}
	for i, o := range c.ops {
		if off, end, clears := o.clears(); clears && lost[c.first[i]] {
			uncleared[o.file] = append(uncleared[o.file], span{off, end})
		}
		if o.kind != opPut {
			continue
		}
		for _, s := range uncleared[o.file] {
			for k := c.first[i]; k < c.first[i+1]; k++ {
				off, end := o.piece(k-c.first[i], c.size)
				lost[k] = lost[k] || off < s.end && s.off < end
			}
		}
	}
}

// closeNames loses names in directories that are not durable and lost their own. It reports whether there were any.
func (c *Crash) closeNames(lost marks) (more bool) {
	made := map[*node]bool{} // by what is at risk
	for _, o := range c.ops {
		if o.places != nil {
			made[o.places] = true
		}
	}
	if len(made) == 0 {
		return false
	}
	for _, l := range c.disk.lists {
		for _, n := range l.names {
			delete(made, n)
		}
	}
	for changed := true; changed; {
		changed = false
		for i, o := range c.ops {
			if made[o.places] && !lost[c.first[i]] && !made[o.gives()] {
				delete(made, o.places)
				changed = true
			}
		}
	}
	for i, o := range c.ops {
		if o.kind == opNames && !lost[c.first[i]] && made[o.gives()] {
			lost[c.first[i]], more = true, true
		}
	}
	return more
}

// gives is the directory in which an op on names gives one; nil if it does not.
func (o *op) gives() *node {
	for _, c := range o.changes {
		if !c.taken {
			return c.dir
		}
	}
	return nil
}

// closeMoves loses moves of directories into themselves. It reports whether there were any.
func (c *Crash) closeMoves(lost marks) (more bool) {
	if !slices.ContainsFunc(c.ops, func(o *op) bool { return o.moves }) {
		return false
	}
	names := c.disk.snapshot(new(edit))
	for i, o := range c.ops {
		if o.kind == opNames && !lost[c.first[i]] && !names.apply(o) {
			lost[c.first[i]], more = true, true
		}
	}
	return more
}
