package fault

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"holdfast/lab/disk"
	"holdfast/lab/recorder"
	"holdfast/lab/trace"
)

// mount is a recording filesystem for one experiment. What is done on it is in a trace of its own.
type mount struct {
	mountpoint, backing, trace string

	faults recorder.Faults
	fs     *recorder.Filesystem
	log    *trace.Writer
}

// mount makes one, with syncs as slow as the experiment wants. recorder.ErrNoFUSE where there can be none.
func (l *lab) mount(x experiment) (*mount, error) {
	room, err := l.room()
	if err != nil {
		return nil, err
	}
	m := &mount{mountpoint: filepath.Join(room, "data"), backing: filepath.Join(room, "files"), trace: filepath.Join(room, "trace")}
	for _, dir := range []string{m.mountpoint, m.backing} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return nil, fmt.Errorf("making a directory for an experiment: %w", err)
		}
	}
	if m.log, err = trace.NewWriter(m.trace, trace.Meta{}, 0); err != nil {
		return nil, err
	}
	options := recorder.Options{Backing: m.backing, Mountpoint: m.mountpoint, Trace: m.log, Faults: &m.faults}
	if x.kind == Slow {
		options.SyncDelay = x.after
	}
	if m.fs, err = recorder.Mount(options); err != nil {
		return nil, errors.Join(err, m.log.Close())
	}
	return m, nil
}

// arm has the calls fail that the experiment says, counted from now.
func (m *mount) arm(x experiment) error {
	if x.kind != Error {
		return nil
	}
	no := syscall.EIO
	if x.fails == "enospc" {
		no = syscall.ENOSPC
	}
	return m.faults.Arm(recorder.Rule{Op: recorder.Op(x.call), N: x.n, From: x.always, Err: no})
}

// unmount ends the filesystem and its trace. It may be called again.
func (m *mount) unmount() error {
	if m.fs == nil {
		return nil
	}
	err := errors.Join(m.fs.Unmount(), m.log.Close())
	m.fs = nil
	return err
}

// remove removes everything of it.
func (m *mount) remove() error {
	return errors.Join(m.unmount(), os.RemoveAll(filepath.Dir(m.mountpoint)))
}

// each goes through the trace, after unmount.
func (m *mount) each(fn func(trace.Event) error) (err error) {
	r, err := trace.Open(m.trace)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return r.Events(func(e trace.Event) (bool, error) { return true, fn(e) })
}

// powerCut makes the directory that a power cut at the end of the trace leaves on a journalling filesystem, if all is
// lost that was not synced.
func (m *mount) powerCut(dir string) (err error) {
	r, err := trace.Open(m.trace)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	model := disk.New(r, disk.Ordered)
	if err := r.Events(func(e trace.Event) (bool, error) { return true, model.Apply(e) }); err != nil {
		return fmt.Errorf("what a power cut leaves: %w", err)
	}
	crash := model.Crash(sector)
	return crash.Build(dir, crash.Pick(disk.OnlySynced, 0))
}
