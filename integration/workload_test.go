package integration

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A worker is one writing client of the kill test. It owns its keys, and a connection's commands run in their
// order, so what may be found after a crash is simple to say: exactly the state that some prefix of its operations
// makes, a prefix that holds all the acknowledged ones and none that was never sent.
type worker struct {
	id      int
	rng     *rand.Rand
	serial  int         // makes values unique
	acked   state       // what the acknowledged operations made
	pending []operation // sent, not acknowledged, in order
}

// state is what a worker's keys hold.
type state map[string]value

// value is a string or a list, with a deadline that is known to lie in an interval.
type value struct {
	text     string
	list     []string // not nil: a list
	deadline interval
}

// interval holds unix milliseconds, both ends included. The zero interval is no deadline.
type interval struct{ from, to int64 }

func exactly(ms int64) interval { return interval{ms, ms} }

// operation is one unit of work: it happened as a whole or not at all.
type operation struct {
	commands [][]string
	// apply changes the state as the commands do. at is when they can have run.
	apply func(s state, at interval)
	// learn, unless nil, takes what the replies say that apply could not know.
	learn  func(s state, replies []Reply) error
	sentMs int64
}

func newWorker(id int, seed uint64) *worker {
	return &worker{id: id, rng: rand.New(rand.NewPCG(seed, uint64(id))), acked: state{}}
}

func (w *worker) key(parts ...any) string { return fmt.Sprintf("w%d:%s", w.id, fmt.Sprint(parts...)) }

// run writes until the connection breaks. It returns an error only for replies that no crash explains.
func (w *worker) run(c *Conn) error {
	const depthMax = 5
	for {
		var request []byte
		for range 1 + w.rng.IntN(depthMax) {
			op := w.choose()
			op.sentMs = time.Now().UnixMilli()
			w.pending = append(w.pending, op)
			for _, command := range op.commands {
				request = AppendCommand(request, command...)
			}
		}
		if err := c.Write(request); err != nil {
			return nil
		}
		for len(w.pending) > 0 {
			broken, err := w.acknowledge(c)
			if broken || err != nil {
				return err
			}
		}
	}
}

// acknowledge reads the replies of the oldest operation and applies it.
func (w *worker) acknowledge(c *Conn) (broken bool, err error) {
	op := w.pending[0]
	var replies []Reply
	for range op.commands {
		reply, err := c.Read()
		if err != nil {
			return true, nil
		}
		if reply.IsError() {
			return false, fmt.Errorf("worker %d: %v: %s", w.id, op.commands, reply)
		}
		replies = append(replies, reply)
	}
	op.apply(w.acked, interval{op.sentMs, time.Now().UnixMilli()})
	w.pending = w.pending[1:]
	if op.learn != nil {
		return false, op.learn(w.acked, replies)
	}
	return false, nil
}

// choose makes the next operation.
func (w *worker) choose() operation {
	w.serial++
	unique := fmt.Sprintf("%d-%s", w.serial, strings.Repeat("x", w.rng.IntN(200)))
	far := time.Now().UnixMilli() + 1_000_000 + w.rng.Int64N(1_000_000)
	slot := w.rng.IntN(12)
	switch w.rng.IntN(11) {
	case 0, 1:
		return w.increment(w.key("counter"), 1+w.rng.Int64N(3))
	case 2:
		return set(w.key("slot:", slot), unique)
	case 3:
		return w.remove(w.key("slot:", slot))
	case 4, 5:
		return w.push(w.key("journal"), unique)
	case 6:
		return w.trim(w.key("journal"), 40)
	case 7:
		return w.transfer(1 + w.rng.Int64N(9))
	case 8:
		return w.setRelative(w.key("timed:", slot), unique, 1_000_000+w.rng.Int64N(1_000_000))
	case 9:
		return w.setThenExpireAt(w.key("timed:", slot), unique, far)
	default:
		return w.setBrief(w.key("brief:", slot), unique, 5+w.rng.Int64N(400))
	}
}

func set(key, text string) operation {
	return operation{
		commands: [][]string{{"SET", key, text}},
		apply:    func(s state, _ interval) { s[key] = value{text: text} },
	}
}

func (w *worker) remove(key string) operation {
	return operation{
		commands: [][]string{{"DEL", key}},
		apply:    func(s state, _ interval) { delete(s, key) },
	}
}

func (w *worker) increment(key string, by int64) operation {
	return operation{
		commands: [][]string{{"INCRBY", key, strconv.FormatInt(by, 10)}},
		apply:    func(s state, _ interval) { s.add(key, by) },
		learn: func(s state, replies []Reply) error {
			if replies[0].Text != s[key].text {
				return fmt.Errorf("%s: INCRBY replied %s, the acknowledged ones make %s", key, replies[0].Text, s[key].text)
			}
			return nil
		},
	}
}

func (w *worker) push(key, text string) operation {
	return operation{
		commands: [][]string{{"RPUSH", key, text}},
		apply:    func(s state, _ interval) { s.push(key, text) },
	}
}

// trim keeps the last elements of a list.
func (w *worker) trim(key string, keep int) operation {
	return operation{
		commands: [][]string{{"LTRIM", key, strconv.Itoa(-keep), "-1"}},
		apply: func(s state, _ interval) {
			if list := s[key].list; len(list) > keep {
				s[key] = value{list: slices.Clone(list[len(list)-keep:])}
			}
		},
	}
}

// transfer moves an amount from one account to another and writes it in a ledger: all three or none.
func (w *worker) transfer(amount int64) operation {
	from, to, ledger := w.key("account:a"), w.key("account:b"), w.key("ledger")
	text := strconv.FormatInt(amount, 10)
	return operation{
		commands: [][]string{{"MULTI"}, {"DECRBY", from, text}, {"INCRBY", to, text}, {"RPUSH", ledger, text},
			{"LTRIM", ledger, "-30", "-1"}, {"EXEC"}},
		apply: func(s state, at interval) {
			s.add(from, -amount)
			s.add(to, amount)
			s.push(ledger, text)
			w.trim(ledger, 30).apply(s, at)
		},
	}
}

// setRelative sets a time to live. The exact deadline is the server's to say, and it holds from then on.
func (w *worker) setRelative(key, text string, ttlMs int64) operation {
	return operation{
		commands: [][]string{{"SET", key, text, "PX", strconv.FormatInt(ttlMs, 10)}, {"PEXPIRETIME", key}},
		apply: func(s state, at interval) {
			s[key] = value{text: text, deadline: interval{at.from + ttlMs, at.to + ttlMs}}
		},
		learn: func(s state, replies []Reply) error {
			deadline, err := strconv.ParseInt(replies[1].Text, 10, 64)
			if in := s[key].deadline; err != nil || deadline < in.from || deadline > in.to {
				return fmt.Errorf("%s: PEXPIRETIME is %s, not within %v", key, replies[1], in)
			}
			s[key] = value{text: text, deadline: exactly(deadline)}
			return nil
		},
	}
}

// setThenExpireAt gives an absolute deadline, in one of its forms; both commands are one transaction.
func (w *worker) setThenExpireAt(key, text string, deadlineMs int64) operation {
	command := []string{"PEXPIREAT", key, strconv.FormatInt(deadlineMs, 10)}
	if w.rng.IntN(2) == 0 {
		deadlineMs -= deadlineMs % 1000
		command = []string{"EXPIREAT", key, strconv.FormatInt(deadlineMs/1000, 10)}
	}
	return operation{
		commands: [][]string{{"MULTI"}, {"SET", key, text}, command, {"EXEC"}},
		apply:    func(s state, _ interval) { s[key] = value{text: text, deadline: exactly(deadlineMs)} },
	}
}

// setBrief sets what will lapse soon, perhaps while the server is down.
func (w *worker) setBrief(key, text string, ttlMs int64) operation {
	return operation{
		commands: [][]string{{"SET", key, text, "PX", strconv.FormatInt(ttlMs, 10)}},
		apply: func(s state, at interval) {
			s[key] = value{text: text, deadline: interval{at.from + ttlMs, at.to + ttlMs}}
		},
	}
}

func (s state) add(key string, by int64) {
	n, _ := strconv.ParseInt(s[key].text, 10, 64) // nothing there counts as 0
	s[key] = value{text: strconv.FormatInt(n+by, 10)}
}

func (s state) push(key, text string) {
	s[key] = value{list: append(slices.Clip(s[key].list), text)}
}

// resolve finds the prefix of the pending operations that explains what was found after the crash, and
// makes it the acknowledged state.
func (w *worker) resolve(found state, crashedMs int64, seen interval) error {
	if found == nil {
		found = state{}
	}
	expected := maps.Clone(w.acked)
	firstDiff := expected.differs(found, seen)
	for i := 0; ; i++ {
		if expected.differs(found, seen) == "" {
			w.acked, w.pending = found, nil
			return nil
		}
		if i == len(w.pending) {
			return fmt.Errorf("worker %d: no prefix of its %d unacknowledged operations explains what is there: with none of them, %s; with all, %s",
				w.id, len(w.pending), firstDiff, expected.differs(found, seen))
		}
		w.pending[i].apply(expected, interval{w.pending[i].sentMs, crashedMs})
	}
}

// differs says how what was found, while the clock went through seen, differs from the state; "" if it does not.
func (s state) differs(found state, seen interval) string {
	for key, want := range s {
		got, there := found[key]
		mayBeGone := want.deadline.to != 0 && want.deadline.from <= seen.to
		mustBeGone := want.deadline.to != 0 && want.deadline.to < seen.from
		switch {
		case there && mustBeGone:
			return fmt.Sprintf("%s lapsed at %v and is still there", key, want.deadline)
		case !there && !mayBeGone:
			return fmt.Sprintf("%s is missing", key)
		case !there:
		case got.text != want.text || !slices.Equal(got.list, want.list):
			return fmt.Sprintf("%s is %.60q %.60q, not %.60q %.60q", key, got.text, got.list, want.text, want.list)
		case got.deadline.from < want.deadline.from || got.deadline.to > want.deadline.to:
			return fmt.Sprintf("%s has the deadline %v, not %v", key, got.deadline, want.deadline)
		}
	}
	for key := range found {
		if _, known := s[key]; !known {
			return fmt.Sprintf("%s should not be there", key)
		}
	}
	return ""
}
