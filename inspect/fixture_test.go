package inspect

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"holdfast/aof"
	"holdfast/internal/vfs"
	"holdfast/kv"
	"holdfast/lists"
	"holdfast/snapshot"
)

var (
	testID  = [16]byte{'h', 'o', 'l', 'd', 'f', 'a', 's', 't'}
	otherID = [16]byte{'s', 'o', 'm', 'e', 'b', 'o', 'd', 'y'}
)

const (
	testTime = 1_700_000_000_000 // 2023-11-14T22:13:20Z
	testHex  = "686f6c64666173740000000000000000"
	segment1 = "00000000000000000001.aof"
	segment2 = "00000000000000000004.aof"
)

func clockHand() time.Time { return time.UnixMilli(testTime) }

// item is a key of a base under construction.
type item struct {
	store snapshot.Store
	key   string
	snapshot.Record
}

func list(elements ...string) []byte {
	l := lists.New()
	for _, element := range elements {
		l.PushBack([]byte(element))
	}
	return l.AppendBinary(nil)
}

// items are the keys of the base that most tests look at: database 0 is store 1, database 3 is store 2.
func items() []item {
	str, lst := byte(kv.String), byte(kv.List)
	return []item{
		{1, "greeting", snapshot.Record{Kind: str, Payload: []byte("hello <é>")}},
		{1, "bin\xff\n", snapshot.Record{Kind: str, Payload: []byte("\x00\xff"), Deadline: testTime + 1}},
		{1, "queue", snapshot.Record{Kind: lst, Payload: list("a", "b\n", "\xff", "", "e", "f", "g", "h", "i", "j")}},
		{2, "other", snapshot.Record{Kind: str, Payload: []byte("x")}},
	}
}

func testMeta() snapshot.Meta {
	return snapshot.Meta{ID: testID, LSN: 3, Time: testTime, Logged: true, DBs: []snapshot.DB{{Index: 3, Store: 2}, {Index: 0, Store: 1}}}
}

func writeBase(t *testing.T, dir string, m snapshot.Meta, items ...item) {
	t.Helper()
	changes := snapshot.NewChanges(vfs.OS(), dir, 1<<20)
	for _, i := range items {
		must(t, changes.Put(i.store, []byte(i.key), i.Record))
	}
	_, err := snapshot.WriteFresh(vfs.OS(), dir, "base.db", changes, m)
	must(t, errors.Join(err, changes.Discard()))
}

// writeLog writes a log that begins at LSN 1: a segment for each group of records, a record for each line, and in it
// commands with a bar between them. A word "N:" before a command is its database.
func writeLog(t *testing.T, dir string, id [16]byte, groups ...[]string) {
	t.Helper()
	log, _, err := aof.Recover(aof.Options{
		FS: vfs.OS(), Dir: filepath.Join(dir, "aof"), ID: id, SegmentBytes: 8192, Clock: clockHand,
	}, 0, func(aof.Record) error { return errors.New("the log is not new") })
	must(t, err)
	for i, records := range groups {
		if i > 0 {
			must(t, log.Cut())
		}
		for _, record := range records {
			log.Append(testTime+int64(log.Last()), 0, body(record))
			must(t, log.Commit())
		}
	}
	must(t, log.Close())
}

func body(record string) (b []byte) {
	for _, command := range strings.Split(record, "|") {
		words, db := bytes.Fields([]byte(command)), 0
		if n, _ := fmt.Sscanf(string(words[0]), "%d:", &db); n == 1 {
			words = words[1:]
		}
		b = aof.AppendCommand(b, db, words...)
	}
	return b
}

// fixture makes a directory with a base as of LSN 3, a segment that it has made unnecessary, and one that goes on.
func fixture(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	writeBase(t, dir, testMeta(), items()...)
	writeLog(t, dir, testID,
		[]string{"SET greeting hello", "3: SET other x", "RPUSH queue a"},
		[]string{"SET greeting bye", "SET a 1 | 3: INCR n | DEL queue", "set bin\xff \x00", "FLUSHDB"})
	must(t, os.WriteFile(filepath.Join(dir, "LOCK"), nil, 0o600))
	return dir
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// flip changes one bit of a file; offsets below 0 count from the end.
func flip(t *testing.T, path string, offset int64) {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	if offset < 0 {
		offset += int64(len(b))
	}
	b[offset] ^= 1
	must(t, os.WriteFile(path, b, 0o600))
}

// find is the offset of the last occurrence of text in a file.
func find(t *testing.T, path, text string) int64 {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	at := bytes.LastIndex(b, []byte(text))
	if at < 0 {
		t.Fatalf("%s does not hold %q", path, text)
	}
	return int64(at)
}

// untouched fails the test if anything in dir is different at its end: content, names, or time of change.
func untouched(t *testing.T, dir string) {
	t.Helper()
	before := picture(t, dir)
	t.Cleanup(func() {
		if after := picture(t, dir); after != before {
			t.Errorf("the directory was changed:\n%s\n%s", before, after)
		}
	})
}

func picture(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	must(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		fmt.Fprintf(&b, "%s %v %d %x\n", path, info.ModTime(), len(content), crc32.ChecksumIEEE(content))
		return err
	}))
	return b.String()
}

func openDir(t *testing.T, dir string) *Directory {
	t.Helper()
	d, err := Open(vfs.OS(), dir)
	must(t, err)
	return d
}

func openSnapshot(t *testing.T, dir string) *Snapshot {
	t.Helper()
	s, err := openDir(t, dir).Snapshot()
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// golden compares what write writes with want, in which \t and such are spelled out by the caller.
func golden(t *testing.T, write func(*bytes.Buffer) error, want string) {
	t.Helper()
	var b bytes.Buffer
	must(t, write(&b))
	if b.String() != want {
		t.Errorf("printed:\n%s\nexpected:\n%s", b.String(), want)
	}
}

// writeRaw writes a log of one record with that body.
func writeRaw(t *testing.T, dir string, body []byte) {
	t.Helper()
	log, _, err := aof.Recover(aof.Options{
		FS: vfs.OS(), Dir: filepath.Join(dir, "aof"), ID: testID, SegmentBytes: 8192, Clock: clockHand,
	}, 0, func(aof.Record) error { return errors.New("the log is not new") })
	must(t, err)
	log.Append(testTime, 0, body)
	must(t, log.Close())
}
