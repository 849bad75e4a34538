package history

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"holdfast/aof"
	"holdfast/engine"
	"holdfast/internal/vfs"
	"holdfast/snapshot"
)

// strayPrefix begins the names of snapshots whose LSNs were given out anew to other records: no log goes on from them.
const strayPrefix = "stray-"

// ErrNothing: the directory is not there, or holds nothing of holdfast's.
var ErrNothing = errors.New("no data")

// Base is a state to begin from.
type Base struct {
	File string        // within the directory, with slashes; "" is the empty beginning
	Meta snapshot.Meta // zero where Err says why it cannot be read
	Err  error         // nil for one that can be used
}

// Empty reports whether the base is the beginning, before the first record of all.
func (b Base) Empty() bool { return b.File == "" }

// String names the base for people.
func (b Base) String() string {
	if b.Empty() {
		return "the empty beginning"
	}
	return b.File
}

// History is what a directory holds of the past.
type History struct {
	fs  vfs.FS
	dir string

	ID       [16]byte          // of the data set
	Bases    []Base            // that can be used, the newest first
	Unusable []Base            // those that cannot
	Segments []aof.SegmentInfo // of the log, oldest first, those with damaged headers among them
	Foreign  []aof.SegmentInfo // of other data sets
	Misnamed []*aof.DamageError
	Staged   bool // the log was being turned on and does not count: Segments is empty
}

// Read looks at a directory.
func Read(fsys vfs.FS, dir string) (*History, error) {
	h := &History{fs: fsys, dir: dir}
	names, err := fsys.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s does not exist; say where the data is with --dir", ErrNothing, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the data directory: %w", err)
	}
	h.Staged = slices.Contains(names, engine.StagedName)
	segments, err := h.readLog()
	if err != nil {
		return nil, err
	}
	if err := h.readBases(names); err != nil {
		return nil, err
	}
	if len(h.Bases)+len(h.Unusable)+len(segments) == 0 {
		return nil, fmt.Errorf("%w: %s holds neither %s nor a log nor a snapshot; say where the data is with --dir", ErrNothing, dir, engine.BaseName)
	}
	h.identify(segments)
	h.sort(segments)
	return h, nil
}

// ReadFile looks at a single base, wherever it lies, as if it were all that its directory holds.
func ReadFile(fsys vfs.FS, path string) (*History, error) {
	h := &History{fs: fsys, dir: filepath.Dir(path)}
	meta, err := h.meta(filepath.Base(path))
	if errors.Is(err, snapshot.ErrNotExist) {
		return nil, fmt.Errorf("%w: there is no file %s", ErrNothing, path)
	}
	h.ID, h.Bases = meta.ID, []Base{{File: filepath.Base(path), Meta: meta}}
	return h, err
}

// Path is where a file of the directory is.
func (h *History) Path(file string) string { return filepath.Join(h.dir, filepath.FromSlash(file)) }

// LogPath is the log's directory.
func (h *History) LogPath() string { return filepath.Join(h.dir, engine.LogDir) }

func (h *History) readLog() ([]aof.SegmentInfo, error) {
	if h.Staged {
		return nil, nil
	}
	segments, misnamed, err := aof.Survey(h.fs, h.LogPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	h.Misnamed = misnamed
	return segments, err
}

// readBases opens every base for a moment.
func (h *History) readBases(names []string) error {
	if slices.Contains(names, engine.BaseName) {
		h.take(engine.BaseName)
	}
	snapshots, err := h.fs.List(filepath.Join(h.dir, engine.SnapshotDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("listing the snapshots: %w", err)
	}
	for _, name := range snapshots {
		if strings.HasSuffix(name, ".db") && !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, strayPrefix) {
			h.take(engine.SnapshotDir + "/" + name)
		}
	}
	return nil
}

func (h *History) take(file string) {
	b := Base{File: file}
	b.Meta, b.Err = h.meta(file)
	if b.Err != nil {
		h.Unusable = append(h.Unusable, b)
	} else {
		h.Bases = append(h.Bases, b)
	}
}

func (h *History) meta(file string) (snapshot.Meta, error) {
	base, err := snapshot.Open(h.Path(file), snapshot.OpenOptions{FS: h.fs, ReadOnly: true})
	if err != nil {
		return snapshot.Meta{}, err
	}
	return base.Meta(), base.Close()
}

// identify finds the data set's id: base.db's, else the one that most segments carry, else the newest snapshot's.
func (h *History) identify(segments []aof.SegmentInfo) {
	votes := map[[16]byte]int{}
	for _, s := range segments {
		if s.Damage == nil {
			if votes[s.ID]++; votes[s.ID] >= votes[h.ID] {
				h.ID = s.ID
			}
		}
	}
	var newest uint64
	for _, b := range h.Bases {
		switch {
		case b.File == engine.BaseName:
			h.ID = b.Meta.ID
			return
		case len(votes) == 0 && b.Meta.LSN >= newest:
			h.ID, newest = b.Meta.ID, b.Meta.LSN
		}
	}
}

// sort puts aside what is another data set's, adds the empty beginning where the log reaches back to it, and puts the
// newest base first: of those with one LSN base.db, and the beginning last.
func (h *History) sort(segments []aof.SegmentInfo) {
	bases := h.Bases
	h.Bases = nil
	for _, b := range bases {
		if b.Meta.ID != h.ID {
			b.Err = fmt.Errorf("it is of data set %x, and the directory of %x", b.Meta.ID, h.ID)
			h.Unusable = append(h.Unusable, b)
			continue
		}
		h.Bases = append(h.Bases, b)
	}
	for _, s := range segments {
		if s.Damage == nil && s.ID != h.ID {
			h.Foreign = append(h.Foreign, s)
		} else {
			h.Segments = append(h.Segments, s)
		}
	}
	if len(h.Segments) > 0 && h.Segments[0].First == 1 && h.Segments[0].Damage == nil {
		h.Bases = append(h.Bases, Base{Meta: snapshot.Meta{ID: h.ID, Time: h.Segments[0].Created}})
	}
	slices.SortStableFunc(h.Bases, func(a, b Base) int {
		if c := cmp.Compare(b.Meta.LSN, a.Meta.LSN); c != 0 {
			return c
		}
		return cmp.Compare(rank(a), rank(b))
	})
}

func rank(b Base) int {
	switch {
	case b.File == engine.BaseName:
		return 0
	case b.Empty():
		return 2
	}
	return 1
}
