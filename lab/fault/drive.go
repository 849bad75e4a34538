package fault

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"holdfast/lab/subject"
	"holdfast/lab/traffic"
	"holdfast/lab/workload"
	"holdfast/resp"
)

// driven is how the traffic of an experiment ended.
type driven struct {
	broke  bool  // the connections did
	silent bool  // a reply did not come for longer than one should have to wait
	err    error // something that is no matter of the server's
}

// watchEvery is how often it is looked whether replies come.
const watchEvery = 50 * time.Millisecond

// drive sends the first round of the workload to a server until it is done, Traffic is over, the connections break, or a
// reply is longer in coming than Patience and what the experiment adds to it.
func (l *lab) drive(ctx context.Context, server subject.Server, held time.Duration, log traffic.Log, live *traffic.Live) driven {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w := &bounded{Workload: l.Workload}
	enough := time.AfterFunc(l.Traffic, func() { w.over.Store(true) })
	defer enough.Stop()
	ended := make(chan error, 1)
	go func() { ended <- traffic.Drive(ctx, w, 0, server.Dial, log, l.Seed) }()
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	var d driven
	for {
		select {
		case err := <-ended:
			if errors.Is(err, traffic.ErrBroken) {
				d.broke = !d.silent
			} else {
				d.err = err
			}
			return d
		case <-tick.C:
			if live.Waiting() > l.Patience+held {
				d.silent = true
				cancel()
			}
		}
	}
}

// bounded is a workload whose clients end when it is over, each after the reply that it waits for: what hangs is not to be
// taken for what is done.
type bounded struct {
	workload.Workload
	over atomic.Bool
}

func (b *bounded) Client(n, round int, rng *rand.Rand) workload.Client {
	return boundedClient{b.Workload.Client(n, round, rng), b}
}

type boundedClient struct {
	workload.Client
	of *bounded
}

func (c boundedClient) Next(reply resp.Reply) [][]byte {
	if c.of.over.Load() {
		return nil
	}
	return c.Client.Next(reply)
}

// silent is the result of a server that did not reply.
func silent(server subject.Server) Result {
	return Result{Outcome: Silent, Reason: server.Output(), Findings: findings("", "a request was not answered in time")}
}

// findings is one finding about what a server does, rather than what it serves.
func findings(key, format string, args ...any) []workload.Finding {
	return []workload.Finding{{Check: Behaviour, Key: key, Detail: fmt.Sprintf(format, args...)}}
}

// Behaviour is the check of findings about what a server does: it hangs, or ends without a cause.
const Behaviour workload.Check = "server does what it should not"
