package workload

import (
	"hash/maphash"
	"math"
	"time"

	"github.com/anishathalye/porcupine"
)

// crash is the input of the one operation that is not a client's: it shows what was seen after the recovery. It may be
// anywhere after the last operation that must have survived, and whatever comes after it is lost.
type crash struct{ shows func(*state) bool }

// crashed is the state after the crash. Nothing counts then: that is how operations may be lost.
type crashed struct{}

// linearizable lets porcupine decide whether some serial history of ops, crash included, leaves what was seen. porcupine.Unknown
// when it takes longer than limit.
func linearizable(ops []*operation, initial *state, bound uint64, shows func(*state) bool, limit time.Duration) porcupine.CheckResult {
	m := &machine{seed: maphash.MakeSeed()} // its own, and lists of its own: after a time-out it runs on for a moment
	model := porcupine.NondeterministicModel{
		Init: func() []any { return []any{m.copy(initial)} },
		Step: func(st, input, _ any) []any {
			if _, over := st.(crashed); over {
				return []any{crashed{}}
			}
			switch input := input.(type) {
			case crash:
				if input.shows(st.(*state)) {
					return []any{crashed{}}
				}
			case *operation:
				var next []any
				for _, s := range m.apply(st.(*state), input) {
					next = append(next, s)
				}
				return next
			}
			return nil
		},
		Equal: func(a, b any) bool {
			x, isState := a.(*state)
			y, both := b.(*state)
			if !isState || !both {
				return isState == both
			}
			return x.equal(y)
		},
	}
	return porcupine.CheckOperationsTimeout(model.ToModel(), history(ops, bound, shows), limit)
}

// history is what porcupine checks. Times are doubled, so that the crash has a moment right after bound.
func history(ops []*operation, bound uint64, shows func(*state) bool) []porcupine.Operation {
	const end = math.MaxInt64
	all := []porcupine.Operation{{Input: crash{shows}, Call: int64(2*bound + 1), Return: end}}
	for _, o := range ops {
		op := porcupine.Operation{ClientId: o.op.Conn, Input: o, Call: int64(2 * o.op.Call), Return: end}
		if o.returned {
			op.Return = int64(2 * o.op.Return)
		}
		all = append(all, op)
	}
	return all
}

// copy returns a state that shares nothing with another machine's.
func (m *machine) copy(s *state) *state {
	own := s.clone()
	for i := range own.vals {
		if v := &own.vals[i]; v.kind == lst || v.kind == set || v.kind == zst {
			v.list = m.list(append([]string(nil), v.list.elems()...))
		}
	}
	return m.seal(own)
}
