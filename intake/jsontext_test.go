package intake

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/inspect"
	"holdfast/internal/vfs"
)

// decode reads a string behind its first quotation mark, with a buffer of so many bytes.
func decode(text string, buffer int) (string, error) {
	var out []byte
	err := textPieces(bufio.NewReaderSize(strings.NewReader(text), buffer), func(piece []byte) error {
		out = append(out, piece...)
		return nil
	})
	return string(out), err
}

// A string in pieces is what it is when it is decoded at once, wherever the pieces are cut.
func TestTextPieces(t *testing.T) {
	for _, text := range []string{
		``, `plain`, `é€𝄞`, `\u00e9\u20ac\ud834\udd1e`, `\"\\\/\b\f\n\r\t`, `\ud834`, `\ud834x`, `\ud834\n`, `\ud834\ud834\udd1e`, `\udd1e\ud834`, "bad \xff\xc3( utf-8 \xe2\x82",
		`\x`, `\u12g4`, "\x01", `\`, `\u12`, `\ud834\u`,
	} {
		for before := range 16 { // what is cut is elsewhere
			quoted := strings.Repeat("a", before) + text + `"`
			var want string
			bad := json.Unmarshal([]byte(`"`+quoted), &want)
			got, err := decode(quoted, 16)
			if (err != nil) != (bad != nil) || bad == nil && got != want {
				t.Errorf("%q: %q and %v, want %q and %v", quoted, got, err, want, bad)
			}
		}
	}
	if _, err := decode("no end", 16); err == nil {
		t.Error("a string without an end is one")
	}
}

func FuzzTextPieces(f *testing.F) {
	f.Add(`a\ud834\udd1e"`)
	f.Add("\xe2\x82\\u12\"")
	f.Fuzz(func(t *testing.T, text string) {
		var want string
		bad := errors.New("no end")
		for end := 0; end < len(text); end++ {
			if text[end] == '\\' {
				end++
			} else if text[end] == '"' {
				bad = json.Unmarshal([]byte(`"`+text[:end]+`"`), &want)
				break
			}
		}
		got, err := decode(text, 16)
		if (err != nil) != (bad != nil) || bad == nil && got != want {
			t.Errorf("%q: %q and %v, want %q and %v", text, got, err, want, bad)
		}
	})
}

// longLines are JSON lines with long strings, and what the strings are.
func longLines() (lines string, want map[string]string) {
	text := strings.Repeat("é\"\n\\, 𝄞x", 2*longLine/16)
	raw := strings.Repeat("\xff\x00b", longLine)
	quoted, _ := json.Marshal(text)
	return fmt.Sprintf(`{"db":0,"key":"first","type":"string","value":"1"}
{"db":0,"key":"text","type":"string","value":%s}
{"db":0,"key":{"base64":"/w=="},"type":"string","deadline_unix_ms":1900000000000,"value":{"base64":"%s"}}
{"value":%[1]s,"db":0,"key":"turned","type":"string"}
{"db":0,"key":"behind","type":"string","value":%[1]s,"deadline_unix_ms":1900000000000}
{"db":0,"key":"last","type":"string","value":"2"}
`, quoted, base64.StdEncoding.EncodeToString([]byte(raw))), map[string]string{"first": "1", "text": text, "\xff": raw, "turned": text, "behind": text, "last": "2"}
}

func TestLongTextOfJSON(t *testing.T) {
	lines, want := longLines()
	to := filepath.Join(t.TempDir(), "new")
	r, err := IntoDirectory(t.Context(), openFile(t, "x.json", lines), to, options())
	if must(t, err); r.Keys != int64(len(want)) || r.TTLs != 2 {
		t.Errorf("%+v", r)
	}
	s, err := inspect.OpenSnapshot(vfs.OS(), filepath.Join(to, "base.db"))
	must(t, err)
	for key, text := range want {
		var got bytes.Buffer
		if must(t, inspect.Get(s.Source(), 0, []byte(key), &got, inspect.AsRaw)); got.String() != text+"\n" {
			t.Errorf("%q: %d bytes, want %d", key, got.Len(), len(text))
		}
	}
	must(t, s.Close())

	f := &fakeServer{}
	sent, err := IntoServer(t.Context(), openFile(t, "x.json", lines), ServerOptions{Options: options(), Target: f.listen(t)})
	if must(t, err); sent.Keys != int64(len(want)) {
		t.Errorf("%+v", sent)
	}
	for key, text := range want {
		if !strings.Contains(f.sent(), "|SET "+key+" "+text+"|") {
			t.Errorf("%q is not sent", key)
		}
	}
}

// A long string that is damaged is told with its line, and nothing is made; left out, it is counted.
func TestLongTextOfJSONDamaged(t *testing.T) {
	long := strings.Repeat("a", longLine+100)
	good := `{"db":0,"key":"good","type":"string","value":"` + long + `"}` + "\n"
	for _, bad := range []string{
		`{"db":0,"key":"k","type":"string","value":"` + long + `\x"}`,
		`{"db":0,"key":"k","type":"string","value":"` + long,
		`{"db":0,"key":"k","type":"string","value":"` + long + `"`,
		`{"db":0,"key":"k","type":"string","value":"` + long + `"} x`,
		`{"db":0,"key":"k","type":"string","value":{"base64":"` + long + `="}}`,
		`{"db":0,"key":"k","type":"string","value":{"base64":"` + long[:longLine] + `aaa=aaaa"}}`,
		`{"db":-1,"key":"k","type":"string","value":"` + long + `"}`,
		`{"db":0,"key":"k","type":"string","deadline_unix_ms":-1,"value":"` + long + `"}`,
		`{"db":0,"key":"k","type":"list","value":"` + long + `"}`,
	} {
		to := filepath.Join(t.TempDir(), "new")
		in := openFile(t, "x.json", good+bad+"\n"+`{"db":0,"key":"e","type":"string","value":"end"}`)
		_, err := IntoDirectory(t.Context(), in, to, options())
		if !errors.Is(err, ErrInput) || !strings.Contains(err.Error(), "x.json: line 2:") {
			t.Errorf("%.60s: %.200v", bad, err)
		}
		if _, err := os.Stat(to); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the directory is there: %v", err)
		}
		o := options()
		o.SkipBad = true
		if r, err := IntoDirectory(t.Context(), in, to, o); err != nil || r.Skipped != 1 || r.Keys != 2 {
			t.Errorf("%.60s, left out: %v, %.300v", bad, err, r)
		}
	}
}

// What makes no sense in a large value is told with the value's line.
func TestLargeLinesDamaged(t *testing.T) {
	elements := func(n int, one func(i int) string) string {
		var all []string
		for i := range n {
			all = append(all, one(i))
		}
		return strings.Join(all, ",")
	}
	word := strings.Repeat("x", 1000)
	for name, text := range map[string]string{
		"set, twice": `{"db":0,"key":"k","type":"set","count":1200,"elements":[` + elements(600, func(i int) string { return fmt.Sprintf(`"%d%s"`, i, word) }) + "]}\n" +
			`{"db":0,"key":"k","more":true,"elements":[` + elements(600, func(i int) string { return fmt.Sprintf(`"%d%s"`, i, word) }) + "]}\n",
		"stream, out of order": `{"db":0,"key":"k","type":"stream","count":1200,"elements":[` + elements(600, func(i int) string {
			return fmt.Sprintf(`{"id":"%d-1","fields":[{"field":"f","value":"%s"}]}`, i+1, word)
		}) + "]}\n" +
			`{"db":0,"key":"k","more":true,"elements":[` + elements(600, func(i int) string {
			return fmt.Sprintf(`{"id":"%d-1","fields":[{"field":"f","value":"%s"}]}`, i+1, word)
		}) + "]}\n",
		"zset, no score": `{"db":0,"key":"k","type":"zset","count":1200,"elements":[` + elements(600, func(i int) string { return fmt.Sprintf(`{"member":"%d%s","score":1}`, i, word) }) + "]}\n" +
			`{"db":0,"key":"k","more":true,"elements":[` + elements(600, func(i int) string { return fmt.Sprintf(`{"member":"m%d%s","score":"high"}`, i, word) }) + "]}\n",
		"hash, half a field": `{"db":0,"key":"k","type":"hash","count":1200,"elements":[` + elements(600, func(i int) string { return fmt.Sprintf(`{"field":"%d%s","value":1}`, i, word) }) + "]}\n" +
			`{"db":0,"key":"k","more":true,"elements":[` + elements(600, func(i int) string { return fmt.Sprintf(`{"field":"m%d%s"}`, i, word) }) + "]}\n",
	} {
		o := options()
		o.Memory = 2 << 20
		in := openFile(t, "x.json", `{"db":0,"key":"a","type":"string","value":"1"}`+"\n"+text+`{"db":0,"key":"z","type":"string","value":"2"}`+"\n")
		to := filepath.Join(t.TempDir(), "new")
		if _, err := IntoDirectory(t.Context(), in, to, o); err == nil || !strings.Contains(err.Error(), ": line ") {
			t.Errorf("%s: %.200v", name, err)
		}
		o.SkipBad = true
		if r, err := IntoDirectory(t.Context(), in, to, o); err != nil || r.Skipped == 0 || r.Keys < 2 || r.Keys > 3 {
			t.Errorf("%s, left out: %v, %.300v", name, err, r)
		}
	}
}
