package engine_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/aof"
	"holdfast/engine"
	"holdfast/internal/vfs"
	"holdfast/snapshot"
)

// stocked is a data directory, closed in good order, with a base and at least three segments behind it, with keys in
// databases 0 and 3.
func stocked(t *testing.T) *session {
	t.Helper()
	s := begin(t, setup{})
	s.pipeline("SET a 1", "RPUSH l x y z", "SET timed v PXAT 1900000000000", "SELECT 3", "SET based 3", "SELECT 0")
	s.save()
	for i := range 5 {
		s.pipeline("SET big "+big(fmt.Sprint("value", i)), "INCR a")
	}
	s.pipeline("SELECT 3", "SET logged 3", "SELECT 0")
	s.mustClose(false)
	if n := len(segments(t, s.setup.dir)); n < 3 {
		t.Fatalf("only %d segments", n)
	}
	return s
}

// segments are the paths of the log's segments, oldest first.
func segments(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, engine.LogDir, "*.aof"))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// tree is everything under a directory.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		name := strings.TrimPrefix(path, dir)
		if err != nil || d.IsDir() {
			fmt.Fprintf(&b, " %s/", name)
			return err
		}
		content, err := os.ReadFile(path)
		fmt.Fprintf(&b, " %s:%d:%.4x", name, len(content), sha256.Sum256(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// edit changes a file's bytes.
func edit(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	put(t, path, change(content))
}

// badStart is a directory that no engine may serve.
type badStart struct {
	name string
	// spoil does it to a stocked directory.
	spoil    func(t *testing.T, dir string)
	settings []string
	// want is what the error is; nil: any.
	want error
	// says are words of its text; DIR stands for the directory, LASTSEGMENT for the last segment's path.
	says []string
	// silent is what it does not say; "": nothing is known.
	silent string
}

// Every message about damage says these.
const (
	damaged   = "holdfast check --dir DIR"
	unchanged = "; nothing has been changed; "
)

var badStarts = []badStart{
	{
		name:  "the base is gone",
		spoil: func(t *testing.T, dir string) { remove(t, filepath.Join(dir, engine.BaseName)) },
		want:  aof.ErrGap,
		says: []string{"DIR/aof/00000000000000000005.aof at offset 0, LSN 1: ", "LSN 1 to 4 are in no segment, and there is no DIR/base.db",
			unchanged, "bring that back from a copy", damaged},
	}, {
		name: "the base is of before a checkpoint",
		spoil: func(t *testing.T, dir string) {
			path := filepath.Join(dir, engine.BaseName)
			older, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			r := open(t, setup{dir: dir})
			r.mustClose(true)
			r = r.again()
			r.expect("SET goes on", "+OK")
			r.mustClose(false)
			put(t, path, older)
		},
		want: aof.ErrGap,
		says: []string{"DIR/aof/00000000000000000016.aof at offset 0, LSN 5: ", "LSN 5 to 15 are in no segment, and DIR/base.db is as of LSN 4",
			unchanged, "bring those segments back, or the base that this log goes on from", damaged},
	}, {
		name: "the base of another data set",
		spoil: func(t *testing.T, dir string) {
			content, err := os.ReadFile(filepath.Join(stocked(t).setup.dir, engine.BaseName))
			if err != nil {
				t.Fatal(err)
			}
			put(t, filepath.Join(dir, engine.BaseName), content)
		},
		want: aof.ErrForeign,
		says: []string{"DIR/aof/00000000000000000005.aof at offset 0, LSN 5: data-set id ", "are to be of one data set", damaged},
	}, {
		name: "all segments are gone",
		spoil: func(t *testing.T, dir string) {
			for _, path := range segments(t, dir) {
				remove(t, path)
			}
		},
		want: engine.ErrLogMissing,
		says: []string{"DIR/base.db was written with a log going on after LSN 4, and DIR/aof holds no segment; bring the segments back, or", damaged},
	}, {
		name:  "the log's directory is gone",
		spoil: func(t *testing.T, dir string) { remove(t, filepath.Join(dir, engine.LogDir)) },
		want:  engine.ErrLogMissing,
		says:  []string{"DIR/base.db was written with a log going on after LSN 4, and DIR/aof holds no segment; bring the segments back, or", damaged},
	}, {
		name:  "the first segment behind the base is gone",
		spoil: func(t *testing.T, dir string) { remove(t, segments(t, dir)[0]) },
		want:  aof.ErrGap,
		says:  []string{"DIR/aof/0000", ".aof at offset 0, LSN 5: ", "DIR/base.db is as of LSN 4", unchanged, "bring those segments back", damaged},
	}, {
		name:  "a segment in the middle is gone",
		spoil: func(t *testing.T, dir string) { remove(t, segments(t, dir)[1]) },
		want:  aof.ErrGap,
		says:  []string{"DIR/aof/0000", ".aof at offset 0, LSN ", "are in no segment", unchanged, "bring the segments that have them back", damaged},
	}, {
		name:  "the newest segment is gone",
		spoil: func(t *testing.T, dir string) { remove(t, last(segments(t, dir))) },
		want:  aof.ErrGap,
		says:  []string{"LASTSEGMENT at offset ", ", LSN ", "which is not there", unchanged, "bring that segment back", damaged},
	}, {
		name: "a segment of another data set in the middle",
		spoil: func(t *testing.T, dir string) {
			content, err := os.ReadFile(segments(t, stocked(t).setup.dir)[1])
			if err != nil {
				t.Fatal(err)
			}
			put(t, segments(t, dir)[1], content)
		},
		want: aof.ErrForeign,
		says: []string{"DIR/aof/0000", ".aof at offset 0, LSN ", "data-set id ", unchanged, "put back what belongs here", damaged},
	}, {
		name: "the log of another data set",
		spoil: func(t *testing.T, dir string) {
			remove(t, filepath.Join(dir, engine.LogDir))
			if err := os.Rename(filepath.Join(stocked(t).setup.dir, engine.LogDir), filepath.Join(dir, engine.LogDir)); err != nil {
				t.Fatal(err)
			}
		},
		want: aof.ErrForeign,
		says: []string{"DIR/aof/00000000000000000005.aof at offset 0, LSN 5: data-set id ", "put back what belongs here", damaged},
	}, {
		name:  "an empty file in place of the last segment",
		spoil: func(t *testing.T, dir string) { put(t, last(segments(t, dir)), nil) },
		want:  aof.ErrCorrupt,
		says:  []string{"LASTSEGMENT at offset 0, LSN ", "the file is empty", unchanged, "bring the file back", damaged},
	}, {
		name:  "an empty file in place of a segment in the middle",
		spoil: func(t *testing.T, dir string) { put(t, segments(t, dir)[1], nil) },
		want:  aof.ErrCorrupt,
		says:  []string{"DIR/aof/0000", ".aof at offset 0, LSN ", "the file is empty", unchanged, "bring the file back", damaged},
	}, {
		name: "something else in place of a segment",
		spoil: func(t *testing.T, dir string) {
			put(t, segments(t, dir)[1], bytes.Repeat([]byte("*1 $4 PING "), 1000))
		},
		want: aof.ErrNotSegment,
		says: []string{"DIR/aof/0000", ".aof at offset 0, LSN ", "the file begins with", unchanged, "take the file away", damaged},
	}, {
		name: "a segment under another name",
		spoil: func(t *testing.T, dir string) {
			if err := os.Rename(last(segments(t, dir)), filepath.Join(dir, engine.LogDir, "copy.aof")); err != nil {
				t.Fatal(err)
			}
		},
		want: aof.ErrNotSegment,
		says: []string{"DIR/aof/copy.aof: the name is not an LSN of 20 digits", unchanged, "its own name back", damaged},
	}, {
		name: "a segment in the middle is cut short",
		spoil: func(t *testing.T, dir string) {
			edit(t, segments(t, dir)[1], func(b []byte) []byte { return b[:len(b)/2] })
		},
		want: aof.ErrCorrupt,
		says: []string{"DIR/aof/0000", ".aof at offset ", ", LSN ", "the next segment proves that LSN", unchanged, "bring the file back", damaged},
	}, {
		name: "a byte of an acknowledged record is flipped",
		spoil: func(t *testing.T, dir string) {
			edit(t, last(segments(t, dir)), func(b []byte) []byte { b[aof.HeaderBytes+50] ^= 1; return b })
		},
		want: aof.ErrCorrupt,
		says: []string{"LASTSEGMENT at offset 4096, LSN ", "checksum does not match, and LSN ", unchanged, "bring the file back", damaged},
	}, {
		name: "a byte of a segment's header is flipped",
		spoil: func(t *testing.T, dir string) {
			edit(t, last(segments(t, dir)), func(b []byte) []byte { b[20] ^= 1; return b })
		},
		want: aof.ErrCorrupt,
		says: []string{"LASTSEGMENT at offset 0, LSN ", "the header's checksum does not match", unchanged, "bring the file back", damaged},
	}, {
		name: "the base is cut short",
		spoil: func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, engine.BaseName), func(b []byte) []byte { return b[:len(b)/2] })
		},
		want: snapshot.ErrCorrupt,
		says: []string{"DIR/base.db: offset ", "the file ends at", unchanged, "bring the file back", damaged},
	}, {
		name: "both headers of the base are damaged",
		spoil: func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, engine.BaseName), func(b []byte) []byte { b[30] ^= 1; b[os.Getpagesize()+30] ^= 1; return b })
		},
		want: snapshot.ErrCorrupt,
		says: []string{"DIR/base.db: offset 0: both header pages are damaged", unchanged, "bring the file back", damaged},
	}, {
		name: "a byte of the base's own header is flipped",
		spoil: func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, engine.BaseName), func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("HFBASE"), []byte("HFBASF")) })
		},
		want: snapshot.ErrCorrupt,
		says: []string{"DIR/base.db: offset ", `bucket meta: key "format": the checksum does not match`, unchanged, "bring the file back", damaged},
	}, {
		name: "the base is empty",
		spoil: func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, engine.BaseName), func([]byte) []byte { return nil })
		},
		want: snapshot.ErrNotBase,
		says: []string{"DIR/base.db: not a holdfast base: the file is empty", unchanged, "bring the file back", damaged},
	}, {
		name: "the base is something else",
		spoil: func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, engine.BaseName), func([]byte) []byte { return bytes.Repeat([]byte("REDIS0010"), 2000) })
		},
		want: snapshot.ErrNotBase,
		says: []string{"DIR/base.db: not a holdfast base", unchanged, "bring the file back", damaged},
	}, {
		name:  "the redo file of an interrupted checkpoint is cut short",
		spoil: func(t *testing.T, dir string) { put(t, filepath.Join(dir, engine.BaseName+".redo"), []byte("HFRE")) },
		want:  snapshot.ErrCorrupt,
		says:  []string{"DIR/base.db.redo: offset 0: the file is cut short", unchanged, damaged},
	}, {
		name: "a segment of a newer format",
		spoil: func(t *testing.T, dir string) {
			edit(t, last(segments(t, dir)), func(b []byte) []byte {
				b[8] = aof.Version + 1
				binary.LittleEndian.PutUint32(b[48:], crc32.Checksum(b[:48], crc32.MakeTable(crc32.Castagnoli)))
				return b
			})
		},
		want:   aof.ErrNewer,
		says:   []string{"LASTSEGMENT at offset 0, LSN ", "format 2; this program reads up to 1", unchanged, "use the version of holdfast that wrote it"},
		silent: "--repair",
	}, {
		name:     "fewer databases than the base has",
		spoil:    func(*testing.T, string) {},
		settings: []string{"databases", "2"},
		says:     []string{"DIR/base.db", "database 3", "at least --databases 4"},
	}, {
		name: "fewer databases than the log has",
		spoil: func(t *testing.T, dir string) {
			s := begin(t, setup{})
			s.pipeline("SELECT 3", "SET logged 3")
			s.mustClose(false)
			remove(t, dir)
			if err := os.Rename(s.setup.dir, dir); err != nil {
				t.Fatal(err)
			}
		},
		settings: []string{"databases", "2"},
		says:     []string{"DIR/aof", "database 3", "at least --databases 4"},
	}, {
		name:     "no log wanted, and the log has what the base has not",
		spoil:    func(*testing.T, string) {},
		settings: []string{"appendonly", "no"},
		want:     engine.ErrLogIgnored,
		says:     []string{"LASTSEGMENT goes up to LSN 15, DIR/base.db to 4; start once with --appendonly yes"},
	}, {
		name: "no log wanted, and what it has cannot be told",
		spoil: func(t *testing.T, dir string) {
			edit(t, last(segments(t, dir)), func(b []byte) []byte { b[aof.HeaderBytes+50] ^= 1; return b })
		},
		settings: []string{"appendonly", "no"},
		want:     aof.ErrCorrupt,
		says:     []string{"LASTSEGMENT at offset 4096, LSN ", unchanged, damaged},
	},
}

func last(paths []string) string { return paths[len(paths)-1] }

// A start on a directory that is not right is refused in words that name the file and say what to do, and leaves
// the directory as it was, byte for byte. So does the next attempt.
func TestAStartThatIsRefused(t *testing.T) {
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

// TestAnImportedStateIsNotTheBeginning: LSN 0 is empty, and who builds an older state from a log that begins with LSN 1 takes no base.
func TestAnImportedStateIsNotTheBeginning(t *testing.T) {
	for _, keeping := range []string{"yes", "no"} {
		s := begin(t, setup{})
		s.pipeline("SET a 1", "RPUSH l x")
		s.save()
		s.mustClose(false)
		remove(t, filepath.Join(s.setup.dir, engine.LogDir))
		path := filepath.Join(s.setup.dir, engine.BaseName)
		base, err := snapshot.Open(path, snapshot.OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		meta := base.Meta()
		meta.LSN, meta.Logged = 0, false // as snapshot import leaves it
		if _, err := base.Apply(snapshot.NewChanges(vfs.OS(), s.setup.dir, 0), meta); err != nil {
			t.Fatal(err)
		}
		if err := base.Close(); err != nil {
			t.Fatal(err)
		}
		r := open(t, setup{dir: s.setup.dir, settings: []string{"appendonly", keeping}})
		r.turned("yes")
		r.expect("SET b 2", "+OK")
		r.expect("DBSIZE", ":3")
		r.mustClose(false)
		if found := segments(t, s.setup.dir); len(found) != 1 || filepath.Base(found[0]) != "00000000000000000002.aof" {
			t.Errorf("appendonly %s: segments %v, want one that begins with LSN 2", keeping, found)
		}
		if base, err = snapshot.Open(path, snapshot.OpenOptions{ReadOnly: true}); err != nil {
			t.Fatal(err)
		}
		if lsn := base.Meta().LSN; lsn != 1 {
			t.Errorf("appendonly %s: the base is as of LSN %d, want 1", keeping, lsn)
		}
		if err := base.Close(); err != nil {
			t.Fatal(err)
		}
		open(t, setup{dir: s.setup.dir}).expect("MGET a b", "*2 $1 1 $1 2")
	}
}

// One directory, one engine. Another directory, or the same one when it is free, is fine.
func TestADirectoryInUse(t *testing.T) {
	s := begin(t, setup{})
	s.say("SET a 1")
	s.untilReady()
	before := tree(t, s.setup.dir)
	_, err := tryOpen(t, s.setup)
	if !errors.Is(err, engine.ErrInUse) || !strings.Contains(err.Error(), s.setup.dir) || !strings.Contains(err.Error(), "--dir") {
		t.Errorf("a second engine: %v", err)
	}
	if after := tree(t, s.setup.dir); after != before {
		t.Errorf("the second engine changed the directory\nfrom %s\nto   %s", before, after)
	}
	s.say("INCR a")
	s.mustClose(false)
	s.recovered(s.again(), "after the other has gone")
}

func TestADirectoryThatHoldsSomethingElse(t *testing.T) {
	for _, name := range []string{"dump.rdb", "photo.jpg", "aof.tmp"} {
		dir := t.TempDir()
		put(t, filepath.Join(dir, name), []byte("precious"))
		before := tree(t, dir)
		_, err := tryOpen(t, setup{fs: vfs.OS(), dir: dir})
		if !errors.Is(err, engine.ErrNotOurs) || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "--dir") {
			t.Errorf("%s: %v", name, err)
		}
		if after := tree(t, dir); after != before {
			t.Errorf("%s: the directory was changed\nfrom %s\nto   %s", name, before, after)
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	put(t, file, []byte("precious"))
	if _, err := tryOpen(t, setup{fs: vfs.OS(), dir: file}); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a file in place of the directory: %v", err)
	}
}

// As good as empty is empty.
func TestAnEmptyDirectory(t *testing.T) {
	for _, name := range []string{"", ".keep", "lost+found"} {
		dir := t.TempDir()
		if name != "" {
			put(t, filepath.Join(dir, name), nil)
		}
		r := open(t, setup{fs: vfs.OS(), dir: dir})
		r.expect("SET a 1", "+OK")
		r.mustClose(false)
		r.again().expect("GET a", "$1 1")
	}
}

// What a start may mend by itself: a log that was being turned on and did not count, and unfinished files.
func TestWhatAStartClearsAway(t *testing.T) {
	s := begin(t, setup{settings: []string{"appendonly", "no"}})
	s.say("SET a 1")
	s.save()
	s.mustClose(false)
	other := stocked(t)
	if err := os.Rename(filepath.Join(other.setup.dir, engine.LogDir), filepath.Join(s.setup.dir, engine.LogDir)); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(s.setup.dir, engine.StagedName), []byte("does not count"))
	put(t, filepath.Join(s.setup.dir, "base.db"+snapshot.TemporarySuffix), []byte("unfinished"))
	for _, appendonly := range []string{"no", "yes"} {
		r := s.again("appendonly", appendonly)
		s.recovered(r, "appendonly "+appendonly)
		r.mustClose(false)
		names, err := vfs.OS().List(s.setup.dir)
		if err != nil || strings.Contains(strings.Join(names, " "), snapshot.TemporarySuffix) || strings.Contains(strings.Join(names, " "), engine.StagedName) {
			t.Errorf("a start leaves %q, %v", names, err)
		}
	}
}

// A torn tail is cut, and the report says where, to the byte. What was acknowledged is there.
func TestATornTailIsCutAndReported(t *testing.T) {
	fsys, dir := disk(t)
	s := begin(t, setup{fs: fsys, dir: dir})
	s.pipeline("SET a 1", "SET b 2")
	end := int64(0)
	s.engine.Do(func() { end = s.engine.Figures().LogBytes })
	s.run(s.user, words("SET a torn"), words("SET b torn"))
	fsys.FailAt(fsys.Ops(vfs.Sync)+1, errors.New("power"), vfs.Sync)
	if s.commit(0) {
		t.Fatal("the commit succeeded")
	}
	torn := 0
	for seed := range int64(20) {
		_, left := leftBy(t, fsys, vfs.Random, seed)
		r := open(t, setup{dir: left})
		shown, report := r.dump(), r.engine.Report()
		if text := shown[place{0, "b"}]; text != `"2"` && text != `"torn"` {
			t.Errorf("seed %d: b is %s", seed, text)
		}
		cut := report.Log.CutBytes
		if cut == 0 {
			continue
		}
		torn++
		if segment := last(segments(t, left)); report.Log.CutFile != segment || report.Log.CutOffset < end || report.Log.To < 2 {
			t.Errorf("seed %d: cut %+v; the acknowledged end is %s at %d", seed, report.Log, segment, end)
		}
		if text := report.String(); !strings.Contains(text, fmt.Sprintf("torn tail of %d bytes", cut)) {
			t.Errorf("seed %d: the report says %s", seed, text)
		}
		written(t, left, report)
		r.mustClose(false)
		if again := open(t, setup{dir: left}).engine.Report(); again.Log.CutBytes != 0 {
			t.Errorf("seed %d: cut again: %s", seed, again)
		}
	}
	if torn == 0 {
		t.Error("no seed tore the tail")
	}
}

// written compares the report in the directory with the engine's.
func written(t *testing.T, dir string, want engine.Report) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, engine.ReportName))
	if err != nil {
		t.Fatal(err)
	}
	var got engine.Report
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got.DataSet != want.DataSet || got.Keys != want.Keys || got.Log == nil || *got.Log != *want.Log {
		t.Errorf("%s says %+v, the engine %+v", engine.ReportName, got, want)
	}
}

// The report counts what was recovered, whatever the parts come from.
func TestTheReport(t *testing.T) {
	s := stocked(t)
	r := s.again()
	got := r.engine.Report()
	if got.Base == nil || got.Base.LSN != 4 || got.Base.Keys != 4 || got.Base.TTLs != 1 {
		t.Errorf("the base is reported as %+v", got.Base)
	}
	if got.Log == nil || got.Log.From != 5 || got.Log.Records != 11 || got.Log.To != 15 {
		t.Errorf("the log is reported as %+v", got.Log)
	}
	if got.Keys != 6 || got.TTLs != 1 || got.Lapsed != 0 {
		t.Errorf("%d keys, %d TTLs pending, %d lapsed", got.Keys, got.TTLs, got.Lapsed)
	}
	written(t, s.setup.dir, got)
	r.mustClose(false)

	s.setup.clock.advance(1_000_000_000_000)
	if got := s.again().engine.Report(); got.TTLs != 0 || got.Lapsed != 1 {
		t.Errorf("later: %d TTLs pending, %d lapsed", got.TTLs, got.Lapsed)
	}
}

// A disk error while the base is looked for is not a base that is not there.
func TestABaseThatCannotBeReadIsNotMissing(t *testing.T) {
	for _, appendonly := range []string{"no", "yes"} {
		t.Run("appendonly "+appendonly, func(t *testing.T) {
			fsys, dir := disk(t)
			s := begin(t, setup{fs: fsys, dir: dir, settings: []string{"appendonly", appendonly}})
			s.say("SET a 1")
			s.save()
			s.mustClose(false)
			for k := 1; ; k++ {
				again, dir := leftBy(t, fsys, vfs.Everything, 1)
				again.FailAt(k, errors.New("bad sector"), vfs.Read)
				as := s.setup
				as.fs, as.dir = again, dir
				r, err := tryOpen(t, as)
				if err != nil {
					continue
				}
				injected := again.Injected()
				if got := r.do("GET a"); got != "$1 1" {
					t.Errorf("%v: served with a missing: %q", injected, got)
				}
				r.close(true)
				if len(injected) == 0 {
					break
				}
			}
		})
	}
}

// A base with a flipped byte is refused at the start or found out when the byte is read, which ends the process: no wrong
// value is ever acknowledged, and no key is missing as if it had never been.
func TestADamagedBaseIsNotServed(t *testing.T) {
	rng := chance(t)
	s := begin(t, setup{})
	for i := range 50 {
		s.pipeline(fmt.Sprintf("SET key%d %s", i, strings.Repeat(fmt.Sprint(i), 100)), fmt.Sprintf("RPUSH list%d a b %d", i, i))
	}
	s.mustClose(true)
	path := filepath.Join(s.setup.dir, engine.BaseName)
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused, fatal := 0, 0
	for range 100 {
		at := rng.IntN(len(sound))
		spoilt := bytes.Clone(sound)
		spoilt[at] ^= 1 << rng.IntN(8)
		put(t, path, spoilt)
		r, err := tryOpen(t, s.setup)
		if err != nil {
			refused++
			continue
		}
		for where, want := range s.last() {
			line := "GET " + where.key
			reply := bulk(want.text)
			if want.isList {
				line, reply = "LINDEX "+where.key+" 2", bulk(strings.TrimPrefix(where.key, "list"))
			}
			if got, left := r.send(r.user, words(line)); got != reply && left {
				t.Errorf("byte %d flipped: %s is %q, not %q", at, line, got, reply)
			}
		}
		r.expect("DBSIZE", ":100")
		if r.dead() != nil {
			fatal++
			if r.engine.Passed() != 0 {
				t.Errorf("byte %d flipped: fatal, and LSN %d is passed", at, r.engine.Passed())
			}
		}
		r.close(false)
	}
	t.Logf("of 100 flips %d refused the start, and %d ended the process", refused, fatal)
	put(t, path, sound)
	s.recovered(s.again(), "the sound base")
}

// Once the base has been found to be damaged no reply leaves, not even one that rests on no record, until the process has
// ended: what was to be fetched is missing from it. Here the end takes its time.
func TestNothingLeavesOnceTheBaseIsFoundDamaged(t *testing.T) {
	r := open(t, setup{})
	r.expect("SET a value", "+OK")
	r.expect("SET b value", "+OK")
	r.mustClose(true)
	edit(t, filepath.Join(r.setup.dir, engine.BaseName), func(b []byte) []byte {
		return bytes.ReplaceAll(b, []byte("value"), []byte("valve"))
	})
	found, end := make(chan struct{}), make(chan struct{})
	as := r.setup
	as.ending = func() { close(found); <-end }
	r, err := tryOpen(t, as)
	if err != nil {
		return // found out in time
	}
	select {
	case <-found: // by hydration
	case <-time.After(patience):
		t.Fatal("nobody finds the damage")
	}
	for _, line := range []string{"GET a", "GET b", "EXISTS a b", "DBSIZE"} {
		if reply, gate := r.run(r.connect(), words(line)); gate <= r.engine.Passed() {
			t.Errorf("%s: %q may leave: gate %d, passed %d", line, plain(reply), gate, r.engine.Passed())
		}
	}
	close(end)
	r.close(false)
	if err := r.dead(); err == nil || !sayAll(err.Error(), "the base, as of LSN 2, cannot be read", filepath.Join(r.setup.dir, engine.BaseName)+": offset ",
		": the checksum does not match", "bring the file back from a copy", "holdfast check --dir "+r.setup.dir) {
		t.Errorf("the process ended with: %v", err)
	}
}

func sayAll(text string, words ...string) bool {
	return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) })
}
