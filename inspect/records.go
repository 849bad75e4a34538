package inspect

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"holdfast/aof"
	"holdfast/commands"
)

// RecordFilter selects records.
type RecordFilter struct {
	From, To uint64 // LSNs, both included; 0 for no bound
	Key      []byte // a key that one of the record's commands names; nil for any
	Command  string // the name of one of its commands, in either case; "" for any
	Limit    int64  // of records; 0 for none
}

// Record is a record of the log: what one command, transaction or script changed.
type Record struct {
	LSN      uint64    `json:"lsn"`
	Time     int64     `json:"time_unix_ms"`
	File     string    `json:"file"`
	Offset   int64     `json:"offset"`
	Bytes    int64     `json:"bytes"`
	Commands []Command `json:"commands"`
}

// Command is a command with its arguments, the name first.
type Command struct {
	DB   int     `json:"db"`
	Args []Bytes `json:"args"`
}

// WriteText writes the record, a line for each command. The lines of a record with several are held together by a
// bracket.
func (r Record) WriteText(w io.Writer) error {
	var text []byte
	for i, command := range r.Commands {
		text = fmt.Appendf(text, "%10d  %s  [%d]  %s", r.LSN, clock(r.Time), command.DB, bracket(i, len(r.Commands)))
		for j, arg := range command.Args {
			if j > 0 {
				text = append(text, ' ')
			}
			text = arg.appendQuoted(text)
		}
		text = append(text, '\n')
	}
	_, err := w.Write(text)
	return err
}

func bracket(i, n int) string {
	switch {
	case n == 1:
		return ""
	case i == 0:
		return "┌ "
	case i == n-1:
		return "└ "
	}
	return "│ "
}

// Records calls fn for the records that f selects, in order, as a start would read them. A record is shown whole or not
// at all. notes are what a reader of the log should know beside the records. After damage there is nothing to show: what
// came before it has been handed out. It is safe beside a running server.
func (d *Directory) Records(f RecordFilter, fn func(Record) error) (notes []string, err error) {
	infos, err := d.list()
	if err != nil || len(infos) == 0 {
		return nil, err
	}
	if d.staged() {
		notes = append(notes, stagedNote)
	}
	if first := infos[0].First; f.From < first {
		if f.From > 0 {
			notes = append(notes, fmt.Sprintf("the log begins at LSN %d; what came before is in the snapshot", first))
		}
		f.From = first
	}
	show := shower{RecordFilter: f, table: commands.NewTable(), left: f.Limit, fn: fn}
	found, err := aof.Scan(d.fs, d.logPath(), f.From, show.record)
	switch {
	case errors.Is(err, errEnough):
		return notes, nil
	case errors.As(err, new(*aof.DamageError)):
		return notes, fmt.Errorf("%w; what came before it was shown, and holdfast check --dir %s looks at the rest", err, d.path)
	case errors.Is(err, fs.ErrNotExist):
		return notes, fmt.Errorf("%w: a running server has removed the segment meanwhile; try again", err)
	case err == nil && found.CutBytes > 0:
		notes = append(notes, tornNote(found))
	}
	return notes, err
}

// tornNote tells of a torn tail, which is no damage.
func tornNote(found aof.Recovery) string {
	return fmt.Sprintf("%s ends at offset %d with %s of a torn record, which was never acknowledged: the next start cuts it, or a running server is just writing it",
		found.CutFile, found.CutOffset, count(found.CutBytes, "byte"))
}

// shower hands on the records that a filter selects.
type shower struct {
	RecordFilter
	table *commands.Table
	left  int64
	fn    func(Record) error
}

func (s *shower) record(at aof.Position, r aof.Record) error {
	if s.To != 0 && r.LSN > s.To {
		return errEnough
	}
	record := Record{LSN: r.LSN, Time: r.Time, File: at.File, Offset: at.Offset, Bytes: at.Bytes, Commands: []Command{}}
	wanted := s.Key == nil && s.Command == ""
	err := aof.Commands(r.Body, func(db int, args [][]byte) error {
		command := Command{DB: db, Args: make([]Bytes, len(args))}
		for i, arg := range args {
			command.Args[i] = arg
		}
		record.Commands = append(record.Commands, command)
		wanted = wanted || s.wants(args)
		return nil
	})
	if err != nil {
		return badRecord(at, r.LSN, err)
	}
	if !wanted {
		return nil
	}
	if err := s.fn(record); err != nil {
		return err
	}
	if s.left--; s.left == 0 {
		return errEnough
	}
	return nil
}

// badRecord is the damage of a record whose checksum is right and whose content makes no sense.
func badRecord(at aof.Position, lsn uint64, err error) error {
	return &aof.DamageError{Kind: aof.ErrCorrupt, Segment: at.File, Offset: at.Offset, LSN: lsn, Reason: err.Error()}
}

// wants reports whether a command has the name and the key that are asked for.
func (s *shower) wants(args [][]byte) bool {
	if s.Command != "" && !strings.EqualFold(s.Command, string(args[0])) {
		return false
	}
	return s.Key == nil || s.names(args)
}

// names reports whether the key that is asked for is one of the command's keys. Of a command that is not in the table
// any argument may be one.
func (s *shower) names(args [][]byte) (found bool) {
	command := s.table.Lookup(args[0])
	if command != nil && len(args) > 1 && command.Sub(args[1]) != nil {
		command = command.Sub(args[1])
	}
	if command != nil && command.EachKey(args, func(i int, _ commands.KeyFlags) { found = found || bytes.Equal(args[i], s.Key) }) {
		return found
	}
	for _, arg := range args[1:] {
		found = found || bytes.Equal(arg, s.Key)
	}
	return found
}
