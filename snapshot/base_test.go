package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"testing"

	"go.etcd.io/bbolt"

	"holdfast/internal/vfs"
)

// small writes a base with the keys a, b and c in store 1, of which b has a deadline.
func small(t testing.TB, dir string) *model {
	t.Helper()
	m := newModel(1)
	m.meta.LSN, m.meta.Time, m.meta.Extra = 41, 1700000000000, []byte("later")
	c := newChanges(t, vfs.OS(), dir, m)
	c.put(1, "b", Record{Kind: 2, Deadline: 5000, Payload: []byte("two")})
	c.put(1, "a", Record{Kind: 1, Payload: []byte("one")})
	c.put(1, "c", Record{Kind: 3})
	c.fresh(vfs.OS(), dir)
	return m
}

func TestEveryShapeComesBack(t *testing.T) {
	unraced(t)
	dir := t.TempDir()
	m := newModel(1, 4_000_000_000)
	c := newChanges(t, vfs.OS(), dir, m)
	c.put(1, "", Record{Kind: 255, Payload: []byte("the empty key")})
	c.put(1, "empty value", Record{})
	c.put(1, "\x00", Record{Deadline: 1, Payload: []byte{0}})
	c.put(1, "\x00\x00", Record{Deadline: math.MaxInt64, Payload: []byte{0}})
	for _, size := range []int{MaxPlainKey - 1, MaxPlainKey, MaxPlainKey + 1, 40 << 10, chunk + 1, 200 << 10} {
		c.put(1, string(bytes.Repeat([]byte("k"), size)), Record{Deadline: 77, Payload: fmt.Appendf(nil, "under a key of %d", size)})
	}
	for _, size := range []int{chunk - 1, chunk, chunk + 1, 2 * chunk, 3*chunk + 5, 100 << 20} {
		c.put(4_000_000_000, fmt.Sprintf("payload of %d", size), Record{Payload: bytes.Repeat([]byte("0123456789"), size/10+1)[:size]})
	}
	c.put(4_000_000_000, "parted", Record{Parted: true, Payload: bytes.Repeat([]byte("head"), chunk)})
	c.putPart(4_000_000_000, "parted", 0, "")
	c.putPart(4_000_000_000, "parted", math.MaxUint64, "the last")
	c.putPart(4_000_000_000, "parted", 1, string(bytes.Repeat([]byte("p"), 1<<20)))
	r := c.fresh(vfs.OS(), dir)
	b := open(t, dir, OpenOptions{ReadOnly: true})
	m.check(t, b)
	if fmt.Sprint(r.Meta) != fmt.Sprint(b.Meta()) || r.Keys != 17 || r.Bytes < 20<<20 || r.Pages != r.Bytes/4096 {
		t.Errorf("result %+v", r)
	}
}

func TestWhatOpenSays(t *testing.T) {
	bolt := func(fill func(tx *bbolt.Tx) error, o *bbolt.Options) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			db, err := bbolt.Open(path, 0o600, o)
			must(t, err)
			must(t, db.Update(fill))
			must(t, db.Close())
		}
	}
	text := func(content string) func(t *testing.T, path string) {
		return func(t *testing.T, path string) { must(t, os.WriteFile(path, []byte(content), 0o600)) }
	}
	newer := func(tx *bbolt.Tx) error {
		meta, err := tx.CreateBucket([]byte(bucketMeta))
		if err != nil {
			return err
		}
		value := formatValue()
		value[len(value)-4] = Format + 1
		return meta.Put([]byte(keyFormat), seal([]byte(keyFormat), value))
	}
	headless := func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket(tableKeys.bucket(3))
		return err
	}
	other := func(tx *bbolt.Tx) error {
		meta, err := tx.CreateBucket([]byte(bucketMeta))
		if err != nil {
			return err
		}
		return meta.Put([]byte("version"), []byte("1"))
	}
	for _, test := range []struct {
		name string
		make func(t *testing.T, path string)
		want error
	}{
		{"nothing there", func(*testing.T, string) {}, ErrNotExist},
		{"nothing there, as files say it", func(*testing.T, string) {}, fs.ErrNotExist},
		{"an empty file", text(""), ErrCorrupt},
		{"a short text", text("REDIS0011"), ErrNotBase},
		{"a long text", text(string(bytes.Repeat([]byte("hello world\n"), 5000))), ErrNotBase},
		{"a directory", func(t *testing.T, path string) { must(t, os.Mkdir(path, 0o700)) }, nil},
		{"a bbolt file of somebody else", bolt(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("users")); return err }, nil), ErrNotBase},
		{"an empty bbolt file", bolt(func(*bbolt.Tx) error { return nil }, nil), ErrNotBase},
		{"a bbolt file without a free list", bolt(func(*bbolt.Tx) error { return nil }, &bbolt.Options{NoFreelistSync: true}), ErrNotBase},
		{"a bbolt file with a meta bucket of its own", bolt(other, nil), ErrNotBase},
		{"a base without its meta", bolt(headless, nil), ErrCorrupt},
		{"a base of a newer format", bolt(newer, nil), ErrNewer},
	} {
		for _, readOnly := range []bool{false, true} {
			dir := t.TempDir()
			test.make(t, basePath(dir))
			before, statErr := os.ReadFile(basePath(dir))
			b, err := Open(basePath(dir), OpenOptions{ReadOnly: readOnly})
			if b != nil || err == nil || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("%s (read-only %t): %v, want %v", test.name, readOnly, err, test.want)
			}
			after, _ := os.ReadFile(basePath(dir))
			if statErr == nil && !bytes.Equal(before, after) {
				t.Errorf("%s: Open changed it", test.name)
			}
		}
	}
}

func TestLocks(t *testing.T) {
	dir := t.TempDir()
	small(t, dir)
	for _, test := range []struct {
		first, second bool // read-only
		want          error
	}{
		{false, false, ErrLocked},
		{false, true, ErrLocked},
		{true, false, ErrLocked},
		{true, true, nil},
	} {
		first, err := Open(basePath(dir), OpenOptions{ReadOnly: test.first})
		must(t, err)
		second, err := Open(basePath(dir), OpenOptions{ReadOnly: test.second})
		if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
			t.Errorf("%+v: %v", test, err)
		}
		if err == nil {
			must(t, second.Close())
		}
		must(t, first.Close())
	}
}

func TestReadOnlyAndClosed(t *testing.T) {
	dir := t.TempDir()
	m := small(t, dir)
	b, err := Open(basePath(dir), OpenOptions{ReadOnly: true})
	must(t, err)
	ch := NewChanges(vfs.OS(), dir, 1<<20)
	if _, err := b.Apply(ch, m.meta); !errors.Is(err, ErrReadOnly) {
		t.Errorf("Apply on a read-only base: %v", err)
	}
	must(t, b.Close())
	b, err = Open(basePath(dir), OpenOptions{})
	must(t, err)
	must(t, b.Close())
	if _, _, err := b.Get(1, []byte("a")); !errors.Is(err, ErrClosed) {
		t.Errorf("Get on a closed base: %v", err)
	}
	if _, err := b.Apply(ch, m.meta); !errors.Is(err, ErrClosed) {
		t.Errorf("Apply on a closed base: %v", err)
	}
}

// Who has the file open still, by another descriptor, finds everything in it: only the process that lets go forgets it.
func TestARetiredBaseIsClosedAndItsFileWhole(t *testing.T) {
	dir := t.TempDir()
	small(t, dir)
	reader, err := os.Open(basePath(dir))
	must(t, err)
	defer reader.Close()
	before, err := os.ReadFile(basePath(dir))
	must(t, err)
	b, err := Open(basePath(dir), OpenOptions{})
	must(t, err)
	must(t, os.Remove(basePath(dir))) // as where another file takes its name
	must(t, b.Retire())
	if _, _, err := b.Get(1, []byte("a")); !errors.Is(err, ErrClosed) {
		t.Errorf("Get on a retired base: %v", err)
	}
	after := make([]byte, len(before))
	if _, err := reader.ReadAt(after, 0); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the file has changed, or cannot be read: %v", err)
	}
	must(t, b.Retire()) // as Close, which may be called again
}

func TestIterations(t *testing.T) {
	dir := t.TempDir()
	m := newModel(1)
	c := newChanges(t, vfs.OS(), dir, m)
	for i := range 1000 {
		c.put(1, fmt.Sprintf("%03d", i), Record{Deadline: int64(1 + i%10)})
	}
	long := string(bytes.Repeat([]byte("z"), 40000))
	c.put(1, long, Record{Deadline: 5, Payload: []byte("long")})
	c.put(1, "", Record{})
	c.fresh(vfs.OS(), dir)
	b := open(t, dir, OpenOptions{})

	keys := func(from []byte) (keys []string) {
		must(t, b.Each(1, from, func(key []byte, _ Record) error { keys = append(keys, string(key)); return nil }))
		return keys
	}
	all := keys(nil)
	if len(all) != 1002 || all[0] != "" || all[1] != "000" || all[1001] != long {
		t.Errorf("Each from the start: %d keys", len(all))
	}
	if got := keys([]byte("997a")); !slices.Equal(got, []string{"998", "999", long}) {
		t.Errorf("Each from 997a: %.20q", got)
	}
	if got := keys([]byte("998")); !slices.Equal(got, []string{"998", "999", long}) {
		t.Errorf("Each from 998: %.20q", got)
	}
	stop := errors.New("enough")
	if err := b.Each(1, nil, func([]byte, Record) error { return stop }); err != stop {
		t.Errorf("fn's error became %v", err)
	}

	var sliced []string
	var after []byte
	for more := true; more; {
		entries, again, err := b.Slice(1, after, 7)
		must(t, err)
		if len(entries) == 0 || len(entries) > 7 {
			t.Fatalf("a slice of %d", len(entries))
		}
		for _, e := range entries {
			sliced, after = append(sliced, string(e.Key)), e.Key
		}
		more = again
	}
	if !slices.Equal(sliced, all) {
		t.Errorf("slices give %d keys, Each %d", len(sliced), len(all))
	}
	var some []string
	after = nil
	for more := true; more; {
		before := len(some)
		again, err := b.Some(1, after, 300, func(key []byte, _ Record) {
			some, after = append(some, string(key)), bytes.Clone(key)
			if n := b.readers.open[0].Load() + b.readers.open[1].Load(); n != 0 {
				t.Fatalf("%d readings are open where Some shows a key", n)
			}
		})
		must(t, err)
		if n := len(some) - before; n == 0 || n > 300 {
			t.Fatalf("Some shows %d keys", n)
		}
		more = again
	}
	if !slices.Equal(some, all) {
		t.Errorf("Some shows %d keys, Each %d", len(some), len(all))
	}
	wanted := [][]byte{[]byte(""), []byte("-"), []byte("000"), []byte("0000"), []byte("999"), []byte(long), []byte("zz")}
	for i := range 700 {
		wanted = append(wanted, fmt.Appendf(nil, "%03d", i+150), fmt.Appendf(nil, "%03d?", i))
	}
	var met []string
	find := func(keys [][]byte) {
		met = nil
		must(t, b.Find(1, keys, func(key []byte, r Record) bool {
			one, ok, err := b.Get(1, key)
			if must(t, err); !ok || one.Deadline != r.Deadline || !bytes.Equal(one.Payload, r.Payload) {
				t.Errorf("key %.9q: Find shows %v, Get %v", key, r, one)
			}
			met = append(met, string(key))
			return true
		}))
	}
	if find(wanted); len(met) != 4+700 || !slices.Equal(met[:4], []string{"", "000", "999", long}) {
		t.Errorf("Find meets %d keys, %.9q first", len(met), met[:4])
	}
	sorted := slices.SortedFunc(slices.Values(wanted), bytes.Compare)
	if find(sorted); len(met) != 4+700 {
		t.Errorf("Find meets %d sorted keys", len(met))
	}
	slices.Reverse(sorted)
	if find(sorted); len(met) != 4+700 {
		t.Errorf("Find meets %d keys in the opposite order", len(met))
	}
	must(t, b.Find(77, wanted, func([]byte, Record) bool { t.Error("a key of an unknown store"); return true }))
	seen := 0
	must(t, b.Find(1, wanted, func([]byte, Record) bool { seen++; return seen < 3 }))
	if seen != 3 {
		t.Errorf("Find shows %d keys where it was ended at 3", seen)
	}
	if more, err := b.Some(77, nil, 7, func([]byte, Record) { t.Error("a key of an unknown store") }); more || err != nil {
		t.Errorf("some of an unknown store: %t %v", more, err)
	}
	if entries, more, err := b.Slice(77, nil, 7); entries != nil || more || err != nil {
		t.Errorf("a slice of an unknown store: %v %t %v", entries, more, err)
	}

	var due []string
	must(t, b.Deadlines(1, 5, 6, func(deadline int64, key []byte) error {
		due = append(due, fmt.Sprintf("%d %.3s", deadline, key))
		return nil
	}))
	if len(due) != 201 || due[0] != "5 004" || due[100] != "5 zzz" && due[0] != "5 zzz" || due[200] != "6 995" {
		t.Errorf("deadlines 5 to 6: %d, %q", len(due), due)
	}
}

// TestAPanicOfTheCallerIsTheCallers: guard must not swallow what fn does, and the transaction must end.
func TestAPanicOfTheCallerIsTheCallers(t *testing.T) {
	dir := t.TempDir()
	m := small(t, dir)
	b := open(t, dir, OpenOptions{})
	func() {
		defer func() {
			if p := recover(); p != "mine" {
				t.Errorf("recovered %v", p)
			}
		}()
		must(t, b.Each(1, nil, func([]byte, Record) error { panic("mine") }))
	}()
	if open := b.db.Stats().OpenTxN; open != 0 {
		t.Errorf("%d transactions are open", open)
	}
	c := newChanges(t, vfs.OS(), dir, m)
	c.delete(1, "a")
	c.apply(b)
	m.check(t, b)
}

func TestStats(t *testing.T) {
	dir := t.TempDir()
	m := small(t, dir)
	b := open(t, dir, OpenOptions{})
	c := newChanges(t, vfs.OS(), dir, m)
	for i := range 1000 {
		c.put(1, fmt.Sprint(i), Record{Payload: make([]byte, 100)})
	}
	c.apply(b)
	for key := range m.stores[1] {
		c.delete(1, key)
	}
	c.apply(b)
	s, err := b.Stats()
	must(t, err)
	info, err := os.Stat(b.Path())
	must(t, err)
	if s.FileBytes != info.Size() || s.PageBytes != os.Getpagesize() || s.Pages < 30 || s.FreePages < 30 || s.FreePages >= s.Pages {
		t.Errorf("%+v", s)
	}
}

// A file of format 1 differs in its number alone, as nothing in a value lapsed then. The first write makes it one of today's.
func TestFormatOneIsReadAndWritten(t *testing.T) {
	dir := t.TempDir()
	m := small(t, dir)
	setFormat(t, basePath(dir), 1)
	b := open(t, dir, OpenOptions{})
	m.check(t, b)
	c := newChanges(t, vfs.OS(), dir, m)
	c.put(1, "b", Record{Kind: 5, Lapse: 7})
	c.apply(b)
	m.check(t, b)
	must(t, b.read("reading the format", func(v *view, root uint64) error {
		meta, err := v.bucket(root, []byte(bucketMeta))
		must(t, err)
		value, _, err := meta.find([]byte(keyFormat))
		if format, ok := parseFormat(value); !ok || format != Format {
			t.Errorf("the format is %d after a write", format)
		}
		return err
	}))
}

// setFormat changes the number of the format that a file says it has.
func setFormat(t *testing.T, path string, format byte) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	must(t, err)
	must(t, db.Update(func(tx *bbolt.Tx) error {
		value := formatValue()
		value[len(value)-4] = format
		return tx.Bucket([]byte(bucketMeta)).Put([]byte(keyFormat), seal([]byte(keyFormat), value))
	}))
	must(t, db.Close())
}

// TestFindPassesOverLargeValues: what looks keys up ahead must not hold gigabytes for it.
func TestFindPassesOverLargeValues(t *testing.T) {
	dir := t.TempDir()
	c := newChanges(t, vfs.OS(), dir, newModel(1))
	var keys [][]byte
	for i := range 40 {
		size := 60 << 10 // more than a transaction's worth in all
		if i%2 == 1 {
			size = 2 * chunk
		}
		keys = append(keys, fmt.Appendf(nil, "%02d", i))
		c.put(1, string(keys[i]), Record{Payload: make([]byte, size)})
	}
	c.fresh(vfs.OS(), dir)
	b := open(t, dir, OpenOptions{})
	var met []string
	must(t, b.Find(1, keys, func(key []byte, r Record) bool {
		if met = append(met, string(key)); len(r.Payload) != 60<<10 {
			t.Errorf("key %s has %d bytes", key, len(r.Payload))
		}
		return true
	}))
	if len(met) != 20 || met[0] != "00" || met[19] != "38" {
		t.Errorf("Find meets %q", met)
	}
}

// Who changes a base maps more of it than it will grow by; a reader, beside whom it does not grow, no more than there is.
func TestRoomToGrow(t *testing.T) {
	dir := t.TempDir()
	small(t, dir)
	b := open(t, dir, OpenOptions{})
	if b.mapped < 1<<30 {
		t.Errorf("%d bytes are mapped for changes", b.mapped)
	}
	must(t, b.Close())
	if b := open(t, dir, OpenOptions{ReadOnly: true}); b.mapped != 0 {
		t.Errorf("%d bytes are mapped for reading", b.mapped)
	}
}
