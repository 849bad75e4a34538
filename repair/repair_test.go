package repair

import (
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"holdfast/aof"
	"holdfast/engine"
	"holdfast/history/historytest"
	"holdfast/internal/vfs"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// repaired repairs a directory that a start refuses, until nothing is left to do, and returns the plans that were
// carried out. Each has been planned twice, and planning changes nothing.
func repaired(t *testing.T, dir string) (plans []*Plan) {
	t.Helper()
	if s, err := historytest.TryOpen(t, copyOf(t, dir), historytest.NewClock()); err == nil {
		s.Close(false)
		t.Error("a start does not mind what is to be repaired")
	}
	plans = repairAll(t, historytest.FS(), dir)
	if len(plans) == 0 {
		t.Fatal("nothing was repaired")
	}
	for _, p := range plans {
		if p.Quarantine != "" && !strings.HasPrefix(p.Quarantine, filepath.Join(dir, engine.QuarantineName, "20231114T221320Z")) {
			t.Errorf("the quarantine is %s", p.Quarantine)
		}
	}
	if more := repairAll(t, historytest.FS(), dir); len(more) > 0 {
		t.Errorf("a second repair finds %+v", more[0].Steps)
	}
	return plans
}

func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	historytest.CopyDir(t, dir, to)
	return to
}

func options(fsys vfs.FS, dir string) Options {
	return Options{FS: fsys, Dir: dir, Clock: historytest.NewClock().Now}
}

func repairAll(t *testing.T, fsys vfs.FS, dir string) (plans []*Plan) {
	t.Helper()
	r, err := Open(options(fsys, dir))
	must(t, err)
	defer func() { must(t, r.Close()) }()
	for range 5 {
		before := picture(t, dir)
		p, err := r.Plan()
		must(t, err)
		if picture(t, dir) != before {
			t.Fatal("planning changed something")
		}
		if len(p.Steps) == 0 {
			return plans
		}
		must(t, r.Do(p))
		plans = append(plans, p)
	}
	t.Fatal("the repair never ends")
	return nil
}

func picture(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	must(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		fmt.Fprintf(&b, "%s %d %x\n", path, len(content), crc32.ChecksumIEEE(content))
		return err
	}))
	return b.String()
}

// isAt checks that a server starts on the directory, finds the state of an LSN, and goes on.
func isAt(t *testing.T, p historytest.Played, lsn uint64) {
	t.Helper()
	s := historytest.Open(t, p.Dir, historytest.NewClock())
	if differs := s.State().Differs(p.States[lsn]); differs != "" {
		t.Errorf("repaired to LSN %d:\n%s", lsn, differs)
	}
	if s.LSN() != lsn {
		t.Errorf("repaired to LSN %d, expected %d", s.LSN(), lsn)
	}
	s.Do("SET", "goes", "on")
	state := s.State()
	s.Close(false)
	if differs := historytest.StateOf(t, p.Dir).Differs(state); differs != "" {
		t.Errorf("after another restart:\n%s", differs)
	}
}

// logOnly is the history with nothing but its log.
func logOnly(t *testing.T, p historytest.Played) historytest.Played {
	t.Helper()
	p = p.Copy(t)
	must(t, os.RemoveAll(filepath.Join(p.Dir, engine.SnapshotDir)))
	must(t, os.Remove(filepath.Join(p.Dir, engine.BaseName)))
	return p
}

// record is where a record lies.
type record struct {
	aof.Position
	lsn uint64
}

func records(t *testing.T, dir string) (all []record) {
	t.Helper()
	_, err := aof.Scan(historytest.FS(), filepath.Join(dir, engine.LogDir), 0, func(at aof.Position, r aof.Record) error {
		all = append(all, record{at, r.LSN})
		return nil
	})
	must(t, err)
	return all
}

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

func laterThan(segments []string, path string) []string {
	return segments[slices.Index(segments, path)+1:]
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

func firstOf(t *testing.T, segment string) (first uint64) {
	t.Helper()
	_, err := fmt.Sscanf(filepath.Base(segment), "%d.aof", &first)
	must(t, err)
	return first
}

// hopeless expects that nothing can be done, and that nothing is.
func hopeless(t *testing.T, dir string, says string) {
	t.Helper()
	before := picture(t, dir)
	r, err := Open(options(historytest.FS(), dir))
	must(t, err)
	if _, err := r.Plan(); !errors.Is(err, ErrHopeless) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "bring back from a copy") {
		t.Errorf("%v; expected that nothing can be done because of %q", err, says)
	}
	must(t, r.Close())
	if picture(t, dir) != before {
		t.Error("something was changed")
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

// unknownFrom expects that a plan admits not to know what is lost.
func unknownFrom(t *testing.T, plan *Plan, lsn uint64) {
	t.Helper()
	l := plan.Loss
	if want := fmt.Sprintf("what the log held from LSN %d on", lsn); l.From != lsn || l.To != 0 || !strings.HasPrefix(l.String(), want) {
		t.Errorf("the loss is %+v, %q; expected to begin with %q", l, l.String(), want)
	}
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

// A damaged base is replaced without loss where a snapshot and the log lead as far, or the log alone.
func TestDamagedBase(t *testing.T) {
	whole := historytest.Play(t)
	for name, damage := range map[string]func(t *testing.T, path string){
		"a value":      func(t *testing.T, path string) { spoil(t, path, "again") },
		"both headers": func(t *testing.T, path string) { zero(t, path, 0, 8192) },
		"the root":     func(t *testing.T, path string) { zero(t, path, 8192, -1) },
		"cut short":    func(t *testing.T, path string) { must(t, os.Truncate(path, 10_000)) },
		"empty":        func(t *testing.T, path string) { must(t, os.Truncate(path, 0)) },
	} {
		for _, from := range []string{"snapshots/s1.db", "snapshots/s0.db", ""} {
			t.Run(name+", "+from, func(t *testing.T) {
				p := whole.Copy(t)
				path := filepath.Join(p.Dir, engine.BaseName)
				if from != "snapshots/s1.db" {
					must(t, os.Remove(engine.SnapshotPath(p.Dir, "s1")))
				}
				if from == "" {
					must(t, os.Remove(engine.SnapshotPath(p.Dir, "s0")))
				}
				damage(t, path)
				bad := read(t, path)
				plan := repairAll(t, historytest.FS(), p.Dir)[0]
				if loss := plan.Loss.String(); loss != "" || plan.Base != from || plan.End != p.Last() {
					t.Errorf("from %q to LSN %d, lost: %s", plan.Base, plan.End, loss)
				}
				if read(t, filepath.Join(plan.Quarantine, engine.BaseName)) != bad {
					t.Error("the quarantine does not hold the damaged base")
				}
				if more := repairAll(t, historytest.FS(), p.Dir); len(more) > 0 {
					t.Errorf("a second repair finds %+v", more[0].Steps)
				}
				isAt(t, p, p.Last())
			})
		}
	}
}

// salvageable is a directory whose base holds many keys, and whose log begins behind it. what was logged touches some.
func salvageable(t *testing.T) (dir string, state historytest.State) {
	t.Helper()
	dir = t.TempDir()
	s := historytest.Open(t, dir, historytest.NewClock(), "appendfsync", "always")
	for i := range 400 {
		s.Do("SET", fmt.Sprintf("key:%03d", i), fmt.Sprintf("value:%03d;", i))
	}
	s.Do("RPUSH", "list", "listed", "b", "c")
	words := []string{"RPUSH", "big"}
	for i := range 5000 {
		words = append(words, fmt.Sprintf("in a big list: %d", i))
	}
	s.Do(words...)
	s.Do("SET", "timed", "v", "PXAT", "1800000000000")
	s.Close(true)
	s = historytest.Open(t, dir, historytest.NewClock(), "appendfsync", "always")
	s.Do("SET", "key:007", "changed")
	s.Do("LSET", "list", "0", "changed")
	s.Do("DEL", "key:008")
	s.Do("APPEND", "key:009", "more")
	state = s.State()
	s.Close(false)
	return dir, state
}

// Where nothing else leads as far, what of a base can be read is kept, the log on top, and what cannot is counted and named.
func TestSalvage(t *testing.T) {
	for name, test := range map[string]struct {
		spoil   string
		without []string
		refused int64
	}{
		"a value":                 {"value:123;", []string{`0/"key:123"`}, 0},
		"one that is logged anew": {"value:007;", nil, 0},
		"a list that is changed":  {"listed", []string{`0/"list"`}, 1},
		"a part of a big list":    {"in a big list: 2500", []string{`0/"big"`}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir, state := salvageable(t)
			spoil(t, filepath.Join(dir, engine.BaseName), test.spoil)
			for _, key := range test.without {
				if _, ok := state[key]; !ok {
					t.Fatalf("the history has no %s", key)
				}
				delete(state, key)
			}
			plan := repairAll(t, historytest.FS(), dir)[0]
			l := plan.Loss
			if !plan.Salvage || l.BaseLost != 1 || l.BaseKept != 402 || len(l.BaseKeys) != 1 || plan.Refused != test.refused {
				t.Errorf("salvaged: %v, %d refused, loss %+v", plan.Salvage, plan.Refused, l)
			}
			if more := repairAll(t, historytest.FS(), dir); len(more) > 0 {
				t.Errorf("a second repair finds %+v", more[0].Steps)
			}
			if differs := historytest.StateOf(t, dir).Differs(state); differs != "" {
				t.Error(differs)
			}
		})
	}
}

// A page that is gone takes its keys with it; all others are there.
func TestSalvagePages(t *testing.T) {
	dir, state := salvageable(t)
	path := filepath.Join(dir, engine.BaseName)
	at := int64(strings.Index(read(t, path), "value:200;")) / 4096 * 4096
	zero(t, path, at, 4096)
	plan := repairAll(t, historytest.FS(), dir)[0]
	found := historytest.StateOf(t, dir)
	missing := 0
	for key, value := range state {
		if _, ok := found[key]; !ok {
			missing++
		} else if found[key] != value && !strings.Contains(key, "key:009") {
			t.Errorf("%s: %s, not %s", key, found[key], value)
		}
	}
	if missing == 0 || missing > 100 || int64(missing) != plan.Loss.BaseLost {
		t.Errorf("%d keys are missing, and the loss is %s", missing, plan.Loss)
	}
}

// Nothing of the base, no snapshot, and a log that begins behind it.
func TestHopeless(t *testing.T) {
	dir, _ := salvageable(t)
	zero(t, filepath.Join(dir, engine.BaseName), 0, 8192)
	hopeless(t, dir, "base.db: offset 0: both header pages are damaged")
	must(t, os.Remove(filepath.Join(dir, engine.BaseName)))
	hopeless(t, dir, "are in no segment, and there is no base.db; there is no sound snapshot")
}

// Files of the log that no start accepts go to quarantine, and nothing else does.
func TestStrangeFiles(t *testing.T) {
	p, other := logOnly(t, historytest.Play(t)), historytest.Play(t)
	foreign := other.Segments(t)[2]
	alien := filepath.Join(p.Dir, engine.LogDir, fmt.Sprintf("%020d.aof", p.Last()+100))
	must(t, os.WriteFile(filepath.Join(p.Dir, engine.LogDir, "copy.aof"), []byte("what"), 0o600))
	must(t, os.WriteFile(filepath.Join(p.Dir, engine.LogDir, filepath.Base(p.Segments(t)[0])+".bak"), []byte("ours"), 0o600))
	b := []byte(read(t, foreign))
	must(t, os.WriteFile(alien, b, 0o600))
	must(t, os.Remove(alien))
	plan := repaired(t, p.Dir)[0]
	if len(plan.Steps) != 1 || plan.Steps[0].Do != "move" || plan.Loss.String() != "" {
		t.Errorf("%+v", plan)
	}
	if read(t, filepath.Join(plan.Quarantine, engine.LogDir, "copy.aof")) != "what" {
		t.Error("the quarantine does not hold the file")
	}
	isAt(t, p, p.Last())

	p = logOnly(t, other)
	must(t, os.WriteFile(p.Segments(t)[3], []byte(read(t, historytest.Play(t).Segments(t)[3])), 0o600))
	gap := firstOf(t, p.Segments(t)[3])
	plan = repaired(t, p.Dir)[0]
	if len(plan.Steps) != 2 || plan.Loss.From != gap {
		t.Errorf("%+v", plan)
	}
	isAt(t, p, gap-1)
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

// A redo file that is damaged, with nothing of it applied yet: the base and the log are whole without it.
func TestDamagedRedo(t *testing.T) {
	p := historytest.Play(t).Copy(t)
	must(t, os.WriteFile(filepath.Join(p.Dir, redoName), []byte("HFREDO\x00\x01 and then nonsense"), 0o600))
	plans := repaired(t, p.Dir)
	if len(plans) != 2 || !plans[0].Finish || plans[1].Steps[0].Do != "move" || plans[1].Loss.String() != "" {
		t.Errorf("%+v", plans)
	}
	isAt(t, p, p.Last())
}

// Nothing is done beside a server, and nothing to a directory that is sound.
func TestNothingToDo(t *testing.T) {
	p := historytest.Play(t).Copy(t)
	if plans := repairAll(t, historytest.FS(), p.Dir); len(plans) > 0 {
		t.Errorf("a sound directory: %+v", plans[0].Steps)
	}
	s := historytest.Open(t, p.Dir, historytest.NewClock())
	defer s.Close(false)
	if _, err := Open(options(historytest.FS(), p.Dir)); !errors.Is(err, engine.ErrInUse) {
		t.Errorf("beside a server: %v", err)
	}
	if _, err := Open(options(historytest.FS(), t.TempDir())); err == nil {
		t.Error("an empty directory is repaired")
	}
}

// Damage that a start does not mind is told and left alone.
func TestOldDamage(t *testing.T) {
	p := historytest.Play(t).Copy(t)
	flip(t, p.Segments(t)[1], 20)
	r, err := Open(options(historytest.FS(), p.Dir))
	must(t, err)
	plan, err := r.Plan()
	must(t, errors.Join(err, r.Close()))
	if len(plan.Steps) != 0 || len(plan.Notes) != 1 {
		t.Errorf("%+v", plan)
	}
	isAt(t, p, p.Last())
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return string(b)
}

func flip(t *testing.T, path string, offset int64) {
	t.Helper()
	b := []byte(read(t, path))
	b[offset] ^= 1
	must(t, os.WriteFile(path, b, 0o600))
}

// zero overwrites a part of a file, or all from an offset on.
func zero(t *testing.T, path string, offset, size int64) {
	t.Helper()
	b := []byte(read(t, path))
	if size < 0 {
		size = int64(len(b)) - offset
	}
	clear(b[offset : offset+size])
	must(t, os.WriteFile(path, b, 0o600))
}

// spoil changes a text wherever it stands in a file.
func spoil(t *testing.T, path, text string) {
	t.Helper()
	b := read(t, path)
	if !strings.Contains(b, text) {
		t.Fatalf("%s does not hold %q", path, text)
	}
	must(t, os.WriteFile(path, []byte(strings.ReplaceAll(b, text, strings.Repeat("?", len(text)))), 0o600))
}
