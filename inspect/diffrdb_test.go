package inspect

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"holdfast/internal/vfs"
	"holdfast/kv"
	"holdfast/rdb"
	"holdfast/snapshot"
)

func openRDB(t *testing.T, path string) *RDBSource {
	t.Helper()
	s, err := OpenRDB(vfs.OS(), path)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// An RDB file, its keys in any order, differs from a base as another base with the same keys does.
func TestDiffOfRDBAgainstBases(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	var files [2][]string
	var records [2][]item
	for i := range files {
		for _, n := range rng.Perm(600)[:400] {
			key := fmt.Sprint("k", n)
			if n%97 == 0 {
				key = strings.Repeat(key, 9000)
			}
			text := fmt.Sprint("v", rng.IntN(3))
			files[i] = append(files[i], fmt.Sprint("0 ", key, " ", text))
			// rdbFile gives each key a deadline: its place.
			deadline := int64(len(files[i]) - 1)
			records[i] = append(records[i], item{1, key, snapshot.Record{Kind: byte(kv.String), Payload: []byte(text), Deadline: deadline}})
		}
	}
	a, b := twoBases(t, records[0], records[1])
	x, y := openRDB(t, rdbFile(t, files[0]...)), openRDB(t, rdbFile(t, files[1]...))
	what := func(a, b DiffSide, prefix string) (text string) {
		summary, err := Diff(t.Context(), a, b, DiffOptions{DB: AllDatabases, Prefix: []byte(prefix), Temporary: t.TempDir(), Values: true},
			func(d Difference) error {
				text += fmt.Sprintf("%s %.20s %t\n", d.Change, d.Key, d.TTLChanged)
				return nil
			}, func(_ Difference, e ElementDifference) error {
				b, err := e.MarshalJSON()
				text += string(b) + "\n"
				return err
			})
		must(t, err)
		return text + fmt.Sprint(summary)
	}
	for _, prefix := range []string{"", "k1"} {
		want := what(a, b, prefix)
		for name, sides := range map[string][2]DiffSide{"base and file": {a, y}, "file and base": {x, b}, "files": {x, y}} {
			if got := what(sides[0], sides[1], prefix); got != want {
				t.Errorf("%s, prefix %q:\n%s\nwant:\n%s", name, prefix, got, want)
			}
		}
	}
}

// Nothing is left of the sorting, whatever happens.
func TestDiffOfBadRDB(t *testing.T) {
	good := openRDB(t, rdbFile(t, "0 a x"))
	twice := openRDB(t, rdbFile(t, "0 a x", "0 b y", "3 a z", "0 a x"))
	path := rdbFile(t, "0 a x")
	flip(t, path, -1)
	dir := t.TempDir()
	for _, c := range []struct {
		a, b DiffSide
		want error
		says string
	}{
		{good, twice, rdb.ErrCorrupt, `key "a" of database 0 is there twice`},
		{openRDB(t, path), good, rdb.ErrChecksum, "checksum"},
	} {
		_, err := Diff(t.Context(), c.a, c.b, DiffOptions{DB: AllDatabases, Temporary: dir}, func(Difference) error { return nil }, nil)
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v, want %s", err, c.says)
		}
	}
	var many []string
	for i := range 2000 {
		many = append(many, fmt.Sprint("0 k", i, " x"))
	}
	ended, end := context.WithCancel(t.Context())
	end()
	_, err := Diff(ended, good, openRDB(t, rdbFile(t, many...)), DiffOptions{DB: AllDatabases, Temporary: dir}, nil, nil)
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if names, err := vfs.OS().List(dir); err != nil || len(names) > 0 {
		t.Errorf("left behind: %q, %v", names, err)
	}
}
