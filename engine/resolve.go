package engine

import (
	"errors"

	"holdfast/aof"
	"holdfast/commands"
	"holdfast/resp"
)

// resolve finds the command that a request means and whether the client may run it now; if not, refusal is the
// reply. The order of the checks is that of Redis 7.0, since clients see which one comes first.
func (e *Engine) resolve(c *commands.Client, args [][]byte) (cmd *commands.Command, refusal string) {
	cmd, refusal = e.world.Table.Find(args)
	if refusal == "" && cmd.Flags&commands.Protected != 0 {
		refusal = e.world.Forbidden(c)
	}
	if refusal == "" && !c.Authenticated && cmd.Flags&commands.NoAuth == 0 && !e.world.Users.Open() {
		return cmd, resp.ErrNoAuth
	}
	if refusal != "" {
		return cmd, refusal
	}
	if cmd.Flags&commands.NoMulti != 0 && c.Multi != nil {
		return cmd, resp.ErrNotInMulti
	}
	if c.User != nil && !c.User.Mighty {
		if refusal := e.world.Permitted(c, cmd, args); refusal != "" {
			return cmd, refusal
		}
	}
	if e.script.busy {
		if cmd.Flags&commands.AllowBusy == 0 {
			refusal = e.world.Scripts.Busy()
		}
		return cmd, refusal
	}
	flags := cmd.Flags
	if cmd.Name == "exec" {
		flags |= c.Multi.Flags() // what was queued while there was room is refused as it would be now
	}
	e.script.roomy = e.makeRoom()
	if !e.script.roomy && (flags&commands.DenyOOM != 0 || c.Multi != nil && !endsMulti(cmd)) {
		return cmd, resp.ErrOOM
	}
	if c.Monitoring && flags&(commands.Write|commands.ReadOnly) != 0 {
		return cmd, resp.ErrMonitorKeys
	}
	if flags&commands.Write != 0 {
		if refusal := e.misconfigured(flags, func() int64 { return recordBytes(c, cmd, args) }); refusal != "" {
			return cmd, refusal
		}
	}
	if c.Subs != nil && c.RefusesSubscribed(cmd) {
		return cmd, resp.ErrSubscribed(cmd.FullName())
	}
	return cmd, ""
}

// endsMulti reports whether a command in a transaction is not one more to be queued: a queue takes memory, whatever is in
// it.
func endsMulti(cmd *commands.Command) bool {
	switch cmd.FullName() {
	case "exec", "discard", "quit", "reset":
		return true
	}
	return false
}

// recordBytes is what the record of a request takes in the log, at most and roughly.
func recordBytes(c *commands.Client, cmd *commands.Command, args [][]byte) int64 {
	n := aof.RecordBytes(0)
	if cmd.Name != "exec" || c.Multi == nil {
		return n + commands.LoggedBytes(args)
	}
	for _, queued := range c.Multi.Queue {
		if queued.Cmd.Flags&commands.Write != 0 {
			n += commands.LoggedBytes(queued.Args)
		}
	}
	return n
}

// misconfigured is the reply to a write that could not be kept: no record is so long, or the disk has no room for so many
// bytes. Where it is the log that has failed the process ends, and the reply does not leave.
func (e *Engine) misconfigured(flags commands.Flags, size func() int64) string {
	if e.unsaved() {
		return resp.ErrMisconfSnapshot
	}
	if e.log == nil {
		return ""
	}
	n := size()
	if n > e.roomyRecord() {
		return resp.ErrRecordTooLong
	}
	if flags&commands.DenyOOM == 0 {
		return "" // deletes and expiry go on in the log's reserve
	}
	err := e.log.RoomFor(n)
	if err == nil {
		return ""
	}
	if errors.Is(err, aof.ErrFull) {
		e.noRoom(n, err)
	}
	return resp.ErrMisconfLog(e.logFailed(err).Error())
}
