package inspect

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// show is a tree in a line.
func (p Prefix) show() string {
	text := fmt.Sprintf("%s %d/%d", p.Prefix.word(), p.Keys, p.Bytes)
	for _, below := range p.Below {
		text += " [" + below.show() + "]"
	}
	if p.Others != nil {
		text += fmt.Sprintf(" +%d %d/%d", p.Others.Prefixes, p.Others.Keys, p.Others.Bytes)
	}
	return text
}

func TestPrefixes(t *testing.T) {
	keys := []string{"a", "a:", "a:1:x", "a:1:y", "a:2", "b/1", "b/2:c:d:e", "c:1", "\xff:"}
	for _, c := range []struct {
		separators string
		depth, top int
		want       string
	}{
		{":", 1, 10, `"" 9/9 [a: 4/4] [b/2: 1/1] [c: 1/1] ["\xff:" 1/1]`},
		{":/", 2, 2, `"" 9/9 [a: 4/4 [a:1: 2/2]] [b/ 2/2 [b/2: 1/1]] +2 2/2`},
		{":", 9, 1, `"" 9/9 [a: 4/4 [a:1: 2/2]] +3 3/3`},
		{":", 0, 10, `"" 9/9`},
	} {
		tree := newPrefixTree(c.separators, c.depth, true)
		for _, key := range keys {
			tree.add([]byte(key), 1)
		}
		if got := tree.top(c.top).show(); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// However many prefixes there are, memory is bounded; of keys in order the largest are told exactly.
func TestPrefixesInBoundedMemory(t *testing.T) {
	var keys []string
	for i := range 4000 {
		for k := range 1 + 40*(i%100/99) { // every hundredth is large
			keys = append(keys, fmt.Sprintf("p:%05d:%d", i, k))
		}
	}
	for _, sorted := range []bool{true, false} {
		tree := newPrefixTree(":", 2, sorted)
		tree.room = 100
		if slices.Sort(keys); !sorted {
			rand.New(rand.NewPCG(1, 2)).Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		}
		for _, key := range keys {
			if tree.add([]byte(key), 10); tree.count > tree.room+1 {
				t.Fatalf("%d prefixes in memory", tree.count)
			}
		}
		top := tree.top(10)
		if top.Keys != int64(len(keys)) || top.Bytes != int64(10*len(keys)) || top.Below[0].Keys != top.Keys || top.Approximate == sorted {
			t.Fatalf("sorted %v: %s", sorted, top.show())
		}
		if !sorted {
			continue
		}
		below := top.Below[0]
		sum := below.Others.Keys
		for i, p := range below.Below {
			if sum += p.Keys; p.Keys != 41 || string(p.Prefix) != fmt.Sprintf("p:%05d:", 100*i+99) {
				t.Errorf("%d: %s", i, p.show())
			}
		}
		if sum != below.Keys || len(below.Below) != 10 || below.Others.Prefixes != 3990 {
			t.Errorf("%s", below.show())
		}
	}
}

func TestStatsText(t *testing.T) {
	var b strings.Builder
	must(t, Stats{}.WriteText(&b))
	if got := b.String(); !strings.HasPrefix(got, "database") || strings.Count(got, "\n") != 2 {
		t.Errorf("of nothing: %q", got)
	}
	for ms, want := range map[int64]string{-1: "later", 0: "due already", 60_000: "1 minute", 3_600_000: "1 hour", 604_800_000: "7 days"} {
		if got := within(ms); got != want {
			t.Errorf("%d: %s", ms, got)
		}
	}
	for size, want := range map[int64]string{0: "more", 64: "64 B", 4096: "4 KiB", 16 << 20: "16 MiB"} {
		if got := upTo(size); got != want {
			t.Errorf("%d: %s", size, got)
		}
	}
}
