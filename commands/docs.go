package commands

import (
	"slices"
	"strings"

	"holdfast/resp"
)

// COMMAND DOCS [command-name [command-name ...]]
func commandDocs(c *Call) {
	cmds := c.Table.All()
	if len(c.Args) > 2 {
		cmds = nil
		for _, name := range c.Args[2:] {
			if cmd := c.Table.FullLookup(name); cmd != nil {
				cmds = append(cmds, cmd)
			}
		}
	}
	d := docWriter{c.Reply, histories(), detailsOfArguments()}
	d.commands(cmds)
}

// docWriter writes what COMMAND DOCS replies, with what is told elsewhere than in the rows, by command.
type docWriter struct {
	w                  *resp.Writer
	histories, details map[string][]string
}

func (d *docWriter) commands(cmds []*Command) {
	d.w.Map(len(cmds))
	for _, cmd := range cmds {
		d.w.BulkString(cmd.FullName())
		d.command(cmd)
	}
}

func (d *docWriter) command(cmd *Command) {
	args, err := documentedArguments(cmd.Syntax, d.details[cmd.FullName()])
	if err != nil {
		panic("BUG: " + cmd.FullName() + ": " + err.Error())
	}
	w := d.w
	m, n := w.MapLater(), 4
	writeText(w, "summary", cmd.Summary)
	writeText(w, "since", cmd.Since)
	writeText(w, "group", string(cmd.Group))
	writeText(w, "complexity", cmd.Complexity)
	if cmd.Deprecated != "" || cmd.System {
		n++
		w.BulkString("doc_flags")
		writeNames(w, uint64(flag(cmd.Deprecated != "")|flag(cmd.System)<<1), []string{"deprecated", "syscmd"})
	}
	if cmd.Deprecated != "" {
		n += 2
		writeText(w, "deprecated_since", cmd.Deprecated)
		writeText(w, "replaced_by", cmd.Instead)
	}
	if lines := d.histories[cmd.FullName()]; lines != nil {
		n++
		writeHistory(w, lines)
	}
	if len(args) > 0 {
		n++
		w.BulkString("arguments")
		x := argumentWriter{w: w, cmd: cmd}
		x.arguments(args)
	}
	if len(cmd.Subs) > 0 {
		n++
		w.BulkString("subcommands")
		d.commands(cmd.Subs)
	}
	w.MapEnd(m, n)
}

func writeText(w *resp.Writer, name, text string) {
	w.BulkString(name)
	w.BulkString(text)
}

// argumentWriter writes the arguments of a command.
type argumentWriter struct {
	w    *resp.Writer
	cmd  *Command
	keys int // that were written
}

func (x *argumentWriter) arguments(args []Argument) {
	x.w.Array(len(args))
	for i := range args {
		x.argument(&args[i])
	}
}

func (x *argumentWriter) argument(a *Argument) {
	kind := x.cmd.docType(a)
	m, n := x.w.MapLater(), 2
	writeText(x.w, "name", a.Name)
	writeText(x.w, "type", kind)
	if kind == "key" {
		n++
		x.w.BulkString("key_spec_index")
		x.w.Int(int64(min(x.keys, len(x.cmd.Keys)-1)))
		x.keys++
	} else if i := x.cmd.patternSpec(); kind == "pattern" && i > 0 {
		n++
		x.w.BulkString("key_spec_index")
		x.w.Int(int64(i))
		x.keys = i + 1
	}
	for _, field := range [][2]string{{"token", a.Token}, {"since", a.Since}, {"deprecated_since", a.Deprecated}} {
		if field[1] != "" {
			n++
			writeText(x.w, field[0], strings.Trim(field[1], `"`)) // "" is the empty word
		}
	}
	if a.Optional || a.Multiple {
		n++
		x.w.BulkString("flags")
		var bits uint64
		for i, set := range []bool{a.Optional, a.Multiple, a.MultipleToken} {
			bits |= uint64(flag(set)) << i
		}
		writeNames(x.w, bits, []string{"optional", "multiple", "multiple_token"})
	}
	if a.Parts != nil {
		n++
		x.w.BulkString("arguments")
		x.arguments(a.Parts)
	}
	x.w.MapEnd(m, n)
}

// docType is the type of an argument as COMMAND DOCS names it. That of a value follows from its name, which is why
// the names in the syntax lines are always the same for the same thing.
func (cmd *Command) docType(a *Argument) string {
	switch a.Kind {
	case PureToken:
		return "pure-token"
	case Block:
		return "block"
	case OneOf:
		return "oneof"
	}
	if kind := cmd.ownType(a.Name); kind != "" {
		return kind
	}
	switch a.Name {
	case "key", "key1", "key2", "newkey", "source", "destination", "destkey", "sourcekey", "src", "dst":
		if len(cmd.Keys) > 0 {
			return "key"
		}
	case "pattern":
		return "pattern"
	case "bit", "bits", "client-id", "count", "cursor", "db", "decrement", "destination-db", "end", "entries_added", "entries_read", "frequency", "increment",
		"index", "index1", "index2", "len", "limit", "milliseconds", "min-idle-time", "ms", "num-matches", "numfields", "numkeys", "numlocal", "numreplicas", "offset",
		"port", "protover", "rank", "seconds", "start", "stop", "timeout", "ttl", "version", "weight":
		return "integer"
	case "slot", "start-slot", "end-slot", "config-epoch", "cluster_bus_port":
		return "integer"
	case "score":
		return "double"
	}
	return "string"
}

// ownType is the type of an argument whose name means something else in this command than in others; "" for most.
func (cmd *Command) ownType(name string) string {
	isEnd := name == "start" || name == "end" || name == "stop"
	switch {
	case strings.HasPrefix(name, "unix-time"):
		return "unix-time"
	case cmd.Group == Geo && slices.Contains([]string{"longitude", "latitude", "radius", "width", "height"}, name):
		return "double"
	case name == "timeout" && cmd.Flags&Blocking != 0, name == "increment" && strings.HasSuffix(cmd.Name, "float"):
		return "double"
	case (name == "min" || name == "max") && cmd.Group == SortedSets && !strings.Contains(cmd.Name, "lex") && cmd.Name != "zrangestore":
		return "double"
	case cmd.Group == Streams && name == "min-idle-time" && cmd.Name != "xpending":
		return "string"
	case cmd.Group == Streams && isEnd, cmd.Name == "zrange" && isEnd:
		return "string" // IDs; what sorts the members decides
	case name == "value" && (cmd.Name == "setbit" || cmd.Name == "bitfield"):
		return "integer"
	}
	return ""
}

// patternSpec is the index of the spec for keys that a pattern makes; 0 in a command that has none.
func (cmd *Command) patternSpec() int {
	return max(0, slices.IndexFunc(cmd.Keys, func(s KeySpec) bool { return s.Unknown && s.Keyword == "" }))
}
