package commands

import (
	"time"

	"holdfast/internal/histogram"
)

// Handler executes a command: it checks its arguments, works on the keyspace and writes one reply.
type Handler func(c *Call)

// Command is a row of the table: all that the server knows of a command.
type Command struct {
	// Name in lower case; of a subcommand only its own part.
	Name string
	// Group as COMMAND DOCS names it.
	Group Group
	// Since is the version of Redis that brought it.
	Since string
	// Arity counts the name too; negative: at least so many.
	Arity int
	Flags Flags
	// Categories beyond those that Flags and Group imply.
	Categories Categories
	// Tips are COMMAND INFO's hints for clients and proxies.
	Tips []string
	// Keys says where the keys stand among the arguments.
	Keys []KeySpec
	// Channels says where the channels stand.
	Channels ChannelSpec
	// Syntax of the arguments, as in "key value [NX | XX]".
	Syntax string
	// Summary and Complexity are for people.
	Summary    string
	Complexity string
	// Deprecated is the version of Redis from which on it is, and Instead what to use; both empty for most.
	Deprecated, Instead string
	// System: not for applications.
	System bool
	// Subs are the subcommands of a container such as CLIENT.
	Subs []*Command
	// Run is nil for a container that cannot stand alone.
	Run Handler

	// id is what rules of users know the command by.
	id int
	// Parent is the container of a subcommand.
	Parent *Command
	// Stats of its calls, guarded by the engine's lock.
	Stats Stats

	quick bool // see quickNames
}

// Stats are a command's figures in INFO commandstats.
type Stats struct {
	Calls, Rejected, Failed int64
	Time                    time.Duration        // all calls together, estimated from those that were timed
	Latency                 *histogram.Histogram // ns of each call, likewise; nil where none was timed, or latency-tracking was off
}

// Took notes that so many calls took this long each; track: in the histogram too.
func (s *Stats) Took(each time.Duration, calls int64, track bool) {
	s.Time += time.Duration(calls) * each
	if !track {
		return
	}
	if s.Latency == nil {
		s.Latency = &histogram.Histogram{}
	}
	s.Latency.Add(int64(each), calls)
}

// FullName is "client|list" for a subcommand, else the name.
func (c *Command) FullName() string {
	if c.Parent != nil {
		return c.Parent.Name + "|" + c.Name
	}
	return c.Name
}

// ArityOK reports whether n arguments, the name included (both names for a subcommand), fit.
func (c *Command) ArityOK(n int) bool {
	return c.Arity == n || c.Arity < 0 && n >= -c.Arity
}

// HearsOfRemoval reports whether who is blocked in it is told that a key is gone, as those are who read a stream for a group.
func (c *Command) HearsOfRemoval() bool { return c.Name == "xreadgroup" }

// Flags say how the dispatcher treats a command, and what COMMAND INFO prints of it.
type Flags uint32

const (
	Write           Flags = 1 << iota // may change the keyspace
	ReadOnly                          // reads it
	DenyOOM                           // refused when memory is used up
	Admin                             // for operators
	PubSub                            // about messages
	NoScript                          // not from a script
	Blocking                          // may block its client
	Loading                           // fine while data is loaded
	Stale                             // fine on a stale replica
	SkipMonitor                       // MONITOR does not show it
	SkipSlowlog                       // SLOWLOG does not show it
	Asking                            // of a cluster
	Fast                              // O(1) or O(log n)
	NoAuth                            // fine before AUTH
	NoAsyncLoading                    // not while loading in the background
	NoMulti                           // not within MULTI
	AllowBusy                         // fine while a script runs over its time
	NoMandatoryKeys                   // a script-like command that may have no keys
	MovableKeys                       // the first three key numbers do not tell everything

	// MayReplicate: may have an effect without being a write, so that a pause of writes holds it up. COMMAND INFO does not show it.
	MayReplicate

	// Protected: the command wants enable-…-command. COMMAND INFO does not show it.
	Protected

	// WholeKeyspace is ours: a read that depends on every key (KEYS, SCAN, DBSIZE …), or on some that its arguments do not name
	// (SORT), so its reply waits for the newest record.
	WholeKeyspace

	// RunsScripts is ours: what the command does may take long, and may be interrupted.
	RunsScripts
)

var flagNames = [...]string{
	"write", "readonly", "denyoom", "admin", "pubsub", "noscript", "blocking", "loading", "stale", "skip_monitor",
	"skip_slowlog", "asking", "fast", "no_auth", "no_async_loading", "no_multi", "allow_busy",
	"no_mandatory_keys", "movablekeys",
}

// Group is a family of commands.
type Group string

// The groups, as COMMAND DOCS names them.
const (
	Generic      Group = "generic"
	Strings      Group = "string"
	Lists        Group = "list"
	Sets         Group = "set"
	SortedSets   Group = "sorted-set"
	Hashes       Group = "hash"
	Streams      Group = "stream"
	Bitmaps      Group = "bitmap"
	HyperLogLogs Group = "hyperloglog"
	Geo          Group = "geo"
	Connection   Group = "connection"
	Server       Group = "server"
	Transactions Group = "transactions"
	Cluster      Group = "cluster"
	Messages     Group = "pubsub"
	Scripting    Group = "scripting"
)

// Categories are ACL categories.
type Categories uint32

const (
	CatKeyspace Categories = 1 << iota
	CatRead
	CatWrite
	CatSet
	CatSortedSet
	CatList
	CatHash
	CatString
	CatBitmap
	CatHyperLogLog
	CatGeo
	CatStream
	CatPubSub
	CatAdmin
	CatFast
	CatSlow
	CatBlocking
	CatDangerous
	CatConnection
	CatTransaction
	CatScripting
)

var categoryNames = [...]string{
	"@keyspace", "@read", "@write", "@set", "@sortedset", "@list", "@hash", "@string", "@bitmap", "@hyperloglog",
	"@geo", "@stream", "@pubsub", "@admin", "@fast", "@slow", "@blocking", "@dangerous", "@connection",
	"@transaction", "@scripting",
}

// AllCategories are the row's own categories and those that its flags imply.
func (c *Command) AllCategories() Categories {
	cats := c.Categories
	imply := func(f Flags, cat Categories) {
		if c.Flags&f != 0 {
			cats |= cat
		}
	}
	imply(Write, CatWrite)
	if cats&CatScripting == 0 {
		imply(ReadOnly, CatRead)
	}
	imply(Admin, CatAdmin|CatDangerous)
	imply(PubSub, CatPubSub)
	imply(Blocking, CatBlocking)
	if c.Flags&Fast != 0 {
		return cats | CatFast
	}
	return cats | CatSlow
}

// RunsInMulti reports whether the command runs at once within MULTI instead of being queued.
func (c *Command) RunsInMulti() bool {
	switch c.Name {
	case "exec", "discard", "multi", "watch", "quit", "reset":
		return c.Parent == nil
	}
	return false
}
