// Package report says what became of an experiment: to a person at a terminal, to a program as JSON, and on a page of
// HTML that needs nothing else.
//
//	play.Result … ──► Crashes ──┬─► WriteText      tables, the first failures, and a verdict in the last line
//	fault.Result … ─► Faults ───┼─► MarshalJSON    names that docs/crash-lab.md promises
//	the trace ──────────────────┴─► WriteHTML      the same, with timelines
//
// Results are fed one by one and not kept: counts, a few failures, and how the states lie along the trace are. So memory
// does not grow with their number.
package report

import (
	"slices"
	"strconv"
	"strings"

	"holdfast/lab/workload"
)

// Version is that of the JSON. Names are added to it without a change; one that is taken away or means something else
// changes it.
const Version = 1

const (
	// failuresMax is how many failures are kept whole, besides the first one of each check.
	failuresMax = 20
	// refusalsMax is how many different reasons of refusals are kept.
	refusalsMax = 10
	// findingsMax is how many findings of one failure are kept.
	findingsMax = 12
	// textMax bounds what a server said, in bytes.
	textMax = 2000
)

// Setup says what was tested, and how to do it again.
type Setup struct {
	Server   string   `json:"server"`
	Command  []string `json:"command,omitempty"`
	Policy   string   `json:"policy"`
	Workload string   `json:"workload"`
	Seed     uint64   `json:"seed"`
	// Trace is the file that can be played again; "" if there is none.
	Trace string `json:"trace,omitempty"`
	// Notes are what a reader should know of the recording, a line each.
	Notes []string `json:"notes,omitempty"`
	// Replay is the command that plays a state, or does an experiment, again; its name is put behind it. "" if that cannot be.
	Replay string `json:"-"`
}

// again is the command for one name.
func (s Setup) again(name string) string {
	if s.Replay == "" || name == "" {
		return ""
	}
	return s.Replay + " " + Quote(name)
}

// title names the experiment, as in a verdict.
func (s Setup) title() string {
	parts := slices.DeleteFunc([]string{s.Server, s.Policy, s.Workload}, func(p string) bool { return p == "" })
	return strings.Join(parts, " · ")
}

// Quote quotes a word for a POSIX shell, where that is needed.
func Quote(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-,:=+@%{}", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// CheckCount is how often a check failed.
type CheckCount struct {
	Check workload.Check `json:"check"`
	// Results is in how many states or experiments it failed, Findings how often in all.
	Results  int `json:"results"`
	Findings int `json:"findings"`
	// First names the first of them.
	First string `json:"first"`
}

// checks counts findings. Checks are few, and stay in the order in which they first failed.
type checks []CheckCount

// add counts one result's findings. It returns those checks that failed for the first time.
func (c *checks) add(name string, findings []workload.Finding) (fresh []workload.Check) {
	counted := map[workload.Check]bool{}
	for _, f := range findings {
		i := slices.IndexFunc(*c, func(k CheckCount) bool { return k.Check == f.Check })
		if i < 0 {
			i = len(*c)
			*c = append(*c, CheckCount{Check: f.Check, First: name})
			fresh = append(fresh, f.Check)
		}
		(*c)[i].Findings++
		if !counted[f.Check] {
			counted[f.Check] = true
			(*c)[i].Results++
		}
	}
	return fresh
}

// some are the first findings, and how many there are besides.
func some(findings []workload.Finding) ([]workload.Finding, int) {
	kept := slices.Clone(findings[:min(findingsMax, len(findings))])
	return kept, len(findings) - len(kept)
}

// summary is the checks in a line: "acknowledged write lost in 12, wrong deadline in 1".
func (c checks) summary() string {
	parts := make([]string, len(c))
	for i, k := range c {
		parts[i] = string(k.Check) + " in " + thousands(k.Results)
	}
	return strings.Join(parts, ", ")
}

// Refusal is one reason not to start, and how often it was given.
type Refusal struct {
	Reason string `json:"reason"`
	Count  int    `json:"count"`
	First  string `json:"first"`
}

// refusals counts reasons, which are alike if only their numbers differ.
type refusals []Refusal

func (r *refusals) add(name, reason string) {
	reason = short(strings.TrimSpace(reason), textMax)
	i := slices.IndexFunc(*r, func(k Refusal) bool { return withoutNumbers(k.Reason) == withoutNumbers(reason) })
	switch {
	case i >= 0:
		(*r)[i].Count++
	case len(*r) < refusalsMax:
		*r = append(*r, Refusal{Reason: reason, Count: 1, First: name})
	}
}

func withoutNumbers(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, text)
}

// short cuts a text to n bytes, its end being what counts in what a server says.
func short(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return "…" + strings.ToValidUTF8(text[len(text)-n:], "")
}

// thousands writes a number with commas.
func thousands[T int | int64 | uint64](n T) string {
	text := strconv.FormatInt(int64(n), 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
