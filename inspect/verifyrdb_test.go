package inspect

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"holdfast/internal/vfs"
	"holdfast/kv"
	"holdfast/outline"
	"holdfast/rdb"
)

func TestVerifyRDB(t *testing.T) {
	good := rdbFile(t, "0 a x", "0 b y", "3 a z")
	flipped := rdbFile(t, "0 a x")
	flip(t, flipped, -12) // in the value
	cut := rdbFile(t, "0 a x", "0 b y")
	content, err := os.ReadFile(cut)
	must(t, err)
	must(t, os.WriteFile(cut, content[:len(content)-12], 0o600))
	var hash bytes.Buffer
	w := rdb.NewWriter(&hash, rdb.Version70)
	must(t, w.DB(0, 1, 0))
	must(t, w.Put(rdb.Key{Name: []byte("h"), Kind: kv.Hash, Summary: outline.Summary{Elements: 2}}, func(visit outline.Visitor) error {
		for range 2 {
			err := visit(outline.Element{Own: 1, Pieces: []outline.Piece{{Role: outline.Field, Bytes: []byte("f")}, {Role: outline.Value, Bytes: []byte("v")}}})
			if err != nil {
				return err
			}
		}
		return nil
	}))
	must(t, w.End())
	field := filepath.Join(t.TempDir(), "field.rdb")
	must(t, os.WriteFile(field, hash.Bytes(), 0o600))
	for name, c := range map[string]struct {
		path    string
		verdict Verdict
		says    []string
	}{
		"good":      {good, Fine, []string{"RDB version 10 of 2023-11-14T22:13:20.000Z: 3 keys, 2 TTLs, checksum right"}},
		"hints":     {good, Fine, []string{"database 0 has 2 keys and 1 TTL where the file announces 1 and 0, which is a hint"}},
		"flipped":   {flipped, Damaged, []string{"1 key, 0 TTLs before the damage", "checksum of the file does not match"}},
		"truncated": {cut, Damaged, []string{"1 key, 0 TTLs before the damage", "damaged at offset"}},
		"key":       {rdbFile(t, "0 a x", "0 b x", "0 a y"), Damaged, []string{`key "a" of database 0 is there twice`}},
		"field":     {field, Damaged, []string{`offset 14: field "f" is there twice, in the value of the key "h"`}},
		"empty":     {rdbFile(t), Fine, []string{"0 keys"}},
	} {
		dir := t.TempDir()
		report, err := openRDB(t, c.path).Verify(t.Context(), dir, nil)
		must(t, err)
		said := report.Found + "\n" + strings.Join(report.Problems, "\n")
		for _, want := range c.says {
			if report.Verdict != c.verdict || !strings.Contains(said, want) {
				t.Errorf("%s: %s, %s; want %s, %q", name, report.Verdict, said, c.verdict, want)
			}
		}
		if names, err := vfs.OS().List(dir); err != nil || len(names) > 0 {
			t.Errorf("%s: left behind: %q, %v", name, names, err)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := openRDB(t, good).Verify(ended, t.TempDir(), nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A file that can be read no more is told as that, and not as damaged.
func TestVerifyRDBWithoutItsFile(t *testing.T) {
	path := rdbFile(t, "0 a x")
	fsys := vfs.NewFaulty(filepath.Dir(path), 1)
	s, err := OpenRDB(fsys, path)
	must(t, err)
	fsys.FailAt(fsys.Ops(vfs.Read)+1, syscall.EIO, vfs.Read)
	report, err := s.Verify(t.Context(), t.TempDir(), nil)
	must(t, errors.Join(err, s.Close()))
	if report.Verdict != Failed || len(report.Problems) != 1 || strings.Contains(report.Found, "damage") {
		t.Errorf("%+v", report)
	}
}

// A reading ends when it is told to, be it within a value, or among keys that are not asked for.
func TestReadingRDBEnds(t *testing.T) {
	path := rdbFile(t, "0 a "+strings.Repeat("x", 3<<20), "0 b y")
	ended, end := context.WithCancel(t.Context())
	end()
	s := openRDB(t, path)
	err := s.Each(Scope{DB: AllDatabases, Prefix: []byte("none"), Ended: ended.Err}, func(*Entry) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	must(t, s.Each(Scope{DB: AllDatabases}, func(*Entry) error { return nil }))
}
