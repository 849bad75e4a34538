package intake

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"holdfast/commands"
	"holdfast/inspect"
	"holdfast/kv"
	"holdfast/outline"
	"holdfast/rdb"
	"holdfast/snapshot"
)

// A Redis that rewrites its AOF, and not as an RDB file, begins it with each key in turn: commands that add the elements of its
// value, and its deadline. Where that is large it goes into a new base in parts, before the other commands are replayed onto it.
// Those are passed over then (aofReader.skip). What comes behind is replayed, about such a key too, which is made whole for it.

// run is commands one behind the other that make a value under a key.
type run struct {
	db       int
	kind     kv.Kind
	key      []byte
	from, to int64 // in the file
	commands int64
	deadline int64 // unix ms; 0: none
	at, size int64 // of a string's text in the file
}

// aofSurvey looks for large values in what an AOF begins with. It ends at the first command that is none of a rewriting, or makes
// no sense.
type aofSurvey struct {
	aofReader
	names map[string]maker
	least int64 // bytes in the file that make a value large
	open  bool
	made  run // the one at hand
	large map[keyName]*run
	order []*run // of large
}

// maker is a command that makes a value of a kind.
type maker struct {
	kind kv.Kind
	key  int // which of its arguments that is
}

// makers are those of all types, by their names.
func makers(types *kv.Types) map[string]maker {
	all := map[string]maker{}
	for kind, t := range types {
		for name, key := range t.Rewritten.Keys {
			all[name] = maker{kv.Kind(kind), key}
		}
	}
	return all
}

// newSurvey reads from the beginning of a file.
func (d *directory) newSurvey(p part, file *io.SectionReader, h handler) *aofSurvey {
	from := io.NewSectionReader(file, 0, file.Size())
	return &aofSurvey{
		aofReader: aofReader{name: p.path, in: bufio.NewReaderSize(from, 256<<10), h: h, brief: true},
		names:     makers(d.in.types), least: d.least(), large: map[keyName]*run{},
	}
}

// each calls fn for the commands that make values, and for those that give a key its deadline: then with kind 0. It ends where
// the reader does, at any other command, and where fn says so. In which database they are, is in db.
func (s *aofSurvey) each(fn func(begin int64, m maker, args [][]byte) (more bool)) error {
	const often = 1 << 10
	for n := 1; ; n++ {
		begin := s.off
		args, err := s.next()
		if err != nil {
			if err == io.EOF || errors.Is(err, errTorn) || errors.Is(err, ErrInput) {
				return nil // the replay says what is wrong
			}
			return err
		}
		if n%often == 0 {
			s.h.progress(s.off)
			if err := s.h.goOn(); err != nil {
				return err
			}
		}
		m, known := s.makerOf(args)
		switch {
		case known:
			if !fn(begin, m, args) {
				return nil
			}
		case !s.aside(args):
			return nil
		}
	}
}

// makerOf looks what a command makes. Its key has to be among what is kept of it.
func (s *aofSurvey) makerOf(args [][]byte) (m maker, known bool) {
	var room [16]byte
	if len(args[0]) > len(room) {
		return m, false
	}
	name := room[:copy(room[:], args[0])]
	for i, b := range name {
		if 'a' <= b && b <= 'z' {
			name[i] = b - 'a' + 'A'
		}
	}
	if m, known = s.names[string(name)]; !known && string(name) == "PEXPIREAT" {
		m, known = maker{key: 1}, s.count == 3
	}
	return m, known && m.key < len(args) && args[m.key] != nil
}

// aside deals with a command that is about no key: the choice of a database, and a library of functions.
func (s *aofSurvey) aside(args [][]byte) (known bool) {
	switch {
	case bytes.EqualFold(args[0], []byte("FUNCTION")):
		s.end()
		return true
	case bytes.EqualFold(args[0], []byte("SELECT")) && s.count == 2:
		s.end()
		s.db, known = databaseOf(args[1])
		return known && isDatabase(s.db)
	}
	return false
}

// find looks for the large values.
func (s *aofSurvey) find() error {
	err := s.each(func(begin int64, m maker, args [][]byte) bool {
		r, key := &s.made, args[m.key]
		same := s.open && r.deadline == 0 && bytes.Equal(key, r.key)
		switch {
		case m.kind == 0 && same:
			at, ok := commands.ParseInt(args[2])
			if !ok || at <= 0 {
				s.end()
				return true
			}
			r.deadline = at
		case m.kind == 0:
			s.end()
			return true
		case !same || m.kind != r.kind || m.kind == kv.String:
			s.end()
			*r = run{db: s.db, kind: m.kind, key: append(r.key[:0], key...), from: begin, at: s.at, size: int64(s.size)}
			s.open = m.kind != kv.String || s.count == 3
		}
		r.commands++
		r.to = s.off
		return true
	})
	s.end()
	return err
}

// end ends the value at hand.
func (s *aofSurvey) end() {
	r := &s.made
	if s.open && r.to-r.from >= s.least {
		name := keyName{r.db, string(r.key)}
		if s.large[name] == nil {
			found := *r
			found.key = bytes.Clone(r.key)
			s.large[name] = &found
			s.order = append(s.order, &found)
		}
	}
	s.open = false
}

// forget drops the values whose keys something before them is about. The survey reads from the beginning again.
func (s *aofSurvey) forget(large map[keyName]*run, last int64) error {
	return s.each(func(begin int64, m maker, args [][]byte) bool {
		name := keyName{s.db, string(args[m.key])}
		if r := large[name]; r != nil && begin < r.from {
			delete(large, name)
		}
		return begin < last
	})
}

// largeRuns puts the large values that an AOF begins with into a base that is to be written. place is told of their databases.
func (d *directory) largeRuns(to *snapshot.Changes, h handler, place func(db int) error) (handed int64, err error) {
	p := d.in.aof[0]
	err = d.in.readFile(p, func(r *io.SectionReader) error {
		if r.Size() < d.least() {
			return nil
		}
		found := d.newSurvey(p, r, h)
		if err := found.find(); err != nil || len(found.order) == 0 {
			return err
		}
		if err := d.newSurvey(p, r, h).forget(found.large, found.order[len(found.order)-1].from); err != nil {
			return err
		}
		for _, made := range found.order {
			if found.large[keyName{made.db, string(made.key)}] == nil {
				continue
			}
			taken, err := d.takeRun(to, &runValue{run: *made, name: p.path, file: r, types: d.in.types, h: h}, place)
			if err != nil {
				return err
			}
			if taken {
				handed++
				d.in.taken = append(d.in.taken, *made)
				d.report.Commands += made.commands
			}
		}
		return nil
	})
	return handed, err
}

// takeRun puts a value into a base that is to be written. It is not taken where its commands do more than to add elements that
// make a value together, or where it is not large after all: then they are replayed.
func (d *directory) takeRun(to *snapshot.Changes, v *runValue, place func(db int) error) (taken bool, err error) {
	if v.kind == kv.String {
		if err := place(v.db); err != nil {
			return false, err
		}
		return true, to.PutLong(storeOf(v.db), v.key, snapshot.Record{Kind: byte(v.kind), Deadline: v.deadline}, v.size, v.text)
	}
	k := rdb.Key{Kind: v.kind}
	err = v.Walk(func(e outline.Element) error {
		measure(&k, e)
		return nil
	})
	if errors.Is(err, outline.ErrNoValue) || err == nil && !d.large(&k) {
		return false, nil
	}
	if err == nil {
		err = place(v.db)
	}
	if err != nil {
		return false, err
	}
	e := &inspect.Entry{DB: v.db, Key: v.key, Kind: v.kind, Deadline: v.deadline, Lapse: k.Lapse, Summary: k.Summary, Value: v}
	taken = true
	err = d.putInParts(to, e, k.Size, func() error {
		taken = false
		return nil
	})
	return taken, err
}

// measure counts an element of a value.
func measure(k *rdb.Key, e outline.Element) {
	size := int64(0)
	for i := range e.Pieces {
		size += int64(len(e.Pieces[i].Bytes))
	}
	k.Size, k.Longest = k.Size+size, max(k.Longest, size)
	if e.Aside == "" {
		k.Elements++
	}
	if e.Deadline != 0 && (k.Lapse == 0 || e.Deadline < k.Lapse) {
		k.Lapse = e.Deadline
	}
}

// runValue is the value that a run makes.
type runValue struct {
	run
	name  string
	file  io.ReaderAt
	types *kv.Types
	h     handler
}

// Walk visits the elements that the commands add: outline.ErrNoValue where one of them does more than that.
func (v *runValue) Walk(visit outline.Visitor) error {
	const often = 1 << 10
	in := io.NewSectionReader(v.file, v.from, v.to-v.from)
	r := aofReader{name: v.name, in: bufio.NewReaderSize(in, 256<<10), off: v.from, reuse: true}
	elements := v.types[v.kind].Rewritten.Reader()
	for n := int64(1); ; n++ {
		args, err := r.next()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("reading %s at offset %d: %w", v.name, r.off, err)
		case n == v.commands && v.deadline != 0:
			continue // the last one gives the deadline
		}
		if n%often == 0 {
			if v.h.progress != nil {
				v.h.progress(r.off)
			}
			if err := v.h.goOn(); err != nil {
				return err
			}
		}
		added := elements(args)
		if added == nil {
			return outline.ErrNoValue
		}
		for e := range added {
			if err := visit(e); err != nil {
				return err
			}
		}
	}
}

// text calls fn with one piece of a string after the other.
func (v *runValue) text(fn func(piece []byte) error) error {
	const piece = 64 << 10
	in, room := io.NewSectionReader(v.file, v.at, v.size), make([]byte, piece)
	for {
		if err := v.h.goOn(); err != nil {
			return err
		}
		n, err := in.Read(room)
		if n > 0 {
			if err := fn(room[:n]); err != nil {
				return err
			}
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("reading %s: %w", v.name, err)
		}
	}
}
