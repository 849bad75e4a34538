package aof

import (
	"encoding/binary"
	"fmt"
	"math"
)

// A body is one or more commands, one after the other:
//
//	db uvarint │ argc uvarint │ argc × { length uvarint │ bytes }
//
// A MULTI/EXEC or a script is one record whose body holds several.

// AppendCommand appends the command args, to be run in database db, to the body dst. It allocates nothing but
// what dst needs to grow.
func AppendCommand(dst []byte, db int, args ...[]byte) []byte {
	if db < 0 || len(args) == 0 {
		panic(fmt.Sprintf("BUG: aof.AppendCommand with db %d and %d arguments", db, len(args)))
	}
	dst = binary.AppendUvarint(dst, uint64(db))
	dst = binary.AppendUvarint(dst, uint64(len(args)))
	for _, arg := range args {
		dst = binary.AppendUvarint(dst, uint64(len(arg)))
		dst = append(dst, arg...)
	}
	return dst
}

// Commands calls fn for each command in body, in order, and stops at fn's first error, which it returns as it is.
// args and what they point to (parts of body) are valid during the call only. Every count is checked against the bytes
// that are there; what does not fit is ErrBadCommand. An empty body holds no commands.
func Commands(body []byte, fn func(db int, args [][]byte) error) error {
	var args [][]byte
	for at := 0; at < len(body); {
		var db int
		var err error
		if db, args, at, err = cutCommand(body, at, args[:0]); err != nil {
			return err
		}
		if err := fn(db, args); err != nil {
			return err
		}
	}
	return nil
}

// Split is Commands for whoever keeps the commands: their arguments are appended to words, which is returned. What they point
// to are parts of body.
func Split(body []byte, words [][]byte, fn func(db int, args [][]byte) error) ([][]byte, error) {
	for at := 0; at < len(body); {
		from := len(words)
		var db int
		var err error
		if db, words, at, err = cutCommand(body, at, words); err != nil {
			return words, err
		}
		if err := fn(db, words[from:len(words):len(words)]); err != nil {
			return words, err
		}
	}
	return words, nil
}

// cutCommand appends to args the words of the command that begins in the body at an offset, and tells where the next one does.
func cutCommand(body []byte, at int, args [][]byte) (db int, _ [][]byte, next int, err error) {
	db, n := uvarint(body[at:], math.MaxInt32)
	if n == 0 {
		return 0, args, at, badCommand(at, "database number")
	}
	at += n
	// Each argument takes at least the byte of its length.
	argc, n := uvarint(body[at:], len(body)-at)
	if n == 0 || argc == 0 {
		return 0, args, at, badCommand(at, "argument count")
	}
	at += n
	for range argc {
		size, n := uvarint(body[at:], len(body)-at)
		if n == 0 || size > len(body)-at-n {
			return 0, args, at, badCommand(at, "argument length")
		}
		at += n
		args = append(args, body[at:at+size:at+size])
		at += size
	}
	return db, args, at, nil
}

// uvarint reads a number of at most limit and returns it with its width in bytes, which is 0 if there is no such number.
func uvarint(b []byte, limit int) (value, width int) {
	v, n := binary.Uvarint(b)
	if n <= 0 || v > uint64(limit) {
		return 0, 0
	}
	return int(v), n
}

func badCommand(at int, what string) error {
	return fmt.Errorf("%w: %s at byte %d", ErrBadCommand, what, at)
}
