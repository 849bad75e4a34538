package aof

import (
	"bytes"
	"fmt"
	"hash/crc32"

	"holdfast/internal/vfs"
)

const (
	judgeChunk = 1 << 20
	// zeroChunk is small, as the last byte that is not zero is looked for one by one.
	zeroChunk = 64 << 10
	// crcWorkMax bounds the search for later records, in multiples of the segment's size. Only bytes made to look like
	// the heads of records, over and over, reach it; then the answer is "corrupt", which changes nothing.
	crcWorkMax = 64
)

// remains is what lies in a segment from a given offset on.
type remains struct {
	end     int64  // offset behind the last byte that is not zero; the given offset when all are
	records int    // valid later records that do not prove anything
	proof   string // why the bytes at the offset were durable once; "" if nothing says so
}

// examine looks from offset off on for proof that LSN n, expected there, was durable.
func examine(r *reader, off int64, n uint64) (remains, error) {
	end, err := dataEnd(r.file, off, r.size)
	if err != nil {
		return remains{}, fmt.Errorf("read log segment %s behind offset %d: %w", r.path, off, err)
	}
	s := search{reader: r, n: n, last: n + uint64(r.size/recordMin), budget: crcWorkMax * r.size}
	s.remains.end = end
	chunk := make([]byte, min(judgeChunk, max(end-off, recordMin))+recordMin)
	for at := off; at < end && s.proof == ""; {
		got, err := readAt(r.file, chunk, at)
		if err != nil {
			return remains{}, fmt.Errorf("read log segment %s at offset %d: %w", r.path, at, err)
		}
		if got < recordMin {
			break
		}
		// A head may begin at every byte but the last few, which the next chunk begins with.
		heads := got - recordMin + 1
		if err := s.through(chunk[:got], heads, at); err != nil {
			return remains{}, err
		}
		at += int64(heads)
	}
	return s.remains, nil
}

// search resynchronises: it looks for valid records at any byte.
type search struct {
	remains
	reader *reader
	n      uint64 // the LSN whose durability is in question
	last   uint64 // no record of the segment can have a higher LSN
	budget int64  // bytes that may still be checksummed
}

// through tries every one of the first heads bytes of b, which lies at offset at of the file.
func (s *search) through(b []byte, heads int, at int64) error {
	for i := 0; i < heads; i++ {
		head := b[i:]
		valid, err := s.head(head, at+int64(i))
		switch {
		case err != nil:
			return err
		case s.budget < 0:
			s.proof = "what follows has too many likenesses of records to be judged"
			return nil
		case valid && recordDurable(head) >= s.n:
			s.proof = fmt.Sprintf("LSN %d at offset %d says that LSN %d was durable", recordLSN(head), at+int64(i), recordDurable(head))
			return nil
		case valid:
			s.records++
		}
	}
	return nil
}

// head reports whether head, which lies at an offset of the file, begins a valid record that the search is for. A
// budget below zero says that it was not looked at.
func (s *search) head(head []byte, off int64) (bool, error) {
	lsn := recordLSN(head)
	if lsn < s.n || lsn > s.last || recordDurable(head) >= lsn {
		return false, nil
	}
	size := recordSize(head)
	if size < recordMin || size > s.reader.size-off {
		return false, nil
	}
	return s.valid(off, size, storedCRC(head))
}

// valid checksums the candidate of size bytes at off piece by piece, since it may be as large as the segment.
func (s *search) valid(off, size int64, stored uint32) (bool, error) {
	if s.budget -= size; s.budget < 0 {
		return false, nil
	}
	crc, piece := s.reader.seed, make([]byte, min(size, judgeChunk))
	for done := int64(0); done < size; {
		got, err := readAt(s.reader.file, piece[:min(size-done, judgeChunk)], off+done)
		if err != nil {
			return false, fmt.Errorf("read log segment %s at offset %d: %w", s.reader.path, off+done, err)
		}
		if got == 0 {
			return false, nil
		}
		part := piece[:got]
		if done == 0 { // the CRC field is not part of what it covers; size is more than a head, so one read has it
			if got < recordMin {
				return false, nil
			}
			crc = crc32.Update(crc, castagnoli, part[:crcAt])
			part = part[lsnAt:]
		}
		crc = crc32.Update(crc, castagnoli, part)
		done += int64(got)
	}
	return crc == stored, nil
}

// dataEnd returns the offset behind the last byte in [from, size) that is not zero, or from if there is none. It goes
// backward, because a segment mostly ends in zeroes.
func dataEnd(f vfs.File, from, size int64) (int64, error) {
	chunk := make([]byte, min(zeroChunk, max(size-from, 0)))
	zero := make([]byte, len(chunk))
	for end := size; end > from; {
		start := max(from, end-int64(len(chunk)))
		part := chunk[:end-start]
		got, err := readAt(f, part, start)
		if err != nil {
			return 0, err
		}
		if part = part[:got]; !bytes.Equal(part, zero[:got]) {
			return start + int64(len(bytes.TrimRight(part, "\x00"))), nil
		}
		end = start
	}
	return from, nil
}
