package play

import (
	"testing"

	"holdfast/lab/disk"
)

func TestASampleHasJustSoManyStates(t *testing.T) {
	slots := []slot{{disk.Strict, 512, disk.OnlySynced}, {disk.Strict, 512, disk.Random}, {disk.Strict, 512, disk.Torn}}
	const points = 100
	var of census
	for range points {
		of.add(slots)
	}
	for _, c := range []struct{ states, want, most, sure int }{
		{states: 0, want: 300, most: 1, sure: 1},      // every slot
		{states: 1, want: 1, most: 1, sure: 0},        // a sample
		{states: 299, want: 299, most: 1, sure: 0},    // all but one
		{states: 300, want: 300, most: 1, sure: 1},    // every slot again
		{states: 301, want: 301, most: 2, sure: 1},    // and one of the chancy ones once more
		{states: 1000, want: 1000, most: 5, sure: 1},  // 700 more, of 200 chancy slots
		{states: 1500, want: 1500, most: 7, sure: 1},  // 1200 more: each six times
		{states: 5100, want: 5100, most: 25, sure: 1}, // and so on
	} {
		s, total := newSampler(of, c.states, 7)
		drawn := 0
		for range points {
			for _, slot := range slots {
				n := s.next(slot)
				drawn += n
				if most := c.most; n < c.sure || n > most || !slot.chancy() && n > 1 {
					t.Fatalf("%d states: %v is played %d times", c.states, slot, n)
				}
			}
		}
		if drawn != c.want || total != c.want {
			t.Errorf("%d states: %d were drawn, %d announced", c.states, drawn, total)
		}
	}
}

func TestWithoutChanceThereIsNoMoreThanOneOfEach(t *testing.T) {
	slots := []slot{{disk.Strict, 512, disk.OnlySynced}, {disk.Strict, 512, disk.Everything}}
	var of census
	for range 10 {
		of.add(slots)
	}
	if _, total := newSampler(of, 1000, 1); total != 20 {
		t.Errorf("%d states of 20 slots", total)
	}
}

func TestTheCacheKeepsToItsSizeAndTellsWhoWaits(t *testing.T) {
	c := newCache()
	var first digest
	if c.get(first) != nil {
		t.Fatal("a new cache knows something")
	}
	told := make(chan *shown)
	go func() { told <- c.get(first) }()
	c.put(first, nil) // the first to ask gives up: the second is to find out
	if s := <-told; s != nil {
		t.Errorf("%+v", s)
	}
	what := &shown{outcome: Sound, size: cacheMax / 2}
	c.put(first, what)
	if c.get(first) != what {
		t.Error("what was put is not there")
	}
	for i := range byte(5) {
		other := digest{1, i}
		if c.get(other) != nil {
			t.Fatal("another directory's")
		}
		c.put(other, &shown{size: cacheMax / 4})
		if c.size > cacheMax {
			t.Errorf("%d bytes", c.size)
		}
	}
	if c.get(first) != nil {
		t.Error("the oldest is still there")
	}
}
