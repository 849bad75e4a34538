package snapshot

import (
	"golang.org/x/sys/unix"

	"holdfast/internal/nice"
)

// retireBytes is how much of a file is let go of at a time: some 50 microseconds of work.
const retireBytes = 1 << 20

// Retire closes a base in whose place another file is now, letting others go first. The kernel takes what the process has
// mapped of a file, and what it keeps of one that has lost its name, from the last of its users all at once: for a
// file of 100 MB that took 4 to 10 milliseconds, in which nobody else had the processor. Here it goes bit by bit beforehand.
func (b *Base) Retire() error {
	var way nice.Way
	// Both calls are hints, and so is all of this: Close says what is wrong with the base.
	_ = b.read("letting go", func(v *view, _ uint64) error {
		for at := 0; at < len(v.data); at += retireBytes {
			way.Give()
			_ = unix.Madvise(v.data[at:min(at+retireBytes, len(v.data))], unix.MADV_DONTNEED)
			_ = unix.Fadvise(int(b.file.Fd()), int64(at), retireBytes, unix.FADV_DONTNEED)
		}
		return nil
	})
	return b.Close()
}
