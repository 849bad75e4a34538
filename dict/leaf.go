package dict

import (
	"bytes"
	"iter"

	"holdfast/packed"
)

const (
	// leafMax is how many keys a leaf holds at most: so many that leaf fills a size of the allocator.
	leafMax = 60
	// markEvery is how many keys lie between two offsets that a leaf remembers. Without them a lookup walks through half
	// the page, which takes twice as long; one for each key saves little more and takes 3 bytes a key.
	markEvery = 8
	// pageMax is how many bytes of keys and values a leaf holds before it is split on their account.
	pageMax = 4 << 10
	// mergeKeys and mergeBytes bound what two neighbours have together when they are made one: so much less than a
	// full leaf that it is not split again soon.
	mergeKeys  = leafMax / 2
	mergeBytes = pageMax / 2
)

// leaf holds the keys whose hashes begin with the same bits.
type leaf struct {
	page  packed.Run                        // key, value, key, value …
	id    uint64                            // see makeID; 0 when a merge has done away with it
	marks [(leafMax - 1) / markEvery]uint32 // offsets of key 8, key 16 and so on, as far as there are keys
	tags  [leafMax]byte
	n     uint8 // keys

	dirty  bool // differs from the part in the store, if there is one
	stored bool // there is a part with this id in the store
}

func (l *leaf) depth() int { return depthOf(l.id) }

// start is the least hash of the leaf.
func (l *leaf) start() uint64 { return l.id & (l.id - 1) }

// tag is what the leaf remembers of a hash: the 8 bits behind the prefix.
func (l *leaf) tag(hash uint64) byte { return byte(hash << l.depth() >> 56) }

// pairs yields the keys and values, in the order of the tags. The loop must not change the leaf.
func (l *leaf) pairs() iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		for off := 0; off < len(l.page); {
			key, next := l.page.At(off)
			value, next := l.page.At(next)
			if !yield(key, value) {
				return
			}
			off = next
		}
	}
}

// spot is where in a leaf a key is: the how-manieth, and the offsets of the key and its value in the page.
type spot struct{ i, key, value int }

// find returns where a key is; i is -1 when it is not there.
func (l *leaf) find(hash uint64, key []byte) spot {
	tag := l.tag(hash)
	for i := 0; ; i++ {
		k := bytes.IndexByte(l.tags[i:l.n], tag)
		if k < 0 {
			return spot{i: -1}
		}
		i += k
		off := l.offset(i)
		if found, value := l.page.At(off); bytes.Equal(found, key) {
			return spot{i, off, value}
		}
	}
}

// offset returns where key i begins.
func (l *leaf) offset(i int) int {
	off := 0
	if i >= markEvery {
		off = int(l.marks[i/markEvery-1])
	}
	return l.page.Skip(off, 2*(i%markEvery))
}

// add puts a key that is not there behind the others. There is room for its tag.
func (l *leaf) add(hash uint64, key, value []byte) {
	if i := int(l.n); i > 0 && i%markEvery == 0 {
		l.marks[i/markEvery-1] = uint32(len(l.page))
	}
	l.tags[l.n] = l.tag(hash)
	l.n++
	l.page = l.page.Append(key, value)
}

// set gives the key at p another value.
func (l *leaf) set(p spot, value []byte) {
	was := len(l.page)
	l.page = l.page.Replace(p.value, value)
	for k := p.i / markEvery; k < l.marked(); k++ {
		l.marks[k] += uint32(len(l.page) - was)
	}
}

func (l *leaf) remove(p spot) {
	size := l.page.Skip(p.value, 1) - p.key
	for k := p.i / markEvery; k < l.marked(); k++ {
		l.marks[k] = uint32(l.page.Skip(int(l.marks[k]), 2) - size) // the next key moves up to here
	}
	copy(l.tags[p.i:], l.tags[p.i+1:l.n])
	l.n--
	l.page = l.page.Delete(p.key, 2)
}

// marked is how many offsets the leaf remembers.
func (l *leaf) marked() int { return max(0, int(l.n)-1) / markEvery }
