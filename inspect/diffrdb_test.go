package inspect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/internal/vfs"
	"holdfast/kv"
	"holdfast/outline"
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

// A long string has one digest, read in pieces or whole.
func TestDiffOfLongTexts(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", longText/16) + "x"
	texts := map[string]string{"changed": long + "a", "long": long}
	var records []item
	for key, text := range texts {
		records = append(records, item{1, key, snapshot.Record{Kind: byte(kv.String), Payload: []byte(text)}})
	}
	a, _ := twoBases(t, records, nil)
	rdbSide := rdbTexts(t, map[string]string{"changed": long + "b", "long": long})
	summary, err := Diff(t.Context(), a, rdbSide, DiffOptions{DB: AllDatabases, Temporary: t.TempDir()}, func(Difference) error { return nil }, nil)
	if must(t, err); summary != (DiffSummary{Changed: 1, Same: 1}) {
		t.Errorf("%+v", summary)
	}
	seeds := newSeeds()
	must(t, a.Source().Find(0, []byte("long"), func(e *Entry) error {
		x, err := seeds.digest(e.Value)
		must(t, err)
		y, err := seeds.elements(e.Value)
		if must(t, err); x != y || e.LongText() == 0 {
			t.Errorf("%v in pieces, and %v whole", x, y)
		}
		return nil
	}))
	report, err := rdbSide.Verify(t.Context(), t.TempDir(), nil)
	if must(t, err); report.Verdict != Fine {
		t.Errorf("%+v", report)
	}
}

// rdbTexts is an RDB file of strings.
func rdbTexts(t *testing.T, texts map[string]string) *RDBSource {
	t.Helper()
	var b bytes.Buffer
	w := rdb.NewWriter(&b, rdb.Version70)
	must(t, w.DB(0, int64(len(texts)), 0))
	for name, text := range texts {
		must(t, w.Put(rdb.Key{Name: []byte(name), Kind: kv.String}, func(visit outline.Visitor) error {
			return visit(outline.Element{Pieces: []outline.Piece{{Role: outline.Text, Bytes: []byte(text)}}})
		}))
	}
	must(t, w.End())
	path := filepath.Join(t.TempDir(), "texts.rdb")
	must(t, os.WriteFile(path, b.Bytes(), 0o600))
	return openRDB(t, path)
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
