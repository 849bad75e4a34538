package kv

import "unsafe"

// A pool keeps what does not fit into a block (long strings, collections) under small numbers. It grows in
// chunks, so that no growth copies what is there.
type pool[T any] struct {
	chunks [][]T
	free   []uint32
	count  uint32 // numbers handed out so far, freed ones included
}

const poolChunk = 512

func (p *pool[T]) add(v T) uint32 {
	var n uint32
	if last := len(p.free) - 1; last >= 0 {
		n = p.free[last]
		p.free = p.free[:last]
	} else {
		n = p.count
		p.count++
		if int(n/poolChunk) == len(p.chunks) {
			p.chunks = append(p.chunks, make([]T, poolChunk))
		}
	}
	*p.at(n) = v
	return n
}

func (p *pool[T]) at(n uint32) *T { return &p.chunks[n/poolChunk][n%poolChunk] }

func (p *pool[T]) remove(n uint32) {
	var none T
	*p.at(n) = none
	p.free = append(p.free, n)
}

// bytes is what the chunks take; what the values hold beyond that is counted by who adds them.
func (p *pool[T]) bytes() int64 {
	var one T
	return int64(len(p.chunks)) * poolChunk * int64(unsafe.Sizeof(one))
}
