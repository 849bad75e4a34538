package restore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"holdfast/aof"
	"holdfast/engine"
	"holdfast/history"
	"holdfast/history/historytest"
	"holdfast/snapshot"
)

func options(p historytest.Played, to string, point Point) Options {
	clock := historytest.NewClock()
	clock.Store(p.Times[p.Last()] + 2_000_000)
	return Options{FS: historytest.FS(), Dir: p.Dir, To: to, Point: point, Clock: clock.Now, Databases: 16}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// restored restores a point and holds it against the history: the state, the base, the report and the files.
func restored(t *testing.T, p historytest.Played, point Point, lsn uint64, settings ...func(*Options)) Report {
	t.Helper()
	to := filepath.Join(t.TempDir(), "new")
	o := options(p, to, point)
	for _, set := range settings {
		set(&o)
	}
	r, err := Restore(context.Background(), o)
	if err != nil {
		t.Fatalf("%s: %v", point, err)
	}
	if r.LSN != lsn {
		t.Fatalf("%s: restored LSN %d, expected %d", point, r.LSN, lsn)
	}
	isPoint(t, p, to, lsn)
	var written Report
	text, err := os.ReadFile(filepath.Join(to, engine.RestoredName))
	must(t, err)
	must(t, json.Unmarshal(text, &written))
	if fmt.Sprint(written) != fmt.Sprint(r) {
		t.Errorf("%s says\n%+v, and Restore\n%+v", engine.RestoredName, written, r)
	}
	return r
}

// isPoint checks that a directory is the history at an LSN, and that a server goes on from there.
func isPoint(t *testing.T, p historytest.Played, dir string, lsn uint64) {
	t.Helper()
	names, err := historytest.FS().List(dir)
	must(t, err)
	if want := []string{engine.BaseName, engine.RestoredName}; !slices.Equal(names, want) {
		t.Errorf("the new directory holds %q, expected %q", names, want)
	}
	base, err := snapshot.Open(filepath.Join(dir, engine.BaseName), snapshot.OpenOptions{ReadOnly: true})
	must(t, err)
	_, err = base.Verify(nil)
	must(t, err)
	meta := base.Meta()
	must(t, base.Close())
	h, err := history.Read(historytest.FS(), p.Dir)
	must(t, err)
	if meta.LSN != lsn || meta.Logged || meta.ID == h.ID || meta.ID == [16]byte{} {
		t.Errorf("the restored base says %+v; expected LSN %d, no log, and another data set than %x", meta, lsn, h.ID)
	}
	s := historytest.Open(t, dir, historytest.NewClock())
	if differs := s.State().Differs(p.States[lsn]); differs != "" {
		t.Errorf("restored to LSN %d:\n%s", lsn, differs)
	}
	if lsn%4 > 0 {
		s.Close(false)
		return
	}
	s.Do("SET", "goes", "on")
	if s.LSN() != lsn+1 {
		t.Errorf("the log goes on at LSN %d behind %d", s.LSN(), lsn)
	}
	state := s.State()
	s.Close(false)
	if differs := historytest.StateOf(t, dir).Differs(state); differs != "" {
		t.Errorf("after another restart:\n%s", differs)
	}
}

// Every LSN of a history is restored exactly, from the nearest snapshot, from base.db, or from the beginning of the log.
func TestEveryLSN(t *testing.T) {
	p := historytest.Play(t)
	if len(p.Bases) != 2 || len(p.Segments(t)) < 5 {
		t.Fatalf("the history has snapshots at %v and %d segments", p.Bases, len(p.Segments(t)))
	}
	for lsn := range p.Last() + 1 {
		r := restored(t, p, AtLSN(lsn), lsn)
		nearest := BaseUsed{}
		for i, at := range p.Bases {
			if at <= lsn {
				nearest = BaseUsed{File: fmt.Sprintf("snapshots/s%d.db", i), LSN: at}
			}
		}
		base, err := history.Read(historytest.FS(), p.Dir)
		must(t, err)
		if newest := base.Bases[0]; newest.Meta.LSN <= lsn {
			nearest = BaseUsed{File: newest.File, LSN: newest.Meta.LSN}
		}
		if r.Base.File != nearest.File || r.Base.LSN != nearest.LSN || r.Records != int64(lsn-nearest.LSN) {
			t.Errorf("LSN %d: from %q at %d by %d records, expected %q at %d", lsn, r.Base.File, r.Base.LSN, r.Records, nearest.File, nearest.LSN)
		}
	}
}

// The same without any snapshot.
func TestFromTheBeginning(t *testing.T) {
	p := historytest.Play(t).Copy(t)
	must(t, os.RemoveAll(filepath.Join(p.Dir, engine.SnapshotDir)))
	must(t, os.Remove(filepath.Join(p.Dir, engine.BaseName)))
	for lsn := range p.Last() + 1 {
		if r := restored(t, p, AtLSN(lsn), lsn); r.Base.File != "" || r.Records != int64(lsn) {
			t.Errorf("LSN %d: from %+v, %d records", lsn, r.Base, r.Records)
		}
	}
}

// With so little memory keys go cold again and again, in the midst of what happens to them.
func TestLittleMemory(t *testing.T) {
	clock := historytest.NewClock()
	p := historytest.Played{Dir: t.TempDir()}
	s := historytest.Open(t, p.Dir, clock)
	for i := range 900 {
		n := i * 7 % 60
		switch command := i % 11; command {
		case 0, 1, 2:
			s.Do("ZADD", "large", fmt.Sprint(i), fmt.Sprint(i*13%200, strings.Repeat("m", 1000))) // which lies in parts
		case 3:
			s.Do("ZPOPMIN", "large")
		case 4:
			s.Do("SET", fmt.Sprint("text", n), fmt.Sprint(i))
		case 5:
			s.Do("RPUSH", fmt.Sprint("list", n), fmt.Sprint(i))
		case 6:
			s.Do("HSET", fmt.Sprint("hash", n), "field", fmt.Sprint(i))
		case 7:
			s.Do("DEL", fmt.Sprint("text", n), fmt.Sprint("list", i%60))
		case 8:
			s.Do("PEXPIREAT", fmt.Sprint("text", n), "1900000000000")
		case 9:
			s.Do("LPOP", fmt.Sprint("list", n))
		case 10:
			if i%300 < 20 {
				s.Do("SWAPDB", "0", "1")
			}
		}
		if i == 400 {
			s.Do("FLUSHDB")
		}
	}
	p.States, p.Times = make([]historytest.State, s.LSN()+1), make([]int64, s.LSN()+1)
	p.States[p.Last()] = s.State()
	p.Times[p.Last()] = clock.Load()
	s.Close(false)
	if r := restored(t, p, Point{}, p.Last(), func(o *Options) { o.Memory = 1 }); r.Records < 600 {
		t.Errorf("%d records are few: how much memory there is, is looked at once in a while", r.Records)
	}
}

// Without a point it is the newest state, and nothing of the source changes.
func TestNewest(t *testing.T) {
	p := historytest.Play(t)
	before := historytest.Picture(t, p.Dir)
	restored(t, p, Point{}, p.Last())
	if historytest.Picture(t, p.Dir) != before {
		t.Error("the source was changed")
	}
}

// A moment is the last record at or before it, whatever the clock did afterwards.
func TestByTime(t *testing.T) {
	p := historytest.Play(t)
	for lsn := range p.Last() {
		restored(t, p, AtTime(p.Times[lsn+1]-1), lsn)
	}
	restored(t, p, AtTime(p.Times[3]), 3)
	restored(t, p, AtTime(p.Times[p.Last()]+1_000_000), p.Last())
	refused(t, p, AtTime(historytest.Start-1), "no snapshot is so old: the data set begins at ")
	refused(t, p, AtTime(p.Times[p.Last()]+3_000_000), "that moment is to come", fmt.Sprintf("to %d", p.Last()))
}

// refused expects a restore to refuse, to make nothing, and to say certain things.
func refused(t *testing.T, p historytest.Played, point Point, says ...string) error {
	t.Helper()
	to := filepath.Join(t.TempDir(), "new")
	_, err := Restore(context.Background(), options(p, to, point))
	if !errors.Is(err, ErrUnreachable) {
		t.Fatalf("%s: %v", point, err)
	}
	for _, what := range says {
		if !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v\ndoes not say %q", point, err, what)
		}
	}
	if _, err := os.Stat(to); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s: something was made: %v", point, err)
	}
	return err
}

// Beyond a gap nothing is restored but what a later snapshot leads to; the refusal says what can be.
func TestGap(t *testing.T) {
	p := historytest.Play(t).Copy(t)
	segments, s1 := p.Segments(t), p.Bases[1]
	gap := firstOf(t, segments[1])
	must(t, os.Remove(segments[1]))
	behind := firstOf(t, segments[2])
	restored(t, p, AtLSN(gap-1), gap-1)
	restored(t, p, AtLSN(p.Last()), p.Last())
	must(t, os.Remove(engine.SnapshotPath(p.Dir, "s0"))) // which stands where the gap ends
	err := refused(t, p, AtLSN(behind), fmt.Sprintf("LSN 0 to %d", gap-1), fmt.Sprintf("LSN %d to %d", s1, p.Last()))
	if !errors.Is(err, aof.ErrGap) {
		t.Errorf("not a gap: %v", err)
	}
	refused(t, p, AtTime(p.Times[behind]))
	refused(t, p, AtLSN(p.Last()+1), fmt.Sprintf("the log ends at LSN %d", p.Last()))
}

func firstOf(t *testing.T, segment string) (first uint64) {
	t.Helper()
	_, err := fmt.Sscanf(filepath.Base(segment), "%d.aof", &first)
	must(t, err)
	return first
}

// Damage ends what can be restored from a base; what lies before it is untouched by it, and the newest is refused.
func TestDamagedLog(t *testing.T) {
	for name, offset := range map[string]int64{"header": 20, "record": aof.HeaderBytes + 40} {
		t.Run(name, func(t *testing.T) {
			p := historytest.Play(t).Copy(t)
			last := p.Segments(t)[len(p.Segments(t))-1]
			flip(t, last, offset)
			sound := firstOf(t, last) - 1
			restored(t, p, AtLSN(sound), sound)
			restored(t, p, AtTime(p.Times[sound]-1), sound-1)
			if err := refused(t, p, Point{}, fmt.Sprintf("to %d", sound)); !errors.Is(err, aof.ErrCorrupt) {
				t.Errorf("not damage: %v", err)
			}
			refused(t, p, AtLSN(sound+1))
			refused(t, p, AtTime(p.Times[sound+1]))
		})
	}
}

// A base that is damaged is passed over for an older one, from which the log leads to the same state; the report says so.
func TestDamagedBase(t *testing.T) {
	p := historytest.Play(t).Copy(t)
	path := filepath.Join(p.Dir, engine.BaseName)
	spoil(t, path, "again")
	r := restored(t, p, AtLSN(p.Bases[1]), p.Bases[1])
	if r.Base.File == engine.BaseName || len(r.Damaged) != 1 || !strings.Contains(r.Damaged[0], engine.BaseName) {
		t.Errorf("restored from %q; damaged: %q", r.Base.File, r.Damaged)
	}
	must(t, os.WriteFile(path, make([]byte, 5000), 0o600))
	restored(t, p, Point{}, p.Last())
	must(t, os.RemoveAll(filepath.Join(p.Dir, engine.LogDir)))
	refused(t, p, Point{}, engine.BaseName, "may be newer")
}

// A backup is a file by itself. What a server goes on from is what it holds, though its log is not there.
func TestFromAFile(t *testing.T) {
	p := historytest.Play(t)
	backup := filepath.Join(t.TempDir(), "monday.db")
	copyFile(t, engine.SnapshotPath(p.Dir, "s1"), backup)
	from := func(o *Options) { o.Dir, o.File = "", backup }
	r := restored(t, p, AtLSN(p.Bases[1]), p.Bases[1], from)
	if r.Source != backup || r.Base.File != "monday.db" || r.Records != 0 {
		t.Errorf("%+v", r)
	}
	spoil(t, backup, "again")
	to := filepath.Join(t.TempDir(), "new")
	_, err := Restore(context.Background(), Options{FS: historytest.FS(), File: backup, To: to, Clock: historytest.NewClock().Now})
	if !errors.Is(err, snapshot.ErrCorrupt) || !strings.Contains(err.Error(), backup+": offset ") {
		t.Errorf("a damaged one: %v", err)
	}
	_, err = Restore(context.Background(), Options{FS: historytest.FS(), File: backup + "x", To: to, Clock: historytest.NewClock().Now})
	if !errors.Is(err, history.ErrNothing) {
		t.Errorf("none: %v", err)
	}
	if _, err := os.Stat(to); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something was made: %v", err)
	}
}

// Files of another data set are as if they were not there.
func TestForeign(t *testing.T) {
	p, other := historytest.Play(t).Copy(t), historytest.Play(t)
	segments := p.Segments(t)
	foreign := other.Segments(t)
	middle := firstOf(t, segments[2])
	copyFile(t, foreign[0], filepath.Join(p.Dir, engine.LogDir, fmt.Sprintf("%020d.aof", middle+1)))
	restored(t, p, Point{}, p.Last()) // the name is not the header's: damage in a segment that no base needs
	copyFile(t, foreign[2], segments[2])
	restored(t, p, AtLSN(middle-1), middle-1)
	copyFile(t, filepath.Join(other.Dir, engine.BaseName), engine.SnapshotPath(p.Dir, "zz"))
	restored(t, p, Point{}, p.Last())
	must(t, os.RemoveAll(engine.SnapshotPath(p.Dir, "s0")))
	must(t, os.RemoveAll(engine.SnapshotPath(p.Dir, "s1")))
	refused(t, p, AtLSN(middle), "snapshots/zz.db was left aside")
}

// Base without the log that it says goes on from it: the newest is not known, but the base's own point is.
func TestLogMissing(t *testing.T) {
	p := historytest.Play(t).Copy(t)
	must(t, os.RemoveAll(filepath.Join(p.Dir, engine.LogDir)))
	if err := refused(t, p, Point{}); !errors.Is(err, engine.ErrLogMissing) {
		t.Errorf("not a missing log: %v", err)
	}
	restored(t, p, AtLSN(p.Bases[1]), p.Bases[1])
	restored(t, p, AtLSN(p.Bases[0]), p.Bases[0])
	refused(t, p, AtLSN(p.Bases[0]+1))
}

// A running server has base.db locked. Its snapshots and log serve as well.
func TestBesideAServer(t *testing.T) {
	p := historytest.Play(t).Copy(t)
	s := historytest.Open(t, p.Dir, historytest.NewClock(), "retain", "1000000")
	defer s.Close(false)
	r := restored(t, p, Point{}, p.Last())
	if !strings.HasPrefix(r.Base.File, "snapshots/") {
		t.Errorf("restored from %q", r.Base.File)
	}
	must(t, os.RemoveAll(filepath.Join(p.Dir, engine.SnapshotDir)))
	for _, segment := range p.Segments(t)[:2] {
		must(t, os.Remove(segment))
	}
	refused(t, p, Point{}, "a server is running", "holdfast snapshot create")
}

// Points that no file could lead to are not put down to the base that a server has.
func TestBesideAServerWhatCannotBe(t *testing.T) {
	p := historytest.Play(t).Copy(t)
	s := historytest.Open(t, p.Dir, historytest.NewClock(), "retain", "1000000")
	defer s.Close(false)
	segments := p.Segments(t)
	must(t, os.Remove(segments[0]))
	must(t, os.Remove(engine.SnapshotPath(p.Dir, "s1")))
	inUse := func(point Point, expected bool) {
		t.Helper()
		err := refused(t, p, point, "restorable: LSN ")
		if errors.Is(err, snapshot.ErrLocked) != expected || errors.As(err, new(*aof.DamageError)) && !expected {
			t.Errorf("%s: %v", point, err)
		}
	}
	inUse(AtLSN(p.Bases[0]-1), false)
	inUse(AtTime(historytest.Start-1), false)
	inUse(AtTime(p.Times[p.Last()]+3_000_000), false)
	inUse(AtLSN(p.Last()+1), false)
	must(t, os.Remove(segments[1]))
	must(t, os.Remove(segments[2]))
	inUse(AtLSN(p.Last()+1), false)
	inUse(AtLSN(p.Last()), true) // the log may lead there from base.db
	inUse(AtTime(p.Times[p.Last()]), true)
	inUse(Point{}, true)
}

// What the new directory holds is not written over; what an interrupted restore left is.
func TestTarget(t *testing.T) {
	p := historytest.Play(t)
	to := t.TempDir()
	must(t, os.WriteFile(filepath.Join(to, "mine"), nil, 0o600))
	if _, err := Restore(context.Background(), options(p, to, Point{})); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("a directory with a file: %v", err)
	}
	if _, err := Restore(context.Background(), options(p, p.Dir, Point{})); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("the source itself: %v", err)
	}
	must(t, os.Remove(filepath.Join(to, "mine")))
	work := filepath.Join(to, engine.WorkName)
	must(t, os.MkdirAll(work, 0o700))
	must(t, os.WriteFile(filepath.Join(work, "base.db"), []byte("half"), 0o600))
	must(t, os.WriteFile(filepath.Join(to, engine.RestoredName), []byte("half"), 0o600))
	lock, err := historytest.FS().Lock(filepath.Join(work, lockName))
	must(t, err)
	if _, err := Restore(context.Background(), options(p, to, Point{})); !errors.Is(err, engine.ErrInUse) {
		t.Errorf("beside another restore: %v", err)
	}
	must(t, lock.Close())
	_, err = Restore(context.Background(), options(p, to, Point{}))
	must(t, err)
	isPoint(t, p, to, p.Last())
}

// ^C takes back what was begun.
func TestInterrupted(t *testing.T) {
	p := historytest.Play(t)
	for _, at := range []string{"reading the log", "copying", "replaying", "verifying"} {
		to := filepath.Join(t.TempDir(), "new")
		ctx, cancel := context.WithCancel(context.Background())
		o := options(p, to, AtLSN(p.Last()))
		o.Progress = func(doing string, _, _ int64) {
			if strings.HasPrefix(doing, at) {
				cancel()
			}
		}
		_, err := Restore(ctx, o)
		if _, gone := os.Stat(to); !errors.Is(err, context.Canceled) || !errors.Is(gone, os.ErrNotExist) {
			t.Errorf("%s: %v; the new directory: %v", at, err, gone)
		}
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	must(t, err)
	must(t, os.WriteFile(to, b, 0o600))
}

// flip changes one bit of a file.
func flip(t *testing.T, path string, offset int64) {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	b[offset] ^= 1
	must(t, os.WriteFile(path, b, 0o600))
}

// spoil changes a text wherever it stands in a file.
func spoil(t *testing.T, path, text string) {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	if !strings.Contains(string(b), text) {
		t.Fatalf("%s does not hold %q", path, text)
	}
	must(t, os.WriteFile(path, []byte(strings.ReplaceAll(string(b), text, strings.Repeat("?", len(text)))), 0o600))
}

// Only keys that match a pattern are restored: those of the whole state that do.
func TestOnlyKeys(t *testing.T) {
	p := historytest.Play(t)
	whole, part := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "part")
	fullest := uint64(0)
	for lsn := range p.Last() + 1 {
		if len(p.States[lsn]) > len(p.States[fullest]) {
			fullest = lsn
		}
	}
	all, err := Restore(context.Background(), options(p, whole, AtLSN(fullest)))
	must(t, err)
	o := options(p, part, AtLSN(fullest))
	o.Keys = []byte("*t*")
	some, err := Restore(context.Background(), o)
	must(t, err)
	want := int64(0)
	keys := func(dir string, fn func(key []byte)) {
		base, err := snapshot.Open(filepath.Join(dir, engine.BaseName), snapshot.OpenOptions{ReadOnly: true})
		must(t, err)
		for _, db := range base.Meta().DBs {
			must(t, base.Each(db.Store, nil, func(key []byte, _ snapshot.Record) error { fn(key); return nil }))
		}
		must(t, base.Close())
	}
	keys(whole, func(key []byte) {
		if strings.Contains(string(key), "t") {
			want++
		}
	})
	keys(part, func(key []byte) {
		if !strings.Contains(string(key), "t") {
			t.Errorf("%q was restored", key)
		}
	})
	if some.Keys != want || some.Keys+some.Others != all.Keys || want == 0 || some.Others == 0 {
		t.Errorf("%d keys restored and %d left out; expected %d of %d", some.Keys, some.Others, want, all.Keys)
	}
}

func TestDryRun(t *testing.T) {
	p := historytest.Play(t)
	before := historytest.Picture(t, p.Dir)
	o := options(p, "", AtLSN(5))
	o.DryRun = true
	r, err := Restore(context.Background(), o)
	must(t, err)
	if !r.DryRun || r.LSN != 5 || r.DataSet != "" || r.Records == 0 && r.Base.LSN != 5 {
		t.Errorf("%+v", r)
	}
	if after := historytest.Picture(t, p.Dir); after != before {
		t.Errorf("the source was changed:\n%s\n%s", before, after)
	}
}
