// Package commands is the table of commands and their handlers, a file for each family.
//
// A row of the table declares a command; a handler is a function on a Call. A handler works on the keyspace and
// writes a reply; that is all. What it changed it says with Call.Changed, and what must be logged in other words
// than the client's with Call.Effect. Locking, logging, waiting and sockets are the engine's and the server's.
//
// Replies and error texts are those of Redis 7.0, byte for byte; the transcripts in integration/ hold them
// against a real server.
package commands

import (
	"context"
	"math/rand/v2"
	"time"

	"holdfast/acl"
	"holdfast/config"
	"holdfast/kv"
	"holdfast/pubsub"
	"holdfast/resp"
	"holdfast/tracking"
)

// World is what commands share. Everything in it wants the engine's lock.
type World struct {
	Keys   *kv.Keyspace
	Config *config.Config
	Table  *Table
	Rand   *rand.Rand

	// Users are who may log in, and what they may do.
	Users *acl.Users
	// LoadUsers and SaveUsers read and write the file of users; nil without one.
	LoadUsers, SaveUsers func() error
	// Secret fills a slice with bytes that nobody can guess.
	Secret func([]byte)

	// Watches and Waiters know which clients care about which keys.
	Watches Watches
	Waiters Waiters

	// PubSub knows who has subscribed to what.
	PubSub pubsub.Index[*Client]
	// Tracking knows who has which keys in caches.
	Tracking tracking.Table[*Client]
	// Running is the client whose requests run, nil between requests.
	Running *Client
	// Served is a client that waits, while its command runs again between those of Running, or its script goes on; nil otherwise.
	Served *Client
	// Send, where set, takes what a client is told beside its replies; without it the client's peer has it at once. The
	// engine holds it back until it knows what the command under way rests on. behind: it comes behind the reply to that.
	Send func(to *Client, push []byte, behind bool)

	// Slowlog, Spikes and Monitors are for operators: calls and events that took long, and who is shown every call.
	Slowlog  Slowlog
	Spikes   Spikes
	Monitors Monitors

	Keeper  Keeper
	Clients Clients

	// Touched, where set, hears of each key that changes: the engine notes its hash for the read gate.
	Touched func(db int, key []byte)
	// TouchedAll hears of changes to a whole database.
	TouchedAll func()
	// ExpireKey deletes a key that is due, and logs it.
	ExpireKey func(db int, key []byte)
	// RemoveKey deletes a key for somebody whose call is over, and logs it, with the event of a DEL.
	RemoveKey func(db int, key []byte)
	// LapseKey deletes what is due within the value of a key, and logs it.
	LapseKey func(db int, key []byte, now int64)
	// Events, where set, hears keyspace events.
	Events func(class byte, event string, db int, key []byte)

	// Clock tells the time to the microsecond. Only what shows the time looks at it: commands go by Call.Now.
	Clock func() time.Time
	// Sleep is DEBUG SLEEP's; it holds up everybody.
	Sleep func(time.Duration)

	// RewriteConfig writes the directives in force into the file that the server was started with; nil without one.
	RewriteConfig func() error

	// Run executes a command within another one (EXEC, scripts), writing its reply to the caller's.
	Run func(outer *Call, cmd *Command, args [][]byte)

	// Scripts are those that are kept, and the one that runs.
	Scripts Scripts
	// Refused, where set, says why the disk or memory does not allow a command with such flags within a script, or "". With
	// allowOOM memory does not count.
	Refused func(flags Flags, args [][]byte, allowOOM bool) string
	// CountError, where set, counts an error reply to a command that a script could not run.
	CountError func(reply []byte)
	// Room, where set, is how many bytes commands may yet log in the record under way.
	Room func() int64
	// Interrupt, where set, is called about once a millisecond by a script, which others may go on in the middle of.
	Interrupt func()
	// Held, where set, is how many bytes the keyspace and the record under way take; they are not a script's.
	Held func() int64
	// Beside, where set, is how many bytes else lived on the heap when that was last known.
	Beside func() int64
	// ScriptLog, where set, takes a line of redis.log; level is 0 (debug) to 3 (warning).
	ScriptLog func(level int, message string)

	// Foreign: what is replayed are the words of another server's clients, and not what became of them here.
	Foreign bool

	settings *settings   // see directives
	asked    acl.Request // see request
}

// Touch tells of a key that changed, or is about to go: the gate of reads, who watches it and who waits for it.
func (w *World) Touch(db int, key []byte) {
	if w.Touched != nil {
		w.Touched(db, key)
	}
	w.Watches.Changed(db, key)
	w.Waiters.changed(db, key)
	if w.Tracking.Active() {
		w.changedForCaches(key)
	}
}

// Keeper keeps the data: what commands ask of the engine.
type Keeper interface {
	// Checkpoint starts one, unless one is running (false). done, where given, is called at its end under the lock.
	Checkpoint(done func(error)) bool
	// Shutdown ends the server in good order, with a checkpoint first where asked; Abort takes it back. An error's text
	// is the reply. failed is called later, under the lock, if the server goes on, as the data could not be saved.
	Shutdown(o ShutdownOptions, failed func(error)) error
	// Reload throws the hot layer away and builds it anew from the disk: with a checkpoint first, or from the log as it is.
	Reload(fromLog bool) error
	// SetActiveExpire turns the expiry of keys that nobody asks for on or off.
	SetActiveExpire(on bool)
	// Pause holds up commands until the deadline (unix ms): all, or those that write. Unpause ends it.
	Pause(until int64, all bool)
	Unpause()
	// Unblock ends a client's wait as a timeout would, or with an error; false when it does not wait.
	Unblock(c *Client, withError bool) bool
	// Await calls done, under the lock, when everything logged so far is on disk, unless the client's wait is over before.
	Await(c *Client, done func())
	// Settled reports whether no change of the way of keeping (appendonly) is under way. If one is, it calls done under
	// the lock at its end.
	Settled(done func()) bool
	// Drop forgets what the client waits for, watches and has subscribed to, as its connection is about to end.
	Drop(c *Client)
	// Finish ends a client's wait with the reply that write writes; nothing if the client no longer waits.
	Finish(c *Client, write func(*resp.Writer))
	// Aside calls work on a goroutine of its own; its context ends when the engine closes. At its end, under the lock, it calls
	// settle, which may remove keys, and then, when that is in the log, finish.
	Aside(work func(context.Context), settle func(now int64), finish func())
	// CreateSnapshot and DropSnapshot make and remove a named copy of all data, and ListSnapshots describes those there are, in
	// the background. done is called at the end under the lock; an error says that nothing has begun.
	CreateSnapshot(name string, done func(error)) error
	DropSnapshot(name string, done func(error)) error
	ListSnapshots(done func([]SnapshotInfo, error)) error
	// LastSave is the time of the last checkpoint that succeeded, or of the start, in unix ms.
	LastSave() int64
	// LogEnds are the LSNs of the newest record and of the newest that is on disk; kept is false where no log is.
	LogEnds() (newest, durable uint64, kept bool)
	// Figures are for INFO and MEMORY. The kernel is asked for some: not for what clients ask many times a second.
	Figures() Figures
	// ResidentMemory is how many bytes the process holds, as the kernel counts them. It costs as much as all Figures.
	ResidentMemory() int64
	// ResetStats is CONFIG RESETSTAT.
	ResetStats()
	// ReturnMemory collects garbage and gives free memory back to the system, in the background.
	ReturnMemory()
}

// ShutdownOptions are SHUTDOWN's.
type ShutdownOptions struct {
	Save, NoSave, Now, Force, Abort bool
}

// SnapshotInfo describes a named snapshot.
type SnapshotInfo struct {
	Name        string
	ID          [16]byte // of the data set
	LSN         uint64   // the newest record in it
	Time        int64    // unix ms of its checkpoint
	Keys, Bytes int64    // bytes of the file
	Problem     string   // why the file cannot be read; the rest is unknown then
}

// Clients are the connections: what commands ask of the server.
type Clients interface {
	// Each calls fn for every client, in the order of their IDs.
	Each(fn func(*Client) bool)
	// ByID finds a client; nil if there is none.
	ByID(id int64) *Client
	// Figures are for INFO.
	Figures() ClientFigures
	// ResetStats is CONFIG RESETSTAT.
	ResetStats()
}

// Figures are the engine's numbers.
type Figures struct {
	StartTime, LastSave                int64 // unix ms
	Version, RunID                     string
	ConfigFile, Executable             string
	Port, ProcessID                    int
	LastSaveOK                         bool
	SaveRunning                        bool
	SaveStarted, SaveMillis            int64 // when the running checkpoint began; how long the last took
	Changes                            int64 // since the last checkpoint
	LastLSN, DurableLSN, CheckpointLSN uint64
	CheckpointKeys, CheckpointBytes    int64
	CheckpointSlice                    int64 // the longest, microseconds
	Checkpoints                        int64 // since the start
	CheckpointPages                    int64
	LogEnabled                         bool
	Hydrating                          bool
	ColdKeys, HydrationTotal           int64
	HydrationLeft                      int64  // seconds, estimated
	Switching                          bool   // the log is being turned on or off
	LogBytes, LogSegments              int64  // bytes of the records; files
	LogWaiting                         int64  // bytes of records that are not yet written
	LogFull                            bool   // writes are refused, as there is no room for it
	RetainedFromLSN                    uint64 // the oldest state that can be restored; 0 without `retain`, or at the beginning
	RetainedFromTime, RetainedBytes    int64  // unix ms; bytes of segments and automatic snapshots
	NamedSnapshots                     int64
	Commands, Expired, Evicted         int64
	ExpiredSubkeys                     int64 // fields of hashes
	CommandsPerSecond                  int64
	Errors                             map[string]int64 // error replies by code; not to be changed
	Hits, Misses                       int64
	Recovery                           string
	KeysLoaded, KeysLapsed             int64 // that the last start found, without those whose time was over; and those
	MachineMemory                      int64 // bytes
	Blocked                            int
	Memory, MemoryPeak, MemoryStartup  int64 // bytes that the process holds, the most that it ever held, what it held at the start
	MemoryData, MemoryBound            int64 // bytes: keys and values alone; what maxmemory bounds
	MemorySpare                        int64 // bytes beside those: of keys that are gone, for others to take
	UserCPU, SystemCPU                 time.Duration
}

// ClientFigures are the server's numbers.
type ClientFigures struct {
	Connected, MaxClients                       int
	Accepted, Rejected                          int64
	BytesIn, BytesOut                           int64
	Reads, Writes                               int64 // of sockets: batches of requests, and of replies
	BytesInPerSecond, BytesOutPerSecond         int64
	QueryBufferLimitHits, OutputBufferLimitHits int64
	BiggestIn, BiggestOut                       int
	Buffered                                    int64 // bytes of all clients: requests not yet run and replies not yet sent
}
