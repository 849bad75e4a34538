package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"holdfast/lab/disk"
	"holdfast/lab/play"
	"holdfast/lab/recorder"
	"holdfast/lab/report"
	"holdfast/lab/subject"
	"holdfast/lab/trace"
	"holdfast/lab/traffic"
)

// PlayOptions say which crash states of a trace to play, and on what.
type PlayOptions struct {
	// Trace is the file.
	Trace string
	// Target is the server to start; the zero Target is the one that was recorded.
	Target
	// State names a single state, as a report does; "" plays States of them. What else is zero is as in play.Plan.
	State    string
	States   int
	Seed     uint64
	Readings []disk.Reading
	Pieces   []int64
	Variants []disk.Variant
	Second   float64
	Limit    time.Duration
	Workers  int
	Shrink   bool
	Keep     string
	// Replay is the command that plays a state again, without its name; for the report.
	Replay string
	// Notes are for the report: what the recording had to say.
	Notes []string
	// Within bounds the time; 0 does not. What was played until then is reported.
	Within time.Duration
	// Dir is where directories are made; "" is the system's place for temporary files.
	Dir string

	Each     func(play.Result)
	Progress func(done, total int, t play.Tally)
}

// Play plays crash states of a trace. When ctx ends, the report says so and has what was played until then.
func Play(ctx context.Context, o PlayOptions) (r *report.Crashes, err error) {
	meta, err := metaOf(o.Trace)
	if err != nil {
		return nil, err
	}
	starter, killed, err := o.starterFor(meta)
	if err != nil {
		return nil, err
	}
	starter.ReplyMax = o.Limit
	whole, err := isWhole(o.Trace)
	if err != nil {
		return nil, err
	}
	if !whole {
		o.Notes = append(slices.Clone(o.Notes), "the trace ends before its recording did: the file was cut short, and what follows is not played")
	}
	dir, remove, err := scratch(o.Dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	load := Load{Workload: meta.Workload, Script: meta.Script, Seed: meta.Seed}
	if len(meta.Options) > 0 {
		if err := json.Unmarshal(meta.Options, &load.Options); err != nil {
			return nil, fmt.Errorf("the workload of %s: %w", o.Trace, err)
		}
	}
	w, err := load.judged(ctx, starter, dir)
	if err != nil {
		return nil, err
	}
	r = report.NewCrashes(report.Setup{Server: meta.Server, Command: starter.Command, Policy: meta.Policy, Workload: meta.Workload,
		Seed: meta.Seed, Trace: o.Trace, Notes: o.Notes, Replay: o.Replay})
	plan := play.Plan{
		Trace: o.Trace, Workload: w, Starter: starter, Scratch: dir, States: o.States, Seed: o.Seed, Readings: o.Readings,
		Pieces: o.Pieces, Variants: o.Variants, Second: o.Second, Killed: killed, Limit: o.Limit, Workers: o.Workers,
		Shrink: o.Shrink, Keep: o.Keep, Progress: o.Progress,
		Each: func(result play.Result) {
			r.Add(result)
			if o.Each != nil {
				o.Each(result)
			}
		},
	}
	if canMount(dir) == nil {
		plan.Power = taped{starter}
	}
	return r, o.play(ctx, plan, r)
}

// play plays the plan, or the single state.
func (o *PlayOptions) play(ctx context.Context, plan play.Plan, r *report.Crashes) error {
	if o.State != "" {
		state, err := play.ParseState(o.State)
		if err != nil {
			return err
		}
		began := time.Now()
		_, err = play.One(ctx, plan, state) // Each hears the result
		r.End(time.Since(began), cutBy(ctx, ctx, 0))
		return err
	}
	within, cancel := context.WithCancel(ctx)
	if o.Within > 0 {
		within, cancel = context.WithTimeout(ctx, o.Within)
	}
	defer cancel()
	began := time.Now()
	_, err := play.Play(within, plan)
	cut := cutBy(ctx, within, o.Within)
	r.End(time.Since(began), cut)
	if ctx.Err() == nil && cut != "" {
		return nil
	}
	return err
}

// cutBy says why something ended early, if it did.
func cutBy(ctx, within context.Context, limit time.Duration) string {
	switch {
	case ctx.Err() != nil:
		return "it was interrupted"
	case within.Err() != nil:
		return fmt.Sprintf("the time of %v was over", limit)
	}
	return ""
}

// metaOf reads what a trace says of itself.
func metaOf(path string) (trace.Meta, error) {
	r, err := trace.Open(path)
	if err != nil {
		return trace.Meta{}, err
	}
	return r.Meta, r.Close()
}

// isWhole reports whether a trace goes on until its recording was done.
func isWhole(path string) (whole bool, err error) {
	r, err := trace.Open(path)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	err = r.Events(func(e trace.Event) (bool, error) {
		whole = e.Kind == trace.Mark && e.Note == trace.MarkDone
		return !whole, nil
	})
	return whole, err
}

// starterFor is what starts the server: the one that is asked for, or that of the trace.
func (o *PlayOptions) starterFor(meta trace.Meta) (*subject.Process, string, error) {
	t := o.Target
	t.Policy = meta.Policy
	if t.Server == "" && t.Command == "" {
		t.Server = meta.Server
		if len(meta.Command) == 0 {
			return nil, "", fmt.Errorf("%s does not say how its server is started: %w", o.Trace, ErrCommand)
		}
		return &subject.Process{Command: meta.Command, Policy: meta.Policy}, t.killed(), nil
	}
	starter, err := t.starter()
	return starter, t.killed(), err
}

// taped records a server for a second crash that is a power cut. It is a play.Recorder.
type taped struct{ subject.Starter }

// Record does what play.Recorder says.
func (t taped) Record(ctx context.Context, dir, path string, meta trace.Meta, use func(subject.Server, traffic.Log) error) (err error) {
	log, err := trace.NewWriter(path, meta, BytesDefault)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	mountpoint := dir + ".mount"
	if err := os.Mkdir(mountpoint, 0o700); err != nil {
		return fmt.Errorf("making a mount point: %w", err)
	}
	fs, err := recorder.Mount(recorder.Options{Backing: dir, Mountpoint: mountpoint, Trace: log})
	if err != nil {
		return errors.Join(noMount(err), os.Remove(mountpoint))
	}
	defer func() {
		if err = errors.Join(err, fs.Unmount()); err == nil {
			err = os.Remove(mountpoint)
		}
	}()
	server, err := t.Start(ctx, mountpoint)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Kill()) }()
	return use(server, log)
}

// canMount reports whether a filesystem can be mounted here, by mounting one.
func canMount(dir string) (err error) {
	room := filepath.Join(dir, "try")
	backing, mountpoint := filepath.Join(room, "files"), filepath.Join(room, "data")
	for _, d := range []string{backing, mountpoint} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return fmt.Errorf("trying whether a filesystem can be mounted: %w", err)
		}
	}
	fs, err := recorder.Mount(recorder.Options{Backing: backing, Mountpoint: mountpoint})
	if err != nil {
		return noMount(err)
	}
	return errors.Join(fs.Unmount(), os.RemoveAll(room))
}
