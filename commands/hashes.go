package commands

import (
	"iter"

	"holdfast/dict"
	"holdfast/expiry"
	"holdfast/hashes"
	"holdfast/kv"
	"holdfast/resp"
)

func hashCommands() []*Command {
	unordered := []string{"nondeterministic_output_order"}
	return []*Command{
		{
			Name: "hset", Group: Hashes, Since: "2.0.0", Arity: -4, Flags: Write | DenyOOM | Fast, Categories: CatHash,
			Keys: Key(1, RW|Update), Syntax: "key field value [field value ...]",
			Summary: "Sets fields of a hash, making it if need be.", Complexity: "O(1) a field",
			Run: hsetCommand,
		},
		{
			Name: "hsetnx", Group: Hashes, Since: "2.0.0", Arity: 4, Flags: Write | DenyOOM | Fast, Categories: CatHash,
			Keys: Key(1, RW|Insert), Syntax: "key field value",
			Summary: "Sets a field of a hash unless it is there.", Complexity: "O(1)",
			Run: hsetnxCommand,
		},
		{
			Name: "hmset", Group: Hashes, Since: "2.0.0", Arity: -4, Flags: Write | DenyOOM | Fast, Categories: CatHash,
			Deprecated: "4.0.0", Instead: "`HSET` with several fields",
			Keys: Key(1, RW|Update), Syntax: "key field value [field value ...]",
			Summary: "Sets fields of a hash; HSET does the same and tells how many are new.", Complexity: "O(1) a field",
			Run: hmsetCommand,
		},
		{
			Name: "hget", Group: Hashes, Since: "2.0.0", Arity: 3, Flags: ReadOnly | Fast, Categories: CatHash,
			Keys: Key(1, RO|Access), Syntax: "key field",
			Summary: "Returns the value of a field.", Complexity: "O(1)",
			Run: hgetCommand,
		},
		{
			Name: "hmget", Group: Hashes, Since: "2.0.0", Arity: -3, Flags: ReadOnly | Fast, Categories: CatHash,
			Keys: Key(1, RO|Access), Syntax: "key field [field ...]",
			Summary: "Returns the values of fields.", Complexity: "O(1) a field",
			Run: hmgetCommand,
		},
		{
			Name: "hgetall", Group: Hashes, Since: "2.0.0", Arity: 2, Flags: ReadOnly, Categories: CatHash, Tips: unordered,
			Keys: Key(1, RO|Access), Syntax: "key",
			Summary: "Returns all fields with their values.", Complexity: "O(n) in the fields",
			Run: hgetallCommand,
		},
		{
			Name: "hdel", Group: Hashes, Since: "2.0.0", Arity: -3, Flags: Write | Fast, Categories: CatHash,
			Keys: Key(1, RW|Delete), Syntax: "key field [field ...]",
			Summary: "Removes fields.", Complexity: "O(1) a field",
			Run: hdelCommand,
		},
		{
			Name: "hexists", Group: Hashes, Since: "2.0.0", Arity: 3, Flags: ReadOnly | Fast, Categories: CatHash,
			Keys: Key(1, RO), Syntax: "key field",
			Summary: "Tells whether a field is there.", Complexity: "O(1)",
			Run: hexistsCommand,
		},
		{
			Name: "hlen", Group: Hashes, Since: "2.0.0", Arity: 2, Flags: ReadOnly | Fast, Categories: CatHash,
			Keys: Key(1, RO), Syntax: "key",
			Summary: "Tells how many fields a hash has.", Complexity: "O(1)",
			Run: hlenCommand,
		},
		{
			Name: "hkeys", Group: Hashes, Since: "2.0.0", Arity: 2, Flags: ReadOnly, Categories: CatHash, Tips: unordered,
			Keys: Key(1, RO|Access), Syntax: "key",
			Summary: "Returns the names of all fields.", Complexity: "O(n) in the fields",
			Run: hkeysCommand,
		},
		{
			Name: "hvals", Group: Hashes, Since: "2.0.0", Arity: 2, Flags: ReadOnly, Categories: CatHash, Tips: unordered,
			Keys: Key(1, RO|Access), Syntax: "key",
			Summary: "Returns the values of all fields.", Complexity: "O(n) in the fields",
			Run: hvalsCommand,
		},
		{
			Name: "hincrby", Group: Hashes, Since: "2.0.0", Arity: 4, Flags: Write | DenyOOM | Fast, Categories: CatHash,
			Keys: Key(1, RW|Access|Update), Syntax: "key field increment",
			Summary: "Adds to the integer in a field, which begins at 0.", Complexity: "O(1)",
			Run: hincrByCommand,
		},
		{
			Name: "hincrbyfloat", Group: Hashes, Since: "2.6.0", Arity: 4, Flags: Write | DenyOOM | Fast, Categories: CatHash,
			Keys: Key(1, RW|Access|Update), Syntax: "key field increment",
			Summary: "Adds to the number in a field, which begins at 0.", Complexity: "O(1)",
			Run: hincrByFloatCommand,
		},
		{
			Name: "hstrlen", Group: Hashes, Since: "3.2.0", Arity: 3, Flags: ReadOnly | Fast, Categories: CatHash,
			Keys: Key(1, RO), Syntax: "key field",
			Summary: "Tells the length of a field's value.", Complexity: "O(1)",
			Run: hstrlenCommand,
		},
		{
			Name: "hrandfield", Group: Hashes, Since: "6.2.0", Arity: -2, Flags: ReadOnly, Categories: CatHash,
			Tips: []string{"nondeterministic_output"},
			Keys: Key(1, RO|Access), Syntax: "key [count [WITHVALUES]]",
			Summary: "Returns fields at random.", Complexity: "O(n) in the fields returned",
			Run: hrandfieldCommand,
		},
		{
			Name: "hscan", Group: Hashes, Since: "2.8.0", Arity: -3, Flags: ReadOnly, Categories: CatHash,
			Tips: []string{"nondeterministic_output"},
			Keys: Key(1, RO|Access), Syntax: "key cursor [MATCH pattern] [COUNT count] [NOVALUES]",
			Summary: "Goes through the fields of a hash in small steps.", Complexity: "O(n) in COUNT a call",
			Run: hscanCommand,
		},
	}
}

func hashType() kv.Type {
	return kv.Type{
		Kind:   kv.Hash,
		Name:   "hash",
		Decode: func(b []byte) (kv.Value, error) { return hashes.Decode(b) },
		FromParts: func(head []byte, next func() (uint64, []byte, bool, error)) (kv.Value, error) {
			return hashes.FromParts(head, next)
		},
		Unpack:    func(b []byte) kv.Value { return hashes.Unpack(b) },
		Clone:     func(v kv.Value) kv.Value { return v.(*hashes.Hash).Clone() },
		Encoding:  func(v kv.Value) string { return v.(*hashes.Hash).Encoding() },
		Elements:  func(v kv.Value) iter.Seq[[]byte] { return hashElements(v.(*hashes.Hash)) },
		Timed:     func(v kv.Value) iter.Seq2[[]byte, int64] { return timedElements(v.(*hashes.Hash)) },
		Survey:    hashes.Survey,
		Walk:      hashes.Walk,
		Assembly:  hashes.Assembly(),
		Checker:   checker(hashes.Check),
		Remake:    remakeHash,
		Rewritten: rewrittenHash(),
	}
}

func hashElements(h *hashes.Hash) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		h.Each(func(field, value []byte, _ int64) bool { return yield(field) && yield(value) })
	}
}

// timedElements has a field's deadline beside the field.
func timedElements(h *hashes.Hash) iter.Seq2[[]byte, int64] {
	return func(yield func([]byte, int64) bool) {
		h.Each(func(field, value []byte, deadline int64) bool {
			return yield(field, deadline) && yield(value, expiry.None)
		})
	}
}

// HSET key field value [field value ...]
func hsetCommand(c *Call) {
	if added, ok := c.setFields(); ok {
		c.Reply.Int(int64(added))
	}
}

// HMSET key field value [field value ...]
func hmsetCommand(c *Call) {
	if _, ok := c.setFields(); ok {
		c.Reply.OK()
	}
}

// setFields sets the fields behind the key, and returns how many are new.
func (c *Call) setFields() (added int, ok bool) {
	key, pairs := c.Args[1], c.Args[2:]
	if len(pairs)%2 != 0 {
		c.Reply.Error(resp.ErrArity(c.Cmd.FullName()))
		return 0, false
	}
	h, ok := c.editHash(key)
	if !ok {
		return 0, false
	}
	f := c.fill(key, h, pairs...)
	for i := 0; i < len(pairs); i += 2 {
		if f.set(pairs[i], pairs[i+1]) {
			added++
		}
	}
	f.done()
	c.hashChanged("hset", key, len(pairs)/2)
	return added, true
}

// HSETNX key field value
func hsetnxCommand(c *Call) {
	key, field, value := c.Args[1], c.Args[2], c.Args[3]
	h, ok := c.editHash(key)
	if !ok {
		return
	}
	if h != nil {
		if _, there := h.Get(field); there {
			c.Reply.Int(0)
			return
		}
	}
	f := c.fill(key, h, field, value)
	f.set(field, value)
	f.done()
	c.hashChanged("hset", key, 1)
	c.Reply.Int(1)
}

// HGET key field
func hgetCommand(c *Call) {
	h, ok := c.hash(c.Args[1])
	if !ok {
		return
	}
	c.replyField(h, c.Args[2])
}

// replyField replies a field's value, or null.
func (c *Call) replyField(h *hashes.Hash, field []byte) {
	if h != nil {
		if value, there := h.Get(field); there {
			c.Reply.Bulk(value)
			return
		}
	}
	c.Reply.Null()
}

// HMGET key field [field ...]
func hmgetCommand(c *Call) {
	h, ok := c.hash(c.Args[1])
	if !ok {
		return
	}
	c.Reply.Array(len(c.Args) - 2)
	for _, field := range c.Args[2:] {
		c.replyField(h, field)
	}
}

// HGETALL key
func hgetallCommand(c *Call) {
	h, ok := c.hash(c.Args[1])
	switch {
	case !ok:
		return
	case h == nil:
		c.Reply.Map(0)
		return
	}
	c.Reply.Map(h.Len())
	for field, value := range h.All() {
		c.Reply.Bulk(field)
		c.Reply.Bulk(value)
	}
}

// HKEYS key
func hkeysCommand(c *Call) { c.replyColumn(func(field, _ []byte) []byte { return field }) }

// HVALS key
func hvalsCommand(c *Call) { c.replyColumn(func(_, value []byte) []byte { return value }) }

func (c *Call) replyColumn(of func(field, value []byte) []byte) {
	h, ok := c.hash(c.Args[1])
	switch {
	case !ok:
		return
	case h == nil:
		c.Reply.Array(0)
		return
	}
	c.Reply.Array(h.Len())
	for field, value := range h.All() {
		c.Reply.Bulk(of(field, value))
	}
}

// HDEL key field [field ...]
func hdelCommand(c *Call) {
	key := c.Args[1]
	h, ok := c.editHash(key)
	switch {
	case !ok:
		return
	case h == nil:
		c.Reply.Int(0)
		return
	}
	deleted := 0
	for _, field := range c.Args[2:] {
		if h.Delete(field) {
			deleted++
		}
	}
	if deleted > 0 {
		c.hashChanged("hdel", key, deleted)
		c.dropEmptyHash(key, h)
	}
	c.Reply.Int(int64(deleted))
}

// HEXISTS key field
func hexistsCommand(c *Call) {
	h, ok := c.hash(c.Args[1])
	if !ok {
		return
	}
	there := false
	if h != nil {
		_, there = h.Get(c.Args[2])
	}
	c.replyIf(there)
}

func (c *Call) replyIf(yes bool) {
	if yes {
		c.Reply.Int(1)
	} else {
		c.Reply.Int(0)
	}
}

// HLEN key
func hlenCommand(c *Call) {
	if h, ok := c.hash(c.Args[1]); ok && h != nil {
		c.Reply.Int(int64(h.Len()))
	} else if ok {
		c.Reply.Int(0)
	}
}

// HSTRLEN key field
func hstrlenCommand(c *Call) {
	h, ok := c.hash(c.Args[1])
	if !ok {
		return
	}
	var value []byte
	if h != nil {
		value, _ = h.Get(c.Args[2])
	}
	c.Reply.Int(int64(len(value)))
}

// hash is the hash under the key, to be read; nil when the key is missing. Where the key holds something else, the reply
// says so and ok is false.
func (c *Call) hash(key []byte) (h *hashes.Hash, ok bool) {
	e, there := c.DB.Get(key)
	switch {
	case !there:
		return nil, true
	case e.Kind() != kv.Hash:
		c.Reply.Error(resp.ErrWrongType)
		return nil, false
	}
	return e.Value().(*hashes.Hash), true
}

// editHash is hash for a change. The usual case, a hash that is there, costs one lookup.
func (c *Call) editHash(key []byte) (h *hashes.Hash, ok bool) {
	v, _ := c.DB.Edit(key)
	if h, ok := v.(*hashes.Hash); ok {
		return h, true
	}
	if _, there := c.DB.Peek(key); there {
		c.Reply.Error(resp.ErrWrongType)
		return nil, false
	}
	return nil, true
}

// filling is a hash that fields are being set in.
type filling struct {
	*hashes.Hash
	c       *Call
	key     []byte
	missing bool
	most    int64 // fields of a small hash
}

// fill begins to set fields in a hash, the one under the key or, where that is nil, a new one. words are the fields and
// values to be set: one that is too long for a small hash makes it large first.
func (c *Call) fill(key []byte, h *hashes.Hash, words ...[]byte) filling {
	s := c.directives()
	f := filling{Hash: h, c: c, key: key, missing: h == nil, most: min(s.hashEntries.Load(), hashes.SmallMax)}
	if f.missing {
		f.Hash = hashes.New()
	}
	if f.Large() {
		return f
	}
	longest := s.hashValue.Load()
	for _, b := range words {
		if int64(len(b)) > longest {
			f.Enlarge(c.seed())
			break
		}
	}
	return f
}

// set sets a field, and reports whether it is new. Its deadline goes.
func (f *filling) set(field, value []byte) (added bool) {
	f.makeRoom(field)
	return f.Set(field, value)
}

// setKeeping is set that leaves the field its deadline.
func (f *filling) setKeeping(field, value []byte) (added bool) {
	f.makeRoom(field)
	return f.SetKeeping(field, value)
}

// makeRoom makes a hash large that another field would make too big to be small.
func (f *filling) makeRoom(field []byte) {
	if f.Large() || int64(f.Len()) < f.most {
		return
	}
	if _, there := f.Get(field); !there {
		f.Enlarge(f.c.seed())
	}
}

// done puts a new hash under its key. What changed is the caller's to say.
func (f *filling) done() {
	if f.missing {
		f.c.DB.SetValue(f.key, kv.Hash, f.Hash, expiry.None)
	}
}

// seed is one for a dict.
func (w *World) seed() (s dict.Seed) {
	for i := range s {
		s[i] = byte(w.Rand.Uint32())
	}
	return s
}

// hashChanged says that a key changed in n fields. That many changes count, as in Redis.
func (c *Call) hashChanged(event string, key []byte, n int) {
	c.Changed(EventHash, event, key)
	c.Changes += n - 1
}

// dropEmptyHash deletes the key if its hash has no fields left.
func (c *Call) dropEmptyHash(key []byte, h *hashes.Hash) {
	if h.Len() == 0 {
		c.DB.Delete(key)
		c.Notify(c.Client.DB, EventGeneric, "del", key)
	}
}
