package engine_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"holdfast/engine"
	"holdfast/internal/vfs"
)

// A full disk is read-only, not death. The disks here have room for the segment in use and for no other.

// fullDisk is a session on a disk that fills up now: the log has at most one segment's room left. Segments cannot be made
// from here on, by want of space as the system tells it beforehand or as an allocation finds it.
func fullDisk(t *testing.T, settings ...string) (*vfs.Faulty, *session) {
	t.Helper()
	fsys, dir := disk(t)
	s := begin(t, setup{fs: fsys, dir: dir, settings: settings})
	s.pipeline("SET a 1", "RPUSH l x y z", "SET timed v PX 60000")
	s.untilReady()
	fsys.SetFree(0)
	fsys.FailFrom(1, syscall.ENOSPC, vfs.Create, vfs.Preallocate)
	return fsys, s
}

// untilReady waits for the segment that the log makes ahead, so that tests know what room there is: until it is as long as the one
// at hand.
func (s *session) untilReady() {
	s.t.Helper()
	size := func(name string) int64 {
		info, err := s.setup.fs.Stat(filepath.Join(s.setup.dir, engine.LogDir, name))
		if err != nil {
			return 0
		}
		return info.Size()
	}
	s.until("a segment to be made ahead", func() bool {
		names, err := s.setup.fs.List(filepath.Join(s.setup.dir, engine.LogDir))
		last := len(names) - 1 // behind the numbers of the others
		return err == nil && last > 0 && names[last] == "next.tmp" && size(names[last]) == size(names[last-1])
	})
}

// untilRefused writes until there is no room, for the least of writes either.
func (s *session) untilRefused() {
	s.t.Helper()
	for _, line := range []string{"SET large " + strings.Repeat("x", 20_000), "SET large " + strings.Repeat("x", 500), "INCR z"} {
		before := s.refused
		for i := 0; s.refused == before; i++ {
			if s.over() || i > 1000 {
				s.t.Fatalf("%.20s… was written %d times; %v", line, i, s.dead())
			}
			s.say(line)
		}
	}
}

// resumed checks that writes go on by themselves once there is room, a second of the clock later at most.
func (s *session) resumed(fsys *vfs.Faulty) {
	s.t.Helper()
	if s.over() {
		s.t.Fatalf("a full disk was fatal: %v", s.dead())
	}
	fsys.Heal()
	fsys.SetFree(-1)
	s.untilWritten("INCR a")
	s.untilWritten("SET large " + strings.Repeat("y", 500_000))
	s.untilWritten("SET large " + strings.Repeat("z", 600_000))
	s.save()
	s.check("with room again")
	s.mustClose(false)
	s.recovered(s.again(), "after a restart")
}

// untilWritten says a line again and again until it is acknowledged.
func (s *session) untilWritten(line string) {
	s.t.Helper()
	s.until(fmt.Sprintf("%.20s… to find room", line), func() bool {
		s.setup.clock.advance(1000)
		before := s.refused + s.held
		s.say(line)
		return s.refused+s.held == before || s.over()
	})
}

func TestAFullDiskRefusesWritesAndServesTheRest(t *testing.T) {
	for _, policy := range []string{"always", "everysec", "no"} {
		t.Run(policy, func(t *testing.T) {
			fsys, s := fullDisk(t, "appendfsync", policy)
			s.untilRefused()
			for _, line := range []string{"SET b 1", "INCR a", "RPUSH l w", "APPEND a x", "LMOVE l m LEFT LEFT"} {
				if reply := s.do(line); !strings.HasPrefix(reply, "-MISCONF ") || !strings.Contains(reply, "no room") {
					t.Errorf("%s: %q, not MISCONF and why", line, reply)
				}
			}
			s.expect("GET a", "$1 1")
			s.expect("LRANGE l 0 -1", "*3 $1 x $1 y $1 z")
			s.say("LPOP l")
			s.say("DEL large")
			s.say("PERSIST timed")
			s.say("PEXPIRE timed 100")
			s.pass(200)
			s.check("on the full disk")
			s.resumed(fsys)
		})
	}
}

// From the first refusal until there is room again monitoring says that writes are refused, though a small one still fits; and
// the log says each once.
func TestAFullDiskIsToldOf(t *testing.T) {
	fsys, s := fullDisk(t)
	for s.refused == 0 {
		s.say("SET large " + strings.Repeat("x", 20_000))
	}
	s.expect("SET small 1", "+OK")
	for range 3 {
		if status := s.info("aof_last_write_status"); s.engine.Metrics().Writable || status != "err" {
			t.Errorf("writes are refused; Writable %v, aof_last_write_status %s", s.engine.Metrics().Writable, status)
		}
		s.say("SET large " + strings.Repeat("x", 20_000))
	}
	fsys.Heal()
	fsys.SetFree(-1)
	s.until("writes to be taken again", func() bool {
		s.setup.clock.advance(1000)
		return s.engine.Metrics().Writable
	})
	s.expect("SET large "+strings.Repeat("x", 20_000), "+OK")
	if status := s.info("aof_last_write_status"); status != "ok" {
		t.Errorf("writes are taken; aof_last_write_status %s", status)
	}
	for _, text := range []string{"writes are refused: no room for the log in ", "writes are taken again: "} {
		if n := s.toldOf(text); n != 1 {
			t.Errorf("%q was told %d times", text, n)
		}
	}
}

// A value that no segment has room for says nothing of others.
func TestARefusedGiantIsNoFullDisk(t *testing.T) {
	fsys, s := fullDisk(t)
	s.say("SET large " + strings.Repeat("x", 3_000_000))
	if s.refused != 1 {
		t.Fatal("three segments' worth was taken on a disk that has room for none")
	}
	if !s.engine.Metrics().Writable {
		t.Error("ordinary writes are taken, and Writable is false")
	}
	s.resumed(fsys)
}

// What is to be written may be larger than what room there is: it is refused, or its reply waits until there is room. Who
// asks for something else does not.
func TestAValueThatDoesNotFit(t *testing.T) {
	fsys, s := fullDisk(t)
	for _, filling := range []string{"x", "y", "z"} { // two segments of three
		s.say("SET large " + strings.Repeat(filling, 700_000))
	}
	if s.refused+s.held == 0 {
		t.Error("what did not fit was acknowledged")
	}
	if gate := s.gate(s.connect(), "GET a"); gate > s.engine.Passed() {
		t.Errorf("a read of something else waits for LSN %d", gate)
	}
	s.say("DEL large")
	s.resumed(fsys)
}

// The queue of a transaction was filled while there was room. EXEC is refused as each of its commands would be now.
func TestATransactionOnAFullDisk(t *testing.T) {
	fsys, s := fullDisk(t)
	c, reader := s.connect(), s.connect()
	for _, line := range []string{"MULTI", "SET a 2", "SET large " + strings.Repeat("q", 300_000)} {
		s.as(c, line)
	}
	s.as(reader, "MULTI")
	s.as(reader, "GET a")
	s.untilRefused()
	if reply := s.as(c, "EXEC"); !strings.HasPrefix(reply, "-EXECABORT ") || !strings.Contains(reply, "MISCONF") {
		t.Fatalf("EXEC of writes on a full disk: %.200q", reply)
	}
	if reply := s.as(reader, "EXEC"); reply != "*1 $1 1" {
		t.Errorf("EXEC of reads on a full disk: %.200q", reply)
	}
	s.check("after EXEC")
	s.resumed(fsys)
}

// Deletes go on in the log's reserve. When that is used up they are refused, or their replies wait; nothing dies of it, nor of the
// sync once a second under `everysec`.
func TestDeletesBeyondTheReserve(t *testing.T) {
	for _, policy := range []string{"always", "everysec", "no"} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			fsys, s := beyondTheReserve(t, "appendfsync", policy)
			time.Sleep(1100 * time.Millisecond)
			s.say("SET a 1")
			s.resumed(fsys)
		})
	}
}

// beyondTheReserve is a session on a full disk that has deleted as much as the log has room for, and more.
func beyondTheReserve(t *testing.T, settings ...string) (*vfs.Faulty, *session) {
	t.Helper()
	fsys, dir := disk(t)
	s := begin(t, setup{fs: fsys, dir: dir, settings: settings})
	const n = 3000 // their deletion takes more than the reserve, an eighth of a segment
	key := func(i int) string { return fmt.Sprintf("key:%030d", i) }
	for i := range n {
		s.run(s.user, words("SET "+key(i)+" x"))
		s.last()[place{0, key(i)}] = value{text: "x"}
	}
	s.commit(0)
	s.untilReady()
	fsys.SetFree(0)
	s.untilRefused()
	done, late := 0, 0
	for i := range n {
		reply, left := s.send(s.user, words("DEL "+key(i)))
		if s.over() {
			t.Fatalf("delete %d of %d was fatal: %v", i, n, s.dead())
		}
		if !left {
			late++
		}
		if !strings.HasPrefix(reply, "-MISCONF ") {
			delete(s.last(), place{0, key(i)})
			done++
		}
	}
	if done-late < 1000 || done-late == n {
		t.Errorf("%d deletes of %d were done, %d of them with replies that wait", done, n, late)
	}
	return fsys, s
}

// Nor of being asked to make the log durable: it is refused, or waits for room, where it cannot be done without.
func TestAFullDiskIsAskedForDurability(t *testing.T) {
	for _, c := range []struct{ policy, line, reply, setting string }{
		{"always", "CONFIG SET appendfsync everysec", "+OK", "appendfsync everysec"},
		{"no", "CONFIG SET appendfsync always", "+OK", "appendfsync always"},
		{"always", "CONFIG SET appendonly no", "-ERR CONFIG SET failed (possibly related to argument 'appendonly') - no room for the log", "appendonly yes"},
		{"no", "WAITAOF 1 0 0", "", "appendfsync no"},
	} {
		t.Run(c.line, func(t *testing.T) {
			t.Parallel()
			fsys, s := beyondTheReserve(t, "appendfsync", c.policy)
			asking := s.connect()
			if reply := s.as(asking, c.line); !strings.HasPrefix(reply, c.reply) || (reply == "") != (c.reply == "") {
				t.Errorf("%s: %q, not %q", c.line, reply, c.reply)
			}
			time.Sleep(100 * time.Millisecond) // what is done beside it is tried
			name, value, _ := strings.Cut(c.setting, " ")
			s.expect("CONFIG GET "+name, fmt.Sprintf("*2 $%d %s $%d %s", len(name), name, len(value), value))
			fsys.SetFree(-1)
			if c.reply == "" {
				s.await(asking)
			}
			s.resumed(fsys)
		})
	}
}

// Nor does anybody die of expiry. What is due is not shown, whether or not its deletion could be logged.
func TestExpiryBeyondTheReserve(t *testing.T) {
	for _, active := range []string{"0", "1"} {
		t.Run("active="+active, func(t *testing.T) {
			fsys, dir := disk(t)
			s := begin(t, setup{fs: fsys, dir: dir})
			const n = 3000
			s.say("SET a 1")
			s.expect("DEBUG SET-ACTIVE-EXPIRE "+active, "+OK")
			for i := range n {
				s.run(s.user, words(fmt.Sprintf("SET key:%030d x PX 5000", i)))
			}
			s.commit(0)
			s.untilReady()
			fsys.SetFree(0)
			s.untilRefused()
			s.setup.clock.advance(10_000)
			if active == "1" {
				s.untilIdle()
			}
			for i := range n {
				if reply := s.do(fmt.Sprintf("GET key:%030d", i)); reply != null || s.over() {
					t.Fatalf("key %d of %d, due: %q; %v", i, n, reply, s.dead())
				}
			}
			s.expect("DEBUG SET-ACTIVE-EXPIRE 1", "+OK")
			s.resumed(fsys)
		})
	}
}

// untilIdle waits until the clockwork deletes no more keys: because none is due, or because it does not get on.
func (s *session) untilIdle() {
	s.t.Helper()
	last, same := "", 0
	s.until("expiry to pause", func() bool {
		now := s.info("expired_keys")
		if same++; now != last {
			last, same = now, 0
		}
		return s.over() || same > 300 && now != "0"
	})
}

// A checkpoint on a full disk goes on in the old segment, and either succeeds or fails and says so; it costs nothing
// else.
func TestACheckpointOnAFullDisk(t *testing.T) {
	for _, ahead := range []bool{true, false} {
		t.Run(fmt.Sprintf("with a segment made ahead %v", ahead), func(t *testing.T) {
			fsys, s := fullDisk(t)
			if !ahead {
				s.untilRefused()
			}
			err := s.checkpoint()
			if status := s.info("rdb_last_bgsave_status"); (status == "ok") != (err == nil) {
				t.Errorf("the checkpoint says %v, INFO %s", err, status)
			}
			if s.over() {
				t.Fatalf("the checkpoint was fatal: %v", s.dead())
			}
			s.expect("GET a", "$1 1")
			s.resumed(fsys)
		})
	}
}

// So do the ways of turning the log on and off.
func TestSwitchingOnAFullDisk(t *testing.T) {
	fsys, dir := disk(t)
	s := begin(t, setup{fs: fsys, dir: dir, settings: []string{"appendonly", "no"}})
	s.expect("SET a 1", "+OK")
	fsys.SetFree(0)
	if reply := s.turn("yes")(); !strings.HasPrefix(reply, "-ERR CONFIG SET failed") || !strings.Contains(reply, "no room") {
		t.Errorf("CONFIG SET appendonly yes: %q", reply)
	}
	s.expect("CONFIG GET appendonly", "*2 $10 appendonly $2 no")
	s.expect("SET a 5", "+OK")
	fsys.Heal()
	fsys.SetFree(-1)
	s.turned("yes")
	s.expect("SET a 6", "+OK")
	startsOnlyWithAll(t, fsys, s, "GET a", "$1 6")
}

// startsOnlyWithAll plays a power cut and asks the next start.
func startsOnlyWithAll(t *testing.T, fsys *vfs.Faulty, s *session, line, want string) {
	t.Helper()
	as := s.setup
	as.settings = nil
	as.fs, as.dir = leftBy(t, fsys, vfs.OnlySynced, 1)
	open(t, as).expect(line, want)
}

// A start on a full disk serves what is there.
func TestAStartOnAFullDisk(t *testing.T) {
	fsys, s := fullDisk(t)
	s.mustClose(false)
	r, err := tryOpen(t, s.setup)
	if err != nil {
		t.Fatalf("Open on a full disk: %v", err)
	}
	s.rig = r
	s.expect("GET a", "$1 1")
	s.say("DEL l")
	s.resumed(fsys)
}

// What fills the disk may be the log itself, of values long overwritten. Then a checkpoint is written without being asked
// for, in the room that was kept for it; the segments that it makes unnecessary go, and nobody is refused for long.
func TestACheckpointMakesRoomByItself(t *testing.T) {
	fsys, dir := disk(t)
	s := begin(t, setup{fs: fsys, dir: dir})
	s.say("SET a 1")
	s.untilReady()
	const disk = 12 << 20 // bytes
	used := func() (n int64) {
		all, err := filepath.Glob(filepath.Join(dir, "*", "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range append(all, filepath.Join(dir, engine.BaseName)) {
			if info, err := os.Stat(path); err == nil { // the base has been grown ahead of need, without blocks
				n += info.Sys().(*syscall.Stat_t).Blocks * 512
			}
		}
		return n
	}
	written := 0
	for ; written < 2*disk && !s.over(); written += 300_000 {
		line := "SET large " + strings.Repeat("x", 300_000) + fmt.Sprint(written)
		s.until("room", func() bool {
			fsys.SetFree(max(0, disk-used()))
			s.setup.clock.advance(1000)
			before := s.refused + s.held
			s.say(line)
			return s.refused+s.held == before || s.over()
		})
	}
	if n := used(); n > disk {
		t.Errorf("%d bytes are on a disk of %d", n, disk)
	}
	s.check("after writing the disk full twice over")
	s.mustClose(false)
	s.recovered(s.again(), "after a restart")
}
