package engine

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"holdfast/kv"
	"holdfast/snapshot"
)

// cold is the base as the hot layer sees it: records become values, and what cannot be read ends the process, since to
// serve the rest would be to serve a part of the data as if it were all.
// Before the first checkpoint there is no base, and nothing is cold.
type cold struct{ e *Engine }

var _ kv.Cold = cold{}

func (c cold) Get(store uint32, key []byte) (kv.Stored, bool) {
	base := c.e.base.Load()
	if base == nil {
		return kv.Stored{}, false
	}
	began := time.Now()
	r, ok, err := base.Get(snapshot.Store(store), key)
	c.e.stopwatch.fetching += time.Since(began)
	if err != nil {
		c.e.damaged(err)
		return kv.Stored{}, false
	}
	if !ok {
		return kv.Stored{}, false
	}
	return c.e.stored(snapshot.Store(store), key, r), true
}

// errEnough ends an iteration that the caller has had enough of.
var errEnough = errors.New("enough")

func (c cold) Each(store uint32, after []byte, fn func(key []byte, s kv.Stored) bool) {
	const atOnce = 64
	base := c.e.base.Load()
	for more := base != nil; more; {
		var entries []snapshot.Entry
		var err error
		entries, more, err = base.Slice(snapshot.Store(store), after, atOnce)
		if err != nil {
			c.e.damaged(err)
			return
		}
		for _, entry := range entries {
			if !fn(entry.Key, c.e.stored(snapshot.Store(store), entry.Key, entry.Record)) {
				return
			}
			after = entry.Key
		}
	}
}

func (c cold) Deadlines(store uint32, at int64, after []byte, fn func(at int64, key []byte) bool) {
	base := c.e.base.Load()
	if base == nil {
		return
	}
	if err := base.DeadlinesAfter(snapshot.Store(store), at, after, fn); err != nil {
		c.e.damaged(err)
	}
}

func (c cold) Sample(store uint32, pick func(n int) int) ([]byte, bool) {
	base := c.e.base.Load()
	if base == nil {
		return nil, false
	}
	key, ok, err := base.Sample(snapshot.Store(store), pick)
	if err != nil {
		c.e.damaged(err)
	}
	return key, ok && err == nil
}

// damaged ends the process: a record that is in the base cannot be read.
func (e *Engine) damaged(err error) {
	if !e.failed.Swap(true) {
		e.o.Fatal(fmt.Errorf("the base, as of LSN %d, cannot be read, and no part of the data is served as if it were all: %w; bring the file back from a copy, or %s",
			e.base.Load().Meta().LSN, err, e.wayOut()))
	}
}

// stored makes a record of the base what the hot layer takes.
func (e *Engine) stored(store snapshot.Store, key []byte, r snapshot.Record) kv.Stored {
	s := kv.Stored{Kind: kv.Kind(r.Kind), Deadline: r.Deadline, Lapse: r.Lapse, Parted: r.Parted}
	if s.Kind == kv.String {
		s.Text = r.Payload
		return s
	}
	s.Load = func() kv.Value {
		v, err := e.value(store, key, r)
		if err != nil {
			e.damaged(fmt.Errorf("%s: key %q: %w", e.basePath(), key, err))
		}
		return v
	}
	return s
}

// made is stored for a collection whose value is made now, of a payload that stays; false where it cannot be made.
func (e *Engine) made(store snapshot.Store, key []byte, r snapshot.Record) (s kv.Stored, ok bool) {
	s = e.stored(store, key, r)
	v, err := e.value(store, key, r)
	if err == nil {
		s.Load = func() kv.Value { return v }
	}
	return s, err == nil
}

// ErrKind says that a record holds a kind of value that is not known here.
var ErrKind = errors.New("a value in a form that this version does not know; use the version that wrote it")

// value makes a collection of a record of the open base, and of its parts where it has any. ErrKind, or the error of the
// type's package for bytes that are none of its.
func (e *Engine) value(store snapshot.Store, key []byte, r snapshot.Record) (kv.Value, error) {
	types := e.world.Keys.Types
	if int(r.Kind) >= len(types) || types[r.Kind].Decode == nil {
		return nil, ErrKind
	}
	typ := types[r.Kind]
	if !r.Parted {
		return typ.Decode(r.Payload)
	}
	if typ.FromParts == nil {
		return nil, ErrKind
	}
	type part struct {
		id      uint64
		payload []byte
	}
	var parts []part
	err := e.base.Load().EachPart(store, key, func(id uint64, payload []byte) error {
		parts = append(parts, part{id, bytes.Clone(payload)})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return typ.FromParts(r.Payload, func() (uint64, []byte, bool, error) {
		if len(parts) == 0 {
			return 0, nil, false, nil
		}
		p := parts[0]
		parts = parts[1:]
		return p.id, p.payload, true, nil
	})
}
