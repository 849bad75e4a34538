package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"holdfast/lab/disk"
	"holdfast/lab/play"
)

// Outcomes of crash states, in the order in which they are shown.
var outcomes = [...]play.Outcome{play.Sound, play.Refused, play.Broken, play.Silent}

// Counts are how many crash states had which outcome.
type Counts struct {
	States  int `json:"states"`
	Sound   int `json:"sound"`
	Refused int `json:"refused"`
	Broken  int `json:"broken"`
	Silent  int `json:"silent"`
}

func (c *Counts) add(o play.Outcome) {
	c.States++
	switch o {
	case play.Sound:
		c.Sound++
	case play.Refused:
		c.Refused++
	case play.Silent:
		c.Silent++
	default:
		c.Broken++
	}
}

// in the order of outcomes.
func (c Counts) list() [len(outcomes)]int { return [...]int{c.Sound, c.Refused, c.Broken, c.Silent} }

// VariantCount is the Counts of one variant of states under one reading of what file systems promise.
type VariantCount struct {
	Reading string `json:"reading"`
	Variant string `json:"variant"`
	Counts
}

// lostBy says what crash states of a variant have lost.
func lostBy(variant string) string {
	switch disk.Variant(variant) {
	case disk.OnlySynced:
		return "all that was not synced"
	case disk.Everything:
		return "nothing"
	case disk.Random:
		return "some of what was not synced"
	case disk.NamesLost:
		return "names that were not synced"
	case disk.Torn:
		return "part of the newest write"
	}
	return "the pieces that were named"
}

// Failure is a crash state that broke a promise.
type Failure struct {
	play.Result
	// FindingsLeftOut is how many more there were.
	FindingsLeftOut int `json:"findings_left_out,omitempty"`
	// Replay is the command that plays the least state, or this one, again.
	Replay string `json:"replay,omitempty"`
}

// Crashes is the report on crash states. It is for one goroutine at a time.
type Crashes struct {
	Setup
	counts   Counts
	variants []VariantCount
	checks   checks
	refusals refusals
	failures []Failure
	first    int // failures that were kept for their check, being the first
	free     int // states in which nothing had to be there
	rounds   [3]int
	along    along
	took     time.Duration
	cut      string
}

// NewCrashes returns a report without states yet.
func NewCrashes(s Setup) *Crashes { return &Crashes{Setup: s, along: newAlong()} }

// Add counts a state.
func (c *Crashes) Add(r play.Result) {
	c.counts.add(r.Outcome)
	if r.NothingDue {
		c.free++
	}
	c.variant(string(r.State.Reading), r.Variant).add(r.Outcome)
	c.along.add(r.State.Seq, r.Outcome)
	switch r.Outcome {
	case play.Sound:
	case play.Refused:
		c.refusals.add(r.Name, r.Reason)
	default:
		c.fail(r)
	}
}

// variant finds a row of the table, or makes it. Rows are sorted, so that their order does not depend on that of the states.
func (c *Crashes) variant(reading, variant string) *Counts {
	i, found := slices.BinarySearchFunc(c.variants, VariantCount{}, func(v, _ VariantCount) int {
		return cmp.Or(cmp.Compare(v.Reading, reading), cmp.Compare(place(v.Variant), place(variant)), cmp.Compare(v.Variant, variant))
	})
	if !found {
		c.variants = slices.Insert(c.variants, i, VariantCount{Reading: reading, Variant: variant})
	}
	return &c.variants[i].Counts
}

// place is where a variant stands: the more the crash takes, the earlier.
func place(variant string) int {
	order := []disk.Variant{disk.OnlySynced, disk.NamesLost, disk.Random, disk.Torn, disk.Everything}
	i := slices.Index(order, disk.Variant(variant))
	if i < 0 {
		return len(order)
	}
	return i
}

// fail counts a broken promise and keeps the first ones; the first of each check before all others.
func (c *Crashes) fail(r play.Result) {
	if r.Round > 0 && r.Round < len(c.rounds) {
		c.rounds[r.Round]++
	}
	fresh := c.checks.add(r.Name, r.Findings)
	if r.Least == "" && len(fresh) == 0 && len(c.failures)-c.first >= failuresMax {
		return
	}
	f := Failure{Result: r, Replay: c.again(least(r))}
	f.Reason = short(r.Reason, textMax)
	f.Findings, f.FindingsLeftOut = some(r.Findings)
	if len(fresh) > 0 {
		c.failures = slices.Insert(c.failures, c.first, f)
		c.first++
		return
	}
	// A failure that was shrunk is worth more than another of the same checks that was not.
	for i := range c.failures {
		if r.Least != "" && c.failures[i].Least == "" && sameChecks(c.failures[i].Result, r) {
			c.failures[i] = f
			return
		}
	}
	if len(c.failures)-c.first < failuresMax {
		c.failures = append(c.failures, f)
	}
}

func sameChecks(a, b play.Result) bool {
	return len(a.Findings) > 0 && len(b.Findings) > 0 && a.Findings[0].Check == b.Findings[0].Check
}

// least names the state that shows a failure best.
func least(r play.Result) string {
	if r.Least != "" {
		return r.Least
	}
	return r.Name
}

// End says how long it took, and why it was ended early; "" if it was not.
func (c *Crashes) End(took time.Duration, cut string) { c.took, c.cut = took, cut }

// Empty reports whether there were no states.
func (c *Crashes) Empty() bool { return c.counts.States == 0 }

// Held reports whether states were played, and every promise was kept. A server that never started has shown nothing, nor
// has one that had promised nothing yet in any of several states.
func (c *Crashes) Held() bool {
	return c.counts.Broken == 0 && c.counts.Silent == 0 && c.counts.Sound > 0 && !c.vacuous()
}

func (c *Crashes) vacuous() bool { return c.counts.States > 1 && c.free == c.counts.States }

// Verdict is all of it in a line.
func (c *Crashes) Verdict() string {
	n := c.counts
	line := fmt.Sprintf("%s: %s, %s sound, %s refused, %s broken", c.title(), plural(n.States, "state"), thousands(n.Sound),
		thousands(n.Refused), thousands(n.Broken))
	if n.Silent > 0 {
		line += fmt.Sprintf(", %s silent", thousands(n.Silent))
	}
	return line + ": " + c.judgement() + cutShort(c.cut)
}

func (c *Crashes) judgement() string {
	n := c.counts
	switch {
	case n.States == 0:
		return "nothing was played, so nothing is shown"
	case len(c.checks) > 0:
		return c.checks.summary()
	case n.Broken > 0:
		return "promises were broken"
	case n.Silent > 0:
		return "the server neither started nor ended"
	case n.Sound == 0:
		return "it never started, so nothing is shown"
	case c.vacuous() && c.Policy == "everysec":
		return "the traffic took less than a second, so nothing had to be there and nothing is shown"
	case c.vacuous():
		return "no write had been acknowledged, so nothing is shown"
	case c.Policy == "everysec" && n.Refused > 0:
		return "where it started, every write acknowledged a second before survived"
	case c.Policy == "everysec":
		return "every write acknowledged a second before survived"
	case n.Refused > 0:
		return "where it started, every acknowledged write survived"
	}
	return "every acknowledged write survived"
}

func cutShort(cut string) string {
	if cut == "" {
		return ""
	}
	return " (" + cut + ")"
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return thousands(n) + " " + what + "s"
}

// crashesJSON is the JSON of Crashes.
type crashesJSON struct {
	Version int `json:"version"`
	Setup
	Held    bool   `json:"held"`
	Verdict string `json:"verdict"`
	Counts
	Cut       string         `json:"cut,omitempty"`
	Seconds   float64        `json:"seconds"`
	PerSecond float64        `json:"states_per_second"`
	Variants  []VariantCount `json:"variants"`
	Checks    []CheckCount   `json:"checks"`
	Failures  []Failure      `json:"failures"`
	LeftOut   int            `json:"failures_left_out"`
	Refusals  []Refusal      `json:"refusals"`
}

// MarshalJSON makes one object.
func (c *Crashes) MarshalJSON() ([]byte, error) {
	return json.Marshal(crashesJSON{
		Version: Version, Setup: c.Setup, Held: c.Held(), Verdict: c.Verdict(), Counts: c.counts, Cut: c.cut,
		Seconds: c.took.Seconds(), PerSecond: c.perSecond(), Variants: list(c.variants), Checks: list(c.checks),
		Failures: list(c.failures), LeftOut: c.leftOut(), Refusals: list(c.refusals),
	})
}

func (c *Crashes) perSecond() float64 {
	if c.took <= 0 {
		return 0
	}
	return float64(c.counts.States) / c.took.Seconds()
}

func (c *Crashes) leftOut() int { return c.counts.Broken + c.counts.Silent - len(c.failures) }

// list makes an empty array of what would be null.
func list[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}
