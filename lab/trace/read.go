package trace

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
)

// ErrFormat says that a file is not a trace, or damaged.
var ErrFormat = errors.New("not a trace of holdfast lab, or damaged")

// Reader reads a trace. Events is for one goroutine at a time, ReadData for many.
type Reader struct {
	Meta Meta
	file *os.File
	size int64
	from int64 // where the events begin
}

// Open opens a trace and reads its Meta.
func Open(path string) (*Reader, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening a trace: %w", err)
	}
	r := &Reader{file: file}
	if err := r.begin(); err != nil {
		return nil, errors.Join(fmt.Errorf("trace %s: %w", path, err), file.Close())
	}
	return r, nil
}

func (r *Reader) begin() error {
	info, err := r.file.Stat()
	if err != nil {
		return err
	}
	r.size = info.Size()
	in := bufio.NewReader(io.NewSectionReader(r.file, 0, r.size))
	head := make([]byte, len(magic))
	if _, err := io.ReadFull(in, head); err != nil || string(head) != magic {
		return ErrFormat
	}
	body, err := readRecord(in, nil, r.size)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, &r.Meta); err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if r.Meta.Version != 1 {
		return fmt.Errorf("version %d: %w", r.Meta.Version, ErrFormat)
	}
	r.from = bodyStart + prefix + int64(len(body))
	return nil
}

// Close closes the file.
func (r *Reader) Close() error { return r.file.Close() }

// Events calls fn with the events in order, until it returns false or an error. A recording that was cut off in the
// middle of a record ends before it; what is damaged is ErrFormat, with the offset.
func (r *Reader) Events(fn func(Event) (bool, error)) error {
	in := bufio.NewReaderSize(io.NewSectionReader(r.file, r.from, r.size-r.from), 1<<18)
	var buf []byte
	for pos, seq := r.from, uint64(1); ; seq++ {
		var err error
		buf, err = readRecord(in, buf, r.size-pos)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("trace %s at %d: %w", r.file.Name(), pos, err)
		}
		e, used, err := parseEvent(buf)
		if err == nil && e.Seq != seq {
			err = fmt.Errorf("event %d where %d should be: %w", e.Seq, seq, ErrFormat)
		}
		if err != nil {
			return fmt.Errorf("trace %s at %d: %w", r.file.Name(), pos, err)
		}
		if n := int64(len(buf) - used); n > 0 {
			e.Data = Data{Pos: pos + prefix + int64(used), Len: n}
		} else if e.Kind == Write {
			e.Data = Data{Len: e.Size}
		}
		pos += prefix + int64(len(buf))
		if more, err := fn(e); err != nil || !more {
			return err
		}
	}
}

// ReadData fills buf from the data of a Write, from its byte off on.
func (r *Reader) ReadData(d Data, off int64, buf []byte) error {
	if off < 0 || off+int64(len(buf)) > d.Len {
		panic("BUG: reading past the data of a write")
	}
	if d.Pos == 0 {
		clear(buf)
		return nil
	}
	if _, err := r.file.ReadAt(buf, d.Pos+off); err != nil {
		return fmt.Errorf("reading trace %s at %d: %w", r.file.Name(), d.Pos+off, err)
	}
	return nil
}

// readRecord reads a record's body into buf, growing it. left is what the file has from here on.
func readRecord(in io.Reader, buf []byte, left int64) ([]byte, error) {
	var head [prefix]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(head[:4])
	if n > recordMax {
		return nil, ErrFormat
	}
	if int64(n) > left-prefix {
		return nil, io.ErrUnexpectedEOF
	}
	if cap(buf) < int(n) {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	if _, err := io.ReadFull(in, buf); err != nil {
		return nil, err
	}
	if crc32.Checksum(buf, castagnoli) != binary.LittleEndian.Uint32(head[4:]) {
		return nil, ErrFormat
	}
	return buf, nil
}

// parseEvent reads an event from a body, and returns how many bytes it took; data may follow.
func parseEvent(body []byte) (e Event, used int, err error) {
	if len(body) == 0 {
		return Event{}, 0, ErrFormat
	}
	p := fields{rest: body[1:]}
	e.Kind = Kind(body[0])
	e.Seq = p.uint()
	e.At = p.int()
	e.File = p.uint()
	e.Path = string(p.text())
	e.To = string(p.text())
	e.Off = p.int()
	e.Size = p.int()
	e.Mode = uint32(p.uint())
	e.DataOnly = p.uint() == 1
	e.Covers = p.uint()
	e.Conn = int(p.uint())
	e.ID = p.uint()
	if n := p.uint(); n > uint64(len(p.rest)) {
		p.bad = true
	} else if n > 0 {
		e.Args = make([][]byte, n)
		for i := range e.Args {
			e.Args[i] = append([]byte{}, p.text()...)
		}
	}
	if reply := p.text(); len(reply) > 0 {
		e.Reply = append([]byte{}, reply...)
	}
	e.Note = string(p.text())
	if p.bad || e.Kind < Mkdir || e.Kind > Mark || e.Off < 0 || e.Size < 0 {
		return Event{}, 0, ErrFormat
	}
	return e, len(body) - len(p.rest), nil
}

// fields cuts fields off a body.
type fields struct {
	rest []byte
	bad  bool
}

func (p *fields) uint() uint64 {
	v, n := binary.Uvarint(p.rest)
	return advance(p, v, n)
}

func (p *fields) int() int64 {
	v, n := binary.Varint(p.rest)
	return advance(p, v, n)
}

func advance[T uint64 | int64](p *fields, v T, n int) T {
	if n <= 0 {
		p.bad, p.rest = true, nil
		return 0
	}
	p.rest = p.rest[n:]
	return v
}

func (p *fields) text() []byte {
	n := p.uint()
	if n > uint64(len(p.rest)) {
		p.bad, p.rest = true, nil
		return nil
	}
	text := p.rest[:n]
	p.rest = p.rest[n:]
	return text
}
