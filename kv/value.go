package kv

import "iter"

// Kind says what a key holds. The numbers stand in snapshots: they never change their meaning.
type Kind uint8

const (
	// none marks a key that was deleted but still stands in the base: see Freeze.
	none Kind = 0
	// String is a run of bytes. It lies in the hot layer itself; every other kind is a Value.
	String Kind = 1
	// List and the kinds after it are values with a package of their own.
	List Kind = 2
)

// Value is a collection: what the package of a type offers to the keyspace that holds it.
type Value interface {
	// Len is the number of elements. A value with none does not stay in a keyspace.
	Len() int
	// Bytes is the memory held, in bytes.
	Bytes() int64
	// AppendBinary appends the value's stored form to dst.
	AppendBinary(dst []byte) []byte
}

// Type describes a kind of value.
type Type struct {
	Kind Kind
	// Name is what TYPE replies.
	Name string
	// Decode reads what AppendBinary wrote. It does not keep b, and treats it as hostile.
	Decode func(b []byte) (Value, error)
	// Clone copies a value.
	Clone func(Value) Value
	// Encoding is what OBJECT ENCODING replies.
	Encoding func(Value) string
	// Elements yields what the value holds, in the order in which a command that reads all of it would reply.
	// The bytes are the value's own, good until it changes.
	Elements func(Value) iter.Seq[[]byte]
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
