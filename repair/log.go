package repair

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"holdfast/aof"
	"holdfast/commands"
	"holdfast/engine"
	"holdfast/history"
)

// log plans what becomes of the log: which files go, and where what is left ends.
func (p *planner) log() error {
	for _, damage := range p.history.Misnamed {
		p.plan.moved = append(p.plan.moved, damage.Segment)
		p.plan.step("move", logName(damage.Segment), damage.Error())
	}
	for _, s := range p.history.Foreign {
		p.plan.moved = append(p.plan.moved, s.File)
		p.plan.step("move", logName(s.File), fmt.Sprintf("it belongs to data set %x, and the directory to %x", s.ID, p.history.ID))
	}
	left := len(p.history.Segments)
	var damage *aof.DamageError
	if errors.As(p.reach.Damage, &damage) {
		p.plan.cut = p.cutAt(damage)
		left = slices.IndexFunc(p.history.Segments, func(s aof.SegmentInfo) bool { return s.First >= p.plan.cut.first })
		if left < 0 {
			left = len(p.history.Segments)
		} else if p.plan.cut.offset >= aof.HeaderBytes {
			left++ // the segment that is cut stays
		}
		p.plan.step("cut", logName(damage.Segment), damage.Error())
	}
	for _, s := range p.history.Segments[:left] {
		if s.Damage != nil && s.Last <= p.plan.base.Meta.LSN && s.First <= s.Last {
			p.plan.Notes = append(p.plan.Notes, fmt.Sprintf("%s is damaged and left as it is: the base has all that it held, and only points in time within it are lost: %v",
				logName(s.File), s.Damage))
		}
	}
	end, err := p.logEnd(left, damage)
	if err != nil {
		return err
	}
	joins := left > 0 && end >= p.plan.base.Meta.LSN
	p.plan.logged, p.plan.end = joins, p.reach.Last
	p.plan.unlog = !joins && p.plan.base.Meta.Logged && !p.history.Staged
	if p.plan.unlog && !p.plan.replace {
		what := "none is left"
		if left > 0 {
			what = fmt.Sprintf("what is left ends at LSN %d: the base has all of it, and a start drops it", end)
		}
		p.plan.step("accept", engine.BaseName, fmt.Sprintf("it says that a log goes on from LSN %d, and %s", p.plan.base.Meta.LSN, what))
	}
	return nil
}

// logEnd is the last LSN of the log of which so many segments are left, once it is cut at the damage, if any.
func (p *planner) logEnd(left int, damage *aof.DamageError) (uint64, error) {
	switch {
	case left == 0 || p.reach.Last > p.plan.base.Meta.LSN:
		return p.reach.Last, nil
	case damage != nil && p.plan.cut.offset >= aof.HeaderBytes:
		return damage.LSN - 1, nil
	case damage != nil:
		return p.history.Segments[left-1].Last, nil
	}
	newest := p.history.Segments[left-1]
	last := newest.First - 1
	_, err := aof.ScanSegments(p.o.FS, []aof.SegmentInfo{newest}, p.history.ID, newest.First, history.End, func(_ aof.Position, r aof.Record) error {
		last = r.LSN
		return nil
	})
	if errors.As(err, new(*aof.DamageError)) { // the log ends there
		err = nil
	}
	return last, err
}

func logName(path string) string { return engine.LogDir + "/" + filepath.Base(path) }

// cut is a place in the log: a segment, by its first LSN, and an offset in it.
type cut struct {
	first  uint64
	offset int64
}

// cutAt is where the log is to end.
func (p *planner) cutAt(d *aof.DamageError) *cut {
	i := slices.IndexFunc(p.history.Segments, func(s aof.SegmentInfo) bool { return s.File == d.Segment })
	s := p.history.Segments[i]
	switch {
	case errors.Is(d, aof.ErrGap) && d.Offset < aof.HeaderBytes:
		return &cut{first: s.First} // s is the segment behind the gap
	case d.Offset == aof.HeaderBytes && d.LSN > s.First:
		// The next segment has LSNs that this one has too. Which of the two is the history nobody knows; this one follows
		// from what is before it.
		return &cut{first: p.history.Segments[i+1].First}
	case d.Offset < aof.HeaderBytes:
		return &cut{first: s.First}
	}
	return &cut{first: s.First, offset: d.Offset}
}

// gone are the segments that the cut removes, and before them, as the first, the one that it shortens.
func (p *planner) gone() []aof.SegmentInfo {
	if p.plan.cut == nil {
		return nil
	}
	i := slices.IndexFunc(p.history.Segments, func(s aof.SegmentInfo) bool { return s.First >= p.plan.cut.first })
	return p.history.Segments[i:]
}

// loss counts what of the log goes with the cut, by what can still be read of it.
func (p *planner) loss() error {
	table := commands.NewTable()
	known := p.reach.Last // a record up to here is not lost
	l := &p.plan.Loss
	last := known
	var readable int64
	seen := map[uint64]bool{}
	for i, s := range p.gone() {
		p.plan.removed = append(p.plan.removed, s)
		from := int64(aof.HeaderBytes)
		if i == 0 {
			from = max(from, p.plan.cut.offset)
		}
		last = max(last, s.Last)
		err := aof.Remains(p.o.FS, s, p.history.ID, from, func(_ aof.Position, r aof.Record) error {
			if r.LSN <= known || seen[r.LSN] {
				return nil
			}
			if len(seen) < keysCounted {
				seen[r.LSN] = true
			}
			last = max(last, r.LSN)
			readable++
			l.name(table, r)
			return nil
		})
		if err != nil {
			return err
		}
		p.o.Progress("reading what is left", int64(i+1), int64(len(p.gone())))
	}
	switch {
	case p.plan.cut == nil && !p.plan.unlog:
	case last == known:
		l.From = known + 1
	case last > known:
		l.From, l.To, l.Readable, l.Unreadable = known+1, last, readable, max(0, int64(last-known)-readable)
	}
	return nil
}
