package rdb

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestFunctionsComeBack(t *testing.T) {
	for _, codes := range [][][]byte{nil, {[]byte("")}, {[]byte("#!lua name=a\nx"), []byte(strings.Repeat("long ", 5000)), []byte("12")}} {
		got, err := DecodeFunctions(EncodeFunctions(codes), 1<<20)
		if err != nil || !bytes.Equal(bytes.Join(got, []byte("|")), bytes.Join(codes, []byte("|"))) || len(got) != len(codes) {
			t.Errorf("%.100q came back as %.100q, %v", codes, got, err)
		}
	}
}

func TestFunctionsAreRefused(t *testing.T) {
	for _, c := range []struct {
		payload []byte
		want    error
	}{
		{[]byte("x"), ErrChecksum},
		{seal([]byte{0, 1, 'x'}, version7_0), ErrNotFunction},
		{seal([]byte{opFunction}, version7_0), ErrCorrupt},
		{seal([]byte{opFunction, 5, 'x'}, version7_0), ErrCorrupt},
		{EncodeFunctions([][]byte{[]byte(strings.Repeat("x", 200))}), ErrCorrupt},
	} {
		if _, err := DecodeFunctions(c.payload, 100); !errors.Is(err, c.want) {
			t.Errorf("%q: %v, want %v", c.payload, err, c.want)
		}
	}
}

func FuzzFunctions(f *testing.F) {
	f.Add([]byte{opFunction, 1, 'x', opFunction, special32, 1, 2, 3, 4})
	f.Add([]byte{opFunction, specialLZ, 4, 60, 0, 'x', 0xe0, 0x20})
	f.Fuzz(func(t *testing.T, body []byte) {
		const most = 1 << 16
		codes, err := DecodeFunctions(seal(bytes.Clone(body), version7_0), most)
		if err != nil {
			return
		}
		again, err := DecodeFunctions(EncodeFunctions(codes), most)
		if err != nil || !bytes.Equal(bytes.Join(again, []byte{0}), bytes.Join(codes, []byte{0})) {
			t.Fatalf("%q came back as %q, %v", codes, again, err)
		}
	})
}
