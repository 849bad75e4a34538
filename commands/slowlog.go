package commands

import (
	"bytes"
	"fmt"
	"time"

	"holdfast/resp"
)

// SLOWLOG GET LEN RESET HELP

func slowlogCommands() []*Command {
	const open = Admin | Loading | Stale
	return []*Command{{
		Name: "slowlog", Group: Server, Since: "2.2.12", Arity: -2,
		Summary: "The calls that took longest.", Complexity: "That of the subcommand",
		Subs: []*Command{
			{
				Name: "get", Since: "2.2.12", Arity: -2, Flags: open, Tips: []string{"request_policy:all_nodes", "nondeterministic_output"},
				Syntax:  "[count]",
				Summary: "Tells calls that took longer than slowlog-log-slower-than: the last ten, so many, or all (-1).", Complexity: "O(n) in the entries returned",
				Run: slowlogGet,
			},
			{
				Name: "len", Since: "2.2.12", Arity: 2, Flags: open,
				Tips:    []string{"request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"},
				Summary: "Tells how many calls are remembered.", Complexity: "O(1)",
				Run: slowlogLen,
			},
			{
				Name: "reset", Since: "2.2.12", Arity: 2, Flags: open, Tips: []string{"request_policy:all_nodes", "response_policy:all_succeeded"},
				Summary: "Forgets them.", Complexity: "O(n) in the entries",
				Run: slowlogReset,
			},
			{
				Name: "help", Since: "6.2.0", Arity: 2, Flags: Loading | Stale,
				Summary: "Lists the subcommands.", Complexity: "O(1)",
				Run: containerHelp,
			},
		},
	}}
}

// Slowlog is the calls that took long, the newest last. The zero Slowlog is empty.
type Slowlog struct {
	entries []slowCall
	next    int64 // ID
}

type slowCall struct {
	id, at int64 // unix seconds
	took   time.Duration
	args   [][]byte
	addr   string
	name   string // the client's
}

// Bounds of what is remembered of a call, as in Redis.
const (
	slowArguments     = 32
	slowArgumentBytes = 128
)

// Add remembers a call at a time in unix seconds, and forgets the oldest beyond most. The arguments are copied.
func (s *Slowlog) Add(at int64, took time.Duration, cmd *Command, args [][]byte, c *Client, most int64) {
	entry := slowCall{id: s.next, at: at, took: took, args: trimmed(cmd.Redacted(args)), addr: c.Addr, name: c.Name}
	if entry.addr == "" {
		entry.addr = "?:0" // a script's calls have no connection
	}
	s.next++
	s.entries = append(s.entries, entry)
	if over := int64(len(s.entries)) - most; over > 0 {
		n := copy(s.entries, s.entries[over:])
		clear(s.entries[n:])
		s.entries = s.entries[:n]
	}
}

// trimmed copies arguments, and says how much it leaves out.
func trimmed(args [][]byte) [][]byte {
	n := min(len(args), slowArguments)
	own := make([][]byte, n)
	for i := range own {
		switch {
		case i == n-1 && n < len(args):
			own[i] = fmt.Appendf(nil, "... (%d more arguments)", len(args)-n+1)
		case len(args[i]) > slowArgumentBytes:
			own[i] = fmt.Appendf(bytes.Clone(args[i][:slowArgumentBytes]), "... (%d more bytes)", len(args[i])-slowArgumentBytes)
		default:
			own[i] = bytes.Clone(args[i])
		}
	}
	return own
}

// SLOWLOG GET [count]
func slowlogGet(c *Call) {
	entries, most := c.Slowlog.entries, int64(10)
	switch {
	case len(c.Args) > 3:
		c.Reply.Error(resp.ErrUnknownSubcommandOrArity(c.Args[1], "slowlog"))
		return
	case len(c.Args) == 3:
		n, ok := ParseInt(c.Args[2])
		if !ok || n < -1 {
			c.Reply.Error(resp.ErrSlowlogCount)
			return
		}
		if most = n; n == -1 {
			most = int64(len(entries))
		}
	}
	n := int(min(most, int64(len(entries))))
	c.Reply.Array(n)
	for i := range n {
		e := &entries[len(entries)-1-i]
		c.Reply.Array(6)
		c.Reply.Int(e.id)
		c.Reply.Int(e.at)
		c.Reply.Int(e.took.Microseconds())
		c.Reply.Array(len(e.args))
		for _, arg := range e.args {
			c.Reply.Bulk(arg)
		}
		c.Reply.BulkString(e.addr)
		c.Reply.BulkString(e.name)
	}
}

// SLOWLOG LEN
func slowlogLen(c *Call) { c.Reply.Int(int64(len(c.Slowlog.entries))) }

// SLOWLOG RESET
func slowlogReset(c *Call) {
	c.Slowlog.entries = nil
	c.Reply.OK()
}
