package kv

import (
	"iter"

	"holdfast/expiry"
	"holdfast/outline"
)

// Kind says what a key holds. The numbers stand in snapshots: they never change their meaning.
type Kind uint8

const (
	// none marks a key that was deleted but still stands in the base: see Freeze.
	none Kind = 0
	// String is a run of bytes. It lies in the hot layer itself; every other kind is a Value.
	String Kind = 1
	// List and the kinds after it are values with a package of their own.
	List   Kind = 2
	Set    Kind = 3
	ZSet   Kind = 4
	Hash   Kind = 5
	Stream Kind = 6
)

// Value is a collection: what the package of a type offers to the keyspace that holds it.
type Value interface {
	// Len is the number of elements. A value with none does not stay in a keyspace, a stream apart, which has more to it
	// than its entries: to delete an empty one is the handlers' part, and the keyspace does not look.
	Len() int
	// Bytes is the memory held, in bytes.
	Bytes() int64
	// AppendBinary appends the value's stored form to dst.
	AppendBinary(dst []byte) []byte
}

// Lapser is a Value of which parts may have deadlines of their own, as a hash's fields may. The keyspace knows the earliest
// of them, so that it is dealt with on time; it asks after each change.
type Lapser interface {
	Value
	// Lapses is the earliest deadline within the value, in unix milliseconds and above 0; expiry.Never without one.
	Lapses() int64
	// Lapse removes what is due at now, up to most of it or less, and returns the names: none only if nothing is due.
	Lapse(now int64, most int) [][]byte
}

// Parted is a Value that, when it is big, lies in the base in parts, so that a checkpoint writes those that changed.
// It keeps account of which parts changed since MarkClean, or since it was read from parts.
type Parted interface {
	Value
	// Parted reports whether it is big enough to lie in parts.
	Parted() bool
	// AppendHead appends what is stored beside the parts.
	AppendHead(dst []byte) []byte
	// PartsFrom calls fn for the parts whose ids are at least from, by ascending id: all of them, or those that changed. An
	// error of fn ends it and is returned. As long as the value does not change, another call may go on behind it.
	PartsFrom(from uint64, changed bool, fn func(id uint64, payload []byte) error) error
	// DroppedParts calls fn for the parts that are there no more.
	DroppedParts(fn func(id uint64))
	// MarkClean says that the parts are stored as they are.
	MarkClean()
}

// Packable is a Value that, while it is small, lies as bytes in the block of its key. They are made a value again for each
// use, by the Unpack of its type.
type Packable interface {
	Value
	// PackedSize is how many bytes AppendPacked appends; 0 for a value that is not to be packed, as one in which something
	// lapses, which the keyspace keeps account of by the value.
	PackedSize() int
	AppendPacked(dst []byte) []byte
}

// Type describes a kind of value.
type Type struct {
	Kind Kind
	// Name is what TYPE replies.
	Name string
	// Decode reads what AppendBinary wrote. It does not keep b, and treats it as hostile.
	Decode func(b []byte) (Value, error)
	// FromParts reads what Parted wrote: the head, and the parts as next gives them. Nil for a type without parts.
	FromParts func(head []byte, next func() (id uint64, payload []byte, ok bool, err error)) (Value, error)
	// Unpack makes a value of what AppendPacked wrote, without copying it. A value that is to be changed may use all
	// of b's capacity; one that is to be read finds none to spare. Nil for a type that is never packed.
	Unpack func(b []byte) Value
	// Clone copies a value.
	Clone func(Value) Value
	// Encoding is what OBJECT ENCODING replies.
	Encoding func(Value) string
	// Elements yields what the value holds, in the order in which a command that reads all of it would reply.
	// The bytes are the value's own, good until it changes.
	Elements func(Value) iter.Seq[[]byte]
	// Timed is Elements with the deadline that each has of its own, in unix ms: expiry.None for none. Nil for a type whose
	// elements never have one.
	Timed func(Value) iter.Seq2[[]byte, int64]
	// Survey tells what a stored value holds, by what its record has beside parts: it makes no value and reads no part. It
	// treats what it reads as hostile.
	Survey func(outline.Form) (outline.Summary, error)
	// Walk visits the elements of a stored value, one part after the other.
	Walk func(outline.Form, outline.Visitor) error
	// Assembly makes a value in parts of its elements. Its Begin is nil for a type without parts.
	Assembly outline.Assembly
	// Checker makes a visitor that looks at elements from outside, in their order, whether they are as a value of the type has
	// them: outline.ErrNoValue. That something is there twice it does not notice.
	Checker func() outline.Visitor
	// Remake makes commands of the elements of a value that make it anew under a key, and hands them to emit: visit takes the
	// elements one by one, and end is called behind the last. What emit gets is good during the call.
	Remake func(key []byte, emit func(args ...[]byte) error) (visit outline.Visitor, end func() error)
	// Rewritten reads such commands.
	Rewritten Rewritten
}

// Rewritten is how the values of a type are told in commands: those of Remake, and those of a Redis that rewrites its AOF.
type Rewritten struct {
	// Keys are the commands by their names, in capitals, and which of its arguments is the key of each.
	Keys map[string]int
	// Reader makes a function that gets the commands about a key in their order, and returns what elements each of them adds: good
	// until the next call, and to be gone through once. It returns nil for a command that does anything else.
	Reader func() func(args [][]byte) iter.Seq[outline.Element]
}

// TimedElements is Timed for any type of collection.
func (t Type) TimedElements(v Value) iter.Seq2[[]byte, int64] {
	if t.Timed != nil {
		return t.Timed(v)
	}
	return func(yield func([]byte, int64) bool) {
		for element := range t.Elements(v) {
			if !yield(element, expiry.None) {
				return
			}
		}
	}
}

// Types holds the types by kind. The keyspace's owner puts it together; nothing here knows a type's package.
type Types [16]Type

// NewTypes makes the table of the given types.
func NewTypes(types ...Type) *Types {
	var t Types
	for _, typ := range types {
		t[typ.Kind] = typ
	}
	return &t
}
