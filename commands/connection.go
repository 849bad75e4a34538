package commands

import (
	"crypto/sha256"
	"crypto/subtle"

	"holdfast/resp"
)

func connectionCommands() []*Command {
	return []*Command{
		{
			Name: "auth", Group: Connection, Since: "1.0.0", Arity: -2,
			Flags: NoScript | Loading | Stale | Fast | NoAuth | AllowBusy, Categories: CatConnection,
			Syntax:  "[username] password",
			Summary: "Logs the connection in.", Complexity: "O(1)",
			Run: authCommand,
		},
		{
			Name: "echo", Group: Connection, Since: "1.0.0", Arity: 2,
			Flags: Loading | Stale | Fast, Categories: CatConnection,
			Syntax:  "message",
			Summary: "Replies what it was told.", Complexity: "O(1)",
			Run: echoCommand,
		},
		{
			Name: "hello", Group: Connection, Since: "6.0.0", Arity: -1,
			Flags: NoScript | Loading | Stale | Fast | NoAuth | AllowBusy, Categories: CatConnection,
			Syntax:  "[protover [AUTH username password] [SETNAME clientname]]",
			Summary: "Chooses the protocol version, logs in and names the connection, all in one.", Complexity: "O(1)",
			Run: helloCommand,
		},
		{
			Name: "ping", Group: Connection, Since: "1.0.0", Arity: -1,
			Flags: Fast, Categories: CatConnection,
			Tips:    []string{"request_policy:all_shards", "response_policy:all_succeeded"},
			Syntax:  "[message]",
			Summary: "Tells whether the server answers.", Complexity: "O(1)",
			Run: pingCommand,
		},
		{
			Name: "quit", Group: Connection, Since: "1.0.0", Arity: -1,
			Flags: NoScript | Loading | Stale | Fast | NoAuth | AllowBusy, Categories: CatConnection,
			Summary: "Ends the connection after the replies under way.", Complexity: "O(1)",
			Run: quitCommand,
		},
		{
			Name: "reset", Group: Connection, Since: "6.2.0", Arity: 1,
			Flags: NoScript | Loading | Stale | Fast | NoAuth | AllowBusy, Categories: CatConnection,
			Summary: "Makes the connection as good as new.", Complexity: "O(1)",
			Run: resetCommand,
		},
		{
			Name: "select", Group: Connection, Since: "1.0.0", Arity: 2,
			Flags: Loading | Stale | Fast, Categories: CatConnection,
			Syntax:  "index",
			Summary: "Chooses the database that the connection works in.", Complexity: "O(1)",
			Run: selectCommand,
		},
	}
}

// defaultUser is the one user that there is.
const defaultUser = "default"

// AUTH [username] password
func authCommand(c *Call) {
	user, password := []byte(defaultUser), c.Args[1]
	switch {
	case len(c.Args) > 3:
		c.Reply.Error(resp.ErrSyntax)
		return
	case len(c.Args) == 3:
		user, password = c.Args[1], c.Args[2]
	case c.password() == "":
		c.Reply.Error(resp.ErrAuthNoPassword)
		return
	}
	if c.logIn(user, password) {
		c.Reply.OK()
	}
}

// logIn gives the client the user's rights; if it must not, the reply says so. One who was logged in stays it.
func (c *Call) logIn(user, password []byte) bool {
	want := c.password()
	if string(user) != defaultUser || want != "" && !sameSecret(password, want) {
		c.Reply.Error(resp.ErrWrongPass)
		return false
	}
	c.Client.User, c.Client.Authenticated = defaultUser, true
	return true
}

// password is the default user's; empty: any will do.
func (c *Call) password() string { return c.Config.String("requirepass").Load() }

// sameSecret compares in a time that tells nothing of the secret, its length included.
func sameSecret(given []byte, secret string) bool {
	a, b := sha256.Sum256(given), sha256.Sum256([]byte(secret))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// ECHO message
func echoCommand(c *Call) { c.Reply.Bulk(c.Args[1]) }

// HELLO [protover [AUTH username password] [SETNAME clientname]]
func helloCommand(c *Call) {
	proto := c.Client.Proto
	if len(c.Args) > 1 {
		n, ok := ParseInt(c.Args[1])
		switch {
		case !ok:
			c.Reply.Error(resp.ErrProtoNotInteger)
			return
		case n != 2 && n != 3:
			c.Reply.Error(resp.ErrNoProto)
			return
		}
		proto = int(n)
	}
	if !c.helloOptions() {
		return
	}
	if !c.Client.Authenticated && c.password() != "" {
		c.Reply.Error(resp.ErrNoAuthHello)
		return
	}
	c.Client.Proto = proto
	c.Reply.SetProto(proto)
	c.introduce()
}

// helloOptions takes one option after the other; as in Redis 7.0, those before a bad one have had their effect.
func (c *Call) helloOptions() bool {
	for i := 2; i < len(c.Args); {
		left := len(c.Args) - i - 1
		switch {
		case c.is(i, "AUTH") && left >= 2:
			if !c.logIn(c.Args[i+1], c.Args[i+2]) {
				return false
			}
			i += 3
		case c.is(i, "SETNAME") && left >= 1:
			if !c.rename(c.Args[i+1]) {
				return false
			}
			i += 2
		default:
			c.Reply.Error(resp.ErrHelloOption(c.Args[i]))
			return false
		}
	}
	return true
}

// introduce replies who the server is.
func (c *Call) introduce() {
	c.Reply.Map(7)
	c.Reply.BulkString("server")
	c.Reply.BulkString("redis")
	c.Reply.BulkString("version")
	c.Reply.BulkString(redisVersion)
	c.Reply.BulkString("proto")
	c.Reply.Int(int64(c.Client.Proto))
	c.Reply.BulkString("id")
	c.Reply.Int(c.Client.ID)
	c.Reply.BulkString("mode")
	c.Reply.BulkString("standalone")
	c.Reply.BulkString("role")
	c.Reply.BulkString("master")
	c.Reply.BulkString("modules")
	c.Reply.Array(0)
}

// PING [message]
//
// A RESP2 client with subscriptions gets a reply that looks like a message.
func pingCommand(c *Call) {
	hears := c.Client.hears() && len(c.Args) <= 2
	if hears {
		c.Reply.Array(2)
		c.Reply.BulkString("pong")
	}
	switch len(c.Args) {
	case 1:
		if hears {
			c.Reply.Bulk(nil)
			return
		}
		c.Reply.Status("PONG")
	case 2:
		c.Reply.Bulk(c.Args[1])
	default:
		c.Reply.Error(resp.ErrArity("ping"))
	}
}

// QUIT
func quitCommand(c *Call) {
	c.Client.CloseAfterReply = true
	c.Reply.OK()
}

// RESET
func resetCommand(c *Call) {
	o := c.Client
	c.endTransaction()
	c.Unsubscribe(o)
	o.DB, o.Proto, o.Name = 0, 2, ""
	o.NoEvict, o.NoTouch, o.Silence = false, false, Talking
	o.User, o.Authenticated = defaultUser, c.password() == ""
	c.Reply.SetProto(o.Proto)
	c.Reply.Status("RESET")
}

// SELECT index
func selectCommand(c *Call) {
	if n, ok := c.database(1); ok {
		c.Client.DB = n
		c.Reply.OK()
	}
}
