package zsets

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"holdfast/dict"
)

// The encoding of a set in one piece:
//
//	small    version 1 | 0 | uvarint elements | entry · entry · …
//	large    version 1 | 1 | seed of the index, 16 bytes | uvarint elements | entry · entry · …
//
// The entries are those of the pages (see page.go), in order; where leaves begin is not part of it.

const version = 1

const (
	formSmall = 0
	formLarge = 1
)

// ErrCorrupt says that bytes are not the encoding of a sorted set.
var ErrCorrupt = errors.New("zsets: corrupt encoding")

// AppendBinary appends the encoding of the set in one piece.
func (z *Set) AppendBinary(dst []byte) []byte {
	if z.large == nil {
		dst = append(slices.Grow(dst, 2+binary.MaxVarintLen64+len(z.page)), version, formSmall)
		dst = binary.AppendUvarint(dst, uint64(z.count))
		return append(dst, z.page...)
	}
	size := 2 + len(dict.Seed{}) + binary.MaxVarintLen64
	z.large.tree.each(func(l *leaf) bool {
		size += len(l.page)
		return true
	})
	dst = append(slices.Grow(dst, size), version, formLarge)
	dst = append(dst, z.large.index.seed[:]...)
	dst = binary.AppendUvarint(dst, uint64(z.Len()))
	z.large.tree.each(func(l *leaf) bool {
		dst = append(dst, l.page...)
		return true
	})
	return dst
}

// Decode returns the set that AppendBinary encoded; it does not refer to b. Bytes that AppendBinary cannot have
// written are ErrCorrupt. It allocates in proportion to the entries it has found sound, whatever they claim.
func Decode(b []byte) (*Set, error) {
	if len(b) < 2 || b[0] != version || b[1] > formLarge {
		return nil, fmt.Errorf("%w: version or form is missing or unknown", ErrCorrupt)
	}
	z, rest := New(), b[2:]
	var err error
	if b[1] == formLarge {
		var seed dict.Seed
		if seed, rest, err = readSeed(rest); err != nil {
			return nil, err
		}
		z.large = newLarge(seed)
	}
	rest, announced, err := readCount(rest)
	if err != nil {
		return nil, err
	}
	if z.large == nil {
		err = z.decodeSmall(rest)
	} else {
		err = z.large.decode(rest)
	}
	if err != nil {
		return nil, err
	}
	if uint64(z.Len()) != announced {
		return nil, fmt.Errorf("%w: %d elements where %d are announced", ErrCorrupt, z.Len(), announced)
	}
	return z, nil
}

// readCount reads a uvarint in its shortest form.
func readCount(b []byte) (rest []byte, n uint64, err error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || size > 1 && b[size-1] == 0 {
		return nil, 0, fmt.Errorf("%w: bad count", ErrCorrupt)
	}
	return b[size:], n, nil
}

func readSeed(b []byte) (seed dict.Seed, rest []byte, err error) {
	if len(b) < len(seed) {
		return seed, nil, fmt.Errorf("%w: the seed is missing", ErrCorrupt)
	}
	return dict.Seed(b[:len(seed)]), b[len(seed):], nil
}

func (z *Set) decodeSmall(b page) error {
	_, count, err := b.check(0)
	if err != nil {
		return err
	}
	members := make([][]byte, 0, count)
	for rest := b; len(rest) > 0; {
		member, size := rest.member()
		members = append(members, member)
		rest = rest[size:]
	}
	slices.SortFunc(members, bytes.Compare)
	for i := 1; i < len(members); i++ {
		if bytes.Equal(members[i-1], members[i]) {
			return fmt.Errorf("%w: a member that is there twice", ErrCorrupt)
		}
	}
	z.page, z.count = append(newPage(len(b)), b...), count
	return nil
}

func (g *large) decode(b page) error {
	for len(b) > 0 {
		size, count, err := b.check(pageMax)
		if err != nil {
			return err
		}
		if err := g.append(b[:size], count); err != nil {
			return err
		}
		b = b[size:]
	}
	return nil
}
