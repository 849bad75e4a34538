package snapshot

import (
	"errors"
	"io/fs"
	"syscall"
	"testing"

	"holdfast/internal/vfs"
)

// TestAFailedReadOfOpenIsNotAMissingBase: who took it for one would begin with nothing.
func TestAFailedReadOfOpenIsNotAMissingBase(t *testing.T) {
	for n := 1; ; n++ {
		dir := t.TempDir()
		m := small(t, dir)
		fsys := vfs.NewFaulty(dir, int64(n))
		fsys.FailAt(n, syscall.EIO, vfs.Read)
		b, err := Open(basePath(dir), OpenOptions{FS: fsys})
		injected := fsys.Injected()
		if err == nil {
			m.check(t, b)
			must(t, b.Close())
		} else if !errors.Is(err, injected[0].Err) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v failed and Open said %v", injected[0], err)
		}
		if len(injected) == 0 {
			if n < 3 {
				t.Fatalf("Open made only %d reads", n-1)
			}
			return
		}
	}
}
