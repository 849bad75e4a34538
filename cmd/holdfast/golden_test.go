package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"holdfast/aof"
	"holdfast/dict"
	"holdfast/hashes"
	"holdfast/internal/vfs"
	"holdfast/kv"
	"holdfast/lists"
	"holdfast/sets"
	"holdfast/snapshot"
	"holdfast/streams"
	"holdfast/zsets"
)

var update = flag.Bool("update", false, "write what the commands print to testdata/golden")

const richTime = 1_700_000_000_000 // 2023-11-14T22:13:20Z

// richKeys are keys of every type and encoding. later says what has come a day after: some of them changed.
func richKeys(later bool) map[string]kvRecord {
	const hour = 3_600_000
	str := func(text string, deadline int64) kvRecord {
		return kvRecord{kind: kv.String, deadline: deadline, value: text}
	}
	queue, big := lists.New(), lists.New()
	for i := range 12 {
		queue.PushBack(fmt.Append(nil, "job ", i))
	}
	for i := range 3000 {
		big.PushBack(fmt.Appendf(nil, "line %d of a long list", i))
	}
	seed := dict.Seed{1}
	rules := sets.Rules{MaxIntegers: 512, Seed: func() dict.Seed { return seed }}
	numbers, tags := sets.New(), sets.New()
	for i := range 5 {
		numbers.Add(fmt.Append(nil, i*i), rules)
		tags.Add(fmt.Append(nil, "tag", i), rules)
	}
	board := zsets.New()
	for i, score := range []float64{1, 2.5, 1e20} {
		board.Put(fmt.Append(nil, "player ", i), score, zsets.Limits{Entries: 128, Value: 64})
	}
	user, bulk := hashes.New(), hashes.New()
	user.Set([]byte("name"), []byte("Ann"))
	user.Set([]byte("token"), []byte("\x00\xff"))
	user.SetDeadline([]byte("token"), richTime+hour)
	for i := range 4000 {
		bulk.Set(fmt.Append(nil, "field:", i), fmt.Append(nil, "value ", i))
	}
	bulk.Enlarge(seed)
	events := streams.New()
	for i := range 3 {
		events.Append(streams.ID{MS: richTime, Seq: uint64(i)}, [][]byte{[]byte("kind"), []byte("click"), []byte("n"), fmt.Append(nil, i)}, streams.Limits{})
	}
	group := events.CreateGroup([]byte("workers"), events.LastID(), 3)
	group.Give(streams.ID{MS: richTime, Seq: 1}, group.CreateConsumer([]byte("ann")), richTime, 2)
	keys := map[string]kvRecord{
		"counter": str("42", 0), "session:1:data": str("alice", richTime+hour/2), "session:2:data": str("bob", richTime+30*24*hour),
		"session:3:data": str("gone", richTime-1), "page:<script>alert(1)</script>": str(strings.Repeat("x", 200), 0),
		"bin\xff\n": str("\x00\xff", 0), "": str("of the empty key", 0), "blob": str(strings.Repeat("blob", 40_000), 0),
		"queue:mail": {kind: kv.List, value: queue}, "queue:log": {kind: kv.List, value: big}, "numbers": {kind: kv.Set, value: numbers},
		"tags": {kind: kv.Set, value: tags}, "board": {kind: kv.ZSet, value: board}, "user:1": {kind: kv.Hash, value: user},
		"user:bulk": {kind: kv.Hash, value: bulk}, "events": {kind: kv.Stream, value: events},
	}
	if later {
		keys["counter"], keys["session:1:data"] = str("43", 0), str("alice", richTime+2*hour)
		keys["new"] = str("x", 0)
		delete(keys, "session:3:data")
		queue.PushFront([]byte("urgent"))
		queue.PopBack()
		tags.Remove([]byte("tag3"))
		tags.Add([]byte("tag9"), rules)
		board.Put([]byte("player 1"), 3, zsets.Limits{Entries: 128, Value: 64})
		user.Set([]byte("name"), []byte("Anna"))
		user.Delete([]byte("token"))
		bulk.Set([]byte("field:17"), []byte("another"))
		bulk.Delete([]byte("field:18"))
		group.Ack(streams.ID{MS: richTime, Seq: 1})
		events.Append(streams.ID{MS: richTime + 5}, [][]byte{[]byte("kind"), []byte("key")}, streams.Limits{})
	}
	return keys
}

// kvRecord is a key's value: a string or a kv.Value.
type kvRecord struct {
	kind     kv.Kind
	deadline int64
	value    any
}

func (r kvRecord) put(changes *snapshot.Changes, store snapshot.Store, key string) error {
	record := snapshot.Record{Kind: byte(r.kind), Deadline: r.deadline}
	if text, ok := r.value.(string); ok {
		record.Payload = []byte(text)
		return changes.Put(store, []byte(key), record)
	}
	v := r.value.(kv.Value)
	if l, ok := v.(kv.Lapser); ok && l.Lapses() < 1<<62 {
		record.Lapse = l.Lapses()
	}
	p, ok := v.(kv.Parted)
	if record.Parted = ok && p.Parted(); !record.Parted {
		record.Payload = v.AppendBinary(nil)
		return changes.Put(store, []byte(key), record)
	}
	record.Payload = p.AppendHead(nil)
	return errors.Join(changes.Put(store, []byte(key), record), p.PartsFrom(0, false, func(id uint64, payload []byte) error {
		return changes.PutPart(store, []byte(key), id, bytes.Clone(payload))
	}))
}

// writeRich writes a base of keys of every type.
func writeRich(t *testing.T, dir, name string, lsn uint64, keys map[string]kvRecord) {
	t.Helper()
	changes := snapshot.NewChanges(vfs.OS(), dir, 1<<20)
	err := changes.Put(2, []byte("other"), snapshot.Record{Kind: byte(kv.String), Payload: []byte("db 3")})
	for key, r := range keys {
		err = errors.Join(err, r.put(changes, 1, key))
	}
	if err == nil {
		_, err = snapshot.WriteFresh(vfs.OS(), dir, name, changes, snapshot.Meta{
			ID: [16]byte{1}, LSN: lsn, Time: richTime + int64(lsn-2)*1000, Logged: true, DBs: []snapshot.DB{{Index: 0, Store: 1}, {Index: 3, Store: 2}},
		})
	}
	if err = errors.Join(err, changes.Discard()); err != nil {
		t.Fatal(err)
	}
}

// richDir is a stopped server's directory: a base as of LSN 2, a snapshot of before as of LSN 1, and a log up to LSN 4.
func richDir(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "snapshots"), 0o700); err != nil {
		t.Fatal(err)
	}
	writeRich(t, filepath.Join(dir, "snapshots"), "before.db", 1, richKeys(false))
	writeRich(t, dir, "base.db", 2, richKeys(true))
	log, _, err := aof.Recover(aof.Options{
		FS: vfs.OS(), Dir: filepath.Join(dir, "aof"), ID: [16]byte{1}, SegmentBytes: 8192, Clock: richClock,
	}, 0, func(aof.Record) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	for i, command := range []string{"SET counter 42", "SET counter 43", "HSET user:1 name Eve", "RPUSH queue:mail last"} {
		log.Append(richTime+int64(i-1)*1000, 0, aof.AppendCommand(nil, 0, bytes.Fields([]byte(command))...))
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// golden compares what a command prints with testdata/golden/NAME, in which DIR is the directory.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(got), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; go test -run %s -update ./cmd/holdfast writes it", err, t.Name())
	}
	if got != string(want) {
		t.Errorf("%s has changed (-update writes it anew):\n%s", name, got)
	}
}

// richRDB writes the directory's base and its snapshot as RDB files beside them too.
func richRDB(t *testing.T, dir string) {
	t.Helper()
	for _, args := range []string{"--out DIR/base.rdb", "--name before --out DIR/before.rdb"} {
		args = strings.ReplaceAll("snapshot export --dir DIR --format rdb "+args, "DIR", dir)
		if code, _, errs := runOffline(t, strings.Fields(args)...); code != 0 || errs != "" {
			t.Fatalf("%s: exit code %d, %s", args, code, errs)
		}
	}
}

// What each command prints, for people and for programs.
func TestGolden(t *testing.T) {
	dir := richDir(t)
	richRDB(t, dir)
	for name, args := range map[string]string{
		"list":            "list --dir DIR",
		"list.json":       "list --dir DIR --json",
		"info":            "info --dir DIR --name before",
		"info.json":       "info --dir DIR --json",
		"info.rdb":        "info --rdb DIR/base.rdb",
		"info.rdb.json":   "info --rdb DIR/before.rdb --json",
		"verify":          "verify --dir DIR",
		"verify.rdb":      "verify --rdb DIR/base.rdb",
		"verify.rdb.json": "verify --rdb DIR/before.rdb --json",
		"verify.json":     "verify --dir DIR --json",
		"stats":           "stats --dir DIR",
		"stats.json":      "stats --name before --dir DIR --json",
		"stats.narrow":    "stats --dir DIR --db 0 --prefix session: --biggest 1 --separators :< --depth 3 --at 2023-12-01T00:00:00Z",
		"keys":            "keys --dir DIR",
		"keys.long":       "keys --dir DIR --long",
		"keys.json":       "keys --dir DIR --json --prefix u",
		"keys.ttl":        "keys --name before --dir DIR --ttl-max 1h",
		"diff":            "diff before DIR --dir DIR",
		"diff.values":     "diff before DIR --dir DIR --values",
		"diff.json":       "diff before DIR --dir DIR --values --json",
		"diff.same":       "diff DIR DIR/base.db --exit-code",
		"diff.lsn":        "diff DIR --dir DIR --lsn 4 --values",

		"diff.rdb":      "diff before --rdb DIR/base.rdb --dir DIR --values",
		"diff.rdb.json": "diff DIR/before.rdb DIR --dir DIR --json --prefix user:",
		"diff.rdb.two":  "diff DIR/before.rdb DIR/base.rdb --values",
		"diff.rdb.same": "diff before DIR/before.rdb --dir DIR --exit-code",
		"diff.rdb.lsn":  "diff DIR/base.rdb --lsn 4 --dir DIR",
	} {
		code, out, errs := runOffline(t, strings.Fields(strings.ReplaceAll("snapshot "+args, "DIR", dir))...)
		if code != 0 || errs != "" {
			t.Errorf("%s: exit code %d, %s", args, code, errs)
		}
		golden(t, name, strings.ReplaceAll(out, dir, "DIR"))
	}
	var out strings.Builder
	for _, key := range []string{"queue:mail", "numbers", "board", "user:1", "events", `"bin\xff\n"`, `""`} {
		for _, look := range []string{"--no-raw", "--raw", "--json", "--resp"} {
			code, text, errs := runOffline(t, "snapshot", "get", key, "--name", "before", "--dir", dir, look)
			if code != 0 || errs != "" {
				t.Errorf("get %s: exit code %d, %s", key, code, errs)
			}
			fmt.Fprintf(&out, "$ get %s %s\n%s", key, look, text)
		}
	}
	golden(t, "get", out.String())
}

func TestDiffExitCodes(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()) // others leave things in the common one
	dir := richDir(t)
	for _, c := range []struct {
		args string
		code int
		errs string
	}{
		{"diff before DIR --dir DIR --exit-code", 1, ""},
		{"diff before DIR --dir DIR", 0, ""},
		{"diff before --dir DIR", 2, "wants two snapshots"},
		{"diff --dir DIR", 2, "wants two snapshots"},
		{"diff before DIR --lsn 3 --dir DIR", 2, "wants two snapshots"},
		{"diff a b c --dir DIR", 2, `does not take "c"`},
		{"diff nothing DIR --dir DIR", 1, `no snapshot "nothing"`},
		{"diff before DIR/aof --dir DIR", 1, "neither base.db nor aof"},
		{"diff before DIR/aof/00000000000000000001.aof --dir DIR", 1, "not a holdfast base"},
		{"diff before --dir DIR --lsn 99", 1, "99"},
		{"diff before DIR --dir DIR --db -7", 2, "no negative"},
	} {
		code, _, errs := runOffline(t, strings.Fields(strings.ReplaceAll("snapshot "+c.args, "DIR", dir))...)
		if code != c.code || !strings.Contains(errs, c.errs) || strings.Contains(errs, "\n") {
			t.Errorf("%s: exit code %d, %q", c.args, code, errs)
		}
	}
	if left, err := filepath.Glob(filepath.Join(os.TempDir(), "holdfast-diff-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func richClock() time.Time { return time.UnixMilli(richTime) }
