package load

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// A Result is what a run saw.
type Result struct {
	Phases []Phase
}

// Phase finds a phase by its name.
func (r Result) Phase(name string) Phase {
	for _, p := range r.Phases {
		if p.Name == name {
			return p
		}
	}
	return Phase{}
}

// A Phase is what was seen of the operations that were due in it.
type Phase struct {
	Name       string
	Seconds    float64 // from its beginning to that of the next; of the last one to its last reply
	Operations uint64
	Requests   uint64  // an operation may have two
	Rate       float64 // operations a second, answered

	Latency Latency // of all operations, those that were never sent included
	Kinds   []Kind  // of each

	// SentLate is how long after it was due a request of the open loop was sent although its connection was free: a delay of
	// the generator's own, which Latency contains.
	SentLate Latency

	Misses uint64            // keys that were not there
	Errors uint64            // error replies and wrong ones
	Unsent uint64            // operations that were due and never sent: the server does not take the rate
	Texts  map[string]uint64 // what the errors said
}

// A Kind is one operation of a mix.
type Kind struct {
	Name       string
	Operations uint64
	Latency    Latency
}

// result puts the loops' tallies together.
func (r *Run) result() Result {
	var result Result
	starts := *r.starts.Load()
	for i, name := range r.names {
		sum := newTally(len(r.operations))
		for _, l := range r.loops {
			if i < len(l.tallies) {
				sum.add(l.tallies[i])
			}
		}
		end := sum.last
		if sum.unsent > 0 {
			end = r.ended
		}
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		result.Phases = append(result.Phases, r.phase(name, sum, time.Duration(end-starts[i])))
	}
	return result
}

func (r *Run) phase(name string, sum *tally, lasted time.Duration) Phase {
	all := newHistogram()
	p := Phase{
		Name: name, Seconds: max(lasted, 0).Seconds(), Requests: sum.requests, SentLate: sum.late.latency(),
		Misses: sum.misses, Errors: sum.errors, Unsent: sum.unsent, Texts: sum.texts,
	}
	for i, h := range sum.latencies {
		all.add(h)
		p.Kinds = append(p.Kinds, Kind{Name: r.o.Workload.Operations[i].Name, Operations: h.count(), Latency: h.latency()})
	}
	p.Operations = all.count()
	all.add(sum.gaveUp)
	p.Latency = all.latency()
	if p.Seconds > 0 {
		p.Rate = float64(p.Operations) / p.Seconds
	}
	return p
}

// Complaint is what the errors said, the most frequent first.
func (p Phase) Complaint() string {
	texts := slices.SortedFunc(maps.Keys(p.Texts), func(a, b string) int {
		return cmp.Or(cmp.Compare(p.Texts[b], p.Texts[a]), cmp.Compare(a, b))
	})
	for i, text := range texts {
		texts[i] = fmt.Sprintf("%s (%d times)", text, p.Texts[text])
	}
	return strings.Join(texts, "; ")
}
