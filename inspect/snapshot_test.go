package inspect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"holdfast/hashes"
	"holdfast/internal/vfs"
	"holdfast/kv"
	"holdfast/lists"
	"holdfast/snapshot"
)

func TestSnapshotInfo(t *testing.T) {
	dir := fixture(t)
	untouched(t, dir)
	info, err := openSnapshot(t, dir).Info()
	must(t, err)
	stat, err := os.Stat(filepath.Join(dir, "base.db"))
	must(t, err)
	if info.FileBytes != stat.Size() || info.Pages <= info.FreePages || info.PageBytes != os.Getpagesize() {
		t.Errorf("sizes: %+v; the file has %d bytes", info, stat.Size())
	}
	golden(t, func(b *bytes.Buffer) error { return info.WriteText(b) }, fmt.Sprintf(`file      %s/base.db
format    2
data set  %s
LSN       3
time      2023-11-14T22:13:20.000Z
log       goes on from LSN 4
size      %d bytes
pages     %d of %d bytes, %d of them free
keys      4
TTLs      1, of keys or of fields in them

database  keys  TTLs
0         3     1
3         1     0
`, dir, testHex, info.FileBytes, info.Pages, info.PageBytes, info.FreePages))
	golden(t, func(b *bytes.Buffer) error { return WriteJSON(b, info) }, fmt.Sprintf(
		`{"file":"%s/base.db","format":2,"data_set":"%s","lsn":3,"time_unix_ms":1700000000000,"logged":true,`+
			`"file_bytes":%d,"page_bytes":%d,"pages":%d,"free_pages":%d,"keys":4,"ttls":1,`+
			`"databases":[{"db":0,"keys":3,"ttls":1},{"db":3,"keys":1,"ttls":0}]}`+"\n",
		dir, testHex, info.FileBytes, info.PageBytes, info.Pages, info.FreePages))
}

func TestSnapshotStats(t *testing.T) {
	dir := fixture(t)
	untouched(t, dir)
	stats, err := NewStats(openSnapshot(t, dir).Source(), StatsOptions{Scope: Scope{DB: AllDatabases}, Biggest: 2, Now: testTime})
	must(t, err)
	queue := int64(len("queue") + len(items()[2].Payload))
	all := int64(len("greeting"+"hello <é>"+"bin\xff\n"+"\x00\xff"+"other"+"x")) + queue
	want := []TypeStats{
		{0, "list", Tally{1, 0, 1, 10, queue}},
		{0, "string", Tally{2, 1, 1, 2, 25}},
		{3, "string", Tally{1, 0, 1, 1, 6}},
	}
	if !slices.Equal(stats.Types, want) || stats.Total != (Tally{4, 1, 3, 13, all}) {
		t.Errorf("%+v, %+v", stats.Types, stats.Total)
	}
	if len(stats.Biggest) != 2 || string(stats.Biggest[0].Key) != "queue" || string(stats.Biggest[1].Key) != "greeting" {
		t.Errorf("%+v", stats.Biggest)
	}
	for _, due := range stats.Due {
		if want := map[int64]int64{60_000: 1}[due.Within]; due.Keys != want {
			t.Errorf("%+v", due)
		}
	}
	if stats.Sizes[0].Keys != 4 || stats.Sizes[0].Bytes != all || stats.Prefixes != nil {
		t.Errorf("%+v, %+v", stats.Sizes[0], stats.Prefixes)
	}
}

// The biggest keys are the biggest, in order, whatever the order of the keys; of equal ones the first stay.
func TestStatsRank(t *testing.T) {
	var s Stats
	for i, size := range []int64{3, 9, 1, 9, 5, 9, 4} {
		s.rank(&Entry{Key: Bytes{byte('a' + i)}, Bytes: size}, 4)
	}
	var got string
	for _, k := range s.Biggest {
		got += fmt.Sprintf("%s%d ", k.Key, k.Bytes)
	}
	if got != `"b"9 "d"9 "f"9 "e"5 ` {
		t.Error(got)
	}
	if s = (Stats{}); len(s.Biggest) > 0 {
		t.Error("not empty")
	}
	if s.rank(&Entry{Bytes: 1}, 0); len(s.Biggest) > 0 {
		t.Error("0 asked for, 1 kept")
	}
}

// A parted value counts with its parts, and what it has in them is looked at when it is shown.
func TestStatsCountsParts(t *testing.T) {
	dir := t.TempDir()
	l := lists.New()
	for range 3 {
		l.PushBack(bytes.Repeat([]byte("x"), 40_000))
	}
	changes := snapshot.NewChanges(vfs.OS(), dir, 1<<20)
	head, size := l.AppendHead(nil), int64(0)
	must(t, changes.Put(1, []byte("k"), snapshot.Record{Kind: byte(kv.List), Parted: true, Payload: head}))
	must(t, l.Parts(false, func(id uint64, payload []byte) error {
		if size == 0 {
			payload = bytes.Clone(payload)
			payload[1]++ // a length of its first element
		}
		size += int64(len(payload))
		return changes.PutPart(1, []byte("k"), id, payload)
	}))
	_, err := snapshot.WriteFresh(vfs.OS(), dir, "base.db", changes, snapshot.Meta{DBs: []snapshot.DB{{Store: 1}}})
	must(t, errors.Join(err, changes.Discard()))
	s := openSnapshot(t, dir).Source()
	stats, err := NewStats(s, StatsOptions{Scope: Scope{DB: AllDatabases}})
	must(t, err)
	if stats.Total.Bytes != 1+int64(len(head))+size || stats.Total.Elements != 3 {
		t.Errorf("%+v", stats.Total)
	}
	if err := Get(s, 0, []byte("k"), io.Discard, AsRaw); !errors.Is(err, snapshot.ErrCorrupt) || !strings.Contains(err.Error(), `key "k"`) {
		t.Errorf("Get of a parted value that is no list: %v", err)
	}
}

func TestSnapshotKeys(t *testing.T) {
	dir := fixture(t)
	untouched(t, dir)
	s := openSnapshot(t, dir).Source()
	for _, c := range []struct {
		filter KeyFilter
		want   string
	}{
		{KeyFilter{DB: AllDatabases}, "0\t\"bin\\xff\\n\"\n0\t\"greeting\"\n0\t\"queue\"\n3\t\"other\"\n"},
		{KeyFilter{DB: 0}, "\"bin\\xff\\n\"\n\"greeting\"\n\"queue\"\n"},
		{KeyFilter{DB: 3}, "\"other\"\n"},
		{KeyFilter{DB: 1}, ""},
		{KeyFilter{DB: 0, Match: []byte("*e*")}, "\"greeting\"\n\"queue\"\n"},
		{KeyFilter{DB: 0, Match: []byte("")}, ""},
		{KeyFilter{DB: 0, Match: []byte("bin\xff?")}, "\"bin\\xff\\n\"\n"},
		{KeyFilter{DB: 0, Type: "list"}, "\"queue\"\n"},
		{KeyFilter{DB: AllDatabases, Type: "string", Limit: 2}, "0\t\"bin\\xff\\n\"\n0\t\"greeting\"\n"},
		{KeyFilter{DB: 0, Type: "string", Match: []byte("g*"), Limit: 1}, "\"greeting\"\n"},
		{KeyFilter{DB: AllDatabases, Prefix: []byte("o")}, "3\t\"other\"\n"},
		{KeyFilter{DB: 0, BytesMin: 8, BytesMax: 18}, "\"greeting\"\n"},
		{KeyFilter{DB: 0, DueTo: testTime + 1}, "\"bin\\xff\\n\"\n"},
		{KeyFilter{DB: 0, DueFrom: testTime + 2}, ""},
		{KeyFilter{DB: 0, DueFrom: testTime, DueTo: testTime}, ""},
		{KeyFilter{DB: 0, NoTTL: true, Type: "string"}, "\"greeting\"\n"},
	} {
		golden(t, func(b *bytes.Buffer) error {
			return Keys(s, c.filter, func(k Key) error { return k.WriteText(b, c.filter.DB == AllDatabases) })
		}, c.want)
	}
	if err := Keys(s, KeyFilter{Type: "hush"}, nil); err == nil || !strings.Contains(err.Error(), `no type is called "hush"; there are: string, list`) {
		t.Errorf("an unknown type: %v", err)
	}
	stop := errors.New("stop")
	if err := Keys(s, KeyFilter{}, func(Key) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("an error of fn: %v", err)
	}
}

func TestSnapshotKeysJSON(t *testing.T) {
	s := openSnapshot(t, fixture(t)).Source()
	golden(t, func(b *bytes.Buffer) error {
		return Keys(s, KeyFilter{DB: 0, Limit: 2}, func(k Key) error { return WriteJSON(b, k) })
	}, `{"db":0,"key":{"base64":"Ymlu/wo="},"type":"string","encoding":"embstr","elements":1,"deadline_unix_ms":1700000000001,"bytes":7}`+"\n"+
		`{"db":0,"key":"greeting","type":"string","encoding":"embstr","elements":1,"bytes":18}`+"\n")
}

func TestSnapshotGet(t *testing.T) {
	dir := fixture(t)
	untouched(t, dir)
	s := openSnapshot(t, dir).Source()
	for _, c := range []struct {
		db   int
		key  string
		look Look
		want string
	}{
		{0, "greeting", AsReply, `"hello <\xc3\xa9>"` + "\n"},
		{0, "greeting", AsRaw, "hello <é>\n"},
		{0, "greeting", AsJSON, `{"db":0,"key":"greeting","type":"string","encoding":"embstr","elements":1,"bytes":18,"value":"hello <é>"}` + "\n"},
		{0, "bin\xff\n", AsReply, `"\x00\xff"` + "\n"},
		{0, "bin\xff\n", AsRaw, "\x00\xff\n"},
		{0, "bin\xff\n", AsJSON, `{"db":0,"key":{"base64":"Ymlu/wo="},"type":"string","encoding":"embstr","elements":1,"deadline_unix_ms":1700000000001,"bytes":7,"value":{"base64":"AP8="}}` + "\n"},
		{3, "other", AsReply, `"x"` + "\n"},
		{0, "queue", AsReply, ` 1) "a"
 2) "b\n"
 3) "\xff"
 4) ""
 5) "e"
 6) "f"
 7) "g"
 8) "h"
 9) "i"
10) "j"
`},
		{0, "queue", AsRaw, "a\nb\n\n\xff\n\ne\nf\ng\nh\ni\nj\n"},
		{0, "queue", AsJSON, fmt.Sprintf(`{"db":0,"key":"queue","type":"list","encoding":"quicklist","elements":10,"bytes":%d,"value":["a","b\n",{"base64":"/w=="},"","e","f","g","h","i","j"]}`,
			len("queue")+len(items()[2].Payload)) + "\n"},
	} {
		golden(t, func(b *bytes.Buffer) error { return Get(s, c.db, []byte(c.key), b, c.look) }, c.want)
	}
	for _, c := range []struct {
		db  int
		key string
	}{{0, "other"}, {3, "greeting"}, {1, "greeting"}, {0, ""}} {
		if err := Get(s, c.db, []byte(c.key), io.Discard, AsRaw); !errors.Is(err, ErrNoKey) {
			t.Errorf("%q in %d: %v", c.key, c.db, err)
		}
	}
}

func TestSnapshotGetOfAHashTellsDeadlinesOfFields(t *testing.T) {
	dir := t.TempDir()
	h := hashes.New()
	for _, field := range []string{"f", "bin\xff", "g"} {
		h.Set([]byte(field), []byte("v"))
	}
	h.SetDeadline([]byte("bin\xff"), testTime)
	h.SetDeadline([]byte("g"), testTime+1)
	payload := h.AppendBinary(nil)
	writeBase(t, dir, testMeta(), item{1, "hash", snapshot.Record{Kind: byte(kv.Hash), Payload: payload}})
	s := openSnapshot(t, dir).Source()
	for look, want := range map[Look]string{
		AsReply: `1) "f"
2) "v"
3) "bin\xff" until 2023-11-14T22:13:20.000Z
4) "v"
5) "g" until 2023-11-14T22:13:20.001Z
6) "v"
`,
		AsRaw: "f\nv\nbin\xff\nv\ng\nv\n",
		AsJSON: fmt.Sprintf(`{"db":0,"key":"hash","type":"hash","encoding":"listpackex","elements":3,"bytes":%d,"value":[{"field":"f","value":"v"},`+
			`{"field":{"base64":"Ymlu/w=="},"value":"v","deadline_unix_ms":1700000000000},`+
			`{"field":"g","value":"v","deadline_unix_ms":1700000000001}]}`,
			len("hash")+len(payload)) + "\n",
	} {
		golden(t, func(b *bytes.Buffer) error { return Get(s, 0, []byte("hash"), b, look) }, want)
	}
}

// What a checksum cannot see, decoding does: a list that is none, and a kind of the future.
func TestGetOfWhatIsNotAValue(t *testing.T) {
	dir := t.TempDir()
	writeBase(t, dir, testMeta(),
		item{1, "broken", snapshot.Record{Kind: byte(kv.List), Payload: []byte{99}}},
		item{1, "newer", snapshot.Record{Kind: 77, Payload: []byte{99}}})
	s := openSnapshot(t, dir).Source()
	if err := Get(s, 0, []byte("broken"), io.Discard, AsRaw); !errors.Is(err, snapshot.ErrCorrupt) || !strings.Contains(err.Error(), "it is no list") {
		t.Errorf("broken: %v", err)
	}
	if err := Get(s, 0, []byte("newer"), io.Discard, AsRaw); err == nil || errors.Is(err, snapshot.ErrCorrupt) || !strings.Contains(err.Error(), "kind 77") {
		t.Errorf("newer: %v", err)
	}
}

func TestSnapshotThatDoesNotOpen(t *testing.T) {
	dir := fixture(t)
	path := filepath.Join(dir, "base.db")
	served, err := snapshot.Open(path, snapshot.OpenOptions{})
	must(t, err)
	if _, err := openDir(t, dir).Snapshot(); !errors.Is(err, snapshot.ErrLocked) || !strings.Contains(err.Error(), "stop it first") {
		t.Errorf("a base in use: %v", err)
	}
	must(t, served.Close())

	if _, err := OpenSnapshot(vfs.OS(), path+"x"); !errors.Is(err, ErrNothing) || !strings.Contains(err.Error(), path+"x") {
		t.Errorf("a missing file: %v", err)
	}
	must(t, os.WriteFile(path, []byte("something else"), 0o600))
	if _, err := OpenSnapshot(vfs.OS(), path); !errors.Is(err, snapshot.ErrNotBase) {
		t.Errorf("a foreign file: %v", err)
	}
	must(t, os.Remove(path))
	if _, err := openDir(t, dir).Snapshot(); !errors.Is(err, ErrNothing) || !strings.Contains(err.Error(), "BGSAVE") {
		t.Errorf("no base yet: %v", err)
	}
}

func TestDamageInTheBase(t *testing.T) {
	dir := fixture(t)
	path := filepath.Join(dir, "base.db")
	flip(t, path, find(t, path, "hello"))
	s := openSnapshot(t, dir).Source()
	if err := Get(s, 0, []byte("greeting"), io.Discard, AsRaw); !errors.Is(err, snapshot.ErrCorrupt) {
		t.Errorf("Get: %v", err)
	}
	shown := 0
	err := Keys(s, KeyFilter{DB: AllDatabases}, func(Key) error { shown++; return nil })
	if !errors.Is(err, snapshot.ErrCorrupt) || shown > 1 {
		t.Errorf("Keys: %d keys, %v", shown, err)
	}
	if _, err := NewStats(s, StatsOptions{Scope: Scope{DB: AllDatabases}}); !errors.Is(err, snapshot.ErrCorrupt) {
		t.Errorf("Stats: %v", err)
	}
}

func TestOpenWhereNothingIs(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(vfs.OS(), filepath.Join(dir, "no")); !errors.Is(err, ErrNoDirectory) || !strings.Contains(err.Error(), "--dir") {
		t.Errorf("missing: %v", err)
	}
	if _, err := Open(vfs.OS(), dir); !errors.Is(err, ErrNothing) || !strings.Contains(err.Error(), dir+" is empty") {
		t.Errorf("empty: %v", err)
	}
	must(t, os.WriteFile(filepath.Join(dir, "photo.jpg"), nil, 0o600))
	if _, err := Open(vfs.OS(), dir); !errors.Is(err, ErrNothing) || !strings.Contains(err.Error(), "holds photo.jpg and neither base.db nor aof") {
		t.Errorf("foreign: %v", err)
	}
	if _, err := Open(vfs.OS(), filepath.Join(dir, "photo.jpg")); err == nil {
		t.Error("a file was taken for a directory")
	}
}

// Whatever the bytes, the JSON is JSON, and says which bytes they were.
func FuzzBytesJSON(f *testing.F) {
	for _, seed := range []string{"", "a", "\"\\", "\x00\x1f\x7f\u2028", "é", "\xff", `{"base64":"AA=="}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		text, err := json.Marshal(Bytes(b))
		must(t, err)
		var plain string
		var coded struct {
			Base64 []byte `json:"base64"`
		}
		if json.Unmarshal(text, &plain) != nil {
			must(t, json.Unmarshal(text, &coded))
			plain = string(coded.Base64)
		}
		if plain != string(b) {
			t.Errorf("%q became %s", b, text)
		}
	})
}

// A file that a server writes is longer than its pages.
func TestSnapshotInfoOfAFileAllocatedAhead(t *testing.T) {
	var b bytes.Buffer
	must(t, SnapshotInfo{FileBytes: 16805888, PageBytes: 4096, Pages: 6}.WriteText(&b))
	if want := "size      16805888 bytes, 16781312 of them allocated ahead for pages to come\npages     6 of 4096 bytes"; !strings.Contains(b.String(), want) {
		t.Errorf("%s", b.String())
	}
}
