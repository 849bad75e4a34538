package acl

import "strings"

// Catalogue is the list of commands that rules may name. It is filled once, before the first rule is read.
type Catalogue struct {
	categories []string // the i-th is bit i of a command's categories
	commands   []*command
	byName     map[string]*command
}

// command is an entry of the catalogue.
type command struct {
	id         int
	name       string // in lower case; of a subcommand "client|list"
	parent     *command
	subs       []*command
	categories uint64
	counted    bool // see Add
}

// NewCatalogue returns an empty catalogue. The categories' names, without @, stand in the order of their bits.
func NewCatalogue(categories []string) *Catalogue {
	return &Catalogue{categories: categories, byName: map[string]*command{}}
}

// Add enters a command, or, with parent not negative, a subcommand whose name is "container|sub", and returns its ID. IDs
// count from 0. Commands that the Redis of the printed form lacks are not counted when it is chosen how to print rules.
func (c *Catalogue) Add(name string, parent int, categories uint64, counted bool) (id int) {
	cmd := &command{id: len(c.commands), name: name, categories: categories, counted: counted}
	if parent >= 0 {
		cmd.parent = c.commands[parent]
		cmd.parent.subs = append(cmd.parent.subs, cmd)
	}
	if c.byName[name] != nil {
		panic("BUG: two commands of the name " + name)
	}
	c.byName[name] = cmd
	c.commands = append(c.commands, cmd)
	return cmd.id
}

// Has reports whether there is a command of this full name, in any case.
func (c *Catalogue) Has(name string) bool { return c.lookup(name) != nil }

func (c *Catalogue) lookup(name string) *command { return c.byName[strings.ToLower(name)] }

// category is the bit of a name without its @, in any case; 0 if there is none.
func (c *Catalogue) category(name string) uint64 {
	for i, known := range c.categories {
		if strings.EqualFold(known, name) {
			return 1 << i
		}
	}
	return 0
}
