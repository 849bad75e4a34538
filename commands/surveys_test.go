package commands

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"holdfast/kv"
	"holdfast/outline"
	"holdfast/streams"
)

// storedPart is a part of a value in parts.
type storedPart struct {
	id      uint64
	payload []byte
}

// bodyForm is a value in one piece, of which a long one is only begun.
func bodyForm(b []byte) outline.Form {
	const begun = 64 << 10
	return outline.Form{Body: b[:min(len(b), begun)], Size: int64(len(b)), Load: func() ([]byte, error) { return b, nil }}
}

func partsForm(head []byte, parts []storedPart) outline.Form {
	f := bodyForm(head)
	f.Parts = func(fn func(uint64, []byte) error) error {
		for _, p := range parts {
			if err := fn(p.id, bytes.Clone(p.payload)); err != nil {
				return err
			}
		}
		return nil
	}
	return f
}

// splitValue is a value as a base has it in parts.
func splitValue(v kv.Parted) (head []byte, parts []storedPart) {
	must := v.PartsFrom(0, false, func(id uint64, payload []byte) error {
		parts = append(parts, storedPart{id, bytes.Clone(payload)})
		return nil
	})
	if must != nil {
		panic("BUG: no error is returned by the test's function")
	}
	return v.AppendHead(nil), parts
}

// walked is what a walk visits: the pieces, with the deadlines, of elements and, as a text each, of asides.
func walked(typ kv.Type, f outline.Form) (pieces, asides []string, elements int64, err error) {
	err = typ.Walk(f, func(e outline.Element) error {
		if e.Aside != "" {
			aside := e.Aside
			for _, p := range e.Pieces {
				aside += fmt.Sprintf(" %s=%q", p.Role, p.Bytes)
			}
			asides = append(asides, aside)
			return nil
		}
		elements++
		deadline := e.Deadline
		for _, p := range e.Pieces {
			pieces = append(pieces, fmt.Sprintf("%s %d", p.Bytes, deadline))
			deadline = 0
		}
		return nil
	})
	return pieces, asides, elements, err
}

// held is what the value itself yields, in the same form.
func held(typ kv.Type, v kv.Value) (pieces []string) {
	for b, deadline := range typ.TimedElements(v) {
		pieces = append(pieces, fmt.Sprintf("%s %d", b, deadline))
	}
	return pieces
}

// surveyed makes values of each type, small and large.
func surveyed(t *testing.T) *stage {
	s := newStage(t)
	for _, n := range []int{1, 10, 600, 9000} {
		l, set, ints := []string{"RPUSH", fmt.Sprint("l", n)}, []string{"SADD", fmt.Sprint("s", n)}, []string{"SADD", fmt.Sprint("i", n)}
		z, h := []string{"ZADD", fmt.Sprint("z", n)}, []string{"HSET", fmt.Sprint("h", n)}
		timed := []string{"HPEXPIREAT", fmt.Sprint("h", n), fmt.Sprint(s.now + 1000), "FIELDS", fmt.Sprint((n + 6) / 7)}
		for i := range n {
			name, value := fmt.Sprintf("element %d", i), strings.Repeat("v", i%30)
			l, set, ints = append(l, value, name), append(set, name), append(ints, fmt.Sprint(i*i-5))
			z, h = append(z, fmt.Sprint(float64(i%100)/4), name), append(h, name, value)
			if i%7 == 0 {
				timed = append(timed, name)
			}
		}
		for _, words := range [][]string{l, set, ints, z, h, timed} {
			s.run(words...)
		}
		s.world.Keys.DB(0).SetValue(fmt.Append(nil, "x", n), kv.Stream, surveyedStream(n), 0)
	}
	t.Cleanup(func() { s.run("FLUSHDB") }) // the streams are not in the log
	return s
}

// surveyedStream has n entries, two groups and, in one, what two consumers have not acknowledged.
func surveyedStream(n int) *streams.Stream {
	x := streams.New()
	for i := range n {
		x.Append(streams.ID{MS: uint64(i + 1)}, [][]byte{[]byte("field"), []byte("v"), fmt.Append(nil, i/30), []byte("w")}, streams.Limits{Bytes: 4096})
	}
	first := x.CreateGroup([]byte("first"), x.LastID(), 3)
	x.CreateGroup([]byte("second"), streams.ID{}, streams.Unknown)
	ann, bob := first.CreateConsumer([]byte("ann")), first.CreateConsumer([]byte("bob"))
	for i := range min(n, 700) {
		first.Give(streams.ID{MS: uint64(i + 1)}, []*streams.Consumer{ann, bob}[i%2], int64(i), uint64(i%3))
	}
	if n > 1 {
		x.Delete(streams.ID{MS: 1})
	}
	return x
}

// What Survey and Walk tell of a stored value is what the value says of itself once it has been made.
func TestSurveyAndWalk(t *testing.T) {
	s, kinds := surveyed(t), map[kv.Kind]int{}
	s.world.Keys.DB(0).Each(func(e kv.Entry) bool {
		typ := s.world.Keys.Types[e.Kind()]
		if e.Kind() == kv.String {
			return true
		}
		kinds[e.Kind()]++
		v := e.Value()
		forms := map[string]outline.Form{"in one piece": bodyForm(v.AppendBinary(nil))}
		if p, ok := v.(kv.Parted); ok && p.Parted() {
			head, parts := splitValue(p)
			forms["in parts"] = partsForm(head, parts)
			kinds[e.Kind()+100]++
		}
		want := held(typ, v)
		for name, f := range forms {
			summary, err := typ.Survey(f)
			if err != nil || summary.Elements != int64(v.Len()) || summary.Encoding != typ.Encoding(v) {
				t.Errorf("%s %s: surveyed as %+v, %v; it is %s of %d", e.Key(), name, summary, err, typ.Encoding(v), v.Len())
			}
			got, asides, elements, err := walked(typ, f)
			if err != nil || elements != summary.Elements || !slices.Equal(got, want) {
				t.Errorf("%s %s: the walk has %d elements (%v), the value %d", e.Key(), name, elements, err, v.Len())
			}
			for _, count := range summary.More {
				if found := counted(count.What, f, typ, asides); found != count.N {
					t.Errorf("%s %s: %d %s announced, %d found", e.Key(), name, count.N, count.What, found)
				}
			}
		}
		return true
	})
	for _, kind := range []kv.Kind{kv.List, kv.Set, kv.ZSet, kv.Hash, kv.Stream} {
		if kinds[kind] < 4 || kinds[kind+100] == 0 {
			t.Errorf("kind %d was seen %d times, %d in parts", kind, kinds[kind], kinds[kind+100])
		}
	}
}

// counted counts in a walk what a summary counts.
func counted(what string, f outline.Form, typ kv.Type, asides []string) (n int64) {
	kinds := map[string]string{"groups": "group ", "consumers": "consumer ", "pending entries": "pending "}
	for _, aside := range asides {
		if kind := kinds[what]; kind != "" && strings.HasPrefix(aside, kind) {
			n++
		}
	}
	if kinds[what] != "" {
		return n
	}
	err := typ.Walk(f, func(e outline.Element) error {
		if e.Deadline != 0 {
			n++
		}
		return nil
	})
	if err != nil {
		return -1
	}
	return n
}

func TestWalkTellsGroupsOfAStream(t *testing.T) {
	s := newStage(t)
	for _, line := range []string{
		"XADD x 5-1 f v", "XADD x 5-2 f w", "XDEL x 5-1", "XGROUP CREATE x g 0", "XREADGROUP GROUP g ann COUNT 1 STREAMS x >",
		"XGROUP CREATECONSUMER x g bob",
	} {
		s.run(strings.Fields(line)...)
	}
	e, _ := s.world.Keys.DB(0).Get([]byte("x"))
	typ := s.world.Keys.Types[kv.Stream]
	pieces, asides, _, err := walked(typ, bodyForm(e.Value().AppendBinary(nil)))
	want := []string{
		`stream last_id="5-2" max_deleted_id="5-1" entries_added="2"`,
		`group group="g" last_delivered_id="5-2" entries_read="2"`,
		`consumer group="g" consumer="ann"`,
		`consumer group="g" consumer="bob"`,
		fmt.Sprintf(`pending group="g" id="5-2" consumer="ann" delivered_unix_ms="%d" deliveries="1"`, s.now),
	}
	if err != nil || !slices.Equal(asides, want) || strings.Join(pieces, ",") != "5-2 0,f 0,w 0" {
		t.Errorf("%q, %q, %v", pieces, asides, err)
	}
}

func TestSurveyOfStrings(t *testing.T) {
	typ := Types()[kv.String]
	for text, want := range map[string]string{
		"": "embstr", "12": "int", "-9223372036854775808": "int", "012": "embstr", "abc": "embstr",
		strings.Repeat("x", 44): "embstr", strings.Repeat("x", 45): "raw", strings.Repeat("1", 45): "raw", strings.Repeat("1", 70_000): "raw",
	} {
		got, err := typ.Survey(bodyForm([]byte(text)))
		if err != nil || got.Encoding != want || got.Elements != 1 {
			t.Errorf("%.50q: %+v, %v", text, got, err)
		}
		pieces, _, _, err := walked(typ, bodyForm([]byte(text)))
		if err != nil || len(pieces) != 1 || pieces[0] != text+" 0" {
			t.Errorf("%.50q: walked as %.50q, %v", text, pieces, err)
		}
	}
}

// A visitor's error ends a walk, and is what it returns.
func TestWalkEnds(t *testing.T) {
	s, enough := surveyed(t), errors.New("enough")
	s.world.Keys.DB(0).Each(func(e kv.Entry) bool {
		if e.Kind() == kv.String {
			return true
		}
		f, calls := bodyForm(e.Value().AppendBinary(nil)), 0
		if p, ok := e.Value().(kv.Parted); ok && p.Parted() {
			f = partsForm(splitValue(p))
		}
		err := s.world.Keys.Types[e.Kind()].Walk(f, func(outline.Element) error {
			calls++
			return enough
		})
		if !errors.Is(err, enough) || calls != 1 {
			t.Errorf("%s: %v after %d calls", e.Key(), err, calls)
		}
		return true
	})
}

// Bytes that a type decodes it walks, and finds the same; other bytes are an error or the beginning of a walk, and never a panic.
func FuzzWalk(f *testing.F) {
	s := newStage(&testing.T{})
	for i := range 40 {
		s.run("RPUSH", "l", fmt.Sprint(i))
		s.run("SADD", "s", fmt.Sprint("m", i))
		s.run("SADD", "i", fmt.Sprint(i))
		s.run("ZADD", "z", fmt.Sprint(i/2), fmt.Sprint("m", i))
		s.run("HSET", "h", fmt.Sprint("f", i), "v")
		s.run("XADD", "x", fmt.Sprintf("%d-1", i+1), "f", "v")
	}
	s.run("HPEXPIREAT", "h", fmt.Sprint(s.now+1000), "FIELDS", "1", "f3")
	s.run("XGROUP", "CREATE", "x", "g", "0")
	s.run("XREADGROUP", "GROUP", "g", "c", "COUNT", "3", "STREAMS", "x", ">")
	s.world.Keys.DB(0).Each(func(e kv.Entry) bool {
		f.Add(byte(e.Kind()), e.Value().AppendBinary(nil), []byte(nil))
		if p, ok := e.Value().(kv.Parted); ok && e.Kind() != kv.ZSet && e.Kind() != kv.Set && e.Kind() != kv.Hash {
			head, parts := splitValue(p)
			f.Add(byte(e.Kind())|0x80, head, parts[0].payload)
		}
		return true
	})
	types := Types()
	f.Fuzz(func(t *testing.T, kind byte, body, payload []byte) {
		typ := types[kind&15]
		if typ.Walk == nil || typ.Decode == nil {
			return
		}
		form := bodyForm(body)
		parts := []storedPart{{1, payload}}
		if typ.Kind == kv.Stream {
			parts = []storedPart{{1, payload}, {1 << 63, payload}}
		}
		if kind&0x80 != 0 {
			form = partsForm(body, parts)
		}
		if summary, err := typ.Survey(form); err == nil && summary.Elements < 0 {
			t.Fatalf("%+v", summary)
		}
		got, _, _, err := walked(typ, form)
		if kind&0x80 != 0 {
			return
		}
		v, decoding := typ.Decode(body)
		if decoding == nil && (err != nil || !sameElements(got, held(typ, v))) {
			t.Fatalf("the value has %q, the walk %q, %v", held(typ, v), got, err)
		}
	})
}

// sameElements compares without the order, in which a large value is made that was stored in one piece. Fields that come twice
// in a small hash are seen twice by both.
func sameElements(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}
