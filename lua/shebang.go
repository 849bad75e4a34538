package lua

import (
	"bytes"
	"fmt"
	"strings"
)

// Flags are what a script or a function says of itself.
type Flags uint8

// The flags, by their names in a shebang.
const (
	NoWrites Flags = 1 << iota
	AllowOOM
	AllowStale
	NoCluster
	AllowCrossSlotKeys
	// Old is a script without a shebang, of which nothing is known.
	Old
)

var flagNames = [...]string{"no-writes", "allow-oom", "allow-stale", "no-cluster", "allow-cross-slot-keys"}

// Names are those of the flags.
func (f Flags) Names() (names []string) {
	for i, name := range flagNames {
		if f&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

func flagNamed(name string) (Flags, bool) {
	for i, n := range flagNames {
		if n == name {
			return 1 << i, true
		}
	}
	return 0, false
}

// HeadError is what is wrong with a shebang, as a client is told.
type HeadError string

func (e HeadError) Error() string { return string(e) }

// scriptHead takes a script's shebang off it. The line stays, empty, so that lines are counted as people count them.
func scriptHead(body []byte) (code []byte, flags Flags, err error) {
	if !bytes.HasPrefix(body, []byte("#!")) {
		return body, Old, nil
	}
	line, code, ok := bytes.Cut(body, []byte("\n"))
	if !ok {
		return nil, 0, HeadError("Invalid script shebang")
	}
	code = body[len(line):]
	words := strings.Fields(string(line))
	if words[0] != "#!lua" {
		return nil, 0, HeadError("Unexpected engine in script shebang: " + words[0])
	}
	for _, word := range words[1:] {
		list, ok := strings.CutPrefix(word, "flags=")
		if !ok {
			return nil, 0, HeadError("Unknown lua shebang option: " + word)
		}
		for name := range strings.SplitSeq(list, ",") {
			if name == "" {
				continue
			}
			flag, ok := flagNamed(name)
			if !ok {
				return nil, 0, HeadError("Unexpected flag in script shebang: " + name)
			}
			flags |= flag
		}
	}
	return code, flags, nil
}

// libraryHead takes a library's shebang off it, as scriptHead does.
func libraryHead(body []byte) (name string, code []byte, err error) {
	if !bytes.HasPrefix(body, []byte("#!")) {
		return "", nil, HeadError("Missing library metadata")
	}
	line, _, ok := bytes.Cut(body, []byte("\n"))
	if !ok {
		return "", nil, HeadError("Invalid library metadata")
	}
	words := strings.Fields(string(line[2:]))
	if len(words) == 0 || line[2] == ' ' {
		return "", nil, HeadError("Engine '' not found")
	}
	named := false
	for _, word := range words[1:] {
		value, ok := cutFold(word, "name=")
		switch {
		case !ok:
			return "", nil, HeadError("Invalid metadata value given: " + word)
		case named:
			return "", nil, HeadError("Invalid metadata value, name argument was given multiple times")
		}
		name, named = value, true
	}
	switch {
	case !named:
		return "", nil, HeadError("Library name was not given")
	case !validName(name):
		return "", nil, HeadError(nameText)
	case !strings.EqualFold(words[0], "lua"):
		return "", nil, HeadError(fmt.Sprintf("Engine '%s' not found", words[0]))
	}
	return name, body[len(line):], nil
}

func cutFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return "", false
	}
	return s[len(prefix):], true
}

const nameText = "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long"

// validName reports whether a library or a function may have the name.
func validName(name string) bool {
	for _, c := range []byte(name) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_') {
			return false
		}
	}
	return name != ""
}
