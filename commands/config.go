package commands

import (
	"slices"
	"strings"

	"holdfast/config"
	"holdfast/resp"
)

func configCommands() []*Command {
	const operator = Admin | NoScript | Loading | Stale
	return []*Command{{
		Name: "config", Group: Server, Since: "2.0.0", Arity: -2,
		Summary: "Commands about the server's settings.", Complexity: "That of the subcommand",
		Subs: []*Command{
			{
				Name: "get", Since: "2.0.0", Arity: -3, Flags: operator,
				Syntax:  "parameter [parameter ...]",
				Summary: "Tells the settings whose names match one of the patterns.", Complexity: "O(n) in the patterns",
				Run: configGet,
			},
			{
				Name: "set", Since: "2.0.0", Arity: -4, Flags: operator,
				Tips:    []string{"request_policy:all_nodes", "response_policy:all_succeeded"},
				Syntax:  "parameter value [parameter value ...]",
				Summary: "Changes settings: all of them, or on error none.", Complexity: "O(n) in the settings",
				Run: configSet,
			},
			{
				Name: "rewrite", Since: "2.8.0", Arity: 2, Flags: operator,
				Summary: "Writes the settings in force into the configuration file.", Complexity: "O(n) in the file",
				Run: configRewrite,
			},
			{
				Name: "resetstat", Since: "2.0.0", Arity: 2, Flags: operator,
				Summary: "Sets the counters of INFO back.", Complexity: "O(n) in the commands",
				Run: configResetStat,
			},
			{
				Name: "help", Since: "5.0.0", Arity: 2, Flags: Loading | Stale,
				Summary: "Lists the subcommands.", Complexity: "O(1)",
				Run: containerHelp,
			},
		},
	}}
}

// CONFIG GET parameter [parameter ...]
func configGet(c *Call) {
	patterns := make([]string, len(c.Args)-2)
	for i, arg := range c.Args[2:] {
		patterns[i] = string(arg)
	}
	found := c.Config.Match(patterns)
	c.Reply.Map(len(found))
	for _, pair := range found {
		c.Reply.BulkString(pair[0])
		c.Reply.BulkString(pair[1])
	}
}

// CONFIG SET parameter value [parameter value ...]
func configSet(c *Call) {
	if len(c.Args)%2 != 0 {
		c.Reply.Error(resp.ErrSyntax)
		return
	}
	var pairs [][2]string
	for i := 2; i < len(c.Args); i += 2 {
		pairs = append(pairs, [2]string{string(c.Args[i]), string(c.Args[i+1])})
	}
	if c.Nested && slices.ContainsFunc(pairs, func(pair [2]string) bool { return strings.EqualFold(pair[0], "appendonly") }) {
		c.Reply.Error(resp.ErrSwitchNested)
		return
	}
	if err := c.Config.SetMany(config.RunTime, pairs); err != nil {
		c.Reply.Err(err) // its text is the reply
		return
	}
	// Turning the log on or off takes a checkpoint; OK says that the new way of keeping holds.
	client, keeper := c.Client, c.Keeper
	if c.Nested || keeper.Settled(func() { keeper.Finish(client, (*resp.Writer).OK) }) {
		c.Reply.OK()
		return
	}
	c.Block(nil, 0, nil)
}

// CONFIG REWRITE
func configRewrite(c *Call) {
	if c.RewriteConfig == nil {
		c.Reply.Error(resp.ErrNoConfigFile)
		return
	}
	if err := c.RewriteConfig(); err != nil {
		c.Reply.Error(resp.ErrRewriteFailed(err.Error()))
		return
	}
	c.Reply.OK()
}

// CONFIG RESETSTAT
func configResetStat(c *Call) {
	c.Keeper.ResetStats()
	c.Users.Log.ResetCounts()
	c.Clients.ResetStats()
	c.Reply.OK()
}
