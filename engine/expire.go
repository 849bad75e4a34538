package engine

import (
	"time"

	"holdfast/aof"
	"holdfast/commands"
	"holdfast/kv"
)

var delCommand = []byte("DEL")

// expireNamed deletes what is due among the keys that a request names, before it runs.
func (e *Engine) expireNamed(cmd *commands.Command, db int, args [][]byte, now int64) {
	cmd.EachKey(args, func(i int, _ commands.KeyFlags) {
		entry, ok := e.world.Keys.DB(db).Peek(args[i])
		if ok && entry.Deadline() != 0 && entry.Deadline() <= now {
			e.expireKey(db, args[i])
		}
	})
}

// expireKey deletes a key that is due, as part of the record under way.
func (e *Engine) expireKey(db int, key []byte) {
	e.world.Touched(db, key)
	e.world.Watches.Changed(db, key)
	e.body = aof.AppendCommand(e.body, db, delCommand, key)
	e.changes++
	e.stats.expired++
	if e.world.Events != nil {
		e.world.Events(commands.EventExpired, "expired", db, key)
	}
	e.world.Keys.DB(db).Delete(key)
}

// The clockwork deletes what is due though nobody asks for it, in bounded slices.
const (
	expireSlice  = 500 * time.Microsecond
	expireAtOnce = 32 // keys between two looks at the clock, and in one record
)

// expireDue deletes keys that are due for about a slice of time, and reports whether there are more.
func (e *Engine) expireDue(now int64) (more bool) {
	if e.expireIdle || e.pause.until > now {
		return false
	}
	start := e.o.Clock()
	for i := range e.world.Keys.Databases() {
		db := e.world.Keys.DB(i)
		for db.NextDeadline() <= now {
			e.expireSome(i, db, now)
			e.record(now)
			if e.o.Clock().Sub(start) > expireSlice {
				return db.NextDeadline() <= now
			}
		}
	}
	return false
}

// expireSome deletes some keys that are due: hot ones, and cold ones, which are fetched to be deleted.
func (e *Engine) expireSome(index int, db *kv.DB, now int64) {
	for range expireAtOnce {
		entry, ok := db.Due(now)
		if !ok {
			break
		}
		e.expireKey(index, append([]byte(nil), entry.Key()...))
	}
	for _, key := range db.DueCold(now, expireAtOnce) {
		e.expireKey(index, key)
	}
}
