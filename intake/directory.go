package intake

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"holdfast/config"
	"holdfast/engine"
	"holdfast/inspect"
	"holdfast/internal/plural"
	"holdfast/internal/vfs"
	"holdfast/kv"
	"holdfast/rdb"
	"holdfast/restore"
	"holdfast/snapshot"
)

// Options say how to take something in.
type Options struct {
	FS    vfs.FS
	Clock vfs.Clock
	// SkipBad leaves out what makes no sense, and counts it; without it the first ends the import.
	SkipBad bool
	// Progress, if any, is told how far the work has come.
	Progress func(doing string, done, total int64)
	// Memory bounds what sorting and replaying take, in bytes. 0 is 256 MiB.
	Memory int64
}

const (
	memoryDefault = 256 << 20
	databasesMost = 1024
)

// isDatabase reports whether there can be a database of that number.
func isDatabase(db int) bool { return 0 <= db && db < databasesMost }

// ErrUnverified: the new base is not what was taken in.
var ErrUnverified = errors.New("the new base does not verify")

// IntoDirectory makes a data directory of the input: not there yet, or empty. After an error, or when ctx ends, it is as it was.
func IntoDirectory(ctx context.Context, in *Input, to string, o Options) (r Report, err error) {
	place, err := restore.NewPlace(o.FS, to)
	if err != nil {
		return Report{}, err
	}
	d := directory{Options: o, ctx: ctx, in: in, place: place, cfg: config.New()}
	if d.Progress == nil {
		d.Progress = func(string, int64, int64) {}
	}
	if d.Memory == 0 {
		d.Memory = memoryDefault
	}
	started := o.Clock()
	d.report = Report{From: in.Name, To: to}
	if err = place.Begin(); err == nil {
		err = d.build()
	}
	if err == nil {
		err = place.Publish(nil)
	}
	if err != nil {
		return Report{}, errors.Join(err, place.Abandon())
	}
	d.report.Kind = in.Kind // now that it is known
	d.report.Millis = o.Clock().Sub(started).Milliseconds()
	return d.report, place.End()
}

// directory is an import under way.
type directory struct {
	Options
	ctx    context.Context
	in     *Input
	place  *restore.Place
	cfg    *config.Config
	id     [16]byte
	report Report
}

func (d *directory) handler(doing string) (handler, error) {
	total, err := d.in.Bytes()
	return handler{
		bad: func(err error) error {
			if !d.SkipBad {
				return err
			}
			d.report.skip(err)
			return nil
		},
		unread:   d.report.unread,
		told:     d.report.note,
		ended:    d.ctx.Err,
		progress: func(done int64) { d.Progress(doing, min(done, total), total) },
	}, err
}

func (d *directory) build() error {
	if _, err := rand.Read(d.id[:]); err != nil {
		return err
	}
	err := d.cfg.SetMany(config.Flag, [][2]string{
		{"databases", strconv.Itoa(databasesMost)},
		{"maxmemory", strconv.FormatInt(d.Memory, 10)},
		{"proto-max-bulk-len", strconv.FormatInt(1<<40, 10)},
	})
	defer func() { d.in.taken = nil }()
	if err == nil {
		err = d.keys()
	}
	if err == nil && d.in.hasCommands() {
		err = d.commands()
	}
	if err == nil {
		err = d.verify()
	}
	return err
}

// keys makes a base of the keys that the input begins with, or an empty one.
func (d *directory) keys() (err error) {
	changes := snapshot.NewChangesBehind(d.FS, d.place.Work(), int(d.Memory/2))
	defer func() { err = errors.Join(err, changes.Discard()) }()
	changes.EndBy(d.ctx.Err)
	h, err := d.handler("reading " + d.in.Name)
	if err != nil {
		return err
	}
	meta := snapshot.Meta{ID: d.id, Time: d.Clock().UnixMilli()}
	known := map[int]bool{}
	rules := d.rules()
	handed := int64(0)
	place := func(db int) error {
		if known[db] {
			return nil
		}
		known[db] = true
		meta.DBs = append(meta.DBs, snapshot.DB{Index: db, Store: storeOf(db)})
		return d.ctx.Err()
	}
	err = d.in.eachKey(h, func(e *inspect.Entry, f *rdb.File) error {
		if !isDatabase(e.DB) {
			why := fmt.Sprintf("it is in database %d; there can be %d", e.DB, databasesMost)
			return h.bad(&DamageError{File: d.in.keysFile(), Where: "key " + inspect.Bytes(e.Key).String(), Reason: why})
		}
		if err := place(e.DB); err != nil {
			return err
		}
		if d.large(f.Key()) {
			err := d.putInParts(changes, e, f.Key().Size, func() error { return f.Refused(0) })
			if errors.Is(err, rdb.ErrCorrupt) && !f.Broken() {
				return h.bad(fmt.Errorf("%s: %w", d.in.keysFile(), err))
			}
			if err == nil {
				handed++
			}
			return err
		}
		if n := e.LongText(); n > 0 {
			err := changes.PutLong(storeOf(e.DB), e.Key, snapshot.Record{Kind: byte(kv.String), Deadline: e.Deadline}, n, e.Pieces)
			if err != nil { // it may be left out, and must be whole or not there
				return errors.Join(err, changes.Delete(storeOf(e.DB), e.Key))
			}
			handed++
			return nil
		}
		o, err := f.Object(rules)
		if err != nil {
			return h.bad(fmt.Errorf("%s: %w", d.in.keysFile(), err))
		}
		handed++
		return put(changes, storeOf(e.DB), e, o)
	})
	switch {
	case err != nil:
	case d.in.json:
		handed, err = d.largeLines(changes, h, place)
	case d.in.keys == nil && len(d.in.aof) > 0:
		handed, err = d.largeRuns(changes, h, place)
	}
	if err = errors.Join(err, d.ctx.Err()); err != nil {
		return err
	}
	d.Progress("writing the base", 1, 2)
	written, err := snapshot.WriteFresh(d.FS, d.place.Work(), engine.BaseName, changes, meta)
	if twice := handed - written.Keys; err == nil && twice > 0 {
		err = h.bad(fmt.Errorf("%s: %w: of %d keys %d are there twice", d.in.keysFile(), rdb.ErrCorrupt, handed, twice))
		d.report.Skipped += twice - 1 // it has been counted as one
	}
	return err
}

// storeOf is where a database of a new base lives.
func storeOf(db int) snapshot.Store { return snapshot.Store(db + 1) }

// put adds a key to a base that is to be written.
func put(to *snapshot.Changes, store snapshot.Store, e *inspect.Entry, o rdb.Object) error {
	r := snapshot.Record{Kind: byte(o.Kind), Deadline: e.Deadline, Payload: o.Text}
	if o.Value == nil {
		return to.Put(store, e.Key, r)
	}
	if e.Lapse != 0 {
		r.Lapse = e.Lapse
	}
	parted, ok := o.Value.(kv.Parted)
	if !ok || !parted.Parted() {
		r.Payload = o.Value.AppendBinary(nil)
		return to.Put(store, e.Key, r)
	}
	if err := to.Delete(store, e.Key); err != nil {
		return err
	}
	r.Parted, r.Payload = true, parted.AppendHead(nil)
	if err := to.Put(store, e.Key, r); err != nil {
		return err
	}
	return parted.PartsFrom(0, false, func(id uint64, payload []byte) error { return to.PutPart(store, e.Key, id, payload) })
}

// rules are how values are made: as by a server that has been told nothing else.
func (d *directory) rules() rdb.Rules { return rdb.DirectiveRules(d.setting, d.seed) }

func (d *directory) setting(directive string) int64 { return d.cfg.Number(directive).Load() }

func (*directory) seed() (s [16]byte) {
	if _, err := rand.Read(s[:]); err != nil {
		panic("BUG: no randomness: " + err.Error()) // crypto/rand ends the process itself before it says so
	}
	return s
}

// commands replays the commands onto the base.
func (d *directory) commands() error {
	h, err := d.handler("replaying " + d.in.Name)
	if err != nil {
		return err
	}
	now, often := d.Clock().UnixMilli(), int64(1<<10)
	rebuilt, err := engine.RebuildForeign(engine.Options{
		FS: d.FS, Dir: d.place.Work(), Config: d.cfg, Clock: d.Clock, Log: slog.New(slog.DiscardHandler),
	}, func(to *engine.Foreign) error {
		h.has = to.Has
		h.command = func(c *Command) error {
			if d.report.Commands++; d.report.Commands%often == 0 && d.ctx.Err() != nil {
				return d.ctx.Err()
			}
			err := to.Do(now, c.DB, c.Args)
			if refused := (*engine.RefusedError)(nil); errors.As(err, &refused) {
				d.report.Commands--
			}
			return err
		}
		return d.in.eachCommand(h)
	})
	d.report.Keys, d.report.TTLs = rebuilt.Keys, rebuilt.TTLs
	return errors.Join(err, d.ctx.Err())
}

// verify reads the whole base.
func (d *directory) verify() (err error) {
	base, err := snapshot.Open(d.place.Base(), snapshot.OpenOptions{FS: d.FS, ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, base.Close()) }()
	found, err := base.Verify(func(done, total int64) { d.Progress("verifying", done, total) })
	if err = errors.Join(err, d.ctx.Err()); err != nil {
		return err
	}
	if d.in.hasCommands() && (found.Keys != d.report.Keys || found.Deadlines != d.report.TTLs) {
		return fmt.Errorf("%w: it has %s and %s, and the replay ended with %d and %d",
			ErrUnverified, plural.Count(found.Keys, "key"), plural.Count(found.Deadlines, "TTL"), d.report.Keys, d.report.TTLs)
	}
	d.report.Keys, d.report.TTLs = found.Keys, found.Deadlines
	return nil
}
