package inspect

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"holdfast/commands"
)

// Touch is a command of the log that changed a key, or may have.
type Touch struct {
	LSN     uint64  `json:"lsn"`
	Time    int64   `json:"time_unix_ms"`
	Place   int     `json:"place,omitempty"` // of the command in its record, from 1 on, where that has several
	Of      int     `json:"of,omitempty"`    // so many
	Why     string  `json:"why,omitempty"`   // what touched the key, where the command does not name it
	DB      int     `json:"db"`
	Args    []Bytes `json:"args"`
	Removed bool    `json:"removes,omitempty"` // the key is gone behind it
}

// WriteText writes the touch on a line, as a record is shown.
func (t Touch) WriteText(w io.Writer) error {
	mark := ""
	if t.Of > 1 {
		mark = fmt.Sprintf("(%d of %d) ", t.Place, t.Of)
	}
	line := Command{DB: t.DB, Args: t.Args}.appendLine(nil, t.LSN, t.Time, mark)
	if t.Why != "" {
		line = fmt.Appendf(line[:len(line)-1], "   ← %s\n", t.Why)
	}
	_, err := w.Write(line)
	return err
}

// Who calls fn for every command that touched a key of a database, in order: those that name it, and those that do not
// and change it all the same, as FLUSHALL does. The filter's Key, DB and Command do not count. A command that another
// database's key was copied or moved by is one that names the key.
func (d *Directory) Who(db int, key []byte, f RecordFilter, fn func(Touch) error) (notes []string, err error) {
	w := witness{db: db, key: key, table: commands.NewTable()}
	f.Key, f.DB, f.Command = nil, nil, ""
	left := f.Limit
	f.Limit = 0
	stop := false
	notes, err = d.Records(f, func(r Record) error {
		for i, command := range r.Commands {
			why, touched := w.touches(command)
			if !touched {
				continue
			}
			t := Touch{LSN: r.LSN, Time: r.Time, Why: why, DB: command.DB, Args: command.Args}
			if len(r.Commands) > 1 {
				t.Place, t.Of = i+1, len(r.Commands)
			}
			t.Removed = w.removes(command)
			if err := fn(t); err != nil {
				return err
			}
			if left--; left == 0 {
				stop = true
				return errEnough
			}
		}
		return nil
	})
	if stop {
		err = nil
	}
	return notes, err
}

// witness recognises what touches a key.
type witness struct {
	db    int
	key   []byte
	table *commands.Table
	args  [][]byte
}

// touches reports whether a command touches the key, and why where the reason is not in plain sight.
func (w *witness) touches(c Command) (why string, touched bool) {
	name := strings.ToUpper(string(c.Args[0]))
	here := c.DB == w.db
	switch name {
	case "FLUSHALL":
		return "every key of every database goes", true
	case "FLUSHDB":
		return fmt.Sprintf("every key of database %d goes", c.DB), here
	case "SWAPDB":
		if len(c.Args) == 3 && (w.isDB(c.Args[1]) || w.isDB(c.Args[2])) {
			return fmt.Sprintf("database %d becomes another", w.db), true
		}
		return "", false
	case "MOVE":
		if len(c.Args) == 3 && bytes.Equal(c.Args[1], w.key) && w.isDB(c.Args[2]) && !here {
			return fmt.Sprintf("it comes from database %d", c.DB), true
		}
	case "COPY":
		if to, given := w.copiedTo(c); given {
			switch {
			case to == w.db && !here && len(c.Args) > 2 && bytes.Equal(c.Args[2], w.key):
				return fmt.Sprintf("it comes from database %d", c.DB), true
			case to != w.db:
				return "", false // a copy leaves what it is of as it was
			}
		}
	}
	if !here {
		return "", false
	}
	w.args = w.args[:0]
	for _, arg := range c.Args {
		w.args = append(w.args, arg)
	}
	known := eachKey(w.table, w.args, func(key []byte) { touched = touched || bytes.Equal(key, w.key) })
	if touched && !known {
		why = "this version does not know the command; one of its arguments is the key"
	}
	return why, touched
}

func (w *witness) isDB(text []byte) bool {
	n, err := strconv.Atoi(string(text))
	return err == nil && n == w.db
}

// copiedTo is the database that COPY copies to, where it says one.
func (w *witness) copiedTo(c Command) (db int, given bool) {
	for i := 3; i+1 < len(c.Args); i++ {
		if bytes.EqualFold(c.Args[i], []byte("DB")) {
			n, err := strconv.Atoi(string(c.Args[i+1]))
			return n, err == nil
		}
	}
	return 0, false
}

// removes reports whether a command that touches the key is one that removes whole keys.
func (w *witness) removes(c Command) bool {
	switch strings.ToUpper(string(c.Args[0])) {
	case "DEL", "UNLINK", "FLUSHALL", "FLUSHDB":
		return true
	case "RENAME", "RENAMENX":
		return len(c.Args) == 3 && bytes.Equal(c.Args[1], w.key) && !bytes.Equal(c.Args[2], w.key)
	case "MOVE":
		return c.DB == w.db
	}
	return false
}
