package lists

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

func TestEncodingIsWhatTheFormatSays(t *testing.T) {
	l := New()
	l.PushBack([]byte("ab"))
	l.PushBack(nil)
	l.PushBack(bytes.Repeat([]byte{'x'}, 130))
	want := append([]byte{1, 3, 2, 'a', 'b', 2, 0, 0, 0x82, 0x01}, bytes.Repeat([]byte{'x'}, 130)...)
	want = append(want, 0x01, 0x82)
	if got := l.AppendBinary([]byte("before")); !bytes.Equal(got, append([]byte("before"), want...)) {
		t.Fatalf("encoded as %x", got)
	}
}

func TestDecodeRefuses(t *testing.T) {
	huge := binary.AppendUvarint([]byte{1, 1}, 1<<62)
	for name, b := range map[string][]byte{
		"nothing":                      {},
		"another version":              {2, 0},
		"no count":                     {1},
		"an unfinished count":          {1, 0x80},
		"a count of more bytes":        {1, 0x80, 0},
		"a count over 64 bits":         append([]byte{1}, bytes.Repeat([]byte{0xff}, 10)...),
		"fewer elements than counted":  {1, 2, 1, 'a', 1},
		"more elements than counted":   {1, 0, 1, 'a', 1},
		"an element cut short":         {1, 1, 2, 'a'},
		"no second length":             {1, 1, 1, 'a'},
		"lengths that differ":          {1, 1, 1, 'a', 2},
		"a length of more bytes":       {1, 1, 0x81, 0, 'a', 0, 0x81},
		"a length that nothing backs":  huge,
		"a length over 64 bits":        append([]byte{1, 1}, bytes.Repeat([]byte{0xff}, 11)...),
		"a billion elements of a byte": append(binary.AppendUvarint([]byte{1}, 1<<30), 0),
	} {
		if l, err := Decode(b); !errors.Is(err, ErrCorrupt) || l != nil {
			t.Errorf("%s: %v, %v", name, l, err)
		}
	}
}

func TestDecodeFindsEveryCutAndTheEmptyList(t *testing.T) {
	whole := of("a bb ccc dddd").AppendBinary(nil)
	for n := range whole {
		if _, err := Decode(whole[:n]); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%d of %d bytes: %v", n, len(whole), err)
		}
	}
	l, err := Decode(New().AppendBinary(nil))
	if err != nil || l.Len() != 0 || l.Bytes() != New().Bytes() {
		t.Errorf("the empty list comes back as %v, %v", l, err)
	}
}

func TestDecodeDoesNotReferToItsInput(t *testing.T) {
	b := of("a bb ccc").AppendBinary(nil)
	l, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	clear(b)
	if got := text(t, l); got != "a bb ccc" {
		t.Errorf("contents %q", got)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add(New().AppendBinary(nil))
	f.Add(of("a bb ccc").AppendBinary(nil))
	f.Add(of(strings.Repeat("x ", 3000)).AppendBinary(nil)) // two nodes
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := Decode(b)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("not ErrCorrupt: %v", err)
			}
			return
		}
		check(t, l)
		contents(t, l)
		if again := l.AppendBinary(nil); !bytes.Equal(again, b) {
			t.Fatalf("%x decodes, and encodes as %x", b, again)
		}
	})
}

// FuzzParts takes its input for a head and parts: a byte for the length of each, then that many bytes.
func FuzzParts(f *testing.F) {
	f.Add([]byte{3, 1, 1, 1, 3, 1, 'a', 1})
	f.Add([]byte{3, 1, 2, 3, 3, 1, 'a', 1, 5, 0, 0, 1, 'b', 1})
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
		head, id := field(), uint64(0)
		l, err := FromParts(head, func() (uint64, []byte, bool, error) {
			id++
			return id, field(), len(b) > 0, nil
		})
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("not ErrCorrupt: %v", err)
			}
			return
		}
		check(t, l)
		contents(t, l)
		l.PushFront([]byte("front"))
		l.Insert([]byte("front"), make([]byte, 5000), true)
		check(t, l)
		if again := l.AppendHead(nil); len(head) > 0 && again[0] != head[0] {
			t.Fatalf("head %x", again)
		}
	})
}
