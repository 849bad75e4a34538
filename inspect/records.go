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
	"holdfast/internal/plural"
)

// RecordFilter selects records.
type RecordFilter struct {
	From, To     uint64 // LSNs, both included; 0 for no bound
	Since, Until int64  // unix ms, both included; 0 for no bound
	DB           *int   // a database that one of the record's commands ran in; nil for any
	Key          []byte // a key that one of the record's commands names; nil for any
	Command      string // the name of one of its commands, in either case; "" for any
	Limit        int64  // of records; 0 for none
	// Progress, if any, is told how much of the log has been read, in bytes.
	Progress Progress
	// Ended, if any, is asked at each record whether to go on. Its error ends the reading.
	Ended func() error
}

// selects reports whether the filter leaves anything out.
func (f RecordFilter) selects() bool {
	return f.From > 0 || f.To > 0 || f.Since != 0 || f.Until != 0 || f.DB != nil || f.Key != nil || f.Command != ""
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

// RecordsTitle is the line above records that are written for people.
const RecordsTitle = "LSN         time                      db   command\n"

// WriteText writes the record, a line for each command. The lines of a record with several are held together by a
// bracket.
func (r Record) WriteText(w io.Writer) error {
	var text []byte
	for i, command := range r.Commands {
		text = command.appendLine(text, r.LSN, r.Time, bracket(i, len(r.Commands)))
	}
	_, err := w.Write(text)
	return err
}

// appendLine appends a command as it stands in a list of records.
func (c Command) appendLine(text []byte, lsn uint64, ms int64, mark string) []byte {
	text = fmt.Appendf(text, "%-10d  %s  %-3d  %s", lsn, clock(ms), c.DB, mark)
	for i, arg := range c.Args {
		if i > 0 {
			text = append(text, ' ')
		}
		text = arg.appendWord(text)
	}
	return append(text, '\n')
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
	found, err := aof.Scan(d.fs, d.logPath(), f.From, told(f.Progress, infos, f.From, show.record))
	switch {
	case errors.Is(err, errEnough):
		return notes, nil
	case errors.Is(err, aof.ErrNewer):
		return notes, fmt.Errorf("%w; %s", err, newerAdvice)
	case errors.As(err, new(*aof.DamageError)):
		return notes, fmt.Errorf("%w; what is behind it was not read: holdfast check --dir %s looks at all of it", err, d.path)
	case errors.Is(err, fs.ErrNotExist):
		return notes, fmt.Errorf("%w: a running server has removed the segment meanwhile; try again", err)
	case err == nil && found.CutBytes > 0:
		notes = append(notes, tornNote(found))
	}
	return notes, err
}

// told is fn where progress, if any, hears how many bytes of the log have been read.
func told(progress Progress, infos []aof.SegmentInfo, from uint64, fn func(aof.Position, aof.Record) error) func(aof.Position, aof.Record) error {
	if progress == nil {
		return fn
	}
	var total int64
	before := map[string]int64{} // what is read before a segment
	for _, info := range infos {
		if info.Last >= from {
			before[info.File] = total
			total += max(info.Bytes, info.Used)
		}
	}
	return func(at aof.Position, r aof.Record) error {
		if r.LSN&0xff == 0 {
			progress("reading the log", before[at.File]+at.Offset, total)
		}
		return fn(at, r)
	}
}

// tornNote tells of a torn tail, which is no damage.
func tornNote(found aof.Recovery) string {
	return fmt.Sprintf("%s ends at offset %d with %s of a torn record, which was never acknowledged: the next start cuts it, or a running server is just writing it",
		found.CutFile, found.CutOffset, plural.Count(found.CutBytes, "byte"))
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
	if s.Ended != nil {
		if err := s.Ended(); err != nil {
			return err
		}
	}
	if s.Since != 0 && r.Time < s.Since || s.Until != 0 && r.Time > s.Until {
		return nil // the clock may have gone back, so that later records may be earlier
	}
	record := Record{LSN: r.LSN, Time: r.Time, File: at.File, Offset: at.Offset, Bytes: at.Bytes, Commands: []Command{}}
	wanted := s.Key == nil && s.Command == "" && s.DB == nil
	err := aof.Commands(r.Body, func(db int, args [][]byte) error {
		command := Command{DB: db, Args: make([]Bytes, len(args))}
		for i, arg := range args {
			command.Args[i] = arg
		}
		record.Commands = append(record.Commands, command)
		wanted = wanted || s.wants(db, args)
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

// wants reports whether a command has the name, the database and the key that are asked for.
func (s *shower) wants(db int, args [][]byte) bool {
	if s.Command != "" && !strings.EqualFold(s.Command, string(args[0])) || s.DB != nil && *s.DB != db {
		return false
	}
	if s.Key == nil {
		return true
	}
	found := false
	eachKey(s.table, args, func(key []byte) { found = found || bytes.Equal(key, s.Key) })
	return found
}

// eachKey calls fn for the keys that a command names. Of a command that is not in the table any argument may be one; then
// it returns false.
func eachKey(table *commands.Table, args [][]byte, fn func(key []byte)) (known bool) {
	command := table.Lookup(args[0])
	if command != nil && len(args) > 1 && command.Sub(args[1]) != nil {
		command = command.Sub(args[1])
	}
	var places [8]int
	keys := places[:0]
	if command != nil && command.EachKey(args, func(i int, _ commands.KeyFlags) { keys = append(keys, i) }) {
		for _, i := range keys {
			fn(args[i])
		}
		return true
	}
	for _, arg := range args[1:] {
		fn(arg)
	}
	return false
}
