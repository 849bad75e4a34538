// Package outline is the language in which the package of a type tells what a value in its stored form holds, without making
// the value: how it is encoded, how many elements it has, and the elements one after the other. It is for tools that read
// data offline, and for those that store it. The package of each type speaks it with a few functions (Survey, Walk, Checker,
// Assembly), which kv.Type holds.
//
//	Form       the bytes of a value as a base has them: in one piece, or a body and parts
//	Summary    what the body alone tells
//	Element    pieces, each with a role: a field and its value, a member and its score, an ID and fields and values …
//	Assembly   the way back: elements become the parts of a value that is never whole in memory
//
// Invariants
//
//   - A walk holds one part in memory, whatever the size of the value, or what was stored in one piece.
//   - Stored bytes are hostile: what makes no sense is the type's ErrCorrupt, as for its Decode, and never a panic. But a walk
//     looks at one element after the other: that a field comes twice it does not notice.
//   - All of a value is in its elements: a value made of them is the same one.
//
// Rejected: decoding a value in order to look at it (one key of 1 GB would take several GB); elements as flat byte strings
// (who converts or compares them would have to know, for each type, which are which).
package outline

import "fmt"

// Form is the stored form of a value.
type Form struct {
	// Body is what the value's record has: all there is of a value in one piece, the head of one in parts. Of a long one it
	// may be the beginning only: see Size.
	Body []byte
	// Size is how many bytes the body has.
	Size int64
	// Load reads a body that is longer than Body.
	Load func() ([]byte, error)
	// Parts calls fn for the parts in the order of their numbers. The payload is good until fn returns. Nil for a value in
	// one piece.
	Parts func(fn func(number uint64, payload []byte) error) error
}

// Whole is the body with nothing left out.
func (f Form) Whole() ([]byte, error) {
	if f.Size <= int64(len(f.Body)) {
		return f.Body, nil
	}
	body, err := f.Load()
	if err == nil && int64(len(body)) != f.Size {
		err = fmt.Errorf("a body of %d bytes where %d are announced", len(body), f.Size)
	}
	return body, err
}

// InParts reports whether the value lies in parts.
func (f Form) InParts() bool { return f.Parts != nil }

// Summary is what the body of a value tells. Of a value that is longer than its Form's Body, counts may be missing that only
// all of it would tell.
type Summary struct {
	Encoding string // as OBJECT ENCODING would reply it
	Elements int64  // 1 for a string
	More     []Count
}

// Count counts something within a value beside its elements, where there is any: fields with a deadline of their own, groups.
type Count struct {
	What string // in the plural, without an article
	N    int64
}

// Element is a part of a value that can be told from the others: an element of a list, a member of a set with its score, a
// field of a hash with its value, an entry of a stream; a string is one element.
type Element struct {
	// Aside says what this is where it is not what a command that reads the whole value replies: "group", for instance. Asides
	// come behind all others.
	Aside string
	// Pieces in the order in which such a command replies them.
	Pieces []Piece
	// Own is how many of the first pieces tell this element from all others of the value with the same Aside. 0: its place
	// does, or there is only one.
	Own int
	// Nested: the pieces behind the first are an array of their own in such a reply, as those of a stream's entry are.
	Nested bool
	// Deadline is the element's own, unix ms; 0: none.
	Deadline int64
}

// Piece is a byte string with its meaning. Numbers are in the decimal form in which a client gets them.
type Piece struct {
	Role  Role
	Bytes []byte // good until the visitor returns
}

// Role says what a piece is.
type Role string

// The roles. Those of one element differ, but for the fields and values of a stream's entry.
const (
	Text   Role = "text"    // a string's
	Item   Role = "element" // of a list
	Member Role = "member"
	Score  Role = "score"
	Field  Role = "field"
	Value  Role = "value"
	ID     Role = "id"

	LastID     Role = "last_id"
	MaxDeleted Role = "max_deleted_id"
	Added      Role = "entries_added"
	Group      Role = "group"
	Delivered  Role = "last_delivered_id"
	Read       Role = "entries_read" // -1: not known
	Consumer   Role = "consumer"
	At         Role = "delivered_unix_ms"
	Times      Role = "deliveries"
)

// Visitor gets an element. It and what it refers to are good until the visitor returns; its error ends the walk, which
// returns it as it is.
type Visitor func(Element) error

// Numeric reports whether the pieces of a role are numbers: decimal ones, or inf, -inf for a score.
func (r Role) Numeric() bool {
	switch r {
	case Score, Added, Read, At, Times:
		return true
	}
	return false
}
