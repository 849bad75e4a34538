package commands

import "strings"

// containerHelp is the HELP of a container such as CLIENT. It tells what the table says of the subcommands.
func containerHelp(c *Call) { c.help(c.Cmd.Parent.Name, c.Cmd.Parent.Subs) }

// help replies a list of subcommands in the layout of Redis: a line of syntax, and the summary indented below it.
func (c *Call) help(container string, subs []*Command) {
	c.Reply.Array(1 + 2*len(subs))
	c.Reply.Status(strings.ToUpper(container) + " <subcommand> [argument ...]. The subcommands are:")
	for _, sub := range subs {
		c.Reply.Status(strings.TrimSpace(strings.ToUpper(sub.Name) + " " + sub.Syntax))
		c.Reply.Status("    " + sub.Summary)
	}
}
