package lab

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"holdfast/lab/fault"
	"holdfast/lab/play"
	"holdfast/lab/report"
	"holdfast/lab/workload"
)

// RunOptions say what Run does. What is zero is as in the comments; all of it together takes less than two minutes on two
// cores.
type RunOptions struct {
	Target
	Load // Workload: mixed
	// Trace is where the trace stays; "" does not keep it.
	Trace string
	// States is how many crash states are played: 1000, a tenth of them with a second crash; but not for longer than PlayTime, 60 s.
	States   int
	PlayTime time.Duration
	// FaultTime bounds the experiments with other faults: 30 s. Negative leaves them out.
	FaultTime time.Duration
	// PlayAgain and FaultAgain are the commands that do one of them again; for the report.
	PlayAgain, FaultAgain string
	// Dir is where directories and mounts are made; "" is the system's place for temporary files.
	Dir string

	// Stage hears what begins; Progress and OnResult how it goes on.
	Stage    func(string)
	Progress func(done, total int, t play.Tally)
	OnResult func(fault.Result)
}

// Results is what a Run found. What was not reached is nil.
type Results struct {
	Recording Recording
	Crashes   *report.Crashes
	Faults    *report.Faults
}

// Held reports whether every promise was kept in what was tried.
func (r Results) Held() bool {
	return (r.Crashes == nil || r.Crashes.Held()) && (r.Faults == nil || r.Faults.Held())
}

const (
	statesDefault   = 1000
	secondDefault   = 0.1
	playDefault     = 60 * time.Second
	faultDefault    = 30 * time.Second
	faultRequests   = 40 // of each connection: what counts in an experiment is the fault, and there are many
	workloadDefault = "mixed"
)

func (o *RunOptions) defaults() {
	if o.Workload == "" && o.Script == "" {
		o.Workload = workloadDefault
	}
	if o.States == 0 {
		o.States = statesDefault
	}
	if o.PlayTime == 0 {
		o.PlayTime = playDefault
	}
	if o.FaultTime == 0 {
		o.FaultTime = faultDefault
	}
	if o.Stage == nil {
		o.Stage = func(string) {}
	}
}

// Run records, plays, and tries other faults. Where nothing can be mounted it does what can be done without, and the
// error says so; so does that of a context that ended, with what was found until then.
func Run(ctx context.Context, o RunOptions) (r Results, err error) {
	o.defaults()
	dir, remove, err := scratch(o.Dir)
	if err != nil {
		return Results{}, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	tracePath := o.Trace
	if tracePath == "" {
		tracePath = filepath.Join(dir, "trace")
	}
	o.Stage("recording")
	r.Recording, err = Record(ctx, RecordOptions{Target: o.Target, Load: o.Load, Trace: tracePath, Compare: true, Dir: o.Dir})
	switch {
	case errors.Is(err, ErrMount):
		faults, failed := o.faults(ctx, []fault.Kind{fault.Kill, fault.Pause, fault.Rest})
		r.Faults = faults
		return r, errors.Join(err, failed)
	case err != nil:
		return r, err
	}
	o.Stage("playing crashes")
	r.Crashes, err = Play(ctx, PlayOptions{
		Trace: tracePath, States: o.States, Seed: o.Seed, Second: secondDefault, Shrink: true, Replay: o.PlayAgain,
		Notes: r.Recording.Problems, Within: o.PlayTime, Dir: o.Dir, Progress: o.Progress,
	})
	if err != nil || o.FaultTime < 0 {
		return r, err
	}
	r.Faults, err = o.faults(ctx, nil)
	return r, err
}

// faults tries the kinds, or all.
func (o *RunOptions) faults(ctx context.Context, kinds []fault.Kind) (*report.Faults, error) {
	o.Stage("trying other faults")
	load := o.Load
	if load.Requests == 0 {
		load.Options.Requests = faultRequests
	}
	return Faults(ctx, FaultOptions{Target: o.Target, Load: load, Kinds: kinds, Replay: o.FaultAgain, Within: o.FaultTime, Dir: o.Dir,
		OnResult: o.OnResult})
}

// Workloads lists the workloads that have a name.
func Workloads() []workload.About { return workload.List() }
