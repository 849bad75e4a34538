package recorder

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"holdfast/lab/trace"
)

// children are the clients of a mount, by name.
func children() map[string]func(dir string, args []string) error {
	return map[string]func(string, []string) error{
		"everything": doEverything,
		"threads":    doThreads,
		"mapped":     doMapped,
		"coherent":   doCoherent,
		"synced":     doSynced,
		"reader":     doReader,
		"hang":       doHang,
		"loop":       doLoop,
		"faulty":     doFaulty,
		"lab":        doLab,
		"bench":      doBench,
		"locks":      doLocks,
	}
}

// steps runs functions until one fails, and says which.
func steps(all ...func() error) error {
	for i, do := range all {
		if err := do(); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	return nil
}

func wantError(want, err error) error {
	if !errors.Is(err, want) {
		return fmt.Errorf("%v, want %v", err, want)
	}
	return nil
}

// doEverything does one of everything that a server does; the test has the list of what must be in the trace.
func doEverything(dir string, _ []string) error {
	at := func(name string) string { return filepath.Join(dir, name) }
	var f *os.File
	var err error
	open := func(name string, flags int) func() error {
		return func() error {
			f, err = os.OpenFile(at(name), flags, 0o640)
			return err
		}
	}
	write := func(text string) func() error {
		return func() error {
			_, err := f.WriteString(text)
			return err
		}
	}
	return steps(
		func() error { return os.Mkdir(at("d"), 0o750) },
		open("d/a.tmp", os.O_CREATE|os.O_EXCL|os.O_RDWR),
		write("hello world"),
		func() error { _, err := f.WriteAt([]byte("W"), 6); return err },
		func() error { return f.Truncate(8) },
		func() error { return unix.Fallocate(int(f.Fd()), 0, 0, 16) },
		func() error {
			return unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE|unix.FALLOC_FL_PUNCH_HOLE, 0, 2)
		},
		func() error { return f.Sync() },
		func() error { return syscall.Fdatasync(int(f.Fd())) },
		func() error { return f.Close() },
		func() error { return os.Rename(at("d/a.tmp"), at("d/a")) },
		open("d", os.O_RDONLY),
		func() error { return f.Sync() },
		func() error { return f.Close() },
		open("d/a", os.O_WRONLY|os.O_APPEND),
		write("appended"), write(" twice"),
		func() error { return f.Close() },
		func() error { return os.Truncate(at("d/a"), 20) },
		open("d/a", os.O_WRONLY|os.O_TRUNC),
		write("x"),
		func() error { return f.Close() },
		func() error { return os.Link(at("d/a"), at("b")) },
		func() error { return os.Symlink("d/a", at("l")) },
		func() error { return os.Rename(at("d"), at("e")) },
		func() error { return os.Remove(at("b")) },
		open("e/a", os.O_RDWR),
		func() error { return os.Remove(at("e/a")) },
		write("unlinked"),
		func() error { return f.Truncate(4) },
		func() error { return f.Chmod(0o600) },
		func() error { _, err := f.Stat(); return err },
		func() error { return f.Close() },
		func() error {
			return wantError(syscall.ENOENT, func() error { _, err := os.Stat(at("e/a")); return err }())
		},
		func() error { return os.Remove(at("e")) },
		func() error { return os.Remove(at("l")) },
		open("x", os.O_CREATE|os.O_EXCL|os.O_RDWR),
		write("source"),
		func() error { return wantError(syscall.EEXIST, open("x", os.O_CREATE|os.O_EXCL|os.O_RDWR)()) },
		func() error { return copyRange(at("x"), at("y")) },
		func() error {
			return unix.Renameat2(unix.AT_FDCWD, at("x"), unix.AT_FDCWD, at("z"), unix.RENAME_NOREPLACE)
		},
		func() error {
			return wantError(syscall.EEXIST, unix.Renameat2(unix.AT_FDCWD, at("y"), unix.AT_FDCWD, at("z"), unix.RENAME_NOREPLACE))
		},
		func() error {
			return wantError(syscall.EINVAL, unix.Renameat2(unix.AT_FDCWD, at("y"), unix.AT_FDCWD, at("z"), unix.RENAME_EXCHANGE))
		},
		func() error { return os.Rename(at("y"), at("z")) },
		func() error { return listed(dir, "[begun z]") },
	)
}

func listed(dir, want string) error {
	entries, err := os.ReadDir(dir)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := fmt.Sprint(names); err != nil || got != want {
		return fmt.Errorf("the directory has %s, want %s, %v", got, want, err)
	}
	return nil
}

func copyRange(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	n, err := unix.CopyFileRange(int(in.Fd()), nil, int(out.Fd()), nil, 100, 0)
	if err != nil || n != 6 {
		return fmt.Errorf("copy_file_range copied %d bytes, %w", n, err)
	}
	return errors.Join(in.Close(), out.Close())
}

const threads, writesEach = 4, 250

// doThreads makes small writes from several threads to two files, at places that overlap, and appends to a third.
func doThreads(dir string, _ []string) error {
	var fds [3]int
	for i := range fds {
		flags := syscall.O_CREAT | syscall.O_RDWR
		if i == 2 {
			flags |= syscall.O_APPEND
		}
		var err error
		if fds[i], err = syscall.Open(filepath.Join(dir, strconv.Itoa(i)), flags, 0o644); err != nil {
			return err
		}
	}
	var all sync.WaitGroup
	errs := make([]error, threads)
	for thread := range threads {
		all.Go(func() {
			for i := range writesEach {
				text := []byte(fmt.Sprintf("<%d:%03d>", thread, i))
				off := int64((i*37 + thread*5) % 400)
				_, err := syscall.Pwrite(fds[i%2], text, off)
				if err == nil && i%3 == 0 {
					_, err = syscall.Write(fds[2], text)
				}
				if err == nil && i%10 == 0 {
					err = syscall.Fdatasync(fds[i%2])
				}
				errs[thread] = errors.Join(errs[thread], err)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

func doMapped(dir string, _ []string) error {
	fd, err := syscall.Open(filepath.Join(dir, "m"), syscall.O_CREAT|syscall.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	if err := syscall.Ftruncate(fd, 8192); err != nil {
		return err
	}
	page, err := syscall.Mmap(fd, 0, 8192, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return err
	}
	copy(page[100:], "through the mapping")
	if err := unix.Msync(page, unix.MS_SYNC); err != nil {
		return err
	}
	copy(page[5000:], "and again")
	return errors.Join(syscall.Munmap(page), syscall.Close(fd))
}

// doCoherent maps a file for reading, as bbolt does, and looks whether it shows what is written beside it.
func doCoherent(dir string, _ []string) error {
	path := filepath.Join(dir, "c")
	if err := os.WriteFile(path, bytes.Repeat([]byte("a"), 8192), 0o644); err != nil {
		return err
	}
	fd, err := syscall.Open(path, syscall.O_RDWR, 0)
	if err != nil {
		return err
	}
	page, err := syscall.Mmap(fd, 0, 16384, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return err
	}
	for i := range 200 {
		text := []byte(fmt.Sprintf("%08d", i))
		off := int64(i*41) % 8000
		if _, err := syscall.Pwrite(fd, text, off); err != nil {
			return err
		}
		if string(page[off:off+8]) != string(text) {
			return fmt.Errorf("the mapping shows %q at %d, after %q was written", page[off:off+8], off, text)
		}
		read := make([]byte, 8)
		if _, err := syscall.Pread(fd, read, off); err != nil || string(read) != string(text) {
			return fmt.Errorf("reading shows %q at %d, after %q was written, %v", read, off, text, err)
		}
	}
	if err := syscall.Ftruncate(fd, 16384); err != nil {
		return err
	}
	if _, err := syscall.Pwrite(fd, []byte("grown"), 16000); err != nil {
		return err
	}
	if string(page[16000:16005]) != "grown" || page[9000] != 0 {
		return errors.New("the mapping does not show what the file grew by")
	}
	return nil
}

// doSynced writes with O_DSYNC, O_SYNC and O_DIRECT.
func doSynced(dir string, _ []string) error {
	for name, flag := range map[string]int{"dsync": syscall.O_DSYNC, "sync": syscall.O_SYNC, "direct": syscall.O_DIRECT,
		"both": syscall.O_DIRECT | syscall.O_DSYNC} {
		fd, err := syscall.Open(filepath.Join(dir, name), syscall.O_CREAT|syscall.O_RDWR|flag, 0o644)
		if err != nil {
			return err
		}
		page, err := syscall.Mmap(-1, 0, 4096, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		if err != nil {
			return err
		}
		copy(page, name)
		if _, err := syscall.Pwrite(fd, page, 4096); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// doReader reads a file slowly while its bytes at the end are appended to, and wants each line whole and once.
func doReader(dir string, args []string) error {
	f, err := os.Open(filepath.Join(dir, args[0]))
	if err != nil {
		return err
	}
	var got []byte
	buf := make([]byte, 7)
	for deadline := time.Now().Add(20 * time.Second); !bytes.HasSuffix(got, []byte("end\n")); {
		n, err := f.Read(buf)
		if err != nil && err != io.EOF {
			return err
		}
		if got = append(got, buf[:n]...); n == 0 {
			time.Sleep(time.Millisecond)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the end has not come: %.80q", got)
		}
	}
	want, err := os.ReadFile(filepath.Join(dir, args[0]))
	if err != nil || !bytes.Equal(got, want) {
		return fmt.Errorf("read %d bytes, %d are there, %w", len(got), len(want), err)
	}
	return nil
}

// doHang keeps a file open and writes to it, for ever.
func doHang(dir string, _ []string) error {
	f, err := os.Create(filepath.Join(dir, "h"))
	if err != nil {
		return err
	}
	for {
		if _, err := f.WriteAt([]byte("x"), 0); err != nil {
			return err
		}
		time.Sleep(time.Millisecond)
	}
}

// doLoop makes, writes and syncs one file after another, for ever.
func doLoop(dir string, _ []string) error {
	for i := 0; ; i++ {
		f, err := os.Create(filepath.Join(dir, strconv.Itoa(i)))
		if err != nil {
			return err
		}
		if _, err := f.WriteString("some"); err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
	}
}

// doFaulty does two of each operation that can fail, and prints what became of each.
func doFaulty(dir string, _ []string) error {
	for i := range 2 {
		path := filepath.Join(dir, fmt.Sprintf("%d.log", i))
		say := func(op Op, err error) {
			var e syscall.Errno
			if errors.As(err, &e) {
				fmt.Printf("%s %d: %v\n", op, i, unix.ErrnoName(e))
			} else {
				fmt.Printf("%s %d: fine\n", op, i)
			}
		}
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
		say(OpCreate, err)
		if err != nil {
			continue
		}
		_, err = f.WriteString("first")
		say(OpWrite, err)
		say(OpSync, f.Sync())
		say(OpAllocate, unix.Fallocate(int(f.Fd()), 0, 0, 8192))
		say(OpRename, os.Rename(path, path+".new"))
		if err == nil {
			err = os.Remove(path + ".new")
			if errors.Is(err, os.ErrNotExist) {
				err = os.Remove(path)
			}
			say(OpUnlink, err)
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

// doLab mounts, says so, and hangs: it is a lab that is killed. Told to be stuck, it waits for its own filesystem then.
func doLab(dir string, args []string) error {
	for _, d := range []string{"backing", "mount"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "backing", "file"), []byte("x"), 0o644); err != nil {
		return err
	}
	writer, err := trace.NewWriter(filepath.Join(dir, "trace"), trace.Meta{}, 0)
	if err != nil {
		return err
	}
	var faults Faults
	if _, err := Mount(Options{Backing: filepath.Join(dir, "backing"), Mountpoint: filepath.Join(dir, "mount"), Trace: writer,
		Faults: &faults, SyncDelay: time.Hour}); err != nil {
		return err
	}
	if len(args) > 0 {
		f, err := os.Open(filepath.Join(dir, "mount", "file"))
		if err != nil {
			return err
		}
		go f.Sync()
		for faults.Counts()[OpSync] == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	fmt.Println("mounted")
	time.Sleep(time.Hour)
	return nil
}

// doLocks takes locks of both sorts, which must keep out a second one; it is told to whom it is second.
func doLocks(dir string, args []string) error {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	whole := syscall.Flock_t{Type: syscall.F_WRLCK}
	flock := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	fcntl := syscall.FcntlFlock(f.Fd(), syscall.F_SETLK, &whole)
	if len(args) > 0 {
		return errors.Join(wantError(syscall.EWOULDBLOCK, flock), wantError(syscall.EAGAIN, fcntl))
	}
	if err := errors.Join(flock, fcntl); err != nil {
		return err
	}
	fmt.Println("locked")
	time.Sleep(time.Hour)
	return nil
}

// doBench writes 4 KiB and syncs, so often, and prints how many microseconds each took.
func doBench(dir string, args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	fd, err := syscall.Open(filepath.Join(dir, "bench"), syscall.O_CREAT|syscall.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	page := bytes.Repeat([]byte("b"), 4096)
	began := time.Now()
	for i := range n {
		if _, err := syscall.Pwrite(fd, page, int64(i%256)*4096); err != nil {
			return err
		}
		if err := syscall.Fdatasync(fd); err != nil {
			return err
		}
	}
	fmt.Printf("%.1f\n", float64(time.Since(began).Microseconds())/float64(n))
	return nil
}
