package aof

import "fmt"

const (
	// reserveBytesMax is kept at the end of the log for deletes and expiry, once no other segment can be had.
	reserveBytesMax = 1 << 20
	// retryMillis is the pause between attempts to make a segment on a full disk.
	retryMillis = 1000
)

func full(cause error) error { return fmt.Errorf("%w: %w", ErrFull, cause) }

// Room is RoomFor a record of ordinary size.
func (l *Log) Room() error { return l.roomFor(0, l.reserve()) }

// RoomFor is nil when records that take size bytes in all (RecordBytes) may be appended without touching the reserve. It
// is ErrFull, with the cause, when there is no room; each question is then an occasion to try again, at most once a
// second. It touches the file system only when neither the live segment nor the one made ahead has the room.
func (l *Log) RoomFor(size int64) error { return l.roomFor(size, l.reserve()) }

// Waiting is the bytes of the records that are not yet written.
func (l *Log) Waiting() int64 { return l.backlog.Load() }

// RoomInReserve is RoomFor for deletes and expiry, which may use the reserve.
func (l *Log) RoomInReserve(size int64) error { return l.roomFor(size, 0) }

// reserve is at most an eighth of a segment.
func (l *Log) reserve() int64 { return min(reserveBytesMax, l.opt.SegmentBytes/8) }

func (l *Log) roomFor(size, reserve int64) error {
	if err := l.Err(); err != nil {
		return err
	}
	waiting := l.backlog.Load()
	need := waiting + size + reserve
	if need <= l.left.Load() {
		return nil
	}
	// What does not fit begins in the segment made ahead. Had it to hold all that waits, it would still do.
	if ready := l.ready.Load(); ready > 0 && need <= ready-HeaderBytes {
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
	// Each segment may end early, in the worst case one record before its middle; hence twice what is needed.
	if wanted := 2*need + l.opt.SegmentBytes + l.opt.spare(); free < wanted {
		return full(fmt.Errorf("%d bytes are free, %d are wanted", free, wanted))
	}
	return nil
}

// Short reports whether the last attempt to make a segment ahead found no room.
func (l *Log) Short() bool { return l.noRoom.Load() != nil }
