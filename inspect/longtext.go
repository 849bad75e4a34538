package inspect

import (
	"encoding/base64"
	"unicode/utf8"

	"holdfast/kv"
	"holdfast/outline"
	"holdfast/rdb"
)

// longText is from how many bytes on a string is read and written piece by piece.
const longText = rdb.LongText

// longValue is a Value that may be a long string.
type longValue interface {
	// longBytes is how many bytes the string has; 0 for what is no long string.
	longBytes() int64
	// pieces calls fn with one piece of it after the other. A piece is good until fn returns; its error ends it, and is returned.
	pieces(fn func(piece []byte) error) error
}

// LongText is the length of a value that is a long string; 0 for any other, which is to be walked. Pieces reads it.
func (e *Entry) LongText() int64 {
	if v, ok := e.Value.(longValue); ok {
		return v.longBytes()
	}
	return 0
}

// Pieces calls fn with one piece of a long string after the other. A piece is good until fn returns, whose error ends it and is
// returned as it is.
func (e *Entry) Pieces(fn func(piece []byte) error) error { return e.Value.(longValue).pieces(fn) }

// SetText makes the entry that of a string of so many bytes, of which pieces calls fn with one piece after the other.
func (e *Entry) SetText(size int64, pieces func(fn func(piece []byte) error) error) {
	e.Kind, e.Summary = kv.String, outline.Summary{Encoding: "raw", Elements: 1}
	e.Value = textValue{size, pieces}
}

// textValue is a string that comes from elsewhere.
type textValue struct {
	size int64
	read func(fn func(piece []byte) error) error
}

func (v textValue) longBytes() int64 { return v.size }

func (v textValue) pieces(fn func(piece []byte) error) error { return v.read(fn) }

func (v textValue) Walk(visit outline.Visitor) error {
	var text []byte
	err := v.read(func(piece []byte) error {
		text = append(text, piece...)
		return nil
	})
	if err != nil {
		return err
	}
	return visit(outline.Element{Pieces: []outline.Piece{{Role: outline.Text, Bytes: text}}})
}

func (v *baseValue) longBytes() int64 {
	if v.entry.Kind != kv.String || v.head.Parted || v.head.Size <= longText {
		return 0
	}
	return v.head.Size
}

func (v *baseValue) pieces(fn func(piece []byte) error) error {
	_, err := v.base.EachChunk(v.store, v.entry.Key, fn)
	return err
}

func (v *rdbValue) longBytes() int64 {
	if !v.file.LongText() {
		return 0
	}
	return v.file.Key().Size
}

func (v *rdbValue) pieces(fn func(piece []byte) error) error {
	var own error
	err := v.file.Pieces(func(piece []byte) error {
		own = fn(piece)
		return own
	})
	if own != nil {
		return own
	}
	return v.source.blame(err)
}

// runes cuts what comes in pieces where no character is cut, as far as it is UTF-8. valid says whether all of it was.
type runes struct {
	rest  []byte // the beginning of a character
	valid bool
}

func (r *runes) add(piece []byte, fn func(whole []byte) error) error {
	for len(r.rest) > 0 && len(piece) > 0 && !utf8.FullRune(r.rest) {
		r.rest, piece = append(r.rest, piece[0]), piece[1:]
	}
	if len(r.rest) > 0 && utf8.FullRune(r.rest) {
		whole := r.rest
		r.rest = nil
		if err := r.give(whole, fn); err != nil {
			return err
		}
	}
	end := len(piece)
	for back := 1; back <= min(utf8.UTFMax-1, len(piece)); back++ {
		if from := len(piece) - back; utf8.RuneStart(piece[from]) {
			if !utf8.FullRune(piece[from:]) {
				end = from
			}
			break
		}
	}
	if len(piece) == 0 {
		return nil
	}
	r.rest = append([]byte(nil), piece[end:]...)
	return r.give(piece[:end], fn)
}

func (r *runes) give(whole []byte, fn func([]byte) error) error {
	if len(whole) == 0 {
		return nil
	}
	r.valid = r.valid && utf8.Valid(whole)
	return fn(whole)
}

// text calls fn with the pieces of a long string, cut where no character is, and says whether all of it is UTF-8.
func (e *Entry) text(fn func(whole []byte) error) (valid bool, err error) {
	r := runes{valid: true}
	err = e.Pieces(func(piece []byte) error { return r.add(piece, fn) })
	if err == nil && len(r.rest) > 0 {
		r.valid = false
		err = fn(r.rest)
	}
	return r.valid, err
}

// isText reports whether a long string is UTF-8. It reads it.
func (e *Entry) isText() (bool, error) {
	return e.text(func([]byte) error { return nil })
}

// base64Pieces calls fn with a long string in base64.
func (e *Entry) base64Pieces(fn func(text []byte) error) error {
	var rest, out []byte
	err := e.Pieces(func(piece []byte) error {
		rest = append(rest, piece...)
		whole := len(rest) / 3 * 3
		out = base64.StdEncoding.AppendEncode(out[:0], rest[:whole])
		rest = append(rest[:0], rest[whole:]...)
		return fn(out)
	})
	if err != nil {
		return err
	}
	return fn(base64.StdEncoding.AppendEncode(out[:0], rest))
}
