package engine

import (
	"iter"
	"slices"
	"sync/atomic"
	"time"

	"holdfast/commands"
	"holdfast/resp"
)

// A command that may run scripts runs as a coroutine of the event loop: on a goroutine of its own, to which the loop's is
// handed over and which hands it back, without the scheduler (iter.Pull). That costs some tens of nanoseconds. A script that goes
// on for longer than busy-reply-threshold hands back in its midst: the loop makes its client wait and serves others, whom it
// tells BUSY, and another goroutine carries the script on. From then on the script lets go of the lock once a millisecond.
//
// Nothing of the script has been logged by then, so that whoever works in the background waits for its end (lock.go), and a
// crash, or SHUTDOWN NOSAVE, undoes all of it.
//
// Rejected: a worker goroutine that the loop sends scripts to. Handing over by channels wakes threads, which costs as much as
// a short script. Running scripts on the loop itself, where a script that takes long could not let it go on.

// script is the command that may run scripts, and the coroutine that it runs on. Guarded by the engine's lock.
type script struct {
	next  func() (struct{}, bool) // hands over to the coroutine
	stop  func()
	yield func(struct{}) bool // hands back

	job     job
	inside  bool // the coroutine has a job
	busy    bool // it has handed back in its midst
	dropped bool // the engine closes, and what the script has done is not to be logged
	began   time.Time
	roomy   bool // there was memory when it began

	looks atomic.Uint64 // at the clock, ever; anyone may read it
}

// ScriptLooks is how often scripts have looked at the clock, some thousand times a second while one runs. It needs no lock.
func (e *Engine) ScriptLooks() uint64 { return e.script.looks.Load() }

// job is a command to run.
type job struct {
	client *commands.Client
	cmd    *commands.Command
	args   [][]byte // in room, as the client's own may be gone before the end
	room   []byte
	reply  resp.Writer
	now    int64
}

// coroutine begins it, at the first job.
func (e *Engine) coroutine() {
	s := &e.script
	s.next, s.stop = iter.Pull(func(yield func(struct{}) bool) {
		s.yield = yield
		for {
			j := &s.job
			e.outermost(j.client, &j.reply, j.cmd, j.args, j.now)
			s.inside = false
			if !yield(struct{}{}) {
				return
			}
		}
	})
}

// set takes over a command, whose reply may have so many bytes, and copies its arguments, for which it uses the same room again
// and again.
func (j *job) set(c *commands.Client, limit int, cmd *commands.Command, args [][]byte, now int64) {
	j.client, j.cmd, j.now = c, cmd, now
	j.reply.Reset()
	j.reply.Limit(limit)
	j.reply.SetProto(c.Proto)
	for _, arg := range args {
		j.room = append(j.room, arg...)
	}
	at := 0
	for _, arg := range args {
		j.args = append(j.args, j.room[at:at+len(arg):at+len(arg)])
		at += len(arg)
	}
}

// letGo gives up what the job was about, which may have been large.
func (j *job) letGo() {
	clear(j.args)
	j.client, j.cmd, j.args, j.room = nil, nil, j.args[:0], keep(j.room)
	j.reply.Reset()
	if cap(j.args) > argsKept {
		j.args = nil
	}
}

// argsKept is for how many arguments of a job room is kept.
const argsKept = 1 << 12

// runsScripts reports whether a command may run scripts.
func runsScripts(c *commands.Client, cmd *commands.Command) bool {
	return cmd.Flags&commands.RunsScripts != 0 || c.Multi != nil && cmd.Name == "exec" && c.Multi.Flags()&commands.RunsScripts != 0
}

// runScript runs a command that may run scripts. If it goes on for long, the client waits.
func (e *Engine) runScript(c *commands.Client, w *resp.Writer, cmd *commands.Command, args [][]byte, now int64) {
	s := &e.script
	if s.next == nil {
		e.coroutine()
	}
	s.job.set(c, w.Limited(), cmd, args, now)
	s.inside, s.began = true, time.Now()
	s.next()
	if s.inside {
		e.carryOn(c)
		return
	}
	if c.Proto != s.job.reply.Proto() { // HELLO within EXEC
		w.SetProto(c.Proto)
	}
	w.Append(&s.job.reply)
	s.job.letGo()
}

// carryOn makes the client wait, and lets the script go on beside the loop.
func (e *Engine) carryOn(c *commands.Client) {
	wait := &commands.Wait{Script: true}
	c.Blocked = wait
	e.script.busy, e.mu.midway = true, true
	if own := append(e.mail.own, e.mail.behind...); len(own) > 0 { // it goes out with the script's record, as to others
		e.mail.out = append(e.mail.out, letter{c, slices.Clone(own)})
		e.mail.own, e.mail.behind = keep(e.mail.own), keep(e.mail.behind)
	}
	e.o.Log.Warn("a script takes long; other clients are told BUSY until it ends, or SCRIPT KILL or FUNCTION KILL ends it",
		"client", c.Addr)
	e.background.Add(1)
	go func() {
		defer e.background.Done()
		if e.finishScript(c, wait) {
			_ = e.Commit() // an error has been dealt with; if there is no room, whoever waits tries again
		}
	}()
}

// finishScript carries the script on to its end and gives the client its reply. It reports whether there is something to commit.
func (e *Engine) finishScript(c *commands.Client, wait *commands.Wait) (logged bool) {
	s := &e.script
	e.mu.LockAnyway()
	defer e.mu.Unlock()
	before := e.lsn
	e.world.Served = c // what changes is of its doing, though its requests do not run now
	s.next()
	e.world.Served = nil
	if s.inside {
		panic("BUG: a script has handed back twice")
	}
	s.busy, e.mu.midway = false, false
	e.mu.ended.Broadcast()
	if c.Blocked == wait && !s.dropped {
		c.Blocked = nil
		if s.job.reply.Over() {
			c.Peer.Kill(false)
		}
		var w resp.Writer
		w.Raw(s.job.reply.Bytes())
		e.answer(c, &w)
	}
	s.job.letGo()
	if c.Left {
		e.Drop(c) // again: a transaction may have subscribed it since
	}
	if e.world.Tracking.Pending() {
		e.broadcast(nil)
	}
	e.rouse()
	return e.lsn != before && !s.dropped
}

// interrupt is called by a script between two of its instructions, about once a millisecond.
func (e *Engine) interrupt() {
	s := &e.script
	if !s.inside {
		return
	}
	s.looks.Add(1)
	if s.busy {
		e.mu.Pass()
		return
	}
	threshold := e.busyAfter.Load()
	if threshold > 0 && time.Since(s.began) >= duration(threshold, time.Millisecond) {
		s.yield(struct{}{})
	}
}

// beside runs a command while a script is in its midst: one that may, as it touches nothing that the script or its record
// need. It returns the gate of the reply; the engine's is the script's.
func (e *Engine) beside(c *commands.Client, w *resp.Writer, args [][]byte, now int64) (gate uint64) {
	script := e.gate
	e.gate = 0
	before := w.Len()
	e.stats.commands++
	cmd, refusal := e.resolve(c, args)
	c.LastCommand = cmd
	switch {
	case refusal != "":
		e.refuse(c, w, cmd, args, refusal)
		e.stats.failed(w.Bytes()[before:])
	case queues(c, cmd):
		queue(c, w, cmd, args)
	default:
		call := commands.Call{World: &e.world, Cmd: cmd, Args: args, Now: now, Client: c, DB: e.world.Keys.DB(c.DB), Reply: w}
		cmd.Run(&call)
		cmd.Stats.Calls++
		e.observe(cmd, args, nil)
		if call.Wait != nil {
			e.block(c, cmd, args, call.Wait)
		}
	}
	if c.Blocked == nil {
		c.Silence = silence(c.Silence, w, before)
	}
	gate, e.gate = e.gate, script
	return gate
}

// dropScript ends a script that is in its midst, as the engine is about to close: with its effects undone, if it has had any,
// as nothing of them is logged. Without a log they cannot be told from others by then, so that it goes on to its end.
func (e *Engine) dropScript(checkpoint bool) {
	s := &e.script
	if !s.busy {
		return
	}
	if !e.world.Scripts.Killable() {
		if checkpoint && e.log == nil {
			return
		}
		s.dropped = true
	}
	e.world.Scripts.End()
}

// refused says why a command may not run within a script.
func (e *Engine) refused(flags commands.Flags, args [][]byte, allowOOM bool) string {
	if !allowOOM && flags&commands.DenyOOM != 0 && !e.script.roomy {
		return resp.ErrOOM
	}
	if flags&commands.Write == 0 {
		return ""
	}
	return e.misconfigured(flags, func() int64 { return int64(len(e.body)) + commands.LoggedBytes(args) })
}

// scriptLog is redis.log.
func (e *Engine) scriptLog(level int, message string) {
	log := [...]func(string, ...any){e.o.Log.Debug, e.o.Log.Debug, e.o.Log.Info, e.o.Log.Warn}[level]
	log("script", "says", message)
}
