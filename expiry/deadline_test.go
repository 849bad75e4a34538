package expiry

import (
	"errors"
	"math"
	"testing"
)

// The edges are those of EXPIRE, PEXPIRE, EXPIREAT and PEXPIREAT of a Redis 7.0.15.
func TestDeadline(t *testing.T) {
	const now int64 = 1_700_000_000_000
	const most, least int64 = math.MaxInt64, math.MinInt64
	in, pin := Unit{Seconds: true}, Unit{}
	at, pat := Unit{Seconds: true, Absolute: true}, Unit{Absolute: true}
	for _, c := range []struct {
		n     int64
		unit  Unit
		want  int64
		fails bool
	}{
		{n: 0, unit: in, want: now},
		{n: 10, unit: in, want: now + 10_000},
		{n: -10, unit: in, want: now - 10_000},
		{n: 10, unit: pin, want: now + 10},
		{n: -1, unit: pin, want: now - 1},
		{n: 10, unit: at, want: 10_000},
		{n: 10, unit: pat, want: 10},
		{n: 0, unit: pat, want: 0},
		{n: -1, unit: at, want: -1000},

		{n: (most - now) / 1000, unit: in, want: now + (most-now)/1000*1000},
		{n: (most-now)/1000 + 1, unit: in, fails: true},
		{n: most / 1000, unit: in, fails: true},
		{n: most, unit: in, fails: true},
		{n: least / 1000, unit: in, want: least/1000*1000 + now},
		{n: least/1000 - 1, unit: in, fails: true},
		{n: least, unit: in, fails: true},

		{n: most - now, unit: pin, want: most},
		{n: most - now + 1, unit: pin, fails: true},
		{n: most, unit: pin, fails: true},
		{n: least, unit: pin, want: least + now},

		{n: most / 1000, unit: at, want: most / 1000 * 1000},
		{n: most/1000 + 1, unit: at, fails: true},
		{n: most, unit: at, fails: true},
		{n: least / 1000, unit: at, want: least / 1000 * 1000},
		{n: least/1000 - 1, unit: at, fails: true},
		{n: least, unit: at, fails: true},

		{n: most, unit: pat, want: most},
		{n: least, unit: pat, want: least},
	} {
		got, err := Deadline(c.n, c.unit, now)
		if got != c.want || errors.Is(err, ErrRange) != c.fails || err != nil && !c.fails {
			t.Errorf("Deadline(%d, %+v) = %d, %v; want %d, an error: %v", c.n, c.unit, got, err, c.want, c.fails)
		}
	}
}

func TestLeft(t *testing.T) {
	for _, c := range []struct{ deadline, now, left, seconds int64 }{
		{5000, 1000, 4000, 4},
		{1000, 1000, 0, 0},
		{999, 1000, 0, 0},
		{1001, 1000, 1, 0},
		{1499, 1000, 499, 0},
		{1500, 1000, 500, 1}, // TTL rounds to the nearest second
		{2499, 1000, 1499, 1},
		{2500, 1000, 1500, 2},
		{-5, 1000, 0, 0},
		{math.MinInt64, 1000, 0, 0},
		{math.MaxInt64, 1000, math.MaxInt64 - 1000, (math.MaxInt64 - 500) / 1000},
	} {
		if got := Left(c.deadline, c.now); got != c.left {
			t.Errorf("Left(%d, %d) = %d; want %d", c.deadline, c.now, got, c.left)
		}
		if got := LeftSeconds(c.deadline, c.now); got != c.seconds {
			t.Errorf("LeftSeconds(%d, %d) = %d; want %d", c.deadline, c.now, got, c.seconds)
		}
	}
}
