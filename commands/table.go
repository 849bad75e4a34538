package commands

import (
	"fmt"
	"slices"

	"holdfast/resp"
)

// Table is every command by its name.
type Table struct {
	slots  [tableSlots]*Command // by the hash of the name; who finds a slot taken has the next
	sorted []*Command
}

// tableSlots is several times as many as there are commands, so that most have the slot that their hash names. A map of Go's
// takes three times as long to look into.
const tableSlots = 2048

// NewTable puts the families together.
func NewTable() *Table {
	t := &Table{}
	for _, family := range [][]*Command{
		connectionCommands(), clientCommands(), genericCommands(), dumpCommands(), migrateCommands(), expireCommands(), stringCommands(), listCommands(),
		bitCommands(), hyperLogLogCommands(), geoCommands(), setCommands(), sortCommands(),
		streamCommands(), streamReadCommands(), streamGroupCommands(), pendingCommands(), streamInfoCommands(),
		zsetCommands(), zsetCombinations(), blockingZSetCommands(),
		hashCommands(), hashDeadlineCommands(),
		blockingCommands(), transactionCommands(), pubsubCommands(), serverCommands(), memoryCommands(), snapshotCommands(), configCommands(), debugCommands(),
		commandCommands(), aclCommands(), scriptCommands(), functionCommands(), slowlogCommands(), latencyCommands(), monitorCommands(),
		clusterCommands(), replicationCommands(), moduleCommands(),
	} {
		for _, c := range family {
			t.add(c)
		}
	}
	for _, name := range quickNames() {
		if c := t.Lookup([]byte(name)); c != nil {
			c.quick = true
		}
	}
	slices.SortFunc(t.sorted, func(a, b *Command) int { return compare(a.Name, b.Name) })
	return t
}

func (t *Table) add(c *Command) {
	if t.Lookup([]byte(c.Name)) != nil {
		panic(fmt.Sprintf("BUG: two rows for the command %s", c.Name))
	}
	i := nameHash([]byte(c.Name))
	for t.slots[i] != nil {
		i = (i + 1) % tableSlots
	}
	t.slots[i] = c
	if t.sorted = append(t.sorted, c); len(t.sorted) > tableSlots/2 {
		panic("BUG: tableSlots is too small")
	}
	for _, sub := range c.Subs {
		sub.Parent, sub.Group = c, c.Group
	}
}

func compare(a, b string) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

// maxName is longer than any command's name; a longer word is looked up no further.
const maxName = 32

// Lookup finds a command by its name in any case, or nil.
func (t *Table) Lookup(name []byte) *Command {
	if len(name) > maxName {
		return nil
	}
	for i := nameHash(name); ; i = (i + 1) % tableSlots {
		if c := t.slots[i]; c == nil || sameFolded(name, c.Name) {
			return c
		}
	}
}

// nameHash tells names apart by all their bytes, whatever the case.
func nameHash(name []byte) uint32 {
	h := uint32(len(name))
	for _, b := range name {
		h = h*31 + uint32(b|0x20) // folds letters, and what it makes equal besides sameFolded tells apart
	}
	return h % tableSlots
}

// sameFolded compares a name in any case with one in lower case.
func sameFolded(name []byte, lower string) bool {
	if len(name) != len(lower) {
		return false
	}
	for i, b := range name {
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		if b != lower[i] {
			return false
		}
	}
	return true
}

// Sub finds a subcommand by its name in any case, or nil.
func (c *Command) Sub(name []byte) *Command {
	for _, s := range c.Subs {
		if sameFolded(name, s.Name) {
			return s
		}
	}
	return nil
}

// Find looks a request's command up, its subcommand included, and checks the number of arguments. A refusal is what Redis replies.
func (t *Table) Find(args [][]byte) (cmd *Command, refusal string) {
	cmd = t.Lookup(args[0])
	if cmd == nil {
		return nil, resp.ErrUnknownCommand(args[0], args[1:])
	}
	if len(cmd.Subs) > 0 && len(args) > 1 {
		sub := cmd.Sub(args[1])
		if sub == nil {
			return nil, resp.ErrUnknownSubcommand(args[1], cmd.Name)
		}
		cmd = sub
	}
	if !cmd.ArityOK(len(args)) || cmd.Run == nil {
		return cmd, resp.ErrArity(cmd.FullName())
	}
	return cmd, ""
}

// All are the commands in the order of their names.
func (t *Table) All() []*Command { return t.sorted }

// fold appends name in lower case.
func fold(dst, name []byte) []byte {
	for _, b := range name {
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		dst = append(dst, b)
	}
	return dst
}
