package sets

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"holdfast/dict"
)

// rules are those of Redis's defaults, with a seed that does not change.
var rules = Rules{MaxIntegers: 512, Seed: func() dict.Seed { return dict.Seed{1} }}

// of makes a set of words.
func of(words string) *Set {
	s := New()
	for _, w := range strings.Fields(words) {
		s.Add([]byte(w), rules)
	}
	return s
}

// members are the set's, in its order.
func members(s *Set) []string {
	found := []string{}
	for m := range s.All() {
		found = append(found, string(m))
	}
	return found
}

func TestOnlyTheOneFormOfANumberIsAnInteger(t *testing.T) {
	for _, c := range []struct {
		text    string
		integer bool
	}{
		{"0", true}, {"-1", true}, {"10", true}, {"9223372036854775807", true}, {"-9223372036854775808", true},
		{"", false}, {"-", false}, {"+1", false}, {"01", false}, {"-0", false}, {"-01", false}, {"00", false}, {"1.0", false}, {" 1", false},
		{"1 ", false}, {"1_0", false}, {"0x1", false}, {"9223372036854775808", false}, {"-9223372036854775809", false},
		{"123456789012345678901", false}, {"a", false}, {"1a", false}, {"-_1", false},
	} {
		if v, ok := parse([]byte(c.text)); ok != c.integer || ok && string(v.append(nil)) != c.text {
			t.Errorf("%q: %d, %v", c.text, v, ok)
		}
		s := New()
		s.Add([]byte(c.text), rules)
		if got := members(s); len(got) != 1 || got[0] != c.text || (s.Encoding() == "intset") != c.integer {
			t.Errorf("%q: a set of %q in a %s", c.text, got, s.Encoding())
		}
	}
}

func TestIntegersLieInOrderInAsFewBytesAsTheWidestNeeds(t *testing.T) {
	s := New()
	for _, step := range []struct {
		add   int64
		width uint8
	}{
		{5, 2}, {-3, 2}, {math.MaxInt16, 2}, {math.MinInt16, 2}, {math.MaxInt16 + 1, 4}, {0, 4}, {math.MinInt32, 4},
		{math.MinInt32 - 1, 8}, {math.MaxInt64, 8}, {math.MinInt64, 8}, {1, 8},
	} {
		if !s.Add(strconv.AppendInt(nil, step.add, 10), rules) || s.width != step.width || len(s.small) != s.n*int(s.width) {
			t.Fatalf("%d: width %d, %d members in %d bytes", step.add, s.width, s.n, len(s.small))
		}
	}
	want := "-9223372036854775808 -2147483649 -2147483648 -32768 -3 0 1 5 32767 32768 9223372036854775807"
	if got := strings.Join(members(s), " "); got != want {
		t.Errorf("%s", got)
	}
}

func TestASetGoesThroughItsForms(t *testing.T) {
	s := New()
	form := func() string {
		switch {
		case s.large != nil:
			return "large"
		case s.integers():
			return "integers"
		}
		return "small"
	}
	for _, step := range []struct {
		do   func()
		form string
	}{
		{func() {}, "integers"},
		{func() { s.Add([]byte("1"), rules) }, "integers"},
		{func() { s.Add([]byte("x"), rules) }, "small"},
		{func() { s.Remove([]byte("x")) }, "small"},
		{func() { s.Add(make([]byte, smallBytes), rules) }, "small"},
		{func() { s.Add(make([]byte, smallBytes+1), rules) }, "large"},
		{func() { s.Remove(make([]byte, smallBytes+1)) }, "large"},
		{func() { s = numbered(smallMembers, "m") }, "small"},
		{func() { s.Add([]byte("m1"), rules) }, "small"},
		{func() { s.Add([]byte("one more"), rules) }, "large"},
		{func() { s = numbered(int(rules.MaxIntegers), "") }, "integers"},
		{func() { s.Add([]byte("1"), rules) }, "integers"},
		{func() { s.Add([]byte("-1"), rules) }, "large"},
		{func() { s = numbered(10, ""); s.Add([]byte("11"), Rules{MaxIntegers: 10, Seed: rules.Seed}) }, "small"},
		{func() { s = numbered(100, ""); s.Add([]byte("x"), rules) }, "large"},
	} {
		was, had := form(), members(s)
		step.do()
		if form() != step.form {
			t.Fatalf("from %s with %d members to %s with %d, not %s", was, len(had), form(), s.Len(), step.form)
		}
		if got := members(s); len(got) != s.Len() {
			t.Fatalf("%d members, %d of them seen", s.Len(), len(got))
		}
	}
}

func TestRenewMakesIntegersOfASetThatHoldsNothingElse(t *testing.T) {
	for _, c := range []struct {
		words   string
		most    int64
		integer bool
	}{{"1 2 3", 512, true}, {"1 2 3", 2, false}, {"1 2 a", 512, false}, {"1 2 03", 512, false}} {
		s := of("x " + c.words)
		s.Remove([]byte("x"))
		had := len(members(s))
		s.Renew(Rules{MaxIntegers: c.most, Seed: rules.Seed})
		if s.integers() != c.integer || s.Len() != had || len(members(s)) != had {
			t.Errorf("%s: integers %v, %d members of %d", c.words, s.integers(), s.Len(), had)
		}
	}
}

// numbered makes a set of n members, a prefix and a number each.
func numbered(n int, prefix string) *Set {
	s := New()
	for i := range n {
		s.Add(fmt.Append(nil, prefix, i), rules)
	}
	return s
}

func TestTextOfIntegersStaysWhenTheLoopGoesOn(t *testing.T) {
	var found [][]byte
	for m := range numbered(300, "").All() {
		found = append(found, m)
	}
	for i, m := range found {
		if string(m) != strconv.Itoa(i) {
			t.Fatalf("member %d is %q", i, m)
		}
	}
}

func TestRandomIsUniform(t *testing.T) {
	for name, s := range map[string]*Set{"integers": numbered(20, ""), "small": numbered(20, "m"), "large": numbered(100, "m")} {
		rng, counts := rand.New(rand.NewPCG(1, 2)), map[string]int{} // a fixed seed: some would fail
		for range 1000 * s.Len() {
			counts[string(s.Random(rng))]++
		}
		for m, n := range counts {
			if n < 850 || n > 1150 {
				t.Errorf("%s: %s came %d times of 1000", name, m, n)
			}
		}
		if len(counts) != s.Len() {
			t.Errorf("%s: %d of %d members came", name, len(counts), s.Len())
		}
	}
}

func TestScanOfALargeSetGoesInSteps(t *testing.T) {
	s, seen, steps := numbered(1000, "m"), map[string]bool{}, 0
	for cursor := uint64(0); ; steps++ {
		if cursor = s.Scan(cursor, func(m []byte) { seen[string(m)] = true }); cursor == 0 {
			break
		}
	}
	if len(seen) != 1000 || steps < 20 {
		t.Errorf("%d members in %d steps", len(seen), steps)
	}
	for _, s := range []*Set{numbered(60, ""), numbered(60, "m")} {
		n := 0
		if next := s.Scan(12345, func([]byte) { n++ }); next != 0 || n != 60 {
			t.Errorf("%d members, cursor %d", n, next)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	large := numbered(100, "m").AppendBinary(nil)
	valued := dict.New(dict.Seed{})
	valued.Set([]byte("k"), []byte("v"))
	for name, b := range map[string][]byte{
		"nothing":                   {},
		"another version":           {2, formSmall},
		"no form":                   {1},
		"an unknown form":           {1, 0},
		"another unknown form":      {1, 4},
		"no width":                  {1, formIntegers},
		"a width of 3":              {1, formIntegers, 3, 1, 2, 3},
		"half an integer":           {1, formIntegers, 2, 1},
		"integers that fall":        {1, formIntegers, 2, 2, 0, 1, 0},
		"an integer twice":          {1, formIntegers, 2, 2, 0, 2, 0},
		"a member cut short":        {1, formSmall, 2, 'a'},
		"a member twice":            {1, formSmall, 1, 'a', 1, 'a'},
		"too many for a small one":  append([]byte{1, formSmall}, bytes.Repeat([]byte{1, 'a'}, smallMost+1)...),
		"a large one cut short":     large[:len(large)-1],
		"a large one without dict":  {1, formLarge},
		"a member that has a value": valued.AppendBinary([]byte{1, formLarge}),
	} {
		if s, err := Decode(b); !errors.Is(err, ErrCorrupt) || s != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, head := range map[string][]byte{"nothing": {}, "a small one": {1, formSmall}, "half a head": {1, formLarge, 1}} {
		s, err := FromParts(head, func() (uint64, []byte, bool, error) { return 0, nil, false, nil })
		if !errors.Is(err, ErrCorrupt) || s != nil {
			t.Errorf("head of %s: %v", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	for _, s := range []*Set{New(), of("1 2 70000"), of("a b c"), numbered(200, "m")} {
		f.Add(s.AppendBinary(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Decode(b)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("not ErrCorrupt: %v", err)
			}
			return
		}
		had := members(s)
		for _, m := range had {
			if !s.Has([]byte(m)) {
				t.Fatalf("%q is a member and is not", m)
			}
		}
		again, err := Decode(s.AppendBinary(nil))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range had {
			if !again.Remove([]byte(m)) {
				t.Fatalf("%q got lost", m)
			}
		}
		if again.Len() != 0 {
			t.Fatalf("%d members too many", again.Len())
		}
	})
}

// TestRandomChanges drives a set and a map side by side, with encoding, checkpoints and clones between.
func TestRandomChanges(t *testing.T) {
	for name, member := range map[string]func(rng *rand.Rand) string{
		"integers":      func(rng *rand.Rand) string { return strconv.Itoa(rng.IntN(1000) - 500) },
		"wide integers": func(rng *rand.Rand) string { return strconv.FormatInt(rng.Int64()>>rng.IntN(64), 10) },
		"small":         func(rng *rand.Rand) string { return strings.Repeat("x", rng.IntN(62)) },
		"mixed": func(rng *rand.Rand) string {
			return strings.Repeat(strconv.Itoa(rng.IntN(600)), 1+rng.IntN(2)*rng.IntN(30))
		},
		"large": func(rng *rand.Rand) string { return fmt.Sprintf("member:%d", rng.IntN(9000)) },
	} {
		t.Run(name, func(t *testing.T) {
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			m := machine{t: t, s: New(), model: map[string]bool{}, rng: rand.New(rand.NewPCG(seed, 1)), member: member}
			for step := range 150 {
				m.step(step)
			}
		})
	}
}

// machine is a set, its model, and what checkpoints have stored.
type machine struct {
	t      *testing.T
	s      *Set
	model  map[string]bool
	rng    *rand.Rand
	member func(rng *rand.Rand) string
	parts  map[uint64][]byte
}

func (m *machine) step(step int) {
	for range m.rng.IntN(200) {
		member := m.member(m.rng)
		if m.rng.IntN(5) < 4-step/50 {
			if added := m.s.Add([]byte(member), rules); added == m.model[member] {
				m.t.Fatalf("Add(%q) = %v", member, added)
			}
			m.model[member] = true
			continue
		}
		if choice := m.rng.IntN(6); len(m.model) > 0 && choice == 0 {
			member = string(m.s.Pop(m.rng, nil))
			if !m.model[member] {
				m.t.Fatalf("%q, which was popped, was no member", member)
			}
		} else if len(m.model) > 0 && choice == 1 {
			b := m.s.Random(m.rng)
			member = string(b)
			if !m.model[member] || !m.s.Remove(b) {
				m.t.Fatalf("%q, a random member, is none", member)
			}
		} else if removed := m.s.Remove([]byte(member)); removed != m.model[member] {
			m.t.Fatalf("Remove(%q) = %v", member, removed)
		}
		delete(m.model, member)
	}
	encoding := m.s.Encoding()
	switch m.rng.IntN(8) {
	case 0:
		m.s = m.decoded()
	case 1:
		old := m.s
		m.s = m.s.Clone()
		m.parts = nil
		for member := range m.model {
			old.Remove([]byte(member))
		}
		if n := m.s.PackedSize(); n > 0 {
			b := m.s.AppendPacked(make([]byte, 0, n+m.rng.IntN(32)))
			if len(b) != n {
				m.t.Fatalf("packed into %d bytes where %d were told", len(b), n)
			}
			m.s = Unpack(b)
		}
	case 2, 3:
		m.checkpoint()
	}
	if m.s.Encoding() != encoding {
		m.t.Fatalf("a %s has become a %s", encoding, m.s.Encoding())
	}
	if step%4 == 0 {
		m.compare()
	}
}

func (m *machine) decoded() *Set {
	m.parts = nil
	s, err := Decode(m.s.AppendBinary(nil))
	if err != nil {
		m.t.Fatal(err)
	}
	return s
}

// checkpoint stores the set as a checkpoint does and goes on with what a start would read.
func (m *machine) checkpoint() {
	if m.parts == nil {
		m.parts = map[uint64][]byte{}
		if m.s.Parted() && m.s.Parts(false, func(id uint64, p []byte) error { m.parts[id] = bytes.Clone(p); return nil }) != nil {
			m.t.Fatal("Parts failed")
		}
	}
	m.s.DroppedParts(func(id uint64) { delete(m.parts, id) })
	if !m.s.Parted() {
		m.s = m.decoded()
		return
	}
	if err := m.s.Parts(true, func(id uint64, p []byte) error { m.parts[id] = bytes.Clone(p); return nil }); err != nil {
		m.t.Fatal(err)
	}
	head := m.s.AppendHead(nil)
	m.s.MarkClean()
	ids := slices.Sorted(maps.Keys(m.parts))
	s, err := FromParts(head, func() (uint64, []byte, bool, error) {
		if len(ids) == 0 {
			return 0, nil, false, nil
		}
		id := ids[0]
		ids = ids[1:]
		return id, m.parts[id], true, nil
	})
	if err != nil {
		m.t.Fatal(err)
	}
	m.s = s
}

func (m *machine) compare() {
	got := members(m.s)
	if len(got) != len(m.model) || m.s.Len() != len(m.model) {
		m.t.Fatalf("%d members, %d seen, want %d", m.s.Len(), len(got), len(m.model))
	}
	for _, member := range got {
		if !m.model[member] || !m.s.Has([]byte(member)) {
			m.t.Fatalf("%q is a member: %v", member, m.s.Has([]byte(member)))
		}
	}
	if m.s.integers() && !slices.IsSortedFunc(got, func(a, b string) int {
		x, _ := strconv.ParseInt(a, 10, 64)
		y, _ := strconv.ParseInt(b, 10, 64)
		return int(max(-1, min(1, x/2-y/2)))
	}) {
		m.t.Fatalf("integers out of order: %q", got)
	}
}

func BenchmarkHas(b *testing.B) {
	for name, s := range map[string]*Set{"64 small": numbered(64, "member:"), "512 integers": numbered(512, ""), "10k": numbered(10_000, "member:")} {
		b.Run(name, func(b *testing.B) {
			all := members(s)
			i := 0
			for b.Loop() {
				s.Has([]byte(all[i%len(all)]))
				i++
			}
			b.ReportMetric(float64(s.Bytes())/float64(s.Len()), "B/member")
		})
	}
}
