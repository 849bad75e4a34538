package rdb

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"holdfast/dict"
	"holdfast/hashes"
	"holdfast/kv"
	"holdfast/lists"
	"holdfast/sets"
	"holdfast/streams"
	"holdfast/zsets"
)

func seed() (s dict.Seed) { return s }

func testRules() Rules {
	return Rules{
		StringMax: 1 << 20, HashEntries: 128, HashValue: 64, Seed: seed,
		Sets:    sets.Rules{MaxIntegers: 512, Seed: seed},
		ZSets:   zsets.Limits{Entries: 128, Value: 64, Seed: seed},
		Streams: streams.Limits{Bytes: 4096, Entries: 100},
	}
}

func TestChecksumIsJones(t *testing.T) {
	if got := checksum([]byte("123456789")); got != 0xe9c6d914c4b8d9ca {
		t.Fatalf("%x", got)
	}
}

// samples are values of every kind, small and large.
func samples() map[string]Object {
	all := map[string]Object{}
	for i, s := range []string{"", "0", "-1", "127", "128", "-129", "32768", "2147483647", "-2147483648", "2147483648", "007", "+1", "text",
		strings.Repeat("ab", 50), strings.Repeat("x", 70_000), strings.Repeat("y", 16_384), strings.Repeat("0123456789", 200)} {
		all[fmt.Sprintf("string %d", i)] = Object{Kind: kv.String, Text: []byte(s)}
	}
	for _, n := range []int{1, 100, 3000} {
		l, s, ints, z, h, timed := lists.New(), sets.New(), sets.New(), zsets.New(), hashes.New(), hashes.New()
		r := testRules()
		for i := range n {
			text := fmt.Appendf(nil, "%d%s", i, strings.Repeat("-", i%90))
			l.PushBack(text)
			s.Add(text, r.Sets)
			ints.Add(fmt.Appendf(nil, "%d", i*i*i-5), r.Sets)
			z.Put(text, float64(i)/3, r.ZSets)
			for k, hash := range []*hashes.Hash{h, timed} {
				if n > 64 {
					hash.Enlarge(seed())
				}
				hash.Set(text, fmt.Appendf(nil, "%d", i))
				if k == 1 && i%2 == 0 {
					hash.SetDeadline(text, int64(1_000_000+i))
				}
			}
		}
		z.Put([]byte("low"), math.Inf(-1), r.ZSets)
		z.Put([]byte("high"), math.Inf(1), r.ZSets)
		for kind, v := range map[kv.Kind]kv.Value{kv.List: l, kv.Set: s, kv.ZSet: z, kv.Hash: h, kv.Stream: stream(n)} {
			all[fmt.Sprintf("kind %d, %d", kind, n)] = Object{Kind: kind, Value: v}
		}
		all[fmt.Sprintf("integers, %d", n)] = Object{Kind: kv.Set, Value: ints}
		all[fmt.Sprintf("timed, %d", n)] = Object{Kind: kv.Hash, Value: timed}
	}
	all["empty stream"] = Object{Kind: kv.Stream, Value: streams.New()}
	return all
}

// stream has entries of equal and of other fields, holes, groups and pending entries.
func stream(n int) *streams.Stream {
	s := streams.New()
	for i := range n {
		pairs := [][]byte{[]byte("field"), fmt.Appendf(nil, "%d", i), []byte("other"), []byte(strings.Repeat("v", i%300))}
		if i%7 == 0 {
			pairs = append(pairs, []byte("more"), nil)
		}
		s.Append(streams.ID{MS: uint64(5 + i/3), Seq: uint64(i)}, pairs, testRules().Streams)
	}
	s.Delete(streams.ID{MS: 5, Seq: 1})
	s.SetLast(streams.ID{MS: math.MaxUint64, Seq: 9})
	s.CreateGroup([]byte("idle"), streams.ID{}, streams.Unknown)
	g := s.CreateGroup([]byte("busy"), streams.ID{MS: 5, Seq: 2}, 3)
	a, b := g.CreateConsumer([]byte("a")), g.CreateConsumer([]byte("b"))
	a.Seen, b.Seen = 1, 2
	g.CreateConsumer([]byte("without"))
	for i := range n {
		to := a
		if i%3 == 0 {
			to = b
		}
		g.Give(streams.ID{MS: uint64(5 + i/3), Seq: uint64(i)}, to, int64(1000+i), uint64(i%4))
	}
	return s
}

// plain is all that there is to a value, as text.
func plain(o Object) string {
	var w strings.Builder
	switch v := o.Value.(type) {
	case nil:
		fmt.Fprintf(&w, "%q", o.Text)
	case *lists.List:
		for _, b := range v.All() {
			fmt.Fprintf(&w, "%q ", b)
		}
	case *sets.Set:
		fmt.Fprintln(&w, v.Encoding(), v.Len())
		for b := range v.All() {
			fmt.Fprintf(&w, "%q ", b)
		}
	case *zsets.Set:
		fmt.Fprintln(&w, v.Large())
		for b, score := range v.All() {
			fmt.Fprintf(&w, "%q %v ", b, score)
		}
	case *hashes.Hash:
		fmt.Fprintln(&w, v.Large(), v.Lapses())
		v.Each(func(field, value []byte, deadline int64) bool {
			fmt.Fprintf(&w, "%q %q %d ", field, value, deadline)
			return true
		})
	case *streams.Stream:
		plainStream(&w, v)
	}
	return w.String()
}

func plainStream(w *strings.Builder, s *streams.Stream) {
	fmt.Fprintln(w, s.Len(), s.LastID(), s.First(), s.MaxDeleted(), s.Added())
	s.Range(streams.ID{}, streams.MaxID(), func(e streams.Entry) bool {
		fmt.Fprint(w, e.ID)
		for field, value := range e.Pairs() {
			fmt.Fprintf(w, " %q %q", field, value)
		}
		return true
	})
	for _, g := range s.Groups() {
		fmt.Fprintln(w, g.Name, g.Last, g.Read, g.Len())
		for _, c := range g.Consumers() {
			fmt.Fprintln(w, c.Name, c.Seen, c.Pending())
		}
		g.Each(streams.ID{}, streams.MaxID(), nil, func(p streams.Pending) bool {
			fmt.Fprintln(w, p.ID, p.Delivered, p.Count, g.Owner(p).Name)
			return true
		})
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	for name, o := range samples() {
		payload := Encode(o)
		got, err := Decode(payload, testRules())
		if err != nil || got.Kind != o.Kind {
			t.Errorf("%s: read as kind %d, %v", name, got.Kind, err)
			continue
		}
		if plain(got) != plain(o) {
			t.Errorf("%s: read back as another value", name)
		}
	}
}

// Every byte that is changed is noticed by the checksum; and where that is made good again, nothing worse comes of it than
// another value.
func TestEveryByteFlipped(t *testing.T) {
	for name, o := range samples() {
		payload := Encode(o)
		if len(payload) > 4000 {
			continue
		}
		for i := range payload {
			b := bytes.Clone(payload)
			b[i] ^= 0x55
			if _, err := Decode(b, testRules()); !errors.Is(err, ErrChecksum) {
				t.Fatalf("%s: byte %d changed: %v", name, i, err)
			}
			if n := len(b) - footerSize; i < n {
				_, err := Decode(seal(b[:n:n], version7_0), testRules())
				if err != nil && !errors.Is(err, ErrCorrupt) {
					t.Fatalf("%s: byte %d changed, and sealed: %v", name, i, err)
				}
			}
		}
		for n := range len(payload) - footerSize {
			if _, err := Decode(seal(payload[:n:n], version7_0), testRules()); err == nil && o.Kind != kv.String {
				t.Fatalf("%s: the first %d bytes are taken for the value", name, n)
			}
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	huge := appendLength(nil, 1<<60)
	for name, body := range map[string][]byte{
		"nothing":                   {},
		"an unknown type":           {99},
		"a module":                  {7, 0},
		"a string that is not here": append([]byte{typeString}, huge...),
		"a special length":          {typeList, special8, 1},
		"an unknown special string": {typeString, special | 5},
		"an empty list":             {typeList, 0},
		"an empty set":              {typeSet, 0},
		"an empty hash":             {typeHash, 0},
		"an empty sorted set":       {typeZSet, 0},
		"elements without end":      append([]byte{typeList}, huge...),
		"a member twice":            {typeSet, 2, 1, 'a', 1, 'a'},
		"a field twice":             {typeHash, 2, 1, 'a', 1, 'a', 1, 'a', 1, 'b'},
		"no number":                 append([]byte{typeZSet, 1, 1, 'a'}, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f),
		"more than the value":       {typeString, 1, 'a', 'b'},
		"compressed without end":    append(append([]byte{typeString, specialLZ, 1}, huge...), 0),
		"integers that fall":        append([]byte{typeSetIntegers, 12, 2, 0, 0, 0, 2, 0, 0, 0}, 2, 0, 1, 0),
		"a wide integer":            append([]byte{typeSetIntegers, 11, 3, 0, 0, 0, 1, 0, 0, 0}, 2, 0, 1),
	} {
		if o, err := Decode(seal(body, version7_0), testRules()); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v, %v", name, o, err)
		}
	}
	for name, payload := range map[string][]byte{
		"nothing":    {},
		"too short":  []byte("123456789"),
		"a newer":    seal([]byte{typeString, 1, 'a'}, version7_4+1),
		"a checksum": append(seal([]byte{typeString, 1, 'a'}, version7_0)[:12], 0),
	} {
		if _, err := Decode(payload, testRules()); !errors.Is(err, ErrChecksum) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCompressionGoesBothWays(t *testing.T) {
	start := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(start, 1))
	for range 2000 {
		b := make([]byte, rng.IntN(3000))
		letters := 1 + rng.IntN(20)
		for i := range b {
			b[i] = byte(rng.IntN(letters))
			if i > 300 && rng.IntN(3) > 0 {
				b[i] = b[i-rng.IntN(300)]
			}
		}
		packed := compress(b)
		if packed == nil {
			continue
		}
		if got, ok := expand(packed, len(b)); !ok || !bytes.Equal(got, b) || len(packed) >= len(b) {
			t.Fatalf("seed %d: %d bytes became %d, and others", start, len(b), len(packed))
		}
	}
}

// FuzzDecode takes bytes for a payload, and their checksum for right or wrong. What is read can be written, and is the same
// when it is read again. The seeds are payloads of Redis 7.0.15.
func FuzzDecode(f *testing.F) {
	for _, o := range samples() {
		if payload := Encode(o); len(payload) < 4000 {
			f.Add(payload)
		}
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		o, err := Decode(payload, testRules())
		if n := len(payload) - footerSize; errors.Is(err, ErrChecksum) && n >= 0 {
			o, err = Decode(seal(payload[:n:n], version7_0), testRules())
		}
		if err != nil {
			return
		}
		again, err := Decode(Encode(o), Rules{Known: true, Seed: seed, HashEntries: 128, HashValue: 64, Sets: testRules().Sets,
			ZSets: testRules().ZSets, Streams: testRules().Streams})
		if err != nil || plain(again) != plain(o) {
			t.Fatalf("%x: read, written and read again: %v", payload, err)
		}
	})
}
