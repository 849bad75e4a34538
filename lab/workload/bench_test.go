package workload

import (
	"fmt"
	"testing"

	"holdfast/resp"
)

// played are the crashes of one trace, at every place and in any order, with what was recovered.
type played struct {
	h       *History
	replies []resp.Reply
}

func play(w Workload, everysec bool, crashes int) []played {
	d := newWorld(w, 1)
	d.run(0, 1_000_000)
	var all []played
	for i := range crashes {
		h, least, most := d.crash(d.seq*uint64(i+1)/uint64(crashes), everysec)
		h.Seen = h.CrashAt
		all = append(all, played{h, look(d.recover(least+d.rng.IntN(most-least+1)), w, h.Seen)})
	}
	d.rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// A history of 2,000 operations on about 100 keys, with a crash anywhere in it.
func BenchmarkJudge(b *testing.B) {
	for _, policy := range []string{"always", "everysec"} {
		for _, name := range Names() {
			b.Run(fmt.Sprintf("%s/%s", policy, name), func(b *testing.B) {
				w := must(b, name, Options{Clients: 6, Requests: 333, Keys: 96})
				all := play(w, policy == "everysec", 300)
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					p := all[i%len(all)]
					if findings := w.Judge(p.h, p.replies); len(findings) > 0 {
						b.Fatal(findings)
					}
				}
			})
		}
	}
}

// The second round of a crash is new each time: nothing of it is remembered.
func BenchmarkJudgeSecondRound(b *testing.B) {
	w := must(b, "mixed", Options{Clients: 6, Requests: 333, Keys: 96})
	d := newWorld(w, 1)
	d.run(0, 1_000_000)
	h, _, most := d.crash(d.seq, false)
	h.Seen = h.CrashAt
	d.restart(h, d.recover(most), 1)
	d.run(1, 600)
	h, _, most = d.crash(d.seq, false)
	h.Seen = h.CrashAt
	replies := look(d.recover(most), w, h.Seen)
	b.ReportAllocs()
	for b.Loop() {
		if findings := w.Judge(h, replies); len(findings) > 0 {
			b.Fatal(findings)
		}
	}
}

// A judgement that finds something: porcupine confirms it each time.
func BenchmarkJudgeLoss(b *testing.B) {
	w := must(b, "mixed", Options{Clients: 6, Requests: 333, Keys: 96})
	d := newWorld(w, 1)
	d.run(0, 1_000_000)
	h, least, _ := d.crash(d.seq, false)
	h.Seen = h.CrashAt
	replies := look(d.recover(least-5), w, h.Seen)
	for b.Loop() {
		if len(w.Judge(h, replies)) == 0 {
			b.Fatal("five writes may be lost unnoticed")
		}
	}
}
