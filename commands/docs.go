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
	writeDocs(c.Reply, cmds)
}

func writeDocs(w *resp.Writer, cmds []*Command) {
	w.Map(len(cmds))
	for _, cmd := range cmds {
		w.BulkString(cmd.FullName())
		writeDoc(w, cmd)
	}
}

func writeDoc(w *resp.Writer, cmd *Command) {
	args, err := ParseSyntax(cmd.Syntax)
	if err != nil {
		panic("BUG: " + cmd.FullName() + ": " + err.Error())
	}
	m, n := w.MapLater(), 4
	writeText(w, "summary", cmd.Summary)
	writeText(w, "since", cmd.Since)
	writeText(w, "group", string(cmd.Group))
	writeText(w, "complexity", cmd.Complexity)
	if len(args) > 0 {
		n++
		w.BulkString("arguments")
		d := docWriter{w: w, cmd: cmd}
		d.arguments(args)
	}
	if len(cmd.Subs) > 0 {
		n++
		w.BulkString("subcommands")
		writeDocs(w, cmd.Subs)
	}
	w.MapEnd(m, n)
}

func writeText(w *resp.Writer, name, text string) {
	w.BulkString(name)
	w.BulkString(text)
}

// docWriter writes the arguments of a command.
type docWriter struct {
	w    *resp.Writer
	cmd  *Command
	keys int // that were written
}

func (d *docWriter) arguments(args []Argument) {
	d.w.Array(len(args))
	for i := range args {
		d.argument(&args[i])
	}
}

func (d *docWriter) argument(a *Argument) {
	kind := d.cmd.docType(a)
	m, n := d.w.MapLater(), 2
	writeText(d.w, "name", a.Name)
	writeText(d.w, "type", kind)
	if kind == "key" {
		n++
		d.w.BulkString("key_spec_index")
		d.w.Int(int64(min(d.keys, len(d.cmd.Keys)-1)))
		d.keys++
	}
	if a.Token != "" {
		n++
		writeText(d.w, "token", a.Token)
	}
	if a.Optional || a.Multiple {
		n++
		d.w.BulkString("flags")
		var bits uint64
		for i, set := range []bool{a.Optional, a.Multiple, a.MultipleToken} {
			bits |= uint64(flag(set)) << i
		}
		writeNames(d.w, bits, []string{"optional", "multiple", "multiple_token"})
	}
	if a.Parts != nil {
		n++
		d.w.BulkString("arguments")
		d.arguments(a.Parts)
	}
	d.w.MapEnd(m, n)
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
	switch {
	case strings.HasPrefix(a.Name, "unix-time"):
		return "unix-time"
	case cmd.Group == Geo && slices.Contains([]string{"longitude", "latitude", "radius", "width", "height"}, a.Name):
		return "double"
	case a.Name == "timeout" && cmd.Flags&Blocking != 0, a.Name == "increment" && strings.HasSuffix(cmd.Name, "float"):
		return "double"
	case cmd.Group == Streams && (a.Name == "start" || a.Name == "end"):
		return "string" // they are IDs
	case a.Name == "pattern":
		return "pattern"
	case a.Name == "value" && cmd.Name == "setbit", a.Name == "value" && cmd.Name == "bitfield":
		return "integer"
	}
	switch a.Name {
	case "key", "key1", "key2", "newkey", "source", "destination", "destkey", "sourcekey":
		if len(cmd.Keys) > 0 {
			return "key"
		}
	case "bit", "client-id", "count", "cursor", "db", "decrement", "destination-db", "end", "entries_added", "entries_read", "increment", "index", "index1", "index2",
		"len", "milliseconds", "ms", "num-matches", "numkeys", "numlocal", "numreplicas", "offset", "protover", "rank", "seconds",
		"start", "stop", "timeout", "ttl", "version":
		return "integer"
	}
	return "string"
}
