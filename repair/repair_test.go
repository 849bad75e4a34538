package repair

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"holdfast/engine"
	"holdfast/history/historytest"
)

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

// One is not counted as many are.
func TestALossInWords(t *testing.T) {
	a, b := Key{Key: "a"}, Key{DB: 2, Key: "b"}
	for want, l := range map[string]Loss{
		"1 log record, LSN 7 to 7, of which 1 can still be read in quarantine; these name 1 key: a": {From: 7, To: 7, Readable: 1, KeyCount: 1, Keys: []Key{a}},
		"1 key of the base: a":                  {BaseLost: 1, BaseKeys: []Key{a}},
		"3 keys of the base, among them a, 2:b": {BaseLost: 3, BaseKeys: []Key{a, b}},
		"1 key of the base":                     {BaseLost: 1},
	} {
		if l.String() != want {
			t.Errorf("%s, want %s", l, want)
		}
	}
}
