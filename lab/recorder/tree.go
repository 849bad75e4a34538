package recorder

import (
	"path/filepath"
	"slices"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// node is an inode. All of them are known all the time: the tree is read when it is mounted, and nobody else changes it.
// Filesystem.mu guards the fields.
type node struct {
	id   uint64
	file uint64 // in the trace; 0 for all but regular files
	kind uint32 // S_IFREG …
	// places are its names. A directory has one, the root none; what was removed while it is in use has none either.
	places   []place
	children map[string]*node // of a directory
	lookups  uint64           // that the kernel has not forgotten
	handles  []*handle
	mapped   bool // a mapped write was seen
}

type place struct {
	dir  *node
	name string
}

func (n *node) isDir() bool { return n.kind == syscall.S_IFDIR }

// recorded reports whether what is done with its names is in the trace. Sockets and pipes are not.
func (n *node) recorded() bool {
	return n.kind == syscall.S_IFREG || n.kind == syscall.S_IFDIR || n.kind == syscall.S_IFLNK
}

// path is the path within the data directory, by one of its names; "" for the root. ok is false if it has none.
func (n *node) path() (path string, ok bool) {
	if n.id == fuse.FUSE_ROOT_ID {
		return "", true
	}
	if len(n.places) == 0 {
		return "", false
	}
	above, ok := n.places[0].dir.path()
	return join(above, n.places[0].name), ok
}

// name is path for events and people.
func (n *node) name() string {
	path, _ := n.path()
	return path
}

func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

// below is the path of a name in a directory; not ok if the directory has been removed.
func (n *node) below(name string) (path string, ok bool) {
	above, ok := n.path()
	return join(above, name), ok && n.isDir()
}

// writable is a handle through which the file can be changed, if there is one.
func (n *node) writable() *handle {
	for _, h := range n.handles {
		if h.writes {
			return h
		}
	}
	return nil
}

// add makes a node at a place. f.mu is held, as for all that follow.
func (f *Filesystem) add(dir *node, name string, kind uint32) *node {
	f.ids++
	n := &node{id: f.ids, kind: kind}
	switch kind {
	case syscall.S_IFDIR:
		n.children = map[string]*node{}
	case syscall.S_IFREG:
		f.files++
		n.file = f.files
	}
	f.nodes[n.id] = n
	if dir != nil {
		f.enter(n, dir, name)
	}
	return n
}

func (f *Filesystem) enter(n, dir *node, name string) {
	dir.children[name] = n
	n.places = append(n.places, place{dir, name})
}

// leave takes a name away from what has it.
func (f *Filesystem) leave(dir *node, name string) {
	n := dir.children[name]
	delete(dir.children, name)
	n.places = slices.DeleteFunc(n.places, func(p place) bool { return p == place{dir, name} })
	f.drop(n)
}

// drop forgets a node that nothing refers to any more.
func (f *Filesystem) drop(n *node) {
	if n != f.root && len(n.places) == 0 && n.lookups == 0 && len(n.handles) == 0 {
		delete(f.nodes, n.id)
	}
}

// child is a directory's node and what it has at a name, which may be nil.
func (f *Filesystem) child(dir uint64, name string) (parent, child *node) {
	parent = f.nodes[dir]
	if parent == nil || !parent.isDir() {
		return nil, nil
	}
	return parent, parent.children[name]
}

// real is the path in the backing directory.
func (f *Filesystem) real(path string) string {
	return filepath.Join(f.backing, filepath.FromSlash(path))
}

// stat reads attributes, of what has been removed too if it is open.
func (f *Filesystem) stat(n *node, out *fuse.Attr) syscall.Errno {
	var st syscall.Stat_t
	var err error
	if path, ok := n.path(); ok {
		err = syscall.Lstat(f.real(path), &st)
	} else if len(n.handles) > 0 {
		err = syscall.Fstat(n.handles[0].fd, &st)
	} else {
		return syscall.ESTALE
	}
	if err != nil {
		return errno(err)
	}
	out.FromStat(&st)
	return 0
}

// errno is the system's number of an error.
func errno(err error) syscall.Errno {
	if err == nil {
		return 0
	}
	if e, ok := err.(syscall.Errno); ok {
		return e
	}
	return syscall.EIO
}
