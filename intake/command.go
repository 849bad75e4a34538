package intake

import (
	"errors"
	"fmt"

	"holdfast/inspect"
)

// Command is one of an input. What it refers to is good until the function that got it returns.
type Command struct {
	DB   int
	Args [][]byte
	Key  []byte // of the first command that makes a key: that key; else nil

	at int64 // where it begins: an offset in an AOF, a line of JSON
}

// ErrInput: the input is damaged, or no input that is known.
var ErrInput = errors.New("damaged input")

// ErrUnknown: the file is nothing that can be taken in.
var ErrUnknown = errors.New("no RDB file, no Redis AOF, and no JSON lines")

// DamageError says where an input makes no sense. It is ErrInput.
type DamageError struct {
	File   string
	Where  string // "line 3", "offset 17"
	Reason string
}

func (e *DamageError) Error() string { return fmt.Sprintf("%s: %s: %s", e.File, e.Where, e.Reason) }

func (e *DamageError) Unwrap() error { return ErrInput }

// handler gets what an input has.
type handler struct {
	// command takes one. An *engine.RefusedError is about the command: it makes no sense where it stands.
	command func(*Command) error
	// has, if any, reports whether there is a key already.
	has func(db int, key []byte) bool
	// text gets a long string of JSON lines instead, where it is not among what is done.
	text func(*inspect.Entry) error
	// bad hears of what makes no sense; nil says to leave it out and go on.
	bad func(error) error
	// unread hears, behind bad, of the end of a file that cannot be read for that.
	unread func(Unread)
	// told hears of what is left out and no damage.
	told func(note string)
	// progress hears how many bytes of the file have been read.
	progress func(done int64)
	// ended is asked now and then whether to go on.
	ended func() error
}

// goOn asks whether to go on.
func (h *handler) goOn() error {
	if h.ended == nil {
		return nil
	}
	return h.ended()
}
