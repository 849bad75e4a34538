package zsets

import (
	"fmt"
	"testing"
)

func TestAMemberThatIsTooLongForAPart(t *testing.T) {
	z, limits := New(), limit(0, 0)
	for i := range 20_000 {
		z.Put(fmt.Appendf(nil, "member-%d", i), float64(i), limits)
	}
	if !z.Parted() {
		t.Fatal("not in parts")
	}
	giant := make([]byte, partMax)
	z.Put(giant, 1e9, limits)
	if z.Parted() {
		t.Error("a part of more than a store takes")
	}
	z.Remove(giant)
	if !z.Parted() {
		t.Error("not in parts again")
	}
}
