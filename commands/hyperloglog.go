package commands

import (
	"bytes"
	"math"

	"holdfast/expiry"
	"holdfast/hll"
	"holdfast/kv"
	"holdfast/resp"
)

// A HyperLogLog is a string that package hll understands.

func hyperLogLogCommands() []*Command {
	return []*Command{
		{
			Name: "pfadd", Group: HyperLogLogs, Since: "2.8.9", Arity: -2, Flags: Write | DenyOOM | Fast, Categories: CatHyperLogLog,
			Keys:    Key(1, RW|Insert),
			Syntax:  "key [element [element ...]]",
			Summary: "Counts elements in: in a HyperLogLog each counts once.", Complexity: "O(n) in the elements",
			Run: pfAddCommand,
		},
		{
			Name: "pfcount", Group: HyperLogLogs, Since: "2.8.9", Arity: -2, Flags: ReadOnly | MayReplicate, Categories: CatHyperLogLog,
			Keys:    KeysFrom(1, 1, RW|Access),
			Syntax:  "key [key ...]",
			Summary: "Estimates how many different elements HyperLogLogs were given, all together.",
			// One of a single key is remembered until the next change.
			Complexity: "O(n) in the keys",
			Run:        pfCountCommand,
		},
		{
			Name: "pfmerge", Group: HyperLogLogs, Since: "2.8.9", Arity: -2, Flags: Write | DenyOOM, Categories: CatHyperLogLog,
			Keys:    []KeySpec{keyAt(1, RW|Access|Insert), {Flags: RO | Access, Begin: 2, Last: -1, Step: 1}},
			Syntax:  "destkey [sourcekey [sourcekey ...]]",
			Summary: "Makes a HyperLogLog count what others count too.", Complexity: "O(n) in the keys",
			Run: pfMergeCommand,
		},
		{
			Name: "pfdebug", Group: HyperLogLogs, Since: "2.8.9", Arity: 3, Flags: Write | DenyOOM | Admin, Categories: CatHyperLogLog,
			System:  true,
			Keys:    Key(2, RW|Access),
			Syntax:  "<GETREG | DECODE | ENCODING | TODENSE> key",
			Summary: "Shows how a HyperLogLog is kept.", Complexity: "O(1)",
			Run: pfDebugCommand,
		},
		{
			Name: "pfselftest", Group: HyperLogLogs, Since: "2.8.9", Arity: 1, Flags: Admin, Categories: CatHyperLogLog,
			System:  true,
			Summary: "Checks that HyperLogLogs count well.", Complexity: "O(1)",
			Run: pfSelfTestCommand,
		},
	}
}

// PFADD key [element [element ...]]
func pfAddCommand(c *Call) {
	key := c.Args[1]
	e, found := c.DB.Peek(key) // who looks for a key in order to make it neither misses nor hits it
	if found {
		e.Notice()
		if !c.isSketch(e) {
			return
		}
		c.makeRaw(key, e)
	}
	a := pfAddition{found: found, max: c.sparseMax()}
	if found {
		a.sketch, a.deadline = e.Text(), e.Deadline()
	} else {
		a.sketch, a.own, a.changes = hll.New(), true, 1
		hll.Invalidate(a.sketch)
	}
	dense := hll.IsDense(a.sketch)
	for _, element := range c.Args[2:] {
		register, rank := hll.Place(element)
		if !a.add(c, register, rank) {
			return
		}
	}
	if a.changes > 0 {
		a.store(c)
		c.Changed(EventString, "pfadd", key)
		c.Changes += a.changes - 1
		c.effectOfSketch(key, a.sketch, dense)
	}
	c.Reply.Int(int64(min(a.changes, 1)))
}

// pfAddition is a HyperLogLog while elements are added.
type pfAddition struct {
	sketch   []byte
	own      bool // it is not, or no longer, what the keyspace holds: it has to be stored
	found    bool
	deadline int64
	max      int64 // bytes of a sparse sketch
	changes  int
}

// add raises a register. Only when one is to be raised, the sketch is made ready for a change: a dense one is changed
// where it lies, a sparse one, which may get another length, in a copy.
func (a *pfAddition) add(c *Call, register int, rank uint8) bool {
	if !a.own {
		old, err := hll.Rank(a.sketch, register)
		switch {
		case err != nil:
			c.Reply.Error(resp.ErrCorruptHLL)
			return false
		case old >= rank:
			return true
		case hll.IsDense(a.sketch):
			a.sketch, _ = c.DB.EditString(c.Args[1], true)
		default:
			a.sketch, a.own = bytes.Clone(a.sketch), true
		}
	}
	after, changed, err := hll.Set(a.sketch, register, rank, a.max)
	if err != nil {
		c.Reply.Error(resp.ErrCorruptHLL)
		return false
	}
	a.sketch = after
	if changed {
		a.changes++
	}
	return true
}

func (a *pfAddition) store(c *Call) {
	if a.own {
		c.DB.SetString(c.Args[1], a.sketch, a.deadline)
		c.DB.EditString(c.Args[1], true)
	}
}

// effectOfSketch says what came of a change where the configuration decided about it: that the sketch became dense. A
// replay lets every sparse one grow, and is told so.
func (c *Call) effectOfSketch(key, sketch []byte, wasDense bool) {
	if hll.IsDense(sketch) && !wasDense {
		c.Effect(c.Args...)
		c.Effect(word("PFDEBUG"), word("TODENSE"), key)
	}
}

// sparseMax is how long a sparse sketch may get, in bytes.
func (c *Call) sparseMax() int64 {
	if c.Replaying && !c.Foreign {
		return math.MaxInt64
	}
	return c.directives().sketchMax.Load()
}

// sketch looks up the HyperLogLog under the key; where the key holds something else, the reply says so.
func (c *Call) sketch(key []byte) (e kv.Entry, found, ok bool) {
	e, found = c.DB.Get(key)
	return e, found, !found || c.isSketch(e)
}

// isSketch reports whether a key holds a HyperLogLog; where it does not, the reply says so.
func (c *Call) isSketch(e kv.Entry) bool {
	switch {
	case e.Kind() != kv.String:
		c.Reply.Error(resp.ErrWrongType)
		return false
	case !hll.Is(e.Text()):
		c.Reply.Error(resp.ErrNotHLL)
		return false
	}
	return true
}

// rawSketch is sketch, after which the string is raw: in Redis these commands change it where it lies, or might have.
func (c *Call) rawSketch(key []byte) (e kv.Entry, found, ok bool) {
	e, found, ok = c.sketch(key)
	if found && ok {
		c.makeRaw(key, e)
	}
	return e, found, ok
}

func (c *Call) makeRaw(key []byte, e kv.Entry) {
	if c.encoding(e) != "raw" {
		c.DB.EditString(key, true)
	}
}

// PFCOUNT key [key ...]
func pfCountCommand(c *Call) {
	if len(c.Args) > 2 {
		if ranks, _, ok := c.mergeSketches(c.Args[1:]); ok {
			c.Reply.Int(int64(ranks.Count()))
		}
		return
	}
	key := c.Args[1]
	e, found, ok := c.rawSketch(key)
	if !ok || !found {
		if ok {
			c.Reply.Int(0)
		}
		return
	}
	n, cached := hll.Cached(e.Text())
	if !cached {
		var err error
		if n, err = hll.Count(e.Text()); err != nil {
			c.Reply.Error(resp.ErrCorruptHLL)
			return
		}
		c.cacheCount(key, n)
	}
	c.Reply.Int(int64(n))
}

// cacheCount puts a count into the sketch that it is of, as Redis does, though the command is a read. Nobody is told of
// an event.
func (c *Call) cacheCount(key []byte, n uint64) {
	count := hll.AppendCached(nil, n)
	text, _ := c.DB.EditString(key, true)
	copy(text[hll.CachedAt:], count)
	c.Changes++
	c.World.Touch(c.Client.DB, key)
	c.Effect(word("SETRANGE"), key, decimal(hll.CachedAt), count)
}

// mergeSketches returns the highest ranks of the sketches under the keys, and whether one of them is dense; a missing
// one is empty. Where a key holds something else, the reply says so.
func (c *Call) mergeSketches(keys [][]byte) (ranks *hll.Ranks, dense, ok bool) {
	ranks = new(hll.Ranks)
	for _, key := range keys {
		e, found, ok := c.sketch(key)
		switch {
		case !ok:
			return nil, false, false
		case !found:
			continue
		}
		dense = dense || hll.IsDense(e.Text())
		if ranks.Merge(e.Text()) != nil {
			c.Reply.Error(resp.ErrCorruptHLL)
			return nil, false, false
		}
	}
	return ranks, dense, true
}

// PFMERGE destkey [sourcekey [sourcekey ...]]
func pfMergeCommand(c *Call) {
	key := c.Args[1]
	ranks, dense, ok := c.mergeSketches(c.Args[1:])
	if !ok {
		return
	}
	sketch, deadline, wasDense := hll.New(), expiry.None, dense
	if e, found := c.DB.Peek(key); found {
		sketch, deadline = bytes.Clone(e.Text()), e.Deadline()
	}
	var err error
	if dense {
		sketch, err = hll.ToDense(sketch)
	}
	limit := c.sparseMax()
	for register, rank := range ranks {
		if rank > 0 && err == nil {
			sketch, _, err = hll.Set(sketch, register, rank, limit)
		}
	}
	if err != nil {
		c.Reply.Error(resp.ErrCorruptHLL)
		return
	}
	hll.Invalidate(sketch)
	c.DB.SetString(key, sketch, deadline)
	c.DB.EditString(key, true)
	c.Changed(EventString, "pfadd", key)
	c.effectOfSketch(key, sketch, wasDense)
	c.Reply.OK()
}
