package hashes

import (
	"errors"
	"fmt"
	"testing"

	"holdfast/dict"
)

func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct{ name, b string }{
		{"nothing", ""},
		{"another version", "\x02\x00\x00"},
		{"another form", "\x01\x02\x00"},
		{"no count", "\x01\x00"},
		{"a count longer than need be", "\x01\x00\x80\x00"},
		{"fewer fields than announced", "\x01\x00\x02\x01a\x02b"},
		{"more fields than announced", "\x01\x00\x00\x01a\x02b"},
		{"a field that is cut off", "\x01\x00\x01\x05a"},
		{"a value that is cut off", "\x01\x00\x01\x01a\x04b"},
		{"no value", "\x01\x00\x01\x01a"},
		{"a deadline that is cut off", "\x01\x00\x01\x01a\x03\x01\x02"},
		{"a deadline of 0", "\x01\x00\x01\x01a\x03\x00\x00\x00\x00\x00\x00\x00\x00b"},
		{"a negative deadline", "\x01\x00\x01\x01a\x03\x00\x00\x00\x00\x00\x00\x00\xffb"},
		{"a length of 2^63", "\x01\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7fa"},
		{"a length longer than need be", "\x01\x00\x01\x81\x00a\x02b"},
	} {
		if h, err := Decode([]byte(c.b)); !errors.Is(err, ErrCorrupt) || h != nil {
			t.Errorf("%s: %v, %v", c.name, h, err)
		}
	}
}

func TestLargeFormRefuses(t *testing.T) {
	held := func(values ...string) []byte {
		d := dict.New(dict.Seed{})
		for i, v := range values {
			d.Set(fmt.Appendf(nil, "f%d", i), []byte(v))
		}
		return d.AppendBinary([]byte("\x01\x01\x01"))
	}
	for _, c := range []struct {
		name string
		b    []byte
	}{
		{"no deadline where one is announced", held("\x00v")},
		{"two deadlines where one is announced", held("\x01\x01\x00\x00\x00\x00\x00\x00\x00v", "\x01\x01\x00\x00\x00\x00\x00\x00\x00v")},
		{"a value without its mark", held("")},
		{"an unknown mark", held("\x02\x01\x00\x00\x00\x00\x00\x00\x00v")},
		{"half a deadline", held("\x01\x01\x00")},
		{"a negative deadline", held("\x01\x00\x00\x00\x00\x00\x00\x00\xffv")},
	} {
		if h, err := Decode(c.b); !errors.Is(err, ErrCorrupt) || h != nil {
			t.Errorf("%s: %v, %v", c.name, h, err)
		}
	}
	h, err := Decode(held("\x01\x01\x00\x00\x00\x00\x00\x00\x00v"))
	if err != nil || h.Lapses() != 1 || h.Len() != 1 {
		t.Errorf("a sound hash: %v, %v", h, err)
	}
	if _, err := FromParts([]byte("\x01\x00\x00"), nil); !errors.Is(err, ErrCorrupt) {
		t.Errorf("parts of a small hash: %v", err)
	}
}

// What decodes encodes to the same bytes again, and can be used.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("\x01\x00\x00"))
	f.Add([]byte("\x01\x00\x02\x01a\x02b\x01c\x03\x01\x00\x00\x00\x00\x00\x00\x00d"))
	h := New()
	h.Set([]byte("field"), []byte("value"))
	h.SetDeadline([]byte("field"), 7)
	h.Enlarge(dict.Seed{1})
	f.Add(h.AppendBinary(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := Decode(b)
		if err != nil {
			return
		}
		again := h.AppendBinary(nil)
		back, err := Decode(again)
		if err != nil || back.Len() != h.Len() || back.Timed() != h.Timed() || back.Lapses() != h.Lapses() {
			t.Fatalf("%q: again %q: %v", b, again, err)
		}
		h.Set([]byte("field"), []byte("another"))
		if v, ok := h.Get([]byte("field")); !ok || string(v) != "another" {
			t.Fatalf("%q: a field set reads %q", b, v)
		}
		h.Lapse(1<<62, 1<<16)
	})
}

// Heads are hostile too.
func FuzzFromParts(f *testing.F) {
	f.Add([]byte("\x01\x01\x00"), []byte(""), uint64(1))
	f.Fuzz(func(t *testing.T, head, part []byte, id uint64) {
		given := false
		h, err := FromParts(head, func() (uint64, []byte, bool, error) {
			if given {
				return 0, nil, false, nil
			}
			given = true
			return id, part, true, nil
		})
		if err != nil {
			return
		}
		n := 0
		for range h.All() {
			n++
		}
		if n != h.Len() {
			t.Fatalf("%d fields; it counts %d", n, h.Len())
		}
	})
}

func TestEncodings(t *testing.T) {
	h := New()
	h.Set([]byte("f"), []byte("v"))
	expect := func(want string) {
		t.Helper()
		if h.Encoding() != want {
			t.Errorf("the encoding is %s, not %s", h.Encoding(), want)
		}
	}
	expect("listpack")
	h.SetDeadline([]byte("f"), 5)
	expect("listpackex")
	h.Enlarge(dict.Seed{})
	expect("hashtable")
	if at := h.Lapses(); at != 5 {
		t.Errorf("the large hash lapses at %d", at)
	}
}

// A small hash takes little more than its bytes.
func TestBytesOfASmallHash(t *testing.T) {
	h := New()
	for i := range 5 {
		h.Set(fmt.Appendf(nil, "field%d", i), []byte("0123456789"))
	}
	if n := h.Bytes(); n > 32+96 {
		t.Errorf("5 fields of 6 and 10 bytes take %d bytes", n)
	}
	for i := range 4 {
		h.Delete(fmt.Appendf(nil, "field%d", i))
	}
	if n := h.Bytes(); n > 32+48 {
		t.Errorf("what is left of them takes %d bytes", n)
	}
}
