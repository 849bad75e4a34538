package intake

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"holdfast/inspect"
	"holdfast/kv"
	"holdfast/outline"
	"holdfast/rdb"
	"holdfast/snapshot"
)

// Large values of JSON lines go into a new base in parts, as those of an RDB file do, before commands make the others. They are
// looked for first, among the keys that have several lines. What makes no sense is left to the commands, which say why.

// done is what is in the base already.
type done struct {
	lines map[int]bool    // with which keys begin
	keys  map[keyName]int // the lines of those that are there
}

type keyName struct {
	db  int
	key string
}

// twice is an error for a key that is there.
func (d *done) twice(db int, key []byte) error {
	if line, ok := d.keys[keyName{db, string(key)}]; ok {
		return fmt.Errorf("the key %.100q is there twice: line %d has it too", key, line)
	}
	return nil
}

// jsonSurvey looks for large values.
type jsonSurvey struct {
	jsonReader
	first []byte // line of the key at hand
	begun int64  // where it begins
	large jsonLarge
	// found is told of each that is whole.
	found func(*jsonLarge) error
	text  func(line int, e *inspect.Entry) error
}

// jsonLarge is a value of several lines.
type jsonLarge struct {
	name     string
	file     io.ReaderAt
	from, to int64
	line     int // the first
	open     bool
	bad      bool
	head     jsonLine
	key      rdb.Key // with what has been counted
	check    outline.Visitor
}

func (s *jsonSurvey) run() error {
	for {
		begin := s.off
		text, long, err := s.next()
		if len(text) > 0 || long != nil {
			s.line++
		}
		own := s.look(begin, text, long)
		if own == nil && s.line%(1<<10) == 0 {
			s.h.progress(s.off)
			own = s.h.ended()
		}
		switch {
		case own != nil:
			return own
		case errors.Is(err, io.EOF):
			return s.end()
		case err != nil:
			return fmt.Errorf("reading %s: %w", s.name, err)
		}
	}
}

// look takes a line.
func (s *jsonSurvey) look(begin int64, text []byte, long *jsonText) error {
	switch {
	case long != nil:
		if err := s.end(); err != nil {
			return err
		}
		s.first = s.first[:0]
		if !isDatabase(*long.DB) || long.Deadline < 0 {
			return nil
		}
		size, err := long.measured(s.h.goOn)
		switch {
		case errors.Is(err, errText):
			return nil
		case err != nil:
			return fmt.Errorf("reading %s: %w", s.name, err)
		}
		return s.text(s.line, long.entry(size))
	case len(bytes.TrimSpace(text)) == 0:
		return nil
	case bytes.Contains(text, []byte(`"more"`)) && len(s.first) > 0:
		var line jsonLine
		err := strictly(text, &line)
		if err == nil && !line.More {
			break // a key begins, and has something of that name
		}
		l := &s.large
		if !l.open {
			*l = jsonLarge{name: s.name, file: s.file, from: s.begun, line: l.line, open: true}
			l.begin(s.first, s.types)
		}
		l.bad = l.bad || err != nil || l.more(&line, l.count) != nil
		l.to = s.off
		return nil
	}
	err := s.end()
	s.first, s.begun, s.large.line = append(s.first[:0], text...), begin, s.line
	return err
}

// end ends the key at hand.
func (s *jsonSurvey) end() error {
	l := &s.large
	if !l.open || l.bad || l.key.Elements != l.head.Count {
		l.open = false
		return nil
	}
	l.open = false
	return s.found(l)
}

// begin takes the first line.
func (l *jsonLarge) begin(text []byte, types *kv.Types) {
	h := &l.head
	if err := strictly(text, h); err != nil || h.DB == nil || h.Key == nil || h.Value != nil || h.More || h.Deadline < 0 {
		l.bad = true
		return
	}
	l.key.Kind = kindOf(types, h.Type)
	if l.bad = l.key.Kind == 0 || l.key.Kind == kv.String || !isDatabase(*h.DB); l.bad {
		return
	}
	l.check = types[l.key.Kind].Checker()
	l.bad = elements(h.Elements, l.count) != nil
	h.Elements = nil
}

// more visits the elements of a line that goes on with the key.
func (l *jsonLarge) more(line *jsonLine, visit outline.Visitor) error {
	if line.DB == nil || line.Key == nil || *line.DB != *l.head.DB || !bytes.Equal(*line.Key, *l.head.Key) || !line.More {
		return outline.ErrNoValue
	}
	return elements(line.Elements, visit)
}

// elements visits those of a line.
func elements(raw []json.RawMessage, visit outline.Visitor) error {
	for _, text := range raw {
		e, err := element(text)
		if err == nil {
			err = visit(e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// count looks whether an element is one of the type, and counts it.
func (l *jsonLarge) count(e outline.Element) error {
	if err := l.check(e); err != nil {
		return err
	}
	measure(&l.key, e)
	return nil
}

// Walk reads the lines again. They have been found to make sense.
func (l *jsonLarge) Walk(visit outline.Visitor) error {
	in := jsonReader{in: bufio.NewReaderSize(io.NewSectionReader(l.file, l.from, l.to-l.from), longLine)}
	for begun := false; ; {
		text, _, err := in.next()
		if len(bytes.TrimSpace(text)) > 0 {
			var line jsonLine
			own := strictly(text, &line)
			switch {
			case own != nil:
			case begun:
				own = l.more(&line, visit)
			default:
				own = elements(line.Elements, visit)
			}
			if begun = true; own != nil {
				return own
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading %s: %w", l.name, err)
		}
	}
}

// largeLines puts the large values of JSON lines into a base that is to be written. place is told of their databases.
func (d *directory) largeLines(to *snapshot.Changes, h handler, place func(db int) error) (handed int64, err error) {
	d.in.done = done{lines: map[int]bool{}, keys: map[keyName]int{}}
	took := func(line int, e *inspect.Entry, put func() error) error {
		d.in.done.lines[line] = true
		err := d.in.done.twice(e.DB, e.Key)
		if err != nil {
			return h.bad(&DamageError{File: d.in.Name, Where: fmt.Sprintf("line %d", line), Reason: err.Error()})
		}
		if err = place(e.DB); err == nil {
			err = put()
		}
		if errors.Is(err, ErrInput) {
			return h.bad(err)
		}
		d.in.done.keys[keyName{e.DB, string(e.Key)}] = line
		handed++
		return err
	}
	err = d.in.readFile(part{path: d.in.Name}, func(r *io.SectionReader) error {
		s := jsonSurvey{jsonReader: jsonReader{name: d.in.Name, in: bufio.NewReaderSize(r, longLine), file: r, h: h, types: d.in.types}}
		s.found = func(l *jsonLarge) error {
			if !d.large(&l.key) {
				return nil
			}
			e := &inspect.Entry{DB: *l.head.DB, Key: inspect.Bytes(*l.head.Key), Kind: l.key.Kind, Deadline: l.head.Deadline,
				Lapse: l.key.Lapse, Summary: outline.Summary{Elements: l.key.Elements}, Value: l}
			return took(l.line, e, func() error {
				return d.putInParts(to, e, l.key.Size, func() error {
					return &DamageError{File: l.name, Where: fmt.Sprintf("line %d", l.line), Reason: fmt.Sprintf("in the value of the key %.100q something is there twice, or out of order", e.Key)}
				})
			})
		}
		s.text = func(line int, e *inspect.Entry) error {
			return took(line, e, func() error {
				return to.PutLong(storeOf(e.DB), e.Key, snapshot.Record{Kind: byte(kv.String), Deadline: e.Deadline}, e.LongText(), e.Pieces)
			})
		}
		return s.run()
	})
	return handed, err
}

// kindOf is the kind of the type of a name, one that can be made of its elements; 0 without one.
func kindOf(types *kv.Types, name string) kv.Kind {
	for i, t := range types {
		if t.Name != "" && t.Name == name && t.Remake != nil {
			return kv.Kind(i)
		}
	}
	return 0
}
