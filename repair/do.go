package repair

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strconv"

	"holdfast/aof"
	"holdfast/config"
	"holdfast/engine"
	"holdfast/history"
	"holdfast/snapshot"
)

const (
	redoName  = engine.BaseName + ".redo"
	databases = 1024
	memory    = 256 << 20 // of what is replayed, before it is written
)

// Do carries a plan out, and completes it with what was done. After that another Plan says whether anything is left.
func (r *Repair) Do(p *Plan) error {
	switch {
	case len(p.Steps) == 0:
		return nil
	case p.Finish:
		return r.finish()
	}
	if err := engine.DropWork(r.o.FS, r.o.Dir); err != nil {
		return err
	}
	if p.replace && !p.base.Empty() {
		if err := r.prepare(p); err != nil {
			return errors.Join(err, engine.DropWork(r.o.FS, r.o.Dir))
		}
	}
	if err := r.save(p); err != nil {
		return errors.Join(err, engine.DropWork(r.o.FS, r.o.Dir))
	}
	if err := r.cutLog(p); err != nil {
		return err
	}
	if p.replace {
		if err := r.install(p); err != nil {
			return err
		}
	}
	if p.replace || p.dropRedo { // behind the base that it does not fit: on the way a start sees that it does not
		if err := r.remove(redoName); err != nil {
			return err
		}
	}
	if p.unlog && !p.replace {
		if err := r.change(r.path(engine.BaseName), func(m *snapshot.Meta) { m.Logged = false }); err != nil {
			return err
		}
	}
	return engine.DropWork(r.o.FS, r.o.Dir)
}

func (r *Repair) path(name string) string { return filepath.Join(r.o.Dir, filepath.FromSlash(name)) }
func (r *Repair) work() string            { return filepath.Join(r.o.Dir, engine.WorkName) }
func (r *Repair) workBase() string        { return filepath.Join(r.work(), engine.BaseName) }

// finish does what a start does first with a base whose change was interrupted. A base that is too damaged for that is
// no error: the next plan knows.
func (r *Repair) finish() error {
	base, err := snapshot.Open(r.path(engine.BaseName), snapshot.OpenOptions{FS: r.o.FS})
	if errors.Is(err, snapshot.ErrCorrupt) {
		r.unfinishable = err
		return nil
	}
	if err != nil {
		return err
	}
	return base.Close()
}

// prepare makes the other base in the work directory.
func (r *Repair) prepare(p *Plan) error {
	if err := r.o.FS.MkdirAll(r.work()); err != nil {
		return fmt.Errorf("making a place to work: %w", err)
	}
	var err error
	if p.Salvage {
		err = r.salvage(p)
	} else {
		err = r.copySnapshot(p.base)
	}
	if err != nil {
		return err
	}
	if err := r.change(r.workBase(), func(m *snapshot.Meta) { m.Logged = p.logged }); err != nil {
		return err
	}
	base, err := snapshot.Open(r.workBase(), snapshot.OpenOptions{FS: r.o.FS, ReadOnly: true})
	if err != nil {
		return err
	}
	_, err = base.Verify(func(done, total int64) { r.o.Progress("verifying the new base", done, total) })
	return errors.Join(err, base.Close())
}

func (r *Repair) copySnapshot(b history.Base) error {
	from, err := snapshot.Open(r.path(b.File), snapshot.OpenOptions{FS: r.o.FS, ReadOnly: true})
	if err != nil {
		return err
	}
	err = from.CopyTo(r.o.FS, r.workBase(), func(done, total int64) { r.o.Progress("copying "+b.File, done, total) })
	return errors.Join(err, from.Close())
}

// salvage puts what can be read of base.db into a new one, and the log on top.
func (r *Repair) salvage(p *Plan) error {
	changes := snapshot.NewChanges(r.o.FS, r.work(), 32<<20)
	found, err := snapshot.Salvage(r.o.FS, r.path(engine.BaseName), changes, decodable())
	if err == nil {
		_, err = snapshot.WriteFresh(r.o.FS, r.work(), engine.BaseName, changes, found.Meta)
	}
	if err = errors.Join(err, changes.Discard()); err != nil || p.end == found.Meta.LSN {
		return err
	}
	h, err := history.Read(r.o.FS, r.o.Dir)
	if err != nil {
		return err
	}
	cfg := config.New()
	err = cfg.SetMany(config.Flag, [][2]string{
		{"databases", strconv.Itoa(databases)}, {"maxmemory", strconv.Itoa(memory)}, {"proto-max-bulk-len", strconv.FormatInt(1<<40, 10)},
	})
	if err != nil {
		return err
	}
	spare := func(lsn uint64, err error) {
		const most = 100
		if len(p.Notes) < most {
			p.Notes = append(p.Notes, fmt.Sprintf("left out: %v", err))
		}
	}
	rebuilt, err := engine.Rebuild(engine.Options{
		FS: r.o.FS, Dir: r.work(), Config: cfg, Clock: r.o.Clock, Log: slog.New(slog.DiscardHandler),
	}, spare, func(apply func(aof.Record) error) error {
		_, err := h.Reach(history.Base{File: engine.BaseName, Meta: found.Meta}, p.end, func(_ aof.Position, record aof.Record) error {
			r.o.Progress("replaying", int64(record.LSN-found.Meta.LSN), int64(p.end-found.Meta.LSN))
			return apply(record)
		})
		return err
	})
	p.Refused = rebuilt.Refused
	return err
}

// change rewrites a base's meta.
func (r *Repair) change(path string, to func(*snapshot.Meta)) error {
	base, err := snapshot.Open(path, snapshot.OpenOptions{FS: r.o.FS})
	if err != nil {
		return err
	}
	meta := base.Meta()
	to(&meta)
	_, err = base.Apply(snapshot.NewChanges(r.o.FS, filepath.Dir(path), 0), meta)
	return errors.Join(err, base.Close())
}

// save copies everything that goes.
func (r *Repair) save(p *Plan) error {
	if !p.replace && !p.dropRedo && len(p.moved) == 0 && len(p.removed) == 0 {
		return nil
	}
	q, err := r.quarantine()
	if err != nil {
		return err
	}
	if err := r.copy(p, q); err != nil {
		return errors.Join(err, q.discard())
	}
	p.Quarantine = q.path
	return nil
}

// copy copies it to a quarantine.
func (r *Repair) copy(p *Plan, q *quarantine) error {
	if p.replace || p.dropRedo {
		if err := q.ifThere(redoName); err != nil {
			return err
		}
	}
	if p.replace {
		if err := q.ifThere(engine.BaseName); err != nil {
			return err
		}
	}
	for _, path := range p.moved {
		if err := q.file(logName(path), 0); err != nil {
			return err
		}
	}
	for i, s := range p.removed {
		offset := int64(0)
		if i == 0 {
			offset = p.cut.offset
		}
		if err := q.file(logName(s.File), offset); err != nil {
			return err
		}
		r.o.Progress("copying to the quarantine", int64(i+1), int64(len(p.removed)))
	}
	return q.seal(p)
}

// cutLog takes away what is in quarantine now.
func (r *Repair) cutLog(p *Plan) error {
	for _, path := range p.moved {
		if err := r.o.FS.Remove(path); err != nil {
			return fmt.Errorf("moving a file of the log to the quarantine: %w", err)
		}
	}
	dir := r.path(engine.LogDir)
	if len(p.moved) > 0 {
		if err := r.o.FS.SyncDir(dir); err != nil {
			return fmt.Errorf("syncing %s: %w", dir, err)
		}
	}
	if p.cut == nil {
		return nil
	}
	return aof.CutAt(r.o.FS, dir, p.cut.first, p.cut.offset)
}

// install puts the new base in the place of base.db, or removes that.
func (r *Repair) install(p *Plan) error {
	if p.base.Empty() {
		return r.remove(engine.BaseName)
	}
	file, err := r.o.FS.Open(r.workBase())
	if err == nil {
		err = errors.Join(file.Sync(), file.Close())
	}
	if err != nil {
		return fmt.Errorf("syncing the new base: %w", err)
	}
	if err := r.o.FS.Rename(r.workBase(), r.path(engine.BaseName)); err != nil {
		return fmt.Errorf("publishing the new base: %w", err)
	}
	return errors.Join(r.o.FS.SyncDir(r.o.Dir), r.o.FS.SyncDir(r.work()))
}

// remove removes a file of the directory, durably, if it is there.
func (r *Repair) remove(name string) error {
	err := r.o.FS.Remove(r.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = r.o.FS.SyncDir(r.o.Dir)
	}
	if err != nil {
		return fmt.Errorf("removing %s: %w", name, err)
	}
	return nil
}
