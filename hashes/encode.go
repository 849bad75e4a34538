package hashes

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"holdfast/dict"
	"holdfast/expiry"
)

// The stored forms of a hash:
//
//	small             version 1 | 0 | uvarint fields | entry · entry · …           the entries of the package comment
//	large, in one     version 1 | 1 | uvarint deadlines | the dict's own encoding
//	large, in parts   head: version 1 | 1 | uvarint deadlines | the dict's head;   parts: the dict's
//
// When a large hash lies in parts the dict decides: above some 64 KiB, unless an element is very large.

const version = 1

const (
	formSmall byte = 0
	formLarge byte = 1
)

// ErrCorrupt says that bytes are not the encoding of a hash.
var ErrCorrupt = errors.New("hashes: corrupt encoding")

// AppendBinary appends the encoding of the hash in one piece.
func (h *Hash) AppendBinary(dst []byte) []byte {
	if h.large != nil {
		return h.large.fields.AppendBinary(h.appendHead(dst))
	}
	dst = append(slices.Grow(dst, len(h.run)+4), version, formSmall)
	dst = binary.AppendUvarint(dst, uint64(h.run.len()))
	if h.run != nil {
		dst = append(dst, h.run[runHead:]...)
	}
	return dst
}

func (h *Hash) appendHead(dst []byte) []byte {
	dst = append(dst, version, formLarge)
	return binary.AppendUvarint(dst, uint64(h.large.order.Len()))
}

// Decode returns the hash that AppendBinary encoded; it does not refer to b. Bytes that are no hash are ErrCorrupt, or the
// dict's error. It allocates in proportion to what it has found sound, whatever the bytes claim. A field that comes twice
// in a small hash is not looked for: the first one counts.
func Decode(b []byte) (*Hash, error) {
	form, n, rest, err := decodeHead(b)
	if err != nil {
		return nil, err
	}
	if form == formSmall {
		return decodeSmall(n, rest)
	}
	fields, err := dict.Decode(rest)
	if err != nil {
		return nil, fmt.Errorf("a large hash: %w", err)
	}
	return fromDict(fields, n)
}

// decodeHead reads the version, the form and a count.
func decodeHead(b []byte) (form byte, n uint64, rest []byte, err error) {
	if len(b) < 2 || b[0] != version || b[1] > formLarge {
		return 0, 0, nil, fmt.Errorf("%w: the version or the form is missing or unknown", ErrCorrupt)
	}
	n, size := binary.Uvarint(b[2:])
	if size <= 0 || size != uvarintSize(n) {
		return 0, 0, nil, fmt.Errorf("%w: a bad count", ErrCorrupt)
	}
	return b[1], n, b[2+size:], nil
}

func decodeSmall(n uint64, entries []byte) (*Hash, error) {
	count, timed := uint64(0), 0
	for rest := entries; len(rest) > 0; count++ {
		size, deadline, err := checkEntry(rest)
		if err != nil {
			return nil, fmt.Errorf("field %d: %w", count, err)
		}
		if deadline != expiry.None {
			timed++
		}
		rest = rest[size:]
	}
	if count != n || n > SmallMax {
		return nil, fmt.Errorf("%w: %d fields where %d are announced", ErrCorrupt, count, n)
	}
	h := New()
	if n == 0 {
		return h, nil
	}
	h.run = fitted(runHead + len(entries))[:runHead]
	clear(h.run)
	h.run.count(int(n), timed)
	h.run = append(h.run, entries...)
	return h, nil
}

func fromDict(fields *dict.Dict, deadlines uint64) (*Hash, error) {
	l := newLarge(fields)
	if err := l.index(deadlines); err != nil {
		return nil, err
	}
	return &Hash{large: l}, nil
}

// Parted tells whether the hash is to be stored in parts.
func (h *Hash) Parted() bool { return h.large != nil && h.large.fields.Parted() }

// AppendHead appends what FromParts needs to know beside the parts.
func (h *Hash) AppendHead(dst []byte) []byte {
	return h.large.fields.AppendHead(h.appendHead(dst))
}

// Parts calls fn with each part in rising order of ids, or only with those that differ from the store since MarkClean.
func (h *Hash) Parts(changed bool, fn func(id uint64, payload []byte) error) error {
	return h.PartsFrom(0, changed, fn)
}

// PartsFrom is Parts for ids that are at least from; it goes on behind an earlier call while the hash does not change.
func (h *Hash) PartsFrom(from uint64, changed bool, fn func(id uint64, payload []byte) error) error {
	return h.large.fields.PartsFrom(from, changed, fn)
}

// DroppedParts calls fn with the ids of the parts that are in the store and are to be deleted from it.
func (h *Hash) DroppedParts(fn func(id uint64)) {
	if h.large != nil {
		h.large.fields.DroppedParts(fn)
	}
}

// MarkClean says that the store holds the hash as it stands: in parts if it is Parted, else in one piece.
func (h *Hash) MarkClean() {
	if h.large != nil {
		h.large.fields.MarkClean()
	}
}

// FromParts rebuilds a hash from its head and its parts, which next returns in rising order of ids, and false after the
// last. The hash does not refer to the payloads, and is clean.
func FromParts(head []byte, next func() (id uint64, payload []byte, ok bool, err error)) (*Hash, error) {
	form, n, rest, err := decodeHead(head)
	if err != nil {
		return nil, fmt.Errorf("head of a hash: %w", err)
	}
	if form != formLarge {
		return nil, fmt.Errorf("head of a hash: %w: a small hash has no parts", ErrCorrupt)
	}
	fields, err := dict.FromParts(rest, next)
	if err != nil {
		return nil, fmt.Errorf("a hash in parts: %w", err)
	}
	return fromDict(fields, n)
}
