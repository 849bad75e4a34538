package intake

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"holdfast/commands"
	"holdfast/inspect"
	"holdfast/internal/vfs"
	"holdfast/restore"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// taken is what an input has, as text.
type taken struct {
	lines   []string
	bad     []string
	notes   []string
	skipBad bool
}

func (x *taken) handler() handler {
	return handler{
		command: func(c *Command) error {
			words := []string{fmt.Sprint(c.DB)}
			for _, arg := range c.Args {
				words = append(words, string(arg))
			}
			x.lines = append(x.lines, strings.Join(words, " "))
			return nil
		},
		bad: func(err error) error {
			x.bad = append(x.bad, err.Error())
			if !x.skipBad {
				return err
			}
			return nil
		},
		unread: func(Unread) {},
		told:   func(note string) { x.notes = append(x.notes, note) },
	}
}

func (x *taken) aof(text string, last bool) error {
	file := io.NewSectionReader(strings.NewReader(text), 0, int64(len(text)))
	r := &aofReader{name: "f", in: bufio.NewReader(file), file: file, last: last, h: x.handler()}
	return r.run()
}

func (x *taken) json(text string) error {
	r := &jsonReader{name: "f", in: bufio.NewReader(strings.NewReader(text)), h: x.handler(), types: commands.Types()}
	return r.run()
}

// requests are commands as they stand in an AOF; a bar parts them.
func requests(text string) string {
	var b strings.Builder
	for _, command := range strings.Split(text, "|") {
		words := strings.Fields(command)
		fmt.Fprintf(&b, "*%d\r\n", len(words))
		for _, word := range words {
			fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(word), word)
		}
	}
	return b.String()
}

func TestAOFReader(t *testing.T) {
	whole := requests("SELECT 3|SET a 1") + "#TS:1700000000\r\n" + requests("MULTI|SET b 2|SELECT 0|DEL a|EXEC|SET c 3")
	var x taken
	must(t, x.aof(whole, true))
	if got := strings.Join(x.lines, "|"); got != "3 SET a 1|3 SET b 2|0 DEL a|0 SET c 3" || x.notes != nil {
		t.Errorf("%q, %q", got, x.notes)
	}
	// However it is torn, what is whole comes, and no transaction in part.
	for cut := range len(whole) {
		var x taken
		if err := x.aof(whole[:cut], true); err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if n := len(x.lines); n > 0 && n != 1 && n != 3 && n != 4 {
			t.Errorf("cut at %d: %q", cut, x.lines)
		}
		if err := (&taken{}).aof(whole[:cut], false); err == nil && len(x.notes) > 0 {
			t.Errorf("cut at %d, with another file behind it: no error", cut)
		}
	}
	for text, where := range map[string]string{
		requests("SET a 1") + "x":                     "offset 27",
		requests("SET a 1") + "*1\r\n$3\r\nabcde\r\n": "offset 38",
		"*1\r\n$-1\r\n":                               "offset 4",
		"*99999999999999999999\r\n":                   "offset 0",
		"*0\r\n":                                      "offset 0",
		"*1\n$1\r\n":                                  "offset 0",
		requests("SELECT x"):                          "offset 0",
		"*1\r\n" + strings.Repeat("$", 100_000) + "\r\nPING\r\n": "offset 4",
	} {
		if err := (&taken{}).aof(text, true); !errors.Is(err, ErrInput) || !strings.Contains(err.Error(), where+":") {
			t.Errorf("%.60q: %v, expected at %s", text, err, where)
		}
	}
}

func TestJSONReader(t *testing.T) {
	good := `{"db":0,"key":"s","type":"string","value":"v"}
{"db":1,"key":{"base64":"/w=="},"type":"string","deadline_unix_ms":5,"value":12}

{"db":0,"key":"l","type":"list","count":3,"elements":["a",{"base64":"Yg=="}]}
{"db":0,"key":"l","more":true,"elements":["c"]}
{"db":0,"key":"h","type":"hash","count":1,"elements":[{"field":"f","value":"v","deadline_unix_ms":7}]}
{"db":0,"key":"z","type":"zset","count":2,"elements":[{"member":"m","score":1.5},{"member":"n","score":"inf"}]}
{"db":0,"key":"x","type":"stream","count":1,"elements":[{"id":"1-1","fields":[{"field":"f","value":"v"}]},{"aside":"group","group":"g","last_delivered_id":"0-0","entries_read":-1}]}`
	var x taken
	must(t, x.json(good))
	want := []string{"0 SET s v", "1 SET \xff 12", "1 PEXPIREAT \xff 5", "0 RPUSH l a b c", "0 HSET h f v", "0 HPEXPIREAT h 7 FIELDS 1 f",
		"0 ZADD z 1.5 m inf n", "0 XADD x 1-1 f v", "0 XGROUP CREATE x g 0-0 ENTRIESREAD -1"}
	if strings.Join(x.lines, "|") != strings.Join(want, "|") {
		t.Errorf("%q", x.lines)
	}
	for bad, line := range map[string]int{
		"{": 2, "null": 2, "[]": 2, `{"db":0}`: 2, `{"db":-1,"key":"k","type":"string","value":"v"}`: 2,
		`{"db":0,"key":"k","type":"none","value":"v"}`: 2, `{"db":0,"key":"k","type":"list"}`: 2,
		`{"db":0,"key":"k","type":"string","value":"v","elements":[]}`:                             2,
		`{"db":0,"key":"k","type":"string","value":{"base64":"?"}}`:                                2,
		`{"db":0,"key":"k","type":"string","value":{"base64":"","x":1}}`:                           2,
		`{"db":0,"key":"k","type":"string","value":true}`:                                          2,
		`{"db":0,"key":"k","type":"string","valu":"v"}`:                                            2,
		`{"db":0,"key":"k","type":"list","count":2,"elements":["a"]}`:                              2,
		`{"db":0,"key":"k","type":"list","count":1,"elements":[{}]}`:                               2,
		`{"db":0,"key":"k","type":"hash","count":1,"elements":[{"field":1,"deadline_unix_ms":0}]}`: 2,
		`{"db":0,"key":"k","more":true,"elements":["a"]}`:                                          2,
	} {
		text := `{"db":0,"key":"s","type":"string","value":"v"}` + "\n" + bad + "\n" + `{"db":0,"key":"e","type":"string","value":"end"}` + "\n"
		if err := (&taken{}).json(text); !errors.Is(err, ErrInput) || !strings.Contains(err.Error(), fmt.Sprintf("f: line %d:", line)) {
			t.Errorf("%s: %v", bad, err)
		}
		x := taken{skipBad: true}
		if err := x.json(text); err != nil || len(x.bad) != 1 || x.lines[0] != "0 SET s v" || x.lines[len(x.lines)-1] != "0 SET e end" {
			t.Errorf("%s, left out: %v, %q, %q", bad, err, x.bad, x.lines)
		}
	}
}

// openFile writes and opens an input.
func openFile(t *testing.T, name, text string) *Input {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(path, []byte(text), 0o600))
	in, err := Open(vfs.OS(), path)
	must(t, err)
	t.Cleanup(func() { must(t, in.Close()) })
	return in
}

func options() Options { return Options{FS: vfs.OS(), Clock: time.Now} }

func TestIntoDirectory(t *testing.T) {
	in := openFile(t, "x.aof", requests("SET a 1|RPUSH l x y|SELECT 2|SET b 2|PEXPIREAT b 99999999999999"))
	to := filepath.Join(t.TempDir(), "new")
	r, err := IntoDirectory(t.Context(), in, to, options())
	must(t, err)
	if r.Keys != 3 || r.TTLs != 1 || r.Commands != 4 || r.Skipped != 0 {
		t.Errorf("%+v", r)
	}
	var b bytes.Buffer
	must(t, r.WriteText(&b))
	if want := fmt.Sprintf("imported %s (AOF) into %s\n  keys      3, 1 with a TTL\n  commands  4\n", in.Name, to); b.String() != want {
		t.Errorf("%s", b.String())
	}
	s, err := inspect.OpenSnapshot(vfs.OS(), filepath.Join(to, "base.db"))
	must(t, err)
	b.Reset()
	_, err = inspect.Export(s.Source(), inspect.ExportOptions{KeyFilter: inspect.KeyFilter{DB: inspect.AllDatabases}}, inspect.NewJSONLines(&b))
	must(t, errors.Join(err, s.Close()))
	want := `{"db":0,"key":"a","type":"string","value":"1"}
{"db":0,"key":"l","type":"list","count":2,"elements":["x","y"]}
{"db":2,"key":"b","type":"string","deadline_unix_ms":99999999999999,"value":"2"}
`
	if b.String() != want {
		t.Errorf("%s", b.String())
	}
	if _, err := IntoDirectory(t.Context(), in, to, options()); !errors.Is(err, restore.ErrNotEmpty) {
		t.Errorf("into what is there: %v", err)
	}
}

// What is damaged leaves nothing behind; left out, it is counted.
func TestIntoDirectoryWithDamage(t *testing.T) {
	in := openFile(t, "x.json", `{"db":0,"key":"a","type":"string","value":"1"}
{"db":0,"key":"b","type":"list","count":5,"elements":["x"]}
{"db":0,"key":"a","type":"list","count":1,"elements":["wrong type"]}
{"db":0,"key":"c","type":"string","value":"3"}
`)
	to := filepath.Join(t.TempDir(), "new")
	_, err := IntoDirectory(t.Context(), in, to, options())
	if !errors.Is(err, ErrInput) || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(to); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory is there: %v", err)
	}
	o := options()
	o.SkipBad = true
	r, err := IntoDirectory(t.Context(), in, to, o)
	if must(t, err); r.Keys != 2 || r.Skipped != 2 || len(r.Problems) != 2 || !strings.Contains(r.Problems[1], "line 3") {
		t.Errorf("%+v", r)
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		must(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	write("multi/a.1.incr.aof", requests("SET a 1"))
	write("multi/a b.2.incr.aof", requests("SET a 2"))
	write("multi/x.manifest", "file a.1.base.rdb seq 1 type h\nfile \"a b.2.incr.aof\" seq 2 type i\nfile a.1.incr.aof seq 1 type i\n")
	for path, want := range map[string]error{
		filepath.Join(dir, "no"):     inspect.ErrNothing,
		write("empty", ""):           ErrUnknown,
		write("other", "PK\x03\x04"): ErrUnknown,
		filepath.Join(dir, "multi"):  nil,
		dir:                          ErrUnknown,
		write("json", " {\"db\":0}"): nil,
		write("none/x.manifest", ""): ErrInput,
		write("up/x.manifest", "file ../x seq 1 type b\n"): ErrInput,
		write("gone/x.manifest", "file x seq 1 type i\n"):  ErrInput,
		write("odd/x.manifest", "hello\n"):                 ErrInput,
	} {
		in, err := Open(vfs.OS(), path)
		if !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if err == nil {
			must(t, in.Close())
		}
	}
	in, err := Open(vfs.OS(), filepath.Join(dir, "multi", "x.manifest"))
	must(t, err)
	var x taken
	must(t, in.eachCommand(x.handler()))
	if strings.Join(x.lines, "|") != "0 SET a 1|0 SET a 2" {
		t.Errorf("%q", x.lines)
	}
}

// At whatever operation the disk fails, the import fails and leaves a directory that is empty, or can be used again.
func TestIntoDirectoryOnAFailingDisk(t *testing.T) {
	in := openFile(t, "x.aof", requests("SET a 1|SET b 2"))
	root := t.TempDir()
	for n := 1; ; n += 5 {
		to := filepath.Join(root, fmt.Sprint(n))
		faulty := vfs.NewFaulty(root, 1)
		faulty.FailAt(n, errors.New("no space left"))
		o := options()
		o.FS = faulty
		_, err := IntoDirectory(t.Context(), in, to, o)
		if err == nil {
			if len(faulty.Injected()) > 0 {
				t.Fatalf("operation %d failed, and nobody said so", n)
			}
			break
		}
		if _, err := os.Stat(filepath.Join(to, "base.db")); err == nil {
			continue // it was whole, and what failed came after
		}
		if _, err := IntoDirectory(t.Context(), in, to, options()); err != nil {
			t.Fatalf("operation %d had failed; then: %v", n, err)
		}
	}
}

func FuzzAOFReader(f *testing.F) {
	f.Add(requests("SELECT 3|SET a 1|MULTI|DEL a|EXEC"), true)
	f.Add("*1\r\n$4\r\nPI", false)
	f.Fuzz(func(t *testing.T, text string, last bool) {
		x := taken{skipBad: true}
		must(t, x.aof(text, last))
	})
}

func FuzzJSONReader(f *testing.F) {
	f.Add(`{"db":0,"key":"l","type":"list","count":1,"elements":["a"]}` + "\n" + `{"db":0,"key":"l","more":true,"elements":["c"]}`)
	f.Add(`{"db":0,"key":"x","type":"stream","count":1,"elements":[{"id":"1-1","fields":[{"field":"f","value":"v"}]},{"aside":"stream","last_id":"1-1"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		x := taken{skipBad: true}
		must(t, x.json(text))
	})
}
