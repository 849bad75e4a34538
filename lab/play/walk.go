package play

import (
	"fmt"

	"holdfast/lab/disk"
	"holdfast/lab/trace"
	"holdfast/lab/traffic"
)

// walk is a place in a trace: what the files are there, and what the clients know.
type walk struct {
	follower *traffic.Follower
	models   map[disk.Reading]*disk.Model
	crashes  map[crashKey]*disk.Crash // as of the newest operation on files, or mark
}

type crashKey struct {
	reading disk.Reading
	piece   int64
}

// crash is what a crash here may take. Those after one operation on files, whatever the clients did since, are the same.
func (w *walk) crash(reading disk.Reading, piece int64) *disk.Crash {
	key := crashKey{reading, piece}
	c := w.crashes[key]
	if c == nil {
		c = w.models[reading].Crash(piece)
		w.crashes[key] = c
	}
	return c
}

// everyEvent makes follow stop at every event, rather than at the points that differ.
const everyEvent = true

// follow goes through a trace and calls at with each point after MarkBegin, until it returns false.
func (p *player) follow(r *trace.Reader, at func(*walk, trace.Event) (bool, error), every ...bool) error {
	return p.followAs(r, traffic.NewFollower(r.Meta), 0, at, every...)
}

// followAs is follow with a history that may have begun earlier: so many events.
func (p *player) followAs(r *trace.Reader, f *traffic.Follower, earlier uint64, at func(*walk, trace.Event) (bool, error), every ...bool) error {
	w := &walk{follower: f, models: map[disk.Reading]*disk.Model{}, crashes: map[crashKey]*disk.Crash{}}
	for _, reading := range p.Readings {
		w.models[reading] = disk.New(r, reading)
	}
	begun := false
	return r.Events(func(e trace.Event) (bool, error) {
		for _, m := range w.models {
			if err := m.Apply(e); err != nil {
				return false, fmt.Errorf("playing %s: %w", p.Trace, err)
			}
		}
		if e.Kind.IsFile() || e.Kind == trace.Mark {
			clear(w.crashes)
		}
		e.Seq += earlier
		if err := w.follower.Apply(e); err != nil {
			return false, fmt.Errorf("playing %s: %w", p.Trace, err)
		}
		begun = begun || isBegin(e)
		if !begun || !isPoint(e) && len(every) == 0 {
			return true, nil
		}
		return at(w, e)
	})
}
