package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// mark is a moment of a history: its LSN and what was true then.
type mark struct {
	lsn    uint64
	time   time.Time
	digest string
}

// takeMark notes the moment, and lets the clock go on before anything else happens.
func takeMark(t *testing.T, c *Conn) mark {
	t.Helper()
	m := mark{lsn: lastLSN(t, c), time: time.Now(), digest: digest(t, c)}
	for time.Now().UnixMilli() <= m.time.UnixMilli()+1 {
		must(t, c, "PING")
	}
	return m
}

func lastLSN(t *testing.T, c *Conn) uint64 {
	t.Helper()
	for _, line := range strings.Split(must(t, c, "INFO", "persistence").Text, "\r\n") {
		if text, ok := strings.CutPrefix(line, "last_lsn:"); ok {
			lsn, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return lsn
		}
	}
	t.Fatal("INFO persistence has no last_lsn")
	return 0
}

// A server that keeps its history writes, checkpoints and is killed. Every marked moment is restored by its LSN and by its
// time, while another server runs on the source too; a server on the restored directory has what was there, and goes on.
func TestRestore(t *testing.T) {
	source := t.TempDir()
	o := Options{Dir: source, Extra: []string{"--retain", "3600"}}
	proc := start(t, subject, o)
	c := dial(t, proc.Addr)
	var marks []mark
	for round := range 4 {
		fill(t, c, round)
		must(t, c, "SELECT", "0")
		marks = append(marks, takeMark(t, c))
		if round%2 == 1 {
			must(t, c, "SAVE")
		}
	}
	must(t, c, "FLUSHALL")
	marks = append(marks, takeMark(t, c))
	must(t, c, "SET", "after", "all")
	proc.Kill()
	for _, m := range marks {
		isRestored(t, source, m, "--lsn", strconv.FormatUint(m.lsn, 10))
	}
	start(t, subject, o)
	for _, m := range marks[1:] {
		isRestored(t, source, m, "--time", m.time.UTC().Format(time.RFC3339Nano))
	}
}

// isRestored restores a mark and compares what a server finds.
func isRestored(t *testing.T, source string, m mark, point ...string) {
	t.Helper()
	to := filepath.Join(t.TempDir(), "restored")
	code, out, errs := tool(t, append([]string{"restore", "--dir", source, "--to", to, "--json"}, point...)...)
	if code != 0 {
		t.Fatalf("restore %v: exit code %d\n%s", point, code, errs)
	}
	var report struct{ LSN uint64 }
	if err := json.Unmarshal([]byte(out), &report); err != nil || report.LSN != m.lsn {
		t.Errorf("restore %v: LSN %d, expected %d; %v", point, report.LSN, m.lsn, err)
	}
	expectTool(t, 0, "is fine", "check", "--dir", to)
	proc := start(t, subject, Options{Dir: to})
	c := dial(t, proc.Addr)
	if got := digest(t, c); got != m.digest {
		t.Errorf("restore %v: the digest is %s, and was %s", point, got, m.digest)
	}
	must(t, c, "SET", "goes", "on")
	proc.Kill()
	proc = start(t, subject, Options{Dir: to})
	if got := must(t, dial(t, proc.Addr), "GET", "goes").Text; got != "on" {
		t.Errorf("after another kill: %q", got)
	}
	proc.Kill()
}

// A record that was acknowledged is damaged: no start, then a repair that says what it costs, then a start.
func TestRepair(t *testing.T) {
	dir := t.TempDir()
	proc := start(t, subject, Options{Dir: dir})
	c := dial(t, proc.Addr)
	for i := range 100 {
		must(t, c, "SET", fmt.Sprintf("key:%d", i), fmt.Sprintf("<%d>", i))
	}
	expectTool(t, 4, "stop it", "check", "--dir", dir, "--repair", "--yes")
	proc.Kill()
	segment := filepath.Join(dir, "aof", "00000000000000000001.aof")
	b, err := os.ReadFile(segment)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(string(b), "<60>")
	b[at+1] = '7'
	if err := os.WriteFile(segment, b, 0o600); err != nil {
		t.Fatal(err)
	}
	proc, err = Launch(subject, Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if code, err := proc.Exit(); code != 3 || err != nil || !strings.Contains(proc.Output(), "--repair") {
		t.Fatalf("a start on damage: exit code %d, %v\n%s", code, err, proc.Output())
	}
	expectTool(t, 0, "40 log records, LSN 61 to 100, of which 39 can still be read", "check", "--dir", dir, "--repair", "--yes")
	expectTool(t, 0, "is fine", "check", "--dir", dir)
	c = dial(t, start(t, subject, Options{Dir: dir}).Addr)
	if size := must(t, c, "DBSIZE").Text; size != "60" {
		t.Errorf("%s keys are left, expected 60", size)
	}
	if got := must(t, c, "GET", "key:59").Text; got != "<59>" {
		t.Errorf("the last key before the damage is %q", got)
	}
}
