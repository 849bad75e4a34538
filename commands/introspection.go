package commands

import (
	"bytes"

	"holdfast/glob"
	"holdfast/resp"
)

func commandCommands() []*Command {
	const open = Loading | Stale
	return []*Command{{
		Name: "command", Group: Server, Since: "2.8.13", Arity: -1, Flags: open, Categories: CatConnection,
		Tips:    []string{"nondeterministic_output_order"},
		Summary: "Tells all that the server knows of every command.", Complexity: "O(n) in the commands",
		Run: commandCommand,
		Subs: []*Command{
			{
				Name: "count", Since: "2.8.13", Arity: 2, Flags: open, Categories: CatConnection,
				Summary: "Tells how many commands there are.", Complexity: "O(1)",
				Run: commandCount,
			},
			{
				Name: "info", Since: "2.8.13", Arity: -2, Flags: open, Categories: CatConnection,
				Tips:    []string{"nondeterministic_output_order"},
				Syntax:  "[command-name [command-name ...]]",
				Summary: "Tells arity, flags, keys and categories of commands, or of all.", Complexity: "O(n) in the commands",
				Run: commandInfo,
			},
			{
				Name: "docs", Since: "7.0.0", Arity: -2, Flags: open, Categories: CatConnection,
				Tips:    []string{"nondeterministic_output_order"},
				Syntax:  "[command-name [command-name ...]]",
				Summary: "Explains commands, or all of them.", Complexity: "O(n) in the commands",
				Run: commandDocs,
			},
			{
				Name: "list", Since: "7.0.0", Arity: -2, Flags: open, Categories: CatConnection,
				Tips:    []string{"nondeterministic_output_order"},
				Syntax:  "[FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]",
				Summary: "Tells the names of all commands, or of some.", Complexity: "O(n) in the commands",
				Run: commandList,
			},
			{
				Name: "getkeys", Since: "2.8.13", Arity: -4, Flags: open, Categories: CatConnection,
				Syntax:  "command [arg [arg ...]]",
				Summary: "Tells the keys among the arguments of a command.", Complexity: "O(n) in the arguments",
				Run: commandGetKeys,
			},
			{
				Name: "getkeysandflags", Since: "7.0.0", Arity: -4, Flags: open, Categories: CatConnection,
				Syntax:     "command [arg [arg ...]]",
				Summary:    "Tells the keys among the arguments of a command, and what it does with them.",
				Complexity: "O(n) in the arguments",
				Run:        commandGetKeysAndFlags,
			},
			{
				Name: "help", Since: "5.0.0", Arity: 2, Flags: open, Categories: CatConnection,
				Summary: "Lists the subcommands.", Complexity: "O(1)",
				Run: containerHelp,
			},
		},
	}}
}

// COMMAND
func commandCommand(c *Call) {
	c.Reply.Array(len(c.Table.All()))
	for _, cmd := range c.Table.All() {
		c.writeInfo(cmd)
	}
}

// COMMAND COUNT
func commandCount(c *Call) { c.Reply.Int(int64(len(c.Table.All()))) }

// COMMAND INFO [command-name [command-name ...]]
func commandInfo(c *Call) {
	if len(c.Args) == 2 {
		commandCommand(c)
		return
	}
	c.Reply.Array(len(c.Args) - 2)
	for _, name := range c.Args[2:] {
		if cmd := c.Table.FullLookup(name); cmd != nil {
			c.writeInfo(cmd)
		} else {
			c.Reply.Null()
		}
	}
}

// FullLookup finds a command by its full name in any case, as in "get" or "client|list", or nil.
func (t *Table) FullLookup(name []byte) *Command {
	first, second, divided := bytes.Cut(name, []byte("|"))
	cmd := t.Lookup(first)
	if cmd != nil && divided {
		return cmd.Sub(second)
	}
	return cmd
}

// writeInfo writes what COMMAND INFO replies of one command.
func (c *Call) writeInfo(cmd *Command) {
	c.Reply.Array(10)
	c.Reply.BulkString(cmd.FullName())
	c.Reply.Int(int64(cmd.Arity))
	writeNames(c.Reply, uint64(cmd.Flags), flagNames[:])
	first, last, step := cmd.keyRange()
	c.Reply.Int(int64(first))
	c.Reply.Int(int64(last))
	c.Reply.Int(int64(step))
	c.writeCategories(cmd)
	c.Reply.Set(len(cmd.Tips))
	for _, tip := range cmd.Tips {
		c.Reply.BulkString(tip)
	}
	c.Reply.Set(len(cmd.Keys))
	for i := range cmd.Keys {
		writeKeySpec(c.Reply, &cmd.Keys[i])
	}
	c.Reply.Set(len(cmd.Subs))
	for _, sub := range cmd.Subs {
		c.writeInfo(sub)
	}
}

func (c *Call) writeCategories(cmd *Command) {
	writeNames(c.Reply, uint64(cmd.AllCategories()), categoryNames[:])
}

// writeNames writes a set with the names of the bits that are set. Bits without a name are nobody's business.
func writeNames(w *resp.Writer, bits uint64, names []string) {
	m, n := w.SetLater(), 0
	for i, name := range names {
		if bits&(1<<i) != 0 {
			w.Status(name)
			n++
		}
	}
	w.SetEnd(m, n)
}

// keyRange is where the keys stand, in the terms that sufficed before there were key specs: the first key, the last
// one (negative: from the end) and the step. Where the specs say more than a range can, it covers those of them
// that stand in a row at fixed places.
func (cmd *Command) keyRange() (first, last, step int) {
	if len(cmd.Keys) == 1 && cmd.Keys[0].fixed() {
		s := &cmd.Keys[0]
		return s.Begin, s.end(), max(1, s.Step)
	}
	for i := range cmd.Keys {
		s := &cmd.Keys[i]
		if !s.fixed() || max(1, s.Step) != 1 || last != 0 && last != s.Begin-1 {
			continue
		}
		if first == 0 {
			first = s.Begin
		}
		last, step = s.end(), 1
	}
	return first, last, step
}

// fixed reports whether the keys stand at places that do not depend on the arguments.
func (s *KeySpec) fixed() bool { return s.Keyword == "" && !s.Counted && !s.Unknown }

// end is the index of the last key, negative from the end.
func (s *KeySpec) end() int {
	if s.Last < 0 {
		return s.Last
	}
	return s.Begin + s.Last
}

// writeKeySpec writes a key spec as COMMAND INFO does.
func writeKeySpec(w *resp.Writer, s *KeySpec) {
	w.Map(3)
	w.BulkString("flags")
	writeNames(w, uint64(s.Flags), keyFlagNames[:])
	w.BulkString("begin_search")
	if s.Unknown {
		writeSearch(w, "unknown", nil)
		w.BulkString("find_keys")
		writeSearch(w, "unknown", nil)
		return
	}
	if s.Keyword == "" {
		writeSearch(w, "index", numbers{{"index", s.Begin}})
	} else {
		w.Map(2)
		w.BulkString("type")
		w.BulkString("keyword")
		w.BulkString("spec")
		w.Map(2)
		w.BulkString("keyword")
		w.BulkString(s.Keyword)
		w.BulkString("startfrom")
		w.Int(int64(s.From))
	}
	w.BulkString("find_keys")
	if s.Counted {
		writeSearch(w, "keynum", numbers{{"keynumidx", s.CountAt}, {"firstkey", s.FirstAt}, {"keystep", max(1, s.Step)}})
	} else {
		writeSearch(w, "range", numbers{{"lastkey", s.Last}, {"keystep", max(1, s.Step)}, {"limit", s.Limit}})
	}
}

type numbers []struct {
	name string
	n    int
}

// writeSearch writes one half of a key spec.
func writeSearch(w *resp.Writer, kind string, spec numbers) {
	w.Map(2)
	w.BulkString("type")
	w.BulkString(kind)
	w.BulkString("spec")
	w.Map(len(spec))
	for _, x := range spec {
		w.BulkString(x.name)
		w.Int(int64(x.n))
	}
}

// COMMAND LIST [FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]
func commandList(c *Call) {
	all := func(*Command) bool { return true }
	switch {
	case len(c.Args) == 2:
		c.writeList(all)
	case len(c.Args) != 5 || !c.is(2, "FILTERBY"):
		c.Reply.Error(resp.ErrSyntax)
	case c.is(3, "MODULE"): // there are none
		c.Reply.Array(0)
	case c.is(3, "ACLCAT"):
		want := categoryNamed(c.Args[4])
		c.writeList(func(cmd *Command) bool { return cmd.AllCategories()&want != 0 })
	case c.is(3, "PATTERN"):
		c.writeList(func(cmd *Command) bool { return glob.MatchFold(c.Args[4], []byte(cmd.FullName())) })
	default:
		c.Reply.Error(resp.ErrSyntax)
	}
}

// categoryNamed is the category of a name without its @, or none.
func categoryNamed(name []byte) Categories {
	for i, known := range categoryNames {
		if known[1:] == string(fold(nil, name)) {
			return 1 << i
		}
	}
	return 0
}

func (c *Call) writeList(which func(*Command) bool) {
	m, n := c.Reply.ArrayLater(), 0
	list := func(cmd *Command) {
		if which(cmd) {
			c.Reply.BulkString(cmd.FullName())
			n++
		}
	}
	for _, cmd := range c.Table.All() {
		list(cmd)
		for _, sub := range cmd.Subs {
			list(sub)
		}
	}
	c.Reply.ArrayEnd(m, n)
}

// COMMAND GETKEYS command [arg [arg ...]]
func commandGetKeys(c *Call) {
	keys, ok := c.keysOfRequest(c.Args[2:])
	if !ok {
		return
	}
	c.Reply.Array(len(keys))
	for _, k := range keys {
		c.Reply.Bulk(c.Args[2+k.at])
	}
}

// COMMAND GETKEYSANDFLAGS command [arg [arg ...]]
func commandGetKeysAndFlags(c *Call) {
	keys, ok := c.keysOfRequest(c.Args[2:])
	if !ok {
		return
	}
	c.Reply.Array(len(keys))
	for _, k := range keys {
		c.Reply.Array(2)
		c.Reply.Bulk(c.Args[2+k.at])
		writeNames(c.Reply, uint64(k.flags), keyFlagNames[:])
	}
}

// keyAmong is a key among arguments.
type keyAmong struct {
	at    int
	flags KeyFlags
}

// keysOfRequest finds the keys in another request; if it has none, or is none, the reply says so.
func (c *Call) keysOfRequest(args [][]byte) (keys []keyAmong, ok bool) {
	cmd := c.Table.Lookup(args[0])
	if cmd != nil && len(cmd.Subs) > 0 && len(args) > 1 {
		cmd = cmd.Sub(args[1])
	}
	switch {
	case cmd == nil:
		c.Reply.Error(resp.ErrCommandUnknown)
		return nil, false
	case len(cmd.Keys) == 0, cmd.Keys[0].Flags&NotKey != 0:
		c.Reply.Error(resp.ErrCommandNoKeys)
		return nil, false
	case !cmd.ArityOK(len(args)):
		c.Reply.Error(resp.ErrCommandArguments)
		return nil, false
	}
	fits := cmd.EachKey(args, func(i int, f KeyFlags) {
		keys = append(keys, keyAmong{i, variableFlags(cmd, args, f) &^ Incomplete})
	})
	switch {
	case fits:
		return keys, true
	case cmd.Flags&NoMandatoryKeys != 0:
		return nil, true
	}
	c.Reply.Error(resp.ErrCommandKeys)
	return nil, false
}

// variableFlags are what a command does with a key where that depends on its arguments: SET reads the key only if
// it is to return it, BITFIELD may do nothing but read.
func variableFlags(cmd *Command, args [][]byte, f KeyFlags) KeyFlags {
	switch {
	case f&Variable == 0:
	case cmd.Name == "set":
		for _, arg := range args[3:] {
			if equalFold(arg, "GET") {
				return RW | Access | Update
			}
		}
		return OW | Update
	case cmd.Name == "bitfield":
		if onlyGets(args[2:]) {
			return RO | Access
		}
		return RW | Access | Update
	}
	return f
}

// onlyGets reports whether BITFIELD's operations are all GETs.
func onlyGets(ops [][]byte) bool {
	for len(ops) > 0 {
		switch {
		case equalFold(ops[0], "GET") && len(ops) > 2:
			ops = ops[3:]
		case equalFold(ops[0], "OVERFLOW") && len(ops) > 1:
			ops = ops[2:]
		default:
			return false
		}
	}
	return true
}
