package inspect

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"

	"holdfast/snapshot"
)

// Stats says what takes the room in a base.
type Stats struct {
	Types   []TypeStats `json:"types"` // by database, then by name
	Total   Tally       `json:"total"`
	Biggest []Key       `json:"biggest"` // the biggest first
}

// TypeStats counts the keys of one type in one database.
type TypeStats struct {
	DB   int    `json:"db"`
	Type string `json:"type"`
	Tally
}

// Tally counts keys and the bytes stored for them: keys and values, without pages and bookkeeping.
type Tally struct {
	Keys       int64 `json:"keys"`
	WithTTL    int64 `json:"with_ttl"`
	WithoutTTL int64 `json:"without_ttl"`
	Bytes      int64 `json:"bytes"`
}

func (t *Tally) add(k Key) {
	t.Keys++
	t.Bytes += k.Bytes
	if k.Deadline != 0 {
		t.WithTTL++
	} else {
		t.WithoutTTL++
	}
}

// Stats reads the whole base. biggest is how many of the biggest keys it is to name.
func (s *Snapshot) Stats(biggest int) (Stats, error) {
	stats := Stats{Types: []TypeStats{}, Biggest: []Key{}}
	tallies := map[TypeStats]*Tally{} // by database and type alone
	err := s.each(AllDatabases, func(k Key, _ snapshot.Record) error {
		of := TypeStats{DB: k.DB, Type: k.Type}
		if tallies[of] == nil {
			tallies[of] = &Tally{}
		}
		tallies[of].add(k)
		stats.Total.add(k)
		stats.rank(k, biggest)
		return nil
	})
	if err != nil {
		return Stats{}, err
	}
	for of, tally := range tallies {
		of.Tally = *tally
		stats.Types = append(stats.Types, of)
	}
	slices.SortFunc(stats.Types, func(a, b TypeStats) int {
		return cmp.Or(cmp.Compare(a.DB, b.DB), cmp.Compare(a.Type, b.Type))
	})
	return stats, nil
}

// rank puts a key where it belongs among the biggest. Of keys of one size those that come first stay.
func (s *Stats) rank(k Key, most int) {
	at, _ := slices.BinarySearchFunc(s.Biggest, k.Bytes, func(other Key, size int64) int {
		if other.Bytes >= size {
			return -1
		}
		return 1
	})
	if at >= most {
		return
	}
	k.Key = bytes.Clone(k.Key)
	s.Biggest = slices.Insert(s.Biggest, at, k)
	s.Biggest = s.Biggest[:min(most, len(s.Biggest))]
}

// WriteText writes the stats for people.
func (s Stats) WriteText(w io.Writer) error {
	t := newTable(w, "database", "type", "keys", "with TTL", "without TTL", "bytes")
	for _, row := range s.Types {
		t.row(row.DB, row.Type, row.Keys, row.WithTTL, row.WithoutTTL, row.Bytes)
	}
	t.row("all", "all", s.Total.Keys, s.Total.WithTTL, s.Total.WithoutTTL, s.Total.Bytes)
	if err := t.flush(); err != nil || len(s.Biggest) == 0 {
		return err
	}
	fmt.Fprintln(w, "\nbiggest keys")
	t = newTable(w, "bytes", "database", "type", "key")
	for _, k := range s.Biggest {
		t.row(k.Bytes, k.DB, k.Type, k.Key)
	}
	return t.flush()
}
