package vfs

import (
	"errors"
	"fmt"
	"io"
)

// ErrTooLarge says that a file is larger than whoever reads it whole allows.
var ErrTooLarge = errors.New("too large to be read whole")

// ReadFile reads a file whole. One of more than most bytes is ErrTooLarge, and nothing of it is read.
func ReadFile(fsys FS, path string, most int64) (_ []byte, err error) {
	f, err := fsys.OpenRead(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	if size > most {
		return nil, fmt.Errorf("%w: %d bytes are more than %d", ErrTooLarge, size, most)
	}
	b := make([]byte, size)
	n, err := f.ReadAt(b, 0)
	if errors.Is(err, io.EOF) { // of all of it, or of a file that has become shorter meanwhile
		err = nil
	}
	return b[:n], err
}
