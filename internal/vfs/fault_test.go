package vfs_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"holdfast/internal/vfs"
)

// publish does one operation of every kind but Read and returns the first error.
func publish(fsys vfs.FS, dir string) (err error) {
	file, err := fsys.Create(filepath.Join(dir, "new"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := file.Preallocate(0, 8); err != nil {
		return err
	}
	if _, err := file.WriteAt([]byte("text"), 0); err != nil {
		return err
	}
	if err := file.Truncate(4); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if err := fsys.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "file")); err != nil {
		return err
	}
	if err := fsys.SyncDir(dir); err != nil {
		return err
	}
	return fsys.Remove(filepath.Join(dir, "file"))
}

var published = []vfs.Kind{
	vfs.Create, vfs.Preallocate, vfs.Write, vfs.Truncate, vfs.Sync, vfs.Rename, vfs.SyncDir, vfs.Remove,
}

func TestEachOperationFailsInItsTurn(t *testing.T) {
	for n := 1; ; n++ {
		dir := t.TempDir()
		f := vfs.NewFaulty(dir, int64(n))
		f.FailAt(n, syscall.EIO)
		err := publish(f, dir)
		if len(f.Injected()) == 0 {
			must(t, err)
			if n != len(published)+1 || f.Ops() != len(published) {
				t.Errorf("undisturbed at fault %d after %d operations, want %d", n, f.Ops(), len(published))
			}
			return
		}
		in := f.Injected()[0]
		if in.N != n || in.Kind != published[n-1] || !strings.HasPrefix(in.Path, dir) {
			t.Errorf("fault %d was %v, want a %v in %s", n, in.Op, published[n-1], dir)
		}
		if !errors.Is(err, syscall.EIO) || !errors.Is(err, in.Err) {
			t.Errorf("%v returned %v, want EIO as injected", in.Op, err)
		}
	}
}

func TestFaultsAimAtKinds(t *testing.T) {
	dir := t.TempDir()
	f := vfs.NewFaulty(dir, 1)
	f.FailAt(3, syscall.EIO, vfs.Sync)
	f.FailFrom(2, syscall.ENOSPC, vfs.Preallocate, vfs.Truncate)
	f.FailAt(1, syscall.EACCES, vfs.Read)
	file := create(t, f, filepath.Join(dir, "file"))
	defer closing(t, file)
	for i, c := range []struct {
		do   func() error
		want error
	}{
		{file.Sync, nil},
		{file.Sync, nil},
		{file.Sync, syscall.EIO},
		{file.Sync, nil},
		{func() error { return file.Preallocate(0, 10) }, nil},
		{func() error { return file.Truncate(5) }, syscall.ENOSPC},
		{func() error { return file.Preallocate(5, 10) }, syscall.ENOSPC},
		{func() error { _, err := f.List(dir); return err }, fs.ErrPermission},
		{func() error { _, err := f.List(dir); return err }, nil},
	} {
		if err := c.do(); !errors.Is(err, c.want) {
			t.Errorf("call %d: %v, want %v", i, err, c.want)
		}
	}
	if all, syncs, reads := f.Ops(), f.Ops(vfs.Sync), f.Ops(vfs.Read); all != 8 || syncs != 4 || reads != 2 {
		t.Errorf("counted %d operations, %d syncs, %d reads; want 8, 4, 2", all, syncs, reads)
	}
	if n := len(f.Injected()); n != 4 {
		t.Errorf("%d failures listed, want 4", n)
	}
	f.Heal()
	must(t, file.Preallocate(0, 10))
}

func TestFailedOperationsDoNothing(t *testing.T) {
	for _, kind := range []vfs.Kind{
		vfs.Create, vfs.Rename, vfs.Remove, vfs.SyncDir, vfs.Sync, vfs.Preallocate, vfs.Truncate,
	} {
		t.Run(kind.String(), func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "file")
			must(t, os.WriteFile(path, []byte("kept"), 0o600))
			f := vfs.NewFaulty(dir, 1)
			file, err := f.Open(path)
			must(t, err)
			defer closing(t, file)
			f.FailFrom(1, syscall.ENOSPC, kind)

			err = map[vfs.Kind]func() error{
				vfs.Create:      func() error { _, err := f.Create(filepath.Join(dir, "new")); return err },
				vfs.Rename:      func() error { return f.Rename(path, filepath.Join(dir, "new")) },
				vfs.Remove:      func() error { return f.Remove(path) },
				vfs.SyncDir:     func() error { return f.SyncDir(dir) },
				vfs.Sync:        file.Sync,
				vfs.Preallocate: func() error { return file.Preallocate(0, 100) },
				vfs.Truncate:    func() error { return file.Truncate(1) },
			}[kind]()
			if !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("%v, want ENOSPC", err)
			}
			want(t, dir, map[string]string{"file": "kept"})
		})
	}
}

func TestFailedWriteLeavesAnyPrefix(t *testing.T) {
	const text = "abcd"
	seen := make(map[string]bool)
	for seed := range int64(100) {
		dir := t.TempDir()
		f := vfs.NewFaulty(dir, seed)
		file := create(t, f, filepath.Join(dir, "file"))
		f.FailAt(1, syscall.ENOSPC, vfs.Write)
		n, err := file.WriteAt([]byte(text), 0)
		must(t, file.Close())
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("seed %d: %v", seed, err)
		}
		want(t, dir, map[string]string{"file": text[:n]})
		seen[text[:n]] = true
	}
	if len(seen) != len(text)+1 {
		t.Errorf("prefixes seen: %v, want all %d", seen, len(text)+1)
	}
}

func TestMkdirAllReportsEachFailure(t *testing.T) {
	for n := 1; n <= 4; n++ { // two directories, each made and then made durable
		dir := t.TempDir()
		f := vfs.NewFaulty(dir, 1)
		f.FailAt(n, syscall.EIO)
		if err := f.MkdirAll(filepath.Join(dir, "a", "b")); !errors.Is(err, syscall.EIO) {
			t.Errorf("operation %d: %v, want EIO", n, err)
		}
	}
}

func TestInterceptHoldsOneOperationUp(t *testing.T) {
	dir := t.TempDir()
	f := vfs.NewFaulty(dir, 1)
	file := create(t, f, filepath.Join(dir, "file"))
	defer closing(t, file)
	write(t, file, 0, "one")

	arrived, leave := make(chan struct{}), make(chan struct{})
	f.Intercept(func(kind vfs.Kind, _ string) error {
		if kind == vfs.Sync {
			close(arrived)
			<-leave
			return syscall.EIO
		}
		return nil
	})
	result := make(chan error)
	go func() { result <- file.Sync() }()
	<-arrived
	write(t, file, 3, "two")
	p := make([]byte, 6)
	if _, err := file.ReadAt(p, 0); err != nil || string(p) != "onetwo" {
		t.Errorf("beside the Sync: %q, %v", p, err)
	}
	close(leave)
	if err := <-result; !errors.Is(err, syscall.EIO) || len(f.Injected()) != 1 {
		t.Errorf("the Sync: %v, %d failures listed", err, len(f.Injected()))
	}
}

func TestNothingWorksAfterACrash(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	f := vfs.NewFaulty(dir, 1)
	file := create(t, f, path)
	write(t, file, 0, "text")
	f.Crash()
	if !f.Crashed() {
		t.Error("Crashed() is false")
	}
	for name, do := range map[string]func() error{
		"Create":      func() error { _, err := f.Create(path + "2"); return err },
		"Open":        func() error { _, err := f.Open(path); return err },
		"OpenRead":    func() error { _, err := f.OpenRead(path); return err },
		"Rename":      func() error { return f.Rename(path, path+"2") },
		"Remove":      func() error { return f.Remove(path) },
		"Stat":        func() error { _, err := f.Stat(path); return err },
		"List":        func() error { _, err := f.List(dir); return err },
		"MkdirAll":    func() error { return f.MkdirAll(dir) },
		"SyncDir":     func() error { return f.SyncDir(dir) },
		"Lock":        func() error { _, err := f.Lock(path); return err },
		"Free":        func() error { _, err := f.Free(dir); return err },
		"ReadAt":      func() error { _, err := file.ReadAt(make([]byte, 1), 0); return err },
		"WriteAt":     func() error { _, err := file.WriteAt([]byte("x"), 0); return err },
		"Sync":        file.Sync,
		"Preallocate": func() error { return file.Preallocate(0, 9) },
		"Truncate":    func() error { return file.Truncate(0) },
		"Size":        func() error { _, err := file.Size(); return err },
	} {
		if err := do(); !errors.Is(err, vfs.ErrCrashed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, file.Close())
	want(t, dir, map[string]string{"file": "text"})
	if n := len(f.Injected()); n != 0 {
		t.Errorf("a crash is no injected failure, %d listed", n)
	}
}

func TestPathsOutsideTheRootAreRefused(t *testing.T) {
	dir := t.TempDir()
	f := vfs.NewFaulty(filepath.Join(dir, "root"), 1)
	if _, err := f.Create(filepath.Join(dir, "file")); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("Create: %v", err)
	}
	want(t, dir, map[string]string{})
}

func TestReadAtEndOfFile(t *testing.T) {
	both(t, func(t *testing.T, fsys vfs.FS, dir string) {
		file := create(t, fsys, filepath.Join(dir, "file"))
		defer closing(t, file)
		write(t, file, 0, "ab")
		if n, err := file.ReadAt(make([]byte, 4), 0); n != 2 || !errors.Is(err, io.EOF) {
			t.Errorf("%d, %v, want 2 bytes and EOF", n, err)
		}
	})
}
