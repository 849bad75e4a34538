package snapshot

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"holdfast/internal/vfs"
)

// Base is an open base. All methods are safe for concurrent use; changes go one after the other.
type Base struct {
	path     string
	fs       vfs.FS
	readOnly bool
	between  func(took time.Duration) // nil: nothing is
	db       *bbolt.DB
	file     *os.File // bbolt's, which closes it
	badPage  int      // header page that was not valid at Open, or -1

	meta atomic.Pointer[state] // as of the last commit

	// mu is held by whatever writes, and by Verify.
	mu     sync.Mutex
	fenced bool  // the branch pages were walked since Open (guarded by mu)
	failed error // the write that left bbolt in doubt (guarded by mu)
	limits limits

	readers   readers
	pages     pageFile                     // the same file, for exchanges,
	mapped    int                          // of which at least so many bytes are mapped
	exchanged struct{ pages, bytes int64 } // by the Apply under way (guarded by mu)

	places atomic.Pointer[places] // of a recent transaction's buckets

	touched atomic.Int64 // bytes read since the last relief: see relieve

	stuck atomic.Bool // bbolt panicked holding its own locks: Close must not wait for them
}

// limits of one bbolt transaction, which holds every page that it touches in memory: some 7 KiB for a random key. Tests
// lower them.
type limits struct {
	whole   int   // more entries than this go through a redo file
	entries int   // in one transaction of a redo file
	bytes   int64 // in one transaction of either kind
	pages   int64 // in one exchange, which holds none of them: the file grows by so many
}

func defaultLimits() limits {
	return limits{whole: 2 << 10, entries: 2 << 10, bytes: 4 << 20, pages: 8 << 10}
}

// OpenOptions say how to open.
type OpenOptions struct {
	FS       vfs.FS // for redo files; nil is the operating system's
	ReadOnly bool   // other processes may then read too, and none may write
	// Between, if any, is called between the commits of a large change with how long the last one took, and may wait.
	Between func(took time.Duration)
}

// Open opens the base at path, without waiting for anybody: ErrNotExist, ErrNotBase, ErrNewer, ErrLocked,
// ErrCorrupt, and for a read-only Open ErrUnfinished. It reads the head, the free list and the meta, whatever
// the size of the file. For writing it also makes durable what an earlier process left, the file and its name; a complete redo file
// beside it is applied first, an incomplete one removed.
//
// If one of bbolt's two header pages is damaged Open uses the other, as after a crash in the middle of a commit.
// That is the previous commit's state, whole, with the LSN it had: whoever replays a log from there must
// insist that the log begins at that LSN. Verify reports the page.
func Open(path string, o OpenOptions) (*Base, error) {
	b := &Base{path: path, fs: o.FS, readOnly: o.ReadOnly, between: o.Between, limits: defaultLimits()}
	if b.fs == nil {
		b.fs = vfs.OS()
	}
	if err := b.open(); err != nil {
		return nil, err
	}
	if err := b.settle(); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// open opens bbolt's side.
func (b *Base) open() error {
	b.mapped = b.room()
	err := guard(b.path, "opening", func() (err error) {
		b.db, err = bbolt.Open(b.path, 0o600, &bbolt.Options{
			Timeout:         time.Millisecond, // openFile has the lock by then
			FreelistType:    bbolt.FreelistArrayType,
			PreLoadFreelist: true, // bbolt's check wants it
			ReadOnly:        b.readOnly,
			InitialMmapSize: b.mapped,
			OpenFile: func(path string, flag int, mode os.FileMode) (_ *os.File, err error) {
				b.file, err = b.openFile(path, flag&^os.O_CREATE, mode)
				b.pages = boltFile{b.file}
				return b.file, err
			},
		})
		return err
	})
	if err != nil && b.file != nil && b.db == nil {
		// bbolt panicked, or closed the file itself: then ErrClosed is all that this says.
		if closing := b.file.Close(); closing != nil && !errors.Is(closing, os.ErrClosed) {
			err = errors.Join(err, closing)
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("opening %s: %w: %w", b.path, ErrNotExist, err)
	}
	if err != nil && !errors.Is(err, ErrCorrupt) { // which names the file
		err = fmt.Errorf("opening %s: %w", b.path, err)
	}
	return err
}

// room is how much to map: addresses cost nothing. For a file that grows beyond them bbolt waits until all who read it have left,
// and meanwhile nobody begins to read: minutes, where somebody copies the base. So there are more of them than a file grows by
// between two starts, unless the process has been given few. Beside a reader no file grows.
func (b *Base) room() int {
	const spare, little int64 = 64 << 30, 1 << 30
	info, err := b.fs.Stat(b.path)
	if err != nil || b.readOnly || math.MaxInt < spare {
		return 0
	}
	size := 2 * info.Size()
	var most syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_AS, &most); err != nil || most.Cur < 8*uint64(size+spare) {
		return int(size + little)
	}
	return int(size + spare)
}

// openFile opens, locks and checks the file before bbolt reads it. bbolt's own lock then finds it locked by the
// same file, which is fine. Locking first matters: a file that its owner is writing to would look damaged.
func (b *Base) openFile(path string, flag int, mode os.FileMode) (*os.File, error) {
	file, err := os.OpenFile(path, flag, mode)
	if err != nil {
		return nil, err
	}
	if err = b.flock(file); err == nil {
		var info fs.FileInfo
		if info, err = file.Stat(); err == nil && !info.Mode().IsRegular() {
			err = fmt.Errorf("%w: not a regular file", ErrNotBase)
		}
		if err == nil {
			var h header
			h, _, err = checkHeader(file, info.Size(), path)
			b.badPage = h.bad
		}
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// flock locks the file as its use asks for.
func (b *Base) flock(file *os.File) error {
	how := syscall.LOCK_EX
	if b.readOnly {
		how = syscall.LOCK_SH
	}
	err := syscall.Flock(int(file.Fd()), how|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrLocked
	}
	return err
}

// settle reads the meta and finishes what a crash left unfinished.
func (b *Base) settle() error {
	if err := b.reload(); err != nil {
		return err
	}
	if b.readOnly {
		if !b.meta.Load().applying {
			return nil
		}
		if _, err := b.fs.Stat(b.path + redoSuffix); errors.Is(err, fs.ErrNotExist) {
			return b.halfApplied()
		}
		return fmt.Errorf("opening %s: %w", b.path, ErrUnfinished)
	}
	// Who was killed, or had a sync fail, may have left a commit, or a name, that a crash takes back: what is done here and by the
	// caller rests on both. The next commit writes over pages of the one before, which would be the valid one then.
	if err := b.pages.Sync(); err != nil {
		return fmt.Errorf("syncing %s: %w", b.path, err)
	}
	if err := syncDirOf(b.fs, b.path); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.finishRedo()
}

// reload reads the meta anew.
func (b *Base) reload() error {
	return b.read("reading the meta", func(v *view, root uint64) error {
		s, err := v.readState(root)
		if err == nil {
			b.meta.Store(&s)
		}
		return err
	})
}

// Meta says what the base is, as of the last commit.
func (b *Base) Meta() Meta { return b.meta.Load().counted() }

// Path is the file's path as Open was given it.
func (b *Base) Path() string { return b.path }

// Stats are sizes, as of the last commit.
type Stats struct {
	FileBytes int64
	PageBytes int
	Pages     int64 // in use or free, without the space that the file has been grown by ahead of need
	FreePages int64 // that a later commit may use, of Pages
}

// Stats says how big the base is. It looks at counters and reads nothing, whatever the size.
func (b *Base) Stats() (Stats, error) {
	info, err := b.file.Stat()
	if errors.Is(err, os.ErrClosed) {
		err = ErrClosed
	}
	if err != nil {
		return Stats{}, fmt.Errorf("looking at %s: %w", b.path, err)
	}
	s := Stats{FileBytes: info.Size()}
	err = b.read("reading sizes", func(v *view, _ uint64) error {
		s.PageBytes, s.Pages = v.pageSize, int64(len(v.data)/v.pageSize)
		return nil
	})
	free := b.db.Stats()
	s.FreePages = int64(free.FreePageN + free.PendingPageN)
	return s, err
}

// Close closes the file. It waits for reads that are under way.
func (b *Base) Close() error {
	if b.stuck.Load() {
		return fmt.Errorf("closing %s: %w: bbolt did not give back its locks; the file stays open", b.path, ErrFailed)
	}
	if err := b.db.Close(); err != nil {
		return fmt.Errorf("closing %s: %w", b.path, err)
	}
	return nil
}

// guard runs what touches mapped pages or bbolt. bbolt panics on pages that make no sense, and reading a mapped
// page faults when the disk cannot give it or the file was cut short meanwhile. Neither is a bug of ours and
// neither may end the process, so here, at the package's door and nowhere else, both become ErrCorrupt. Our
// own panics ("BUG: …") pass. Callers' functions never run inside.
func guard(file, doing string, fn func() error) (err error) {
	before := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(before)
		switch p := recover().(type) {
		case nil:
		case string:
			if strings.HasPrefix(p, "BUG: ") {
				panic(p)
			}
			err = &DamageError{File: file, Offset: -1, What: doing + ": " + p}
		case rereadFreelist:
			err = p.err
		default:
			err = &DamageError{File: file, Offset: -1, What: fmt.Sprintf("%s: %v", doing, p)}
		}
	}()
	return fn()
}

// begin starts a read transaction and returns what it sees, with the root's page.
func (b *Base) begin(doing string) (tx reading, v view, root uint64, err error) {
	began := false
	tx.of, tx.epoch = &b.readers, b.readers.enter()
	err = guard(b.path, doing, func() error {
		if tx.Tx, err = b.db.Begin(false); err != nil {
			began = true
			return err
		}
		began = true
		v, root = b.viewOf(tx.Tx)
		return nil
	})
	if !began {
		b.stuck.Store(true)
	}
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		err = ErrClosed
	}
	if err != nil {
		b.readers.leave(tx.epoch)
		return reading{}, view{}, 0, fmt.Errorf("%s of %s: %w", doing, b.path, err)
	}
	return tx, v, root, nil
}

// viewOf is what a transaction sees, with the root's page.
func (b *Base) viewOf(tx *bbolt.Tx) (v view, root uint64) {
	info := b.db.Info()
	v = view{file: b.path, pageSize: info.PageSize, txid: tx.ID(), places: &b.places}
	// The mapping outlives the transaction's lock on it, and no collector moves it. The conversion goes
	// through a pointer because bbolt hands the address out as a number.
	start := *(*unsafe.Pointer)(unsafe.Pointer(&info.Data))
	v.data = unsafe.Slice((*byte)(start), tx.Size())
	return v, uint64(tx.Cursor().Bucket().Root())
}

// read runs fn on a short read transaction.
func (b *Base) read(doing string, fn func(v *view, root uint64) error) error {
	tx, v, root, err := b.begin(doing)
	if err != nil {
		return err
	}
	err = guard(b.path, doing, func() error { return fn(&v, root) })
	return end(tx, err)
}

// end ends a read transaction.
func end(tx reading, err error) error {
	defer tx.of.leave(tx.epoch)
	if rollback := tx.Rollback(); rollback != nil {
		return errors.Join(err, fmt.Errorf("ending a read transaction: %w", rollback))
	}
	return err
}
