package vfs

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
)

// sectorBytes is what a disk writes in one piece.
const sectorBytes = 512

// history is what became of a file's bytes: those that a crash cannot take, and what was done since.
//
// A crash leaves of each sector some version between the last synced one and the newest. Versions of one sector
// pass in order, because the page cache holds the newest only; different sectors reach the disk in any order. The
// size is metadata with versions of its own.
type history struct {
	base    []byte
	pending []mutation // oldest first
}

// mutation is one change of a file.
type mutation struct {
	off, n int64
	data   []byte // the n bytes from off on; nil for zeros
	size   int64  // of the file afterwards
	// cut marks a truncation that took bytes away: those beyond size count as zeros, and new blocks replace the old, so
	// that no sector shows bytes from one side of the cut where the size is from the other.
	cut    bool
	synced bool
	// doomed: a failed Sync dropped it. It may be on disk; no later Sync puts it there.
	doomed bool
}

func (h *history) size() int64 { return h.sizeAfter(len(h.pending)) }

// sizeAfter is the file's size after the first n pending mutations.
func (h *history) sizeAfter(n int) int64 {
	if n == 0 {
		return int64(len(h.base))
	}
	return h.pending[n-1].size
}

func (h *history) write(off int64, p []byte) {
	if len(p) > 0 {
		h.add(mutation{off: off, n: int64(len(p)), data: bytes.Clone(p), size: max(h.size(), off+int64(len(p)))})
	}
}

func (h *history) preallocate(off, n int64) {
	h.add(mutation{off: off, n: n, size: max(h.size(), off+n)})
}

func (h *history) truncate(size int64) {
	old := h.size()
	h.add(mutation{off: size, n: max(old-size, 0), size: size, cut: size < old})
}

func (h *history) add(m mutation) { h.pending = append(h.pending, m) }

// sync is a Sync that succeeded.
func (h *history) sync() {
	doomed := false
	for i := range h.pending {
		m := &h.pending[i]
		m.synced = m.synced || !m.doomed
		doomed = doomed || m.doomed
	}
	if !doomed {
		h.base = replay(h.base, h.pending)
		h.pending = nil
	}
}

// syncFailed is a Sync that failed.
func (h *history) syncFailed() {
	for i := range h.pending {
		m := &h.pending[i]
		m.doomed = !m.synced
	}
}

// certain is the number of pending mutations up to and including the last synced one.
func (h *history) certain() int {
	for n := len(h.pending); n > 0; n-- {
		if h.pending[n-1].synced {
			return n
		}
	}
	return 0
}

// everything is the file as programs see it.
func (h *history) everything() []byte { return replay(bytes.Clone(h.base), h.pending) }

// onlySynced is the least that a crash leaves.
func (h *history) onlySynced() []byte {
	return h.settle(
		func(lo, _ int) int { return lo },
		func(from, _ int64) int64 { return from },
	)
}

// random is what one crash left: now the writes up to some moment, the last of them torn at any byte, now a version
// of each sector by itself, few of them or many, one perhaps torn.
func (h *history) random(rng *rand.Rand) []byte {
	if len(h.pending) == 0 {
		return bytes.Clone(h.base)
	}
	if rng.IntN(3) == 0 {
		return h.inOrder(rng)
	}
	density := rng.Float64()
	pick := func(lo, hi int) int {
		for lo < hi && rng.Float64() < density {
			lo++
		}
		return lo
	}
	tearing := rng.Float64() * rng.Float64() // often low, so that the tear is not always near the beginning
	tear := func(from, to int64) int64 {
		if rng.Float64() >= tearing {
			return from
		}
		tearing = 0
		return from + rng.Int64N(to-from)
	}
	return h.settle(pick, tear)
}

func (h *history) inOrder(rng *rand.Rand) []byte {
	certain := h.certain()
	n := certain + rng.IntN(len(h.pending)-certain+1)
	out := replay(bytes.Clone(h.base), h.pending[:n])
	if n < len(h.pending) && h.pending[n].data != nil {
		torn := h.pending[n]
		torn.n = rng.Int64N(torn.n + 1)
		if torn.n > 0 {
			torn.size = max(int64(len(out)), torn.off+torn.n)
			out = replay(out, []mutation{torn})
		}
	}
	return out
}

// settle builds a file from a version of its size and a version of each sector. A version is how many of the
// mutations that matter took effect; pick chooses it from what is possible, both ends included. Where a sector has
// a next version, which changes the bytes between two offsets, tear says up to where the disk got with it.
func (h *history) settle(pick func(lo, hi int) int, tear func(from, to int64) int64) []byte {
	sized := pick(h.certain(), len(h.pending))
	out := resize(bytes.Clone(h.base), h.extent())
	touched := h.touched()
	for _, sector := range slices.Sorted(maps.Keys(touched)) {
		versions := touched[sector]
		lo, hi := h.possible(versions, sized)
		chosen := pick(lo, hi)
		start, end := sector*sectorBytes, (sector+1)*sectorBytes
		for _, i := range versions[:chosen] {
			h.pending[i].paint(out, start, end)
		}
		if chosen < hi {
			next := &h.pending[versions[chosen]]
			next.paint(out, start, tear(max(start, next.off), min(end, next.off+next.n)))
		}
	}
	return resize(out, h.sizeAfter(sized))
}

// touched lists for each sector the indices of the pending mutations that change it.
func (h *history) touched() map[int64][]int {
	touched := make(map[int64][]int)
	for i, m := range h.pending {
		if m.n == 0 { // a file that grew
			continue
		}
		for s := m.off / sectorBytes; s*sectorBytes < m.off+m.n; s++ {
			touched[s] = append(touched[s], i)
		}
	}
	return touched
}

// possible bounds how many of a sector's mutations took effect, when the size is that after the first `sized` of all.
func (h *history) possible(versions []int, sized int) (lo, hi int) {
	hi = len(versions)
	for v, i := range versions {
		m := &h.pending[i]
		if m.synced || m.cut && i < sized {
			lo = v + 1
		}
		if m.cut && i >= sized {
			return lo, v
		}
	}
	return lo, hi
}

// extent is the greatest size that the file has had since base.
func (h *history) extent() int64 {
	extent := int64(len(h.base))
	for _, m := range h.pending {
		extent = max(extent, m.size)
	}
	return extent
}

// paint puts the part of m between two offsets into b, which holds the file from its first byte.
func (m *mutation) paint(b []byte, from, to int64) {
	from, to = max(from, m.off), min(to, m.off+m.n)
	switch {
	case from >= to:
	case m.data == nil:
		clear(b[from:to])
	default:
		copy(b[from:to], m.data[from-m.off:to-m.off])
	}
}

// replay applies mutations to b in place and returns it, moved where it had to grow.
func replay(b []byte, mutations []mutation) []byte {
	most := int64(len(b))
	for i := range mutations {
		most = max(most, mutations[i].size)
	}
	b = slices.Grow(b, int(most)-len(b)) // once, as a segment is made of many pieces of zeros
	for i := range mutations {
		m, end := &mutations[i], mutations[i].size
		if m.data == nil {
			end = min(end, int64(len(b))) // zeros; what it grows by has them
		}
		b = resize(b, m.size)
		m.paint(b, 0, end)
	}
	return b
}

// resize cuts b or extends it by zeros.
func resize(b []byte, size int64) []byte {
	old := int64(len(b))
	if size <= old {
		return b[:size]
	}
	b = slices.Grow(b, int(size-old))[:size]
	clear(b[old:])
	return b
}
