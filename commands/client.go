package commands

import (
	"holdfast/acl"
	"holdfast/pubsub"
	"holdfast/resp"
	"holdfast/tracking"
)

// Client is what commands know of a connection. It is guarded by the engine's lock, the peer apart.
type Client struct {
	ID    int64
	DB    int
	Proto int // 2 or 3
	Name  string
	// LibName and LibVersion are what CLIENT SETINFO said.
	LibName, LibVersion string
	Addr, LocalAddr     string
	// User is who the client is logged in as. Nil: nobody in particular, who may do everything, as the log's replay.
	User             *acl.User
	Authenticated    bool
	Created          int64    // unix ms
	Active           int64    // unix ms of the last request
	LastCommand      *Command // nil before the first, and after a name that is unknown
	NoEvict, NoTouch bool
	Monitoring       bool // MONITOR
	DenyBlocking     bool // a client that must not block, such as the one that replays the log

	// Multi is the open transaction, nil outside MULTI.
	Multi *Multi
	// Watched keys, and whether one of them changed.
	Watched []watched
	Dirty   bool

	// Subs are the client's subscriptions, nil without any.
	Subs *pubsub.Subscriber[*Client]
	// Tracking is how the client tracks what it reads, nil if it never did; Redirect who hears of changes in its place.
	Tracking *tracking.Tracker[*Client]
	Redirect *Client
	// Left: the connection is gone, or about to go.
	Left bool
	// Mail: the peer has something for the client beside replies, which comes before those that follow.
	Mail bool

	// Silence is what CLIENT REPLY asked for.
	Silence Silence

	// Blocked is what the client waits for, nil when it runs.
	Blocked *Wait
	// CloseAfterReply: the connection ends once its replies are out.
	CloseAfterReply bool
	// Killed: the connection is about to end, and nothing of the client runs any more.
	Killed bool

	Peer Peer
}

// Silence says whether a client gets replies.
type Silence uint8

const (
	Talking  Silence = iota
	Off              // CLIENT REPLY OFF
	SkipNext         // CLIENT REPLY SKIP was just said
	SkipThis         // this reply is the one to skip
)

// Peer is the connection behind a client. Its methods may be called under the engine's lock, from any goroutine;
// they do not block.
type Peer interface {
	// Deliver appends ready-made replies, or messages, to what goes out once the log has passed gate. The bytes must not
	// change any more. It is called under the engine's lock only.
	Deliver(reply []byte, gate uint64)
	// Collect moves what was delivered so far to w, and returns its gate.
	Collect(w *resp.Writer) (gate uint64)
	// Resume runs the requests that the client sent while it was blocked. It is called under the engine's lock only.
	Resume()
	// Kill ends the connection; with flush after what lies ready has gone out.
	Kill(flush bool)
	// Buffers tells the bytes of requests not yet run and of replies not yet sent.
	Buffers() (in, out int)
	// FD is the connection's descriptor number, for CLIENT LIST.
	FD() int
}

// Wait is what a blocked client waits for.
type Wait struct {
	Keys     [][]byte
	DB       int
	Deadline int64 // unix ms; 0: none
	// Timeout writes the reply at the deadline.
	Timeout func(*resp.Writer)
	// Since orders waiters: first come, first served.
	Since uint64
	// Cmd and Args are the blocked command, run again when a key changes. The arguments are the client's unless the
	// handler has put others here, as where they mean the moment of the call.
	Cmd  *Command
	Args [][]byte
	// Paused: the client waits for the end of CLIENT PAUSE, and its request has not run.
	Paused bool
	// Script: the client waits for the end of its own script.
	Script bool
}

// Multi is an open transaction.
type Multi struct {
	Queue []Queued
	// Failed: a command was refused while queueing, so EXEC will be too.
	Failed bool
}

// Queued is a command that waits for EXEC.
type Queued struct {
	Cmd  *Command
	Args [][]byte
}

// Flags are those of all queued commands together; none without a transaction.
func (m *Multi) Flags() (all Flags) {
	if m == nil {
		return 0
	}
	for _, q := range m.Queue {
		all |= q.Cmd.Flags
	}
	return all
}
