package engine_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"holdfast/engine"
	"holdfast/internal/vfs"
)

// way is one of the three ways to keep data.
type way struct{ name, appendonly, save string }

var ways = []way{{"log", "yes", ""}, {"snapshot", "no", "3600 1000000"}, {"memory", "no", ""}}

func (w way) settings() []string {
	return []string{"appendonly", w.appendonly, "save", w.save, "stop-writes-on-bgsave-error", "no"}
}

// fill changes strings, lists and deadlines, in a way that shows which round it was.
func (s *session) fill(round int) {
	s.t.Helper()
	s.pipeline(
		fmt.Sprintf("SET round %d", round), fmt.Sprintf("RPUSH rounds %d", round), "INCR count",
		fmt.Sprintf("SET timed%d v PXAT %d", round, 1_900_000_000_000+round), fmt.Sprintf("DEL timed%d", round-2),
	)
	s.transaction("SELECT 1", fmt.Sprintf("APPEND elsewhere %d.", round), "SELECT 0", "INCR count")
}

// From every way to every other and on to every third by restarts that end with a checkpoint: nothing is ever lost.
func TestEveryOrderOfWaysByRestart(t *testing.T) {
	t.Parallel()
	for _, a := range ways {
		for _, b := range ways {
			for _, c := range ways {
				t.Run(a.name+" "+b.name+" "+c.name, func(t *testing.T) {
					s := begin(t, setup{settings: a.settings()})
					s.fill(1)
					for round, w := range []way{b, c, a, c} {
						s.mustClose(true)
						s.rig = s.again(w.settings()...)
						if !s.recovered(s.rig, fmt.Sprintf("restart %d, as %s", round+1, w.name)) {
							return
						}
						s.fill(round + 2)
					}
				})
			}
		}
	}
}

// Without a checkpoint at the end, what only the log has is not ignored: a start without one is refused and changes
// nothing, and with the log everything is there.
func TestAStartThatWouldIgnoreTheLog(t *testing.T) {
	for _, w := range ways[1:] {
		s := begin(t, setup{})
		s.fill(1)
		s.save()
		s.fill(2)
		s.mustClose(false)
		refuse(t, s.setup, badStart{settings: w.settings(), want: engine.ErrLogIgnored, says: []string{"DIR", "--appendonly yes"}})
		s.rig = s.again(ways[0].settings()...)
		s.recovered(s.rig, "with the log again")
		s.mustClose(true)
		s.recovered(s.again(w.settings()...), "after a checkpoint, as "+w.name)
	}
}

// What snapshots promise: what the last one had. Then with the log again, which may know nothing older.
func TestSnapshotsKeepWhatTheLastOneHad(t *testing.T) {
	for _, w := range ways[1:] {
		s := begin(t, setup{settings: w.settings()})
		s.loose = true
		s.fill(1)
		s.save()
		s.fill(2)
		s.mustClose(false)
		saved := state{}
		for _, line := range []string{"SET round 1", "RPUSH rounds 1", "INCR count", "SET timed1 v PXAT 1900000000001", "INCR count"} {
			saved, _ = saved.after(s.now(), 0, strings.Fields(line)...)
		}
		saved, _ = saved.after(s.now(), 1, "APPEND", "elsewhere", "1.")
		s.states = []state{saved}
		s.rig = s.again(ways[0].settings()...)
		s.recovered(s.rig, "what the snapshot had, and nothing newer")
		s.loose = false
		s.fill(3)
		s.mustClose(false)
		s.recovered(s.again(ways[0].settings()...), "and what the log had after it")
	}
}

// set switches a running engine, and waits until it is done.
func (s *session) set(w way) {
	s.t.Helper()
	if s.over() {
		return
	}
	s.turned(w.appendonly, "save", w.save)
	before := s.loose
	s.loose = w.appendonly == "no"
	if before != s.loose {
		s.promised() // the log that ended, or the checkpoint that began the new one, has everything
	}
}

// From every way to every other while commands go on; then a power cut.
func TestEveryOrderOfWaysAtRunTime(t *testing.T) {
	t.Parallel()
	for _, a := range ways {
		for _, b := range ways {
			for _, c := range ways {
				t.Run(a.name+" "+b.name+" "+c.name, func(t *testing.T) {
					fsys, dir := disk(t)
					s := begin(t, setup{fs: fsys, dir: dir, settings: a.settings()})
					s.loose = a.appendonly == "no"
					s.fill(1)
					for round, w := range []way{b, c, a, c} {
						s.set(w)
						s.fill(round + 2)
					}
					startsEitherWay(t, fsys, s.setup, s.history, "at the end", vfs.OnlySynced)
				})
			}
		}
	}
}

// startsEitherWay plays a power cut and starts with the log and without. Without it the start may be refused, because the
// log has more; then, too, nothing is lost.
func startsEitherWay(t *testing.T, fsys *vfs.Faulty, as setup, h *history, what string, modes ...vfs.Mode) {
	t.Helper()
	for _, mode := range modes {
		for _, w := range ways[:2] {
			as.fs, as.dir = leftBy(t, fsys, mode, 1)
			as.settings = w.settings()
			what := fmt.Sprintf("%s, %v, as %s", what, mode, w.name)
			r, err := tryOpen(t, as)
			if errors.Is(err, engine.ErrLogIgnored) && w.appendonly == "no" {
				as.settings = ways[0].settings()
				r, err = tryOpen(t, as)
			}
			if err != nil {
				t.Errorf("%s: Open: %v", what, err)
				continue
			}
			s := &session{rig: r, history: h.clone()}
			if s.recovered(r, what) {
				s.fill(9)
				s.mustClose(true)
				s.recovered(s.again(ways[0].settings()...), what+", and a restart with the log")
			}
		}
	}
}

// switching writes, switches, writes while the switch is under way and after it.
func switching(s *session, from, to way) {
	s.loose = from.appendonly == "no"
	s.fill(1)
	s.save()
	s.fill(2)
	if s.over() {
		return
	}
	answer := s.turn(to.appendonly)
	s.loose = true // until the switch is complete
	s.fill(3)
	if s.over() {
		return
	}
	if reply := answer(); s.ended() || reply != "+OK" {
		return
	}
	s.loose = to.appendonly == "no"
	s.promised()
	s.fill(4)
	s.fill(5)
}

// A crash at any operation of a switch: what was promised before it is there, in whatever way the next start keeps data.
func TestACrashWhileSwitching(t *testing.T) {
	rng := chance(t)
	for _, c := range [][2]way{{ways[0], ways[1]}, {ways[1], ways[0]}} {
		name := c[0].name + " to " + c[1].name
		ops := operations(t, func(s *session) { switching(s, c[0], c[1]) }, c[0].settings()...)
		for _, k := range points(rng, ops, 8) {
			t.Run(fmt.Sprintf("%s,operation=%d", name, k), func(t *testing.T) {
				t.Parallel()
				fsys, dir := disk(t)
				fsys.CrashAt(k)
				h := newHistory()
				r, err := tryOpen(t, setup{fs: fsys, dir: dir, settings: c[0].settings()})
				if err == nil {
					s := &session{rig: r, history: h}
					switching(s, c[0], c[1])
					s.close(false)
				}
				startsEitherWay(t, fsys, r.setup, h, fmt.Sprintf("crash at %d", k), modes...)
			})
		}
	}
}

// An operation of a switch fails: CONFIG SET says so and nothing has changed; or it is tried again until it succeeds. In
// between the promise is the old one.
func TestASwitchThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	rng := chance(t)
	for _, c := range [][2]way{{ways[0], ways[1]}, {ways[1], ways[0]}} {
		var pending []*session // they wait for their second attempts together
		var answers []func() string
		fsys, s := beforeSwitch(t, c[0])
		from := fsys.Ops()
		s.turned(c[1].appendonly)
		for _, i := range points(rng, fsys.Ops()-from, 8) {
			fsys, s := beforeSwitch(t, c[0])
			fsys.FailAt(fsys.Ops()+i, syscall.EIO)
			pending = append(pending, s)
			answers = append(answers, s.turn(c[1].appendonly))
		}
		for i, s := range pending {
			fsys := s.setup.fs.(*vfs.Faulty)
			if len(fsys.Injected()) == 0 {
				continue // not every run has as many operations
			}
			t.Run(fmt.Sprintf("%s to %s, %v", c[0].name, c[1].name, fsys.Injected()[0].Op), func(t *testing.T) {
				s.t = t
				reply := answers[i]()
				setting := s.do("CONFIG GET appendonly")
				if failed := fsys.Injected(); s.over() && !inLog(failed[0].Op) {
					t.Errorf("%v was fatal: %v", failed[0].Op, s.dead())
				} else if (reply == "+OK") != strings.HasSuffix(setting, c[1].appendonly) && !s.over() {
					t.Errorf("CONFIG SET says %q, CONFIG GET %q", reply, setting)
				}
				if reply != "+OK" && !s.over() {
					s.turned(c[1].appendonly)
				}
				if !s.over() {
					s.promised()
					s.loose = c[1].appendonly == "no"
					s.fill(7)
				}
				startsEitherWay(t, fsys, s.setup, s.history, fmt.Sprint(fsys.Injected()), vfs.OnlySynced)
				s.close(false)
			})
		}
	}
}

func beforeSwitch(t *testing.T, from way) (*vfs.Faulty, *session) {
	t.Helper()
	fsys, dir := disk(t)
	s := begin(t, setup{fs: fsys, dir: dir, settings: from.settings()})
	s.fill(1)
	s.save()
	s.loose = from.appendonly == "no"
	s.fill(2)
	return fsys, s
}

// The very last operation of turning the log on, the sync that makes the marker's removal durable, is tried again like
// all others.
func TestTheLastOperationOfASwitchIsTriedAgain(t *testing.T) {
	t.Parallel()
	fsys, s := beforeSwitch(t, ways[1])
	var removed, failed atomic.Bool
	fsys.Intercept(func(kind vfs.Kind, path string) error {
		if kind == vfs.Remove && strings.HasSuffix(path, engine.StagedName) {
			removed.Store(true)
		}
		if kind == vfs.SyncDir && removed.Load() && failed.CompareAndSwap(false, true) {
			return syscall.EIO
		}
		return nil
	})
	s.turned("yes")
	s.loose = false
	s.promised()
	s.fill(7)
	startsEitherWay(t, fsys, s.setup, s.history, "after the switch", vfs.OnlySynced, vfs.Random)
}

// Close waits for a switch that is under way, or breaks it off: from then on the directory belongs to the next. Here its
// last step is held up for as long as Close might take that does not wait.
func TestCloseWhileSwitching(t *testing.T) {
	for _, c := range [][2]way{{ways[0], ways[1]}, {ways[1], ways[0]}} {
		t.Run(c[0].name+" to "+c[1].name, func(t *testing.T) {
			fsys, s := beforeSwitch(t, c[0])
			held, closed := make(chan struct{}), make(chan struct{})
			var once sync.Once
			var late atomic.Bool
			fsys.Intercept(func(kind vfs.Kind, path string) error {
				if kind == vfs.Remove && (strings.HasSuffix(path, ".aof") || strings.HasSuffix(path, engine.StagedName)) {
					once.Do(func() {
						close(held)
						select {
						case <-closed:
							late.Store(true)
						case <-time.After(300 * time.Millisecond):
						}
					})
				}
				return nil
			})
			s.turn(c[1].appendonly)
			<-held
			s.mustClose(false)
			close(closed)
			fsys.Intercept(nil)
			r := s.again(ways[0].settings()...)
			if s.recovered(r, "closed on the way") {
				s.rig = r
				s.loose = false
				s.fill(7)
				s.mustClose(true)
				s.recovered(s.again(), "and after the next")
			}
			if late.Load() {
				t.Error("Close came back, and the engine went on in the directory")
			}
		})
	}
}

// A server without a log takes back its base's word that one goes on from it: neither the log that it had, nor one that was being
// turned on in its place, is missed by a later start.
func TestALogThatIsGivenUpIsNotMissed(t *testing.T) {
	for name, giveUp := range map[string]func(t *testing.T, s *session){
		"by a start without one": func(t *testing.T, s *session) {
			s.again("appendonly", "no").mustClose(false)
			remove(t, filepath.Join(s.setup.dir, engine.LogDir))
		},
		"while it was turned on": func(t *testing.T, s *session) { put(t, filepath.Join(s.setup.dir, engine.StagedName), nil) },
	} {
		for _, keeping := range []string{"no", "yes"} {
			t.Run(name+", appendonly "+keeping, func(t *testing.T) {
				s := begin(t, setup{})
				s.say("SET a 1")
				s.mustClose(true)
				giveUp(t, s)
				for _, next := range []string{keeping, "yes"} {
					r := s.again("appendonly", next)
					s.recovered(r, "appendonly "+next)
					r.mustClose(false)
				}
			})
		}
	}
}

// With snapshots only, writes are refused while the last one failed, unless the settings say otherwise.
func TestWritesAreRefusedWhileSnapshotsFail(t *testing.T) {
	fsys, dir := disk(t)
	r := open(t, setup{fs: fsys, dir: dir, settings: []string{"appendonly", "no", "save", "3600 1000000"}})
	r.expect("SET a 1", "+OK")
	fsys.FailFrom(1, syscall.EIO, vfs.Rename)
	if err := r.checkpoint(); !errors.Is(err, syscall.EIO) || r.dead() != nil {
		t.Fatalf("the checkpoint says %v, the process ends with %v", err, r.dead())
	}
	if reply := r.do("SET a 2"); !strings.HasPrefix(reply, "-MISCONF ") {
		t.Errorf("SET: %q", reply)
	}
	r.expect("GET a", "$1 1")
	r.expect("CONFIG SET stop-writes-on-bgsave-error no", "+OK")
	r.expect("SET a 2", "+OK")
	r.expect("CONFIG SET stop-writes-on-bgsave-error yes", "+OK")
	fsys.Heal()
	if err := r.checkpoint(); err != nil {
		t.Fatal(err)
	}
	r.expect("SET a 3", "+OK")
}

// Another setting of the same CONFIG SET is refused: the log goes on as it was, which CONFIG GET says, and what is asked for then
// happens.
func TestARefusedSwitchHasNotBegun(t *testing.T) {
	for _, c := range [][2]way{{ways[0], ways[1]}, {ways[1], ways[0]}} {
		t.Run(c[0].name+" to "+c[1].name, func(t *testing.T) {
			fsys, s := beforeSwitch(t, c[0])
			s.setup.config.OnChange("maxclients", func(string) error { return errors.New("too many") })
			if reply := s.turn(c[1].appendonly, "maxclients", "77")(); reply != "-ERR CONFIG SET failed (possibly related to argument 'maxclients') - too many" {
				t.Errorf("CONFIG SET appendonly %s maxclients 77: %q", c[1].appendonly, reply)
			}
			s.expect("CONFIG GET appendonly", fmt.Sprintf("*2 $10 appendonly $%d %s", len(c[0].appendonly), c[0].appendonly))
			if enabled := map[string]string{"yes": "1", "no": "0"}[c[0].appendonly]; s.info("aof_enabled") != enabled {
				t.Errorf("aof_enabled is %s, not %s", s.info("aof_enabled"), enabled)
			}
			s.fill(3)
			s.turned(c[0].appendonly) // as it is
			if s.loose = c[0].appendonly == "no"; !s.loose {
				s.promised()
				startsEitherWay(t, fsys, s.setup, s.history, "after the refusal", vfs.OnlySynced)
			}
			s.set(c[1])
			s.fill(4)
			startsEitherWay(t, fsys, s.setup, s.history, "after the switch", vfs.OnlySynced)
		})
	}
}

// The log begins with the policy that the same CONFIG SET gives it.
func TestALogIsTurnedOnWithANewPolicy(t *testing.T) {
	r := open(t, setup{settings: []string{"appendonly", "no", "appendfsync", "no"}})
	c := r.connect()
	if reply := r.as(c, "CONFIG SET appendfsync always appendonly yes"); reply == "" {
		r.await(c)
	}
	r.run(r.user, words("SET a 1"))
	r.commit(0)
	if !strings.Contains(string(r.raw("WAITAOF 1 0 0")), ":1") {
		t.Error("what was committed is not on disk, under always")
	}
}

// A policy that is set holds from the next command on, and what was acknowledged before it is on disk by then, if need be.
func TestANewPolicyHoldsAtOnce(t *testing.T) {
	r := open(t, setup{settings: []string{"appendfsync", "no"}})
	onDisk := func() (all bool) {
		r.engine.Do(func() {
			newest, durable, _ := r.engine.LogEnds()
			all = durable == newest
		})
		return all
	}
	r.expect("SET a 1", "+OK")
	if onDisk() {
		t.Error("everything is on disk, under no")
	}
	r.expect("CONFIG SET appendfsync always", "+OK")
	if !onDisk() {
		t.Error("what was written before the log was to be on disk always is not")
	}
	r.expect("SET a 2", "+OK")
	if !onDisk() {
		t.Error("what was committed is not on disk, under always")
	}
	r.expect("CONFIG SET appendfsync no", "+OK")
	r.expect("SET a 3", "+OK")
	if onDisk() {
		t.Error("everything is on disk, under no again")
	}
}

// The promise of a way holds for WAITAOF, too: who waits for the disk is told when the log ends.
func TestAWaitForTheDiskEndsWithTheLog(t *testing.T) {
	r := open(t, setup{settings: []string{"appendfsync", "no"}})
	c := r.connect()
	r.run(c, words("SET a 1"), words("WAITAOF 1 0 0"), words("CONFIG SET appendonly no"))
	if c.Blocked != nil {
		r.turned("no")
		r.await(c)
	}
}
