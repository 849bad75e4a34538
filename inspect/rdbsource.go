package inspect

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"holdfast/commands"
	"holdfast/internal/vfs"
	"holdfast/kv"
	"holdfast/outline"
	"holdfast/rdb"
)

// OpenRDB opens a file that a Redis wrote as a source. Keys come in the order of the file.
func OpenRDB(fsys vfs.FS, path string) (*RDBSource, error) {
	info, err := fsys.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: there is no file %s", ErrNothing, path)
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%w: %s is a directory and no RDB file; a data directory is named with --dir", ErrNothing, path)
	}
	if err := CheckFile(fsys, path); err != nil {
		return nil, err
	}
	file, err := fsys.OpenRead(path)
	if err != nil {
		return nil, err
	}
	s := &RDBSource{fs: fsys, path: path, file: file, size: info.Size(), types: commands.Types()}
	if _, err := s.begin(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return s, nil
}

// typeModule is the type of a value that only a module can read.
const typeModule = "module"

// RDBSource is an RDB file as a source.
type RDBSource struct {
	fs    vfs.FS
	path  string
	file  vfs.File
	size  int64
	types *kv.Types
	read  *rdb.File // that EachFile read last
	time  int64
	end   int64        // behind the file's end mark, once that has been met
	ended func() error // that EachFile was given last
	tail  bool         // something else may follow, as in an AOF

	// Progress, if any, is told how far Find has come.
	Progress func(done, total int64)
	// Functions is how many libraries of functions were met.
	Functions int
}

// AllowTail lets something else follow behind the data: an AOF may begin with an RDB file.
func (s *RDBSource) AllowTail() { s.tail = true }

// Tail is where that begins, once the data has been read; 0: nothing follows.
func (s *RDBSource) Tail() int64 {
	if s.end == s.size {
		return 0
	}
	return s.end
}

// begin opens the file anew.
func (s *RDBSource) begin() (*rdb.File, error) {
	f, err := rdb.Open(s.file, s.size)
	return f, s.blame(err)
}

// blame tells which file an error is about.
func (s *RDBSource) blame(err error) error {
	advice := ""
	switch {
	case err == nil:
		return nil
	case errors.Is(err, rdb.ErrNotRDB):
		advice = "; holdfast's own files are named with --file, and data directories with --dir"
	case errors.Is(err, rdb.ErrVersion):
		advice = "; use a newer holdfast, or a file that an older server wrote"
	case errors.Is(err, rdb.ErrCorrupt), errors.Is(err, rdb.ErrChecksum):
		advice = "; bring the file back from a copy"
	}
	return fmt.Errorf("%s: %w%s", s.path, err, advice)
}

// About says what the file is: how many keys it has is not known before it is read.
func (s *RDBSource) About() About {
	return About{Name: s.path, Kind: "RDB file", Time: s.time, Keys: -1}
}

// Close closes the file.
func (s *RDBSource) Close() error { return s.file.Close() }

// Each reads the file from its beginning. What it gives before it returns an error is sound in itself; whether the file has all
// that was written is known only at its end, where its checksum is.
func (s *RDBSource) Each(scope Scope, fn func(*Entry) error) error {
	return s.EachFile(scope, func(e *Entry, _ *rdb.File) error { return fn(e) })
}

// EachFile is Each with the file, of which the entry's key is the current one.
func (s *RDBSource) EachFile(scope Scope, fn func(*Entry, *rdb.File) error) error {
	const often = 1 << 10
	f, err := s.begin()
	if err != nil {
		return err
	}
	f.EndBy(scope.Ended)
	s.read, s.ended = f, scope.Ended
	value := rdbValue{s, f}
	e := Entry{Value: &value}
	for n := 1; ; n++ {
		k, err := f.Next()
		if err != nil {
			return s.blame(err)
		}
		if n%often == 0 && scope.Progress != nil {
			scope.Progress(f.Offset(), s.size)
		}
		if n%often == 0 && scope.Ended != nil {
			if err := scope.Ended(); err != nil {
				return err
			}
		}
		if k == nil {
			break
		}
		if scope.DB != AllDatabases && scope.DB != k.DB || !bytes.HasPrefix(k.Name, scope.Prefix) {
			continue
		}
		s.fill(&e, k)
		if err := fn(&e, f); err != nil {
			return err
		}
	}
	s.end, s.Functions = f.Offset(), f.Functions
	if seconds, err := strconv.ParseInt(f.Aux["ctime"], 10, 64); err == nil {
		s.time = seconds * 1000
	}
	if s.end != s.size && !s.tail {
		return s.blame(&rdb.DamageError{Kind: rdb.ErrCorrupt, Offset: s.end, Reason: "something follows behind the end of the data"})
	}
	if scope.Progress != nil {
		scope.Progress(s.size, s.size)
	}
	return nil
}

// fill makes the entry that of the file's current key.
func (s *RDBSource) fill(e *Entry, k *rdb.Key) {
	*e = Entry{
		DB: k.DB, Key: k.Name, Kind: k.Kind, Type: typeModule, Deadline: k.Deadline, Lapse: k.Lapse, Bytes: k.Bytes,
		Summary: k.Summary, Value: e.Value,
	}
	if !k.Module {
		e.Type = s.types[k.Kind].Name
	}
}

// Find reads the file as far as the key.
func (s *RDBSource) Find(db int, key []byte, fn func(*Entry) error) error {
	err := s.Each(Scope{DB: db, Prefix: key, Progress: s.Progress}, func(e *Entry) error {
		if !bytes.Equal(e.Key, key) {
			return nil
		}
		if err := fn(e); err != nil {
			return err
		}
		return errEnough
	})
	switch {
	case errors.Is(err, errEnough):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("%w: %s is not in database %d of %s", ErrNoKey, Bytes(key), db, s.path)
}

// rdbValue is the value of the file's current key.
type rdbValue struct {
	source *RDBSource
	file   *rdb.File
}

func (v *rdbValue) Walk(visit outline.Visitor) error {
	var own error
	err := v.file.Walk(func(e outline.Element) error {
		own = visit(e)
		return own
	})
	if own != nil {
		return own
	}
	return v.source.blame(err)
}
