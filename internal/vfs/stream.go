package vfs

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
)

// WriteStream is WriteFile for content that write makes as it goes. A file of that name must not be there: fs.ErrExist. After
// an error nothing of it is left.
func WriteStream(fsys FS, path string, write func(io.Writer) error) (err error) {
	if _, err := fsys.Stat(path); err == nil {
		return fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	tmp := path + ".tmp"
	f, err := createAnew(fsys, tmp)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(&appender{file: f}, 256<<10)
	if err = write(out); err == nil {
		err = out.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, fsys.Remove(tmp))
	}
	if err := fsys.Rename(tmp, path); err != nil {
		return errors.Join(err, fsys.Remove(tmp))
	}
	return fsys.SyncDir(filepath.Dir(path))
}

// appender writes to the end of a new file.
type appender struct {
	file File
	end  int64
}

func (a *appender) Write(b []byte) (int, error) {
	n, err := a.file.WriteAt(b, a.end)
	a.end += int64(n)
	return n, err
}
