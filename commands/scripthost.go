package commands

import (
	"holdfast/acl"
	"holdfast/lua"
	"holdfast/resp"
)

// scriptHost runs the commands of a script: as a client of its own, in the database of the one who called the script. What
// they come to is part of the record of the call.
type scriptHost struct {
	outer    *Call
	inner    Call   // what the engine takes for the caller of the commands
	client   Client // a script's: SELECT is its own affair
	reply    resp.Writer
	readonly bool
	allowOOM bool
}

var _ lua.Host = (*scriptHost)(nil)

func (h *scriptHost) begin(c *Call, readonly, allowOOM bool) {
	h.outer, h.readonly, h.allowOOM = c, readonly, allowOOM
	h.client = Client{
		ID: c.Client.ID, DB: c.Client.DB, Proto: 2, Addr: c.Client.Addr, LocalAddr: c.Client.LocalAddr, User: c.Client.User,
		Authenticated: true, NoTouch: c.Client.NoTouch, DenyBlocking: true, Tracking: c.Client.Tracking,
	}
	h.inner = Call{World: c.World, Client: &h.client, Reply: &h.reply, Now: c.Now, Nested: true, Script: true}
}

// Call runs a command.
func (h *scriptHost) Call(args [][]byte) []byte {
	h.reply.Reset()
	h.reply.Limit(int(h.outer.directives().scriptMemory.Load()))
	cmd, refusal := h.find(args)
	if refusal != "" {
		if cmd != nil {
			cmd.Stats.Rejected++
		}
		return h.failed(refusal)
	}
	h.outer.World.Run(&h.inner, cmd, args)
	if h.reply.Over() {
		h.reply.Reset()
		return h.failed(resp.ErrScriptReply)
	}
	return h.reply.Bytes()
}

// failed is an error in place of a command's reply, counted like one.
func (h *scriptHost) failed(text string) []byte {
	h.reply.Error(text)
	if h.outer.CountError != nil {
		h.outer.CountError(h.reply.Bytes())
	}
	return h.reply.Bytes()
}

// find looks a command up and says why it does not run, if it does not; the order is that of Redis 7.0.
func (h *scriptHost) find(args [][]byte) (cmd *Command, refusal string) {
	cmd, refusal = lookUp(h.outer.World, args)
	r := h.outer.Scripts.running
	switch {
	case refusal != "":
		return cmd, refusal
	case cmd.Flags&NoScript != 0:
		return cmd, resp.ErrScriptCommand
	}
	if refusal := h.outer.PermittedInScript(h.outer.Client, cmd, args); refusal != "" {
		return cmd, refusal
	}
	if h.readonly && cmd.Flags&(Write|MayReplicate) != 0 {
		return cmd, resp.ErrScriptReadOnly
	}
	if cmd.Flags&Write != 0 {
		if refusal := h.outer.refused(cmd.Flags, args, h.allowOOM || r.wrote); refusal != "" {
			return cmd, refusal
		}
		r.wrote = true
	} else if cmd.Flags&DenyOOM != 0 {
		if refusal := h.outer.refused(cmd.Flags, args, h.allowOOM || r.wrote); refusal != "" {
			return cmd, refusal
		}
	}
	return cmd, ""
}

// inScript reports whether a script calls the command.
func (c *Call) inScript() bool { return c.Nested && c.Client.DenyBlocking && !c.Replaying }

// lookUp finds the command that a script means.
func lookUp(w *World, args [][]byte) (cmd *Command, refusal string) {
	cmd = w.Table.Lookup(args[0])
	if cmd != nil && len(cmd.Subs) > 0 && len(args) > 1 {
		cmd = cmd.Sub(args[1])
	}
	if cmd == nil {
		return nil, resp.ErrScriptUnknown
	}
	if !cmd.ArityOK(len(args)) || cmd.Run == nil {
		return cmd, resp.ErrScriptArity
	}
	return cmd, ""
}

// SetProto chooses the protocol of replies.
func (h *scriptHost) SetProto(version int) {
	h.client.Proto = version
	h.reply.SetProto(version)
}

// Allowed says whether the script's user may run a command.
func (h *scriptHost) Allowed(args [][]byte) (allowed, ok bool) {
	cmd, refusal := lookUp(h.outer.World, args)
	if refusal != "" {
		return false, false
	}
	user := h.outer.Client.User
	if user == nil || user.Mighty {
		return true, true
	}
	denial, _ := user.Check(h.outer.request(cmd, args))
	return denial == acl.Allowed, true
}

// Log writes into the server's log.
func (h *scriptHost) Log(level lua.Level, message string) {
	if h.outer.World.ScriptLog != nil {
		h.outer.World.ScriptLog(int(level), message)
	}
}

// loadingMax is how many milliseconds, roughly, the code of a library may take to register its functions.
const loadingMax = 500

// Look lets others go on where the script takes long, and says whether somebody has killed it.
func (h *scriptHost) Look() error {
	if h.outer.Replaying {
		return nil
	}
	if h.outer.World.Interrupt != nil {
		h.outer.World.Interrupt()
	}
	r := h.outer.Scripts.running
	if r.loading > 0 {
		r.loading++
	}
	switch {
	case r.loading > loadingMax:
		return resp.Error(resp.ScriptLoadingTimeout)
	case r.killed || h.outer.Scripts.ending:
		return resp.Error(resp.ScriptKilled)
	}
	return nil
}
