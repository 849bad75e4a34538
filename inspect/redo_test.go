package inspect

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/internal/vfs"
	"holdfast/kv"
	"holdfast/snapshot"
)

// leaveRedo changes the base as a checkpoint as of LSN 5 does, and leaves the redo file of that behind.
func leaveRedo(t *testing.T, dir string) {
	t.Helper()
	fsys := unremoving{vfs.OS()}
	changes := snapshot.NewChanges(fsys, dir, 1<<20)
	for i := range 3000 { // more than one transaction takes
		must(t, changes.Put(1, fmt.Appendf(nil, "key%d", i), snapshot.Record{Kind: byte(kv.String), Payload: []byte("v")}))
	}
	base, err := snapshot.Open(filepath.Join(dir, "base.db"), snapshot.OpenOptions{FS: fsys})
	must(t, err)
	meta := base.Meta()
	meta.LSN = 5
	if _, err := base.Apply(changes, meta); !errors.Is(err, errStays) {
		t.Fatalf("the redo file was removed: %v", err)
	}
	must(t, errors.Join(base.Close(), changes.Discard()))
}

// interrupt leaves the base in the midst of a change, as a crash does: its redo file cannot be read any more.
func interrupt(t *testing.T, dir string) {
	t.Helper()
	for reads := 1; ; reads++ {
		fsys := &unreading{FS: vfs.OS(), reads: reads}
		base, err := snapshot.Open(filepath.Join(dir, "base.db"), snapshot.OpenOptions{FS: fsys})
		must(t, err)
		changes := snapshot.NewChanges(fsys, dir, 64<<20)
		for i := range 5000 {
			must(t, changes.Put(1, fmt.Appendf(nil, "key%d", i), snapshot.Record{Kind: byte(kv.String), Payload: bytes.Repeat([]byte("v"), 40)}))
		}
		meta := base.Meta()
		meta.LSN++
		if _, err = base.Apply(changes, meta); err == nil {
			t.Fatalf("it was not interrupted, with %d reads", reads)
		}
		must(t, errors.Join(base.Close(), changes.Discard()))
		base, err = snapshot.Open(filepath.Join(dir, "base.db"), snapshot.OpenOptions{ReadOnly: true})
		if errors.Is(err, snapshot.ErrUnfinished) {
			return
		}
		must(t, errors.Join(err, base.Close(), os.Remove(filepath.Join(dir, "base.db.redo"))))
	}
}

// unreading reads so many pieces of a redo file.
type unreading struct {
	vfs.FS
	reads int
}

func (u *unreading) OpenRead(path string) (vfs.File, error) {
	file, err := u.FS.OpenRead(path)
	if err == nil && strings.HasSuffix(path, ".redo") {
		return unread{file, u}, nil
	}
	return file, err
}

type unread struct {
	vfs.File
	fs *unreading
}

func (u unread) ReadAt(b []byte, at int64) (int, error) {
	if u.fs.reads--; u.fs.reads < 0 {
		return 0, errors.New("no more")
	}
	return u.File.ReadAt(b, at)
}

// unremoving removes no redo file.
type unremoving struct{ vfs.FS }

var errStays = errors.New("it stays")

func (u unremoving) Remove(path string) error {
	if strings.HasSuffix(path, ".redo") {
		return errStays
	}
	return u.FS.Remove(path)
}
