package engine

import (
	"maps"
	"strconv"
	"time"

	"holdfast/acl"
	"holdfast/aof"
	"holdfast/commands"
	"holdfast/kv"
	"holdfast/pubsub"
)

// Metrics are the engine's numbers for monitoring: those of INFO, and with them what INFO has a section of its own for.
type Metrics struct {
	commands.Figures
	Writable  bool           // writes are taken
	Calls     []CommandCalls // of commands that were called
	Codes     map[string]int64
	Log       *aof.Figures // nil where no log is kept
	Topics    Topics
	Tracking  Tracking
	Denied    Denied
	Script    time.Duration // for how long a script runs that makes others wait; 0: none does
	Databases []DatabaseKeys
}

// CommandCalls are a command's numbers, by its full name.
type CommandCalls struct {
	Name string
	commands.Stats
}

// DatabaseKeys are the numbers of a database that has keys, or is the first.
type DatabaseKeys struct {
	Name            string // its number
	Keys, Deadlines int
}

// Topics is how many channels and patterns somebody has subscribed to.
type Topics struct{ Channels, Patterns, Shards int }

// Tracking is how much is remembered for client-side caching.
type Tracking struct{ Clients, Keys int }

// Denied is how often a user was refused, by what for.
type Denied struct{ Auth, Command, Key, Channel int64 }

// Metrics reads them, though a script may be in its midst.
func (e *Engine) Metrics() Metrics {
	e.mu.LockAnyway()
	defer e.mu.Unlock()
	m := Metrics{Figures: e.Figures(), Codes: maps.Clone(e.stats.errors)}
	m.Writable = e.writable()
	topics := &e.world.PubSub
	m.Topics = Topics{topics.Topics(pubsub.Channel), topics.Topics(pubsub.Pattern), topics.Topics(pubsub.Shard)}
	m.Tracking = Tracking{e.world.Tracking.Count(), e.world.Tracking.Keys()}
	denied := &e.world.Users.Log.Counts
	m.Denied = Denied{denied[acl.DeniedAuth], denied[acl.DeniedCommand], denied[acl.DeniedKey], denied[acl.DeniedChannel]}
	if e.script.busy {
		m.Script = time.Since(e.script.began)
	}
	if e.log != nil {
		m.Log = e.log.Figures()
	}
	for _, cmd := range e.world.Table.All() {
		m.addCalls(cmd)
		for _, sub := range cmd.Subs {
			m.addCalls(sub)
		}
	}
	for i := range e.world.Keys.Databases() {
		m.addDatabase(i, e.world.Keys.DB(i))
	}
	return m
}

func (m *Metrics) addCalls(cmd *commands.Command) {
	if s := cmd.Stats; s.Calls > 0 || s.Rejected > 0 {
		m.Calls = append(m.Calls, CommandCalls{cmd.FullName(), s})
	}
}

func (m *Metrics) addDatabase(index int, db *kv.DB) {
	if index == 0 || db.Len() > 0 {
		m.Databases = append(m.Databases, DatabaseKeys{strconv.Itoa(index), db.Len(), db.Deadlines()})
	}
}
