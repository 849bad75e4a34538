package engine

import (
	"errors"
	"fmt"

	"holdfast/aof"
)

// fullness is what is known of a disk that has no room for the log: that writes were refused, and for how many bytes.
//
// It lasts until the largest record that was refused would be taken. A small one still fits where an ordinary one does not, so
// that asking about what comes next would say one thing and the other in turn.
type fullness struct{ refused int64 } // bytes of that record; 0 where writes are taken

// noRoom notes that a record of so many bytes was refused, and tells so once.
func (e *Engine) noRoom(size int64, cause error) {
	if e.full.refused == 0 {
		e.o.Log.Warn(fmt.Sprintf("writes are refused: no room for the log in %s; make room", e.o.Dir), "error", cause)
	}
	// No segment made ahead has room for more than its size: a larger one says nothing of others.
	e.full.refused = max(e.full.refused, min(size, e.log.SegmentBytes()/2))
}

// refusesWrites reports whether the disk is too full for writes, and tells once that it no longer is.
func (e *Engine) refusesWrites() bool {
	if e.full.refused == 0 {
		return false
	}
	if e.log != nil && errors.Is(e.log.RoomFor(e.full.refused), aof.ErrFull) {
		return true
	}
	e.full = fullness{}
	e.o.Log.Warn(fmt.Sprintf("writes are taken again: there is room for the log in %s", e.o.Dir))
	return false
}

// writable reports whether writes are taken.
func (e *Engine) writable() bool { return !e.refusesWrites() && !e.unsaved() }

// unsaved reports whether writes are refused because nothing keeps them: there is no log, and the last checkpoint failed.
func (e *Engine) unsaved() bool {
	return e.log == nil && e.checkpoints.failing && len(e.save.Load()) > 0 && e.stopWrites.Load()
}
