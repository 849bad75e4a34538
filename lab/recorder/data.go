package recorder

import (
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"holdfast/lab/trace"
)

// Read reads from a file.
func (f *Filesystem) Read(_ <-chan struct{}, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	h := f.handle(in.Fh)
	if h == nil {
		return nil, fuse.EBADF
	}
	read := 0
	for read < len(buf) {
		n, err := syscall.Pread(h.fd, buf[read:], int64(in.Offset)+int64(read))
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return nil, fuse.Status(errno(err))
		}
		if n == 0 {
			break
		}
		read += n
	}
	return fuse.ReadResultData(buf[:read]), fuse.OK
}

// Write writes to a file. The kernel knows the end of the file, so the offset is right for O_APPEND too. It sends a sync
// of its own after each write with O_SYNC or O_DSYNC.
func (f *Filesystem) Write(_ <-chan struct{}, in *fuse.WriteIn, data []byte) (uint32, fuse.Status) {
	h := f.handle(in.Fh)
	if h == nil {
		return 0, fuse.EBADF
	}
	if !f.begin(in.Pid) {
		return 0, fuse.EIO
	}
	defer f.end(in.Pid)
	written, e := f.write(h, in, data)
	if written > 0 {
		e = 0
	}
	return uint32(written), fuse.Status(e)
}

// write is Write with f.mu held.
func (f *Filesystem) write(h *handle, in *fuse.WriteIn, data []byte) (written int, e syscall.Errno) {
	n := h.node
	path := n.name()
	if in.WriteFlags&fuse.WRITE_CACHE != 0 && !n.mapped {
		n.mapped = true
		f.problem("%s is written to through a mapping: the order of such writes is not known", path)
		f.record(trace.Event{Kind: trace.Mark, Note: trace.MarkMapped, File: n.file, Path: path}, nil)
	}
	if e := f.fault(OpWrite, path, n.file); e != 0 {
		return 0, e
	}
	written, err := pwrite(h.fd, data, int64(in.Offset))
	if written > 0 {
		f.record(trace.Event{Kind: trace.Write, File: n.file, Path: path, Off: int64(in.Offset), Size: int64(written)}, data[:written])
	}
	return written, errno(err)
}

func pwrite(fd int, data []byte, off int64) (written int, err error) {
	for written < len(data) {
		n, err := syscall.Pwrite(fd, data[written:], off+int64(written))
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return written, err
		}
		written += n
	}
	return written, nil
}

// Fsync makes a file durable: nothing is done, it is recorded when the time is over that it would take.
func (f *Filesystem) Fsync(_ <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	h := f.handle(in.Fh)
	if h == nil {
		return fuse.EBADF
	}
	return f.sync(in.Pid, h.node, func(n *node, covers uint64) trace.Event {
		return trace.Event{Kind: trace.Sync, File: n.file, Path: n.name(), Covers: covers, DataOnly: in.FsyncFlags&1 != 0}
	})
}

// FsyncDir makes a directory durable.
func (f *Filesystem) FsyncDir(_ <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	f.mu.Lock()
	n := f.nodes[in.NodeId]
	f.mu.Unlock()
	if n == nil {
		return fuse.Status(syscall.ESTALE)
	}
	return f.sync(in.Pid, n, func(n *node, covers uint64) trace.Event {
		return trace.Event{Kind: trace.SyncDir, Path: n.name(), Covers: covers}
	})
}

func (f *Filesystem) sync(thread uint32, n *node, event func(*node, uint64) trace.Event) fuse.Status {
	if !f.begin(thread) {
		return fuse.EIO
	}
	covers := f.last()
	e := f.fault(OpSync, n.name(), n.file)
	f.end(thread)
	f.wait()
	if !f.begin(thread) {
		return fuse.EIO
	}
	defer f.end(thread)
	switch _, named := n.path(); {
	case e != 0 && n.file != 0:
		f.record(trace.Event{Kind: trace.Mark, Note: trace.MarkSyncFailed, File: n.file, Path: n.name(), Covers: covers}, nil)
	case e == 0 && (named || n.file != 0): // of a directory that is gone there is nothing to say
		f.record(event(n, covers), nil)
	}
	return fuse.Status(e)
}

// wait takes the time of a sync.
func (f *Filesystem) wait() {
	d := time.Duration(f.syncDelay.Load())
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-f.gone:
	}
}

// Fallocate reserves, punches or zeros a part of a file.
func (f *Filesystem) Fallocate(_ <-chan struct{}, in *fuse.FallocateIn) fuse.Status {
	h := f.handle(in.Fh)
	if h == nil {
		return fuse.EBADF
	}
	if !f.begin(in.Pid) {
		return fuse.EIO
	}
	defer f.end(in.Pid)
	n := h.node
	if e := f.fault(OpAllocate, n.name(), n.file); e != 0 {
		return fuse.Status(e)
	}
	if err := unix.Fallocate(h.fd, in.Mode, int64(in.Offset), int64(in.Length)); err != nil {
		return fuse.Status(errno(err))
	}
	f.record(trace.Event{Kind: trace.Allocate, File: n.file, Path: n.name(), Off: int64(in.Offset), Size: int64(in.Length), Mode: in.Mode}, nil)
	return fuse.OK
}

// truncate gives a file a size, through a handle if there is one. f.mu is held.
func (f *Filesystem) truncate(n *node, h *handle, size int64) syscall.Errno {
	if h == nil || !h.writes {
		h = n.writable()
	}
	var err error
	if path, ok := n.path(); h != nil {
		err = syscall.Ftruncate(h.fd, size)
	} else if ok {
		err = syscall.Truncate(f.real(path), size)
	} else {
		err = syscall.ESTALE
	}
	if err == nil {
		f.record(trace.Event{Kind: trace.Truncate, File: n.file, Path: n.name(), Size: size}, nil)
	}
	return errno(err)
}

// StatFs passes on how much room there is.
func (f *Filesystem) StatFs(_ <-chan struct{}, _ *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	var st syscall.Statfs_t
	if err := syscall.Statfs(f.backing, &st); err != nil {
		return fuse.Status(errno(err))
	}
	out.FromStatfsT(&st)
	return fuse.OK
}

// Ioctl is nothing that files here know.
func (f *Filesystem) Ioctl(<-chan struct{}, *fuse.IoctlIn, []byte, *fuse.IoctlOut, []byte) fuse.Status {
	return fuse.Status(syscall.ENOTTY)
}
