package commands

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"holdfast/config"
	"holdfast/kv"
	"holdfast/resp"
)

// stage plays the engine to the handlers: it looks commands up, deletes what is due among their keys, queues within
// MULTI, keeps what would be logged, and runs blocked calls again. It has no lock, no file and no socket, and its
// clock stands still.
//
//	s := newStage(t)
//	s.expect("RPUSH l a b", ":2")     a command line as typed into a socket, and the reply with blanks for line ends
//	s.expectLog("RPUSH l a b")        what has been logged since it was last asked for
//	s.expectEvents("l rpush 0 l")     likewise the keyspace events: class, event, database, key
//
// Two things every test with a stage checks without saying so: a command that changed a key was logged, and the log,
// replayed into an empty world, gives the same keys (at the end of the test).
type stage struct {
	t     *testing.T
	world *World
	now   int64   // unix ms
	user  *Client // who says what do is given

	call    *Call      // the last outermost call, as its handler left it
	changes int        // that it made, nested calls included
	record  []Effect   // what the call under way has to log
	log     [][]Effect // a record for every call that changed something
	heard   int        // records that takeLog has told
	events  []string
	waiting []*Client // blocked, in the order of coming
	clients int64
}

// beginning is when a stage's clock starts.
const beginning = 1_700_000_000_000

// newStage sets a stage with the default configuration, 16 databases and one client.
func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, now: beginning}
	s.world = &World{
		Keys:      kv.New(16, Types()),
		Config:    config.New(),
		Table:     NewTable(),
		Rand:      rand.New(rand.NewPCG(1, 2)),
		ExpireKey: s.expireKey,
		LapseKey:  s.lapseKey,
		RemoveKey: s.removeKey,
		Events: func(class byte, event string, db int, key []byte) {
			s.events = append(s.events, fmt.Sprintf("%c %s %d %s", class, event, db, key))
		},
		Run: s.nested,
	}
	s.world.Users = NewUsers(s.world.Table, s.world.Config)
	s.world.Keys.SetClock(s.now)
	s.user = s.connect()
	t.Cleanup(s.checkReplay)
	return s
}

// connect makes another client; its peer is an *audience.
func (s *stage) connect() *Client {
	s.clients++
	return &Client{ID: s.clients, Proto: 2, User: s.world.Users.Default, Authenticated: true, Created: s.now, Peer: &audience{}}
}

// advance moves the clock.
func (s *stage) advance(ms int64) {
	s.now += ms
	s.world.Keys.SetClock(s.now)
}

// do runs a command line for the stage's own client and returns the reply with blanks for line ends: ":1",
// "*2 $1 a $1 b", "-ERR syntax error". It is empty when the command blocks.
func (s *stage) do(line string) string {
	s.t.Helper()
	return s.as(s.user, line)
}

// as is do for another client.
func (s *stage) as(c *Client, line string) string {
	s.t.Helper()
	args, err := resp.Parse([]byte(line+"\r\n"), nil)
	if err != nil || len(args) == 0 {
		s.t.Fatalf("not a command line: %q: %v", line, err)
	}
	return plain(s.raw(c, args))
}

// run is do for words that may hold anything.
func (s *stage) run(words ...string) string {
	s.t.Helper()
	args := make([][]byte, len(words))
	for i := range words {
		args[i] = []byte(words[i])
	}
	return plain(s.raw(s.user, args))
}

// plain is a reply with blanks for line ends.
func plain(reply []byte) string {
	return strings.TrimSuffix(strings.ReplaceAll(string(reply), "\r\n", " "), " ")
}

// raw runs a request to its reply and everything that follows from it.
func (s *stage) raw(c *Client, args [][]byte) []byte {
	s.t.Helper()
	var w resp.Writer
	w.SetProto(c.Proto)
	cmd := s.find(args)
	switch {
	case cmd == nil || !cmd.ArityOK(len(args)) || cmd.Run == nil:
		s.t.Fatalf("%q is no command, or has the wrong number of arguments", args)
	case c.Multi != nil && !cmd.RunsInMulti():
		c.Multi.Queue = append(c.Multi.Queue, Queued{Cmd: cmd, Args: clone(args)})
		return []byte("+QUEUED\r\n")
	}
	s.outermost(&Call{Reply: &w}, c, cmd, args)
	if wait := s.call.Wait; wait != nil {
		if wait.Args == nil {
			wait.Args = args
		}
		wait.Cmd, wait.Args, wait.Keys = cmd, clone(wait.Args), clone(wait.Keys)
		s.world.Waiters.Add(c, wait)
		s.waiting = append(s.waiting, c)
	} else if w.Len() == 0 {
		s.t.Errorf("%q gave no reply", args)
	}
	s.serve()
	return w.Bytes()
}

// find looks up the command of a request, or its subcommand.
func (s *stage) find(args [][]byte) *Command {
	cmd := s.world.Table.Lookup(args[0])
	if cmd != nil && len(cmd.Subs) > 0 && len(args) > 1 {
		return cmd.Sub(args[1])
	}
	return cmd
}

// outermost runs a call that stands alone, and keeps what it has to log as one record.
func (s *stage) outermost(call *Call, c *Client, cmd *Command, args [][]byte) {
	s.t.Helper()
	before := s.dump()
	s.call, s.changes = call, 0
	s.handle(call, c, cmd, args)
	if len(s.record) == 0 && !slices.Equal(before, s.dump()) {
		s.t.Errorf("%q changed the keyspace and did not say so:\nbefore %v\nafter  %v", args, before, s.dump())
	}
	if len(s.record) > 0 {
		s.log = append(s.log, s.record)
		s.record = nil
	}
}

// handle deletes what is due, calls the handler and gathers its effects.
func (s *stage) handle(call *Call, c *Client, cmd *Command, args [][]byte) {
	db := c.DB
	cmd.EachKey(args, func(i int, _ KeyFlags) {
		e, ok := s.world.Keys.DB(c.DB).Peek(args[i])
		switch {
		case !ok:
		case due(e, s.now):
			s.expireKey(c.DB, args[i])
		case lapsed(e, s.now):
			s.lapseKey(c.DB, args[i], s.now)
		}
	})
	call.World, call.Cmd, call.Args, call.Now, call.Client, call.DB = s.world, cmd, args, s.now, c, s.world.Keys.DB(db)
	cmd.Run(call)
	s.world.Keys.Settle()
	s.changes += call.Changes
	switch {
	case call.Changes == 0:
	case len(call.Effects) == 0:
		s.record = append(s.record, Effect{db, clone(args)})
	default:
		for _, e := range call.Effects {
			s.record = append(s.record, Effect{e.DB, clone(e.Args)})
		}
	}
}

// nested is World.Run.
func (s *stage) nested(outer *Call, cmd *Command, args [][]byte) {
	s.handle(&Call{Nested: true, Reply: outer.Reply}, outer.Client, cmd, args)
}

// expireKey is World.ExpireKey.
func (s *stage) expireKey(db int, key []byte) {
	s.record = append(s.record, Effect{db, clone([][]byte{word("DEL"), key})})
	s.world.Touch(db, key)
	s.world.Events(EventExpired, "expired", db, key)
	s.world.Keys.DB(db).Delete(key)
}

// removeKey is World.RemoveKey.
func (s *stage) removeKey(db int, key []byte) {
	s.record = append(s.record, Effect{db, clone([][]byte{word("DEL"), key})})
	s.world.Touch(db, key)
	s.world.Events(EventGeneric, "del", db, key)
	s.world.Keys.DB(db).Delete(key)
}

// lapseKey is World.LapseKey.
func (s *stage) lapseKey(db int, key []byte, now int64) {
	const atOnce = 2 // so that a test meets with more than that
	for effect := s.world.Lapse(db, key, now, atOnce); effect != nil; effect = s.world.Lapse(db, key, now, atOnce) {
		s.record = append(s.record, Effect{db, clone(effect)})
	}
}

// serve runs blocked calls again for keys that changed.
func (s *stage) serve() {
	s.t.Helper()
	for {
		db, key, queue, ok := s.world.Waiters.Next()
		if !ok {
			return
		}
		for _, c := range queue {
			if c.Blocked != nil && c.Blocked.DB == db {
				s.retry(c, key)
			}
		}
	}
}

func (s *stage) retry(c *Client, key []byte) {
	s.t.Helper()
	wait, current, last, changes := c.Blocked, c.DB, s.call, s.changes
	var w resp.Writer
	w.SetProto(c.Proto)
	c.DB = wait.DB
	s.outermost(&Call{Reply: &w, Ready: key}, c, wait.Cmd, wait.Args)
	c.DB = current
	s.call, s.changes = last, changes
	if w.Len() > 0 {
		s.release(c, w.Take())
	}
}

// release ends a client's wait with a reply.
func (s *stage) release(c *Client, reply []byte) {
	s.world.Waiters.Remove(c)
	s.waiting = slices.DeleteFunc(s.waiting, func(o *Client) bool { return o == c })
	c.Peer.Deliver(reply, 0)
	c.Peer.Resume()
}

// timeOut ends the waits whose deadline has come.
func (s *stage) timeOut() {
	for _, c := range slices.Clone(s.waiting) {
		if at := c.Blocked.Deadline; at != 0 && at <= s.now {
			var w resp.Writer
			w.SetProto(c.Proto)
			c.Blocked.Timeout(&w)
			s.release(c, w.Take())
		}
	}
}

// clone copies arguments, as they are good only during a call.
func clone(args [][]byte) [][]byte {
	own := make([][]byte, len(args))
	for i := range args {
		own[i] = slices.Clone(args[i])
	}
	return own
}

// audience is a client's other end: it remembers what it was told.
type audience struct {
	replies []byte
	resumed int
	killed  bool
}

func (a *audience) Deliver(reply []byte, _ uint64) { a.replies = append(a.replies, reply...) }
func (a *audience) Resume()                        { a.resumed++ }
func (a *audience) Kill(bool)                      { a.killed = true }
func (a *audience) Buffers() (in, out int)         { return 0, len(a.replies) }
func (a *audience) FD() int                        { return 8 }
func (a *audience) Collect(*resp.Writer) uint64    { return 0 }

// delivered takes what a client that waited was told since.
func delivered(c *Client) string {
	a := c.Peer.(*audience)
	reply := plain(a.replies)
	a.replies = nil
	return reply
}

// expect runs a command line and compares the reply.
func (s *stage) expect(line, reply string) {
	s.t.Helper()
	if got := s.do(line); got != reply {
		s.t.Errorf("%s\nreplied %s\nwanted  %s", line, got, reply)
	}
}

// step is a row of a specification: a command line and its reply, as do gives it.
type step struct{ line, reply string }

// expectAll runs the steps in order.
func (s *stage) expectAll(steps []step) {
	s.t.Helper()
	for _, x := range steps {
		s.expect(x.line, x.reply)
	}
}

// expectLog compares the records since the last call: a string each, its commands joined by " ; ", with the
// database in front where it is not 0, as in "2> SET k v".
func (s *stage) expectLog(records ...string) {
	s.t.Helper()
	if got := s.takeLog(); !slices.Equal(got, records) {
		s.t.Errorf("logged %q\nwanted %q", got, records)
	}
}

// takeLog returns the records since the last call.
func (s *stage) takeLog() []string {
	var told []string
	for _, record := range s.log[s.heard:] {
		var lines []string
		for _, e := range record {
			line := string(join(e.Args))
			if e.DB != 0 {
				line = strconv.Itoa(e.DB) + "> " + line
			}
			lines = append(lines, line)
		}
		told = append(told, strings.Join(lines, " ; "))
	}
	s.heard = len(s.log)
	return told
}

func join(args [][]byte) []byte {
	var line []byte
	for i, a := range args {
		if i > 0 {
			line = append(line, ' ')
		}
		line = append(line, a...)
	}
	return line
}

// expectEvents compares the keyspace events since the last call.
func (s *stage) expectEvents(events ...string) {
	s.t.Helper()
	if !slices.Equal(s.events, events) {
		s.t.Errorf("events %q\nwanted %q", s.events, events)
	}
	s.events = nil
}

// expectChanges compares how many changes the last command of do counted.
func (s *stage) expectChanges(n int) {
	s.t.Helper()
	if s.changes != n {
		s.t.Errorf("%q counted %d changes, wanted %d", s.call.Args, s.changes, n)
	}
}

// dump is every key of every database, with kind, deadline and value, in order.
func (s *stage) dump() []string { return dump(s.world.Keys) }

func dump(keys *kv.Keyspace) []string {
	var all []string
	for i := range keys.Databases() {
		keys.DB(i).Each(func(e kv.Entry) bool {
			value := e.Text
			if e.Kind() != kv.String {
				value = func() []byte { return stored(e.Value()) }
			}
			all = append(all, fmt.Sprintf("db%d %q kind %d deadline %d: %q", i, e.Key(), e.Kind(), e.Deadline(), value()))
			return true
		})
	}
	slices.Sort(all)
	return all
}

// stored is a collection's stored form, which must come out the same when the log is replayed; or, of one in no order,
// which may lie in another when replayed, its pieces.
func stored(v kv.Value) []byte {
	g, ok := v.(gathering)
	if !ok {
		return v.AppendBinary(nil)
	}
	var all []string
	for pieces := range g.Pieces() {
		all = append(all, fmt.Sprintf("%q", pieces))
	}
	slices.Sort(all)
	return []byte(strings.Join(all, " "))
}

// checkReplay runs the whole log on an empty world, as a start does, and compares the keys.
func (s *stage) checkReplay() {
	world := &World{
		Keys: kv.New(s.world.Keys.Databases(), Types()), Config: s.world.Config, Table: s.world.Table,
		Rand: rand.New(rand.NewPCG(3, 4)), // not the stage's: what hangs on chance must not come out the same by chance
	}
	client := &Client{Authenticated: true, DenyBlocking: true, Proto: 2, Peer: &audience{}}
	for _, record := range s.log {
		for _, e := range record {
			client.DB = e.DB
			s.redo(world, client, e.Args)
		}
	}
	if want, got := s.dump(), dump(world.Keys); !slices.Equal(want, got) {
		s.t.Errorf("the replayed log gives other keys\nwanted %q\ngot    %q", want, got)
	}
}

func (s *stage) redo(world *World, client *Client, args [][]byte) {
	var w resp.Writer
	cmd := s.find(args)
	if cmd == nil {
		s.t.Errorf("the log holds %q, which is no command", args)
		return
	}
	cmd.Run(&Call{
		World: world, Cmd: cmd, Args: args, Client: client, DB: world.Keys.DB(client.DB), Reply: &w,
		Nested: true, Replaying: true,
	})
	world.Keys.Settle()
	if w.Len() > 0 && w.Bytes()[0] == '-' {
		s.t.Errorf("replaying %q replied %s", args, plain(w.Bytes()))
	}
}
