package inspect

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"

	"holdfast/snapshot"
)

// DiffOptions say what to compare.
type DiffOptions struct {
	DB       int // or AllDatabases
	Prefix   []byte
	Values   bool // tell the elements that differ too
	Progress func(done, total int64)
}

// Difference is what is different about a key, or, where Element is set, about an element of its value.
type Difference struct {
	DB         int    `json:"db"`
	Key        Bytes  `json:"key"`
	Change     string `json:"change"` // Added, Removed, Changed, or TTL: nothing but the deadline is
	Before     *Key   `json:"before,omitempty"`
	After      *Key   `json:"after,omitempty"`
	TTLChanged bool   `json:"ttl_changed,omitempty"` // with Changed: the deadline too
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
// lists that are merged; each side is read by a goroutine of its own.
type diff struct {
	a, b    *Snapshot
	options DiffOptions
	key     func(Difference) error
	element func(Difference, ElementDifference) error
	summary DiffSummary
	seeds   seeds
	done    int64
	total   int64
}

// Diff compares two bases: from a to b. key is told every key that differs, database by database and in the order of the
// base; then, with Values, element is told what differs within it. Values are compared by what they hold, and not by how
// they are stored. Memory does not depend on the number of keys, nor on the size of a value.
func Diff(a, b *Snapshot, o DiffOptions, key func(Difference) error, element func(Difference, ElementDifference) error) (DiffSummary, error) {
	d := diff{a: a, b: b, options: o, key: key, element: element, seeds: newSeeds()}
	stores := map[int][2]snapshot.Store{} // 0 is none, and is empty
	for i, s := range []*Snapshot{a, b} {
		for _, db := range s.dbs {
			if o.DB == AllDatabases || o.DB == db.Index {
				both := stores[db.Index]
				both[i] = db.Store
				stores[db.Index] = both
				d.total += db.Keys
			}
		}
	}
	for _, db := range slices.Sorted(maps.Keys(stores)) {
		if err := d.database(db, stores[db]); err != nil {
			return d.summary, err
		}
	}
	d.tell(d.total)
	return d.summary, nil
}

func (d *diff) tell(done int64) {
	if d.options.Progress != nil {
		d.options.Progress(done, d.total)
	}
}

// database merges the two sides of a database.
func (d *diff) database(db int, stores [2]snapshot.Store) error {
	sides := [2]*side{readSide(d.a, db, stores[0], d.options.Prefix), readSide(d.b, db, stores[1], d.options.Prefix)}
	defer sides[0].stop()
	defer sides[1].stop()
	const often = 1 << 12
	for {
		a, err := sides[0].peek()
		if err != nil {
			return err
		}
		b, err := sides[1].peek()
		if err != nil {
			return err
		}
		if a == nil && b == nil {
			return nil
		}
		if d.done++; d.done%often == 0 {
			d.tell(min(d.total, 2*d.done))
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
			err = d.one(Removed, sides[0], a)
		case order > 0:
			err = d.one(Added, sides[1], b)
		default:
			err = d.both(sides, a, b)
		}
		if err != nil {
			return err
		}
		if order <= 0 {
			sides[0].next()
		}
		if order >= 0 {
			sides[1].next()
		}
	}
}

// one is a key that is on one side only.
func (d *diff) one(change string, s *side, h *keyedHead) error {
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
func (d *diff) both(sides [2]*side, a, b *keyedHead) error {
	if a.sameBytes(b) && a.head.Deadline == b.head.Deadline {
		d.summary.Same++
		return nil
	}
	before, err := sides[0].entry(a)
	if err != nil {
		return err
	}
	after, err := sides[1].entry(b)
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
	what := Difference{DB: k.DB, Key: k.Key, Before: &k, After: &l}
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
	if err := d.key(what); err != nil || what.Change != Changed || !d.options.Values || d.element == nil {
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
		notes = append(notes, count(of.Elements, "element"), count(of.Bytes, "byte"), "TTL "+ttl(of.Deadline))
	default:
		notes = append(notes, moved("", d.Before.Type, d.After.Type), moved("elements ", d.Before.Elements, d.After.Elements),
			moved("bytes ", d.Before.Bytes, d.After.Bytes), moved("TTL ", ttl(d.Before.Deadline), ttl(d.After.Deadline)))
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
