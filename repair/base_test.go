package repair

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/engine"
	"holdfast/history/historytest"
)

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
	hopeless(t, dir, "base.db: not a holdfast base")
	must(t, os.Remove(filepath.Join(dir, engine.BaseName)))
	hopeless(t, dir, "are in no segment, and there is no base.db; there is no sound snapshot")
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
