package aof

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"holdfast/internal/vfs"
)

// Options say where and how a log is kept.
type Options struct {
	FS           vfs.FS
	Dir          string    // the directory of the segments, and of nothing else; created if need be
	ID           [16]byte  // of the data set: a segment with another one is ErrForeign
	SegmentBytes int64     // of a new segment's file, less on a small disk (segmentBytes); 0 means 16 MiB
	Policy       Policy    // SetPolicy changes it later
	Clock        vfs.Clock // for headers, SyncTime and the pause between attempts on a full disk
	// Spare is how many bytes of the disk further segments leave free for what others have to write; nil: none.
	Spare func() int64
	// Ahead, if any, is closed when there is time to make a segment ahead. Until then one is made when it is needed.
	Ahead <-chan struct{}
	// Replayed, if any, is called by Recover when every record has been handed out, and before anything is changed. Its error is
	// like one of the function that they were handed to.
	Replayed func() error
	// Failed, if any, is called when the log has failed with nobody waiting who could be told: while it began a segment ahead, or
	// trimmed one that has ended. It is called once, with what Err says, from a goroutine that Close waits for.
	Failed func(error)

	// inline makes segments when they are needed and none ahead, so that tests can number the operations.
	inline bool
}

const (
	segmentBytesDefault = 16 << 20
	segmentBytesMin     = HeaderBytes + 512

	// A segment takes no more than so small a share of what is free, but for the least: what the live one and the next have yet
	// to hold is what a checkpoint is to find room for, several times over.
	segmentShare      = 32
	segmentBytesLeast = 512 << 10

	// A buffer that one large batch has grown beyond this is not kept.
	bufferBytesKept = 8 << 20
)

// Log is an open log. All methods are safe for concurrent use.
//
// Locks are taken in the order syncMu, writeMu, then mu or nextMu. A commit under Always holds syncMu from its write
// to the end of its sync, so that those who come meanwhile find their records durable, or share the next sync. Other
// commits take only writeMu, and do not wait while Sync syncs.
type Log struct {
	opt    Options
	policy atomic.Uint32

	last    atomic.Uint64 // appended; rises under mu
	written atomic.Uint64 // in the file; rises under writeMu
	durable atomic.Uint64 // synced; rises under syncMu

	mu   sync.Mutex
	buf  []byte        // appended records, without CRC; guarded by mu
	segs []SegmentInfo // oldest first, the live one last; guarded by mu

	writeMu sync.Mutex
	out     []byte // the other buffer, being written; guarded by writeMu
	outAt   int    // what of it is written; guarded by writeMu

	syncMu sync.Mutex
	live   liveSegment // pointer and name change under syncMu and writeMu, off under writeMu

	figures Figures

	backlog  atomic.Int64 // bytes appended and not yet written
	left     atomic.Int64 // bytes that the live segment still has,
	size     atomic.Int64 // of so many
	usual    atomic.Int64 // of a segment, as the disk was when one was last wanted
	syncTime atomic.Int64 // ns, a moving mean

	failed atomic.Pointer[error] // why the log refuses everything; the first error stays, but for Close

	nextMu   sync.Mutex
	next     vfs.File              // the segment made ahead, under its temporary name; guarded by nextMu
	ready    atomic.Int64          // its size in bytes, 0 if there is none
	noRoom   atomic.Pointer[error] // why there is none
	triedAt  atomic.Int64          // unix ms of the last attempt
	wantNext chan struct{}         // has room for one request
	wantTurn chan struct{}         // likewise
	wantTrim chan liveSegment      // old segments, sealed; has room for none where nobody trims them
	stop     chan struct{}         // closed by Close, which then waits for makers
	stopOnce sync.Once
	told     sync.Once
	makers   sync.WaitGroup // the goroutines that make segments ahead, and begin them; Recover starts them
}

// liveSegment is the segment that is written to.
type liveSegment struct {
	file  vfs.File
	path  string
	first uint64
	seed  uint32
	off   int64 // where the next record goes
	size  int64 // of the file

	created int64 // unix ms
}

// Append gives the record an LSN and adds it to what the next commit writes. It touches no file and, once its buffers
// have grown, allocates nothing. body is copied; it has at most MaxBody bytes. ms is the record's unix time.
func (l *Log) Append(ms int64, flags uint8, body []byte) (lsn uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lsn = l.last.Load() + 1
	l.buf = appendRecord(l.buf, lsn, ms, flags, body)
	l.backlog.Add(RecordBytes(len(body)))
	l.last.Store(lsn)
	return lsn
}

// Commit writes everything appended before the call and, under Always, makes it durable. Many callers share one write
// and one sync. ErrFull means that the records wait in memory for a later Commit, as there is no room for the next segment;
// every other error is final: see Err.
func (l *Log) Commit() error {
	if l.Policy() == Always {
		return l.Sync()
	}
	target := l.last.Load()
	if l.written.Load() >= target {
		return l.Err()
	}
	fits, err := l.writeFitting(target)
	if err != nil || fits {
		return err
	}
	l.syncMu.Lock()
	defer l.syncMu.Unlock()
	return l.write(target, l.opt.spare())
}

// Sync writes everything appended before the call and makes it durable under every policy. Errors are as for Commit.
func (l *Log) Sync() error {
	target := l.last.Load()
	if l.durable.Load() >= target {
		return l.Err()
	}
	l.syncMu.Lock()
	defer l.syncMu.Unlock()
	if l.durable.Load() >= target { // another's commit carried ours
		return l.Err()
	}
	full := l.write(target, l.opt.spare())
	if full != nil && !errors.Is(full, ErrFull) {
		return full
	}
	if err := l.syncLive(); err != nil { // what did find room need not wait
		return err
	}
	return full
}

// writeFitting writes up to LSN target as far as the live segment goes, and reports whether that was all.
func (l *Log) writeFitting(target uint64) (bool, error) {
	l.writeMu.Lock()
	defer l.writeMu.Unlock()
	if l.written.Load() >= target {
		return true, l.Err()
	}
	for l.written.Load() < target {
		if n, err := l.writeSome(); n == 0 || err != nil {
			return false, err
		}
	}
	return true, nil
}

// write writes up to LSN target, and begins new segments on the way, if spare bytes are left free. The caller holds syncMu.
func (l *Log) write(target uint64, spare int64) error {
	l.writeMu.Lock()
	defer l.writeMu.Unlock()
	for l.written.Load() < target {
		n, err := l.writeSome()
		if err != nil {
			return err
		}
		if n == 0 {
			old, err := l.rotate(recordSize(l.out[l.outAt:]), spare)
			if err == nil {
				err = l.retireLive(old)
			}
			if err != nil {
				return err
			}
		}
	}
	return l.Err()
}

// writeSome writes as many records as fit into the live segment, by one WriteAt, and returns their bytes: 0 means that
// the next one does not fit. There is something to write. The caller holds writeMu.
func (l *Log) writeSome() (int, error) {
	if err := l.Err(); err != nil {
		return 0, err
	}
	if l.outAt == len(l.out) {
		l.swap()
	}
	n, through := l.seal()
	if n == 0 {
		return 0, nil
	}
	if _, err := l.live.file.WriteAt(l.out[l.outAt:l.outAt+n], l.live.off); err != nil {
		return 0, l.fail(fmt.Sprintf("write %s at offset %d", l.live.path, l.live.off), err)
	}
	l.outAt += n
	l.live.off += int64(n)
	l.left.Add(-int64(n))
	l.backlog.Add(-int64(n))
	l.figures.Batches.Add(int64(through-l.written.Load()), 1)
	l.written.Store(through)
	l.askTurn()
	return n, nil
}

// swap takes over what was appended, and leaves Append the empty buffer.
func (l *Log) swap() {
	spare := l.out[:0]
	if cap(spare) > bufferBytesKept {
		spare = nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out, l.outAt, l.buf = l.buf, 0, spare
}

// Shed gives up the room of buffers in which nothing waits: the next records have new ones made.
func (l *Log) Shed() {
	l.writeMu.Lock()
	defer l.writeMu.Unlock()
	if l.outAt == len(l.out) {
		l.out, l.outAt = nil, 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.buf) == 0 {
		l.buf = nil
	}
}

// seal completes the records at the front of what is to be written, as far as the live segment has room for them.
func (l *Log) seal() (n int, through uint64) {
	rest, durable := l.out[l.outAt:], l.durable.Load()
	for n < len(rest) {
		size := recordSize(rest[n:])
		if l.live.off+int64(n)+size > l.live.size {
			break
		}
		record := rest[n : n+int(size)]
		sealRecord(record, durable, l.live.seed)
		through = recordLSN(record)
		n += int(size)
	}
	return n, through
}

// syncLive makes what was written durable, and remembers what that cost. The caller holds syncMu.
func (l *Log) syncLive() error {
	if err := l.Err(); err != nil {
		return err
	}
	through, began := l.written.Load(), l.opt.Clock()
	if err := l.live.file.Sync(); err != nil {
		return l.fail("sync "+l.live.path, err)
	}
	l.durable.Store(through)
	took := l.opt.Clock().Sub(began)
	l.figures.Syncs.Add(int64(took), 1)
	if l.Policy() == Always { // the others' syncs carry up to a second of writes
		l.observe(took)
	}
	return nil
}

// observe feeds the moving mean of SyncTime: an eighth of the newest, seven of what was.
func (l *Log) observe(d time.Duration) {
	if mean := l.syncTime.Load(); mean != 0 {
		d = time.Duration(mean) + (d-time.Duration(mean))/8
	}
	l.syncTime.Store(int64(d))
}

// fail makes err final and returns what the log says from now on.
func (l *Log) fail(doing string, err error) error {
	err = fmt.Errorf("%w: %s: %w", ErrFailed, doing, err)
	l.failed.CompareAndSwap(nil, &err)
	return l.Err()
}

// Err is nil while the log works, ErrFailed with its cause after the first error on the live segment, ErrClosed after
// Close. Every method that returns an error returns this one then.
func (l *Log) Err() error {
	if err := l.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// Last is the LSN of the newest record appended; 0 before the first of all.
func (l *Log) Last() uint64 { return l.last.Load() }

// Written is the LSN up to which records are in the file: a kill -9 does not lose them.
func (l *Log) Written() uint64 { return l.written.Load() }

// Durable is the LSN up to which records are synced: a power cut does not lose them.
func (l *Log) Durable() uint64 { return l.durable.Load() }

// Gate is the LSN up to which replies may leave under the present policy.
func (l *Log) Gate() uint64 {
	if l.Policy() == Always {
		return l.Durable()
	}
	return l.Written()
}

// Policy is when commits sync.
func (l *Log) Policy() Policy { return Policy(l.policy.Load()) }

// SetPolicy changes when commits sync, from the next one on. After a change to Always, Gate moves back to Durable until
// then; who waits at the gate calls Sync.
func (l *Log) SetPolicy(p Policy) { l.policy.Store(uint32(p)) }

// SyncTime is what the sync of a commit under Always costs, as a moving mean; 0 before the first.
func (l *Log) SyncTime() time.Duration { return time.Duration(l.syncTime.Load()) }

// Close makes everything appended durable and lets the files go. It returns what that said, or why the log had failed
// before; a second Close returns nil. The preallocated rest of the live segment stays.
func (l *Log) Close() error {
	l.stopOnce.Do(func() { close(l.stop) })
	l.makers.Wait()
	if errors.Is(l.Err(), ErrClosed) {
		return nil
	}
	err := l.Sync()
	l.syncMu.Lock()
	defer l.syncMu.Unlock()
	l.writeMu.Lock()
	defer l.writeMu.Unlock()
	if errors.Is(l.Err(), ErrClosed) {
		return nil
	}
	err = errors.Join(err, l.trimWaiting(), l.dropNext(), l.live.file.Close())
	closed := ErrClosed
	l.failed.Store(&closed)
	return err
}
