package workload

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// class is what a key is used for.
type class uint8

const (
	counter class = iota
	register
	sequence // a list
	club     // a set
	ranking  // a sorted set
	record   // a hash
	entries  // a stream
	bitmap   // a string of bits
	sketch   // a HyperLogLog
	library  // of functions: no key, and judged like one
)

// slot is a key of each group of a family: the format of its name, which takes the group's number, and its class.
type slot struct {
	format string
	class  class
}

// family is a kind of groups of keys, and what is done to one. Commands of several keys stay within a group: so each group
// is judged by itself, as linearizability allows. The names have the group in braces, as in a cluster.
type family struct {
	slots  []slot
	single bool // one group is enough
	// burst makes the next requests to a group, one or some that belong together.
	burst func(s *stream, g *group) [][][]byte
}

// group is one of a family's.
type group struct {
	family int
	keys   []string
	class  []class
}

func (f family) group(index, number int) group {
	g := group{family: index}
	for _, s := range f.slots {
		g.keys = append(g.keys, fmt.Sprintf(s.format, number))
		g.class = append(g.class, s.class)
	}
	return g
}

// stream is where a connection takes what it does from.
type stream struct {
	w        *standard
	n, round int
	rng      *rand.Rand
	made     int // unique values
	bulk     int // big pushes still to be made
	left     int // requests
	queue    [][][]byte
}

// bulks is how many big pushes, of all clients together, make a list that lies in parts: over 64 KiB.
const bulks = 20

func (w *standard) stream(n, round int, rng *rand.Rand) *stream {
	s := &stream{w: w, n: n, round: round, rng: rng, left: w.opts.Requests}
	if round == 0 {
		s.bulk = (bulks + w.opts.Clients - 1) / w.opts.Clients
	}
	return s
}

// unique returns a value that no other connection or round has.
func (s *stream) unique() string {
	s.made++
	return "r" + strconv.Itoa(s.round) + "." + strconv.Itoa(s.n) + "." + strconv.Itoa(s.made)
}

// isUnique reports whether a value is of unique's making.
func isUnique(text []byte) bool {
	return len(text) > 0 && text[0] == 'r' && bytes.Count(text, []byte(".")) == 2
}

// request makes a request of words.
func request(words ...string) [][]byte {
	args := make([][]byte, len(words))
	for i, w := range words {
		args[i] = []byte(w)
	}
	return args
}

func one(words ...string) [][][]byte { return [][][]byte{request(words...)} }

// pick returns a number below n; half of the time one of the first few, which are hot.
func (s *stream) pick(n int) int {
	if s.rng.IntN(2) == 0 {
		n = (n + 7) / 8
	}
	return s.rng.IntN(n)
}

// of picks one of some keys, and two a pair of different ones.
func (s *stream) of(keys []string) string { return keys[s.rng.IntN(len(keys))] }

func (s *stream) two(keys []string) (a, b string) {
	i := s.rng.IntN(len(keys))
	j := (i + 1 + s.rng.IntN(len(keys)-1)) % len(keys)
	return keys[i], keys[j]
}

// Next is what a Client has.
func (s *stream) next() [][]byte {
	if len(s.queue) == 0 {
		if s.left <= 0 {
			return nil
		}
		s.queue = s.burst()
	}
	args := s.queue[0]
	s.queue = s.queue[1:]
	s.left--
	return args
}

func (s *stream) burst() [][][]byte {
	w := s.w
	if w.design.operator && s.n == w.opts.Clients {
		return s.operate()
	}
	f := s.rng.IntN(len(w.design.families))
	switch {
	case s.bulk > 0 && w.bigFamily >= 0:
		f = w.bigFamily
	case f == w.bigFamily && s.rng.IntN(3) > 0: // one key, and so not as often as many
		f = 0
	}
	groups := w.byFamily[f]
	return w.design.families[f].burst(s, &w.groups[groups[s.pick(len(groups))]])
}

// operate is the operator: who counts, so as not to be faster than those who write, and asks for a checkpoint now and then.
// That a server does not know one of the two, or is busy with the last, is no harm.
func (s *stream) operate() [][][]byte {
	every := max(2, s.w.opts.Requests/8)
	s.made++
	switch {
	case s.made%(2*every) == 0:
		return one("BGREWRITEAOF")
	case s.made%every == 0:
		return one("BGSAVE")
	}
	return one("INCR", operatorKey)
}

const operatorKey = "operator:{0}"

// padding makes an element longer: some lists are to be big.
func padding(n int) string { return strings.Repeat("x", n) }
