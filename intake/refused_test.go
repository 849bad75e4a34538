package intake

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/inspect"
	"holdfast/internal/vfs"
	"holdfast/kv"
	"holdfast/outline"
	"holdfast/rdb"
)

// importsOrNot takes an input that has something bad in it into a directory: refused as damaged, at the place that is told, and
// nothing there; with what is bad left out, so many keys.
func importsOrNot(t *testing.T, in *Input, keys, skipped int64, want string) {
	t.Helper()
	o, root := options(), t.TempDir()
	_, err := IntoDirectory(t.Context(), in, filepath.Join(root, "a"), o)
	if !errors.Is(err, ErrInput) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "work.tmp") {
		t.Errorf("%v, want %s", err, want)
	}
	if _, err := os.Stat(filepath.Join(root, "a")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s: the directory is there: %v", want, err)
	}
	o.SkipBad = true
	r, err := IntoDirectory(t.Context(), in, filepath.Join(root, "b"), o)
	if err != nil || r.Keys != keys || r.Skipped != skipped || len(r.Problems) == 0 || !strings.Contains(r.Problems[0], want) {
		t.Errorf("%s, left out: %v, %+v", want, err, r)
	}
}

// A command of an AOF that cannot be done is damage like any other, and so is one that no AOF has.
func TestCommandsThatCannotBeDone(t *testing.T) {
	for bad, want := range map[string]string{
		"NOSUCH a":                     "ERR unknown command 'NOSUCH'",
		"SET a":                        "ERR wrong number of arguments for 'set' command",
		"INCR s":                       "incr replied -ERR value is not an integer",
		"LPUSH s x":                    "lpush replied -WRONGTYPE",
		"SHUTDOWN":                     "shutdown is no command that makes data",
		"SUBSCRIBE c":                  "subscribe is no command that makes data",
		"WATCH s":                      "watch is no command that makes data",
		"MIGRATE h 1 s 0 1":            "migrate is no command that makes data",
		"CONFIG SET databases 1":       "config|set is no command that makes data",
		"MULTI|SET x 1|LPUSH x 1|EXEC": "lpush replied -WRONGTYPE",
	} {
		offset, keys := "offset 30: ", int64(2)
		if strings.HasPrefix(bad, "MULTI") {
			offset, keys = "offset 72: ", 3
		}
		importsOrNot(t, openFile(t, "x.aof", requests("SET s text|"+bad+"|RPUSH l x")), keys, 1, "x.aof: "+offset+want)
	}
	importsOrNot(t, openFile(t, "x.aof", requests("SET s 1|SELECT 99999|SET a 1|SET b 1|SELECT 1023|SET c 1")), 2, 2,
		"x.aof: offset 54: a key in database 99999; there can be 1024")
}

// Likewise with lines of JSON; a key that is refused in part is left out.
func TestLinesThatCannotBeDone(t *testing.T) {
	good := `{"db":1023,"key":"a","type":"string","value":"1"}` + "\n"
	list := `{"db":0,"key":"l","type":"list","count":2,"elements":["x"]}` + "\n" + `{"db":0,"key":"l","more":true,"elements":["y"]}` + "\n"
	for bad, want := range map[string]string{
		`{"db":99999,"key":"b","type":"string","value":"1"}`: "a key in database 99999; there can be 1024",
		`{"db":0,"key":"x","type":"stream","count":2,"elements":[{"id":"2-0","fields":[{"field":"f","value":"v"}]},` +
			`{"id":"1-0","fields":[{"field":"f","value":"v"}]}]}`: "xadd replied -ERR The ID specified in XADD is equal or smaller",
		`{"db":1023,"key":"a","type":"string","value":"2"}`:                     `the key "a" is there twice`,
		`{"db":0,"key":"b","more":1}`:                                           `"more" is a number where there should be true or false`,
		`{"db":"0","key":"b"}`:                                                  `"db" is a string where there should be a whole number that fits`,
		`{"db":0,"key":"b","type":"string","valu":1}`:                           `unknown field "valu"`,
		`{"db":0,"key":"b","type":["x"]}`:                                       `"type" is a list where there should be a string`,
		`{"db":0,"key":"x","type":"stream","count":1,"elements":[{"aside":7}]}`: "element 1 of the line: a number where there should be a string",
	} {
		importsOrNot(t, openFile(t, "x.json", good+bad+"\n"+list), 2, 1, "x.json: line 2: ")
		importsOrNot(t, openFile(t, "x.json", good+bad+"\n"), 1, 1, want)
	}
	importsOrNot(t, openFile(t, "x.json", list+good+list), 2, 1, `x.json: line 4: the key "l" is there twice`)
}

// A key of an RDB file in a database that cannot be is named.
func TestKeyInADatabaseThatCannotBe(t *testing.T) {
	var file bytes.Buffer
	w := rdb.NewWriter(&file, rdb.Version70)
	for _, db := range []int{0, 1024} {
		must(t, w.DB(db, 1, 0))
		writeValue(t, w, "k", kv.Set, 1, func(int) outline.Element { return element2(outline.Member, "m", "", "") })
	}
	must(t, w.End())
	importsOrNot(t, openFile(t, "dump.rdb", file.String()), 1, 1, `dump.rdb: key "k": it is in database 1024; there can be 1024`)
}

// What begins with an RDB file is called an AOF where commands follow; and where a server refused some, nobody says that keys
// have been replaced.
func TestWhatAReportSays(t *testing.T) {
	var file bytes.Buffer
	w := rdb.NewWriter(&file, rdb.Version70)
	must(t, w.DB(0, 1, 0))
	writeValue(t, w, "k", kv.Set, 1, func(int) outline.Element { return element2(outline.Member, "m", "", "") })
	must(t, w.End())
	r, err := IntoDirectory(t.Context(), openFile(t, "x.aof", file.String()+requests("SET a 1")), filepath.Join(t.TempDir(), "new"), options())
	if must(t, err); r.Kind != "AOF that begins with an RDB file" || r.Keys != 2 {
		t.Errorf("%+v", r)
	}
	var b strings.Builder
	must(t, Report{From: "f", Kind: "RDB file", To: "s", Keys: 3, Replaced: 2, Commands: 4, Refused: 1, sent: true}.WriteText(&b))
	want := "imported a part of f (RDB file) into s\n  keys      3 sent; 2 were there\n  commands  4\n  refused   1 of the commands, by the server, which has done the others\n"
	if b.String() != want {
		t.Errorf("%s, want %s", b.String(), want)
	}
	b.Reset()
	must(t, Report{From: "f", Kind: "RDB file", To: "s", Keys: 1, Replaced: 1, Skipped: 1, sent: true}.WriteText(&b))
	if want := "imported f (RDB file) into s\n  keys      1; 1 was there and is replaced\n  left out  1, as it makes no sense\n"; b.String() != want {
		t.Errorf("%s, want %s", b.String(), want)
	}
}

// Behind damage of an RDB file, or of an AOF, nothing is read: that is told as a loss, and not as one thing that is left out.
func TestWhatIsLostBehindDamage(t *testing.T) {
	var file bytes.Buffer
	w := rdb.NewWriter(&file, rdb.Version70)
	must(t, w.DB(0, 9, 0))
	for i := range 9 {
		writeValue(t, w, fmt.Sprint("key ", i), kv.Set, 3, func(i int) outline.Element { return element2(outline.Member, long(i), "", "") })
	}
	must(t, w.End())
	cut := bytes.Index(file.Bytes(), []byte("key 2")) + 3
	commands := requests("SET a 1|SET b 2")
	for name, text := range map[string]string{
		"cut.rdb": file.String()[:cut],
		"bad.aof": commands + "oops\r\n" + requests("SET c 3"),
	} {
		o := options()
		o.SkipBad = true
		in := openFile(t, name, text)
		r, err := IntoDirectory(t.Context(), in, filepath.Join(t.TempDir(), "new"), o)
		must(t, err)
		if len(r.Unread) != 1 || r.Keys != 2 || !errors.Is(r.Lost(), ErrInput) {
			t.Fatalf("%s: %+v", name, r)
		}
		u := r.Unread[0]
		if u.File != in.Name || u.Size != int64(len(text)) || u.From <= int64(len(commands)/2) || u.From > u.Size {
			t.Errorf("%s: %+v", name, u)
		}
		var b strings.Builder
		must(t, r.WriteText(&b))
		want := fmt.Sprintf("  lost      everything behind offset %d of the %d bytes of %s, which could not be read\n", u.From, u.Size, u.File)
		if u.From == u.Size {
			want = fmt.Sprintf("  lost      everything that stood behind offset %d of %s, where it is cut off\n", u.Size, u.File)
		}
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s: %s", name, b.String())
		}
	}
	whole, err := IntoDirectory(t.Context(), openFile(t, "x.rdb", file.String()), filepath.Join(t.TempDir(), "new"), options())
	if must(t, err); whole.Lost() != nil {
		t.Error(whole.Lost())
	}
}

// A sketch becomes dense where it does in a Redis.
func TestSketchOfAnAOF(t *testing.T) {
	var text strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&text, "PFADD large %d|", i)
	}
	to := filepath.Join(t.TempDir(), "new")
	_, err := IntoDirectory(t.Context(), openFile(t, "x.aof", requests(text.String()+"PFADD small 1")), to, options())
	must(t, err)
	s, err := inspect.OpenSnapshot(vfs.OS(), filepath.Join(to, "base.db"))
	must(t, err)
	var found []string // and whether each has a register for every place, as a dense one
	err = s.Source().Each(inspect.Scope{DB: inspect.AllDatabases}, func(e *inspect.Entry) error {
		var sketch []byte
		err := e.Value.Walk(func(e outline.Element) error {
			sketch = append(sketch, e.Pieces[0].Bytes...)
			return nil
		})
		found = append(found, fmt.Sprintf("%s %v", string(e.Key), len(sketch) > 12<<10))
		return err
	})
	must(t, errors.Join(err, s.Close()))
	if got := strings.Join(found, ", "); got != "large true, small false" {
		t.Error(got)
	}
}
