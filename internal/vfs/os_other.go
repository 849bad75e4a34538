//go:build unix && !linux

package vfs

import "golang.org/x/sys/unix"

// datasync makes a file's data and size durable, as far as fsync does on this system.
func datasync(fd int) error { return unix.Fsync(fd) }

// hasten leaves it to the system when the disk begins.
func hasten(int, int64, int64) error { return nil }

// reserve leaves the allocation to the zeros that Preallocate writes.
func reserve(int, int64, int64) error { return nil }
