package engine_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
	"time"

	"holdfast/aof"
	"holdfast/engine"
	"holdfast/internal/vfs"
	"holdfast/snapshot"
)

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
		name: "functions that do not decode",
		spoil: func(t *testing.T, dir string) {
			rewriteMeta(t, dir, func(m *snapshot.Meta) { m.Extra = []byte("F\x01\x00\x00\x00f") })
		},
		want: snapshot.ErrCorrupt,
		says: []string{"DIR/base.db: its checksum is right, yet its functions are none: ", unchanged, damaged},
	}, {
		name: "a command of a later version in the log",
		spoil: func(t *testing.T, dir string) {
			segments, err := aof.List(vfs.OS(), filepath.Join(dir, engine.LogDir))
			if err != nil {
				t.Fatal(err)
			}
			log, _, err := aof.Recover(aof.Options{FS: vfs.OS(), Dir: filepath.Join(dir, engine.LogDir), ID: segments[0].ID, Clock: time.Now},
				segments[0].First-1, func(aof.Record) error { return nil })
			if err != nil {
				t.Fatal(err)
			}
			log.Append(1, 0, aof.AppendCommand(nil, 0, []byte("FROB"), []byte("a")))
			if err := log.Close(); err != nil {
				t.Fatal(err)
			}
		},
		says: []string{"replaying the log DIR/aof: LSN ", "ERR unknown command 'FROB', with args beginning with: 'a'", unchanged, "use the version of holdfast that wrote it"},
	}, {
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
		name: "a record that holds no command",
		spoil: func(t *testing.T, dir string) {
			content, err := os.ReadFile(segments(t, dir)[0])
			if err != nil {
				t.Fatal(err)
			}
			log, _, err := aof.Recover(aof.Options{FS: vfs.OS(), Dir: filepath.Join(dir, engine.LogDir), ID: [16]byte(content[24:40]),
				Clock: newClock().now}, 4, func(aof.Record) error { return nil })
			if err != nil {
				t.Fatal(err)
			}
			log.Append(0, 0, []byte{0, 5, 1})
			if err := log.Close(); err != nil {
				t.Fatal(err)
			}
		},
		want: aof.ErrCorrupt,
		says: []string{"log is corrupt: LASTSEGMENT at offset ", "LSN 16: malformed command in log record", unchanged, damaged},
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
		name: "base and log are gone",
		spoil: func(t *testing.T, dir string) {
			remove(t, filepath.Join(dir, engine.BaseName))
			remove(t, filepath.Join(dir, engine.LogDir))
		},
		want: engine.ErrDataMissing,
		says: []string{"DIR/recovery.json tells of data set ", "there is neither DIR/base.db nor a segment in DIR/aof", unchanged, "bring them back",
			"or begin a new data set by removing DIR/recovery.json"},
	}, {
		name: "base and log are gone, and the report cannot be read",
		spoil: func(t *testing.T, dir string) {
			remove(t, filepath.Join(dir, engine.BaseName))
			remove(t, filepath.Join(dir, engine.LogDir))
			put(t, filepath.Join(dir, engine.ReportName), []byte("{"))
		},
		want: engine.ErrDataMissing,
		says: []string{"DIR/recovery.json, which would tell of it, cannot be read (unexpected end of JSON input)", unchanged,
			"or begin a new data set by removing DIR/recovery.json"},
	}, {
		name: "base and log are gone, and a snapshot is there",
		spoil: func(t *testing.T, dir string) {
			open(t, setup{dir: dir}).mustClose(true)
			if err := engine.CreateSnapshotAtRest(vfs.OS(), dir, "s"); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{engine.BaseName, engine.LogDir, engine.ReportName} {
				remove(t, filepath.Join(dir, name))
			}
		},
		settings: []string{"appendonly", "no"},
		want:     engine.ErrDataMissing,
		says: []string{"DIR/snapshots holds s.db, and there is neither DIR/base.db nor a segment in DIR/aof", unchanged, "bring them back",
			"holdfast check --dir DIR --repair"},
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
		want: snapshot.ErrCorrupt,
		says: []string{"DIR/base.db: offset 0: the file is empty: base is damaged", unchanged, "bring the file back", damaged},
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
		name:     "no log wanted, and the one that there was is gone",
		spoil:    func(t *testing.T, dir string) { remove(t, filepath.Join(dir, engine.LogDir)) },
		settings: []string{"appendonly", "no"},
		want:     engine.ErrLogMissing,
		says:     []string{"DIR/base.db was written with a log going on after LSN 4, and DIR/aof holds no segment", damaged},
	}, {
		name: "no log wanted, the one that there was is gone, and the report cannot be read",
		spoil: func(t *testing.T, dir string) {
			remove(t, filepath.Join(dir, engine.LogDir))
			put(t, filepath.Join(dir, engine.ReportName), nil)
		},
		settings: []string{"appendonly", "no"},
		want:     engine.ErrLogMissing,
		says:     []string{"DIR/base.db was written with a log going on after LSN 4, and DIR/aof holds no segment", damaged},
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
