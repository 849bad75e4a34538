package fault

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// blockSize is how much of a file is looked at together, in bytes.
const blockSize = 64 << 10

// blocks calls fn with the blocks of a file, one after another. fn does not keep them.
func blocks(path string, fn func(off int64, block []byte) error) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	buf := make([]byte, blockSize)
	for off := int64(0); ; {
		n, err := io.ReadFull(f, buf)
		if n > 0 {
			if err := fn(off, buf[:n]); err != nil {
				return err
			}
			off += int64(n)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// copyDir copies the directories and regular files below from into to, which is there. Zeros become holes, since a
// server may have allocated much more than it has written.
func copyDir(to, from string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil || name == "." {
			return err
		}
		switch {
		case d.IsDir():
			err = os.Mkdir(filepath.Join(to, name), 0o700)
		case d.Type().IsRegular():
			err = copyFile(filepath.Join(to, name), path)
		}
		if err != nil {
			return fmt.Errorf("copying what the server left: %w", err)
		}
		return nil
	})
}

func copyFile(to, from string) (err error) {
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	size := int64(0)
	err = blocks(from, func(off int64, block []byte) error {
		size = off + int64(len(block))
		if n := dataEnd(block); n > 0 {
			_, err := f.WriteAt(block[:n], off)
			return err
		}
		return nil
	})
	if err != nil {
		return err
	}
	return f.Truncate(size)
}
