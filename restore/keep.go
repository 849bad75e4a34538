package restore

import (
	"context"
	"errors"

	"holdfast/glob"
	"holdfast/snapshot"
)

// keep takes out of the base that has been built all keys that were not asked for. The history had to be played whole: which
// keys make those that are wanted only the commands know.
func (w *work) keep(ctx context.Context) (err error) {
	const doing, seldom = "leaving out other keys", 1 << 12
	base, err := snapshot.Open(w.Base(), snapshot.OpenOptions{FS: w.FS})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, base.Close()) }()
	memory := w.Memory
	if memory == 0 {
		memory = memoryDefault
	}
	others := snapshot.NewChanges(w.FS, w.Work(), int(memory/4))
	defer func() { err = errors.Join(err, others.Discard()) }()
	r, done, total := &w.report, int64(0), w.report.Keys
	r.Keys, r.TTLs, r.Only = 0, 0, string(w.Keys)
	for _, db := range base.Meta().DBs {
		err := base.Heads(db.Store, nil, func(key []byte, h snapshot.Head) error {
			if done++; done%seldom == 0 {
				w.Progress(doing, done, total)
				if err := ctx.Err(); err != nil {
					return err
				}
			}
			if !glob.Match(w.Keys, key) {
				r.Others++
				return others.Delete(db.Store, key)
			}
			r.Keys++
			if h.Deadline != 0 || h.Lapse != 0 {
				r.TTLs++
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if r.Others == 0 {
		return nil
	}
	_, err = base.Rewrite(others, base.Meta())
	return err
}

// foresee is the report of a restore that is not done.
func (w *work) foresee(c choice) Report {
	w.tell(c, c.records)
	w.report.DryRun = true
	return w.report
}
