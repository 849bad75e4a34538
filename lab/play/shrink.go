package play

import (
	"context"
	"errors"
	"slices"
	"time"

	"holdfast/lab/disk"
	"holdfast/lab/trace"
	"holdfast/lab/workload"
)

// Shrinking looks for the least that breaks the same promise: first the fewest lost pieces at the same event, by delta
// debugging; then the earliest event at which the same writes, as far as they are at risk there, are lost; then the fewest
// pieces there. It does not promise to find it, and gives up after so many tries, or so long.
const (
	shrinkTries = 150
	shrinkTime  = 30 * time.Second
	// shrunkEach is how many states of one check are shrunk.
	shrunkEach = 2
)

// shrinker looks for the least of one broken state.
type shrinker struct {
	p     *player
	ctx   context.Context
	trace *trace.Reader // its own: the player's is being read
	state State
	check workload.Check
	tries int
	until time.Time

	// Of the event that is being looked at:
	at    *point
	crash *disk.Crash
	known map[digest]bool // whether it is broken
}

// shrink sets the Least of a result, if nobody has shrunk enough of the same check yet.
func (p *player) shrink(ctx context.Context, r *Result, lost []int) (err error) {
	check := firstCheck(r.Findings)
	p.mu.Lock()
	p.shrunk[check]++
	enough := p.shrunk[check] > shrunkEach
	p.mu.Unlock()
	if enough {
		return nil
	}
	s := &shrinker{p: p, ctx: ctx, state: r.State, check: check, tries: shrinkTries, until: time.Now().Add(shrinkTime)}
	if s.trace, err = trace.Open(p.Trace); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.trace.Close()) }()
	if err := s.moveTo(r.State.Seq); err != nil {
		return err
	}
	if lost, err = s.fewest(lost); err != nil {
		return err
	}
	if lost, err = s.earliest(lost); err != nil {
		return err
	}
	least := s.state
	least.Choice = s.crash.Choice(lost).String()
	r.Least = least.String()
	r.LeastLost = []string{}
	for _, i := range lost {
		r.LeastLost = append(r.LeastLost, s.crash.Describe(i))
	}
	return nil
}

func firstCheck(findings []workload.Finding) workload.Check {
	for _, f := range findings {
		if f.Check != workload.Undecided {
			return f.Check
		}
	}
	return ""
}

// moveTo looks at another event.
func (s *shrinker) moveTo(seq uint64) error {
	s.state.Seq, s.known = seq, map[digest]bool{}
	return s.p.follow(s.trace, func(w *walk, e trace.Event) (bool, error) {
		if e.Seq < seq {
			return true, nil
		}
		s.at = &point{seq: e.Seq, history: w.follower.History(e.Seq, s.trace.Meta.Policy)}
		s.crash = w.crash(s.state.Reading, s.state.Piece)
		return false, nil
	}, everyEvent)
}

// breaks reports whether the same promise is broken when just these pieces are lost. What there is no time for is not.
func (s *shrinker) breaks(lost []int) (bool, error) {
	choice := s.crash.Choice(lost)
	digest := s.crash.Digest(choice)
	if broken, known := s.known[digest]; known {
		return broken, nil
	}
	if s.tries == 0 || time.Now().After(s.until) {
		return false, nil
	}
	s.tries--
	x, err := s.p.examine(s.ctx, s.at, func(dir string) error { return s.crash.Build(dir, choice) }, 0)
	if err != nil {
		return false, err
	}
	broken := slices.ContainsFunc(x.findings, func(f workload.Finding) bool { return f.Check == s.check })
	s.known[digest] = broken
	return broken, nil
}

// fewest takes pieces out of those that are lost as long as the promise stays broken: halves, quarters, and so on.
func (s *shrinker) fewest(lost []int) ([]int, error) {
	if broken, err := s.breaks(nil); broken || err != nil {
		return nil, err
	}
	for parts := 2; len(lost) > 0; {
		parts = min(parts, len(lost))
		smaller := false
		for i := range parts {
			without := slices.Concat(lost[:i*len(lost)/parts], lost[(i+1)*len(lost)/parts:])
			broken, err := s.breaks(without)
			if err != nil {
				return nil, err
			}
			if broken {
				lost, parts, smaller = without, max(2, parts-1), true
				break
			}
		}
		if !smaller {
			if parts == len(lost) {
				break
			}
			parts *= 2
		}
	}
	return lost, nil
}

// name tells a piece apart at whatever event one looks: it is the n-th one of the event that wrote it.
type name struct {
	event uint64
	n     int
}

// names gives the pieces that are at risk their names.
func names(c *disk.Crash) []name {
	all := make([]name, c.Pieces())
	for i := range all {
		all[i].event = c.Event(i)
		if i > 0 && all[i-1].event == all[i].event {
			all[i].n = all[i-1].n + 1
		}
	}
	return all
}

// earliest goes back in the trace as far as the promise stays broken. It bisects, as if it were broken from some event on.
func (s *shrinker) earliest(lost []int) ([]int, error) {
	all := names(s.crash)
	wanted := map[name]bool{}
	for _, i := range lost {
		wanted[all[i]] = true
	}
	points, err := s.points()
	if err != nil {
		return nil, err
	}
	best := s.state.Seq
	for from, to := 0, len(points); from < to; {
		middle := (from + to) / 2
		broken, _, err := s.tryAt(points[middle], wanted)
		if err != nil {
			return nil, err
		}
		if broken {
			best, to = points[middle], middle
		} else {
			from = middle + 1
		}
	}
	if _, lost, err = s.tryAt(best, wanted); err != nil {
		return nil, err
	}
	return s.fewest(lost)
}

// tryAt loses the same pieces at another event, those of them that are at risk there.
func (s *shrinker) tryAt(seq uint64, wanted map[name]bool) (broken bool, lost []int, err error) {
	if err := s.moveTo(seq); err != nil {
		return false, nil, err
	}
	for i, n := range names(s.crash) {
		if wanted[n] {
			lost = append(lost, i)
		}
	}
	broken, err = s.breaks(lost)
	return broken, lost, err
}

// points are the points before the state's own.
func (s *shrinker) points() (points []uint64, err error) {
	begun := false
	err = s.trace.Events(func(e trace.Event) (bool, error) {
		begun = begun || isBegin(e)
		if begun && isPoint(e) && e.Seq < s.state.Seq {
			points = append(points, e.Seq)
		}
		return e.Seq < s.state.Seq, nil
	})
	return points, err
}
