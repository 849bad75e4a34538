package integration

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// A SmallDisk is a file system of its own, of a few megabytes, that can really be full.
//
// It is mounted and at once detached again: what keeps it is the open directory that Dir leads to, so the system lets go of
// it with the process, however that ends. Making one takes root.
type SmallDisk struct {
	Dir  string // its root
	root *os.File
}

// NewTmpfs makes a disk in memory. scratch is an empty directory.
func NewTmpfs(scratch string, bytes int64) (*SmallDisk, error) {
	if err := syscall.Mount("tmpfs", scratch, "tmpfs", 0, fmt.Sprintf("size=%d", bytes)); err != nil {
		return nil, fmt.Errorf("mounting a tmpfs: %w", err)
	}
	return detach(scratch)
}

// NewExt4 makes a disk of a file, as a loop device with ext4. scratch is an empty directory.
func NewExt4(scratch string, bytes int64) (*SmallDisk, error) {
	image, mountpoint := filepath.Join(scratch, "image"), filepath.Join(scratch, "mounted")
	if err := os.Mkdir(mountpoint, 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		return nil, err
	}
	if err := os.Truncate(image, bytes); err != nil {
		return nil, err
	}
	for _, command := range [][]string{{"mkfs.ext4", "-q", "-F", "-m", "0", image}, {"mount", "-o", "loop", image, mountpoint}} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%s: %w: %s", command[0], err, out)
		}
	}
	return detach(mountpoint)
}

func detach(mountpoint string) (*SmallDisk, error) {
	root, err := os.Open(mountpoint)
	if unmounting := syscall.Unmount(mountpoint, syscall.MNT_DETACH); err == nil {
		err = unmounting
	}
	if err != nil {
		return nil, fmt.Errorf("detaching %s: %w", mountpoint, err)
	}
	return &SmallDisk{Dir: fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), root.Fd()), root: root}, nil
}

// Free is how many bytes are free.
func (d *SmallDisk) Free() (int64, error) {
	var s syscall.Statfs_t
	err := syscall.Fstatfs(int(d.root.Fd()), &s)
	return int64(s.Bavail) * s.Bsize, err
}

// Fill puts a file on the disk that takes what is free but for so many bytes.
func (d *SmallDisk) Fill(name string, but int64) error {
	file, err := os.Create(filepath.Join(d.Dir, name))
	if err != nil {
		return err
	}
	defer file.Close()
	chunk := make([]byte, 64<<10)
	for at := int64(0); ; at += int64(len(chunk)) {
		free, err := d.Free()
		if err != nil || free < but+int64(len(chunk)) {
			return err
		}
		if _, err := file.WriteAt(chunk, at); err != nil && !errors.Is(err, syscall.ENOSPC) { // others take room meanwhile
			return fmt.Errorf("filling the disk: %w", err)
		}
	}
}

// Close lets go of the disk.
func (d *SmallDisk) Close() error { return d.root.Close() }
