package inspect

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"holdfast/commands"
	"holdfast/glob"
)

// AllDatabases selects every database.
const AllDatabases = -1

// KeyFilter selects keys.
type KeyFilter struct {
	DB       int    // or AllDatabases
	Prefix   []byte // which a base finds without reading other keys
	Match    []byte // a pattern as KEYS takes it; nil for all
	Type     string // as TYPE replies it; "" for all
	BytesMin int64
	BytesMax int64 // 0 for no bound
	// Deadlines from and to, unix ms, both included; 0 for no bound. With either, keys without a deadline are left out.
	DueFrom, DueTo int64
	NoTTL          bool  // only keys without a deadline
	Limit          int64 // 0 for no limit
	// Progress, if any, is told how far the reading is.
	Progress func(done, total int64)
	// Ended, if any, is asked now and then whether to go on. Its error ends the reading.
	Ended func() error
}

// selects tells whether an entry is one of those wanted.
func (f *KeyFilter) selects(e *Entry) bool {
	switch {
	case f.Type != "" && f.Type != e.Type,
		f.Match != nil && !glob.Match(f.Match, e.Key),
		e.Bytes < f.BytesMin || f.BytesMax > 0 && e.Bytes > f.BytesMax,
		f.NoTTL && e.Deadline != 0:
		return false
	case f.DueFrom == 0 && f.DueTo == 0:
		return true
	}
	to := f.DueTo
	if to == 0 {
		to = math.MaxInt64
	}
	return e.Deadline != 0 && f.DueFrom <= e.Deadline && e.Deadline <= to
}

// Key is a key of a source, with what is known of it without reading its value.
type Key struct {
	DB       int    `json:"db"`
	Key      Bytes  `json:"key"`
	Type     string `json:"type"`
	Encoding string `json:"encoding,omitempty"`
	Elements int64  `json:"elements"`
	Deadline int64  `json:"deadline_unix_ms,omitempty"` // 0: none
	Bytes    int64  `json:"bytes"`                      // stored, of key and value
}

// keyOf is an entry without its value. The key is good as long as the entry is.
func keyOf(e *Entry) Key {
	return Key{DB: e.DB, Key: e.Key, Type: e.Type, Encoding: e.Encoding, Elements: e.Elements, Deadline: e.Deadline, Bytes: e.Bytes}
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

// longLayout is that of the lines with everything, whose number is not known before the last.
const longLayout = "%-3v  %-7v  %-10v  %10v  %12v  %-24v  "

// WriteLongTitles writes the titles of the columns of WriteLong.
func WriteLongTitles(w io.Writer) error {
	_, err := fmt.Fprintf(w, longLayout+"key\n", "db", "type", "encoding", "elements", "bytes", "expires")
	return err
}

// WriteLong writes the key on a line with everything that is known of it.
func (k Key) WriteLong(w io.Writer) error {
	line := fmt.Appendf(nil, longLayout, k.DB, k.Type, k.Encoding, k.Elements, k.Bytes, until(k.Deadline))
	_, err := w.Write(append(k.Key.appendQuoted(line), '\n'))
	return err
}

// until shows a deadline.
func until(deadline int64) string {
	if deadline == 0 {
		return "-"
	}
	return clock(deadline)
}

// errEnough ends an iteration that has shown what was asked for.
var errEnough = errors.New("enough")

// Keys calls fn for the keys that f selects: database by database, in the order of the source. A key whose deadline has
// passed since is there all the same, as the source still holds it.
func Keys(s Source, f KeyFilter, fn func(Key) error) error {
	if err := CheckType(f.Type); err != nil {
		return err
	}
	left := f.Limit
	err := s.Each(Scope{DB: f.DB, Prefix: f.Prefix, Progress: f.Progress, Ended: f.Ended}, func(e *Entry) error {
		if !f.selects(e) {
			return nil
		}
		if err := fn(keyOf(e)); err != nil {
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

// CheckType refuses a name that no type has; "" is every type.
func CheckType(name string) error {
	var names []string
	for _, t := range commands.Types() {
		if t.Name != "" {
			names = append(names, t.Name)
		}
	}
	if name == "" || slices.Contains(names, name) {
		return nil
	}
	return fmt.Errorf("no type is called %q; there are: %s", name, strings.Join(names, ", "))
}
