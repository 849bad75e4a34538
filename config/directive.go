package config

import (
	"fmt"
	"slices"
	"strings"
)

// A Directive is one row of the table: all there is to know about a setting apart from its value.
type Directive struct {
	Name       string   // Redis's name where Redis has one
	Aliases    []string // Redis's older names; CONFIG GET's globs find them as they find Name
	Shorthands []string // names of our own; found only when asked for by name
	Kind       Kind
	Default    string   // in the form in which CONFIG GET prints it
	Min, Max   int64    // inclusive bounds of KindInt, KindSeconds, KindMemory and KindOctal
	Choices    []string // the words that KindEnum (one of them) and KindWords (any of them, if set) accept
	Change     Change
	Inert      bool   // accepted so that files and tools made for Redis work; has no effect
	Fixed      bool   // nothing but the default is accepted, because ignoring the rest would be dangerous
	Usage      string // one line, with the unit; the bounds and choices are not repeated in it

	check func(value string) (reason string) // what the kind cannot see; "" accepts
	clamp [2]int64                           // if set, values inside the bounds are moved in here, as Redis does
}

// Kind says how a value is written.
type Kind int

// The kinds of values. The shapes are Redis's.
const (
	KindString          Kind = iota // anything
	KindBool                        // yes or no
	KindInt                         // a decimal number within Min and Max
	KindSeconds                     // 90, 90s, 30m, 12h, 7d; printed in seconds
	KindOctal                       // a file mode within Min and Max
	KindMemory                      // 100, 1k (1000), 1kb (1024), likewise m and g; printed in bytes
	KindMemoryOrPercent             // a memory size, or a share such as 5%
	KindEnum                        // one of Choices
	KindWords                       // words between single spaces
	KindSave                        // pairs of seconds and changes; empty for none
	KindOutputLimits                // groups of class, hard limit, soft limit, soft seconds
	KindEvents                      // letters, see Events
	KindPercentiles                 // numbers from 0 to 100
	KindAddr                        // host:port, a shorthand that sets bind and port
)

// multi reports whether a line of a file may give the value as several arguments.
func (k Kind) multi() bool {
	switch k {
	case KindWords, KindSave, KindOutputLimits, KindPercentiles:
		return true
	}
	return false
}

// Change says when a setting may change.
type Change int

// When a setting may change. Protected is Redis's word for what CONFIG SET could abuse to write files elsewhere.
const (
	AtRunTime Change = iota // at the start and by CONFIG SET
	AtStart                 // CONFIG SET answers "can't set immutable config"
	Protected               // CONFIG SET answers "can't set protected config"
)

// EnvPrefix begins the name of every environment variable that holds a setting.
const EnvPrefix = "HOLDFAST_"

// EnvName returns the environment variable of a directive, an alias or a shorthand: HOLDFAST_FSYNC for fsync.
func EnvName(name string) string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// Names returns every name of d, Name first, then aliases and shorthands.
func (d *Directive) Names() []string {
	return slices.Concat([]string{d.Name}, d.Aliases, d.Shorthands)
}

// sizes tells the bounds of a size that are not those of all: they are whole megabytes and gigabytes.
func (d *Directive) sizes() (text string) {
	if d.Min >= megabyte {
		text = fmt.Sprintf(", at least %dmb", d.Min/megabyte)
	}
	if d.Max < maxInt64 {
		text += fmt.Sprintf(", at most %dgb", d.Max/gigabyte)
	}
	return text
}

// Accepts says in a few words what may be written, for help, documentation and the advice in errors.
func (d *Directive) Accepts() string {
	if d.Fixed {
		return "only " + quoteWord(d.Default)
	}
	switch d.Kind {
	case KindBool:
		return "yes or no"
	case KindInt:
		return fmt.Sprintf("a whole number from %d to %d", d.Min, d.Max)
	case KindSeconds:
		return "a number of seconds, or a time such as 30m, 12h or 7d"
	case KindOctal:
		return "a file mode in octal, such as 700"
	case KindMemory:
		return "a size such as 512mb or 1gb" + d.sizes()
	case KindMemoryOrPercent:
		return "a size such as 512mb, or a share such as 5%"
	case KindEnum:
		return "one of " + strings.Join(d.Choices, ", ")
	case KindWords:
		if len(d.Choices) > 0 {
			return "any of " + strings.Join(d.Choices, ", ")
		}
		return "words separated by single spaces"
	case KindSave:
		return `pairs of seconds and changes such as "3600 1 300 100", or "" for none`
	case KindOutputLimits:
		return `class, hard limit, soft limit, soft seconds, such as "normal 0 0 0"`
	case KindEvents:
		return "letters of " + eventLetters
	case KindPercentiles:
		return `numbers from 0 to 100 such as "50 99 99.9"`
	case KindAddr:
		return "host:port, such as 127.0.0.1:6379"
	}
	return "text"
}
