package inspect

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"holdfast/engine"
	"holdfast/internal/vfs"
	"holdfast/snapshot"
)

// copyBase makes a snapshot of the fixture's base, which is as of LSN 3.
func copyBase(t *testing.T, dir, name string) (size int64) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Join(dir, engine.SnapshotDir), 0o700))
	base, err := snapshot.Open(filepath.Join(dir, engine.BaseName), snapshot.OpenOptions{ReadOnly: true})
	must(t, err)
	must(t, base.CopyTo(vfs.OS(), engine.SnapshotPath(dir, name), nil))
	must(t, base.Close())
	info, err := os.Stat(engine.SnapshotPath(dir, name))
	must(t, err)
	return info.Size()
}

func TestNamedSnapshots(t *testing.T) {
	dir := fixture(t)
	list := func() NamedSnapshots {
		t.Helper()
		list, err := openDir(t, dir).NamedSnapshots()
		must(t, err)
		return list
	}
	if got := list(); len(got.Snapshots) != 0 {
		t.Errorf("%+v", got)
	}
	size := copyBase(t, dir, "release-1")
	must(t, os.WriteFile(engine.SnapshotPath(dir, "broken"), []byte("no"), 0o600))
	must(t, os.WriteFile(engine.SnapshotPath(dir, "half")+snapshot.TemporarySuffix, nil, 0o600))
	untouched(t, dir)

	got := list()
	if len(got.Snapshots) != 2 || got.Snapshots[0].Name != "broken" || got.Snapshots[0].Problem == "" {
		t.Fatalf("%+v", got)
	}
	segment, err := os.Stat(filepath.Join(dir, engine.LogDir, segment2))
	must(t, err)
	want := NamedSnapshot{Name: "release-1", Time: testTime, LSN: 3, Keys: 4, Bytes: size, LogTo: 7, LogBytes: segment.Size()}
	if got.Snapshots[1] != want {
		t.Errorf("%+v\nwant %+v", got.Snapshots[1], want)
	}
	golden(t, func(b *bytes.Buffer) error {
		return NamedSnapshots{Snapshots: []NamedSnapshot{
			{Name: "a", Time: testTime, LSN: 3, Keys: 4, Bytes: 32768, LogTo: 7, LogBytes: 8192},
			{Name: "long-name", Time: testTime, LSN: 10, Keys: 4, Bytes: 32768},
			{Name: "bad", Problem: "it is damaged"},
		}}.WriteText(b)
	}, ""+
		"name       time                      LSN  keys  bytes  log behind it\n"+
		"a          2023-11-14T22:13:20.000Z  3    4     32768  to LSN 7, 8192 bytes\n"+
		"long-name  2023-11-14T22:13:20.000Z  10   4     32768  -\n"+
		"bad        -                         -    -     -      it is damaged\n")
}

// Where segments behind a snapshot are missing, it stands for its own moment alone.
func TestLogThatBeginsTooLateIsNotBehindASnapshot(t *testing.T) {
	dir := fixture(t)
	copyBase(t, dir, "x")
	must(t, os.Remove(filepath.Join(dir, engine.LogDir, segment1)))
	if got, err := openDir(t, dir).NamedSnapshots(); err != nil || got.Snapshots[0].LogTo != 7 {
		t.Errorf("the segment behind it is there: %+v, %v", got, err)
	}
	must(t, os.Remove(filepath.Join(dir, engine.LogDir, segment2)))
	if got, err := openDir(t, dir).NamedSnapshots(); err != nil || got.Snapshots[0].LogTo != 0 {
		t.Errorf("no segment is there: %+v, %v", got, err)
	}
}
