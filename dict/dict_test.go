package dict

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

func numbered(n int) *Dict {
	d := New(Seed{7})
	for i := range n {
		d.Set(fmt.Appendf(nil, "member:%08d", i), nil)
	}
	return d
}

func TestEmptyKeysAndValuesAreKeysAndValues(t *testing.T) {
	d := New(Seed{})
	if _, ok := d.Get(nil); ok || d.Len() != 0 || d.Delete(nil) {
		t.Error("the empty Dict has the empty key")
	}
	if !d.Set(nil, nil) || d.Set([]byte{}, []byte("v")) {
		t.Error("the empty key is added once")
	}
	if v, ok := d.Get(nil); !ok || string(v) != "v" {
		t.Errorf("%q, %v", v, ok)
	}
	if !d.Delete(nil) || d.Len() != 0 {
		t.Error("it stays")
	}
}

func TestASeedDeterminesTheLeaves(t *testing.T) {
	a, b := New(Seed{1}), New(Seed{1})
	for i := range 5000 {
		a.Set(fmt.Append(nil, i), nil)
		b.Set(fmt.Append(nil, i), nil)
	}
	if !bytes.Equal(a.AppendBinary(nil), b.AppendBinary(nil)) {
		t.Error("the same changes under the same seed give another encoding")
	}
	if c := New(Seed{2}); c.hash([]byte("x")) == a.hash([]byte("x")) {
		t.Error("another seed gives the same hash")
	}
}

// Under changes that neither remove nor add it, every key is seen by a scan, whatever else comes and goes.
func TestScanSeesEveryKeyThatStays(t *testing.T) {
	rng := chance(t)
	for round := range 40 {
		d, seen := New(Seed{byte(round)}), map[string]int{}
		stays := func(i int) []byte { return fmt.Appendf(nil, "stays:%d", i) }
		other := func() []byte { return fmt.Appendf(nil, "other:%d", rng.IntN(5000)) }
		n := rng.IntN(2000)
		for i := range n {
			d.Set(stays(i), nil)
		}
		growing, steps := rng.IntN(2) == 0, 0
		for range 5000 * rng.IntN(2) {
			d.Set(other(), nil)
		}
		for cursor := uint64(0); ; steps++ {
			cursor = d.Scan(cursor, func(key, _ []byte) { seen[string(key)]++ })
			if cursor == 0 {
				break
			}
			if cursor>>48 != 0 {
				t.Fatalf("cursor %#x", cursor)
			}
			for range rng.IntN(50) {
				if growing {
					d.Set(other(), nil)
				} else {
					d.Delete(other())
				}
			}
			if rng.IntN(500) == 0 { // a restart
				again, err := Decode(d.AppendBinary(nil))
				if err != nil {
					t.Fatal(err)
				}
				d = again
			}
		}
		for i := range n {
			if times := seen[string(stays(i))]; times == 0 || growing && times > 2 {
				t.Fatalf("round %d: key %d of %d was seen %d times in %d steps", round, i, n, times, steps)
			}
		}
		check(t, d)
	}
}

func TestScanOfAStillDictSeesEachKeyOnceInSmallSteps(t *testing.T) {
	d := numbered(20_000)
	seen, most := map[string]int{}, 0
	for cursor := uint64(0); ; {
		found := 0
		cursor = d.Scan(cursor, func(key, _ []byte) {
			seen[string(key)]++
			found++
		})
		if most = max(most, found); cursor == 0 {
			break
		}
	}
	if len(seen) != d.Len() || slices.Max(slices.Collect(maps.Values(seen))) != 1 {
		t.Errorf("%d keys of %d, some more than once", len(seen), d.Len())
	}
	if most > 30 {
		t.Errorf("%d keys in one step", most)
	}
}

func TestScanTakesAnyCursor(t *testing.T) {
	d, rng := numbered(5000), chance(t)
	for range 10_000 {
		cursor := rng.Uint64() >> rng.IntN(64)
		next := d.Scan(cursor, func([]byte, []byte) {})
		if next != 0 && next <= cursor<<cursorShift>>cursorShift {
			t.Fatalf("from %#x to %#x", cursor, next)
		}
	}
}

// Each key is as likely as any other: the sum of the squared deviations follows chi-squared.
func TestRandomIsUniform(t *testing.T) {
	d, rng := numbered(1000), rand.New(rand.NewPCG(1, 2)) // a fixed seed: one in some thousand would fail
	for i := range 700 {                                  // leaves of all sizes
		d.Delete(fmt.Appendf(nil, "member:%08d", i))
	}
	counts := map[string]int{}
	const each = 200
	for range each * d.Len() {
		key, _ := d.Random(rng)
		counts[string(key)]++
	}
	sum := 0.0
	for _, n := range counts {
		sum += float64((n-each)*(n-each)) / each
	}
	if len(counts) != d.Len() || sum < 220 || sum > 390 { // 299 ± 24.5 is one deviation
		t.Errorf("%d keys of %d, chi-squared %.0f", len(counts), d.Len(), sum)
	}
}

func TestADictShrinksAgain(t *testing.T) {
	d := numbered(50_000)
	full := d.Bytes()
	for i := range 50_000 {
		d.Delete(fmt.Appendf(nil, "member:%08d", i))
		if i%5000 == 0 {
			check(t, d)
		}
	}
	check(t, d)
	if d.leaves != 1 || len(d.dir) > 4 || d.Bytes() > 1000 {
		t.Errorf("of %d bytes %d are left, %d leaves, directory %d", full, d.Bytes(), d.leaves, len(d.dir))
	}
}

func TestTheDirectoryDoesNotGrowWithLargeEntries(t *testing.T) {
	d, big := New(Seed{3}), bytes.Repeat([]byte{'x'}, 2*pageMax)
	for i := range 3000 {
		d.Set(fmt.Append(nil, i), big)
	}
	check(t, d)
	if len(d.dir) > 16*d.leaves || d.leaves < 2500 {
		t.Errorf("%d leaves, directory %d", d.leaves, len(d.dir))
	}
}

func TestIDsRiseInHashOrder(t *testing.T) {
	last := uint64(0)
	for l := range numbered(100_000).all() {
		if l.id <= last {
			t.Fatalf("%#x after %#x", l.id, last)
		}
		last = l.id
	}
	if id := makeID(0xffff_ffff_ffff_ffff, 4); id != 0xf8<<56 || depthOf(id) != 4 {
		t.Errorf("%#x", id)
	}
}
