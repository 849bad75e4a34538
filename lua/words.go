package lua

import (
	"strings"

	glua "github.com/yuin/gopher-lua"
)

// inLuasWords says what gopher-lua's errors say in the words of Lua 5.1, but for the names of variables, which are not known by
// then. What stands before the error, its place, is left.
func inLuasWords(v glua.LValue) glua.LValue {
	s, ok := v.(glua.LString)
	if !ok {
		return v
	}
	text := string(s)
	for _, known := range vmErrors() {
		at := strings.Index(text, known.begin)
		if at < 0 {
			continue
		}
		if said := known.say(text[at+len(known.begin):]); said != "" {
			return glua.LString(text[:at] + said)
		}
	}
	return v
}

// vmError is an error of gopher-lua's, by how it begins, and what Lua says instead; say is given the rest, and "" leaves it.
type vmError struct {
	begin string
	say   func(rest string) string
}

func vmErrors() []vmError {
	constant := func(s string) func(string) string { return func(string) string { return s } }
	return []vmError{
		{"attempt to index a non-table object(", func(rest string) string {
			kind, _, _ := strings.Cut(rest, ")")
			return "attempt to index a " + kind + " value"
		}},
		{"attempt to call a non-function object", constant("attempt to call a value that is no function")},
		{"lua callstack overflow", constant("stack overflow")}, // of a coroutine
		{"cannot perform ", func(rest string) string {
			_, operands, ok := strings.Cut(rest, " operation between ")
			left, right, both := strings.Cut(operands, " and ")
			if !ok || !both {
				return ""
			}
			if left == "number" || left == "string" {
				left = right
			}
			return "attempt to perform arithmetic on a " + left + " value"
		}},
		{"__unm undefined", constant("attempt to perform arithmetic on a value that is no number")},
		{"__len undefined", constant("attempt to get length of a value that has none")},
		{"attempt to compare ", func(rest string) string {
			left, right, ok := strings.Cut(rest, " with ")
			if !ok || left != right {
				return ""
			}
			return "attempt to compare two " + left + " values"
		}},
	}
}
