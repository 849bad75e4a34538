package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"holdfast/aof"
	"holdfast/commands"
	"holdfast/config"
	"holdfast/engine"
	"holdfast/internal/vfs"
	"holdfast/resp"
)

// The tests of this package see the engine from outside: Open, Run, Commit, Passed, Checkpoint, Close. A rig is one
// run of it, with what the server would be to it: a client, its peer, and the gate.
//
//	r := open(t, setup{})                 an engine on a new directory, `always`, the clock standing still
//	r.expect("SET k v", ":1")             a command line, committed; the reply with blanks for line ends
//	r.checkpoint()                        begun and waited for
//	r.close(false)
//
// A rig of which the session is followed (see history) also knows what the keyspace must be.

// patience bounds the wait for something that another goroutine does. It decides nothing but how a failure looks.
const patience = 20 * time.Second

// beginning is when the clocks of the rigs start, in unix ms.
const beginning = 1_700_000_000_000

// handClock stands still until it is moved.
type handClock struct{ ms atomic.Int64 }

func newClock() *handClock {
	c := new(handClock)
	c.ms.Store(beginning)
	return c
}

func (c *handClock) now() time.Time   { return time.UnixMilli(c.ms.Load()) }
func (c *handClock) advance(ms int64) { c.ms.Add(ms) }

// setup says how a rig is built. The zero setup is complete.
type setup struct {
	fs       vfs.FS         // nil: a Faulty one over the directory's parent, which only pretends to sync and so is quick
	dir      string         // "": a new one
	clock    *handClock     // nil: a new one
	settings []string       // name, value, … beside the usual ones
	serving  chan struct{}  // closed when there is time for what can wait, as to make a segment ahead; nil: from the start on there is
	record   int            // the most bytes of a record; 0: as many as the log takes
	stop     func(bool)     // what SHUTDOWN calls; nil: it is not to come
	config   *config.Config // what the settings were made into, once the rig is open
	ending   func()         // what the end of the process takes, when the engine has called for it; nil: nothing
}

// usual are the settings of a rig: segments as small as the configuration allows, and nothing that happens by itself.
var usual = []string{
	"appendfsync", "always", "save", "", "segment-bytes", "1mb", "databases", "4", "enable-debug-command", "yes",
}

func settings(t testing.TB, more []string) *config.Config {
	t.Helper()
	c := config.New()
	all := append(append([]string(nil), usual...), more...)
	for i := 0; i < len(all); i += 2 {
		if err := c.Set(config.Flag, all[i], all[i+1]); err != nil {
			t.Fatalf("setting %s: %v", all[i], err)
		}
	}
	return c
}

// rig is a running engine and its first client.
type rig struct {
	t      testing.TB
	setup  setup
	engine *engine.Engine
	user   *client
	all    []*client
	events []string // keyspace events, "event database/key"; guarded by the engine's lock
	closed bool

	mu    sync.Mutex // guards what follows
	fatal []error    // what Options.Fatal was called with
	told  []error    // every error that anybody was told of
	lines []string   // of the log
}

// open starts an engine, which must succeed, and closes it at the end of the test if nobody has.
func open(t testing.TB, s setup) *rig {
	t.Helper()
	r, err := tryOpen(t, s)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return r
}

// tryOpen starts an engine. On an error the rig is there for what was told, without an engine.
func tryOpen(t testing.TB, s setup) (*rig, error) {
	t.Helper()
	if s.dir == "" {
		s.dir = filepath.Join(t.TempDir(), "data")
	}
	if s.fs == nil {
		s.fs = vfs.NewFaulty(filepath.Dir(s.dir), 1)
	}
	if s.clock == nil {
		s.clock = newClock()
	}
	s.config = settings(t, s.settings)
	if s.stop == nil {
		s.stop = func(bool) { t.Error("Stop was called") }
	}
	r := &rig{t: t, setup: s}
	e, err := engine.Open(engine.Options{
		FS: s.fs, Dir: s.dir, Config: s.config, Clock: s.clock.now, Seed: 1, Log: slog.New(ledger{r}),
		Fatal: func(err error) {
			if s.ending != nil {
				s.ending()
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			r.fatal = append(r.fatal, err)
			r.told = append(r.told, err)
		},
		Stop: s.stop, Serving: s.serving, RecordBytes: s.record,
		Events: func(_ byte, event string, db int, key []byte) { // under the lock, as is who reads them
			r.events = append(r.events, fmt.Sprintf("%s %d/%s", event, db, key))
		},
	})
	if err != nil {
		r.note(err)
		return r, err
	}
	r.engine = e
	e.Do(func() { e.World().Clients = r })
	r.user = r.connect()
	t.Cleanup(func() {
		if !r.closed {
			r.close(false)
		}
	})
	return r, nil
}

// again starts another engine on the same directory, with other settings if given.
func (r *rig) again(more ...string) *rig {
	r.t.Helper()
	s := r.setup
	if len(more) > 0 {
		s.settings = more
	}
	return open(r.t, s)
}

// close closes the engine; the error counts as told.
func (r *rig) close(checkpoint bool) error {
	r.closed = true
	return r.note(r.engine.Close(checkpoint))
}

// mustClose closes the engine in good order.
func (r *rig) mustClose(checkpoint bool) {
	r.t.Helper()
	if err := r.close(checkpoint); err != nil {
		r.t.Fatalf("Close: %v", err)
	}
}

func (r *rig) note(err error) error {
	if err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.told = append(r.told, err)
	}
	return err
}

// dead is why the engine said that the process must end, nil while it has not.
func (r *rig) dead() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(r.fatal...)
}

// wasTold reports whether the error, or its text as a reply, has reached anybody.
func (r *rig) wasTold(err error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, told := range r.told {
		if errors.Is(told, err) || strings.Contains(told.Error(), err.Error()) {
			return true
		}
	}
	return false
}

// toldOf counts the lines of the log that have a text in them.
func (r *rig) toldOf(text string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, line := range r.lines {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

// ledger is a log handler that keeps the lines and errors that are logged.
type ledger struct{ r *rig }

func (ledger) Enabled(context.Context, slog.Level) bool { return true }
func (l ledger) WithAttrs([]slog.Attr) slog.Handler     { return l }
func (l ledger) WithGroup(string) slog.Handler          { return l }
func (l ledger) Handle(_ context.Context, record slog.Record) error {
	record.Attrs(func(a slog.Attr) bool {
		if err, ok := a.Value.Any().(error); ok {
			l.r.note(err)
		}
		return true
	})
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	l.r.lines = append(l.r.lines, record.Message)
	return nil
}

// client is a connection without a socket.
type client struct {
	commands.Client
	mail chan letter // what came for it later: room for more than any test sends
}

// letter is a reply that came after its request had made the client wait.
type letter struct {
	reply string
	gate  uint64
}

func (c *client) Deliver(reply []byte, gate uint64) { c.mail <- letter{plain(reply), gate} }
func (c *client) Resume()                           {}
func (c *client) Kill(bool)                         {}
func (c *client) Buffers() (in, out int)            { return 0, 0 }
func (c *client) FD() int                           { return 0 }
func (c *client) Collect(*resp.Writer) uint64       { return 0 }

func (r *rig) connect() *client {
	c := &client{mail: make(chan letter, 100)}
	c.Client = commands.Client{ID: int64(len(r.all) + 1), Proto: 2, Authenticated: true, Peer: c}
	r.all = append(r.all, c)
	return c
}

// Each, ByID, Figures and ResetStats are commands.Clients.
func (r *rig) Each(fn func(*commands.Client) bool) {
	for _, c := range r.all {
		if !fn(&c.Client) {
			return
		}
	}
}

func (r *rig) ByID(id int64) *commands.Client {
	if id < 1 || id > int64(len(r.all)) {
		return nil
	}
	return &r.all[id-1].Client
}

func (r *rig) Figures() commands.ClientFigures { return commands.ClientFigures{} }
func (r *rig) ResetStats()                     {}

// plain is a reply with blanks for line ends.
func plain(reply []byte) string {
	return strings.TrimSuffix(strings.ReplaceAll(string(reply), "\r\n", " "), " ")
}

// words splits a command line at its blanks.
func words(line string) [][]byte { return bytes.Fields([]byte(line)) }

// run executes requests as one batch without a commit, and returns their replies and their gate.
func (r *rig) run(c *client, requests ...[][]byte) (replies []byte, gate uint64) {
	r.t.Helper()
	var w resp.Writer
	w.SetProto(c.Proto)
	done, gate := r.engine.Run(&c.Client, &w, requests)
	if done != len(requests) && c.Blocked == nil {
		r.t.Fatalf("%d of %d requests were taken", done, len(requests))
	}
	return w.Take(), gate
}

// as executes a command line for a client, commits, and returns the reply: "" when the client is to wait.
func (r *rig) as(c *client, line string) string {
	r.t.Helper()
	reply, _ := r.send(c, words(line))
	return reply
}

// do is as for the rig's own client.
func (r *rig) do(line string) string {
	r.t.Helper()
	return r.as(r.user, line)
}

// send executes one request and commits. left says that the reply may leave: what it tells is acknowledged.
func (r *rig) send(c *client, request [][]byte) (reply string, left bool) {
	r.t.Helper()
	replies, gate := r.run(c, request)
	left = r.commit(gate)
	if bytes.HasPrefix(replies, []byte("-")) {
		r.note(errors.New(plain(replies)))
	}
	return plain(replies), left
}

// commit makes what was logged durable, and reports whether replies with the gate may leave.
func (r *rig) commit(gate uint64) bool {
	r.t.Helper()
	err := r.note(r.engine.Commit())
	dead := r.dead() != nil // before it is asked what is passed: the failure may come in between
	passed := r.engine.Passed()
	if dead && passed != 0 {
		r.t.Errorf("the log has failed, and replies up to LSN %d may leave", passed)
	}
	full := errors.Is(err, aof.ErrFull) // which passes, and replies wait for that
	if !full && (err != nil || gate > passed) {
		r.until(fmt.Sprintf("the process to end: Commit says %v, of gate %d only %d is passed", err, gate, passed), func() bool {
			return r.dead() != nil // what has found the failure first is about to say it
		})
	}
	return err == nil && gate <= passed && !dead
}

// expect executes a command line and compares its reply.
func (r *rig) expect(line, want string) {
	r.t.Helper()
	if got := r.do(line); got != want {
		r.t.Fatalf("%s: reply %.200q, not %.200q", line, got, want)
	}
}

// await waits for the letter to a client that waits.
func (r *rig) await(c *client) letter {
	r.t.Helper()
	select {
	case l := <-c.mail:
		return l
	case <-time.After(patience):
		r.t.Fatal("no reply came")
		return letter{}
	}
}

// until waits until the condition holds.
func (r *rig) until(what string, holds func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("in vain waited for: %s", what)
		}
	}
}

// checkpoint writes a checkpoint, after the one that may be under way.
func (r *rig) checkpoint() error {
	r.t.Helper()
	done := make(chan error, 1)
	r.until("a checkpoint to begin", func() (begun bool) {
		r.engine.Do(func() { begun = r.engine.Checkpoint(func(err error) { done <- err }) })
		return begun
	})
	select {
	case err := <-done:
		return r.note(err)
	case <-time.After(patience):
		r.t.Fatal("the checkpoint does not end")
		return nil
	}
}

// info is a field of INFO.
func (r *rig) info(field string) string {
	r.t.Helper()
	for _, line := range strings.Split(string(bytes.ReplaceAll(r.raw("INFO everything"), []byte("\r"), nil)), "\n") {
		if name, value, ok := strings.Cut(line, ":"); ok && name == field {
			return value
		}
	}
	r.t.Fatalf("INFO has no field %s", field)
	return ""
}

func (r *rig) raw(line string) []byte {
	r.t.Helper()
	reply, _ := r.run(r.user, words(line))
	return reply
}

// turn asks for the log to be turned on or off; whoever asks may be made to wait until it is.
func (r *rig) turn(appendonly string, more ...string) (answer func() string) {
	r.t.Helper()
	request := words("CONFIG SET appendonly " + appendonly)
	for _, word := range more {
		request = append(request, []byte(word))
	}
	c := r.connect()
	reply, _ := r.send(c, request)
	return func() string {
		r.t.Helper()
		if reply == "" {
			r.until("the log to be turned "+appendonly, func() bool { return r.ended() || len(c.mail) > 0 })
			if !r.ended() {
				reply = r.await(c).reply
			}
		}
		r.until("the log to be turned "+appendonly, func() bool { return r.ended() || r.info("aof_rewrite_in_progress") == "0" })
		return reply
	}
}

// turned is turn, waited for.
func (r *rig) turned(appendonly string, more ...string) {
	r.t.Helper()
	if reply := r.turn(appendonly, more...)(); reply != "+OK" && !r.ended() {
		r.t.Fatalf("CONFIG SET appendonly %s %q: %q", appendonly, more, reply)
	}
}

// ended reports whether the process has had to end, or the power is off.
func (r *rig) ended() bool {
	faulty, ok := r.setup.fs.(*vfs.Faulty)
	return r.dead() != nil || ok && faulty.Crashed()
}

// dump is what a client can learn of the keyspace: "database/key = value @deadline", in order. The keys that are due are
// not in it. It asks for the keys given before it asks which there are.
func (r *rig) dump(first ...place) map[place]string {
	r.t.Helper()
	c := r.connect()
	all := map[place]string{}
	for _, at := range first {
		if text := r.look(c, at); text != "" {
			all[at] = text
		}
	}
	for db := range databases {
		var keys resp.Reply
		r.until(fmt.Sprintf("DBSIZE of database %d to be what KEYS says", db), func() bool { // what is due counts until it is deleted
			keys = r.ask(c, "SELECT", fmt.Sprint(db), "KEYS", "*")
			return r.dead() != nil || r.ask(c, "SELECT", fmt.Sprint(db), "DBSIZE").Int == int64(len(keys.Elems))
		})
		for _, key := range keys.Elems {
			at := place{db, string(key.Str)}
			text := r.look(c, at)
			if text == "" && len(r.ask(c, "SELECT", fmt.Sprint(db), "KEYS", at.key).Elems) == 0 {
				continue // a hash all of whose fields were due, until somebody looked
			}
			if before, asked := all[at]; asked && before != text || text == "" {
				r.t.Errorf("%v is %q, and was %q before", at, text, before)
			}
			all[at] = text
		}
	}
	for _, at := range first {
		if text := r.look(c, at); text != all[at] {
			r.t.Errorf("%v is %q, and was %q before", at, text, all[at])
		}
	}
	return all
}

// look describes a key, "" if it is not there.
func (r *rig) look(c *client, at place) string {
	r.t.Helper()
	db := fmt.Sprint(at.db)
	v := value{deadline: r.ask(c, "SELECT", db, "PEXPIRETIME", at.key).Int}
	switch kind := string(r.ask(c, "SELECT", db, "TYPE", at.key).Str); kind {
	case "none":
		return ""
	case "string":
		v.text = string(r.ask(c, "SELECT", db, "GET", at.key).Str)
	case "list":
		v.isList = true
		for _, e := range r.ask(c, "SELECT", db, "LRANGE", at.key, "0", "-1").Elems {
			v.list = append(v.list, string(e.Str))
		}
	case "hash":
		v.fields = r.lookHash(c, db, at.key)
	case "set":
		v.members = r.membersOf(c, db, at.key)
	case "zset":
		v.scores = r.zsetOf(c, db, at.key)
	case "stream":
		text := r.lookStream(c, db, at.key)
		if v.deadline > 0 {
			text += fmt.Sprint(" @", v.deadline)
		}
		return text
	default:
		r.t.Errorf("%v is a %s", at, kind)
	}
	v.deadline = max(v.deadline, 0) // -1: none
	return v.String()
}

// ask selects a database, executes a command and decodes its reply.
func (r *rig) ask(c *client, selecting, db string, args ...string) resp.Reply {
	r.t.Helper()
	command := make([][]byte, len(args))
	for i := range args {
		command[i] = []byte(args[i])
	}
	replies, _ := r.run(c, [][]byte{[]byte(selecting), []byte(db)}, command)
	decoder := resp.NewDecoder(bytes.NewReader(replies))
	for range 2 {
		reply, err := decoder.Decode()
		if err == nil {
			err = reply.Err()
		}
		if err != nil {
			r.t.Fatalf("%q in database %s: %v", args, db, err)
		}
		if decoder.Buffered() == 0 {
			return reply
		}
	}
	r.t.Fatalf("%q: too many replies", args)
	return resp.Reply{}
}
