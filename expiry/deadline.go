// Package expiry is the arithmetic of deadlines and the exact index of what is due.
//
// A deadline is an absolute unix time in milliseconds, wherever it stands: in memory, in the log, in a
// snapshot. Relative times exist only in a client's request; Deadline turns them into absolute ones, once.
// That is why a restart, however long it takes, neither lengthens nor shortens a TTL.
package expiry

import (
	"errors"
	"math"
)

// None is the deadline of what never expires.
const None int64 = 0

// ErrRange says that a time does not fit into 64 bits of milliseconds.
var ErrRange = errors.New("deadline out of range")

// Unit is what a number in a request means.
type Unit struct {
	// Seconds: the number counts seconds, not milliseconds.
	Seconds bool
	// Absolute: the number is a unix time, not a time from now.
	Absolute bool
}

// Deadline returns the unix millisecond that n stands for, as Redis 7.0 computes it: seconds are multiplied
// first, then now is added, and each step that leaves 64 bits is ErrRange.
func Deadline(n int64, u Unit, now int64) (int64, error) {
	if u.Seconds {
		if n > math.MaxInt64/1000 || n < math.MinInt64/1000 {
			return 0, ErrRange
		}
		n *= 1000
	}
	if !u.Absolute {
		if n > 0 && n > math.MaxInt64-now {
			return 0, ErrRange
		}
		n += now
	}
	return n, nil
}

// Left returns the milliseconds until the deadline, at least 0.
func Left(deadline, now int64) int64 {
	if deadline <= now { // compared, not subtracted: a deadline far in the past would wrap round
		return 0
	}
	return deadline - now
}

// LeftSeconds returns the seconds until the deadline, rounded to the nearest as TTL does.
func LeftSeconds(deadline, now int64) int64 { return (Left(deadline, now) + 500) / 1000 }
