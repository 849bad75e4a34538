package recorder

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"holdfast/lab/trace"
)

// blockBytes is how much of a file is read at a time.
const blockBytes = 1 << 20

// describe reads the backing directory into the tree, and appends events that make the same.
func (f *Filesystem) describe() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ids = fuse.FUSE_ROOT_ID - 1
	f.root = f.add(nil, "", syscall.S_IFDIR)
	w := walker{f: f, linked: map[uint64]*node{}, buf: make([]byte, blockBytes)}
	if err := w.dir(f.root, ""); err != nil {
		return err
	}
	f.record(trace.Event{Kind: trace.Mark, Note: trace.MarkBegin}, nil)
	return f.lost
}

type walker struct {
	f      *Filesystem
	linked map[uint64]*node // by inode number: files that may have further names
	buf    []byte
}

func (w *walker) dir(dir *node, path string) error {
	entries, err := os.ReadDir(w.f.real(path)) // sorted
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := w.entry(dir, entry.Name(), join(path, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) entry(dir *node, name, path string) error {
	var st syscall.Stat_t
	if err := syscall.Lstat(w.f.real(path), &st); err != nil {
		return &os.PathError{Op: "lstat", Path: path, Err: err}
	}
	kind := st.Mode & syscall.S_IFMT
	if n := w.linked[st.Ino]; n != nil && kind == syscall.S_IFREG {
		w.f.record(trace.Event{Kind: trace.Link, File: n.file, Path: n.name(), To: path}, nil)
		w.f.enter(n, dir, name)
		w.f.problem("%s: a hard link", path)
		return nil
	}
	n := w.f.add(dir, name, kind)
	switch kind {
	case syscall.S_IFDIR:
		w.f.record(trace.Event{Kind: trace.Mkdir, Path: path}, nil)
		return w.dir(n, path)
	case syscall.S_IFLNK:
		target, err := os.Readlink(w.f.real(path))
		if err != nil {
			return err
		}
		w.f.record(trace.Event{Kind: trace.Symlink, Path: path, To: target}, nil)
	case syscall.S_IFREG:
		if st.Nlink > 1 {
			w.linked[st.Ino] = n
		}
		w.f.record(trace.Event{Kind: trace.Create, File: n.file, Path: path}, nil)
		return w.content(n, path)
	default:
		w.f.problem("%s: neither file nor directory, not recorded", path)
	}
	return nil
}

func (w *walker) content(n *node, path string) (err error) {
	file, err := os.Open(filepath.Clean(w.f.real(path)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	for off := int64(0); ; {
		got, err := io.ReadFull(file, w.buf)
		if got > 0 {
			w.f.record(trace.Event{Kind: trace.Write, File: n.file, Path: path, Off: off, Size: int64(got)}, w.buf[:got])
			off += int64(got)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading %s at %d: %w", path, off, err)
		}
	}
}
