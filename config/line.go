package config

import "strings"

// A parsedLine is one line of a file: a directive, an include, a user, or, with none of them, a comment or nothing.
type parsedLine struct {
	name    string   // as it is written, which may be an alias
	value   string   // the arguments, joined by blanks
	include string   // the path or glob
	user    []string // the words behind "user"
}

// parseLine takes a line apart and looks its directive up; the value is not checked yet.
func (c *Config) parseLine(text string) (parsedLine, *Error) {
	text = strings.Trim(text, blanks)
	if text == "" || text[0] == '#' {
		return parsedLine{}, nil
	}
	words, err := SplitWords(text)
	if err != nil {
		return parsedLine{}, &Error{Reason: err.Error(), Err: ErrSyntax,
			Advice: `close every quote, with a blank behind it, and write \" for a quote inside`}
	}
	name, args := words[0], words[1:]
	if strings.EqualFold(name, "include") {
		if len(args) != 1 || args[0] == "" {
			return parsedLine{}, wrongNumber(name, "give one path")
		}
		return parsedLine{include: args[0]}, nil
	}
	if strings.EqualFold(name, "user") {
		if len(args) == 0 {
			return parsedLine{}, wrongNumber(name, "give the user's name, and rules behind it")
		}
		return parsedLine{user: args}, nil
	}
	s := c.lookup(name)
	if s == nil {
		return parsedLine{}, c.unknown(name)
	}
	if len(args) != 1 && !(s.Kind.multi() && len(args) > 1) {
		return parsedLine{}, wrongNumber(name, "give "+s.Accepts())
	}
	return parsedLine{name: name, value: strings.Join(args, " ")}, nil
}

func wrongNumber(name, advice string) *Error {
	return &Error{Name: name, Reason: "wrong number of arguments", Advice: advice, Err: ErrSyntax}
}
