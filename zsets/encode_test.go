package zsets

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"testing"
)

// of makes a set of members with the scores 1, 2, 3 …
func of(limits Limits, members ...string) *Set {
	z := New()
	for i, m := range members {
		z.Put([]byte(m), float64(i+1), limits)
	}
	return z
}

// entry is the packed form of an element whose score is 0 to 63, or no small integer.
func entry(score float64, member string) []byte {
	b := binary.LittleEndian.AppendUint64([]byte{8}, math.Float64bits(score))
	switch {
	case score == 0 && !math.Signbit(score):
		b = []byte{0}
	case score > 0 && score < 64 && score == math.Trunc(score):
		b = []byte{1, byte(2 * score)}
	}
	b = binary.AppendUvarint(b, uint64(len(member)))
	return append(b, member...)
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func TestEncodingIsWhatTheFormatSays(t *testing.T) {
	long := string(bytes.Repeat([]byte{'x'}, 130))
	entries := join(entry(1, "ab"), entry(2, ""), entry(3, long))
	for form, limits := range []Limits{limit(10, 200), limit(2, 200)} {
		seed := [][]byte{nil, seeded}[form]
		want := join([]byte("before"), []byte{1, byte(form)}, seed, []byte{3}, entries)
		if got := of(limits, "ab", "", long).AppendBinary([]byte("before")); !bytes.Equal(got, want) {
			t.Errorf("encoded as %x", got)
		}
	}
}

// Every score comes back, in as many bytes as the format says.
func TestScoresArePacked(t *testing.T) {
	for score, size := range map[float64]int{
		0: 1, 1: 2, -1: 2, 127: 2, -128: 2, 128: 3, -129: 3, 1e6: 4, 1_700_000_000_000: 7, 1<<54 + 4: 8, -1 << 55: 8, 1 << 55: 9,
		0.5: 9, 1e300: 9, 5e-324: 9, math.Inf(1): 9, math.Inf(-1): 9,
	} {
		z := New()
		z.Put([]byte("m"), score, limit(9, 9))
		if got, ok := z.Score([]byte("m")); !ok || got != score {
			t.Errorf("%v came back as %v", score, got)
		}
		if size > 0 && len(z.page) != size+2 {
			t.Errorf("%v takes %d bytes, want %d", score, len(z.page)-2, size)
		}
		check(t, z)
	}
}

func TestDecodeRefuses(t *testing.T) {
	a, b := entry(1, "a"), entry(2, "b")
	for name, body := range map[string][]byte{
		"no count":                     {},
		"an unfinished count":          {0x80},
		"a count of more bytes":        {0x80, 0},
		"fewer elements than counted":  join([]byte{2}, a),
		"more elements than counted":   join([]byte{0}, a),
		"elements out of order":        join([]byte{2}, b, a),
		"an element twice":             join([]byte{2}, a, a),
		"a member twice":               join([]byte{2}, a, entry(2, "a")),
		"scores that are equal":        join([]byte{2}, entry(1, "b"), a),
		"-0":                           join([]byte{1}, entry(math.Copysign(0, -1), "a")),
		"a score that is no number":    join([]byte{1}, entry(math.NaN(), "a")),
		"an element cut short":         join([]byte{1}, a[:len(a)-1]),
		"a score cut short":            join([]byte{1}, entry(1.5, "a")[:5]),
		"an integer as a float":        join([]byte{1, 8}, binary.LittleEndian.AppendUint64(nil, math.Float64bits(7)), []byte{1, 'a'}),
		"an integer with a zero":       {1, 2, 14, 0, 1, 'a'},
		"a score of nine bytes":        join([]byte{1, 9}, bytes.Repeat([]byte{1}, 9), []byte{1, 'a'}),
		"no length":                    join([]byte{1}, a[:2]),
		"a length of more bytes":       join([]byte{1}, a[:2], []byte{0x81, 0, 'a'}),
		"a length that nothing backs":  join([]byte{1}, binary.AppendUvarint(bytes.Clone(a[:2]), 1<<62)),
		"a length over 64 bits":        join([]byte{1}, a[:2], bytes.Repeat([]byte{0xff}, 11)),
		"a billion elements of a byte": binary.AppendUvarint(nil, 1<<30),
	} {
		for form := range byte(2) {
			seed := [][]byte{nil, seeded}[form]
			if z, err := Decode(join([]byte{1, form}, seed, body)); !errors.Is(err, ErrCorrupt) || z != nil {
				t.Errorf("%s, form %d: %v, %v", name, form, z, err)
			}
		}
	}
	for _, head := range [][]byte{{}, {1}, {2, 0, 0}, {1, 2, 0}, {1, 1, 0}} {
		if z, err := Decode(head); !errors.Is(err, ErrCorrupt) || z != nil {
			t.Errorf("%x: %v, %v", head, z, err)
		}
	}
}

func TestDecodeFindsEveryCutAndTheEmptySet(t *testing.T) {
	for _, limits := range []Limits{limit(10, 64), limit(0, 0)} {
		whole := of(limits, "a", "bb", "ccc", "dddd").AppendBinary(nil)
		for n := range whole {
			if _, err := Decode(whole[:n]); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%d of %d bytes: %v", n, len(whole), err)
			}
		}
	}
	z, err := Decode(New().AppendBinary(nil))
	if err != nil || z.Len() != 0 || z.Bytes() != New().Bytes()+pageMin {
		t.Errorf("the empty set comes back as %v, %v", z, err)
	}
}

// big is a set of n elements that lies in parts.
func big(n int) *Set {
	z := New()
	for i := range n {
		z.Put(fmt.Appendf(nil, "member:%09d", i), float64(i%1000), limit(0, 0))
	}
	return z
}

func TestPartsChangeWithTheirElements(t *testing.T) {
	z, saved := big(20_000), store{}
	all := saved.checkpoint(t, z)
	if all < 100 || len(saved.parts) != all {
		t.Fatalf("%d parts written, %d stored", all, len(saved.parts))
	}
	z.Put([]byte("member:000000077"), 77.5, limit(0, 0))
	if n := saved.checkpoint(t, z); n < 1 || n > 4 {
		t.Errorf("a new score wrote %d parts", n)
	}
	z.RemoveRange(0, 19_990)
	if n := saved.checkpoint(t, z); n != 0 || len(saved.parts) != 0 {
		t.Errorf("a set that is small again wrote %d parts and left %d", n, len(saved.parts))
	}
	requireEqual(t, saved.load(t), contents(t, z))
}

func TestFromPartsRefuses(t *testing.T) {
	z, saved := big(5000), store{}
	saved.checkpoint(t, z)
	var ids []uint64
	saved.load(t).Parts(false, func(id uint64, _ []byte) error { ids = append(ids, id); return nil })
	refuse := func(what string, head []byte, change func(parts map[uint64][]byte)) {
		t.Helper()
		broken := store{parts: map[uint64][]byte{}}
		for id, p := range saved.parts {
			broken.parts[id] = bytes.Clone(p)
		}
		change(broken.parts)
		if z, err := FromParts(head, broken.reader()); !errors.Is(err, ErrCorrupt) || z != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	none := func(map[uint64][]byte) {}
	refuse("no head", nil, none)
	refuse("another version", append([]byte{9}, saved.head[1:]...), none)
	refuse("a head cut short", saved.head[:len(saved.head)-1], none)
	refuse("a longer head", append(bytes.Clone(saved.head), 0), none)
	refuse("a part missing", saved.head, func(p map[uint64][]byte) { delete(p, ids[3]) })
	refuse("an empty part", saved.head, func(p map[uint64][]byte) { p[ids[3]] = nil })
	refuse("parts changed over", saved.head, func(p map[uint64][]byte) { p[ids[3]], p[ids[4]] = p[ids[4]], p[ids[3]] })
	refuse("a part twice", saved.head, func(p map[uint64][]byte) { p[ids[4]] = p[ids[3]] })
	refuse("a part of two", saved.head, func(p map[uint64][]byte) { p[ids[3]] = join(p[ids[3]], p[ids[4]]) })

	failed := errors.New("disk")
	_, err := FromParts(saved.head, func() (uint64, []byte, bool, error) { return 0, nil, false, failed })
	if !errors.Is(err, failed) {
		t.Errorf("the reader's error became %v", err)
	}
}

// Leaves between two others take the midpoints of their ids; where none is left, all are numbered anew.
func TestIdsRunOut(t *testing.T) {
	z, saved := big(4000), store{}
	saved.checkpoint(t, z)
	for i := range 60_000 {
		z.Put(fmt.Appendf(nil, "same place %09d", i), 500+1/float64(i+2), limit(0, 0))
	}
	requireEqual(t, z, contents(t, z))
	saved.checkpoint(t, z)
	requireEqual(t, saved.load(t), contents(t, z))
}

func FuzzDecode(f *testing.F) {
	f.Add(New().AppendBinary(nil))
	f.Add(of(limit(10, 64), "a", "", "ccc").AppendBinary(nil))
	f.Add(of(limit(0, 0), "a", "", "ccc").AppendBinary(nil))
	f.Add(join([]byte{1, 1}, seeded, []byte{2}, entry(math.Inf(-1), "a"), entry(math.Inf(1), "b")))
	f.Fuzz(func(t *testing.T, b []byte) {
		z, err := Decode(b)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		check(t, z)
		if again := z.AppendBinary(nil); !bytes.Equal(again, b) {
			t.Fatalf("%x became %x", b, again)
		}
		z.Put([]byte("fuzz"), 0.5, limit(2, 64))
		z.Remove([]byte("a"))
		check(t, z)
	})
}

// FuzzParts takes its input for a head and parts: a byte for the length of each, then that many bytes.
func FuzzParts(f *testing.F) {
	a, b := entry(1, "a"), entry(2, "b")
	head := func(leaves, elements byte) []byte { return join([]byte{19, 1}, seeded, []byte{leaves, elements}) }
	f.Add(join(head(2, 2), []byte{byte(len(a))}, a, []byte{byte(len(b))}, b))
	f.Add(join(head(1, 2), []byte{byte(len(a) + len(b))}, a, b))
	f.Add(head(0, 0))
	f.Fuzz(func(t *testing.T, in []byte) {
		take := func() []byte {
			if len(in) == 0 {
				return nil
			}
			n := min(int(in[0]), len(in)-1)
			b := in[1 : 1+n]
			in = in[1+n:]
			return b
		}
		id := uint64(0)
		head := take()
		z, err := FromParts(head, func() (uint64, []byte, bool, error) {
			more := len(in) > 0
			id += 2
			return id, take(), more, nil
		})
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		check(t, z)
		if again := z.AppendHead(nil); !bytes.Equal(again, head) {
			t.Fatalf("the head %x became %x", head, again)
		}
		z.Put([]byte("fuzz"), 0.5, limit(0, 0))
		z.RemoveRange(0, 1)
		check(t, z)
	})
}
