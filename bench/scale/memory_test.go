package main

import (
	"errors"
	"testing"
)

func TestSamplerKeepsThePeak(t *testing.T) {
	sizes := []int64{5, 9, 7}
	looked := make(chan struct{})
	n := 0
	s := watch(func() (int64, error) {
		size := sizes[min(n, len(sizes)-1)]
		if n++; n == len(sizes) {
			close(looked)
		}
		return size, nil
	})
	<-looked
	if peak, err := s.peakBytes(); err != nil || peak != 9 {
		t.Errorf("peak %d, %v", peak, err)
	}
	broken := watch(func() (int64, error) { return 0, errWrong })
	if _, err := broken.peakBytes(); !errors.Is(err, errWrong) {
		t.Errorf("an error gets lost: %v", err)
	}
}
