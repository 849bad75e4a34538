package rdb

import (
	"encoding/binary"
	"fmt"
	"hash/crc64"
	"io"
	"math"
	"strconv"

	"holdfast/kv"
	"holdfast/outline"
)

// Writer writes a file, of which it holds a piece in memory, or one element: the values come element by element.
type Writer struct {
	// Compress says that strings are compressed where that makes them shorter, as Redis does unless told otherwise. It takes
	// several times as long.
	Compress bool

	w   io.Writer
	b   []byte
	sum uint64
	err error
}

// Versions of files. Redis 7.0 reads those up to the older one; the newer one is for hashes whose fields have deadlines.
const (
	Version70 = version7_0
	Version74 = version7_4
)

// writeAbove is how many bytes are gathered before they are written.
const writeAbove = 256 << 10

// NewWriter begins a file of a version. It gathers what it writes; w need not be buffered.
func NewWriter(w io.Writer, version int) *Writer {
	return &Writer{w: w, b: fmt.Appendf(make([]byte, 0, writeAbove+4096), "%s%04d", magic, version)}
}

// Aux says something about the file.
func (w *Writer) Aux(name, value string) error {
	w.b = appendBytes(append(w.b, opAux), []byte(name))
	w.text([]byte(value))
	return w.flush(writeAbove)
}

// DB begins a database, and says how many keys it will have and how many of them with deadlines.
func (w *Writer) DB(index int, keys, timed int64) error {
	w.b = appendLength(append(w.b, opDB), uint64(index))
	w.b = appendLength(appendLength(append(w.b, opResize), uint64(keys)), uint64(timed))
	return w.flush(writeAbove)
}

// End ends the file.
func (w *Writer) End() error {
	w.b = append(w.b, opEnd)
	if err := w.flush(0); err != nil {
		return err
	}
	w.b = binary.LittleEndian.AppendUint64(w.b, w.sum)
	_, err := w.w.Write(w.b)
	return err
}

// flush writes what has gathered, if it is more than so many bytes.
func (w *Writer) flush(above int) error {
	if w.err == nil && len(w.b) > above {
		w.write(w.b)
		w.b = w.b[:0]
	}
	return w.err
}

func (w *Writer) write(b []byte) {
	if w.err == nil {
		w.sum = ^crc64.Update(^w.sum, jones, b)
		_, w.err = w.w.Write(b)
	}
}

// text appends a string. A long one is not copied.
func (w *Writer) text(b []byte) {
	switch {
	case w.Compress:
		w.b = appendString(w.b, b)
	case len(b) > writeAbove:
		w.b = appendLength(w.b, uint64(len(b)))
		w.write(w.b)
		w.b = w.b[:0]
		w.write(b)
	default:
		w.b = appendPlain(w.b, b)
	}
}

// appendPlain appends b as an integer if it is the decimal form of a short one.
func appendPlain(dst, b []byte) []byte {
	if len(b) <= len("-2147483648") {
		if n, ok := canonical(b); ok && n == int64(int32(n)) {
			return appendInteger(dst, int32(n))
		}
	}
	return appendBytes(dst, b)
}

// Put writes a key with its value, of which walk visits the elements: as many as the key says, and it may be called twice.
// The version of the file must be Version74 if the key has a Lapse.
func (w *Writer) Put(k Key, walk func(outline.Visitor) error) error {
	w.deadline(k)
	v := valueWriter{Writer: w, key: k}
	if err := v.value(walk); err != nil {
		return err
	}
	return w.flush(writeAbove)
}

func (w *Writer) deadline(k Key) {
	if k.Deadline != 0 {
		w.b = binary.LittleEndian.AppendUint64(append(w.b, opMillis), uint64(k.Deadline))
	}
}

// valueWriter writes a value.
type valueWriter struct {
	*Writer
	key   Key
	found int64
}

// begin writes type, key, and what follows.
func (w *valueWriter) begin(form byte) {
	w.b = append(w.b, form)
	w.text(w.key.Name)
}

func (w *valueWriter) value(walk func(outline.Visitor) error) error {
	var form byte
	visit := w.plain
	switch w.key.Kind {
	case kv.String:
		w.begin(typeString)
		return w.elements(walk, visit, 1)
	case kv.List:
		form = typeList
	case kv.Set:
		form = typeSet
	case kv.ZSet:
		form, visit = typeZSet, w.scored
	case kv.Hash:
		form = typeHash
		if w.key.Lapse != 0 {
			form, visit = typeHashTimed, w.timed
		}
	case kv.Stream:
		return w.stream(walk)
	default:
		return fmt.Errorf("key %.100q: a value of a kind that an RDB file has no form for", w.key.Name)
	}
	w.begin(form)
	if form == typeHashTimed {
		w.b = binary.LittleEndian.AppendUint64(w.b, uint64(w.key.Lapse))
	}
	w.b = appendLength(w.b, uint64(w.key.Elements))
	return w.elements(walk, visit, w.key.Elements)
}

// elements walks a value of which so many elements were announced.
func (w *valueWriter) elements(walk func(outline.Visitor) error, visit outline.Visitor, announced int64) error {
	err := walk(func(e outline.Element) error {
		if e.Aside != "" {
			return nil
		}
		w.found++
		if err := visit(e); err != nil {
			return err
		}
		return w.flush(writeAbove)
	})
	if err == nil && w.found != announced {
		err = fmt.Errorf("%w: key %.100q has %d elements where %d are announced", ErrCorrupt, w.key.Name, w.found, announced)
	}
	return err
}

func (w *valueWriter) plain(e outline.Element) error {
	for _, p := range e.Pieces {
		w.text(p.Bytes)
	}
	return nil
}

func (w *valueWriter) scored(e outline.Element) error {
	if len(e.Pieces) != 2 {
		return fmt.Errorf("%w: key %.100q: no member with a score", ErrCorrupt, w.key.Name)
	}
	score, err := strconv.ParseFloat(string(e.Pieces[1].Bytes), 64)
	if err != nil && !math.IsInf(score, 0) || math.IsNaN(score) {
		return fmt.Errorf("%w: key %.100q: %.40q is no score", ErrCorrupt, w.key.Name, e.Pieces[1].Bytes)
	}
	w.text(e.Pieces[0].Bytes)
	w.b = binary.LittleEndian.AppendUint64(w.b, math.Float64bits(score))
	return nil
}

// timed writes a deadline as its distance from the first one, plus one.
func (w *valueWriter) timed(e outline.Element) error {
	after := uint64(0)
	if e.Deadline != 0 {
		if e.Deadline < w.key.Lapse {
			return fmt.Errorf("%w: key %.100q: a field's deadline is before the earliest", ErrCorrupt, w.key.Name)
		}
		after = uint64(e.Deadline-w.key.Lapse) + 1
	}
	w.b = appendLength(w.b, after)
	return w.plain(e)
}
