package engine

import (
	"bytes"
	"testing"
)

func TestExtraComesBack(t *testing.T) {
	for _, x := range []extra{{}, {functions: []byte{}}, {functions: []byte("dump")}} {
		got, err := decodeExtra(x.encode())
		if err != nil || !bytes.Equal(got.functions, x.functions) || (got.functions == nil) != (x.functions == nil) {
			t.Errorf("%q came back as %q, %v", x.functions, got.functions, err)
		}
	}
}

// A base whose meta has what this version does not know is not served as if it had not.
func FuzzExtra(f *testing.F) {
	f.Add([]byte("F\x01\x00\x00\x00x"))
	f.Add([]byte("F\xff\xff\xff\xffx"))
	f.Add([]byte("G\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := decodeExtra(b)
		if err == nil && !bytes.Equal(x.encode(), b) {
			t.Fatalf("%q is read, and would be written as %q", b, x.encode())
		}
	})
}
