package engine

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"holdfast/internal/vfs"
	"holdfast/snapshot"
)

func TestSnapshotsAtRest(t *testing.T) {
	clock, dir := newClock(), t.TempDir()
	create := func(name string) error { return CreateSnapshotAtRest(vfs.OS(), dir, name) }
	if err := create("x"); !errors.Is(err, snapshot.ErrNotExist) {
		t.Errorf("an empty directory: %v", err)
	}
	s := openShelf(t, vfs.OS(), dir, clock)
	s.write(3, 0)
	s.save()
	if err := create("x"); !errors.Is(err, ErrInUse) {
		t.Errorf("beside a server: %v", err)
	}
	if _, _, err := Compact(vfs.OS(), dir); !errors.Is(err, ErrInUse) {
		t.Errorf("compacting beside a server: %v", err)
	}
	s.write(1, 0)
	s.close()
	if err := create("x"); !errors.Is(err, ErrLogAhead) || !strings.Contains(err.Error(), "the base is as of LSN 3, and the log ends at 4") {
		t.Errorf("with a log that goes on: %v", err)
	}
	s = openShelf(t, vfs.OS(), dir, clock)
	if err := s.e.Close(true); err != nil {
		t.Fatal(err)
	}
	if err := create("x"); err != nil {
		t.Fatal(err)
	}
	if err := create("x"); !errors.Is(err, ErrSnapshotExists) {
		t.Errorf("twice: %v", err)
	}
	if err := create("auto-x"); !errors.Is(err, ErrSnapshotName) {
		t.Errorf("a name of ours: %v", err)
	}
	if infos := mustList(t, dir); len(infos) != 1 || infos[0].LSN != 4 {
		t.Errorf("%+v", infos)
	}
	for _, want := range []error{nil, ErrNoSnapshot} {
		if err := DropSnapshotAtRest(vfs.OS(), dir, "x"); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
}

// Compacting changes the base's file and nothing else that can be seen.
func TestCompact(t *testing.T) {
	clock, dir := newClock(), t.TempDir()
	s := openShelf(t, vfs.OS(), dir, clock, "save", "", "fsync", "no")
	for i := range 2000 {
		s.do("SET", strconv.Itoa(i), strings.Repeat("v", 1000), "PX", "1000000")
	}
	s.save()
	for i := range 1900 {
		s.do("DEL", strconv.Itoa(i))
	}
	s.save()
	s.write(1, 0)
	s.close()
	before, after, err := Compact(vfs.OS(), dir)
	if err != nil || after >= before/2 {
		t.Errorf("from %d to %d bytes, %v", before, after, err)
	}
	s = openShelf(t, vfs.OS(), dir, clock)
	s.expect(":101", "DBSIZE")
	s.expect(":1000000", "PTTL", "1950")
	s.expect("$5 3901:", "GET", "lsn")
}
