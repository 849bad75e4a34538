package load

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
)

// Distribution says how keys are chosen.
type Distribution string

// The distributions.
const (
	Uniform    Distribution = "uniform"    // every key as often as any other
	Sequential Distribution = "sequential" // one after the other, all connections together, from the first again
	Zipfian    Distribution = "zipf"       // some keys much more often; which ones looks random (YCSB's "scrambled Zipf")
	Latest     Distribution = "latest"     // as zipf, and the popular ones are those inserted last
)

// Distributions lists them all.
func Distributions() []Distribution { return []Distribution{Uniform, Sequential, Zipfian, Latest} }

// Keys are numbered from 0. Number i has the name "key:" and i in twelve digits, as redis-benchmark's keys do.
const (
	keyPrefix     = "key:"
	counterPrefix = "cnt:"
	keyDigits     = 12
	keyBytes      = len(keyPrefix) + keyDigits
	keysMax       = 100_000_000_000
)

// appendKey appends the name of key i.
func appendKey(dst []byte, prefix string, i uint64) []byte {
	dst = append(append(dst, prefix...), "000000000000"...)
	for at := len(dst) - 1; i > 0; at-- {
		dst[at] = byte('0' + i%10)
		i /= 10
	}
	return dst
}

// keySpace is what the loops of a run know together of its keys.
type keySpace struct {
	first        uint64 // keys that are there at the beginning: 0 to first-1
	distribution Distribution
	zipf         *zipf         // of zipf and latest
	inserted     atomic.Uint64 // keys beyond the first ones that somebody inserts or has inserted
	turn         atomic.Uint64 // of sequential

	// there is how many of the inserted keys are known to be there, without a gap; only those are asked for.
	there atomic.Uint64
	mu    sync.Mutex
	ahead map[uint64]bool // guarded by mu: keys that are there behind a gap
}

func newKeySpace(keys uint64, d Distribution) *keySpace {
	space := &keySpace{first: keys, distribution: d, ahead: map[uint64]bool{}}
	if d == Zipfian || d == Latest {
		space.zipf = newZipf(keys, zipfTheta)
	}
	return space
}

// choose draws an existing key.
func (s *keySpace) choose(random *rand.Rand) uint64 {
	switch s.distribution {
	case Sequential:
		return (s.turn.Add(1) - 1) % s.first
	case Zipfian:
		return mix(s.zipf.rank(random.Float64())) % s.first
	case Latest:
		return s.first + s.there.Load() - 1 - s.zipf.rank(random.Float64())
	}
	return random.Uint64N(s.first)
}

// insert is a key that has not been there.
func (s *keySpace) insert() uint64 { return s.first + s.inserted.Add(1) - 1 }

// arrived notes that an inserted key is there.
func (s *keySpace) arrived(key uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead[key] = true
	for next := s.first + s.there.Load(); s.ahead[next]; next++ {
		delete(s.ahead, next)
		s.there.Add(1)
	}
}

// mix makes of each number another that looks random; no two numbers become the same (the finalizer of SplitMix64, by
// Steele, Lea and Flood).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// check says whether there is such a distribution.
func (d Distribution) check() error {
	for _, known := range Distributions() {
		if d == known {
			return nil
		}
	}
	return fmt.Errorf("%s is no distribution of keys; there are %v", strconv.Quote(string(d)), Distributions())
}
