package zsets

import (
	"cmp"
	"encoding/binary"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

var seedFlag = flag.Uint64("seed", 0, "run the random tests with this seed again")

// TestRandomOperations drives a set and a sorted slice side by side, with checkpoints between, for sizes of members that
// make small sets, trees of one level and of several, leaves of few elements and elements bigger than a page.
func TestRandomOperations(t *testing.T) {
	for _, c := range []struct {
		sizes  []int
		limits Limits
		scores int // distinct ones
		most   int // elements
		steps  int
		burst  int
	}{
		{[]int{5}, limit(128, 64), 10, 100, 3000, 10},
		{[]int{5, 12, 70}, limit(128, 64), 50, 400, 3000, 30},
		{[]int{8}, limit(10, 64), 1, 4000, 200, 600},
		{[]int{8, 16}, limit(0, 0), 1 << 40, 6000, 100, 1500},
		{[]int{900, 1000}, limit(0, 0), 1 << 40, 6000, 40, 2000},
		{[]int{20, 130, 900}, limit(20, 1000), 100, 1000, 600, 60},
		{[]int{3, 1500, 5000}, limit(5, 64), 30, 300, 800, 20},
	} {
		seed := *seedFlag
		if seed == 0 {
			seed = rand.Uint64()
		}
		t.Run(fmt.Sprintf("sizes %d limits %d %d seed %d", c.sizes, c.limits.Entries, c.limits.Value, seed), func(t *testing.T) {
			m := &machine{
				t: t, z: New(), known: map[string]float64{}, rng: rand.New(rand.NewPCG(seed, 1)),
				sizes: c.sizes, limits: c.limits, scores: c.scores, most: c.most, burst: c.burst,
			}
			for step := range c.steps {
				m.step()
				if step%29 == 0 {
					requireEqual(t, m.z, m.model)
				}
			}
			requireEqual(t, m.z, m.model)
		})
	}
}

// machine is a set, its model and its stored form.
type machine struct {
	t           testing.TB
	z           *Set
	model       []element
	known       map[string]float64 // the scores in the model, to find elements by
	saved       store
	rng         *rand.Rand
	sizes       []int
	limits      Limits
	scores      int
	most, burst int
	shrink      bool // the set is on its way down
}

// member returns one that is there already, or any.
func (m *machine) member() string {
	if len(m.model) > 0 && m.rng.IntN(3) == 0 {
		return m.model[m.rng.IntN(len(m.model))].member
	}
	b := make([]byte, max(0, m.sizes[m.rng.IntN(len(m.sizes))]-m.rng.IntN(3)))
	for i := range b[:min(len(b), 8)] {
		b[i] = byte(m.rng.IntN(256))
	}
	return string(b)
}

func (m *machine) score() float64 {
	switch m.rng.IntN(40) {
	case 0:
		return math.Inf(1 - 2*m.rng.IntN(2))
	case 1:
		return math.Copysign(0, -1)
	case 2:
		return 0
	}
	return float64(m.rng.IntN(m.scores)-m.scores/2) / float64(int(1)<<m.rng.IntN(3))
}

func (m *machine) step() {
	switch {
	case len(m.model) == 0:
		m.shrink = false
	case len(m.model) > m.most:
		m.shrink = true
	}
	switch p := m.rng.IntN(100); {
	case p < 30:
		m.puts(m.shrink)
	case p < 40:
		m.puts(!m.shrink)
	case p < 45:
		m.inOrder()
	case p < 60:
		m.removeRange()
	case p < 90:
		m.read()
	case p < 97:
		m.checkpoint()
	default:
		m.replace()
	}
}

// compare is the order of a sorted set.
func compare(a, b element) int {
	if a.score != b.score {
		return cmp.Compare(a.score, b.score)
	}
	return strings.Compare(a.member, b.member)
}

func (m *machine) index(member string) int {
	score, ok := m.known[member]
	if !ok {
		return -1
	}
	i, _ := slices.BinarySearchFunc(m.model, element{member, score}, compare)
	return i
}

// drop removes elements from the model.
func (m *machine) drop(i, j int) {
	for _, e := range m.model[i:j] {
		delete(m.known, e.member)
	}
	m.model = slices.Delete(m.model, i, j)
}

func (m *machine) put(member string, score float64) {
	i := m.index(member)
	if added := m.z.Put([]byte(member), score, m.limits); added != (i < 0) {
		m.t.Fatalf("Put(%v) = %v", element{member, score}, added)
	}
	if i >= 0 {
		m.drop(i, i+1)
	}
	if score == 0 {
		score = 0 // not -0
	}
	at, _ := slices.BinarySearchFunc(m.model, element{member, score}, compare)
	m.model = slices.Insert(m.model, at, element{member, score})
	m.known[member] = score
}

// puts puts or removes up to burst elements.
func (m *machine) puts(remove bool) {
	for range m.rng.IntN(m.burst) {
		member := m.member()
		if !remove {
			m.put(member, m.score())
			continue
		}
		if len(m.model) > 0 {
			member = m.model[m.rng.IntN(len(m.model))].member
		}
		i := m.index(member)
		if removed := m.z.Remove([]byte(member)); removed != (i >= 0) {
			m.t.Fatalf("Remove(%q) = %v", member, removed)
		}
		if i >= 0 {
			m.drop(i, i+1)
		}
	}
}

// inOrder puts elements of rising or falling scores.
func (m *machine) inOrder() {
	step := float64(1 - 2*m.rng.IntN(2))
	score := float64(m.rng.IntN(1000))
	for range m.rng.IntN(m.burst) {
		score += step
		m.put(fmt.Sprintf("in order %v", score), score)
	}
}

// ranks returns two ranks, seldom out of range.
func (m *machine) ranks() (lo, hi int) {
	return m.rng.IntN(len(m.model)+2) - 1, m.rng.IntN(len(m.model)+2) - 1
}

func (m *machine) window(lo, hi int) []element {
	lo, hi = max(lo, 0), min(hi, len(m.model))
	if lo >= hi {
		return nil
	}
	return m.model[lo:hi]
}

func (m *machine) removeRange() {
	lo, hi := m.ranks()
	if m.rng.IntN(4) > 0 { // seldom many
		hi = lo + m.rng.IntN(10)
	}
	n := len(m.window(lo, hi))
	m.z.RemoveRange(lo, hi)
	if n > 0 {
		lo = max(lo, 0)
		m.drop(lo, lo+n)
	}
	if m.z.Len() != len(m.model) {
		m.t.Fatalf("RemoveRange(%d, %d) left %d of %d", lo, hi, m.z.Len(), len(m.model))
	}
}

func (m *machine) read() {
	member := m.member()
	i := m.index(member)
	score, ok := m.z.Score([]byte(member))
	rank, again, found := m.z.Rank([]byte(member))
	if ok != (i >= 0) || found != ok || ok && (score != m.model[i].score || again != score || rank != i) {
		m.t.Fatalf("%q: score %v, %v; rank %d, %v, %v; want %d", member, score, ok, rank, again, found, i)
	}
	m.ranges()
	m.byScore()
	m.byLex()
}

func (m *machine) ranges() {
	lo, hi := m.ranks()
	most := m.rng.IntN(len(m.model) + 2)
	got := []element{}
	for member, score := range m.z.Range(lo, hi) {
		if got = append(got, element{string(member), score}); len(got) > most {
			break
		}
	}
	want := m.window(lo, hi)
	if want = want[:min(len(want), most+1)]; !slices.Equal(got, want) {
		m.t.Fatalf("Range(%d, %d) = %v, want %v", lo, hi, got, want)
	}
	got = got[:0]
	for member, score := range m.z.Backward(lo, hi) {
		if got = append(got, element{string(member), score}); len(got) > most {
			break
		}
	}
	want = slices.Clone(m.window(lo, hi))
	slices.Reverse(want)
	if want = want[:min(len(want), most+1)]; !slices.Equal(got, want) {
		m.t.Fatalf("Backward(%d, %d) = %v, want %v", lo, hi, got, want)
	}
}

func (m *machine) byScore() {
	r := ScoreRange{Min: m.score(), Max: m.score(), MinOpen: m.rng.IntN(2) == 0, MaxOpen: m.rng.IntN(2) == 0}
	want := 0
	for _, e := range m.model {
		if (e.score > r.Min || e.score == r.Min && !r.MinOpen) && (e.score < r.Max || e.score == r.Max && !r.MaxOpen) {
			want++
		}
	}
	lo, hi := m.z.ByScore(r)
	if hi-lo != want || lo > 0 && m.model[lo-1].score > r.Min || want > 0 && m.model[lo].score < r.Min {
		m.t.Fatalf("ByScore(%+v) = %d, %d; want %d", r, lo, hi, want)
	}
}

// byLex compares where scores are all the same.
func (m *machine) byLex() {
	if len(m.model) == 0 || m.model[0].score != m.model[len(m.model)-1].score {
		return
	}
	r := LexRange{
		Min: LexEnd{Member: []byte(m.member()), Open: m.rng.IntN(2) == 0, Below: m.rng.IntN(10) == 0},
		Max: LexEnd{Member: []byte(m.member()), Open: m.rng.IntN(2) == 0, Above: m.rng.IntN(10) == 0},
	}
	want := []element{}
	for _, e := range m.model {
		low := strings.Compare(e.member, string(r.Min.Member))
		high := strings.Compare(e.member, string(r.Max.Member))
		if (r.Min.Below || low > 0 || low == 0 && !r.Min.Open) && (r.Max.Above || high < 0 || high == 0 && !r.Max.Open) {
			want = append(want, e)
		}
	}
	for _, backward := range []bool{false, true} {
		lo, hi := m.z.ByLex(r, backward)
		if hi-lo != len(want) || len(want) > 0 && m.model[lo] != want[0] {
			m.t.Fatalf("ByLex(%+v) = %d, %d; want %v", r, lo, hi, want)
		}
	}
}

// checkpoint stores the set as an incremental checkpoint does, and reads it back.
func (m *machine) checkpoint() {
	m.saved.checkpoint(m.t, m.z)
	requireEqual(m.t, m.saved.load(m.t), m.model)
	if again := m.saved.checkpoint(m.t, m.z); again != 0 {
		m.t.Fatalf("%d parts are dirty right after MarkClean", again)
	}
}

// replace goes on with another set of the same contents: the stored one after a restart, a clone, or one decoded.
func (m *machine) replace() {
	large := m.z.Large()
	switch m.rng.IntN(3) {
	case 0:
		m.checkpoint()
		m.z = m.saved.load(m.t)
	case 1:
		old := m.z
		m.z, m.saved = old.Clone(), store{}
		for old.Len() > 0 { // the clone must not notice
			old.RemoveRange(old.Len()/2, old.Len()/2+7)
		}
		check(m.t, old)
		if n := m.z.PackedSize(); n > 0 {
			b := m.z.AppendPacked(make([]byte, 0, n+m.rng.IntN(32)))
			if len(b) != n {
				m.t.Fatalf("packed into %d bytes where %d were told", len(b), n)
			}
			m.z = Unpack(b)
		}
	case 2:
		z, err := Decode(m.z.AppendBinary(nil))
		if err != nil {
			m.t.Fatal(err)
		}
		m.z, m.saved = z, store{}
	}
	if m.z.Large() != large {
		m.t.Fatalf("Large %v became %v", large, m.z.Large())
	}
	requireEqual(m.t, m.z, m.model)
}

// More leaves than two levels of branches hold: branches of branches are halved and joined, too.
func TestATreeOfManyLevels(t *testing.T) {
	const elements, size = 8000, pageMax/2 + 1 // a leaf for each
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	rng, z, saved, member := rand.New(rand.NewPCG(seed, 1)), New(), store{}, make([]byte, size)
	name := func(i int) []byte {
		binary.BigEndian.PutUint32(member, uint32(i))
		return member
	}
	for _, i := range rng.Perm(elements) {
		z.Put(name(i), float64(i), limit(0, 0))
	}
	levels := 0
	for n := z.large.tree.root; n != nil; levels++ {
		if n.kids == nil {
			break
		}
		n = n.kids[0].branch
	}
	if levels < 2 {
		t.Fatalf("leaves below %d levels of branches of branches", levels)
	}
	check(t, z)
	saved.checkpoint(t, z)
	check(t, saved.load(t))
	for range 5 {
		for range z.Len() / 4 {
			z.Put(name(rng.IntN(elements)), float64(rng.IntN(elements)), limit(0, 0))
			z.Remove(name(rng.IntN(elements)))
		}
		at := rng.IntN(z.Len() + 1)
		z.RemoveRange(at, at+1+z.Len()/2)
		check(t, z)
		saved.checkpoint(t, z)
		check(t, saved.load(t))
	}
}
