package engine

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"runtime"

	"holdfast/aof"
	"holdfast/internal/vfs"
	"holdfast/snapshot"
)

// Names in a data directory that restore and repair use.
const (
	// WorkName is a directory in which another base is being built; what a crash left there is removed.
	WorkName = "work.tmp"
	// RestoredName tells, in a directory that was restored, from what.
	RestoredName = "restored.json"
	// QuarantineName holds what repairs have cut away.
	QuarantineName = "quarantine"
)

// Rebuilt is what Rebuild made.
type Rebuilt struct {
	Meta    snapshot.Meta // of the base, as it stands now
	Records int64         // applied
	Refused int64         // commands that could not be replayed, and were spared
	Keys    int64         // as the keyspace counts them, which the base's own counts must equal
	TTLs    int64
}

// Rebuild brings the base in o.Dir forward: feed hands records to apply, in the order of their LSNs and beginning behind
// the base's, and what they make is written to the base, which keeps its data-set id and is said to have no log. There
// is no clock meanwhile, so nothing expires, and no client. Where maxmemory is set it bounds the memory: beyond it the
// changes so far are written and all keys go cold.
//
// spare, if any, is told of commands that reply with an error when they are replayed; without it they end the rebuilding,
// as they end a start. A base that turns out to be damaged is snapshot.ErrCorrupt.
func Rebuild(o Options, spare func(lsn uint64, err error), feed func(apply func(aof.Record) error) error) (r Rebuilt, err error) {
	return rebuild(o, func(b *rebuilding) error {
		b.spare = spare
		return feed(b.apply)
	})
}

// rebuild has the base brought forward by feed.
func rebuild(o Options, feed func(*rebuilding) error) (r Rebuilt, err error) {
	done := make(chan struct{})
	o.Fatal = func(damage error) {
		err = damage
		runtime.Goexit() // nothing that follows from the missing key may reach the base
	}
	go func() {
		defer close(done)
		b := rebuilding{Engine: newEngine(o)}
		r, err = b.run(feed)
	}()
	<-done
	return r, err
}

// rebuilding is a Rebuild under way.
type rebuilding struct {
	*Engine
	spare func(lsn uint64, err error)
	Rebuilt
}

func (b *rebuilding) run(feed func(*rebuilding) error) (_ Rebuilt, err error) {
	if err := b.claim(); err != nil {
		return Rebuilt{}, err
	}
	defer func() { err = errors.Join(err, b.unclaim()) }()
	meta, err := b.openBase()
	if err != nil {
		return Rebuilt{}, err
	}
	b.report.ID = meta.ID
	if err := feed(b); err != nil {
		return Rebuilt{}, err
	}
	for i := range b.world.Keys.Databases() {
		db := b.world.Keys.DB(i)
		b.Keys += int64(db.Len())
		b.TTLs += int64(db.Deadlines())
	}
	if err := b.saveLocked(); err != nil {
		return Rebuilt{}, err
	}
	b.Meta = b.base.Load().Meta()
	return b.Rebuilt, nil
}

// apply replays one record.
func (b *rebuilding) apply(r aof.Record) error {
	if r.LSN != b.lsn+1 {
		return fmt.Errorf("LSN %d cannot be applied behind LSN %d", r.LSN, b.lsn)
	}
	err := b.replayBut(r, func(err error) error {
		if b.spare == nil {
			return err
		}
		b.Refused++
		b.spare(r.LSN, err)
		return nil
	})
	if err != nil {
		return err
	}
	return b.applied(len(r.Body))
}

// applied counts a record of so many bytes, and keeps the memory within its limit.
func (b *rebuilding) applied(size int) error {
	const seldom = 1 << 8 // records between two looks at the memory
	limit := b.maxmemory.Load()
	b.Records++
	if limit > 0 && (b.Records%seldom == 0 || size > 1<<20) && b.world.Keys.Bytes() > limit {
		return b.goCold()
	}
	return nil
}

// goCold writes what has changed, and forgets all keys: the base has them.
func (b *rebuilding) goCold() error {
	if err := b.saveLocked(); err != nil {
		return err
	}
	for i := range b.world.Keys.Databases() {
		b.world.Keys.Flush(i)
	}
	return b.restore(b.base.Load().Meta())
}

// Lock takes a data directory that no server has, until the lock is closed: ErrInUse where one runs.
func Lock(fsys vfs.FS, dir string) (io.Closer, error) { return lockDir(fsys, dir) }

// DropWork removes the directory in which another base was being built, if a crash left one.
func DropWork(fsys vfs.FS, dir string) error {
	work := filepath.Join(dir, WorkName)
	names, err := fsys.List(work)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for unfinished work: %w", err)
	}
	for _, name := range names {
		if err := fsys.Remove(filepath.Join(work, name)); err != nil {
			return fmt.Errorf("removing unfinished work: %w", err)
		}
	}
	if err := fsys.Remove(work); err != nil {
		return fmt.Errorf("removing unfinished work: %w", err)
	}
	return fsys.SyncDir(dir)
}
