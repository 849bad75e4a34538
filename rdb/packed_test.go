package rdb

import (
	"bytes"
	"math"
	"testing"
)

// Numbers and texts on both sides of each length of their forms. The length behind an element, too, takes a byte more where it
// grows: for texts of 16,378 bytes and of 2,097,146.
func TestElementsOfAListpackComeBack(t *testing.T) {
	var numbers []int64
	for _, bits := range []int{0, 6, 7, 12, 13, 15, 23, 31, 47, 63} {
		edge := int64(1) << bits // of 63 the least number
		numbers = append(numbers, edge-1, edge, -edge, -edge-1)
	}
	numbers = append(numbers, math.MaxInt64, math.MinInt64)
	sizes := []int{0, 1, 63, 64, 125, 126, 4095, 4096, 16_376, 16_377, 16_378, 16_379, 1<<21 - 7, 1<<21 - 6}
	p := newPack()
	for _, n := range numbers {
		p.number(n)
	}
	for _, n := range sizes {
		p.text(bytes.Repeat([]byte{'x'}, n))
	}
	r := &reader{b: appendBytes(nil, p.done()), max: math.MaxInt64}
	run := r.listpack()
	for _, want := range numbers {
		if e, ok := run.next(); !ok || e.isText || e.number != want {
			t.Fatalf("%d comes back as %d, text %v; %v", want, e.number, e.isText, ok)
		}
	}
	for _, want := range sizes {
		if e, ok := run.next(); !ok || !e.isText || len(e.text) != want {
			t.Fatalf("a text of %d bytes comes back as one of %d; %v", want, len(e.text), ok)
		}
	}
	if _, ok := run.next(); ok || r.failed {
		t.Errorf("behind the last: another %v, failed %v", ok, r.failed)
	}
}
