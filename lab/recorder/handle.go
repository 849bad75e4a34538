package recorder

import (
	"slices"
	"strings"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// handle is an open file or directory.
type handle struct {
	id      uint64
	node    *node
	fd      int // -1 for a directory
	writes  bool
	entries []fuse.DirEntry // of a directory, as of when reading it began
}

// hold makes a handle. f.mu is held.
func (f *Filesystem) hold(n *node, fd int, writes bool) *handle {
	f.handlesMu.Lock()
	defer f.handlesMu.Unlock()
	f.handleIDs++
	h := &handle{id: f.handleIDs, node: n, fd: fd, writes: writes}
	f.handles[h.id] = h
	n.handles = append(n.handles, h)
	return h
}

// handle finds a handle; nil if there is none of that number.
func (f *Filesystem) handle(id uint64) *handle {
	f.handlesMu.RLock()
	defer f.handlesMu.RUnlock()
	return f.handles[id]
}

// let gives a handle back. f.mu is held.
func (f *Filesystem) let(id uint64) {
	f.handlesMu.Lock()
	h := f.handles[id]
	delete(f.handles, id)
	f.handlesMu.Unlock()
	if h == nil {
		return
	}
	h.node.handles = slices.DeleteFunc(h.node.handles, func(other *handle) bool { return other == h })
	h.close(f)
	f.drop(h.node)
}

func (h *handle) close(f *Filesystem) {
	if h.fd < 0 {
		return
	}
	if err := syscall.Close(h.fd); err != nil {
		f.problem("closing a file of the backing directory: %v", err)
	}
}

// letAll gives all handles back, when nobody can use them any more.
func (f *Filesystem) letAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.handlesMu.RLock()
	var ids []uint64
	for id := range f.handles {
		ids = append(ids, id)
	}
	f.handlesMu.RUnlock()
	for _, id := range ids {
		f.let(id)
	}
}

// open opens a file that is there, with the flags of open(2) as the kernel passes them on. f.mu is held.
func (f *Filesystem) open(n *node, flags uint32) (*handle, syscall.Errno) {
	if flags&syscall.O_DIRECT != 0 {
		f.problem("%s is opened with O_DIRECT: recorded like other writes", n.name())
	}
	if flags&syscall.O_DSYNC != 0 {
		f.problem("%s is opened with O_SYNC or O_DSYNC: each write is recorded with a sync", n.name())
	}
	mode := int(flags & syscall.O_ACCMODE)
	var fd int
	var err error
	if path, ok := n.path(); ok {
		fd, err = syscall.Open(f.real(path), mode|syscall.O_CLOEXEC|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	} else if len(n.handles) > 0 {
		fd, err = unix.Open(procPath(n.handles[0].fd), mode|syscall.O_CLOEXEC, 0)
	} else {
		err = syscall.ESTALE
	}
	if err != nil {
		return nil, errno(err)
	}
	return f.hold(n, fd, mode != syscall.O_RDONLY), 0
}

// Open opens a file.
func (f *Filesystem) Open(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	if !f.begin(in.Pid) {
		return fuse.EIO
	}
	defer f.end(in.Pid)
	n := f.nodes[in.NodeId]
	if n == nil {
		return fuse.Status(syscall.ESTALE)
	}
	h, e := f.open(n, in.Flags)
	if e == 0 && in.Flags&syscall.O_TRUNC != 0 {
		if e = f.truncate(n, h, 0); e != 0 {
			f.let(h.id)
		}
	}
	if e != 0 {
		return fuse.Status(e)
	}
	out.Fh, out.OpenFlags = h.id, fuse.FOPEN_KEEP_CACHE
	return fuse.OK
}

// Release closes a file.
func (f *Filesystem) Release(_ <-chan struct{}, in *fuse.ReleaseIn) { f.release(in.Fh) }

// OpenDir opens a directory.
func (f *Filesystem) OpenDir(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.nodes[in.NodeId]
	if n == nil || !n.isDir() {
		return fuse.ENOTDIR
	}
	out.Fh = f.hold(n, -1, false).id
	return fuse.OK
}

// ReadDir lists a directory: names in order, as of when reading began or was last begun anew.
func (f *Filesystem) ReadDir(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	h := f.handle(in.Fh)
	if h == nil {
		return fuse.EBADF
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if in.Offset == 0 {
		h.entries = append(h.entries[:0], fuse.DirEntry{Name: ".", Mode: fuse.S_IFDIR}, fuse.DirEntry{Name: "..", Mode: fuse.S_IFDIR})
		for name, n := range h.node.children {
			h.entries = append(h.entries, fuse.DirEntry{Name: name, Mode: n.kind, Ino: n.id})
		}
		slices.SortFunc(h.entries[2:], func(a, b fuse.DirEntry) int { return strings.Compare(a.Name, b.Name) })
	}
	for i := in.Offset; i < uint64(len(h.entries)); i++ {
		e := h.entries[i]
		e.Off = i + 1
		if !out.AddDirEntry(e) {
			break
		}
	}
	return fuse.OK
}

// ReleaseDir closes a directory.
func (f *Filesystem) ReleaseDir(in *fuse.ReleaseIn) { f.release(in.Fh) }

func (f *Filesystem) release(id uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.let(id)
}
