package hashes

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"unsafe"

	"holdfast/dict"
	"holdfast/expiry"
)

// large is the form of many or long fields.
type large struct {
	fields *dict.Dict
	order  *expiry.Names
	buf    []byte // room to put a value together
}

const (
	largeSize = int64(unsafe.Sizeof(large{}))
	bufMax    = 4 << 10 // a larger buffer is not kept
)

// What stands before a value in the dict.
const (
	untimed byte = 0
	timed   byte = 1 // a deadline follows
)

func newLarge(fields *dict.Dict) *large { return &large{fields: fields, order: expiry.NewNames()} }

func (l *large) bytes() int64 {
	return largeSize + l.fields.Bytes() + l.order.Bytes() + int64(cap(l.buf))
}

// open takes apart what the dict holds for a field.
func open(held []byte) (value []byte, deadline int64) {
	if held[0] == untimed {
		return held[1:], expiry.None
	}
	return held[1+deadlineBytes:], int64(binary.LittleEndian.Uint64(held[1:]))
}

// check reads what the dict holds for a field where it comes from outside.
func check(held []byte) (deadline int64, err error) {
	switch {
	case len(held) > 0 && held[0] == untimed:
		return expiry.None, nil
	case len(held) <= deadlineBytes || held[0] != timed:
		return 0, fmt.Errorf("%w: a value without its mark", ErrCorrupt)
	}
	if _, deadline = open(held); deadline <= 0 {
		return 0, fmt.Errorf("%w: a deadline of %d", ErrCorrupt, deadline)
	}
	return deadline, nil
}

func (l *large) get(field []byte) (value []byte, deadline int64, ok bool) {
	held, ok := l.fields.Get(field)
	if !ok {
		return nil, expiry.None, false
	}
	value, deadline = open(held)
	return value, deadline, true
}

// put sets a field whose deadline is old so far.
func (l *large) put(field, value []byte, old, deadline int64) {
	b := append(l.buf[:0], untimed)
	if deadline != expiry.None {
		b[0] = timed
		b = binary.LittleEndian.AppendUint64(b, uint64(deadline))
	}
	b = append(b, value...)
	l.fields.Set(field, b)
	if l.buf = nil; cap(b) <= bufMax {
		l.buf = b
	}
	l.reschedule(field, old, deadline)
}

func (l *large) reschedule(field []byte, old, deadline int64) {
	if old == deadline {
		return
	}
	if old != expiry.None {
		l.order.Remove(old, field)
	}
	if deadline != expiry.None {
		l.order.Add(deadline, field)
	}
}

func (l *large) setDeadline(field []byte, deadline int64) {
	value, old, ok := l.get(field)
	if !ok {
		panic("BUG: hashes: a deadline for a field that is not there")
	}
	if old != deadline {
		l.put(field, value, old, deadline)
	}
}

func (l *large) delete(field []byte) bool {
	_, old, ok := l.get(field)
	if ok {
		l.reschedule(field, old, expiry.None)
		l.fields.Delete(field)
	}
	return ok
}

func (l *large) each(fn func(field, value []byte, deadline int64) bool) {
	for field, held := range l.fields.All() {
		if value, deadline := open(held); !fn(field, value, deadline) {
			return
		}
	}
}

func (l *large) scan(cursor uint64, fn func(field, value []byte)) uint64 {
	return l.fields.Scan(cursor, func(field, held []byte) {
		value, _ := open(held)
		fn(field, value)
	})
}

func (l *large) random(rng *rand.Rand) (field, value []byte) {
	field, held := l.fields.Random(rng)
	value, _ = open(held)
	return field, value
}

func (l *large) clone() *large {
	c := newLarge(l.fields.Clone())
	l.order.Each(func(at int64, name string) bool {
		c.order.Add(at, []byte(name))
		return true
	})
	return c
}

// index reads the deadlines of a dict from outside, of which there should be so many.
func (l *large) index(want uint64) error {
	for field, held := range l.fields.All() {
		deadline, err := check(held)
		if err != nil {
			return err
		}
		l.reschedule(field, expiry.None, deadline)
	}
	if uint64(l.order.Len()) != want {
		return fmt.Errorf("%w: %d deadlines where %d are announced", ErrCorrupt, l.order.Len(), want)
	}
	return nil
}
