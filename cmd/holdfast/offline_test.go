package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/urfave/cli/v2"

	"holdfast/aof"
	"holdfast/internal/vfs"
	"holdfast/kv"
	"holdfast/lists"
	"holdfast/snapshot"
)

// dataDir makes a stopped server's directory: a base as of LSN 1 with a string and, in database 3, a list that is named
// as a flag is; a log of two records.
func dataDir(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	id := [16]byte{1}
	l := lists.New()
	l.PushBack([]byte("a"))
	l.PushBack([]byte("b\xff"))
	changes := snapshot.NewChanges(vfs.OS(), dir, 1<<20)
	err := errors.Join(
		changes.Put(1, []byte("greeting"), snapshot.Record{Kind: byte(kv.String), Payload: []byte("hello")}),
		changes.Put(2, []byte("--queue"), snapshot.Record{Kind: byte(kv.List), Payload: l.AppendBinary(nil)}))
	if err == nil {
		_, err = snapshot.WriteFresh(vfs.OS(), dir, "base.db", changes, snapshot.Meta{
			ID: id, LSN: 1, Logged: true, DBs: []snapshot.DB{{Index: 0, Store: 1}, {Index: 3, Store: 2}},
		})
	}
	if err = errors.Join(err, changes.Discard()); err != nil {
		t.Fatal(err)
	}
	log, _, err := aof.Recover(aof.Options{FS: vfs.OS(), Dir: filepath.Join(dir, "aof"), ID: id, SegmentBytes: 8192, Clock: time.Now},
		0, func(aof.Record) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	log.Append(0, 0, aof.AppendCommand(nil, 0, []byte("SET"), []byte("greeting"), []byte("hello")))
	log.Append(1, 0, aof.AppendCommand(nil, 0, []byte("DEL"), []byte("greeting")))
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// runOffline runs holdfast with args. It returns the exit code, and what was printed.
func runOffline(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	app := &cli.App{
		Name: "holdfast", Commands: []*cli.Command{snapshotCommand(), logCommand(), restoreCommand(), checkCommand()}, Writer: &stdout, ErrWriter: &stderr,
		ExitErrHandler: func(*cli.Context, error) {},
	}
	if err := app.Run(append([]string{"holdfast"}, args...)); err != nil {
		var coder cli.ExitCoder
		if !errors.As(err, &coder) {
			t.Fatalf("%q: an error without an exit code: %v", args, err)
		}
		code = coder.ExitCode()
		stderr.WriteString(err.Error())
	}
	return code, stdout.String(), stderr.String()
}

const logTitle = "LSN         time                      db   command\n"

func TestOffline(t *testing.T) {
	dir := dataDir(t)
	for _, c := range []struct {
		args string // DIR is the directory
		code int
		out  string // all of it, or behind "…" a part
		errs string // a part
	}{
		{args: "snapshot info --dir DIR", out: "…\nLSN       1\n"},
		{args: "snapshot info --file DIR/base.db", out: "…\nLSN       1\n"},
		{args: "snapshot stats --dir DIR", out: "…\nall       all     2 "},
		{args: "snapshot stats --dir DIR --biggest 0", out: "…\nall       all     2 "},
		{args: "snapshot keys --dir DIR", out: "0\t\"greeting\"\n3\t\"--queue\"\n"},
		{args: "snapshot keys --dir=", code: 2, errs: "--dir is empty: say where the data is; see"},
		{args: "snapshot keys --dir DIR --db 3", out: "\"--queue\"\n"},
		{args: "snapshot keys --dir DIR --match g*ing --type string --limit 1", out: "0\t\"greeting\"\n"},
		{args: "snapshot keys --dir DIR --max-bytes 1k --min-bytes 12b --db 0", out: "\"greeting\"\n"},
		{args: "snapshot keys --dir DIR --ttl-min 10d", out: ""},
		{args: "snapshot keys --dir DIR --json --db 0", out: `{"db":0,"key":"greeting","type":"string","encoding":"embstr","elements":1,"bytes":13}` + "\n"},
		{args: "snapshot get --dir DIR greeting", out: "hello\n"},
		{args: "snapshot get greeting --dir DIR --no-raw", out: "\"hello\"\n"},
		{args: "snapshot get greeting --dir=DIR -json", out: `{"db":0,"key":"greeting","type":"string","encoding":"embstr","elements":1,"bytes":13,"value":"hello"}` + "\n"},
		{args: "snapshot get --dir DIR --db 3 -- --queue --no-raw", out: "1) \"a\"\n2) \"b\\xff\"\n"},
		{args: "snapshot get --dir DIR --db 3 --raw -- --queue", out: "a\nb\xff\n"},
		{args: "snapshot export --dir DIR --db 0", out: `{"db":0,"key":"greeting","type":"string","value":"hello"}` + "\n"},
		{args: "snapshot export --dir DIR --prefix --q --format resp", out: "*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*4\r\n$5\r\nRPUSH\r\n$7\r\n--queue\r\n$1\r\na\r\n$2\r\nb\xff\r\n"},
		{args: "snapshot export --dir DIR --format rdb", out: "…REDIS0010"},
		{args: "snapshot export --dir DIR --format csv --match gr*", out: "…\n0,greeting,string,,,,hello,\n"},
		{args: "log list --dir DIR", out: "…00000000000000000001.aof  1          2 "},
		{args: "log show --dir DIR", out: logTitle +
			"1           1970-01-01T00:00:00.000Z  0    SET greeting hello\n" +
			"2           1970-01-01T00:00:00.001Z  0    DEL greeting\n"},
		{args: "log show --dir DIR --from 2 --to 2 --key greeting --command del --limit 5", out: logTitle +
			"2           1970-01-01T00:00:00.001Z  0    DEL greeting\n"},
		{args: "log show --dir DIR --since 1970-01-01T00:00:00.001Z --resp", out: "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n" +
			"*2\r\n$3\r\nDEL\r\n$8\r\ngreeting\r\n"},
		{args: "log tail --dir DIR -n 1 --db 0", out: logTitle + "2           1970-01-01T00:00:00.001Z  0    DEL greeting\n"},
		{args: "log who greeting --dir DIR --limit 1", out: logTitle + "1           1970-01-01T00:00:00.000Z  0    SET greeting hello\n"},
		{args: "log who greeting --dir DIR --json --from 2",
			out: `{"lsn":2,"time_unix_ms":1,"db":0,"args":["DEL","greeting"],"removes":true}` + "\n"},
		{args: "log export --dir DIR --from 2", out: "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*2\r\n$3\r\nDEL\r\n$8\r\ngreeting\r\n"},
		{args: "log stats --dir DIR --top 1", out: "…\nDEL      1      11\n"},
		{args: "log verify --dir DIR", out: "…aof is fine: LSN 1 to 2\n"},
		{args: "check --dir DIR", out: "…is fine: snapshot as of LSN 1, log up to LSN 2\n"},

		{args: "snapshot get greeting --dir DIR --db 1", code: 1, errs: `no such key: "greeting" is not in database 1`},
		{args: "snapshot get help --dir DIR", code: 1, errs: `no such key: "help"`},
		{args: "snapshot keys --dir DIR --type hush", code: 2, errs: `--type: no type is called "hush"; there are: string, list`},
		{args: "snapshot export --dir DIR --type hush", code: 2, errs: `see "holdfast snapshot export --help"`},
		{args: "snapshot info --dir DIR/no", code: 1, errs: "does not exist; say where the data is with --dir"},
		{args: "snapshot info --file DIR/no", code: 1, errs: "there is no file"},
		{args: "snapshot info --file DIR/aof/00000000000000000001.aof", code: 1, errs: "not a holdfast base"},
		{args: "log list --dir DIR/no", code: 1, errs: "does not exist"},
		{args: "log show --dir DIR/aof", code: 1, errs: "neither base.db nor aof"},
		{args: "log who nobody --dir DIR", code: 1, errs: "nothing in the log touched \"nobody\" in database 0"},
		{args: "snapshot export --rdb DIR/base.db", code: 1, errs: "not an RDB file"},
		{args: "snapshot keys --rdb DIR", code: 1, errs: "a data directory is named with --dir"},
		{args: "snapshot verify --rdb DIR/base.db", code: 1, errs: "holdfast's own files are named with --file"},
		{args: "snapshot keys --file DIR", code: 1, errs: "DIR is a directory and no file; a data directory is named with --dir"},
		{args: "snapshot keys --file /dev/zero", code: 1, errs: "give a file"},
		{args: "snapshot keys --rdb /dev/zero", code: 1, errs: "give a file"},
		{args: "snapshot diff DIR /dev/zero", code: 1, errs: "give a file"},
		{args: "snapshot import /dev/zero --to DIR/new", code: 1, errs: "is a pipe or a device, and is to be read more than once: give a file"},
		{args: "snapshot verify --rdb DIR/no", code: 1, errs: "there is no file"},
		{args: "snapshot verify --rdb x --name y", code: 2, errs: "give one"},
		{args: "snapshot info --rdb DIR/base.db", code: 1, errs: "not an RDB file"},
		{args: "snapshot info --rdb x --file y", code: 2, errs: "give one"},
		{args: "snapshot list --rdb x", code: 2, errs: "snapshot info --rdb"},
		{args: "snapshot diff DIR --rdb DIR/base.db", code: 1, errs: "not an RDB file"},
		{args: "snapshot diff DIR --rdb x --lsn 1", code: 2, errs: "or one A and --lsn or --rdb"},
		{args: "snapshot import DIR/no --to DIR/new", code: 1, errs: "there is no file"},
		{args: "snapshot import DIR --to DIR/new", code: 1, errs: "DIR is a data directory of holdfast's own; make another of it with: holdfast restore --dir DIR --to "},
		{args: "snapshot import DIR/base.db --to DIR/new", code: 1, errs: "no RDB file, no Redis AOF, and no JSON lines: DIR/base.db is a snapshot of holdfast's own; " +
			"make a data directory of it with: holdfast restore --file DIR/base.db --to "},
		{args: "snapshot import DIR/aof/00000000000000000001.aof --to DIR/new", code: 1, errs: `begins with "HOLDFAOF`},
		{args: "check --dir DIR/no", code: 1, errs: "does not exist"},

		{args: "snapshot get --dir DIR", code: 2, errs: "wants KEY"},
		{args: "snapshot get greeting other --dir DIR", code: 2, errs: `does not take "other"`},
		{args: "snapshot get greeting --db", code: 2, errs: "needs an argument: --db"},
		{args: "snapshot get greeting --db x", code: 2, errs: `invalid value "x" for flag --db`},
		{args: "snapshot get greeting --bogus", code: 2, errs: `does not take "--bogus"`},
		{args: "snapshot info --bogus", code: 2, errs: `-bogus; see "holdfast snapshot info --help"`},
		{args: "snapshot keys --dir DIR --limit -1", code: 2, errs: "negative"},
		{args: "snapshot bogus", code: 2, errs: `no command "snapshot bogus"; see "holdfast snapshot --help"`},
		{args: "snapshot --bogus", code: 2, errs: `see "holdfast snapshot --help"`},
		{args: "snapshot help bogus", code: 2, errs: `no command "snapshot bogus"; see "holdfast snapshot --help"`},
		{args: "snapshot export --dir DIR --format yaml", code: 2, errs: "--format takes json, csv, resp, rdb"},
		{args: "snapshot export --dir DIR --compress", code: 2, errs: "--format rdb"},
		{args: "snapshot import", code: 2, errs: "wants PATH"},
		{args: "snapshot import x --to y --replace", code: 2, errs: "give one or the other"},
		{args: "log show --from -1", code: 2, errs: "from"},
		{args: "log show x", code: 2, errs: `does not take "x"`},
		{args: "log show --since yesterday", code: 2, errs: `see "holdfast log show --help"`},
		{args: "log tail -n -1", code: 2, errs: "negative"},
		{args: "log stats --depth 0", code: 2, errs: "--depth"},
		{args: "log who --dir DIR", code: 2, errs: "wants KEY"},
		{args: "log export --dir DIR --json", code: 2, errs: "--json goes with --aof"},
		{args: "log export --dir DIR --aof DIR/new --key x --from 2", code: 2, errs: "leave out --from and --key"},
		{args: "log show --dir DIR --json --resp", code: 2, errs: "--json and --resp exclude each other"},
		{args: "log tail --dir DIR --json --resp", code: 2, errs: "--json and --resp exclude each other"},
		{args: "snapshot get greeting --dir DIR --resp --json", code: 2, errs: "--resp and --json exclude each other"},
		{args: "snapshot get greeting --dir DIR --db -1", code: 2, errs: "--db takes no negative number"},
		{args: `snapshot keys --dir DIR --prefix "bad\`, code: 2, errs: `"bad\ begins with a quote`},
		{args: `snapshot keys --dir DIR --match "`, code: 2, errs: "begins with a quote"},
		{args: "snapshot keys --dir DIR --ttl-min 10x", code: 2, errs: `--ttl-min takes a time, as 90s, 24h or 7d, not "10x"`},
		{args: "snapshot keys --dir DIR --ttl-max -1s", code: 2, errs: "--ttl-max takes a time"},
		{args: "snapshot keys --dir DIR --min-bytes 1q", code: 2, errs: `--min-bytes takes a number of bytes, as 1000, 1k or 1mb, not "1q"`},
		{args: "snapshot keys --dir DIR --max-bytes -1", code: 2, errs: "--max-bytes takes a number of bytes"},
		{args: "snapshot keys --dir DIR --max-bytes k", code: 2, errs: "--max-bytes takes a number of bytes"},
		{args: "check DIR", code: 2, errs: `does not take "DIR"; see "holdfast check --help"`},
	} {
		args := strings.Fields(strings.ReplaceAll(c.args, "DIR", dir))
		code, out, errs := runOffline(t, args...)
		part, isPart := strings.CutPrefix(c.out, "…")
		if code != c.code || !isPart && out != c.out || isPart && !strings.Contains(out, part) || !strings.Contains(errs, strings.ReplaceAll(c.errs, "DIR", dir)) {
			t.Errorf("%q: exit code %d, output %q, errors %q; want %d, %q, %q", c.args, code, out, errs, c.code, c.out, c.errs)
		}
		if (code == 0) != (errs == "") || strings.Contains(errs, "\n") {
			t.Errorf("%q: exit code %d and errors %q", c.args, code, errs)
		}
	}
}

func TestOneLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "",
		"one":                       "one",
		"the disk is full\n  \nb\n": "the disk is full; b",
		"full\nfull\nb\nfull":       "full; b",
	} {
		if got := oneLine(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// An export that is interrupted leaves no half of a file.
func TestExportInterrupted(t *testing.T) {
	dir := t.TempDir()
	var many strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&many, "{\"db\":0,\"key\":\"%d\",\"type\":\"string\",\"value\":\"x\"}\n", i)
	}
	if err := os.WriteFile(filepath.Join(dir, "many.json"), []byte(many.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	data, to := filepath.Join(dir, "data"), filepath.Join(dir, "to")
	if code, out, errs := runOffline(t, "snapshot", "import", filepath.Join(dir, "many.json"), "--to", data); code != 0 {
		t.Fatalf("exit code %d; %s%s", code, out, errs)
	}
	if err := os.Mkdir(to, 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	for _, format := range exportFormats() {
		app := newApp()
		app.Writer, app.ErrWriter = io.Discard, io.Discard
		err := app.RunContext(ctx, []string{"holdfast", "snapshot", "export", "--dir", data, "--format", format, "--out", filepath.Join(to, "out")})
		if err == nil || err.Error() != "interrupted" {
			t.Errorf("%s: %v", format, err)
		}
		nothingIn(t, to)
	}
}

func TestOfflineJSON(t *testing.T) {
	dir := dataDir(t)
	for _, args := range []string{"snapshot info", "snapshot stats", "snapshot keys", "snapshot get greeting", "log list", "log show", "check"} {
		code, out, errs := runOffline(t, append(strings.Fields(args), "--json", "--dir", dir)...)
		if code != 0 || errs != "" || out == "" {
			t.Errorf("%s: exit code %d, output %q, errors %q", args, code, out, errs)
		}
		for line := range strings.Lines(out) {
			var document map[string]any
			if err := json.Unmarshal([]byte(line), &document); err != nil || len(document) == 0 {
				t.Errorf("%s: %q: %v", args, line, err)
			}
		}
	}
}

// spoil flips a bit of the last place in a file that holds text.
func spoil(t *testing.T, path, text string) {
	t.Helper()
	b, err := os.ReadFile(path)
	at := bytes.LastIndex(b, []byte(text))
	if err != nil || at < 0 {
		t.Fatalf("%s: %q at %d, %v", path, text, at, err)
	}
	b[at] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOfflineOnDamage(t *testing.T) {
	base, log := dataDir(t), dataDir(t)
	spoil(t, filepath.Join(base, "base.db"), "hello")
	spoil(t, filepath.Join(log, "aof", "00000000000000000001.aof"), "HOLDFAOF")
	for _, c := range []struct{ args, dir, errs string }{
		{"snapshot stats", base, "bring"},
		{"snapshot keys", base, "bring"},
		{"snapshot get greeting", base, "bring"},
		{"check", base, ""},
		{"log list", log, "bring the segment back"},
		{"log show", log, "holdfast check"},
		{"check", log, ""},
	} {
		code, _, errs := runOffline(t, append(strings.Fields(c.args), "--dir", c.dir)...)
		if code != 3 || !strings.Contains(errs, c.errs) {
			t.Errorf("%s: exit code %d, errors %q", c.args, code, errs)
		}
	}
}

func TestOfflineOnABaseInUse(t *testing.T) {
	dir := dataDir(t)
	served, err := snapshot.Open(filepath.Join(dir, "base.db"), snapshot.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer served.Close()
	for args, want := range map[string]int{"snapshot info": 4, "snapshot keys": 4, "check": 4, "log list": 0, "log show": 0} {
		if code, _, errs := runOffline(t, append(strings.Fields(args), "--dir", dir)...); code != want {
			t.Errorf("%s: exit code %d, %q", args, code, errs)
		}
	}
}

// gone is an output that nobody reads any more.
type gone struct{}

func (gone) Write([]byte) (int, error) {
	return 0, &fs.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EPIPE}
}

// Who reads no further is no failure to talk of, and temporary files go all the same.
func TestAnOutputThatNobodyReads(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", filepath.Join(dir, "temporary"))
	var lines strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&lines, "{\"db\":0,\"key\":\"k%d\",\"type\":\"string\",\"value\":\"v\"}\n", i)
	}
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "temporary"), 0o700), os.WriteFile(filepath.Join(dir, "keys.json"), []byte(lines.String()), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"snapshot import DIR/keys.json --to DIR/data", "snapshot export --dir DIR/data --match k --format rdb --out DIR/none.rdb"} {
		if code, _, errs := runOffline(t, strings.Fields(strings.ReplaceAll(args, "DIR", dir))...); code != 0 {
			t.Fatalf("%s: exit code %d, %s", args, code, errs)
		}
	}
	for _, args := range []string{"snapshot diff DIR/data DIR/none.rdb", "snapshot keys --dir DIR/data", "snapshot info --dir DIR/data"} {
		app := &cli.App{Commands: []*cli.Command{snapshotCommand()}, Writer: gone{}, ExitErrHandler: func(*cli.Context, error) {}}
		err := app.Run(append([]string{"holdfast"}, strings.Fields(strings.ReplaceAll(args, "DIR", dir))...))
		var coder cli.ExitCoder
		if !errors.As(err, &coder) || coder.ExitCode() != 141 || err.Error() != "" {
			t.Errorf("%s: %v, want the exit code 141 and no word", args, err)
		}
	}
	if left, err := os.ReadDir(filepath.Join(dir, "temporary")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// An interrupted command tells what went wrong besides, and only who cannot read what is there is told whose files they are.
func TestWhatOfflineErrorsSay(t *testing.T) {
	dir := t.TempDir()
	denied := func(op, name string) error {
		return fmt.Errorf("doing it: %w", &fs.PathError{Op: op, Path: filepath.Join(dir, name), Err: fs.ErrPermission})
	}
	if err := os.WriteFile(filepath.Join(dir, "there"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("a: %w", context.Canceled), "interrupted"},
		{errors.Join(context.Canceled, errors.New("no\nroom")), "interrupted; no; room"},
		{fmt.Errorf("a: %w", errors.Join(errors.New("first"), fmt.Errorf("b: %w", context.Canceled))), "interrupted; first"},
		{denied("open", "there"), "doing it: open " + dir + "/there: permission denied; run it as the user whose files these are"},
		{denied("open", "new"), "doing it: open " + dir + "/new: permission denied"},
		{denied("mkdir", "there"), "doing it: mkdir " + dir + "/there: permission denied"},
	} {
		app := &cli.App{
			Commands:       []*cli.Command{offline(&cli.Command{Name: "do"}, 0, func(*cli.Context, io.Writer) error { return c.err })},
			Writer:         io.Discard,
			ExitErrHandler: func(*cli.Context, error) {},
		}
		if err := app.Run([]string{"holdfast", "do"}); err == nil || err.Error() != c.want {
			t.Errorf("%v; want %s", err, c.want)
		}
	}
}

// A temporary directory that is not there is not made, and one that is keeps nothing.
func TestDiffLeavesNoTemporaryFiles(t *testing.T) {
	dir, none := dataDir(t), filepath.Join(t.TempDir(), "none")
	t.Setenv("TMPDIR", none)
	code, _, errs := runOffline(t, "snapshot", "diff", dir, "--lsn", "2")
	if code != 1 || !strings.Contains(errs, "making a temporary directory: ") {
		t.Errorf("%d, %s", code, errs)
	}
	if _, err := os.Stat(none); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s: %v", none, err)
	}
	room := t.TempDir()
	t.Setenv("TMPDIR", room)
	code, out, errs := runOffline(t, "snapshot", "diff", dir, "--lsn", "2")
	if names, err := os.ReadDir(room); code != 0 || !strings.Contains(out, "1 removed") || err != nil || len(names) > 0 {
		t.Errorf("%d, %s, %s, left %v, %v", code, out, errs, names, err)
	}
}
