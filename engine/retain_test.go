package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"holdfast/aof"
	"holdfast/internal/vfs"
	"holdfast/snapshot"
)

// keep takes a step for the history, as its keeper does from time to time.
func (s *shelf) keep() {
	s.t.Helper()
	if err := s.e.keepHistory(); err != nil {
		s.t.Error(err)
	}
}

// firstLSN is where the log begins.
func (s *shelf) firstLSN() uint64 { return s.e.currentLog().Segments()[0].First }

func (s *shelf) expectStates(from uint64) {
	s.t.Helper()
	for lsn := from; lsn <= s.last(); lsn++ {
		expectState(s.t, s.dir, lsn)
	}
}

func automaticFile(lsn uint64) string { return automaticName(lsn) + snapshotSuffix }

// A log that goes back to the first record is all the history that there can be.
func TestHistoryFromTheBeginningNeedsNoSnapshot(t *testing.T) {
	s := openShelf(t, vfs.OS(), t.TempDir(), newClock(), "save", "", "retain", "1h")
	for range 3 {
		s.write(4, 0)
		s.save()
		s.keep()
	}
	s.write(1, 0)
	s.expectFiles()
	s.expectStates(0)
	if f := s.figures(); f.RetainedFromLSN != 0 || f.RetainedFromTime != shelfBegin || f.RetainedBytes < aof.HeaderBytes {
		t.Errorf("retained from LSN %d, time %d, %d bytes", f.RetainedFromLSN, f.RetainedFromTime, f.RetainedBytes)
	}
}

// Hour after hour: every state of the last four hours can be built, and what is older goes.
func TestHistoryMovesOn(t *testing.T) {
	const hours = 4
	s := openShelf(t, vfs.OS(), t.TempDir(), newClock(), "save", "", "retain", "4h")
	var lsns []uint64 // of each hour's last record, at whose beginning all are written
	for hour := range 12 {
		s.write(3, 100_000) // more than a segment must have to be ended by a checkpoint
		s.save()
		s.advance(time.Hour)
		s.keep()
		lsns = append(lsns, s.last())
		horizon := uint64(0)
		if hour+1 >= hours {
			horizon = lsns[hour+1-hours]
		}
		s.expectStates(horizon)
		if n := len(s.files()); n > hours+2 {
			t.Errorf("hour %d: %d snapshots", hour, n)
		}
	}
	s.write(2, 0)
	horizon := lsns[12-hours]
	s.expectStates(horizon)
	oldest := mustList(t, s.dir)[0]
	if oldest.LSN > horizon || oldest.LSN < horizon-6 {
		t.Errorf("the oldest snapshot is of LSN %d, the horizon's is %d", oldest.LSN, horizon)
	}
	if first := s.firstLSN(); first > oldest.LSN+1 || first < oldest.LSN-3 {
		t.Errorf("the log begins at LSN %d, the oldest snapshot is of %d", first, oldest.LSN)
	}
	f := s.figures()
	if f.RetainedFromLSN != oldest.LSN || f.RetainedFromTime != oldest.Time || f.NamedSnapshots != 0 {
		t.Errorf("retained from LSN %d, time %d; %d named; the oldest snapshot: %+v", f.RetainedFromLSN, f.RetainedFromTime, f.NamedSnapshots, oldest)
	}

	// A start goes on with it: what is there is read from the directory.
	files := s.files()
	s.close()
	again := openShelf(t, vfs.OS(), s.dir, s.clock, "save", "", "retain", "4h")
	again.keep()
	again.expectFiles(files...)
	again.expectStates(horizon)
	if got := again.figures().RetainedFromLSN; got != oldest.LSN {
		t.Errorf("retained from LSN %d after a start, %d before", got, oldest.LSN)
	}
}

// Nothing is copied when nothing has changed, however much time passes.
func TestQuietHistoryStaysAsItIs(t *testing.T) {
	s := openShelf(t, vfs.OS(), t.TempDir(), newClock(), "save", "", "retain", "1h")
	s.write(3, 0)
	s.save()
	s.advance(time.Hour)
	s.keep()
	s.expectFiles(automaticFile(3))
	for range 3 {
		s.advance(24 * time.Hour)
		s.save()
		s.keep()
	}
	s.expectFiles(automaticFile(3))
	s.expectStates(3)
}

func TestHistoryBeginsInAnExistingDirectory(t *testing.T) {
	clock, dir := newClock(), t.TempDir()
	s := openShelf(t, vfs.OS(), dir, clock, "save", "")
	s.write(5, 0)
	s.save()
	s.write(5, 0)
	s.keep()
	s.expectFiles()
	s.expect("+OK", "CONFIG", "SET", "retain", "7d")
	s.expect("*2 $6 retain $6 604800", "CONFIG", "GET", "retain")
	s.keep()
	s.expectFiles(automaticFile(5))
	s.save()
	s.write(2, 0)
	s.expectStates(5)

	// And ends: the snapshots go, and then the segments.
	s.expect("+OK", "CONFIG", "SET", "retain", "0")
	s.keep()
	s.expectFiles()
	s.save()
	if first := s.firstLSN(); first != 13 {
		t.Errorf("the log begins at LSN %d", first)
	}
	if f := s.figures(); f.RetainedFromLSN != 0 || f.RetainedFromTime != 0 || f.RetainedBytes != 0 {
		t.Errorf("still retained: from LSN %d, %d bytes", f.RetainedFromLSN, f.RetainedBytes)
	}
}

// retain-bytes makes the history shorter, and never so short that what a start needs is gone.
func TestHistoryKeepsToItsBytes(t *testing.T) {
	const limit = 4 << 20
	s := openShelf(t, vfs.OS(), t.TempDir(), newClock(), "save", "", "retain", "10d", "retain-bytes", "4mb")
	const each = 300_000
	for range 30 {
		s.write(1, each)
		s.save()
		s.keep()
		if f := s.figures(); f.RetainedBytes > limit {
			t.Errorf("LSN %d: %d bytes are retained", s.last(), f.RetainedBytes)
		}
		s.expectStates(max(s.figures().RetainedFromLSN, s.last()-2))
	}
	f := s.figures()
	// One link more, a snapshot and the log to the next, would not fit. When the first was made, and so where the links
	// lie, depends on who came first, the keeper or this test.
	if link := s.e.history.autos[0].bytes + 4*each; f.RetainedBytes+link <= limit || f.RetainedFromLSN == 0 {
		t.Errorf("the history goes back from LSN %d to %d only, and takes %d bytes", s.last(), f.RetainedFromLSN, f.RetainedBytes)
	}
	s.expectStates(f.RetainedFromLSN)

	// A limit that no snapshot fits into leaves no history, and everything that is there now.
	s.expect("+OK", "CONFIG", "SET", "retain-bytes", "100kb")
	s.keep()
	s.expectFiles()
	s.write(1, each)
	s.save()
	s.keep()
	if first := s.firstLSN(); first != s.last()+1 {
		t.Errorf("the log begins at LSN %d, the last is %d", first, s.last())
	}
	s.close()
	again := openShelf(t, vfs.OS(), s.dir, s.clock)
	if got := again.do("STRLEN", "lsn"); got != fmt.Sprintf(":%d", each+3) {
		t.Error(got)
	}
}

// A log that is turned off takes the history's records with it. Turned on again, it begins another.
func TestHistoryEndsWithTheLog(t *testing.T) {
	clock, dir := newClock(), t.TempDir()
	s := openShelf(t, vfs.OS(), dir, clock, "save", "", "retain", "1h")
	settle := func() {
		settled := make(chan struct{})
		s.e.Do(func() {
			if s.e.Settled(func() { close(settled) }) {
				close(settled)
			}
		})
		<-settled
	}
	s.write(5, 0)
	s.expect("+OK", "CONFIG", "SET", "appendonly", "no")
	settle()
	s.keep()
	s.write(5, 0)
	s.save()
	s.keep()
	s.expectFiles()
	s.expect("+OK", "CONFIG", "SET", "appendonly", "yes")
	settle()
	s.keep()
	s.expectFiles(automaticFile(10))
	s.write(5, 0)
	s.expectStates(10)
	s.close()

	// So does a run without the log, once the base has left it behind.
	s = openShelf(t, vfs.OS(), dir, clock, "save", "", "retain", "1h")
	if err := s.e.Close(true); err != nil {
		t.Fatal(err)
	}
	s = openShelf(t, vfs.OS(), dir, clock, "save", "", "retain", "1h", "appendonly", "no")
	s.write(3, 0)
	s.save()
	s.close()
	s = openShelf(t, vfs.OS(), dir, clock, "save", "", "retain", "1h")
	if first := s.firstLSN(); first != 19 {
		t.Errorf("the log begins at LSN %d, the base is as of 18", first)
	}
	s.keep()
	s.expectFiles(automaticFile(18))
	s.write(3, 0)
	s.expectStates(18)
}

// What cannot be used is left alone, and made up for: a snapshot that is damaged, or is from beyond the last record.
func TestHistoryUsesOnlyWhatIsSound(t *testing.T) {
	clock, dir := newClock(), t.TempDir()
	s := openShelf(t, vfs.OS(), dir, clock, "save", "")
	s.write(5, 0)
	s.save()
	s.write(5, 0)
	s.expect("+OK", "CONFIG", "SET", "retain", "1h")
	s.keep()
	s.expectFiles(automaticFile(5))
	s.close()
	stray := filepath.Join(dir, SnapshotDir, automaticFile(11))
	for from, to := range map[string]string{"": SnapshotPath(dir, automaticName(3)), SnapshotPath(dir, automaticName(5)): stray} {
		b := []byte("no base at all")
		if from != "" {
			var err error
			if b, err = os.ReadFile(from); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(to, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(SnapshotPath(dir, automaticName(5)), []byte("damaged since"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = openShelf(t, vfs.OS(), dir, clock, "save", "", "retain", "1h")
	s.keep()
	s.expectFiles(automaticFile(3), automaticFile(5), "stray-00000000000000000011.db")
	if infos := mustList(t, dir); infos[2].Problem != "" || infos[2].LSN != 5 {
		t.Errorf("the damaged one has not been made anew: %+v", infos)
	}
	if err := os.Remove(SnapshotPath(dir, automaticName(3))); err != nil {
		t.Fatal(err)
	}
	s.expectStates(5)
	if n := s.figures().NamedSnapshots; n != 1 {
		t.Errorf("%d named snapshots, the stray among them", n)
	}
}

// A named snapshot is none of retention's business.
func TestHistoryLeavesNamedSnapshotsAlone(t *testing.T) {
	s := openShelf(t, vfs.OS(), t.TempDir(), newClock(), "save", "", "retain", "1h")
	s.write(3, 0)
	s.expect("+OK", "SNAPSHOT", "CREATE", "mine")
	for range 3 {
		s.write(3, 0)
		s.save()
		s.advance(2 * time.Hour)
		s.keep()
	}
	if files := s.files(); !slices.Contains(files, "mine.db") || len(files) != 2 {
		t.Errorf("%q", files)
	}
	if got := s.do("SNAPSHOT", "DROP", automaticName(6)); !strings.HasPrefix(got, "-ERR not a name for a snapshot") {
		t.Error(got)
	}
}

// past prepares a history of which a step makes a snapshot and drops two, with their segments. Its keeper waits until
// release is called. LSN 6 was written 65 minutes ago, the next 45: horizon is the oldest state that is promised.
func past(t *testing.T, fsys vfs.FS, dir string) (s *shelf, horizon uint64, release func()) {
	t.Helper()
	s = openShelf(t, fsys, dir, newClock(), "save", "", "retain", "1h", "fsync", "no")
	s.e.history.mu.Lock()
	for _, pause := range []time.Duration{20 * time.Minute, 20 * time.Minute, 20 * time.Minute, 45 * time.Minute} {
		if err := s.e.historyStep(); err != nil {
			t.Fatal(err)
		}
		s.write(2, 150_000)
		s.save()
		s.advance(pause)
	}
	s.expectFiles(automaticFile(2), automaticFile(4), automaticFile(6))
	return s, 6, s.e.history.mu.Unlock
}

// Whatever operation of a step fails, the history is whole, the server goes on, and the next step does what is left.
func TestHistoryStepSurvivesEveryFailure(t *testing.T) {
	t.Parallel()
	for n := 1; ; n++ {
		dir := t.TempDir()
		fsys := vfs.NewFaulty(dir, int64(n))
		s, horizon, release := past(t, fsys, dir)
		var done atomic.Int64
		fsys.Intercept(func(kind vfs.Kind, path string) error {
			// The log makes segments ahead and trims old ones beside the step, and a trim that fails is fatal.
			if kind != vfs.Read && !strings.HasSuffix(path, "next.tmp") && done.Add(1) == int64(n) {
				return syscall.EIO
			}
			return nil
		})
		err := s.e.historyStep()
		fsys.Intercept(nil)
		ended := done.Load() < int64(n)
		if injected := fsys.Injected(); !ended && len(injected) > 0 && err == nil && strings.Contains(injected[0].Path, SnapshotDir) {
			t.Errorf("operation %d (%v) failed, and nobody said so", n, injected[0])
		}
		s.expectStates(horizon)
		if err := s.e.historyStep(); err != nil {
			t.Error(err)
		}
		release()
		s.expectStates(horizon)
		if infos := mustList(t, dir); infos[0].LSN < 2 || infos[len(infos)-1].LSN != 8 {
			t.Errorf("after the failure of operation %d: %+v", n, infos)
		}
		s.expect("+OK", "SET", "still", "writable")
		s.close()
		if ended {
			if n < 10 {
				t.Errorf("only %d operations in a step", n)
			}
			return
		}
	}
}

// Whatever operation of a step is the machine's last, every state that was promised can be built from what is left, the
// next start has all data, and its first step makes the history complete.
func TestHistoryStepSurvivesEveryCrash(t *testing.T) {
	t.Parallel()
	for n, more := 1, true; more; n++ {
		dir := t.TempDir()
		fsys := vfs.NewFaulty(dir, int64(n))
		s, horizon, release := past(t, fsys, dir)
		last := s.last()
		fsys.CrashAt(fsys.Ops() + n)
		err := s.e.historyStep()
		if more = fsys.Crashed(); !more && err != nil {
			t.Errorf("without a crash: %v", err)
		}
		for _, mode := range []vfs.Mode{vfs.OnlySynced, []vfs.Mode{vfs.Random, vfs.RandomOrdered}[n%2]} {
			after := t.TempDir()
			if err := fsys.Materialise(after, mode, int64(n)); err != nil {
				t.Fatal(err)
			}
			for lsn := horizon; lsn <= last; lsn++ {
				expectState(t, after, lsn)
			}
			again := openShelf(t, vfs.OS(), after, s.clock, "save", "", "retain", "1h", "fsync", "no")
			if got := again.last(); got != last {
				t.Errorf("crash at operation %d, %s: the last LSN is %d, not %d", n, mode, got, last)
			}
			again.keep()
			again.write(1, 0)
			again.expectStates(horizon)
			if files := again.files(); strings.Contains(strings.Join(files, " "), snapshot.TemporarySuffix) {
				t.Errorf("crash at operation %d, %s: %q", n, mode, files)
			}
			again.close()
			if t.Failed() {
				release()
				t.Fatalf("crash at operation %d, %s", n, mode)
			}
		}
		release()
		s.close()
	}
}

// When the next snapshot is due, and which is the oldest to keep.
func TestChain(t *testing.T) {
	const hour, mb = 3_600_000, 1 << 20
	segment := func(first, last uint64, bytes int64) aof.SegmentInfo {
		return aof.SegmentInfo{First: first, Last: last, Used: bytes, Created: 0}
	}
	log := []aof.SegmentInfo{segment(1, 100, 100*mb), segment(101, 200, 100*mb), segment(201, 300, 200*mb)}
	begin := anchor{}
	at := func(lsn uint64, hours, bytes int64) anchor { return anchor{lsn, hours * hour, bytes} }
	for _, c := range []struct {
		name    string
		anchors []anchor
		base    anchor
		hours   int64 // now
		limit   int64
		rest    int64 // hours
		due     bool
		floor   int
		limited bool
	}{
		{name: "no base yet", anchors: []anchor{begin}, hours: 9, floor: 0},
		{name: "no anchor at all", base: at(300, 9, mb), hours: 9, due: true, floor: -1, limited: true},
		{name: "the base has not moved", anchors: []anchor{at(300, 1, mb)}, base: at(300, 1, mb), hours: 99, floor: 0},
		{name: "a quarter has not passed", anchors: []anchor{at(200, 8, mb)}, base: at(300, 8, 300*mb), hours: 9, floor: 0},
		{name: "a quarter has passed", anchors: []anchor{at(200, 8, mb)}, base: at(300, 9, 300*mb), hours: 10, due: true, floor: 0},
		{name: "a quarter has passed, but copying is slow", anchors: []anchor{at(200, 8, mb)}, base: at(300, 9, 300*mb), hours: 10, rest: 11, floor: 0},
		{name: "much log", anchors: []anchor{at(100, 8, mb)}, base: at(300, 8, mb), hours: 8, due: true, floor: 0},
		{name: "much log, but a larger base", anchors: []anchor{at(100, 8, mb)}, base: at(300, 8, 301*mb), hours: 8, floor: 0},
		{name: "the horizon is between", anchors: []anchor{begin, at(100, 1, mb), at(200, 3, mb)}, base: at(200, 3, mb), hours: 10, floor: 1},
		{name: "the horizon is at one", anchors: []anchor{begin, at(100, 1, mb), at(200, 2, mb)}, base: at(200, 2, mb), hours: 10, floor: 2},
		{name: "all are younger", anchors: []anchor{at(100, 5, mb), at(200, 6, mb)}, base: at(200, 6, mb), hours: 10, floor: 0},
		{
			name: "too many bytes", anchors: []anchor{begin, at(100, 8, mb), at(200, 9, mb)}, base: at(200, 9, mb), hours: 9,
			limit: 302 * mb, floor: 1, limited: true,
		},
		{
			name: "too many bytes for all but the last", anchors: []anchor{begin, at(200, 9, mb)}, base: at(200, 9, mb), hours: 9,
			limit: 10 * mb, floor: 1, limited: true,
		},
		{
			name: "too many bytes behind the only one", anchors: []anchor{at(200, 9, mb)}, base: at(300, 9, mb), hours: 9, limit: 10 * mb, due: true, floor: 0,
		},
		{
			name: "a base that does not fit", anchors: []anchor{at(200, 9, mb)}, base: at(300, 9, 9*mb), hours: 9, limit: 10 * mb, floor: -1, limited: true,
		},
	} {
		chain := chain{
			segments: log, anchors: c.anchors, base: c.base, now: c.hours * hour, retain: 8 * hour, limit: c.limit, restUntil: c.rest * hour,
		}
		if got := chain.due(); got != c.due {
			t.Errorf("%s: a snapshot is due: %t", c.name, got)
		}
		if floor, limited := chain.floor(); floor != c.floor || limited != c.limited {
			t.Errorf("%s: the floor is anchor %d, limited: %t", c.name, floor, limited)
		}
	}
}

// What a checkpoint has put into the base is in the log on disk by then, under every policy: a power cut leaves no hole
// between the log and what comes after it.
func TestCheckpointIsNeverAheadOfTheLog(t *testing.T) {
	for _, fsync := range []string{"always", "everysec", "no"} {
		dir := t.TempDir()
		fsys := vfs.NewFaulty(dir, 1)
		s := openShelf(t, fsys, dir, newClock(), "save", "", "retain", "1h", "fsync", fsync)
		s.write(20, 1000)
		s.save()
		fsys.Crash()
		after := t.TempDir()
		if err := fsys.Materialise(after, vfs.OnlySynced, 1); err != nil {
			t.Fatal(err)
		}
		for lsn := range uint64(21) {
			expectState(t, after, lsn)
		}
		s.do("SET", "too", "late")
		if err := s.e.Commit(); !errors.Is(err, vfs.ErrCrashed) {
			t.Errorf("a commit after the crash: %v", err)
		}
	}
}

// Without a log there is nothing to keep, which is said once, and again only when a log has come and gone.
func TestRetainWithoutALogIsSaidOnce(t *testing.T) {
	s := openShelf(t, vfs.OS(), t.TempDir(), newClock(), "save", "", "appendonly", "no", "retain", "1h")
	const said = "retain keeps the log, and none is kept"
	for range 3 {
		s.keep()
	}
	if n := s.log.count(said); n != 1 {
		t.Errorf("said %d times", n)
	}
	s.expect("+OK", "CONFIG", "SET", "appendonly", "yes")
	s.keep()
	s.expect("+OK", "CONFIG", "SET", "appendonly", "no")
	for range 2 {
		s.keep()
	}
	if n := s.log.count(said); n != 2 {
		t.Errorf("said %d times, after a log had come and gone", n)
	}
}
