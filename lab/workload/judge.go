package workload

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"

	"holdfast/resp"
)

const (
	// decideMax is how long porcupine may think about one group.
	decideMax = 5 * time.Second
	// rememberedMax bounds how many snapshots a judge keeps.
	rememberedMax = 1 << 18
)

// judge does one judgement at a time, and remembers what does not change from one to the next: crashes at different
// points of a trace share the history before them. So mostly the last few operations of each group are new.
//
// The search is exact, and says yes by itself. Its no is confirmed by porcupine, which thinks independently.
type judge struct {
	w *standard
	m *machine

	// Of the history before the first crash:
	spine      []vertebra
	lines      []timeline // by group
	remembered int

	// Of one judgement:
	groups []episode
	seen   []sight
}

// vertebra is an operation of the history at some position, understood. o is nil if it is about none of our keys.
type vertebra struct {
	op Op
	o  *operation
}

// timeline has the operations of a group in the order of their calls, and what is known after each: one snapshot more.
type timeline struct {
	ops   []*operation
	snaps []snapshot
}

// episode is what there is of a group in one history.
type episode struct {
	ops    []*operation
	stable int    // so many of the first ones are on the spine
	bound  uint64 // where the last one returned that must be there
	musts  int    // how many must be there
}

func newJudge(w *standard) *judge {
	j := &judge{w: w, m: &machine{seed: maphash.MakeSeed()}, groups: make([]episode, len(w.groups))}
	j.forget()
	return j
}

// forget begins anew.
func (j *judge) forget() {
	j.spine, j.lines, j.remembered = nil, make([]timeline, len(j.w.groups)), 0
	for g := range j.lines {
		j.lines[g] = j.begin(make([]value, len(j.w.groups[g].keys)))
	}
}

// begin returns the timeline of a group that holds vals.
func (j *judge) begin(vals []value) timeline {
	return timeline{snaps: []snapshot{{configs: []config{{st: j.m.seal(&state{vals: vals})}}}}}
}

// Judge judges; see Workload.
func (w *standard) Judge(h *History, replies []resp.Reply) []Finding {
	j := w.borrow()
	defer w.giveBack(j)
	return j.judge(h, replies)
}

func (j *judge) judge(h *History, replies []resp.Reply) []Finding {
	var findings []Finding
	var unread map[int]bool
	j.seen, findings, unread = j.w.look(replies, j.seen[:0])
	if len(j.seen) != j.w.keys {
		return findings
	}
	from, base := lastReads(h.Ops, j.w.reads)
	lines := j.lines
	if base != nil {
		if lines = j.resume(base); lines == nil {
			return append(findings, Finding{Check: Undecided, Detail: "what was read after the recovery before was not readable"})
		}
	} else if n := len(h.Ops); n > 0 && h.Ops[n-1].Round > h.Ops[0].Round {
		return append(findings, Finding{Check: Undecided, Detail: "the history does not say what was read after the recovery before"})
	}
	j.scan(h.Ops[from:], base == nil)
	for g := range j.groups {
		if !unread[g] {
			findings = append(findings, j.group(g, &lines[g], h)...)
		}
	}
	if j.remembered > rememberedMax {
		j.forget()
	}
	return findings
}

// lastReads finds the newest whole row of reads in a history, and returns what they showed and where the rest begins; 0
// and nil if there is none.
func lastReads(ops []Op, reads [][][]byte) (int, []resp.Reply) {
	for i := len(ops) - len(reads); i >= 0; i-- {
		if !sameArgs(ops[i].Args, reads[0]) {
			continue
		}
		replies := make([]resp.Reply, 0, len(reads))
		for k := range reads {
			if op := &ops[i+k]; op.Acked && op.Conn == ops[i].Conn && sameArgs(op.Args, reads[k]) {
				replies = append(replies, op.Reply)
			}
		}
		if len(replies) == len(reads) {
			return i + len(reads), replies
		}
	}
	return 0, nil
}

func sameArgs(a, b [][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	if len(a) == 0 || &a[0] == &b[0] {
		return true
	}
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// resume returns timelines that begin with what was read after a recovery; nil if that cannot be understood.
func (j *judge) resume(base []resp.Reply) []timeline {
	seen, _, unread := j.w.look(base, nil)
	if len(seen) != j.w.keys || len(unread) > 0 {
		return nil
	}
	lines := make([]timeline, len(j.w.groups))
	for g := range lines {
		var vals []value
		for k := range j.w.groups[g].keys {
			vals = append(vals, j.m.value(&seen[j.w.first[g]+k]))
		}
		lines[g] = j.begin(vals)
	}
	return lines
}

// scan sorts operations by group. Those on the spine are understood already.
func (j *judge) scan(ops []Op, spine bool) {
	for g := range j.groups {
		j.groups[g] = episode{ops: j.groups[g].ops[:0]}
	}
	for i := range ops {
		op := &ops[i]
		var o *operation
		stable := spine && op.Acked
		switch {
		case !stable:
			o = j.w.parse(*op)
		case i < len(j.spine) && sameOp(&j.spine[i].op, op):
			o = j.spine[i].o
		default:
			o = j.w.parse(*op)
			for len(j.spine) <= i {
				j.spine = append(j.spine, vertebra{})
			}
			j.spine[i] = vertebra{op: *op, o: o}
		}
		if o == nil {
			continue
		}
		e := &j.groups[o.group]
		if stable && e.stable == len(e.ops) {
			e.stable++
		}
		e.ops = append(e.ops, o)
		if op.Acked && op.Fate == Must && o.returned {
			e.bound = max(e.bound, op.Return)
			e.musts++
		}
	}
}

// sameOp reports whether two operations are the same in all but their fate.
func sameOp(a, b *Op) bool {
	if a.Conn != b.Conn || a.ID != b.ID || a.Call != b.Call || a.Return != b.Return || a.Acked != b.Acked ||
		a.CallAt != b.CallAt || a.ReturnAt != b.ReturnAt || len(a.Body) != len(b.Body) || (a.Body == nil) != (b.Body == nil) {
		return false
	}
	if !sameArgs(a.Args, b.Args) || !sameReply(&a.Reply, &b.Reply) {
		return false
	}
	for i := range a.Body {
		if !sameArgs(a.Body[i], b.Body[i]) {
			return false
		}
	}
	return true
}

func sameReply(a, b *resp.Reply) bool {
	if a.Kind != b.Kind || a.Int != b.Int || a.Null != b.Null || len(a.Elems) != len(b.Elems) || !bytes.Equal(a.Str, b.Str) {
		return false
	}
	if len(a.Elems) == 0 || &a.Elems[0] == &b.Elems[0] {
		return true
	}
	for i := range a.Elems {
		if !sameReply(&a.Elems[i], &b.Elems[i]) {
			return false
		}
	}
	return true
}

// group judges one group: the search, porcupine if it says no, and what is wrong if both do.
func (j *judge) group(g int, line *timeline, h *History) []Finding {
	e := &j.groups[g]
	seen := j.seen[j.w.first[g]:][:len(j.w.groups[g].keys)]
	shows := func(s *state) bool { return s.shows(seen, h.Seen) }
	s := j.search(line, e, shows)
	if s.found {
		return nil
	}
	switch linearizable(e.ops, line.snaps[0].configs[0].st, e.bound, shows, decideMax) {
	case porcupine.Ok:
		if !s.overflow {
			panic(fmt.Sprintf("BUG: search and porcupine disagree about %v", j.w.groups[g].keys))
		}
		return nil
	case porcupine.Unknown:
		return []Finding{{Undecided, j.w.groups[g].keys[0], fmt.Sprintf("porcupine needs more than %v for %d operations", decideMax, len(e.ops))}}
	}
	d := &diagnosis{w: j.w, g: g, ops: e.ops, bound: e.bound, h: h, seen: seen, stuck: s.stuck, initial: line.snaps[0].configs[0].st}
	d.possible = j.possible(line, e)
	return []Finding{d.finding()}
}

// search looks for a serial history that leaves what shows reports true of, from the newest snapshot that will do.
func (j *judge) search(line *timeline, e *episode, shows func(*state) bool) *search {
	common := 0
	for common < min(e.stable, len(line.ops)) && line.ops[common] == e.ops[common] {
		common++
	}
	s := &search{m: j.m, bound: e.bound, goal: shows}
	quiet := common == len(e.ops) && e.musts == common // nothing was under way, and nothing may be lost
	if settled := line.snaps[common].settled; quiet && settled != nil {
		s.found = slices.ContainsFunc(settled, func(c config) bool { return shows(c.st) })
		return s
	}
	start := common
	for start > 0 && e.ops[start-1].op.Call > e.bound {
		start--
	}
	s.restore(line.snaps[start])
	for i := start; i < len(e.ops) && !s.ended(); i++ {
		s.call(e.ops[i])
		if i < common || i >= e.stable || s.ended() {
			continue
		}
		if i < len(line.ops) { // another history than the one remembered
			j.remembered -= len(line.ops) - i
			line.ops, line.snaps = line.ops[:i], line.snaps[:i+1]
		}
		line.ops, line.snaps = append(line.ops, e.ops[i]), append(line.snaps, s.snapshot())
		j.remembered++
	}
	if !s.ended() {
		s.finish()
	}
	if quiet && s.stuck == nil && !s.overflow {
		line.snaps[common].settled = s.configs
	}
	return s
}

// possibleMax bounds how many states a finding is explained from.
const possibleMax = 512

// possible are states that the crash may have left.
func (j *judge) possible(line *timeline, e *episode) []*state {
	var states []*state
	s := &search{m: j.m, bound: e.bound, goal: func(st *state) bool {
		states = append(states, st)
		return len(states) == possibleMax
	}}
	s.restore(line.snaps[0])
	for _, o := range e.ops {
		if s.call(o); s.ended() {
			return states
		}
	}
	s.finish()
	return states
}
