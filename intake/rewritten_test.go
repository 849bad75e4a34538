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

	"holdfast/commands"
	"holdfast/inspect"
	"holdfast/internal/vfs"
	"holdfast/outline"
	"holdfast/resp"
)

// rewritten is what an RDB file has, as commands.
func rewritten(t *testing.T, file []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "dump.rdb")
	must(t, os.WriteFile(path, file, 0o600))
	source, err := inspect.OpenRDB(vfs.OS(), path)
	must(t, err)
	var b bytes.Buffer
	_, err = inspect.Export(source, inspect.ExportOptions{KeyFilter: inspect.KeyFilter{DB: inspect.AllDatabases}}, inspect.NewCommands(inspect.NewRequests(&b, false)))
	must(t, errors.Join(err, source.Close()))
	return b.String()
}

// surveyOf finds the large values of an AOF, and those that nothing before them is about.
func surveyOf(t *testing.T, text string, least int64) (found []run) {
	t.Helper()
	d := directory{in: newInput(vfs.OS(), "x"), Options: Options{}}
	h := handler{progress: func(int64) {}}
	file := io.NewSectionReader(strings.NewReader(text), 0, int64(len(text)))
	s := d.newSurvey(part{path: "x"}, file, h)
	s.least = least
	must(t, s.find())
	must(t, d.newSurvey(part{path: "x"}, file, h).forget(s.large, int64(len(text))))
	for _, r := range s.order {
		if s.large[keyName{r.db, string(r.key)}] != nil {
			found = append(found, *r)
		}
	}
	return found
}

// Large values that an AOF begins with go into the base in parts, and are what they would have been.
func TestRewrittenAOFInParts(t *testing.T) {
	const n = 5_000
	file := fileOfLarge(t, n)
	text := rewritten(t, file)
	if found := surveyOf(t, text, 64<<10); len(found) != 5 {
		t.Fatalf("%d large values were found", len(found))
	}
	dir := filepath.Join(t.TempDir(), "aof")
	must(t, os.MkdirAll(dir, 0o700))
	long := strings.Repeat("long ", 100_000)
	text = requests("SET small 1|RPUSH few a b c|PEXPIREAT few 1900000000001") + "#TS:1700000000\r\n" + text +
		string(resp.AppendCommand(nil, "SET", "long", long)) + requests("PEXPIREAT long 1900000000002")
	must(t, os.WriteFile(filepath.Join(dir, "a.base.aof"), []byte(text), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "a.incr.aof"), []byte(requests("RPUSH few d|DEL gone|SELECT 0|SADD more x|APPEND long er")), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "a.manifest"), []byte("file a.base.aof seq 1 type b\nfile a.incr.aof seq 1 type i\n"), 0o600))

	in, err := Open(vfs.OS(), dir)
	must(t, err)
	to, o := filepath.Join(t.TempDir(), "new"), options()
	o.Memory = 2 << 20
	r, err := IntoDirectory(t.Context(), in, to, o)
	must(t, err)
	var all taken
	must(t, in.eachCommand(all.handler()))
	if r.Keys != 9 || r.TTLs != 4 || r.Commands != int64(len(all.lines)) || r.Skipped != 0 {
		t.Errorf("%+v, with %d commands", r, len(all.lines))
	}
	haveParts(t, to, file, n)
	s, err := inspect.OpenSnapshot(vfs.OS(), filepath.Join(to, "base.db"))
	must(t, err)
	defer func() { must(t, s.Close()) }()
	must(t, s.Source().Find(0, []byte("long"), func(e *inspect.Entry) error {
		var got bytes.Buffer
		err := e.Pieces(func(piece []byte) error { got.Write(piece); return nil })
		if got.String() != "er"+long && got.String() != long+"er" || e.Deadline != 1900000000002 {
			t.Errorf("a string of %d bytes, deadline %d", got.Len(), e.Deadline)
		}
		return err
	}))
}

// What is not a value that comes from nothing but its run is replayed, and what comes behind a run; with the same outcome as if all was.
func TestRewrittenAOFAndWhatElseThereIs(t *testing.T) {
	word := strings.Repeat("x", 1000)
	run := func(command string, from int) string {
		var b []byte
		for i := range 10 {
			words := []string{command, "k"}
			for j := range 20 {
				words = append(words, fmt.Sprint(from+20*i+j, word))
			}
			b = resp.AppendCommand(b, words...)
		}
		return string(b)
	}
	library := string(resp.AppendCommand(nil, "FUNCTION", "LOAD", "#!lua name=l\nredis.register_function('f', function() return 1 end)"))
	set := run("SADD", 0)
	for name, x := range map[string]struct {
		text  string
		found int
	}{
		"a run":                  {set, 1},
		"with more behind it":    {set + requests("SADD k a|SREM k a"), 1},
		"a run, and a member":    {set + requests("SET x y|SADD k a"), 1},
		"in two runs":            {set + requests("SET x y") + run("SADD", 500), 1},
		"deleted behind it":      {set + requests("DEL k|SADD k a"), 1},
		"with two deadlines":     {set + requests("PEXPIREAT k 1900000000000|PEXPIREAT k 1900000000001"), 1},
		"deleted by a deadline":  {set + requests("PEXPIREAT k -1|SADD k b"), 1},
		"something before it":    {requests("SADD k a|SET x y") + set, 0},
		"a deadline before it":   {requests("PEXPIREAT k 5|SET x y") + set, 0},
		"in lower case":          {strings.ReplaceAll(set, "SADD", "sadd"), 1},
		"something twice":        {set + set, 1},
		"a list with that":       {run("RPUSH", 0) + run("RPUSH", 0), 1},
		"behind another command": {requests("INCR x") + set, 0},
		"behind a transaction":   {requests("MULTI|SET x y|EXEC") + set, 0},
		"behind a library":       {library + set, 1},
		"in another database":    {requests("SADD k a|SELECT 1") + set + requests("SELECT 0|SREM k a|SET x y|RENAME x k"), 1},
		"cut off":                {set + "*3\r\n$4\r\nSADD\r\n$1\r\nk\r\n$4\r\nab", 1},
		"with stamps":            {strings.ReplaceAll(set, "*22\r\n", "#TS:1700000000\r\n*22\r\n"), 1},
	} {
		if found := surveyOf(t, x.text, 64<<10); len(found) != x.found {
			t.Errorf("%s: %d were found", name, len(found))
		}
		var reports [2]Report
		var sides [2]*inspect.Snapshot
		for i, memory := range []int64{2 << 20, 256 << 20} {
			o, to := options(), filepath.Join(t.TempDir(), "new")
			o.Memory = memory
			var err error
			reports[i], err = IntoDirectory(t.Context(), openFile(t, "x.aof", x.text), to, o)
			must(t, err)
			sides[i], err = inspect.OpenSnapshot(vfs.OS(), filepath.Join(to, "base.db"))
			must(t, err)
		}
		nothing := func(d inspect.Difference) error { t.Errorf("%s: %s is %s", name, d.Key, d.Change); return nil }
		_, err := inspect.Diff(t.Context(), sides[0], sides[1], inspect.DiffOptions{DB: inspect.AllDatabases}, nothing, nil)
		must(t, errors.Join(err, sides[0].Close(), sides[1].Close()))
		if a, b := reports[0], reports[1]; a.Keys != b.Keys || a.TTLs != b.TTLs || a.Commands != b.Commands || len(a.Notes) != len(b.Notes) {
			t.Errorf("%s: %+v, and %+v if all is replayed", name, a, b)
		}
	}
}

// A value that a Redis has written, at its largest: nothing of it is read twice as something else.
func FuzzRewritten(f *testing.F) {
	f.Add(requests("SELECT 3|SET a 1|RPUSH l a b|RPUSH l c|PEXPIREAT l 5|SADD l a|HMSET h f v|HPEXPIREAT h 7 FIELDS 1 f|ZADD z 1 a"))
	f.Add(requests("XADD x 1-1 f v|XSETID x 1-1 ENTRIESADDED 1 MAXDELETEDID 0-0|XGROUP CREATE x g 0-0 ENTRIESREAD 0") + "#TS:1\r\n" +
		requests("XCLAIM x g c 0 1-1 TIME 5 RETRYCOUNT 1 JUSTID FORCE|MULTI|SADD s a|EXEC"))
	f.Fuzz(func(t *testing.T, text string) {
		found := surveyOf(t, text, 1)
		all := taken{skipBad: true}
		must(t, all.aof(text, true))
		in, rest := strings.NewReader(text), taken{skipBad: true}
		file := io.NewSectionReader(in, 0, int64(len(text)))
		r := aofReader{name: "f", in: bufio.NewReader(file), file: file, last: true, skip: found, h: rest.handler()}
		must(t, r.run())
		passed := 0
		for _, made := range found {
			passed += int(made.commands)
			v := runValue{run: made, name: "f", file: in, types: commands.Types()}
			if err := v.Walk(func(outline.Element) error { return nil }); err != nil && !errors.Is(err, outline.ErrNoValue) {
				t.Errorf("%s: %v", made.key, err)
			}
		}
		if len(rest.lines)+passed != len(all.lines) || len(rest.bad) != len(all.bad) {
			t.Errorf("%d commands are left, and %d in %d values, of %d", len(rest.lines), passed, len(found), len(all.lines))
		}
	})
}

// A key takes the memory that the import is given, and not its own.
func TestRewrittenAOFTakesLittleMemory(t *testing.T) {
	if raced {
		t.Skip("memory is another under the race detector")
	}
	const most, commands, size = 24 << 20, 450, 1500 // 43 MB
	path := filepath.Join(t.TempDir(), "x.aof")
	must(t, vfs.WriteStream(vfs.OS(), path, func(out io.Writer) error {
		w := bufio.NewWriter(out)
		tail := strings.Repeat("x", size-20)
		var b []byte
		for i := range commands {
			words := []string{"HMSET", "h"}
			for j := range 64 {
				words = append(words, fmt.Sprint(64*i+j), fmt.Sprintf("%020d", i)+tail)
			}
			b = resp.AppendCommand(b[:0], words...)
			if _, err := w.Write(b); err != nil {
				return err
			}
		}
		return w.Flush()
	}))
	in, err := Open(vfs.OS(), path)
	must(t, err)
	o := options()
	o.Memory = 4 << 20
	took := heapDuring(func() { _, err = IntoDirectory(t.Context(), in, filepath.Join(t.TempDir(), "new"), o) })
	must(t, err)
	t.Logf("%d MB", took>>20)
	if took > most {
		t.Errorf("%d MB of heap for a value of %d MB", took>>20, commands*64*size>>20)
	}
}
