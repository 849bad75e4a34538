package engine

import (
	"bytes"
	"time"

	"holdfast/commands"
	"holdfast/expiry"
	"holdfast/kv"
)

var delCommand = []byte("DEL")

// expireNamed deletes what is due among the keys that a request names, or only one, and within their values, before it runs.
func (e *Engine) expireNamed(cmd *commands.Command, db int, args [][]byte, only []byte, now int64) {
	if only != nil {
		e.expireIfDue(db, only, now)
		return
	}
	cmd.EachKey(args, func(i int, _ commands.KeyFlags) { e.expireIfDue(db, args[i], now) })
}

func (e *Engine) expireIfDue(db int, key []byte, now int64) {
	entry, ok := e.world.Keys.DB(db).Peek(key)
	switch {
	case !ok:
	case isDue(entry.Deadline(), now):
		e.expireKey(db, key)
	case isDue(entry.Lapse(), now):
		e.lapseKey(db, key, now)
	}
}

func isDue(at, now int64) bool { return at != expiry.None && at <= now }

// expireKey deletes a key that is due, as part of the record under way.
func (e *Engine) expireKey(db int, key []byte) {
	e.world.Touch(db, key)
	e.add(db, delCommand, key)
	e.changes++
	e.stats.expired++
	e.tellExpired(db, key)
	e.world.Keys.DB(db).Delete(key)
}

// lapseAtOnce is how many elements of a value that are due go in one command of the log.
const lapseAtOnce = 1024

// lapseKey deletes all that is due within a value, as part of the record under way.
func (e *Engine) lapseKey(db int, key []byte, now int64) {
	for e.lapseSome(db, key, now, lapseAtOnce) > 0 {
	}
}

// lapseSome deletes up to most of what is due within a value, and returns how much that was.
func (e *Engine) lapseSome(db int, key []byte, now int64, most int) int {
	effect := e.world.Lapse(db, key, now, most)
	if effect == nil {
		return 0
	}
	n := len(effect) - 2
	e.add(db, effect...)
	e.changes += int64(n)
	e.stats.lapsed += int64(n)
	return n
}

// The clockwork deletes what is due though nobody asks for it, in bounded slices.
const (
	expireSlice  = 250 * time.Microsecond
	expireLeast  = 50 * time.Microsecond // though somebody waits for the lock
	expireAtOnce = 32                    // keys, or elements of values, between two looks at the clock, and in one record
)

// expireDue deletes what is due for about a slice of time, and reports whether there are more.
func (e *Engine) expireDue(now int64) (more bool) {
	if e.expireIdle || e.pause.until > now {
		return false
	}
	start := e.o.Clock()
	defer func() { e.spiked("expire-cycle", e.o.Clock().Sub(start), now) }()
	n := e.world.Keys.Databases()
	for range n {
		i := e.expireNext % n
		db := e.world.Keys.DB(i)
		for db.NextDeadline() <= now {
			e.expireSome(i, db, now)
			e.record(now)
			if took := e.o.Clock().Sub(start); took > expireSlice || took > expireLeast && e.mu.wanted() {
				e.expireNext = i + 1 // no database keeps the others waiting
				return true
			}
		}
		e.expireNext = i + 1
	}
	return false
}

// expireSome deletes some of what is due: hot keys, elements of hot values, and cold keys. These are fetched: those that are
// due themselves to be deleted; those that have something due within, so that it is found among the hot ones.
func (e *Engine) expireSome(index int, db *kv.DB, now int64) {
	for left := expireAtOnce; left > 0; {
		entry, ok := db.Due(now)
		if !ok {
			break
		}
		key := bytes.Clone(entry.Key())
		if isDue(entry.Deadline(), now) {
			e.expireKey(index, key)
			left--
			continue
		}
		n := e.lapseSome(index, key, now, left)
		if n == 0 {
			panic("BUG: something is due within a value, and nothing lapses")
		}
		left -= n
	}
	for _, key := range db.DueCold(now, expireAtOnce) {
		if entry, ok := db.Peek(key); ok && isDue(entry.Deadline(), now) {
			e.expireKey(index, key)
		}
	}
}
