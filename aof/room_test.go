package aof

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"holdfast/internal/vfs"
)

// fullDisk is a log of segments of 64 KiB on a disk that has no room for a second one.
func fullDisk(t *testing.T) (*Log, *vfs.Faulty, *handClock) {
	t.Helper()
	fsys, o := disk(t, Always, 1)
	clock := new(handClock)
	o.SegmentBytes, o.Clock = 64<<10, clock.now
	l, _, _ := mustRecover(t, o, 0)
	fsys.SetFree(0)
	return l, fsys, clock
}

func TestAFullDiskIsToldBeforeTheReserveIsTouched(t *testing.T) {
	l, fsys, _ := fullDisk(t)
	body := strings.Repeat("x", 1000)
	for l.RoomFor(RecordBytes(len(body))) == nil {
		commit(t, l, body)
	}
	if err := l.RoomFor(0); err != nil {
		t.Errorf("an ordinary record still has room: %v", err)
	}
	for l.RoomFor(0) == nil {
		commit(t, l, "x")
	}
	if err := l.RoomFor(0); !errors.Is(err, ErrFull) {
		t.Errorf("RoomFor: %v", err)
	}
	deletes := 0
	var err error
	for ; err == nil; deletes++ {
		l.Append(0, 0, []byte(strings.Repeat("d", 100)))
		err = l.Commit()
	}
	if want := (64 << 10) / 8 / int(RecordBytes(100)); !errors.Is(err, ErrFull) || deletes-1 < want {
		t.Errorf("%d deletes found room in the reserve, expected %d; then %v", deletes-1, want, err)
	}
	fsys.SetFree(1 << 20) // for the one that waits
	if err := l.Err(); err != nil {
		t.Errorf("a full disk was the end: %v", err)
	}
}

func TestWhatIsAppendedCounts(t *testing.T) {
	l, _, _ := fullDisk(t)
	for range 50 {
		l.Append(0, 0, make([]byte, 1024))
	}
	if err := l.RoomFor(8 << 10); !errors.Is(err, ErrFull) {
		t.Errorf("RoomFor: %v", err)
	}
	if err := l.RoomFor(100); err != nil {
		t.Errorf("RoomFor: %v", err)
	}
}

// A small disk is not taken by segments that are nearly empty: what they may yet hold a checkpoint must find room for.
func TestASegmentIsSmallOnASmallDisk(t *testing.T) {
	for free, want := range map[int64]int64{
		1 << 40: segmentBytesDefault, 64 << 20: 64 << 20 / segmentShare, 4 << 20: segmentBytesLeast,
	} {
		fsys, o := disk(t, Always, 1)
		fsys.SetFree(free)
		o.SegmentBytes, o.inline = 0, false
		l, _, _ := mustRecover(t, o, 0)
		waitMaker(l)
		if s := l.Segments(); s[0].Bytes != want || l.SegmentBytes() != want || l.Ahead() != 2*want-HeaderBytes && l.Ahead() != 2*want {
			t.Errorf("with %d bytes free a segment has %d, the next %d, and both have yet to hold %d", free, s[0].Bytes, l.SegmentBytes(), l.Ahead())
		}
		commit(t, l, strings.Repeat("x", int(want))) // in one of its own
		commit(t, l, "y")
		if err := l.RoomFor(want / 2); err != nil {
			t.Errorf("with %d bytes free: %v", free, err)
		}
		mustClose(t, l)
	}
}

// What is kept for a checkpoint is not taken by commits, and by the cut that it begins with only for what waits.
func TestACutTakesOfTheRoomForACheckpoint(t *testing.T) {
	fsys, o := disk(t, Always, 1)
	fsys.SetFree(1 << 20)
	o.SegmentBytes, o.Spare = 64<<10, func() int64 { return 2 << 20 }
	l, _, _ := mustRecover(t, o, 0)
	for range 100 {
		l.Append(0, 0, make([]byte, 1000))
	}
	if err := l.Commit(); !errors.Is(err, ErrFull) {
		t.Fatalf("Commit: %v", err)
	}
	segments := len(l.Segments())
	for range 2 { // the second has nothing that waits
		if err := l.Cut(); !errors.Is(err, ErrFull) || l.Gate() != 100 {
			t.Errorf("Cut: %v, gate %d", err, l.Gate())
		}
	}
	if n := len(l.Segments()); n != segments+1 {
		t.Errorf("%d segments were begun", n-segments)
	}
}

// Who appends without asking still loses nothing, nor is anything acknowledged too early.
func TestACommitWithoutRoomCanBeRepeated(t *testing.T) {
	for _, policy := range []Policy{Always, No} {
		l, fsys, _ := fullDisk(t)
		l.SetPolicy(policy)
		commit(t, l, "small")
		l.Append(0, 0, []byte("this one fits"))
		l.Append(0, 0, make([]byte, 100_000))
		l.Append(0, 0, []byte("behind it"))
		for range 2 {
			if err := l.Commit(); !errors.Is(err, ErrFull) || l.Gate() != 2 {
				t.Fatalf("%v: %v, gate %d", policy, err, l.Gate())
			}
		}
		if err := l.Cut(); !errors.Is(err, ErrFull) {
			t.Fatalf("%v: %v", policy, err)
		}
		fsys.SetFree(-1)
		commit(t, l)
		if l.Gate() != 4 {
			t.Errorf("%v: gate %d", policy, l.Gate())
		}
		mustClose(t, l)
		if _, _, bodies := mustRecover(t, l.opt, 0); len(bodies) != 4 || bodies[3] != "behind it" {
			t.Errorf("%v: %d records", policy, len(bodies))
		}
	}
}

// waitMaker waits until the maker has answered what was asked of it so far.
func waitMaker(l *Log) {
	l.wantNext <- struct{}{} // taken when the one before it is done …
	l.wantNext <- struct{}{} // … and this one when that is
	l.nextMu.Lock()
	defer l.nextMu.Unlock()
}

func TestWritesResumeByThemselves(t *testing.T) {
	fsys, o := disk(t, Always, 1)
	clock := new(handClock)
	o.SegmentBytes, o.Clock, o.inline = 64<<10, clock.now, false
	fsys.FailFrom(2, syscall.ENOSPC, vfs.Preallocate)
	l, _, _ := mustRecover(t, o, 0)
	waitMaker(l)
	if err := l.RoomFor(0); err != nil {
		t.Fatalf("the first segment is empty: %v", err)
	}
	commit(t, l, strings.Repeat("x", 55_000))
	if err := l.RoomFor(0); !errors.Is(err, ErrFull) || !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("RoomFor: %v", err)
	}
	attempts := fsys.Ops(vfs.Preallocate)
	fsys.Heal()
	if err := l.RoomFor(0); err == nil || fsys.Ops(vfs.Preallocate) != attempts {
		t.Errorf("tried again within the second: %v", err)
	}
	clock.advance(time.Second)
	if err := l.RoomFor(0); err == nil {
		t.Error("the question that starts the attempt does not wait for it")
	}
	waitMaker(l)
	if err := l.RoomFor(0); err != nil {
		t.Errorf("RoomFor: %v", err)
	}
	commit(t, l, strings.Repeat("y", 55_000))
	if s := l.Segments(); len(s) != 2 {
		t.Errorf("%+v", s)
	}
}

// A segment made ahead is taken at rotation, and Close leaves none behind.
func TestSegmentsAreMadeAhead(t *testing.T) {
	fsys, o := disk(t, Always, 1)
	o.inline = false
	l, _, _ := mustRecover(t, o, 0)
	waitMaker(l)
	made := fsys.Ops(vfs.Preallocate)
	commit(t, l, "x")
	fsys.Intercept(func(kind vfs.Kind, path string) error {
		if kind == vfs.Preallocate && !strings.HasSuffix(path, nextTemp) {
			t.Errorf("%s was allocated during the rotation", path)
		}
		return nil
	})
	if err := l.Cut(); err != nil {
		t.Fatal(err)
	}
	waitMaker(l)
	fsys.Intercept(nil)
	if n := fsys.Ops(vfs.Preallocate) - made; n != 1 {
		t.Errorf("%d segments were made for the one that was taken", n)
	}
	mustClose(t, l)
	if names, err := fsys.List(o.Dir); err != nil || len(names) != 2 {
		t.Errorf("%q, %v", names, err)
	}
}
