package main

import (
	"strings"
	"testing"
)

func TestKeysAndValuesHaveTheirSize(t *testing.T) {
	if got := string(appendKey(nil, 42)); got != "key:000000000042" {
		t.Errorf("key 42 is %q", got)
	}
	for _, i := range []uint64{0, 1, 999_999, keysMax - 1} {
		if key, value := appendKey(nil, i), appendValue(nil, i, 3); len(key) != keyBytes || len(value) != valueBytes {
			t.Errorf("key %d: %q, %q", i, key, value)
		}
	}
}

// A value shows whose it is, in every version, and a new version is another value.
func TestValuesCanBeChecked(t *testing.T) {
	first, second := string(appendValue(nil, 7, 0)), string(appendValue(nil, 7, 1))
	if !isValue(first, 7) || !isValue(second, 7) || first == second {
		t.Errorf("key 7 has %q and %q", first, second)
	}
	for _, wrong := range []string{"", first[:fixedBytes], first + "x", string(appendValue(nil, 8, 0))} {
		if isValue(wrong, 7) {
			t.Errorf("%q passes for a value of key 7", wrong)
		}
	}
}

// No pattern that a compression would find: no character is much more frequent than others.
func TestValuesLookRandom(t *testing.T) {
	var all []byte
	for i := range uint64(1000) {
		all = appendValue(all, i, 0)
	}
	mean := len(all) / len(alphabet)
	for _, c := range alphabet {
		if n := strings.Count(string(all), string(c)); n < mean*3/4 || n > mean*5/4 {
			t.Errorf("%d times %q; the mean is %d", n, c, mean)
		}
	}
}

func TestScatteredVisitsEveryKeyOnce(t *testing.T) {
	for _, n := range []uint64{1, 2, 10_000, 65_536, 200_000} {
		seen := make([]bool, n)
		for j := range n {
			i := scattered(j, n)
			if seen[i] {
				t.Fatalf("%d keys: %d comes twice", n, i)
			}
			seen[i] = true
		}
	}
}
