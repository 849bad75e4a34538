package disk

import (
	"errors"
	"slices"
	"testing"

	"holdfast/lab/trace"
)

// tenPieces is a crash with ten pieces at risk, each of which can be lost by itself.
func tenPieces(t testing.TB) *Crash {
	t.Helper()
	r, events := script(t, "create 1 a; write 1 0 0123456789; begin; write 1 0 abcdefghij")
	c := model(t, r, events, Strict).Crash(1)
	if c.Pieces() != 10 {
		t.Fatalf("%d pieces", c.Pieces())
	}
	return c
}

func TestChoiceAsText(t *testing.T) {
	c := tenPieces(t)
	for _, row := range []struct {
		lost []int
		text string
	}{
		{nil, "none"},
		{[]int{0}, "0"},
		{[]int{9}, "9"},
		{[]int{3, 7, 8, 9}, "3,7-9"},
		{[]int{9, 3, 8, 7, 3}, "3,7-9"},
		{[]int{0, 1, 4, 5}, "0-1,4-5"},
		{[]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, "all"},
	} {
		ch := c.Choice(row.lost)
		if ch.String() != row.text {
			t.Errorf("%v is %q, want %q", row.lost, ch, row.text)
		}
		again, err := c.ParseChoice(row.text)
		if err != nil || again.String() != row.text {
			t.Errorf("%q is read as %q, %v", row.text, again, err)
		}
		want := slices.Compact(slices.Sorted(slices.Values(row.lost)))
		if got := again.Lost(); !slices.Equal(got, want) || again.Len() != len(want) {
			t.Errorf("%q loses %v", row.text, got)
		}
		for i := range c.Pieces() {
			if again.Has(i) != slices.Contains(row.lost, i) {
				t.Errorf("%q: does it lose %d? %v", row.text, i, again.Has(i))
			}
		}
	}
	for _, text := range []string{
		"", "All", "10", "3-", "-3", "5-4", "1,,2", "1,", "0-10", "+1", "1 ", "99999999999999999999", "0-2147483648", "1-2-3", "0x1",
	} {
		if _, err := c.ParseChoice(text); !errors.Is(err, ErrChoice) {
			t.Errorf("%q: %v", text, err)
		}
	}
	r, events := script(t, "begin")
	empty := model(t, r, events, Strict).Crash(512)
	for _, text := range []string{"all", "none"} {
		if ch, err := empty.ParseChoice(text); err != nil || ch.String() != "none" {
			t.Errorf("of nothing, %q is %q, %v", text, ch, err)
		}
	}
	if _, err := empty.ParseChoice("0"); !errors.Is(err, ErrChoice) {
		t.Errorf("of nothing, 0: %v", err)
	}
}

func FuzzParseChoice(f *testing.F) {
	for _, text := range []string{"all", "none", "3,7-9", "0-9", "9,1,5-6", "1-", "-", ","} {
		f.Add(text)
	}
	c := tenPieces(f)
	f.Fuzz(func(t *testing.T, text string) {
		ch, err := c.ParseChoice(text)
		if err != nil {
			if !errors.Is(err, ErrChoice) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		again, err := c.ParseChoice(ch.String())
		if err != nil || !slices.Equal(again.Lost(), ch.Lost()) {
			t.Fatalf("%q is %q, and that is %q, %v", text, ch, again, err)
		}
		if made := c.Choice(ch.Lost()); made.String() != ch.String() {
			t.Fatalf("%q is %q, but %q from its numbers", text, ch, made)
		}
	})
}

// Random reaches every subset, and every one that Ordered allows.
func TestRandomLosesAnySubset(t *testing.T) {
	const text = "create 1 a; write 1 0 abcdefgh; begin; write 1 0 ABCDEFGH; create 2 b; write 2 0 xy; unlink a"
	r, events := script(t, text)
	for reading, want := range map[Reading]int{Strict: 1 << 6, Ordered: 1 << 2 * 4} {
		c := model(t, r, events, reading).Crash(4)
		seen := map[string]bool{}
		for seed := range uint64(20_000) {
			seen[c.Pick(Random, seed).String()] = true
		}
		if len(seen) != want {
			t.Errorf("%s: %d choices were picked, %d are allowed", reading, len(seen), want)
		}
	}
}

func TestNamesLost(t *testing.T) {
	const text = "create 1 a; write 1 0 old; begin; write 1 0 new; create 2 b; write 2 0 x; unlink a"
	r, events := script(t, text)
	for _, reading := range []Reading{Strict, Ordered} {
		c := model(t, r, events, reading).Crash(4)
		if got := built(t, c, c.Pick(NamesLost, 1)); got != "a=new" {
			t.Errorf("%s: %q", reading, got)
		}
	}
}

// Torn loses a part of the newest write, and nothing before it.
func TestTorn(t *testing.T) {
	const text = "create 1 a; begin; write 1 0 abcd; write 1 4 efghijkl; create 2 b"
	r, events := script(t, text)
	for reading, want := range map[Reading][]string{
		Strict: {
			"a=abcd", "a=abcdefgh", "a=abcd....ijkl", // the end, the beginning
			"a=abcdefgh....", "a=abcd........", // its bytes, but not the size
			"a=abcdefghijkl", // only its size, which its bytes bring with them
		},
		Ordered: {"a=abcd", "a=abcdefgh"},
	} {
		c := model(t, r, events, reading).Crash(4)
		seen := map[string]bool{}
		for seed := range uint64(300) {
			seen[shown(t, c, c.Pick(Torn, seed))] = true
		}
		slices.Sort(want)
		if !slices.Equal(keys(seen), want) {
			t.Errorf("%s:\n%swant\n%s", reading, lines(keys(seen)), lines(want))
		}
	}
	r, events = script(t, "begin; mkdir d")
	if ch := model(t, r, events, Strict).Crash(4).Pick(Torn, 1); ch.String() != "none" {
		t.Errorf("where nothing was written, %s is torn", ch)
	}
}

// A Crash stays what it was, whatever the model does afterwards, and while it does.
func TestCrashStaysAsItWas(t *testing.T) {
	rng := rng(t, 5)
	rec := newRecording(t)
	ref := &reference{reading: Strict, size: 4}
	var files uint64
	for range 150 {
		e, b := randomEvent(rng, ref.state(nothing), files, rec.last)
		if e.Kind == trace.Create {
			files++
		}
		rec.add(e, b)
		e.Seq = rec.last
		ref.apply(e, b)
	}
	r, events := rec.play()
	for _, reading := range []Reading{Strict, Ordered} {
		m := New(r, reading)
		type then struct {
			crash  *Crash
			ch     Choice
			state  string
			digest [32]byte
		}
		var all []then
		for _, e := range events {
			if err := m.Apply(e); err != nil {
				t.Fatal(err)
			}
			c := m.Crash(4)
			ch := c.Pick(Random, e.Seq)
			all = append(all, then{c, ch, shown(t, c, ch), c.Digest(ch)})
		}
		t.Run(string(reading), func(t *testing.T) {
			for part := range 4 {
				t.Run("", func(t *testing.T) {
					t.Parallel() // for the race detector: all of them share what they stand on
					for i := part % 2; i < len(all); i += 2 {
						a := all[i]
						if state := built(t, a.crash, a.ch); state != a.state || a.crash.Digest(a.ch) != a.digest {
							t.Errorf("after event %d: %q became %q", i+1, a.state, state)
						}
					}
				})
			}
		})
	}
}
