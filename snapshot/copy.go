package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"holdfast/internal/vfs"
)

// CopyTo writes a copy of the base to path, as of the last change: the pages as they are, free ones too. It waits for
// a change that is under way; later ones go on beside it, under the conditions of Each. progress, if any, is told
// how many bytes are done; it must not call methods of this base.
//
// An existing file at path is fs.ErrExist. The copy gets its name when it is whole, synced and has been looked at as
// Open and the first Apply would; what a crash leaves is a temporary file in the same directory, for
// RemoveTemporary. Damage within a leaf page is copied with it: Verify is what finds that, in the copy as well.
// A base that waits for its redo file to be applied is ErrUnfinished.
func (b *Base) CopyTo(fsys vfs.FS, path string, progress func(done, total int64)) error {
	if err := vacant(fsys, path); err != nil {
		return err
	}
	file, temporary, err := createTemporary(fsys, filepath.Dir(path), filepath.Base(path))
	if err != nil {
		return err
	}
	if err = b.copyPages(file, temporary, progress); err == nil {
		if err = file.Sync(); err != nil {
			err = fmt.Errorf("syncing %s: %w", temporary, err)
		}
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = inspect(fsys, temporary)
	}
	if err == nil {
		err = vacant(fsys, path)
	}
	if err != nil {
		return errors.Join(err, fsys.Remove(temporary))
	}
	return publish(fsys, temporary, path)
}

// vacant says whether there is nothing at path.
func vacant(fsys vfs.FS, path string) error {
	_, err := fsys.Stat(path)
	switch {
	case err == nil:
		return fmt.Errorf("copying to %s: %w", path, fs.ErrExist)
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return fmt.Errorf("looking for %s: %w", path, err)
}

// copyPages writes all pages to a file, with both header pages leading to the same state.
func (b *Base) copyPages(to vfs.File, name string, progress func(done, total int64)) (err error) {
	tx, v, h, err := b.beginBetween("copying")
	if err != nil {
		return err
	}
	defer func() { err = end(tx, err) }()
	const piece = 1 << 20
	buf := make([]byte, max(piece, 2*v.pageSize))
	total := int64(len(v.data))
	for done := int64(0); done < total; {
		n := int(min(int64(len(buf)), total-done))
		err := guard(b.path, "copying", func() error {
			copy(buf[:n], v.data[done:])
			return nil
		})
		if err != nil {
			return err
		}
		if done == 0 {
			h.putPages(buf)
		}
		if _, err := to.WriteAt(buf[:n], done); err != nil {
			return fmt.Errorf("writing %s at %d: %w", name, done, err)
		}
		if done += int64(n); progress != nil {
			progress(done, total)
		}
	}
	return nil
}

// putPages puts two header pages at the front of a file, the second as of a transaction before.
func (m boltMeta) putPages(file []byte) {
	for _, txid := range [2]uint64{m.txid, m.txid - 1} {
		m.txid = txid
		id := txid % 2
		at := file[int(id)*m.pageSize:][:m.pageSize]
		clear(at)
		copy(at, m.page(id))
	}
}

// beginBetween starts a read transaction while nothing is being changed, so that it does not see a change by halves.
// The header is the one that belongs to it: the pages that it is in are written over by later commits.
func (b *Base) beginBetween(doing string) (tx reading, v view, h header, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.meta.Load().applying {
		return reading{}, view{}, header{}, fmt.Errorf("%s %s: %w", doing, b.path, ErrUnfinished)
	}
	tx, v, root, err := b.begin(doing)
	if err != nil {
		return reading{}, view{}, header{}, err
	}
	err = guard(b.path, doing, func() error {
		h, _, err = checkHeader(bytes.NewReader(v.data), int64(len(v.data)), v.file)
		if err == nil && (h.txid != uint64(tx.ID()) || h.root != root) {
			err = v.damage(0, "has changed under the open file")
		}
		return err
	})
	if err != nil {
		return reading{}, view{}, header{}, end(tx, err)
	}
	return tx, v, h, nil
}
