package repair

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"holdfast/aof"
	"holdfast/engine"
	"holdfast/history"
	"holdfast/internal/vfs"
	"holdfast/snapshot"
)

// ErrHopeless: nothing that is left can be made startable without losing everything.
var ErrHopeless = errors.New("nothing can be done here")

// Options say what to repair.
type Options struct {
	FS    vfs.FS
	Dir   string
	Clock vfs.Clock
	// Progress, if any, is told how far the work has come.
	Progress func(doing string, done, total int64)
}

// Repair is a directory that is locked for its repair.
type Repair struct {
	o    Options
	lock io.Closer
	// unfinishable says why a change of the base that was interrupted cannot be finished; nil while nobody tried.
	unfinishable error
}

// Open locks the directory: engine.ErrInUse while a server has it.
func Open(o Options) (*Repair, error) {
	if _, err := history.Read(o.FS, o.Dir); err != nil {
		return nil, err // nothing there: no lock file is made
	}
	if o.Progress == nil {
		o.Progress = func(string, int64, int64) {}
	}
	lock, err := engine.Lock(o.FS, o.Dir)
	return &Repair{o: o, lock: lock}, err
}

// Close lets go of the directory.
func (r *Repair) Close() error { return r.lock.Close() }

// Plan finds out what is to be done. A plan without steps says that a start has nothing to mind.
func (r *Repair) Plan() (*Plan, error) {
	h, err := history.Read(r.o.FS, r.o.Dir)
	if err != nil {
		return nil, err
	}
	p := &planner{Repair: r, history: h, plan: &Plan{Dir: r.o.Dir}}
	if err := p.base(); err != nil || p.plan.Finish {
		return p.plan, err
	}
	if err := p.log(); err != nil {
		return nil, err
	}
	if err := p.loss(); err != nil {
		return nil, err
	}
	p.plan.explain()
	return p.plan, nil
}

// planner makes a plan.
type planner struct {
	*Repair
	history *history.History
	plan    *Plan
	damage  error // of base.db; nil where it is sound, or not there
	there   bool  // base.db is
	reach   history.Reach
}

// base chooses the base.
func (p *planner) base() error {
	if err := p.judge(); err != nil || p.plan.Finish {
		return err
	}
	best, err := p.sound()
	if err != nil {
		return err
	}
	if best.ok {
		p.plan.base, p.reach = best.base, best.reach
	}
	if p.damage != nil {
		if err := p.salvage(best); err != nil {
			return err
		}
	}
	if b := p.plan.base; b.Empty() && p.reach.Last == 0 && !p.plan.Salvage {
		if err := errors.Join(p.damage, p.reach.Damage); err != nil {
			if !p.there {
				err = fmt.Errorf("%w, and there is no %s", err, engine.BaseName)
			}
			return fmt.Errorf("%w: %w; there is no sound snapshot, and nothing else comes before the damage: bring back from a copy what is damaged or missing",
				ErrHopeless, err)
		}
	}
	p.plan.damage = p.damage
	p.plan.replace = p.there && p.damage != nil || p.plan.base.File != engine.BaseName && !p.plan.base.Empty()
	return nil
}

// judge looks at base.db, and at the redo file of a change that was interrupted.
func (p *planner) judge() error {
	_, err := p.o.FS.Stat(p.path(redoName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("looking for %s: %w", redoName, err)
	}
	redo := err == nil
	for _, b := range slices.Concat(p.history.Bases, p.history.Unusable) {
		if b.File != engine.BaseName {
			continue
		}
		p.there = true
		unfinished := errors.Is(b.Err, snapshot.ErrUnfinished)
		switch {
		case (unfinished || b.Err == nil && redo) && p.unfinishable == nil:
			p.plan.Finish = true
			p.plan.step("finish", b.File, "a change of it was interrupted; what else there is to do shows only then")
		case unfinished:
			p.damage = p.unfinishable
		case b.Err == nil && redo:
			p.plan.dropRedo = true
			p.plan.step("move", redoName, p.unfinishable.Error())
			fallthrough
		case b.Err == nil:
			p.damage = p.verify(b)
			if p.damage != nil && !errors.Is(p.damage, snapshot.ErrCorrupt) {
				return p.damage
			}
		case errors.Is(b.Err, snapshot.ErrCorrupt), errors.Is(b.Err, snapshot.ErrNotBase):
			p.damage = b.Err
		default:
			return b.Err // a newer format, or the file cannot be read at all
		}
	}
	return nil
}

// verify reads a whole base.
func (p *planner) verify(b history.Base) (err error) {
	base, err := snapshot.Open(p.history.Path(b.File), snapshot.OpenOptions{FS: p.o.FS, ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, base.Close()) }()
	_, err = base.Verify(func(done, total int64) { p.o.Progress("verifying "+b.File, done, total) })
	return err
}

// candidate is a base with what the log makes of it.
type candidate struct {
	base  history.Base
	reach history.Reach
	ok    bool
}

// sound finds the sound base from which the log leads furthest: that is the newest, or base.db where that leads there too.
func (p *planner) sound() (best candidate, err error) {
	if p.there && p.damage == nil {
		best.base = p.history.Bases[slices.IndexFunc(p.history.Bases, func(b history.Base) bool { return b.File == engine.BaseName })]
		if best.reach, err = p.read(best.base); err != nil {
			return best, err
		}
		if best.ok = true; best.reach.Damage == nil {
			return best, nil // a start minds nothing
		}
	}
	if !p.there { // then a start begins with the log's first record
		best.base.Meta.ID = p.history.ID
		best.reach, err = p.read(best.base)
		sufficient := len(p.history.Segments) > 0 || len(p.history.Bases) == 0
		if best.ok = true; err != nil || best.reach.Damage == nil && sufficient {
			return best, err
		}
	}
	for _, b := range p.history.Bases {
		if b.File == engine.BaseName || best.ok && b.Meta.LSN <= best.reach.Last {
			continue // it leads no further
		}
		if !b.Empty() {
			if bad := p.verify(b); bad != nil {
				p.plan.Notes = append(p.plan.Notes, fmt.Sprintf("%s is damaged too: %v", b.File, bad))
				continue
			}
		}
		reach, err := p.read(b)
		return candidate{b, reach, true}, err
	}
	return best, nil
}

// read reads the log behind a base. A record whose checksum is right and whose content makes no sense is damage too.
func (p *planner) read(b history.Base) (history.Reach, error) {
	var at aof.Position
	var bad error
	var read, total int64
	for _, s := range p.history.Segments {
		total += s.Bytes
	}
	reach, err := p.history.Reach(b, history.End, func(where aof.Position, r aof.Record) error {
		at = where
		read += where.Bytes
		if bad = aof.Commands(r.Body, func(int, [][]byte) error { return nil }); bad != nil {
			return errBadRecord
		}
		if r.LSN&0xff == 0 {
			p.o.Progress("reading the log", min(read, total), total)
		}
		return nil
	})
	if errors.Is(err, errBadRecord) {
		reach.Damage = &aof.DamageError{Kind: aof.ErrCorrupt, Segment: at.File, Offset: at.Offset, LSN: reach.Last, Reason: bad.Error()}
		reach.Last--
		err = nil
	}
	if errors.Is(reach.Damage, aof.ErrNewer) {
		return reach, fmt.Errorf("%w; use the version of holdfast that wrote it", reach.Damage) // which is no damage
	}
	return reach, err
}

var errBadRecord = errors.New("a record that holds no commands")

// salvage decides between what can be read of base.db and the best of the others.
func (p *planner) salvage(best candidate) error {
	found, err := snapshot.Salvage(p.o.FS, p.history.Path(engine.BaseName), nil, decodable())
	switch {
	case err != nil && !errors.Is(err, snapshot.ErrCorrupt) && !errors.Is(err, snapshot.ErrNotBase):
		return err
	case err != nil:
		p.plan.Notes = append(p.plan.Notes, fmt.Sprintf("nothing of %s can be read: %v", engine.BaseName, err))
		return nil
	case best.ok && best.reach.Last >= found.Meta.LSN, found.Meta.ID != p.history.ID:
		return nil
	}
	b := history.Base{File: engine.BaseName, Meta: found.Meta}
	reach, err := p.read(b)
	if err != nil {
		return err
	}
	p.plan.base, p.reach, p.plan.Salvage = b, reach, true
	p.plan.Loss.count(found)
	return nil
}
