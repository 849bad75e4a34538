package client

import (
	"bytes"
	"strconv"
	"strings"

	"holdfast/resp"
)

// Style is a way to print replies.
type Style int

const (
	// Formatted is for people: types, quotes, numbered elements. What redis-cli 7.0 prints on a terminal.
	Formatted Style = iota
	// Raw is the bytes of the reply, elements on lines of their own. What redis-cli 7.0 prints into a pipe.
	Raw
	// JSON is one JSON document on one line.
	JSON
	// QuotedJSON is JSON in ASCII whose strings are escaped as Formatted does it, so that no byte is lost.
	QuotedJSON
)

// Append appends reply as text, with the newline that ends it. Attributes of a reply are left out.
func (s Style) Append(dst []byte, reply resp.Reply) []byte {
	switch s {
	case Raw:
		return append(appendRaw(dst, reply), '\n')
	case JSON, QuotedJSON:
		return append(s.appendJSON(dst, reply), '\n')
	}
	return appendFormatted(dst, reply, "")
}

// appendFormatted appends reply and a newline. indent stands before each line but the first, whose place the caller
// has prepared.
func appendFormatted(dst []byte, reply resp.Reply, indent string) []byte {
	if reply.Null {
		return append(dst, "(nil)\n"...)
	}
	switch reply.Kind {
	case '*', '~', '>', '%':
		return appendElements(dst, reply, indent)
	case '-', '!':
		dst = append(append(dst, "(error) "...), reply.Str...)
	case ':':
		dst = strconv.AppendInt(append(dst, "(integer) "...), reply.Int, 10)
	case ',':
		dst = append(append(dst, "(double) "...), reply.Str...)
	case '(':
		// redis-cli 7.0 gives up on big numbers; this is our own.
		dst = append(append(dst, "(big number) "...), reply.Str...)
	case '#':
		dst = append(dst, boolText(reply.Bool)...)
	case '$':
		dst = appendQuoted(dst, reply.Str)
	default: // simple and verbatim strings
		dst = append(dst, reply.Str...)
	}
	return append(dst, '\n')
}

// appendElements appends an aggregate: a number before each element, a pair of a map on a line.
func appendElements(dst []byte, reply resp.Reply, indent string) []byte {
	name, mark, step := "array", byte(')'), 1
	switch reply.Kind {
	case '~':
		name, mark = "set", '~'
	case '>':
		name = "push"
	case '%':
		name, mark, step = "hash", '#', 2
	}
	if len(reply.Elems) == 0 {
		return append(append(append(dst, "(empty "...), name...), ")\n"...)
	}
	count := len(reply.Elems) / step
	width := len(strconv.Itoa(count))
	inner := indent + strings.Repeat(" ", width+2)
	for i := range count {
		if i > 0 {
			dst = append(dst, indent...)
		}
		number := strconv.Itoa(i + 1)
		dst = append(dst, strings.Repeat(" ", width-len(number))...)
		dst = append(append(dst, number...), mark, ' ')
		dst = appendFormatted(dst, reply.Elems[i*step], inner)
		if step == 2 {
			dst = append(bytes.TrimSuffix(dst, []byte("\n")), " => "...)
			value := reply.Elems[i*2+1]
			if opensBlock(value) {
				dst = append(append(dst, '\n'), inner...)
			}
			dst = appendFormatted(dst, value, inner)
		}
	}
	return dst
}

// opensBlock says whether a map's value begins on a line of its own: one with several elements, or whose only element,
// or only value, is such a one in turn.
func opensBlock(value resp.Reply) bool {
	single := 1
	if value.Kind == '%' {
		single = 2
	}
	n := len(value.Elems)
	return n > single || n == single && opensBlock(value.Elems[n-1])
}

// appendRaw appends reply without the final newline. An error brings one of its own, as in redis-cli.
func appendRaw(dst []byte, reply resp.Reply) []byte {
	if reply.Null {
		return dst
	}
	switch reply.Kind {
	case '*', '~', '>', '%':
		for i, element := range reply.Elems {
			if i > 0 {
				separator := byte('\n')
				if reply.Kind == '%' && i%2 == 1 {
					separator = ' '
				}
				dst = append(dst, separator)
			}
			dst = appendRaw(dst, element)
		}
		return dst
	case '-', '!':
		return append(append(dst, reply.Str...), '\n')
	case ':':
		return strconv.AppendInt(dst, reply.Int, 10)
	case '#':
		return append(dst, boolText(reply.Bool)...)
	}
	return append(dst, reply.Str...) // strings, doubles, big numbers
}

func boolText(b bool) string {
	if b {
		return "(true)"
	}
	return "(false)"
}

// isError says whether reply is an error reply.
func isError(reply resp.Reply) bool { return reply.Kind == '-' || reply.Kind == '!' }

// reports lists the commands whose reply is text for people, which Formatted and Raw print as it is. As redis-cli 7.0
// has it, some are meant only with a certain number of words (0: any number).
var reports = [...]struct {
	name  string
	words int
}{
	{"INFO", 0}, {"LOLWUT", 0}, {"CLIENT LIST", 0}, {"CLIENT INFO", 0}, {"CLUSTER INFO", 2}, {"CLUSTER NODES", 2},
	{"DEBUG HTSTATS", 0}, {"DEBUG HTSTATS-KEY", 0}, {"LATENCY GRAPH", 3}, {"LATENCY DOCTOR", 2},
	{"MEMORY DOCTOR", 0}, {"MEMORY MALLOC-STATS", 0},
}

// isReport says whether the command args is one of reports.
func isReport(args []string) bool {
	for _, report := range reports {
		n := strings.Count(report.name, " ") + 1
		if len(args) >= n && strings.EqualFold(strings.Join(args[:n], " "), report.name) {
			return report.words == 0 || report.words == len(args)
		}
	}
	return false
}
