package snapshot

import "holdfast/internal/vfs"

// Order puts byte strings of any length in the order of their bytes, with what belongs to each of them. Above its memory limit it
// goes to temporary files. One goroutine at a time may use it. (A Sorter is for keys, in the order that a base has them in.)
type Order struct{ spool spool }

// NewOrder makes an empty one. dir is for its temporary files; memory, in bytes, is what it keeps before it needs them.
func NewOrder(fs vfs.FS, dir string, memory int) *Order {
	return &Order{spool{fs: fs, dir: dir, limit: memory}}
}

// Add takes a string and what belongs to it. The slices may be reused after it returns.
func (o *Order) Add(key, value []byte) error { return o.spool.add(opRaw, 0, 0, key, value) }

// Each calls fn in order; strings that are the same come in the order in which they were added. The slices are good until fn
// returns; its error ends it, and is returned.
func (o *Order) Each(fn func(key, value []byte) error) error {
	from, err := o.spool.entries()
	if err != nil {
		return err
	}
	return each(from, func(e entry) error { return fn(e.key(), e.value()) })
}

// Discard removes the temporary files. It is empty then.
func (o *Order) Discard() error { return o.spool.discard() }
