package inspect

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"holdfast/glob"
	"holdfast/snapshot"
)

// AllDatabases selects every database.
const AllDatabases = -1

// KeyFilter selects keys.
type KeyFilter struct {
	Match []byte // a pattern as KEYS takes it; nil for all
	DB    int    // or AllDatabases
	Type  string // as TYPE replies it; "" for all
	Limit int64  // 0 for no limit
}

// Key is a key of the base with what is known of it without decoding its value.
type Key struct {
	DB       int    `json:"db"`
	Key      Bytes  `json:"key"`
	Type     string `json:"type"`
	Deadline int64  `json:"deadline_unix_ms,omitempty"` // 0: none
	Bytes    int64  `json:"bytes"`                      // stored, of key and value
	store    snapshot.Store
}

// WriteText writes the key on a line, behind the number of its database where that is wanted.
func (k Key) WriteText(w io.Writer, withDB bool) error {
	var line []byte
	if withDB {
		line = fmt.Appendf(line, "%d\t", k.DB)
	}
	_, err := w.Write(append(k.Key.appendQuoted(line), '\n'))
	return err
}

// errEnough ends an iteration that has shown what was asked for.
var errEnough = errors.New("enough")

// Keys calls fn for the keys that f selects: database by database, in the order of the base. A key whose deadline has
// passed since the snapshot is there all the same, as the file still holds it.
func (s *Snapshot) Keys(f KeyFilter, fn func(Key) error) error {
	if f.Type != "" && !slices.Contains(s.typeNames(), f.Type) {
		return fmt.Errorf("no type is called %q; there are: %s", f.Type, strings.Join(s.typeNames(), ", "))
	}
	left := f.Limit
	err := s.each(f.DB, func(k Key, _ snapshot.Record) error {
		if f.Match != nil && !glob.Match(f.Match, k.Key) || f.Type != "" && f.Type != k.Type {
			return nil
		}
		if err := fn(k); err != nil {
			return err
		}
		if left--; left == 0 {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// each calls fn for the keys of one database, or of all. Keys and records are good during the call.
func (s *Snapshot) each(only int, fn func(Key, snapshot.Record) error) error {
	for _, db := range s.dbs {
		if only != AllDatabases && only != db.Index {
			continue
		}
		err := s.base.Each(db.Store, nil, func(key []byte, r snapshot.Record) error {
			size, err := s.size(db.Store, key, r)
			if err != nil {
				return err
			}
			return fn(s.key(db, key, r, size), r)
		})
		if err != nil {
			return advise(err)
		}
	}
	return nil
}

func (s *Snapshot) key(db snapshot.DB, key []byte, r snapshot.Record, size int64) Key {
	return Key{store: db.Store, DB: db.Index, Key: key, Type: s.typeName(r.Kind), Deadline: r.Deadline, Bytes: size}
}

// size is what key and value take in the base, in bytes, without pages and bookkeeping.
func (s *Snapshot) size(store snapshot.Store, key []byte, r snapshot.Record) (int64, error) {
	n := int64(len(key) + len(r.Payload))
	if !r.Parted {
		return n, nil
	}
	err := s.base.EachPart(store, key, func(_ uint64, payload []byte) error {
		n += int64(len(payload))
		return nil
	})
	return n, err
}

// typeName is what TYPE would reply, or a makeshift for a kind that a newer version wrote.
func (s *Snapshot) typeName(kind byte) string {
	if int(kind) < len(s.types) && s.types[kind].Name != "" {
		return s.types[kind].Name
	}
	return fmt.Sprintf("kind %d", kind)
}

func (s *Snapshot) typeNames() (names []string) {
	for _, t := range s.types {
		if t.Name != "" {
			names = append(names, t.Name)
		}
	}
	return names
}
