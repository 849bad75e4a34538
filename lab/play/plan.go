package play

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	"holdfast/lab/disk"
	"holdfast/lab/subject"
	"holdfast/lab/trace"
	"holdfast/lab/traffic"
	"holdfast/lab/workload"
)

// Plan says which states of a trace are played on what, and how. What is zero is as in the comments.
type Plan struct {
	Trace    string // its file
	Workload workload.Workload
	Starter  subject.Starter
	// Scratch is where directories are made; "" is the system's place for temporary files. None of them outlives the call.
	Scratch string

	// States is how many are played: a sample of the points and variants, or, where it is more than there are of these,
	// all of them, and of the variants that chance has a say in several. 0: every point with every variant. A point at
	// which nothing is at risk has one state.
	States   int
	Seed     uint64
	Readings []disk.Reading // none: both
	Pieces   []int64        // bytes; none: 512 and 4096
	Variants []disk.Variant // none: all

	// Second is the share of the directories, 0 to 1, on which a recovered server gets more traffic, a second crash and a
	// second recovery.
	Second float64
	// Power makes that crash a power cut in every second case; nil: it is always a kill -9.
	Power Recorder
	// Killed is the policy that holds when a process ends and the machine does not; "" is that of the trace.
	Killed string

	// Limit bounds a start, and how long a reply may take: 10 s.
	Limit   time.Duration
	Workers int // one for each CPU
	// Clock is the one that the servers go by: time.Now. It must be past the end of the trace.
	Clock func() time.Time
	// Shrink looks, for the first broken states of each check, for the least that has to be lost for it.
	Shrink bool
	// Keep makes One leave what it has built as this directory, as it was before the server saw it.
	Keep string

	// Each hears every result, and Progress how far it is; one call at a time. The Tally is theirs during the call only.
	Each     func(Result)
	Progress func(done, total int, t Tally)
}

// Recorder starts a server whose file operations are recorded, for a second crash that is a power cut.
type Recorder interface {
	// Record starts a server on a directory, calls use with it, and ends it, however use comes out. What is on disk at the
	// start, every file operation and what use appends to the log are in the trace that it makes.
	Record(ctx context.Context, dir, trace string, meta trace.Meta, use func(subject.Server, traffic.Log) error) error
}

var (
	// ErrNoPoint says that a trace has no event of the number that a state names.
	ErrNoPoint = errors.New("the trace has no such event")
	// ErrNothing says that a trace has nothing to play: the server did nothing to files.
	ErrNothing = errors.New("the trace has no file operation")
)

func (p *Plan) fill() error {
	if p.States < 0 || p.Second < 0 || p.Second > 1 {
		return fmt.Errorf("playing %s: %d states, %g of them twice: out of bounds", p.Trace, p.States, p.Second)
	}
	if len(p.Readings) == 0 {
		p.Readings = []disk.Reading{disk.Strict, disk.Ordered}
	}
	if len(p.Pieces) == 0 {
		p.Pieces = []int64{512, 4096}
	}
	if len(p.Variants) == 0 {
		p.Variants = []disk.Variant{disk.OnlySynced, disk.Everything, disk.Random, disk.NamesLost, disk.Torn}
	}
	if p.Limit == 0 {
		p.Limit = 10 * time.Second
	}
	if p.Workers < 1 {
		p.Workers = runtime.GOMAXPROCS(0)
	}
	if p.Clock == nil {
		p.Clock = time.Now
	}
	return nil
}

// Tally counts states.
type Tally struct {
	States int `json:"states"`
	// Distinct is how many directories the server was started on: equal ones are played once, and judged for each state.
	Distinct int `json:"distinct_directories"`
	// Twice is how many of them had a second crash, and Cuts how many directories came of those that were power cuts.
	Twice    int                    `json:"second_crashes"`
	Cuts     int                    `json:"second_power_cuts"`
	Outcomes map[Outcome]int        `json:"outcomes"`
	Checks   map[workload.Check]int `json:"checks"` // states with a finding of it
}

// Summary is what came of a Plan.
type Summary struct {
	Tally
	Points    int      `json:"points"` // of the trace, at which it can be crashed
	Seed      uint64   `json:"seed"`
	Seconds   float64  `json:"seconds"`
	PerSecond float64  `json:"states_per_second"`
	Failures  []Result `json:"failures,omitempty"` // the first ones of each outcome but Sound
}

// failuresMax bounds the Failures of one outcome.
const failuresMax = 50

// Play plays a plan. It ends early, with the error of ctx, when that ends; what was found until then is in the Summary.
// It leaves no process and no directory.
func Play(ctx context.Context, plan Plan) (Summary, error) {
	p, err := newPlayer(plan)
	if err != nil {
		return Summary{Seed: plan.Seed}, err
	}
	began := time.Now()
	err = p.run(ctx, func() error {
		of, err := p.count(p.trace)
		if err != nil {
			return err
		}
		p.summary.Points = of.points
		return p.play(ctx, of)
	})
	s := p.summary
	s.Seconds = time.Since(began).Seconds()
	s.PerSecond = float64(s.States) / max(s.Seconds, 1e-9)
	return s, err
}

// One plays one state of a plan's trace again. The second crash comes with it if the plan has a share for it at all.
func One(ctx context.Context, plan Plan, state State) (Result, error) {
	plan.Readings, plan.Pieces = []disk.Reading{state.Reading}, []int64{state.Piece}
	if plan.Second > 0 {
		plan.Second = 1
	}
	p, err := newPlayer(plan)
	if err != nil {
		return Result{}, err
	}
	var r Result
	err = p.run(ctx, func() (err error) {
		r, err = p.one(ctx, state)
		return err
	})
	return r, err
}

func newPlayer(plan Plan) (*player, error) {
	if err := plan.fill(); err != nil {
		return nil, err
	}
	p := &player{Plan: plan, cache: newCache(), shrunk: map[workload.Check]int{}}
	p.summary.Seed = plan.Seed
	p.summary.Outcomes, p.summary.Checks = map[Outcome]int{}, map[workload.Check]int{}
	return p, nil
}

// run calls fn with the trace open and a place for directories, and clears both away.
func (p *player) run(ctx context.Context, fn func() error) (err error) {
	if p.trace, err = trace.Open(p.Trace); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.trace.Close()) }()
	if p.Killed == "" {
		p.Killed = p.trace.Meta.Policy
	}
	if p.room, err = os.MkdirTemp(p.Scratch, "holdfast-play-"); err != nil {
		return fmt.Errorf("making a place for crash states: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(p.room)) }()
	if err := ctx.Err(); err != nil {
		return err
	}
	return fn()
}

// tell counts a result and passes it on.
func (p *player) tell(r Result) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &p.summary
	s.States++
	s.Outcomes[r.Outcome]++
	var counted []workload.Check
	for _, f := range r.Findings {
		if !slices.Contains(counted, f.Check) {
			counted = append(counted, f.Check)
			s.Checks[f.Check]++
		}
	}
	if r.Outcome != Sound && s.Outcomes[r.Outcome] <= failuresMax {
		s.Failures = append(s.Failures, r)
	}
	if p.Each != nil {
		p.Each(r)
	}
	if p.Progress != nil {
		p.Progress(s.States, p.total, s.Tally)
	}
}
