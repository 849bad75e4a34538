package inspect

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"time"
)

// StatsOptions say what is to be counted.
type StatsOptions struct {
	Scope      Scope
	Biggest    int    // how many of the biggest keys to name
	Separators string // bytes of which each ends a prefix; "": no prefixes
	Depth      int    // how many separators a prefix has at most
	Top        int    // how many prefixes to name below each
	Now        int64  // unix ms, from which TTLs are counted
}

// Stats says what takes the room in a source.
type Stats struct {
	Source    string          `json:"source"`
	Now       int64           `json:"now_unix_ms"` // from which TTLs are counted
	Types     []TypeStats     `json:"types"`       // by database, then by name
	Encodings []EncodingStats `json:"encodings"`   // by type, then by name
	Within    []WithinStats   `json:"within"`      // what else there is in values
	Total     Tally           `json:"total"`
	Sizes     []SizeStats     `json:"sizes"`  // of keys with their values, by their size
	Due       []DueStats      `json:"due"`    // by when what expires
	Lapses    int64           `json:"lapses"` // keys in which something expires by itself before the key does
	Biggest   []Key           `json:"biggest"`
	Prefixes  *Prefix         `json:"prefixes,omitempty"`
}

// Tally counts keys and the bytes stored for them: keys and values, without pages and bookkeeping.
type Tally struct {
	Keys       int64 `json:"keys"`
	WithTTL    int64 `json:"with_ttl"`
	WithoutTTL int64 `json:"without_ttl"`
	Elements   int64 `json:"elements"`
	Bytes      int64 `json:"bytes"`
}

func (t *Tally) add(e *Entry) {
	t.Keys++
	t.Bytes += e.Bytes
	t.Elements += e.Elements
	if e.Deadline != 0 {
		t.WithTTL++
	} else {
		t.WithoutTTL++
	}
}

// TypeStats counts the keys of one type in one database.
type TypeStats struct {
	DB   int    `json:"db"`
	Type string `json:"type"`
	Tally
}

// EncodingStats counts the keys of one type and encoding.
type EncodingStats struct {
	Type     string `json:"type"`
	Encoding string `json:"encoding"`
	Tally
}

// WithinStats counts what is within values of a type: fields with deadlines of their own, groups of streams.
type WithinStats struct {
	Type string `json:"type"`
	What string `json:"what"`
	Keys int64  `json:"keys"` // that have any
	N    int64  `json:"count"`
}

// SizeStats counts the keys up to a size, and above the one before it.
type SizeStats struct {
	UpTo  int64 `json:"up_to_bytes"` // 0: no limit
	Keys  int64 `json:"keys"`
	Bytes int64 `json:"bytes"`
}

// DueStats counts the keys whose deadlines come up to a time from now, and after the one before it.
type DueStats struct {
	Within int64 `json:"within_ms"` // from Now; 0: those due already, -1: later than all others
	Keys   int64 `json:"keys"`
	Bytes  int64 `json:"bytes"`
}

// sizeSteps are the sizes at which the histogram has its bounds, the last without one.
func sizeSteps() []int64 {
	return []int64{64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 16 << 20, 256 << 20, 0}
}

// dueSteps are the times from now.
func dueSteps() []int64 {
	const minute, hour, day = int64(time.Minute / time.Millisecond), int64(time.Hour / time.Millisecond), 24 * int64(time.Hour/time.Millisecond)
	return []int64{0, minute, 10 * minute, hour, 6 * hour, day, 7 * day, 30 * day, 365 * day, -1}
}

// counting is a Stats under way.
type counting struct {
	Stats
	options   StatsOptions
	types     map[TypeStats]*Tally // by what is not the tally
	encodings map[EncodingStats]*Tally
	within    map[WithinStats]*WithinStats
	tree      *prefixTree
	last      struct { // of the entry before, which saves looking most of them up
		db             int
		typ, encoding  string
		tally, encoded *Tally
	}
}

// NewStats reads a source.
func NewStats(s Source, o StatsOptions) (Stats, error) {
	about := s.About()
	c := counting{
		options: o, types: map[TypeStats]*Tally{}, encodings: map[EncodingStats]*Tally{}, within: map[WithinStats]*WithinStats{},
		Stats: Stats{Source: about.Name, Now: o.Now, Biggest: []Key{}},
	}
	for _, step := range sizeSteps() {
		c.Sizes = append(c.Sizes, SizeStats{UpTo: step})
	}
	for _, step := range dueSteps() {
		c.Due = append(c.Due, DueStats{Within: step})
	}
	if o.Separators != "" {
		c.tree = newPrefixTree(o.Separators, o.Depth, about.Sorted)
	}
	if err := s.Each(o.Scope, c.take); err != nil {
		return Stats{}, err
	}
	c.conclude()
	return c.Stats, nil
}

// take counts an entry.
func (c *counting) take(e *Entry) error {
	l := &c.last
	if l.tally == nil || l.db != e.DB || l.typ != e.Type || l.encoding != e.Encoding {
		l.db, l.typ, l.encoding = e.DB, e.Type, e.Encoding
		l.tally = tallyOf(c.types, TypeStats{DB: e.DB, Type: e.Type})
		l.encoded = tallyOf(c.encodings, EncodingStats{Type: e.Type, Encoding: e.Encoding})
	}
	l.tally.add(e)
	l.encoded.add(e)
	c.Total.add(e)
	for _, count := range e.More {
		of := WithinStats{Type: e.Type, What: count.What}
		if c.within[of] == nil {
			w := of
			c.within[of] = &w
		}
		c.within[of].Keys++
		c.within[of].N += count.N
	}
	for i := range c.Sizes {
		if s := &c.Sizes[i]; s.UpTo == 0 || e.Bytes <= s.UpTo {
			s.Keys++
			s.Bytes += e.Bytes
			break
		}
	}
	if e.Deadline != 0 {
		c.due(e)
	}
	if e.Lapse != 0 && (e.Deadline == 0 || e.Lapse < e.Deadline) {
		c.Lapses++
	}
	c.rank(e, c.options.Biggest)
	if c.tree != nil {
		c.tree.add(e.Key, e.Bytes)
	}
	return nil
}

func tallyOf[K comparable](tallies map[K]*Tally, of K) *Tally {
	if tallies[of] == nil {
		tallies[of] = &Tally{}
	}
	return tallies[of]
}

func (c *counting) due(e *Entry) {
	for i := range c.Due {
		if d := &c.Due[i]; d.Within < 0 || e.Deadline-c.Now <= d.Within {
			d.Keys++
			d.Bytes += e.Bytes
			return
		}
	}
}

// conclude puts the tallies in order.
func (c *counting) conclude() {
	c.Types, c.Encodings, c.Within = []TypeStats{}, []EncodingStats{}, []WithinStats{}
	for of, tally := range c.types {
		of.Tally = *tally
		c.Types = append(c.Types, of)
	}
	slices.SortFunc(c.Types, func(a, b TypeStats) int { return cmp.Or(cmp.Compare(a.DB, b.DB), strings.Compare(a.Type, b.Type)) })
	for of, tally := range c.encodings {
		of.Tally = *tally
		c.Encodings = append(c.Encodings, of)
	}
	slices.SortFunc(c.Encodings, func(a, b EncodingStats) int {
		return cmp.Or(strings.Compare(a.Type, b.Type), strings.Compare(a.Encoding, b.Encoding))
	})
	for _, w := range c.within {
		c.Within = append(c.Within, *w)
	}
	slices.SortFunc(c.Within, func(a, b WithinStats) int {
		return cmp.Or(strings.Compare(a.Type, b.Type), strings.Compare(a.What, b.What))
	})
	if c.tree != nil {
		top := c.tree.top(c.options.Top)
		c.Prefixes = &top
	}
}

// rank puts a key where it belongs among the biggest. Of keys of one size those that come first stay.
func (s *Stats) rank(e *Entry, most int) {
	if n := len(s.Biggest); n == most && (n == 0 || s.Biggest[n-1].Bytes >= e.Bytes) {
		return
	}
	at, _ := slices.BinarySearchFunc(s.Biggest, e.Bytes, func(other Key, size int64) int {
		if other.Bytes >= size {
			return -1
		}
		return 1
	})
	k := keyOf(e)
	k.Key = bytes.Clone(k.Key)
	s.Biggest = slices.Insert(s.Biggest, at, k)
	s.Biggest = s.Biggest[:min(most, len(s.Biggest))]
}
