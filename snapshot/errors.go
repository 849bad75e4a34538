package snapshot

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
)

// What Open says when it does not open.
var (
	// ErrNotExist says that there is no such file.
	ErrNotExist = errors.New("no base here")
	// ErrNotBase says that the file is something else.
	ErrNotBase = errors.New("not a holdfast base")
	// ErrNewer says that a later holdfast wrote the file, in a format unknown here.
	ErrNewer = errors.New("base of a newer format")
	// ErrLocked says that another process, or another Base in this one, has the file open for writing, or
	// that it is open at all where writing was asked for.
	ErrLocked = errors.New("base is in use")
	// ErrUnfinished says that a change was interrupted half way, and that its redo file must be applied by
	// opening the base for writing; a read-only Open cannot do that, and does not show the half.
	ErrUnfinished = errors.New("base has an unfinished change")
)

// What an open base may say.
var (
	// ErrCorrupt says that data which had been written whole is damaged. Every such error is a *DamageError.
	ErrCorrupt = errors.New("base is damaged")
	// ErrTooLarge says that a part exceeds MaxPart.
	ErrTooLarge = errors.New("part is too large")
	// ErrReadOnly says that a change was asked of a base that was opened for reading.
	ErrReadOnly = errors.New("base is open for reading only")
	// ErrFailed says that this Base writes no more: an earlier write failed in a way that leaves bbolt's memory in
	// doubt (a failed sync above all), or Rewrite has put a new file in the place of this one. Reads go on; opening
	// the path anew starts from what is on disk.
	ErrFailed = errors.New("the base must be opened anew")
	// ErrClosed says that the base was closed.
	ErrClosed = errors.New("base is closed")
)

// DamageError tells where damage was found. errors.Is(err, ErrCorrupt) holds for it.
type DamageError struct {
	File   string
	Bucket string // "" where the damage is outside of any bucket
	Key    []byte // the bbolt key; nil where there is none. Error names the user's
	Offset int64  // in the file: of the page, or of the entry's key in it; -1 where it is unknown
	What   string
}

// Error names file, bucket, key and offset, as far as they are known.
func (e *DamageError) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Offset >= 0 {
		fmt.Fprintf(&b, ": offset %d", e.Offset)
	}
	if e.Bucket != "" {
		fmt.Fprintf(&b, ": bucket %s", e.Bucket)
	}
	if e.Key != nil {
		b.WriteString(": " + e.key())
	}
	fmt.Fprintf(&b, ": %s: %v", e.What, ErrCorrupt)
	return b.String()
}

// key names the key as users know it; where the bbolt key is none of ours, that.
func (e *DamageError) key() string {
	stored := e.Key
	kind, _, _ := strings.Cut(e.Bucket, ":")
	switch kind + ":" {
	case tableParts.prefix():
		if of, _, _, ok := splitPartKey(e.Key); ok {
			stored = of
		}
	case tableDeadlines.prefix():
		if _, of, ok := splitDeadlineKey(e.Key); ok {
			stored = of
		}
	case tableKeys.prefix():
	default:
		return quoted(e.Key)
	}
	switch {
	case len(stored) > 0 && stored[0] == tagPlain:
		return quoted(stored[1:])
	case len(stored) == 1+sha256.Size && stored[0] == tagHashed:
		return fmt.Sprintf("the long key with the SHA-256 %x", stored[1:])
	}
	return quoted(e.Key)
}

func quoted(key []byte) string {
	const shown = 128
	if len(key) <= shown {
		return fmt.Sprintf("key %q", key)
	}
	return fmt.Sprintf("key %q… (%d bytes)", key[:shown], len(key))
}

// Unwrap makes errors.Is(err, ErrCorrupt) true.
func (e *DamageError) Unwrap() error { return ErrCorrupt }
