package vfs

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// inode is a file or directory, whatever its name is at the moment: a Rename moves no data.
type inode struct {
	// live and synced are a directory's entries: as they are, and as a crash finds them at least. nil for a file.
	live, synced map[string]*inode

	// data is nil until the file is first changed through Faulty, and again once it was renamed with all of that synced. So long
	// its bytes are those of the real file, and all of them are durable: they were there before, or bbolt wrote them and synced
	// them as it saw fit.
	data *history
}

func newInode(dir bool) *inode {
	if !dir {
		return &inode{}
	}
	return &inode{live: make(map[string]*inode), synced: make(map[string]*inode)}
}

func (i *inode) isDir() bool { return i.live != nil }

// track starts the history of a file's bytes, if it has none.
func (i *inode) track(real *os.File) error {
	if i.data != nil {
		return nil
	}
	base, err := readAll(real)
	if err == nil {
		i.data = &history{base: base}
	}
	return err
}

// release ends the history of a file of which nothing is unsynced, so that others may write it.
func (i *inode) release() {
	if i.data != nil && len(i.data.pending) == 0 {
		i.data = nil
	}
}

// place is a name in a directory. With an empty name it is the whole directory.
type place struct {
	dir  *inode
	name string
}

// edit puts an inode in a place; nil takes away what is there.
type edit struct {
	place
	to *inode
}

// change is one operation on names: one edit, or the two of a rename, which happen both or not at all.
type change struct {
	edits []edit
	// unsynced holds the directories of edits that no SyncDir has followed yet; with none left the change is durable.
	unsynced map[*inode]bool
}

// tree is the state of all names under the root. It notices by itself what others do there: their new names are
// unsynced like ours, and their removals are durable at once, since the bytes are gone.
type tree struct {
	root    *inode
	changes []*change // since the directories' synced state, oldest first
}

// record makes a change to the live entries.
func (t *tree) record(edits ...edit) {
	c := &change{edits: edits, unsynced: make(map[*inode]bool)}
	for _, e := range edits {
		e.apply(e.dir.live)
		c.unsynced[e.dir] = true
	}
	t.changes = append(t.changes, c)
}

func (e edit) apply(entries map[string]*inode) {
	if e.to == nil {
		delete(entries, e.name)
	} else {
		entries[e.name] = e.to
	}
}

// sync makes the entries of one directory durable.
func (t *tree) sync(dir *inode) {
	for _, c := range t.changes {
		delete(c.unsynced, dir)
	}
	t.fold()
}

// syncAll makes all entries durable.
func (t *tree) syncAll() {
	for _, c := range t.changes {
		clear(c.unsynced)
	}
	t.fold()
}

// fold moves changes into the directories' synced state, as far as nothing undecided precedes them.
func (t *tree) fold() {
	for len(t.changes) > 0 && len(t.changes[0].unsynced) == 0 {
		for _, e := range t.changes[0].edits {
			e.apply(e.dir.synced)
		}
		t.changes = t.changes[1:]
	}
}

// look returns what has the name, or nil, after comparing it with what is really at path. Without a name it is the
// directory itself.
func (t *tree) look(dir *inode, name, path string) (*inode, error) {
	if name == "" {
		return dir, nil
	}
	known := dir.live[name]
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if known != nil {
			t.record(edit{place{dir, name}, nil})
			clear(t.changes[len(t.changes)-1].unsynced)
			t.fold()
		}
		return nil, nil
	case err != nil:
		return nil, err
	case known == nil || known.isDir() != info.IsDir():
		known = newInode(info.IsDir())
		t.record(edit{place{dir, name}, known})
	}
	return known, nil
}

// scan looks at every name in the directory at path.
func (t *tree) scan(dir *inode, path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	names := slices.Collect(maps.Keys(dir.live))
	for _, entry := range entries {
		if dir.live[entry.Name()] == nil {
			names = append(names, entry.Name())
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if _, err := t.look(dir, name, filepath.Join(path, name)); err != nil {
			return err
		}
	}
	return nil
}

// walk scans the directory at path and all below it, and calls visit for each file.
func (t *tree) walk(dir *inode, path string, visit func(file *inode, path string) error) error {
	if err := t.scan(dir, path); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(dir.live)) {
		child, next := dir.live[name], filepath.Join(path, name)
		var err error
		if child.isDir() {
			err = t.walk(child, next, visit)
		} else {
			err = visit(child, next)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// survivors gives each directory's entries after a crash. Every durable change took effect; an undecided one if
// survives says so and nothing that it builds on was lost: no earlier change of the same names or, when ordered,
// of the same directories.
func (t *tree) survivors(survives func() bool, ordered bool) func(dir *inode) map[string]*inode {
	left := make(map[*inode]map[string]*inode)
	entries := func(dir *inode) map[string]*inode {
		if left[dir] == nil {
			left[dir] = maps.Clone(dir.synced)
		}
		return left[dir]
	}
	lost := make(map[place]bool)
	key := func(e edit) place {
		if ordered {
			return place{dir: e.dir}
		}
		return e.place
	}
	for _, c := range t.changes {
		follows := slices.ContainsFunc(c.edits, func(e edit) bool { return lost[key(e)] })
		kept := len(c.unsynced) == 0 || !follows && survives()
		for _, e := range c.edits {
			if kept {
				e.apply(entries(e.dir))
			} else {
				lost[key(e)] = true
			}
		}
	}
	return entries
}

func readAll(real *os.File) ([]byte, error) {
	info, err := real.Stat()
	if err != nil {
		return nil, err
	}
	b := make([]byte, info.Size())
	n, err := io.ReadFull(io.NewSectionReader(real, 0, info.Size()), b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) { // it has become shorter
		err = nil
	}
	return b[:n], err
}
