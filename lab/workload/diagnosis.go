package workload

import (
	"fmt"
	"math"
	"slices"
	"strconv"
)

// diagnosis gives a name to what is wrong with a group. That something is wrong has been decided before; the name goes by
// the state nearest to what was seen, and in doubt the loss has precedence.
type diagnosis struct {
	w        *standard
	g        int
	ops      []*operation
	bound    uint64
	h        *History
	seen     []sight
	initial  *state
	possible []*state
	stuck    *operation

	sent map[string]bool // by any operation on the group, in all rounds
}

func (d *diagnosis) key(k int) string { return d.w.groups[d.g].keys[k] }

func (d *diagnosis) finding() Finding {
	if d.stuck != nil {
		op := &d.stuck.op
		return Finding{Order, d.key(d.stuck.parts[0].keys[0]), fmt.Sprintf(
			"before the crash: no serial history allows the reply to %s %.80q, %s", name(d.stuck), op.Args, printed(op.Reply))}
	}
	d.gather()
	for k := range d.seen {
		if detail := d.invented(k); detail != "" {
			return Finding{Invented, d.key(k), detail}
		}
	}
	for _, torn := range []func() (int, string){d.tornJournal, d.tornSet, d.tornMove} {
		if k, detail := torn(); detail != "" {
			return Finding{Torn, d.key(k), detail}
		}
	}
	return d.nearest()
}

// gather collects what was ever sent to the group.
func (d *diagnosis) gather() {
	d.sent = map[string]bool{}
	for i := range d.h.Ops {
		if o := d.w.parse(d.h.Ops[i]); o != nil && o.group == d.g {
			for _, c := range o.parts {
				for _, arg := range c.args {
					d.sent[arg], d.sent[unpadded(arg)] = true, true
				}
			}
		}
	}
	for i := range d.initial.vals {
		v := &d.initial.vals[i]
		d.sent[v.str] = true
		for _, e := range v.list.elems() {
			d.sent[e] = true
		}
		for _, e := range v.fields {
			d.sent[e.name], d.sent[e.text] = true, true
		}
	}
}

// invented says what of a key cannot come from anybody.
func (d *diagnosis) invented(k int) string {
	s := &d.seen[k]
	if d.w.groups[d.g].class[k] == counter && s.kind == str {
		return d.inventedNumber(k)
	}
	switch d.w.groups[d.g].class[k] {
	case bitmap, sketch: // made of what was sent
		return ""
	}
	if s.kind == str && len(s.str) > 0 && !d.sent[string(s.str)] {
		return fmt.Sprintf("it holds %s, which nobody sent to it", quoted(s.str))
	}
	if s.kind == hsh {
		return d.inventedField(s.fields)
	}
	for i, e := range s.elems {
		if s.kind == zst && i%2 == 1 { // a score, the sum of what was sent
			continue
		}
		if !d.sent[string(e.Str)] {
			return fmt.Sprintf("element %d of %d is %s, which nobody sent to it", i, len(s.elems), quoted(e.Str))
		}
	}
	return ""
}

func (d *diagnosis) inventedNumber(k int) string {
	n, err := strconv.ParseInt(string(d.seen[k].str), 10, 64)
	if err != nil {
		return fmt.Sprintf("it holds %s, which is no number", quoted(d.seen[k].str))
	}
	low, high := number(d.initial.vals[k].str), number(d.initial.vals[k].str)
	steps := map[int64]bool{}
	for _, o := range d.ops {
		for i := range o.parts {
			if by := stepOf(&o.parts[i], k); by != 0 {
				low, high, steps[by] = low+min(by, 0), high+max(by, 0), true
			}
		}
	}
	if n >= low && n <= high || steps[n-high] || steps[n-low] { // one step more: something was done twice
		return ""
	}
	return fmt.Sprintf("it is %d; all that was sent makes %d to %d", n, low, high)
}

// stepOf is what a command adds to a counter.
func stepOf(c *command, k int) int64 {
	if c.name == "LIBRARY-MOVE" && c.keys[1] == k {
		return -c.num
	}
	if c.name == "LIBRARY-MOVE" && c.keys[2] == k {
		return c.num
	}
	if c.keys[0] != k {
		return 0
	}
	switch c.name {
	case "INCR":
		return 1
	case "DECR":
		return -1
	case "INCRBY":
		return c.num
	case "DECRBY":
		return -c.num
	}
	return 0
}

func number(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64) //nolint:errcheck // nothing counts as zero
	return n
}

// tornJournal compares counters with what the journal says was done to them.
func (d *diagnosis) tornJournal() (int, string) {
	journal := slices.Index(d.w.groups[d.g].class, sequence)
	if journal < 0 || slices.Index(d.w.groups[d.g].class, counter) < 0 {
		return 0, ""
	}
	written := map[string]bool{}
	for _, e := range d.seen[journal].elems {
		written[string(e.Str)] = true
	}
	want := make([]int64, len(d.seen))
	for k := range want {
		want[k] = number(d.initial.vals[k].str)
	}
	for _, o := range d.ops {
		last := &o.parts[len(o.parts)-1]
		if last.name != "RPUSH" || last.keys[0] != journal || !written[last.args[0]] {
			continue
		}
		for i := range o.parts {
			want[o.parts[i].keys[0]] += stepOf(&o.parts[i], o.parts[i].keys[0])
		}
	}
	for k := range want {
		if have := number(string(d.seen[k].str)); k != journal && have != want[k] {
			return k, fmt.Sprintf("it is %d, and by the transactions in %s, %d of them, it should be %d", have, d.key(journal),
				len(written), want[k])
		}
	}
	return 0, ""
}

// tornSet looks for an MSET of which one key shows the value, and another something that it must have replaced.
func (d *diagnosis) tornSet() (int, string) {
	for _, o := range d.ops {
		if c := &o.parts[0]; c.name == "MSET" {
			for i, k := range c.keys {
				if string(d.seen[k].str) != c.args[i] {
					continue
				}
				for _, other := range c.keys {
					if !d.newer(other, o) {
						return other, fmt.Sprintf("%s is there, of MSET %s; the rest of it is not: it holds %s", quoted(d.seen[k].str),
							name(o), d.held(other))
					}
				}
			}
		}
	}
	return 0, ""
}

// newer reports whether what was seen of a key can be of an operation itself, or of one that came after it.
func (d *diagnosis) newer(k int, than *operation) bool {
	s := &d.seen[k]
	for _, o := range d.ops {
		if o != than && o.returned && o.op.Return < than.op.Call {
			continue
		}
		for i := range o.parts {
			c := &o.parts[i]
			if at := slices.Index(c.keys, k); at >= 0 && !readOnly(c.name) {
				if s.kind == none && c.name != "MSET" && c.name != "SET" {
					return true
				}
				if s.kind == str && (slices.Contains(c.args, string(s.str)) || c.name == "RENAME" || c.name == "COPY") {
					return true
				}
			}
		}
	}
	return false
}

// tornMove looks for a value that one client sent once, and that is in two places though nobody has copied it.
func (d *diagnosis) tornMove() (int, string) {
	for _, o := range d.ops {
		if copies(o.parts[0].name) {
			return 0, ""
		}
	}
	where := map[string]int{}
	for k := range d.seen {
		switch d.w.groups[d.g].class[k] {
		case counter, bitmap, sketch:
			continue
		}
		texts := [][]byte{d.seen[k].str}
		for _, e := range d.seen[k].elems {
			texts = append(texts, e.Str)
		}
		for _, text := range texts {
			if !isUnique(text) {
				continue
			}
			if before, twice := where[string(text)]; twice && before != k && !d.copied(string(text)) {
				return k, fmt.Sprintf("it has %s, and so has %s: a move in part", quoted(text), d.key(before))
			}
			where[string(text)] = k
		}
	}
	return 0, ""
}

// copied reports whether a text was in two places when the history began.
func (d *diagnosis) copied(text string) bool {
	n := 0
	for i := range d.initial.vals {
		v := &d.initial.vals[i]
		if v.str == text || slices.Contains(v.list.elems(), text) {
			n++
		}
	}
	return n > 1
}

// nearest names the difference to the possible state that is the least far away.
func (d *diagnosis) nearest() Finding {
	best, least := Finding{Check: Order, Key: d.key(0), Detail: "no serial history leaves this"}, math.MaxInt
	for _, st := range d.possible {
		var worst Finding
		total, most := 0, 0
		for k := range d.seen {
			check, weight := d.differ(k, &st.vals[k])
			total += weight
			if weight > most {
				most = weight
				worst = Finding{check, d.key(k), d.compared(k, &st.vals[k])}
			}
		}
		if total < least && most > 0 {
			best, least = worst, total
		}
	}
	return best
}

// differ names the difference between what was seen of a key and what it should have been, and weighs it.
func (d *diagnosis) differ(k int, want *value) (Check, int) {
	s := &d.seen[k]
	switch {
	case want.shows(s, d.h.Seen):
		return "", 0
	case s.kind == none:
		return Lost, 40
	case want.kind == none && want.lapsed, want.hi != 0 && want.hi+clockSlack < d.h.Seen:
		return Resurrected, 20
	case want.kind == none:
		return Lost, 30
	case s.kind == hsh && want.kind == hsh:
		return d.differFields(s, want)
	case want.same(s):
		return Deadline, 10
	case s.kind == want.kind && (s.kind == lst || s.kind == set || s.kind == zst):
		missing := lacking(want.list.elems(), s)
		switch {
		case missing == 0:
			return Order, 10 + len(s.elems) - want.list.n
		default:
			return Lost, 20 + missing
		}
	case d.w.groups[d.g].class[k] == counter && d.beyond(k):
		return Order, 30
	}
	return Lost, 30
}

// beyond reports whether a counter is outside what all operations together can make of it: one was done twice.
func (d *diagnosis) beyond(k int) bool {
	low, high := number(d.initial.vals[k].str), number(d.initial.vals[k].str)
	for _, o := range d.ops {
		for i := range o.parts {
			by := stepOf(&o.parts[i], k)
			low, high = low+min(by, 0), high+max(by, 0)
		}
	}
	n := number(string(d.seen[k].str))
	return n < low || n > high
}

// lacking counts the differences between elements that should be there and those that were seen, whatever their order. An
// element that should be gone counts; one that is there twice does not.
func lacking(want []string, s *sight) int {
	left := map[string]int{}
	for _, e := range want {
		left[e]++
	}
	n := 0
	for _, e := range s.elems {
		have, known := left[string(e.Str)]
		if !known {
			n++
		}
		left[string(e.Str)] = have - 1
	}
	for _, rest := range left {
		n += max(0, rest)
	}
	return n
}

func (d *diagnosis) compared(k int, want *value) string {
	text := fmt.Sprintf("it holds %s; it should hold %s", d.held(k), should(want))
	if kind := d.seen[k].kind; want.kind == kind && (kind == lst || kind == set || kind == zst) {
		i := 0
		for i < min(want.list.n, len(d.seen[k].elems)) && want.list.at(i) == string(d.seen[k].elems[i].Str) {
			i++
		}
		text = fmt.Sprintf("it has %d elements and should have %d; the first difference is at %d", len(d.seen[k].elems), want.list.n, i)
		if i < want.list.n {
			text += ", where " + quoted(want.list.at(i)) + " should be"
		}
	}
	if d.seen[k].kind == hsh && want.kind == hsh {
		text = d.comparedFields(&d.seen[k], want)
	}
	if o := d.lastWrite(k); o != nil {
		text += "; last written by " + name(o)
	}
	return text
}

// lastWrite is the newest write to a key that had to survive.
func (d *diagnosis) lastWrite(k int) (last *operation) {
	for _, o := range d.ops {
		if !o.returned || o.op.Return > d.bound || (last != nil && last.op.Return > o.op.Return) {
			continue
		}
		for i := range o.parts {
			if slices.Contains(o.parts[i].keys, k) && !readOnly(o.parts[i].name) {
				last = o
			}
		}
	}
	return last
}

func (d *diagnosis) held(k int) string {
	s := &d.seen[k]
	text := "nothing"
	switch s.kind {
	case str, jrn:
		text = quoted(s.str)
	case lst:
		text = fmt.Sprintf("a list of %d", len(s.elems))
	case set:
		text = fmt.Sprintf("a set of %d", len(s.elems))
	case zst:
		text = fmt.Sprintf("a sorted set of %d", len(s.elems)/2)
	case hsh:
		text = fmt.Sprintf("a hash of %d", len(s.fields))
	}
	if s.deadline != 0 {
		text += fmt.Sprintf(" until %d", s.deadline)
	}
	return text
}

func should(v *value) string {
	text := "nothing"
	switch v.kind {
	case str, jrn:
		text = quoted(v.str)
	case lst:
		text = fmt.Sprintf("a list of %d", v.list.n)
	case set:
		text = fmt.Sprintf("a set of %d", v.list.n)
	case zst:
		text = fmt.Sprintf("a sorted set of %d", v.list.n/2)
	case hsh:
		text = fmt.Sprintf("a hash of %d", v.fields.len())
	}
	if v.lapsed {
		return text + ", as it has expired"
	}
	return text + until(v.lo, v.hi)
}

// until is a deadline in its bounds, in words.
func until(lo, hi int64) string {
	switch {
	case lo != hi:
		return fmt.Sprintf(" until %d to %d", lo, hi)
	case hi != 0:
		return fmt.Sprintf(" until %d", hi)
	}
	return ""
}

// name is how a report names an operation: connection, number, command.
func name(o *operation) string {
	return fmt.Sprintf("%d.%d %s", o.op.Conn, o.op.ID, o.op.Args[0])
}

// quotedMax is how much of a value a finding shows.
const quotedMax = 40

func quoted[T ~string | ~[]byte](text T) string {
	if len(text) <= quotedMax {
		return strconv.Quote(string(text))
	}
	return strconv.Quote(string(text[:quotedMax])) + "…"
}
