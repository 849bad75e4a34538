package main

import (
	"io"
	"slices"
	"strings"
	"testing"

	"holdfast/bench/rig"
)

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		line   string
		keys   []uint64
		rounds int
		phases string
	}{
		{"", []uint64{5_000_000}, 3, "restart hydration checkpoint spill churn collections connections"},
		{"-millions 1,5,10", []uint64{1_000_000, 5_000_000, 10_000_000}, 3, "restart hydration checkpoint spill churn collections connections"},
		{"-quick", []uint64{200_000}, quickRounds, "restart hydration checkpoint spill churn collections connections"},
		{"-quick -rounds 5 -millions 0.01", []uint64{10_000}, 5, "restart hydration checkpoint spill churn collections connections"},
		{"-only spill,restart", []uint64{5_000_000}, 3, "spill restart"},
	} {
		o, err := parseOptions(strings.Fields(c.line), io.Discard)
		if err != nil || !slices.Equal(o.Keys, c.keys) || o.Rounds != c.rounds || strings.Join(o.Phases, " ") != c.phases {
			t.Errorf("%q: %+v, %v", c.line, o, err)
		}
	}
}

func TestOptionsThatMeanNothing(t *testing.T) {
	for _, line := range []string{
		"-millions 0", "-millions -1", "-millions ,", "-millions many", "-millions 5,1001", "-millions NaN", "-rounds 0", "-rate 1", "-rate NaN",
		"-only everything", "-only ,", "5", "-nosuch",
	} {
		if code := run(t.Context(), strings.Fields(line), io.Discard, io.Discard); code != rig.ExitUsage {
			t.Errorf("%s: exit code %d", line, code)
		}
	}
}

func TestMillions(t *testing.T) {
	for keys, want := range map[uint64]string{5_000_000: "5 M", 200_000: "0.2 M", 10_000: "0.01 M", 1_000_000_000: "1000 M"} {
		if got := millions(keys); got != want {
			t.Errorf("%d: %s, want %s", keys, got, want)
		}
	}
}

func FuzzParseMillions(f *testing.F) {
	f.Add("1,5,10")
	f.Add("1e300,-0")
	f.Fuzz(func(t *testing.T, list string) {
		sizes, err := parseMillions(list)
		if err != nil {
			return
		}
		for _, keys := range sizes {
			if keys == 0 || keys > keysMax {
				t.Errorf("%q: %d keys", list, keys)
			}
		}
	})
}
