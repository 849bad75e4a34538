package engine_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"holdfast/internal/vfs"
)

// everyPoint is the environment variable that makes the tests below try every crash and every failure instead of
// a sample; `make crash` sets it. seedVariable repeats a sample.
const (
	everyPoint   = "ENGINE_EVERY_POINT"
	seedVariable = "ENGINE_SEED"
)

// chance is a source of randomness whose seed is printed.
func chance(t testing.TB) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if given := os.Getenv(seedVariable); given != "" {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatalf("%s: %v", seedVariable, err)
		}
	}
	t.Logf("%s=%d", seedVariable, seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// points are the numbers from 1 to n to be tried: a sample, in order, or all.
func points(rng *rand.Rand, n, sample int) []int {
	chosen := make([]int, 0, n)
	for k := 1; k <= n; k++ {
		if os.Getenv(everyPoint) != "" || rng.IntN(n) < sample {
			chosen = append(chosen, k)
		}
	}
	return chosen
}

// modes are all that a power cut may leave.
var modes = []vfs.Mode{vfs.OnlySynced, vfs.Everything, vfs.Random, vfs.RandomOrdered}

// big is a value of which three fill more than a segment. It differs by its name, and does not end in zeroes.
func big(name string) string { return strings.Repeat(name+".", 350_000/(len(name)+1)) }

// longSession does whatever a data set can go through. It ends early when the engine fails.
func longSession(s *session) {
	s.say("SET a 1")
	s.pipeline("INCR a", "RPUSH l x y z", "SET timed v PXAT 1800000000000", "APPEND a 0", "LPOP l")
	s.transaction("SET left 1", "SET right 1", "INCR a", "RPUSH l t")
	s.say("SELECT 1")
	s.pipeline("RPUSH l one two", "SET c d", "PEXPIREAT c 1900000000000", "LMOVE l m RIGHT LEFT")
	s.save()
	s.say("SET lapsing soon PX 500")
	s.transaction("DEL left", "SELECT 1", "SET in1 x", "SELECT 0", "SET right 2", "SWAPDB 0 2")
	s.say("SELECT 2")
	s.pipeline("SET big "+big("first"), "INCR a", "SET big2 "+big("second"), "INCR a")
	s.say("SET big " + big("third")) // a segment is full
	s.pipeline("RENAME a b", "PERSIST timed", "PEXPIRE b 9000000", "LTRIM l 1 1", "COPY l l2")
	s.pass(1000)
	s.say("INCR b")
	s.saveBeside("INCR b", "DEL l", "RPUSH l2 during", "SET new v", "PEXPIREAT new 1850000000000", "DEL big2")
	s.transaction("RPUSH queue 1 2 3", "LMOVE queue done LEFT LEFT")
	s.pipeline("SWAPDB 1 2", "FLUSHDB", "SET afterwards 1")
	s.save()
	s.transaction("FLUSHALL", "SET survivor 1", "RPUSH l end")
	s.say("INCR survivor")
}

// saveBeside executes command lines while a checkpoint is under way.
func (s *session) saveBeside(lines ...string) {
	s.t.Helper()
	if s.over() {
		return
	}
	done := make(chan error, 1)
	s.until("a checkpoint to begin", func() (begun bool) {
		s.engine.Do(func() { begun = s.engine.Checkpoint(func(err error) { done <- err }) })
		return begun
	})
	for _, line := range lines {
		s.say(line)
	}
	s.note(<-done)
}

// shortSession is what is done after a recovery.
func shortSession(s *session) {
	s.say("SET again 1")
	s.pipeline("INCR again", "RPUSH l new", "PEXPIREAT l 1870000000000", "SET big "+big("again"))
	s.transaction("INCR again", "DEL l", "SET other v")
	s.save()
	s.pipeline("INCR again", "RPUSH l a b c", "DEL big")
}

// A crash at any operation of a session, whatever of the unsynced rest survives it: a start finds what was acknowledged
// and nothing that was not said. So it does after a second crash, at any operation of that start and of what follows.
func TestACrashAtAnyOperation(t *testing.T) {
	rng := chance(t)
	ops := operations(t, longSession)
	for _, k := range points(rng, ops, 8) {
		seed := rng.Int64()
		t.Run(fmt.Sprintf("operation=%d,seed=%d", k, seed), func(t *testing.T) {
			t.Parallel()
			crashAt(t, k, seed)
		})
	}
}

// A crash at any operation of the very first start leaves a directory that the next one takes for a new data set.
func TestACrashOfTheVeryFirstStart(t *testing.T) {
	for _, appendonly := range []string{"yes", "no"} {
		t.Run("appendonly "+appendonly, func(t *testing.T) {
			t.Parallel()
			as := []string{"appendonly", appendonly}
			for k := 1; ; k++ {
				fsys, dir := disk(t)
				fsys.CrashAt(k)
				r, err := tryOpen(t, setup{fs: fsys, dir: dir, settings: as})
				if err == nil {
					r.close(false)
				}
				for _, mode := range modes {
					left, dir := leftBy(t, fsys, mode, int64(k))
					r := open(t, setup{fs: left, dir: dir, settings: as, serving: make(chan struct{})})
					r.expect("SET a 1", "+OK")
					r.mustClose(true)
					r.again().expect("GET a", "$1 1")
				}
				if !fsys.Crashed() {
					t.Logf("%d operations", k-1)
					return
				}
			}
		})
	}
}

// operations counts the operations of an undisturbed session.
func operations(t *testing.T, play func(*session), settings ...string) int {
	t.Helper()
	fsys, dir := disk(t)
	s := begin(t, setup{fs: fsys, dir: dir, settings: settings})
	play(s)
	s.check("undisturbed")
	s.mustClose(false)
	return fsys.Ops()
}

// disk is a faulty file system and a data directory in it that is yet to be made.
func disk(t testing.TB) (*vfs.Faulty, string) {
	root := t.TempDir()
	return vfs.NewFaulty(root, 1), filepath.Join(root, "data")
}

func crashAt(t *testing.T, k int, seed int64) {
	fsys, dir := disk(t)
	fsys.CrashAt(k)
	h := newHistory()
	rig, err := tryOpen(t, setup{fs: fsys, dir: dir})
	if err == nil {
		s := &session{rig: rig, history: h}
		longSession(s)
		s.close(false)
	} else if !errors.Is(err, vfs.ErrCrashed) {
		t.Errorf("Open: %v", err)
	}
	rng := rand.New(rand.NewPCG(uint64(seed), 1))
	for _, mode := range modes {
		recoverTwice(t, fsys, rig.setup, h.clone(), mode, rng, fmt.Sprintf("crash at %d, %v", k, mode))
	}
}

// recoverTwice starts an engine on what a crash left, goes on, lets it crash again, and starts another.
func recoverTwice(t *testing.T, crashed *vfs.Faulty, as setup, h *history, mode vfs.Mode, rng *rand.Rand, what string) {
	t.Helper()
	fsys, dir := leftBy(t, crashed, mode, rng.Int64())
	second := 1 + rng.IntN(60)
	fsys.CrashAt(second)
	what = fmt.Sprintf("%s; crash at %d", what, second)
	as.fs, as.dir = fsys, dir
	rig, err := tryOpen(t, as)
	if err == nil {
		s := &session{rig: rig, history: h}
		if !s.over() && !h.recovered(rig, what) {
			return
		}
		shortSession(s)
		s.close(false)
	} else if !errors.Is(err, vfs.ErrCrashed) {
		t.Errorf("%s: Open: %v", what, err)
		return
	}

	mode = modes[rng.IntN(len(modes))]
	_, dir = leftBy(t, fsys, mode, rng.Int64())
	what = fmt.Sprintf("%s, %v", what, mode)
	as.fs, as.dir = vfs.OS(), dir
	rig, err = tryOpen(t, as)
	if err != nil {
		t.Errorf("%s: Open: %v", what, err)
		return
	}
	s := &session{rig: rig, history: h}
	if !h.recovered(rig, what) {
		return
	}
	shortSession(s)
	s.check(what)
	s.mustClose(false)
	rig = rig.again()
	h.recovered(rig, what+", after an orderly end")
	rig.mustClose(false)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
}

// leftBy makes a disk of what a crash left. The data directory in it may be missing.
func leftBy(t *testing.T, crashed *vfs.Faulty, mode vfs.Mode, seed int64) (*vfs.Faulty, string) {
	t.Helper()
	root := t.TempDir()
	if err := crashed.Materialise(root, mode, seed); err != nil {
		t.Fatal(err)
	}
	return vfs.NewFaulty(root, seed), filepath.Join(root, "data")
}
