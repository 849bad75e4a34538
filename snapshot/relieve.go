package snapshot

import "syscall"

// relieveEvery is how many bytes are read of a file before its pages leave the process.
const relieveEvery = 32 << 20

// relieve counts what has been read of the mapped file, and lets the process do without the pages once it is much: they stay
// in the kernel's cache, and come back at the next touch. Otherwise whoever reads a base from end to end would hold all of
// it. A base that is open for writing is a server's, which wants the pages at hand.
func (b *Base) relieve(v *view, read int) {
	if !b.readOnly || b.touched.Add(int64(read)) < relieveEvery {
		return
	}
	b.touched.Store(0)
	_ = syscall.Madvise(v.data, syscall.MADV_DONTNEED) // no more than a hint
}
