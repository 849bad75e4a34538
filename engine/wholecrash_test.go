package engine_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"holdfast/engine"
	"holdfast/internal/vfs"
)

// A checkpoint that would touch over half of the base's pages writes a new base instead. That is another road than the one
// that the sessions of the other tests, with their few keys, ever take.

// widespread is a data directory whose base has a key on each of some 4,300 pages, to be copied for each test.
func widespread(t *testing.T) (template string) {
	t.Helper()
	template = filepath.Join(t.TempDir(), "data")
	r := open(t, setup{fs: vfs.OS(), dir: template, settings: []string{"appendfsync", "no"}})
	r.each(1, strings.Repeat("v", 3000))
	r.mustClose(true)
	return template
}

const widespreadKeys = 4300

// each sets each n-th key to a value.
func (r *rig) each(n int, value string) {
	r.t.Helper()
	var requests [][][]byte
	for i := 0; i < widespreadKeys; i += n {
		requests = append(requests, words(fmt.Sprintf("SET key:%08d %s%d", i, value, i)))
	}
	_, gate := r.run(r.user, requests...)
	if !r.commit(gate) {
		r.t.Fatal("the writes are not acknowledged")
	}
}

// openWidespread starts an engine on a copy, and changes more than half of the keys, no two of which are on one page.
func openWidespread(t *testing.T, template string) (*vfs.Faulty, *rig) {
	t.Helper()
	root := t.TempDir()
	dir := filepath.Join(root, "data")
	if err := os.CopyFS(dir, os.DirFS(template)); err != nil {
		t.Fatal(err)
	}
	fsys := vfs.NewFaulty(root, 1)
	r := open(t, setup{fs: fsys, dir: dir})
	r.each(2, "changed")
	r.each(3, "changed")
	return fsys, r
}

func (r *rig) digest() string { return string(r.raw("DEBUG DIGEST")) }

func TestACheckpointThatTouchesMostPages(t *testing.T) {
	t.Parallel()
	rng := chance(t)
	template := widespread(t)
	ops, want := operationsOfWhole(t, template)
	chosen := func(sample int) []int { // most operations are writes of pages: some of the few behind them are always there
		return append(points(rng, ops, sample), ops-rng.IntN(12), ops-rng.IntN(12))
	}
	t.Run("crash", func(t *testing.T) { crashesOfWhole(t, template, chosen(1), ops, want, rng) })
	t.Run("failure", func(t *testing.T) { failuresOfWhole(t, template, chosen(1), want, rng) })
}

// A crash at any operation of it, whatever of the unsynced rest survives: the next start has every key as it was acknowledged.
func crashesOfWhole(t *testing.T, template string, chosen []int, ops int, want string, rng *rand.Rand) {
	for _, k := range chosen {
		fsys, r := openWidespread(t, template)
		fsys.CrashAt(fsys.Ops() + k)
		if err := r.checkpoint(); fsys.Crashed() && err == nil && k < ops-10 { // behind that the old segments go
			t.Errorf("crash at %d of %d: the checkpoint says nothing", k, ops)
		}
		r.close(false)
		for _, mode := range modes {
			_, dir := leftBy(t, fsys, mode, rng.Int64())
			again := open(t, setup{fs: vfs.OS(), dir: dir})
			if got := again.digest(); got != want {
				t.Errorf("crash at %d of %d, %v: the digest is %q, not %q; %s keys", k, ops, mode, got, want, again.do("DBSIZE"))
			}
			again.mustClose(false)
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// operationsOfWhole counts the operations of an undisturbed checkpoint, and returns the digest of what it stores.
func operationsOfWhole(t *testing.T, template string) (ops int, digest string) {
	t.Helper()
	fsys, r := openWidespread(t, template)
	base := filepath.Join(r.setup.dir, engine.BaseName)
	before, err := os.Stat(base)
	if err != nil {
		t.Fatal(err)
	}
	began := fsys.Ops()
	if err := r.checkpoint(); err != nil {
		t.Fatal(err)
	}
	ops, digest = fsys.Ops()-began, r.digest()
	after, err := os.Stat(base)
	if err != nil || os.SameFile(before, after) {
		t.Fatalf("the checkpoint did not write a new base: %v", err)
	}
	if ops < 30 {
		t.Fatalf("a checkpoint of only %d operations", ops)
	}
	r.mustClose(false)
	return ops, digest
}

// A full disk, or one that fails, at any operation of it: what is not of the log makes the checkpoint fail, which says so, and
// the next one succeeds. Nothing is lost in either case.
func failuresOfWhole(t *testing.T, template string, chosen []int, want string, rng *rand.Rand) {
	for i, k := range chosen {
		fsys, r := openWidespread(t, template)
		cause := []error{syscall.EIO, syscall.ENOSPC}[i%2]
		fsys.FailAt(fsys.Ops()+k, cause)
		err := r.checkpoint()
		injected := fsys.Injected()
		if len(injected) == 0 {
			continue // a run has not always the same number of operations
		}
		what := fmt.Sprintf("%v: %v", injected[0].Op, cause)
		switch {
		case r.dead() != nil && !inLog(injected[0].Op):
			t.Errorf("%s was fatal: %v", what, r.dead())
		case r.dead() != nil, madeAhead(injected[0].Op):
		case madeOnTheSpot(injected[0].Op):
			if err != nil {
				t.Errorf("%s made the checkpoint fail: %v", what, err)
			}
		case !errors.Is(err, injected[0].Err):
			t.Errorf("%s: the checkpoint says %v", what, err)
		}
		if r.dead() == nil {
			fsys.Heal()
			if err := r.checkpoint(); err != nil {
				t.Errorf("%s: the next checkpoint: %v", what, err)
			}
			if got := r.digest(); got != want {
				t.Errorf("%s: the digest is %q, not %q", what, got, want)
			}
		}
		r.close(false)
		_, dir := leftBy(t, fsys, vfs.OnlySynced, rng.Int64())
		again := open(t, setup{fs: vfs.OS(), dir: dir})
		if got := again.digest(); got != want {
			t.Errorf("%s, after a power cut: the digest is %q, not %q", what, got, want)
		}
		again.mustClose(false)
	}
}
