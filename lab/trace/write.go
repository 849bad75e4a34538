package trace

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"sync"
	"time"
)

const (
	magic = "hftrace1"
	// recordMax bounds a record: the largest write that a kernel makes of a request through FUSE is far below.
	recordMax = 1 << 30
	prefix    = 8 // length and CRC
	bodyStart = int64(len(magic))
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// doneRoom is what a limit leaves for MarkDone, in bytes.
const doneRoom = 64

// ErrFull says that a trace has reached its limit; what is recorded until then can be played. MarkDone is taken still.
var ErrFull = errors.New("the trace has reached its size limit")

// Writer appends events to a trace. It is safe for concurrent use: the order in which Append is called is the order.
type Writer struct {
	began time.Time
	limit int64 // bytes; 0: none

	mu   sync.Mutex // guards what follows
	file *os.File
	out  *bufio.Writer
	pos  int64
	seq  uint64
	buf  []byte
	err  error
}

// NewWriter makes a trace file, replacing one that is there. limit bounds its size in bytes; 0 does not.
func NewWriter(path string, meta Meta, limit int64) (*Writer, error) {
	meta.Version = 1
	text, err := json.Marshal(meta)
	if err != nil {
		return nil, fmt.Errorf("writing trace %s: %w", path, err)
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("making a trace: %s is no ordinary file, and a trace is to be read again", path)
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("making a trace: %w", err)
	}
	w := &Writer{began: since(meta.Began, time.Now()), limit: limit, file: file, out: bufio.NewWriterSize(file, 1<<18)}
	if _, err := w.out.WriteString(magic); err != nil {
		return nil, errors.Join(fmt.Errorf("writing trace %s: %w", path, err), file.Close())
	}
	w.pos = bodyStart
	if err := w.put(text, nil); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return w, nil
}

// beganMax is how long ago a trace may have begun for its times to count from Meta.Began.
const beganMax = time.Minute

// since is the moment from which the times of events count: that of Meta.Began, so that the two together are the time of
// day to the millisecond; deadlines are judged by it. A trace that begins at another time than now counts from now.
func since(beganMillis int64, now time.Time) time.Time {
	gap := now.Sub(time.UnixMilli(beganMillis))
	if gap < 0 || gap > beganMax {
		return now
	}
	return now.Add(-gap)
}

// Append appends an event, of which Seq and At are filled in here, and returns its number. data are the bytes of a
// Write; they are not kept. After an error every call returns that error.
func (w *Writer) Append(e Event, data []byte) (seq uint64, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	done := e.Kind == Mark && e.Note == MarkDone
	if w.err != nil && !(done && errors.Is(w.err, ErrFull)) {
		return 0, w.err
	}
	e.Seq, e.At = w.seq+1, int64(time.Since(w.began))
	if isZero(data) {
		data = nil
	}
	w.buf = appendEvent(w.buf[:0], &e)
	if size := w.pos + prefix + int64(len(w.buf)+len(data)); w.limit > 0 && !done && size > w.limit-doneRoom {
		w.err = fmt.Errorf("%s: %d bytes: %w", w.file.Name(), w.limit, ErrFull)
		return 0, w.err
	}
	if err := w.put(w.buf, data); err != nil {
		w.err = err
		return 0, err
	}
	w.seq = e.Seq
	return e.Seq, nil
}

// Last is the number of the newest event.
func (w *Writer) Last() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seq
}

// put appends a record whose body is in two parts.
func (w *Writer) put(body, data []byte) error {
	crc := crc32.Update(crc32.Checksum(body, castagnoli), castagnoli, data)
	var head [prefix]byte
	binary.LittleEndian.PutUint32(head[:4], uint32(len(body)+len(data)))
	binary.LittleEndian.PutUint32(head[4:], crc)
	for _, b := range [][]byte{head[:], body, data} {
		if _, err := w.out.Write(b); err != nil {
			return fmt.Errorf("writing trace %s at %d: %w", w.file.Name(), w.pos, err)
		}
	}
	w.pos += int64(len(head) + len(body) + len(data))
	return nil
}

// Close writes what is left. It returns the first error that there was.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.file == nil {
		return w.err
	}
	if errors.Is(w.err, ErrFull) || w.err == nil {
		w.err = errors.Join(w.err, w.out.Flush())
	}
	w.err = errors.Join(w.err, w.file.Close())
	w.file = nil
	err := w.err
	if err == nil {
		w.err = os.ErrClosed
	}
	return err
}

func isZero(b []byte) bool {
	for len(b) >= 8 {
		if binary.LittleEndian.Uint64(b) != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

func appendEvent(dst []byte, e *Event) []byte {
	dst = append(dst, byte(e.Kind))
	dst = binary.AppendUvarint(dst, e.Seq)
	dst = binary.AppendVarint(dst, e.At)
	dst = binary.AppendUvarint(dst, e.File)
	dst = appendText(dst, e.Path)
	dst = appendText(dst, e.To)
	dst = binary.AppendVarint(dst, e.Off)
	dst = binary.AppendVarint(dst, e.Size)
	dst = binary.AppendUvarint(dst, uint64(e.Mode))
	dst = binary.AppendUvarint(dst, b2u(e.DataOnly))
	dst = binary.AppendUvarint(dst, e.Covers)
	dst = binary.AppendUvarint(dst, uint64(e.Conn))
	dst = binary.AppendUvarint(dst, e.ID)
	dst = binary.AppendUvarint(dst, uint64(len(e.Args)))
	for _, arg := range e.Args {
		dst = appendText(dst, arg)
	}
	dst = appendText(dst, e.Reply)
	return appendText(dst, e.Note)
}

func appendText[T string | []byte](dst []byte, text T) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
