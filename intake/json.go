package intake

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"

	"holdfast/commands"
	"holdfast/engine"
	"holdfast/kv"
	"holdfast/outline"
)

// jsonReader makes commands of JSON lines: docs/format-json.md.
type jsonReader struct {
	name  string
	in    *bufio.Reader
	file  io.ReaderAt // that in reads from its beginning; nil: no line is read piece by piece
	done  done
	off   int64
	line  int // that has been read
	at    int // the last one about the key at hand
	h     handler
	types *kv.Types

	open   bool // a value is being made
	bad    bool // the key at hand is left out: so are the lines that go on with it
	db     int
	key    []byte
	due    int64
	count  int64 // elements announced
	found  int64
	begun  bool // a command of it has gone
	check  outline.Visitor
	visit  outline.Visitor
	finish func() error
}

// jsonLine is a line.
type jsonLine struct {
	DB       *int              `json:"db"`
	Key      *jsonBytes        `json:"key"`
	Type     string            `json:"type"`
	Deadline int64             `json:"deadline_unix_ms"`
	Value    *jsonBytes        `json:"value"`
	Count    int64             `json:"count"`
	Elements []json.RawMessage `json:"elements"`
	More     bool              `json:"more"`
}

// jsonBytes are bytes: a string, a number as it stands, or {"base64": "…"}.
type jsonBytes []byte

func (b *jsonBytes) UnmarshalJSON(text []byte) error {
	switch {
	case len(text) > 0 && text[0] == '"':
		var s string
		err := json.Unmarshal(text, &s)
		*b = jsonBytes(s)
		return err
	case len(text) > 0 && text[0] == '{':
		var o struct {
			Base64 *string `json:"base64"`
		}
		if err := strictly(text, &o); err != nil {
			return err
		}
		if o.Base64 == nil {
			return errors.New("bytes without base64")
		}
		raw, err := base64.StdEncoding.DecodeString(*o.Base64)
		*b = raw
		return err
	case len(text) > 0 && (text[0] == '-' || '0' <= text[0] && text[0] <= '9'):
		*b = bytes.Clone(text)
		return nil
	}
	return fmt.Errorf("%.40s is neither text nor base64", text)
}

// strictly reads JSON in which nothing unknown may be.
func strictly(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, end := d.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("something stands behind it")
		}
	}
	return err
}

// inWords says what is wrong with JSON in the words of docs/format-json.md, where the decoder speaks of ours.
func inWords(err error) error {
	var mismatch *json.UnmarshalTypeError
	if !errors.As(err, &mismatch) {
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	want := "an object"
	switch mismatch.Type.Kind() {
	case reflect.Bool:
		want = "true or false"
	case reflect.String:
		want = "a string"
	case reflect.Slice:
		want = "a list"
	case reflect.Int, reflect.Int64:
		want = "a whole number that fits"
	}
	is := "a " + mismatch.Value
	switch mismatch.Value {
	case "bool":
		is = "true or false"
	case "array":
		is = "a list"
	case "object":
		is = "an object"
	}
	if mismatch.Field == "" {
		return fmt.Errorf("%s where there should be %s", is, want)
	}
	return fmt.Errorf("%q is %s where there should be %s", mismatch.Field, is, want)
}

func (r *jsonReader) run() error {
	const often = 1 << 10
	for {
		text, long, err := r.next()
		if len(text) > 0 || long != nil {
			r.line++
		}
		if bad := r.takeLine(text, long); bad != nil {
			if err := r.spoil(bad, r.line); err != nil {
				return err
			}
		}
		if r.line%often == 0 && r.h.progress != nil {
			r.h.progress(r.off)
		}
		if errors.Is(err, io.EOF) {
			if bad := r.close(); bad != nil {
				return r.spoil(bad, r.at)
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading %s: %w", r.name, err)
		}
	}
}

// next reads a line: all of it, or, where it has a long string that is read piece by piece, what is known of that.
func (r *jsonReader) next() (text []byte, long *jsonText, err error) {
	begin := r.off
	text, err = r.in.ReadSlice('\n')
	r.off += int64(len(text))
	if !errors.Is(err, bufio.ErrBufferFull) {
		return text, nil, err
	}
	if r.file != nil {
		if t, ok := longText(text); ok {
			t.file, t.begin, t.from = r.file, begin, t.from+begin
			for errors.Is(err, bufio.ErrBufferFull) {
				if ended := r.h.goOn(); ended != nil {
					return nil, nil, ended
				}
				text, err = r.in.ReadSlice('\n')
				r.off += int64(len(text))
			}
			t.to = r.off
			return nil, &t, err
		}
	}
	text = bytes.Clone(text)
	rest, err := r.in.ReadBytes('\n')
	r.off += int64(len(rest))
	return append(text, rest...), nil, err
}

func (r *jsonReader) takeLine(text []byte, long *jsonText) error {
	switch {
	case long != nil:
		return r.takeLong(long)
	case len(bytes.TrimSpace(text)) > 0:
		return r.take(text)
	}
	return nil
}

// takeLong deals with a line of a long string.
func (r *jsonReader) takeLong(t *jsonText) error {
	if err := r.close(); err != nil {
		if spoilt := r.spoil(err, r.at); spoilt != nil {
			return own{spoilt}
		}
	}
	r.bad, r.begun, r.at = false, false, r.line
	r.db, r.key = *t.DB, *t.Key
	switch {
	case r.done.lines[r.line]:
		return nil
	case !canBeDatabase(r.db):
		return noDatabase(r.db)
	case r.h.text == nil && !isDatabase(r.db):
		return fmt.Errorf("a key in database %d; there can be %d", r.db, databasesMost)
	}
	size, err := t.measured(r.h.goOn)
	switch {
	case errors.Is(err, errText): // something may stand behind it, which is told by a look at all
		text := make([]byte, t.to-t.begin)
		if _, err := r.file.ReadAt(text, t.begin); err != nil && !errors.Is(err, io.EOF) {
			return own{fmt.Errorf("reading %s: %w", r.name, err)}
		}
		return r.take(text)
	case err != nil:
		return own{fmt.Errorf("reading %s: %w", r.name, err)}
	case t.Deadline < 0:
		return fmt.Errorf("a deadline of %d", t.Deadline)
	case r.h.text == nil: // as commands go
		return errors.New("a string that is too long")
	}
	if err := r.h.text(t.entry(size)); err != nil {
		return own{err}
	}
	return nil
}

// own is an error of whoever gets the commands, and not of a line.
type own struct{ error }

// spoil leaves out the key at hand, if that is allowed.
func (r *jsonReader) spoil(why error, line int) error {
	if mine := (own{}); errors.As(why, &mine) {
		return mine.error
	}
	if err := r.h.bad(&DamageError{File: r.name, Where: fmt.Sprintf("line %d", line), Reason: why.Error()}); err != nil {
		return err
	}
	begun := r.begun
	r.open, r.bad, r.begun = false, true, false
	if begun {
		if mine := (own{}); errors.As(r.emit([]byte("DEL"), r.key), &mine) {
			return mine.error
		}
		r.begun = false
	}
	return nil
}

// canBeDatabase reports whether some server may have a database of that number.
func canBeDatabase(db int) bool { return 0 <= db && db <= math.MaxInt32 }

func noDatabase(db int) error {
	return fmt.Errorf("a key in database %d, and there is none of that number", db)
}

// take deals with a line.
func (r *jsonReader) take(text []byte) error {
	var l jsonLine
	err := strictly(text, &l)
	switch {
	case err != nil:
		err = fmt.Errorf("not a line of an export: %w", inWords(err))
	case l.DB == nil || l.Key == nil:
		err = errors.New("a line without db and key")
	case !canBeDatabase(*l.DB):
		err = noDatabase(*l.DB)
	case l.More:
		same := *l.DB == r.db && bytes.Equal(*l.Key, r.key)
		switch {
		case r.bad && same:
			return nil
		case r.open && same:
			r.at = r.line
			return r.elements(l.Elements)
		}
		err = errors.New("a line that goes on with a key which the line before is not about")
	}
	if closed := r.close(); closed != nil {
		if spoilt := r.spoil(closed, r.at); spoilt != nil {
			return own{spoilt}
		}
	}
	if err != nil {
		return err
	}
	return r.begin(&l)
}

// begin begins a key.
func (r *jsonReader) begin(l *jsonLine) error {
	r.bad, r.begun, r.at = false, false, r.line
	r.db, r.key, r.due, r.count, r.found = *l.DB, *l.Key, l.Deadline, l.Count, 0
	if r.done.lines[r.line] {
		r.bad = true // what goes on with it is passed over too
		return nil
	}
	if err := r.done.twice(r.db, r.key); err != nil {
		return err
	}
	if r.h.has != nil && r.h.has(r.db, r.key) {
		return fmt.Errorf("the key %.100q is there twice", r.key)
	}
	kind := kindOf(r.types, l.Type)
	switch {
	case kind == 0:
		return fmt.Errorf("there is no type %.40q", l.Type)
	case l.Deadline < 0:
		return fmt.Errorf("a deadline of %d", l.Deadline)
	case (l.Value != nil) == (l.Elements != nil):
		return errors.New("a line with neither value nor elements, or with both")
	case (l.Value != nil) != (kind == kv.String):
		return errors.New("a string has a value, and every other type has elements")
	}
	r.check = r.types[kind].Checker()
	r.visit, r.finish = r.types[kind].Remake(r.key, r.emit)
	r.open = true
	if l.Value == nil {
		return r.elements(l.Elements)
	}
	r.count, r.found = 1, 1
	return r.visit(outline.Element{Pieces: []outline.Piece{{Role: outline.Text, Bytes: *l.Value}}})
}

// close ends the key at hand.
func (r *jsonReader) close() error {
	if !r.open {
		return nil
	}
	if r.found != r.count {
		return fmt.Errorf("the key %.100q has %d elements where %d are announced", r.key, r.found, r.count)
	}
	if err := r.finish(); err != nil {
		return err
	}
	r.open = false
	if r.due != 0 {
		if err := r.emit(commands.Remade(r.key, r.due)...); err != nil {
			return err
		}
	}
	r.begun = false // what is wrong from here on is not about this key
	return nil
}

func (r *jsonReader) emit(args ...[]byte) error {
	c := Command{DB: r.db, Args: args, at: int64(r.at)}
	if !r.begun {
		c.Key = r.key
	}
	err := r.h.command(&c)
	if refused := (*engine.RefusedError)(nil); errors.As(err, &refused) {
		return errors.New(refused.Reason)
	}
	if r.begun = true; err != nil {
		return own{err}
	}
	return nil
}

// elements takes those of a line in.
func (r *jsonReader) elements(raw []json.RawMessage) error {
	elements := make([]outline.Element, 0, len(raw))
	for i, text := range raw {
		e, err := element(text)
		if err != nil {
			return fmt.Errorf("element %d of the line: %w", i+1, inWords(err))
		}
		if err := r.check(e); err != nil {
			return fmt.Errorf("element %d of the line: %w", i+1, err)
		}
		elements = append(elements, e)
	}
	for _, e := range elements {
		if e.Aside == "" {
			r.found++
		}
		if err := r.visit(e); err != nil {
			return err
		}
	}
	return nil
}

// element reads one: bytes, or an object of pieces by their roles, in their order.
func element(text []byte) (e outline.Element, err error) {
	var single jsonBytes
	if text[0] != '{' || bytes.HasPrefix(text, []byte(`{"base64":`)) {
		err = single.UnmarshalJSON(text)
		e.Pieces = []outline.Piece{{Bytes: single}}
		return e, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return e, err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return e, err
		}
		if err := member(d, fmt.Sprint(name), &e); err != nil {
			return e, err
		}
	}
	if len(e.Pieces) == 0 {
		err = errors.New("nothing in it")
	}
	return e, err
}

// member reads what stands behind a name in an element.
func member(d *json.Decoder, name string, e *outline.Element) error {
	switch name {
	case "aside":
		return d.Decode(&e.Aside)
	case "deadline_unix_ms":
		var n json.Number
		if err := d.Decode(&n); err != nil {
			return err
		}
		at, err := strconv.ParseInt(n.String(), 10, 64)
		if e.Deadline = at; err != nil || at <= 0 {
			return fmt.Errorf("%s is no deadline", n)
		}
		return nil
	case "fields":
		var fields []struct {
			Field, Value *jsonBytes
		}
		if err := d.Decode(&fields); err != nil {
			return err
		}
		for _, f := range fields {
			if f.Field == nil || f.Value == nil {
				return errors.New("a field without a value, or a value without a field")
			}
			e.Pieces = append(e.Pieces, outline.Piece{Role: outline.Field, Bytes: *f.Field}, outline.Piece{Role: outline.Value, Bytes: *f.Value})
		}
		e.Nested = true
		return nil
	}
	var b jsonBytes
	if err := d.Decode(&b); err != nil {
		return err
	}
	e.Pieces = append(e.Pieces, outline.Piece{Role: outline.Role(name), Bytes: b})
	return nil
}
