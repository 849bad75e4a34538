package streams

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

// model is a stream as plainly as it can be written.
type model struct {
	entries          []plainEntry
	last, maxDeleted ID
	added            uint64
	groups           map[string]*plainGroup
}

type plainEntry struct {
	id    ID
	pairs [][]byte
}

type plainGroup struct {
	last      ID
	consumers map[string]bool
	pending   []plainPending // by ID
}

type plainPending struct {
	id    ID
	of    string
	at    int64
	count uint64
}

func (m *model) find(id ID) (int, bool) {
	return slices.BinarySearchFunc(m.entries, id, func(e plainEntry, id ID) int { return e.id.Compare(id) })
}

func (g *plainGroup) find(id ID) (int, bool) {
	return slices.BinarySearchFunc(g.pending, id, func(p plainPending, id ID) int { return p.id.Compare(id) })
}

// check recounts what a Stream keeps as sums, and verifies the invariants of the package comment.
func check(t testing.TB, s *Stream) {
	t.Helper()
	live, blocks, last := 0, int64(0), ID{}
	for i := range s.nodes {
		n := &s.nodes[i]
		all, alive := 0, 0
		for c := n.cursor(); c.next(); all++ {
			if (i > 0 || all > 0) && !last.Less(c.id) {
				t.Fatalf("node %d: %v behind %v", i, c.id, last)
			}
			if last = c.id; !c.deleted() {
				alive++
			}
		}
		if all != int(n.all) || alive != int(n.live) || alive == 0 || last != n.last {
			t.Fatalf("node %d has %d of %d entries up to %v, and counts %d of %d up to %v", i, alive, all, last, n.live, n.all, n.last)
		}
		if i > 0 && n.part <= s.nodes[i-1].part || n.part > s.part {
			t.Fatalf("node %d is part %d", i, n.part)
		}
		live += alive
		blocks += int64(cap(n.block))
	}
	if live != s.len || blocks != s.blocks {
		t.Fatalf("%d entries in %d bytes are counted as %d in %d", live, blocks, s.len, s.blocks)
	}
	checkGroups(t, s)
}

func checkGroups(t testing.TB, s *Stream) {
	t.Helper()
	aside := int64(0)
	for _, g := range s.groups {
		aside += groupSize + int64(len(g.Name))
		of, pending, last := map[uint32]int{}, 0, ID{}
		for k, c := range g.chunks {
			aside += chunkSize + int64(cap(c.items))*pendingSize
			if len(c.items) == 0 || len(c.items) > chunkMax {
				t.Fatalf("chunk %d has %d entries", k, len(c.items))
			}
			for i, p := range c.items {
				if (k > 0 || i > 0) && !last.Less(p.ID) {
					t.Fatalf("chunk %d: %v behind %v", k, p.ID, last)
				}
				last = p.ID
				of[p.owner]++
				pending++
			}
		}
		for i, c := range g.consumers {
			aside += consumerSize + int64(len(c.Name))
			if c.pending != of[c.number] || g.byNumber[c.number] != c || i > 0 && g.consumers[i-1].Name >= c.Name {
				t.Fatalf("consumer %q counts %d pending entries and has %d", c.Name, c.pending, of[c.number])
			}
			delete(of, c.number)
		}
		if len(of) > 0 || pending != g.pending || len(g.byNumber) != len(g.consumers) {
			t.Fatalf("group %q: %d pending, counted as %d; of nobody: %v", g.Name, pending, g.pending, of)
		}
	}
	if aside != s.aside {
		t.Fatalf("groups take %d bytes, counted as %d", aside, s.aside)
	}
}

// compare holds a stream against the model.
func (m *model) compare(t testing.TB, s *Stream) {
	t.Helper()
	check(t, s)
	if s.Len() != len(m.entries) || s.LastID() != m.last || s.MaxDeleted() != m.maxDeleted || s.Added() != m.added {
		t.Fatalf("len %d, last %v, deleted %v, added %d; want %d, %v, %v, %d",
			s.Len(), s.LastID(), s.MaxDeleted(), s.Added(), len(m.entries), m.last, m.maxDeleted, m.added)
	}
	var got []plainEntry
	s.Range(ID{}, MaxID(), func(e Entry) bool {
		got = append(got, plain(e))
		return true
	})
	requireEntries(t, got, m.entries)
	if len(m.groups) != len(s.Groups()) {
		t.Fatalf("%d groups, want %d", len(s.Groups()), len(m.groups))
	}
	for name, want := range m.groups {
		g := s.Group([]byte(name))
		if g == nil || g.Last != want.last || g.Len() != len(want.pending) || len(g.Consumers()) != len(want.consumers) {
			t.Fatalf("group %q differs: %+v, want %+v", name, g, want)
		}
		requirePending(t, g, ID{}, MaxID(), nil, want.pending)
	}
}

func plain(e Entry) plainEntry {
	p := plainEntry{id: e.ID}
	for field, value := range e.Pairs() {
		p.pairs = append(p.pairs, bytes.Clone(field), bytes.Clone(value))
	}
	if len(p.pairs) != 2*e.Len() {
		panic("an entry yields another number of pairs than it tells")
	}
	return p
}

func requireEntries(t testing.TB, got, want []plainEntry) {
	t.Helper()
	same := slices.EqualFunc(got, want, func(a, b plainEntry) bool {
		return a.id == b.id && slices.EqualFunc(a.pairs, b.pairs, bytes.Equal)
	})
	if !same {
		t.Fatalf("entries\n%v\nwant\n%v", got, want)
	}
}

func requirePending(t testing.TB, g *Group, from, to ID, of *Consumer, want []plainPending) {
	t.Helper()
	var got []plainPending
	g.Each(from, to, of, func(p Pending) bool {
		got = append(got, plainPending{p.ID, g.Owner(p).Name, p.Delivered, p.Count})
		return true
	})
	if !slices.Equal(got, want) {
		t.Fatalf("pending from %v to %v\n%v\nwant\n%v", from, to, got, want)
	}
}

// store is what a base would hold of a stream.
type store struct {
	head  []byte
	parts map[uint64][]byte
	whole []byte
}

// checkpoint writes what changed, and returns how many parts that were.
func (s *store) checkpoint(t testing.TB, v *Stream) (written int) {
	t.Helper()
	if s.parts == nil {
		s.parts = map[uint64][]byte{}
	}
	s.head, s.whole = nil, nil
	if v.Parted() {
		s.head = v.AppendHead(nil)
		before, first := uint64(0), true
		err := v.Parts(true, func(id uint64, payload []byte) error {
			if !first && id <= before {
				t.Fatalf("part %#x behind %#x", id, before)
			}
			before, first = id, false
			s.parts[id] = bytes.Clone(payload)
			written++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	} else {
		s.whole = v.AppendBinary(nil)
	}
	v.DroppedParts(func(id uint64) {
		if s.parts[id] == nil {
			t.Fatalf("part %#x is dropped and was not there", id)
		}
		delete(s.parts, id)
	})
	v.MarkClean()
	return written
}

func (s *store) load(t testing.TB) *Stream {
	t.Helper()
	v, err := s.read()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (s *store) read() (*Stream, error) {
	if s.head == nil {
		return Decode(s.whole)
	}
	var ids []uint64
	for id := range s.parts {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return FromParts(s.head, func() (uint64, []byte, bool, error) {
		if len(ids) == 0 {
			return 0, nil, false, nil
		}
		id := ids[0]
		ids = ids[1:]
		return id, s.parts[id], true, nil
	})
}

// life is a random one.
type life struct {
	t   testing.TB
	rng *rand.Rand
	s   *Stream
	m   *model
	st  store
}

// seed is random, or that of the environment.
func seed(t testing.TB) uint64 {
	n := uint64(time.Now().UnixNano())
	if text := os.Getenv("STREAMS_SEED"); text != "" {
		var err error
		if n, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("STREAMS_SEED=%d", n)
	return n
}

func TestRandomLivesEqualTheModel(t *testing.T) {
	n := seed(t)
	for i := range uint64(20) {
		l := &life{t: t, rng: rand.New(rand.NewPCG(n, i)), s: New(), m: &model{groups: map[string]*plainGroup{}}}
		for range 1500 {
			l.step()
		}
		l.m.compare(t, l.s)
	}
}

func (l *life) step() {
	switch n := l.rng.IntN(100); {
	case n < 45:
		l.add()
	case n < 55:
		l.delete()
	case n < 57:
		l.trim()
	case n < 58:
		l.setLast()
	case n < 65:
		l.look()
	case n < 68:
		l.group()
	case n < 97:
		l.pending()
	default:
		l.store()
	}
}

func (l *life) add() {
	id, ok := l.m.last.Next()
	switch l.rng.IntN(4) {
	case 0:
		id = ID{l.m.last.MS + 1 + l.rng.Uint64N(1000), l.rng.Uint64N(5)}
	case 1:
		id.Seq += l.rng.Uint64N(3)
	}
	if !ok || !l.m.last.Less(id) {
		return
	}
	var pairs [][]byte
	for range 1 + l.rng.IntN(3) {
		pairs = append(pairs, fmt.Appendf(nil, "f%d", l.rng.IntN(2)), bytes.Repeat([]byte{'v'}, l.rng.IntN(40)))
	}
	if l.rng.IntN(50) == 0 {
		pairs[1] = bytes.Repeat([]byte{'x'}, l.rng.IntN(20_000))
	}
	limits := []Limits{{4096, 100}, {0, 10}, {300, 0}, {1, 1}, {0, 0}}[l.rng.IntN(5)]
	l.s.Append(id, pairs, limits)
	l.m.entries = append(l.m.entries, plainEntry{id, pairs})
	l.m.last = id
	l.m.added++
}

// id is that of an entry, or one near it, or any.
func (l *life) id() ID {
	if len(l.m.entries) == 0 || l.rng.IntN(10) == 0 {
		return ID{l.rng.Uint64N(l.m.last.MS + 2), l.rng.Uint64N(5)}
	}
	id := l.m.entries[l.rng.IntN(len(l.m.entries))].id
	if l.rng.IntN(5) == 0 {
		id.Seq++
	}
	return id
}

func (l *life) delete() {
	id := l.id()
	i, want := l.m.find(id)
	if got := l.s.Delete(id); got != want {
		l.t.Fatalf("Delete(%v) = %v", id, got)
	}
	if want {
		l.m.entries = slices.Delete(l.m.entries, i, i+1)
		if l.m.maxDeleted.Less(id) {
			l.m.maxDeleted = id
		}
	}
}

func (l *life) trim() {
	t := Trim{ByID: l.rng.IntN(2) == 0, WholeNodes: l.rng.IntN(2) == 0}
	want := 0
	if t.ByID {
		t.From = l.id()
		want, _ = l.m.find(t.From)
	} else {
		t.Keep = len(l.m.entries) - l.rng.IntN(60)
		want = max(0, len(l.m.entries)-max(0, t.Keep))
		t.Keep = max(0, t.Keep)
	}
	if t.WholeNodes {
		t.Limit = l.rng.IntN(100)
	}
	got := l.s.Trim(t)
	if got > want || !t.WholeNodes && got != want || t.Limit > 0 && got > t.Limit {
		l.t.Fatalf("Trim(%+v) = %d, want %d", t, got, want)
	}
	l.m.entries = slices.Delete(l.m.entries, 0, got)
}

// setLast changes the last ID, to one that may be below those of deleted entries.
func (l *life) setLast() {
	top := l.s.Top()
	if n := len(l.m.entries); n > 0 && top != l.m.entries[n-1].id {
		l.t.Fatalf("Top() = %v", top)
	}
	top.Seq += l.rng.Uint64N(3)
	l.s.SetLast(top)
	l.m.last = top
	l.s.SetMaxDeleted(ID{})
	l.m.maxDeleted = ID{}
}

func (l *life) look() {
	from, to, count := l.id(), l.id(), 1+l.rng.IntN(20)
	var want, got []plainEntry
	for _, e := range l.m.entries {
		if !e.id.Less(from) && !to.Less(e.id) {
			want = append(want, e)
		}
	}
	take := func(e Entry) bool {
		got = append(got, plain(e))
		return len(got) < count
	}
	l.s.Range(from, to, take)
	requireEntries(l.t, got, want[:min(count, len(want))])
	got = nil
	l.s.Reverse(from, to, take)
	slices.Reverse(want)
	requireEntries(l.t, got, want[:min(count, len(want))])
	_, there := l.m.find(from)
	if e, ok := l.s.Get(from); ok != there || ok && e.ID != from {
		l.t.Fatalf("Get(%v) = %v, %v", from, e, ok)
	}
}

func (l *life) group() {
	name := fmt.Sprintf("g%d", l.rng.IntN(3))
	want := l.m.groups[name]
	switch {
	case want == nil:
		id := l.id()
		if l.s.CreateGroup([]byte(name), id, Unknown) == nil {
			l.t.Fatal("no group")
		}
		l.m.groups[name] = &plainGroup{last: id, consumers: map[string]bool{}}
	case l.s.CreateGroup([]byte(name), ID{}, 0) != nil:
		l.t.Fatal("a second group of one name")
	case l.rng.IntN(20) == 0:
		if !l.s.DestroyGroup([]byte(name)) || l.s.DestroyGroup([]byte(name)) {
			l.t.Fatal("DestroyGroup")
		}
		delete(l.m.groups, name)
	}
}

// pending gives an entry to a consumer, or acknowledges some, or lets a consumer go.
func (l *life) pending() {
	name := fmt.Sprintf("g%d", l.rng.IntN(3))
	g, want := l.s.Group([]byte(name)), l.m.groups[name]
	if want == nil {
		return
	}
	who := fmt.Sprintf("c%d", l.rng.IntN(4))
	c := g.Consumer([]byte(who))
	if (c != nil) != want.consumers[who] {
		l.t.Fatalf("consumer %s is %v", who, c)
	}
	if c == nil {
		c = g.CreateConsumer([]byte(who))
		want.consumers[who] = true
	}
	switch n := l.rng.IntN(100); {
	case n < 60:
		p := plainPending{l.id(), who, l.rng.Int64N(1 << 41), l.rng.Uint64N(100)}
		g.Give(p.id, c, p.at, p.count)
		if i, found := want.find(p.id); found {
			want.pending[i] = p
		} else {
			want.pending = slices.Insert(want.pending, i, p)
		}
	case n < 90:
		for range l.rng.IntN(10) {
			l.ack(g, want)
		}
	case n < 98:
		of := slices.DeleteFunc(slices.Clone(want.pending), func(p plainPending) bool { return p.of != who })
		requirePending(l.t, g, ID{}, MaxID(), c, of)
		if c.Pending() != len(of) {
			l.t.Fatalf("%d pending, want %d", c.Pending(), len(of))
		}
	default:
		g.DeleteConsumer(c)
		delete(want.consumers, who)
		want.pending = slices.DeleteFunc(want.pending, func(p plainPending) bool { return p.of == who })
	}
}

func (l *life) ack(g *Group, want *plainGroup) {
	id := l.id()
	if len(want.pending) > 0 && l.rng.IntN(3) > 0 {
		id = want.pending[l.rng.IntN(len(want.pending))].id
	}
	i, found := want.find(id)
	if p, ok := g.Get(id); ok != found || g.Ack(id) != found || ok && p.Delivered != want.pending[i].at {
		l.t.Fatalf("Ack(%v), %v", id, found)
	}
	if found {
		want.pending = slices.Delete(want.pending, i, i+1)
	}
}

// store takes the stream through one of its stored forms, or copies it.
func (l *life) store() {
	switch l.rng.IntN(4) {
	case 0:
		s, err := Decode(l.s.AppendBinary(nil))
		if err != nil {
			l.t.Fatal(err)
		}
		l.m.compare(l.t, s)
	case 1:
		old := l.s
		l.s, l.st = old.Clone(), store{}
		for _, e := range l.m.entries { // the clone must not notice
			old.Delete(e.id)
		}
		for _, g := range old.Groups() {
			for p, ok := g.From(ID{}); ok; p, ok = g.From(ID{}) {
				g.Ack(p.ID)
			}
		}
		l.m.compare(l.t, l.s)
	case 2:
		l.st.checkpoint(l.t, l.s)
		l.m.compare(l.t, l.st.load(l.t))
	default:
		l.st.checkpoint(l.t, l.s)
		l.s = l.st.load(l.t)
		l.m.compare(l.t, l.s)
	}
}

func TestAReadersErrorComesBack(t *testing.T) {
	errRead := errors.New("read failed")
	s, err := FromParts(New().AppendHead(nil), func() (uint64, []byte, bool, error) { return 0, nil, true, errRead })
	if !errors.Is(err, errRead) || s != nil {
		t.Errorf("%v, %v", s, err)
	}
}
