package vfs

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

// Mode says how much of what was not synced outlives a crash.
type Mode int

// The modes of Materialise.
const (
	// OnlySynced leaves the least: no byte, size or name that was not synced.
	OnlySynced Mode = iota
	// Everything leaves what programs saw.
	Everything
	// Random leaves any part: of each file some sectors in any order, one of them perhaps torn, or its writes up to some
	// byte; of the operations on names any that build on no lost one, such as a rename but not an earlier removal.
	Random
	// RandomOrdered is Random, but the operations on the names of one directory survive in the order they were made, up to
	// some point, as on a file system with a journal.
	RandomOrdered
)

var modeNames = []string{"OnlySynced", "Everything", "Random", "RandomOrdered"}

func (m Mode) String() string { return modeNames[m] }

// image holds the bytes of files that have no history.
type image map[*inode][]byte

// CrashAt cuts the power at the n-th operation since NewFaulty (1 is the first; with kinds, as for FailAt, of those
// kinds). That operation does not happen; it and all after it return ErrCrashed. What others have written under the
// root is copied within the call, so that it counts as it was at this instant.
func (f *Faulty) CrashAt(n int, kinds ...Kind) {
	if n < 1 {
		panic(fmt.Sprintf("BUG: crash at operation %d", n))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.crashRule = &rule{n: n, kinds: kinds}
}

// Crash cuts the power now.
func (f *Faulty) Crash() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.crashed {
		f.crash()
	}
}

// Crashed reports whether the power is off.
func (f *Faulty) Crashed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.crashed
}

func (f *Faulty) crash() {
	f.crashed = true
	f.wreck, f.wreckErr = f.capture()
}

// capture copies the files without a history, as they are now.
func (f *Faulty) capture() (image, error) {
	copied := make(image)
	err := f.tree.walk(f.tree.root, f.root, func(file *inode, path string) error {
		if file.data != nil {
			return nil
		}
		content, err := os.ReadFile(path)
		copied[file] = content
		return err
	})
	return copied, err
}

// Materialise fills dst, an empty or new directory outside the root, with what the crash left, or, while the power is
// on, with what a crash at this moment would leave; the run goes on undisturbed. It may be called any number of
// times. The random modes take their chances from seed; the others ignore it.
func (f *Faulty) Materialise(dst string, mode Mode, seed int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	outside, err := f.wreck, f.wreckErr
	if !f.crashed {
		outside, err = f.capture()
	}
	if err != nil {
		return fmt.Errorf("capturing %s: %w", f.root, err)
	}
	rng := rand.New(rand.NewPCG(uint64(seed), 1))
	density := rng.Float64()
	survives := func() bool {
		switch mode {
		case OnlySynced:
			return false
		case Everything:
			return true
		default:
			return rng.Float64() < density
		}
	}
	left := &remains{
		mode:    mode,
		rng:     rng,
		entries: f.tree.survivors(survives, mode == RandomOrdered),
		bytes:   outside,
	}
	if err := os.MkdirAll(dst, dirMode); err != nil {
		return err
	}
	return left.write(f.tree.root, dst)
}

// remains is what one crash left.
type remains struct {
	mode    Mode
	rng     *rand.Rand
	entries func(dir *inode) map[string]*inode
	bytes   image
}

// write puts what is left of a directory into dst, which is empty. Names go in order: a seed gives one outcome.
func (r *remains) write(dir *inode, dst string) error {
	entries := r.entries(dir)
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		child, path := entries[name], filepath.Join(dst, name)
		var err error
		if child.isDir() {
			if err = os.Mkdir(path, dirMode); err == nil {
				err = r.write(child, path)
			}
		} else {
			err = writeNew(path, r.content(child))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *remains) content(file *inode) []byte {
	switch {
	case file.data == nil:
		return r.bytes[file]
	case r.mode == OnlySynced:
		return file.data.onlySynced()
	case r.mode == Everything:
		return file.data.everything()
	default:
		return file.data.random(r.rng)
	}
}

// writeNew writes a file that must not exist yet. Zeros at its end, as of a preallocated segment, take no room.
func writeNew(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	_, err = file.Write(bytes.TrimRight(content, "\x00"))
	if err == nil {
		err = file.Truncate(int64(len(content)))
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}
