package expiry

import (
	"cmp"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
)

func compare(a, b item) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id)) }

// TestIndexIsASortedSlice drives an Index beside a slice of pairs that is kept sorted.
func TestIndexIsASortedSlice(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %#x", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for _, times := range []int64{1, 20, 100_000} { // few times: many pairs of one
		x, model := NewIndex(), []item{}
		for range 20_000 {
			pair := item{rnd.Int64N(2*times) - times, rnd.Uint64N(200)}
			if len(model) > 0 && rnd.IntN(3) == 0 {
				pair = model[rnd.IntN(len(model))] // one that is there
			}
			i, there := slices.BinarySearchFunc(model, pair, compare)
			if rnd.IntN(2) == 0 {
				x.Add(pair.at, pair.id)
				if !there {
					model = slices.Insert(model, i, pair)
				}
			} else {
				x.Remove(pair.at, pair.id)
				if there {
					model = slices.Delete(model, i, i+1)
				}
			}
			compareFront(t, x, model, rnd.Int64N(2*times)-times)
		}
		compareAll(t, x, model)
		for len(model) > 0 { // what is due comes in order
			at, id, ok := x.Due(times)
			if !ok || (item{at, id}) != model[0] {
				t.Fatalf("Due gives %d, %d, %v; want %v", at, id, ok, model[0])
			}
			x.Remove(at, id)
			model = model[1:]
		}
		compareFront(t, x, nil, times)
	}
}

func compareFront(t *testing.T, x *Index, model []item, now int64) {
	t.Helper()
	first := item{at: Never}
	if len(model) > 0 {
		first = model[0]
	}
	if x.Len() != len(model) || x.Next() != first.at {
		t.Fatalf("Len %d, Next %d; want %d and %d", x.Len(), x.Next(), len(model), first.at)
	}
	at, id, ok := x.Due(now)
	if due := first.at <= now; ok != due || ok && (item{at, id}) != first {
		t.Fatalf("Due(%d) = %d, %d, %v; the first is %v", now, at, id, ok, first)
	}
}

func compareAll(t *testing.T, x *Index, model []item) {
	t.Helper()
	got := []item{}
	x.Each(func(at int64, id uint64) bool { got = append(got, item{at, id}); return true })
	if !slices.Equal(got, model) {
		t.Fatalf("Each gives %d pairs, not the %d of the model in their order", len(got), len(model))
	}
	n := 0
	x.Each(func(int64, uint64) bool { n++; return n < 3 })
	if n != min(3, len(model)) {
		t.Fatalf("Each went on to %d pairs", n)
	}
}

// The last deadline there is, is one: it comes due in the last millisecond, and not before.
func TestIndexOfTheLastMillisecond(t *testing.T) {
	x := NewIndex()
	if _, _, ok := x.Due(math.MaxInt64); ok {
		t.Fatal("something is due in an empty index")
	}
	x.Add(math.MaxInt64, 1)
	if _, _, ok := x.Due(math.MaxInt64 - 1); ok {
		t.Fatal("due too early")
	}
	if at, id, ok := x.Due(math.MaxInt64); at != math.MaxInt64 || id != 1 || !ok {
		t.Fatalf("Due gives %d, %d, %v", at, id, ok)
	}
}

func TestBytesIsAboutWhatTheIndexHolds(t *testing.T) {
	const pairs = 300_000
	rnd := rand.New(rand.NewPCG(1, 1))
	before := heap()
	x := NewIndex()
	for range pairs {
		x.Add(rnd.Int64N(1<<40), rnd.Uint64())
	}
	held := heap() - before
	t.Logf("%.1f bytes a deadline; Bytes says %.1f", float64(held)/pairs, float64(x.Bytes())/pairs)
	if held < x.Bytes()*3/4 || held > x.Bytes()*5/4 {
		t.Errorf("the index holds %d bytes and says %d", held, x.Bytes())
	}
	runtime.KeepAlive(x)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func BenchmarkReplace(b *testing.B) {
	const pairs = 1 << 20
	x, at := NewIndex(), make([]int64, pairs)
	rnd := rand.New(rand.NewPCG(1, 1))
	for id := range at {
		at[id] = rnd.Int64N(1 << 40)
		x.Add(at[id], uint64(id))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		id := i * 7919 % pairs
		x.Remove(at[id], uint64(id))
		at[id] += 1000
		x.Add(at[id], uint64(id))
	}
}
