// Package fault makes things go wrong under a server, other than by a power cut, and has the workload judge what it then
// serves.
//
//	eio/fsync/17/once            the 17th fsync of the traffic fails; enospc, write, rename, fallocate; on: and all after it
//	eio/fsync/2/once/start       the same, counted from the start of the server
//	slow/100ms                   each sync takes so long
//	kill/reply/137               kill -9 at the 137th reply; kill/after/350ms; kill/op/412: at that file operation
//	pause/reply/50/300ms         SIGSTOP at the 50th reply, SIGCONT after 300 ms, and kill -9 soon after
//	rest/killed/flip/1234.5/F    bit 5 of byte 1234 of file F is flipped while no server runs; clean: after SIGTERM
//	rest/clean/zero/512/F        the sector at byte 512 of file F is zeros
//
// Each experiment has a server and a directory of its own. Its name is all that is needed to do it again, with the
// workload and its seed.
//
// What must hold: what was acknowledged is served; or the server refuses, with a reason; or it ends by itself, and
// everything acknowledged is there when it is started without the fault. Never are wrong data served silently.
//
// One damage cannot be told from an accident that is none: the newest record of a log, if nothing that was written later
// says that it had been durable, looks the same torn by a crash, when nobody had been told of it, and spoilt afterwards.
// A server may cut it off. So where damage near the end of a file costs no more than the newest writes, which were made
// together, or what lay in a lost sector at the end, the outcome is TornEnd and not Broken; and under everysec also where
// it costs no more than the last second, which the policy does not promise to be durable.
package fault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"holdfast/lab/subject"
	"holdfast/lab/traffic"
	"holdfast/lab/workload"
)

// Kind is a kind of experiment.
type Kind string

// The kinds. Error and Slow, and Kill at a file operation, need the recording filesystem.
const (
	Error Kind = "error"
	Slow  Kind = "slow"
	Kill  Kind = "kill"
	Pause Kind = "pause"
	Rest  Kind = "rest"
)

// Kinds are all of them, in the order in which they are run.
func Kinds() []Kind { return []Kind{Kill, Pause, Rest, Slow, Error} }

// Outcome is what became of one experiment.
type Outcome string

// The outcomes. Only Broken and Silent break a promise.
const (
	// Sound: what was acknowledged was served all the time.
	Sound Outcome = "sound"
	// Ended: the server ended by itself, and had everything when it was started without the fault.
	Ended Outcome = "ended by itself"
	// Refused: the server said why it does not start, or does not take requests.
	Refused Outcome = "refused"
	// TornEnd: see the package comment.
	TornEnd Outcome = "indistinguishable from a torn end"
	// Broken: a promise was.
	Broken Outcome = "broken"
	// Silent: the server neither answered nor ended within the limit.
	Silent Outcome = "silent"
	// Unreached: the fault did not come about, since the run had fewer operations of the kind, or ended sooner.
	Unreached Outcome = "not reached"
	// Impossible: it cannot be done with this server or on this machine. Reason says why.
	Impossible Outcome = "not possible"
)

// Broke reports whether the outcome breaks a promise.
func (o Outcome) Broke() bool { return o == Broken || o == Silent }

// Result is what became of one experiment, and why.
type Result struct {
	Name     string             `json:"name"`
	Kind     Kind               `json:"kind"`
	Outcome  Outcome            `json:"outcome"`
	Findings []workload.Finding `json:"findings,omitempty"`
	// Reason is what the server said when it refused or ended, its last lines.
	Reason string  `json:"reason,omitempty"`
	Millis float64 `json:"ms"`
}

// Options say what to try on what.
type Options struct {
	Starter  subject.Starter
	Workload workload.Workload
	Policy   string // traffic.Always or traffic.EverySec
	// Killed is the policy that holds when a process ends and the machine does not; "" is Policy.
	Killed string
	Seed   uint64
	// Kinds are the experiments to do; none are all. Only is the name of a single one.
	Kinds []Kind
	Only  string
	// Each is how many experiments there are of each sort, such as of EIO on a write. At least 1.
	Each int
	// Dir is where directories and mounts are made; "" is the system's place for temporary files.
	Dir string
	// Traffic bounds the traffic of one experiment, and Patience how long a reply may take. 0: 5 s and 10 s.
	Traffic, Patience time.Duration
}

var (
	// ErrName says that a text does not name an experiment.
	ErrName = errors.New("not an experiment")
	// ErrNothing says that a server took nothing of the traffic, so that nothing can be lost.
	ErrNothing = errors.New("every write was answered with an error")
)

// Run does the experiments, one after another, and hands over each result as it comes. It ends early with ctx, and when
// the server does not even run without a fault, or takes no write: ErrNothing. It leaves no process, mount or directory.
func Run(ctx context.Context, o Options, report func(Result)) (err error) {
	dir, err := os.MkdirTemp(o.Dir, "holdfast-fault-")
	if err != nil {
		return fmt.Errorf("making a place for experiments: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	l := &lab{Options: o, dir: dir}
	l.defaults()
	experiments, err := l.plan(ctx)
	if err != nil {
		return err
	}
	if l.Only == "" && l.rested[false] == nil && l.calls == nil { // no plan wanted to see it without a fault
		if _, err := l.leave(ctx, false); err != nil {
			return err
		}
	}
	for _, x := range experiments {
		if err := ctx.Err(); err != nil {
			return err
		}
		began := time.Now()
		result, err := l.do(ctx, x)
		if ctx.Err() != nil {
			return ctx.Err() // what was cut off says nothing
		}
		if err != nil {
			return fmt.Errorf("experiment %v: %w", x, err)
		}
		result.Name, result.Kind = x.String(), x.kind
		result.Millis = float64(time.Since(began).Microseconds()) / 1000
		report(result)
	}
	return nil
}

// took is ErrNothing where a server took no write of a whole run without a fault.
func took(h *workload.History) error {
	if asked, taken, refusal := workload.Taken(h.Ops); asked > 0 && taken == 0 {
		return fmt.Errorf("%w, so there is nothing to lose: %s", ErrNothing, refusal)
	}
	return nil
}

// lab is the place and the means of a run.
type lab struct {
	Options
	dir   string
	rooms int

	rested map[bool]*rested // by whether the server was ended cleanly; see rest.go
	calls  map[string]int   // of the traffic, by name; see count
}

func (l *lab) defaults() {
	l.Each = max(l.Each, 1)
	if l.Traffic <= 0 {
		l.Traffic = 5 * time.Second
	}
	if l.Patience <= 0 {
		l.Patience = 10 * time.Second
	}
	if l.Killed == "" {
		l.Killed = l.Policy
	}
	if len(l.Kinds) == 0 {
		l.Kinds = Kinds()
	}
	l.rested = map[bool]*rested{}
}

// room makes an empty directory.
func (l *lab) room() (string, error) {
	l.rooms++
	room := filepath.Join(l.dir, fmt.Sprint(l.rooms))
	if err := os.Mkdir(room, 0o700); err != nil {
		return "", fmt.Errorf("making a directory for an experiment: %w", err)
	}
	return room, nil
}

func (l *lab) do(ctx context.Context, x experiment) (Result, error) {
	switch x.kind {
	case Rest:
		return l.rest(ctx, x)
	case Kill, Pause:
		if x.op == 0 {
			return l.interrupt(ctx, x)
		}
	}
	return l.mounted(ctx, x)
}

// judge starts the server on a directory, and has the workload judge what it serves by the history. What the history
// does not allow and pardon does, if there is one, is a TornEnd. The server is gone afterwards; if it goes before it has
// said what it has, it is Ended.
func (l *lab) judge(ctx context.Context, dir string, h, pardon *workload.History) (Result, error) {
	server, err := l.Starter.Start(ctx, dir)
	switch {
	case errors.Is(err, subject.ErrRefused):
		return Result{Outcome: Refused, Reason: err.Error()}, nil
	case errors.Is(err, subject.ErrSilent):
		return Result{Outcome: Silent, Reason: err.Error(), Findings: []workload.Finding{{Check: workload.NeverStarted,
			Detail: "it neither answers nor ends"}}}, nil
	case err != nil:
		return Result{}, err
	}
	result, err := l.look(ctx, server, h, pardon)
	return result, errors.Join(err, server.Kill())
}

// restart is judge where nothing is wrong any more.
func (l *lab) restart(ctx context.Context, dir string, h *workload.History) (Result, error) {
	result, err := l.judge(ctx, dir, h, nil)
	if result.Outcome == Ended {
		result.Outcome, result.Findings = Broken, findings("", "it ended by itself after a start without a fault")
	}
	return result, err
}

// look has the workload judge what a running server serves.
func (l *lab) look(ctx context.Context, server subject.Server, h, pardon *workload.History) (Result, error) {
	seen := *h
	seen.Seen = time.Now().UnixMilli()
	replies, err := traffic.Ask(ctx, server.Dial, nil, 0, l.Workload.Reads(), l.Patience)
	if err != nil {
		return unanswered(server, err), nil
	}
	result := Result{Outcome: Sound, Findings: l.Workload.Judge(&seen, replies)}
	if !accuse(result.Findings) {
		return result, nil
	}
	result.Outcome = Broken
	if pardon != nil {
		forgiven := *pardon
		forgiven.Seen = seen.Seen
		if !accuse(l.Workload.Judge(&forgiven, replies)) {
			result.Outcome = TornEnd
		}
	}
	return result, nil
}

// accuse reports whether findings say that a promise broke: what could not be decided is none.
func accuse(findings []workload.Finding) bool {
	return slices.ContainsFunc(findings, func(f workload.Finding) bool { return f.Check != workload.Undecided })
}

// unanswered is the result of a server that does not say what it has: since it has ended, or although it runs.
func unanswered(server subject.Server, err error) Result {
	if ended(server) {
		return Result{Outcome: Ended, Reason: server.Output()}
	}
	return Result{Outcome: Silent, Reason: server.Output(), Findings: findings("", "it does not say what it has: %v", err)}
}

// endMax is how long a process may take to end after its connections did.
const endMax = time.Second

// ended reports whether a server has ended by itself, if that can be known.
func ended(server subject.Server) bool {
	process, ok := server.(interface{ Exited() <-chan struct{} })
	if !ok {
		return false
	}
	select {
	case <-process.Exited():
		return true
	case <-time.After(endMax):
		return false
	}
}
