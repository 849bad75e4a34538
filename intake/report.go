package intake

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// Report is what was taken in.
type Report struct {
	From     string   `json:"from"`
	Kind     string   `json:"kind"`
	To       string   `json:"to"`
	Keys     int64    `json:"keys"`               // that there are in a new directory, or that were sent
	TTLs     int64    `json:"ttls"`               // of a new directory
	Commands int64    `json:"commands,omitempty"` // applied, or sent
	Replaced int64    `json:"replaced,omitempty"` // keys that the server had
	Skipped  int64    `json:"skipped"`            // what was left out, as it makes no sense
	Refused  int64    `json:"refused,omitempty"`  // commands that the server answered with an error
	Problems []string `json:"problems,omitempty"` // of those, the first few
	Notes    []string `json:"notes,omitempty"`
	Millis   int64    `json:"took_ms"`
}

// problemsMax is how many problems are kept.
const problemsMax = 10

// skip counts what is left out.
func (r *Report) skip(err error) {
	if r.Skipped++; len(r.Problems) < problemsMax {
		r.Problems = append(r.Problems, err.Error())
	}
}

// note takes a note down, once.
func (r *Report) note(text string) {
	for _, n := range r.Notes {
		if n == text {
			return
		}
	}
	r.Notes = append(r.Notes, text)
}

// ErrRefused: the server answered commands with errors.
var ErrRefused = errors.New("the server refused a part of it")

// WriteText writes the report for people.
func (r Report) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "imported %s (%s) into %s\n", r.From, r.Kind, r.To)
	fmt.Fprintf(&b, "  keys      %d", r.Keys)
	if r.TTLs > 0 {
		fmt.Fprintf(&b, ", %d of them with a TTL", r.TTLs)
	}
	if r.Replaced > 0 {
		fmt.Fprintf(&b, "; %d were there and are replaced", r.Replaced)
	}
	if r.Commands > 0 {
		fmt.Fprintf(&b, "\n  commands  %d", r.Commands)
	}
	if r.Skipped > 0 {
		fmt.Fprintf(&b, "\n  left out  %d, as they make no sense", r.Skipped)
	}
	if r.Refused > 0 {
		fmt.Fprintf(&b, "\n  refused   %d commands, by the server", r.Refused)
	}
	b.WriteString("\n")
	for _, list := range [][]string{r.Problems, r.Notes} {
		for _, text := range list {
			fmt.Fprintf(&b, "  %s\n", text)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
