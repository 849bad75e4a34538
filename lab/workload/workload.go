// Package workload has the workloads of the crash lab: what clients ask of a server, and, for each, what may be there
// after a crash.
//
// A workload is named and seeded. It is two things in one place, because one cannot be written without the other: the
// requests of some connections, and the judgement of what a server shows after it has recovered. The judgement knows the
// history up to the crash, and nothing of the server.
//
//	New(name, …) ──► Client(n).Next ──► requests and replies, in the trace
//	                                                  │
//	                    History ◄── up to a crash ────┘
//	                       │
//	      Reads ──► the recovered server ──► replies ──► Judge ──► findings
//
// Of each operation the history says whether its effect must be there, may be there, or cannot be (see Fate).
package workload

import (
	"math/rand/v2"

	"holdfast/resp"
)

// Workload is what a crash is judged by. Its methods other than Client are safe for concurrent use.
type Workload interface {
	Name() string
	// Clients is how many connections it wants.
	Clients() int
	// Client is connection n, from 0; round 0 is before the crash, 1 after it, 2 after a second one. Values are unique
	// over all rounds and connections.
	Client(n, round int, rng *rand.Rand) Client
	// Reads are the requests whose replies show the whole state, in a fixed order.
	Reads() [][][]byte
	// Judge says what is wrong with a recovered state: what the Reads replied, given the history. No findings: nothing.
	Judge(h *History, replies []resp.Reply) []Finding
}

// Client makes the requests of one connection, each after the reply to the one before.
type Client interface {
	// Next returns the next request; nil at the end. reply answers the request before it; the zero Reply at first.
	Next(reply resp.Reply) [][]byte
	// Lost tells it that the connection broke before the reply came, and with it what had been begun on it; Next then goes
	// on over a new one. It reports whether it can go on without knowing what became of the request.
	Lost() bool
}

// Fate says what a crash may have done to an operation.
type Fate uint8

const (
	// Must: it was acknowledged (or seen by a reader), and the server's policy had made it durable.
	Must Fate = iota
	// May: it was under way, or acknowledged too recently for the policy; it happened as a whole before the crash, or never.
	May
)

// Op is one request of the history, with its reply if there was one.
type Op struct {
	Conn  int    // as in the trace; a connection of a later round has a number of its own
	ID    uint64 // as in the trace
	Round int    // 0 before the first crash
	Args  [][]byte
	// Body are, for the EXEC of a transaction, the requests that were queued in it. A transaction is one Op: neither MULTI nor
	// what was queued is one of its own, nor DISCARD.
	Body  [][][]byte
	Reply resp.Reply
	// Acked: the reply came before the crash.
	Acked bool
	Fate  Fate
	// Call and Return order the operations: Return is the crash for one without a reply. Numbers of events, rising
	// through all rounds.
	Call, Return uint64
	// CallAt and ReturnAt are the same in unix ms.
	CallAt, ReturnAt int64
}

// History is what clients did and saw, up to a crash; after a recovery also what was read then, and what came after.
type History struct {
	// Ops are in the order of their Call. The Reads after a recovery stand among them, one after another on one connection
	// and with nothing between: what follows the last such row of them is judged by what they showed. Neither the Args nor
	// the Reply of an Op may be changed later: a Workload remembers them.
	Ops []Op
	// Crash is where the last crash was, in the numbers of Call, and CrashAt when, in unix ms.
	Crash   uint64
	CrashAt int64
	// Seen is when the first of the Reads was sent to the recovered server, in unix ms, by the clock that it goes by.
	Seen int64
}

// Check names what a finding is about; it is what reports count by.
type Check string

// The checks.
const (
	Lost         Check = "acknowledged write lost"
	Invented     Check = "value that was never sent"
	Torn         Check = "transaction in part"
	Order        Check = "state that no serial history allows"
	Deadline     Check = "wrong deadline"
	Resurrected  Check = "expired key came back"
	Unreadable   Check = "wrong kind of reply"
	Undecided    Check = "not decided in time"
	NeverStarted Check = "server does not start"
)

// Finding is one broken promise.
type Finding struct {
	Check Check `json:"check"`
	// Key is the key that it is about, if it is about one.
	Key string `json:"key,omitempty"`
	// Detail says what was there and what should have been, in a line.
	Detail string `json:"detail"`
}
