package commands

import (
	"encoding/hex"
	"strings"

	"holdfast/acl"
	"holdfast/pubsub"
	"holdfast/resp"
)

func aclCommands() []*Command {
	const open = NoScript | Loading | Stale
	return []*Command{{
		Name: "acl", Group: Server, Since: "6.0.0", Arity: -2,
		Summary: "Commands about users and what they may do.", Complexity: "That of the subcommand",
		Subs: []*Command{
			{
				Name: "cat", Since: "6.0.0", Arity: -2, Flags: open,
				Syntax:  "[category]",
				Summary: "Tells the categories of commands, or the commands of one.", Complexity: "O(1)",
				Run: aclCat,
			},
			{
				Name: "deluser", Since: "6.0.0", Arity: -3, Flags: Admin | open,
				Syntax:  "username [username ...]",
				Summary: "Takes users away, and ends their connections.", Complexity: "O(n) in the users and connections",
				Run: aclDelUser,
			},
			{
				Name: "dryrun", Since: "7.0.0", Arity: -4, Flags: Admin | open,
				Syntax:  "username command [arg [arg ...]]",
				Summary: "Tells whether a user may run a command, without running it.", Complexity: "O(1)",
				Run: aclDryRun,
			},
			{
				Name: "genpass", Since: "6.0.0", Arity: -2, Flags: open,
				Syntax:  "[bits]",
				Summary: "Makes up a password of so many bits, or of 256.", Complexity: "O(1)",
				Run: aclGenPass,
			},
			{
				Name: "getuser", Since: "6.0.0", Arity: 3, Flags: Admin | open,
				Syntax:  "username",
				Summary: "Tells the rules of a user.", Complexity: "O(n) in the rules",
				Run: aclGetUser,
			},
			{
				Name: "list", Since: "6.0.0", Arity: 2, Flags: Admin | open,
				Summary: "Tells all users as in a file of users.", Complexity: "O(n) in the users",
				Run: aclList,
			},
			{
				Name: "load", Since: "6.0.0", Arity: 2, Flags: Admin | open,
				Summary: "Reads the file of users: all of it, or on error nothing.", Complexity: "O(n) in the users",
				Run: aclLoad,
			},
			{
				Name: "log", Since: "6.0.0", Arity: -2, Flags: Admin | open,
				Syntax:  "[count | RESET]",
				Summary: "Tells what was refused of late, or forgets it.", Complexity: "O(n) in the entries",
				Run: aclLog,
			},
			{
				Name: "save", Since: "6.0.0", Arity: 2, Flags: Admin | open,
				Summary: "Writes the users into the file of users.", Complexity: "O(n) in the users",
				Run: aclSave,
			},
			{
				Name: "setuser", Since: "6.0.0", Arity: -3, Flags: Admin | open,
				Syntax:  "username [rule [rule ...]]",
				Summary: "Makes a user, or changes one, by rules.", Complexity: "O(n) in the rules",
				Run: aclSetUser,
			},
			{
				Name: "users", Since: "6.0.0", Arity: 2, Flags: Admin | open,
				Summary: "Tells the names of all users.", Complexity: "O(n) in the users",
				Run: aclUsers,
			},
			{
				Name: "whoami", Since: "6.0.0", Arity: 2, Flags: open,
				Summary: "Tells who the connection is logged in as.", Complexity: "O(1)",
				Run: func(c *Call) { c.Reply.BulkString(c.Client.UserName()) },
			},
			{
				Name: "help", Since: "6.0.0", Arity: 2, Flags: Loading | Stale,
				Summary: "Lists the subcommands.", Complexity: "O(1)",
				Run: containerHelp,
			},
		},
	}}
}

// ACL CAT [category]
func aclCat(c *Call) {
	switch {
	case len(c.Args) == 2:
		c.Reply.Array(len(categoryNames))
		for _, name := range categoryNames {
			c.Reply.BulkString(strings.TrimPrefix(name, "@"))
		}
	case len(c.Args) > 3:
		c.Reply.Error(resp.ErrUnknownSubcommandOrArity(c.Args[1], "acl"))
	default:
		want := categoryNamed(c.Args[2])
		if want == 0 {
			c.Reply.Error(resp.ErrACLCategory(c.Args[2]))
			return
		}
		c.writeList(func(cmd *Command) bool { return cmd.AllCategories()&want != 0 })
	}
}

// ACL DELUSER username [username ...]
func aclDelUser(c *Call) {
	for _, name := range c.Args[2:] {
		if string(name) == acl.DefaultName {
			c.Reply.Error(resp.ErrDeleteDefault)
			return
		}
	}
	gone := map[*acl.User]bool{}
	for _, name := range c.Args[2:] {
		if u := c.Users.Delete(string(name)); u != nil {
			gone[u] = true
		}
	}
	c.killUsers(func(u *acl.User) bool { return gone[u] })
	c.Reply.Int(int64(len(gone)))
}

// killUsers ends the connections of some users.
func (c *Call) killUsers(which func(*acl.User) bool) {
	c.eachClient(func(o *Client) bool {
		if o.User != nil && which(o.User) {
			c.kill(o)
		}
		return true
	})
}

// ACL DRYRUN username command [arg [arg ...]]
func aclDryRun(c *Call) {
	user, args := c.Users.Get(string(c.Args[2])), c.Args[3:]
	if user == nil {
		c.Reply.Error(resp.ErrDryRunUser(c.Args[2]))
		return
	}
	cmd := c.Table.Lookup(args[0])
	if cmd != nil && len(cmd.Subs) > 0 && len(args) > 1 {
		cmd = cmd.Sub(args[1])
	}
	if cmd == nil {
		c.Reply.Error(resp.ErrDryRunCommand(args[0]))
		return
	}
	if !cmd.ArityOK(len(args)) {
		c.Reply.Error(resp.ErrArity(cmd.FullName()))
		return
	}
	const no = "This user has no permissions to "
	switch denial, at := user.Check(c.request(cmd, args)); denial {
	case acl.DeniedCommand:
		c.Reply.BulkString(no + "run the '" + cmd.FullName() + "' command")
	case acl.DeniedKey:
		c.Reply.BulkString(no + "access the '" + string(args[at]) + "' key")
	case acl.DeniedChannel:
		c.Reply.BulkString(no + "access the '" + string(args[at]) + "' channel")
	default:
		c.Reply.OK()
	}
}

// ACL GENPASS [bits]
func aclGenPass(c *Call) {
	const most = 4096
	count := int64(256)
	switch {
	case len(c.Args) > 3:
		c.Reply.Error(resp.ErrUnknownSubcommandOrArity(c.Args[1], "acl"))
		return
	case len(c.Args) == 3:
		var ok bool
		if count, ok = c.int(2); !ok {
			return
		}
		if count <= 0 || count > most {
			c.Reply.Error(resp.ErrGenPassBits)
			return
		}
	}
	digits := (count + 3) / 4
	secret := make([]byte, (digits+1)/2)
	c.Secret(secret)
	c.Reply.BulkString(hex.EncodeToString(secret)[:digits])
}

// ACL GETUSER username
func aclGetUser(c *Call) {
	u := c.Users.Get(string(c.Args[2]))
	if u == nil {
		c.Reply.Null()
		return
	}
	rules := u.Rules()
	c.Reply.Map(6)
	c.Reply.BulkString("flags")
	c.Reply.Set(len(u.Flags()))
	for _, f := range u.Flags() {
		c.Reply.BulkString(f)
	}
	c.Reply.BulkString("passwords")
	c.Reply.Array(len(u.Passwords()))
	for _, p := range u.Passwords() {
		c.Reply.BulkString(p)
	}
	writeRules(c.Reply, rules[0])
	c.Reply.BulkString("selectors")
	c.Reply.Array(len(rules) - 1)
	for _, r := range rules[1:] {
		c.Reply.Map(3)
		writeRules(c.Reply, r)
	}
}

func writeRules(w *resp.Writer, r acl.Rules) {
	writeText(w, "commands", r.Commands)
	writeText(w, "keys", r.Keys)
	writeText(w, "channels", r.Channels)
}

// ACL LIST
func aclList(c *Call) {
	all := c.Users.All()
	c.Reply.Array(len(all))
	for _, u := range all {
		c.Reply.BulkString(acl.Describe(u))
	}
}

// ACL USERS
func aclUsers(c *Call) {
	all := c.Users.All()
	c.Reply.Array(len(all))
	for _, u := range all {
		c.Reply.BulkString(u.Name)
	}
}

// ACL SETUSER username [rule [rule ...]]
func aclSetUser(c *Call) {
	name := string(c.Args[2])
	if !acl.ValidName(name) {
		c.Reply.Error(resp.ErrUsername)
		return
	}
	words := make([]string, len(c.Args)-3)
	for i, arg := range c.Args[3:] {
		words[i] = string(arg)
	}
	rules, unclosed := acl.Merge(words)
	if unclosed >= 0 {
		c.Reply.Error(resp.ErrACLParenthesis(c.Args[3+unclosed]))
		return
	}
	if err := c.Users.Set(name, rules); err != nil {
		c.Reply.Error(resp.ErrACLRule(err.Rule, err.Error()))
		return
	}
	c.killListeners(c.Users.Get(name))
	c.Reply.OK()
}

// killListeners ends the connections of a user that have subscribed to what the user may no longer hear.
func (c *Call) killListeners(u *acl.User) {
	c.eachClient(func(o *Client) bool {
		if o.User == u && o.hearsForbidden() {
			c.kill(o)
		}
		return true
	})
}

func (o *Client) hearsForbidden() bool {
	if o.Subs == nil {
		return false
	}
	for _, kind := range [...]pubsub.Kind{pubsub.Channel, pubsub.Pattern, pubsub.Shard} {
		for _, name := range o.Subs.Names(kind) {
			if !o.User.PermitsChannel(name, kind == pubsub.Pattern) {
				return true
			}
		}
	}
	return false
}

// ACL LOAD
//
// As in Redis 7.0, the connections of all users but the default one end.
func aclLoad(c *Call) {
	if c.LoadUsers == nil {
		c.Reply.Error(resp.ErrNoACLFile)
		return
	}
	if err := c.LoadUsers(); err != nil {
		c.Reply.Error(resp.ErrACLLoad(strings.Split(err.Error(), "\n")))
		return
	}
	c.killUsers(func(u *acl.User) bool { return u != c.Users.Default })
	c.Reply.OK()
}

// ACL SAVE
func aclSave(c *Call) {
	if c.SaveUsers == nil {
		c.Reply.Error(resp.ErrNoACLFile)
		return
	}
	if err := c.SaveUsers(); err != nil {
		c.Reply.Error(resp.ErrACLSave(err.Error()))
		return
	}
	c.Reply.OK()
}

// ACL LOG [count | RESET]
func aclLog(c *Call) {
	count := int64(10)
	switch {
	case len(c.Args) > 3:
		c.Reply.Error(resp.ErrUnknownSubcommandOrArity(c.Args[1], "acl"))
		return
	case len(c.Args) == 3 && c.is(2, "RESET"):
		c.Users.Log.Reset()
		c.Reply.OK()
		return
	case len(c.Args) == 3:
		var ok bool
		if count, ok = c.int(2); !ok {
			return
		}
	}
	entries := c.Users.Log.Newest(count)
	c.Reply.Array(len(entries))
	for _, e := range entries {
		c.Reply.Map(7)
		c.Reply.BulkString("count")
		c.Reply.Int(e.Count)
		writeText(c.Reply, "reason", e.Reason.String())
		writeText(c.Reply, "context", e.Context.String())
		writeText(c.Reply, "object", e.Object)
		writeText(c.Reply, "username", e.Username)
		c.Reply.BulkString("age-seconds")
		c.Reply.Double(float64(max(0, c.Now-e.Time)) / 1000)
		writeText(c.Reply, "client-info", e.Client)
	}
}
