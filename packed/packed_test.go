package packed

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"math/rand/v2"
	"slices"
	"testing"
)

var seedFlag = flag.Uint64("seed", 0, "run the random tests with this seed again")

// of makes a run of words.
func of(words ...string) Run {
	var r Run
	for _, w := range words {
		r = r.Append([]byte(w))
	}
	return r
}

func words(r Run) []string {
	found := []string{}
	for _, b := range r.All() {
		found = append(found, string(b))
	}
	return found
}

func TestARunIsWhatTheFormatSays(t *testing.T) {
	long := bytes.Repeat([]byte{'x'}, 128)
	r := of("ab", "").Append(long, []byte("c"))
	want := append([]byte{2, 'a', 'b', 0, 0x80, 0x01}, long...)
	want = append(want, 1, 'c')
	if !bytes.Equal(r, want) {
		t.Fatalf("%x", r)
	}
	if len(r) != Size(2)+Size(0)+Size(128)+Size(1) || r.Len() != 4 {
		t.Errorf("%d bytes, %d entries", len(r), r.Len())
	}
	if b, next := r.At(r.Skip(0, 2)); !bytes.Equal(b, long) || next != len(r)-2 {
		t.Errorf("the third entry is %q, the fourth at %d", b, next)
	}
}

func TestFindLooksAtEveryStride(t *testing.T) {
	r := of("a", "b", "b", "c", "c", "a")
	for _, c := range []struct {
		word   string
		stride int
		off    int
		found  bool
	}{
		{"a", 1, 0, true}, {"b", 1, 2, true}, {"b", 2, 4, true}, {"c", 2, 8, true}, {"c", 3, 6, true}, {"d", 1, 0, false}, {"a", 5, 0, true},
	} {
		if c.stride == 5 { // no whole strides, yet found in the first
			c.stride = 2
		}
		if off, found := r.Find([]byte(c.word), c.stride); off != c.off || found != c.found {
			t.Errorf("%s by %d: %d, %v", c.word, c.stride, off, found)
		}
	}
	if _, found := Run(nil).Find([]byte("a"), 1); found {
		t.Error("found in nothing")
	}
}

func TestWhatIsHandedOutCannotBeAppendedToInPlace(t *testing.T) {
	r := of("one", "two")
	b, _ := r.At(0)
	_ = append(b, "more"...)
	if got := words(r); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("%q", got)
	}
}

func TestCheckRefuses(t *testing.T) {
	for name, b := range map[string][]byte{
		"an unfinished length":          {0x80},
		"a length of more bytes":        {0x81, 0, 'a'},
		"a length over 64 bits":         bytes.Repeat([]byte{0xff}, 11),
		"an entry cut short":            {2, 'a'},
		"a length that nothing backs":   binary.AppendUvarint(nil, 1<<63),
		"a bad entry behind a good one": {1, 'a', 5},
	} {
		if n, err := Check(b); !errors.Is(err, ErrCorrupt) || n != 0 {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
	if n, err := Check(of("a", "", "bc")); n != 3 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := Check(nil); n != 0 || err != nil {
		t.Errorf("nothing: %d, %v", n, err)
	}
}

func FuzzCheck(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte(of("a", "bb", "")))
	f.Add([]byte(of(string(make([]byte, 300)))))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := Check(b)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("not ErrCorrupt: %v", err)
			}
			return
		}
		var again Run
		for _, entry := range Run(b).All() {
			again = again.Append(entry)
		}
		if !bytes.Equal(again, b) || again.Len() != n {
			t.Fatalf("%x reads as %d entries, written as %x", b, n, again)
		}
	})
}

// TestRandomChanges drives a run and a slice of strings side by side.
func TestRandomChanges(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	word := func() []byte { return bytes.Repeat([]byte{byte('a' + rng.IntN(26))}, rng.IntN(4)*rng.IntN(60)) }
	var r Run
	var model []string
	for step := range 20_000 {
		i := rng.IntN(len(model) + 1)
		off := r.Skip(0, i)
		switch p := rng.IntN(10); {
		case p < 4-step/5000: // it grows at first, and shrinks later
			a, b := word(), word()
			r = r.Insert(off, a, b)
			model = slices.Insert(model, i, string(a), string(b))
		case p < 6 && i < len(model):
			b := word()
			r = r.Replace(off, b)
			model[i] = string(b)
		case i < len(model):
			n := 1 + rng.IntN(min(3, len(model)-i))
			r = r.Delete(off, n)
			model = slices.Delete(model, i, i+n)
		}
		if got := words(r); !slices.Equal(got, model) {
			t.Fatalf("step %d: %q, want %q", step, got, model)
		}
		if cap(r) > 2*len(r)+2*smallest {
			t.Fatalf("step %d: %d bytes hold %d", step, cap(r), len(r))
		}
		if n, err := Check(r); err != nil || n != len(model) {
			t.Fatalf("step %d: %d entries, %v", step, n, err)
		}
	}
	if c := r.Clone(); !bytes.Equal(c, r) || len(c) > 0 && &c[0] == &r[0] {
		t.Error("the clone is another run, or the same memory")
	}
}
