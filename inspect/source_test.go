package inspect

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"holdfast/commands"
	"holdfast/internal/vfs"
	"holdfast/kv"
	"holdfast/outline"
	"holdfast/snapshot"
)

// Whatever type there is can be looked into: commands know none of them.
func TestEveryTypeCanBeSurveyed(t *testing.T) {
	for _, typ := range commands.Types() {
		if typ.Name != "" && (typ.Survey == nil || typ.Walk == nil) {
			t.Errorf("type %s has no Survey, or no Walk", typ.Name)
		}
	}
}

// lineOf is an entry with its value, in a line.
func lineOf(e *Entry) (string, error) {
	line := fmt.Sprintf("%d %s %s/%s %d %d+%d", e.DB, e.Key, e.Type, e.Encoding, e.Bytes, e.Elements, e.Deadline)
	err := e.Value.Walk(func(el outline.Element) error {
		for _, p := range el.Pieces {
			line += fmt.Sprintf(" %s=%.10q", p.Role, p.Bytes)
		}
		return nil
	})
	return line, err
}

func tell(t *testing.T, s Source, scope Scope) (lines []string) {
	t.Helper()
	must(t, s.Each(scope, func(e *Entry) error {
		line, err := lineOf(e)
		lines = append(lines, line)
		return err
	}))
	return lines
}

func TestSourceOfABase(t *testing.T) {
	dir := fixture(t)
	untouched(t, dir)
	s := openSnapshot(t, dir).Source()
	if about := s.About(); about.Kind != "base" || about.LSN != 3 || about.Keys != 4 || !about.Sorted {
		t.Errorf("%+v", about)
	}
	var calls []int64
	scope := Scope{DB: AllDatabases, Progress: func(done, total int64) { calls = append(calls, done, total) }}
	want := []string{
		fmt.Sprintf(`0 "bin\xff\n" string/embstr 7 1+%d text="\x00\xff"`, testTime+1),
		`0 "greeting" string/embstr 18 1+0 text="hello <é>"`,
		fmt.Sprintf(`0 "queue" list/quicklist %d 10+0 element="a" element="b\n" element="\xff" element="" element="e" element="f" element="g" element="h" element="i" element="j"`,
			5+len(items()[2].Payload)),
		`3 "other" string/embstr 6 1+0 text="x"`,
	}
	if got := tell(t, s, scope); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if !slices.Equal(calls, []int64{4, 4}) {
		t.Errorf("progress: %v", calls)
	}
	if got := tell(t, s, Scope{DB: 0, Prefix: []byte("q")}); !slices.Equal(got, want[2:3]) {
		t.Errorf("%q", got)
	}
	if got := tell(t, s, Scope{DB: 7}); len(got) != 0 {
		t.Errorf("%q", got)
	}
	err := s.Find(3, []byte("other"), func(e *Entry) error {
		line, err := lineOf(e)
		if line != want[3] {
			t.Error(line)
		}
		return err
	})
	must(t, err)
	if err := s.Find(3, []byte("greeting"), nil); !errors.Is(err, ErrNoKey) {
		t.Error(err)
	}
	enough := errors.New("enough")
	if err := s.Each(scope, func(*Entry) error { return enough }); err != enough {
		t.Error(err)
	}
}

// Long keys, long values, and both, are found and walked as short ones are.
func TestSourceWithLongKeysAndValues(t *testing.T) {
	dir := t.TempDir()
	long, longer := strings.Repeat("k", snapshot.MaxPlainKey+1), "p"+strings.Repeat("k", 70_000)
	str, value := byte(kv.String), strings.Repeat("v", 200_000)
	all := []item{
		{1, "a", snapshot.Record{Kind: str, Payload: []byte(value)}},
		{1, "p:b", snapshot.Record{Kind: str, Payload: []byte("b")}},
		{1, long, snapshot.Record{Kind: str, Payload: []byte("short")}},
		{1, longer, snapshot.Record{Kind: str, Payload: []byte(value), Deadline: 7}},
	}
	meta := testMeta()
	meta.DBs = meta.DBs[1:]
	writeBase(t, dir, meta, all...)
	s := openSnapshot(t, dir).Source()
	var before []byte
	found := map[string]bool{}
	must(t, s.Each(Scope{DB: AllDatabases}, func(e *Entry) error {
		if before != nil && !Before(before, e.Key) || Before(e.Key, e.Key) {
			t.Errorf("%.20s is out of order", e.Key)
		}
		before = slices.Clone(e.Key)
		i := slices.IndexFunc(all, func(i item) bool { return i.key == string(e.Key) })
		if found[string(e.Key)] = true; i < 0 || e.Bytes != int64(len(e.Key)+len(all[i].Payload)) || e.Deadline != all[i].Deadline {
			t.Errorf("%.20s: %d bytes", e.Key, e.Bytes)
		}
		return e.Value.Walk(func(el outline.Element) error {
			if string(el.Pieces[0].Bytes) != string(all[i].Payload) {
				t.Errorf("%.20s: another value", e.Key)
			}
			return nil
		})
	}))
	if len(found) != len(all) {
		t.Errorf("%d keys", len(found))
	}
	for prefix, want := range map[string]int{"p": 2, "k": 1, "p:": 1, long: 1, longer: 1, longer + "x": 0, "": 4} {
		if got := tell(t, s, Scope{DB: 0, Prefix: []byte(prefix)}); len(got) != want {
			t.Errorf("%.10q: %d keys", prefix, len(got))
		}
	}
	for _, i := range all {
		must(t, s.Find(0, []byte(i.key), func(e *Entry) error {
			if e.Bytes != int64(len(i.key)+len(i.Payload)) {
				t.Errorf("%.20s: %d bytes", e.Key, e.Bytes)
			}
			return nil
		}))
	}
	base := openSnapshot(t, dir).base
	for _, i := range all {
		var got []byte
		ok, err := base.EachChunk(1, []byte(i.key), func(piece []byte) error {
			got = append(got, piece...)
			return nil
		})
		if err != nil || !ok || string(got) != string(i.Payload) {
			t.Errorf("%.20s: %d bytes in chunks, %v", i.key, len(got), err)
		}
	}
	if ok, err := base.EachChunk(1, []byte("no"), nil); ok || err != nil {
		t.Error(ok, err)
	}
}

// Bytes that are no value of their type are named, with the key, as damage.
func TestSourceOfWhatIsNotAValue(t *testing.T) {
	dir := t.TempDir()
	meta := testMeta()
	meta.DBs = meta.DBs[1:]
	writeBase(t, dir, meta, item{1, "k", snapshot.Record{Kind: byte(kv.Hash), Payload: []byte("no hash")}})
	s, err := OpenSnapshot(vfs.OS(), dir+"/base.db")
	must(t, err)
	err = s.Source().Each(Scope{DB: AllDatabases}, func(*Entry) error { return nil })
	if !errors.Is(err, snapshot.ErrCorrupt) || !strings.Contains(err.Error(), `key "k"`) {
		t.Error(err)
	}
	must(t, s.Close())

	dir = t.TempDir()
	writeBase(t, dir, meta, item{1, "k", snapshot.Record{Kind: 11, Payload: []byte("of the future")}})
	future := openSnapshot(t, dir).Source()
	must(t, future.Find(0, []byte("k"), func(e *Entry) error {
		if e.Type != "kind 11" || e.Encoding != "" {
			t.Errorf("%+v", e)
		}
		if err := e.Value.Walk(func(outline.Element) error { return nil }); err == nil || !strings.Contains(err.Error(), "use the version that wrote it") {
			t.Error(err)
		}
		return nil
	}))
}
