package aof

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"holdfast/internal/nice"
	"holdfast/internal/vfs"
)

const (
	nextTemp = "next" + tempSuffix // the segment made ahead
	ownTemp  = "own" + tempSuffix  // one made on the spot

	// Zeroes go to disk in slices, so that Close does not wait for a whole segment of them, and nobody for the processor: each takes
	// some 50 microseconds.
	preallocateSlice = 128 << 10
	// trimsWaiting is how many old segments may wait for what they have too much to be taken from them.
	trimsWaiting = 4
)

// Cut writes and syncs everything appended, and begins a new segment at Last()+1, so that all before it can be retired
// as whole files. On a live segment without records it does nothing. Errors are as for Commit; after ErrFull the log goes on in the
// old segment.
//
// It is how a checkpoint begins. So what waits for room may take of that which is kept for one, or it would keep the
// checkpoint from giving it some. Nothing else may, or checkpoint by checkpoint the disk would be full.
func (l *Log) Cut() error {
	l.awaitNext()
	target := l.last.Load()
	l.syncMu.Lock()
	defer l.syncMu.Unlock()
	if err := l.write(target, 0); err != nil {
		return err
	}
	if err := l.syncLive(); err != nil { // while others write, so that they wait for next to nothing below
		return err
	}
	old, err := l.begin()
	if err != nil || old.file == nil {
		return err
	}
	return l.retireLive(old)
}

// awaitNext waits while a segment is being made, which would otherwise be waited for while nobody can write.
func (l *Log) awaitNext() {
	l.nextMu.Lock()
	defer l.nextMu.Unlock()
}

// begin begins a segment at Written()+1 and returns the one before it, or the zero one where the live segment has no
// records. The caller holds syncMu.
func (l *Log) begin() (old liveSegment, err error) {
	l.writeMu.Lock()
	defer l.writeMu.Unlock()
	if l.live.first == l.written.Load()+1 {
		return liveSegment{}, nil
	}
	return l.rotate(0, l.opt.spare())
}

// rotate begins a segment with room for a record of need bytes, if spare bytes are left free beside it, and returns the old one,
// which is to be retired. The steps keep invariant 2: the old segment is synced before the new one has its name, and the new
// header before that too. The caller holds syncMu and writeMu.
func (l *Log) rotate(need, spare int64) (old liveSegment, err error) {
	l.nextMu.Lock() // until the new segment has its name, so that the maker does not reuse the temporary one
	defer l.nextMu.Unlock()
	file, temp, size, err := l.takeNext(need, spare)
	if err != nil {
		return liveSegment{}, err
	}
	if err := l.syncLive(); err != nil {
		return liveSegment{}, errors.Join(err, file.Close())
	}
	fresh, err := l.opt.publish(file, temp, l.written.Load()+1, size)
	if err != nil {
		return liveSegment{}, errors.Join(l.fail("begin a segment", err), file.Close())
	}
	old = l.live
	l.live = fresh
	l.left.Store(fresh.size - fresh.off)
	l.size.Store(fresh.size)
	if temp == filepath.Join(l.opt.Dir, nextTemp) {
		l.ready.Store(0) // only now, so that nobody finds neither room
	}
	l.relist(old)
	return old, nil
}

// publish gives the allocated file its header and its name.
func (o Options) publish(file vfs.File, temp string, first uint64, size int64) (liveSegment, error) {
	path := filepath.Join(o.Dir, segmentName(first))
	h := header{version: Version, first: first, id: o.ID, created: o.Clock().UnixMilli()}
	if _, err := file.WriteAt(h.encode(), 0); err != nil {
		return liveSegment{}, fmt.Errorf("write the header of %s: %w", temp, err)
	}
	if err := file.Sync(); err != nil {
		return liveSegment{}, fmt.Errorf("sync %s: %w", temp, err)
	}
	if err := o.FS.Rename(temp, path); err != nil {
		return liveSegment{}, fmt.Errorf("rename log segment: %w", err)
	}
	if err := o.FS.SyncDir(o.Dir); err != nil {
		return liveSegment{}, fmt.Errorf("sync directory %s: %w", o.Dir, err)
	}
	return liveSegment{file: file, path: path, first: first, seed: seedOf(o.ID, first), off: HeaderBytes, size: size,
		created: h.created}, nil
}

// relist puts the live segment behind old in the list, or in its place if it replaced old's file: a first record larger
// than its segment has the LSN that the segment is named after.
func (l *Log) relist(old liveSegment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	end := len(l.segs) - 1
	if old.first == l.live.first {
		l.segs = l.segs[:end]
	} else {
		l.segs[end].Last, l.segs[end].Used, l.segs[end].Bytes = l.live.first-1, old.off, old.sealedSize()
	}
	l.segs = append(l.segs, l.live.info(l.opt.ID))
}

// retireLive seals the old segment, which another one follows, and has it trimmed. It needs no sync: with or without the seal it
// is sound. The caller holds syncMu.
func (l *Log) retireLive(old liveSegment) error {
	defer l.makeNext() // behind the trim, whose room it may need
	if old.first == l.live.first {
		return l.failing("close "+old.path, old.file.Close())
	}
	if err := old.seal(l.live.first); err != nil {
		return l.fail("seal "+old.path, errors.Join(err, old.file.Close()))
	}
	select {
	case l.wantTrim <- old:
		return nil
	default: // nobody does it for us, or not so soon
		return l.trim(old)
	}
}

// trim gives back what the old segment has too much, letting others go first.
func (l *Log) trim(old liveSegment) error {
	return l.failing("trim "+old.path, old.trim())
}

// failing is fail where there is an error.
func (l *Log) failing(doing string, err error) error {
	if err != nil {
		return l.fail(doing, err)
	}
	return nil
}

// info describes the live segment; Segments fills in what has been written to it since.
func (s liveSegment) info(id [16]byte) SegmentInfo {
	return SegmentInfo{File: s.path, First: s.first, Last: s.first - 1, Bytes: s.size, Used: s.off,
		Created: s.created, ID: id}
}

// turn is the goroutine that begins a segment when the live one is nearly full, until Close or a failure: a commit that finds it
// full waits for a sync of everything since the last one, and one that finds a new segment does not.
func (l *Log) turn() {
	defer l.makers.Done()
	for {
		select {
		case <-l.stop:
			return
		case <-l.wantTurn:
			if l.left.Load() >= l.turnBelow() || l.ready.Load() == 0 {
				continue
			}
			if err := l.Cut(); errors.Is(err, ErrFailed) { // what is not final RoomFor tells
				l.tell(err)
				return
			}
		}
	}
}

// tell says that the log has failed. No later commit need: writes are refused then, and leave none to make.
func (l *Log) tell(failure error) {
	if failure != nil && l.opt.Failed != nil {
		l.told.Do(func() { l.opt.Failed(failure) })
	}
}

// turnBelow is how many bytes the live segment has left when the next one begins.
func (l *Log) turnBelow() int64 { return l.SegmentBytes() / 16 }

// askTurn asks for a new segment if it is time for one.
func (l *Log) askTurn() {
	if l.opt.inline || l.left.Load() >= l.turnBelow() || l.ready.Load() == 0 {
		return
	}
	select {
	case l.wantTurn <- struct{}{}:
	default:
	}
}

// takeNext returns an allocated file with room for a record of need bytes, and its temporary name. ErrFull leaves
// everything as it was. The caller holds nextMu, for which it may have waited while the maker was at work.
func (l *Log) takeNext(need, spare int64) (file vfs.File, temp string, size int64, err error) {
	if ready := l.ready.Load(); l.next != nil && need <= ready-HeaderBytes {
		file, l.next = l.next, nil
		return file, filepath.Join(l.opt.Dir, nextTemp), ready, nil
	}
	temp = filepath.Join(l.opt.Dir, ownTemp)
	if file, size, err = l.opt.allocate(temp, need, spare, nil); err != nil {
		return nil, "", 0, l.lackRoom(err)
	}
	l.noRoom.Store(nil)
	return file, temp, size, nil
}

// makeNext asks for a segment to be made ahead.
func (l *Log) makeNext() {
	if l.opt.inline {
		return
	}
	select {
	case l.wantNext <- struct{}{}:
	default:
	}
}

// make is the goroutine that makes segments ahead, and trims those that have ended, until Close.
func (l *Log) make() {
	defer l.makers.Done()
	nice.Lower()
	if l.opt.Ahead != nil {
		select {
		case <-l.stop:
			return
		case <-l.opt.Ahead:
		}
	}
	for {
		select {
		case <-l.stop:
			return
		case old := <-l.wantTrim:
			l.tell(l.trim(old))
		case <-l.wantNext:
			l.tell(l.trimWaiting())
			l.allocateNext()
		}
	}
}

// trimWaiting trims the segments that wait for it.
func (l *Log) trimWaiting() (err error) {
	for {
		select {
		case old := <-l.wantTrim:
			err = errors.Join(err, l.trim(old))
		default:
			return err
		}
	}
}

// allocateNext makes a segment ahead, if there is none, or remembers why it could not.
func (l *Log) allocateNext() {
	l.nextMu.Lock()
	defer l.nextMu.Unlock()
	if l.next != nil {
		return
	}
	file, size, err := l.opt.allocate(filepath.Join(l.opt.Dir, nextTemp), 0, l.opt.spare(), l.stop)
	if size > 0 {
		l.usual.Store(size)
	}
	if err != nil {
		l.lackRoom(err) // RoomFor tells it
		return
	}
	l.next = file
	l.ready.Store(size)
	l.noRoom.Store(nil)
}

// lackRoom remembers why there is no next segment.
func (l *Log) lackRoom(cause error) error {
	err := full(cause)
	l.triedAt.Store(l.opt.Clock().UnixMilli())
	l.noRoom.Store(&err)
	return err
}

func (o Options) spare() int64 {
	if o.Spare == nil {
		return 0
	}
	return o.Spare()
}

// segmentBytes is the size of a segment with room for a record of need bytes, where so many are free.
func (o Options) segmentBytes(free, need int64) int64 {
	size := min(o.SegmentBytes, max(free/segmentShare, segmentBytesLeast))
	if need > size-HeaderBytes {
		return HeaderBytes + need + sealBytes
	}
	return size
}

// allocate creates a zero-filled file with room for a record of need bytes and syncs it, if spare bytes are left free beside
// it. It leaves no file behind when it can not, or when stop is closed on the way.
func (o Options) allocate(path string, need, spare int64, stop <-chan struct{}) (file vfs.File, size int64, err error) {
	if err := o.FS.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, 0, fmt.Errorf("remove what is left of a segment: %w", err)
	}
	free, err := o.FS.Free(o.Dir)
	if err != nil {
		return nil, 0, fmt.Errorf("free space of %s: %w", o.Dir, err)
	}
	size = o.segmentBytes(free, need)
	if free < size+spare { // do not take the last bytes from others, only to give them back
		return nil, size, fmt.Errorf("%d bytes are free, a segment takes %d, and a checkpoint is to find %d", free, size, spare)
	}
	if file, err = o.FS.Create(path); err != nil {
		return nil, 0, fmt.Errorf("create a segment: %w", err)
	}
	if err := zeroFill(file, size, stop); err != nil {
		return nil, 0, errors.Join(fmt.Errorf("allocate %s: %w", path, err), file.Close(), o.FS.Remove(path))
	}
	return file, size, nil
}

func zeroFill(file vfs.File, size int64, stop <-chan struct{}) error {
	var way nice.Way
	for off := int64(0); off < size; off += preallocateSlice {
		way.Give()
		select {
		case <-stop:
			return ErrClosed
		default:
		}
		if err := file.Preallocate(off, min(preallocateSlice, size-off)); err != nil {
			return err
		}
	}
	return file.Sync() // so that the rotation has only the header to sync
}

// dropNext lets go of the segment made ahead.
func (l *Log) dropNext() error {
	l.nextMu.Lock()
	defer l.nextMu.Unlock()
	if l.next == nil {
		return nil
	}
	err := errors.Join(l.next.Close(), l.opt.FS.Remove(filepath.Join(l.opt.Dir, nextTemp)))
	l.next = nil
	l.ready.Store(0)
	return err
}
