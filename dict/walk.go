package dict

import (
	"fmt"

	"holdfast/outline"
	"holdfast/packed"
)

// Stored counts the keys of a stored Dict, by its body.
func Stored(body []byte, inParts bool) (keys int64, err error) {
	_, n, _, err := begin(body, inParts)
	return int64(n), err
}

// begin reads the counts of a body, and returns what follows them.
func begin(body []byte, inParts bool) (rest []byte, keys, leaves uint64, err error) {
	n := 1
	if inParts {
		n = 2
	}
	_, counts, rest, err := decodeHead(body, n)
	if inParts {
		leaves, keys = counts[0], counts[1]
	} else {
		keys = counts[0]
	}
	if err == nil && int64(keys) < 0 {
		err = fmt.Errorf("%w: %d keys", ErrCorrupt, keys)
	}
	return rest, keys, leaves, err
}

// Walk calls fn for the keys of a stored Dict and their values, in hash order as far as leaves go. The body is whole.
func Walk(body []byte, f outline.Form, fn func(key, value []byte) error) error {
	rest, keys, leaves, err := begin(body, f.InParts())
	if err != nil {
		return err
	}
	w := walk{fn: fn}
	switch {
	case !f.InParts():
		err = w.run(rest)
	case len(rest) > 0:
		err = fmt.Errorf("head of a dict: %w: %d bytes too many", ErrCorrupt, len(rest))
	default:
		err = f.Parts(w.part)
	}
	if err == nil && (w.keys != keys || w.parts != leaves) {
		err = fmt.Errorf("%w: %d keys in %d parts where %d in %d are announced", ErrCorrupt, w.keys, w.parts, keys, leaves)
	}
	return err
}

// walk is a Walk under way.
type walk struct {
	fn          func(key, value []byte) error
	keys, parts uint64
}

func (w *walk) part(_ uint64, payload []byte) error {
	w.parts++
	return w.run(payload)
}

func (w *walk) run(b []byte) error {
	entries, err := packed.Check(b)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if entries%2 != 0 {
		return fmt.Errorf("%w: %d entries", ErrCorrupt, entries)
	}
	page := leaf{page: b}
	for key, value := range page.pairs() {
		w.keys++
		if err := w.fn(key, value); err != nil {
			return err
		}
	}
	return nil
}
