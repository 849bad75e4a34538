package inspect

import (
	"context"
	"errors"
	"fmt"
	"time"

	"holdfast/aof"
	"holdfast/commands"
)

// Tail calls fn for the records that f selects: the last ones there are, and, when it is to follow, those that a server
// writes from then on, until ctx ends. last is how many records of the log's end to begin with; f.From goes before it.
// After each batch flush is called. Segments that are begun and retired meanwhile are no matter; where the log was off meanwhile,
// or records went before they were read, note hears of it.
func (d *Directory) Tail(
	ctx context.Context, f RecordFilter, last int, follow bool, fn func(Record) error, flush func() error, note func(string),
) error {
	from, end, err := d.tailFrom(f.From, last)
	if err != nil {
		return err
	}
	if !follow && f.To == 0 {
		f.To = end // what a server writes meanwhile is not asked for
	}
	follower := aof.Follow(d.fs, d.logPath(), from, func(first, last uint64) { note(gapNote(first, last)) })
	show := shower{RecordFilter: f, table: commands.NewTable(), left: f.Limit, fn: fn}
	err = d.follow(ctx, follower, &show, follow, flush)
	if errors.Is(err, errEnough) {
		err = nil
	}
	return errors.Join(err, follower.Close())
}

// gapNote tells of LSNs that a reader of the log does not see, and that are not lost.
func gapNote(first, last uint64) string {
	which := fmt.Sprintf("LSN %d to %d are", first, last)
	if first == last {
		which = fmt.Sprintf("LSN %d is", first)
	}
	return which + " in the snapshot alone: the log was off, or its segments went before they were read"
}

func (d *Directory) follow(ctx context.Context, follower *aof.Follower, show *shower, follow bool, flush func() error) error {
	const pause = 50 * time.Millisecond
	timer := time.NewTicker(pause)
	defer timer.Stop()
	for {
		_, err := follower.More(show.record)
		if flushed := flush(); !errors.Is(err, flushed) { // a buffered writer repeats its first error
			err = errors.Join(err, flushed)
		}
		if err != nil || !follow {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
	}
}

// tailFrom is the LSN to begin at, and the last one there is; 0 where there is no record.
func (d *Directory) tailFrom(from uint64, last int) (begin, end uint64, err error) {
	infos, err := d.list()
	if err != nil {
		return 0, 0, err
	}
	for _, info := range infos {
		if info.Damage != nil {
			return 0, 0, info.Damage
		}
	}
	if len(infos) == 0 {
		return max(from, 1), 0, nil
	}
	first := infos[0].First
	end = infos[len(infos)-1].Last
	if from == 0 {
		from = end + 1 - min(uint64(last), end+1-first)
	}
	return max(from, first), end, nil
}
