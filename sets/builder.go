package sets

import "holdfast/dict"

// Builder makes the parts of a large set out of members that come in the order of a dict: see dict.Builder.
type Builder struct{ *dict.Builder }

// NewBuilder begins a set of so many members, which take so many bytes.
func NewBuilder(seed dict.Seed, members, size int64, emit func(id uint64, payload []byte) error) Builder {
	return Builder{dict.NewBuilder(seed, members, size, emit)}
}

// Add adds a member: dict.ErrTwice.
func (b Builder) Add(hash uint64, member []byte) error { return b.Builder.Add(hash, member, nil) }

// End gives out the last parts, and returns what AppendHead would append.
func (b Builder) End() (head []byte, err error) {
	head, err = b.Builder.End()
	return append([]byte{version, formLarge}, head...), err
}
