package commands

import (
	"bytes"
	"cmp"
	"slices"

	"holdfast/expiry"
	"holdfast/hashes"
	"holdfast/kv"
	"holdfast/lists"
	"holdfast/resp"
	"holdfast/sets"
	"holdfast/zsets"
)

func sortCommands() []*Command {
	const options = "key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA]"
	elsewhere := KeySpec{Flags: RO | Access, Unknown: true}
	return []*Command{
		{
			Name: "sort", Group: Generic, Since: "1.0.0", Arity: -2, Flags: Write | DenyOOM | MovableKeys | WholeKeyspace,
			Categories: CatSet | CatSortedSet | CatList | CatDangerous,
			Keys:       []KeySpec{keyAt(1, RO|Access), elsewhere, {Flags: OW | Update, Unknown: true, Keyword: "STORE", From: 2, Step: 1, Optional: true}},
			Syntax:     options + " [STORE destination]",
			Summary:    "Sorts the elements of a list, a set or a sorted set.",
			Complexity: "O(n+m*log(m)) in the elements and those replied",
			Run:        sortCommand,
		},
		{
			Name: "sort_ro", Group: Generic, Since: "7.0.0", Arity: -2, Flags: ReadOnly | MovableKeys | WholeKeyspace,
			Categories: CatSet | CatSortedSet | CatList | CatDangerous,
			Keys:       []KeySpec{keyAt(1, RO|Access), elsewhere},
			Syntax:     options,
			Summary:    "SORT that cannot store.",
			Complexity: "O(n+m*log(m)) in the elements and those replied",
			Run:        sortROCommand,
		},
	}
}

// SORT key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC | DESC] [ALPHA] [STORE destination]
func sortCommand(c *Call) { c.sort(true) }

// SORT_RO key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC | DESC] [ALPHA]
func sortROCommand(c *Call) { c.sort(false) }

// sorting is what SORT was asked.
type sorting struct {
	by            []byte // nil: the elements themselves
	unsorted      bool   // by names no element
	get           [][]byte
	offset, count int64
	desc, alpha   bool
	store         []byte
}

// sorted is an element, and what it is sorted by.
type sorted struct {
	element []byte
	weight  []byte
	missing bool // there is no weight
	score   float64
}

func (c *Call) sort(stores bool) {
	s, ok := c.sortOptions(stores)
	if !ok {
		return
	}
	all, ok := c.sortElements(s)
	if !ok {
		return
	}
	if !s.unsorted && !c.weigh(s, all) {
		c.Reply.Error(resp.ErrSortNotDouble)
		return
	}
	if !s.unsorted {
		slices.SortStableFunc(all, s.compare)
	}
	n := int64(len(all))
	from := min(max(s.offset, 0), n)
	to := n
	if s.count >= 0 {
		to = from + min(s.count, n-from)
	}
	c.replySorted(s, all[from:to])
}

func (c *Call) sortOptions(stores bool) (s *sorting, ok bool) {
	s = &sorting{count: -1}
	for i := 2; i < len(c.Args); i++ {
		more := len(c.Args) - 1 - i
		switch {
		case c.is(i, "ASC"):
			s.desc = false
		case c.is(i, "DESC"):
			s.desc = true
		case c.is(i, "ALPHA"):
			s.alpha = true
		case c.is(i, "LIMIT") && more >= 2:
			if s.offset, ok = c.int(i + 1); !ok {
				return nil, false
			}
			if s.count, ok = c.int(i + 2); !ok {
				return nil, false
			}
			i += 2
		case stores && c.is(i, "STORE") && more >= 1:
			i++
			s.store = c.Args[i]
		case c.is(i, "BY") && more >= 1:
			i++
			s.by = c.Args[i]
			pattern := bytes.IndexByte(s.by, '*') >= 0
			s.unsorted = s.unsorted || !pattern // of several BY the last one counts, but one without a pattern stays
			if pattern && !c.readsEveryKey() {
				c.Reply.Error(resp.ErrSortBy)
				return nil, false
			}
		case c.is(i, "GET") && more >= 1:
			i++
			if !c.readsEveryKey() {
				c.Reply.Error(resp.ErrSortGet)
				return nil, false
			}
			s.get = append(s.get, c.Args[i])
		default:
			c.Reply.Error(resp.ErrSyntax)
			return nil, false
		}
	}
	return s, true
}

// sortElements are copies of the elements under the key: patterns may name keys whose lookup makes room.
func (c *Call) sortElements(s *sorting) (all []sorted, ok bool) {
	add := func(element []byte) { all = append(all, sorted{element: bytes.Clone(element)}) }
	e, found := c.DB.Get(c.Args[1])
	if !found {
		return nil, true
	}
	if e.Kind() == kv.String {
		c.Reply.Error(resp.ErrWrongType)
		return nil, false
	}
	switch v := e.Value().(type) {
	case *lists.List:
		for _, element := range v.All() {
			add(element)
		}
	case *sets.Set:
		for element := range v.All() {
			add(element)
		}
		if s.unsorted && s.store != nil { // so that the result does not depend on the order that a set happens to have
			s.unsorted, s.alpha, s.by = false, true, nil
		}
		return all, true
	case *zsets.Set:
		for element := range v.All() {
			add(element)
		}
	default:
		c.Reply.Error(resp.ErrWrongType)
		return nil, false
	}
	if s.unsorted && s.desc {
		slices.Reverse(all)
	}
	return all, true
}

// weigh finds what each element is sorted by; false where that is to be a number and is none.
func (c *Call) weigh(s *sorting, all []sorted) bool {
	fine := true
	for i := range all {
		x := &all[i]
		x.weight = x.element
		if s.by != nil {
			weight, found := c.byPattern(s.by, x.element)
			x.weight, x.missing = bytes.Clone(weight), !found
		}
		text := untilZero(x.weight)
		if s.alpha || x.missing || len(text) == 0 {
			continue
		}
		score, fits, ok := parseDouble(bytes.TrimLeft(text, " \t\n\v\f\r"))
		x.score = score
		fine = fine && ok && fits
	}
	return fine
}

// compare orders two elements. Where STORE does not ask for the bytes, a text ends at a zero byte, as in C.
func (s *sorting) compare(a, b sorted) (order int) {
	switch {
	case !s.alpha:
		order = cmp.Or(cmp.Compare(a.score, b.score), bytes.Compare(a.element, b.element))
	case a.missing || b.missing:
		order = flag(b.missing) - flag(a.missing)
	case s.store != nil:
		order = bytes.Compare(a.weight, b.weight)
	default:
		order = bytes.Compare(untilZero(a.weight), untilZero(b.weight))
	}
	if s.desc {
		return -order
	}
	return order
}

func untilZero(b []byte) []byte {
	before, _, _ := bytes.Cut(b, []byte{0})
	return before
}

// byPattern looks up what a pattern names for an element: # the element itself, x*y the string under the key with the
// element in place of the *, x*y->z the field z of a hash.
func (c *Call) byPattern(pattern, element []byte) (value []byte, found bool) {
	if string(pattern) == "#" {
		return element, true
	}
	star := bytes.IndexByte(pattern, '*')
	if star < 0 {
		return nil, false
	}
	name, field := pattern, []byte(nil)
	if arrow := bytes.Index(pattern[star+1:], []byte("->")); arrow >= 0 && star+1+arrow+2 < len(pattern) {
		name, field = pattern[:star+1+arrow], pattern[star+1+arrow+2:]
	}
	key := slices.Concat(name[:star], element, name[star+1:])
	c.Expire(c.Client.DB, key)
	e, there := c.DB.Get(key)
	switch {
	case !there:
		return nil, false
	case field == nil && e.Kind() == kv.String:
		return e.Text(), true
	case field != nil && e.Kind() == kv.Hash:
		return e.Value().(*hashes.Hash).Get(field)
	}
	return nil, false
}

// replySorted replies the elements, or what GET names for each, or stores that as a list.
func (c *Call) replySorted(s *sorting, all []sorted) {
	if s.get == nil {
		s.get = [][]byte{word("#")}
	}
	if s.store != nil {
		c.storeSorted(s, all)
		return
	}
	c.Reply.Array(len(all) * len(s.get))
	for i := range all {
		for _, pattern := range s.get {
			if value, found := c.byPattern(pattern, all[i].element); found {
				c.Reply.Bulk(value)
			} else {
				c.Reply.Null()
			}
		}
	}
}

func (c *Call) storeSorted(s *sorting, all []sorted) {
	l := lists.New()
	for i := range all {
		for _, pattern := range s.get {
			value, _ := c.byPattern(pattern, all[i].element)
			l.PushBack(value)
		}
	}
	n := l.Len()
	switch {
	case n > 0:
		c.DB.SetValue(s.store, kv.List, l, expiry.None)
		c.Changed(EventList, "sortstore", s.store)
		c.Changes += n - 1
	case c.DB.Delete(s.store):
		c.Changed(EventGeneric, "del", s.store)
	}
	c.Reply.Int(int64(n))
}
