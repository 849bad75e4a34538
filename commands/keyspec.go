package commands

import (
	"bytes"
	"strconv"
)

// KeyFlags say what a command does with a key.
type KeyFlags uint16

const (
	RO         KeyFlags = 1 << iota // reads it
	RW                              // changes it
	OW                              // overwrites it
	RM                              // deletes it
	Access                          // returns or copies from its value
	Update                          // changes its value
	Insert                          // adds to its value
	Delete                          // removes from its value
	NotKey                          // not a key, but where one would be
	Incomplete                      // there may be more keys
	Variable                        // the flags depend on the arguments
)

var keyFlagNames = [...]string{
	"RO", "RW", "OW", "RM", "access", "update", "insert", "delete", "not_key", "incomplete", "variable_flags",
}

// KeySpec says where some of a command's keys stand, in the terms of COMMAND INFO.
type KeySpec struct {
	Flags KeyFlags
	// Begin is the index of the first key, unless Keyword is set.
	Begin int
	// Keyword begins the keys one behind itself; the search starts at From (negative: from the end).
	Keyword string
	From    int
	// Optional: without the Keyword there is no such key.
	Optional bool
	// OrNext: where the argument is empty the keys are those of the next spec, if there are any, and only then.
	OrNext bool
	// Unknown: COMMAND INFO cannot tell where the keys stand. Without a Keyword nobody can before the command runs.
	Unknown bool
	// Last is the last key's index relative to the first; -1 the last argument, -2 the last but one …
	Last, Step int
	// Limit: with Last -1, the keys end after 1/Limit of the arguments that are left.
	Limit int
	// Counted: the number of keys stands CountAt behind the beginning, and the keys FirstAt behind it.
	Counted          bool
	CountAt, FirstAt int
}

// Key is the spec of one key at index i.
func Key(i int, f KeyFlags) []KeySpec { return []KeySpec{keyAt(i, f)} }

// KeysFrom is the spec of keys from index i to the end, every step arguments.
func KeysFrom(i, step int, f KeyFlags) []KeySpec {
	return []KeySpec{{Flags: f, Begin: i, Last: -1, Step: step}}
}

// KeysUntil is like KeysFrom, up to the last argument but n.
func KeysUntil(i, n int, f KeyFlags) []KeySpec {
	return []KeySpec{{Flags: f, Begin: i, Last: -1 - n, Step: 1}}
}

// CountedKeys is the spec of keys behind their number, which stands at index i.
func CountedKeys(i int, f KeyFlags) []KeySpec {
	return []KeySpec{{Flags: f, Begin: i, Counted: true, FirstAt: 1, Step: 1}}
}

func keyAt(i int, f KeyFlags) KeySpec { return KeySpec{Flags: f, Begin: i, Step: 1} }

// Each calls fn with the index of each key in args, and reports whether the spec fits args.
func (s *KeySpec) Each(args [][]byte, fn func(i int)) bool {
	if s.Unknown && s.Keyword == "" {
		return true
	}
	first, ok := s.first(args)
	if !ok {
		return s.Optional
	}
	last, step := first+s.Last, max(1, s.Step)
	switch {
	case s.Counted:
		if first+s.CountAt >= len(args) {
			return false
		}
		n, err := strconv.Atoi(string(args[first+s.CountAt]))
		if err != nil || n <= 0 || n > len(args) {
			return false
		}
		first += s.FirstAt
		last = first + (n-1)*step
	case s.Last < 0:
		last = len(args) + s.Last
		if s.Limit > 1 {
			last = first + (len(args)-first)/s.Limit - 1
		}
	}
	if last >= len(args) {
		return false
	}
	for i := first; i <= last; i += step {
		fn(i)
	}
	return true
}

func (s *KeySpec) first(args [][]byte) (int, bool) {
	if s.Keyword == "" {
		return s.Begin, s.Begin < len(args)
	}
	if s.From < 0 {
		for i := len(args) + s.From; i > 0; i-- {
			if bytes.EqualFold(args[i], []byte(s.Keyword)) {
				return i + 1, i+1 < len(args)
			}
		}
		return 0, false
	}
	for i := s.From; i+1 < len(args); i++ {
		if bytes.EqualFold(args[i], []byte(s.Keyword)) {
			return i + 1, true
		}
	}
	return 0, false
}

// EachKey calls fn with the index of every key of the call, and reports whether the specs fit args.
func (c *Command) EachKey(args [][]byte, fn func(i int, f KeyFlags)) bool {
	for k := 0; k < len(c.Keys); k++ {
		s := &c.Keys[k]
		if s.Flags&NotKey != 0 {
			continue
		}
		if s.OrNext {
			k++
			if eachMigrateName(args, func(i int) { fn(i, c.Keys[k].Flags) }) {
				continue
			}
		}
		if !s.Each(args, func(i int) { fn(i, s.Flags) }) {
			return false
		}
	}
	return true
}
