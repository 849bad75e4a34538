package acl

import "net"

// Guesses slows down who guesses passwords. The first failures from an address cost nothing, so that nobody notices a
// slip of the hand; then each login from there, right or wrong, is answered later than the one before. A minute without
// a failure, and all is forgotten.
//
// Right ones too: if only wrong ones were late, a guesser would hang up after a moment and try the next. And no longer
// than half a second, so that an application beside the guesser logs in well before its own timeout.
type Guesses struct {
	failures map[string]*failures // by address without the port
}

type failures struct {
	count int
	last  int64 // unix ms
}

const (
	guessesFree    = 10 // that cost nothing
	guessMillis    = 10 // what the next one costs; each after it twice as much
	guessMillisMax = 500
	guessForget    = 60_000 // milliseconds
	guessAddresses = 4096   // remembered at most
)

// Delay is how many milliseconds a login from an address has to wait for its answer.
func (g *Guesses) Delay(addr string, now int64) int64 {
	f := g.failures[host(addr)]
	if f == nil || now-f.last >= guessForget || f.count < guessesFree {
		return 0
	}
	return min(int64(guessMillis)<<min(f.count-guessesFree, 30), guessMillisMax)
}

// Failed notes a failed login.
func (g *Guesses) Failed(addr string, now int64) {
	key := host(addr)
	f := g.failures[key]
	if f == nil {
		if g.failures == nil {
			g.failures = map[string]*failures{}
		}
		g.makeRoom(now)
		f = &failures{}
		g.failures[key] = f
	}
	if now-f.last >= guessForget {
		f.count = 0
	}
	f.count++
	f.last = now
}

// makeRoom forgets addresses when there are too many: those that are forgiven, or else the one that has been quiet longest.
func (g *Guesses) makeRoom(now int64) {
	if len(g.failures) < guessAddresses {
		return
	}
	quietest, at := "", int64(1<<62)
	for key, f := range g.failures {
		if now-f.last >= guessForget {
			delete(g.failures, key)
		} else if f.last < at {
			quietest, at = key, f.last
		}
	}
	if len(g.failures) >= guessAddresses {
		delete(g.failures, quietest)
	}
}

// host is an address without its port; of a unix socket it is the path.
func host(addr string) string {
	if h, _, err := net.SplitHostPort(addr); err == nil {
		return h
	}
	return addr
}
