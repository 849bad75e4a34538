package load

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

const (
	receiveBytes = 256 << 10 // read at a time
	idleWait     = 50 * time.Millisecond
	drainMax     = int64(5 * time.Second) // for requests that are due when a run ends, before they are given up

	// leastPause is how long a loop sleeps that waits for the next request to be due, unless a reply comes; those that are due
	// meanwhile leave together, and how late they are is told. Sleeping for each by itself took a quarter to a third of a processor
	// more at 45,000 requests a second, which the server misses where there are few.
	leastPause = 50 * time.Microsecond
)

// A loop drives some of the connections on a thread of its own.
type loop struct {
	run    *Run
	poller *poller
	conns  []*conn
	maker  maker
	pace   pace

	in, out []byte
	starts  []int64  // of the phases
	tallies []*tally // by phase
	under   int      // operations under way
	owed    uint64   // operations due and not sent, of the open loop
	heard   int64    // when the last reply came, or the first request left
}

// serve drives the connections until the run has ended for this loop.
func (l *loop) serve() error {
	runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine, and its timer slack with it
	if l.run.open() {
		// The kernel may wake a thread this much too late; 50 µs otherwise.
		if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err != nil {
			return fmt.Errorf("timer slack: %w", err)
		}
	}
	l.heard = l.run.now()
	for i, c := range l.conns {
		if err := l.poller.add(c.fd, i); err != nil {
			return err
		}
		if err := l.renew(c, i, l.heard); err != nil {
			return err
		}
	}
	for {
		now := l.run.now()
		if l.ended(now) {
			return nil
		}
		if err := l.release(now); err != nil {
			return err
		}
		if l.under > 0 && now-l.heard > int64(l.run.o.Patience) {
			return fmt.Errorf("no reply came for %v", l.run.o.Patience)
		}
		events, err := l.poller.wait(l.pause())
		if err != nil {
			return err
		}
		l.starts = *l.run.starts.Load()
		for _, event := range events {
			if err := l.handle(int(event.Fd), event.Events); err != nil {
				return err
			}
		}
	}
}

// pause is how long there may be nothing to do.
func (l *loop) pause() time.Duration {
	if !l.run.open() || l.run.stopped() != 0 {
		return idleWait
	}
	return min(max(time.Duration(l.pace.next()-l.run.now()), leastPause), idleWait)
}

// ended says whether nothing is under way any more, and nothing will be.
func (l *loop) ended(now int64) bool {
	stopped := l.run.stopped()
	switch {
	case stopped == 0 && !l.run.spent():
		return false
	case l.run.open() && l.owed > 0 && stopped != 0 && now-stopped > drainMax:
		l.abandon(now)
	}
	return l.under == 0 && l.owed == 0
}

// abandon gives up what was due and has not been sent. It counts as having taken until now: a bound from below.
func (l *loop) abandon(now int64) {
	for _, c := range l.conns {
		for ; c.owed > 0; c.owed-- {
			t := l.tally(l.pace.at(c.turn))
			t.unsent++
			t.gaveUp.record(now - l.pace.at(c.turn))
			c.turn += uint64(len(l.conns))
		}
	}
	l.owed = 0
}

// release hands what is due by now to the connections, in turn.
func (l *loop) release(now int64) error {
	if !l.run.open() {
		return nil
	}
	until := now
	if stopped := l.run.stopped(); stopped != 0 {
		until = min(now, stopped)
	}
	for l.pace.next() <= until && l.run.claim(1) == 1 {
		i, _ := l.pace.release(until)
		at := int(i % uint64(len(l.conns)))
		c := l.conns[at]
		if c.owed == 0 && c.under == 0 { // it waited for nobody but us
			l.tally(l.pace.at(i)).late.record(now - l.pace.at(i))
		}
		c.owed++
		l.owed++
		if err := l.feed(c, at, now); err != nil {
			return err
		}
	}
	return nil
}

// renew begins the next pipeline of the closed loop, once all of the one before is answered.
func (l *loop) renew(c *conn, index int, now int64) error {
	if l.run.open() || c.under > 0 || c.owed > 0 || l.run.stopped() != 0 {
		return nil
	}
	c.owed = l.run.claim(uint64(l.run.o.Pipeline))
	l.owed += c.owed
	return l.feed(c, index, now)
}

// feed sends what a connection owes, as far as its pipeline and the kernel take it.
func (l *loop) feed(c *conn, index int, now int64) error {
	for len(c.unsent) == 0 {
		l.out = append(l.out[:0], c.then...)
		c.then = c.then[:0]
		for c.owed > 0 && c.under < len(c.entries) && len(l.out) < chunkBytes {
			l.make(c, now)
		}
		if len(l.out) == 0 {
			break
		}
		if err := c.send(l.out); err != nil {
			return err
		}
	}
	if writes := len(c.unsent) > 0; writes != c.writes {
		c.writes = writes
		return l.poller.watch(c.fd, index, writes)
	}
	return nil
}

// make appends the first request of an operation to what is sent next.
func (l *loop) make(c *conn, now int64) {
	e := entry{due: now}
	if l.run.open() {
		e.due = l.pace.at(c.turn)
		c.turn += uint64(len(l.conns))
	}
	if len(l.run.operations) > 1 {
		drawn := l.maker.random.IntN(l.run.operations[len(l.run.operations)-1].upTo)
		for drawn >= l.run.operations[e.op].upTo {
			e.op++
		}
	}
	l.out, e.choice = l.maker.append(l.out, &l.run.operations[e.op].request, nil)
	c.push(e)
	c.owed--
	l.owed--
	if l.under == 0 {
		l.heard = now
	}
	l.under++
}

// handle does what a connection is ready for.
func (l *loop) handle(index int, events uint32) error {
	c := l.conns[index]
	if events&unix.EPOLLOUT != 0 {
		if err := c.send(c.unsent); err != nil {
			return err
		}
	}
	if events&^unix.EPOLLOUT != 0 {
		b, err := c.receive(l.in)
		if err != nil {
			return l.lost(c, err)
		}
		if len(b) > 0 {
			if err := l.take(c, b, l.run.now()); err != nil {
				return err
			}
		}
	}
	now := l.run.now()
	if err := l.feed(c, index, now); err != nil {
		return err
	}
	return l.renew(c, index, now)
}

// lost says how far a run came whose connection ended.
func (l *loop) lost(c *conn, err error) error {
	if c.under == 0 {
		return fmt.Errorf("%w, while nothing was asked", err)
	}
	return err
}

// take finds the replies in bytes.
func (l *loop) take(c *conn, b []byte, now int64) error {
	l.heard = now
	for len(b) > 0 {
		r, n, done, err := c.scan.next(b)
		if err != nil {
			return err
		}
		b = b[n:]
		if !done {
			break
		}
		if c.under == 0 {
			return fmt.Errorf("%w: a reply came that nobody asked for", errNotRESP)
		}
		l.answer(c, r, now)
	}
	if len(b) > len(l.in)/2 {
		return errors.Join(errNotRESP, errors.New("a line without end"))
	}
	c.rest = append(c.rest[:0], b...)
	return nil
}

// answer notes a reply to the oldest request.
func (l *loop) answer(c *conn, r reply, now int64) {
	e := c.pop()
	op := &l.run.operations[e.op]
	t := l.tally(e.due)
	t.requests++
	expect := op.expect
	if e.second {
		expect = ExpectStatus
	}
	right := true
	if r.kind == '-' {
		t.fail(string(r.head))
		right = false
	} else if wrong, miss := judge(expect, r, e.choice, l.maker.values, l.run.o.Verify); wrong != "" {
		t.fail(wrong)
		right = false
	} else if miss {
		t.misses++
	}
	if op.twice && !e.second && right {
		c.then, _ = l.maker.append(c.then, &op.then, &e.choice)
		e.second = true
		c.push(e)
		return
	}
	if op.inserts && right {
		l.maker.keys.arrived(e.key)
	}
	t.latencies[e.op].record(now - e.due)
	t.last = now
	l.under--
	l.run.answered.Add(1)
}

// tally is that of the phase in which something was due.
func (l *loop) tally(due int64) *tally {
	phase := phaseAt(l.starts, due)
	for len(l.tallies) <= phase {
		l.tallies = append(l.tallies, newTally(len(l.run.operations)))
	}
	return l.tallies[phase]
}
