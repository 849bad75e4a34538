package restore

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strconv"
	"time"

	"holdfast/aof"
	"holdfast/config"
	"holdfast/engine"
	"holdfast/history"
	"holdfast/internal/plural"
	"holdfast/internal/vfs"
	"holdfast/snapshot"
)

// Options say what to restore, and where to.
type Options struct {
	FS  vfs.FS
	Dir string // the source
	// File, if not "", is a base that is the source instead of a directory, and Point is what it holds.
	File string
	To   string // not there, or empty, or holding nothing but what an interrupted restore left
	Point
	Clock vfs.Clock
	// Keys, if not nil, is a pattern as KEYS takes it: only keys that match are restored.
	Keys []byte
	// DryRun finds out what would be done, and does nothing: To is not looked at, and the Report has no keys.
	DryRun bool
	// Databases is the least number of databases to allow for: records may name some that no base mentions. 0 is 1024.
	Databases int
	// Memory bounds what replayed changes take before they are written, in bytes. 0 is 256 MiB.
	Memory int64
	// Progress, if any, is told how far the work has come.
	Progress func(doing string, done, total int64)
}

const (
	databasesDefault = 1024
	memoryDefault    = 256 << 20
)

// Why nothing is restored.
var (
	// ErrNotEmpty: the new directory holds something.
	ErrNotEmpty = errors.New("the new directory is not empty")
	// ErrUnverified: the result is not what was replayed.
	ErrUnverified = errors.New("the restored state does not verify")
)

// Restore builds the point. After an error, or when ctx ends, the new directory is as it was.
func Restore(ctx context.Context, o Options) (r Report, err error) {
	if o.Progress == nil {
		o.Progress = func(string, int64, int64) {}
	}
	started := o.Clock()
	h, err := o.read(ctx)
	if err != nil {
		return Report{}, err
	}
	w := work{Options: o, history: h}
	if o.DryRun {
		c, err := w.choose(ctx)
		if err != nil {
			return Report{}, err
		}
		return w.foresee(c), nil
	}
	if w.Place, err = NewPlace(o.FS, o.To); err != nil {
		return Report{}, err
	}
	for {
		c, err := w.choose(ctx)
		if err != nil {
			return Report{}, err
		}
		if err = w.Begin(); err == nil {
			err = w.build(ctx, c)
		}
		if err == nil {
			err = w.publish(started)
		}
		if err == nil {
			return w.report, w.End()
		}
		err = errors.Join(err, w.Abandon())
		if !errors.Is(err, snapshot.ErrCorrupt) || c.base.Empty() || o.File != "" {
			return Report{}, err
		}
		// The log may lead here from an older base too.
		w.without = append(w.without, c.base.File)
		w.report.Damaged = append(w.report.Damaged, err.Error())
	}
}

// read looks at the source. A file is verified at once, so that damage is told where it is.
func (o *Options) read(ctx context.Context) (*history.History, error) {
	if o.File == "" {
		return history.Read(o.FS, o.Dir)
	}
	h, err := history.ReadFile(o.FS, o.File)
	if err == nil {
		o.Point = AtLSN(h.Bases[0].Meta.LSN)
		err = o.verifyFile(ctx)
	}
	if errors.Is(err, snapshot.ErrCorrupt) {
		err = fmt.Errorf("%w; bring the file back from another copy", err)
	}
	if err != nil {
		err = fmt.Errorf("%w%s", err, advice(err))
	}
	return h, err
}

func (o *Options) verifyFile(ctx context.Context) (err error) {
	base, err := snapshot.Open(o.File, snapshot.OpenOptions{FS: o.FS, ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, base.Close()) }()
	_, err = base.Verify(func(done, total int64) { o.Progress("verifying "+o.File, done, total) })
	return errors.Join(err, ctx.Err())
}

// source is where the state comes from.
func (o *Options) source() string {
	if o.File != "" {
		return absolute(o.File)
	}
	return absolute(o.Dir)
}

// work is a restore under way.
type work struct {
	Options
	history *history.History
	without []string // bases that turned out to be damaged
	id      [16]byte
	report  Report
	*Place
}

func (w *work) choose(ctx context.Context) (choice, error) {
	const doing, seldom = "reading the log", 1 << 8
	total := int64(0)
	for _, s := range w.history.Segments {
		total += s.Bytes
	}
	var records, read int64
	c, err := choose(w.history, w.Point, w.Clock().UnixMilli(), w.without, func(r aof.Record) error {
		read += aof.RecordBytes(len(r.Body))
		if records++; records%seldom == 0 {
			w.Progress(doing, min(read, total), total)
		}
		return ctx.Err()
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: a running server has removed the segment meanwhile; try again", err)
	}
	if len(w.without) > 0 && err != nil {
		err = fmt.Errorf("%w; nearer, but damaged: %v", err, w.report.Damaged)
	}
	w.Progress(doing, total, total)
	return c, err
}

// build makes the base of the point in the work directory, and verifies it.
func (w *work) build(ctx context.Context, c choice) error {
	if _, err := rand.Read(w.id[:]); err != nil {
		return err
	}
	if err := w.copyBase(ctx, c.base); err != nil {
		return err
	}
	cfg, err := w.config(c.base.Meta)
	if err != nil {
		return err
	}
	rebuilt, err := engine.Rebuild(engine.Options{
		FS: w.FS, Dir: w.Work(), Config: cfg, Clock: w.Clock, Log: slog.New(slog.DiscardHandler),
	}, nil, func(apply func(aof.Record) error) error { return w.replay(ctx, c, apply) })
	if err != nil {
		return err
	}
	w.tell(c, rebuilt.Records)
	w.report.Keys, w.report.TTLs = rebuilt.Keys, rebuilt.TTLs
	w.report.DataSet = hex.EncodeToString(w.id[:])
	if w.Keys != nil {
		if err := w.keep(ctx); err != nil {
			return err
		}
	}
	return w.verify(ctx)
}

// tell puts into the report what was, or would be, done.
func (w *work) tell(c choice, records int64) {
	r := &w.report
	r.Source, r.SourceDataSet = w.source(), hex.EncodeToString(w.history.ID[:])
	r.Asked = w.Point.String()
	r.Base = BaseUsed{c.base.File, c.base.Meta.LSN, at(c.base.Meta.Time)}
	r.From, r.Records, r.LSN, r.Time = 0, records, c.lsn, at(c.time)
	if r.Records > 0 {
		r.From = c.base.Meta.LSN + 1
	}
}

func at(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// absolute is a path that means the same from elsewhere, as far as that can be told.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// config is what the replaying engine runs under: no limit of its own may refuse what the server had accepted.
func (w *work) config(meta snapshot.Meta) (*config.Config, error) {
	databases := w.Databases
	if databases == 0 {
		databases = databasesDefault
	}
	for _, db := range meta.DBs {
		databases = max(databases, db.Index+1)
	}
	memory := w.Memory
	if memory == 0 {
		memory = memoryDefault
	}
	cfg := config.New()
	return cfg, cfg.SetMany(config.Flag, [][2]string{
		{"databases", strconv.Itoa(databases)},
		{"maxmemory", strconv.FormatInt(memory, 10)},
		{"proto-max-bulk-len", strconv.FormatInt(1<<40, 10)},
	})
}

// copyBase puts the base to begin from into the work directory, as that of a new data set without a log.
func (w *work) copyBase(ctx context.Context, b history.Base) (err error) {
	none := snapshot.NewChanges(w.FS, w.Work(), 0)
	if b.Empty() {
		_, err := snapshot.WriteFresh(w.FS, w.Work(), engine.BaseName, none, snapshot.Meta{ID: w.id, Time: b.Meta.Time})
		return err
	}
	if err := w.copyFile(ctx, b); err != nil {
		return err
	}
	base, err := snapshot.Open(w.Base(), snapshot.OpenOptions{FS: w.FS})
	if err != nil {
		return err
	}
	meta := base.Meta()
	if meta.LSN != b.Meta.LSN || meta.ID != b.Meta.ID {
		err = fmt.Errorf("%s has been replaced meanwhile; try again", b)
	}
	if err == nil {
		meta.ID, meta.Logged = w.id, false
		_, err = base.Apply(none, meta)
	}
	return errors.Join(err, base.Close())
}

func (w *work) copyFile(ctx context.Context, b history.Base) (err error) {
	from, err := snapshot.Open(w.history.Path(b.File), snapshot.OpenOptions{FS: w.FS, ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	return from.CopyTo(interruptible{w.FS, ctx}, w.Base(), func(done, total int64) { w.Progress("copying "+b.String(), done, total) })
}

// replay hands over the records behind the base, up to the point.
func (w *work) replay(ctx context.Context, c choice, apply func(aof.Record) error) error {
	const doing, seldom = "replaying", 1 << 8
	var done int64
	reach, err := w.history.Reach(c.base, c.lsn, func(_ aof.Position, r aof.Record) error {
		if done++; done%seldom == 0 {
			w.Progress(doing, done, c.records)
		}
		return errors.Join(ctx.Err(), apply(r))
	})
	if err == nil && reach.Last != c.lsn {
		err = fmt.Errorf("the log has changed meanwhile: it ends at LSN %d now; try again", reach.Last)
	}
	w.Progress(doing, c.records, c.records)
	return err
}

// verify reads the whole result, and holds it against what was replayed.
func (w *work) verify(ctx context.Context) (err error) {
	base, err := snapshot.Open(w.Base(), snapshot.OpenOptions{FS: w.FS, ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, base.Close()) }()
	found, err := base.Verify(func(done, total int64) { w.Progress("verifying", done, total) })
	if err = errors.Join(err, ctx.Err()); err != nil {
		return err
	}
	meta, r := base.Meta(), &w.report
	r.Verified = Verification{found.Pages, found.Keys, found.Deadlines, found.Parts}
	if meta.LSN != r.LSN || meta.ID != w.id || found.Keys != r.Keys || found.Deadlines != r.TTLs {
		return fmt.Errorf("%w: the base has LSN %d, %s and %s, and the replay ended at LSN %d with %d and %d",
			ErrUnverified, meta.LSN, plural.Count(found.Keys, "key"), plural.Count(found.Deadlines, "TTL"), r.LSN, r.Keys, r.TTLs)
	}
	return nil
}

// publish gives the result its name.
func (w *work) publish(started time.Time) error {
	now := w.Clock()
	w.report.Restored, w.report.Millis = now.UTC(), now.Sub(started).Milliseconds()
	text, err := json.MarshalIndent(w.report, "", "  ")
	if err != nil {
		return err
	}
	return w.Publish(append(text, '\n'))
}

// interruptible is a file system whose new files take no more bytes once ctx has ended, so that a long copy ends.
type interruptible struct {
	vfs.FS
	ctx context.Context
}

type interruptibleFile struct {
	vfs.File
	ctx context.Context
}

func (i interruptible) Create(path string) (vfs.File, error) {
	f, err := i.FS.Create(path)
	if err != nil {
		return nil, err
	}
	return interruptibleFile{f, i.ctx}, nil
}

func (f interruptibleFile) WriteAt(b []byte, off int64) (int, error) {
	if err := f.ctx.Err(); err != nil {
		return 0, err
	}
	return f.File.WriteAt(b, off)
}
