package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A Run is a load under way. Its methods are for one goroutine.
type Run struct {
	o          Options
	operations []operation
	begun      time.Time // zero of the run's clock
	loops      []*loop
	names      []string // of the phases

	starts   atomic.Pointer[[]int64] // of the phases, on the run's clock
	stopAt   atomic.Int64            // when the run was stopped; 0: it was not
	claimed  atomic.Uint64           // operations that loops took on, where their number is given
	answered atomic.Uint64

	cancel context.CancelFunc
	done   chan struct{} // closed when all loops have ended
	errs   []error       // of the loops; valid after done
	ended  int64         // when they had; valid after done
}

// Start connects and begins. The run ends with Stop, with its number of requests, with an error, or with ctx; Stop has to
// be called in any case.
func Start(ctx context.Context, o Options, phase string) (*Run, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	operations, err := o.Workload.compile()
	if err != nil {
		return nil, err
	}
	r := &Run{o: o, operations: operations, names: []string{phase}, done: make(chan struct{})}
	if err := r.prepare(ctx); err != nil {
		return nil, errors.Join(err, r.close())
	}
	r.starts.Store(&[]int64{0})
	r.begun = time.Now()
	ctx, r.cancel = context.WithCancel(ctx)
	context.AfterFunc(ctx, r.halt)
	r.errs = make([]error, len(r.loops))
	var all sync.WaitGroup
	for i, l := range r.loops {
		all.Go(func() {
			if r.errs[i] = l.serve(); r.errs[i] != nil {
				r.halt() // one that fails ends the others
			}
		})
	}
	go func() {
		all.Wait()
		r.ended = r.now()
		close(r.done)
	}()
	return r, nil
}

// prepare makes the loops and their connections.
func (r *Run) prepare(ctx context.Context) error {
	keys, values := newKeySpace(r.o.Keys, r.o.Keyspace), newValues(r.o.ValueBytes, r.o.Seed)
	for i := range r.o.Threads {
		sockets := (r.o.Connections + r.o.Threads - 1 - i) / r.o.Threads
		p, err := newPoller(sockets)
		if err != nil {
			return err
		}
		l := &loop{
			run: r, poller: p, in: make([]byte, receiveBytes), starts: []int64{0},
			maker: maker{keys: keys, values: values, random: rand.New(rand.NewPCG(r.o.Seed, uint64(i)+1))},
		}
		if r.o.Rate > 0 {
			l.pace = newPace(0, r.o.Rate*float64(sockets)/float64(r.o.Connections))
		}
		r.loops = append(r.loops, l)
		for n := range sockets {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			socket, err := r.o.Target.connect()
			if err != nil {
				return err
			}
			c := newConn(socket, r.o.Pipeline)
			c.turn = uint64(n)
			l.conns = append(l.conns, c)
		}
	}
	return nil
}

// close closes what the loops had open.
func (r *Run) close() error {
	var errs []error
	for _, l := range r.loops {
		for _, c := range l.conns {
			errs = append(errs, unix.Close(c.fd))
		}
		errs = append(errs, l.poller.close())
	}
	return errors.Join(errs...)
}

// now is the run's clock: nanoseconds since it began.
func (r *Run) now() int64 { return int64(time.Since(r.begun)) }

func (r *Run) open() bool { return r.o.Rate > 0 }

// stopped is when the run was stopped, 0 if it was not.
func (r *Run) stopped() int64 { return r.stopAt.Load() }

// halt has the loops send nothing new.
func (r *Run) halt() { r.stopAt.CompareAndSwap(0, max(r.now(), 1)) }

// claim takes on up to n operations, as many as the run may still have.
func (r *Run) claim(n uint64) uint64 {
	if r.o.Requests == 0 {
		return n
	}
	before := r.claimed.Add(n) - n
	if before >= r.o.Requests {
		return 0
	}
	return min(n, r.o.Requests-before)
}

// spent says whether the number of operations has been taken on.
func (r *Run) spent() bool { return r.o.Requests > 0 && r.claimed.Load() >= r.o.Requests }

// Phase begins the next phase: what is due from now on belongs to it.
func (r *Run) Phase(name string) {
	starts := append([]int64(nil), *r.starts.Load()...)
	starts = append(starts, r.now())
	r.names = append(r.names, name)
	r.starts.Store(&starts)
}

// Answered is how many operations have been answered so far.
func (r *Run) Answered() uint64 { return r.answered.Load() }

// Done is closed when the run has ended, by itself or otherwise.
func (r *Run) Done() <-chan struct{} { return r.done }

// Stop sends nothing new, waits for the replies that are due, and returns what was seen. An error means that the run
// failed: a connection was lost, or a server answered with what is no reply. Error replies are in the result.
func (r *Run) Stop() (Result, error) {
	r.halt()
	<-r.done
	r.cancel()
	err := errors.Join(append(r.errs, r.close())...)
	if err != nil {
		return Result{}, fmt.Errorf("%w, after %d requests", err, r.Answered())
	}
	return r.result(), nil
}
