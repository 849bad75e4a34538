package load

import (
	"testing"
	"time"
)

// The clock of these tests stands still until it is moved by hand.
func TestPaceReleasesWhatIsDue(t *testing.T) {
	const start = 5_000
	p := newPace(start, 1e6) // one a microsecond
	for _, step := range []struct {
		now  int64
		want []uint64
	}{
		{now: start - 1},
		{now: start, want: []uint64{0}},
		{now: start + 999},
		{now: start + 1000, want: []uint64{1}},
		{now: start + 4500, want: []uint64{2, 3, 4}}, // a stall of our own loses none
		{now: start + 4600},
	} {
		var got []uint64
		for i, due := p.release(step.now); due; i, due = p.release(step.now) {
			got = append(got, i)
		}
		if len(got) != len(step.want) {
			t.Errorf("at %d: %v, want %v", step.now, got, step.want)
			continue
		}
		for n := range got {
			if got[n] != step.want[n] || p.at(got[n]) != start+int64(got[n])*1000 {
				t.Errorf("at %d: %v, want %v", step.now, got, step.want)
			}
		}
	}
	if p.next() != start+5000 {
		t.Errorf("the next is due at %d", p.next())
	}
}

// A rate whose interval is no whole number of nanoseconds does not drift: an hour has its number of requests.
func TestPaceDoesNotDrift(t *testing.T) {
	const rate = 70_001.0
	p := newPace(0, rate)
	p.released = uint64(rate * time.Hour.Seconds())
	if off := p.next() - int64(time.Hour); off < -1000 || off > 1000 {
		t.Errorf("after an hour the next request is %d ns off", off)
	}
}
