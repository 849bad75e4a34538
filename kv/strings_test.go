package kv

import (
	"bytes"
	"fmt"
	"testing"

	"holdfast/expiry"
)

// A string crosses each border there is: of its size class, of the block, with and without a deadline, under a key in
// the block and in the pool.
func TestStringsAcrossEveryBorder(t *testing.T) {
	sizes := []int{0, 1, 11, 12, 13, 60, 100, 116, 117, 470, 500, 512, 900, 1000, 1004, 1008, 1012, 1013, 1024, 1025,
		2000, 4096, 100_000}
	for _, size := range []int{0, 1, 512, 513, 40_000} {
		key := bytes.Repeat([]byte("k"), size)
		for _, from := range sizes {
			for _, to := range sizes {
				crossBorder(t, key, from, to)
			}
		}
	}
}

func crossBorder(t *testing.T, key []byte, from, to int) {
	t.Helper()
	ks := New(1, toyTypes())
	db := ks.DB(0)
	a, b := bytes.Repeat([]byte("a"), from), bytes.Repeat([]byte("b"), to)
	want := func(what string, text []byte, deadline int64, raw bool) {
		t.Helper()
		check(t, ks)
		e, ok := db.Peek(key)
		if !ok || !bytes.Equal(e.Text(), text) || e.Deadline() != deadline || e.Raw() != raw || !bytes.Equal(e.Key(), key) {
			t.Fatalf("key of %d bytes, value from %d to %d bytes, %s: %v, %d bytes, deadline %d, raw %v",
				len(key), from, to, what, ok, len(e.Text()), e.Deadline(), e.Raw())
		}
	}
	db.SetString(key, a, expiry.None)
	db.SetString(key, b, expiry.None)
	want("overwritten", b, 0, false)
	db.SetString(key, a, 7)
	db.SetString(key, b, 8)
	want("overwritten, with deadlines", b, 8, false)
	db.EditString(key, true)
	db.SetDeadline(key, 0)
	want("without its deadline", b, 0, true)
	db.SetDeadline(key, 9)
	want("with a deadline again", b, 9, true)
	db.SetString(key, a, 0)
	grown := db.GrowString(key, from+to)
	want("grown", append(bytes.Clone(a), make([]byte, to)...), 0, true)
	copy(grown[from:], b)
	want("written to", append(bytes.Clone(a), b...), 0, true)
	db.GrowString(key, 0)
	want("not shortened", append(bytes.Clone(a), b...), 0, true)
	e, _ := db.Peek(key)
	db.SetString(key, e.Text()[from:], 0)
	want("set to its own end", b, 0, false)
}

func TestGrowStringByAppending(t *testing.T) {
	ks := New(1, toyTypes())
	db, key := ks.DB(0), []byte("k")
	var want []byte
	for i := range 5000 {
		piece := fmt.Appendf(nil, "%d,", i)
		copy(db.GrowString(key, len(want)+len(piece))[len(want):], piece)
		want = append(want, piece...)
	}
	check(t, ks)
	if e, _ := db.Peek(key); !bytes.Equal(e.Text(), want) || e.Bytes() > 3*int64(len(want)) {
		t.Fatalf("%d bytes, in %d, of %d appended", len(e.Text()), e.Bytes(), len(want))
	}
}

// What a pooled string's memory held before does not show when the string grows again.
func TestGrowStringInMemoryThatWasUsed(t *testing.T) {
	db, key := New(1, toyTypes()).DB(0), []byte("k")
	db.SetString(key, bytes.Repeat([]byte("x"), 4000), 0)
	db.SetString(key, bytes.Repeat([]byte("y"), 2500), 0)
	if b := db.GrowString(key, 4000); !bytes.Equal(b[2500:], make([]byte, 1500)) {
		t.Fatalf("the new bytes are not zero: %q…", b[2500:2510])
	}
}

// A deadline that comes between an edit and its count must not lose the count (LPUSH and EXPIRE in one MULTI).
func TestSettleAfterAChangeOfTheBlock(t *testing.T) {
	ks := New(1, toyTypes())
	db, key := ks.DB(0), []byte("key:0000001")               // the deadline wants a larger block
	db.SetValue(key, toyKind, &toy{b: make([]byte, 400)}, 0) // too many to be packed
	before := ks.DataBytes()
	v, _ := db.Edit(key)
	v.(*toy).b = make([]byte, 1400)
	db.SetDeadline(key, 5)
	ks.Settle()
	if grew := ks.DataBytes() - before; grew != 1000+8 {
		t.Fatalf("1000 bytes more, and a deadline, count as %d", grew)
	}
	check(t, ks)
}
