package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// What can be wrong with a setting. Match with errors.Is.
var (
	ErrUnknown   = errors.New("unknown setting")
	ErrInvalid   = errors.New("invalid value")
	ErrImmutable = errors.New("setting cannot change at run time") // protected settings too
	ErrDuplicate = errors.New("setting given twice")
	ErrRefused   = errors.New("change refused") // by a hook, whose error is wrapped as well
	ErrSyntax    = errors.New("malformed line") // of a file
)

// Error is a value that was not taken. Its text is the reply of Redis 7.0 to the same CONFIG SET.
type Error struct {
	Name   string // the setting, in the spelling in which Redis repeats it
	Value  string // that was not taken, where that is what is wrong
	Reason string // Redis's words where Redis has them
	What   string // is wrong, where a value was given and the advice does not tell
	Advice string // what to do instead
	Err    error  // wraps one of the sentinels above
}

// Error returns one line in any case: Redis, too, puts blanks for line ends in what it repeats.
func (e *Error) Error() string {
	if errors.Is(e.Err, ErrUnknown) {
		return oneLine(fmt.Sprintf("ERR Unknown option or number of arguments for CONFIG SET - '%s'", e.Name))
	}
	return oneLine(fmt.Sprintf("ERR CONFIG SET failed (possibly related to argument '%s') - %s", e.Name, e.Reason))
}

// Explain is the same for somebody who wrote a flag, a variable or a file: name, what, what to do.
func (e *Error) Explain() string {
	all := []string{e.Name, e.Reason, e.Advice}
	if errors.Is(e.Err, ErrInvalid) {
		all = []string{e.Name + " " + strconv.Quote(e.Value), e.What, e.Advice}
	}
	var parts []string
	for _, part := range all {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return oneLine(strings.Join(parts, ": "))
}

// Unwrap returns what wraps the sentinel.
func (e *Error) Unwrap() error { return e.Err }

// SourceError is an Error and the place where it was found.
type SourceError struct {
	File string // the file's path as it was given, or "environment"
	Line int    // from 1; 0 where there are no lines
	What *Error
}

// Error returns one line: file:line: name: what: what to do.
func (e *SourceError) Error() string {
	if e.Line == 0 {
		return oneLine(e.File + ": " + e.What.Explain())
	}
	return oneLine(fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.What.Explain()))
}

// Unwrap returns the Error without its place.
func (e *SourceError) Unwrap() error { return e.What }

func oneLine(s string) string {
	return strings.NewReplacer("\r", " ", "\n", " ").Replace(s)
}
