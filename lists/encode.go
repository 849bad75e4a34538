package lists

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// The encoding of a list in one piece:
//
//	version 1 | uvarint elements | entry · entry · …
//
// The entries are those of the blocks (see the package comment); where nodes begin is not part of it.

const version = 1

// ErrCorrupt says that bytes are not the encoding of a list.
var ErrCorrupt = errors.New("lists: corrupt encoding")

// AppendBinary appends the encoding of the list in one piece.
func (l *List) AppendBinary(dst []byte) []byte {
	size := 1 + binary.MaxVarintLen64
	for _, n := range l.nodes() {
		size += n.used()
	}
	dst = append(slices.Grow(dst, size), version)
	dst = binary.AppendUvarint(dst, uint64(l.Len()))
	for _, n := range l.nodes() {
		dst = n.appendEntries(dst)
	}
	return dst
}

// Decode returns the list that AppendBinary encoded; the list does not refer to b. Bytes that AppendBinary cannot
// have written are ErrCorrupt. It allocates in proportion to the entries it has found sound, whatever they claim.
func Decode(b []byte) (*List, error) {
	rest, counts, err := decodeHead(b, 1)
	if err != nil {
		return nil, err
	}
	l := New()
	for len(rest) > 0 {
		size, count, err := checkRun(rest)
		if err != nil {
			return nil, fmt.Errorf("at byte %d: %w", len(b)-len(rest), err)
		}
		l.appendRun(l.idAt(l.Nodes()), rest[:size], count, true)
		rest = rest[size:]
	}
	if uint64(l.Len()) != counts[0] {
		return nil, fmt.Errorf("%w: %d elements where %d are announced", ErrCorrupt, l.Len(), counts[0])
	}
	return l, nil
}

// decodeHead reads the version and n counts, and returns what follows.
func decodeHead(b []byte, n int) (rest []byte, counts [2]uint64, err error) {
	if len(b) == 0 || b[0] != version {
		return nil, counts, fmt.Errorf("%w: version byte is missing or unknown", ErrCorrupt)
	}
	rest = b[1:]
	for i := range n {
		value, size := binary.Uvarint(rest)
		if size <= 0 || size > 1 && rest[size-1] == 0 {
			return nil, counts, fmt.Errorf("%w: bad count at byte %d", ErrCorrupt, len(b)-len(rest))
		}
		counts[i], rest = value, rest[size:]
	}
	return rest, counts, nil
}

// checkRun returns the bytes and the number of the sound entries at the start of b that make one node: as many as fit
// a block, at least one.
func checkRun(b []byte) (size, count int, err error) {
	for size < len(b) {
		entry, err := checkFirst(b[size:])
		if err != nil {
			return 0, 0, err
		}
		if count > 0 && size+entry > blockMax {
			break
		}
		size += entry
		count++
	}
	return size, count, nil
}

// appendRun appends a node with a copy of count sound entries.
func (l *List) appendRun(id uint64, packed []byte, count int, dirty bool) {
	block := append(newBlock(len(packed)), packed...)
	l.strip(false)
	l.insertNode(l.Nodes(), node{block: block, id: id, count: uint16(count), dirty: dirty})
}
