package intake

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"holdfast/commands"
	"holdfast/engine"
	"holdfast/inspect"
	"holdfast/internal/plural"
	"holdfast/internal/vfs"
	"holdfast/kv"
	"holdfast/rdb"
	"holdfast/snapshot"
)

// Input is what is to be taken in. It can be read several times.
type Input struct {
	Name string
	Kind string // in words; what an AOF begins with is called an RDB file until it has been read to its end

	fs    vfs.FS
	types *kv.Types
	keys  *inspect.RDBSource // to begin with; nil
	aof   []part             // files of commands, in order
	json  bool               // Name is JSON lines
	done  done               // of it
	taken []run              // values that the first of those begins with, and that are done
	rest  int64              // where the commands begin behind the keys in one file; 0: there are none
}

// part is a file of an AOF.
type part struct {
	path string
	from int64
}

// Open looks what a path is: ErrUnknown where it is nothing that is known, and inspect.ErrNothing where there is nothing.
func Open(fsys vfs.FS, path string) (*Input, error) {
	info, err := fsys.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: there is no file %s", inspect.ErrNothing, path)
	case err != nil:
		return nil, err
	case info.IsDir():
		return openDirectory(fsys, path)
	case strings.HasSuffix(path, manifestSuffix):
		return openManifest(fsys, path)
	}
	in := newInput(fsys, path)
	head, err := beginning(fsys, path)
	switch {
	case err != nil:
		return nil, err
	case bytes.HasPrefix(head, []byte("REDIS")):
		return in, in.openKeys(path)
	case bytes.HasPrefix(head, []byte("*")), bytes.HasPrefix(head, []byte("#TS:")):
		in.Kind, in.aof = "AOF", []part{{path: path}}
		return in, nil
	case bytes.HasPrefix(bytes.TrimLeft(head, " \t\r\n"), []byte("{")):
		in.Kind, in.json = "JSON lines", true
		return in, nil
	case len(head) == 0:
		return nil, fmt.Errorf("%w: %s is empty", ErrUnknown, path)
	}
	if isSnapshot(fsys, path) {
		return nil, fmt.Errorf("%w: %s is a snapshot of holdfast's own; make a data directory of it with: holdfast restore --file %s --to DIRECTORY, "+
			"or JSON lines to import with: holdfast snapshot export --file %s", ErrUnknown, path, path, path)
	}
	return nil, fmt.Errorf("%w: %s begins with %.16q", ErrUnknown, path, head)
}

// isSnapshot reports whether a file is a base, sound or not.
func isSnapshot(fsys vfs.FS, path string) bool {
	base, err := snapshot.Open(path, snapshot.OpenOptions{FS: fsys, ReadOnly: true})
	if err == nil {
		return base.Close() == nil
	}
	return !errors.Is(err, snapshot.ErrNotBase)
}

func newInput(fsys vfs.FS, path string) *Input {
	return &Input{Name: path, fs: fsys, types: commands.Types()}
}

// beginning reads the first bytes of a file.
func beginning(fsys vfs.FS, path string) (head []byte, err error) {
	f, err := fsys.OpenRead(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	head = make([]byte, 64)
	n, err := f.ReadAt(head, 0)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return head[:n], err
}

// kindRDB is what an input is called as long as nothing is known to follow.
const kindRDB = "RDB file"

// openKeys opens what begins as an RDB file: it may be one, or an AOF that begins with one. Which of the two, its end tells.
func (in *Input) openKeys(path string) (err error) {
	in.Kind = kindRDB
	if in.keys, err = inspect.OpenRDB(in.fs, path); err != nil {
		return err
	}
	in.keys.AllowTail()
	return nil
}

// Close closes what is open.
func (in *Input) Close() error {
	if in.keys == nil {
		return nil
	}
	return in.keys.Close()
}

const (
	manifestSuffix = ".manifest"
	manifestMax    = 1 << 20 // bytes
)

// openDirectory opens the AOF that lies in a directory of its own, as Redis 7.0 and newer write it.
func openDirectory(fsys vfs.FS, path string) (*Input, error) {
	names, err := fsys.List(path)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if strings.HasSuffix(name, manifestSuffix) {
			return openManifest(fsys, filepath.Join(path, name))
		}
	}
	if slices.Contains(names, engine.BaseName) || slices.Contains(names, engine.LogDir) {
		return nil, fmt.Errorf("%w: %s is a data directory of holdfast's own; make another of it with: holdfast restore --dir %s --to DIRECTORY, "+
			"or JSON lines to import with: holdfast snapshot export --dir %s", ErrUnknown, path, path, path)
	}
	return nil, fmt.Errorf("%w: the directory %s has no manifest of a Redis AOF", ErrUnknown, path)
}

// openManifest opens the files that a manifest names: one to begin with, and those that follow by their numbers.
func openManifest(fsys vfs.FS, path string) (*Input, error) {
	in := newInput(fsys, path)
	in.Kind = "AOF of several files"
	base, following, err := readManifest(fsys, path)
	if err != nil {
		return nil, err
	}
	for i, name := range append(base, following...) {
		file := filepath.Join(filepath.Dir(path), name)
		head, err := beginning(fsys, file)
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w: %s names %s, which is not there", ErrInput, path, name)
		}
		if err != nil {
			return nil, errors.Join(err, in.Close())
		}
		if i < len(base) && bytes.HasPrefix(head, []byte("REDIS")) {
			if in.keys, err = inspect.OpenRDB(fsys, file); err != nil {
				return nil, err
			}
			in.keys.AllowTail()
			continue
		}
		in.aof = append(in.aof, part{path: file})
	}
	return in, nil
}

// readManifest reads which files there are. A line is "file NAME seq NUMBER type TYPE": b is the one to begin with, i one that
// follows, h one that is to be removed.
func readManifest(fsys vfs.FS, path string) (base, following []string, err error) {
	text, err := vfs.ReadFile(fsys, path, manifestMax)
	if errors.Is(err, vfs.ErrTooLarge) {
		return nil, nil, fmt.Errorf("%w: %s is too large for a manifest", ErrInput, path)
	}
	if err != nil {
		return nil, nil, err
	}
	type increment struct {
		name string
		seq  uint64
	}
	var increments []increment
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSuffix(line, "\r")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		damage := func(why string) error {
			return &DamageError{File: path, Where: fmt.Sprintf("line %d", i+1), Reason: why}
		}
		name, seq, kind, ok := manifestLine(line)
		switch {
		case !ok:
			return nil, nil, damage("not a line of a manifest")
		case name != filepath.Base(name) || name == ".." || name == ".":
			return nil, nil, damage(fmt.Sprintf("%q is not a file beside the manifest", name))
		case kind == "b" && len(base) > 0:
			return nil, nil, damage("a second file to begin with")
		case kind == "b":
			base = append(base, name)
		case kind == "i":
			increments = append(increments, increment{name, seq})
		case kind != "h":
			return nil, nil, damage(fmt.Sprintf("a file of type %q", kind))
		}
	}
	if len(base)+len(increments) == 0 {
		return nil, nil, fmt.Errorf("%w: %s names no file", ErrInput, path)
	}
	slices.SortStableFunc(increments, func(a, b increment) int {
		if a.seq < b.seq {
			return -1
		}
		return 1
	})
	for _, i := range increments {
		following = append(following, i.name)
	}
	return base, following, nil
}

func manifestLine(line string) (name string, seq uint64, kind string, ok bool) {
	words := strings.Fields(line)
	if strings.Contains(line, `"`) { // a name with blanks stands in quotes
		first, last := strings.Index(line, `"`), strings.LastIndex(line, `"`)
		unquoted, err := strconv.Unquote(line[first : last+1])
		if err != nil {
			return "", 0, "", false
		}
		words = append(append(strings.Fields(line[:first]), unquoted), strings.Fields(line[last+1:])...)
	}
	if len(words)%2 != 0 {
		return "", 0, "", false
	}
	for i := 0; i < len(words); i += 2 {
		switch words[i] {
		case "file":
			name = words[i+1]
		case "type":
			kind = words[i+1]
		case "seq":
			n, err := strconv.ParseUint(words[i+1], 10, 64)
			if err != nil {
				return "", 0, "", false
			}
			seq = n
		}
	}
	return name, seq, kind, name != "" && kind != ""
}

// eachKey reads the keys that the input begins with. Where a bad one is told, value says why.
func (in *Input) eachKey(h handler, fn func(*inspect.Entry, *rdb.File) error) error {
	if in.keys == nil {
		return nil
	}
	scope := inspect.Scope{DB: inspect.AllDatabases, Ended: h.ended}
	if h.progress != nil {
		scope.Progress = func(done, _ int64) { h.progress(done) }
	}
	err := in.keys.EachFile(scope, fn)
	if errors.Is(err, rdb.ErrCorrupt) || errors.Is(err, rdb.ErrChecksum) {
		if bad := h.bad(err); bad != nil {
			return bad
		}
		return in.unreadKeys(h, err)
	}
	if n := in.keys.Functions; err == nil && n > 0 {
		h.told(fmt.Sprintf("%d %s of functions %s left out", n, plural.Of(n, "library", "libraries"), plural.Of(n, "is", "are")))
	}
	if in.rest = in.keys.Tail(); in.rest > 0 && len(in.aof) == 0 && in.Kind == kindRDB {
		in.Kind = "AOF that begins with an RDB file"
	}
	return err
}

// unreadKeys tells which keys are not read for damage that was told. A checksum stands behind them all.
func (in *Input) unreadKeys(h handler, err error) error {
	var damage *rdb.DamageError
	if !errors.As(err, &damage) || errors.Is(err, rdb.ErrChecksum) {
		return nil
	}
	info, err := in.fs.Stat(in.keysFile())
	if err != nil {
		return err
	}
	h.unread(Unread{in.keysFile(), damage.Offset, info.Size()})
	return nil
}

// eachCommand reads the commands of the input, the keys it begins with not among them: those are to be read first.
func (in *Input) eachCommand(h handler) error {
	if in.json {
		return in.readFile(part{path: in.Name}, func(r *io.SectionReader) error {
			reader := &jsonReader{name: in.Name, in: bufio.NewReaderSize(r, longLine), file: r, done: in.done, h: h, types: in.types}
			return reader.run()
		})
	}
	parts := in.aof
	if in.rest > 0 {
		parts = append([]part{{path: in.keysFile(), from: in.rest}}, parts...)
	}
	for i, p := range parts {
		err := in.readFile(p, func(r *io.SectionReader) error {
			reader := &aofReader{name: p.path, in: bufio.NewReaderSize(r, 256<<10), off: p.from, last: i == len(parts)-1, h: h, file: r}
			if i == 0 {
				reader.skip = in.taken
			}
			return reader.run()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// keysFile is the file of the keys that the input begins with: of an AOF of several files, the first.
func (in *Input) keysFile() string {
	if in.keys == nil {
		return in.Name
	}
	return in.keys.About().Name
}

// hasCommands reports whether there may be any. The keys have been read.
func (in *Input) hasCommands() bool { return in.json || len(in.aof) > 0 || in.rest > 0 }

// Bytes is how large the files are together.
func (in *Input) Bytes() (total int64, err error) {
	paths := []string{}
	if in.keys != nil {
		paths = append(paths, in.keys.About().Name)
	}
	for _, p := range in.aof {
		paths = append(paths, p.path)
	}
	if in.json {
		paths = append(paths, in.Name)
	}
	for _, path := range paths {
		info, err := in.fs.Stat(path)
		if err != nil {
			return 0, err
		}
		total += info.Size()
	}
	return total, nil
}

func (in *Input) readFile(p part, fn func(*io.SectionReader) error) (err error) {
	f, err := in.fs.OpenRead(p.path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	size, err := f.Size()
	if err != nil {
		return err
	}
	return fn(io.NewSectionReader(f, p.from, size-p.from))
}
