package commands

import (
	"fmt"
	"strings"

	"holdfast/acl"
	"holdfast/pubsub"
	"holdfast/resp"
)

// eachClient calls fn for every client whose connection is not about to end, in the order of their IDs.
func (c *Call) eachClient(fn func(*Client) bool) {
	c.Clients.Each(func(o *Client) bool { return o.Killed || fn(o) })
}

// clientByID finds a client whose connection is not about to end, or nil.
func (c *Call) clientByID(id int64) *Client {
	if o := c.Clients.ByID(id); o != nil && !o.Killed {
		return o
	}
	return nil
}

// clientKind sorts clients for TYPE. There are no replicas here, and nobody to replicate from.
type clientKind string

const (
	kindNormal  clientKind = "normal"
	kindMaster  clientKind = "master"
	kindReplica clientKind = "replica"
	kindPubSub  clientKind = "pubsub"
)

// kind of a client.
func (o *Client) kind() clientKind {
	if o.Subs != nil {
		return kindPubSub
	}
	return kindNormal
}

// clientKind is the i-th argument as a kind of clients; where it is none, the reply says so.
func (c *Call) clientKind(i int) (clientKind, bool) {
	switch k := clientKind(fold(nil, c.Args[i])); k {
	case kindNormal, kindMaster, kindReplica, kindPubSub:
		return k, true
	case "slave":
		return kindReplica, true
	}
	c.Reply.Error(resp.ErrClientType(c.Args[i]))
	return "", false
}

// CLIENT INFO
func clientInfo(c *Call) { c.Reply.Verbatim("txt", string(c.describe(nil, c.Client))) }

// CLIENT LIST [TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]]
//
// The syntax line is Redis's; like Redis 7.0 it takes one of the two, not both.
func clientList(c *Call) {
	var lines []byte
	switch {
	case len(c.Args) == 2:
		lines = c.describeAll(func(*Client) bool { return true })
	case len(c.Args) == 4 && c.is(2, "TYPE"):
		k, ok := c.clientKind(3)
		if !ok {
			return
		}
		lines = c.describeAll(func(o *Client) bool { return o.kind() == k })
	case len(c.Args) > 3 && c.is(2, "ID"):
		for i := range c.Args[3:] {
			id, ok := ParseInt(c.Args[3+i])
			if !ok {
				c.Reply.Error(resp.ErrClientID)
				return
			}
			if o := c.clientByID(id); o != nil {
				lines = c.describe(lines, o)
			}
		}
	default:
		c.Reply.Error(resp.ErrSyntax)
		return
	}
	c.Reply.Verbatim("txt", string(lines))
}

func (c *Call) describeAll(which func(*Client) bool) (lines []byte) {
	c.eachClient(func(o *Client) bool {
		if which(o) {
			lines = c.describe(lines, o)
		}
		return true
	})
	return lines
}

// describe appends a client's line: the fields of Redis 7.0 in their order, and the two of 7.2 behind them. What
// Redis tells of buffers that are made otherwise here is 0.
func (c *Call) describe(dst []byte, o *Client) []byte {
	in, out := o.Peer.Buffers()
	queued, queuedBytes := -1, 0
	if o.Multi != nil {
		queued = len(o.Multi.Queue)
		for _, q := range o.Multi.Queue {
			for _, arg := range q.Args {
				queuedBytes += len(arg)
			}
		}
	}
	events := "r"
	if out > 0 {
		events = "rw"
	}
	last := "NULL"
	if o.LastCommand != nil {
		last = o.LastCommand.FullName()
	}
	dst = fmt.Appendf(dst, "id=%d addr=%s laddr=%s fd=%d name=%s age=%d idle=%d flags=%s db=%d sub=%d psub=%d ssub=%d multi=%d ",
		o.ID, o.Addr, o.LocalAddr, o.Peer.FD(), o.Name, c.secondsSince(o.Created), c.secondsSince(o.Active), o.flags(), o.DB,
		o.Subs.Count(pubsub.Channel), o.Subs.Count(pubsub.Pattern), o.Subs.Count(pubsub.Shard), queued)
	dst = fmt.Appendf(dst, "qbuf=%d qbuf-free=0 argv-mem=0 multi-mem=%d rbs=0 rbp=0 obl=0 oll=0 omem=%d tot-mem=%d ",
		in, queuedBytes, out, in+queuedBytes+out)
	return fmt.Appendf(dst, "events=%s cmd=%s user=%s redir=%d resp=%d lib-name=%s lib-ver=%s\n",
		events, last, o.UserName(), o.redirects(), o.Proto, o.LibName, o.LibVersion)
}

// secondsSince counts from a moment in unix milliseconds.
func (c *Call) secondsSince(ms int64) int64 { return max(0, c.Now-ms) / 1000 }

// flags are the letters of CLIENT LIST, in Redis's order.
func (o *Client) flags() string {
	var letters []byte
	for _, f := range [...]struct {
		letter byte
		set    bool
	}{
		{'P', o.Subs != nil},
		{'O', o.Monitoring},
		{'x', o.Multi != nil},
		{'b', o.Blocked != nil},
		{'t', o.tracks()},
		{'R', o.tracks() && o.Tracking.Broken},
		{'B', o.tracks() && o.Tracking.Broadcast},
		{'d', o.Dirty},
		{'c', o.CloseAfterReply},
		{'U', o.unix()},
		{'e', o.NoEvict},
		{'T', o.NoTouch},
	} {
		if f.set {
			letters = append(letters, f.letter)
		}
	}
	if letters == nil {
		return "N"
	}
	return string(letters)
}

// unix reports whether the client came through a unix socket, whose addresses are the path and port 0.
func (o *Client) unix() bool { return strings.HasSuffix(o.Addr, ":0") }

// killFilters is how the syntax line of CLIENT KILL writes its filters.
const killFilters = "<[ID client-id] | [TYPE <NORMAL | MASTER | SLAVE | REPLICA | PUBSUB>] | [USER username] | " +
	"[ADDR ip:port] | [LADDR ip:port] | [SKIPME yes/no]>"

// clientFilter is what CLIENT KILL looks for; a field that was not given fits every client.
type clientFilter struct {
	id          int64
	kind        clientKind
	user        *acl.User
	addr, laddr *string
	skipMe      bool
}

// fits reports whether the client is meant.
func (f *clientFilter) fits(o, me *Client) bool {
	return (f.id == 0 || f.id == o.ID) &&
		(f.kind == "" || f.kind == o.kind()) &&
		(f.user == nil || f.user == o.User) &&
		(f.addr == nil || *f.addr == o.Addr) &&
		(f.laddr == nil || *f.laddr == o.LocalAddr) &&
		!(f.skipMe && o == me)
}

// CLIENT KILL ip:port
// CLIENT KILL <ID client-id | TYPE type | USER username | ADDR ip:port | LADDR ip:port | SKIPME yes/no> …
func clientKill(c *Call) {
	filter, old := clientFilter{skipMe: true}, len(c.Args) == 3
	if old {
		addr := string(c.Args[2])
		filter = clientFilter{addr: &addr}
	} else if !c.killFilter(&filter) {
		return
	}
	killed := 0
	c.eachClient(func(o *Client) bool {
		if filter.fits(o, c.Client) {
			c.kill(o)
			killed++
		}
		return true
	})
	switch {
	case !old:
		c.Reply.Int(int64(killed))
	case killed > 0:
		c.Reply.OK()
	default:
		c.Reply.Error(resp.ErrNoSuchClient)
	}
}

// killFilter reads the pairs of CLIENT KILL.
func (c *Call) killFilter(f *clientFilter) bool {
	for i := 2; i < len(c.Args); i += 2 {
		if i+1 == len(c.Args) {
			c.Reply.Error(resp.ErrSyntax)
			return false
		}
		if !c.killFilterPair(f, i) {
			return false
		}
	}
	return true
}

func (c *Call) killFilterPair(f *clientFilter, i int) (ok bool) {
	value := string(c.Args[i+1])
	switch {
	case c.is(i, "ID"):
		if f.id, ok = ParseInt(c.Args[i+1]); !ok || f.id < 1 {
			c.Reply.Error(resp.ErrClientKillID)
			return false
		}
	case c.is(i, "TYPE"):
		f.kind, ok = c.clientKind(i + 1)
		return ok
	case c.is(i, "ADDR"):
		f.addr = &value
	case c.is(i, "LADDR"):
		f.laddr = &value
	case c.is(i, "USER"):
		if f.user = c.Users.Get(value); f.user == nil {
			c.Reply.Error(resp.ErrNoSuchUser(c.Args[i+1]))
			return false
		}
	case c.is(i, "SKIPME") && c.is(i+1, "YES"):
		f.skipMe = true
	case c.is(i, "SKIPME") && c.is(i+1, "NO"):
		f.skipMe = false
	default:
		c.Reply.Error(resp.ErrSyntax)
		return false
	}
	return true
}

// kill ends a connection: the caller's own once its replies are out, any other at once.
func (c *Call) kill(o *Client) {
	if o == c.Client {
		o.CloseAfterReply = true
		return
	}
	o.Killed = true
	c.Keeper.Drop(o)
	o.Peer.Kill(false)
}
