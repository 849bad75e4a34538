package play

import (
	"math/rand/v2"

	"holdfast/lab/disk"
)

// slot is one way to crash at a point.
type slot struct {
	reading disk.Reading
	piece   int64
	variant disk.Variant
}

// chancy reports whether another seed makes another crash of it.
func (s slot) chancy() bool { return s.variant == disk.Random || s.variant == disk.Torn }

// slots are the ways to crash at a point. Where nothing is at risk in a reading of the file system there is but one.
func (p *Plan) slots(w *walk) []slot {
	var all []slot
	quiet := false
	for _, r := range p.Readings {
		if w.crash(r, p.Pieces[0]).Pieces() == 0 {
			if !quiet {
				all = append(all, slot{r, p.Pieces[0], disk.Everything})
			}
			quiet = true
			continue
		}
		for _, size := range p.Pieces {
			for _, v := range p.Variants {
				all = append(all, slot{r, size, v})
			}
		}
	}
	return all
}

// census counts what a trace has.
type census struct {
	points, slots, chancy int
}

func (c *census) add(slots []slot) {
	c.points++
	c.slots += len(slots)
	for _, s := range slots {
		if s.chancy() {
			c.chancy++
		}
	}
}

// sampler says, slot after slot, how often each is played. It draws without putting back, and remembers nothing but how
// many are to be drawn and how many are left to draw from.
type sampler struct {
	rng        *rand.Rand
	need, left int // of the slots, as long as there are more of them than needed
	// Where all are played, these are the further ones, among the chancy slots.
	again, chancy int
	each          int // each chancy slot is played so many times more
}

// newSampler draws so many states, or with 0 each slot once; total is how many there will be.
func newSampler(of census, states int, seed uint64) (s *sampler, total int) {
	s = &sampler{rng: rand.New(rand.NewPCG(seed, 0x706c6179)), left: of.slots, need: of.slots, chancy: of.chancy}
	if states > 0 && states < s.left {
		s.need = states
	}
	total = s.need
	if more := states - s.left; more > 0 && s.chancy > 0 {
		s.each, s.again = more/s.chancy, more%s.chancy
		total = states
	}
	return s, total
}

// next is how often the next slot is played.
func (s *sampler) next(is slot) int {
	n := 0
	if s.rng.IntN(s.left) < s.need {
		n++
		s.need--
	}
	s.left--
	if !is.chancy() {
		return n
	}
	n += s.each
	if s.again > 0 && s.rng.IntN(s.chancy) < s.again {
		n++
		s.again--
	}
	s.chancy--
	return n
}
