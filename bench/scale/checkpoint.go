package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	burstKeys    = 50_000               // updates before each checkpoint that is measured
	savePoll     = 5 * time.Millisecond // between questions whether it is over, where its duration is measured
	baselineSpan = time.Second          // how long memory is watched before it
)

// savers are the contenders whose checkpoints are compared.
func (t *trial) savers() []*contender { return []*contender{t.holdfast, t.rdb} }

// checkpointFigures is what the rounds gather.
type checkpointFigures struct {
	took, quiet, during, extra, slice sides
}

// checkpoints measures a checkpoint three times a round on each server, so that no measurement costs another one time:
// its duration alone, its effect on a load, and its memory under the same load.
func (t *trial) checkpoints(ctx context.Context) error {
	t.aof.kill()
	var f checkpointFigures
	for round := range t.o.Rounds {
		for i, c := range t.savers() {
			for _, measure := range []func(context.Context, int, *contender, *checkpointFigures) error{
				t.checkpointTime, t.checkpointLatency, t.checkpointMemory,
			} {
				if err := t.undisturbed(func() error { return measure(ctx, i, c, &f) }); err != nil {
					return err
				}
			}
			t.say("round %d of %d: %s: checkpoint %.0f ms, p99 %.0f µs (quiet: %.0f µs), memory +%.1f %%", round+1, t.o.Rounds, c.name(),
				f.took.last(i), f.during.last(i), f.quiet.last(i), f.extra.last(i))
		}
	}
	updated := fmt.Sprintf("checkpoint of %d updates", min(burstKeys, t.keys))
	t.emit(t.row(updated+" / BGSAVE, ms", 0, f.took).besideRDB().within(checkpointBound))
	t.emit(t.row("its extra memory under load, %", 1, f.extra).itself("%").within(extraMemoryBound))
	t.emit(t.row("GET and SET p99, quiet, µs", 0, f.quiet))
	t.emit(t.row("GET and SET p99, during it, µs", 0, f.during).besideQuiet(f.quiet).within(checkpointP99Bound))
	t.emit(t.row("checkpoint_longest_slice_usec", 0, f.slice).itself("µs").atWorst().within(sliceBound))
	return nil
}

// prepare makes a server quiet and its last checkpoint a recent one, which keeps its own rules from beginning another.
func (t *trial) prepare(ctx context.Context, c *contender) error {
	if err := c.settle(ctx); err != nil {
		return err
	}
	if _, err := c.save(ctx, settleTick); err != nil {
		return err
	}
	return c.settle(ctx)
}

// saveBurst updates keys and writes the checkpoint of them. begin and took are the checkpoint's alone.
func (t *trial) saveBurst(ctx context.Context, c *contender, poll time.Duration) (begin time.Time, took time.Duration, err error) {
	if err := t.burst(ctx, c, burstKeys); err != nil {
		return begin, 0, err
	}
	begin = time.Now()
	took, err = c.save(ctx, poll)
	return begin, took, err
}

func (t *trial) checkpointTime(ctx context.Context, i int, c *contender, f *checkpointFigures) error {
	if err := t.prepare(ctx, c); err != nil {
		return err
	}
	_, took, err := t.saveBurst(ctx, c, savePoll)
	if err != nil {
		return err
	}
	f.took.add(i, millis(took))
	return t.noteSlice(c, i, f)
}

func (t *trial) checkpointLatency(ctx context.Context, i int, c *contender, f *checkpointFigures) error {
	calm, err := t.loadWithoutSave(ctx, c)
	if err != nil {
		return err
	}
	if err := t.prepare(ctx, c); err != nil {
		return err
	}
	var begin time.Time
	var took time.Duration
	all, err := t.loadWhile(ctx, c, t.pace(true), func(ctx context.Context) error {
		var err error
		begin, took, err = t.saveBurst(ctx, c, pollUnderLoad)
		return err
	})
	if err != nil {
		return err
	}
	within := during(all, begin, begin.Add(took))
	t.few(c.name()+": requests during a checkpoint", within)
	f.quiet.add(i, p99(calm))
	f.during.add(i, p99(within))
	return t.noteSlice(c, i, f)
}

// loadWithoutSave loads a quiet server; a checkpoint by its own rules meanwhile is errSaving.
func (t *trial) loadWithoutSave(ctx context.Context, c *contender) ([]sample, error) {
	if err := t.prepare(ctx, c); err != nil {
		return nil, err
	}
	before, err := askInfo(c.process, "persistence")
	if err != nil {
		return nil, err
	}
	samples, err := t.loadFor(ctx, c, t.pace(true), quietLoad)
	if err != nil {
		return nil, err
	}
	after, err := askInfo(c.process, "persistence")
	if err != nil {
		return nil, err
	}
	const lastSave = "rdb_last_save_time"
	if after.isBusy() || after[lastSave] != before[lastSave] {
		return nil, fmt.Errorf("%s: %w: in the quiet load", c.name(), errSaving)
	}
	return samples, nil
}

// checkpointMemory compares the most that a server holds during a checkpoint with the most that it held before, under
// the same load.
func (t *trial) checkpointMemory(ctx context.Context, i int, c *contender, f *checkpointFigures) error {
	if err := t.prepare(ctx, c); err != nil {
		return err
	}
	size := func() (int64, error) { return c.memory(c.process.PID()) }
	var before, peak int64
	_, err := t.loadWhile(ctx, c, t.pace(true), func(ctx context.Context) error {
		baseline := watch(size)
		waited := pause(ctx, baselineSpan)
		var err error
		if before, err = baseline.peakBytes(); err != nil || waited != nil {
			return errors.Join(err, waited)
		}
		during := watch(size)
		_, _, saved := t.saveBurst(ctx, c, pollUnderLoad)
		peak, err = during.peakBytes()
		return errors.Join(saved, err)
	})
	if err != nil {
		return err
	}
	f.extra.add(i, 100*float64(peak-before)/float64(before))
	return t.noteSlice(c, i, f)
}

// noteSlice notes how long the last checkpoint held up everything else at most; Redis, which forks, does not say.
func (t *trial) noteSlice(c *contender, i int, f *checkpointFigures) error {
	if c != t.holdfast {
		return nil
	}
	fields, err := askInfo(c.process, "persistence")
	if err != nil {
		return err
	}
	longest, err := fields.number("checkpoint_longest_slice_usec")
	f.slice.add(i, float64(longest))
	return err
}
