package snapshot

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"

	"holdfast/internal/nice"
	"holdfast/internal/vfs"
)

// Runs and redo files are a magic of 8 bytes and then blocks {length u32, CRC32C u32, bytes} of whole entries. A
// block's CRC covers its offset in the file (u64) and its bytes, so that a block in another's place is not
// valid. The last block is empty, and only the last.
const (
	runMagic  = "HFRUN\x00\x00\x01"
	redoMagic = "HFREDO\x00\x01"

	blockHeader = 8
	blockBytes  = 64 << 10 // a block is closed when it is this long; its last entry may be of any length
)

func blockSum(off int64, b []byte) uint32 {
	var at [8]byte
	binary.LittleEndian.PutUint64(at[:], uint64(off))
	return crc32.Update(crc32.Checksum(at[:], castagnoli), castagnoli, b)
}

// blockWriter writes such a file.
type blockWriter struct {
	file vfs.File
	path string
	off  int64  // where block goes
	buf  []byte // header and bytes of the block being gathered
	way  nice.Way
}

// newBlockWriter writes by way of a buffer that another one has left behind, or nil.
func newBlockWriter(file vfs.File, path, magic string, buf []byte) *blockWriter {
	w := &blockWriter{file: file, path: path, buf: buf[:0]}
	w.buf = append(append(w.buf, magic...), make([]byte, blockHeader)...)
	return w
}

// start is where the block begins in buf: behind the magic in the file's first.
func (w *blockWriter) start() int {
	if w.off == 0 {
		return len(runMagic)
	}
	return 0
}

// add appends an entry. A long one goes to the file from where it lies, as a block of its own.
func (w *blockWriter) add(e []byte) error {
	const long = 4 * blockBytes
	if len(e) > long {
		if err := w.flushAny(); err != nil {
			return err
		}
		return w.flush(e)
	}
	w.buf = append(w.buf, e...)
	if len(w.buf) < blockBytes {
		return nil
	}
	return w.flush(nil)
}

// flushAny writes the block unless it is empty.
func (w *blockWriter) flushAny() error {
	if len(w.buf) > w.start()+blockHeader {
		return w.flush(nil)
	}
	return nil
}

// flush writes the block: what was gathered, or, where nothing was, an entry or nothing.
func (w *blockWriter) flush(alone []byte) error {
	w.way.Give()
	start := w.start()
	block, entries := w.buf[start:], w.buf[start+blockHeader:]
	if alone != nil {
		entries = alone
	}
	binary.LittleEndian.PutUint32(block, uint32(len(entries)))
	binary.LittleEndian.PutUint32(block[4:], blockSum(w.off+int64(start), entries))
	for _, b := range [][]byte{w.buf, alone} {
		if len(b) == 0 {
			continue
		}
		if _, err := w.file.WriteAt(b, w.off); err != nil {
			return fmt.Errorf("writing %s at %d: %w", w.path, w.off, err)
		}
		w.off += int64(len(b))
	}
	w.buf = append(w.buf[:0], make([]byte, blockHeader)...)
	return nil
}

// finish writes what is left and the empty block. It does not sync.
func (w *blockWriter) finish() error {
	if err := w.flushAny(); err != nil {
		return err
	}
	return w.flush(nil)
}

// blockReader reads such a file. Whatever is not as it was written is a DamageError.
type blockReader struct {
	file  vfs.File
	path  string
	magic string
	off   int64 // of the next block
	buf   []byte
	rest  []byte // of the block at hand
	done  bool
}

func newBlockReader(file vfs.File, path, magic string) *blockReader {
	return &blockReader{file: file, path: path, magic: magic}
}

func (r *blockReader) damage(off int64, what string) error {
	return &DamageError{File: r.path, Offset: off, What: what}
}

// next returns the next entry, which is valid until the one after it is asked for.
func (r *blockReader) next() (entry, error) {
	for len(r.rest) == 0 {
		if err := r.block(); err != nil {
			return nil, err
		}
	}
	e, rest, ok := cutEntry(r.rest)
	if !ok {
		return nil, r.damage(r.off, "the block before holds no entries")
	}
	r.rest = rest
	return e, nil
}

// block reads the next block into rest; io.EOF says that the last one was read.
func (r *blockReader) block() error {
	if r.done {
		return io.EOF
	}
	if r.off == 0 {
		magic, err := r.read(0, len(r.magic))
		if err != nil {
			return err
		}
		if string(magic) != r.magic {
			return r.damage(0, "the file begins differently")
		}
		r.off = int64(len(r.magic))
	}
	header, err := r.read(r.off, blockHeader)
	if err != nil {
		return err
	}
	length, sum := int64(binary.LittleEndian.Uint32(header)), binary.LittleEndian.Uint32(header[4:])
	size, err := r.file.Size()
	if err != nil {
		return fmt.Errorf("reading %s: %w", r.path, err)
	}
	if r.off+blockHeader+length > size {
		return r.damage(r.off, "the block is longer than the file")
	}
	var block []byte
	if length > 0 {
		if block, err = r.read(r.off+blockHeader, int(length)); err != nil {
			return err
		}
	}
	if blockSum(r.off, block) != sum {
		return r.damage(r.off, "the block's checksum does not match")
	}
	r.off += blockHeader + length
	if r.rest, r.done = block, length == 0; !r.done {
		return nil
	}
	if r.off != size {
		return r.damage(r.off, "the file goes on behind its last block")
	}
	return io.EOF
}

// read reads n bytes into the reader's buffer.
func (r *blockReader) read(off int64, n int) ([]byte, error) {
	if cap(r.buf) < n {
		r.buf = make([]byte, max(n, blockBytes+blockBytes/4))
	}
	b := r.buf[:n]
	if got, err := r.file.ReadAt(b, off); got < n {
		if err == io.EOF {
			return nil, r.damage(off, "the file is cut short")
		}
		return nil, fmt.Errorf("reading %s at %d: %w", r.path, off, err)
	}
	return b, nil
}
