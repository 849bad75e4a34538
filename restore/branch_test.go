package restore

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"holdfast/engine"
	"holdfast/history/historytest"
)

// A named snapshot of what somebody has given up, by an older base in the base's place without a log, is no base for the records that got the same LSNs afterwards. It is still there, under another name.
func TestNoStateOfTwoHistories(t *testing.T) {
	fsys, dir, clock := historytest.FS(), filepath.Join(t.TempDir(), "data"), historytest.NewClock()
	named := func(name string) string { return engine.SnapshotPath(dir, name) }
	base := filepath.Join(dir, engine.BaseName)
	copyFile := func(from, to string) {
		t.Helper()
		b, err := os.ReadFile(from)
		must(t, err)
		must(t, os.WriteFile(to, b, 0o600))
	}
	write := func(n int, key string, checkpoint bool) {
		s := historytest.Open(t, dir, clock)
		for i := range n {
			s.Do("SET", fmt.Sprint(key, i), key)
		}
		s.Close(checkpoint)
	}
	write(1, "first", true)
	must(t, os.Mkdir(filepath.Join(dir, engine.SnapshotDir), 0o700))
	copyFile(base, named("old"))
	write(10, "lost", true)
	copyFile(base, named("new"))
	copyFile(base, named("stray-new")) // of that name there is one
	copyFile(named("old"), base)
	must(t, os.RemoveAll(filepath.Join(dir, engine.LogDir)))
	must(t, os.Remove(filepath.Join(dir, engine.ReportName)))
	historytest.Open(t, dir, clock, "appendonly", "no").Close(true) // the base says no longer that a log goes on from it
	write(20, "second", false)
	want := historytest.StateOf(t, dir)

	for _, point := range []Point{AtLSN(21), {}} {
		to := filepath.Join(t.TempDir(), "new")
		_, err := Restore(context.Background(), Options{FS: fsys, Dir: dir, To: to, Point: point, Clock: clock.Now, Databases: 16})
		must(t, err)
		if differs := historytest.StateOf(t, to).Differs(want); differs != "" {
			t.Errorf("%s:\n%s", point, differs)
		}
	}
	for _, name := range []string{"old", "stray-new", "stray-2-new"} {
		if _, err := os.Stat(named(name)); err != nil {
			t.Error(err)
		}
	}
}
