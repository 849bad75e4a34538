package vfs

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
)

// ErrCrashed is what every operation returns once the machine has lost its power.
var ErrCrashed = errors.New("the machine has crashed")

// Kind says what an operation does; faults are aimed by it.
type Kind int

// The kinds of operation. Each call is one, but for MkdirAll, which is a Create and a SyncDir per new directory, and
// Lock, which is a Create where it makes the file and a Read where it finds it.
const (
	Create Kind = iota
	Rename
	Remove
	SyncDir
	Write
	Sync
	Preallocate
	Truncate
	// Read is everything that only looks: ReadAt, Open, OpenRead, Stat, List, Size, Free. Reads have no number, and only
	// a fault that names Read meets them.
	Read

	kindCount
)

var kindNames = [kindCount]string{
	"create", "rename", "remove", "syncdir", "write", "sync", "preallocate", "truncate", "read",
}

func (k Kind) String() string { return kindNames[k] }

// Op is one operation.
type Op struct {
	// N is its number: 1 for the first since NewFaulty that is not a Read. A Read has the number of its predecessor.
	N    int
	Kind Kind
	// Path is as the caller gave it; of a Rename the old name, of a File the name that it was opened by.
	Path string
}

func (op Op) String() string { return fmt.Sprintf("operation %d, %s %s", op.N, op.Kind, op.Path) }

// Injection is a failure that was handed out.
type Injection struct {
	Op
	// Err is the very value that was returned: errors.Is(reported, Err) holds for this failure and for no other.
	Err error
}

// rule aims at the n-th operation of its kinds, or of all but Read when it names none.
type rule struct {
	n       int
	onwards bool // and at all after it
	kinds   []Kind
	err     error
}

func (r *rule) covers(kind Kind) bool {
	if len(r.kinds) == 0 {
		return kind != Read
	}
	return slices.Contains(r.kinds, kind)
}

// Ops counts the operations so far: those of the kinds named, or without any all but reads. The number of operations
// of an undisturbed run bounds a loop over FailAt or CrashAt.
func (f *Faulty) Ops(kinds ...Kind) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count(kinds)
}

// FailAt lets the n-th operation since NewFaulty (1 is the first) fail with err, once. With kinds, only operations of
// those kinds count: FailAt(3, syscall.EIO, Sync) is the third Sync, FailAt(f.Ops(Sync)+1, syscall.EIO, Sync) the next.
//
// What fails does nothing, with two exceptions: a Write may have written any prefix, and after a failed Sync the
// kernel has dropped what it could not write. No later Sync brings that back, though it returns nil.
func (f *Faulty) FailAt(n int, err error, kinds ...Kind) {
	f.aim(&rule{n: n, kinds: kinds, err: err})
}

// FailFrom is FailAt for the n-th operation and all after it.
func (f *Faulty) FailFrom(n int, err error, kinds ...Kind) {
	f.aim(&rule{n: n, kinds: kinds, err: err, onwards: true})
}

// Heal ends all faults that FailAt and FailFrom set up: there is room on the disk again.
func (f *Faulty) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = nil
}

// Intercept has fn asked before every operation, reads too; nil ends it. fn may block, which holds up this one
// operation (it has no number yet), and what it returns, if anything, is injected as by FailAt.
func (f *Faulty) Intercept(fn func(kind Kind, path string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.intercept = fn
}

// Injected lists the failures handed out so far. A crash is not one of them.
func (f *Faulty) Injected() []Injection {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.injected)
}

func (f *Faulty) aim(r *rule) {
	if r.err == nil || r.n < 1 {
		panic(fmt.Sprintf("BUG: fault number %d with error %v", r.n, r.err))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = append(f.rules, r)
}

// begin numbers an operation and says what becomes of it: nil to carry it out, otherwise what to return.
// It returns with f.mu held in either case.
func (f *Faulty) begin(kind Kind, path string) error {
	f.mu.Lock()
	var asked error
	if fn := f.intercept; fn != nil {
		f.mu.Unlock()
		asked = fn(kind, path)
		f.mu.Lock()
	}
	if f.crashed {
		return &fs.PathError{Op: kind.String(), Path: path, Err: ErrCrashed}
	}
	f.counts[kind]++
	if f.reached(f.crashRule, kind) {
		f.crash()
		return &fs.PathError{Op: kind.String(), Path: path, Err: fmt.Errorf("%w at operation %d", ErrCrashed, f.count(nil))}
	}
	if asked != nil {
		return f.inject(kind, path, asked)
	}
	for _, r := range f.rules {
		if f.reached(r, kind) {
			return f.inject(kind, path, r.err)
		}
	}
	return nil
}

// reached reports whether the operation just counted is one that r aims at.
func (f *Faulty) reached(r *rule, kind Kind) bool {
	if r == nil || !r.covers(kind) {
		return false
	}
	n := f.count(r.kinds)
	return n == r.n || r.onwards && n > r.n
}

func (f *Faulty) inject(kind Kind, path string, cause error) error {
	err := &fs.PathError{Op: kind.String(), Path: path, Err: cause}
	f.injected = append(f.injected, Injection{Op{f.count(nil), kind, path}, err})
	return err
}

func (f *Faulty) count(kinds []Kind) int {
	all := rule{kinds: kinds}
	n := 0
	for kind, count := range f.counts {
		if all.covers(Kind(kind)) {
			n += count
		}
	}
	return n
}
