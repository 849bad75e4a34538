package commands

import (
	"holdfast/kv"
	"holdfast/resp"
)

// DBSIZE
func dbSizeCommand(c *Call) { c.Reply.Int(int64(c.DB.Len())) }

// FLUSHDB [ASYNC | SYNC]
func flushDBCommand(c *Call) {
	if c.flushMode() {
		c.flush(c.Client.DB)
		c.flushedForCaches()
		c.Reply.OK()
	}
}

// FLUSHALL [ASYNC | SYNC]
func flushAllCommand(c *Call) {
	if c.flushMode() {
		for db := range c.Keys.Databases() {
			c.flush(db)
		}
		c.flushedForCaches()
		c.Reply.OK()
	}
}

// flushMode checks the option. Both modes are the same here: a flush puts an empty database in the place of the full
// one, at once.
func (c *Call) flushMode() bool {
	if len(c.Args) == 1 || len(c.Args) == 2 && (c.is(1, "ASYNC") || c.is(1, "SYNC")) {
		return true
	}
	c.Reply.Error(resp.ErrSyntax)
	return false
}

// flush empties a database. It counts as a change for each key, as in Redis.
func (c *Call) flush(db int) {
	old := c.Keys.DB(db)
	if old.Len() == 0 {
		return
	}
	c.Watches.ChangedAll(db, func(key []byte) bool { return holds(old, key) })
	c.Waiters.ChangedAll(db) // who reads for a group learns that it is gone
	c.Keys.Flush(db)
	c.ChangedDB(db)
	c.Changes += old.Len() - 1
}

func holds(db *kv.DB, key []byte) bool {
	_, found := db.Peek(key)
	return found
}

// SWAPDB index1 index2
func swapDBCommand(c *Call) {
	i, ok := c.swapIndex(1, resp.ErrSwapFirstDB)
	if !ok {
		return
	}
	j, ok := c.swapIndex(2, resp.ErrSwapSecondDB)
	if !ok {
		return
	}
	if max(i, j) >= int64(c.Keys.Databases()) || min(i, j) < 0 {
		c.Reply.Error(resp.ErrDBIndex)
		return
	}
	if i != j {
		c.swap(int(i), int(j))
	}
	c.Reply.OK()
}

// swapIndex is the argument as a number that fits into 32 bits; the refusal of another one tells which it was.
func (c *Call) swapIndex(arg int, refusal string) (int64, bool) {
	n, ok := ParseInt(c.Args[arg])
	if !ok || n != int64(int32(n)) {
		c.Reply.Error(refusal)
		return 0, false
	}
	return n, true
}

// swap exchanges two databases. Who watches a key that is in either of them sees a change, whether or not the two
// values are the same.
func (c *Call) swap(i, j int) {
	one, other := c.Keys.DB(i), c.Keys.DB(j)
	for _, db := range [...]int{i, j} {
		c.Watches.ChangedAll(db, func(key []byte) bool { return holds(one, key) || holds(other, key) })
	}
	c.Keys.Swap(i, j)
	for _, db := range [...]int{i, j} {
		c.Waiters.ChangedAll(db)
	}
	c.ChangedDB(i)
}
