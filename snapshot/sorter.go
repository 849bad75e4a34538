package snapshot

import (
	"fmt"
	"io"

	"holdfast/internal/vfs"
)

// Sorter sorts keys, each with a few bytes about it, into the order in which a base gives its keys, store by store. Above
// its memory limit it goes to temporary files, as Changes does. One goroutine at a time may use it.
//
// A key that is added twice comes twice, in the order of the calls.
type Sorter struct {
	spool spool
	from  source
	key   []byte // scratch
}

// NewSorter makes an empty one. dir is for its temporary files; memory, in bytes, is what it keeps before it needs them.
func NewSorter(fs vfs.FS, dir string, memory int) *Sorter {
	return &Sorter{spool: spool{fs: fs, dir: dir, limit: memory}}
}

// Add takes a key. The slices may be reused after it returns. Nothing may be added once Next has been called.
func (s *Sorter) Add(store Store, key, value []byte) error {
	s.key = appendStored(s.key[:0], key)
	return s.spool.add(opRaw, store, 0, s.key, fullBody(key, value))
}

// Next gives out the keys in order, and io.EOF behind the last. What it gives is good until it is called again.
func (s *Sorter) Next() (store Store, key, value []byte, err error) {
	if s.from == nil {
		if s.from, err = s.spool.entries(); err != nil {
			return 0, nil, nil, err
		}
	}
	e, err := s.from.next()
	if err != nil {
		if err != io.EOF {
			err = fmt.Errorf("reading what was sorted: %w", err)
		}
		return 0, nil, nil, err
	}
	flags := byte(0)
	if e.key()[0] == tagHashed {
		flags = flagHashed
	}
	key, value, ok := splitBody(e.key(), flags, e.value())
	if !ok {
		return 0, nil, nil, fmt.Errorf("reading what was sorted: %w: a key is not what it was", ErrCorrupt)
	}
	return e.store(), key, value, nil
}

// Discard removes the temporary files.
func (s *Sorter) Discard() error {
	s.from = nil
	return s.spool.discard()
}
