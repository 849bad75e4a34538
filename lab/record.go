// Package lab puts the crash lab together: it records a server under a workload, plays the crashes that the record
// allows, and tries the faults that are none of power.
//
//	Record ──► a trace ──► Play ──► report.Crashes
//	Faults ───────────────────────► report.Faults
//	Run does all of it with good defaults.
//
// Whatever is started or mounted here is gone when the function returns, also when its context ends early. What a lab
// that was killed left is cleaned up by the next one.
package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"holdfast/lab/fault"
	"holdfast/lab/recorder"
	"holdfast/lab/subject"
	"holdfast/lab/trace"
	"holdfast/lab/traffic"
	"holdfast/lab/workload"
)

const (
	// TimeDefault bounds the traffic of a recording, and BytesDefault the size of its trace.
	TimeDefault  = 10 * time.Second
	BytesDefault = 256 << 20
	// patienceDefault is how long a server may take to reply where nobody says.
	patienceDefault = 10 * time.Second
)

// RecordOptions say what to record.
type RecordOptions struct {
	Target
	Load
	// Trace is the file to make.
	Trace string
	// Time bounds the traffic, and Bytes the trace. 0: TimeDefault and BytesDefault.
	Time  time.Duration
	Bytes int64
	// Patience is how long a reply may take; 0: 10 s.
	Patience time.Duration
	// Compare also runs the workload without the mount, to say how much slower that is.
	Compare bool
	// Dir is where directories and mounts are made; "" is the system's place for temporary files.
	Dir string
}

// Recording says what was recorded.
type Recording struct {
	Trace    string `json:"trace,omitempty"` // "" once it is gone
	Server   string `json:"server"`
	Policy   string `json:"policy"`
	Workload string `json:"workload"`
	Seed     uint64 `json:"seed"`

	Events   uint64  `json:"events"`
	Bytes    int64   `json:"bytes"` // of the trace
	Requests int     `json:"requests"`
	Replies  int     `json:"replies"`
	Seconds  float64 `json:"seconds"` // of traffic, without the rests that there are under everysec
	// PerSecond is the rate of replies, and Plain, if it was asked for, that of the same workload without the mount.
	PerSecond float64 `json:"requests_per_second"`
	Plain     float64 `json:"requests_per_second_without_mount,omitempty"`
	// Operations counts those on files by kind, start of the server included.
	Operations map[string]int `json:"operations"`
	// Cut says why the traffic was ended before the workload was done; "" if it was not.
	Cut string `json:"cut,omitempty"`
	// Problems are what makes the trace worth less than it could be, one line each.
	Problems []string `json:"problems,omitempty"`
}

// Slower is how many times slower the mount made the server; 0 if that was not measured.
func (r Recording) Slower() float64 {
	if r.PerSecond == 0 {
		return 0
	}
	return r.Plain / r.PerSecond
}

var (
	// ErrEnded says that a server ended during the traffic although nothing had been done to it.
	ErrEnded = errors.New("the server ended under the workload")
	// ErrHangs says that it left a request without a reply.
	ErrHangs = errors.New("the server hangs under the workload")
	// ErrNothing says that a server took nothing of the traffic, so that no crash can show anything.
	ErrNothing = fault.ErrNothing
)

// Record runs a workload on a server whose files lie on the recording filesystem, ends the server by kill -9, and
// leaves a trace.
func Record(ctx context.Context, o RecordOptions) (rec Recording, err error) {
	o.defaults()
	starter, err := o.Target.starter()
	if err != nil {
		return Recording{}, err
	}
	w, err := o.Load.workload(nil)
	if err != nil {
		return Recording{}, err
	}
	dir, remove, err := scratch(o.Dir)
	if err != nil {
		return Recording{}, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	meta, err := o.meta(w, starter.Command)
	if err != nil {
		return Recording{}, err
	}
	rec = Recording{Trace: o.Trace, Server: meta.Server, Policy: meta.Policy, Workload: meta.Workload, Seed: meta.Seed}
	log, err := trace.NewWriter(o.Trace, meta, o.Bytes)
	if err != nil {
		return Recording{}, err
	}
	s := session{RecordOptions: o, work: w, starter: starter, log: log, rec: &rec}
	err = s.run(ctx, dir)
	if closed := log.Close(); !errors.Is(closed, trace.ErrFull) {
		err = errors.Join(err, closed)
	}
	if err == nil && o.Compare {
		rec.Plain, err = s.plain(ctx, filepath.Join(dir, "plain"))
	}
	if err == nil {
		err = rec.count()
	}
	if err != nil {
		rec.Trace = ""
		return rec, errors.Join(err, os.Remove(o.Trace)) // half a recording is a trap
	}
	return rec, nil
}

func (o *RecordOptions) defaults() {
	if o.Time <= 0 {
		o.Time = TimeDefault
	}
	if o.Bytes <= 0 {
		o.Bytes = BytesDefault
	}
	if o.Patience <= 0 {
		o.Patience = patienceDefault
	}
}

// meta is what a player needs to know of the recording.
func (o *RecordOptions) meta(w workload.Workload, command []string) (trace.Meta, error) {
	options, err := json.Marshal(o.Load.Options)
	if err != nil {
		return trace.Meta{}, fmt.Errorf("describing the workload: %w", err)
	}
	return trace.Meta{
		Began: time.Now().UnixMilli(), Server: o.Target.name(), Command: command, Policy: o.Policy,
		Workload: w.Name(), Script: o.Script, Seed: o.Seed, Clients: w.Clients(), Options: options,
	}, nil
}

// session is one recording.
type session struct {
	RecordOptions
	work    workload.Workload
	starter subject.Starter
	log     *trace.Writer
	rec     *Recording
}

// run mounts, records, and unmounts.
func (s *session) run(ctx context.Context, dir string) (err error) {
	backing, mountpoint := filepath.Join(dir, "files"), filepath.Join(dir, "data")
	for _, d := range []string{backing, mountpoint} {
		if err := os.Mkdir(d, 0o700); err != nil {
			return fmt.Errorf("making a place for the server: %w", err)
		}
	}
	fs, err := recorder.Mount(recorder.Options{Backing: backing, Mountpoint: mountpoint, Trace: s.log})
	if err != nil {
		return noMount(err)
	}
	defer func() {
		err = errors.Join(err, fs.Unmount())
		s.rec.Problems = append(s.rec.Problems, fs.Problems()...)
	}()
	server, err := s.starter.Start(ctx, mountpoint)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, server.Kill())
		s.rec.Problems = append(s.rec.Problems, strays(server)...)
	}()
	if err := s.mark(trace.MarkReady, trace.MarkTraffic); err != nil {
		return err
	}
	w, rests := s.work, func() time.Duration { return 0 }
	if s.Policy == traffic.EverySec {
		rested := traffic.Resting(ctx, w)
		w, rests = rested, rested.For
	}
	took, err := s.drive(ctx, server, w, s.log)
	if err != nil {
		return err
	}
	s.rec.Seconds = max(took-rests(), time.Millisecond).Seconds()
	s.rec.Problems = append(s.rec.Problems, outside(server, dir)...)
	return s.mark(trace.MarkDone)
}

// drive sends the traffic until it is done or the time is over.
func (s *session) drive(ctx context.Context, server subject.Server, w workload.Workload, log traffic.Log) (time.Duration, error) {
	began := time.Now()
	over, err := traffic.Within(ctx, w, 0, server.Dial, log, s.Seed, traffic.Limits{Traffic: s.Time, Patience: s.Patience})
	took := time.Since(began)
	switch {
	case ctx.Err() != nil:
		return took, ctx.Err()
	case errors.Is(err, trace.ErrFull):
		s.rec.Cut = fmt.Sprintf("the trace reached its limit of %d MiB", s.Bytes>>20)
	case errors.Is(err, traffic.ErrUnanswered):
		return took, fmt.Errorf("%w: %w\n%s", ErrHangs, err, server.Output())
	case errors.Is(err, traffic.ErrBroken):
		return took, fmt.Errorf("%w: %w\n%s", ErrEnded, err, server.Output())
	case err != nil:
		return took, err
	case over:
		s.rec.Cut = fmt.Sprintf("the time of %v was over", s.Time)
	}
	return took, nil
}

// mark writes marks. A full trace needs none.
func (s *session) mark(notes ...string) error {
	for _, note := range notes {
		if _, err := s.log.Append(trace.Event{Kind: trace.Mark, Note: note}, nil); err != nil && !errors.Is(err, trace.ErrFull) {
			return err
		}
	}
	return nil
}

// plain is the rate of replies on a directory of its own, without the mount.
func (s *session) plain(ctx context.Context, dir string) (rate float64, err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return 0, fmt.Errorf("making a place for the server: %w", err)
	}
	server, err := s.starter.Start(ctx, dir)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, server.Kill()) }()
	cut := s.rec.Cut
	log := new(counter)
	took, err := s.drive(ctx, server, s.work, log)
	s.rec.Cut = cut
	return float64(log.replies.Load()) / took.Seconds(), err
}

// count fills in what the trace holds.
func (r *Recording) count() error {
	t, err := trace.Open(r.Trace)
	if err != nil {
		return err
	}
	r.Operations = map[string]int{}
	wrong, first := 0, ""
	follower := traffic.NewFollower(t.Meta)
	err = t.Events(func(e trace.Event) (bool, error) {
		r.Events = e.Seq
		if err := follower.Apply(e); err != nil {
			return false, err
		}
		switch {
		case e.Kind.IsFile():
			r.Operations[e.Kind.String()]++
		case e.Kind == trace.Request:
			r.Requests++
		case e.Kind == trace.Reply:
			r.Replies++
			if bytes.HasPrefix(e.Reply, []byte("-")) {
				if wrong++; wrong == 1 {
					first = string(bytes.TrimSpace(e.Reply))
				}
			}
		}
		return true, nil
	})
	if err := errors.Join(err, t.Close()); err != nil {
		return err
	}
	info, err := os.Stat(r.Trace)
	if err != nil {
		return fmt.Errorf("looking at the trace: %w", err)
	}
	r.Bytes = info.Size()
	if r.Seconds > 0 {
		r.PerSecond = float64(r.Replies) / r.Seconds
	}
	if asked, taken, refusal := workload.Taken(follower.History(r.Events, traffic.Always).Ops); asked > 0 && taken == 0 {
		return fmt.Errorf("%w, so a crash has nothing to take: -%s", ErrNothing, refusal)
	}
	if wrong > 0 && wrong >= r.Replies/2 {
		r.Problems = append(r.Problems, fmt.Sprintf("%d of %d requests were answered with an error, and have nothing to lose: %s", wrong,
			r.Replies, first))
	}
	if lost := r.Requests - r.Replies; lost > 0 && r.Cut == "" {
		r.Problems = append(r.Problems, fmt.Sprintf("the server closed connections; %d of %d requests had no reply, and may have been "+
			"done or not", lost, r.Requests))
	}
	if r.Operations[trace.Write.String()] == 0 {
		r.Problems = append(r.Problems, "the server wrote nothing into its directory: does its command use {dir}?")
	}
	return nil
}
