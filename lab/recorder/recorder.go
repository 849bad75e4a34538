// Package recorder is a filesystem that writes down what is done to it. It lies over a normal directory: each operation
// that changes something is done there and appended to a trace, both under one lock, so that the order in the trace is
// the order in which things happened.
//
//	server ──► kernel ──► Filesystem ──► the backing directory
//	                          ├──────► trace
//	                          └──────► Faults: this one fails
//
// A sync does nothing to the backing directory, which no power cut will hit: it waits as long as a disk would (SyncDelay)
// and is appended when it is done, with the number of the last event before it began.
//
// The kernel passes each write(2) on as it comes, without keeping it back; one of more than 1 MiB comes in parts. It
// caches names, attributes and pages for good, because nobody else may change the backing directory while it is mounted.
// Locks are the kernel's own. While a file is being synced, the kernel lets nobody write to it.
//
// # A failed sync
//
// When a sync of a file fails (see Faults), the kernel of a real machine drops what could not be written: the pages count
// as clean, reading shows them for as long as they are cached, and later syncs succeed without having written them. In the
// trace that is a Mark with the note trace.MarkSyncFailed, the File, and Covers, the last event before the sync began:
// the writes to File up to Covers that no Sync before the mark covers are never made durable by a later Sync, only by
// being written again. A failed sync of a directory leaves only that Sync out: names are not dropped.
//
// The package also finds and removes the mounts of a lab that was killed: CleanStale.
package recorder

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"holdfast/lab/trace"
)

// ErrNoFUSE says that this machine, or this user, cannot mount a filesystem.
var ErrNoFUSE = errors.New("no filesystem can be mounted here")

// Options say what to mount where.
type Options struct {
	Backing    string // an existing directory
	Mountpoint string // another, empty one
	// Trace takes the operations; nil records none.
	Trace *trace.Writer
	// SyncDelay is how long each sync takes.
	SyncDelay time.Duration
	// Faults make operations fail; nil makes none.
	Faults *Faults
}

// Filesystem is a mounted filesystem. Its methods are safe for concurrent use.
type Filesystem struct {
	fuse.RawFileSystem // what is not defined here is not implemented

	backing, mountpoint string
	trace               *trace.Writer
	faults              *Faults
	syncDelay           atomic.Int64

	mu    sync.Mutex // guards what follows, the backing directory and the order of the trace
	nodes map[uint64]*node
	root  *node
	ids   uint64 // the last node's
	files uint64 // the last file's number
	seq   uint64 // the last event's, or what it would be without a trace
	// left is how many operations there are until stop is called; stopped is open while that runs.
	left    int
	stop    func()
	stopped chan struct{}
	lost    error // why an event is missing from the trace

	handlesMu sync.RWMutex // guards what follows
	handles   map[uint64]*handle
	handleIDs uint64

	problemsMu sync.Mutex // guards what follows
	problems   []string

	unmounting sync.Mutex // guards what follows
	unmounted  bool

	gone   chan struct{} // closed when it is unmounted
	served chan struct{} // closed when the last request has been
}

// Mount appends to the trace what the backing directory holds, then a Mark that says so, and mounts the filesystem.
// ErrNoFUSE when there is no /dev/fuse, or no right to mount.
func Mount(o Options) (*Filesystem, error) {
	f := &Filesystem{
		RawFileSystem: fuse.NewDefaultRawFileSystem(),
		trace:         o.Trace, faults: o.Faults, nodes: map[uint64]*node{}, handles: map[uint64]*handle{},
		gone: make(chan struct{}), served: make(chan struct{}),
	}
	f.syncDelay.Store(int64(o.SyncDelay))
	var err error
	if f.backing, err = directory(o.Backing); err != nil {
		return nil, fmt.Errorf("the recording filesystem's backing directory: %w", err)
	}
	if f.mountpoint, err = directory(o.Mountpoint); err != nil {
		return nil, fmt.Errorf("the recording filesystem's mount point: %w", err)
	}
	if err := available(); err != nil {
		return nil, err
	}
	if err := f.describe(); err != nil {
		return nil, fmt.Errorf("recording what %s holds: %w", f.backing, err)
	}
	if err := f.serve(); err != nil {
		return nil, err
	}
	return f, nil
}

// directory is the absolute path, without symbolic links, of something that must be a directory.
func directory(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return "", err
	}
	info, err := os.Stat(abs)
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return "", fmt.Errorf("%s: %w", abs, syscall.ENOTDIR)
	}
	return abs, nil
}

// SetSyncDelay changes how long each sync that begins from now on takes.
func (f *Filesystem) SetSyncDelay(d time.Duration) { f.syncDelay.Store(int64(d)) }

// At has do called right after the n-th operation from now, n being at least 1, counting the events that are IsFile.
// Until do returns no other operation is done, and none that was is answered, except to who is being killed. So do may
// kill the server and wait for its end: the n-th operation is then the last, and the server never heard of it. What this
// process itself does is not held up but, after the n-th, fails with EIO until then.
func (f *Filesystem) At(n int, do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left, f.stop = n, do
}

// Problems lists what makes the trace inexact, or is worth knowing when it is judged; each once, in a line.
func (f *Filesystem) Problems() []string {
	f.problemsMu.Lock()
	defer f.problemsMu.Unlock()
	return slices.Clone(f.problems)
}

func (f *Filesystem) problem(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	f.problemsMu.Lock()
	defer f.problemsMu.Unlock()
	if len(f.problems) < problemsMax && !slices.Contains(f.problems, text) {
		f.problems = append(f.problems, text)
	}
}

// problemsMax bounds the list: some are per file.
const problemsMax = 100

// record appends an event. f.mu is held.
func (f *Filesystem) record(e trace.Event, data []byte) (seq uint64) {
	if f.trace == nil {
		f.seq++
	} else if seq, err := f.trace.Append(e, data); err == nil {
		f.seq = seq
	} else {
		f.lost = err
		f.problem("not all was recorded: %v", err)
	}
	if f.left > 0 && e.Kind.IsFile() {
		if f.left--; f.left == 0 {
			f.halt()
		}
	}
	return f.seq
}

// last is the number of the newest event. f.mu is held.
func (f *Filesystem) last() uint64 {
	if f.trace == nil {
		return f.seq
	}
	return f.trace.Last()
}
