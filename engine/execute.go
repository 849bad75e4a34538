package engine

import (
	"bytes"
	"strings"

	"holdfast/commands"
	"holdfast/kv"
	"holdfast/resp"
)

// Run executes a client's requests in order and appends their replies to w, which belongs to the caller. It
// returns how many requests it took (fewer when the client must wait or is to be closed, none once Close has begun) and the
// gate: the LSN that the log must have passed before these replies leave.
func (e *Engine) Run(c *commands.Client, w *resp.Writer, requests [][][]byte) (done int, gate uint64) {
	e.mu.LockAnyway()
	defer e.mu.Unlock()
	if c.Killed || e.script.dropped {
		return 0, 0
	}
	if e.script.busy {
		return e.runBusy(c, w, requests)
	}
	if e.closing {
		return 0, 0
	}
	now := e.tick()
	c.Active = now
	if c.Mail {
		c.Mail, gate = false, c.Peer.Collect(w)
	}
	e.world.Running = c
	e.stopwatch.ready(&e.settings)
	if len(requests) >= prefetchFrom {
		e.prefetch(c, requests)
	}
	for _, args := range requests {
		ran, after := e.execute(c, w, args, now)
		if !ran {
			break
		}
		done++
		gate = max(gate, after)
		if c.Blocked != nil || c.CloseAfterReply {
			break
		}
	}
	if e.world.Tracking.Pending() && !e.script.busy {
		gate = max(gate, e.broadcast(w))
	}
	e.world.Running = nil
	e.world.Keys.Repay(done)
	e.rouse()
	if e.failed.Load() {
		gate = never // what was to be fetched may be missing from the replies
	}
	return done, gate
}

// runBusy is Run while a script is in its midst.
func (e *Engine) runBusy(c *commands.Client, w *resp.Writer, requests [][][]byte) (done int, gate uint64) {
	c.Active = e.o.Clock().UnixMilli()
	if c.Mail {
		c.Mail, gate = false, c.Peer.Collect(w)
	}
	for _, args := range requests {
		done++
		if len(args) > 0 {
			gate = max(gate, e.beside(c, w, args, c.Active))
		}
		if c.Blocked != nil || c.CloseAfterReply {
			break
		}
	}
	return done, gate
}

// prefetchFrom is how many requests a batch must have for the keys to be fetched from memory before the first one runs.
// Measured with a million keys: 16 GETs take 0.6 of the time.
const prefetchFrom = 4

// prefetch is a guess: that a command's first argument is a key of the client's database.
func (e *Engine) prefetch(c *commands.Client, requests [][][]byte) {
	e.world.Keys.DB(c.DB).Prefetch(len(requests), func(i int) []byte {
		if len(requests[i]) < 2 {
			return nil
		}
		return requests[i][1]
	})
}

// never is a gate that no log passes.
const never = ^uint64(0)

// tick reads the clock for a batch.
func (e *Engine) tick() int64 {
	now := e.o.Clock().UnixMilli()
	e.world.Keys.SetClock(now)
	return now
}

// execute runs one request to its reply, and everything that follows from it; or not, where it has to wait for the end of a
// pause.
func (e *Engine) execute(c *commands.Client, w *resp.Writer, args [][]byte, now int64) (ran bool, gate uint64) {
	if len(args) == 0 {
		return true, 0
	}
	before := w.Len()
	e.gate = 0
	cmd, refusal := e.resolve(c, args)
	c.LastCommand = cmd
	if refusal == "" && e.pause.until > now && e.held(c, cmd) {
		e.record(now) // of keys that went to make room
		return false, 0
	}
	e.stats.commands++
	switch {
	case refusal != "":
		e.refuse(c, w, cmd, args, refusal)
		e.stats.failed(w.Bytes()[before:])
		e.record(now) // of keys that went to make room
	case queues(c, cmd):
		queue(c, w, cmd, args)
		e.record(now)
	case runsScripts(c, cmd):
		e.runScript(c, w, cmd, args, now)
	default:
		e.outermost(c, w, cmd, args, now)
	}
	if c.Blocked == nil { // a reply that is still to come is the one to be silent about
		c.Silence = silence(c.Silence, w, before)
	}
	if c.Tracking != nil {
		c.AfterCommand(cmd)
	}
	if len(e.mail.own)+len(e.mail.behind) > 0 {
		e.tellOwn(w, before)
	}
	return true, e.gate
}

// queues reports whether a request is to wait for the client's EXEC.
func queues(c *commands.Client, cmd *commands.Command) bool {
	return c.Multi != nil && !cmd.RunsInMulti()
}

// queue keeps a request for EXEC, unless that will not run it anyway.
func queue(c *commands.Client, w *resp.Writer, cmd *commands.Command, args [][]byte) {
	if !c.Multi.Failed && !c.Dirty {
		c.Multi.Queue = append(c.Multi.Queue, commands.Queued{Cmd: cmd, Args: copyArgs(args)})
	}
	w.Status("QUEUED")
}

// refuse replies to a request that does not run. One for EXEC gives up the transaction; any other spoils it.
func (e *Engine) refuse(c *commands.Client, w *resp.Writer, cmd *commands.Command, args [][]byte, refusal string) {
	if cmd == nil && fromBrowser(args[0]) {
		e.o.Log.Warn("HTTP request refused; somebody may be attacking through a browser", "client", c.Addr)
		c.CloseAfterReply = true
		return
	}
	if cmd != nil {
		cmd.Stats.Rejected++
	}
	if cmd != nil && cmd.Name == "exec" {
		w.Error(resp.ErrExecAbortBecause(strings.TrimPrefix(refusal, "ERR ")))
		c.Multi = nil
		e.world.Watches.Forget(c)
		return
	}
	w.Error(refusal)
	if c.Multi != nil {
		c.Multi.Failed = true
	}
}

// fromBrowser recognises the first words of an HTTP request that a web page made somebody's browser send here.
func fromBrowser(name []byte) bool {
	return bytes.EqualFold(name, []byte("POST")) || bytes.EqualFold(name, []byte("Host:"))
}

// outermost runs a command that stands alone, logs what it did as one record, and serves who waited for that.
func (e *Engine) outermost(c *commands.Client, w *resp.Writer, cmd *commands.Command, args [][]byte, now int64) {
	t := e.stopwatch.begin(cmd, args)
	e.handle(&e.call, c, w, cmd, args, now)
	if wait := e.call.Wait; wait != nil {
		e.block(c, cmd, args, wait)
	}
	e.record(now)
	if t.timed && cmd.Flags&commands.Admin != 0 {
		e.stopwatch.ready(&e.settings) // CONFIG SET counts by what it has set
	}
	if took := e.stopwatch.end(t, &cmd.Stats); took >= e.stopwatch.long {
		e.tookLong(took, c, cmd, args, now)
	}
	e.serve(now)
}

// handle calls the handler, and gathers its effects and its gate.
func (e *Engine) handle(call *commands.Call, c *commands.Client, w *resp.Writer, cmd *commands.Command, args [][]byte, now int64) {
	db := e.world.Keys.DB(c.DB)
	index := c.DB
	var only []byte // that it looks at, of the keys that it names
	if call.Ready != nil && len(c.Blocked.Keys) > 1 {
		only = call.Ready // it waits for all of them, who may be many, and there is a turn for each that has changed
	}
	if db.NextDeadline() <= now {
		e.expireNamed(cmd, c.DB, args, only, now)
	}
	*call = commands.Call{
		World: &e.world, Cmd: cmd, Args: args, Now: now, Client: c, DB: db, Reply: w,
		Nested: call.Nested, Script: call.Script, Ready: call.Ready, Effects: call.Effects[:0],
		Scratch: call.Scratch.Emptied(),
	}
	e.world.Keys.SetUnnoticed(c.NoTouch)
	before := w.Len()
	if c.Dirty && cmd.Name == "exec" && e.pending() {
		e.gate = e.lsn // it tells that a watched key has changed
	}
	monitored := e.world.Monitors.Any() && call.Ready == nil
	if monitored && cmd.Flags&commands.SkipMonitor != 0 {
		e.show(call, cmd, args) // what it calls is to be shown behind it
	}
	cmd.Run(call)
	e.world.Keys.Settle()
	if monitored && cmd.Flags&commands.SkipMonitor == 0 {
		e.show(call, cmd, args)
	}
	if call.Ready == nil { // a command that waited is one call
		cmd.Stats.Calls++
	}
	if reply := w.Bytes(); len(reply) > before && reply[before] == '-' {
		cmd.Stats.Failed++
		if !call.ErrorCounted {
			e.stats.failed(reply[before:])
		}
	}
	e.effects(call, index)
	if call.Changes == 0 || call.Nested {
		e.observe(cmd, args, only)
	}
	if c.Tracking != nil {
		call.RememberRead()
	}
	if cmd.Flags&commands.PubSub != 0 {
		e.subscribed(cmd, args)
	}
}

// show tells of a call to who monitors.
func (e *Engine) show(call *commands.Call, cmd *commands.Command, args [][]byte) {
	e.world.Monitors.Show(e.o.Clock(), cmd, args, call.Client, call.Client.DB, call.Script)
}

// nested runs a command within another one.
func (e *Engine) nested(outer *commands.Call, cmd *commands.Command, args [][]byte) {
	call := &e.inner[e.depth]
	call.Nested, call.Script = true, outer.Script
	e.depth++
	t := e.stopwatch.begin(cmd, args)
	e.handle(call, outer.Client, outer.Reply, cmd, args, outer.Now)
	if took := e.stopwatch.end(t, &cmd.Stats); took >= e.stopwatch.long {
		e.tookLong(took, outer.Client, cmd, args, outer.Now)
	}
	call.Args, call.Client, call.Scratch = nil, nil, call.Scratch.Emptied() // the next one may not come for long
	e.depth--
}

// effects adds to the record under way what the call did.
func (e *Engine) effects(call *commands.Call, db int) {
	if call.Changes == 0 {
		return
	}
	e.changes += int64(call.Changes)
	if len(call.Effects) == 0 {
		e.add(db, call.Args...)
		return
	}
	for _, effect := range call.Effects {
		e.add(effect.DB, effect.Args...)
	}
	clear(call.Effects)
}

// record appends what the outermost command did to the log, as one record, and notes whose gate it is. Then what the command
// tells others may go out.
func (e *Engine) record(now int64) {
	if e.script.dropped {
		return
	}
	if len(e.body) > 0 {
		e.appendRecord(now)
	}
	if len(e.mail.out) > 0 {
		e.post()
	}
}

func (e *Engine) appendRecord(now int64) {
	if e.log != nil {
		e.appendToLog(now, e.world.Keys.Found(), e.body)
	} else {
		e.lsn++
	}
	if e.keepsLog() {
		for _, hash := range e.touched {
			e.gates.touch(hash, e.lsn)
		}
		if e.touchedAll {
			e.gates.touchAll(e.lsn)
		}
		e.gate = e.lsn
	}
	e.body, e.touched, e.touchedAll = keep(e.body), e.touched[:0], false
	if cap(e.touched) > touchedKept {
		e.touched = nil
	}
}

// touchedKept is for how many hashes room is kept.
const touchedKept = 1 << 16

// appendToLog makes a record of a body; found is what strings its commands found.
func (e *Engine) appendToLog(now int64, found kv.Found, body []byte) {
	e.lsn = e.log.Append(now, uint8(found), body)
	e.checkpoints.appended.Add(int64(len(body)))
}

// keepsLog reports whether there is a log, and it counts: not while it is just being turned on.
func (e *Engine) keepsLog() bool { return e.log != nil && !e.staged }

// keep returns an empty buffer: the same one, unless a large record made it grow.
func keep(b []byte) []byte {
	if cap(b) > 1<<20+64<<10 { // a megabyte, and what comes around it
		return nil
	}
	return b[:0]
}

// observe raises the gate to the newest record that touched what the command looked at: the keys that it names, or only one.
func (e *Engine) observe(cmd *commands.Command, args [][]byte, only []byte) {
	if !e.pending() {
		return
	}
	if cmd.Flags&commands.WholeKeyspace != 0 {
		e.gate = e.lsn
		return
	}
	if cmd.Categories&commands.CatScripting != 0 {
		e.gate = max(e.gate, e.gates.all) // it may show what libraries there are, of which its arguments name no key
	}
	if only != nil {
		e.gate = max(e.gate, e.gates.of(e.world.Keys.Hash(only)))
		return
	}
	cmd.EachKey(args, func(i int, _ commands.KeyFlags) {
		e.gate = max(e.gate, e.gates.of(e.world.Keys.Hash(args[i])))
	})
}

// pending reports whether there are records that replies have to wait for.
func (e *Engine) pending() bool { return e.keepsLog() && e.log.Gate() < e.lsn }

// silence applies CLIENT REPLY: it takes back the reply where none is wanted.
func silence(s commands.Silence, w *resp.Writer, before int) commands.Silence {
	switch s {
	case commands.Off:
		w.Truncate(before)
	case commands.SkipNext:
		w.Truncate(before)
		return commands.SkipThis
	case commands.SkipThis:
		w.Truncate(before)
		return commands.Talking
	}
	return s
}

func copyArgs(args [][]byte) [][]byte {
	own := make([][]byte, len(args))
	for i, a := range args {
		own[i] = bytes.Clone(a)
	}
	return own
}
