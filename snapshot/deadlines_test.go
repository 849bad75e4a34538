package snapshot

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"holdfast/internal/vfs"
)

// position is an entry of the deadline index.
type position struct {
	at  int64
	key string
}

// following reads up to max entries behind a position.
func following(t testing.TB, b *Base, at int64, after []byte, max int) (got []position) {
	t.Helper()
	if max == 0 {
		return nil
	}
	must(t, b.DeadlinesAfter(1, at, after, func(at int64, key []byte) bool {
		got = append(got, position{at, string(key)})
		return len(got) < max
	}))
	return got
}

// withDeadlines writes a base with equal deadlines, more than are read ahead, and keys of all kinds among them.
func withDeadlines(t *testing.T) (b *Base, all []position) {
	t.Helper()
	dir := t.TempDir()
	c := newChanges(t, vfs.OS(), dir, newModel(1))
	put := func(at int64, key string) {
		c.put(1, key, Record{Deadline: at, Payload: []byte("v")})
		all = append(all, position{at, key})
	}
	for i := range 700 {
		put(1000, fmt.Sprintf("equal %03d", i))
	}
	for i := range 12 { // a chunk or more of key
		put(1000, strings.Repeat(string(rune('a'+i)), MaxPlainKey+1+i*8000))
	}
	put(1, "")
	put(1, "\x00")
	put(1000, "k")
	put(1000, "kk")
	put(999, strings.Repeat("z", MaxPlainKey+1))
	put(1001, "a")
	put(math.MaxInt64, "the last")
	c.put(1, "without", Record{})
	c.fresh(vfs.OS(), dir)
	slices.SortFunc(all, func(a, b position) int {
		return bytes.Compare(appendDeadlineKey(nil, a.at, appendStored(nil, []byte(a.key))), appendDeadlineKey(nil, b.at, appendStored(nil, []byte(b.key))))
	})
	return open(t, dir, OpenOptions{}), all
}

func show(p []position) string {
	var s []string
	for _, p := range p[:min(len(p), 5)] {
		s = append(s, fmt.Sprintf("%.12q(%d)@%d", p.key, len(p.key), p.at))
	}
	return fmt.Sprintf("%d entries, %s", len(p), strings.Join(s, " "))
}

// TestDeadlinesAfterEachPosition goes on behind every entry, and comes to all that follow it.
func TestDeadlinesAfterEachPosition(t *testing.T) {
	b, all := withDeadlines(t)
	if got := following(t, b, 0, nil, math.MaxInt); !slices.Equal(got, all) {
		t.Fatalf("from the start: %s and not %s", show(got), show(all))
	}
	for i, p := range all {
		want := all[i+1 : min(len(all), i+4)]
		if got := following(t, b, p.at, []byte(p.key), max(len(want), 1)); !slices.Equal(got, want) {
			t.Fatalf("behind %s: %s and not %s", show(all[i:i+1]), show(got), show(want))
		}
	}
}

// TestDeadlinesInSlices reads all of it by going on where the last call ended.
func TestDeadlinesInSlices(t *testing.T) {
	b, all := withDeadlines(t)
	for _, size := range []int{1, 7, 255, 256, 257, 1000} {
		var got []position
		at, after := int64(math.MinInt64), []byte(nil)
		for {
			some := following(t, b, at, after, size)
			if len(some) == 0 {
				break
			}
			got = append(got, some...)
			at, after = some[len(some)-1].at, []byte(some[len(some)-1].key)
		}
		if !slices.Equal(got, all) {
			t.Errorf("in slices of %d: %s and not %s", size, show(got), show(all))
		}
	}
}

func TestDeadlinesAfterWhatIsNotThere(t *testing.T) {
	b, all := withDeadlines(t)
	long := strings.Repeat("gone", MaxPlainKey)
	first := func(at int64) int { return slices.IndexFunc(all, func(p position) bool { return p.at >= at }) }
	for _, test := range []struct {
		at    int64
		after []byte
		want  int // place in all
	}{
		{-5, []byte("k"), 0},
		{0, []byte("k"), 0},
		{1, nil, 0},
		{1, []byte{}, 1},
		{1, []byte("\x00"), 2},
		{2, nil, 2},
		{999, nil, 2},
		{999, []byte("any plain key"), 2},
		{1000, nil, first(1000)},
		{1000, []byte{}, first(1000)},
		{1000, []byte("equal 123a"), first(1000) + 124},
		{1000, []byte("equal 9"), first(1000) + 700},
		{1000, []byte("zzz"), first(1000) + 702},
		{1001, nil, first(1001)},
		{1001, []byte("b"), first(1001) + 1},
		{1001, []byte(long), first(1001) + 1},
		{math.MaxInt64, nil, len(all) - 1},
		{math.MaxInt64, []byte("the last"), len(all)},
	} {
		got, want := following(t, b, test.at, test.after, 1), all[test.want:min(len(all), test.want+1)]
		if !slices.Equal(got, want) {
			t.Errorf("behind %.20q at %d: %s and not %s", test.after, test.at, show(got), show(want))
		}
	}
	must(t, b.DeadlinesAfter(77, 0, nil, func(int64, []byte) bool {
		t.Error("an unknown store has deadlines")
		return false
	}))
}

// BenchmarkDeadlinesAfter goes on at random places among a million equal deadlines, for a hundred entries each.
func BenchmarkDeadlinesAfter(b *testing.B) {
	dir := b.TempDir()
	ch := NewChanges(vfs.OS(), dir, 64<<20)
	for i := range benchKeys {
		must(b, ch.Put(1, benchKey(i), Record{Deadline: 5}))
	}
	_, err := WriteFresh(vfs.OS(), dir, "base.db", ch, Meta{LSN: 1, DBs: []DB{{Store: 1}}})
	must(b, err)
	must(b, ch.Discard())
	base := openBench(b, dir)
	rng := rand.New(rand.NewPCG(1, 1))
	b.ResetTimer()
	for range b.N {
		left := 100
		must(b, base.DeadlinesAfter(1, 5, benchKey(rng.IntN(benchKeys-200)), func(int64, []byte) bool { left--; return left > 0 }))
		if left != 0 {
			b.Fatalf("%d are missing", left)
		}
	}
}
