// Package tracking knows which clients may have which keys in caches of their own, for client-side caching. It has no sockets: who
// changes a key asks it who is to be told.
//
// There are two ways. In the one the server remembers who read which key, and tells them once when it changes (keys). In
// the other, broadcasting, clients name prefixes, and are told of each key that begins with one, whether or not they have
// it: all that changed in a batch of requests in one message (prefixes).
//
// Keys of different databases are not told apart, as in Redis: a cache may lose more than it must.
package tracking

import (
	"maps"
	"slices"
	"strings"
)

// Tracker is one client's side. T is what the owner of the table knows the client by.
type Tracker[T any] struct {
	Owner T
	Modes
	On       bool
	Caching  bool  // what CLIENT CACHING said holds for the next command
	Redirect int64 // the client that is told in its place; 0: itself
	Broken   bool  // that client is gone

	prefixes []string
	at       int // among Table.on
}

// Modes are CLIENT TRACKING's options.
type Modes struct {
	Broadcast, OptIn, OptOut, NoLoop bool
}

// Prefixes are those that the tracker named, sorted.
func (t *Tracker[T]) Prefixes() []string { return t.prefixes }

// Remembers reports whether the keys that the client reads now are to be remembered.
func (t *Tracker[T]) Remembers() bool {
	return t.On && !t.Broadcast && (!t.OptIn || t.Caching) && !(t.OptOut && t.Caching)
}

// Table is what is known of all clients. The zero Table is empty. It is guarded by whatever guards its owner.
type Table[T any] struct {
	on       []*Tracker[T]
	keys     map[string]*readers[T]
	order    []*readers[T] // the same, to choose from by number
	items    int           // of all readers together
	prefixes map[string]*prefix[T]
	lengths  map[int]int // how many prefixes there are of each length
	changed  int         // prefixes that have something to tell
}

// readers are who may have a key.
type readers[T any] struct {
	key string
	at  int // in Table.order
	all []*Tracker[T]
	set map[*Tracker[T]]struct{} // the same, where they are many; nil where they are few
}

// prefix is what some clients want to hear of.
type prefix[T any] struct {
	trackers []*Tracker[T]
	changed  map[string]*Tracker[T] // keys, and who changed each first; nil: nobody, or somebody who does not track
}

// fewReaders are searched one by one.
const fewReaders = 16

// Active reports whether anybody tracks.
func (x *Table[T]) Active() bool { return len(x.on) > 0 }

// Count is how many clients track.
func (x *Table[T]) Count() int { return len(x.on) }

// Keys, Items and Prefixes are for INFO: keys that are remembered, readers of all of them, prefixes.
func (x *Table[T]) Keys() int     { return len(x.keys) }
func (x *Table[T]) Items() int    { return x.items }
func (x *Table[T]) Prefixes() int { return len(x.prefixes) }

// TurnOn makes the client track with these modes. Prefixes are added to those that it has; without any, and in broadcasting
// mode, it is told of all keys.
func (x *Table[T]) TurnOn(t *Tracker[T], modes Modes, redirect int64, prefixes []string) {
	if !t.On {
		t.On, t.at = true, len(x.on)
		x.on = append(x.on, t)
	}
	t.Modes, t.Redirect, t.Broken = modes, redirect, false
	if !modes.Broadcast {
		return
	}
	if len(prefixes) == 0 {
		prefixes = []string{""}
	}
	for _, p := range prefixes {
		x.addPrefix(t, p)
	}
}

func (x *Table[T]) addPrefix(t *Tracker[T], name string) {
	i, have := slices.BinarySearch(t.prefixes, name)
	if have {
		return
	}
	t.prefixes = slices.Insert(t.prefixes, i, name)
	if x.prefixes == nil {
		x.prefixes, x.lengths = map[string]*prefix[T]{}, map[int]int{}
	}
	p := x.prefixes[name]
	if p == nil {
		p = &prefix[T]{}
		x.prefixes[name] = p
		x.lengths[len(name)]++
	}
	p.trackers = append(p.trackers, t)
}

// TurnOff ends it. What the client has read stays remembered until it changes, or nobody tracks any more.
func (x *Table[T]) TurnOff(t *Tracker[T]) {
	if t == nil || !t.On {
		return
	}
	last := len(x.on) - 1
	x.on[t.at] = x.on[last]
	x.on[t.at].at = t.at
	x.on[last] = nil
	x.on = x.on[:last]
	for _, name := range t.prefixes {
		p := x.prefixes[name]
		p.trackers = slices.DeleteFunc(p.trackers, func(o *Tracker[T]) bool { return o == t })
		if len(p.trackers) > 0 {
			continue
		}
		delete(x.prefixes, name)
		if len(p.changed) > 0 {
			x.changed--
		}
		if x.lengths[len(name)]--; x.lengths[len(name)] == 0 {
			delete(x.lengths, len(name))
		}
	}
	*t = Tracker[T]{Owner: t.Owner}
	if last == 0 {
		*x = Table[T]{}
	}
}

// Leave is TurnOff for good: the table does not lead to the owner any more, whose keys may stay remembered for long.
func (x *Table[T]) Leave(t *Tracker[T]) {
	x.TurnOff(t)
	if t != nil {
		*t = Tracker[T]{}
	}
}

// Remember notes that the client has read the key.
func (x *Table[T]) Remember(t *Tracker[T], key []byte) {
	r := x.keys[string(key)]
	if r == nil {
		r = &readers[T]{key: string(key), at: len(x.order)}
		if x.keys == nil {
			x.keys = map[string]*readers[T]{}
		}
		x.keys[r.key] = r
		x.order = append(x.order, r)
	}
	x.items += r.add(t)
}

// add returns by how much the readers have become more.
func (r *readers[T]) add(t *Tracker[T]) int {
	if r.set != nil {
		if _, have := r.set[t]; have {
			return 0
		}
	} else if slices.Contains(r.all, t) {
		return 0
	}
	before := len(r.all)
	if len(r.all) == cap(r.all) { // those who are gone make room before it grows
		r.all = slices.DeleteFunc(r.all, func(o *Tracker[T]) bool { return !o.On })
	}
	r.all = append(r.all, t)
	switch {
	case len(r.all) <= fewReaders:
		r.set = nil
	case r.set == nil || len(r.all) <= before:
		r.set = map[*Tracker[T]]struct{}{}
		for _, o := range r.all {
			r.set[o] = struct{}{}
		}
	default:
		r.set[t] = struct{}{}
	}
	return len(r.all) - before
}

// Changed calls fn for everybody who may have the key and is to be told, and forgets that they have it. by is who changed it;
// nil: nobody, or somebody who does not track. Those who are told of prefixes hear of it with Broadcasts.
func (x *Table[T]) Changed(key []byte, by *Tracker[T], fn func(*Tracker[T])) {
	for length := range x.lengths {
		if length <= len(key) {
			x.changedUnder(x.prefixes[string(key[:length])], key, by)
		}
	}
	if r := x.keys[string(key)]; r != nil {
		x.forget(r)
		r.tell(by, fn)
	}
}

func (x *Table[T]) changedUnder(p *prefix[T], key []byte, by *Tracker[T]) {
	if p == nil {
		return
	}
	if len(p.changed) == 0 {
		p.changed = map[string]*Tracker[T]{}
		x.changed++
	}
	if _, have := p.changed[string(key)]; !have {
		p.changed[string(key)] = by
	}
}

func (x *Table[T]) forget(r *readers[T]) {
	last := len(x.order) - 1
	x.order[r.at] = x.order[last]
	x.order[r.at].at = r.at
	x.order[last] = nil
	x.order = x.order[:last]
	delete(x.keys, r.key)
	x.items -= len(r.all)
}

func (r *readers[T]) tell(by *Tracker[T], fn func(*Tracker[T])) {
	for _, t := range r.all {
		if t.On && !t.Broadcast && !(t.NoLoop && t == by) {
			fn(t)
		}
	}
}

// Flushed calls fn for everybody, as all keys are gone, and forgets who has which.
func (x *Table[T]) Flushed(fn func(*Tracker[T])) {
	x.keys, x.order, x.items = nil, nil, 0
	for _, t := range x.on {
		fn(t)
	}
}

// Evict forgets who has one of the keys that are remembered, the i-th in an order of no meaning, and calls fn for everybody
// who is to be told, since nobody will be when it changes.
func (x *Table[T]) Evict(i int, fn func(key string, t *Tracker[T])) {
	r := x.order[i]
	x.forget(r)
	r.tell(nil, func(t *Tracker[T]) { fn(r.key, t) })
}

// Pending reports whether Broadcasts has something to tell.
func (x *Table[T]) Pending() bool { return x.changed > 0 }

// Broadcasts calls fn for everybody who is to be told of keys that changed, with the keys, sorted: once for each prefix of
// theirs, in the order of the prefixes.
func (x *Table[T]) Broadcasts(fn func(t *Tracker[T], keys []string)) {
	for _, name := range slices.Sorted(maps.Keys(x.prefixes)) {
		p := x.prefixes[name]
		if len(p.changed) == 0 {
			continue
		}
		keys := slices.Sorted(maps.Keys(p.changed))
		for _, t := range p.trackers {
			heard := keys
			if t.NoLoop {
				heard = slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return p.changed[key] == t })
			}
			if len(heard) > 0 {
				fn(t, heard)
			}
		}
		p.changed = nil
	}
	x.changed = 0
}

// Overlap finds two prefixes that a client must not have both, as one begins with the other: one of wanted, and one of those
// that it has, or another one of wanted.
func Overlap(have, wanted []string) (one, other string, among, found bool) {
	overlap := func(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) }
	for i, p := range wanted {
		for _, q := range have {
			if overlap(p, q) {
				return p, q, false, true
			}
		}
		for _, q := range wanted[i+1:] {
			if overlap(p, q) {
				return p, q, true, true
			}
		}
	}
	return "", "", false, false
}
