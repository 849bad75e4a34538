package inspect

import (
	"errors"
	"fmt"

	"holdfast/commands"
	"holdfast/kv"
	"holdfast/outline"
)

// Exporter writes entries in some form. What it gathers it writes at the latest in End.
type Exporter interface {
	Entry(e *Entry) error
	End() error
}

// Exported tells what an export came to.
type Exported struct {
	Keys    int64   `json:"keys"`
	Skipped []error `json:"-"` // why keys were left out, the first few
	Left    int64   `json:"left_out"`
}

// ExportOptions say what to export.
type ExportOptions struct {
	KeyFilter
	// SkipBad leaves out keys whose values cannot be read, and counts them; without it the first ends the export.
	SkipBad bool
}

// Export hands the entries of a source that the filter selects to an exporter. A value is checked to its end before any of it is
// written where bad ones are to be skipped, so that half a value is never exported.
func Export(s Source, o ExportOptions, x Exporter) (r Exported, err error) {
	const skippedMax = 10
	if err := CheckType(o.Type); err != nil {
		return r, err
	}
	left := o.Limit
	err = eachSelected(s, o.KeyFilter, func(e *Entry) error {
		if o.SkipBad {
			if err := readToEnd(e); err != nil {
				if r.Left++; len(r.Skipped) < skippedMax {
					r.Skipped = append(r.Skipped, err)
				}
				return nil
			}
		}
		if err := x.Entry(e); err != nil {
			return err
		}
		r.Keys++
		if left--; left == 0 {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	if err == nil {
		err = x.End()
	}
	return r, err
}

// readToEnd reads a value, and looks whether it is sound.
func readToEnd(e *Entry) error {
	if e.LongText() > 0 {
		return e.Pieces(func([]byte) error { return nil })
	}
	return e.Value.Walk(func(outline.Element) error { return nil })
}

// Commands writes entries as the commands that make them.
type Commands struct {
	w     *Requests
	types *kv.Types
}

// NewCommands makes an exporter of commands, in the form of Requests.
func NewCommands(w *Requests) *Commands { return &Commands{w: w, types: commands.Types()} }

// Entry writes a key: the commands for its value, and then its deadline.
func (c *Commands) Entry(e *Entry) error {
	return c.w.Remake(c.types, e)
}

// End is there for the interface: nothing is left to be written.
func (c *Commands) End() error { return nil }

// Remake makes commands of an entry: those for its value, and its deadline's.
func Remake(types *kv.Types, e *Entry, emit func(args ...[]byte) error) error {
	if int(e.Kind) >= len(types) || types[e.Kind].Remake == nil {
		return errNoForm(e, "commands")
	}
	visit, end := types[e.Kind].Remake(e.Key, emit)
	if err := e.Value.Walk(visit); err != nil {
		return err
	}
	if err := end(); err != nil || e.Deadline == 0 {
		return err
	}
	return emit(commands.Remade(e.Key, e.Deadline)...)
}

// errNoForm is about an entry of a kind that cannot be exported so.
func errNoForm(e *Entry, form string) error {
	return fmt.Errorf("key %s (%s) cannot be written as %s; --skip-bad leaves it out", e.Key, e.Type, form)
}

// eachSelected calls fn for the entries that a filter selects, without its limit.
func eachSelected(s Source, f KeyFilter, fn func(*Entry) error) error {
	return s.Each(Scope{DB: f.DB, Prefix: f.Prefix, Progress: f.Progress, Ended: f.Ended}, func(e *Entry) error {
		if !f.selects(e) {
			return nil
		}
		return fn(e)
	})
}
