// Package sets is the set value: byte strings, each at most once. It knows no protocol, no keys and no files.
//
// A set has one of three forms:
//
//	integers   sorted, 2, 4 or 8 bytes each        while all members are integers and there are not too many (ints.go)
//	small      member · member · …                 a packed.Run of up to 64 members of up to 64 bytes
//	large      a dict.Dict without values          see package dict
//
// It goes from one form to the next, and never back, as a set in Redis does; so Encoding tells what Redis would. The
// small form is not known to Redis 7.0, which calls it a hashtable too.
//
// Costs. A set of one short member takes 64 bytes; each member of a small or large one takes 1 to 8 bytes more than its
// own. Has looks through a small set, 6 ns a member; at 64 members the dict's fixed part counts no longer.
//
// Slices handed out, by All, Scan and Random, are good until the next change to the set and must not be written to.
// A Set is not safe for concurrent use.
package sets

import (
	"iter"
	"math/rand/v2"
	"unsafe"

	"holdfast/dict"
	"holdfast/packed"
)

const (
	// smallMembers and smallBytes bound the members of a small set, and the length of each.
	smallMembers = 64
	smallBytes   = 64
)

// Set is a set of byte strings. Make one with New.
type Set struct {
	large *dict.Dict // nil in the other forms
	small packed.Run // of members, or of integers as ints takes it
	n     int        // members, unless large
	width uint8      // bytes of an integer; 0: the set is small
}

const setSize = int64(unsafe.Sizeof(Set{}))

// Rules are what the forms of a set depend on from outside.
type Rules struct {
	// MaxIntegers is how many members a set of integers has at most.
	MaxIntegers int64
	// Seed makes the seed of a set that becomes large.
	Seed func() dict.Seed
}

// New returns an empty set.
func New() *Set { return &Set{width: narrowest} }

// Len returns the number of members.
func (s *Set) Len() int {
	if s.large != nil {
		return s.large.Len()
	}
	return s.n
}

// Bytes returns the memory that the set holds: members, free room and bookkeeping.
func (s *Set) Bytes() int64 {
	if s.large != nil {
		return setSize + s.large.Bytes()
	}
	return setSize + int64(cap(s.small))
}

// Encoding is what OBJECT ENCODING calls the set.
func (s *Set) Encoding() string {
	if s.integers() {
		return "intset"
	}
	return "hashtable"
}

func (s *Set) integers() bool { return s.width > 0 }

// Add adds a copy of a member, which must not be part of the set, and reports whether it is new.
func (s *Set) Add(member []byte, r Rules) (added bool) {
	if s.integers() {
		if v, ok := parse(member); ok {
			added = s.addInt(v)
			if added && int64(s.n) > r.MaxIntegers {
				s.leaveIntegers(r)
			}
			return added
		}
		s.leaveIntegers(r)
	}
	if s.large == nil {
		if _, there := s.small.Find(member, 1); there {
			return false
		}
		if s.n < smallMembers && len(member) <= smallBytes {
			s.small = s.small.Append(member)
			s.n++
			return true
		}
		s.enlarge(r)
	}
	return s.large.Set(member, nil)
}

// leaveIntegers makes a set of integers small, or large.
func (s *Set) leaveIntegers(r Rules) {
	old := *s
	*s = Set{}
	if old.n > smallMembers {
		s.large = dict.New(r.Seed())
	}
	var digits [maxDigits]byte
	for i := range old.n {
		s.Add(old.int(i).append(digits[:0]), r)
	}
}

// enlarge makes a small set large.
func (s *Set) enlarge(r Rules) {
	old := s.small
	*s = Set{large: dict.New(r.Seed())}
	for _, member := range old.All() {
		s.large.Set(member, nil)
	}
}

// Renew makes a set of integers of one that holds nothing else and is small enough, as if it were made anew of its
// members: it knows of no parts in the store, and is not Parted. Any other stays as it is, with what it knows of them.
func (s *Set) Renew(r Rules) {
	if s.integers() || int64(s.Len()) > r.MaxIntegers {
		return
	}
	renewed := New()
	for member := range s.All() {
		v, ok := parse(member)
		if !ok {
			return
		}
		renewed.addInt(v)
	}
	*s = *renewed
}

// Remove removes a member, and reports whether it was there. It may be what All, Scan or Random handed out.
func (s *Set) Remove(member []byte) bool {
	switch {
	case s.large != nil:
		return s.large.Delete(member)
	case s.integers():
		v, ok := parse(member)
		return ok && s.removeInt(v)
	}
	off, there := s.small.Find(member, 1)
	if there {
		s.small = s.small.Delete(off, 1)
		s.n--
	}
	return there
}

// Has reports whether b is a member.
func (s *Set) Has(b []byte) bool {
	switch {
	case s.large != nil:
		_, there := s.large.Get(b)
		return there
	case s.integers():
		v, ok := parse(b)
		if !ok {
			return false
		}
		_, there := s.find(v)
		return there
	}
	_, there := s.small.Find(b, 1)
	return there
}

// All yields the members: integers rising, others in no order. The loop must not change the set.
func (s *Set) All() iter.Seq[[]byte] {
	switch {
	case s.large != nil:
		return func(yield func([]byte) bool) {
			for member := range s.large.All() {
				if !yield(member) {
					return
				}
			}
		}
	case s.integers():
		return s.allInts
	}
	return func(yield func([]byte) bool) {
		for _, member := range s.small.All() {
			if !yield(member) {
				return
			}
		}
	}
}

// Pieces yields each member alone, as a digest takes it.
func (s *Set) Pieces() iter.Seq[[][]byte] {
	return func(yield func([][]byte) bool) {
		var one [1][]byte
		for member := range s.All() {
			if one[0] = member; !yield(one[:]) {
				return
			}
		}
	}
}

// Scan calls fn for some members, or none, and returns the cursor to go on with, 0 at the end; 0 is also where to
// begin. Members that are there all the while are seen. A set that is not large is seen at once, from any cursor. fn must
// not change the set.
func (s *Set) Scan(cursor uint64, fn func(member []byte)) (next uint64) {
	if s.large != nil {
		return s.large.Scan(cursor, func(member, _ []byte) { fn(member) })
	}
	for member := range s.All() {
		fn(member)
	}
	return 0
}

// Random returns a member, each as likely as any other. The set must not be empty.
func (s *Set) Random(rng *rand.Rand) []byte {
	switch {
	case s.large != nil:
		member, _ := s.large.Random(rng)
		return member
	case s.integers():
		return s.int(rng.IntN(s.n)).append(nil)
	}
	member, _ := s.small.At(s.small.Skip(0, rng.IntN(s.n)))
	return member
}

// Pop removes a member, each as likely as any other, and appends it to dst. The set must not be empty.
func (s *Set) Pop(rng *rand.Rand, dst []byte) []byte {
	if s.large != nil {
		return s.large.Pop(rng, dst)
	}
	i := rng.IntN(s.n)
	if s.integers() {
		v := s.int(i)
		s.removeIntAt(i)
		return v.append(dst)
	}
	off := s.small.Skip(0, i)
	member, _ := s.small.At(off)
	dst = append(dst, member...)
	s.small = s.small.Delete(off, 1)
	s.n--
	return dst
}

// Clone returns a copy that shares nothing with s and has no stored parts.
func (s *Set) Clone() *Set {
	c := *s
	if s.large != nil {
		c.large = s.large.Clone()
	} else {
		c.small = s.small.Clone()
	}
	return &c
}
