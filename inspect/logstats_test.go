package inspect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/aof"
	"holdfast/internal/vfs"
)

func TestLogStats(t *testing.T) {
	dir := fixture(t)
	untouched(t, dir)
	stats := func(o LogStatsOptions) LogStats {
		t.Helper()
		s, notes, err := openDir(t, dir).LogStats(o)
		must(t, err)
		if len(notes) > 0 {
			t.Errorf("notes %q", notes)
		}
		s.Bytes = 1
		for i := range s.Spans {
			s.Spans[i].Bytes = 1
		}
		return s
	}
	golden(t, func(b *bytes.Buffer) error {
		return stats(LogStatsOptions{Top: 2, Separator: []byte("e")}).WriteText(b)
	}, `records  7, LSN 1 to 7; 1 of several commands
time     2023-11-14T22:13:20.000Z to 2023-11-14T22:13:20.006Z
bytes    1
keys     about 6

command  count  bytes
SET      5      52
DEL      1      8
FLUSHDB  1      7
INCR     1      5
RPUSH    1      11

database  commands  bytes
0         7         69
3         2         14

from                      records  commands  bytes/s  `+`
2023-11-14T22:13:20.000Z  7        9         1        ████████████████████████████████████████

hottest keys
commands  bytes  name
2         30     "greeting"
2         19     "queue"

hottest prefixes
commands  bytes  name
2         30     "gre"
2         19     "que"
`)
	golden(t, func(b *bytes.Buffer) error {
		s := stats(LogStatsOptions{RecordFilter: RecordFilter{From: 3, To: 3}, Top: 2, Separator: []byte(":")})
		s.Dir = "D"
		return WriteJSON(b, s)
	}, `{"dir":"D","from_lsn":3,"to_lsn":3,"from_unix_ms":1700000000002,"to_unix_ms":1700000000002,"records":1,"bytes":1,`+
		`"records_of_several_commands":0,"keys_estimated":1,"commands":[{"command":"RPUSH","count":1,"bytes":11}],`+
		`"databases":[{"db":0,"commands":1,"bytes":11}],"span_ms":1000,"spans":[{"time_unix_ms":1700000000000,"records":1,"commands":1,"bytes":1}],`+
		`"hot_keys":[{"name":"queue","commands":1,"bytes":11}],"hot_prefixes":[],"hot_exact":true}`+"\n")
}

// However many spans, names and keys there are, what is kept of them has a bound.
func TestLogStatsAreBounded(t *testing.T) {
	c := logCounter{commands: map[string]*CommandStats{}, spans: map[int64]*Span{}}
	c.stats.Width = 1000
	const year = 365 * 24 * 3600 * 1000
	for i := range int64(10_000) {
		c.span(i*year/10_000).Records++
		count1(c.commands, fmt.Sprint(i), "…", func(name string) *CommandStats { return &CommandStats{Command: name} }).Count++
	}
	if len(c.spans) > spansMax || len(c.commands) > namesMax+1 || c.commands["…"].Count != 10_000-namesMax {
		t.Errorf("%d spans, %d names", len(c.spans), len(c.commands))
	}
	total := int64(0)
	for _, s := range c.spans {
		total += s.Records
	}
	if total != 10_000 || c.stats.Width < year/spansMax {
		t.Errorf("%d records in spans of %d ms", total, c.stats.Width)
	}
}

// What Space-Saving says of a name holds: its count is within the range, and what is frequent enough is there.
func TestHottest(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	h := newHottest(50)
	truth := map[string]int64{}
	const n = 20_000
	for range n {
		name := fmt.Sprint(int(rng.ExpFloat64() * 60))
		truth[name]++
		h.add([]byte(name), 1)
	}
	top, exact := h.top(50)
	if exact || len(h.counts) != 50 {
		t.Errorf("exact %v with %d counters for %d names", exact, len(h.counts), len(truth))
	}
	seen := map[string]bool{}
	for i, hot := range top {
		name := string(hot.Name)
		seen[name] = true
		if hot.Commands < truth[name] || hot.Commands-hot.Over > truth[name] {
			t.Errorf("%s came %d times, and is said to have come %d to %d times", name, truth[name], hot.Commands-hot.Over, hot.Commands)
		}
		if i > 0 && top[i-1].Commands < hot.Commands {
			t.Errorf("place %d is out of order", i)
		}
	}
	for name, came := range truth {
		if came > n/50 && !seen[name] {
			t.Errorf("%s came %d times of %d and is not there", name, came, n)
		}
	}
}

func TestWho(t *testing.T) {
	dir := t.TempDir()
	writeLog(t, dir, testID, []string{
		"SET k 1", "3: SET k 2", "SET other k", "RENAME k was | SET k 3", "SWAPDB 0 1", "SWAPDB 1 2", "COPY was k", "3: MOVE k 0",
		"3: COPY x k DB 0", "COPY k y DB 5", "3: FLUSHDB", "FLUSHDB", "3: FLUSHALL", "NEWCOMMAND a k",
	})
	golden(t, func(b *bytes.Buffer) error {
		_, err := openDir(t, dir).Who(0, []byte("k"), RecordFilter{}, func(w Touch) error { w.Time = testTime; return w.WriteText(b) })
		return err
	}, `1           2023-11-14T22:13:20.000Z  0    SET k 1
4           2023-11-14T22:13:20.000Z  0    (1 of 2) RENAME k was
4           2023-11-14T22:13:20.000Z  0    (2 of 2) SET k 3
5           2023-11-14T22:13:20.000Z  0    SWAPDB 0 1   ← database 0 becomes another
7           2023-11-14T22:13:20.000Z  0    COPY was k
8           2023-11-14T22:13:20.000Z  3    MOVE k 0   ← it comes from database 3
9           2023-11-14T22:13:20.000Z  3    COPY x k DB 0   ← it comes from database 3
12          2023-11-14T22:13:20.000Z  0    FLUSHDB   ← every key of database 0 goes
13          2023-11-14T22:13:20.000Z  3    FLUSHALL   ← every key of every database goes
14          2023-11-14T22:13:20.000Z  0    NEWCOMMAND a k   ← this version does not know the command; one of its arguments is the key
`)
	n := 0
	_, err := openDir(t, dir).Who(0, []byte("k"), RecordFilter{Limit: 2}, func(Touch) error { n++; return nil })
	if must(t, err); n != 2 {
		t.Errorf("%d touches where 2 were asked for", n)
	}
}

func TestRequests(t *testing.T) {
	dir := fixture(t)
	golden(t, func(b *bytes.Buffer) error {
		_, err := openDir(t, dir).Records(RecordFilter{From: 4, To: 5}, NewRequests(b, true).Record)
		return err
	}, "#TS:1700000000\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$8\r\ngreeting\r\n$3\r\nbye\r\n"+
		"*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n"+
		"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*2\r\n$3\r\nDEL\r\n$5\r\nqueue\r\n*1\r\n$4\r\nEXEC\r\n")
}

func TestCheckLog(t *testing.T) {
	dir := fixture(t)
	untouched(t, dir)
	report, err := CheckLog(vfs.OS(), dir, nil)
	if must(t, err); report.Verdict != Fine || report.Summary != "LSN 1 to 7" || len(report.Files) != 2 {
		t.Errorf("%+v", report)
	}
	damaged := fixture(t)
	flip(t, filepath.Join(damaged, "aof", segment1), find(t, filepath.Join(damaged, "aof", segment1), "greeting"))
	report, err = CheckLog(vfs.OS(), damaged, nil)
	if must(t, err); report.Verdict != Damaged || report.Files[0].Verdict != Damaged || report.Files[1].Verdict != Fine {
		t.Errorf("%+v", report)
	}
}

// A tail follows a log while it is written, over segments that begin and others that go.
func TestTail(t *testing.T) {
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "aof"), 0o700))
	log, _, err := aof.Recover(aof.Options{FS: vfs.OS(), Dir: filepath.Join(dir, "aof"), ID: testID, SegmentBytes: 8192, Clock: clockHand},
		0, func(aof.Record) error { return nil })
	must(t, err)
	write := func() {
		log.Append(testTime, 0, body(fmt.Sprintf("SET k %d", log.Last()+1)))
		must(t, log.Commit())
	}
	for range 5 {
		write()
	}
	var seen []uint64
	must(t, openDir(t, dir).Tail(t.Context(), RecordFilter{}, 2, false, func(r Record) error {
		seen = append(seen, r.LSN)
		log.Append(testTime, 0, body("SET k later")) // by a server that writes meanwhile: not one of the last two
		return log.Commit()
	}, func() error { return nil }, unnoted(t)))
	if !slices.Equal(seen, []uint64{4, 5}) {
		t.Errorf("the last two of 5 are %v", seen)
	}
	ctx, cancel := context.WithCancel(t.Context())
	seen = nil
	enough := errors.New("enough")
	err = openDir(t, dir).Tail(ctx, RecordFilter{}, 2, true, func(r Record) error {
		seen = append(seen, r.LSN)
		return nil
	}, func() error { // after each look: go on, and at last end it
		switch n := len(seen); {
		case n >= 2+30:
			cancel()
			return enough
		case n%3 == 0:
			must(t, log.Cut())
			if segments, err := openDir(t, dir).Segments(); err == nil && len(segments.Segments) > 2 {
				must(t, os.Remove(filepath.Join(dir, "aof", segments.Segments[0].File)))
			}
			fallthrough
		default:
			write()
			write()
		}
		return nil
	}, unnoted(t))
	if !errors.Is(err, enough) {
		t.Fatal(err)
	}
	for i, lsn := range seen {
		if lsn != uint64(6+i) {
			t.Fatalf("handed out %v", seen)
		}
	}
	must(t, log.Close())
}

func unnoted(t *testing.T) func(string) {
	return func(text string) { t.Errorf("noted: %s", text) }
}

// A log that is turned off and on begins anew, behind what was done meanwhile or, if that was nothing, where it ended: perhaps
// under the name that the last segment had. The tail goes on with it.
func TestTailWhileTheLogIsOff(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "aof")
	must(t, os.MkdirAll(path, 0o700))
	now := int64(testTime)
	var log *aof.Log
	turnOn := func(last uint64) {
		now++
		var err error
		log, _, err = aof.Recover(aof.Options{FS: vfs.OS(), Dir: path, ID: testID, SegmentBytes: 8192,
			Clock: func() time.Time { return time.UnixMilli(now) }}, last, func(aof.Record) error { return nil })
		must(t, err)
	}
	write := func() {
		log.Append(now, 0, body("SET k v"))
		must(t, log.Commit())
	}
	turnOff := func() {
		must(t, log.Close())
		names, err := filepath.Glob(filepath.Join(path, "*"))
		must(t, err)
		for _, name := range names {
			must(t, os.Remove(name))
		}
	}
	turnOn(0)
	steps := []func(){
		write,                           // LSN 1
		func() { turnOff(); turnOn(2) }, // without LSN 2
		write,                           // LSN 3
		func() { turnOff(); turnOn(3) }, // nothing was done
		func() { turnOff(); turnOn(3) }, // nor then, and 4.aof is another one
		write,                           // LSN 4
		turnOff, func() { turnOn(9) },   // without LSN 5 to 9
		func() { write(); must(t, log.Cut()); write() }, // LSN 10, 11
	}
	var seen []uint64
	var notes []string
	ended := errors.New("ended")
	err := openDir(t, dir).Tail(t.Context(), RecordFilter{}, 0, true,
		func(r Record) error { seen = append(seen, r.LSN); return nil },
		func() error {
			if len(steps) == 0 {
				return ended
			}
			steps[0]()
			steps = steps[1:]
			return nil
		}, func(text string) { notes = append(notes, text) })
	if !errors.Is(err, ended) {
		t.Fatal(err)
	}
	if !slices.Equal(seen, []uint64{1, 3, 4, 10, 11}) || len(notes) != 2 ||
		!strings.HasPrefix(notes[0], "LSN 2 is in the snapshot alone") || !strings.HasPrefix(notes[1], "LSN 5 to 9 are in the snapshot alone") {
		t.Errorf("handed out %v, noted %q", seen, notes)
	}
	must(t, log.Close())
}

func TestCheckLogWithoutRecords(t *testing.T) {
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "aof"), 0o700))
	log, _, err := aof.Recover(aof.Options{FS: vfs.OS(), Dir: filepath.Join(dir, "aof"), ID: testID, SegmentBytes: 8192, Clock: clockHand},
		8, func(aof.Record) error { return nil })
	must(t, err)
	must(t, log.Close())
	report, err := CheckLog(vfs.OS(), dir, nil)
	must(t, err)
	if report.Summary != "no records" || report.Verdict != Fine {
		t.Errorf("%+v", report)
	}
}

func TestTailEndsAtLimit(t *testing.T) {
	dir := fixture(t)
	var b strings.Builder
	must(t, openDir(t, dir).Tail(t.Context(), RecordFilter{Command: "SET", Limit: 1}, 4, true,
		func(r Record) error { return r.WriteText(&b) }, func() error { return nil }, unnoted(t)))
	if want := "4           2023-11-14T22:13:20.003Z  0    SET greeting bye\n"; b.String() != want {
		t.Errorf("%q", b.String())
	}
}
