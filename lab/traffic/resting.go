package traffic

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"holdfast/lab/workload"
	"holdfast/resp"
)

const (
	// rests is how often the clients of Resting rest, and restFor how long: longer by half than what everysec leaves open,
	// since a server that syncs every second does so a little later now and then.
	rests   = 3
	restFor = 1500 * time.Millisecond
)

// Resting is a workload whose clients rest, all at about the same time: what they were told before is a second old then. A
// few thousand requests take less than a second, in which everysec promises nothing, so that a server that never syncs
// would break no promise. The end of ctx ends a rest.
func Resting(ctx context.Context, w workload.Workload) *Rested {
	n := 0
	for c := w.Client(0, 0, rand.New(rand.NewPCG(0, 0))); c.Next(resp.Reply{}) != nil; {
		n++
	}
	return &Rested{Workload: w, ctx: ctx, every: max(n/(rests+1), 1)}
}

// Rested is what Resting returns.
type Rested struct {
	workload.Workload
	ctx   context.Context
	every int          // requests from one rest to the next
	taken atomic.Int64 // rests, all clients together
}

// For is how long its clients have rested, on average.
func (r *Rested) For() time.Duration {
	return restFor * time.Duration(r.taken.Load()) / time.Duration(r.Clients())
}

// Client does what Workload says.
func (r *Rested) Client(n, round int, rng *rand.Rand) workload.Client {
	return &restingClient{Client: r.Workload.Client(n, round, rng), of: r}
}

type restingClient struct {
	workload.Client
	of   *Rested
	made int
}

func (c *restingClient) Next(reply resp.Reply) [][]byte {
	if c.made > 0 && c.made%c.of.every == 0 && c.made/c.of.every <= rests {
		c.of.taken.Add(1)
		select {
		case <-time.After(restFor):
		case <-c.of.ctx.Done():
		}
	}
	c.made++
	return c.Client.Next(reply)
}
