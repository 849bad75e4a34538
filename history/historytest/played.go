package historytest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"holdfast/engine"
	"holdfast/snapshot"
)

// Played is a directory with a history, and what was true at each LSN of it.
type Played struct {
	Dir    string
	States []State // by LSN; the first is the empty keyspace
	Times  []int64 // of the records, by LSN, unix ms; the first is Start
	// Bases are the LSNs of snapshots/s0.db, snapshots/s1.db …; the last one is base.db's too.
	Bases []uint64
}

// Last is the newest LSN.
func (p Played) Last() uint64 { return uint64(len(p.States) - 1) }

// Segments are the files of the log, oldest first.
func (p Played) Segments(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(p.Dir, engine.LogDir, "*.aof"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(paths)
	return paths
}

// Copy is a copy of the directory, to be damaged.
func (p Played) Copy(t testing.TB) Played {
	t.Helper()
	to := t.TempDir()
	CopyDir(t, p.Dir, to)
	p.Dir = to
	return p
}

// Play plays a history of every kind of value, deadlines, whole databases and transactions. It stands in five segments,
// two each behind two snapshots; the log is whole from LSN 1, as retention keeps it.
func Play(t testing.TB) Played {
	t.Helper()
	p := Played{Dir: t.TempDir(), States: []State{{}}, Times: []int64{Start}}
	kept := t.TempDir()
	clock := NewClock()
	for i, part := range script() {
		s := Open(t, p.Dir, clock, "appendfsync", "always")
		p.play(s, part, clock)
		checkpoint := i%2 == 1
		s.Close(false)
		CopyDir(t, filepath.Join(p.Dir, engine.LogDir), kept)
		if i+1 == len(script()) {
			break
		}
		s = Open(t, p.Dir, clock)
		s.Close(true) // ends the segment
		if checkpoint {
			p.Bases = append(p.Bases, p.Last())
			p.keepSnapshot(t, fmt.Sprintf("s%d", len(p.Bases)-1))
		}
	}
	CopyDir(t, kept, filepath.Join(p.Dir, engine.LogDir))
	p.shrink(t)
	p.allTypes(t)
	return p
}

// play runs commands; each moves the clock, so that each record has a time of its own.
func (p *Played) play(s *Server, commands []string, clock *Clock) {
	s.t.Helper()
	for _, command := range commands {
		words := strings.Fields(command)
		if cmd := s.World().Table.Lookup([]byte(words[0])); cmd == nil || cmd.Run == nil {
			continue // a type that is still to come
		}
		for i, word := range words {
			words[i] = strings.NewReplacer("LARGE", strings.Repeat("x", 100_000), "LONGKEY", strings.Repeat("k", 40_000)).Replace(word)
		}
		clock.Add(1000)
		s.Do(words...)
		for lsn := s.LSN(); p.Last() < lsn; {
			p.States = append(p.States, s.State())
			p.Times = append(p.Times, clock.Load())
		}
	}
}

// keepSnapshot makes a named snapshot of the base.
func (p *Played) keepSnapshot(t testing.TB, name string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(p.Dir, engine.SnapshotDir), 0o700); err != nil {
		t.Fatal(err)
	}
	if lsn := copyBase(t, p.Dir, engine.SnapshotPath(p.Dir, name)); lsn != p.Last() {
		t.Fatalf("the base has LSN %d, and the history %d", lsn, p.Last())
	}
}

// shrink gives back the room that bbolt has the base's file take ahead of need: most of it, in so small a base.
func (p *Played) shrink(t testing.TB) {
	t.Helper()
	small := filepath.Join(p.Dir, "small")
	copyBase(t, p.Dir, small)
	if err := os.Rename(small, filepath.Join(p.Dir, engine.BaseName)); err != nil {
		t.Fatal(err)
	}
}

// copyBase copies base.db, and says as of when it is.
func copyBase(t testing.TB, dir, to string) (lsn uint64) {
	t.Helper()
	base, err := snapshot.Open(filepath.Join(dir, engine.BaseName), snapshot.OpenOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(base.CopyTo(FS(), to, nil), base.Close()); err != nil {
		t.Fatal(err)
	}
	return base.Meta().LSN
}

// allTypes checks that the history has every type of value that there are commands for, and deadlines of fields.
func (p *Played) allTypes(t testing.TB) {
	t.Helper()
	seen, fields := map[string]bool{}, false
	for _, state := range p.States {
		for _, line := range state {
			name, _, _ := strings.Cut(line, " ")
			seen[name] = true
			fields = fields || name == "hash" && strings.Count(line, " until ") > 1
		}
	}
	if !fields {
		t.Error("the history has no field with a deadline")
	}
	s := Open(t, t.TempDir(), NewClock())
	defer s.Close(false)
	for _, typ := range s.World().Keys.Types {
		if typ.Name != "" && !seen[typ.Name] {
			t.Errorf("the history has no %s", typ.Name)
		}
	}
}

// script is what is played, part by part.
func script() [][]string {
	many := make([]string, 0, 3000)
	for i := range 3000 {
		many = append(many, fmt.Sprintf("element-%d", i))
	}
	return [][]string{
		{
			"SET greeting hello", "SET counter 1", "INCR counter", "RPUSH queue a b c", "LPOP queue",
			"SET timed v PXAT 1800000000000", "SELECT 3", "SET elsewhere LARGE", "SELECT 0", "SET LONGKEY long",
		},
		{
			"APPEND greeting -world", "RPUSH big " + strings.Join(many, " "), "PEXPIREAT queue 1800000000001", "MULTI",
			"SET a 1", "SET b 2", "DEL counter", "EXEC",
		},
		{
			"LSET big 5 changed", "SWAPDB 0 3", "SET after swap", "PERSIST timed", "HSET hash f 1 g 2", "HPEXPIREAT hash 1800000000002 FIELDS 1 g", "SADD set x y z",
			"ZADD zset 1 one 2 two", "XADD stream 1-1 f v", "RENAME elsewhere moved",
		},
		{
			"SELECT 3", "FLUSHDB", "SET fresh start EX 100000", "RPUSH big again", "HINCRBY hash f 5",
			"HSETEX hash PXAT 1800000000003 FIELDS 2 h 3 i 4", "HPERSIST hash FIELDS 1 g", "HGETDEL hash FIELDS 1 i", "SREM set x",
			"ZINCRBY zset 3 one", "XADD stream 2-1 g w", "SELECT 0",
		},
		{
			"FLUSHALL", "SET last 1", "INCRBYFLOAT last 1.5", "MULTI", "RPUSH final a", "RPOPLPUSH final final", "EXEC", "MOVE last 5",
			"SET gone v", "DEL gone",
		},
	}
}
