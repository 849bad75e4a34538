package fault

import (
	"context"
	"math/rand/v2"
	"time"
)

// pauseFor is how long a pause is, and slowSyncs how long syncs take, in the experiments that nobody asked for by name.
const pauseFor = 300 * time.Millisecond

func slowSyncs() []time.Duration {
	return []time.Duration{20 * time.Millisecond, 200 * time.Millisecond}
}

// plan names the experiments to do. It needs runs without a fault to know what there is to go wrong, and when.
func (l *lab) plan(ctx context.Context) ([]experiment, error) {
	if l.Only != "" {
		x, err := parse(l.Only)
		return []experiment{x}, err
	}
	var all []experiment
	for i, kind := range l.Kinds {
		some, err := l.sort(ctx, kind, rand.New(rand.NewPCG(l.Seed, uint64(i))))
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return unique(all), nil
}

// sort names the experiments of one kind.
func (l *lab) sort(ctx context.Context, kind Kind, rng *rand.Rand) ([]experiment, error) {
	switch kind {
	case Slow:
		var all []experiment
		for _, d := range slowSyncs() {
			all = append(all, experiment{kind: Slow, after: d})
		}
		return all, nil
	case Error:
		return l.errors(ctx, rng)
	}
	killed, err := l.leave(ctx, false)
	if err != nil {
		return nil, err
	}
	var all []experiment
	switch kind {
	case Kill:
		for range l.Each {
			all = append(all, experiment{kind: Kill, n: 1 + rng.IntN(max(killed.replies, 1))},
				experiment{kind: Kill, after: time.Duration(rng.Int64N(int64(killed.took) + 1)).Truncate(time.Microsecond)})
		}
		ops, err := l.operations(ctx, rng)
		return append(all, ops...), err
	case Pause:
		for range l.Each {
			all = append(all, experiment{kind: Pause, n: 1 + rng.IntN(max(killed.replies, 1)), after: pauseFor})
		}
	case Rest:
		all = damages(killed, false, l.Each, rng)
		clean, err := l.leave(ctx, true)
		if err != nil {
			return nil, err
		}
		all = append(all, damages(clean, true, l.Each, rng)...)
	}
	return all, nil
}
