package aof

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"holdfast/internal/nice"
	"holdfast/internal/vfs"
)

// Segments lists the segments, oldest first; the last one is live.
func (l *Log) Segments() []SegmentInfo {
	l.writeMu.Lock()
	defer l.writeMu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	infos := slices.Clone(l.segs)
	live := &infos[len(infos)-1]
	live.Last, live.Used = l.written.Load(), l.live.off
	return infos
}

// BytesBeyond counts the bytes of the segments that hold records beyond LSN through, whole segments. It looks at those
// alone, however many there are before them.
func (l *Log) BytesBeyond(through uint64) (n int64) {
	l.writeMu.Lock()
	defer l.writeMu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.written.Load() > through {
		n = l.live.off
	}
	for i := len(l.segs) - 2; i >= 0 && l.segs[i].Last > through; i-- {
		n += l.segs[i].Used
	}
	return n
}

// Retire removes the segments that hold nothing beyond LSN through, oldest first, but never the live one. An error is not
// final: what could not be removed stays listed, and a later Retire tries again.
func (l *Log) Retire(through uint64) error {
	if err := l.Err(); err != nil {
		return err
	}
	removed := false
	for {
		path, ok := l.oldest(through)
		if !ok {
			break
		}
		if err := l.discard(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("retire log segment: %w", err)
		}
		l.forget(path)
		removed = true
	}
	if !removed {
		return nil
	}
	if l.noRoom.Load() != nil {
		l.makeNext()
	}
	if err := l.opt.FS.SyncDir(l.opt.Dir); err != nil {
		return fmt.Errorf("sync directory %s: %w", l.opt.Dir, err)
	}
	return nil
}

// discard removes a file, behind everything else that there is to do.
func (l *Log) discard(path string) (err error) {
	nice.Run(func() {
		var way nice.Way
		err = vfs.Discard(l.opt.FS, path, way.Give)
	})
	return err
}

// oldest returns the oldest segment's file if it may go.
func (l *Log) oldest(through uint64) (path string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.segs) < 2 || l.segs[0].Last > through {
		return "", false
	}
	return l.segs[0].File, true
}

// forget takes the oldest segment off the list, unless another Retire has done so.
func (l *Log) forget(path string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.segs[0].File == path {
		l.segs = slices.Delete(l.segs, 0, 1)
	}
}
