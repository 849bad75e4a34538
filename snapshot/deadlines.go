package snapshot

import (
	"encoding/binary"
	"errors"
	"math"
)

// Deadlines calls fn for the keys whose deadline, or what in their value lapses first, lies in from…through (unix
// milliseconds, both included), the earliest first, without reading their records. The key is valid until fn returns; fn's error ends the
// iteration and is returned. Over all time (0, math.MaxInt64) their number must be the meta's. It is one read
// transaction, as Each is.
func (b *Base) Deadlines(store Store, from, through int64, fn func(deadline int64, key []byte) error) error {
	sc := scanDeadlines(store, through)
	sc.from = binary.BigEndian.AppendUint64(nil, uint64(max(from, 0)))
	sc.give = func(d deadline) error { return fn(d.at, d.key) }
	if from <= 0 && through == math.MaxInt64 {
		sc.expect = func(c counts) int64 { return c.deadlines }
	}
	return sc.run(b)
}

// DeadlinesAfter is Deadlines from a position on, until fn returns false: it begins with the first entry behind that
// of the key `after` at the deadline `at`, whether or not that is still there, or, where after is nil, with the
// first whose deadline is not less than at. Equal deadlines come in the order of Each: plain keys in byte order, and
// after them those longer than MaxPlainKey by their hashes. So what fn was given last is where to go on, at the cost
// of one lookup. Up to some 250 entries are read ahead of fn.
func (b *Base) DeadlinesAfter(store Store, at int64, after []byte, fn func(at int64, key []byte) bool) error {
	sc := scanDeadlines(store, math.MaxInt64)
	if after == nil || at < 0 {
		sc.from = binary.BigEndian.AppendUint64(nil, uint64(max(at, 0)))
	} else {
		sc.from = append(appendDeadlineKey(nil, at, appendStored(nil, after)), 0) // the least that is greater
	}
	enough := errors.New("fn wants no more")
	sc.give = func(d deadline) error {
		if fn(d.at, d.key) {
			return nil
		}
		return enough
	}
	if err := sc.run(b); err != enough {
		return err
	}
	return nil
}

// deadline is what a scan of deadlines gives out.
type deadline struct {
	at  int64
	key []byte
}

// scanDeadlines is a scan up to and with a deadline.
func scanDeadlines(store Store, through int64) scan[deadline] {
	return scan[deadline]{
		doing: "iterating over deadlines", store: store, table: tableDeadlines,
		take: func(s *storeView, it item, a *arena) (d deadline, ok bool, err error) {
			at, stored, ok := splitDeadlineKey(it.key)
			if !ok {
				return d, false, s.damage(tableDeadlines, it.key, "the deadline makes no sense")
			}
			if at > through {
				return d, false, nil
			}
			key, err := s.keyOf(stored, a)
			return deadline{at, key}, true, err
		},
	}
}
