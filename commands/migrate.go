package commands

import (
	"bytes"
	"context"
	"errors"
	"time"

	"holdfast/expiry"
	"holdfast/kv"
	"holdfast/migrate"
	"holdfast/rdb"
	"holdfast/resp"
)

func migrateCommands() []*Command {
	const flags = RW | Access | Delete
	return []*Command{{
		Name: "migrate", Group: Generic, Since: "2.6.0", Arity: -6, Flags: Write | MovableKeys, Categories: CatKeyspace | CatDangerous,
		Tips: []string{"nondeterministic_output"},
		Keys: []KeySpec{
			{Flags: flags, Begin: 3, Step: 1, OrNext: true},
			{Flags: flags | Incomplete, Keyword: "KEYS", From: -2, Last: -1, Step: 1},
		},
		Syntax: `host port <key | ""> destination-db timeout [COPY] [REPLACE] [[AUTH password] | [AUTH2 username password]]` +
			` [KEYS key [key ...]]`,
		Summary:    "Moves keys to another server.",
		Complexity: "O(n) in the sizes of the values, beside everything else; only its own client waits for the network",
		Run:        migrateCommand,
	}}
}

// removal is a key under way: it goes when the other server has it, unless something happens to it meanwhile.
type removal struct {
	db       int
	key      []byte
	deadline int64 // unix ms; 0: none
	stream   bool
	payload  []byte // of a stream
	// watch sees what changes the key, as a transaction would. It shows no change of a stream's groups.
	watch Client
}

// MIGRATE host port <key | ""> destination-db timeout [COPY] [REPLACE] [AUTH password | AUTH2 username password] [KEYS key [key ...]]
//
// Redis holds up everybody while it talks to the other server. Here the values are encoded in the call; a goroutine sends
// them; and what the other server has taken is removed when its replies have come.
func migrateCommand(c *Call) {
	order, copies, names, ok := c.migrateArguments()
	if !ok {
		return
	}
	var removals []*removal
	for _, name := range names {
		e, found := c.DB.Get(name)
		if !found {
			continue
		}
		k := migrate.Key{Name: bytes.Clone(name), Payload: rdb.Encode(object(e))}
		if at := e.Deadline(); at != expiry.None {
			k.Deadline = at
		}
		order.Keys = append(order.Keys, k)
		if !copies {
			removals = append(removals, c.removal(k, e.Kind()))
		}
	}
	switch {
	case len(order.Keys) == 0:
		c.Reply.Status("NOKEY")
	case c.Nested || c.Client.DenyBlocking:
		c.forgetRemovals(removals)
		c.Reply.Error(resp.ErrMigrateNested)
	default:
		c.migrate(order, removals)
	}
}

// removal makes ready to remove a key later.
func (c *Call) removal(k migrate.Key, kind kv.Kind) *removal {
	r := &removal{db: c.Client.DB, key: k.Name, deadline: k.Deadline, stream: kind == kv.Stream}
	if r.stream {
		r.payload = k.Payload
	}
	c.Watches.Add(&r.watch, r.db, r.key, false)
	return r
}

func (c *Call) forgetRemovals(all []*removal) {
	for _, r := range all {
		c.Watches.Forget(&r.watch)
	}
}

// migrate sends the client's keys off, and lets it wait for the outcome.
func (c *Call) migrate(order migrate.Order, removals []*removal) {
	finish := c.later(0, nil)
	w, clock := c.World, c.Clock
	var taken []bool
	var err error
	stayed := 0
	c.Keeper.Aside(func(ctx context.Context) {
		taken, err = order.Run(ctx, func() int64 { return clock().UnixMilli() })
	}, func(now int64) {
		stayed = w.settleRemovals(removals, taken, now)
	}, func() {
		finish(func(reply *resp.Writer) { migrateReply(reply, err, stayed) })
	})
}

// settleRemovals deletes the keys that another server has taken, and returns how many it must not delete, as they have changed.
func (w *World) settleRemovals(removals []*removal, taken []bool, now int64) (stayed int) {
	var gone []*removal
	for i, r := range removals {
		switch {
		case !taken[i]:
		case w.unchanged(r, now):
			gone = append(gone, r)
		default:
			stayed++
		}
	}
	for _, r := range removals {
		w.Watches.Forget(&r.watch)
	}
	for _, r := range gone {
		if _, found := w.Keys.DB(r.db).Peek(r.key); found { // it may have been named twice
			w.RemoveKey(r.db, r.key)
		}
	}
	return stayed
}

// unchanged reports whether a key is as it was sent. One that has expired since has expired there too, unless there is another
// in its place.
func (w *World) unchanged(r *removal, now int64) bool {
	e, found := w.Keys.DB(r.db).Peek(r.key)
	if expired := r.deadline != 0 && r.deadline <= now; expired && (!found || due(e, now)) {
		return true
	}
	if !found || r.watch.Dirty || lapsed(e, now) {
		return false
	}
	return !r.stream || bytes.Equal(r.payload, rdb.Encode(object(e)))
}

func migrateReply(w *resp.Writer, err error, stayed int) {
	var refusal migrate.Refusal
	switch {
	case errors.As(err, &refusal):
		w.Error(resp.ErrMigrateTarget(string(refusal)))
	case errors.Is(err, migrate.ErrConnect):
		w.Error(resp.ErrMigrateConnect)
	case errors.Is(err, migrate.ErrWrite):
		w.Error(resp.ErrMigrateWrite)
	case err != nil:
		w.Error(resp.ErrMigrateRead)
	case stayed > 0:
		w.Error(resp.ErrMigrateStayed)
	default:
		w.OK()
	}
}

// migrateTimeout is what a timeout of 0 and less means.
const migrateTimeout = time.Second

// migrateNames is where the names behind KEYS begin, which count where the key is empty; 0: there are none.
func migrateNames(args [][]byte) int {
	if len(args) < 4 || len(args[3]) > 0 {
		return 0
	}
	for i := 6; i+1 < len(args); i++ {
		switch {
		case equalFold(args[i], "AUTH"):
			i++
		case equalFold(args[i], "AUTH2"):
			i += 2
		case equalFold(args[i], "KEYS"):
			return i + 1
		}
	}
	return 0
}

// eachMigrateName calls fn with the index of each of those names, and reports whether there are any.
func eachMigrateName(args [][]byte, fn func(i int)) bool {
	from := migrateNames(args)
	if from == 0 {
		return false
	}
	for i := from; i < len(args); i++ {
		fn(i)
	}
	return true
}

func (c *Call) migrateArguments() (o migrate.Order, copies bool, names [][]byte, ok bool) {
	names = c.Args[3:4]
	for i := 6; i < len(c.Args); i++ {
		left := len(c.Args) - i - 1
		switch {
		case c.is(i, "COPY"):
			copies = true
		case c.is(i, "REPLACE"):
			o.Replace = true
		case c.is(i, "AUTH") && left >= 1:
			o.Login = clones(word("AUTH"), c.Args[i+1])
			i++
		case c.is(i, "AUTH2") && left >= 2:
			o.Login = clones(word("AUTH"), c.Args[i+1], c.Args[i+2])
			i += 2
		case c.is(i, "KEYS"):
			if len(c.Args[3]) > 0 {
				c.Reply.Error(resp.ErrMigrateKeyAndKeys)
				return o, copies, nil, false
			}
			names = c.Args[i+1:]
			i = len(c.Args)
		default:
			c.Reply.Error(resp.ErrSyntax)
			return o, copies, nil, false
		}
	}
	ms, ok := c.int(5)
	if !ok {
		return o, copies, nil, false
	}
	if o.DB, ok = c.int(4); !ok {
		return o, copies, nil, false
	}
	o.Host, o.Port, o.Timeout = string(c.Args[1]), string(c.Args[2]), migrateTimeout
	if _, numeric := ParseInt(c.Args[2]); !numeric {
		o.Port = "0" // as Redis reads it; nobody listens there
	}
	if ms > 0 {
		const most = int64(24 * time.Hour / time.Millisecond)
		o.Timeout = time.Duration(min(ms, most)) * time.Millisecond
	}
	return o, copies, names, true
}

func clones(args ...[]byte) [][]byte {
	for i := range args {
		args[i] = bytes.Clone(args[i])
	}
	return args
}
