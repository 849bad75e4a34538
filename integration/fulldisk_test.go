package integration

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	smallDiskBytes = 32 << 20
	// othersBytes of it are somebody else's files: more than a segment and what a checkpoint is to find free.
	othersBytes    = 8 << 20
	fillValueBytes = 20_000
)

// onSmallDisks runs a test on each kind of disk that can be had.
func onSmallDisks(t *testing.T, test func(t *testing.T, d *SmallDisk)) {
	for name, make := range map[string]func(string, int64) (*SmallDisk, error){"tmpfs": NewTmpfs, "ext4": NewExt4} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if os.Getuid() != 0 {
				t.Skip("mounting a small disk takes root")
			}
			d, err := make(t.TempDir(), smallDiskBytes)
			if err != nil && name == "ext4" {
				t.Skipf("no ext4 on a loop device here: %v", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			})
			test(t, d)
		})
	}
}

// diskful is a server on a small disk, and what it acknowledged.
type diskful struct {
	t       *testing.T
	o       Options
	proc    *Process
	c       *Conn
	want    map[string]string // by key; "" where a delete was acknowledged
	next    int
	refusal string // the last one, since a write was taken
}

func startOn(t *testing.T, d *SmallDisk) *diskful {
	t.Helper()
	s := &diskful{
		t: t, want: map[string]string{},
		o: Options{Dir: filepath.Join(d.Dir, "data"), Extra: []string{"--segment-bytes", "1mb", "--save", "3600 1"}},
	}
	s.proc = start(t, subject, s.o)
	s.c = dial(t, s.proc.Addr)
	return s
}

// write sets a key of its own to a large value, and reports whether that was acknowledged or refused for want of room.
func (s *diskful) write() bool {
	s.t.Helper()
	key := fmt.Sprint("key:", s.next)
	value := strings.Repeat(key+" ", fillValueBytes/(len(key)+1))
	reply, err := s.c.Do("SET", key, value)
	if err != nil {
		s.t.Fatalf("SET %s: %v\n%s", key, err, s.proc.Output())
	}
	if reply.IsError() {
		if !strings.HasPrefix(reply.Text, "MISCONF Errors writing to the AOF file: no room for the log") {
			s.t.Fatalf("SET on a full disk: %s", reply)
		}
		s.refusal = reply.Text
		return false
	}
	s.want[key], s.refusal = value, ""
	s.next++
	return true
}

// fill writes until nothing is taken any more, for longer than a checkpoint that makes room would take.
func (s *diskful) fill() {
	s.t.Helper()
	refusedSince := time.Time{}
	for {
		switch {
		case s.write():
			refusedSince = time.Time{}
		case refusedSince.IsZero():
			refusedSince = time.Now()
		case time.Since(refusedSince) > 2*time.Second:
			return
		}
		if s.next*fillValueBytes > 2*smallDiskBytes {
			s.t.Fatal("more was taken than the disk can hold")
		}
	}
}

// remove deletes a key.
func (s *diskful) remove(key string) {
	s.t.Helper()
	if reply := must(s.t, s.c, "DEL", key); reply.Text != "1" {
		s.t.Errorf("DEL %s: %s", key, reply)
	}
	s.want[key] = ""
}

// resumes waits until a write is taken again.
func (s *diskful) resumes(when string) {
	s.t.Helper()
	deadline := time.Now().Add(3 * replyWaitMax) // a checkpoint that failed is tried again after seconds
	for !s.write() {
		if time.Now().After(deadline) {
			s.t.Fatalf("%s: writes are still refused: %s; it wrote:\n%s", when, s.refusal, tail(s.proc.Output()))
		}
	}
}

// check reads everything that was acknowledged.
func (s *diskful) check(when string) {
	s.t.Helper()
	there := 0
	for key, want := range s.want {
		reply := must(s.t, s.c, "GET", key)
		if gone := string(reply.Raw) == "$-1\r\n"; gone != (want == "") || !gone && reply.Text != want {
			s.t.Fatalf("%s: %s is %.40q, not %.40q", when, key, reply.Raw, want)
		}
		if want != "" {
			there++
		}
	}
	if size := must(s.t, s.c, "DBSIZE").Text; size != strconv.Itoa(there) {
		s.t.Errorf("%s: %s keys, not %d", when, size, there)
	}
}

// restart kills the server and starts another on its directory.
func (s *diskful) restart() {
	s.t.Helper()
	s.proc.Kill()
	s.proc = start(s.t, subject, s.o)
	s.c = dial(s.t, s.proc.Addr)
}

// A disk that fills up with data: writes are refused with the reason, reads and deletes go on, a kill loses nothing that was
// acknowledged, and a start on the full disk serves it all. What gives room lets writes go on by themselves: first deletes,
// then another file that goes.
func TestFullDisk(t *testing.T) {
	onSmallDisks(t, func(t *testing.T, d *SmallDisk) {
		free, err := d.Free()
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Fill("others", free-othersBytes); err != nil {
			t.Fatal(err)
		}
		s := startOn(t, d)
		s.fill()
		if n := s.next * fillValueBytes; n < smallDiskBytes/8 { // what is reserved for a checkpoint is three times the changes and more
			t.Errorf("only %d bytes were taken by a disk of %d", n, smallDiskBytes)
		}
		s.check("on the full disk")
		expectInfo(t, s.c, "persistence", "aof_last_write_status:err")
		s.remove("key:0")
		if reply := must(t, s.c, "PEXPIRE", "key:1", "1"); reply.Text != "1" {
			t.Errorf("PEXPIRE: %s", reply)
		}
		s.want["key:1"] = ""
		for must(t, s.c, "EXISTS", "key:1").Text != "0" {
		}
		s.check("after deletes")
		s.restart()
		s.check("after kill -9 and a start on the full disk")

		for i := range s.next * 3 / 4 {
			if key := fmt.Sprint("key:", i); s.want[key] != "" {
				s.remove(key)
			}
		}
		if err := os.Remove(filepath.Join(d.Dir, "others")); err != nil { // the base gets no shorter by deletes alone
			t.Fatal(err)
		}
		s.resumes("three quarters and others' files deleted")
		s.check("after deletes made room")
		expectInfo(t, s.c, "persistence", "aof_last_write_status:ok")

		if err := d.Fill("filler", 64<<10); err != nil {
			t.Fatal(err)
		}
		s.fill()
		s.check("on a disk that somebody else has filled")
		s.restart()
		s.check("after another kill -9")
		if err := os.Remove(filepath.Join(d.Dir, "filler")); err != nil {
			t.Fatal(err)
		}
		s.resumes("the other file removed")
		s.restart()
		s.check("at the end")
	})
}

// What fills the disk may be the log alone. The server writes checkpoints ahead of that, in room that it kept, and goes on
// for ever.
func TestDiskSmallerThanTheLog(t *testing.T) {
	onSmallDisks(t, func(t *testing.T, d *SmallDisk) {
		s := startOn(t, d)
		last := time.Now()
		for written := 0; written < 5*smallDiskBytes/2; s.next %= 50 {
			if s.write() {
				written, last = written+fillValueBytes, time.Now()
			}
			if time.Since(last) > 2*replyWaitMax {
				t.Fatalf("writing stands still; it wrote:\n%s", tail(s.proc.Output()))
			}
		}
		s.restart()
		s.check("after more than twice the disk's size")
	})
}

// What the server writes leaves room for its checkpoints, with segments as they are by default and a disk not much larger than
// two of those, until the data are too many; and then the stop has room for its own.
func TestTheLogLeavesRoomForCheckpoints(t *testing.T) {
	onSmallDisks(t, func(t *testing.T, d *SmallDisk) {
		s := &diskful{t: t, o: Options{Dir: filepath.Join(d.Dir, "data"), Extra: []string{"--save", "3600 1"}}}
		s.proc = start(t, subject, s.o)
		s.c = dial(t, s.proc.Addr)
		taken, last := 0, time.Now()
		for time.Since(last) < 4*time.Second {
			n := s.batch(taken)
			if taken += n; n > 0 {
				last = time.Now()
			}
		}
		if taken*1000 < smallDiskBytes/4 {
			t.Errorf("only %d values of 1000 bytes were taken by a disk of %d", taken, smallDiskBytes)
		}
		expectInfo(t, s.c, "persistence", "aof_last_write_status:err")
		if code, err := s.proc.Stop(); code != 0 || err != nil {
			t.Errorf("the stop ended with %d, %v", code, err)
		}
		if out := s.proc.Output(); !strings.Contains(out, "msg=checkpoint ") || strings.Contains(out, "checkpoint failed") {
			t.Errorf("no checkpoint, or one that failed:\n%s", tail(out))
		}
	})
}

// batch sets a hundred keys to values of 1000 bytes, from the n-th key on, and returns how many were taken.
func (s *diskful) batch(n int) (taken int) {
	s.t.Helper()
	const requests = 100
	var b []byte
	for i := range requests {
		b = AppendCommand(b, "SET", fmt.Sprint("key:", n+i), strings.Repeat("x", 1000))
	}
	if err := s.c.Write(b); err != nil {
		s.t.Fatal(err)
	}
	for range requests {
		reply, err := s.c.Read()
		if err != nil {
			s.t.Fatalf("%v\n%s", err, s.proc.Output())
		}
		if !reply.IsError() {
			taken++
		}
	}
	return taken
}

// A stop that has no room for its checkpoint says in one line what that means.
func TestAStopWithoutRoomForACheckpoint(t *testing.T) {
	onSmallDisks(t, func(t *testing.T, d *SmallDisk) {
		s := startOn(t, d)
		for s.next*fillValueBytes < smallDiskBytes/10 {
			s.write()
		}
		if err := d.Fill("filler", 16<<10); err != nil {
			t.Fatal(err)
		}
		code, err := s.proc.Stop()
		want := fmt.Sprintf("holdfast: the last checkpoint could not be written: no room in %s; nothing is lost, the log has it: "+
			"make room and start again\n", s.o.Dir)
		if out := s.proc.Stderr.String(); code != 1 || err != nil || !strings.HasSuffix(out, "\n"+want) {
			t.Errorf("it ended with %d, %v; it wrote:\n%s", code, err, tail(out))
		}
		if err := os.Remove(filepath.Join(d.Dir, "filler")); err != nil {
			t.Fatal(err)
		}
		s.restart()
		s.check("at the end")
	})
}

// Without room for it a checkpoint fails, and so does a snapshot; both say so, leave nothing behind and cost nothing else.
// With room they succeed.
func TestNoRoomForACheckpoint(t *testing.T) {
	onSmallDisks(t, func(t *testing.T, d *SmallDisk) {
		s := startOn(t, d)
		for s.next*fillValueBytes < smallDiskBytes/10 { // from a seventh on it may make a checkpoint by itself, as room gets scarce
			s.write()
		}
		if err := d.Fill("filler", 16<<10); err != nil {
			t.Fatal(err)
		}
		if reply := trySave(t, s.c); !reply.IsError() {
			t.Errorf("SAVE without room: %s", reply)
		}
		expectInfo(t, s.c, "persistence", "rdb_last_bgsave_status:err")
		if reply, err := s.c.Do("SNAPSHOT", "CREATE", "full"); err != nil || !reply.IsError() {
			t.Errorf("SNAPSHOT CREATE without room: %s, %v", reply, err)
		}
		s.check("after they failed")
		s.restart()
		s.check("after kill -9")
		if err := os.Remove(filepath.Join(d.Dir, "filler")); err != nil {
			t.Fatal(err)
		}
		save(t, s.c)
		expectInfo(t, s.c, "persistence", "rdb_last_bgsave_status:ok")

		// A snapshot copies the base, and leaves the log its room.
		if err := d.Fill("filler", 4<<20); err != nil {
			t.Fatal(err)
		}
		reply, err := s.c.Do("SNAPSHOT", "CREATE", "full")
		if err != nil || !strings.Contains(reply.Text, "no room") {
			t.Errorf("SNAPSHOT CREATE without room: %s, %v", reply, err)
		}
		if names := snapshotNames(t, s.c); len(names) != 0 {
			t.Errorf("SNAPSHOT LIST: %q", names)
		}
		if err := os.Remove(filepath.Join(d.Dir, "filler")); err != nil {
			t.Fatal(err)
		}
		must(t, s.c, "SNAPSHOT", "CREATE", "roomy")
		s.check("at the end")
		left := noTemporaries(t, s.o.Dir)
		if len(left) > 0 {
			t.Errorf("unfinished files are left: %q", left)
		}
	})
}

func expectInfo(t *testing.T, c *Conn, section, line string) {
	t.Helper()
	if info := must(t, c, "INFO", section).Text; !strings.Contains(info, line+"\r\n") {
		t.Errorf("INFO %s does not say %s:\n%s", section, line, info)
	}
}

// noTemporaries lists the unfinished files under a directory, but for the log segment made ahead.
func noTemporaries(t *testing.T, dir string) (left []string) {
	t.Helper()
	err := filepath.WalkDir(dir+"/.", func(path string, _ fs.DirEntry, err error) error {
		if errors.Is(err, syscall.ENOENT) {
			return nil // gone meanwhile
		}
		if strings.HasSuffix(path, ".tmp") && !strings.HasSuffix(path, "next.tmp") {
			left = append(left, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return left
}
