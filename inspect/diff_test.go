package inspect

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"holdfast/hashes"
	"holdfast/kv"
	"holdfast/lists"
	"holdfast/outline"
	"holdfast/snapshot"
)

// twoBases are bases of database 0 with these items.
func twoBases(t *testing.T, a, b []item) (*Snapshot, *Snapshot) {
	t.Helper()
	meta := testMeta()
	meta.DBs = []snapshot.DB{{Index: 0, Store: 1}}
	dirs := [2]string{t.TempDir(), t.TempDir()}
	writeBase(t, dirs[0], meta, a...)
	writeBase(t, dirs[1], meta, b...)
	return openSnapshot(t, dirs[0]), openSnapshot(t, dirs[1])
}

// A diff of random keys is what a comparison of two maps finds.
func TestDiffAgainstMaps(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	var sides [2]map[string]snapshot.Record
	var all [2][]item
	for i := range sides {
		sides[i] = map[string]snapshot.Record{}
		for range 3000 {
			key := fmt.Sprint("k", rng.IntN(3000))
			if rng.IntN(500) == 0 {
				key = strings.Repeat(key, 9000)
			}
			sides[i][key] = snapshot.Record{Kind: byte(kv.String), Payload: fmt.Append(nil, rng.IntN(3)), Deadline: int64(rng.IntN(2))}
		}
		for key, r := range sides[i] {
			all[i] = append(all[i], item{1, key, r})
		}
	}
	a, b := twoBases(t, all[0], all[1])
	found := map[string]string{}
	summary, err := Diff(t.Context(), a, b, DiffOptions{DB: AllDatabases}, func(d Difference) error {
		found[string(d.Key)] = fmt.Sprint(d.Change, d.TTLChanged)
		return nil
	}, nil)
	must(t, err)
	same := int64(0)
	for key, r := range sides[0] {
		s, ok := sides[1][key]
		want := fmt.Sprint(Changed, r.Deadline != s.Deadline)
		switch {
		case !ok:
			want = fmt.Sprint(Removed, false)
		case bytes.Equal(r.Payload, s.Payload) && r.Deadline == s.Deadline:
			same++
			want = ""
		case bytes.Equal(r.Payload, s.Payload):
			want = fmt.Sprint(TTL, false)
		}
		if found[key] != want {
			t.Errorf("%.20q: %s, want %s", key, found[key], want)
		}
		delete(found, key)
	}
	for key, change := range found {
		if _, ok := sides[0][key]; ok || change != fmt.Sprint(Added, false) {
			t.Errorf("%.20q: %s", key, change)
		}
	}
	if summary.Same != same || !summary.Differ() || summary.Added != int64(len(found)) {
		t.Errorf("%+v, %d the same", summary, same)
	}
	stop := errors.New("stop")
	if _, err := Diff(t.Context(), a, b, DiffOptions{DB: AllDatabases}, func(Difference) error { return stop }, nil); !errors.Is(err, stop) {
		t.Error(err)
	}
	if summary, err := Diff(t.Context(), a, a, DiffOptions{DB: 0, Prefix: []byte("k1")}, nil, nil); err != nil || summary.Differ() || summary.Same == 0 {
		t.Errorf("%+v, %v", summary, err)
	}
	if summary, err := Diff(t.Context(), a, b, DiffOptions{DB: 5}, nil, nil); err != nil || summary != (DiffSummary{}) {
		t.Errorf("%+v, %v", summary, err)
	}
}

// Values that are stored in another way and hold the same are the same; long strings are compared without being joined.
func TestDiffByWhatValuesHold(t *testing.T) {
	build := func(order ...int) []byte {
		h := hashes.New()
		for _, i := range order {
			h.Set(fmt.Append(nil, "f", i), fmt.Append(nil, "v", i))
		}
		return h.AppendBinary(nil)
	}
	str, hash := byte(kv.String), byte(kv.Hash)
	long := strings.Repeat("x", 300_000)
	a, b := twoBases(t, []item{
		{1, "h", snapshot.Record{Kind: hash, Payload: build(1, 2, 3)}}, {1, "long", snapshot.Record{Kind: str, Payload: []byte(long)}},
		{1, "other", snapshot.Record{Kind: str, Payload: []byte(long + "a")}},
	}, []item{
		{1, "h", snapshot.Record{Kind: hash, Payload: build(3, 1, 2)}}, {1, "long", snapshot.Record{Kind: str, Payload: []byte(long)}},
		{1, "other", snapshot.Record{Kind: str, Payload: []byte(long + "b")}},
	})
	var keys []string
	summary, err := Diff(t.Context(), a, b, DiffOptions{DB: 0}, func(d Difference) error {
		keys = append(keys, string(d.Key))
		return nil
	}, nil)
	if err != nil || summary.Same != 2 || !slices.Equal(keys, []string{"other"}) {
		t.Errorf("%+v, %q, %v", summary, keys, err)
	}
}

// Lists are told apart by what came and what went.
func TestDiffOfLists(t *testing.T) {
	rec := func(words string) snapshot.Record {
		l := lists.New()
		for _, w := range strings.Fields(words) {
			l.PushBack([]byte(w))
		}
		return snapshot.Record{Kind: byte(kv.List), Payload: l.AppendBinary(nil)}
	}
	for _, c := range [][3]string{
		{"a b c", "a b c d", "+3 d"},
		{"a b c", "z a b", "-2 c +0 z"},
		{"a b c d", "a x c d", "-1 b +1 x"},
		{"a a a", "a a", "-2 a"},
		{"a b", "c d", "-0 a -1 b +0 c +1 d"},
	} {
		a, b := twoBases(t, []item{{1, "l", rec(c[0])}}, []item{{1, "l", rec(c[1])}})
		var got []string
		_, err := Diff(t.Context(), a, b, DiffOptions{DB: 0, Values: true}, func(Difference) error { return nil }, func(_ Difference, e ElementDifference) error {
			mark, of := "+", e.After
			if e.Change == Removed {
				mark, of = "-", e.Before
			}
			got = append(got, fmt.Sprintf("%s%d %s", mark, e.Place, of.Pieces[0].Bytes))
			return nil
		})
		if must(t, err); strings.Join(got, " ") != c[2] {
			t.Errorf("%s → %s: %s", c[0], c[1], strings.Join(got, " "))
		}
	}
}

// namedValue is a value of named elements.
type namedValue []string

func (v namedValue) Walk(visit outline.Visitor) error {
	for _, s := range v {
		name, content, _ := strings.Cut(s, "=")
		err := visit(outline.Element{Own: 1, Pieces: []outline.Piece{{Role: outline.Field, Bytes: []byte(name)}, {Role: outline.Value, Bytes: []byte(content)}}})
		if err != nil {
			return err
		}
	}
	return nil
}

// A value that is too large to be held is compared in several passes, each for some of the names.
func TestDiffInPasses(t *testing.T) {
	var a, b namedValue
	for i := range 500 {
		a, b = append(a, fmt.Sprint("f", i, "=x")), append(b, fmt.Sprint("f", 499-i, "=x"))
	}
	a, b = append(a, "gone=1", "other=1"), append(b, "new=1", "other=2")
	var got []string
	must(t, diffValues(&Entry{Value: a, Bytes: 5 * diffMemory}, &Entry{Value: b}, func(d ElementDifference) error {
		of := d.After
		if of == nil {
			of = d.Before
		}
		got = append(got, fmt.Sprintf("%s %s", d.Change, of.Pieces[0].Bytes))
		return nil
	}))
	slices.Sort(got)
	if want := "added new,changed other,removed gone"; strings.Join(got, ",") != want {
		t.Errorf("%q", got)
	}
}

func TestDiffOfDamage(t *testing.T) {
	dir := fixture(t)
	path := dir + "/base.db"
	sound := openSnapshot(t, fixture(t))
	flip(t, path, find(t, path, "hello"))
	damaged := openSnapshot(t, dir)
	for _, pair := range [][2]*Snapshot{{damaged, sound}, {sound, damaged}} {
		if _, err := Diff(t.Context(), pair[0], pair[1], DiffOptions{DB: AllDatabases}, func(Difference) error { return nil }, nil); !errors.Is(err, snapshot.ErrCorrupt) {
			t.Error(err)
		}
	}
}
