package commands

import (
	"holdfast/glob"
	"holdfast/pubsub"
	"holdfast/resp"
)

func pubsubCommands() []*Command {
	const open = PubSub | Loading | Stale
	return []*Command{
		{
			Name: "subscribe", Group: Messages, Since: "2.0.0", Arity: -2, Flags: open | NoScript, Categories: CatPubSub, Channels: AllChannels,
			Syntax:  "channel [channel ...]",
			Summary: "Subscribes to channels.", Complexity: "O(1) a channel",
			Run: func(c *Call) { c.subscribe(pubsub.Channel) },
		},
		{
			Name: "unsubscribe", Group: Messages, Since: "2.0.0", Arity: -1, Flags: open | NoScript, Categories: CatPubSub,
			Syntax:  "[channel [channel ...]]",
			Summary: "Ends subscriptions to channels, or to all channels.", Complexity: "O(1) a channel",
			Run: func(c *Call) { c.unsubscribe(pubsub.Channel) },
		},
		{
			Name: "psubscribe", Group: Messages, Since: "2.0.0", Arity: -2, Flags: open | NoScript, Categories: CatPubSub, Channels: AllPatterns,
			Syntax:  "pattern [pattern ...]",
			Summary: "Subscribes to all channels whose names match patterns.", Complexity: "O(1) a pattern",
			Run: func(c *Call) { c.subscribe(pubsub.Pattern) },
		},
		{
			Name: "punsubscribe", Group: Messages, Since: "2.0.0", Arity: -1, Flags: open | NoScript, Categories: CatPubSub,
			Syntax:  "[pattern [pattern ...]]",
			Summary: "Ends subscriptions to patterns, or to all patterns.", Complexity: "O(1) a pattern",
			Run: func(c *Call) { c.unsubscribe(pubsub.Pattern) },
		},
		{
			Name: "ssubscribe", Group: Messages, Since: "7.0.0", Arity: -2, Flags: open | NoScript, Categories: CatPubSub, Channels: AllChannels,
			Keys:    KeysFrom(1, 1, NotKey),
			Syntax:  "shardchannel [shardchannel ...]",
			Summary: "Subscribes to shard channels.", Complexity: "O(1) a channel",
			Run: func(c *Call) { c.subscribe(pubsub.Shard) },
		},
		{
			Name: "sunsubscribe", Group: Messages, Since: "7.0.0", Arity: -1, Flags: open | NoScript, Categories: CatPubSub,
			Keys:    KeysFrom(1, 1, NotKey),
			Syntax:  "[shardchannel [shardchannel ...]]",
			Summary: "Ends subscriptions to shard channels, or to all of them.", Complexity: "O(1) a channel",
			Run: func(c *Call) { c.unsubscribe(pubsub.Shard) },
		},
		{
			Name: "publish", Group: Messages, Since: "2.0.0", Arity: 3, Flags: open | Fast | MayReplicate, Categories: CatPubSub, Channels: OneChannel,
			Syntax:  "channel message",
			Summary: "Sends a message to all who have subscribed to a channel.", Complexity: "O(n+m): n subscribers, m patterns in use",
			Run: func(c *Call) { c.publish(pubsub.Channel) },
		},
		{
			Name: "spublish", Group: Messages, Since: "7.0.0", Arity: 3, Flags: open | Fast | MayReplicate, Categories: CatPubSub, Channels: OneChannel,
			Keys:    Key(1, NotKey),
			Syntax:  "shardchannel message",
			Summary: "Sends a message to all who have subscribed to a shard channel.", Complexity: "O(n) in the subscribers",
			Run: func(c *Call) { c.publish(pubsub.Shard) },
		},
		{
			Name: "pubsub", Group: Messages, Since: "2.8.0", Arity: -2,
			Summary: "What the server knows of channels and subscribers.", Complexity: "That of the subcommand",
			Subs: []*Command{
				{
					Name: "channels", Since: "2.8.0", Arity: -2, Flags: open, Categories: CatPubSub,
					Syntax:  "[pattern]",
					Summary: "Lists channels that have subscribers.", Complexity: "O(n) in the channels",
					Run: func(c *Call) { c.channels(pubsub.Channel) },
				},
				{
					Name: "numsub", Since: "2.8.0", Arity: -2, Flags: open, Categories: CatPubSub,
					Syntax:  "[channel [channel ...]]",
					Summary: "Counts the subscribers of channels, without those of patterns.", Complexity: "O(1) a channel",
					Run: func(c *Call) { c.numSub(pubsub.Channel) },
				},
				{
					Name: "numpat", Since: "2.8.0", Arity: 2, Flags: open, Categories: CatPubSub,
					Summary: "Counts the patterns that have subscribers.", Complexity: "O(1)",
					Run: func(c *Call) { c.Reply.Int(int64(c.PubSub.Topics(pubsub.Pattern))) },
				},
				{
					Name: "shardchannels", Since: "7.0.0", Arity: -2, Flags: open, Categories: CatPubSub,
					Syntax:  "[pattern]",
					Summary: "Lists shard channels that have subscribers.", Complexity: "O(n) in the channels",
					Run: func(c *Call) { c.channels(pubsub.Shard) },
				},
				{
					Name: "shardnumsub", Since: "7.0.0", Arity: -2, Flags: open, Categories: CatPubSub,
					Syntax:  "[shardchannel [shardchannel ...]]",
					Summary: "Counts the subscribers of shard channels.", Complexity: "O(1) a channel",
					Run: func(c *Call) { c.numSub(pubsub.Shard) },
				},
				{
					Name: "help", Since: "6.2.0", Arity: 2, Flags: Loading | Stale,
					Summary: "Lists the subcommands.", Complexity: "O(1)",
					Run: containerHelp,
				},
			},
		},
	}
}

// notices are the first words of what a subscriber is told, by kind.
var notices = [...]struct{ subscribed, unsubscribed, message string }{
	pubsub.Channel: {"subscribe", "unsubscribe", "message"},
	pubsub.Pattern: {"psubscribe", "punsubscribe", "pmessage"},
	pubsub.Shard:   {"ssubscribe", "sunsubscribe", "smessage"},
}

// SUBSCRIBE channel [channel ...]
// PSUBSCRIBE pattern [pattern ...]
// SSUBSCRIBE shardchannel [shardchannel ...]
func (c *Call) subscribe(k pubsub.Kind) {
	if k == pubsub.Shard && c.Nested {
		c.Reply.Error(resp.ErrShardInMulti)
		return
	}
	if c.Client.Subs == nil {
		c.Client.Subs = &pubsub.Subscriber[*Client]{Owner: c.Client}
	}
	for _, name := range c.Args[1:] {
		c.PubSub.Add(c.Client.Subs, k, name)
		c.acknowledge(notices[k].subscribed, name, k)
	}
}

// UNSUBSCRIBE [channel [channel ...]]
// PUNSUBSCRIBE [pattern [pattern ...]]
// SUNSUBSCRIBE [shardchannel [shardchannel ...]]
func (c *Call) unsubscribe(k pubsub.Kind) {
	names := c.Args[1:]
	if len(names) == 0 {
		names = nil
		for _, name := range c.Client.Subs.Names(k) {
			names = append(names, []byte(name))
		}
	}
	for _, name := range names {
		c.PubSub.Remove(c.Client.Subs, k, name)
		c.acknowledge(notices[k].unsubscribed, name, k)
	}
	if len(names) == 0 {
		c.acknowledge(notices[k].unsubscribed, nil, k)
	}
	if c.Client.Subs.Total() == 0 {
		c.Client.Subs = nil
	}
}

// acknowledge tells the client of a subscription that it has made or ended, and how many it has now; shard channels are
// counted by themselves. As in Redis, a client that wants no replies is told all the same.
func (c *Call) acknowledge(notice string, name []byte, k pubsub.Kind) {
	n := c.Client.Subs.Count(pubsub.Shard)
	if k != pubsub.Shard {
		n = c.Client.Subs.Count(pubsub.Channel) + c.Client.Subs.Count(pubsub.Pattern)
	}
	write := func(w *resp.Writer) {
		w.Push(3)
		w.BulkString(notice)
		if name == nil {
			w.Null()
		} else {
			w.Bulk(name)
		}
		w.Int(int64(n))
	}
	if c.Client.Silence == Talking || c.Nested {
		write(c.Reply)
		return
	}
	var w resp.Writer
	w.SetProto(c.Client.Proto)
	write(&w)
	c.send(c.Client, w.Take())
}

// PUBLISH channel message
// SPUBLISH shardchannel message
func (c *Call) publish(k pubsub.Kind) {
	c.Reply.Int(int64(c.Publish(k, c.Args[1], c.Args[2])))
}

// Publish sends a message to everybody who has subscribed to a channel or to a pattern that fits it, and returns how many
// those were, who may be the same client several times.
func (w *World) Publish(k pubsub.Kind, channel, message []byte) (hearers int) {
	if !w.PubSub.Any(k) {
		return 0
	}
	p := publication{kind: k, channel: channel, message: message}
	w.PubSub.Hearers(k, channel, func(s *pubsub.Subscriber[*Client], pattern string) {
		hearers++
		w.send(s.Owner, p.encoded(s.Owner.Proto, pattern))
	})
	return hearers
}

// publication is a message, encoded once for each protocol and pattern: subscribers share the bytes.
type publication struct {
	kind             pubsub.Kind
	channel, message []byte
	pattern          string
	text             [2][]byte // in RESP2 and RESP3; nil: not needed so far
}

func (p *publication) encoded(proto int, pattern string) []byte {
	if p.pattern != pattern {
		p.pattern, p.text = pattern, [2][]byte{}
	}
	text := &p.text[proto-2]
	if *text == nil {
		var w resp.Writer
		w.SetProto(proto)
		p.write(&w)
		*text = w.Take()
	}
	return *text
}

func (p *publication) write(w *resp.Writer) {
	if p.pattern == "" {
		w.Push(3)
		w.BulkString(notices[p.kind].message)
	} else {
		w.Push(4)
		w.BulkString(notices[pubsub.Pattern].message)
		w.BulkString(p.pattern)
	}
	w.Bulk(p.channel)
	w.Bulk(p.message)
}

// send tells a client something beside its replies. The bytes must not change any more.
func (w *World) send(to *Client, push []byte) {
	if w.Send != nil {
		w.Send(to, push, false)
		return
	}
	to.Peer.Deliver(push, 0)
}

// sendBehind is send, behind the reply of the command under way.
func (w *World) sendBehind(to *Client, push []byte) {
	if w.Send != nil {
		w.Send(to, push, true)
		return
	}
	to.Peer.Deliver(push, 0)
}

// PUBSUB CHANNELS [pattern]
// PUBSUB SHARDCHANNELS [pattern]
func (c *Call) channels(k pubsub.Kind) {
	if len(c.Args) > 3 {
		c.Reply.Error(resp.ErrUnknownSubcommandOrArity(c.Args[1], "pubsub"))
		return
	}
	n, m := 0, c.Reply.ArrayLater()
	c.PubSub.EachTopic(k, func(name string) {
		if len(c.Args) == 2 || glob.Match(c.Args[2], []byte(name)) {
			c.Reply.BulkString(name)
			n++
		}
	})
	c.Reply.ArrayEnd(m, n)
}

// PUBSUB NUMSUB [channel [channel ...]]
// PUBSUB SHARDNUMSUB [shardchannel [shardchannel ...]]
func (c *Call) numSub(k pubsub.Kind) {
	c.Reply.Array(2 * len(c.Args[2:]))
	for _, name := range c.Args[2:] {
		c.Reply.Bulk(name)
		c.Reply.Int(int64(c.PubSub.Members(k, name)))
	}
}

// Unsubscribe ends all subscriptions of a client, without a word.
func (w *World) Unsubscribe(c *Client) {
	w.PubSub.Leave(c.Subs)
	c.Subs = nil
}

// hears reports whether a RESP2 client has subscriptions, so that it may send but a few commands.
func (o *Client) hears() bool { return o.Subs != nil && o.Proto == 2 }

// RefusesSubscribed reports whether a client must not send the command as it has subscriptions, and what arrives beside
// replies could not be told from them.
func (o *Client) RefusesSubscribed(cmd *Command) bool {
	if !o.hears() {
		return false
	}
	switch cmd.Name {
	case "subscribe", "unsubscribe", "psubscribe", "punsubscribe", "ssubscribe", "sunsubscribe", "ping", "quit", "reset":
		return cmd.Parent != nil
	}
	return true
}
