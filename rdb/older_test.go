package rdb

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"holdfast/outline"
	"holdfast/streams"
)

// ziplistOf puts elements, each its form and its data, into a ziplist.
func ziplistOf(elements ...string) []byte {
	b := make([]byte, ziplistHead)
	before := 0
	for _, e := range elements {
		start := len(b)
		if before < 254 {
			b = append(b, byte(before))
		} else {
			b = binary.LittleEndian.AppendUint32(append(b, 254), uint32(before))
		}
		b = append(b, e...)
		before = len(b) - start
	}
	b = append(b, runEnd)
	binary.LittleEndian.PutUint32(b, uint32(len(b)))
	binary.LittleEndian.PutUint16(b[8:], uint16(len(elements)))
	return b
}

// listpackOf puts texts into a listpack, those that are decimal numbers as such.
func listpackOf(elements ...string) []byte {
	p := newPack()
	for _, e := range elements {
		if n, ok := canonical([]byte(e)); ok {
			p.number(n)
		} else {
			p.text([]byte(e))
		}
	}
	return p.done()
}

// What servers before 7.0 wrote is read too, and what those after it write, to a value and element by element. No such server is
// here: the bytes are made by hand from the description.
func TestTypesOfOtherVersions(t *testing.T) {
	long := strings.Repeat("x", 300)
	numbers := ziplistOf("\x03abc", "\xf1", "\xfd", "\xfe\xfb", "\xc0\x2c\x01", "\xf0\x00\x00\x80", "\xd0\xff\xff\xff\x7f",
		"\xe0\x00\x00\x00\x00\x00\x00\x00\x80", "\x41\x2c"+long, "\x80\x00\x00\x01\x2c"+long, "\x00")
	want := `"abc" "0" "12" "-5" "300" "-8388608" "2147483647" "-9223372036854775808" "` + long + `" "` + long + `" "" `
	pairs := ziplistOf("\x01f", "\xf3", "\x01g", "\x031.5")
	timed := binary.LittleEndian.AppendUint64([]byte{typeHashTimedLP}, 5000)
	for name, c := range map[string]struct {
		body     []byte
		want     string
		elements string // of a walk; the same where it is empty
	}{
		"a list in one ziplist":   {appendBytes([]byte{typeListZiplist}, numbers), want, ""},
		"a list in ziplists":      {appendBytes(appendBytes([]byte{typeListZiplists, 2}, numbers), numbers), want + want, ""},
		"a hash in a ziplist":     {appendBytes([]byte{typeHashZiplist}, pairs), "false 9223372036854775807\n\"f\" \"2\" 0 \"g\" \"1.5\" 0 ", `"f" "2" "g" "1.5" `},
		"a sorted set in one":     {appendBytes([]byte{typeZSetZiplist}, ziplistOf("\x01b", "\x031.5", "\x01a", "\xf3")), "false\n\"b\" 1.5 \"a\" 2 ", `"b" "1.5" "a" "2" `},
		"a sorted set in decimal": {[]byte("\x03\x03\x01a\x031.5\x01b\xfe\x01c\xff"), "false\n\"c\" -Inf \"a\" 1.5 \"b\" +Inf ", `"a" "1.5" "b" "inf" "c" "-inf" `},
		"a list of two nodes":     {appendBytes(append(appendBytes([]byte{typeListNodes, 2, 1}, []byte("a")), 2), listpackOf("b", "300")), `"a" "b" "300" `, ""},
		"a set in a listpack":     {appendBytes([]byte{typeSetListpack}, listpackOf("a", "-7")), "hashtable 2\n\"a\" \"-7\" ", `"a" "-7" `},
		"a hash with deadlines":   {appendBytes(timed, listpackOf("f", "2", "5000", "g", "x", "0")), "false 5000\n\"f\" \"2\" 5000 \"g\" \"x\" 0 ", `"f" "2" 5000 "g" "x" `},
	} {
		o, err := Decode(seal(c.body, 9), testRules())
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := plain(o); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
		var elements strings.Builder
		w := walk{reader: &reader{b: c.body[1:], max: 1 << 20}, visit: func(e outline.Element) error {
			for _, p := range e.Pieces {
				fmt.Fprintf(&elements, "%q ", p.Bytes)
			}
			if e.Deadline > 0 {
				fmt.Fprint(&elements, e.Deadline, " ")
			}
			return nil
		}}
		if w.value(c.body[0]); !w.ok() || elements.String() != cmp.Or(c.elements, c.want) {
			t.Errorf("%s: a walk gives %s, failed %t", name, elements.String(), w.failed)
		}
	}
	broken := ziplistOf("\x01f", "\xf3")
	broken[ziplistHead+3]++ // the length before the second element
	if _, err := Decode(seal(appendBytes([]byte{typeListZiplist}, broken), 9), testRules()); err == nil {
		t.Error("a ziplist whose lengths disagree is read")
	}
}

// What groups of a stream from before 7.0 have read is the same to a walk as to the value that is made.
func TestStreamBefore7(t *testing.T) {
	s := streams.New()
	for ms := uint64(5); ms < 9; ms++ {
		s.Append(streams.ID{MS: ms}, [][]byte{[]byte("f"), []byte("v")}, testRules().Streams)
	}
	var nodes nodeWriter
	s.Range(streams.ID{}, streams.MaxID(), func(e streams.Entry) bool {
		if nodes.entries == 0 {
			nodes = newNode(e.ID, e.Pairs())
		}
		nodes.add(e.ID, e.Len(), e.Pairs())
		return true
	})
	for _, last := range []uint64{8, 20} { // the last entry, or one that was deleted
		body := appendBytes(appendBytes([]byte{typeStream5_0, 1}, appendRawID(nil, nodes.first)), nodes.done())
		body = appendID(appendLength(body, 4), streams.ID{MS: last})
		reads := []uint64{0, 4, 5, 6, 8, 9, 20, 21}
		body = appendLength(body, uint64(len(reads)))
		for i, ms := range reads {
			body = appendID(appendString(body, []byte{'g', byte('a' + i)}), streams.ID{MS: ms})
			body = append(body, 0, 0) // nothing pending, no consumers
		}
		o, err := Decode(seal(body, 9), testRules())
		if err != nil {
			t.Fatal(err)
		}
		groups := 0
		w := walk{reader: &reader{b: body[1:], max: 1 << 20}, visit: func(e outline.Element) error {
			if e.Aside != "group" {
				return nil
			}
			groups++
			name, read := e.Pieces[0].Bytes, string(e.Pieces[2].Bytes)
			if want := o.Value.(*streams.Stream).Group(name).Read; read != strconv.FormatInt(want, 10) {
				t.Errorf("group %s of a stream up to %d: %s entries read, in the value %d", name, last, read, want)
			}
			return nil
		}}
		if w.value(typeStream5_0); !w.ok() || groups != len(reads) {
			t.Errorf("a walk of %d groups, failed %t, %v", groups, w.failed, w.err)
		}
	}
}

// A compressed string that says to be longer than any can be is refused, and told.
func TestCompressedBeyondAll(t *testing.T) {
	file := append([]byte("REDIS0010\x00\x01k"), specialLZ)
	file = appendLength(appendLength(file, 3), 1<<33)
	f, err := Open(bytes.NewReader(append(file, "abc"...)), int64(len(file)+3))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Next(); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "compressed string of 8589934592 bytes") {
		t.Error(err)
	}
}
