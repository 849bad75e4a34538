package recorder

import (
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// GetAttr reads attributes.
func (f *Filesystem) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.attributes(in.NodeId, out)
}

// attributes is GetAttr with f.mu held.
func (f *Filesystem) attributes(id uint64, out *fuse.AttrOut) fuse.Status {
	n := f.nodes[id]
	if n == nil {
		return fuse.Status(syscall.ESTALE)
	}
	out.SetTimeout(cached)
	return fuse.Status(f.stat(n, &out.Attr))
}

// SetAttr changes the size, which is recorded, and mode, owner and times, which are not: no crash is judged by them.
func (f *Filesystem) SetAttr(_ <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	if !f.begin(in.Pid) {
		return fuse.EIO
	}
	defer f.end(in.Pid)
	n := f.nodes[in.NodeId]
	if n == nil {
		return fuse.Status(syscall.ESTALE)
	}
	var h *handle
	if id, ok := in.GetFh(); ok {
		h = f.handle(id)
	}
	if size, ok := in.GetSize(); ok {
		if e := f.truncate(n, h, int64(size)); e != 0 {
			return fuse.Status(e)
		}
	}
	if e := f.adorn(n, in); e != 0 {
		return fuse.Status(e)
	}
	return f.attributes(in.NodeId, out)
}

// adorn sets mode, owner and times.
func (f *Filesystem) adorn(n *node, in *fuse.SetAttrIn) syscall.Errno {
	path, ok := n.path()
	at, follow := f.real(path), unix.AT_SYMLINK_NOFOLLOW
	if !ok {
		if len(n.handles) == 0 || n.handles[0].fd < 0 {
			return syscall.ESTALE
		}
		at, follow = procPath(n.handles[0].fd), 0
	}
	if mode, ok := in.GetMode(); ok {
		if err := syscall.Chmod(at, mode&07777); err != nil {
			return errno(err)
		}
	}
	uid, hasUID := in.GetUID()
	gid, hasGID := in.GetGID()
	if hasUID || hasGID {
		owner, group := -1, -1
		if hasUID {
			owner = int(uid)
		}
		if hasGID {
			group = int(gid)
		}
		if err := unix.Fchownat(unix.AT_FDCWD, at, owner, group, follow); err != nil {
			return errno(err)
		}
	}
	accessed, hasAccessed := in.GetATime()
	changed, hasChanged := in.GetMTime()
	if !hasAccessed && !hasChanged {
		return 0
	}
	times := []unix.Timespec{timespec(accessed, hasAccessed), timespec(changed, hasChanged)}
	return errno(unix.UtimesNanoAt(unix.AT_FDCWD, at, times, follow))
}

func timespec(t time.Time, set bool) unix.Timespec {
	if !set {
		return unix.Timespec{Nsec: unix.UTIME_OMIT}
	}
	return unix.NsecToTimespec(t.UnixNano())
}
