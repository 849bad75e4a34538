package repair

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"holdfast/engine"
	"holdfast/internal/vfs"
)

// ManifestName is the file in a quarantine that says what was done and why.
const ManifestName = "repair.json"

// quarantine copies what a repair takes away.
type quarantine struct {
	fs   vfs.FS
	dir  string // of the data
	path string // of the copies
	made map[string]bool
	// copies are the files in it.
	copies []string
}

// quarantine makes a directory for the copies, with the time in its name.
func (r *Repair) quarantine() (*quarantine, error) {
	name := r.o.Clock().UTC().Format("20060102T150405Z")
	for n := 2; ; n++ {
		path := filepath.Join(r.o.Dir, engine.QuarantineName, name)
		_, err := r.o.FS.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			q := &quarantine{fs: r.o.FS, dir: r.o.Dir, path: path, made: map[string]bool{}}
			return q, q.directory(".")
		}
		if err != nil {
			return nil, fmt.Errorf("looking at the quarantine: %w", err)
		}
		name = fmt.Sprintf("%s-%d", r.o.Clock().UTC().Format("20060102T150405Z"), n)
	}
}

func (q *quarantine) directory(name string) error {
	path := filepath.Join(q.path, name)
	if err := q.fs.MkdirAll(path); err != nil {
		return fmt.Errorf("making the quarantine: %w", err)
	}
	q.made[path] = true
	return nil
}

// ifThere copies a whole file that may be missing.
func (q *quarantine) ifThere(name string) error {
	if _, err := q.fs.Stat(filepath.Join(q.dir, name)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return q.file(name, 0)
}

// file copies a file of the directory from an offset on, and syncs the copy. A part has the offset in its name.
func (q *quarantine) file(name string, offset int64) (err error) {
	if err := q.directory(filepath.Dir(name)); err != nil {
		return err
	}
	to := filepath.Join(q.path, name)
	if offset > 0 {
		to += fmt.Sprintf(".from-%d", offset)
	}
	from, err := q.fs.OpenRead(filepath.Join(q.dir, name))
	if err != nil {
		return fmt.Errorf("copying to the quarantine: %w", err)
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	copied, err := q.fs.Create(to)
	if err != nil {
		return fmt.Errorf("copying to the quarantine: %w", err)
	}
	q.copies = append(q.copies, to)
	defer func() { err = errors.Join(err, copied.Close()) }()
	buf := make([]byte, 1<<20)
	for at := offset; ; {
		n, err := from.ReadAt(buf, at)
		if n > 0 {
			if _, err := copied.WriteAt(buf[:n], at-offset); err != nil {
				return fmt.Errorf("copying %s to the quarantine: %w", name, err)
			}
		}
		at += int64(n)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("copying %s to the quarantine: %w", name, err)
		}
	}
	if err := copied.Sync(); err != nil {
		return fmt.Errorf("syncing %s: %w", to, err)
	}
	return nil
}

// seal writes the manifest, and makes the names of all copies durable.
func (q *quarantine) seal(p *Plan) error {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	manifest := filepath.Join(q.path, ManifestName)
	q.copies = append(q.copies, manifest)
	if err := vfs.WriteFile(q.fs, manifest, append(text, '\n')); err != nil {
		return fmt.Errorf("writing the quarantine's manifest: %w", err)
	}
	for dir := range q.made {
		if err := q.fs.SyncDir(dir); err != nil {
			return fmt.Errorf("syncing the quarantine: %w", err)
		}
	}
	return nil
}

// discard removes the copies again, when not all could be made: nothing has been cut then, and on a full disk they would be in the way
// of the next attempt.
func (q *quarantine) discard() error {
	for _, path := range q.copies {
		if err := q.fs.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing the quarantine: %w", err)
		}
	}
	dirs := slices.Collect(maps.Keys(q.made))
	slices.SortFunc(dirs, func(a, b string) int { return len(b) - len(a) }) // what is within comes first
	for _, dir := range append(dirs, filepath.Dir(q.path)) {
		if names, err := q.fs.List(dir); err != nil || len(names) > 0 {
			return err // those of other repairs stay
		}
		if err := q.fs.Remove(dir); err != nil {
			return fmt.Errorf("removing the quarantine: %w", err)
		}
	}
	return nil
}
