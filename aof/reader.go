package aof

import (
	"fmt"

	"holdfast/internal/vfs"
)

// readChunk is how much a reader reads at a time, unless a record is larger.
const readChunk = 256 << 10

// reader goes through the records of one segment. Its memory is readChunk, or the largest record that was met.
type reader struct {
	file vfs.File
	path string
	seed uint32
	size int64 // of the file
	off  int64 // where the next record begins

	buf []byte // what the file holds from offset at on
	at  int64
}

// finding is what a reader makes of the bytes at its offset.
type finding uint8

const (
	sound     finding = iota // the expected record
	ended                    // a zero length, or the end of the file
	sealed                   // the seal of a segment that another one follows
	bad                      // not a record
	misplaced                // a record with another LSN than the expected one
)

func newReader(f vfs.File, path string, id [16]byte, first uint64, size int64) *reader {
	return &reader{file: f, path: path, seed: seedOf(id, first), size: size, off: HeaderBytes}
}

// next reads the record at the reader's offset, and steps over it if it is sound. why explains a bad one.
func (r *reader) next(expected uint64) (rec Record, f finding, why string, err error) {
	b, err := r.peek(recordMin)
	if err != nil {
		return Record{}, bad, "", err
	}
	if len(b) < crcAt || recordSize(b) == lsnAt {
		return Record{}, ended, "the log ends here, but something follows", nil
	}
	size := recordSize(b)
	if isSeal(b, r.seed, expected) {
		return Record{}, sealed, "the segment was sealed here", nil
	}
	if size < recordMin || size > r.size-r.off {
		return Record{}, bad, fmt.Sprintf("a record of %d bytes can not be here", size), nil
	}
	if b, err = r.peek(size); err != nil {
		return Record{}, bad, "", err
	}
	if int64(len(b)) < size || storedCRC(b) != recordCRC(b, r.seed) {
		return Record{}, bad, "the record's checksum does not match", nil
	}
	rec = parseRecord(b)
	if rec.LSN != expected {
		return rec, misplaced, fmt.Sprintf("the record here has LSN %d", rec.LSN), nil
	}
	r.off += size
	return rec, sound, "", nil
}

// beyond reports whether what stands at the reader's offset, with so many bytes left and not all of them zero, goes on behind
// the end of the file. No crash leaves that: a segment has its length, synced, before anything is in it, and where a length was torn
// the bytes that are missing are zero.
func (r *reader) beyond(left int64) bool {
	if left < sealBytes {
		return true // neither a record nor a seal begins where it has no room
	}
	b, err := r.peek(recordMin)
	return err == nil && recordSize(b) > left
}

// peek returns the next n bytes, or those that are left, and stays where it is.
func (r *reader) peek(n int64) ([]byte, error) {
	n = min(n, max(r.size-r.off, 0)) // a follower's segment may have become shorter than what was read of it
	if from := r.off - r.at; from+n <= int64(len(r.buf)) {
		return r.buf[from : from+n], nil
	}
	want := min(max(n, readChunk), r.size-r.off)
	if int64(cap(r.buf)) < want {
		r.buf = make([]byte, want)
	}
	got, err := readAt(r.file, r.buf[:want], r.off)
	if err != nil {
		r.forget()
		return nil, fmt.Errorf("read log segment %s at offset %d: %w", r.path, r.off, err)
	}
	r.buf, r.at = r.buf[:got], r.off
	if int64(got) < want { // a segment that is sealed while we read it is cut to what it holds
		r.size = r.off + int64(got)
	}
	return r.buf[:min(n, int64(got))], nil
}

// forget drops what was read, so that the file is asked again.
func (r *reader) forget() { r.buf, r.at = r.buf[:0], r.off }
