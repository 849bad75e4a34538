package inspect

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/aof"
)

func TestLogList(t *testing.T) {
	dir := fixture(t)
	untouched(t, dir)
	segments, err := openDir(t, dir).Segments()
	must(t, errors.Join(err, segments.Damage()))
	golden(t, func(b *bytes.Buffer) error { return segments.WriteText(b) },
		`segment                   first LSN  last LSN  records  bytes  created                   damage
00000000000000000001.aof  1          3         3        4262   2023-11-14T22:13:20.000Z  -
00000000000000000004.aof  4          7         4        8192   2023-11-14T22:13:20.000Z  -
`)
	golden(t, func(b *bytes.Buffer) error { return WriteJSON(b, segments) }, fmt.Sprintf(
		`{"dir":"%s/aof","staged":false,"segments":[`+
			`{"file":"00000000000000000001.aof","first_lsn":1,"last_lsn":3,"records":3,"bytes":4262,"created_unix_ms":1700000000000},`+
			`{"file":"00000000000000000004.aof","first_lsn":4,"last_lsn":7,"records":4,"bytes":8192,"created_unix_ms":1700000000000}]}`+"\n", dir))
}

// A log without records has no last LSN, and no record that was asked for in vain.
func TestLogWithoutRecords(t *testing.T) {
	dir := t.TempDir()
	writeLog(t, dir, testID, nil)
	segments, err := openDir(t, dir).Segments()
	must(t, err)
	golden(t, func(b *bytes.Buffer) error { return segments.WriteText(b) },
		`segment                   first LSN  last LSN  records  bytes  created                   damage
00000000000000000001.aof  1          -         0        8192   2023-11-14T22:13:20.000Z  -
`)
	for want, filter := range map[string]RecordFilter{"has no records\n": {}, "has no such record\n": {Command: "GET"}} {
		stats, _, err := openDir(t, dir).LogStats(LogStatsOptions{RecordFilter: filter})
		must(t, err)
		golden(t, func(b *bytes.Buffer) error { return stats.WriteText(b) }, filepath.Join(dir, "aof")+" "+want)
	}
}

func TestLogListNamesDamage(t *testing.T) {
	dir := fixture(t)
	flip(t, filepath.Join(dir, "aof", segment1), 20)
	segments, err := openDir(t, dir).Segments()
	must(t, err)
	if err := segments.Damage(); !errors.Is(err, aof.ErrCorrupt) || !strings.Contains(err.Error(), segment1) {
		t.Errorf("Damage: %v", err)
	}
	golden(t, func(b *bytes.Buffer) error { segments.Segments[0].Damage = "D"; return segments.WriteText(b) },
		`segment                   first LSN  last LSN  records  bytes  created                   damage
00000000000000000001.aof  1          3         3        4262   -                         D
00000000000000000004.aof  4          7         4        8192   2023-11-14T22:13:20.000Z  -
`)
}

func TestLogShow(t *testing.T) {
	dir := fixture(t)
	untouched(t, dir)
	lines := []string{
		`1           2023-11-14T22:13:20.000Z  0    SET greeting hello`,
		`2           2023-11-14T22:13:20.001Z  3    SET other x`,
		`3           2023-11-14T22:13:20.002Z  0    RPUSH queue a`,
		`4           2023-11-14T22:13:20.003Z  0    SET greeting bye`,
		`5           2023-11-14T22:13:20.004Z  0    ┌ SET a 1` + "\n" +
			`5           2023-11-14T22:13:20.004Z  3    │ INCR n` + "\n" +
			`5           2023-11-14T22:13:20.004Z  0    └ DEL queue`,
		`6           2023-11-14T22:13:20.005Z  0    set "bin\xff" "\x00"`,
		`7           2023-11-14T22:13:20.006Z  0    FLUSHDB`,
	}
	three := 3
	for _, c := range []struct {
		filter RecordFilter
		want   []int // LSNs
		note   string
	}{
		{filter: RecordFilter{}, want: []int{1, 2, 3, 4, 5, 6, 7}},
		{filter: RecordFilter{From: 3}, want: []int{3, 4, 5, 6, 7}},
		{filter: RecordFilter{From: 5, To: 6}, want: []int{5, 6}},
		{filter: RecordFilter{To: 2}, want: []int{1, 2}},
		{filter: RecordFilter{From: 99}},
		{filter: RecordFilter{Limit: 2}, want: []int{1, 2}},
		{filter: RecordFilter{From: 4, Command: "set"}, want: []int{4, 5, 6}},
		{filter: RecordFilter{Command: "SET", Limit: 1}, want: []int{1}},
		{filter: RecordFilter{Since: testTime + 2, Until: testTime + 4}, want: []int{3, 4, 5}},
		{filter: RecordFilter{DB: &three}, want: []int{2, 5}},
		{filter: RecordFilter{DB: &three, Key: []byte("a")}},
		{filter: RecordFilter{Key: []byte("queue")}, want: []int{3, 5}},
		{filter: RecordFilter{Key: []byte("n")}, want: []int{5}},
		{filter: RecordFilter{Key: []byte("bin\xff")}, want: []int{6}},
		{filter: RecordFilter{Key: []byte("hello")}}, // a value, not a key
		{filter: RecordFilter{Key: []byte("")}},
		{filter: RecordFilter{Key: []byte("queue"), Command: "set"}}, // by different commands of one record
		{filter: RecordFilter{Key: []byte("greeting"), Command: "SET"}, want: []int{1, 4}},
	} {
		var want strings.Builder
		for _, lsn := range c.want {
			want.WriteString(lines[lsn-1] + "\n")
		}
		golden(t, func(b *bytes.Buffer) error {
			notes, err := openDir(t, dir).Records(c.filter, func(r Record) error { return r.WriteText(b) })
			if len(notes) > 0 {
				t.Errorf("%+v: notes %q", c.filter, notes)
			}
			return err
		}, want.String())
	}
}

func TestLogShowJSON(t *testing.T) {
	dir := fixture(t)
	file := filepath.Join(dir, "aof", segment2)
	var last Record
	golden(t, func(b *bytes.Buffer) error {
		_, err := openDir(t, dir).Records(RecordFilter{From: 5, To: 6}, func(r Record) error {
			last = Record{Offset: r.Offset, Bytes: r.Bytes}
			r.Offset = 1
			return WriteJSON(b, r)
		})
		return err
	}, fmt.Sprintf(`{"lsn":5,"time_unix_ms":1700000000004,"file":%q,"offset":1,"bytes":%d,"commands":[`+
		`{"db":0,"args":["SET","a","1"]},{"db":3,"args":["INCR","n"]},{"db":0,"args":["DEL","queue"]}]}`+"\n"+
		`{"lsn":6,"time_unix_ms":1700000000005,"file":%q,"offset":1,"bytes":%d,"commands":[`+
		`{"db":0,"args":["set",{"base64":"Ymlu/w=="},"\u0000"]}]}`+"\n",
		file, aof.RecordBytes(len(body("SET a 1|3: INCR n|DEL queue"))), file, aof.RecordBytes(len(body("set bin\xff \x00")))))
	if at := find(t, file, "bin\xff"); at < last.Offset || at >= last.Offset+last.Bytes {
		t.Errorf("the record is not at %+v, its key is at %d", last, at)
	}
}

// A segment that is gone is no error: what it held is in the snapshot.
func TestLogShowBehindRetiredSegments(t *testing.T) {
	dir := fixture(t)
	must(t, os.Remove(filepath.Join(dir, "aof", segment1)))
	for from, notes := range map[uint64]int{0: 0, 2: 1, 4: 0, 5: 0} {
		var lsns []uint64
		got, err := openDir(t, dir).Records(RecordFilter{From: from}, func(r Record) error { lsns = append(lsns, r.LSN); return nil })
		must(t, err)
		if len(got) != notes || lsns[0] != max(from, 4) {
			t.Errorf("from %d: LSNs %v, notes %q", from, lsns, got)
		}
	}
}

// The end that a crash tore off is told of, and is no error.
func TestLogShowWithATornTail(t *testing.T) {
	dir := fixture(t)
	file := filepath.Join(dir, "aof", segment2)
	flip(t, file, find(t, file, "FLUSHDB"))
	shown := 0
	notes, err := openDir(t, dir).Records(RecordFilter{}, func(Record) error { shown++; return nil })
	must(t, err)
	if shown != 6 || len(notes) != 1 || !strings.Contains(notes[0], "torn") {
		t.Errorf("%d records, notes %q", shown, notes)
	}
}

func TestLogShowStopsAtDamage(t *testing.T) {
	dir := fixture(t)
	file := filepath.Join(dir, "aof", segment2)
	flip(t, file, find(t, file, "bye"))
	var shown []uint64
	_, err := openDir(t, dir).Records(RecordFilter{}, func(r Record) error { shown = append(shown, r.LSN); return nil })
	var damage *aof.DamageError
	if !errors.As(err, &damage) || damage.LSN != 4 || len(shown) != 3 || !strings.Contains(err.Error(), "holdfast check --dir "+dir) {
		t.Errorf("%v, %v", shown, err)
	}
}

// A record whose checksum is right may still hold what is no command.
func TestLogShowOfABadBody(t *testing.T) {
	dir := t.TempDir()
	writeRaw(t, dir, []byte{0, 5, 1})
	_, err := openDir(t, dir).Records(RecordFilter{}, func(Record) error { return nil })
	if !errors.Is(err, aof.ErrCorrupt) || !strings.Contains(err.Error(), "malformed command") {
		t.Error(err)
	}
}

func TestNoLog(t *testing.T) {
	dir := t.TempDir()
	writeBase(t, dir, testMeta(), items()...)
	d := openDir(t, dir)
	if _, err := d.Segments(); !errors.Is(err, ErrNothing) || !strings.Contains(err.Error(), "--appendonly no") {
		t.Errorf("Segments: %v", err)
	}
	if _, err := d.Records(RecordFilter{}, nil); !errors.Is(err, ErrNothing) {
		t.Errorf("Records: %v", err)
	}
}

// While the log is being turned on it does not count, and whoever looks is told so.
func TestStagedLog(t *testing.T) {
	dir := fixture(t)
	must(t, os.WriteFile(filepath.Join(dir, "aof.staged"), nil, 0o600))
	d := openDir(t, dir)
	segments, err := d.Segments()
	must(t, err)
	var b bytes.Buffer
	must(t, segments.WriteText(&b))
	notes, err := d.Records(RecordFilter{}, func(Record) error { return nil })
	must(t, err)
	if !segments.Staged || !strings.HasPrefix(b.String(), stagedNote) || len(notes) != 1 || notes[0] != stagedNote {
		t.Errorf("%+v, %q, %q", segments, b.String(), notes)
	}
}

func TestForeignFilesInTheLog(t *testing.T) {
	dir := fixture(t)
	must(t, os.WriteFile(filepath.Join(dir, "aof", "README"), nil, 0o600))
	if _, err := openDir(t, dir).Segments(); err != nil {
		t.Errorf("beside a README: %v", err)
	}
	must(t, os.WriteFile(filepath.Join(dir, "aof", "copy.aof"), nil, 0o600))
	if _, err := openDir(t, dir).Segments(); !errors.Is(err, aof.ErrNotSegment) {
		t.Errorf("beside copy.aof: %v", err)
	}
}
