package commands

import (
	"fmt"
	"slices"
	"time"

	"holdfast/resp"
)

func monitorCommands() []*Command {
	return []*Command{{
		Name: "monitor", Group: Server, Since: "1.0.0", Arity: 1, Flags: Admin | NoScript | Loading | Stale,
		Summary: "Shows the connection every command that is run from now on.", Complexity: "O(n) in the connections that do so, for every command",
		Run: monitorCommand,
	}}
}

// Monitors are the clients that are shown every command. The zero Monitors is empty.
type Monitors struct {
	clients []*Client
}

// Any reports whether somebody looks.
func (m *Monitors) Any() bool { return len(m.clients) > 0 }

// Remove ends a client's looking.
func (m *Monitors) Remove(c *Client) {
	c.Monitoring = false
	m.clients = slices.DeleteFunc(m.clients, func(o *Client) bool { return o == c })
}

// Show tells who looks of a call in a database. script: a script made it. What operators do is not shown.
func (m *Monitors) Show(now time.Time, cmd *Command, args [][]byte, c *Client, db int, script bool) {
	if cmd.Flags&Admin != 0 {
		return
	}
	from := c.Addr
	if script {
		from = "lua"
	}
	line := fmt.Appendf(nil, "+%d.%06d [%d %s]", now.Unix(), now.Nanosecond()/1000, db, from)
	for _, arg := range cmd.Redacted(args) {
		line = append(line, ' ')
		line = appendQuoted(line, arg)
	}
	line = append(line, "\r\n"...)
	for _, o := range m.clients {
		o.Mail = true
		o.Peer.Deliver(line, 0)
	}
}

// appendQuoted appends bytes as redis-cli would have them typed.
func appendQuoted(dst, text []byte) []byte {
	dst = append(dst, '"')
	for _, b := range text {
		switch {
		case b == '"' || b == '\\':
			dst = append(dst, '\\', b)
		case b == '\n':
			dst = append(dst, `\n`...)
		case b == '\r':
			dst = append(dst, `\r`...)
		case b == '\t':
			dst = append(dst, `\t`...)
		case b == '\a':
			dst = append(dst, `\a`...)
		case b == '\b':
			dst = append(dst, `\b`...)
		case b < ' ' || b > '~':
			dst = fmt.Appendf(dst, `\x%02x`, b)
		default:
			dst = append(dst, b)
		}
	}
	return append(dst, '"')
}

// MONITOR
func monitorCommand(c *Call) {
	switch {
	case c.Nested || c.Client.DenyBlocking:
		c.Reply.Error(resp.ErrMonitorNested)
		return
	case !c.Client.Monitoring:
		c.Client.Monitoring = true
		c.Monitors.clients = append(c.Monitors.clients, c.Client)
	}
	c.Reply.OK()
}
