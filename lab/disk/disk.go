// Package disk says what a crash may leave of files.
//
// A Model follows the file operations of a trace. At any point Crash tells what is at risk then: the pieces, numbered from
// 0, that were not yet durable. A Choice says which of them are lost, and Build makes the directory that remains.
//
//	trace ──► Model.Apply … ──► Crash ──► Pick or ParseChoice ──► Build ──► a directory
//
// Two readings of what a file system promises:
//
//   - Strict, the least that POSIX allows: data and size are durable after a sync of the file, and a name after a sync of its
//     directory; until then any of it may be lost or kept, in any order.
//   - Ordered, as ext4 with data=ordered and xfs come: operations on names and sizes go to one journal. They survive in the
//     order they were made, up to some point, and a sync of any file or directory makes all of them before it durable.
//     Data that was not synced may be lost in pieces.
//
// What that comes to, event by event (rules_test.go has a line for each):
//
//   - Write. Strict: data in pieces, each of which, if it is there, makes the file reach to its end; and the whole write's size.
//     Ordered: what is appended is a part of the journal, in pieces from its beginning on, data and size together; what is
//     written over other data is at risk in pieces until a sync of that file.
//   - Zeros where nothing but zeros can be, as in preallocation, are only a size.
//   - Truncate, and fallocate that extends, are sizes. A hole is zeros in pieces (Strict) or one step of the journal.
//   - Rename. In one directory it is one step. Between two, Strict has the new name and the old one's end apart, as each
//     directory is synced by itself. A directory has one place, so its moves are one step, and durable with the first sync of
//     either side, together with its earlier ones.
//   - A sync that failed (trace.MarkSyncFailed) leaves data that later syncs pass over: only writing it again helps.
//
// The other way, to write every block of the disk through a journalling block device, shows what one file system does with
// its defaults of today, not what a server may rely on.
//
// In both, a piece of data lost is what the disk had there before: the last durable bytes, or zeros where the file had grown.
package disk

import "errors"

// Reading says how much a file system is trusted.
type Reading string

const (
	Strict  Reading = "strict"
	Ordered Reading = "ordered"
)

// Variant says which pieces a crash takes.
type Variant string

const (
	// OnlySynced loses every piece.
	OnlySynced Variant = "synced"
	// Everything loses none, as when the process is killed.
	Everything Variant = "everything"
	// Random loses any subset.
	Random Variant = "random"
	// NamesLost loses the operations on names, and keeps the data.
	NamesLost Variant = "names"
	// Torn keeps everything but a random part of the newest write that is at risk, and what came after it.
	Torn Variant = "torn"
)

// ErrChoice says that a text is not a Choice of this crash.
var ErrChoice = errors.New("not a choice of what is lost")

// ErrEvent says that an event does not fit those before it, or is of a kind that this package has no rule for.
var ErrEvent = errors.New("an event that does not fit the ones before it")
