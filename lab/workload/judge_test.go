package workload

import (
	"fmt"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

func must(t testing.TB, name string, o Options) Workload {
	t.Helper()
	w, err := New(name, o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// What a correct server recovers is always right: any part of its log that has all that was acknowledged, seen at any
// time after the crash; and so after a second one.
func TestCorrectRecoveriesAreAccepted(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := must(t, name, Options{Clients: 5, Requests: 50, Keys: 24, Checkpoints: true})
			seeds := uint64(150)
			switch name {
			case "bits", "sketches", "places", "dumps", "scripts":
				seeds = 30 // for the time that they take
			case "streams", "hashes", "mixed":
				seeds = 60
			}
			for seed := range seeds {
				if !correctRecoveries(t, w, seed) {
					return
				}
			}
		})
	}
}

func correctRecoveries(t *testing.T, w Workload, seed uint64) bool {
	d := newWorld(w, seed)
	d.run(0, 1_000_000)
	everysec := seed%3 == 0
	accept := func(round int) (*History, *toy) {
		first := uint64(0)
		if round > 0 {
			first = d.log[0].seq
		}
		h, least, most := d.crash(first+d.rng.Uint64N(d.seq-first)+1, everysec)
		kept := least + d.rng.IntN(most-least+1)
		h.Seen = h.CrashAt + []int64{0, 3, 200, 1e12}[d.rng.IntN(4)]
		recovered := d.recover(kept)
		if findings := w.Judge(h, look(recovered, w, h.Seen)); len(findings) > 0 {
			t.Errorf("seed %d round %d, crash at %d of %d, %d of %d to %d of the log: %v", seed, round, h.Crash, d.seq, kept, least, most, findings)
		}
		return h, recovered
	}
	var h *History
	var recovered *toy
	for range 4 {
		h, recovered = accept(0)
	}
	d.restart(h, recovered, seed)
	d.run(1, 300)
	accept(1)
	return !t.Failed()
}

// What the search says, porcupine says; of states right and wrong, in histories of many clients at once.
func TestSearchAgreesWithPorcupine(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := must(t, name, Options{Clients: 6, Requests: 30, Keys: 12}).(*standard)
			var verdicts [2]int
			for seed := range uint64(40) {
				d := newWorld(w, seed)
				d.run(0, 1_000_000)
				for range 4 {
					h, _, most := d.crash(d.rng.Uint64N(d.seq)+1, seed%2 == 0)
					h.Seen = h.CrashAt
					kept := d.rng.IntN(most + 1)
					var without []int
					if kept > 0 && seed%4 != 0 {
						without = []int{d.rng.IntN(kept)}
					}
					agree(t, w, h, d.recover(kept, without...), &verdicts)
				}
			}
			if verdicts[0] < 100 || verdicts[1] < 100 {
				t.Errorf("%d wrong states and %d right ones: not worth much", verdicts[0], verdicts[1])
			}
		})
	}
}

func agree(t *testing.T, w *standard, h *History, recovered *toy, verdicts *[2]int) {
	t.Helper()
	j := newJudge(w)
	var bad []Finding
	j.seen, bad, _ = w.look(look(recovered, w, h.Seen), nil)
	if len(bad) > 0 {
		t.Fatal(bad)
	}
	j.scan(h.Ops, true)
	for g := range j.groups {
		e, line := &j.groups[g], &j.lines[g]
		seen := j.seen[w.first[g]:][:len(w.groups[g].keys)]
		shows := func(s *state) bool { return s.shows(seen, h.Seen) }
		initial := line.snaps[0].configs[0].st
		found := j.search(line, e, shows).found
		again := j.search(line, e, shows).found // from the snapshots
		result := linearizable(e.ops, initial, e.bound, shows, 2*time.Second)
		if found != again || found != (result == porcupine.Ok) {
			t.Fatalf("%v: the search says %v, then %v, porcupine %v", w.groups[g].keys, found, again, result)
		}
		if found {
			verdicts[1]++
		} else {
			verdicts[0]++
		}
	}
}

// A judge that has seen other crashes of the same trace, and of others, judges like a new one.
func TestJudgeRemembersNothingFalse(t *testing.T) {
	o := Options{Clients: 4, Requests: 40, Keys: 30}
	used := must(t, "mixed", o)
	var wrong, right int
	for seed := range uint64(25) {
		d := newWorld(used, seed)
		d.run(0, 1_000_000)
		for range 12 {
			h, least, most := d.crash(d.rng.Uint64N(d.seq)+1, false)
			h.Seen = h.CrashAt
			kept := max(0, least-d.rng.IntN(3)+d.rng.IntN(most-least+1))
			replies := look(d.recover(min(kept, most)), used, h.Seen)
			got, want := used.Judge(h, replies), must(t, "mixed", o).Judge(h, replies)
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("seed %d: %v, and a new judge says %v", seed, got, want)
			}
			if len(got) > 0 {
				wrong++
			} else {
				right++
			}
		}
	}
	if wrong < 30 || right < 30 {
		t.Errorf("%d wrong states and %d right ones: not worth much", wrong, right)
	}
}
