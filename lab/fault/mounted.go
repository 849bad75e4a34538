package fault

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"holdfast/lab/recorder"
	"holdfast/lab/subject"
	"holdfast/lab/trace"
	"holdfast/lab/traffic"
	"holdfast/lab/workload"
)

// mounted does the experiments that need the recording filesystem: the server runs on it, something goes wrong with its
// files, and then it is looked at three times. Running still; started again after a kill -9; and started on what a power
// cut would have left, which is where it shows when a failed sync was taken for one that succeeded.
func (l *lab) mounted(ctx context.Context, x experiment) (result Result, err error) {
	m, err := l.mount(x)
	if errors.Is(err, recorder.ErrNoFUSE) {
		return Result{Outcome: Impossible, Reason: err.Error()}, nil
	}
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, m.remove()) }()
	if x.start {
		if err := m.arm(x); err != nil {
			return Result{}, err
		}
	}
	server, err := l.Starter.Start(ctx, m.mountpoint)
	switch {
	case errors.Is(err, subject.ErrRefused) && x.start:
		return l.refusedStart(ctx, m, err)
	case err != nil:
		return Result{}, err
	}
	run, err := l.suffer(ctx, x, m, server)
	if err := errors.Join(err, server.Kill(), m.unmount(), ctx.Err()); err != nil || run.final {
		return run.Result, err
	}
	return l.aftermath(ctx, m, run)
}

// ordeal is what came of a run under a fault.
type ordeal struct {
	Result
	final   bool // nothing more is to be looked at
	reached bool // the fault came about
	// What must be there after the process was killed, and after a power cut.
	killed, cut *workload.History
}

// suffer sends the traffic while the fault is there, and looks at the server if it still runs then.
func (l *lab) suffer(ctx context.Context, x experiment, m *mount, server subject.Server) (ordeal, error) {
	live := traffic.NewLive(l.Workload.Clients(), time.Now)
	log := tee{live, m.log}
	hand := &hand{kind: x.kind, server: server}
	if !x.start {
		if err := m.arm(x); err != nil {
			return ordeal{}, err
		}
	}
	if x.op > 0 {
		m.fs.At(x.op, hand.kill)
	}
	drove := l.drive(ctx, server, x.after, log)
	killed := hand.finish()
	m.faults.Disarm()
	if err := errors.Join(drove.err, hand.err); err != nil {
		return ordeal{}, err
	}
	run := ordeal{reached: killed || m.faults.Fired() > 0 || x.kind == Slow}
	switch {
	case drove.silent:
		run.Result, run.final = silent(server), true
		return run, nil
	case drove.broke && killed:
		run.Outcome = Sound
	case drove.broke && !run.reached:
		return ordeal{}, fmt.Errorf("the server ended although nothing had gone wrong: %s", server.Output())
	case drove.broke:
		run.Outcome, run.Reason = Ended, server.Output()
	default:
		h, err := live.History(traffic.Always) // who has not crashed has lost nothing
		if err != nil {
			return ordeal{}, err
		}
		if run.Result, err = l.look(ctx, server, h, nil); err != nil || run.Outcome.Broke() {
			run.final = true
			return run, err
		}
	}
	var errs [2]error
	run.killed, errs[0] = live.History(l.Killed)
	run.cut, errs[1] = live.History(l.Policy)
	return run, errors.Join(errs[:]...)
}

// aftermath judges what the server makes of its files after a kill, and of what a power cut would have left of them.
func (l *lab) aftermath(ctx context.Context, m *mount, run ordeal) (result Result, err error) {
	result, err = l.restart(ctx, m.backing, run.killed)
	if err != nil || result.Outcome != Sound {
		return result, err
	}
	cut, err := l.room()
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(cut)) }()
	if err := m.powerCut(cut); err != nil {
		return Result{}, err
	}
	if result, err = l.restart(ctx, cut, run.cut); err != nil || result.Outcome != Sound {
		for i := range result.Findings {
			result.Findings[i].Detail += " (after a power cut that followed)"
		}
		return result, err
	}
	if !run.reached {
		return Result{Outcome: Unreached}, nil
	}
	return run.Result, nil
}

// refusedStart is what follows when the server did not start under the fault: without it, it must.
func (l *lab) refusedStart(ctx context.Context, m *mount, refusal error) (Result, error) {
	m.faults.Disarm()
	if m.faults.Fired() == 0 {
		return Result{}, refusal
	}
	if err := m.unmount(); err != nil {
		return Result{}, err
	}
	result, err := l.restart(ctx, m.backing, &workload.History{})
	if err == nil && result.Outcome == Sound {
		result = Result{Outcome: Refused, Reason: refusal.Error()}
	} else if result.Outcome == Refused {
		result.Outcome = Broken
		result.Findings = []workload.Finding{{Check: workload.NeverStarted,
			Detail: "a start that failed leaves a directory on which no other succeeds"}}
	}
	return result, err
}

// errors names the experiments with calls that fail: of each call, each way, Each places over the run.
func (l *lab) errors(ctx context.Context, rng *rand.Rand) ([]experiment, error) {
	calls, err := l.count(ctx)
	if err != nil {
		return nil, err
	}
	var all []experiment
	for _, x := range ways() {
		n := calls[x.call]
		if x.start {
			n = min(l.Each, 3) // a start makes few calls
		}
		for _, at := range spread(n, l.Each, rng) {
			x.n = at
			all = append(all, x)
		}
	}
	return all, nil
}

// ways are the ways in which a call can fail, without where.
func ways() []experiment {
	var all []experiment
	for _, start := range []bool{false, true} {
		for _, call := range calls() {
			for _, fails := range failures() {
				for _, always := range []bool{false, true} {
					all = append(all, experiment{kind: Error, fails: fails, call: call, always: always, start: start})
				}
			}
		}
	}
	return all
}

// spread picks k of the numbers 1 to n, one of each k-th part; all if there are no more.
func spread(n, k int, rng *rand.Rand) []int {
	var picked []int
	k = min(n, k)
	for i := range k {
		from, to := i*n/k, (i+1)*n/k
		picked = append(picked, 1+from+rng.IntN(to-from))
	}
	return picked
}

// operations names experiments with a kill at a file operation.
func (l *lab) operations(ctx context.Context, rng *rand.Rand) ([]experiment, error) {
	calls, err := l.count(ctx)
	if err != nil {
		return nil, err
	}
	var all []experiment
	for _, at := range spread(calls[anyCall], l.Each, rng) {
		all = append(all, experiment{kind: Kill, op: at})
	}
	return all, nil
}

// anyCall is the key of the sum of all operations in what count returns.
const anyCall = ""

// count runs the traffic once on the recording filesystem, and counts the calls of each kind.
func (l *lab) count(ctx context.Context) (calls map[string]int, err error) {
	if l.calls != nil {
		return l.calls, nil
	}
	m, err := l.mount(experiment{})
	if errors.Is(err, recorder.ErrNoFUSE) {
		// One experiment of each kind says why there are no more.
		l.calls = map[string]int{anyCall: 1, "write": 1}
		return l.calls, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.remove()) }()
	server, err := l.Starter.Start(ctx, m.mountpoint)
	if err != nil {
		return nil, fmt.Errorf("on the recording filesystem: %w", err)
	}
	from := m.log.Last()
	live := traffic.NewLive(l.Workload.Clients(), time.Now)
	drove := l.drive(ctx, server, 0, live)
	if drove.broke || drove.silent {
		drove.err = fmt.Errorf("a run without a fault, on the recording filesystem: %s", server.Output())
	}
	if err := errors.Join(drove.err, server.Kill(), m.unmount(), ctx.Err()); err != nil {
		return nil, err
	}
	h, err := live.History(traffic.Always)
	if err := errors.Join(err, took(h)); err != nil {
		return nil, err
	}
	l.calls = map[string]int{}
	return l.calls, m.each(func(e trace.Event) error {
		if call := callOf(e.Kind); e.Seq > from && e.Kind.IsFile() {
			l.calls[anyCall]++
			if call != "" {
				l.calls[call]++
			}
		}
		return nil
	})
}

// callOf is the call, by the name that it has in experiments, that makes a kind of event; "" for none.
func callOf(k trace.Kind) string {
	switch k {
	case trace.Write:
		return "write"
	case trace.Sync, trace.SyncDir:
		return "fsync"
	case trace.Rename:
		return "rename"
	case trace.Allocate:
		return "fallocate"
	}
	return ""
}

// tee writes the events of clients to two logs.
type tee struct {
	live *traffic.Live
	log  traffic.Log
}

func (t tee) Append(e trace.Event, data []byte) (uint64, error) {
	if _, err := t.log.Append(e, data); err != nil {
		return 0, err
	}
	return t.live.Append(e, data)
}
