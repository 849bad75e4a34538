package snapshot

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"

	"holdfast/internal/nice"
	"holdfast/internal/vfs"
)

// entry is one thing to be done, as it lies in memory and in files:
//
//	op u8, flags u8, store u32, sequence u64, part u64, key length u32, value length u32, key, value
//
// with numbers little endian. Entries sort by store, key, class (record, chunks, parts), part, sequence.
type entry []byte

const entryHeader = 30

// op is what an entry wants done.
type op byte

const (
	opPut     op = iota + 1 // value is the record, sealed
	opDelete                // the record with all that belongs to it
	opRaw                   // value as it is; the key is not a stored key
	opChunk                 // value is a piece of the record's body, sealed
	opPart                  // value is the part, sealed
	opDelPart               // the part
)

// class orders the entries of one key: the record, its chunks, its parts.
type class byte

const (
	classRecord class = iota
	classChunk
	classPart
)

func (e entry) class() class {
	switch e.op() {
	case opChunk:
		return classChunk
	case opPart, opDelPart:
		return classPart
	}
	return classRecord
}

// entryClear, on an opPut, says that parts which are there before it must go.
const entryClear = 1

func (e entry) op() op        { return op(e[0]) }
func (e entry) store() Store  { return Store(binary.LittleEndian.Uint32(e[2:])) }
func (e entry) seq() uint64   { return binary.LittleEndian.Uint64(e[6:]) }
func (e entry) part() uint64  { return binary.LittleEndian.Uint64(e[14:]) }
func (e entry) keyLen() int   { return int(binary.LittleEndian.Uint32(e[22:])) }
func (e entry) valueLen() int { return int(binary.LittleEndian.Uint32(e[26:])) }
func (e entry) size() int     { return entryHeader + e.keyLen() + e.valueLen() }
func (e entry) key() []byte   { return e[entryHeader : entryHeader+e.keyLen()] }
func (e entry) value() []byte { return e[entryHeader+e.keyLen() : e.size()] }
func (e entry) clear() bool   { return e[1]&entryClear != 0 }
func (e entry) setClear()     { e[1] |= entryClear }

// appendEntry appends an entry whose value comes in pieces.
func appendEntry(dst []byte, o op, store Store, seq, part uint64, key []byte, value ...[]byte) []byte {
	dst = append(dst, byte(o), 0)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(store))
	dst = binary.LittleEndian.AppendUint64(dst, seq)
	dst = binary.LittleEndian.AppendUint64(dst, part)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(key)))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(length(value)))
	dst = append(dst, key...)
	for _, piece := range value {
		dst = append(dst, piece...)
	}
	return dst
}

func length(pieces [][]byte) (n int) {
	for _, piece := range pieces {
		n += len(piece)
	}
	return n
}

// cutEntry takes the first entry off a block.
func cutEntry(b []byte) (e entry, rest []byte, ok bool) {
	if len(b) < entryHeader || entry(b).size() > len(b) {
		return nil, nil, false
	}
	e = entry(b[:entry(b).size()])
	return e, b[len(e):], e.op() >= opPut && e.op() <= opDelPart
}

// about is the entry without its value: enough for sameKey.
func (e entry) about() entry { return e[:entryHeader+e.keyLen()] }

func sameKey(a, b entry) bool { return a.store() == b.store() && bytes.Equal(a.key(), b.key()) }

func compareEntries(a, b entry) int {
	if a.store() != b.store() {
		return cmp.Compare(a.store(), b.store())
	}
	if c := bytes.Compare(a.key(), b.key()); c != 0 {
		return c
	}
	if a.class() != b.class() {
		return cmp.Compare(a.class(), b.class())
	}
	if a.part() != b.part() {
		return cmp.Compare(a.part(), b.part())
	}
	return cmp.Compare(a.seq(), b.seq())
}

// spool sorts more entries than memory holds. Above its limit it writes what it has, sorted, to a temporary
// file (a run), and merges the runs when it is read. It is not safe for concurrent use.
//
// One that works behind has two halves of its limit: while one fills, a goroutine sorts and writes the other. Whoever
// looks at full or runs waits for it before; discard does, too.
type spool struct {
	fs     vfs.FS
	dir    string
	limit  int
	behind bool

	memory gathered
	seq    uint64
	bytes  int64
	way    nice.Way

	full   gathered   // what the goroutine is at
	done   chan error // its outcome; nil while there is none
	failed error      // the outcome, once it was bad: what was in full is in no run
	runs   []*run
	block  []byte // what the last run was written by way of
}

// run is a sorted temporary file. Runs of one level that became many are merged into one of the next.
type run struct {
	path  string
	file  vfs.File
	level int
}

// runsOfLevel bounds the open files, and how often an entry is written: once per level.
const runsOfLevel = 32

// TemporarySuffix is what the names of files end with that a crash may leave and RemoveTemporary removes.
const TemporarySuffix = ".snapshot-tmp"

// add takes an entry, whose value may come in pieces; its sequence is the number of the call.
func (s *spool) add(o op, store Store, part uint64, key []byte, value ...[]byte) error {
	limit := s.limit
	if s.behind {
		limit /= 2
	}
	size := entryHeader + len(key) + length(value)
	if len(s.memory.refs) > 0 && s.memory.bytes()+size+sortRefBytes > limit {
		if err := s.spill(); err != nil {
			return err
		}
	}
	if s.seq++; s.seq%giveWayEntries == 0 {
		s.way.Give()
	}
	s.bytes += int64(size)
	slab := s.memory.room(size)
	*slab = appendEntry(*slab, o, store, s.seq, part, key, value...)
	return nil
}

// spill writes what is in memory to a run, or has it written.
func (s *spool) spill() error {
	if !s.behind {
		return s.write(&s.memory)
	}
	if err := s.wait(); err != nil {
		return err
	}
	s.memory, s.full = s.full, s.memory
	done := make(chan error, 1)
	s.done = done
	go func() {
		nice.Lower()
		done <- s.write(&s.full)
	}()
	return nil
}

// wait ends when nothing is being written. Once that has failed it goes on to fail.
func (s *spool) wait() error {
	if s.done != nil {
		s.failed = <-s.done
		s.done = nil
	}
	return s.failed
}

// write makes a run of what was gathered, and forgets it.
func (s *spool) write(g *gathered) error {
	if err := s.writeRun(g.source(), 0); err != nil {
		return err
	}
	g.reset()
	for {
		level, first := s.runs[len(s.runs)-1].level, len(s.runs)
		for first > 0 && s.runs[first-1].level == level {
			first--
		}
		if len(s.runs)-first < runsOfLevel {
			return nil
		}
		if err := s.mergeRuns(first, level+1); err != nil {
			return err
		}
	}
}

// mergeRuns replaces the runs from the first on by one.
func (s *spool) mergeRuns(first, level int) error {
	old := slices.Clone(s.runs[first:])
	sources := make([]source, len(old))
	for i, r := range old {
		sources[i] = newBlockReader(r.file, r.path, runMagic)
	}
	merged, err := merge(sources)
	if err != nil {
		return err
	}
	if err := s.writeRun(merged, level); err != nil {
		return err
	}
	s.runs = append(s.runs[:first], s.runs[len(s.runs)-1])
	return s.remove(old)
}

func (s *spool) writeRun(from source, level int) error {
	file, path, err := createTemporary(s.fs, s.dir, "changes")
	if err != nil {
		return err
	}
	s.runs = append(s.runs, &run{path, file, level}) // from now on discard removes it
	w := newBlockWriter(file, path, runMagic, s.block)
	for {
		e, err := from.next()
		if err == io.EOF {
			if err = w.finish(); err == nil {
				s.block = w.buf
				return nil
			}
		} else if err == nil {
			err = w.add(e)
		}
		if err != nil {
			// A run that is not whole must not be merged.
			s.runs = s.runs[:len(s.runs)-1]
			return errors.Join(err, s.remove([]*run{{path, file, level}}))
		}
	}
}

// createTemporary makes a file that no other has the name of.
func createTemporary(fsys vfs.FS, dir, name string) (vfs.File, string, error) {
	for i := 0; ; i++ {
		path := filepath.Join(dir, fmt.Sprintf("%s-%d%s", name, i, TemporarySuffix))
		file, err := fsys.Create(path)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, "", fmt.Errorf("creating %s: %w", path, err)
		}
		return file, path, nil
	}
}

// relentBytes is how much is not worth a file.
const relentBytes = 1 << 20

// relent gives the memory back, and puts what is in it into a file.
func (s *spool) relent() error {
	if err := s.wait(); err != nil || len(s.runs) == 0 && s.memory.bytes() < relentBytes {
		return err
	}
	if len(s.memory.refs) > 0 {
		if err := s.spill(); err != nil {
			return err
		}
	}
	err := s.wait()
	s.memory, s.full, s.block = gathered{}, gathered{}, nil
	return err
}

// entries reads everything in order. It may be called again, and more may be added afterwards.
func (s *spool) entries() (source, error) {
	if err := s.wait(); err != nil {
		return nil, err
	}
	sources := make([]source, 0, len(s.runs)+1)
	for _, r := range s.runs {
		sources = append(sources, newBlockReader(r.file, r.path, runMagic))
	}
	return merge(append(sources, s.memory.source()))
}

// discard removes the files. The spool is empty then.
func (s *spool) discard() (err error) {
	if s.done != nil {
		err = s.wait()
	}
	err = errors.Join(err, s.remove(s.runs))
	*s = spool{fs: s.fs, dir: s.dir, limit: s.limit, behind: s.behind}
	return err
}

func (s *spool) remove(runs []*run) error {
	var errs []error
	var way nice.Way
	for _, r := range runs {
		_ = vfs.Shrink(r.file, relentBytes, way.Give) // a courtesy to others; what is left goes with its name
		if err := errors.Join(r.file.Close(), s.fs.Remove(r.path)); err != nil {
			errs = append(errs, fmt.Errorf("removing %s: %w", r.path, err))
		}
	}
	return errors.Join(errs...)
}

// source gives out sorted entries, each valid until the next is asked for, and then io.EOF.
type source interface{ next() (entry, error) }

// merged gives out the entries of several sources in order: a heap of them by their first entry.
type merged struct {
	heap  []front
	moved bool // the least was given out and must move on
}

type front struct {
	entry entry
	from  source
}

func merge(sources []source) (source, error) {
	if len(sources) == 1 {
		return sources[0], nil
	}
	m := &merged{}
	for _, s := range sources {
		e, err := s.next()
		if err == io.EOF {
			continue
		}
		if err != nil {
			return nil, err
		}
		m.heap = append(m.heap, front{e, s})
	}
	for i := len(m.heap)/2 - 1; i >= 0; i-- {
		m.sink(i)
	}
	return m, nil
}

func (m *merged) next() (entry, error) {
	if m.moved {
		m.moved = false
		switch e, err := m.heap[0].from.next(); {
		case err == io.EOF:
			last := len(m.heap) - 1
			m.heap[0] = m.heap[last]
			m.heap = m.heap[:last]
		case err != nil:
			return nil, err
		default:
			m.heap[0].entry = e
		}
		m.sink(0)
	}
	if len(m.heap) == 0 {
		return nil, io.EOF
	}
	m.moved = true
	return m.heap[0].entry, nil
}

func (m *merged) sink(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(m.heap); child++ {
			if compareEntries(m.heap[child].entry, m.heap[least].entry) < 0 {
				least = child
			}
		}
		if least == i {
			return
		}
		m.heap[i], m.heap[least] = m.heap[least], m.heap[i]
		i = least
	}
}
