package commands

import (
	"holdfast/pubsub"
	"holdfast/resp"
	"holdfast/tracking"
)

// Client-side caching: clients keep what they have read, and are told when it is no longer so. Who changes a key is told
// behind the reply to what changed it, everybody else at once; broadcasts come behind a batch of requests.

func trackingCommands() []*Command {
	const open = NoScript | Loading | Stale
	return []*Command{
		{
			Name: "tracking", Since: "6.0.0", Arity: -3, Flags: open, Categories: CatConnection,
			Syntax:  "<ON | OFF> [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]",
			Summary: "Says whether the connection is told of changes to what it has read.", Complexity: "O(p²) in the prefixes",
			Run: clientTracking,
		},
		{
			Name: "caching", Since: "6.0.0", Arity: 3, Flags: open, Categories: CatConnection,
			Syntax:  "<YES | NO>",
			Summary: "Says whether what the next command reads is tracked.", Complexity: "O(1)",
			Run: clientCaching,
		},
		{
			Name: "getredir", Since: "6.0.0", Arity: 2, Flags: open, Categories: CatConnection,
			Summary: "Tells which connection hears of changes in this one's place.", Complexity: "O(1)",
			Run: clientGetRedir,
		},
		{
			Name: "trackinginfo", Since: "6.2.0", Arity: 2, Flags: open, Categories: CatConnection,
			Summary: "Tells how the connection tracks.", Complexity: "O(p) in the prefixes",
			Run: clientTrackingInfo,
		},
	}
}

// tracks reports whether the client tracks.
func (o *Client) tracks() bool { return o.Tracking != nil && o.Tracking.On }

// CLIENT TRACKING <ON | OFF> [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]
func clientTracking(c *Call) {
	o, ok := c.trackingOptions()
	switch {
	case !ok:
		return
	case c.is(2, "OFF"):
		c.Tracking.TurnOff(c.Client.Tracking)
	case !c.is(2, "ON"):
		c.Reply.Error(resp.ErrSyntax)
		return
	default:
		if refusal := c.Client.refusesTracking(&o); refusal != "" {
			c.Reply.Error(refusal)
			return
		}
		if c.Client.Tracking == nil {
			c.Client.Tracking = &tracking.Tracker[*Client]{Owner: c.Client}
		}
		c.Tracking.TurnOn(c.Client.Tracking, o.modes, o.redirect, o.prefixes)
		c.Client.Redirect = o.to
	}
	c.Reply.OK()
}

type trackingOptions struct {
	modes    tracking.Modes
	redirect int64
	to       *Client
	prefixes []string
}

func (c *Call) trackingOptions() (o trackingOptions, ok bool) {
	for i := 3; i < len(c.Args); i++ {
		more := i+1 < len(c.Args)
		switch {
		case c.is(i, "REDIRECT") && more:
			i++
			if !c.redirection(i, &o) {
				return o, false
			}
		case c.is(i, "PREFIX") && more:
			i++
			o.prefixes = append(o.prefixes, string(c.Args[i]))
		case c.is(i, "BCAST"):
			o.modes.Broadcast = true
		case c.is(i, "OPTIN"):
			o.modes.OptIn = true
		case c.is(i, "OPTOUT"):
			o.modes.OptOut = true
		case c.is(i, "NOLOOP"):
			o.modes.NoLoop = true
		default:
			c.Reply.Error(resp.ErrSyntax)
			return o, false
		}
	}
	return o, true
}

// redirection reads the client that is to be told in this one's place. It must be there now, though it may go.
func (c *Call) redirection(i int, o *trackingOptions) (ok bool) {
	if o.redirect != 0 {
		c.Reply.Error(resp.ErrTrackingRedirects)
		return false
	}
	if o.redirect, ok = c.int(i); !ok {
		return false
	}
	if o.to = c.clientByID(o.redirect); o.to == nil {
		c.Reply.Error(resp.ErrTrackingRedirect)
		return false
	}
	return true
}

// refusesTracking is why the client must not track in this way, as the options do not go together, or not with how it tracks
// already; "" where it may.
func (o *Client) refusesTracking(want *trackingOptions) (refusal string) {
	m := want.modes
	var have tracking.Modes
	var prefixes []string
	if o.tracks() {
		have, prefixes = o.Tracking.Modes, o.Tracking.Prefixes()
	}
	switch {
	case !m.Broadcast && len(want.prefixes) > 0:
		return resp.ErrTrackingPrefix
	case o.tracks() && have.Broadcast != m.Broadcast:
		return resp.ErrTrackingSwitch
	case m.Broadcast && (m.OptIn || m.OptOut):
		return resp.ErrTrackingOptBroadcast
	case m.OptIn && m.OptOut:
		return resp.ErrTrackingOptInOut
	case m.OptIn && have.OptOut, m.OptOut && have.OptIn:
		return resp.ErrTrackingOptSwitch
	}
	if one, other, among, found := tracking.Overlap(prefixes, want.prefixes); found {
		return resp.ErrTrackingOverlap(one, other, among)
	}
	return ""
}

// CLIENT CACHING <YES | NO>
func clientCaching(c *Call) {
	t := c.Client.Tracking
	switch {
	case !c.Client.tracks():
		c.Reply.Error(resp.ErrCachingNoTracking)
	case c.is(2, "YES") && !t.OptIn:
		c.Reply.Error(resp.ErrCachingYes)
	case c.is(2, "NO") && !t.OptOut:
		c.Reply.Error(resp.ErrCachingNo)
	case !c.is(2, "YES") && !c.is(2, "NO"):
		c.Reply.Error(resp.ErrSyntax)
	default:
		t.Caching = true
		c.Reply.OK()
	}
}

// redirects is the ID of the client that is told in this one's place; 0: none, -1: it does not track.
func (o *Client) redirects() int64 {
	if !o.tracks() {
		return -1
	}
	return o.Tracking.Redirect
}

// CLIENT GETREDIR
func clientGetRedir(c *Call) { c.Reply.Int(c.Client.redirects()) }

// CLIENT TRACKINGINFO
func clientTrackingInfo(c *Call) {
	flags, prefixes := []string{"off"}, []string(nil)
	if c.Client.tracks() {
		flags, prefixes = trackingFlags(c.Client.Tracking), c.Client.Tracking.Prefixes()
	}
	c.Reply.Map(3)
	c.Reply.BulkString("flags")
	c.Reply.Set(len(flags))
	for _, f := range flags {
		c.Reply.BulkString(f)
	}
	c.Reply.BulkString("redirect")
	c.Reply.Int(c.Client.redirects())
	c.Reply.BulkString("prefixes")
	c.Reply.Array(len(prefixes))
	for _, p := range prefixes {
		c.Reply.BulkString(p)
	}
}

func trackingFlags(t *tracking.Tracker[*Client]) (flags []string) {
	for _, f := range [...]struct {
		name string
		set  bool
	}{
		{"on", true},
		{"bcast", t.Broadcast},
		{"optin", t.OptIn},
		{"caching-yes", t.OptIn && t.Caching},
		{"optout", t.OptOut},
		{"caching-no", t.OptOut && t.Caching},
		{"noloop", t.NoLoop},
		{"broken_redirect", t.Broken},
	} {
		if f.set {
			flags = append(flags, f.name)
		}
	}
	return flags
}

// RememberRead notes what a command has read for a client that tracks. Where more keys are remembered than may be, some are
// given up, and who has them is told.
func (c *Call) RememberRead() {
	t := c.Client.Tracking
	if !t.Remembers() || c.Cmd.Flags&(ReadOnly|PubSub) != ReadOnly {
		return
	}
	c.Cmd.EachKey(c.Args, func(i int, _ KeyFlags) { c.Tracking.Remember(t, c.Args[i]) })
	most := c.directives().tracked.Load()
	for most > 0 && int64(c.Tracking.Keys()) > most {
		c.Tracking.Evict(c.Rand.IntN(c.Tracking.Keys()), func(key string, t *tracking.Tracker[*Client]) {
			c.invalidate(t, (&invalidation{keys: []string{key}}).encoded)
		})
	}
}

// AfterCommand forgets what CLIENT CACHING said, which holds for one command, or a transaction.
func (o *Client) AfterCommand(cmd *Command) {
	if o.Multi == nil && (cmd == nil || cmd.Parent == nil || cmd.Parent.Name != "client") {
		o.Tracking.Caching = false
	}
}

// changedForCaches tells of a key that changed those who may have it.
func (w *World) changedForCaches(key []byte) {
	var by *tracking.Tracker[*Client]
	switch {
	case w.Served != nil:
		by = w.Served.Tracking
	case w.Running != nil:
		by = w.Running.Tracking
	}
	var message invalidation
	w.Tracking.Changed(key, by, func(t *tracking.Tracker[*Client]) {
		message.keys = []string{string(key)}
		w.invalidate(t, message.encoded)
	})
}

// flushedForCaches tells everybody that all keys are gone.
func (w *World) flushedForCaches() {
	w.Tracking.Flushed(func(t *tracking.Tracker[*Client]) {
		message := invalidation{none: t.Owner.Proto}
		w.invalidate(t, message.encoded)
	})
}

// Broadcast tells of the keys that changed since it was called last those who have named their prefixes.
func (w *World) Broadcast() {
	w.Tracking.Broadcasts(func(t *tracking.Tracker[*Client], keys []string) {
		w.invalidate(t, (&invalidation{keys: keys}).encoded)
	})
}

// invalidate sends a message to a client that tracks, or to the one that hears in its place: behind the reply to what it does
// itself.
func (w *World) invalidate(t *tracking.Tracker[*Client], encoded func(proto int) []byte) {
	to := t.Owner
	send := w.send
	if to == w.Running {
		send = w.sendBehind
	}
	if t.Redirect != 0 {
		if to.Redirect.Left {
			w.brokenRedirect(t, send)
			return
		}
		to = to.Redirect
	}
	if to.Proto == 3 || t.Redirect != 0 && to.Subs != nil {
		send(to, encoded(to.Proto))
	}
}

// brokenRedirect tells a client that nobody hears in its place any more. In RESP2 it can only be seen.
func (w *World) brokenRedirect(t *tracking.Tracker[*Client], send func(*Client, []byte)) {
	t.Broken = true
	if t.Owner.Proto != 3 {
		return
	}
	var text resp.Writer
	text.SetProto(3)
	text.Push(2)
	text.BulkString("tracking-redir-broken")
	text.Int(t.Redirect)
	send(t.Owner, text.Take())
}

// invalidation is a message, encoded once for each protocol: in RESP2 it goes to a subscriber, on a channel of its own.
type invalidation struct {
	keys []string
	none int // instead of keys, all of them: null, in the protocol of the client that tracks
	text [2][]byte
}

func (m *invalidation) encoded(proto int) []byte {
	text := &m.text[proto-2]
	if *text == nil {
		var w resp.Writer
		w.SetProto(proto)
		m.write(&w)
		*text = w.Take()
	}
	return *text
}

func (m *invalidation) write(w *resp.Writer) {
	if w.Proto() == 3 {
		w.Push(2)
		w.BulkString("invalidate")
	} else {
		w.Push(3)
		w.BulkString(notices[pubsub.Channel].message)
		w.BulkString("__redis__:invalidate")
	}
	if m.none != 0 {
		w.SetProto(m.none)
		w.Null()
		return
	}
	w.Array(len(m.keys))
	for _, key := range m.keys {
		w.BulkString(key)
	}
}

// LeaveCaches ends a client's tracking.
func (w *World) LeaveCaches(c *Client) {
	w.Tracking.TurnOff(c.Tracking)
	c.Redirect = nil
}
