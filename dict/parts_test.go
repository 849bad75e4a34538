package dict

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
)

func TestOneChangeRewritesOnePart(t *testing.T) {
	d, s := numbered(200_000), &base{}
	if n := s.checkpoint(t, d); n != d.leaves {
		t.Fatalf("the first checkpoint wrote %d of %d parts", n, d.leaves)
	}
	key := []byte("member:00012345")
	for _, c := range []struct {
		name string
		do   func()
		most int
	}{
		{"nothing", func() {}, 0},
		{"Set", func() { d.Set(key, []byte("value")) }, 1},
		{"Delete", func() { d.Delete(key) }, 1},
		{"reads", func() { d.Get(key); d.Scan(0, func(_, _ []byte) {}); d.Clone() }, 0},
		{"a Delete of nothing", func() { d.Delete(key) }, 0},
		{"a large Set splits", func() { d.Set(key, bytes.Repeat([]byte("x"), 2*pageMax)) }, 7},
	} {
		c.do()
		if n := s.checkpoint(t, d); n > c.most {
			t.Errorf("%s: %d parts were rewritten, want at most %d", c.name, n, c.most)
		}
	}
	requireEqual(t, s.load(t), contents(d))
}

func TestADictLeavesAndRejoinsTheStoreInParts(t *testing.T) {
	d, s := numbered(20_000), &base{}
	s.checkpoint(t, d)
	if !d.Parted() || len(s.parts) != d.leaves {
		t.Fatalf("Parted %v, %d parts", d.Parted(), len(s.parts))
	}
	for i := range 19_000 {
		d.Delete(fmt.Appendf(nil, "member:%08d", i))
	}
	s.checkpoint(t, d)
	if d.Parted() || len(s.parts) != 0 || s.head != nil {
		t.Fatalf("a Dict of %d bytes is in %d parts", d.Bytes(), len(s.parts))
	}
	requireEqual(t, s.load(t), contents(d))
	for i := range 20_000 {
		d.Set(fmt.Append(nil, i), nil)
	}
	if n := s.checkpoint(t, d); n != d.leaves {
		t.Fatalf("%d of %d parts written", n, d.leaves)
	}
	requireEqual(t, s.load(t), contents(d))
}

func TestADictReadFromPartsIsClean(t *testing.T) {
	d, s := numbered(20_000), &base{}
	s.checkpoint(t, d)
	d = s.load(t)
	if n := s.checkpoint(t, d); n != 0 {
		t.Fatalf("%d parts have changed after loading", n)
	}
	d.Set([]byte("one more"), nil)
	if n := s.checkpoint(t, d); n == 0 || n > 2 {
		t.Fatalf("%d parts for one change", n)
	}
	requireEqual(t, s.load(t), contents(d))
}

func TestFromPartsRefuses(t *testing.T) {
	d, s := numbered(6000), &base{}
	s.checkpoint(t, d)
	var ids []uint64
	for l := range d.all() {
		ids = append(ids, l.id)
	}
	first, second := ids[0], ids[1]
	for _, c := range []struct {
		name   string
		damage func(s *base)
	}{
		{"no head", func(s *base) { s.head = nil }},
		{"another version", func(s *base) { s.head[0]++ }},
		{"another seed", func(s *base) { s.head[5]++ }},
		{"half a head", func(s *base) { s.head = s.head[:18] }},
		{"a head with more behind", func(s *base) { s.head = append(s.head, 0) }},
		{"other counts", func(s *base) { s.head[len(s.head)-1] ^= 1 }},
		{"the first part missing", func(s *base) { delete(s.parts, first) }},
		{"the second part missing", func(s *base) { delete(s.parts, second) }},
		{"the last part missing", func(s *base) { delete(s.parts, ids[len(ids)-1]) }},
		{"all parts missing", func(s *base) { clear(s.parts) }},
		{"a part too many", func(s *base) { s.parts[first+1] = nil }},
		{"a part of the old half", func(s *base) { s.parts[makeID(first, depthOf(first)-1)] = nil }},
		{"parts exchanged", func(s *base) { s.parts[first], s.parts[second] = s.parts[second], s.parts[first] }},
		{"an empty part", func(s *base) { s.parts[first] = nil }},
		{"half a part", func(s *base) { s.parts[first] = s.parts[first][:20] }},
		{"an entry without value", func(s *base) { s.parts[first] = append(s.parts[first], 0) }},
		{"a key twice", func(s *base) { s.parts[first] = append(s.parts[first], s.parts[first][:17]...) }},
	} {
		damaged := base{head: bytes.Clone(s.head), parts: map[uint64][]byte{}}
		for id, payload := range s.parts {
			damaged.parts[id] = bytes.Clone(payload)
		}
		c.damage(&damaged)
		if d, err := FromParts(damaged.head, damaged.reader()); !errors.Is(err, ErrCorrupt) || d != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	errRead := errors.New("read failed")
	if d, err := FromParts(s.head, func() (uint64, []byte, bool, error) { return 0, nil, true, errRead }); !errors.Is(err, errRead) || d != nil {
		t.Errorf("a reader's error comes back as %v", err)
	}
}

// A few leaves with the longest of prefixes must not make a directory of 2^40 entries.
func TestPartsThatWouldNeedALargeDirectoryAreSeededAnew(t *testing.T) {
	d := New(Seed{9})
	d.setLeaves(nil, 0)
	s := &base{parts: map[uint64][]byte{}}
	var leaves []*leaf
	for depth := 1; depth <= depthMax; depth++ { // 0…, 10…, 110…, and at last both halves
		leaves = append(leaves, &leaf{id: makeID(^uint64(0)<<(64-depth+1), depth)})
	}
	leaves = append(leaves, &leaf{id: makeID(^uint64(0), depthMax)})
	model := map[string]string{}
	for i := range 200 {
		key := fmt.Append(nil, i)
		for _, l := range leaves {
			if hash := d.hash(key); makeID(hash, l.depth()) == l.id && l.n < leafMax {
				l.add(hash, key, []byte("v"))
				model[string(key)] = "v"
			}
		}
	}
	for _, l := range leaves {
		s.parts[l.id] = l.page
	}
	d.leaves, d.count = len(leaves), len(model)
	s.head = d.AppendHead(nil)

	again := s.load(t)
	requireEqual(t, again, model)
	if again.seed == d.seed || len(again.dir) > 64 {
		t.Errorf("directory of %d", len(again.dir))
	}
	s.checkpoint(t, again)
	requireEqual(t, s.load(t), model)

	again = s.load(t)
	if again.Parted() {
		t.Fatal("the test wants a small Dict")
	}
}

func TestDecodeRefuses(t *testing.T) {
	good := numbered(3).AppendBinary(nil)
	for name, b := range map[string][]byte{
		"nothing":                 {},
		"another version":         append([]byte{2}, good[1:]...),
		"half a seed":             good[:9],
		"no count":                good[:17],
		"a count of more bytes":   append(bytes.Clone(good[:17]), 0x80, 0),
		"fewer keys than counted": append(append(bytes.Clone(good[:17]), 4), good[18:]...),
		"a billion keys":          append(bytes.Clone(good[:17]), 0x80, 0x80, 0x80, 0x80, 4),
		"a key twice":             append(append(bytes.Clone(good[:17]), 4), append(bytes.Clone(good[18:]), good[18:35]...)...),
		"a key without a value":   append(bytes.Clone(good), 0),
		"an entry cut short":      good[:len(good)-3],
	} {
		if d, err := Decode(b); !errors.Is(err, ErrCorrupt) || d != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if d, err := Decode(New(Seed{5}).AppendBinary(nil)); err != nil || d.Len() != 0 || d.seed != (Seed{5}) {
		t.Errorf("the empty Dict: %v", err)
	}
}

func TestDecodeDoesNotReferToItsInput(t *testing.T) {
	b := numbered(100).AppendBinary(nil)
	d, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	clear(b)
	requireEqual(t, d, contents(numbered(100)))
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add(New(Seed{1}).AppendBinary(nil))
	f.Add(numbered(3).AppendBinary(nil))
	f.Add(numbered(200).AppendBinary(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Decode(b)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("not ErrCorrupt: %v", err)
			}
			return
		}
		again, err := Decode(d.AppendBinary(nil))
		if err != nil {
			t.Fatal(err)
		}
		requireEqual(t, again, contents(d))
	})
}

// FuzzParts takes its input for a head and parts: a byte for the length of each, then that many bytes, of a part first 8
// for the id.
func FuzzParts(f *testing.F) {
	one := New(Seed{})
	one.Set([]byte("a"), []byte("b"))
	f.Add(append(append([]byte{19}, one.AppendHead(nil)...), 12, 128, 0, 0, 0, 0, 0, 0, 0, 1, 'a', 1, 'b'))
	f.Add(append(append([]byte{19}, one.AppendHead(nil)...), 8, 64, 0, 0, 0, 0, 0, 0, 0, 12, 192, 0, 0, 0, 0, 0, 0, 0, 1, 'a', 1, 'b'))
	f.Fuzz(func(t *testing.T, b []byte) {
		field := func() []byte {
			if len(b) == 0 {
				return nil
			}
			n := min(int(b[0]), len(b)-1)
			part := b[1 : 1+n]
			b = b[1+n:]
			return part
		}
		d, err := FromParts(field(), func() (uint64, []byte, bool, error) {
			part := field()
			if len(part) < 8 {
				return 0, nil, false, nil
			}
			id := uint64(0)
			for _, x := range part[:8] {
				id = id<<8 | uint64(x)
			}
			return id, part[8:], true, nil
		})
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("not ErrCorrupt: %v", err)
			}
			return
		}
		model := contents(d)
		requireEqual(t, d, model)
		rng := rand.New(rand.NewPCG(1, 1))
		for i := range 200 {
			key := fmt.Append(nil, rng.IntN(100))
			d.Set(key, make([]byte, i*10))
			model[string(key)] = string(make([]byte, i*10))
		}
		requireEqual(t, d, model)
	})
}
