package inspect

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"holdfast/internal/vfs"
)

// At whatever operation the disk fails, an export to an AOF that does not come to be leaves nothing of itself.
func TestExportAOFOnAFailingDisk(t *testing.T) {
	dir := fixture(t)
	must(t, os.Remove(filepath.Join(dir, "aof", "00000000000000000001.aof"))) // the base is wanted then
	to := filepath.Join(dir, "out")
	failed := 0
	for n := 1; n < 1000; n++ {
		faulty := vfs.NewFaulty(dir, 1)
		d, err := Open(faulty, dir)
		must(t, err)
		faulty.FailAt(n, errors.New("no space left"))
		a, _, err := d.ExportAOF(to, RecordFilter{}, false)
		if len(faulty.Injected()) == 0 {
			if must(t, err); a.Base != 3 || a.Last != 7 {
				t.Errorf("%+v", a)
			}
			break
		}
		failed++
		if _, there := os.Stat(to); err == nil || !errors.Is(there, fs.ErrNotExist) {
			t.Fatalf("operation %d failed: %v, and left is %v", n, err, there)
		}
	}
	if failed < 10 {
		t.Errorf("only %d operations failed", failed)
	}
}

// A base that is later than what was asked for is not written as if it were that.
func TestExportAOFOfWhatIsBeforeTheBase(t *testing.T) {
	dir := fixture(t)
	must(t, os.Remove(filepath.Join(dir, "aof", "00000000000000000001.aof"))) // the base is wanted then
	d, err := Open(vfs.OS(), dir)
	must(t, err)
	for _, f := range []RecordFilter{{To: 2}, {Until: testTime - 1}} {
		to := filepath.Join(dir, "out")
		a, _, err := d.ExportAOF(to, f, false)
		if _, there := os.Stat(to); !errors.Is(err, ErrNothing) || !errors.Is(there, fs.ErrNotExist) {
			t.Errorf("%+v: %v, %+v, and left is %v", f, err, a, there)
		}
	}
}

// Who ends an export gets no part of it.
func TestExportAOFIsEnded(t *testing.T) {
	dir := fixture(t)
	d, err := Open(vfs.OS(), dir)
	must(t, err)
	enough, to, asked := errors.New("enough of it"), filepath.Join(dir, "out"), 0
	ended := func() error {
		if asked++; asked > 3 {
			return enough
		}
		return nil
	}
	_, _, err = d.ExportAOF(to, RecordFilter{Ended: ended}, false)
	if _, there := os.Stat(to); !errors.Is(err, enough) || !errors.Is(there, fs.ErrNotExist) {
		t.Errorf("%v, and left is %v", err, there)
	}
}
