package inspect

import (
	"errors"
	"fmt"
	"slices"

	"holdfast/engine"
	"holdfast/kv"
	"holdfast/outline"
	"holdfast/snapshot"
)

// Source is a set of keys with what they hold, read as a stream: a base, a named snapshot, or a file of another kind that has
// keys in it. What looks into data (stats, keys, get, report, export) is written for a Source and knows no more of it.
//
// A source is read from one goroutine. What it hands out is good until the function that got it returns.
type Source interface {
	// About says what the source is.
	About() About
	// Each calls fn for the entries within a scope, database by database by rising numbers. The error of fn ends it, and is
	// returned as it is. Memory does not depend on how many entries there are, nor on the size of any but one element.
	Each(scope Scope, fn func(*Entry) error) error
	// Find calls fn for one key: ErrNoKey if it is not there.
	Find(db int, key []byte, fn func(*Entry) error) error
	// Close ends the reading.
	Close() error
}

// About is what a source says of itself.
type About struct {
	Name   string // its file
	Kind   string // in words: "base", "RDB file"
	Time   int64  // as of when it is, unix ms; 0: it does not say
	LSN    uint64 // likewise, in the log; 0: it does not say
	Keys   int64  // in all databases; -1: it does not say beforehand
	Sorted bool   // the keys of a database come in the order of Before
}

// Scope selects entries by what a source may find without reading all of them.
type Scope struct {
	DB     int    // or AllDatabases
	Prefix []byte // only keys that begin with it
	// Progress, if any, is told now and then how many keys of how many are done.
	Progress func(done, total int64)
	// Ended, if any, is asked now and then whether to go on. Its error ends the reading.
	Ended func() error
}

// Entry is a key of a source, and what is known of it without reading its value.
type Entry struct {
	DB       int
	Key      Bytes
	Kind     kv.Kind // what its numbers stand for where the source is holdfast's own
	Type     string  // as TYPE replies it
	Deadline int64   // unix ms; 0: none
	Lapse    int64   // of what in the value has a deadline of its own the earliest, unix ms; 0: nothing has, or it is not known
	Bytes    int64   // of key and value as the source has them encoded, without pages and bookkeeping
	// Survey tells encoding and number of elements. It costs little, and does not read the value.
	outline.Summary
	// Value is what the key holds.
	Value Value
}

// Value can be walked.
type Value interface {
	// Walk visits the elements one after the other; see outline.Visitor. The error of visit is returned as it is.
	Walk(visit outline.Visitor) error
}

// Before reports whether a key comes before another in a sorted source: by their bytes, and keys that are longer than a base
// stores as they are behind all others, by their hashes.
func Before(a, b []byte) bool { return snapshot.CompareKeys(a, b) < 0 }

// Source makes the base a Source.
func (s *Snapshot) Source() Source { return baseSource{s} }

type baseSource struct{ *Snapshot }

func (s baseSource) About() About {
	meta := s.base.Meta()
	about := About{Name: s.base.Path(), Kind: "base", Time: meta.Time, LSN: meta.LSN, Sorted: true}
	for _, db := range s.dbs {
		about.Keys += db.Keys
	}
	return about
}

func (s baseSource) Each(scope Scope, fn func(*Entry) error) error {
	const often = 1 << 12
	done, total := int64(0), s.total(scope.DB)
	for _, db := range s.dbs {
		if scope.DB != AllDatabases && scope.DB != db.Index {
			continue
		}
		e, v := Entry{DB: db.Index}, baseValue{Snapshot: s.Snapshot, store: db.Store}
		var own error // of fn, which gets no advice
		err := s.base.Heads(db.Store, scope.Prefix, func(key []byte, h snapshot.Head) error {
			if err := v.fill(&e, key, h); err != nil {
				return err
			}
			if done++; done%often == 0 && scope.Progress != nil {
				scope.Progress(done, total)
			}
			if done%often == 0 && scope.Ended != nil {
				if own = scope.Ended(); own != nil {
					return own
				}
			}
			own = fn(&e)
			return own
		})
		if own != nil {
			return own
		}
		if err != nil {
			return advise(err)
		}
	}
	if scope.Progress != nil {
		scope.Progress(total, total)
	}
	return nil
}

// total is how many keys a database has, or all have.
func (s baseSource) total(only int) (keys int64) {
	for _, db := range s.dbs {
		if only == AllDatabases || only == db.Index {
			keys += db.Keys
		}
	}
	return keys
}

func (s baseSource) Find(db int, key []byte, fn func(*Entry) error) error {
	i := slices.IndexFunc(s.dbs, func(d snapshot.DB) bool { return d.Index == db })
	if i >= 0 {
		store := s.dbs[i].Store
		h, ok, err := s.base.HeadOf(store, key)
		e, v := Entry{DB: db}, baseValue{Snapshot: s.Snapshot, store: store}
		if ok && err == nil {
			err = v.fill(&e, key, h)
		}
		switch {
		case err != nil:
			return advise(err)
		case ok:
			return fn(&e)
		}
	}
	return fmt.Errorf("%w: %s is not in database %d of %s, which is as of LSN %d",
		ErrNoKey, Bytes(key), db, s.base.Path(), s.base.Meta().LSN)
}

// baseValue is a value of a base.
type baseValue struct {
	*Snapshot
	store snapshot.Store
	entry *Entry
	head  snapshot.Head
}

// fill makes the entry, and the value in it, that of a key.
func (v *baseValue) fill(e *Entry, key []byte, h snapshot.Head) (err error) {
	v.entry, v.head = e, h
	*e = Entry{
		DB: e.DB, Key: key, Kind: kv.Kind(h.Kind), Type: v.typeName(h.Kind), Deadline: h.Deadline, Lapse: h.Lapse,
		Bytes: int64(len(key)) + h.Size, Value: v,
	}
	if h.Parted {
		parts, err := v.base.PartBytes(v.store, key)
		if err != nil {
			return err
		}
		e.Bytes += parts
	}
	if t := v.known(); t != nil {
		e.Summary, err = t.Survey(v.form())
		return v.blame(err)
	}
	return nil
}

// typeName is what TYPE would reply, or a makeshift for a kind that a newer version wrote.
func (s *Snapshot) typeName(kind byte) string {
	if int(kind) < len(s.types) && s.types[kind].Name != "" {
		return s.types[kind].Name
	}
	return fmt.Sprintf("kind %d", kind)
}

// known is the type of the value; nil for one of a newer version.
func (v *baseValue) known() *kv.Type {
	if int(v.head.Kind) >= len(v.types) || v.types[v.head.Kind].Survey == nil {
		return nil
	}
	return &v.types[v.head.Kind]
}

func (v *baseValue) form() outline.Form {
	f := outline.Form{Body: v.head.Payload, Size: v.head.Size}
	if v.head.Size > int64(len(v.head.Payload)) {
		f.Load = func() ([]byte, error) {
			r, _, err := v.base.Get(v.store, v.entry.Key)
			return r.Payload, err
		}
	}
	if v.head.Parted {
		f.Parts = func(fn func(uint64, []byte) error) error { return v.base.EachPart(v.store, v.entry.Key, fn) }
	}
	return f
}

func (v *baseValue) Walk(visit outline.Visitor) error {
	t := v.known()
	if t == nil {
		return fmt.Errorf("%s: key %s (%s): %w", v.base.Path(), v.entry.Key, v.entry.Type, engine.ErrKind)
	}
	var own error
	err := t.Walk(v.form(), func(e outline.Element) error {
		own = visit(e)
		return own
	})
	if own != nil {
		return own
	}
	return v.blame(err)
}

// blame tells which key an error is about that reading its value gave.
func (v *baseValue) blame(err error) error {
	if err == nil || errors.As(err, new(*snapshot.DamageError)) || errors.Is(err, snapshot.ErrClosed) {
		return err
	}
	return fmt.Errorf("%w: %s: key %s: its checksum is right, yet it is no %s: %w",
		snapshot.ErrCorrupt, v.base.Path(), v.entry.Key, v.entry.Type, err)
}
