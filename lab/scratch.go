package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"holdfast/lab/recorder"
)

const (
	// scratchPrefix begins the names of directories that are removed at the end.
	scratchPrefix = "holdfast-lab-"
	// lockName is a file in them that a lab has locked for as long as it lives. It has that name only once it is locked.
	lockName = "lock"
)

// scratch makes a directory for what is removed at the end, by remove; in dir, where "" is the system's place for temporary
// files. Before that it cleans up what a lab that was killed has left there, and what it has left mounted anywhere.
func scratch(dir string) (made string, remove func() error, err error) {
	if dir == "" {
		dir = os.TempDir()
	}
	if err := cleanUp(dir); err != nil {
		return "", nil, fmt.Errorf("cleaning up after a lab that was killed: %w", err)
	}
	if made, err = os.MkdirTemp(dir, scratchPrefix); err != nil {
		return "", nil, fmt.Errorf("making a place for the lab: %w", err)
	}
	lock, err := lockIn(made)
	if err != nil {
		return "", nil, errors.Join(fmt.Errorf("making a place for the lab: %w", err), os.RemoveAll(made))
	}
	return made, func() error { return errors.Join(os.RemoveAll(made), lock.Close()) }, nil
}

func lockIn(dir string) (*os.File, error) {
	lock, err := os.CreateTemp(dir, lockName)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX)
	if err == nil {
		err = os.Rename(lock.Name(), filepath.Join(dir, lockName))
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// cleanUp unmounts what belongs to no lab that lives, and removes the directories of those that are gone.
func cleanUp(dir string) error {
	if _, err := recorder.CleanStale(scratchPrefix); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), scratchPrefix) {
			continue
		}
		room := filepath.Join(dir, entry.Name())
		lock, err := os.Open(filepath.Join(room, lockName))
		if err != nil {
			continue // it has none yet, went meanwhile, or is another user's
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			errs = append(errs, os.RemoveAll(room))
		}
		errs = append(errs, lock.Close())
	}
	return errors.Join(errs...)
}
