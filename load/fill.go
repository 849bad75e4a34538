package load

import (
	"context"
	"fmt"
)

const fillPipeline = 128

// Fill writes every key once with a value of its own, over a few connections. Progress hears how many there are by now.
func Fill(ctx context.Context, o Options, progress func(done uint64)) error {
	fill, err := Mix("set")
	if err != nil {
		return err
	}
	o.Workload, o.Keyspace, o.Requests, o.Rate = fill, Sequential, o.Keys, 0
	o.Connections, o.Threads, o.Pipeline = min(o.Connections, 8), 1, fillPipeline
	result, err := Await(ctx, o, progress)
	if err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	if p := result.Phases[0]; p.Errors > 0 {
		return fmt.Errorf("fill: the server refuses: %s", p.Complaint())
	}
	return nil
}
