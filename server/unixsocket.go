package server

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// unixSocket is the file of the unix socket. gnet removes whatever lies at the path that it is to listen on, and again at its
// end. So it is given a name beside it that nobody else has, and the socket gets its real name when it listens, if that is free.
type unixSocket struct {
	path   string
	beside string      // the name that gnet knows; there is nothing by it while the server serves
	placed fs.FileInfo // what publish put at path; nil before
}

const (
	pathBytesMax   = 107         // of a socket, as the kernel has it
	besidePrefix   = ".hf"       // of the name beside
	besideBytes    = 8           // of that name
	answerWaitMax  = time.Second // for a socket that is there to take a connection
	directoryBytes = pathBytesMax - 1 - besideBytes
)

// newUnixSocket looks whether a path can be listened on, for an error that says why it cannot. Nothing is changed.
func newUnixSocket(path string) (*unixSocket, error) {
	if strings.HasPrefix(path, "@") { // which the net package takes for a name that is no file's
		path = "./" + path
	}
	dir := filepath.Dir(path)
	if len(path) > pathBytesMax || len(dir) > directoryBytes {
		return nil, fmt.Errorf("%w: unixsocket %s: a path has %d bytes at the most, of which its directory has %d; this one has %d and %d; give a shorter one",
			ErrSettings, path, pathBytesMax, directoryBytes, len(path), len(dir))
	}
	u := &unixSocket{path: path, beside: filepath.Join(dir, besidePrefix+rand.Text()[:besideBytes-len(besidePrefix)])}
	if err := u.vacant(); err != nil {
		return nil, err
	}
	return u, u.probe()
}

// vacant says who has the path, unless it is free, or a socket on which nobody listens any more, as a crash leaves it.
func (u *unixSocket) vacant() error {
	info, err := os.Lstat(u.path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR): // the latter is probe's to tell
		return nil
	case err != nil:
		return u.cannot(err)
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%w: unixsocket %s: what is there is no socket; nothing has been changed; give another path, or take it away", ErrSettings, u.path)
	}
	conn, err := net.DialTimeout("unix", u.path, answerWaitMax)
	switch {
	case err == nil:
		return errors.Join(u.cannot(fmt.Errorf("%w; stop what listens there, or give another --unixsocket", syscall.EADDRINUSE)), conn.Close())
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return u.cannot(fmt.Errorf("whether somebody listens there cannot be told: %w; give another --unixsocket, or remove it if nobody does", errors.Unwrap(err)))
}

// probe finds out whether a socket can be made in the directory.
func (u *unixSocket) probe() error {
	l, err := net.Listen("unix", u.beside)
	switch {
	case err == nil:
		return l.Close() // which removes it
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%w: unixsocket %s: there is no directory %s; make it, or give another path", ErrSettings, u.path, filepath.Dir(u.path))
	case errors.Is(err, fs.ErrPermission):
		return u.cannot(fmt.Errorf("%w; let this user write to %s, or give another --unixsocket", syscall.EACCES, filepath.Dir(u.path)))
	}
	return u.cannot(errors.Unwrap(err))
}

func (u *unixSocket) cannot(err error) error {
	return fmt.Errorf("%w on the unix socket %s: %w", ErrAddress, u.path, err)
}

// publish gives the socket, which is being listened on, its name and its mode; 0 leaves the mode as umask says.
func (u *unixSocket) publish(mode fs.FileMode) (err error) {
	if mode != 0 {
		if err := os.Chmod(u.beside, mode); err != nil {
			return u.cannot(err)
		}
	}
	if err = os.Link(u.beside, u.path); errors.Is(err, fs.ErrExist) { // a second name, as a rename would take the place of another's
		if err := u.vacant(); err != nil {
			return err
		}
		if err = os.Remove(u.path); err == nil || errors.Is(err, fs.ErrNotExist) {
			err = os.Link(u.beside, u.path)
		}
	}
	if err == nil {
		u.placed, err = os.Lstat(u.beside)
	}
	if err = errors.Join(err, os.Remove(u.beside)); err != nil {
		return u.cannot(err)
	}
	return nil
}

// withdraw removes the socket, unless another one has taken its place. It is called while the socket is open still: until
// then its inode is no other file's.
func (u *unixSocket) withdraw() error {
	if u == nil || u.placed == nil {
		return nil
	}
	now, err := os.Lstat(u.path)
	ours := err == nil && os.SameFile(now, u.placed)
	u.placed = nil
	if !ours {
		return nil
	}
	return os.Remove(u.path)
}
