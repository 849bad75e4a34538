package hll

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// random is a source of chance whose seed is printed; TEST_SEED repeats one.
func random(t *testing.T) *rand.Rand {
	seed := rand.Uint64()
	if given := os.Getenv("TEST_SEED"); given != "" {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("TEST_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// set is Set for a test in which it must succeed.
func set(t testing.TB, b []byte, register int, rank uint8, max int64) ([]byte, bool) {
	t.Helper()
	after, changed, err := Set(b, register, rank, max)
	if err != nil {
		t.Fatalf("register %d, rank %d: %v", register, rank, err)
	}
	return after, changed
}

// check verifies that a sketch has these ranks, whichever way it is asked.
func check(t testing.TB, b []byte, want *Ranks) {
	t.Helper()
	var got Ranks
	if err := got.Merge(b); err != nil || got != *want {
		t.Fatalf("other ranks than were set (%v)", err)
	}
	n, err := Count(b)
	if err != nil || n != want.Count() {
		t.Fatalf("counted as %d (%v), the ranks say %d", n, err, want.Count())
	}
}

func TestTheEmptySketch(t *testing.T) {
	want := append([]byte("HYLL\x01"), make([]byte, 11)...)
	want = append(want, 0x7f, 0xff)
	if got := New(); !bytes.Equal(got, want) {
		t.Fatalf("%x", got)
	}
	if n, ok := Cached(New()); n != 0 || !ok {
		t.Errorf("the cached count is %d, %v", n, ok)
	}
	if n, err := Count(New()); n != 0 || err != nil {
		t.Errorf("it counts %d, %v", n, err)
	}
}

// The spellings of sparse registers after changes in an order.
func TestSparseSpellings(t *testing.T) {
	type change struct {
		register int
		rank     uint8
	}
	for _, x := range []struct {
		changes []change
		want    string
	}{
		{nil, "Z:16384"},
		{[]change{{0, 1}}, "v:1,1 Z:16383"},
		{[]change{{16383, 32}}, "Z:16383 v:32,1"},
		{[]change{{64, 5}}, "z:64 v:5,1 Z:16319"},
		{[]change{{65, 5}}, "Z:65 v:5,1 Z:16318"},
		{[]change{{16000, 5}, {16010, 5}}, "Z:16000 v:5,1 z:9 v:5,1 Z:373"},
		{[]change{{1, 2}, {3, 2}, {2, 2}}, "z:1 v:2,3 Z:16380"},
		{[]change{{1, 2}, {2, 2}, {3, 2}, {4, 2}, {5, 2}}, "z:1 v:2,4 v:2,1 Z:16378"},
		{[]change{{1, 2}, {2, 2}, {3, 2}, {4, 2}, {2, 3}}, "z:1 v:2,1 v:3,1 v:2,2 Z:16379"},
		{[]change{{1, 2}, {2, 2}, {3, 2}, {1, 3}}, "z:1 v:3,1 v:2,2 Z:16380"},
		{[]change{{1, 2}, {2, 2}, {3, 2}, {3, 3}}, "z:1 v:2,2 v:3,1 Z:16380"},
		{[]change{{1, 2}, {2, 3}, {1, 3}}, "z:1 v:3,2 Z:16381"},
		{[]change{{1, 2}, {1, 1}, {1, 2}}, "z:1 v:2,1 Z:16382"},
	} {
		b := New()
		for _, c := range x.changes {
			b, _ = set(t, b, c.register, c.rank, 3000)
		}
		if got := string(AppendRuns(nil, b)); got != x.want {
			t.Errorf("%v: %s, wanted %s", x.changes, got, x.want)
		}
	}
}

// A sketch becomes dense when it would be too long, or a rank too high for a run, and not before.
func TestWhenASketchBecomesDense(t *testing.T) {
	b := New()
	b, _ = set(t, b, 100, 3, 21) // Z v Z: 5 bytes
	if IsDense(b) {
		t.Fatal("dense at 21 of 21 bytes")
	}
	if c, changed := set(t, bytes.Clone(b), 100, 32, 0); IsDense(c) || !changed {
		t.Error("dense through a change that took no more room")
	}
	if c, _ := set(t, bytes.Clone(b), 300, 1, 21); !IsDense(c) || len(c) != denseSize {
		t.Error("not dense beyond 21 bytes")
	}
	if c, _ := set(t, bytes.Clone(b), 100, 33, 3000); !IsDense(c) {
		t.Error("not dense with rank 33")
	}
	if c, changed := set(t, bytes.Clone(b), 100, 3, 0); IsDense(c) || changed {
		t.Error("something became of a change that was none")
	}
}

// Random changes, in a sparse and in a dense sketch, against the ranks alone.
func TestAgainstRanks(t *testing.T) {
	rng := random(t)
	for range 40 {
		var want Ranks
		few, many := New(), New()
		many, err := ToDense(many)
		if err != nil {
			t.Fatal(err)
		}
		width := 1 << (2 + rng.IntN(13)) // registers that are in use
		limit := int64(40 + rng.IntN(4000))
		for range rng.IntN(3000) {
			register, rank := rng.IntN(width), uint8(1+rng.IntN(34))
			if rng.IntN(20) > 0 {
				rank = uint8(1 + rng.IntN(3))
			}
			raised := want[register] < rank
			want[register] = max(want[register], rank)
			var changed, agrees bool
			few, changed = set(t, few, register, rank, limit)
			many, agrees = set(t, many, register, rank, 0)
			if changed != raised || agrees != raised {
				t.Fatalf("register %d, rank %d: changed %v (sparse) and %v (dense), should be %v", register, rank, changed, agrees, raised)
			}
			if got, err := Rank(few, register); got != want[register] || err != nil {
				t.Fatalf("register %d has rank %d (%v), should be %d", register, got, err, want[register])
			}
			if !IsDense(few) && int64(len(few)) > limit || !Is(few) || !Is(many) {
				t.Fatalf("a sketch of %d bytes, dense: %v, limit %d", len(few), IsDense(few), limit)
			}
		}
		check(t, few, &want)
		check(t, many, &want)
		d, err := ToDense(few)
		if err != nil || !bytes.Equal(d[headerSize:], many[headerSize:]) {
			t.Fatalf("made dense it is another one (%v)", err)
		}
	}
}

func TestCachedCount(t *testing.T) {
	b := New()
	copy(b[CachedAt:], AppendCached(nil, 1234))
	if n, ok := Cached(b); n != 1234 || !ok {
		t.Errorf("%d, %v", n, ok)
	}
	if b, _ = set(t, b, 5, 1, 3000); b[15] != 0x80 {
		t.Errorf("a change leaves the header %x", b[:16])
	}
	if _, ok := Cached(b); ok {
		t.Error("the count is good in spite of a change")
	}
}

// Counts lie within four standard errors of the truth, of few and of many elements.
func TestCountsAreNearTheTruth(t *testing.T) {
	b, err := ToDense(New())
	if err != nil {
		t.Fatal(err)
	}
	next := 1
	for i := 1; i <= 1_000_000; i++ {
		register, rank := Place(fmt.Appendf(nil, "element %d", i))
		b, _ = set(t, b, register, rank, 0)
		if i < next {
			continue
		}
		next = i*3/2 + 1
		n, err := Count(b)
		if off := math.Abs(float64(n)/float64(i) - 1); err != nil || off > 4*0.0081 {
			t.Errorf("%d elements are counted as %d (%v)", i, n, err)
		}
	}
}

func TestSelfTest(t *testing.T) {
	if err := SelfTest(); err != nil {
		t.Fatal(err)
	}
}

// Registers that no elements give are counted without an accident.
func TestCountOfImpossibleRegisters(t *testing.T) {
	for _, fill := range []byte{0xff, 0x33, 0x01} {
		b := append(make([]byte, headerSize), bytes.Repeat([]byte{fill}, denseSize-headerSize)...)
		if _, err := Count(b); err != nil {
			t.Errorf("%x: %v", fill, err)
		}
	}
	var r Ranks
	for i := range r {
		r[i] = 63
	}
	if n := r.Count(); n != 1<<63 {
		t.Errorf("%d", n)
	}
}

func TestWhatIsNoSketch(t *testing.T) {
	dense, err := ToDense(New())
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"nothing":           nil,
		"a short header":    New()[:15],
		"another word":      []byte("HYLM\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x7f\xff"),
		"another encoding":  []byte("HYLL\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x7f\xff"),
		"dense, too short":  dense[:denseSize-1],
		"dense, and longer": append(bytes.Clone(dense), 0),
	} {
		if Is(b) {
			t.Errorf("%s is taken for a sketch", name)
		}
	}
	for name, registers := range map[string]string{
		"none":               "",
		"one too few":        "\x7f\xfe",
		"one too many":       "\x7f\xff\x00",
		"a rank too many":    "\x7f\xff\x80",
		"a run cut short":    "\x7f\xfe\x40",
		"a run of one byte":  "\x7f",
		"zeros over the end": "\x7f\xff\x7f\xff\x7f\xff",
	} {
		b := append(New()[:headerSize], registers...)
		if _, err := Count(b); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: Count says %v", name, err)
		}
		if err := new(Ranks).Merge(b); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: Merge says %v", name, err)
		}
		if _, err := ToDense(b); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: ToDense says %v", name, err)
		}
	}
}

// FuzzSketch takes its input for a sketch and for registers to be raised in it.
func FuzzSketch(f *testing.F) {
	header := New()[:headerSize]
	for _, registers := range []string{"\x7f\xff", "\x7f", "", "\x80\x7f\xfe", "\xff\xff\xff\xff", "\x00\x00\x81\x40\x00\x7f\xff"} {
		f.Add(append(bytes.Clone(header), registers...), []byte{0, 0, 1, 63, 255, 40, 0, 3, 2}, int64(30))
	}
	dense, err := ToDense(New())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(dense, []byte{0, 0, 51, 63, 255, 63}, int64(0))
	f.Fuzz(func(t *testing.T, b, changes []byte, max int64) {
		if !Is(b) {
			return
		}
		b = bytes.Clone(b)
		_, whole := Count(b)
		if err := new(Ranks).Merge(b); (err == nil) != (whole == nil) {
			t.Fatalf("Count says %v, Merge %v", whole, err)
		}
		AppendRuns(nil, b)
		for ; len(changes) >= 3; changes = changes[3:] {
			register, rank := int(binary.LittleEndian.Uint16(changes))%Registers, changes[2]%rankMax+1
			after, changed, err := Set(b, register, rank, max)
			if err != nil {
				if !errors.Is(err, ErrCorrupt) || whole == nil {
					t.Fatalf("register %d, rank %d: %v", register, rank, err)
				}
				return
			}
			b = after
			got, err := Rank(b, register)
			if err != nil || got < rank || changed && got != rank {
				t.Fatalf("register %d has rank %d after it was set to %d: %v", register, got, rank, err)
			}
			if !Is(b) {
				t.Fatalf("no sketch any more: %x", b)
			}
		}
		if _, err := Count(b); whole == nil && err != nil {
			t.Fatalf("a sketch was corrupted: %v", err)
		}
	})
}
