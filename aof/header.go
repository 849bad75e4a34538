package aof

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	// Version is the format that is written, and the newest that is read.
	Version = 1
	// HeaderBytes is the size of a segment's header with its padding.
	HeaderBytes = 4096

	magic       = "HOLDFAOF"
	headerCRCAt = 48 // magic [8], version u32, zero u32, first LSN u64, id [16], created i64, then the CRC32C of those
	headerUsed  = 52

	segmentSuffix = ".aof"
	tempSuffix    = ".tmp"
)

// header opens a segment. Its first 52 bytes keep their meaning in every version, so that "newer" can be told
// from "damaged".
type header struct {
	version uint32
	first   uint64
	id      [16]byte
	created int64 // unix ms
}

// encode returns the header with its padding.
func (h header) encode() []byte {
	b := make([]byte, HeaderBytes)
	copy(b, magic)
	binary.LittleEndian.PutUint32(b[8:], h.version)
	binary.LittleEndian.PutUint64(b[16:], h.first)
	copy(b[24:], h.id[:])
	binary.LittleEndian.PutUint64(b[40:], uint64(h.created))
	binary.LittleEndian.PutUint32(b[headerCRCAt:], crc32.Checksum(b[:headerCRCAt], castagnoli))
	return b
}

// parseHeader reads the header of the segment at path, named after LSN first. b is what the file begins with, up to
// HeaderBytes of it.
func parseHeader(b []byte, path string, first uint64) (header, *DamageError) {
	damage := func(kind error, format string, args ...any) (header, *DamageError) {
		return header{}, &DamageError{Kind: kind, Segment: path, LSN: first, Reason: fmt.Sprintf(format, args...)}
	}
	if len(b) == 0 {
		return damage(ErrCorrupt, "the file is empty")
	}
	if len(b) < HeaderBytes {
		return damage(ErrCorrupt, "the file has %d bytes, its header alone takes %d", len(b), HeaderBytes)
	}
	if !maybeMagic(b) {
		return damage(ErrNotSegment, "the file begins with %q instead of %q", b[:len(magic)], magic)
	}
	if !headerSound(b) {
		return damage(ErrCorrupt, "the header's checksum does not match")
	}
	h := header{
		version: binary.LittleEndian.Uint32(b[8:]),
		first:   binary.LittleEndian.Uint64(b[16:]),
		created: int64(binary.LittleEndian.Uint64(b[40:])),
	}
	copy(h.id[:], b[24:])
	switch {
	case h.version > Version:
		return damage(ErrNewer, "format %d; this program reads up to %d", h.version, Version)
	case h.version != Version:
		return damage(ErrCorrupt, "format %d does not exist", h.version)
	case h.first != first:
		return damage(ErrCorrupt, "the header says that it begins at LSN %d, as if the file had been renamed", h.first)
	}
	return h, nil
}

func headerSound(b []byte) bool {
	return binary.LittleEndian.Uint32(b[headerCRCAt:]) == crc32.Checksum(b[:headerCRCAt], castagnoli)
}

// maybeMagic reports whether b begins with the magic number, or with what is left of one after a torn write.
func maybeMagic(b []byte) bool {
	for i := range len(magic) {
		if b[i] != magic[i] && b[i] != 0 {
			return false
		}
	}
	return true
}

// segmentName is the file name of the segment that begins at LSN first.
func segmentName(first uint64) string { return fmt.Sprintf("%020d%s", first, segmentSuffix) }

// parseSegmentName returns the first LSN of a segment's name. A name without the suffix is not ours (ok is false); one
// with it that is no LSN is damage, as it may be a segment that somebody renamed.
func parseSegmentName(dir, name string) (first uint64, ok bool, damage *DamageError) {
	digits, ok := strings.CutSuffix(name, segmentSuffix)
	if !ok {
		return 0, false, nil
	}
	first, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || first == 0 || segmentName(first) != name {
		return 0, false, &DamageError{Kind: ErrNotSegment, Segment: filepath.Join(dir, name), Reason: "the name is not an LSN of 20 digits"}
	}
	return first, true, nil
}
