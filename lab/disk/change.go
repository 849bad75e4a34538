package disk

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"holdfast/lab/trace"
)

// The modes of fallocate that there are rules for, as in the system call.
const (
	keepSize  = 1
	punchHole = 2
	zeroRange = 16
)

// change follows an event that changes a file's bytes or size.
func (m *Model) change(e trace.Event) error {
	f := m.files[e.File]
	if f == nil {
		return fmt.Errorf("file %d: %w", e.File, ErrEvent)
	}
	if e.Path == "" {
		e.Path = f.name(e.File)
	}
	if e.Off < 0 || e.Size < 0 || e.Off > math.MaxInt64-e.Size {
		return fmt.Errorf("the range: %w", ErrEvent)
	}
	switch e.Kind {
	case trace.Write:
		return m.write(f, e)
	case trace.Truncate:
		if e.Size != f.size {
			m.add(m.op(e, op{kind: opCut, verb: "truncate", file: f, end: e.Size, journal: m.reading == Ordered}))
			f.size = e.Size
		}
		return nil
	default:
		return m.allocate(f, e)
	}
}

// name is what people know a file by.
func (f *file) name(number uint64) string {
	if f.path == "" {
		return fmt.Sprintf("file %d", number)
	}
	return f.path
}

// op fills in what every op of an event has.
func (m *Model) op(e trace.Event, o op) *op {
	o.seq, o.path = e.Seq, e.Path
	return &o
}

func (m *Model) write(f *file, e trace.Event) error {
	end := e.Off + e.Size
	switch {
	case e.Size == 0:
		return nil
	case e.Data.Pos == 0:
		m.zero(f, e, m.reading == Strict)
		m.grow(f, e, end)
		return nil
	case e.Data.Len != e.Size:
		return fmt.Errorf("%d bytes of data for %d: %w", e.Data.Len, e.Size, ErrEvent)
	}
	put := func(off, end int64, o op) {
		if off >= end {
			return
		}
		o.kind, o.verb, o.file, o.off, o.end = opPut, "write", f, off, end
		o.pos = e.Data.Pos + off - e.Off
		o.sum = m.ed.sum(off, end, o.pos)
		m.add(m.op(e, o))
	}
	if m.reading == Strict {
		// A piece that is kept is there, so the file reaches up to its end; that it reaches to the end of the whole write
		// can be kept or lost beside it.
		put(e.Off, end, op{grows: true})
		m.grow(f, e, end)
		return nil
	}
	// What is appended is written before the journal says that it is there; what is overwritten is not in the journal.
	put(e.Off, min(end, f.size), op{})
	put(max(e.Off, f.size), end, op{grows: true, journal: true})
	f.size = max(f.size, end)
	return nil
}

// grow makes a file larger by zeros, up to end.
func (m *Model) grow(f *file, e trace.Event, end int64) {
	if end > f.size {
		m.add(m.op(e, op{kind: opGrow, verb: "size of", file: f, end: end, journal: m.reading == Ordered}))
		f.size = end
	}
}

// zero writes zeros over what may not be zeros: elsewhere nothing is lost if they are.
func (m *Model) zero(f *file, e trace.Event, grows bool) {
	for _, r := range m.dirty(f, e.Off, e.Off+e.Size) {
		m.add(m.op(e, op{kind: opPut, verb: "zeros", file: f, off: r.off, end: r.end, grows: grows}))
	}
}

func (m *Model) allocate(f *file, e trace.Event) error {
	end := e.Off + e.Size
	switch e.Mode {
	case 0:
		m.grow(f, e, end)
	case keepSize: // nothing that can be read changes
	case punchHole | keepSize, zeroRange | keepSize:
		m.hole(f, e)
	case zeroRange:
		m.hole(f, e)
		m.grow(f, e, end)
	default:
		return fmt.Errorf("fallocate with mode %#x: %w", e.Mode, ErrEvent)
	}
	return nil
}

// hole frees a range. A journal does that as a whole.
func (m *Model) hole(f *file, e trace.Event) {
	if m.reading == Strict {
		m.zero(f, e, false)
		return
	}
	if len(m.dirty(f, e.Off, e.Off+e.Size)) > 0 {
		m.add(m.op(e, op{kind: opHole, verb: "hole", file: f, off: e.Off, end: e.Off + e.Size, journal: true}))
	}
}

// dirty is where in [off, end) something other than zeros may be found after some crash, in order.
func (m *Model) dirty(f *file, off, end int64) []span {
	var parts []span
	see := func(o, e int64) {
		if o, e = max(o, off), min(e, end); o < e {
			parts = append(parts, span{o, e})
		}
	}
	f.base.root.each(off, end, func(x *extent) { see(x.off, x.end) })
	for _, ops := range [][]*op{m.pending, f.parked} {
		for _, o := range ops {
			if o.file == f && o.kind == opPut && o.pos != 0 {
				see(o.off, o.end)
			}
		}
	}
	slices.SortFunc(parts, func(a, b span) int { return cmp.Compare(a.off, b.off) })
	var joined []span
	for _, p := range parts {
		if n := len(joined); n > 0 && p.off <= joined[n-1].end {
			joined[n-1].end = max(joined[n-1].end, p.end)
		} else {
			joined = append(joined, p)
		}
	}
	return joined
}

// clears is the range that an op empties as a whole.
func (o *op) clears() (off, end int64, does bool) {
	switch o.kind {
	case opCut:
		return o.end, math.MaxInt64, true
	case opHole:
		return o.off, o.end, true
	}
	return 0, 0, false
}
