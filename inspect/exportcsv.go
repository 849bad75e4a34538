package inspect

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"holdfast/outline"
)

// CSV writes a row for each element: the key, what tells the element from the others, and what it holds. It is for
// spreadsheets; import does not read it.
type CSV struct {
	out io.Writer
	w   *csv.Writer
	row []string
}

// NewCSV makes an exporter of CSV, and writes the titles.
func NewCSV(w io.Writer) (*CSV, error) {
	x := &CSV{out: w, w: csv.NewWriter(w)}
	return x, x.w.Write([]string{"db", "key", "type", "deadline_unix_ms", "part", "name", "value", "value_deadline_unix_ms"})
}

// Entry writes a key. Elements of a list are named by their places, from 0 on; of an aside its kind is the part.
func (x *CSV) Entry(e *Entry) error {
	if e.LongText() > 0 {
		return x.long(e)
	}
	place := -1
	return e.Value.Walk(func(el outline.Element) error {
		place++
		own := min(el.Own, len(el.Pieces))
		name := csvPieces(el.Pieces[:own])
		if own == 0 && el.Aside == "" && e.Elements > 1 {
			name = strconv.Itoa(place)
		}
		x.row = append(x.row[:0], strconv.Itoa(e.DB), csvText(e.Key), e.Type, csvDeadline(e.Deadline), el.Aside, name, csvPieces(el.Pieces[own:]),
			csvDeadline(el.Deadline))
		return x.w.Write(x.row)
	})
}

// long writes the row of a long string, in which the value stands in quotes. The string is read twice, as it depends on all of it
// in which form it comes.
func (x *CSV) long(e *Entry) error {
	isText, err := e.isText()
	if err != nil {
		return err
	}
	var row bytes.Buffer
	w := csv.NewWriter(&row)
	if err := w.Write([]string{strconv.Itoa(e.DB), csvText(e.Key), e.Type, csvDeadline(e.Deadline), "", ""}); err != nil {
		return err
	}
	w.Flush()
	mark := []byte(nil)
	if !isText {
		mark = []byte(`""`)
	}
	before := append(append(bytes.TrimSuffix(row.Bytes(), []byte("\n")), `,"`...), mark...)
	if err := errors.Join(x.End(), x.write(before)); err != nil {
		return err
	}
	err = e.Pieces(func(piece []byte) error {
		if !isText {
			quoted := Bytes(piece).String()
			piece = []byte(quoted[1 : len(quoted)-1])
		}
		return x.write(bytes.ReplaceAll(piece, []byte(`"`), []byte(`""`)))
	})
	if err != nil {
		return err
	}
	return x.write(append(mark, "\",\n"...))
}

func (x *CSV) write(b []byte) error {
	_, err := x.out.Write(b)
	return err
}

// End writes what has gathered.
func (x *CSV) End() error {
	x.w.Flush()
	return x.w.Error()
}

func csvDeadline(ms int64) string {
	if ms == 0 {
		return ""
	}
	return strconv.FormatInt(ms, 10)
}

// csvPieces joins pieces by spaces; several are quoted where they need it, so that they can be told apart.
func csvPieces(pieces []outline.Piece) string {
	if len(pieces) == 1 {
		return csvText(pieces[0].Bytes)
	}
	words := make([]string, len(pieces))
	for i, p := range pieces {
		words[i] = Bytes(p.Bytes).word()
	}
	return strings.Join(words, " ")
}

// csvText is text as it is, and bytes that are none quoted as redis-cli does.
func csvText(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return Bytes(b).String()
}
