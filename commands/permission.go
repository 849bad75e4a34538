package commands

import (
	"bytes"
	"strings"

	"holdfast/acl"
	"holdfast/config"
	"holdfast/resp"
)

// ChannelSpec says which arguments of a command are channels that the client's user needs permission for.
type ChannelSpec uint8

// Where channels stand.
const (
	NoChannels  ChannelSpec = iota
	OneChannel              // the first argument, to publish to
	AllChannels             // all arguments
	AllPatterns             // all arguments, which are patterns
)

// NewUsers returns the default user of a server with these commands and settings. It gives each row its ID.
func NewUsers(t *Table, c *config.Config) *acl.Users {
	names := make([]string, len(categoryNames))
	for i, name := range categoryNames {
		names[i] = strings.TrimPrefix(name, "@")
	}
	catalogue := acl.NewCatalogue(names)
	ids := map[string]int{}
	for _, cmd := range t.All() {
		cmd.id = catalogue.Add(cmd.Name, -1, uint64(cmd.AllCategories()), cmd.inRedis7())
		ids[cmd.Name] = cmd.id
		for _, sub := range cmd.Subs {
			sub.id = catalogue.Add(sub.FullName(), cmd.id, uint64(sub.AllCategories()), sub.inRedis7())
		}
	}
	for _, cmd := range absentCommands() {
		if catalogue.Has(cmd.name) {
			continue
		}
		container, _, isSub := strings.Cut(cmd.name, "|")
		parent := -1
		if isSub {
			parent = ids[container]
		}
		ids[cmd.name] = catalogue.Add(cmd.name, parent, uint64(cmd.categories), true)
	}
	return acl.NewUsers(catalogue, c)
}

// inRedis7 reports whether Redis 7.0 has the command.
func (c *Command) inRedis7() bool { return c.Since != "" && c.Since < "7.1" }

// UserName is who the client is logged in as.
func (c *Client) UserName() string {
	if c.User == nil {
		return acl.DefaultName
	}
	return c.User.Name
}

// Permitted looks whether a client may run a command, be it now or queued for EXEC. If not, refusal is the reply, and ACL
// LOG knows of it.
func (w *World) Permitted(c *Client, cmd *Command, args [][]byte) (refusal string) {
	context := acl.Toplevel
	if c.Multi != nil {
		context = acl.InMulti
	}
	switch w.denied(c, cmd, args, context) {
	case acl.DeniedCommand:
		return resp.ErrPermCommand(cmd.FullName())
	case acl.DeniedKey:
		return resp.ErrPermKey
	case acl.DeniedChannel:
		return resp.ErrPermChannel
	}
	return ""
}

// PermittedInExec is Permitted for a command that was queued and is about to run.
func (w *World) PermittedInExec(c *Client, cmd *Command, args [][]byte) (refusal string) {
	switch w.denied(c, cmd, args, acl.InMulti) {
	case acl.DeniedCommand:
		return resp.ErrPermExec(resp.ExecPermCommand)
	case acl.DeniedKey:
		return resp.ErrPermExec(resp.ExecPermKey)
	case acl.DeniedChannel:
		return resp.ErrPermExec(resp.ExecPermChannel)
	}
	return ""
}

// PermittedInScript is Permitted for a command that a script calls. The refusal is the error that the script gets.
func (w *World) PermittedInScript(c *Client, cmd *Command, args [][]byte) (refusal string) {
	switch w.denied(c, cmd, args, acl.InScript) {
	case acl.DeniedCommand:
		return resp.ErrScriptPermCommand
	case acl.DeniedKey:
		return resp.ErrScriptPermKey
	case acl.DeniedChannel:
		return resp.ErrScriptPermChannel
	}
	return ""
}

// denied checks, and notes in ACL LOG what is not permitted.
func (w *World) denied(c *Client, cmd *Command, args [][]byte, context acl.Context) acl.Denial {
	if c.User == nil || c.User.Mighty {
		return acl.Allowed
	}
	denial, at := c.User.Check(w.request(cmd, args))
	if denial == acl.Allowed {
		return acl.Allowed
	}
	object := cmd.FullName()
	if denial != acl.DeniedCommand {
		object = string(args[at])
	}
	if context != acl.InScript { // there the last command is the script
		c.LastCommand = cmd
	}
	w.logDenial(c, denial, context, object, c.UserName())
	return denial
}

// logDenial notes in ACL LOG what was not permitted.
func (w *World) logDenial(c *Client, denial acl.Denial, context acl.Context, object, user string) {
	call := Call{World: w, Client: c, Now: c.Active}
	w.Users.Log.Add(acl.Entry{
		Reason: denial, Context: context, Object: object, Username: user, Time: c.Active,
		Client: string(bytes.TrimSuffix(call.describe(nil, c), []byte("\n"))),
	})
}

// request is a command as the check sees it, until the next one.
func (w *World) request(cmd *Command, args [][]byte) *acl.Request {
	r := &w.asked
	*r = acl.Request{Command: cmd.id, Always: cmd.Flags&NoAuth != 0, Args: args, Keys: cmd.keysToCheck(args, r.Keys[:0])}
	switch cmd.Channels {
	case OneChannel:
		r.Channels = acl.Channels{From: 1, To: 2}
	case AllChannels, AllPatterns:
		r.Channels = acl.Channels{From: 1, To: len(args), Patterns: cmd.Channels == AllPatterns}
	}
	return r
}

// keysToCheck appends the keys of a command, and what it does with them. Where an option such as STORE may come several times,
// and only the handler knows which counts, it is all of them.
func (cmd *Command) keysToCheck(args [][]byte, keys []acl.Key) []acl.Key {
	for k := 0; k < len(cmd.Keys); k++ {
		s := &cmd.Keys[k]
		if s.Flags&NotKey != 0 {
			continue
		}
		add := func(i int) { keys = append(keys, acl.Key{At: i, Access: access(variableFlags(cmd, args, s.Flags))}) }
		if s.OrNext {
			k++
			if eachMigrateName(args, add) {
				continue
			}
		}
		if s.Keyword == "" || !s.Optional {
			s.Each(args, add)
			continue
		}
		for i := max(1, s.From); i+1 < len(args); i++ {
			if bytes.EqualFold(args[i], []byte(s.Keyword)) {
				add(i + 1)
			}
		}
	}
	return keys
}

// access is what the flags come to. What only asks for a key's existence, type or deadline does neither.
func access(f KeyFlags) (a acl.Access) {
	if f&Access != 0 {
		a |= acl.Read
	}
	if f&(Update|Insert|Delete) != 0 {
		a |= acl.Write
	}
	return a
}

// readsEveryKey reports whether the client may read any key with this command: SORT's patterns are not known before.
func (c *Call) readsEveryKey() bool {
	u := c.Client.User
	return u == nil || u.Mighty || u.CheckEachKey(c.request(c.Cmd, c.Args), acl.Read)
}
