package inspect

import (
	"io"
	"strconv"

	"holdfast/client"
	"holdfast/outline"
)

// JSONLines writes entries as JSON, a line for each key; a large value takes several. docs/format-json.md says what is in them.
type JSONLines struct {
	w io.Writer
	b []byte
}

// NewJSONLines makes an exporter of JSON lines.
func NewJSONLines(w io.Writer) *JSONLines { return &JSONLines{w: w} }

// jsonLineMax is how many bytes a line has before another one goes on with the value.
const jsonLineMax = 256 << 10

// Entry writes a key.
func (j *JSONLines) Entry(e *Entry) error {
	j.begin(e)
	j.b = append(append(j.b, `,"type":`...), strconv.Quote(e.Type)...)
	if e.Deadline != 0 {
		j.b = strconv.AppendInt(append(j.b, `,"deadline_unix_ms":`...), e.Deadline, 10)
	}
	if e.LongText() > 0 {
		return j.long(e)
	}
	n, text := 0, false
	err := e.Value.Walk(func(el outline.Element) error {
		if len(el.Pieces) == 1 && el.Pieces[0].Role == outline.Text {
			text = true
			j.b = Bytes(el.Pieces[0].Bytes).appendJSON(append(j.b, `,"value":`...))
			return nil
		}
		switch {
		case n == 0:
			j.b = strconv.AppendInt(append(j.b, `,"count":`...), e.Elements, 10)
			j.b = append(j.b, `,"elements":[`...)
		case len(j.b) > jsonLineMax:
			j.b = append(j.b, `]}`...)
			if err := j.end(); err != nil {
				return err
			}
			j.begin(e)
			j.b = append(j.b, `,"more":true,"elements":[`...)
		default:
			j.b = append(j.b, ',')
		}
		n++
		j.b = appendElement(j.b, el)
		return nil
	})
	if err != nil {
		return err
	}
	if !text {
		if n == 0 {
			j.b = append(j.b, `,"count":0,"elements":[`...)
		}
		j.b = append(j.b, ']')
	}
	j.b = append(j.b, '}')
	return j.end()
}

// long writes what stands behind the type of a long string: it is read twice, as it depends on all of it in which form it comes.
func (j *JSONLines) long(e *Entry) error {
	isText, err := e.isText()
	if err != nil {
		return err
	}
	if isText {
		j.b = append(j.b, `,"value":"`...)
		_, err = e.text(func(whole []byte) error {
			quoted := line(client.JSON, whole)
			return j.piece(quoted[1 : len(quoted)-1])
		})
		j.b = append(j.b, `"}`...)
	} else {
		j.b = append(j.b, `,"value":{"base64":"`...)
		err = e.base64Pieces(j.piece)
		j.b = append(j.b, `"}}`...)
	}
	if err != nil {
		return err
	}
	return j.end()
}

// piece writes a piece of a line.
func (j *JSONLines) piece(b []byte) error {
	if j.b = append(j.b, b...); len(j.b) < jsonLineMax {
		return nil
	}
	_, err := j.w.Write(j.b)
	j.b = j.b[:0]
	return err
}

// End is there for the interface: nothing is left to be written.
func (j *JSONLines) End() error { return nil }

func (j *JSONLines) begin(e *Entry) {
	j.b = strconv.AppendInt(append(j.b[:0], `{"db":`...), int64(e.DB), 10)
	j.b = e.Key.appendJSON(append(j.b, `,"key":`...))
}

func (j *JSONLines) end() error {
	j.b = append(j.b, '\n')
	_, err := j.w.Write(j.b)
	return err
}
