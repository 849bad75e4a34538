package aof

import (
	"errors"
	"fmt"
	"path/filepath"
)

// Recover opens the log in o.Dir, hands each record with an LSN above base to apply, in order, cuts a torn tail, and
// returns the log ready for the next LSN: that after the last record, or base+1 when there is nothing newer than base.
// Everything replayed is durable by then. A directory without segments begins a log at base+1.
//
// An error of apply, or of o.Replayed, is returned as it is, but for apply's ErrBadCommand, which is damage. It, damage (a
// *DamageError) and every other error found while reading leave the directory unchanged, though apply has seen what came before.
// The caller holds the data directory's lock.
func Recover(o Options, base uint64, apply func(Record) error) (*Log, Recovery, error) {
	if o.SegmentBytes == 0 {
		o.SegmentBytes = segmentBytesDefault
	}
	if o.SegmentBytes < segmentBytesMin {
		return nil, Recovery{}, fmt.Errorf("log segments of %d bytes are too small; the least is %d", o.SegmentBytes, segmentBytesMin)
	}
	if err := o.FS.MkdirAll(o.Dir); err != nil {
		return nil, Recovery{}, fmt.Errorf("make the log's directory: %w", err)
	}
	segs, temps, err := loadSegments(o.FS, o.Dir)
	if err != nil {
		return nil, Recovery{}, err
	}
	w := walk{fs: o.FS, id: o.ID, segs: segs, from: base + 1, emit: func(at Position, r Record) error {
		err := apply(r)
		if errors.Is(err, ErrBadCommand) { // its checksum is right, its content makes no sense
			return &DamageError{Kind: ErrCorrupt, Segment: at.File, Offset: at.Offset, LSN: r.LSN, Reason: err.Error()}
		}
		return err
	}}
	if err := w.run(); err != nil {
		return nil, w.found, err
	}
	if last := len(segs) - 1; w.torn && base >= segs[last].first {
		return nil, w.found, segs[last].damage // the base has records that this segment held
	}
	if o.Replayed != nil {
		if err := o.Replayed(); err != nil {
			return nil, w.found, err
		}
	}
	if err := o.settle(&w, temps); err != nil {
		return nil, w.found, err
	}
	live, err := o.resume(&w, base)
	if err != nil {
		return nil, w.found, err
	}
	return start(o, &w, live), w.found, nil
}

// settle cuts the torn tail, makes what was replayed durable (the kernel may be all that has it, after a kill) and
// removes temporary files.
func (o Options) settle(w *walk, temps []string) error {
	if len(w.segs) > 0 && !w.torn {
		if err := o.cut(w.segs[len(w.segs)-1].path, w.found.CutOffset, w.found.CutBytes); err != nil {
			return err
		}
	}
	for _, path := range temps {
		if !o.inline && filepath.Base(path) == nextTemp {
			continue // the maker replaces it: to remove so many dirty pages takes milliseconds
		}
		if err := o.FS.Remove(path); err != nil {
			return fmt.Errorf("remove what is left of a segment: %w", err)
		}
	}
	if err := o.FS.SyncDir(o.Dir); err != nil {
		return fmt.Errorf("sync directory %s: %w", o.Dir, err)
	}
	if len(w.segs) > 0 {
		return nil
	}
	// A start that was killed may have made the directory and not synced its name.
	if err := o.FS.SyncDir(filepath.Dir(o.Dir)); err != nil {
		return fmt.Errorf("sync the directory of %s: %w", o.Dir, err)
	}
	return nil
}

// cut zeroes size bytes of the last segment, which may be none, and syncs it.
func (o Options) cut(path string, off, size int64) (err error) {
	f, err := o.FS.Open(path)
	if err != nil {
		return fmt.Errorf("open log segment: %w", err)
	}
	defer closing(f, &err)
	zero := make([]byte, min(size, judgeChunk))
	for done := int64(0); done < size; done += int64(len(zero)) {
		if _, err := f.WriteAt(zero[:min(size-done, judgeChunk)], off+done); err != nil {
			return fmt.Errorf("cut %s at offset %d: %w", path, off, err)
		}
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", path, err)
	}
	return nil
}

// resume opens the last segment to go on in it, or begins one where it can not be continued.
func (o Options) resume(w *walk, base uint64) (liveSegment, error) {
	next := max(w.next, base+1)
	if len(w.segs) == 0 || w.torn || w.next < next {
		return o.begin(next)
	}
	s := w.segs[len(w.segs)-1]
	f, err := o.FS.Open(s.path)
	if err != nil {
		return liveSegment{}, fmt.Errorf("open log segment: %w", err)
	}
	return liveSegment{file: f, path: s.path, first: s.first, seed: seedOf(o.ID, s.first), off: w.end, size: s.size,
		created: s.header.created}, nil
}

// begin starts a segment at LSN first, in place of one of that name.
func (o Options) begin(first uint64) (liveSegment, error) {
	temp := filepath.Join(o.Dir, ownTemp)
	f, size, err := o.allocate(temp, 0, 0, nil)
	if err != nil {
		return liveSegment{}, fmt.Errorf("begin the log: %w", full(err))
	}
	live, err := o.publish(f, temp, first, size)
	if err != nil {
		return liveSegment{}, errors.Join(fmt.Errorf("begin the log: %w", err), f.Close())
	}
	return live, nil
}

// start makes the log, and the goroutines that see to its segments.
func start(o Options, w *walk, live liveSegment) *Log {
	l := &Log{opt: o, live: live, wantNext: make(chan struct{}, 1), wantTurn: make(chan struct{}, 1), stop: make(chan struct{})}
	l.policy.Store(uint32(o.Policy))
	last := max(w.next, live.first) - 1
	l.last.Store(last)
	l.written.Store(last)
	l.durable.Store(last)
	l.left.Store(live.size - live.off)
	l.size.Store(live.size)
	l.usual.Store(min(live.size, o.SegmentBytes))
	for i, s := range w.segs {
		if s.first == live.first { // the live one itself, or a torn one in its place
			break
		}
		through := w.next - 1
		if i+1 < len(w.segs) {
			through = w.segs[i+1].first - 1
		}
		l.segs = append(l.segs, s.info(through, w.used[i]))
	}
	l.segs = append(l.segs, live.info(o.ID))
	if !o.inline {
		l.wantTrim = make(chan liveSegment, trimsWaiting)
		l.makers.Add(2)
		go l.make()
		go l.turn()
		l.makeNext()
	}
	return l
}
