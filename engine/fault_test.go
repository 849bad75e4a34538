package engine_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"holdfast/engine"
	"holdfast/internal/vfs"
	"holdfast/snapshot"
)

// Each operation of a session fails once. Whatever fails, somebody is told; when it is the log the process ends and no
// reply leaves any more; when it is a checkpoint everything is served on; and what was acknowledged is there at
// the next start, whether the process ended or the machine did.
func TestEveryOperationFailsOnce(t *testing.T) {
	rng := chance(t)
	ops := operations(t, longSession)
	for _, cause := range []error{syscall.EIO, syscall.ENOSPC} {
		for _, k := range points(rng, ops, 6) {
			t.Run(fmt.Sprintf("%v,operation=%d", cause, k), func(t *testing.T) {
				t.Parallel()
				failAt(t, k, cause)
			})
		}
	}
}

func failAt(t *testing.T, k int, cause error) {
	fsys, dir := disk(t)
	fsys.FailAt(k, cause)
	h := newHistory()
	r, err := tryOpen(t, setup{fs: fsys, dir: dir})
	if err == nil {
		s := &session{rig: r, history: h}
		longSession(s)
		s.afterFailure(fsys)
		s.close(false)
	}
	injected := fsys.Injected()
	if len(injected) == 0 {
		return // a run has not always the same number of operations
	}
	what := injected[0].Op
	if !r.wasTold(injected[0].Err) && !madeAhead(what) {
		t.Errorf("%v: nobody was told; told was: %v", what, r.told)
	}
	startsAgain(t, fsys, r.setup, h, what.String())
}

// afterFailure is what must hold at the end of a session in which something failed.
func (s *session) afterFailure(fsys *vfs.Faulty) {
	s.t.Helper()
	failed := fsys.Injected()
	if len(failed) == 0 {
		return
	}
	if s.over() {
		if !inLog(failed[0].Op) {
			s.t.Errorf("%v failed, which says nothing about what is on disk, and yet that was fatal: %v", failed[0].Op, s.dead())
		}
		s.mute()
		return
	}
	s.check("after the failure")
	if onLiveLog(failed[0].Op) {
		s.t.Errorf("%v failed, and the process goes on", failed[0].Op)
	}
}

// mute checks that nothing is acknowledged any more.
func (s *session) mute() {
	s.t.Helper()
	if len(s.fatal) != 1 {
		s.t.Errorf("Fatal was called %d times: %v", len(s.fatal), s.fatal)
	}
	for _, line := range []string{"SET after failure", "GET a", "PING"} {
		if _, left := s.send(s.connect(), words(line)); left || s.engine.Passed() != 0 {
			s.t.Errorf("%s after the failure: the reply leaves, LSN %d is passed", line, s.engine.Passed())
		}
	}
	after, _ := s.last().after(s.now(), 0, "SET", "after", "failure")
	s.states = append(s.states, after) // said and not acknowledged: it may be there
}

// onLiveLog tells operations whose failure leaves it in doubt what of the log is on disk. A segment may still go by the
// temporary name that it was made under; then a sync may also be one before it was in use.
func onLiveLog(op vfs.Op) bool {
	return filepath.Base(filepath.Dir(op.Path)) == engine.LogDir &&
		(op.Kind == vfs.Write || op.Kind == vfs.Sync && strings.HasSuffix(op.Path, ".aof"))
}

// inLog tells the operations in the log's directory whose failure may end the process. That a new segment cannot be
// allocated is not among them: the old one is as sound as before.
func inLog(op vfs.Op) bool {
	dir := op.Path
	if op.Kind != vfs.SyncDir {
		dir = filepath.Dir(dir)
	}
	return filepath.Base(dir) == engine.LogDir && op.Kind != vfs.Create && op.Kind != vfs.Preallocate && op.Kind != vfs.Remove
}

// madeAhead tells the operations on the segment made ahead, of which nobody is told before it is needed.
func madeAhead(op vfs.Op) bool { return strings.HasSuffix(op.Path, "next.tmp") && op.Kind != vfs.Write }

// madeOnTheSpot tells the operations on a segment that is made because the one made ahead is not there yet.
func madeOnTheSpot(op vfs.Op) bool { return strings.HasSuffix(op.Path, "own.tmp") }

// startsAgain starts engines on what is left: as the kernel has it, and as a power cut would leave it.
func startsAgain(t *testing.T, fsys *vfs.Faulty, as setup, h *history, what string) {
	t.Helper()
	for _, mode := range []vfs.Mode{vfs.Everything, vfs.OnlySynced, vfs.Random} {
		as.fs, as.dir = leftBy(t, fsys, mode, 1)
		what := fmt.Sprintf("%s, %v", what, mode)
		r, err := tryOpen(t, as)
		if err != nil {
			t.Errorf("%s: Open: %v", what, err)
			continue
		}
		s := &session{rig: r, history: h.clone()}
		if s.recovered(r, what) {
			s.say("INCR further")
			s.save()
			s.check(what)
		}
		s.mustClose(false)
	}
}

// A write or a sync of the log that fails ends the process at once, whoever asked for it, and under every policy.
func TestAFailureOfTheLogIsFatal(t *testing.T) {
	for _, policy := range []string{"always", "everysec", "no"} {
		for name, act := range map[string]func(s *session){
			"a command":        func(s *session) { s.say("SET a 2") },
			"a transaction":    func(s *session) { s.transaction("SET a 2", "SET b 2") },
			"a checkpoint":     func(s *session) { s.run(s.user, words("SET a 2")); s.checkpoint() },
			"expiry":           func(s *session) { s.pass(5000) },
			"a blocked client": func(s *session) { s.run(s.user, words("RPUSH queue x")); s.commit(0) },
			"switching off":    func(s *session) { s.run(s.user, words("SET a 2"), words("CONFIG SET appendonly no")) },
			"WAITAOF":          func(s *session) { s.run(s.connect(), words("SET a 2"), words("WAITAOF 1 0 0")) },
		} {
			kind := vfs.Sync
			if policy != "always" {
				kind = vfs.Write
			}
			t.Run(policy+", "+name, func(t *testing.T) {
				fsys, dir := disk(t)
				s := begin(t, setup{fs: fsys, dir: dir, settings: []string{"appendfsync", policy}})
				s.say("SET a 1")
				s.say("SET timed x PX 1000")
				s.mustClose(false)
				s.rig = s.again() // which opens the segment by its name
				s.as(s.connect(), "BLPOP queue 0")
				fsys.Intercept(func(k vfs.Kind, path string) error { // not of the segment made ahead
					if k == kind && strings.HasSuffix(path, ".aof") {
						return syscall.EIO
					}
					return nil
				})
				act(s)
				s.until("the failure to be fatal", s.over)
				if err := s.dead(); !errors.Is(err, syscall.EIO) {
					t.Errorf("Fatal: %v", err)
				}
				s.mute()
				fsys.Intercept(nil) // which helps nobody: the log is not tried again
				s.mute()
				if err := s.close(false); err == nil {
					t.Error("Close after the failure: no error")
				}
			})
		}
	}
}

// A failure is fatal too when it comes with nobody waiting for the log: in the goroutine that begins a segment before the live
// one is full. The writes that follow are refused, and would leave no commit to find it.
func TestAFailureWithNobodyWaitingIsFatal(t *testing.T) {
	for _, policy := range []string{"always", "everysec", "no"} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			fsys, dir := disk(t)
			s := begin(t, setup{fs: fsys, dir: dir, settings: []string{"appendfsync", policy}})
			fsys.Intercept(func(kind vfs.Kind, path string) error {
				if kind == vfs.Rename && madeAhead(vfs.Op{Path: path}) {
					return syscall.EIO
				}
				return nil
			})
			s.pipeline("SET one "+big("one"), "SET two "+big("two"))
			s.untilReady()
			fsys.SetFree(0)                                            // what comes now, and its reserve, find room in the segment ahead, once it can be used
			s.untilWritten("SET rest " + strings.Repeat("x", 300_000)) // which leaves less than a sixteenth of the live one
			s.until("the failure to be fatal", s.over)
			if err := s.dead(); !errors.Is(err, syscall.EIO) {
				t.Errorf("Fatal: %v", err)
			}
			s.mute()
			startsAgain(t, fsys, s.setup, s.history, policy)
		})
	}
}

// Whatever fails in a checkpoint but the log: it is reported, INFO says so, writes go on, and a later one succeeds.
func TestAFailureOfACheckpointIsReported(t *testing.T) {
	prepare := func(t *testing.T) (*vfs.Faulty, *session) {
		fsys, dir := disk(t)
		s := begin(t, setup{fs: fsys, dir: dir})
		s.pipeline("SET a 1", "RPUSH l x y", "SET timed v PXAT 1900000000000")
		s.save()
		s.pipeline("DEL a", "RPUSH l z", "SET b 2")
		return fsys, s
	}
	fsys, s := prepare(t)
	from := fsys.Ops()
	s.save()
	n := fsys.Ops() - from
	for i := 1; i <= n; i++ {
		fsys, s := prepare(t)
		fsys.FailAt(fsys.Ops()+i, syscall.EIO)
		err := s.checkpoint()
		injected := fsys.Injected()
		if len(injected) == 0 || madeAhead(injected[0].Op) {
			continue
		}
		t.Run(injected[0].Op.String(), func(t *testing.T) {
			s.t = t
			if s.over() {
				s.afterFailure(fsys)
				return
			}
			s.judge(err, injected[0])
			s.say("INCR b")
			s.check("after the failure")
			s.save()
			if got := s.info("rdb_last_bgsave_status"); got != "ok" {
				t.Errorf("after a checkpoint that succeeded INFO says %s", got)
			}
			s.say("INCR b")
			startsAgain(t, fsys, s.setup, s.history, "after the second checkpoint")
		})
	}
}

// judge checks what a checkpoint says of a failure that was not fatal. Without a new segment it goes on in the old one,
// and the log tells why.
func (s *session) judge(err error, failed vfs.Injection) {
	s.t.Helper()
	status, good := s.info("rdb_last_bgsave_status"), false
	if madeOnTheSpot(failed.Op) {
		good = err == nil && status == "ok" && s.wasTold(failed.Err)
	} else {
		good = errors.Is(err, failed.Err) && status == "err"
	}
	if !good {
		s.t.Errorf("the checkpoint says %v, INFO %s; told was: %v", err, status, s.told)
	}
}

// The segment made ahead is never there when a checkpoint begins one, and the one made on the spot fails.
func TestACheckpointNeedsNoNewSegment(t *testing.T) {
	for _, kind := range []vfs.Kind{vfs.Remove, vfs.Create, vfs.Preallocate, vfs.Sync} {
		t.Run(kind.String(), func(t *testing.T) {
			fsys, dir := disk(t)
			var armed atomic.Bool
			fsys.Intercept(func(k vfs.Kind, path string) error {
				switch op := (vfs.Op{Kind: k, Path: path}); {
				case k == vfs.Create && madeAhead(op), k == kind && madeOnTheSpot(op) && armed.Swap(false):
					return syscall.EIO
				}
				return nil
			})
			s := begin(t, setup{fs: fsys, dir: dir})
			s.say("SET a 1")
			s.mustClose(false)
			s.rig = s.again() // which opens the segment by its name: it was made on the spot
			armed.Store(true)
			err := s.checkpoint()
			injected := fsys.Injected()
			i := slices.IndexFunc(injected, func(f vfs.Injection) bool { return madeOnTheSpot(f.Op) })
			if i < 0 {
				t.Fatal("no segment was made on the spot")
			}
			s.judge(err, injected[i])
			s.say("INCR a")
			startsAgain(t, fsys, s.setup, s.history, "after the failure")
			s.save()
			s.say("INCR a")
			startsAgain(t, fsys, s.setup, s.history, "after the second checkpoint")
		})
	}
}

// The operations of the start itself fail: it is refused, and the next one finds everything.
func TestAStartThatFails(t *testing.T) {
	fsys, dir := disk(t)
	s := begin(t, setup{fs: fsys, dir: dir})
	shortSession(s)
	s.run(s.user, words("SET torn tail")) // never committed
	s.states = append(s.states, s.last())
	s.states[len(s.states)-1], _ = s.last().after(s.now(), 0, "SET", "torn", "tail")
	fsys.Crash()
	s.close(false)
	for _, kind := range []vfs.Kind{vfs.Read, -1} {
		for k := 1; ; k++ {
			again, dir := leftBy(t, fsys, vfs.Everything, 1)
			var kinds []vfs.Kind
			if kind == vfs.Read {
				kinds = append(kinds, vfs.Read)
			}
			again.FailAt(k, syscall.EIO, kinds...)
			as := s.setup
			as.fs, as.dir = again, dir
			r, err := tryOpen(t, as)
			injected := again.Injected()
			if err == nil {
				h := s.clone()
				h.recovered(r, fmt.Sprintf("fault %d, %v", k, injected))
				r.close(false)
				if len(injected) == 0 {
					break
				}
				continue
			}
			if len(injected) == 0 || !errors.Is(err, injected[0].Err) {
				t.Errorf("%v: Open says %v", injected, err)
			}
			as.fs, as.dir = leftBy(t, again, modes[k%len(modes)], int64(k))
			as.serving = make(chan struct{}) // there is nothing to be made ahead for
			next := open(t, as)
			h := s.clone()
			h.recovered(next, fmt.Sprintf("%v, %v", injected, modes[k%len(modes)]))
			next.close(false)
		}
	}
}

// A start that is refused leaves nothing behind that runs: the directory is left alone from then on.
func TestARefusedStartEndsWhatItBegan(t *testing.T) {
	fsys, dir := disk(t)
	s := begin(t, setup{fs: fsys, dir: dir})
	s.say("SET a 1")
	s.mustClose(false)
	fsys.Intercept(func(kind vfs.Kind, path string) error {
		if kind == vfs.Rename && strings.Contains(path, engine.ReportName) {
			return syscall.EIO
		}
		return nil
	})
	if _, err := tryOpen(t, s.setup); !errors.Is(err, syscall.EIO) {
		t.Fatalf("Open: %v", err)
	}
	fsys.Intercept(nil)
	if open := openFiles(t, dir); len(open) > 0 {
		t.Errorf("files are still open: %v", open)
	}
	r := s.again() // which shares the directory with nobody
	s.recovered(r, "the next start")
	r.mustClose(false)
}

// openFiles are the files under a directory that this process has open.
func openFiles(t *testing.T, dir string) (open []string) {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if path, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && strings.HasPrefix(path, dir) {
			open = append(open, path)
		}
	}
	return open
}

// When nobody knows what is in the base's file any more, the process ends: the next start has the log, and the change to be repeated.
func TestAFailureOfTheBaseIsFatal(t *testing.T) {
	r := open(t, setup{})
	r.expect("SET a 1", "+OK")
	if err := r.checkpoint(); err != nil {
		t.Fatal(err)
	}
	r.expect("SET b 2", "+OK")
	makeReadOnly(t, filepath.Join(r.setup.dir, engine.BaseName))
	if err := r.checkpoint(); !errors.Is(err, snapshot.ErrFailed) {
		t.Fatalf("the checkpoint says %v", err)
	}
	if err := r.dead(); !errors.Is(err, snapshot.ErrFailed) || !strings.Contains(err.Error(), "the base failed") {
		t.Errorf("Fatal: %v", err)
	}
	r.close(false)
	open(t, setup{dir: r.setup.dir}).expect("MGET a b", "*2 $1 1 $1 2")
}

// Without a log nothing but this process has what was not saved.
func TestAFailureOfTheBaseWithoutALogIsNot(t *testing.T) {
	r := open(t, setup{settings: []string{"appendonly", "no", "save", ""}})
	r.expect("SET a 1", "+OK")
	if err := r.checkpoint(); err != nil {
		t.Fatal(err)
	}
	r.expect("SET b 2", "+OK")
	makeReadOnly(t, filepath.Join(r.setup.dir, engine.BaseName))
	for range 2 {
		if err := r.checkpoint(); !errors.Is(err, snapshot.ErrFailed) || !strings.Contains(err.Error(), "restart") {
			t.Errorf("the checkpoint says %v", err)
		}
	}
	r.expect("MGET a b", "*2 $1 1 $1 2")
	if r.dead() != nil {
		t.Errorf("Fatal: %v", r.dead())
	}
	r.close(false)
}

// makeReadOnly has every write fail that this process makes to a file which it has open.
func makeReadOnly(t *testing.T, path string) {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	broken := false
	for _, entry := range fds {
		to, err := os.Readlink("/proc/self/fd/" + entry.Name())
		if err != nil || to != path { // one that is no more, or another file's
			continue
		}
		fd, err := strconv.Atoi(entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		readOnly, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(unix.Dup3(int(readOnly.Fd()), fd, unix.O_CLOEXEC), readOnly.Close()); err != nil {
			t.Fatal(err)
		}
		broken = true
	}
	if !broken {
		t.Fatalf("nobody has %s open", path)
	}
}
