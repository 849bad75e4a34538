package fault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"holdfast/lab/subject"
	"holdfast/lab/traffic"
	"holdfast/lab/workload"
)

// driven is how the traffic of an experiment ended.
type driven struct {
	broke  bool  // the connections did
	silent bool  // a reply did not come for longer than one should have to wait
	err    error // something that is no matter of the server's
}

// drive sends the first round of the workload to a server until it is done, Traffic is over, the connections break, or a
// reply is longer in coming than Patience and what the experiment adds to it.
func (l *lab) drive(ctx context.Context, server subject.Server, held time.Duration, log traffic.Log) driven {
	limits := traffic.Limits{Traffic: l.Traffic, Patience: l.Patience + held}
	_, err := traffic.Within(ctx, l.Workload, 0, server.Dial, log, l.Seed, limits)
	switch {
	case errors.Is(err, traffic.ErrUnanswered):
		return driven{silent: true}
	case errors.Is(err, traffic.ErrBroken):
		return driven{broke: true}
	}
	return driven{err: err}
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
