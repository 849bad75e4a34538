package report

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"holdfast/lab/fault"
)

// faultOutcomes in the order in which they are shown.
var faultOutcomes = [...]fault.Outcome{fault.Sound, fault.Ended, fault.Refused, fault.TornEnd, fault.Broken, fault.Silent,
	fault.Unreached, fault.Impossible}

// FaultCounts are how many experiments had which outcome.
type FaultCounts struct {
	Experiments int `json:"experiments"`
	Sound       int `json:"sound"`
	Ended       int `json:"ended_by_itself"`
	Refused     int `json:"refused"`
	TornEnd     int `json:"torn_end"`
	Broken      int `json:"broken"`
	Silent      int `json:"silent"`
	Unreached   int `json:"not_reached"`
	Impossible  int `json:"not_possible"`
}

func (c *FaultCounts) add(o fault.Outcome) {
	c.Experiments++
	for i, n := range c.pointers() {
		if faultOutcomes[i] == o {
			*n++
			return
		}
	}
	c.Broken++
}

func (c *FaultCounts) pointers() [len(faultOutcomes)]*int {
	return [...]*int{&c.Sound, &c.Ended, &c.Refused, &c.TornEnd, &c.Broken, &c.Silent, &c.Unreached, &c.Impossible}
}

// KindCount is the FaultCounts of one kind of experiment.
type KindCount struct {
	Kind fault.Kind `json:"kind"`
	FaultCounts
}

// FaultFailure is an experiment that broke a promise.
type FaultFailure struct {
	fault.Result
	// FindingsLeftOut is how many more there were.
	FindingsLeftOut int `json:"findings_left_out,omitempty"`
	// Replay is the command that does it again.
	Replay string `json:"replay,omitempty"`
}

// Faults is the report on faults other than power cuts. It is for one goroutine at a time.
type Faults struct {
	Setup
	counts   FaultCounts
	kinds    []KindCount
	checks   checks
	failures []FaultFailure
	refusals refusals
	cannot   refusals
	took     time.Duration
	cut      string
}

// NewFaults returns a report without experiments yet.
func NewFaults(s Setup) *Faults { return &Faults{Setup: s} }

// Add counts an experiment.
func (f *Faults) Add(r fault.Result) {
	f.counts.add(r.Outcome)
	i := slices.IndexFunc(f.kinds, func(k KindCount) bool { return k.Kind == r.Kind })
	if i < 0 {
		i = len(f.kinds)
		f.kinds = append(f.kinds, KindCount{Kind: r.Kind})
	}
	f.kinds[i].add(r.Outcome)
	switch {
	case r.Outcome.Broke():
		f.fail(r)
	case r.Outcome == fault.Impossible:
		f.cannot.add(r.Name, r.Reason)
	case r.Outcome == fault.Refused || r.Outcome == fault.Ended:
		f.refusals.add(r.Name, r.Reason)
	}
}

func (f *Faults) fail(r fault.Result) {
	fresh := f.checks.add(r.Name, r.Findings)
	if len(fresh) == 0 && len(f.failures) >= failuresMax {
		return
	}
	failure := FaultFailure{Result: r, Replay: f.again(r.Name)}
	failure.Reason = short(r.Reason, textMax)
	failure.Findings, failure.FindingsLeftOut = some(r.Findings)
	f.failures = append(f.failures, failure)
}

// End says how long it took, and why it was ended early; "" if it was not.
func (f *Faults) End(took time.Duration, cut string) { f.took, f.cut = took, cut }

// Empty reports whether there were no experiments.
func (f *Faults) Empty() bool { return f.counts.Experiments == 0 }

// Held reports whether experiments were done, and every promise was kept.
func (f *Faults) Held() bool {
	n := f.counts
	return n.Broken == 0 && n.Silent == 0 && n.Experiments > n.Unreached+n.Impossible
}

// Verdict is all of it in a line.
func (f *Faults) Verdict() string {
	line := fmt.Sprintf("%s: %s", f.title(), plural(f.counts.Experiments, "experiment"))
	for i, n := range f.counts.pointers() {
		if o := faultOutcomes[i]; *n > 0 || o == fault.Sound || o == fault.Broken {
			line += fmt.Sprintf(", %s %s", thousands(*n), o)
		}
	}
	return line + ": " + f.judgement() + cutShort(f.cut)
}

func (f *Faults) judgement() string {
	n := f.counts
	switch {
	case len(f.checks) > 0:
		return f.checks.summary()
	case n.Broken+n.Silent > 0:
		return "promises were broken"
	case n.Experiments == n.Unreached+n.Impossible:
		return "nothing was tried, so nothing is shown"
	}
	return "nothing wrong was served"
}

// faultsJSON is the JSON of Faults.
type faultsJSON struct {
	Version int `json:"version"`
	Setup
	Held    bool   `json:"held"`
	Verdict string `json:"verdict"`
	FaultCounts
	Cut      string         `json:"cut,omitempty"`
	Seconds  float64        `json:"seconds"`
	Kinds    []KindCount    `json:"kinds"`
	Checks   []CheckCount   `json:"checks"`
	Failures []FaultFailure `json:"failures"`
	LeftOut  int            `json:"failures_left_out"`
	Refusals []Refusal      `json:"refusals"`
	Cannot   []Refusal      `json:"impossible"`
}

// MarshalJSON makes one object.
func (f *Faults) MarshalJSON() ([]byte, error) {
	return json.Marshal(faultsJSON{
		Version: Version, Setup: f.Setup, Held: f.Held(), Verdict: f.Verdict(), FaultCounts: f.counts, Cut: f.cut,
		Seconds: f.took.Seconds(), Kinds: list(f.kinds), Checks: list(f.checks), Failures: list(f.failures),
		LeftOut: f.leftOut(), Refusals: list(f.refusals), Cannot: list(f.cannot),
	})
}

func (f *Faults) leftOut() int { return f.counts.Broken + f.counts.Silent - len(f.failures) }
