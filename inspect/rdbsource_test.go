package inspect

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/internal/vfs"
	"holdfast/kv"
	"holdfast/outline"
	"holdfast/rdb"
)

// rdbFile writes an RDB file of strings, "db key text" each.
func rdbFile(t *testing.T, keys ...string) (path string) {
	t.Helper()
	var b bytes.Buffer
	w := rdb.NewWriter(&b, rdb.Version70)
	must(t, w.Aux("ctime", "1700000000"))
	db := -1
	for i, key := range keys {
		var n int
		var name, text string
		_, err := fmt.Sscan(key, &n, &name, &text)
		must(t, err)
		if n != db {
			must(t, w.DB(n, 1, 0))
		}
		db = n
		must(t, w.Put(rdb.Key{Name: []byte(name), Kind: kv.String, Deadline: int64(i)}, func(visit outline.Visitor) error {
			return visit(outline.Element{Pieces: []outline.Piece{{Role: outline.Text, Bytes: []byte(text)}}})
		}))
	}
	must(t, w.End())
	path = filepath.Join(t.TempDir(), "dump.rdb")
	must(t, os.WriteFile(path, b.Bytes(), 0o600))
	return path
}

func TestRDBSource(t *testing.T) {
	path := rdbFile(t, "0 a x", "0 ab 12", "3 a y")
	s, err := OpenRDB(vfs.OS(), path)
	must(t, err)
	defer func() { must(t, s.Close()) }()
	list := func(scope Scope) string {
		var b strings.Builder
		must(t, s.Each(scope, func(e *Entry) error {
			fmt.Fprintf(&b, "%d %s %s %s %d %d:", e.DB, e.Key, e.Type, e.Encoding, e.Deadline, e.Elements)
			return e.Value.Walk(func(e outline.Element) error {
				fmt.Fprintf(&b, " %s=%s\n", e.Pieces[0].Role, e.Pieces[0].Bytes)
				return nil
			})
		}))
		return b.String()
	}
	for _, c := range []struct {
		scope Scope
		want  string
	}{
		{Scope{DB: AllDatabases}, "0 \"a\" string embstr 0 1: text=x\n0 \"ab\" string int 1 1: text=12\n3 \"a\" string embstr 2 1: text=y\n"},
		{Scope{DB: 3}, "3 \"a\" string embstr 2 1: text=y\n"},
		{Scope{DB: AllDatabases, Prefix: []byte("ab")}, "0 \"ab\" string int 1 1: text=12\n"},
	} {
		if got := list(c.scope); got != c.want {
			t.Errorf("%+v: %q", c.scope, got)
		}
	}
	if about := s.About(); about.Time != testTime || about.Keys != -1 || about.Name != path {
		t.Errorf("%+v", about)
	}
	found := 0
	must(t, s.Find(3, []byte("a"), func(*Entry) error { found++; return nil }))
	if err := s.Find(3, []byte("ab"), func(*Entry) error { found++; return nil }); !errors.Is(err, ErrNoKey) || found != 1 {
		t.Errorf("%v, %d found", err, found)
	}
}

func TestRDBSourceBadFiles(t *testing.T) {
	good, err := os.ReadFile(rdbFile(t, "0 a x"))
	must(t, err)
	path := filepath.Join(t.TempDir(), "f")
	for name, c := range map[string]struct {
		content []byte
		want    error
	}{
		"empty":     {nil, rdb.ErrNotRDB},
		"other":     {[]byte("HOLDFAOF and more"), rdb.ErrNotRDB},
		"newer":     {[]byte("REDIS0099"), rdb.ErrVersion},
		"truncated": {good[:len(good)-9], rdb.ErrCorrupt},
		"followed":  {append(bytes.Clone(good), 'x'), rdb.ErrCorrupt},
		"flipped":   {append(bytes.Clone(good[:len(good)-8]), 1, 2, 3, 4, 5, 6, 7, 8), rdb.ErrChecksum},
	} {
		must(t, os.WriteFile(path, c.content, 0o600))
		s, err := OpenRDB(vfs.OS(), path)
		if err == nil {
			err = s.Each(Scope{DB: AllDatabases}, func(*Entry) error { return nil })
			must(t, s.Close())
		}
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, path := range []string{path + "x", t.TempDir()} {
		if _, err := OpenRDB(vfs.OS(), path); !errors.Is(err, ErrNothing) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
