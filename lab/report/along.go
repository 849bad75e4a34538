package report

import "holdfast/lab/play"

const (
	// binsMax is how many columns the view of a whole trace has, at most.
	binsMax = 240
	// pointsMax is how many points of a trace are remembered with the states that were played there.
	pointsMax = 50_000
)

// tally counts states by outcome, in the order of outcomes.
type tally [len(outcomes)]int32

// along is how outcomes lie along a trace: in bins that grow wider with it, and by point for the closer views.
type along struct {
	width  uint64 // events in a bin
	bins   []tally
	points map[uint64]tally
	full   bool // not every point is in points
}

func newAlong() along { return along{width: 1, points: map[uint64]tally{}} }

func (a *along) add(seq uint64, o play.Outcome) {
	at := len(outcomes) - 2 // broken, whatever it is called
	for i := range outcomes {
		if outcomes[i] == o {
			at = i
		}
	}
	for seq/a.width >= binsMax {
		a.widen()
	}
	for uint64(len(a.bins)) <= seq/a.width {
		a.bins = append(a.bins, tally{})
	}
	a.bins[seq/a.width][at]++
	point, known := a.points[seq]
	if !known && len(a.points) >= pointsMax {
		a.full = true
		return
	}
	point[at]++
	a.points[seq] = point
}

// widen joins bins in pairs.
func (a *along) widen() {
	a.width *= 2
	joined := a.bins[:0]
	for i := 0; i < len(a.bins); i += 2 {
		sum := a.bins[i]
		if i+1 < len(a.bins) {
			for o := range sum {
				sum[o] += a.bins[i+1][o]
			}
		}
		joined = append(joined, sum)
	}
	a.bins = joined
}
