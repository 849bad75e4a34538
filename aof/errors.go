package aof

import (
	"errors"
	"fmt"
)

// What is found in the files. Each comes inside a *DamageError.
var (
	// ErrCorrupt: a record or header that was durable is bad now.
	ErrCorrupt = errors.New("log is corrupt")
	// ErrGap: records between the base and a segment, or between two segments, are in no file.
	ErrGap = errors.New("log records are missing")
	// ErrForeign: a segment carries another data-set id.
	ErrForeign = errors.New("log segment belongs to another data set")
	// ErrNewer: a segment has a format version that this program does not know.
	ErrNewer = errors.New("log segment has a newer format")
	// ErrNotSegment: a file is named like a segment and is none.
	ErrNotSegment = errors.New("not a log segment")
)

// What happens to a log in use.
var (
	// ErrFull: there is no room for another segment. Nothing is lost and nothing is final.
	ErrFull = errors.New("no room for the log")
	// ErrFailed: a write or sync of the live segment failed earlier. It is final.
	ErrFailed = errors.New("log has failed")
	// ErrClosed: the log was closed.
	ErrClosed = errors.New("log is closed")
)

// ErrBadCommand: a record's body does not hold well-formed commands.
var ErrBadCommand = errors.New("malformed command in log record")

// DamageError says what is wrong with the log and where. errors.Is finds Kind.
type DamageError struct {
	Kind    error  // ErrCorrupt, ErrGap, ErrForeign, ErrNewer or ErrNotSegment
	Segment string // the file's path
	Offset  int64  // in bytes; 0 is the header
	LSN     uint64 // the first LSN that is damaged, missing, or not known to be sound; 0 if that means nothing here
	Reason  string
}

func (e *DamageError) Error() string {
	if e.LSN == 0 {
		return fmt.Sprintf("%v: %s: %s", e.Kind, e.Segment, e.Reason)
	}
	return fmt.Sprintf("%v: %s at offset %d, LSN %d: %s", e.Kind, e.Segment, e.Offset, e.LSN, e.Reason)
}

// Unwrap returns the kind of damage.
func (e *DamageError) Unwrap() error { return e.Kind }
