package engine

import (
	"slices"

	"holdfast/aof"
)

// When an automatic snapshot is due.
const (
	// automaticLog is the log since the last automatic snapshot that calls for another, in bytes, if the base is smaller.
	automaticLog = 256 << 20
	// automaticLimit: with retain-bytes, such a part of it is enough log.
	automaticLimit = 8
	// automaticShare: another one is due when such a part of the retained time has passed.
	automaticShare = 4
	// automaticRest: a copy that took a second is followed by so many seconds in which time alone calls for no other.
	automaticRest = 10
)

// anchor is a state that the log can be applied to: an automatic snapshot, or the empty beginning.
type anchor struct {
	lsn   uint64
	time  int64 // unix ms; 0 is the beginning's, which is older than any horizon
	bytes int64
}

// chain is the history at one moment.
type chain struct {
	log       *aof.Log
	segments  []aof.SegmentInfo
	anchors   []anchor // the oldest first: those that all later records are there for
	base      anchor   // of LSN 0 before the first checkpoint
	now       int64    // unix ms
	retain    int64    // ms
	limit     int64    // bytes; 0: none
	restUntil int64    // unix ms: until then time alone calls for no snapshot
}

// last is the newest anchor. The beginning is as old as the log.
func (c *chain) last() anchor {
	if len(c.anchors) == 0 {
		return anchor{}
	}
	a := c.anchors[len(c.anchors)-1]
	if a.lsn == 0 {
		a.time = c.segments[0].Created
	}
	return a
}

// due reports whether an automatic snapshot is to be made of the base.
func (c *chain) due() bool {
	last := c.last()
	switch {
	case !c.fits(), c.base.lsn == 0, len(c.anchors) > 0 && c.base.lsn <= last.lsn:
		return false
	case len(c.anchors) == 0, len(c.anchors) == 1 && c.over(0):
		return true
	}
	log := int64(automaticLog)
	if c.limit > 0 {
		log = min(log, c.limit/automaticLimit) // a chain of few links would lose much of the history with each
	}
	return c.logSince(last) > max(c.base.bytes, log) ||
		c.now-last.time >= c.retain/automaticShare && c.now >= c.restUntil
}

// fits reports whether a snapshot, and log worth speaking of, can be kept within the limit.
func (c *chain) fits() bool { return c.limit == 0 || c.base.bytes+c.base.bytes/4 <= c.limit }

// over reports whether the history from the i-th anchor on takes more than it may.
func (c *chain) over(i int) bool { return c.limit > 0 && c.bytes(i) > c.limit }

// bytes is what the history from the i-th anchor on takes.
func (c *chain) bytes(i int) int64 {
	n := c.logSince(c.anchors[i])
	for _, a := range c.anchors[i:] {
		n += a.bytes
	}
	return n
}

// logSince is the size of the segments that have records behind an anchor.
func (c *chain) logSince(a anchor) (n int64) {
	for _, s := range slices.Backward(c.segments) {
		if s.Last <= a.lsn {
			break
		}
		if s.Used == 0 {
			s.Used = s.Bytes // the start had no need to read it
		}
		n += s.Used
	}
	return n
}

// floor is the anchor to keep as the oldest, by its index, and whether the limit is why. No anchor (-1) is left where even
// the shortest history is larger than the limit.
func (c *chain) floor() (index int, limited bool) {
	for index+1 < len(c.anchors) && c.anchors[index+1].time <= c.now-c.retain {
		index++
	}
	for index+1 < len(c.anchors) && c.over(index) {
		index, limited = index+1, true
	}
	if len(c.anchors) == 0 || c.over(index) && !c.fits() {
		return -1, true
	}
	return index, limited
}
