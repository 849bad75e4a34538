package restore

import (
	"errors"
	"fmt"
	"slices"

	"holdfast/aof"
	"holdfast/engine"
	"holdfast/history"
	"holdfast/snapshot"
)

// ErrUnreachable: the directory does not have what is needed to build the point.
var ErrUnreachable = errors.New("the point cannot be restored")

// Point says which state is wanted. The zero Point is the newest.
type Point struct {
	kind pointKind
	lsn  uint64
	time int64 // unix ms
}

type pointKind uint8

const (
	newest pointKind = iota
	atLSN
	atTime
)

// AtLSN is the state after the record with that LSN.
func AtLSN(lsn uint64) Point { return Point{kind: atLSN, lsn: lsn} }

// AtTime is the state after the last record that was written at or before a moment, in unix milliseconds.
func AtTime(ms int64) Point { return Point{kind: atTime, time: ms} }

// String names the point for people.
func (p Point) String() string {
	switch p.kind {
	case atLSN:
		return fmt.Sprintf("LSN %d", p.lsn)
	case atTime:
		return history.Clock(p.time)
	}
	return "the newest state"
}

// choice is how a point is to be built.
type choice struct {
	base    history.Base
	lsn     uint64
	time    int64 // unix ms, of the record with that LSN
	records int64
}

// choose finds the newest base that leads to a point; now (unix ms) is the last moment that has come. Bases whose files are in without
// turned out to be damaged. each hears of every record that is read.
func choose(h *history.History, p Point, now int64, without []string, each func(aof.Record) error) (choice, error) {
	fits := func(b history.Base) bool {
		return !slices.Contains(without, b.File) &&
			(p.kind != atLSN || b.Meta.LSN <= p.lsn) && (p.kind != atTime || b.Meta.Time <= p.time)
	}
	i := slices.IndexFunc(h.Bases, fits)
	if i < 0 {
		if n := len(h.Bases); n > 0 && p.kind == atTime && h.Bases[n-1].Meta.LSN == 0 {
			return choice{}, refuse(h, p, fmt.Errorf("no snapshot is so old: the data set begins at %s", history.Clock(h.Bases[n-1].Meta.Time)))
		}
		return choice{}, refuse(h, p, fmt.Errorf("no snapshot is so old, and the log does not reach back to its beginning"))
	}
	c := choice{base: h.Bases[i], lsn: h.Bases[i].Meta.LSN, time: h.Bases[i].Meta.Time}
	through := uint64(history.End)
	if p.kind == atLSN {
		through = p.lsn
	}
	var seen int64
	past := false // a record later than the wanted moment was seen
	reach, err := h.Reach(c.base, through, func(_ aof.Position, r aof.Record) error {
		seen++
		if p.kind == atTime && r.Time > p.time {
			past = true
		} else {
			c.lsn, c.time, c.records = r.LSN, r.Time, seen
		}
		return each(r)
	})
	if err != nil {
		return choice{}, err
	}
	if p.kind == atTime && !past && p.time > now {
		return choice{}, cannotBe(h, p, fmt.Errorf("that moment is to come: it is %s now; the newest state is restored without --time", history.Clock(now)))
	}
	return c, verdict(h, p, c, reach, past)
}

// verdict says whether what the log gave is the point.
func verdict(h *history.History, p Point, c choice, reach history.Reach, past bool) error {
	if p.kind == atLSN && c.lsn == p.lsn || p.kind == atTime && past {
		return nil
	}
	end, known, err := logEnd(h)
	switch {
	case err != nil:
		return err
	case p.kind == atLSN && known && p.lsn > end: // whatever is missing before
		return refuse(h, p, fmt.Errorf("the log ends at LSN %d", end))
	case reach.Damage != nil:
		return refuse(h, p, reach.Damage)
	case p.kind == atLSN:
		return refuse(h, p, fmt.Errorf("the log ends at LSN %d", reach.Last))
	}
	// What is wanted is the end of all there is. Is it?
	for _, b := range h.Bases {
		if b.Meta.LSN > reach.Last {
			return refuse(h, p, &aof.DamageError{Kind: aof.ErrGap, Segment: h.LogPath(), LSN: reach.Last + 1,
				Reason: fmt.Sprintf("LSN %d to %d are in no segment", reach.Last+1, b.Meta.LSN)})
		}
	}
	if len(h.Segments) > 0 {
		return nil
	}
	for _, b := range h.Unusable {
		if b.File == engine.BaseName {
			return refuse(h, p, fmt.Errorf("%s may be newer, and there is no log: %w", b.File, b.Err))
		}
	}
	if c.base.Meta.Logged && !h.Staged {
		return refuse(h, p, fmt.Errorf("%w: %s was written with a log going on after LSN %d", engine.ErrLogMissing, c.base, c.lsn))
	}
	return nil
}

// cannotBe says why no file at all could lead to a point, and which points can be restored.
func cannotBe(h *history.History, p Point, why error) error {
	ranges, err := h.Ranges()
	if err != nil {
		return errors.Join(why, err)
	}
	return fmt.Errorf("%w: %s: %w; %s", ErrUnreachable, p, why, history.Describe(ranges))
}

// refuse says why a point cannot be restored, which can, and what else might lead to it.
func refuse(h *history.History, p Point, why error) error {
	err := cannotBe(h, p, why)
	for _, b := range h.Unusable {
		matters, failed := mayLeadTo(h, b, p)
		if failed != nil {
			return errors.Join(err, failed)
		}
		if matters {
			err = fmt.Errorf("%w; %s was left aside: %w%s", err, b.File, b.Err, advice(b.Err))
		}
	}
	return err
}

// mayLeadTo reports whether a base that cannot be used might lead to the point. Of base.db it is known where it stands without
// reading it: no snapshot is newer, the log goes on from it at the latest where its segments begin, and it is no newer than the log's end.
func mayLeadTo(h *history.History, b history.Base, p Point) (bool, error) {
	if b.File != engine.BaseName || p.kind == newest {
		return true, nil
	}
	var least uint64
	var since int64
	if len(h.Bases) > 0 {
		least, since = h.Bases[0].Meta.LSN, h.Bases[0].Meta.Time
	}
	if len(h.Segments) > 0 {
		least = max(least, h.Segments[0].First-1)
	}
	if p.kind == atTime {
		return p.time >= since, nil
	}
	end, known, err := logEnd(h)
	return p.lsn >= least && (!known || p.lsn <= end), err
}

// logEnd is the last LSN of the log, where there is one whose last segment is sound.
func logEnd(h *history.History) (end uint64, known bool, err error) {
	if len(h.Segments) == 0 {
		return 0, false, nil
	}
	last := h.Segments[len(h.Segments)-1:]
	reach, err := h.ReachOf(last, history.Base{Meta: snapshot.Meta{LSN: last[0].First - 1}}, history.End, nil)
	return reach.Last, err == nil && reach.Damage == nil, err
}

// advice says what to do about a base that cannot be used.
func advice(err error) string {
	switch {
	case errors.Is(err, snapshot.ErrLocked):
		return " (a server is running: make a snapshot with holdfast snapshot create and restore from that, or stop the server)"
	case errors.Is(err, snapshot.ErrUnfinished):
		return " (holdfast check --repair does that without a server)"
	}
	return ""
}
