package disk

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"holdfast/lab/trace"
)

// What was done to a real directory, and written down by hand, is what Everything builds, byte for byte.
func TestEverythingIsTheRealDirectory(t *testing.T) {
	real := t.TempDir()
	rec := newRecording(t)
	files := map[uint64]*os.File{}
	at := func(path string) string { return filepath.Join(real, path) }
	do := func(e trace.Event, data []byte, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		rec.add(e, data)
	}
	create := func(n uint64, path string) {
		t.Helper()
		f, err := os.Create(at(path))
		t.Cleanup(func() { f.Close() })
		files[n] = f
		do(trace.Event{Kind: trace.Create, File: n, Path: path}, nil, err)
	}
	write := func(n uint64, off int64, data []byte) {
		t.Helper()
		_, err := files[n].WriteAt(data, off)
		do(trace.Event{Kind: trace.Write, File: n, Off: off, Size: int64(len(data))}, data, err)
	}
	truncate := func(n uint64, size int64) {
		t.Helper()
		do(trace.Event{Kind: trace.Truncate, File: n, Size: size}, nil, files[n].Truncate(size))
	}
	allocate := func(n uint64, mode uint32, off, size int64) {
		t.Helper()
		err := syscall.Fallocate(int(files[n].Fd()), mode, off, size)
		do(trace.Event{Kind: trace.Allocate, File: n, Mode: mode, Off: off, Size: size}, nil, err)
	}
	rename := func(n uint64, from, to string) {
		t.Helper()
		do(trace.Event{Kind: trace.Rename, File: n, Path: from, To: to}, nil, os.Rename(at(from), at(to)))
	}
	rng := rng(t, 11)
	random := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return b
	}

	create(1, "base.db")
	write(1, 0, random(700_000)) // more than is copied at once
	for range 40 {
		write(1, rng.Int64N(600_000), random(1+rng.IntN(9000)))
	}
	do(trace.Event{Kind: trace.Mkdir, Path: "aof"}, nil, os.Mkdir(at("aof"), 0o755))
	create(2, "aof/1.tmp")
	write(2, 0, make([]byte, 1<<20))
	for off := int64(0); off < 300_000; {
		record := random(20 + rng.IntN(300))
		write(2, off, record)
		off += int64(len(record))
	}
	rename(2, "aof/1.tmp", "aof/1.aof")
	do(trace.Event{Kind: trace.Sync, File: 2, Covers: rec.last}, nil, files[2].Sync())
	write(2, 8192, random(100))
	create(3, "aof/2.aof")
	allocate(3, 0, 0, 70_001)
	write(3, 65_000, random(9000))
	allocate(3, 3, 66_000, 5000)
	truncate(3, 60_000)
	truncate(3, 80_000)
	create(4, "base.tmp")
	write(4, 3, []byte("new"))
	do(trace.Event{Kind: trace.Link, File: 1, Path: "base.db", To: "aof/kept.db"}, nil, os.Link(at("base.db"), at("aof/kept.db")))
	rename(4, "base.tmp", "base.db")
	write(1, 5, []byte("seen by its other name"))
	do(trace.Event{Kind: trace.Symlink, Path: "current", To: "aof/1.aof"}, nil, os.Symlink("aof/1.aof", at("current")))
	do(trace.Event{Kind: trace.SyncDir, Path: "", Covers: rec.last}, nil, nil)
	rename(0, "aof", "log")
	create(5, "gone")
	write(5, 0, random(10))
	do(trace.Event{Kind: trace.Unlink, File: 5, Path: "gone"}, nil, os.Remove(at("gone")))
	do(trace.Event{Kind: trace.Mkdir, Path: "log/empty"}, nil, os.Mkdir(at("log/empty"), 0o755))

	r, events := rec.play()
	want := show(t, real)
	for _, reading := range []Reading{Strict, Ordered} {
		c := model(t, r, events, reading).Crash(4096)
		if got := built(t, c, c.Pick(Everything, 0)); got != want {
			t.Errorf("%s: %d bytes of description, want %d: %.300q", reading, len(got), len(want), got)
		}
	}
}

// Digest goes by what is there: not by which write it came from, or into how many it was cut.
func TestDigestIsOfBytes(t *testing.T) {
	digest := func(text string) [32]byte {
		t.Helper()
		r, events := script(t, text)
		c := model(t, r, events, Strict).Crash(512)
		return c.Digest(c.Choice(nil))
	}
	want := digest("create 1 a; write 1 0 abcdefghijklmnop")
	for _, same := range []string{
		"create 7 a; write 7 0 abcdefghijklmnop; begin",
		"create 1 a; write 1 3 defghijklmnop; write 1 0 abc",
		"create 1 a; write 1 0 XXXXXXXXXXXXXXXXXXXX; begin; write 1 5 fghijklmn; write 1 0 abcde; write 1 14 op; truncate 1 16",
		"create 1 b; write 1 0 abcdefghijklmnop; rename b a; begin; write 1 0 abcdefgh",
	} {
		if digest(same) != want {
			t.Errorf("otherwise after %s", same)
		}
	}
	for _, other := range []string{
		"create 1 b; write 1 0 abcdefghijklmnop",
		"create 1 a; write 1 0 abcdefghijklmnop.",
		"create 1 a; write 1 1 abcdefghijklmnop",
		"create 1 a; write 1 0 bacdefghijklmnop",
		"create 1 a; write 1 0 abcdefghijklmnop; link a b",
		"create 1 a; write 1 0 abcdefghijklmnop; mkdir b",
		"symlink a abcdefghijklmnop", "mkdir a", "",
	} {
		if digest(other) == want {
			t.Errorf("the same after %s", other)
		}
	}
	if digest("create 1 a; write 1 0 ........; create 2 b; truncate 2 3") != digest("create 2 b; allocate 2 0 0 3; create 1 a; truncate 1 8") {
		t.Error("zeros differ from holes")
	}
	if digest("create 1 a; link a b") == digest("create 1 a; create 2 b") {
		t.Error("two names of a file are as two files")
	}
}

func TestSumIsOfBytesWhereverTheyAreCut(t *testing.T) {
	rng := rng(t, 3)
	b := make([]byte, 100)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	whole := sumOf(13, b)
	for range 200 {
		i, j := rng.IntN(50), 50+rng.IntN(51)
		if s := sumOf(13, b[:i]).plus(sumOf(13+int64(i), b[i:j])).plus(sumOf(13+int64(j), b[j:])); s != whole {
			t.Fatalf("cut at %d and %d it is another", i, j)
		}
	}
	for i := range b {
		for bit := range 8 {
			c := bytes.Clone(b)
			c[i] ^= 1 << bit
			if sumOf(13, c) == whole {
				t.Errorf("bit %d of byte %d does not count", bit, i)
			}
		}
	}
	if sumOf(3, make([]byte, 40)) != (sum{}) || sumOf(14, b) == whole {
		t.Error("zeros count, or the place does not")
	}
}

// Preallocated zeros take neither room nor time.
func TestZerosAreHoles(t *testing.T) {
	rec := newRecording(t)
	rec.add(trace.Event{Kind: trace.Create, File: 1, Path: "a"}, nil)
	zeros := make([]byte, 1<<20)
	for i := range int64(64) {
		rec.add(trace.Event{Kind: trace.Write, File: 1, Off: i << 20, Size: 1 << 20}, zeros)
	}
	rec.add(trace.Event{Kind: trace.Write, File: 1, Off: 5 << 20, Size: 3}, []byte("abc"))
	r, events := rec.play()
	for reading, pieces := range map[Reading]int{Strict: 1 + 64 + 1, Ordered: 1 + 64 + 1} {
		c := model(t, r, events, reading).Crash(512)
		if c.Pieces() != pieces {
			t.Errorf("%s: %d pieces, want %d", reading, c.Pieces(), pieces)
		}
		dir := t.TempDir()
		if err := c.Build(dir, c.Choice(nil)); err != nil {
			t.Fatal(err)
		}
		var st syscall.Stat_t
		if err := syscall.Stat(filepath.Join(dir, "a"), &st); err != nil {
			t.Fatal(err)
		}
		if st.Size != 64<<20 || st.Blocks*512 > 1<<20 {
			t.Errorf("%s: %d bytes take %d", reading, st.Size, st.Blocks*512)
		}
	}
}

// Build says where it failed, and does not touch what is there.
func TestBuildWhereSomethingIs(t *testing.T) {
	r, events := script(t, "create 1 a; write 1 0 x")
	c := model(t, r, events, Strict).Crash(512)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Build(dir, c.Choice(nil)); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "a")) {
		t.Errorf("%v", err)
	}
	if got := show(t, dir); got != "a=mine" {
		t.Errorf("it made %q", got)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Build(filepath.Join(dir, "new"), c.Choice(nil)); err == nil || !strings.Contains(err.Error(), "trace") {
		t.Errorf("without a trace: %v", err)
	}
}

// Where the trace cannot be read, no state is taken for another one that was seen.
func TestDigestWithoutATrace(t *testing.T) {
	r, events := script(t, "create 1 a; begin; write 1 0 abcdefghijkl")
	c := model(t, r, events, Strict).Crash(4)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	seen := map[[32]byte]bool{}
	for i := range 3 {
		seen[c.Digest(c.Choice([]int{i}))] = true
	}
	if len(seen) != 3 {
		t.Errorf("%d digests for 3 choices", len(seen))
	}
}

// server is a trace as a server leaves it: a base of pages, a preallocated log of live bytes of which the last records are
// not synced, and a second log that is only preallocated.
func server(tb testing.TB, pages, records, unsynced int) *Model {
	tb.Helper()
	rec := newRecording(tb)
	rng := rand.New(rand.NewPCG(1, 2))
	fill := func(b []byte) []byte {
		for i := range b {
			b[i] = byte(rng.Uint32()) | 1
		}
		return b
	}
	rec.add(trace.Event{Kind: trace.Create, File: 1, Path: "base.db"}, nil)
	page := make([]byte, 4096)
	for range pages {
		rec.add(trace.Event{Kind: trace.Write, File: 1, Off: rng.Int64N(int64(pages)) * 4096, Size: 4096}, fill(page))
	}
	rec.add(trace.Event{Kind: trace.Mkdir, Path: "aof"}, nil)
	for n := range uint64(2) {
		path := fmt.Sprintf("aof/%020d.aof", n)
		rec.add(trace.Event{Kind: trace.Create, File: 2 + n, Path: path}, nil)
		for i := range int64(64) {
			rec.add(trace.Event{Kind: trace.Write, File: 2 + n, Off: i << 20, Size: 1 << 20}, make([]byte, 1<<20))
		}
	}
	rec.add(trace.Event{Kind: trace.Mark, Note: trace.MarkBegin}, nil)
	record := make([]byte, 100)
	for i := range records {
		rec.add(trace.Event{Kind: trace.Request, Args: [][]byte{[]byte("SET"), page[:20], page[:60]}}, nil)
		rec.add(trace.Event{Kind: trace.Write, File: 2, Off: int64(i) * 100, Size: 100}, fill(record))
		if i == records-unsynced-1 {
			rec.add(trace.Event{Kind: trace.Sync, File: 2, Covers: rec.last}, nil)
		}
	}
	r, events := rec.play()
	return model(tb, r, events, Strict)
}

func BenchmarkBuild(b *testing.B) {
	for _, size := range []struct {
		name                     string
		pages, records, unsynced int
	}{
		{"1MB", 128, 5_000, 10}, {"4MB", 512, 20_000, 10}, {"4MB-10k-unsynced", 512, 20_000, 10_000},
	} {
		b.Run(size.name, func(b *testing.B) {
			c := server(b, size.pages, size.records, size.unsynced).Crash(512)
			dir := b.TempDir()
			for n := 0; b.Loop(); n++ {
				dst := filepath.Join(dir, fmt.Sprint(n))
				if err := c.Build(dst, c.Pick(Random, uint64(n))); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if err := os.RemoveAll(dst); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
		b.Run(size.name+"/digest", func(b *testing.B) {
			c := server(b, size.pages, size.records, size.unsynced).Crash(512)
			for n := 0; b.Loop(); n++ {
				c.Digest(c.Pick(Random, uint64(n)))
			}
		})
	}
}

func BenchmarkCrash(b *testing.B) {
	m := server(b, 512, 20_000, 10)
	for b.Loop() {
		m.Crash(512)
	}
}

// The model keeps nothing of what was cut off.
func TestContentIsGivenBack(t *testing.T) {
	rec := newRecording(t)
	rec.add(trace.Event{Kind: trace.Create, File: 1, Path: "a"}, nil)
	for i := range int64(1000) {
		rec.add(trace.Event{Kind: trace.Write, File: 1, Off: i % 7 * 2, Size: 2}, []byte("ab"))
		rec.add(trace.Event{Kind: trace.Sync, File: 1, Covers: rec.last}, nil)
	}
	r, events := rec.play()
	m := model(t, r, events, Strict)
	n := 0
	m.files[1].base.root.each(0, math.MaxInt64, func(*extent) { n++ })
	if n > 7 || len(m.pending) != 1 {
		t.Errorf("%d extents for 7 places, %d operations at risk", n, len(m.pending))
	}
}
