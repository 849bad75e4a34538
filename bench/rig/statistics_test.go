package rig

import (
	"math"
	"slices"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		numbers []float64
		want    float64
	}{
		{[]float64{3}, 3},
		{[]float64{9, 1, 3}, 3},
		{[]float64{9, 1, 3, 5}, 4},
		{[]float64{1, 1, 1000}, 1},
	} {
		given := slices.Clone(c.numbers)
		if got := Median(c.numbers); got != c.want {
			t.Errorf("Median(%v) = %v, want %v", c.numbers, got, c.want)
		}
		if !slices.Equal(c.numbers, given) {
			t.Errorf("median reordered %v to %v", given, c.numbers)
		}
	}
	for _, unknown := range [][]float64{nil, {1, math.NaN(), 2}} {
		if got := Median(unknown); !math.IsNaN(got) {
			t.Errorf("Median(%v) = %v, want NaN", unknown, got)
		}
	}
}

// The median of ratios is not the ratio of medians: here one side wins two rounds of three, and its median is lower.
func TestRatiosArePairwise(t *testing.T) {
	left, right := []float64{10, 20, 90}, []float64{5, 25, 60}
	got := Ratios(left, right)
	if want := []float64{2, 0.8, 1.5}; !slices.Equal(got, want) {
		t.Fatalf("ratios = %v, want %v", got, want)
	}
	if Median(got) <= 1 || Median(left) >= Median(right) {
		t.Errorf("median of ratios %v, medians %v and %v", Median(got), Median(left), Median(right))
	}
}

func TestRatioToNothingIsUnknown(t *testing.T) {
	got := Ratios([]float64{1, 0, 1}, []float64{0, 0, 2})
	if !math.IsNaN(got[0]) || !math.IsNaN(got[1]) || got[2] != 0.5 {
		t.Errorf("ratios = %v", got)
	}
}
