package client

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"holdfast/resp"
)

// Manual is what a server says about its own commands: names for completion, arguments for hints, and help.
type Manual struct {
	entries []entry // sorted by name
}

// entry is one command or sub-command.
type entry struct {
	name    string   // in upper case, with a blank before the sub-command
	args    []string // the syntax, an element for each argument
	summary string
	since   string
	group   string
}

// localCommands are the prompt's own, for completion.
var localCommands = [...]string{"CLEAR", "CONNECT", "EXIT", "HELP", "QUIT"}

// ReadManual reads the reply of COMMAND DOCS, in RESP2 or RESP3. Of a reply of COMMAND LIST it takes the names.
// What it does not understand it leaves out.
func ReadManual(reply resp.Reply) *Manual {
	m := &Manual{}
	if isNameList(reply) {
		for _, name := range reply.Elems {
			m.entries = append(m.entries, entry{name: commandName(string(name.Str))})
		}
	} else {
		m.read(reply)
	}
	slices.SortFunc(m.entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return m
}

// commandName turns the server's "client|list" into CLIENT LIST.
func commandName(name string) string { return strings.ToUpper(strings.ReplaceAll(name, "|", " ")) }

// isNameList says whether reply is a list of strings only, so not name, description, name, description.
func isNameList(reply resp.Reply) bool {
	return !slices.ContainsFunc(reply.Elems, func(r resp.Reply) bool { return len(r.Elems) > 0 })
}

// read adds the commands of a map from name to description, and their sub-commands.
func (m *Manual) read(commands resp.Reply) {
	for name, doc := range pairs(commands) {
		e := entry{name: commandName(name)}
		for field, value := range pairs(doc) {
			switch field {
			case "summary":
				e.summary = string(value.Str)
			case "since":
				e.since = string(value.Str)
			case "group":
				e.group = string(value.Str)
			case "arguments":
				for _, arg := range value.Elems {
					e.args = append(e.args, syntax(arg))
				}
			case "subcommands":
				m.read(value)
			}
		}
		m.entries = append(m.entries, e)
	}
}

// pairs walks over the keys and values of a map, or of an array that RESP2 has instead.
func pairs(reply resp.Reply) func(yield func(key string, value resp.Reply) bool) {
	return func(yield func(string, resp.Reply) bool) {
		for i := 0; i+1 < len(reply.Elems); i += 2 {
			if !yield(string(reply.Elems[i].Str), reply.Elems[i+1]) {
				return
			}
		}
	}
}

// syntax writes an argument as redis-cli's help does: [optional], one|of, more [more ...], TOKEN value.
func syntax(arg resp.Reply) string {
	var name, kind, token string
	var optional, multiple, tokenEach bool
	var inner []string
	for field, value := range pairs(arg) {
		switch field {
		case "name":
			name = string(value.Str)
		case "type":
			kind = string(value.Str)
		case "token":
			token = string(value.Str)
		case "flags":
			for _, flag := range value.Elems {
				optional = optional || string(flag.Str) == "optional"
				multiple = multiple || string(flag.Str) == "multiple"
				tokenEach = tokenEach || string(flag.Str) == "multiple_token"
			}
		case "arguments":
			for _, part := range value.Elems {
				inner = append(inner, syntax(part))
			}
		}
	}
	text := name
	switch kind {
	case "oneof":
		text = strings.Join(inner, "|")
	case "block":
		text = strings.Join(inner, " ")
	case "pure-token":
		if text, token = token, ""; text == "" {
			text = `""` // MIGRATE's word for several keys
		}
	}
	if token != "" {
		token += " "
	}
	again := text
	if tokenEach {
		again = token + text
	}
	text = token + text
	if multiple {
		text += " [" + again + " ...]"
	}
	if optional {
		return "[" + text + "]"
	}
	return text
}

// Complete implements Helper: names of commands, sub-commands after their command, and topics after HELP.
func (m *Manual) Complete(line string) (endings []string, part int) {
	typed := strings.TrimLeft(line, " ")
	names := localCommands[:]
	for _, prefix := range []string{"help ", "? "} {
		if len(typed) >= len(prefix) && strings.EqualFold(typed[:len(prefix)], prefix) {
			typed, names = strings.TrimLeft(typed[len(prefix):], " "), m.groups()
			break
		}
	}
	words := strings.Fields(typed)
	if strings.HasSuffix(typed, " ") {
		words = append(words, "")
	}
	typed = strings.Join(words, " ")
	for _, e := range m.entries {
		names = append(names, e.name)
	}
	for _, name := range names {
		if hasPrefixFold(name, typed) && strings.Count(name, " ") == strings.Count(typed, " ") {
			endings = append(endings, matchCase(name[len(typed):], typed))
		}
	}
	slices.Sort(endings)
	endings = slices.Compact(endings)
	if len(endings) == 1 {
		endings[0] += " "
	} else {
		endings = slices.DeleteFunc(endings, func(ending string) bool { return ending == "" })
	}
	return endings, len(typed) - (strings.LastIndexByte(typed, ' ') + 1)
}

// groups returns the topics of help that are not commands.
func (m *Manual) groups() []string {
	var topics []string
	for _, e := range m.entries {
		if e.group != "" {
			topics = append(topics, "@"+e.group)
		}
	}
	slices.Sort(topics)
	return slices.Compact(topics)
}

// matchCase returns ending in the case in which the user types.
func matchCase(ending, typed string) string {
	if typed != "" && typed == strings.ToUpper(typed) && typed != strings.ToLower(typed) {
		return ending
	}
	return strings.ToLower(ending)
}

// Hint implements Helper: the arguments of the command in line that are still to come.
func (m *Manual) Hint(line string) string {
	words := strings.Fields(line)
	e, nameWords, ok := m.find(words)
	if !ok {
		return ""
	}
	rest := e.args[min(len(words)-nameWords, len(e.args)):]
	if len(rest) == 0 {
		return ""
	}
	hint := strings.Join(rest, " ")
	if isBlank(line[len(line)-1]) {
		return hint
	}
	return " " + hint
}

// find returns the command that words begin with, the longest name first, and how many words its name has.
func (m *Manual) find(words []string) (e entry, nameWords int, ok bool) {
	for n := min(2, len(words)); n > 0; n-- {
		name := strings.ToUpper(strings.Join(words[:n], " "))
		i, found := slices.BinarySearchFunc(m.entries, name, func(e entry, name string) int {
			return strings.Compare(e.name, name)
		})
		if found {
			return m.entries[i], n, true
		}
	}
	return entry{}, 0, false
}

// Help writes what is known about topic: a command with its sub-commands, @group, or, of nothing, how to ask.
func (m *Manual) Help(out io.Writer, topic []string) error {
	var text bytes.Buffer
	switch {
	case len(topic) == 0:
		text.WriteString("help COMMAND   about a command, for example: help config set\n" +
			"help @GROUP    the commands of a group: " + strings.Join(m.groups(), " ") + "\n" +
			"<tab>          completes commands and groups\n" +
			"N COMMAND …    runs a command N times\n" +
			"connect HOST PORT, clear, quit\n")
	case strings.HasPrefix(topic[0], "@"):
		for _, e := range m.entries {
			if strings.EqualFold("@"+e.group, topic[0]) {
				e.writeTo(&text, false)
			}
		}
	default:
		name := strings.ToUpper(strings.Join(topic, " "))
		for _, e := range m.entries {
			if e.name == name || strings.HasPrefix(e.name, name+" ") {
				e.writeTo(&text, true)
			}
		}
	}
	if text.Len() == 0 {
		fmt.Fprintf(&text, "Nothing is known about %q: the server names no such command or group.\n",
			strings.Join(topic, " "))
	}
	_, err := out.Write(text.Bytes())
	return err
}

// writeTo writes an entry as redis-cli lays it out, without its colours.
func (e entry) writeTo(text *bytes.Buffer, withGroup bool) {
	fmt.Fprintf(text, "\n  %s\n", strings.Join(append([]string{e.name}, e.args...), " "))
	for _, line := range []struct{ label, value string }{
		{"summary", e.summary}, {"since", e.since}, {"group", e.group},
	} {
		if line.value != "" && (withGroup || line.label != "group") {
			fmt.Fprintf(text, "  %s: %s\n", line.label, line.value)
		}
	}
	text.WriteByte('\n')
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
