package load

// textsMax is how many different texts of errors are told apart.
const textsMax = 8

// A tally is what one loop saw of one phase.
type tally struct {
	latencies []*histogram // by operation
	late      *histogram   // of the open loop: how long after it was due a request was sent that nothing held up
	requests  uint64       // answered; an operation of two requests counts two
	misses    uint64       // replies that say that there is no such key
	errors    uint64       // error replies, wrong replies
	unsent    uint64       // operations that were due and have never been sent
	gaveUp    *histogram   // how long those waited
	texts     map[string]uint64
	last      int64 // when the last reply came
}

func newTally(operations int) *tally {
	t := &tally{late: newHistogram(), gaveUp: newHistogram(), texts: map[string]uint64{}}
	for range operations {
		t.latencies = append(t.latencies, newHistogram())
	}
	return t
}

// fail counts what was wrong.
func (t *tally) fail(text string) { t.failed(text, 1) }

func (t *tally) failed(text string, times uint64) {
	t.errors += times
	if _, known := t.texts[text]; !known && len(t.texts) >= textsMax {
		text = "others"
	}
	t.texts[text] += times
}

// add counts what another loop saw of the same phase.
func (t *tally) add(other *tally) {
	for i, h := range other.latencies {
		t.latencies[i].add(h)
	}
	t.late.add(other.late)
	t.gaveUp.add(other.gaveUp)
	t.requests += other.requests
	t.misses += other.misses
	t.unsent += other.unsent
	t.last = max(t.last, other.last)
	for text, times := range other.texts {
		t.failed(text, times)
	}
}

// phaseAt is the index of the last of the phases, which begin at starts, that had begun at a moment. What was due before
// the first one belongs to it.
func phaseAt(starts []int64, moment int64) int {
	for i := len(starts) - 1; i > 0; i-- {
		if starts[i] <= moment {
			return i
		}
	}
	return 0
}
