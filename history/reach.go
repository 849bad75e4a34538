package history

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"holdfast/aof"
)

// Reach is how far the log leads from a base.
type Reach struct {
	Last    uint64 // the last LSN, the base's where no record follows it
	Time    int64  // unix ms of that record, or the base's
	Records int64
	Bytes   int64 // that those records take
	// Damage is what ends it before the log's end, at LSN Last+1: an *aof.DamageError. nil: the log ends there.
	Damage error
	// Torn is what a crash left behind the last record, if anything.
	Torn aof.Recovery
}

// End is a place where everything in the log ends.
const End = math.MaxUint64

// Reach reads the log behind a base, and hands each (if not nil) every record up to LSN through (or End), once, in order.
// An error of each ends it.
func (h *History) Reach(b Base, through uint64, each func(aof.Position, aof.Record) error) (Reach, error) {
	return h.ReachOf(h.Segments, b, through, each)
}

// ReachOf is Reach in a log that has only these segments.
func (h *History) ReachOf(
	segments []aof.SegmentInfo, b Base, through uint64, each func(aof.Position, aof.Record) error,
) (Reach, error) {
	r := Reach{Last: b.Meta.LSN, Time: b.Meta.Time}
	take := func(at aof.Position, record aof.Record) error {
		r.Last, r.Time = record.LSN, record.Time
		r.Records++
		r.Bytes += at.Bytes
		if each == nil {
			return nil
		}
		return each(at, record)
	}
	for whole := segments; ; {
		found, err := aof.ScanSegments(h.fs, segments, h.ID, r.Last+1, through, take)
		var damage *aof.DamageError
		switch {
		case err != nil && !errors.As(err, &damage):
			return r, err
		case damage == nil:
			r.Torn = found
			if len(segments) < len(whole) && r.Last < through {
				r.endBefore(whole[len(segments)])
			}
			return r, nil
		}
		r.Damage = damage
		// Headers are judged before the first record is read, so what precedes the damage may be unread. It is read as
		// if the log ended before the damage.
		before := slices.IndexFunc(segments, func(s aof.SegmentInfo) bool { return s.First >= damage.LSN })
		if before <= 0 || damage.LSN <= r.Last+1 {
			r.Last = min(r.Last, max(damage.LSN, b.Meta.LSN+1)-1)
			return r, nil
		}
		segments = segments[:before]
	}
}

// endBefore says what ended a log whose next segment was put aside as damaged. If it did not come as far as that
// segment, what ends it is no torn tail: the segment's name proves that there was more.
func (r *Reach) endBefore(aside aof.SegmentInfo) {
	switch {
	case r.Last+1 >= aside.First:
	case r.Torn.CutFile != "":
		r.Damage = &aof.DamageError{Kind: aof.ErrCorrupt, Segment: r.Torn.CutFile, Offset: r.Torn.CutOffset, LSN: r.Last + 1,
			Reason: fmt.Sprintf("no record, and %s proves that LSN %d was durable", filepath.Base(aside.File), aside.First-1)}
	default:
		r.Damage = &aof.DamageError{Kind: aof.ErrGap, Segment: aside.File, LSN: r.Last + 1,
			Reason: fmt.Sprintf("LSN %d to %d are in no segment", r.Last+1, aside.First-1)}
	}
	r.Torn = aof.Recovery{}
}

// Range is a run of LSNs to which a directory can be brought back.
type Range struct {
	From, To         uint64
	FromTime, ToTime int64 // unix ms
}

// Ranges are all of them, ascending. It reads the log.
func (h *History) Ranges() (ranges []Range, err error) {
	for i := len(h.Bases) - 1; i >= 0; i-- {
		b := h.Bases[i]
		if n := len(ranges); n > 0 && b.Meta.LSN <= ranges[n-1].To {
			continue
		}
		reach, err := h.Reach(b, End, nil)
		if err != nil {
			return nil, err
		}
		ranges = append(ranges, Range{b.Meta.LSN, reach.Last, b.Meta.Time, reach.Time})
	}
	return ranges, nil
}

// Describe says in words what can be restored.
func Describe(ranges []Range) string {
	if len(ranges) == 0 {
		return "no point can be restored"
	}
	var texts []string
	for _, r := range ranges {
		if r.From == r.To {
			texts = append(texts, fmt.Sprintf("LSN %d (%s)", r.From, Clock(r.FromTime)))
		} else {
			texts = append(texts, fmt.Sprintf("LSN %d to %d (%s to %s)", r.From, r.To, Clock(r.FromTime), Clock(r.ToTime)))
		}
	}
	return "restorable: " + strings.Join(texts, ", ")
}

// Clock shows unix milliseconds in the form that --time takes, always in UTC and always to the millisecond.
func Clock(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") }
