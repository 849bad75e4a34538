package engine

import (
	"math"

	"holdfast/aof"
	"holdfast/kv"
)

// A call is one record, and a record has an end. What a command is about to log is known from its arguments, or to the command
// itself, so that one whose record would be too long is refused before it changes anything. The rest of a record is for what is
// due or has to go meanwhile: that stands on its own, and where it is longer than this the record is split before or behind it.

// restShareOfRecord is the share of a record that commands leave to what else may stand in it.
const restShareOfRecord = 8

// roomyRecord is how many bytes commands may log in one record.
func (e *Engine) roomyRecord() int64 {
	return int64(e.o.RecordBytes - e.o.RecordBytes/restShareOfRecord)
}

// room is how many bytes commands may yet log in the record under way.
func (e *Engine) room() int64 {
	if e.log == nil {
		return math.MaxInt64
	}
	return e.roomyRecord() - int64(len(e.body))
}

// add adds a command to the record under way.
func (e *Engine) add(db int, args ...[]byte) {
	before := len(e.body)
	e.body = aof.AppendCommand(e.body, db, args...)
	if len(e.body) > e.o.RecordBytes && before > 0 && e.log != nil {
		e.split(before)
	}
}

// split makes a record of what is in the body up to there. Replies wait for the record with the rest, as the keys that have changed
// are noted with that; and what strings were found goes into that one, where the last command's are.
func (e *Engine) split(at int) {
	e.appendToLog(e.o.Clock().UnixMilli(), kv.FoundOther, e.body[:at])
	e.body = append(e.body[:0], e.body[at:]...)
}
