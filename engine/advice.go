package engine

import (
	"errors"
	"fmt"
	"io/fs"

	"holdfast/aof"
	"holdfast/snapshot"
)

// advise adds to what refuses a start what to do about it: whoever reads the line may know nothing else.
func (e *Engine) advise(err error) error {
	var damage *aof.DamageError
	more, do := "", "bring the file back from a copy"
	switch {
	case errors.Is(err, aof.ErrNewer), errors.Is(err, snapshot.ErrNewer):
		return fmt.Errorf("%w; nothing has been changed; use the version of holdfast that wrote it", err)
	case errors.As(err, &damage) && errors.Is(err, aof.ErrGap):
		more, do = e.adviseOnGap(damage)
	case errors.Is(err, aof.ErrForeign):
		do = "base and segments are to be of one data set: put back what belongs here"
	case errors.Is(err, aof.ErrNotSegment):
		do = "take the file away, or give a segment that was renamed its own name back"
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; the directory and all in it are to belong to the user that the server runs as", err)
	case damage != nil, errors.Is(err, snapshot.ErrCorrupt), errors.Is(err, snapshot.ErrNotBase):
	default:
		return err
	}
	return fmt.Errorf("%w%s; nothing has been changed; %s, or %s", err, more, do, e.wayOut())
}

// adviseOnGap says what may have the records that are missing, and what to bring back.
func (e *Engine) adviseOnGap(gap *aof.DamageError) (more, do string) {
	base := e.base.Load()
	switch {
	case gap.Offset > 0: // a seal: the newest segment
		return "", "bring that segment back from a copy"
	case base == nil && gap.LSN == 1:
		return fmt.Sprintf(", and there is no %s", e.basePath()), "bring that back from a copy"
	case base != nil && gap.LSN == base.Meta().LSN+1:
		return fmt.Sprintf(", and %s is as of LSN %d", e.basePath(), base.Meta().LSN), "bring those segments back, or the base that this log goes on from"
	}
	return "", "bring the segments that have them back from a copy"
}

// wayOut ends every advice about damage.
func (e *Engine) wayOut() string {
	return fmt.Sprintf("see what is left with: holdfast check --dir %s, and repair with: holdfast check --dir %s --repair", e.o.Dir, e.o.Dir)
}
