package inspect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"holdfast/internal/plural"
	"holdfast/snapshot"
)

// DiffOptions say what to compare.
type DiffOptions struct {
	DB     int // or AllDatabases
	Prefix []byte
	Values bool // tell the elements that differ too
	// Temporary is a directory for what is sorted, where a side is an RDB file.
	Temporary string
	Progress  Progress
}

// DiffSide is a state that can be compared: a *Snapshot or an *RDBSource.
type DiffSide interface {
	Close() error
	// ordered makes ready to give keys in the order of Before.
	ordered(d *diff) (orderedKeys, error)
}

// orderedKeys are the keys of a side that are within the scope of a diff.
type orderedKeys interface {
	// databases tells how many keys each has, about.
	databases() map[int]int64
	// cursor goes through the keys of a database. Databases are asked for by rising numbers, each when the one before it has been
	// gone through.
	cursor(db int) cursor
	end() error
}

// cursor goes through keys in the order of Before.
type cursor interface {
	// peek is the key that comes next; nil behind the last. It is good until next.
	peek() (*keyedHead, error)
	next()
	// entry is the key as an entry of a source.
	entry(h *keyedHead) (*Entry, error)
	stop()
}

// Difference is what is different about a key, or, where Element is set, about an element of its value.
type Difference struct {
	DB         int    `json:"db"`
	Key        Bytes  `json:"key"`
	Change     string `json:"change"` // Added, Removed, Changed, or TTL: nothing but the deadline is
	Before     *Key   `json:"before,omitempty"`
	After      *Key   `json:"after,omitempty"`
	TTLChanged bool   `json:"ttl_changed,omitempty"` // with Changed: the deadline too

	alike bool // both sides count bytes in the same way
}

// Changes.
const (
	Added   = "added"
	Removed = "removed"
	Changed = "changed"
	TTL     = "ttl"
)

// DiffSummary counts keys.
type DiffSummary struct {
	Added   int64 `json:"added"`
	Removed int64 `json:"removed"`
	Changed int64 `json:"changed"`
	TTL     int64 `json:"ttl_changed"` // of keys whose values are the same
	Same    int64 `json:"same"`
}

// Differ reports whether anything differs.
func (d DiffSummary) Differ() bool { return d.Added+d.Removed+d.Changed+d.TTL > 0 }

// WriteText writes the summary on a line.
func (d DiffSummary) WriteText(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%d added, %d removed, %d changed, %d with another TTL only, %d the same\n",
		d.Added, d.Removed, d.Changed, d.TTL, d.Same)
	return err
}

// diff is a comparison under way. Keys come from both sides in one order, so that it goes through them as through two
// lists that are merged.
type diff struct {
	ctx     context.Context
	options DiffOptions
	alike   bool
	key     func(Difference) error
	element func(Difference, ElementDifference) error
	summary DiffSummary
	seeds   seeds
	done    int64
	total   int64
}

// Diff compares two states: from a to b. key is told every key that differs, database by database and in the order of a
// base; then, with Values, element is told what differs within it. Values are compared by what they hold, and not by how
// they are stored. Memory does not depend on the number of keys, nor on the size of a value.
func Diff(ctx context.Context, a, b DiffSide, o DiffOptions, key func(Difference) error, element func(Difference, ElementDifference) error) (_ DiffSummary, err error) {
	d := diff{ctx: ctx, options: o, key: key, element: element, seeds: newSeeds()}
	_, oneFile := a.(*RDBSource)
	_, otherFile := b.(*RDBSource)
	d.alike = oneFile == otherFile
	var sides [2]orderedKeys
	dbs := map[int]bool{}
	for i, side := range []DiffSide{a, b} {
		if sides[i], err = side.ordered(&d); err != nil {
			return d.summary, err
		}
		defer func() { err = errors.Join(err, sides[i].end()) }()
		for db, keys := range sides[i].databases() {
			dbs[db] = true
			d.total += keys
		}
	}
	for _, db := range slices.Sorted(maps.Keys(dbs)) {
		if err := d.database(sides[0].cursor(db), sides[1].cursor(db)); err != nil {
			return d.summary, err
		}
	}
	d.tell(d.total)
	return d.summary, nil
}

// within reports whether a database is to be compared.
func (d *diff) within(db int) bool { return d.options.DB == AllDatabases || d.options.DB == db }

func (d *diff) tell(done int64) {
	if d.options.Progress != nil {
		d.options.Progress("comparing", done, d.total)
	}
}

// database merges the two sides of a database.
func (d *diff) database(before, after cursor) error {
	defer before.stop()
	defer after.stop()
	const often = 1 << 12
	for {
		a, err := before.peek()
		if err != nil {
			return err
		}
		b, err := after.peek()
		if err != nil {
			return err
		}
		if a == nil && b == nil {
			return nil
		}
		if d.done++; d.done%often == 0 {
			d.tell(min(d.total, 2*d.done))
			if err := d.ctx.Err(); err != nil {
				return err
			}
		}
		order := 0
		switch {
		case a == nil:
			order = 1
		case b == nil:
			order = -1
		default:
			order = snapshot.CompareKeys(a.key, b.key)
		}
		switch {
		case order < 0:
			err = d.one(Removed, before, a)
		case order > 0:
			err = d.one(Added, after, b)
		default:
			err = d.both(before, after, a, b)
		}
		if err != nil {
			return err
		}
		if order <= 0 {
			before.next()
		}
		if order >= 0 {
			after.next()
		}
	}
}

// one is a key that is on one side only.
func (d *diff) one(change string, s cursor, h *keyedHead) error {
	e, err := s.entry(h)
	if err != nil {
		return err
	}
	k := keyOf(e)
	what := Difference{DB: k.DB, Key: k.Key, Change: change}
	if change == Added {
		d.summary.Added++
		what.After = &k
	} else {
		d.summary.Removed++
		what.Before = &k
	}
	return d.key(what)
}

// both is a key that is on both sides.
func (d *diff) both(from, to cursor, a, b *keyedHead) error {
	if a.sameBytes(b) && a.head.Deadline == b.head.Deadline {
		d.summary.Same++
		return nil
	}
	before, err := from.entry(a)
	if err != nil {
		return err
	}
	after, err := to.entry(b)
	if err != nil {
		return err
	}
	same := a.sameBytes(b)
	if !same && a.head.Kind == b.head.Kind {
		if same, err = d.seeds.same(before, after); err != nil {
			return err
		}
	}
	timed := a.head.Deadline != b.head.Deadline
	k, l := keyOf(before), keyOf(after)
	what := Difference{DB: k.DB, Key: k.Key, Before: &k, After: &l, alike: d.alike}
	switch {
	case same && !timed:
		d.summary.Same++
		return nil
	case same:
		d.summary.TTL++
		what.Change = TTL
	default:
		d.summary.Changed++
		what.Change, what.TTLChanged = Changed, timed
	}
	if err := d.key(what); err != nil || what.Change != Changed || !d.options.Values || d.element == nil || before.Type == typeModule {
		return err
	}
	return diffValues(before, after, func(e ElementDifference) error { return d.element(what, e) })
}

// WriteText writes the difference on a line: its mark, database, type, key and what changed.
func (d Difference) WriteText(w io.Writer) error {
	mark, of := map[string]string{Added: "+", Removed: "-", Changed: "~", TTL: "t"}[d.Change], d.After
	if of == nil {
		of = d.Before
	}
	line := fmt.Appendf(nil, "%s  %-3d  %-7s  ", mark, d.DB, of.Type)
	line = append(d.Key.appendQuoted(line), "  "...)
	var notes []string
	switch {
	case d.Before == nil || d.After == nil:
		notes = append(notes, plural.Count(of.Elements, "element"), plural.Count(of.Bytes, "byte"), "TTL "+ttl(of.Deadline))
	default:
		notes = append(notes, moved("", d.Before.Type, d.After.Type), moved("elements ", d.Before.Elements, d.After.Elements))
		if d.alike {
			notes = append(notes, moved("bytes ", d.Before.Bytes, d.After.Bytes))
		}
		notes = append(notes, moved("TTL ", ttl(d.Before.Deadline), ttl(d.After.Deadline)))
	}
	notes = slices.DeleteFunc(notes, func(note string) bool { return note == "" })
	for i, note := range notes {
		if i > 0 {
			line = append(line, ", "...)
		}
		line = append(line, note...)
	}
	_, err := w.Write(append(bytes.TrimRight(line, " "), '\n'))
	return err
}

// ttl names a deadline.
func ttl(deadline int64) string {
	if deadline == 0 {
		return "none"
	}
	return clock(deadline)
}

// moved tells that something was one thing and is another; "" where it is the same.
func moved[T comparable](what string, from, to T) string {
	if from == to {
		return ""
	}
	return fmt.Sprintf("%s%v → %v", what, from, to)
}
