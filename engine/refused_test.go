package engine_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/engine"
	"holdfast/internal/vfs"
	"holdfast/snapshot"
)

// A start on a directory that is not right is refused in words that name the file and say what to do, and leaves
// the directory as it was, byte for byte. So does the next attempt.
func TestAStartThatIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range badStarts {
		t.Run(c.name, func(t *testing.T) {
			s := stocked(t)
			dir := s.setup.dir
			c.spoil(t, dir)
			refuse(t, s.setup, c)
		})
	}
}

// refuse starts an engine twice, which must be refused, and change nothing.
func refuse(t *testing.T, as setup, c badStart) {
	t.Helper()
	as.settings = c.settings
	before, lastSegment := tree(t, as.dir), "nothing"
	if all := segments(t, as.dir); len(all) > 0 {
		lastSegment = last(all)
	}
	for range 2 {
		r, err := tryOpen(t, as)
		if err == nil {
			t.Fatalf("the directory is served: %s", r.engine.Report())
		}
		if c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%v, not %v", err, c.want)
		}
		for _, text := range c.says {
			text = strings.NewReplacer("DIR", as.dir, "LASTSEGMENT", lastSegment).Replace(text)
			if !strings.Contains(err.Error(), text) {
				t.Errorf("the message does not say %q: %v", text, err)
			}
		}
		if c.silent != "" && strings.Contains(err.Error(), c.silent) {
			t.Errorf("the message says %q: %v", c.silent, err)
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("the message has several lines: %v", err)
		}
		if after := tree(t, as.dir); after != before {
			t.Errorf("a start that is refused changed the directory\nfrom%s\nto  %s", before, after)
		}
		if t.Failed() {
			return
		}
	}
}

// Nor does a refused start clear away what an earlier one would have to: its temporary files, a log that was being
// turned on.
func TestARefusedStartClearsNothingAway(t *testing.T) {
	for _, name := range []string{engine.StagedName, "base.db" + snapshot.TemporarySuffix, "aof/next.tmp", "recovery.json.tmp"} {
		t.Run(name, func(t *testing.T) {
			s := stocked(t)
			put(t, filepath.Join(s.setup.dir, name), []byte("left by somebody"))
			refuse(t, s.setup, badStart{settings: []string{"databases", "1"}})
		})
	}
}

// An older log beside a newer base, as after a restore of the wrong half: what the log of that base went on to is
// missing, and it is not to be served as if it were all.
func TestALogThatEndsBeforeTheBase(t *testing.T) {
	fsys, dir := disk(t)
	s := begin(t, setup{fs: fsys, dir: dir})
	s.pipeline("SET a 1", "INCR a", "INCR a")
	_, old := leftBy(t, fsys, vfs.Everything, 1)
	s.pipeline("INCR a", "INCR a")
	s.save()
	s.say("SET behind the-base")
	s.mustClose(false)
	remove(t, filepath.Join(dir, engine.LogDir))
	if err := os.Rename(filepath.Join(old, engine.LogDir), filepath.Join(dir, engine.LogDir)); err != nil {
		t.Fatal(err)
	}
	refuse(t, s.setup, badStart{want: engine.ErrLogMissing, says: []string{
		"DIR/base.db was written with a log going on after LSN 5, and DIR/aof ends at LSN 3; bring the segments back, or", damaged}})
}

// So it is where the newest segment is gone, and the seal of the one before it says no more than the base.
func TestALogThatEndsAtASealBeforeTheBase(t *testing.T) {
	_, dir := disk(t)
	s := begin(t, setup{dir: dir, settings: []string{"retain", "1h"}})
	for i := range 5 { // more than a segment
		s.say("SET k" + fmt.Sprint(i) + " " + big("value"))
	}
	s.save()
	s.say("INCR a")
	s.mustClose(false)
	segments, err := filepath.Glob(filepath.Join(dir, engine.LogDir, "*.aof"))
	if err != nil || len(segments) < 2 {
		t.Fatalf("%q, %v", segments, err)
	}
	remove(t, segments[len(segments)-1])
	refuse(t, s.setup, badStart{says: []string{"DIR/", damaged}})
}

// A base that was first written after the last start is missed too: without a log nothing else would tell that there was data.
func TestTheFirstBaseIsMissed(t *testing.T) {
	for _, how := range []string{"SAVE", "DEBUG RELOAD", "CONFIG SET appendonly yes"} {
		t.Run(how, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			r := open(t, setup{dir: dir, settings: []string{"appendonly", "no"}})
			r.expect("SET a 1", "+OK")
			switch how {
			case "SAVE":
				if err := r.checkpoint(); err != nil {
					t.Fatal(err)
				}
			case "DEBUG RELOAD":
				r.expect(how, "+OK")
			default:
				r.turned("yes")
			}
			r.mustClose(false)
			remove(t, filepath.Join(dir, engine.BaseName))
			remove(t, filepath.Join(dir, engine.LogDir))
			refuse(t, r.setup, badStart{want: engine.ErrDataMissing, says: []string{"DIR/recovery.json tells of data set "}, settings: []string{"appendonly", "no"}})
		})
	}
}
