package commands

import (
	"fmt"
	"slices"
)

// Table is every command by its name.
type Table struct {
	byName map[string]*Command
	sorted []*Command
}

// NewTable puts the families together.
func NewTable() *Table {
	t := &Table{byName: map[string]*Command{}}
	for _, family := range [][]*Command{
		connectionCommands(), clientCommands(), genericCommands(), expireCommands(), stringCommands(), listCommands(),
		bitCommands(), hyperLogLogCommands(), setCommands(),
		streamCommands(), streamReadCommands(), streamGroupCommands(), pendingCommands(), streamInfoCommands(),
		zsetCommands(), zsetCombinations(), blockingZSetCommands(),
		hashCommands(), hashDeadlineCommands(),
		blockingCommands(), transactionCommands(), serverCommands(), memoryCommands(), snapshotCommands(), configCommands(), debugCommands(),
		commandCommands(),
	} {
		for _, c := range family {
			t.add(c)
		}
	}
	slices.SortFunc(t.sorted, func(a, b *Command) int { return compare(a.Name, b.Name) })
	return t
}

func (t *Table) add(c *Command) {
	if t.byName[c.Name] != nil {
		panic(fmt.Sprintf("BUG: two rows for the command %s", c.Name))
	}
	t.byName[c.Name] = c
	t.sorted = append(t.sorted, c)
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
	var folded [maxName]byte
	return t.byName[string(fold(folded[:0], name))]
}

// Sub finds a subcommand by its name in any case, or nil.
func (c *Command) Sub(name []byte) *Command {
	if len(name) > maxName {
		return nil
	}
	var folded [maxName]byte
	want := fold(folded[:0], name)
	for _, s := range c.Subs {
		if s.Name == string(want) {
			return s
		}
	}
	return nil
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
