package commands

import (
	"holdfast/acl"
	"holdfast/resp"
)

// AUTH [username] password
func authCommand(c *Call) {
	user, password := []byte(acl.DefaultName), c.Args[1]
	switch {
	case len(c.Args) > 3:
		c.Reply.Error(resp.ErrSyntax)
		return
	case len(c.Args) == 3:
		user, password = c.Args[1], c.Args[2]
	case c.Users.NoPass():
		c.Reply.Error(resp.ErrAuthNoPassword)
		return
	}
	delay := c.guessing()
	if c.logIn(user, password) {
		c.answerLogin(delay, (*resp.Writer).OK)
	} else {
		c.answerLogin(delay, writeWrongPass)
	}
}

func writeWrongPass(w *resp.Writer) { w.Error(resp.ErrWrongPass) }

// guessing is how many milliseconds a login from the client's address has to wait, because of those that failed.
func (c *Call) guessing() int64 { return c.Users.Guesses.Delay(c.Client.Addr, c.Now) }

// answerLogin writes the reply to a login: at once, or where somebody guesses passwords, later. Nobody else waits for that.
func (c *Call) answerLogin(delay int64, write func(*resp.Writer)) {
	if delay == 0 {
		write(c.Reply)
		return
	}
	c.Block(nil, c.Now+delay, write)
}

// logIn gives the client the user's rights, if the password is right. One who was logged in stays it otherwise. Where
// nothing can wait, in EXEC, a guesser's passwords are not looked at.
func (c *Call) logIn(name, password []byte) bool {
	user, ok := c.Users.LogIn(name, password)
	if ok && !(c.Nested && c.guessing() > 0) {
		c.Client.User, c.Client.Authenticated = user, true
		return true
	}
	context := acl.Toplevel
	if c.Client.Multi != nil || c.Nested {
		context = acl.InMulti
	}
	c.Users.Guesses.Failed(c.Client.Addr, c.Now)
	c.logDenial(c.Client, acl.DeniedAuth, context, string(c.Args[0]), string(name))
	return false
}

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
	delay := c.guessing()
	refusal, tried := c.helloOptions()
	if refusal == "" && !c.Client.Authenticated && !c.Users.Open() {
		refusal = resp.ErrNoAuthHello
	}
	if !tried {
		delay = 0
	}
	if refusal != "" {
		c.answerLogin(delay, func(w *resp.Writer) { w.Error(refusal) })
		return
	}
	client := c.Client
	client.Proto = proto
	c.Reply.SetProto(proto)
	c.answerLogin(delay, func(w *resp.Writer) { introduce(w, client) })
}

// helloOptions takes one option after the other; as in Redis 7.0, those before a bad one have had their effect. tried: one
// of them was a login.
func (c *Call) helloOptions() (refusal string, tried bool) {
	for i := 2; i < len(c.Args); {
		left := len(c.Args) - i - 1
		switch {
		case c.is(i, "AUTH") && left >= 2:
			tried = true
			if !c.logIn(c.Args[i+1], c.Args[i+2]) {
				return resp.ErrWrongPass, tried
			}
			i += 3
		case c.is(i, "SETNAME") && left >= 1:
			if !printable(c.Args[i+1]) {
				return resp.ErrClientName, tried
			}
			c.Client.Name = string(c.Args[i+1])
			i += 2
		default:
			return resp.ErrHelloOption(c.Args[i]), tried
		}
	}
	return "", tried
}

// introduce writes who the server is.
func introduce(w *resp.Writer, client *Client) {
	w.Map(7)
	writeText(w, "server", "redis")
	writeText(w, "version", redisVersion)
	w.BulkString("proto")
	w.Int(int64(client.Proto))
	w.BulkString("id")
	w.Int(client.ID)
	writeText(w, "mode", "standalone")
	writeText(w, "role", "master")
	w.BulkString("modules")
	w.Array(0)
}
