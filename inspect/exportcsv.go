package inspect

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"holdfast/outline"
)

// CSV writes a row for each element: the key, what tells the element from the others, and what it holds. It is for
// spreadsheets; import does not read it.
type CSV struct {
	w   *csv.Writer
	row []string
}

// NewCSV makes an exporter of CSV, and writes the titles.
func NewCSV(w io.Writer) (*CSV, error) {
	x := &CSV{w: csv.NewWriter(w)}
	return x, x.w.Write([]string{"db", "key", "type", "deadline_unix_ms", "part", "name", "value", "value_deadline_unix_ms"})
}

// Entry writes a key. Elements of a list are named by their places, from 0 on; of an aside its kind is the part.
func (x *CSV) Entry(e *Entry) error {
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
