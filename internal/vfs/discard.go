package vfs

import "errors"

// shrinkBytes is how much of a file is let go of at a time: some 100 microseconds of work.
const shrinkBytes = 1 << 20

// Shrink makes a file shorter, and calls between before each mebibyte that goes. The kernel lets go of what it keeps of a file in
// memory in one piece else, in which nobody else gets the processor: 4 to 10 milliseconds for 100 MB.
func Shrink(f File, size int64, between func()) error {
	now, err := f.Size()
	for err == nil && now > size {
		between()
		now = max(size, now-shrinkBytes)
		err = f.Truncate(now)
	}
	return err
}

// Discard removes a file, and calls between for each mebibyte of it that goes. Its errors are those of Remove and Close: the rest is
// a courtesy, of a file that nobody finds any more. Who has it open finds it shorter and shorter, after its name has gone.
func Discard(fsys FS, path string, between func()) error {
	info, err := fsys.Stat(path)
	if err != nil || info.Size() <= shrinkBytes {
		return fsys.Remove(path)
	}
	f, err := fsys.Open(path)
	if err != nil {
		return fsys.Remove(path)
	}
	if err := fsys.Remove(path); err != nil {
		return errors.Join(err, f.Close())
	}
	_ = Shrink(f, 0, between)
	return f.Close()
}
