package intake

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"holdfast/internal/plural"
)

// Report is what was taken in.
type Report struct {
	From     string   `json:"from"`
	Kind     string   `json:"kind"`
	To       string   `json:"to"`
	Keys     int64    `json:"keys,omitempty"`     // that there are in a new directory, or that were sent; 0 where commands of an AOF were
	TTLs     int64    `json:"ttls"`               // of a new directory
	Commands int64    `json:"commands,omitempty"` // applied, or sent
	Replaced int64    `json:"replaced,omitempty"` // keys that the server had, and were to be replaced
	Skipped  int64    `json:"skipped"`            // what was left out, as it makes no sense
	Unread   []Unread `json:"unread,omitempty"`   // ends of files, behind such a thing
	Refused  int64    `json:"refused,omitempty"`  // commands that the server answered with an error
	Problems []string `json:"problems,omitempty"` // of those, the first few
	Notes    []string `json:"notes,omitempty"`
	Millis   int64    `json:"took_ms"`

	sent bool // to a server
}

// Unread is the end of a file behind damage: where the next thing would begin is not known.
type Unread struct {
	File string `json:"file"`
	From int64  `json:"from_offset"`
	Size int64  `json:"size"` // of the file
}

func (u Unread) String() string {
	if u.From >= u.Size {
		return fmt.Sprintf("everything that stood behind offset %d of %s, where it is cut off", u.Size, u.File)
	}
	return fmt.Sprintf("everything behind offset %d of the %d bytes of %s, which could not be read", u.From, u.Size, u.File)
}

// unread takes an end of a file down, once.
func (r *Report) unread(u Unread) {
	if !slices.Contains(r.Unread, u) {
		r.Unread = append(r.Unread, u)
	}
}

// Lost is nil, or says that the end of a file is missing in what was taken in.
func (r Report) Lost() error {
	if len(r.Unread) == 0 {
		return nil
	}
	return fmt.Errorf("%w: lost is %s; bring the file back from a copy", ErrInput, r.Unread[0])
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
	if !slices.Contains(r.Notes, text) {
		r.Notes = append(r.Notes, text)
	}
}

// ErrRefused: the server answered commands with errors.
var ErrRefused = errors.New("the server refused a part of it")

// ofKeys says more of the keys.
func (r Report) ofKeys() string {
	text := ""
	if r.TTLs > 0 {
		text = fmt.Sprintf(", %d with a TTL", r.TTLs)
	}
	switch {
	case r.Replaced > 0 && r.Refused > 0: // which of them, nobody has looked
		text += fmt.Sprintf(" sent; %d %s there", r.Replaced, plural.Of(r.Replaced, "was", "were"))
	case r.Replaced > 0:
		text += fmt.Sprintf("; %d %s replaced", r.Replaced, plural.Of(r.Replaced, "was there and is", "were there and are"))
	case r.Refused > 0:
		text += " sent"
	}
	return text
}

// WriteText writes the report for people.
func (r Report) WriteText(w io.Writer) error {
	var b strings.Builder
	part := ""
	if r.Refused > 0 {
		part = "a part of "
	}
	fmt.Fprintf(&b, "imported %s%s (%s) into %s\n", part, r.From, r.Kind, r.To)
	if r.Keys > 0 || !r.sent {
		fmt.Fprintf(&b, "  keys      %d%s\n", r.Keys, r.ofKeys())
	}
	if r.Commands > 0 {
		fmt.Fprintf(&b, "  commands  %d\n", r.Commands)
	}
	if r.Skipped > 0 {
		fmt.Fprintf(&b, "  left out  %d, as %s no sense\n", r.Skipped, plural.Of(r.Skipped, "it makes", "they make"))
	}
	for _, u := range r.Unread {
		fmt.Fprintf(&b, "  lost      %s\n", u)
	}
	if r.Refused > 0 {
		fmt.Fprintf(&b, "  refused   %d of the commands, by the server, which has done the others\n", r.Refused)
	}
	for _, list := range [][]string{r.Problems, r.Notes} {
		for _, text := range list {
			fmt.Fprintf(&b, "  %s\n", text)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
