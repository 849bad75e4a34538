// Package trace is the record of an experiment: every operation on files and every request and reply, in one order.
//
//	trace := magic (8 bytes) record…
//	record := length uint32 | CRC-32C uint32 | body        little endian; the CRC is that of the body
//	body := kind byte | the event's fields, as varints and counted bytes | the data of a Write
//
// The first record is the Meta, as JSON; each one after it is an Event. The file grows by appending only, so that a
// trace whose recording was cut short can be read up to there.
//
// The bytes of a Write stay in the file: an Event only says where they are, so that who plays a trace needs memory for
// its operations and not for its data. A Write of nothing but zeros, which is how segments are preallocated, has none.
//
// The order is what makes a trace worth something. An operation is appended after it was done and before its caller
// hears of it; a request before it is sent, and a reply after it was received. So whatever was acknowledged before an
// operation stands before it, and no reply stands before the operations that it rests on.
package trace

import (
	"encoding/json"
	"fmt"
)

// Kind says what happened.
type Kind uint8

// The kinds of event. What each uses of an Event is said beside it.
const (
	// Mkdir made the directory Path.
	Mkdir Kind = iota + 1
	// Rmdir removed the directory Path.
	Rmdir
	// Create made the file Path; File is its number from now on, whatever it is renamed to.
	Create
	// Write put the Data (Size bytes) at Off of File.
	Write
	// Truncate gave File the size Size.
	Truncate
	// Allocate is fallocate: Size bytes at Off of File; Mode as in the system call (0 allocates and extends).
	Allocate
	// Sync made File durable as it was at event Covers. DataOnly: fdatasync.
	Sync
	// Rename made To of Path, replacing what was there. File is the file's number; 0 for a directory.
	Rename
	// Link gave File (Path) the second name To.
	Link
	// Unlink removed the name Path of File.
	Unlink
	// Symlink made Path point to To.
	Symlink
	// SyncDir made the entries of the directory Path durable as they were at event Covers.
	SyncDir
	// Request was sent by connection Conn as its ID-th: Args.
	Request
	// Reply answers request ID of connection Conn: Reply, as it came.
	Reply
	// Closed ended connection Conn; requests without a reply stay without.
	Closed
	// Mark says something about the experiment: Note, one of the Mark constants or words for people.
	Mark
)

// The notes of marks that playing knows.
const (
	// MarkBegin follows the events that describe the directory as it was at the start; all before it is durable.
	MarkBegin = "begin"
	// MarkReady: the server answers.
	MarkReady = "ready"
	// MarkTraffic: the workload begins.
	MarkTraffic = "traffic"
	// MarkDone: the workload has ended, and the server is about to be ended.
	MarkDone = "done"
	// MarkMapped: the server writes to a file that it has mapped. The order of such writes is not known.
	MarkMapped = "mapped write"
	// MarkSyncFailed: a sync of File that began when Covers was the newest event failed. The writes to File up to Covers
	// that no Sync before this mark covers are not made durable by a later one, only by being written again.
	MarkSyncFailed = "sync failed"
)

var kindNames = [...]string{
	Mkdir: "mkdir", Rmdir: "rmdir", Create: "create", Write: "write", Truncate: "truncate", Allocate: "allocate",
	Sync: "sync", Rename: "rename", Link: "link", Unlink: "unlink", Symlink: "symlink", SyncDir: "syncdir",
	Request: "request", Reply: "reply", Closed: "closed", Mark: "mark",
}

func (k Kind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", k)
}

// IsFile reports whether it is something that was done to files.
func (k Kind) IsFile() bool { return k >= Mkdir && k <= SyncDir }

// Event is one thing that happened. Which fields mean something depends on the Kind.
type Event struct {
	// Seq numbers the events of a trace: 1, 2, 3 …
	Seq uint64
	// At is the time in nanoseconds since the trace began (Meta.Began).
	At   int64
	Kind Kind

	// File numbers a file for good; 0 is none. Paths are slash-separated and relative to the data directory, which is "".
	File     uint64
	Path, To string
	Off      int64 // bytes
	Size     int64 // bytes
	Mode     uint32
	DataOnly bool
	Covers   uint64
	Data     Data

	// Conn numbers the workload's connections from 1, ID a connection's requests from 1.
	Conn  int
	ID    uint64
	Args  [][]byte
	Reply []byte

	Note string
}

// Data is where the bytes of a Write are. A Pos of 0 stands for zeros.
type Data struct {
	Pos int64 // in the trace file
	Len int64
}

func (e Event) String() string {
	s := fmt.Sprintf("%d %v", e.Seq, e.Kind)
	switch e.Kind {
	case Write, Allocate:
		return fmt.Sprintf("%s file %d %s [%d, %d)", s, e.File, e.Path, e.Off, e.Off+e.Size)
	case Truncate:
		return fmt.Sprintf("%s file %d %s to %d", s, e.File, e.Path, e.Size)
	case Sync:
		if e.DataOnly {
			s += " data"
		}
		return fmt.Sprintf("%s file %d %s", s, e.File, e.Path)
	case Rename, Link, Symlink:
		return fmt.Sprintf("%s %s to %s", s, e.Path, e.To)
	case Request:
		return fmt.Sprintf("%s %d.%d %q", s, e.Conn, e.ID, e.Args)
	case Reply:
		return fmt.Sprintf("%s %d.%d %q", s, e.Conn, e.ID, e.Reply)
	case Closed:
		return fmt.Sprintf("%s %d", s, e.Conn)
	case Mark:
		return fmt.Sprintf("%s %s", s, e.Note)
	default:
		return fmt.Sprintf("%s %s", s, e.Path)
	}
}

// Meta says what was recorded.
type Meta struct {
	Version  int      `json:"version"`
	Began    int64    `json:"began_unix_ms"`
	Server   string   `json:"server"`           // a preset's name, or "other"
	Command  []string `json:"command"`          // with {port} and {dir} unfilled
	Policy   string   `json:"policy"`           // always or everysec
	Workload string   `json:"workload"`         // its name
	Script   string   `json:"script,omitempty"` // the commands of a user's own workload
	Seed     uint64   `json:"seed"`
	Clients  int      `json:"clients"`
	// Options are those that the workload was made with, as who recorded it writes them.
	Options json.RawMessage `json:"options,omitempty"`
}
