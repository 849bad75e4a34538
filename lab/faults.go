package lab

import (
	"cmp"
	"context"
	"errors"
	"time"

	"holdfast/lab/fault"
	"holdfast/lab/report"
)

// FaultOptions say what to try besides power cuts, and on what.
type FaultOptions struct {
	Target
	Load
	// Kinds are the experiments to do; none are all. Only is the name of a single one.
	Kinds []fault.Kind
	Only  string
	// Each is how many experiments there are of each sort: 3.
	Each int
	// Traffic bounds the traffic of one experiment, and Patience how long a reply may take; 0 is as in fault.Options.
	Traffic, Patience time.Duration
	// Replay is the command that does an experiment again, without its name; for the report.
	Replay string
	// Within bounds the time; 0 does not. What was done until then is reported.
	Within time.Duration
	// Dir is where directories and mounts are made; "" is the system's place for temporary files.
	Dir string

	OnResult func(fault.Result)
}

// eachDefault is FaultOptions.Each if it is zero.
const eachDefault = 3

// Faults does experiments with a server. When ctx ends, the report says so and has what was done until then.
func Faults(ctx context.Context, o FaultOptions) (r *report.Faults, err error) {
	starter, err := o.Target.starter()
	if err != nil {
		return nil, err
	}
	starter.ReplyMax = cmp.Or(o.Patience, patienceDefault) + time.Minute // an experiment may add to it
	dir, remove, err := scratch(o.Dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	w, err := o.Load.judged(ctx, starter, dir)
	if err != nil {
		return nil, err
	}
	if o.Each == 0 {
		o.Each = eachDefault
	}
	r = report.NewFaults(report.Setup{Server: o.Target.name(), Command: starter.Command, Policy: o.Policy, Workload: w.Name(),
		Seed: o.Seed, Replay: o.Replay})
	within, cancel := context.WithCancel(ctx)
	if o.Within > 0 {
		within, cancel = context.WithTimeout(ctx, o.Within)
	}
	defer cancel()
	began := time.Now()
	err = fault.Run(within, fault.Options{
		Starter: starter, Workload: w, Policy: o.Policy, Killed: o.Target.killed(), Seed: o.Seed, Kinds: o.Kinds, Only: o.Only,
		Each: o.Each, Dir: dir, Traffic: o.Traffic, Patience: o.Patience,
	}, func(result fault.Result) {
		r.Add(result)
		if o.OnResult != nil {
			o.OnResult(result)
		}
	})
	cut := cutBy(ctx, within, o.Within)
	r.End(time.Since(began), cut)
	if ctx.Err() == nil && cut != "" {
		err = nil
	}
	return r, err
}
