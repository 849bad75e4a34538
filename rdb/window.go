package rdb

import (
	"errors"
	"hash/crc64"
	"io"
)

// window is the piece of a file that a reader has at hand. What it has handed out stays as it is when the window moves on:
// each piece has memory of its own.
type window struct {
	r      io.ReaderAt
	size   int64        // of the file
	buf    []byte       // the piece
	at     int64        // where it begins
	failed int64        // where the reader failed
	err    error        // of the file, if that is why
	ended  func() error // asked at each piece whether to go on, if any

	why string // the reader failed, where more is known than that it did

	sum    uint64 // checksum of all bytes
	summed int64  // before this offset
}

// pieceSize is how many bytes are read at a time, if no more are asked for.
const pieceSize = 256 << 10

// offset is where the reader is.
func (w *window) offset(r *reader) int64 { return w.at + int64(len(w.buf)) - int64(len(r.b)) }

// fill lets the reader have at least n bytes.
func (w *window) fill(r *reader, n uint64) bool {
	if r.failed {
		return false
	}
	at := w.offset(r)
	if n > uint64(w.size-at) {
		return false
	}
	if w.ended != nil {
		if err := w.ended(); err != nil {
			w.err = err
			return false
		}
	}
	w.sumTo(at)
	buf := make([]byte, min(max(int64(n), pieceSize), w.size-at))
	have := copy(buf, r.b)
	got, err := w.r.ReadAt(buf[have:], at+int64(have))
	if have+got < len(buf) {
		if err != nil && !errors.Is(err, io.EOF) {
			w.err = err
		}
		w.size = at + int64(have+got) // it has become shorter
		if uint64(have+got) < n {
			return false
		}
		buf = buf[:have+got]
	}
	w.buf, w.at, r.b = buf, at, buf
	return true
}

// seek lets the reader go on at an offset at which it has been before.
func (w *window) seek(r *reader, to int64) {
	if w.at <= to && to <= w.at+int64(len(w.buf)) {
		r.b = w.buf[to-w.at:]
		return
	}
	if !r.failed {
		w.sumTo(w.offset(r))
	}
	w.buf, w.at, r.b = nil, to, nil
}

// sumTo adds the bytes before an offset in the piece to the checksum.
func (w *window) sumTo(offset int64) {
	if offset > w.summed {
		w.sum = ^crc64.Update(^w.sum, jones, w.buf[w.summed-w.at:offset-w.at])
		w.summed = offset
	}
}
