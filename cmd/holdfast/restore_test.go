package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/restore"
)

func TestRestoreCommand(t *testing.T) {
	dir := dataDir(t)
	for _, c := range []struct {
		args string // DIR is the source, NEW a directory that is not there
		code int
		out  string // a part
		errs string // a part
	}{
		{args: "--to NEW", out: "restored DIR as of LSN 2, 1970-01-01T00:00:00.001Z\n  from      base.db, LSN 1, and the log from LSN 2 to 2\n"},
		{args: "--to NEW --lsn 1", out: "as of LSN 1"},
		{args: "--to NEW --lsn 0", out: "from      the empty beginning, LSN 0\n  holds     0 keys"},
		{args: "--to NEW --time 2026-01-01T00:00:00Z", out: "as of LSN 2"},
		{args: "--to NEW --time 1970-01-01T01:00:00+01:00", out: "as of LSN 1"},
		{args: "--to NEW --lsn 1 --keys gr*", out: "  holds     1 key, 0 with a TTL\n  left out  1 key that does not match \"gr*\"\n  verified  "},
		{args: "--to NEW --lsn 3", code: 1, errs: "the log ends at LSN 2; restorable: LSN 0 to 2"},
		{args: "--to NEW --time 2900-01-01T00:00:00Z", code: 1, errs: "that moment is to come"},
		{args: "--to NEW --time 1960-01-01T00:00:00Z", code: 1, errs: "restorable: "},
		{args: "--to NEW --file DIR/base.db --lsn 1", code: 2, errs: "without --lsn and --time"},
		{args: "--to NEW --file DIR/base.db", out: "restored DIR/base.db as of LSN 1, 1970-01-01T00:00:00.000Z\n  from      base.db, LSN 1\n"},
		{args: "--to NEW --file DIR/none.db", code: 1, errs: "there is no file DIR/none.db"},
		{args: "--to DIR", code: 1, errs: "the new directory is not empty"},
		{args: "", code: 2, errs: "restore wants --to"},
		{args: "--to NEW --lsn 1 --time 2030-01-01T00:00:00Z", code: 2, errs: "not both"},
		{args: "--to NEW --time yesterday", code: 2, errs: "RFC 3339"},
		{args: "--to NEW --databases -1", code: 2, errs: "no negative number"},
		{args: "--to NEW more", code: 2, errs: `does not take "more"`},
		{args: "--to NEW --dir DIR/none", code: 1, errs: "does not exist; say where the data is with --dir"},
	} {
		to := filepath.Join(t.TempDir(), "new")
		args := []string{"restore", "--dir", dir}
		for _, word := range strings.Fields(c.args) {
			args = append(args, strings.NewReplacer("DIR", dir, "NEW", to).Replace(word))
		}
		code, out, errs := runOffline(t, args...)
		if want := strings.ReplaceAll(c.out, "DIR", dir); code != c.code || !strings.Contains(out, want) || !strings.Contains(errs, strings.ReplaceAll(c.errs, "DIR", dir)) {
			t.Errorf("%s: exit code %d, printed\n%s\n%s\nexpected %d, %q, %q", c.args, code, out, errs, c.code, want, c.errs)
		}
		if _, err := os.Stat(to); (err == nil) != (code == 0) {
			t.Errorf("%s: exit code %d, and the new directory: %v", c.args, code, err)
		}
	}
	code, out, errs := runOffline(t, "restore", "--dir", dir, "--dry-run", "--lsn", "2")
	if want := "would restore " + dir + " as of LSN 2, 1970-01-01T00:00:00.001Z\n  from      base.db, LSN 1, and the log from LSN 2 to 2\n"; code != 0 || out != want {
		t.Errorf("%d, %s, %s", code, out, errs)
	}
	_, out, _ = runOffline(t, "restore", "--dir", dir, "--to", filepath.Join(t.TempDir(), "new"), "--json")
	var report restore.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil || report.LSN != 2 || report.Verified.Keys != 1 {
		t.Errorf("%v: %s", err, out)
	}
}

func TestRepairCommand(t *testing.T) {
	sound := dataDir(t)
	segment := filepath.Join("aof", "00000000000000000001.aof")
	damaged := func() string {
		dir := dataDir(t)
		path := filepath.Join(dir, segment)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b[20] ^= 1
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	run := func(dir string, flags ...string) (int, string, string) {
		return runOffline(t, append([]string{"check", "--dir", dir}, flags...)...)
	}
	expect := func(what string, code, want int, text, part string) {
		t.Helper()
		if code != want || !strings.Contains(text, part) {
			t.Errorf("%s: exit code %d, expected %d, and %q in\n%s", what, code, want, part, text)
		}
	}
	code, out, _ := run(sound, "--repair")
	expect("a sound directory", code, 0, out, "needs no repair")
	dir := damaged()
	code, out, _ = run(dir, "--repair", "--dry-run")
	expect("a dry run", code, 3, out, "cut      "+segment)
	code, _, errs := run(dir, "--repair")
	expect("without a terminal", code, 2, errs, "give --yes")
	code, _, errs = run(dir, "--yes")
	expect("without --repair", code, 2, errs, "go with --repair")
	if code, _, _ := run(dir); code != 3 {
		t.Errorf("something has been repaired already: exit code %d", code)
	}
	code, out, _ = run(dir, "--repair", "--yes")
	expect("a repair", code, 0, out, "is ready for a start")
	code, out, _ = run(dir, "--repair", "--dry-run")
	expect("afterwards", code, 0, out, "needs no repair")
	code, out, _ = run(damaged(), "--repair", "--yes", "--json")
	var plan struct {
		Steps []struct{ Do string }
		Loss  struct {
			From uint64 `json:"from_lsn"`
		}
	}
	if err := json.Unmarshal([]byte(out), &plan); err != nil || code != 0 || len(plan.Steps) == 0 || plan.Loss.From != 2 {
		t.Errorf("exit code %d, %v: %s", code, err, out)
	}
	code, _, errs = run(filepath.Join(dir, "none"), "--repair")
	expect("no directory", code, 1, errs, "does not exist; say where the data is with --dir")
}
