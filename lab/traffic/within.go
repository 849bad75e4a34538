package traffic

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"holdfast/lab/subject"
	"holdfast/lab/trace"
	"holdfast/lab/workload"
	"holdfast/resp"
)

// watchEvery is how often it is looked whether replies come.
const watchEvery = 50 * time.Millisecond

// Limits bound Within.
type Limits struct {
	// Traffic is how long requests are made; 0 is until the workload is done. Patience is how long a reply may take.
	Traffic, Patience time.Duration
}

// Within is Drive within limits. When the time is over each client ends after the reply that it waits for: what hangs is
// not to be taken for what is done. It reports whether some had more to ask. ErrUnanswered when a reply takes too long.
func Within(ctx context.Context, w workload.Workload, round int, dial func() (subject.Conn, error), log Log, seed uint64,
	limits Limits) (over bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	b := &bounded{Workload: w}
	if limits.Traffic > 0 {
		enough := time.AfterFunc(limits.Traffic, func() { b.over.Store(true) })
		defer enough.Stop()
	}
	waits := &waiting{Log: log, asked: map[int]asked{}}
	ended := make(chan error, 1)
	go func() { ended <- Drive(ctx, b, round, dial, waits, seed) }()
	tick := time.NewTicker(min(watchEvery, limits.Patience))
	defer tick.Stop()
	var silent error
	for {
		select {
		case err := <-ended:
			if silent != nil && !errors.Is(err, ErrUnanswered) {
				err = silent
			}
			return b.cut.Load(), err
		case <-tick.C:
			if since, args := waits.longest(); since > limits.Patience && silent == nil {
				silent = fmt.Errorf("%w: %s, %v", ErrUnanswered, described(args), limits.Patience)
				cancel()
			}
		}
	}
}

// waiting is a Log that knows who waits for a reply.
type waiting struct {
	Log

	mu    sync.Mutex // guards what follows
	asked map[int]asked
}

// asked is what a connection waits for, and since when.
type asked struct {
	at   time.Time
	args [][]byte
}

func (w *waiting) Append(e trace.Event, data []byte) (uint64, error) {
	switch e.Kind {
	case trace.Request:
		w.note(e.Conn, &asked{time.Now(), e.Args})
	case trace.Reply, trace.Closed:
		w.note(e.Conn, nil)
	}
	return w.Log.Append(e, data)
}

func (w *waiting) note(conn int, what *asked) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if delete(w.asked, conn); what != nil {
		w.asked[conn] = *what
	}
}

// longest is for how long somebody has been waiting, and for what.
func (w *waiting) longest() (d time.Duration, args [][]byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	for _, a := range w.asked {
		if since := now.Sub(a.at); since > d {
			d, args = since, a.args
		}
	}
	return d, args
}

// bounded is a workload that ends when the time is over.
type bounded struct {
	workload.Workload
	over, cut atomic.Bool
}

func (b *bounded) Client(n, round int, rng *rand.Rand) workload.Client {
	return boundedClient{b.Workload.Client(n, round, rng), b}
}

type boundedClient struct {
	workload.Client
	of *bounded
}

func (c boundedClient) Next(reply resp.Reply) [][]byte {
	args := c.Client.Next(reply)
	if args != nil && c.of.over.Load() {
		c.of.cut.Store(true)
		return nil
	}
	return args
}
