package inspect

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"holdfast/client"
	"holdfast/resp"
)

// Bytes is a key, an argument or a value. As text it is quoted as redis-cli does; as JSON it is a string where it is
// UTF-8, and else {"base64": "…"}: no byte is lost, and different bytes never look the same.
type Bytes []byte

// String quotes b as redis-cli does.
func (b Bytes) String() string { return string(b.appendQuoted(nil)) }

// MarshalJSON is the form described at Bytes.
func (b Bytes) MarshalJSON() ([]byte, error) {
	if !utf8.Valid(b) {
		return fmt.Appendf(nil, `{"base64":"%s"}`, base64.StdEncoding.EncodeToString(b)), nil
	}
	return line(client.JSON, b), nil
}

func (b Bytes) appendQuoted(dst []byte) []byte { return append(dst, line(client.Formatted, b)...) }

// appendWord appends b as a person would type it into redis-cli: in quotes only where it needs them.
func (b Bytes) appendWord(dst []byte) []byte {
	for _, c := range b {
		if c <= ' ' || c > '~' || c == '"' || c == '\'' || c == '\\' {
			return b.appendQuoted(dst)
		}
	}
	if len(b) == 0 {
		return b.appendQuoted(dst)
	}
	return append(dst, b...)
}

// word is b as appendWord appends it.
func (b Bytes) word() string { return string(b.appendWord(nil)) }

// line is a string as a style prints it, without the newline.
func line(style client.Style, b []byte) []byte {
	text := style.Append(nil, resp.Reply{Kind: '$', Str: b})
	return text[:len(text)-1]
}

// WriteJSON writes v as JSON on one line.
func WriteJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// clock shows unix milliseconds, always in UTC and always to the millisecond, so that columns and diffs agree.
func clock(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") }

// table writes rows in columns. It keeps them until flush: for listings that a person reads, not for streams.
type table struct{ w *tabwriter.Writer }

func newTable(w io.Writer, titles ...string) table {
	t := table{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	if len(titles) > 0 {
		t.row(strings.Join(titles, "\t"))
	}
	return t
}

// row adds cells. An error of the writer beneath comes from flush.
func (t table) row(cells ...any) {
	for i, cell := range cells {
		if i > 0 {
			fmt.Fprint(t.w, "\t")
		}
		fmt.Fprint(t.w, cell)
	}
	fmt.Fprintln(t.w)
}

func (t table) flush() error { return t.w.Flush() }
