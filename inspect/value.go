package inspect

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"

	"holdfast/client"
	"holdfast/engine"
	"holdfast/expiry"
	"holdfast/kv"
	"holdfast/snapshot"
)

// Got is what a key holds.
type Got struct {
	Key
	text     []byte                   // of a string
	elements iter.Seq2[[]byte, int64] // of a collection, with a deadline where an element has one; nil for a string
	len      int                      // of a collection
}

// Get reads what a key holds: ErrNoKey if it is not in the base.
func (s *Snapshot) Get(db int, key []byte) (Got, error) {
	for _, d := range s.dbs {
		if d.Index != db {
			continue
		}
		r, ok, err := s.base.Get(d.Store, key)
		if err != nil {
			return Got{}, advise(err)
		}
		if ok {
			v, err := s.value(s.key(d, key, r, int64(len(key)+len(r.Payload))), r)
			return v, advise(err)
		}
	}
	return Got{}, fmt.Errorf("%w: %s is not in database %d of %s, which is as of LSN %d",
		ErrNoKey, Bytes(key), db, s.base.Path(), s.base.Meta().LSN)
}

// value decodes the record of a key.
func (s *Snapshot) value(k Key, r snapshot.Record) (Got, error) {
	if kv.Kind(r.Kind) == kv.String {
		return Got{Key: k, text: r.Payload}, nil
	}
	collection, err := engine.DecodeValue(s.types, s.base, k.store, k.Key, r)
	if errors.Is(err, engine.ErrKind) {
		return Got{}, fmt.Errorf("%s: key %s (%s): %w", s.base.Path(), k.Key, k.Type, err)
	}
	if err != nil {
		return Got{}, fmt.Errorf("%w: %s: key %s: its checksum is right, yet it is no %s: %w",
			snapshot.ErrCorrupt, s.base.Path(), k.Key, k.Type, err)
	}
	return Got{Key: k, elements: s.types[r.Kind].TimedElements(collection), len: collection.Len()}, nil
}

// Write prints the value: Formatted and Raw as redis-cli prints the reply to the command that reads all of it, JSON as
// an object with what Key has, and the value, which is a string or an array. Formatted and JSON tell fields' deadlines too.
func (v Got) Write(w io.Writer, style client.Style) error {
	switch {
	case style == client.JSON:
		return v.writeJSON(w)
	case v.elements == nil:
		_, err := w.Write(append(line(style, v.text), '\n'))
		return err
	}
	out := bufio.NewWriter(w)
	var text []byte
	width, i := len(strconv.Itoa(v.len)), 0
	for element, deadline := range v.elements {
		i++
		text = text[:0]
		if style == client.Formatted {
			text = fmt.Appendf(text, "%*d) ", width, i)
		}
		text = append(text, line(style, element)...)
		if style == client.Formatted && deadline != expiry.None {
			text = append(text, " until "+clock(deadline)...)
		}
		text = append(text, '\n')
		if _, err := out.Write(text); err != nil {
			return err
		}
	}
	return out.Flush()
}

// fieldDeadline is that of a field of a hash.
type fieldDeadline struct {
	Field    Bytes `json:"field"`
	Deadline int64 `json:"deadline_unix_ms"`
}

func (v Got) writeJSON(w io.Writer) error {
	document := struct {
		Key
		Value     any             `json:"value"`
		Deadlines []fieldDeadline `json:"field_deadlines,omitempty"`
	}{Key: v.Key, Value: Bytes(v.text)}
	if v.elements != nil {
		elements := make([]Bytes, 0, v.len)
		for element, deadline := range v.elements {
			elements = append(elements, element)
			if deadline != expiry.None {
				document.Deadlines = append(document.Deadlines, fieldDeadline{element, deadline})
			}
		}
		document.Value = elements
	}
	return WriteJSON(w, document)
}
