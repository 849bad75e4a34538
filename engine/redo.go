package engine

import (
	"errors"
	"fmt"
	"strings"

	"holdfast/aof"
	"holdfast/commands"
	"holdfast/resp"
)

// redoing is what replaying a command needs, kept for the next one.
type redoing struct {
	client commands.Client
	call   commands.Call
	reply  resp.Writer
}

// replay applies a record: its commands run through the same handlers, with nothing expiring and no clock.
func (e *Engine) replay(r aof.Record) error {
	return e.replayBut(r, func(err error) error { return err })
}

// replayBut is replay, but for commands that reply with an error: refused says what that comes to.
func (e *Engine) replayBut(r aof.Record, refused func(error) error) error {
	e.beginRedo(r.Time)
	err := aof.Commands(r.Body, func(db int, args [][]byte) error {
		cmd, err := e.logged(r.LSN, db, args)
		if err != nil {
			return err
		}
		if err := e.redo(cmd, db, args, r.LSN); err != nil {
			return refused(err)
		}
		return nil
	})
	if err != nil {
		return e.notReplayed(err)
	}
	e.endRedo(r.LSN)
	return nil
}

func (e *Engine) notReplayed(err error) error {
	if errors.Is(err, aof.ErrBadCommand) {
		return err // the log says where
	}
	return fmt.Errorf("replaying the log %s: %w", e.logDir(), err)
}

// logged finds the command that a record names.
func (e *Engine) logged(lsn uint64, db int, args [][]byte) (*commands.Command, error) {
	if db >= e.world.Keys.Databases() {
		return nil, fmt.Errorf("the log has keys in database %d, but --databases allows only %d; give at least --databases %d",
			db, e.world.Keys.Databases(), db+1)
	}
	cmd, refusal := e.world.Table.Find(args)
	if refusal != "" {
		return nil, fmt.Errorf("LSN %d: %s; nothing has been changed; use the version of holdfast that wrote it", lsn, refusal)
	}
	return cmd, nil
}

// beginRedo comes before the commands of a record, endRedo behind them.
func (e *Engine) beginRedo(ms int64) {
	e.redoing.client = commands.Client{Authenticated: true, DenyBlocking: true, Proto: 2}
	e.world.Keys.SetClock(ms)
}

func (e *Engine) endRedo(lsn uint64) {
	e.lsn = lsn
	e.touched, e.touchedAll = e.touched[:0], false
}

// redo runs one command of a record.
func (e *Engine) redo(cmd *commands.Command, db int, args [][]byte, lsn uint64) error {
	client, call, w := &e.redoing.client, &e.redoing.call, &e.redoing.reply
	client.DB = db
	w.Reset()
	*call = commands.Call{
		World: &e.world, Cmd: cmd, Args: args, Client: client, DB: e.world.Keys.DB(db), Reply: w,
		Nested: true, Replaying: true, Effects: call.Effects[:0], Scratch: call.Scratch.Emptied(),
	}
	cmd.Run(call)
	e.world.Keys.Settle()
	if reply := w.Bytes(); len(reply) > 0 && reply[0] == '-' {
		return &RefusedError{LSN: lsn, Reason: fmt.Sprintf("%s replied %s", cmd.FullName(), strings.TrimSpace(string(reply)))}
	}
	return nil
}

// RefusedError: a command that is replayed replied with an error, or is none that can be replayed. It has changed nothing.
type RefusedError struct {
	LSN    uint64
	Reason string
}

func (e *RefusedError) Error() string { return fmt.Sprintf("LSN %d: %s", e.LSN, e.Reason) }
