package commands

import "holdfast/resp"

// MODULE LIST LOAD LOADEX UNLOAD HELP. There are no modules, so the list is empty and the rest is forbidden, as it is in a Redis
// that is not told otherwise.

func moduleCommands() []*Command {
	const operators = Admin | NoScript
	forbidden := func(name, since string, arity int, syntax, summary string) *Command {
		return &Command{
			Name: name, Since: since, Arity: arity, Flags: operators | NoAsyncLoading, Syntax: syntax, Summary: summary, Complexity: "O(1)",
			Run: moduleForbidden,
		}
	}
	return []*Command{{
		Name: "module", Group: Server, Since: "4.0.0", Arity: -2,
		Summary: "Commands about modules, which there are none of.", Complexity: "O(1)",
		Subs: []*Command{
			forbidden("load", "4.0.0", -3, "path [arg [arg ...]]", "Is forbidden: there are no modules."),
			forbidden("loadex", "7.0.0", -3, "path [CONFIG name value [CONFIG name value ...]] [ARGS arg [arg ...]]", "Is forbidden: there are no modules."),
			forbidden("unload", "4.0.0", 3, "name", "Is forbidden: there are no modules."),
			{
				Name: "list", Since: "4.0.0", Arity: 2, Flags: operators, Tips: []string{"nondeterministic_output_order"},
				Summary: "Lists the modules, of which there are none.", Complexity: "O(1)",
				Run: func(c *Call) { c.Reply.Array(0) },
			},
			{
				Name: "help", Since: "5.0.0", Arity: 2, Flags: Loading | Stale,
				Summary: "Lists the subcommands.", Complexity: "O(1)",
				Run: containerHelp,
			},
		},
	}}
}

// MODULE LOAD path …, and its like
func moduleForbidden(c *Call) { c.Reply.Error(resp.ErrProtected("MODULE", "enable-module-command")) }
