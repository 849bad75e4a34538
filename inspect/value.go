package inspect

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"

	"holdfast/client"
	"holdfast/outline"
)

// Look is how a value is shown.
type Look byte

// The looks.
const (
	AsReply Look = iota // as redis-cli shows the reply to the command that reads all of it; deadlines of fields behind them
	AsRaw               // the pieces as they are, a line each, as redis-cli --raw
	AsJSON              // one object: what Key has, and the value
	AsRESP              // the reply itself, as a server sends it
)

// Get writes what a key holds: ErrNoKey if it is not there. It holds one element in memory, or one part of the value. What is
// damaged further on shows only when the beginning has been written.
func Get(s Source, db int, key []byte, w io.Writer, look Look) error {
	return s.Find(db, key, func(e *Entry) error {
		out := bufio.NewWriterSize(w, 64<<10)
		p := printer{out: out, entry: e}
		err := map[Look]func() error{AsReply: p.reply, AsRaw: p.raw, AsJSON: p.json, AsRESP: p.resp}[look]()
		if flushed := out.Flush(); err == nil {
			err = flushed
		}
		return err
	})
}

// printer writes the value of an entry.
type printer struct {
	out   *bufio.Writer
	entry *Entry
	n     int64 // pieces so far, or elements that are nested
	text  []byte
}

// write writes the text that was put together, and begins a new one.
func (p *printer) write() error {
	_, err := p.out.Write(p.text)
	p.text = p.text[:0]
	return err
}

// each walks the elements with one function and the asides with another, which may be nil.
func (p *printer) each(element, aside func(outline.Element) error) error {
	return p.entry.Value.Walk(func(e outline.Element) error {
		var err error
		switch {
		case e.Aside == "":
			err = element(e)
		case aside != nil:
			err = aside(e)
		}
		if err != nil {
			return err
		}
		return p.write()
	})
}

// isText reports whether the element is a whole string, which has no number before it.
func isText(e outline.Element) bool { return len(e.Pieces) == 1 && e.Pieces[0].Role == outline.Text }

func (p *printer) reply() error {
	element := func(e outline.Element) error {
		if isText(e) {
			p.text = append(Bytes(e.Pieces[0].Bytes).appendQuoted(p.text), '\n')
			return nil
		}
		width := p.width(e)
		if e.Nested {
			p.n++
			p.text = fmt.Appendf(p.text, "%*d) 1) ", width, p.n)
			p.text = append(Bytes(e.Pieces[0].Bytes).appendQuoted(p.text), '\n')
			p.text = fmt.Appendf(p.text, "%*s2) ", width+2, "")
			p.inner(e.Pieces[1:], width+5)
			return nil
		}
		for i, piece := range e.Pieces {
			p.n++
			p.text = fmt.Appendf(p.text, "%*d) ", width, p.n)
			p.text = Bytes(piece.Bytes).appendQuoted(p.text)
			if i == 0 && e.Deadline != 0 {
				p.text = append(p.text, " until "+clock(e.Deadline)...)
			}
			p.text = append(p.text, '\n')
		}
		return nil
	}
	return p.each(element, func(e outline.Element) error {
		p.text = append(p.text, e.Aside...)
		for _, piece := range e.Pieces {
			if string(piece.Role) != e.Aside {
				p.text = append(append(p.text, ' '), piece.Role...)
			}
			p.text = Bytes(piece.Bytes).appendWord(append(p.text, ' '))
		}
		p.text = append(p.text, '\n')
		return nil
	})
}

// inner writes an array within an array, whose first line has been begun.
func (p *printer) inner(pieces []outline.Piece, indent int) {
	width := len(strconv.Itoa(len(pieces)))
	for i, piece := range pieces {
		if i > 0 {
			p.text = fmt.Appendf(p.text, "%*s", indent, "")
		}
		p.text = fmt.Appendf(p.text, "%*d) ", width, i+1)
		p.text = append(Bytes(piece.Bytes).appendQuoted(p.text), '\n')
	}
}

// lines is how many numbers the whole value takes, by one element.
func (p *printer) lines(e outline.Element) int64 {
	if e.Nested {
		return p.entry.Elements
	}
	return p.entry.Elements * int64(len(e.Pieces))
}

func (p *printer) width(e outline.Element) int { return len(strconv.FormatInt(p.lines(e), 10)) }

func (p *printer) raw() error {
	return p.each(func(e outline.Element) error {
		for _, piece := range e.Pieces {
			p.text = append(append(p.text, piece.Bytes...), '\n')
		}
		return nil
	}, nil)
}

func (p *printer) resp() error {
	bulk := func(b []byte) {
		p.text = append(append(fmt.Appendf(p.text, "$%d\r\n", len(b)), b...), "\r\n"...)
	}
	err := p.each(func(e outline.Element) error {
		if isText(e) {
			p.n = 1
			bulk(e.Pieces[0].Bytes)
			return nil
		}
		if p.n == 0 {
			p.text = fmt.Appendf(p.text, "*%d\r\n", p.lines(e))
		}
		p.n++
		for i, piece := range e.Pieces {
			if e.Nested && i == 0 {
				p.text = append(p.text, "*2\r\n"...)
			}
			if bulk(piece.Bytes); e.Nested && i == 0 {
				p.text = fmt.Appendf(p.text, "*%d\r\n", len(e.Pieces)-1)
			}
		}
		return nil
	}, nil)
	if err == nil && p.n == 0 {
		_, err = p.out.WriteString("*0\r\n")
	}
	return err
}

// json writes an object with what Key has, "value", a string or an array, and "asides" where there are any.
func (p *printer) json() error {
	head, err := keyOf(p.entry).MarshalJSON()
	if err != nil {
		return err
	}
	p.text = append(head[:len(head)-1], `,"value":`...)
	state := "" // what has to be closed
	element := func(e outline.Element) error {
		switch {
		case isText(e):
			p.text = appendPiece(p.text, e.Pieces[0])
			state = "text"
			return nil
		case state == "":
			p.text = append(p.text, '[')
		default:
			p.text = append(p.text, ',')
		}
		state = "]"
		p.text = appendElement(p.text, e)
		return nil
	}
	aside := func(e outline.Element) error {
		switch state {
		case "":
			p.text = append(p.text, `[],"asides":[`...)
		case "]":
			p.text = append(p.text, `],"asides":[`...)
		default:
			p.text = append(p.text, ',')
		}
		state = "aside"
		p.text = appendElement(p.text, e)
		return nil
	}
	if err := p.each(element, aside); err != nil {
		return err
	}
	switch state {
	case "":
		p.text = append(p.text, "[]"...)
	case "]", "aside":
		p.text = append(p.text, ']')
	}
	p.text = append(p.text, "}\n"...)
	return p.write()
}

// appendElement appends an element as JSON: one piece as such, several as an object by their roles. What is nested is an
// array "fields" of objects. {"aside": …} is what it is where it is none of the value's elements.
func appendElement(dst []byte, e outline.Element) []byte {
	if len(e.Pieces) == 1 && e.Aside == "" {
		return appendPiece(dst, e.Pieces[0])
	}
	dst = append(dst, '{')
	if e.Aside != "" {
		dst = append(append(append(dst, `"aside":"`...), e.Aside...), `",`...)
	}
	pieces := e.Pieces
	if e.Nested {
		dst = append(appendRole(dst, pieces[0]), `,"fields":[`...)
		for i, piece := range pieces[1:] {
			switch {
			case i == 0:
				dst = append(dst, '{')
			case piece.Role == pieces[1].Role:
				dst = append(dst, "},{"...)
			default:
				dst = append(dst, ',')
			}
			dst = appendRole(dst, piece)
		}
		if len(pieces) > 1 {
			dst = append(dst, '}')
		}
		return append(dst, "]}"...)
	}
	for i, piece := range pieces {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendRole(dst, piece)
	}
	if e.Deadline != 0 {
		dst = fmt.Appendf(dst, `,"deadline_unix_ms":%d`, e.Deadline)
	}
	return append(dst, '}')
}

func appendRole(dst []byte, p outline.Piece) []byte {
	dst = append(append(append(dst, '"'), p.Role...), `":`...)
	return appendPiece(dst, p)
}

// appendPiece appends a piece as JSON: a number where it is one that JSON knows.
func appendPiece(dst []byte, p outline.Piece) []byte {
	if p.Role.Numeric() {
		if n, err := strconv.ParseFloat(string(p.Bytes), 64); err == nil && !math.IsInf(n, 0) && !math.IsNaN(n) {
			return append(dst, p.Bytes...)
		}
	}
	return Bytes(p.Bytes).appendJSON(dst)
}

// appendJSON appends b as MarshalJSON has it.
func (b Bytes) appendJSON(dst []byte) []byte {
	text, err := b.MarshalJSON()
	if err != nil {
		panic("BUG: bytes that cannot be written as JSON")
	}
	return append(dst, text...)
}

// MarshalJSON is the object that the fields' tags describe. Written by hand it takes a tenth of the time, and keys are
// listed by the million.
func (k Key) MarshalJSON() ([]byte, error) {
	dst := fmt.Appendf(nil, `{"db":%d,"key":`, k.DB)
	dst = append(k.Key.appendJSON(dst), `,"type":`...)
	dst = append(dst, line(client.JSON, []byte(k.Type))...)
	if k.Encoding != "" {
		dst = append(append(dst, `,"encoding":`...), line(client.JSON, []byte(k.Encoding))...)
	}
	dst = strconv.AppendInt(append(dst, `,"elements":`...), k.Elements, 10)
	if k.Deadline != 0 {
		dst = strconv.AppendInt(append(dst, `,"deadline_unix_ms":`...), k.Deadline, 10)
	}
	return append(strconv.AppendInt(append(dst, `,"bytes":`...), k.Bytes, 10), '}'), nil
}
