package recorder

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"sync"
	"syscall"

	"holdfast/lab/trace"
)

// Op is a kind of operation that can fail.
type Op string

// The operations. OpSync is fsync and fdatasync, of directories too; OpUnlink rmdir too.
const (
	OpWrite    Op = "write"
	OpSync     Op = "fsync"
	OpRename   Op = "rename"
	OpAllocate Op = "fallocate"
	OpCreate   Op = "create"
	OpUnlink   Op = "unlink"
)

// Rule says which operations fail, and how. A write, rename, fallocate, create or unlink that fails does nothing. For a
// sync that fails, see the package comment.
type Rule struct {
	Op Op
	// N is which one fails: the N-th that the rule is about since it was armed, from 1. From: and all after it.
	N    int
	From bool
	Err  syscall.Errno // EIO or ENOSPC, say
	// Glob limits the rule to files whose path within the data directory, or whose name, matches as path.Match has it;
	// "" does not. A rename goes by the old name.
	Glob string
}

// Injected is an operation that was made to fail.
type Injected struct {
	Op   Op
	Path string
	N    int // since the rule was armed
	Err  syscall.Errno
}

func (i Injected) String() string { return fmt.Sprintf("%v at %s %d, %s", i.Err, i.Op, i.N, i.Path) }

// Faults make operations fail, while they are armed. The zero value is ready for use, and safe for concurrent use.
type Faults struct {
	mu       sync.Mutex // guards what follows
	rules    []armed
	counts   map[Op]int
	injected []Injected
	fired    int
}

type armed struct {
	Rule
	seen int
}

// ErrRule says that a rule makes no sense.
var ErrRule = errors.New("not a rule for faults")

// injectedMax bounds the list of what was injected; a rule with From may fire without end.
const injectedMax = 1000

// Arm replaces the rules by these, which count from now. More than one may be about the same operations; the first that
// says so makes one fail.
func (f *Faults) Arm(rules ...Rule) error {
	ops := []Op{OpWrite, OpSync, OpRename, OpAllocate, OpCreate, OpUnlink}
	var all []armed
	for _, r := range rules {
		if _, err := path.Match(r.Glob, ""); err != nil || !slices.Contains(ops, r.Op) || r.N < 1 || r.Err == 0 {
			return fmt.Errorf("%+v: %w", r, ErrRule)
		}
		all = append(all, armed{Rule: r})
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = all
	return nil
}

// Disarm has nothing fail from now on. Counts and the list of what was injected stay.
func (f *Faults) Disarm() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = nil
}

// Counts says how many operations of each kind there were since the filesystem was mounted, with those that failed.
func (f *Faults) Counts() map[Op]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.counts)
}

// Injected lists the operations that were made to fail, the first thousand of them; Fired is how many there were.
func (f *Faults) Injected() []Injected {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.injected)
}

// Fired is how many operations were made to fail.
func (f *Faults) Fired() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fired
}

// next counts an operation, and says whether it fails.
func (f *Faults) next(op Op, file string) (Injected, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.counts == nil {
		f.counts = map[Op]int{}
	}
	f.counts[op]++
	var hit Injected
	for i := range f.rules {
		r := &f.rules[i]
		if r.Op != op || !r.matches(file) {
			continue
		}
		r.seen++
		if hit.Err == 0 && (r.seen == r.N || r.From && r.seen > r.N) {
			hit = Injected{Op: op, Path: file, N: r.seen, Err: r.Err}
		}
	}
	if hit.Err == 0 {
		return hit, false
	}
	f.fired++
	if len(f.injected) < injectedMax {
		f.injected = append(f.injected, hit)
	}
	return hit, true
}

func (r *armed) matches(file string) bool {
	if r.Glob == "" {
		return true
	}
	for _, text := range []string{file, path.Base(file)} {
		if ok, err := path.Match(r.Glob, text); ok && err == nil {
			return true
		}
	}
	return false
}

// fault says whether an operation is to fail, and puts a mark for people into the trace if so. f.mu is held.
func (f *Filesystem) fault(op Op, path string, file uint64) syscall.Errno {
	if f.faults == nil {
		return 0
	}
	hit, fails := f.faults.next(op, path)
	if !fails {
		return 0
	}
	f.record(trace.Event{Kind: trace.Mark, Note: "fault: " + hit.String(), File: file, Path: path}, nil)
	return hit.Err
}
