package repair

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/aof"
	"holdfast/engine"
	"holdfast/history"
	"holdfast/history/historytest"
)

// Wherever a record is damaged, what comes before it survives, what comes from it on is in quarantine byte for byte, and
// the count of what is lost is right.
func TestDamagedRecord(t *testing.T) {
	whole := historytest.Play(t)
	all := records(t, logOnly(t, whole).Dir)
	for _, at := range all[1 : len(all)-1] {
		if at.lsn%3 == 1 {
			continue
		}
		p := logOnly(t, whole)
		path := filepath.Join(p.Dir, engine.LogDir, filepath.Base(at.File))
		flip(t, path, at.Offset+at.Bytes-1)
		before := read(t, path)
		later := laterThan(p.Segments(t), path)
		texts := map[string]string{}
		for _, segment := range later {
			texts[filepath.Base(segment)] = read(t, segment)
		}

		plan := repaired(t, p.Dir)[0]
		l := plan.Loss
		if l.From != at.lsn || l.To != p.Last() || l.Readable != int64(p.Last()-at.lsn) || l.Unreadable != 1 {
			t.Errorf("LSN %d: the loss is %+v", at.lsn, l)
		}
		quarantine := filepath.Join(plan.Quarantine, engine.LogDir)
		if got := read(t, filepath.Join(quarantine, fmt.Sprintf("%s.from-%d", filepath.Base(path), at.Offset))); got != before[at.Offset:] {
			t.Errorf("LSN %d: the quarantine does not hold what was cut from %s", at.lsn, path)
		}
		for name, text := range texts {
			if read(t, filepath.Join(quarantine, name)) != text {
				t.Errorf("LSN %d: the quarantine does not hold %s", at.lsn, name)
			}
		}
		if names, err := historytest.FS().List(quarantine); err != nil || len(names) != 1+len(texts) {
			t.Errorf("LSN %d: the quarantine holds %q, %v", at.lsn, names, err)
		}
		isAt(t, p, at.lsn-1)
	}
}

// A record whose checksum is right and which holds no commands ends the log as a damaged one does.
func TestRecordWithoutCommands(t *testing.T) {
	p := logOnly(t, historytest.Play(t))
	h, err := history.Read(historytest.FS(), p.Dir)
	must(t, err)
	log, _, err := aof.Recover(aof.Options{FS: historytest.FS(), Dir: h.LogPath(), ID: h.ID, Clock: historytest.NewClock().Now}, 0,
		func(aof.Record) error { return nil })
	must(t, err)
	for range 2 {
		log.Append(0, 0, []byte("no commands"))
	}
	must(t, log.Close())
	l := repaired(t, p.Dir)[0].Loss
	if l.From != p.Last()+1 || l.To != p.Last()+2 || l.Readable != 2 || l.Unreadable != 0 || l.KeyCount != 0 {
		t.Errorf("the loss is %+v", l)
	}
	isAt(t, p, p.Last())
}

// A damaged header takes its segment and all behind it, but for the first segment's: before that there is nothing.
func TestDamagedHeader(t *testing.T) {
	whole := historytest.Play(t)
	for i := range whole.Segments(t) {
		p := logOnly(t, whole)
		segment := p.Segments(t)[i]
		flip(t, segment, 20)
		if i == 0 {
			hopeless(t, p.Dir, "header")
			continue
		}
		first := firstOf(t, segment)
		l := repaired(t, p.Dir)[0].Loss
		if l.From != first || l.To != p.Last() || l.Readable != int64(p.Last()-first+1) || l.Unreadable != 0 || l.KeyCount == 0 {
			t.Errorf("segment %d: the loss is %+v", i, l)
		}
		isAt(t, p, first-1)
	}
}

// A segment that is missing ends the log before it, unless a snapshot leads on behind the gap.
func TestMissingSegment(t *testing.T) {
	whole := historytest.Play(t)
	segments := whole.Segments(t)
	for i := 1; i < len(segments)-1; i++ {
		p := logOnly(t, whole)
		gap, behind := firstOf(t, segments[i]), firstOf(t, segments[i+1])
		must(t, os.Remove(p.Segments(t)[i]))
		l := repaired(t, p.Dir)[0].Loss
		if l.From != gap || l.To != p.Last() || l.Readable != int64(p.Last()-behind+1) || l.Unreadable != int64(behind-gap) {
			t.Errorf("segment %d: the loss is %+v", i, l)
		}
		isAt(t, p, gap-1)
	}
	p := logOnly(t, whole)
	must(t, os.Remove(p.Segments(t)[0]))
	hopeless(t, p.Dir, "are in no segment")

	p = whole.Copy(t)
	must(t, os.Remove(filepath.Join(p.Dir, engine.BaseName)))
	must(t, os.Remove(p.Segments(t)[1]))
	plan := repaired(t, p.Dir)[0]
	if loss := plan.Loss.String(); loss != "" || plan.Base != "snapshots/s1.db" {
		t.Errorf("from %s, lost: %s", plan.Base, loss)
	}
	isAt(t, p, p.Last())
}

// The log of a base is gone, and the base says so: the next start accepts that.
func TestMissingLog(t *testing.T) {
	p := historytest.Play(t).Copy(t)
	must(t, os.RemoveAll(filepath.Join(p.Dir, engine.LogDir)))
	plan := repaired(t, p.Dir)[0]
	if steps := plan.Steps; len(steps) != 1 || steps[0].Do != "accept" || plan.Quarantine != "" {
		t.Errorf("%+v", plan)
	}
	unknownFrom(t, plan, p.Bases[1]+1)
	isAt(t, p, p.Bases[1])
}

// The newest segment is gone, and the seal of the one before it says so.
func TestMissingNewestSegment(t *testing.T) {
	p := historytest.Played{Dir: t.TempDir(), States: []historytest.State{{}}}
	s := historytest.Open(t, p.Dir, historytest.NewClock())
	for i := range 30 { // more than a segment
		s.Do("SET", fmt.Sprint("key", i), strings.Repeat("v", 50_000))
		p.States = append(p.States, s.State())
	}
	s.Close(false)
	segments := p.Segments(t)
	last := segments[len(segments)-1]
	first := firstOf(t, last)
	must(t, os.Remove(last))
	unknownFrom(t, repaired(t, p.Dir)[0], first)
	isAt(t, p, first-1)
}

// The log ends before the base, which has all that is left of it: by a cut in what the base has, or as its newest segment is gone.
func TestLogThatEndsBeforeTheBase(t *testing.T) {
	for name, c := range map[string]struct {
		bytes int // of a value: in a small segment a checkpoint goes on
		spoil func(t *testing.T, newest string)
	}{
		"damage":      {10, func(t *testing.T, newest string) { flip(t, newest, aof.HeaderBytes+200) }},
		"newest gone": {50_000, func(t *testing.T, newest string) { must(t, os.Remove(newest)) }},
	} {
		t.Run(name, func(t *testing.T) {
			p := historytest.Played{Dir: t.TempDir(), States: []historytest.State{{}}}
			clock := historytest.NewClock()
			s := historytest.Open(t, p.Dir, clock, "retain", "1h")
			for i := range 30 {
				s.Do("SET", fmt.Sprint("key", i), strings.Repeat("v", c.bytes))
				p.States = append(p.States, s.State())
			}
			s.Close(true)
			c.spoil(t, p.Segments(t)[len(p.Segments(t))-1])
			plan := repaired(t, p.Dir)[0]
			if l := plan.Loss; l.From != 31 || l.To != 0 {
				t.Errorf("the loss is %+v", l)
			}
			isAt(t, p, 30)
		})
	}
}

// Of a segment that was emptied nobody can tell what it held.
func TestEmptySegment(t *testing.T) {
	p := historytest.Play(t).Copy(t)
	segments := p.Segments(t)
	last := segments[len(segments)-1]
	must(t, os.Truncate(last, 0))
	first := firstOf(t, last)
	unknownFrom(t, repaired(t, p.Dir)[0], first)
	isAt(t, p, first-1)
}

// All segments behind the base are cut: the base stands alone.
func TestGapBehindTheBase(t *testing.T) {
	p := historytest.Play(t).Copy(t)
	s := historytest.Open(t, p.Dir, historytest.NewClock())
	s.Close(true) // retires what the base has
	s = historytest.Open(t, p.Dir, historytest.NewClock())
	s.Do("SET", "more", "1")
	s.Close(false)
	segments := p.Segments(t)
	must(t, os.Rename(segments[len(segments)-1], filepath.Join(p.Dir, engine.LogDir, fmt.Sprintf("%020d.aof", p.Last()+5))))
	must(t, os.RemoveAll(filepath.Join(p.Dir, engine.SnapshotDir)))
	for _, segment := range segments[:len(segments)-1] {
		must(t, os.Remove(segment))
	}
	repaired(t, p.Dir)
	isAt(t, p, p.Last())
}

// A segment that goes on where another begins: two histories. The first is kept, as far as it goes.
func TestTwoHistories(t *testing.T) {
	p := logOnly(t, historytest.Play(t))
	other := p.Copy(t)
	for _, segment := range other.Segments(t)[1:] {
		must(t, os.Remove(segment))
	}
	s := historytest.Open(t, other.Dir, historytest.NewClock())
	forked := s.LSN()
	s.Do("SET", "another", "history")
	s.Do("SET", "another", "end")
	state := s.State()
	s.Close(false)
	must(t, os.WriteFile(p.Segments(t)[0], []byte(read(t, other.Segments(t)[0])), 0o600))
	plan := repaired(t, p.Dir)[0]
	if l := plan.Loss; plan.Quarantine == "" || l.To != p.Last() || forked+2 >= l.To {
		t.Errorf("%+v", plan)
	}
	if differs := historytest.StateOf(t, p.Dir).Differs(state); differs != "" {
		t.Error(differs)
	}
}
