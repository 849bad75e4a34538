package aof

import "fmt"

const (
	// reserveBytesMax is kept at the end of the log for deletes and expiry, once no other segment can be had.
	reserveBytesMax = 1 << 20
	// retryMillis is the pause between attempts to make a segment on a full disk.
	retryMillis = 1000
)

func full(cause error) error { return fmt.Errorf("%w: %w", ErrFull, cause) }

// RoomFor is nil when records that take size bytes in all (RecordBytes) may be appended without touching the reserve. It
// is ErrFull, with the cause, when there is no room; each question is then an occasion to try again, at most once a
// second. It touches the file system only when neither the live segment nor the one made ahead has the room.
func (l *Log) RoomFor(size int64) error {
	if err := l.Err(); err != nil {
		return err
	}
	need := l.backlog.Load() + size
	if need+reserve(l.size.Load()) <= l.left.Load() {
		return nil
	}
	// What does not fit begins in the segment made ahead. Had it to hold all that waits, it would still do.
	if ready := l.ready.Load(); ready > 0 && need+reserve(ready) <= ready-HeaderBytes {
		return nil
	}
	if err := l.noRoom.Load(); err != nil {
		if l.opt.Clock().UnixMilli()-l.triedAt.Load() >= retryMillis {
			l.makeNext()
		}
		return *err
	}
	free, err := l.opt.FS.Free(l.opt.Dir)
	if err != nil {
		return full(err)
	}
	next := l.opt.segmentBytes(free, 0)
	// Each segment may end early, in the worst case one record before its middle; hence twice what is needed.
	if wanted := 2*(need+reserve(next)) + next + l.opt.spare(); free < wanted {
		return full(fmt.Errorf("%d bytes are free, %d are wanted", free, wanted))
	}
	return nil
}

// Waiting is the bytes of the records that are not yet written.
func (l *Log) Waiting() int64 { return l.backlog.Load() }

// SegmentBytes is the size of a segment, as the disk was when one was last to be made ahead.
func (l *Log) SegmentBytes() int64 { return l.usual.Load() }

// Ahead is how many bytes of records the live segment and the next one may have yet to hold.
func (l *Log) Ahead() int64 {
	usual := l.SegmentBytes()
	return max(l.left.Load(), usual) + max(l.ready.Load(), usual)
}

// reserve is at most an eighth of a segment of so many bytes.
func reserve(segment int64) int64 { return min(reserveBytesMax, segment/8) }

// Short reports whether the last attempt to make a segment ahead found no room.
func (l *Log) Short() bool { return l.noRoom.Load() != nil }
