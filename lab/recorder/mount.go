package recorder

import (
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

const (
	device = "/dev/fuse"
	// writeMax is the largest write that the kernel passes on in one piece, in bytes.
	writeMax = 1 << 20
	// busyMax is how long a mount may stay busy before it is taken away from under its users.
	busyMax = 2 * time.Second
)

// available says whether a filesystem can be mounted at all, before anything is done.
func available() error {
	fd, err := syscall.Open(device, syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrNoFUSE, device, err)
	}
	if err := syscall.Close(fd); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrNoFUSE, device, err)
	}
	return nil
}

// serve mounts the filesystem and answers requests until it is unmounted.
func (f *Filesystem) serve() error {
	name, err := sourceName()
	if err != nil {
		return err
	}
	options := &fuse.MountOptions{
		FsName: name, Name: source, MaxWrite: writeMax, DirectMountStrict: true,
		DisableXAttrs: true, DisableReadDirPlus: true, ExplicitDataCacheControl: true,
		Logger: log.New(io.Discard, "", 0), // what it says is of requests whose caller was killed
	}
	server, err := f.direct(options)
	if errors.Is(err, syscall.EPERM) {
		if _, missing := fusermount(); missing != nil {
			return fmt.Errorf("%w: mounting on %s takes root, or fusermount3: %w", ErrNoFUSE, f.mountpoint, err)
		}
		options.DirectMountStrict = false
		server, err = fuse.NewServer(f, f.mountpoint, options)
	}
	if err != nil {
		return fmt.Errorf("%w: mounting on %s: %w", ErrNoFUSE, f.mountpoint, err)
	}
	go func() {
		server.Serve()
		close(f.served)
	}()
	if err := server.WaitMount(); err != nil {
		return errors.Join(fmt.Errorf("%w: mounting on %s: %w", ErrNoFUSE, f.mountpoint, err), f.Unmount())
	}
	return nil
}

// direct mounts by the system call. The library leaves the descriptor of the connection open to child processes; a
// server that inherits it would keep a killed lab's mount alive, and hang on it. So nobody forks until it is marked.
func (f *Filesystem) direct(options *fuse.MountOptions) (*fuse.Server, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	server, err := fuse.NewServer(f, f.mountpoint, options)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil, errors.Join(err, unmount(f.mountpoint, 0))
	}
	for _, entry := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + entry.Name()); err == nil && target == device {
			var fd int
			if _, err := fmt.Sscan(entry.Name(), &fd); err == nil {
				syscall.CloseOnExec(fd)
			}
		}
	}
	return server, nil
}

// Unmount ends the filesystem, whatever the state of those who use it: what stays busy for two seconds is taken away
// from under them. It may be called again.
func (f *Filesystem) Unmount() error {
	f.unmounting.Lock()
	defer f.unmounting.Unlock()
	if f.unmounted {
		return nil
	}
	if err := unmount(f.mountpoint, busyMax); err != nil {
		return err
	}
	f.unmounted = true
	close(f.gone)
	<-f.served
	f.letAll()
	return nil
}

// unmount unmounts what is at a mount point; that nothing is, is fine.
func unmount(mountpoint string, patience time.Duration) error {
	deadline := time.Now().Add(patience)
	for {
		err := unix.Unmount(mountpoint, unix.UMOUNT_NOFOLLOW)
		switch {
		case err == nil || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOENT):
			return nil
		case errors.Is(err, syscall.EPERM):
			return unmountAsUser(mountpoint)
		case !errors.Is(err, syscall.EBUSY):
			return fmt.Errorf("unmounting %s: %w", mountpoint, err)
		case time.Now().After(deadline):
			// Force ends the connection, so that nobody waits for an answer any more; detach leaves what is still held to itself.
			if err := unix.Unmount(mountpoint, unix.MNT_FORCE|unix.MNT_DETACH); err != nil && !errors.Is(err, syscall.EINVAL) {
				return fmt.Errorf("unmounting %s by force: %w", mountpoint, err)
			}
			return nil
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// unmountAsUser has the program do it that may.
func unmountAsUser(mountpoint string) error {
	program, err := fusermount()
	if err != nil {
		return fmt.Errorf("unmounting %s: %w", mountpoint, err)
	}
	if exec.Command(program, "-u", mountpoint).Run() == nil {
		return nil
	}
	if out, err := exec.Command(program, "-u", "-z", mountpoint).CombinedOutput(); err != nil {
		return fmt.Errorf("unmounting %s: %s: %w", mountpoint, out, err)
	}
	return nil
}

// fusermount finds the program by which users mount.
func fusermount() (string, error) {
	if path, err := exec.LookPath("fusermount3"); err == nil {
		return filepath.Clean(path), nil
	}
	return exec.LookPath("fusermount")
}
