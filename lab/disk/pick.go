package disk

import "math/rand/v2"

// Pick chooses what is lost. The same seed picks the same; the variants that leave nothing to chance ignore it.
func (c *Crash) Pick(v Variant, seed uint64) Choice {
	rng := rand.New(rand.NewPCG(seed, 0x686f6c6466617374))
	lost := make(marks, c.Pieces())
	switch v {
	case OnlySynced:
		for i := range lost {
			lost[i] = true
		}
	case Everything:
	case NamesLost:
		for i, o := range c.ops {
			lost[c.first[i]] = lost[c.first[i]] || o.kind == opNames
		}
	case Random:
		c.pickRandom(lost, rng)
	case Torn:
		c.pickTorn(lost, rng)
	default:
		panic("BUG: no such variant: " + string(v))
	}
	c.close(lost)
	return lost.choice()
}

// pickRandom loses any subset. Pieces are lost one by one, or by event, or by file, with a chance that is itself chosen: if
// all were a coin's toss, that nearly all is lost, or all of one event, would hardly ever happen.
func (c *Crash) pickRandom(lost marks, rng *rand.Rand) {
	const byPiece, byEvent, byFile, ways = 0, 1, 2, 4
	way := rng.IntN(ways) // byPiece twice as often
	chance := rng.Float64()
	type group struct {
		seq  uint64
		file *file
	}
	groups := map[group]bool{}
	inGroup := func(g group) bool {
		is, known := groups[g]
		if !known {
			is = rng.Float64() < chance
			groups[g] = is
		}
		return is
	}
	for i, o := range c.ops {
		for k := c.first[i]; k < c.first[i+1]; k++ {
			switch way {
			case byEvent:
				lost[k] = inGroup(group{seq: o.seq})
			case byFile:
				lost[k] = inGroup(group{file: o.file})
			default:
				lost[k] = rng.Float64() < chance
			}
		}
	}
	if c.reading == Ordered {
		c.pickCut(lost, rng)
	}
}

// pickCut decides anew about the journal, which is lost from some point on, each with the same chance.
func (c *Crash) pickCut(lost marks, rng *rand.Rand) {
	total := 0
	for i, o := range c.ops {
		if o.journal {
			total += c.first[i+1] - c.first[i]
		}
	}
	keep := rng.IntN(total + 1)
	for i, o := range c.ops {
		for k := c.first[i]; o.journal && k < c.first[i+1]; k++ {
			lost[k] = keep <= 0
			keep--
		}
	}
}

// pickTorn loses a part of the newest write that is at risk, its beginning, its end, or one piece in it, and what came after.
func (c *Crash) pickTorn(lost marks, rng *rand.Rand) {
	newest := len(c.ops) - 1
	for newest >= 0 && c.ops[newest].kind == opNames {
		newest--
	}
	if newest < 0 {
		return
	}
	last := newest
	for newest > 0 && c.ops[newest-1].seq == c.ops[last].seq {
		newest--
	}
	from, to := c.first[newest], c.first[last+1]
	for k := to; k < len(lost); k++ {
		lost[k] = true
	}
	n := 1 + rng.IntN(to-from)
	switch rng.IntN(4) {
	case 0:
		to = from + n
	case 1:
		from = to - n
	case 2: // the end, but not the size, if that is a piece of its own: a tail of zeros
		from = to - n
		if c.ops[last].kind == opGrow && n > 1 {
			to--
		}
	default:
		from += n - 1
		to = from + 1
	}
	for k := from; k < to; k++ {
		lost[k] = true
	}
}
