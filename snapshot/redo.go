package snapshot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"time"

	"holdfast/internal/nice"
	"holdfast/internal/vfs"
)

// A redo file is what a large Apply still has to do. It is whole from the moment it has its name: applying it to
// the base that it was made for, from any point on and any number of times, ends in the same state. Its first
// entry is an opRaw whose value is {data-set id, LSN, time} of that base and the meta to reach.
const redoSuffix = ".redo"

// redoHeader is a redo file's first entry.
type redoHeader struct {
	id   [16]byte // of the base that it is for
	lsn  uint64
	time int64
	to   state
}

func (h redoHeader) value() []byte {
	b := append([]byte{}, h.id[:]...)
	b = binary.LittleEndian.AppendUint64(b, h.lsn)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.time))
	return append(b, h.to.value()...)
}

func parseRedoHeader(b []byte) (h redoHeader, ok bool) {
	r := reader{rest: b}
	copy(h.id[:], r.take(16))
	h.lsn, h.time = r.u64(), int64(r.u64())
	if r.short || !sound([]byte(keyState), r.rest) {
		return redoHeader{}, false
	}
	h.to, ok = parseState(r.rest)
	return h, ok
}

// applyRedo applies a large change by way of a redo file.
func (b *Base) applyRedo(ch *Changes, to state) (keys, bytes int64, err error) {
	// The fence comes first: with a redo file in place the next Open would have to go through with it.
	if err := b.fence(); err != nil {
		return 0, 0, err
	}
	if err := ch.relent(); err != nil { // transactions take memory as well
		return 0, 0, err
	}
	if bytes, err = b.writeRedo(ch, to); err != nil {
		return 0, 0, err
	}
	if err := ch.Discard(); err != nil { // the redo file has all of it, and the disk may have no room for both and the pages
		return 0, bytes, err
	}
	keys, err = b.replayRedo()
	return keys, bytes, err
}

// writeRedo writes the redo file, and publishes it.
func (b *Base) writeRedo(ch *Changes, to state) (size int64, err error) {
	from, err := ch.resolved()
	if err != nil {
		return 0, err
	}
	path := b.path + redoSuffix
	temporary := path + TemporarySuffix
	file, err := b.fs.Create(temporary)
	if err != nil {
		return 0, fmt.Errorf("creating %s: %w", temporary, err)
	}
	now := b.meta.Load()
	h := redoHeader{id: now.ID, lsn: now.LSN, time: now.Time, to: to}
	w := newBlockWriter(file, temporary, redoMagic, nil)
	err = w.add(appendEntry(nil, opRaw, 0, 0, 0, nil, h.value()))
	for err == nil {
		var e entry
		if e, err = from.next(); err == nil {
			err = w.add(e)
		}
	}
	if err == io.EOF {
		err = w.finish()
	}
	if err == nil {
		if err = file.Sync(); err != nil {
			err = fmt.Errorf("syncing %s: %w", temporary, err)
		}
	}
	err = errors.Join(err, file.Close())
	if err != nil {
		return 0, errors.Join(err, b.fs.Remove(temporary))
	}
	return w.off, publish(b.fs, temporary, path)
}

// publish gives a synced file its name, durably.
func publish(fs vfs.FS, temporary, path string) error {
	if err := rename(fs, temporary, path); err != nil {
		return err
	}
	return syncDirOf(fs, path)
}

// rename gives a synced file its name, or removes it.
func rename(fs vfs.FS, temporary, path string) error {
	if err := fs.Rename(temporary, path); err != nil {
		return errors.Join(fmt.Errorf("renaming %s: %w", temporary, err), fs.Remove(temporary))
	}
	return nil
}

func syncDirOf(fs vfs.FS, path string) error {
	if err := fs.SyncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("syncing the directory of %s: %w", path, err)
	}
	return nil
}

// unpublish removes a file, durably.
func unpublish(fs vfs.FS, path string) error {
	var way nice.Way
	if err := vfs.Discard(fs, path, way.Give); err != nil {
		return fmt.Errorf("removing %s: %w", path, err)
	}
	return syncDirOf(fs, path)
}

// finishRedo does what a redo file beside the base asks for, and removes one that is not whole. The caller
// holds mu.
func (b *Base) finishRedo() error {
	if err := removeIfThere(b.fs, b.path+redoSuffix+TemporarySuffix); err != nil {
		return err
	}
	switch _, err := b.fs.Stat(b.path + redoSuffix); {
	case err == nil:
		// Without its name, which a crash may still take back, a change that was half applied would stay so.
		if err = syncDirOf(b.fs, b.path); err == nil {
			_, err = b.replayRedo()
		}
		return err
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("looking for %s: %w", b.path+redoSuffix, err)
	case b.meta.Load().applying:
		return b.halfApplied()
	}
	return nil
}

// halfApplied is the damage of a base in the midst of a change whose redo file is gone: somebody took it, or the change had been
// finished, and the header page that said so is damaged.
func (b *Base) halfApplied() error {
	if b.badPage >= 0 {
		return &DamageError{File: b.path, Offset: int64(b.badPage) * int64(b.db.Info().PageSize),
			What: fmt.Sprintf("page %d is no valid header, and the other one is of a change that was half applied", b.badPage)}
	}
	return &DamageError{File: b.path, Offset: -1, What: "a change is half applied, and its redo file is gone"}
}

func removeIfThere(fsys vfs.FS, path string) error {
	switch _, err := fsys.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("looking for %s: %w", path, err)
	}
	return unpublish(fsys, path)
}

// replayRedo applies the redo file and removes it. Nothing is applied before all of it was found to be sound.
func (b *Base) replayRedo() (keys int64, err error) {
	path := b.path + redoSuffix
	file, err := b.fs.OpenRead(path)
	if err != nil {
		return 0, fmt.Errorf("opening %s: %w", path, err)
	}
	h, err := checkRedo(file, path)
	wanted := false
	if err == nil {
		wanted, err = b.wants(h, path)
	}
	if wanted {
		keys, err = b.replay(func() source { return newBlockReader(file, path, redoMagic) }, h.to)
		if err == nil {
			err = b.twin()
		}
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return keys, err
	}
	return keys, unpublish(b.fs, path)
}

// checkRedo reads a whole redo file.
func checkRedo(file vfs.File, path string) (h redoHeader, err error) {
	r := newBlockReader(file, path, redoMagic)
	for first := true; ; first = false {
		e, err := r.next()
		if err == io.EOF && !first {
			return h, nil
		}
		if err != nil && err != io.EOF {
			return h, err
		}
		ok := err == nil && (e.op() == opRaw) == first
		if ok && first {
			h, ok = parseRedoHeader(e.value())
		} else if ok {
			ok = soundEntry(e)
		}
		if !ok {
			return h, r.damage(r.off, "the block before makes no sense")
		}
	}
}

// CheckRedo reads the redo file beside the base at path, and changes nothing. Its error is ErrCorrupt where an Open for writing
// would refuse it, as far as that can be told: base is the one at path as it was read, nil where it does not open.
func CheckRedo(fsys vfs.FS, path string, base *Base) error {
	path += redoSuffix
	file, err := fsys.OpenRead(path)
	if err != nil {
		return fmt.Errorf("opening %s: %w", path, err)
	}
	h, err := checkRedo(file, path)
	if err == nil && base != nil {
		_, err = base.wants(h, path)
	}
	return errors.Join(err, file.Close())
}

// soundEntry checks an entry's value as the base would when it reads it.
func soundEntry(e entry) bool {
	key := e.key()
	switch e.op() {
	case opPut:
		_, ok := parseHead(e.value())
		return ok && sound(key, e.value())
	case opChunk:
		return sound(appendPartKey(nil, key, spaceChunks, e.part()), e.value())
	case opPart:
		return sound(appendPartKey(nil, key, spaceParts, e.part()), e.value())
	}
	return len(e.value()) == 0
}

// wants says whether a redo file is still to be applied: not if the base has arrived there, or was replaced by a
// newer one before the file could be removed.
func (b *Base) wants(h redoHeader, path string) (bool, error) {
	now := b.meta.Load()
	if bytes.Equal(now.ID[:], h.id[:]) && now.LSN == h.lsn && now.Time == h.time {
		return true, nil
	}
	if !now.applying && now.ID == h.to.ID && now.LSN >= h.to.LSN {
		return false, nil
	}
	return false, &DamageError{File: path, Offset: 0, What: fmt.Sprintf(
		"the redo file is for data set %x at LSN %d, and the base is %x at %d", h.id, h.lsn, now.ID, now.LSN)}
}

// pause is between two commits, of which one began then.
func (b *Base) pause(began time.Time) {
	if b.between != nil {
		b.between(time.Since(began))
	}
}

// replay applies a redo file in bounded transactions, of which the last stores the new meta. read reads it from its start.
func (b *Base) replay(read func() source, to state) (keys int64, err error) {
	done, err := b.overwrite(read(), to)
	if err != nil {
		return 0, err
	}
	from := read()
	if _, err := from.next(); err != nil { // the header
		return 0, err
	}
	keys = done.keys
	ordinal := 0
	for finished := false; !finished; {
		began := time.Now()
		err := b.update(func(w *writer) error {
			w.wanted = to.stores
			for w.count < b.limits.entries && w.bytes < b.limits.bytes {
				e, err := from.next()
				if err == io.EOF {
					finished = true
					break
				}
				if ordinal++; err == nil && !done.has(ordinal) {
					err = w.apply(e)
				}
				if err != nil {
					return err
				}
			}
			keys += w.keys
			if finished {
				return w.finish(to)
			}
			return w.interrupt()
		})
		if err != nil {
			return keys, err
		}
		if !finished {
			b.pause(began)
		}
	}
	return keys, nil
}
