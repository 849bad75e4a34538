package main

import (
	"strings"
	"testing"

	"holdfast/internal/vfs"
	"holdfast/snapshot"
)

// The directory's base is as of LSN 1 and its log ends at 2, so a snapshot at rest has to be made by hand.
func TestSnapshotsByName(t *testing.T) {
	dir := dataDir(t)
	for _, c := range []struct {
		args string // DIR is the directory
		code int
		says string
	}{
		{"snapshot list --dir DIR", 0, "name  time  LSN  keys  bytes  log behind it\n"},
		{"snapshot create x --dir DIR", 1, "the base is as of LSN 1, and the log ends at 2"},
		{"snapshot create .x --dir DIR", 2, "not a name for a snapshot"},
		{"snapshot create x --dir DIR/no", 1, "has no base.db"},
		{"snapshot create --dir DIR", 2, "wants NAME"},
		{"snapshot create x --dir DIR -p 7000", 2, "give one or the other"},
		{"snapshot create x y", 2, `does not take "y"`},
		{"snapshot create x -p 1", 1, "nothing answers at 127.0.0.1:1"},
		{"snapshot drop x --dir DIR", 1, "no such snapshot: x"},
		{"snapshot drop x -h 127.0.0.1 -p 1 -a secret", 1, "nothing answers"},
		{"snapshot create --help", 0, "SHUTDOWN SAVE"},
		{"snapshot create x --cacert DIR/no", 2, "need --tls"},
		{"snapshot create x -u rediss://127.0.0.1:1 --cacert DIR/no", 1, "nothing answers at 127.0.0.1:1"},
		{"snapshot drop x --dir DIR --tls", 2, "give one or the other"},
		{"snapshot drop x --user ops", 2, "--user needs a password"},
		{"snapshot import DIR/no --user ops", 2, "--user needs a password"},
		{"snapshot list --dir DIR/no", 1, "does not exist"},
		{"snapshot compact --dir DIR", 0, "base.db: "},
		{"snapshot compact --dir DIR/no", 1, "has no base.db"},
		{"snapshot keys --dir DIR", 0, "0\t\"greeting\"\n3\t\"--queue\"\n"}, // as before
	} {
		code, out, errs := runOffline(t, strings.Fields(strings.ReplaceAll(c.args, "DIR", dir))...)
		if code != c.code || !strings.Contains(strings.ReplaceAll(out+errs, dir, "DIR"), c.says) {
			t.Errorf("%q: exit code %d, output %q, errors %q; want %d, %q", c.args, code, out, errs, c.code, c.says)
		}
	}
	lock, err := vfs.OS().Lock(dir + "/LOCK")
	if err != nil {
		t.Fatal(err)
	}
	if code, _, errs := runOffline(t, "snapshot", "compact", "--dir", dir); code != exitInUse || !strings.Contains(errs, "in use") {
		t.Errorf("beside a server: exit code %d, %q", code, errs)
	}
	if err := lock.Close(); err != nil {
		t.Error(err)
	}
	base, err := snapshot.Open(dir+"/base.db", snapshot.OpenOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := base.Verify(nil); err != nil {
		t.Error(err)
	}
	if err := base.Close(); err != nil {
		t.Error(err)
	}
}
