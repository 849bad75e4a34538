package recorder

import (
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"holdfast/lab/trace"
)

// cached is how long the kernel may rely on what it was told of names and attributes. Nobody else changes them.
const cached = 24 * time.Hour

// answer tells the kernel of a node, which it then holds on to. f.mu is held, as for all that do not take it.
func (f *Filesystem) answer(n *node, out *fuse.EntryOut) fuse.Status {
	if e := f.stat(n, &out.Attr); e != 0 {
		return fuse.Status(e)
	}
	out.NodeId, out.Generation = n.id, 1
	out.SetEntryTimeout(cached)
	out.SetAttrTimeout(cached)
	n.lookups++
	return fuse.OK
}

// Lookup finds a name.
func (f *Filesystem) Lookup(_ <-chan struct{}, header *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, n := f.child(header.NodeId, name)
	if n == nil {
		out.SetEntryTimeout(cached) // without a node: there is none
		return fuse.OK
	}
	return f.answer(n, out)
}

// Forget is told what the kernel does not hold on to any more.
func (f *Filesystem) Forget(id, lookups uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := f.nodes[id]; n != nil {
		n.lookups -= min(n.lookups, lookups)
		f.drop(n)
	}
}

// create opens a new name for writing: it makes the thing, by make, at the place and in the tree, and gives it the mode
// and owner that its maker wants.
func (f *Filesystem) create(header *fuse.InHeader, name string, kind, mode uint32, make func(real string) error) (*node, fuse.Status) {
	dir, there := f.child(header.NodeId, name)
	if dir == nil {
		return nil, fuse.Status(syscall.ENOTDIR)
	}
	if there != nil {
		return nil, fuse.Status(syscall.EEXIST)
	}
	path, ok := dir.below(name)
	if !ok {
		return nil, fuse.ENOENT
	}
	if kind == syscall.S_IFREG {
		if e := f.fault(OpCreate, path, 0); e != 0 {
			return nil, fuse.Status(e)
		}
	}
	if err := make(f.real(path)); err != nil {
		return nil, fuse.Status(errno(err))
	}
	f.own(path, kind, mode, header.Caller)
	return f.add(dir, name, kind), fuse.OK
}

// own sets the mode, past this process's umask, and the owner if it is another.
func (f *Filesystem) own(path string, kind, mode uint32, caller fuse.Caller) {
	var errs [2]error
	if kind != syscall.S_IFLNK {
		errs[0] = syscall.Chmod(f.real(path), mode&07777)
	}
	if int(caller.Uid) != os.Geteuid() {
		errs[1] = syscall.Lchown(f.real(path), int(caller.Uid), int(caller.Gid))
	}
	for _, err := range errs {
		if err != nil {
			f.problem("%s does not have the mode or owner that it should have: %v", path, err)
		}
	}
}

// Create makes a file, or opens one that is there.
func (f *Filesystem) Create(_ <-chan struct{}, in *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	if !f.begin(in.Pid) {
		return fuse.EIO
	}
	defer f.end(in.Pid)
	_, n := f.child(in.NodeId, name)
	created := n == nil
	if n != nil && in.Flags&syscall.O_EXCL != 0 {
		return fuse.Status(syscall.EEXIST)
	}
	if created {
		var status fuse.Status
		if n, status = f.create(&in.InHeader, name, syscall.S_IFREG, in.Mode, touch); status != fuse.OK {
			return status
		}
		f.record(trace.Event{Kind: trace.Create, File: n.file, Path: n.name()}, nil)
	}
	h, e := f.open(n, in.Flags)
	if e != 0 {
		return fuse.Status(e)
	}
	if !created && in.Flags&syscall.O_TRUNC != 0 {
		e = f.truncate(n, h, 0)
	}
	status := fuse.Status(e)
	if status == fuse.OK {
		status = f.answer(n, &out.EntryOut)
	}
	if status != fuse.OK {
		f.let(h.id)
		return status
	}
	out.Fh, out.OpenFlags = h.id, fuse.FOPEN_KEEP_CACHE
	return fuse.OK
}

// touch makes an empty file. Its maker may be about to take from itself the right to open it, which root does not need.
func touch(real string) error {
	fd, err := syscall.Open(real, syscall.O_CREAT|syscall.O_EXCL|syscall.O_WRONLY|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	return syscall.Close(fd)
}

// Mknod makes a file, a pipe or a socket.
func (f *Filesystem) Mknod(_ <-chan struct{}, in *fuse.MknodIn, name string, out *fuse.EntryOut) fuse.Status {
	if !f.begin(in.Pid) {
		return fuse.EIO
	}
	defer f.end(in.Pid)
	kind := in.Mode & syscall.S_IFMT
	n, status := f.create(&in.InHeader, name, kind, in.Mode, func(real string) error {
		return syscall.Mknod(real, kind|0o600, int(in.Rdev))
	})
	if status != fuse.OK {
		return status
	}
	if n.recorded() {
		f.record(trace.Event{Kind: trace.Create, File: n.file, Path: n.name()}, nil)
	} else {
		f.problem("%s: neither file nor directory, not recorded", n.name())
	}
	return f.answer(n, out)
}

// Mkdir makes a directory.
func (f *Filesystem) Mkdir(_ <-chan struct{}, in *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	if !f.begin(in.Pid) {
		return fuse.EIO
	}
	defer f.end(in.Pid)
	n, status := f.create(&in.InHeader, name, syscall.S_IFDIR, in.Mode, func(real string) error {
		return syscall.Mkdir(real, 0o700)
	})
	if status != fuse.OK {
		return status
	}
	f.record(trace.Event{Kind: trace.Mkdir, Path: n.name()}, nil)
	return f.answer(n, out)
}

// Symlink makes a symbolic link.
func (f *Filesystem) Symlink(_ <-chan struct{}, header *fuse.InHeader, target, name string, out *fuse.EntryOut) fuse.Status {
	if !f.begin(header.Pid) {
		return fuse.EIO
	}
	defer f.end(header.Pid)
	n, status := f.create(header, name, syscall.S_IFLNK, 0o777, func(real string) error { return syscall.Symlink(target, real) })
	if status != fuse.OK {
		return status
	}
	f.record(trace.Event{Kind: trace.Symlink, Path: n.name(), To: target}, nil)
	return f.answer(n, out)
}

// Readlink reads a symbolic link.
func (f *Filesystem) Readlink(_ <-chan struct{}, header *fuse.InHeader) ([]byte, fuse.Status) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.nodes[header.NodeId]
	if n == nil {
		return nil, fuse.Status(syscall.ESTALE)
	}
	path, ok := n.path()
	if !ok {
		return nil, fuse.Status(syscall.ESTALE)
	}
	target, err := os.Readlink(f.real(path))
	if err != nil {
		return nil, fuse.ToStatus(err)
	}
	return []byte(target), fuse.OK
}

// Link gives a file a further name.
func (f *Filesystem) Link(_ <-chan struct{}, in *fuse.LinkIn, name string, out *fuse.EntryOut) fuse.Status {
	if !f.begin(in.Pid) {
		return fuse.EIO
	}
	defer f.end(in.Pid)
	n := f.nodes[in.Oldnodeid]
	dir, there := f.child(in.NodeId, name)
	if n == nil || dir == nil || n.kind != syscall.S_IFREG {
		return fuse.EPERM
	}
	if there != nil {
		return fuse.Status(syscall.EEXIST)
	}
	from, had := n.path()
	to, has := dir.below(name)
	if !had || !has {
		return fuse.ENOENT
	}
	if err := syscall.Link(f.real(from), f.real(to)); err != nil {
		return fuse.Status(errno(err))
	}
	f.enter(n, dir, name)
	f.record(trace.Event{Kind: trace.Link, File: n.file, Path: from, To: to}, nil)
	f.problem("%s: a hard link", to)
	return f.answer(n, out)
}

// Unlink removes a name.
func (f *Filesystem) Unlink(_ <-chan struct{}, header *fuse.InHeader, name string) fuse.Status {
	return f.remove(header, name, syscall.Unlink, func(n *node, path string) trace.Event {
		return trace.Event{Kind: trace.Unlink, File: n.file, Path: path}
	})
}

// Rmdir removes a directory.
func (f *Filesystem) Rmdir(_ <-chan struct{}, header *fuse.InHeader, name string) fuse.Status {
	return f.remove(header, name, syscall.Rmdir, func(_ *node, path string) trace.Event {
		return trace.Event{Kind: trace.Rmdir, Path: path}
	})
}

func (f *Filesystem) remove(header *fuse.InHeader, name string, call func(string) error, event func(*node, string) trace.Event) fuse.Status {
	if !f.begin(header.Pid) {
		return fuse.EIO
	}
	defer f.end(header.Pid)
	dir, n := f.child(header.NodeId, name)
	if n == nil {
		return fuse.ENOENT
	}
	path, ok := dir.below(name)
	if !ok {
		return fuse.ENOENT
	}
	if e := f.fault(OpUnlink, path, n.file); e != 0 {
		return fuse.Status(e)
	}
	if err := call(f.real(path)); err != nil {
		return fuse.Status(errno(err))
	}
	if n.recorded() {
		f.record(event(n, path), nil)
	}
	f.leave(dir, name)
	return fuse.OK
}

// Rename moves a name, replacing what is at the new one. Exchanging two names is refused: no server of this field does it.
func (f *Filesystem) Rename(_ <-chan struct{}, in *fuse.RenameIn, name, to string) fuse.Status {
	if !f.begin(in.Pid) {
		return fuse.EIO
	}
	defer f.end(in.Pid)
	if in.Flags&^unix.RENAME_NOREPLACE != 0 {
		return fuse.EINVAL
	}
	dir, n := f.child(in.NodeId, name)
	toDir, there := f.child(in.Newdir, to)
	if n == nil || toDir == nil {
		return fuse.ENOENT
	}
	if there != nil && in.Flags&unix.RENAME_NOREPLACE != 0 {
		return fuse.Status(syscall.EEXIST)
	}
	from, had := dir.below(name)
	path, has := toDir.below(to)
	if !had || !has {
		return fuse.ENOENT
	}
	if e := f.fault(OpRename, from, n.file); e != 0 {
		return fuse.Status(e)
	}
	if there == n {
		return fuse.OK // two names of one file: rename(2) does nothing
	}
	if err := syscall.Rename(f.real(from), f.real(path)); err != nil {
		return fuse.Status(errno(err))
	}
	if n.recorded() {
		f.record(trace.Event{Kind: trace.Rename, File: n.file, Path: from, To: path}, nil)
	}
	if there != nil {
		f.leave(toDir, to)
	}
	delete(dir.children, name)
	toDir.children[to] = n
	n.places[slices.Index(n.places, place{dir, name})] = place{toDir, to}
	return fuse.OK
}

func procPath(fd int) string { return fmt.Sprintf("/proc/self/fd/%d", fd) }
