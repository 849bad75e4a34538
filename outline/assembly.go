package outline

import "errors"

// ErrNoValue: the elements make no value of the type. One is not as the type has them, or is there twice, or out of order.
var ErrNoValue = errors.New("no value of the type")

// Assembly is how the package of a type makes a value in parts out of its elements without ever having it whole, for whoever
// stores one that is larger than memory: what Walk undoes.
type Assembly struct {
	// ElementMax is how many bytes the pieces of an element may have together. A value with a longer one lies in one piece.
	ElementMax int64
	// Begin begins a value.
	Begin func(Site) Assembler
}

// Assembler is a value on its way into parts. It has a part in memory, beside what its Sorters have.
type Assembler interface {
	// Add takes the next element: ErrNoValue.
	Add(Element) error
	// End gives out the parts that are left, and returns what the value's record has beside them: ErrNoValue.
	End() (head []byte, err error)
	// Discard gives up what the Sorters hold. It comes last, whether or not there was an error.
	Discard() error
}

// Site is where a value is assembled, and what the work finds there.
type Site struct {
	// Elements and Size, in bytes, are what will come: hints.
	Elements, Size int64
	// Seed is random.
	Seed [16]byte
	// Setting is what a directive says, one that is a number.
	Setting func(directive string) int64
	// Sorter makes a Sorter that may have so many quarters of the memory that there is for sorting.
	Sorter func(quarters int) Sorter
	// Part takes the parts, by rising numbers. A payload is good until it returns.
	Part func(number uint64, payload []byte) error
}

// Sorter puts byte strings in the order of their bytes, each with what belongs to it, whatever memory they would take.
type Sorter interface {
	// Add takes a string; both slices may be reused when it has returned.
	Add(key, value []byte) error
	// Each calls fn in order; those that are the same come as they were added. Its error ends it, and is returned.
	Each(fn func(key, value []byte) error) error
	// Discard removes what there is.
	Discard() error
}

// Piece finds the piece of a role.
func (e *Element) Piece(role Role) (b []byte, ok bool) {
	for i := range e.Pieces {
		if e.Pieces[i].Role == role {
			return e.Pieces[i].Bytes, true
		}
	}
	return nil, false
}

// Has reports whether an element is no aside, has no deadline, and has pieces of just these roles.
func (e *Element) Has(roles ...Role) bool {
	if e.Aside != "" || e.Deadline != 0 || len(e.Pieces) != len(roles) {
		return false
	}
	for i, role := range roles {
		if e.Pieces[i].Role != role {
			return false
		}
	}
	return true
}
