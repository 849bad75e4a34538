package disk

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"holdfast/lab/trace"
)

// Build makes the directory that a choice leaves. dst is new or empty. Zeros are holes; files with several names have
// them in dst too.
func (c *Crash) Build(dst string, ch Choice) error {
	lost := c.marks(ch)
	c.close(lost)
	ed := &editor{own: new(edit), r: c.r}
	s := c.leave(lost, ed)
	if ed.err != nil {
		return fmt.Errorf("building a crash state in %s: %w", dst, ed.err)
	}
	if err := os.MkdirAll(dst, 0o755); err != nil {
		return fmt.Errorf("building a crash state: %w", err)
	}
	cp, _ := c.copiers.Get().(*copier)
	if cp == nil {
		cp = new(copier)
	}
	defer c.copiers.Put(cp)
	cp.r = c.r
	b := builder{state: s, cp: cp, made: map[*file]string{}}
	if err := b.dir(dst, s.names.root); err != nil {
		return fmt.Errorf("building a crash state: %w", err)
	}
	return nil
}

// builder makes files and directories of a state.
type builder struct {
	state
	cp   *copier
	made map[*file]string // the path at which a file was made
}

func (b *builder) dir(path string, dir *node) error {
	names := b.names.list(dir)
	for _, name := range sorted(names) {
		n, at := names[name], filepath.Join(path, name)
		var err error
		switch {
		case n.isLink:
			err = os.Symlink(n.target, at)
		case n.isDir():
			if err = os.Mkdir(at, 0o755); err == nil {
				err = b.dir(at, n)
			}
		case b.made[n.file] != "":
			err = os.Link(b.made[n.file], at)
		default:
			b.made[n.file] = at
			err = b.file(at, b.files[n.file])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) file(path string, have content) (err error) {
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if err := b.cp.write(out, have); err != nil {
		return err
	}
	if e := last(have.root); have.size > 0 && (e == nil || e.end < have.size) {
		return out.Truncate(have.size)
	}
	return nil
}

func sorted(names map[string]*node) []string {
	list := make([]string, 0, len(names))
	for name := range names {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

const (
	copyMax = 256 << 10 // bytes read or written at once
	gapMax  = 8 << 10   // bytes of the trace that are read though nobody wants them, rather than read twice
)

// copier brings extents from the trace to files. Small ones that lie near one another are read, and written, together.
type copier struct {
	r      *trace.Reader
	parts  []*extent
	in     []byte // the memory of window
	window []byte // a part of the trace …
	start  int64  // … from here on
	out    []byte // what is yet to be written …
	at     int64  // … here
}

func (cp *copier) write(file *os.File, have content) error {
	cp.parts = cp.parts[:0]
	have.root.each(0, math.MaxInt64, func(e *extent) { cp.parts = append(cp.parts, e) })
	cp.out, cp.at = slices.Grow(cp.out[:0], copyMax), 0
	for i, e := range cp.parts {
		for off := e.off; off < e.end; {
			if next := cp.at + int64(len(cp.out)); off != next || len(cp.out) == copyMax {
				if err := cp.flush(file); err != nil {
					return err
				}
				cp.at = off
			}
			n := min(int(e.end-off), copyMax-len(cp.out))
			cp.out = cp.out[:len(cp.out)+n]
			if err := cp.read(i, e.pos+off-e.off, cp.out[len(cp.out)-n:]); err != nil {
				return err
			}
			off += int64(n)
		}
	}
	return cp.flush(file)
}

func (cp *copier) flush(file *os.File) error {
	if len(cp.out) == 0 {
		return nil
	}
	_, err := file.WriteAt(cp.out, cp.at)
	cp.out = cp.out[:0]
	return err
}

// read fills b from the trace at pos, for the i-th part; what the next ones want is read along with it if it is near.
func (cp *copier) read(i int, pos int64, b []byte) error {
	if from := pos - cp.start; from >= 0 && from+int64(len(b)) <= int64(len(cp.window)) {
		copy(b, cp.window[from:])
		return nil
	}
	end := pos + int64(len(b))
	for _, e := range cp.parts[i+1:] {
		if e.pos < end || e.pos > end+gapMax || e.pos+e.end-e.off > pos+copyMax {
			break
		}
		end = e.pos + e.end - e.off
	}
	if end == pos+int64(len(b)) {
		return cp.r.ReadData(trace.Data{Pos: pos, Len: end - pos}, 0, b)
	}
	cp.in = slices.Grow(cp.in[:0], copyMax)
	cp.window, cp.start = cp.in[:end-pos], pos
	if err := cp.r.ReadData(trace.Data{Pos: pos, Len: end - pos}, 0, cp.window); err != nil {
		cp.window = nil
		return err
	}
	copy(b, cp.window)
	return nil
}

// Digest is a fingerprint of the directory that a choice leaves: the same for the same names and bytes, whatever was
// lost for it, and of which writes the bytes are.
func (c *Crash) Digest(ch Choice) [32]byte {
	lost := c.marks(ch)
	c.close(lost)
	ed := &editor{own: new(edit), r: c.r, sums: true}
	s := c.leave(lost, ed)
	if ed.err != nil {
		// The trace cannot be read. Build says so; here no two choices may seem equal.
		return sha256.Sum256([]byte(ed.err.Error() + lost.choice().String()))
	}
	d := digester{state: s, known: map[*file]int{}}
	d.dir(s.names.root)
	return sha256.Sum256(d.text)
}

// digester writes a state down, so that different ones are different texts.
type digester struct {
	state
	text  []byte
	known map[*file]int // numbered as they are met, to tell two names from two files
}

func (d *digester) dir(dir *node) {
	names := d.names.list(dir)
	d.number(uint64(len(names)))
	for _, name := range sorted(names) {
		n := names[name]
		d.string(name)
		switch {
		case n.isLink:
			d.text = append(d.text, 'l')
			d.string(n.target)
		case n.isDir():
			d.text = append(d.text, 'd')
			d.dir(n)
		default:
			number, met := d.known[n.file]
			if !met {
				number = len(d.known)
				d.known[n.file] = number
			}
			have := d.files[n.file]
			d.text = append(d.text, 'f')
			d.number(uint64(number))
			d.number(uint64(have.size))
			d.number(have.sum.hi)
			d.number(have.sum.lo)
		}
	}
}

func (d *digester) number(v uint64) { d.text = binary.LittleEndian.AppendUint64(d.text, v) }

func (d *digester) string(s string) {
	d.number(uint64(len(s)))
	d.text = append(d.text, s...)
}
