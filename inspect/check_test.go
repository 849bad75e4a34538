package inspect

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/aof"
	"holdfast/commands"
	"holdfast/engine"
	"holdfast/internal/vfs"
	"holdfast/kv"
	"holdfast/snapshot"
)

func check(t *testing.T, dir string) Report {
	t.Helper()
	report, err := Check(vfs.OS(), dir, nil)
	must(t, err)
	return report
}

func TestCheckOfWhatIsFine(t *testing.T) {
	dir := fixture(t)
	recovery := engine.Report{DataSet: testHex, Time: time.UnixMilli(testTime).UTC(), Keys: 4, Base: &engine.BaseReport{File: "base.db", LSN: 3, Keys: 4}}
	text, err := json.Marshal(recovery)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "recovery.json"), text, 0o600))
	for _, name := range []string{"notes.txt", "recovery.json.tmp", ".hidden", "aof/next.tmp", "aof/README"} {
		must(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	untouched(t, dir)

	told := map[string]int64{}
	report, err := Check(vfs.OS(), dir, func(file string, done, total int64) { told[file] = total - done })
	must(t, err)
	if done, ok := told["base.db"]; !ok || done != 0 {
		t.Errorf("progress was told %v", told)
	}
	s := openSnapshot(t, dir)
	stats, err := s.base.Stats()
	must(t, err)
	golden(t, func(b *bytes.Buffer) error { return report.WriteText(b) }, fmt.Sprintf(`file                          verdict  found
base.db                       fine     LSN 3 of 2023-11-14T22:13:20.000Z: 4 keys, 1 TTL, %d pages
aof/00000000000000000001.aof  fine     LSN 1 to 3, 3 records; the snapshot has them all
aof/00000000000000000004.aof  fine     LSN 4 to 7, 4 records
aof/README                    ignored  not holdfast's
aof/next.tmp                  pending  a running server's, or left unfinished: the next start removes it
recovery.json                 fine     start of 2023-11-14T22:13:20.000Z: %s
notes.txt                     ignored  not holdfast's
recovery.json.tmp             pending  a running server's, or left unfinished: the next start removes it
%s is fine: snapshot as of LSN 3, log up to LSN 7
`, stats.Pages, recovery, dir))

	report.Files = report.Files[:2]
	golden(t, func(b *bytes.Buffer) error { return WriteJSON(b, report) }, fmt.Sprintf(
		`{"dir":"%s","data_set":"%s","verdict":"fine","summary":"snapshot as of LSN 3, log up to LSN 7","files":[`+
			`{"file":"base.db","verdict":"fine","found":"LSN 3 of 2023-11-14T22:13:20.000Z: 4 keys, 1 TTL, %d pages","lsn":3,"keys":4,"ttls":1},`+
			`{"file":"aof/00000000000000000001.aof","verdict":"fine","found":"LSN 1 to 3, 3 records; the snapshot has them all","first_lsn":1,"last_lsn":3,"records":3}]}`+"\n",
		dir, testHex, stats.Pages))
}

// One thing is wrong in each directory: the verdict on the directory, on the file that it is in, and the others'.
func TestCheckFindsWhatIsWrong(t *testing.T) {
	inLog := func(dir, name string) string { return filepath.Join(dir, "aof", name) }
	for name, c := range map[string]struct {
		spoil   func(t *testing.T, dir string)
		verdict Verdict
		files   map[string]Verdict // others are fine
		says    string             // a part of the output
	}{
		"a byte of a value in the base": {
			spoil: func(t *testing.T, dir string) {
				path := filepath.Join(dir, "base.db")
				flip(t, path, find(t, path, "hello"))
			},
			verdict: Damaged, files: map[string]Verdict{"base.db": Damaged}, says: "base.db: ",
		},
		"one header of the base": {
			spoil:   func(t *testing.T, dir string) { flip(t, filepath.Join(dir, "base.db"), 30) },
			verdict: Damaged, files: map[string]Verdict{"base.db": Damaged}, says: "no valid header",
		},
		"both headers of the base": {
			spoil: func(t *testing.T, dir string) {
				flip(t, filepath.Join(dir, "base.db"), 30)
				flip(t, filepath.Join(dir, "base.db"), 30+int64(os.Getpagesize()))
			},
			verdict: Damaged, files: map[string]Verdict{"base.db": Damaged}, says: "bring the file back from a copy",
		},
		"the base is something else": {
			spoil: func(t *testing.T, dir string) {
				must(t, os.WriteFile(filepath.Join(dir, "base.db"), []byte("a note"), 0o600))
			},
			verdict: Failed, files: map[string]Verdict{"base.db": Failed}, says: "not a holdfast base: no bbolt header; bring the file back from a copy, or see",
		},
		"the base is empty": {
			spoil:   func(t *testing.T, dir string) { must(t, os.WriteFile(filepath.Join(dir, "base.db"), nil, 0o600)) },
			verdict: Damaged, files: map[string]Verdict{"base.db": Damaged}, says: "base.db: offset 0: the file is empty: base is damaged",
		},
		"a deadline, which two looks meet": {
			spoil: func(t *testing.T, dir string) {
				path := filepath.Join(dir, "base.db")
				b, err := os.ReadFile(path)
				must(t, err)
				bucket := bytes.Index(b, []byte("deadlines:00000001"))
				at := bytes.Index(b[bucket:], []byte("kbin"))
				b[bucket+at+1] ^= 1
				must(t, os.WriteFile(path, b, 0o600))
			},
			verdict: Damaged, files: map[string]Verdict{"base.db": Damaged}, says: "is damaged: 1 problem in 1 file",
		},
		"a header of the base that calls itself another": {
			spoil:   func(t *testing.T, dir string) { flip(t, filepath.Join(dir, "base.db"), 0) },
			verdict: Damaged, files: map[string]Verdict{"base.db": Damaged}, says: "base.db: offset 0: page 0 calls itself 1",
		},
		"a named snapshot": {
			spoil: func(t *testing.T, dir string) {
				path := filepath.Join(dir, "snapshots", "s.db")
				copyBase(t, dir, "s")
				flip(t, path, find(t, path, "hello"))
			},
			verdict: Damaged, files: map[string]Verdict{"snapshots/s.db": Damaged}, says: "base is damaged; bring the file back from a copy, or remove it: no start reads it",
		},
		"a named snapshot that does not open": {
			spoil: func(t *testing.T, dir string) {
				copyBase(t, dir, "s")
				must(t, os.Truncate(filepath.Join(dir, "snapshots", "s.db"), 3*int64(os.Getpagesize())))
			},
			verdict: Damaged, files: map[string]Verdict{"snapshots/s.db": Damaged}, says: "base is damaged; bring the file back from a copy, or remove it: no start reads it",
		},
		"a named snapshot that is empty": {
			spoil: func(t *testing.T, dir string) {
				copyBase(t, dir, "s")
				must(t, os.Truncate(filepath.Join(dir, "snapshots", "s.db"), 0))
			},
			verdict: Damaged, files: map[string]Verdict{"snapshots/s.db": Damaged}, says: "the file is empty: base is damaged; bring the file back from a copy, or remove it: no start reads it",
		},
		"the log ends before the base": {
			spoil: func(t *testing.T, dir string) {
				writeMeta(t, dir, func(m *snapshot.Meta) { m.LSN, m.Logged = 9, true })
			},
			verdict: Damaged, files: map[string]Verdict{"aof": Damaged}, says: "the log is missing: the snapshot was written with a log going on after LSN 9, and what there is ends at LSN 7",
		},
		"a value that does not decode": {
			spoil: func(t *testing.T, dir string) {
				writeBase(t, dir, testMeta(), item{1, "k", snapshot.Record{Kind: byte(kv.List), Payload: []byte{99}}})
			},
			verdict: Damaged, files: map[string]Verdict{"base.db": Damaged}, says: `key "k": its checksum is right, yet it is no list`,
		},
		"a kind of value of the future": {
			spoil: func(t *testing.T, dir string) {
				writeBase(t, dir, testMeta(), item{1, "k", snapshot.Record{Kind: 77}})
			},
			verdict: Failed, files: map[string]Verdict{"base.db": Failed}, says: "use the version that wrote it",
		},
		"something beside the keys that a future version keeps": {
			spoil: func(t *testing.T, dir string) {
				writeMeta(t, dir, func(m *snapshot.Meta) { m.Extra = []byte("Z\x01\x00\x00\x00z") })
			},
			verdict: Failed, files: map[string]Verdict{"base.db": Failed}, says: "base.db: the base keeps something that this version does not know; use the version that wrote it",
		},
		"a command of a later version in the log": {
			spoil: func(t *testing.T, dir string) {
				must(t, os.RemoveAll(filepath.Join(dir, "aof")))
				writeLog(t, dir, testID, []string{"SET a 1", "FROB a", "SET a 2"}, []string{"SET a 3 | FROB b", "SET a 4", "FROB c"})
			},
			verdict: Failed, files: map[string]Verdict{"aof/" + segment2: Failed},
			says: segment2 + " at offset 4096, LSN 4: ERR unknown command 'FROB', with args beginning with: 'b' ; use the version of holdfast that wrote it",
		},
		"functions that do not decode": {
			spoil: func(t *testing.T, dir string) {
				writeMeta(t, dir, func(m *snapshot.Meta) { m.Extra = []byte("F\x01\x00\x00\x00f") })
			},
			verdict: Damaged, files: map[string]Verdict{"base.db": Damaged}, says: "its checksum is right, yet its functions are none",
		},
		"a record in the live segment": {
			spoil:   func(t *testing.T, dir string) { flip(t, inLog(dir, segment2), find(t, inLog(dir, segment2), "bye")) },
			verdict: Damaged, files: map[string]Verdict{"aof/" + segment2: Damaged}, says: "LSN 4",
		},
		"a record that the base has": {
			spoil:   func(t *testing.T, dir string) { flip(t, inLog(dir, segment1), find(t, inLog(dir, segment1), "other")) },
			verdict: Damaged, files: map[string]Verdict{"aof/" + segment1: Damaged}, says: "so a start does not read it",
		},
		"the first segment's header": {
			spoil:   func(t *testing.T, dir string) { flip(t, inLog(dir, segment1), 20) },
			verdict: Damaged, files: map[string]Verdict{"aof/" + segment1: Damaged}, says: "header's checksum",
		},
		"the last segment's header": {
			spoil:   func(t *testing.T, dir string) { flip(t, inLog(dir, segment2), 20) },
			verdict: Damaged, files: map[string]Verdict{"aof/" + segment1: Fine, "aof/" + segment2: Damaged}, says: "the header's checksum",
		},
		"the last segment under a later name": { // a bad header, behind a gap
			spoil: func(t *testing.T, dir string) {
				must(t, os.Rename(inLog(dir, segment2), inLog(dir, "00000000000000000009.aof")))
			},
			verdict: Damaged, files: map[string]Verdict{"aof/00000000000000000009.aof": Damaged}, says: "LSN 9: the header says that it begins at LSN 4",
		},
		"a segment of a newer format": {
			spoil: func(t *testing.T, dir string) {
				path := inLog(dir, segment2)
				b, err := os.ReadFile(path)
				must(t, err)
				b[8] = 2
				binary.LittleEndian.PutUint32(b[48:], crc32.Checksum(b[:48], crc32.MakeTable(crc32.Castagnoli)))
				must(t, os.WriteFile(path, b, 0o600))
			},
			verdict: Failed, files: map[string]Verdict{"aof/" + segment1: Unread, "aof/" + segment2: Failed},
			says: "LSN 4: format 2; this program reads up to 1; use the version of holdfast that wrote it",
		},
		"the log ends before the base, and is damaged before its end": {
			spoil: func(t *testing.T, dir string) {
				writeMeta(t, dir, func(m *snapshot.Meta) { m.LSN, m.Logged = 9, true })
				flip(t, inLog(dir, segment1), find(t, inLog(dir, segment1), "other"))
			},
			verdict: Damaged, files: map[string]Verdict{"aof/" + segment1: Damaged, "aof": Damaged},
			says: "the log is missing: the snapshot was written with a log going on after LSN 9, and what there is ends at LSN 7",
		},
		"the oldest segment is another data set's": {
			spoil: func(t *testing.T, dir string) {
				path := inLog(dir, segment1)
				b, err := os.ReadFile(path)
				must(t, err)
				b[24] ^= 1
				binary.LittleEndian.PutUint32(b[48:], crc32.Checksum(b[:48], crc32.MakeTable(crc32.Castagnoli)))
				must(t, os.WriteFile(path, b, 0o600))
			},
			verdict: Damaged, files: map[string]Verdict{"aof/" + segment1: Damaged, "aof/" + segment2: Unread},
			says: "is damaged: 1 problem in 1 file",
		},
		"a body that is no command": {
			spoil: func(t *testing.T, dir string) {
				must(t, os.RemoveAll(filepath.Join(dir, "aof")))
				writeRaw(t, dir, []byte{0, 5, 1})
			},
			verdict: Damaged, files: map[string]Verdict{"aof/" + segment1: Damaged}, says: "malformed command",
		},
		"a torn tail": {
			spoil: func(t *testing.T, dir string) {
				flip(t, inLog(dir, segment2), find(t, inLog(dir, segment2), "FLUSHDB"))
			},
			verdict: Fine, says: "never acknowledged",
		},
		"a missing segment": {
			spoil: func(t *testing.T, dir string) {
				writeMeta(t, dir, func(m *snapshot.Meta) { m.LSN = 1 })
				must(t, os.Remove(inLog(dir, segment1)))
			},
			verdict: Damaged, files: map[string]Verdict{"aof/" + segment2: Damaged}, says: "LSN 2 to 3 are neither in the snapshot, which is as of LSN 1, nor in a segment",
		},
		"a missing record that the base has": {
			spoil: func(t *testing.T, dir string) {
				writeMeta(t, dir, func(m *snapshot.Meta) { m.LSN = 5 })
				var third int64
				_, err := aof.Scan(vfs.OS(), filepath.Join(dir, "aof"), 3, func(at aof.Position, r aof.Record) error {
					if r.LSN == 3 {
						third = at.Offset
					}
					return nil
				})
				must(t, errors.Join(err, os.Truncate(inLog(dir, segment1), third)))
			},
			verdict: Damaged, files: map[string]Verdict{"aof/" + segment2: Damaged}, says: "LSN 3 to 3 are in no segment; the snapshot has them, so a start does not miss them",
		},
		"a retired segment": {
			spoil:   func(t *testing.T, dir string) { must(t, os.Remove(inLog(dir, segment1))) },
			verdict: Fine, says: "log up to LSN 7",
		},
		"no segment at all": {
			spoil:   func(t *testing.T, dir string) { must(t, os.RemoveAll(filepath.Join(dir, "aof"))) },
			verdict: Damaged, files: map[string]Verdict{"aof": Damaged}, says: "the log is missing",
		},
		"no log, and none ever": {
			spoil: func(t *testing.T, dir string) {
				writeMeta(t, dir, func(m *snapshot.Meta) { m.Logged = false })
				must(t, os.RemoveAll(filepath.Join(dir, "aof")))
			},
			verdict: Fine, says: "is fine: snapshot as of LSN 3\n",
		},
		"no base yet": {
			spoil:   func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, "base.db"))) },
			verdict: Fine, says: "is fine: no snapshot yet, log up to LSN 7\n",
		},
		"no base, and the log begins late": {
			spoil: func(t *testing.T, dir string) {
				must(t, errors.Join(os.Remove(filepath.Join(dir, "base.db")), os.Remove(inLog(dir, segment1))))
			},
			verdict: Damaged, files: map[string]Verdict{"aof/" + segment2: Damaged}, says: "LSN 1: LSN 1 to 3 are in no segment, and there is no base.db",
		},
		"another data set's base": {
			spoil:   func(t *testing.T, dir string) { writeMeta(t, dir, func(m *snapshot.Meta) { m.ID = otherID }) },
			verdict: Damaged, files: map[string]Verdict{"aof/" + segment1: Damaged, "aof/" + segment2: Damaged}, says: "another data set",
		},
		"another data set's segment": {
			spoil: func(t *testing.T, dir string) {
				other := t.TempDir()
				writeLog(t, other, otherID, []string{"A", "B", "C"}, []string{"D"})
				must(t, os.Rename(inLog(other, segment2), inLog(dir, segment2)))
			},
			verdict: Damaged, files: map[string]Verdict{"aof/" + segment1: Unread, "aof/" + segment2: Damaged}, says: "is damaged: 1 problem in 1 file",
		},
		"a segment of a strange name": {
			spoil:   func(t *testing.T, dir string) { must(t, os.Rename(inLog(dir, segment2), inLog(dir, "copy.aof"))) },
			verdict: Damaged, files: map[string]Verdict{"aof": Damaged}, says: "copy.aof",
		},
		"a segment of a strange name beside a log that is all there is": {
			spoil: func(t *testing.T, dir string) {
				must(t, os.Remove(filepath.Join(dir, "base.db")))
				must(t, os.WriteFile(inLog(dir, "copy.aof"), nil, 0o600))
				must(t, os.WriteFile(filepath.Join(dir, "recovery.json"), []byte(`{"data_set":"ab"}`), 0o600))
			},
			verdict: Damaged, files: map[string]Verdict{"aof": Damaged}, says: "is damaged: 1 problem in 1 file",
		},
		"a log that does not count": {
			spoil: func(t *testing.T, dir string) {
				must(t, os.WriteFile(filepath.Join(dir, "aof.staged"), nil, 0o600))
				flip(t, inLog(dir, segment1), 20)
			},
			verdict: Fine, files: map[string]Verdict{"aof/" + segment1: Pending, "aof/" + segment2: Pending, "aof.staged": Pending},
			says: "is fine: snapshot as of LSN 3\n",
		},
		"nothing but the report of the last start": {
			spoil: func(t *testing.T, dir string) {
				must(t, errors.Join(os.Remove(filepath.Join(dir, "base.db")), os.RemoveAll(filepath.Join(dir, "aof"))))
				must(t, os.WriteFile(filepath.Join(dir, "recovery.json"), []byte(`{"data_set":"ab","base":{}}`), 0o600))
			},
			verdict: Damaged, files: map[string]Verdict{"recovery.json": Damaged}, says: "the data is missing: it tells of data set ab",
		},
		"a named snapshot, and neither base nor log": {
			spoil: func(t *testing.T, dir string) {
				copyBase(t, dir, "s")
				must(t, errors.Join(os.Remove(filepath.Join(dir, "base.db")), os.RemoveAll(filepath.Join(dir, "aof"))))
				must(t, os.WriteFile(filepath.Join(dir, "recovery.json"), []byte(`{"data_set":"ab"}`), 0o600))
			},
			verdict: Damaged, files: map[string]Verdict{"snapshots": Damaged}, says: "the data is missing: it holds s.db, and there is neither base.db nor a segment in aof",
		},
		"neither base nor log, of which the last start tells": {
			spoil: func(t *testing.T, dir string) {
				must(t, errors.Join(os.Remove(filepath.Join(dir, "base.db")), os.Remove(inLog(dir, segment1)), os.Remove(inLog(dir, segment2))))
				must(t, os.WriteFile(filepath.Join(dir, "recovery.json"), []byte(`{"data_set":"ab","log":{}}`), 0o600))
			},
			verdict: Damaged, files: map[string]Verdict{"recovery.json": Damaged}, says: "the data is missing: it tells of data set ab, and there is neither base.db nor a segment in aof",
		},
		"nothing but a garbled report of the last start": {
			spoil: func(t *testing.T, dir string) {
				must(t, errors.Join(os.Remove(filepath.Join(dir, "base.db")), os.RemoveAll(filepath.Join(dir, "aof"))))
				must(t, os.WriteFile(filepath.Join(dir, "recovery.json"), []byte("{"), 0o600))
			},
			verdict: Damaged, files: map[string]Verdict{"recovery.json": Damaged}, says: "the data is missing: it cannot be read (no recovery report: ",
		},
		"a garbled recovery report": {
			spoil: func(t *testing.T, dir string) {
				must(t, os.WriteFile(filepath.Join(dir, "recovery.json"), []byte("{"), 0o600))
			},
			verdict: Failed, files: map[string]Verdict{"recovery.json": Failed}, says: "no data is lost by it",
		},
		"a recovery report of another data set": {
			spoil: func(t *testing.T, dir string) {
				must(t, os.WriteFile(filepath.Join(dir, "recovery.json"), []byte(`{"data_set":"ab"}`), 0o600))
			},
			verdict: Failed, files: map[string]Verdict{"recovery.json": Failed}, says: "it is of data set ab",
		},
		"a change of the base that was interrupted": {
			spoil:   leaveRedo,
			verdict: Fine, files: map[string]Verdict{"base.db.redo": Pending}, says: "the next start finishes it",
		},
		"one that was interrupted half way": {
			spoil:   interrupt,
			verdict: Failed, files: map[string]Verdict{"base.db": Failed, "base.db.redo": Pending},
			says: "base has an unfinished change; nothing is lost by it: start holdfast serve on its directory once",
		},
		"one of which the redo file is gone": {
			spoil: func(t *testing.T, dir string) {
				interrupt(t, dir)
				must(t, os.Remove(filepath.Join(dir, "base.db.redo")))
			},
			verdict: Damaged, files: map[string]Verdict{"base.db": Damaged}, says: "a change is half applied, and its redo file is gone",
		},
		"one that was interrupted half way, whose redo file is damaged": {
			spoil: func(t *testing.T, dir string) {
				interrupt(t, dir)
				flip(t, filepath.Join(dir, "base.db.redo"), 100)
			},
			verdict: Damaged, files: map[string]Verdict{"base.db": Damaged, "base.db.redo": Damaged},
			says: "base has an unfinished change, and it cannot be finished: ",
		},
		"one whose redo file is damaged": {
			spoil: func(t *testing.T, dir string) {
				leaveRedo(t, dir)
				flip(t, filepath.Join(dir, "base.db.redo"), 5000)
			},
			verdict: Damaged, files: map[string]Verdict{"base.db.redo": Damaged}, says: "base.db.redo: offset 8: the block's checksum does not match",
		},
		"one whose redo file is empty": {
			spoil: func(t *testing.T, dir string) {
				must(t, os.WriteFile(filepath.Join(dir, "base.db.redo"), nil, 0o600))
			},
			verdict: Damaged, files: map[string]Verdict{"base.db.redo": Damaged}, says: "base.db.redo: offset 0: the file is cut short",
		},
		"one whose redo file is for another base": {
			spoil: func(t *testing.T, dir string) {
				leaveRedo(t, dir)
				redo := filepath.Join(dir, "base.db.redo")
				content, err := os.ReadFile(redo)
				must(t, err)
				writeMeta(t, dir, func(m *snapshot.Meta) { m.LSN = 4 })
				must(t, os.WriteFile(redo, content, 0o600))
			},
			verdict: Damaged, files: map[string]Verdict{"base.db.redo": Damaged}, says: "at LSN 3, and the base is",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := fixture(t)
			c.spoil(t, dir)
			untouched(t, dir)
			report := check(t, dir)
			var b bytes.Buffer
			must(t, report.WriteText(&b))
			if report.Verdict != c.verdict || !strings.Contains(b.String(), c.says) {
				t.Errorf("expected %q and %q in:\n%s", c.verdict, c.says, b.String())
			}
			if (report.Verdict == Damaged) != strings.Contains(report.Summary, "holdfast check --dir "+dir+" --repair --dry-run") {
				t.Errorf("%s, and what to do is: %s", report.Verdict, report.Summary)
			}
			for _, f := range report.Files {
				want := Fine
				if v, ok := c.files[f.File]; ok {
					want = v
				}
				if f.Verdict != want {
					t.Errorf("%s is %s, expected %s:\n%s", f.File, f.Verdict, want, b.String())
				}
			}
			for file := range c.files {
				if !slices.ContainsFunc(report.Files, func(f FileReport) bool { return f.File == file }) {
					t.Errorf("nothing is said of %s:\n%s", file, b.String())
				}
			}
		})
	}
}

// writeMeta writes the base of the fixture anew, with another meta.
func writeMeta(t *testing.T, dir string, change func(*snapshot.Meta)) {
	t.Helper()
	m := testMeta()
	change(&m)
	writeBase(t, dir, m, items()...)
}

func TestCheckOfABaseInUse(t *testing.T) {
	dir := fixture(t)
	served, err := snapshot.Open(filepath.Join(dir, "base.db"), snapshot.OpenOptions{})
	must(t, err)
	report := check(t, dir)
	must(t, served.Close())
	if report.Verdict != InUse || !strings.Contains(report.Summary, "stop the server") {
		t.Errorf("%+v", report)
	}
	for _, f := range report.Files[1:] {
		if f.Verdict != Fine {
			t.Errorf("the log was not read: %+v", f)
		}
	}
}

// Beside a running server a checkpoint may replace the base, and remove segments, between two looks.
func TestCheckLooksAgainWhenTheBaseWasReplaced(t *testing.T) {
	dir := fixture(t)
	writeMeta(t, dir, func(m *snapshot.Meta) { m.LSN = 1 })
	fsys := &checkpointing{FS: vfs.OS(), at: filepath.Join(dir, "aof"), do: func() {
		writeMeta(t, dir, func(m *snapshot.Meta) { m.LSN = 5 })
		must(t, os.Remove(filepath.Join(dir, "aof", segment1)))
	}}
	report, err := Check(fsys, dir, nil)
	must(t, err)
	if report.Verdict != Fine || report.Files[0].LSN != 5 || fsys.do != nil {
		t.Errorf("%+v", report)
	}
}

// checkpointing does something just before a directory is listed for the first time.
type checkpointing struct {
	vfs.FS
	at string
	do func()
}

func (c *checkpointing) List(dir string) ([]string, error) {
	if dir == c.at && c.do != nil {
		c.do()
		c.do = nil
	}
	return c.FS.List(dir)
}

// Any byte of the log that is flipped is found, or was nothing: the verdict never calls a lost record fine.
func TestCheckOfEveryByteOfASegment(t *testing.T) {
	dir := fixture(t)
	path := filepath.Join(dir, "aof", segment1)
	sound, err := os.ReadFile(path)
	must(t, err)
	for at := range min(len(sound), 4300) {
		if at >= 60 && at < 4096 {
			continue // the header's padding holds nothing
		}
		spoilt := bytes.Clone(sound)
		spoilt[at] ^= 0x10
		must(t, os.WriteFile(path, spoilt, 0o600))
		d := openDir(t, dir)
		c := checker{Directory: d, table: commands.NewTable()}
		c.checkLog(false)
		if f := c.log[0]; f.Verdict != Damaged && f.Records != 3 {
			t.Errorf("byte %d: %+v", at, f)
		}
	}
}
