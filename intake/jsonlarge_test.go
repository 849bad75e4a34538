package intake

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/commands"
)

// setOfLines is a large set in two lines.
func setOfLines(key string) string {
	line := func(from int) string {
		var all []string
		for i := range 600 {
			all = append(all, fmt.Sprintf(`"%d%s"`, from+i, strings.Repeat("x", 1000)))
		}
		return strings.Join(all, ",")
	}
	return fmt.Sprintf(`{"db":0,"key":"%s","type":"set","count":1200,"elements":[%s]}`+"\n"+`{"db":0,"key":"%[1]s","more":true,"elements":[%[3]s]}`+"\n", key, line(0), line(600))
}

// A key that has an element, a field or a value "more" in its first line begins there; the one before ends.
func TestLargeLinesWithSomethingCalledMore(t *testing.T) {
	text := setOfLines("a") + `{"db":0,"key":"m","type":"set","count":1,"elements":["more"]}` + "\n" +
		`{"db":0,"key":"n","type":"string","value":"more"}` + "\n" + setOfLines("b") +
		strings.Replace(setOfLines("more"), `"0xx`, `"more","0xx`, 1)
	text = strings.Replace(text, `"key":"more","type":"set","count":1200`, `"key":"more","type":"set","count":1201`, 1)
	var found []string
	s := jsonSurvey{jsonReader: jsonReader{name: "x", in: bufio.NewReaderSize(strings.NewReader(text), longLine), types: commands.Types()}}
	s.found = func(l *jsonLarge) error {
		found = append(found, fmt.Sprintf("%s, line %d: %d", *l.head.Key, l.line, l.key.Elements))
		return nil
	}
	must(t, s.run())
	if got, want := strings.Join(found, "; "), "a, line 1: 1200; b, line 5: 1200; more, line 7: 1201"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	o := options()
	o.Memory = 2 << 20
	r, err := IntoDirectory(t.Context(), openFile(t, "x.json", text), filepath.Join(t.TempDir(), "new"), o)
	if must(t, err); r.Keys != 5 || r.Commands != 2 {
		t.Errorf("%+v", r)
	}
}

// A long string in a database that cannot be is told so.
func TestLongTextInADatabaseThatCannotBe(t *testing.T) {
	for _, c := range []struct {
		db, length int
		want       string
	}{
		{1024, longLine, "a key in database 1024; there can be 1024"},
		{-1, longLine, "a key in database -1, and there is none of that number"},
		{-1, 1, "a key in database -1, and there is none of that number"},
	} {
		text := fmt.Sprintf(`{"db":%d,"key":"k","type":"string","value":"%s"}`, c.db, strings.Repeat("a", c.length))
		_, err := IntoDirectory(t.Context(), openFile(t, "x.json", text), filepath.Join(t.TempDir(), "new"), options())
		if want := "x.json: line 1: " + c.want; !errors.Is(err, ErrInput) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// What ends a receiver of a long string is its own error, and no damage; and reading one is ended between two pieces.
func TestLongTextIsEnded(t *testing.T) {
	line := `{"db":0,"key":"k","type":"string","value":"` + strings.Repeat("a", longLine) + `"}`
	long, ok := longText([]byte(line))
	if !ok {
		t.Fatal("no long string")
	}
	long.file, long.to = strings.NewReader(line), int64(len(line))
	if err := long.pieces(func([]byte) error { return io.EOF }); err != io.EOF {
		t.Errorf("%v", err)
	}
	asked := 0
	if _, err := long.measured(func() error { asked++; return context.Canceled }); err != context.Canceled || asked != 1 {
		t.Errorf("asked %d times: %v", asked, err)
	}
}
