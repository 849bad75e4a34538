package lua

import (
	"fmt"
	"strings"
	"testing"
)

// A text with many constants does what one with few does, wherever they stand, and has few in each of its functions.
func TestManyConstants(t *testing.T) {
	const many = 3000
	var b strings.Builder
	b.WriteString("local t, s, n = {}, {}, 0\n")
	for i := range many {
		fmt.Fprintf(&b, "t['k%d'] = %d.5 n = n + #'%d'\n", i, i, i)
		fmt.Fprintf(&b, "s.f%d = function(x) return x + t.k%d - %d.5, {a%d = 'v%d'} end\n", i, i, i, i, i)
	}
	fmt.Fprintf(&b, "function s.last(x) for i = %d, %d do x = x + i end return x end\n", many+7, many+8)
	fmt.Fprintf(&b, "local _, made = s.f%d(1)\n", many-1)
	fmt.Fprintf(&b, "return {t.k%d * 2, n, (s.f%d(7)), made.a%d, s.last(-1), s['f17'] == s.f17}", many-1, many-1, many-1)
	want := fmt.Sprintf("*6 :%d :10890 :7 $5 v%d :%d :1", 2*many-1, many-1, 2*many+14)
	got := strings.Join(strings.Fields(run(t, newTestMachine(false), &fakeHost{looks: -1}, b.String())), " ")
	if got != want {
		t.Errorf("returned %s\nwant     %s", got, want)
	}
	s, err := Compile([]byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(s.proto.Constants); n > 500 {
		t.Errorf("the script has %d constants itself", n)
	}
}

// Names cannot be put aside, so a text may have so many.
func TestTooManyNames(t *testing.T) {
	var b strings.Builder
	for i := range namesMax + 1 {
		fmt.Fprintf(&b, "f%d()\n", i)
	}
	if _, err := Compile([]byte(b.String())); err == nil || !strings.Contains(err.Error(), "different names") {
		t.Errorf("error %v", err)
	}
}
