package resp

import (
	"bytes"
	"strings"
)

// Error is one of the texts in the errors files as an error value, for functions that return an error which becomes the reply:
//
//	return resp.Error(resp.ErrSyntax) … w.Err(err)
//
// Two with the same text are equal, so errors.Is works.
type Error string

func (e Error) Error() string { return string(e) }

// Every text that a command replies as an error stands here and in the errors files beside this one, by family. Clients match
// some of them word for word (job frameworks look for NOSCRIPT, BUSYKEY, LOADING), so each is what redis-server 7.0.15 sends
// for the same command.

// Any command.
const (
	ErrSyntax          = "ERR syntax error"
	ErrWrongType       = "WRONGTYPE Operation against a key holding the wrong kind of value"
	ErrNotInteger      = "ERR value is not an integer or out of range"
	ErrNotInt32        = "ERR value is out of range, value must between -2147483648 and 2147483647"
	ErrNotPositive     = "ERR value is out of range, must be positive"
	ErrNotFloat        = "ERR value is not a valid float"
	ErrNoSuchKey       = "ERR no such key"
	ErrIndexRange      = "ERR index out of range"
	ErrNumKeys         = "ERR numkeys should be greater than 0"
	ErrCountPositive   = "ERR count should be greater than 0"
	ErrOutOfRange      = "ERR value is out of range"
	ErrNotAboveLeast   = "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"
	ErrNotFinite       = "ERR value is NaN or Infinity"
	ErrTimeoutNegative = "ERR timeout is negative"
	ErrTimeoutNotFloat = "ERR timeout is not a float or out of range"
	ErrTimeoutNotInt   = "ERR timeout is not an integer or out of range"
)

// quotedMax is how much of a client's own words an error repeats, in bytes.
const quotedMax = 128

// ErrArity is the reply to a wrong number of arguments. The name is the table's, in lower case, and for a
// subcommand "client|getname".
func ErrArity(name string) string {
	return "ERR wrong number of arguments for '" + name + "' command"
}

// ErrUnknownCommand repeats the name as sent and the first arguments, in 128 bytes each.
func ErrUnknownCommand(name []byte, args [][]byte) string {
	var begin strings.Builder
	for _, arg := range args {
		if begin.Len() >= quotedMax {
			break
		}
		begin.WriteByte('\'')
		begin.Write(quoted(arg, quotedMax-begin.Len()+1))
		begin.WriteString("' ")
	}
	return "ERR unknown command '" + string(quoted(name, quotedMax)) + "', with args beginning with: " + begin.String()
}

// ErrUnknownSubcommand repeats the subcommand as sent; command is the container's name in any case.
func ErrUnknownSubcommand(sub []byte, command string) string {
	return "ERR unknown subcommand '" + string(quoted(sub, quotedMax)) + "'. Try " + strings.ToUpper(command) + " HELP."
}

// ErrUnknownSubcommandOrArity is what the older containers (DEBUG) say, which check both in one place.
func ErrUnknownSubcommandOrArity(sub []byte, command string) string {
	return "ERR unknown subcommand or wrong number of arguments for '" + string(quoted(sub, quotedMax)) + "'. Try " +
		strings.ToUpper(command) + " HELP."
}

// quoted is as much of s as Redis repeats: at most limit bytes, and none from a zero byte on.
func quoted(s []byte, limit int) []byte {
	s = s[:min(len(s), limit)]
	if zero := bytes.IndexByte(s, 0); zero >= 0 {
		return s[:zero]
	}
	return s
}
