package engine

import (
	"slices"

	"holdfast/commands"
	"holdfast/expiry"
	"holdfast/resp"
)

// block makes the client wait.
func (e *Engine) block(c *commands.Client, cmd *commands.Command, args [][]byte, wait *commands.Wait) {
	if wait.Args == nil {
		wait.Args = args
	}
	wait.Cmd, wait.Args = cmd, copyArgs(wait.Args)
	for i := range wait.Keys {
		wait.Keys[i] = append([]byte(nil), wait.Keys[i]...)
	}
	e.world.Waiters.Add(c, wait)
	e.blocked[uint64(c.ID)] = c
	if wait.Deadline != 0 {
		e.timeouts.Add(wait.Deadline, uint64(c.ID))
	}
}

// unblock ends a client's wait. What it is to be told is the caller's.
func (e *Engine) unblock(c *commands.Client) {
	if at := c.Blocked.Deadline; at != 0 {
		e.timeouts.Remove(at, uint64(c.ID))
	}
	delete(e.blocked, uint64(c.ID))
	delete(e.awaiting, c) // the disk may be full for days
	e.world.Waiters.Remove(c)
}

// serve runs again the commands that wait for keys that have changed, first come, first served, until none of
// those keys has anything left for anyone. What a served command changes may make further keys ready.
func (e *Engine) serve(now int64) {
	own := e.gate
	for {
		db, key, queue, ok := e.world.Waiters.Next()
		if !ok {
			break
		}
		e.serveQueue(db, key, queue, now)
	}
	e.gate = own
}

// serveQueue lets those who wait for a key try, until it is gone: who waits for something to take need not look then.
func (e *Engine) serveQueue(db int, key []byte, queue []*commands.Client, now int64) {
	_, there := e.world.Keys.DB(db).Peek(key)
	for _, c := range queue {
		if c.Blocked == nil || c.Blocked.DB != db || !there && !c.Blocked.Cmd.HearsOfRemoval() {
			continue
		}
		e.retry(c, key, now)
		if there {
			_, there = e.world.Keys.DB(db).Peek(key)
		}
	}
}

// retry runs a blocked command again for a key, and ends the wait if it has a reply now.
func (e *Engine) retry(c *commands.Client, key []byte, now int64) {
	wait := c.Blocked
	var w resp.Writer
	w.SetProto(c.Proto)
	e.gate = 0
	call := commands.Call{Ready: key}
	current := c.DB
	c.DB, e.world.Served = wait.DB, c
	e.handle(&call, c, &w, wait.Cmd, wait.Args, now)
	c.DB, e.world.Served = current, nil
	e.record(now)
	if w.Len() == 0 {
		return // not for this one: the wait goes on
	}
	e.unblock(c)
	e.answer(c, &w)
}

// answer gives a client that waited its reply.
func (e *Engine) answer(c *commands.Client, w *resp.Writer) {
	c.Silence = silence(c.Silence, w, 0)
	if w.Len() > 0 {
		c.Peer.Deliver(w.Take(), e.gate)
	}
	c.Peer.Resume()
}

// timeOut ends the waits whose deadline has come.
func (e *Engine) timeOut(now int64) {
	for {
		_, id, ok := e.timeouts.Due(now)
		if !ok {
			return
		}
		c := e.blocked[id]
		e.giveUp(c, c.Blocked.Timeout)
	}
}

// giveUp ends a client's wait with the reply that write writes. A pair of eyes that saw nothing saw what the newest
// record left, so the reply waits for that.
func (e *Engine) giveUp(c *commands.Client, write func(*resp.Writer)) {
	var w resp.Writer
	w.SetProto(c.Proto)
	write(&w)
	e.gate = e.lsn
	if !e.keepsLog() {
		e.gate = 0
	}
	e.unblock(c)
	e.answer(c, &w)
}

// Unblock ends a client's wait before its time.
func (e *Engine) Unblock(c *commands.Client, withError bool) bool {
	if c.Blocked == nil || c.Blocked.Paused || c.Blocked.Timeout == nil {
		return false
	}
	timeout := c.Blocked.Timeout
	gate := e.gate
	e.giveUp(c, func(w *resp.Writer) {
		if withError {
			w.Error(resp.ErrUnblocked)
		} else {
			timeout(w)
		}
	})
	e.gate = gate
	return true
}

// Leave forgets a client whose connection is gone.
func (e *Engine) Leave(c *commands.Client) {
	e.mu.LockAnyway()
	defer e.mu.Unlock()
	e.Drop(c)
}

// pause is CLIENT PAUSE: until when, and whether all commands or only writes wait.
type pause struct {
	until int64
	all   bool
	last  bool // it is not for clients to end: what keeps the data as the server ends is being written
	held  []*commands.Client
}

// held reports whether a command that nothing else refuses has to wait for the end of the pause, and if so makes its client
// wait.
func (e *Engine) held(c *commands.Client, cmd *commands.Command) bool {
	if cmd.Group == commands.Connection && cmd.Flags&commands.Write == 0 && !e.pause.all {
		return false
	}
	if cmd.Parent != nil && cmd.Parent.Name == "client" {
		return false // so that somebody can say UNPAUSE
	}
	if !e.pause.all && !changes(c, cmd) {
		return false
	}
	c.Blocked = &commands.Wait{Paused: true}
	e.pause.held = append(e.pause.held, c)
	return true
}

// changes reports whether a command may change something. All scripts may that are not called as read-only.
func changes(c *commands.Client, cmd *commands.Command) bool {
	if cmd.Name == "exec" && c.Multi != nil {
		return slices.ContainsFunc(c.Multi.Queue, func(q commands.Queued) bool { return changes(c, q.Cmd) })
	}
	f := cmd.Flags
	return f&(commands.Write|commands.MayReplicate) != 0 || f&commands.RunsScripts != 0 && f&commands.ReadOnly == 0
}

// Pause holds up commands.
func (e *Engine) Pause(until int64, all bool) {
	if e.pause.until > e.o.Clock().UnixMilli() {
		// Two pauses at once: the longer and the stricter one counts, as in Redis.
		until, all = max(until, e.pause.until), all || e.pause.all
	}
	e.pause.until, e.pause.all = until, all
}

// Unpause lets everybody go on.
func (e *Engine) Unpause() {
	if e.pause.last {
		return
	}
	held := e.pause.held
	e.pause = pause{}
	for _, c := range held {
		c.Blocked = nil
		c.Peer.Resume()
	}
}

// nextTimeout is when the clockwork has something to do for waiting clients.
func (e *Engine) nextTimeout() int64 {
	if e.pause.until > 0 {
		return min(e.timeouts.Next(), e.pause.until)
	}
	return min(e.timeouts.Next(), expiry.Never)
}
