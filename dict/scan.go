package dict

import "iter"

// All yields the keys and values, leaf by leaf in hash order. The loop must not change d.
func (d *Dict) All() iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		for l := range d.all() {
			for key, value := range l.pairs() {
				if !yield(key, value) {
					return
				}
			}
		}
	}
}

const (
	// cursorShift leaves a cursor 48 bits, less than the 53 that a double carries.
	cursorShift = 16
	// window is how many tags one step of a scan looks at, an eighth of a leaf.
	window = 32
)

// Scan calls fn for the keys at the next step of hash order, a few as a rule or none, and returns the cursor of the step
// behind it, 0 at the end; 0 is also where to begin. Every key that is there from the first call to the last is seen,
// and only once unless leaves merge meanwhile; so it is after a restart. Any number will do as a cursor. fn must not
// change d.
func (d *Dict) Scan(cursor uint64, fn func(key, value []byte)) (next uint64) {
	point := cursor << cursorShift
	l := d.leaf(point)
	depth := l.depth()
	for from, found := int(l.tag(point)), false; l.n > 0 && from < 1<<8 && !found; {
		to := (from/window + 1) * window
		found = l.within(from, to, fn)
		if point = l.start() + uint64(to)<<(56-depth); to == 1<<8 {
			return point >> cursorShift // or around to 0
		}
		if from = to; found {
			return point >> cursorShift
		}
	}
	if depth == 0 {
		return 0
	}
	return (l.start() + uint64(1)<<(64-depth)) >> cursorShift
}

// within calls fn for the keys with tags in [from,to), and reports whether there are any.
func (l *leaf) within(from, to int, fn func(key, value []byte)) (found bool) {
	i := 0
	for key, value := range l.pairs() {
		if tag := int(l.tags[i]); tag >= from && tag < to {
			fn(key, value)
			found = true
		}
		i++
	}
	return found
}
