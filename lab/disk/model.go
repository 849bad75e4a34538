package disk

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"holdfast/lab/trace"
)

// Model follows what a trace does to files, and knows of each operation whether it is durable. It is for one goroutine;
// the Crashes it gives are for any, and stay what they are while it goes on.
//
// It holds ranges and where their bytes are in the trace, never the bytes.
type Model struct {
	reading Reading
	r       *trace.Reader
	ed      editor
	files   map[uint64]*file
	live    tree  // names as a process sees them
	disk    tree  // names as they are durable
	pending []*op // what is not durable, in order; only ever appended to or replaced, as Crashes share it
	// settled is the event up to which the journal is durable, whatever it is about.
	settled uint64
	copiers sync.Pool // of *copier, for Build
}

// file is what a file's number stands for.
type file struct {
	node *node
	path string  // a name it had, for people
	size int64   // as a process sees it
	base content // what is durable
	// parked are its ops while no name can lead to it: it was removed, or never had one. They are not at risk, but would
	// be again if it were given a name.
	parked   []*op
	nameless bool
	failed   bool // a sync of it did
}

// New makes a Model of an empty directory. The reader is used for the data of writes, until the last Crash is done with.
func New(r *trace.Reader, reading Reading) *Model {
	own := new(edit)
	root := &node{}
	return &Model{
		reading: reading, r: r, ed: editor{own: own, r: r, sums: true}, files: map[uint64]*file{},
		live: newTree(root, own), disk: newTree(root, own),
	}
}

// Apply follows an event: all of them in order. Events of clients mean nothing to it, nor do marks but those that playing
// knows.
func (m *Model) Apply(e trace.Event) error {
	var err error
	switch e.Kind {
	case trace.Write, trace.Truncate, trace.Allocate:
		err = m.change(e)
	case trace.Sync:
		err = m.sync(e)
	case trace.SyncDir:
		err = m.syncDir(e)
	case trace.Mkdir, trace.Rmdir, trace.Create, trace.Rename, trace.Link, trace.Unlink, trace.Symlink:
		err = m.name(e)
	case trace.Mark:
		switch e.Note {
		case trace.MarkBegin:
			m.begin()
		case trace.MarkSyncFailed:
			m.syncFailed(e)
		}
	}
	if err == nil {
		err = m.ed.err
	}
	if err != nil {
		return fmt.Errorf("event %v: %w", e, err)
	}
	return nil
}

// begin makes all so far durable.
func (m *Model) begin() {
	all := func(*op) bool { return true }
	m.commit(all)
	for _, f := range m.files {
		f.parked, _ = m.settle(f.parked, all)
	}
}

// sync makes a file durable, or, in the Ordered reading, with it the journal.
func (m *Model) sync(e trace.Event) error {
	f := m.files[e.File]
	if f == nil {
		return fmt.Errorf("file %d: %w", e.File, ErrEvent)
	}
	durable := func(o *op) bool { return o.seq <= e.Covers && !o.stuck && (o.journal || o.file == f) }
	m.commit(durable)
	f.parked, _ = m.settle(f.parked, durable)
	m.settled = max(m.settled, e.Covers)
	return nil
}

// syncDir makes a directory's names durable, or, in the Ordered reading, the journal.
func (m *Model) syncDir(e trace.Event) error {
	dir := m.live.find(e.Path)
	if dir == nil || !dir.isDir() {
		return fmt.Errorf("%q is not a directory: %w", e.Path, ErrEvent)
	}
	if m.reading == Ordered {
		m.commit(func(o *op) bool { return o.seq <= e.Covers && o.journal })
		m.settled = max(m.settled, e.Covers)
		return nil
	}
	covered := func(o *op) bool {
		return o.seq <= e.Covers && slices.ContainsFunc(o.changes, func(c change) bool { return c.dir == dir })
	}
	// A directory has one place, so that its moves cannot be durable out of order: with one, those before it are.
	var newest uint64
	for _, o := range m.pending {
		if o.moves && covered(o) {
			newest = o.seq
		}
	}
	moved := map[*node]bool{}
	for _, o := range m.pending {
		if o.moves && o.seq <= newest {
			moved[o.places] = true
		}
	}
	m.commit(func(o *op) bool { return covered(o) || o.seq <= newest && o.places != nil && moved[o.places] })
	return nil
}

// add puts an op behind those that are pending.
func (m *Model) add(o *op) {
	if o.file != nil && o.file.nameless {
		o.file.parked = append(o.file.parked, o)
		return
	}
	m.pending = append(m.pending, o)
}

// commit makes the pending ops durable that it is told of.
func (m *Model) commit(durable func(*op) bool) {
	var names bool
	if m.pending, names = m.settle(m.pending, durable); names {
		m.park()
	}
}

// settle makes ops durable and returns the others, and whether names were among the former. If a cut or a hole becomes
// durable before writes that it followed, as a journal does it, it takes from these what it made go: they could not put
// that back. So does a write after a failed sync.
func (m *Model) settle(ops []*op, durable func(*op) bool) (rest []*op, names bool) {
	first := slices.IndexFunc(ops, durable)
	if first < 0 {
		return ops, false
	}
	rest = slices.Clone(ops[:first])
	for _, o := range ops[first:] {
		switch {
		case !durable(o):
			rest = append(rest, o)
		case o.kind == opNames:
			m.disk.apply(o)
			names = true
		default:
			if off, end, clears := o.clears(); clears {
				rest = m.clip(rest, o.file, off, end)
			} else if o.kind == opPut && o.file.failed {
				rest = m.clip(rest, o.file, o.off, o.end)
			}
			o.file.base = m.ed.apply(o.file.base, o, o.off, o.end)
		}
	}
	return rest, names
}

// clip takes a range from what ops write to a file.
func (m *Model) clip(ops []*op, f *file, off, end int64) []*op {
	if !slices.ContainsFunc(ops, func(o *op) bool { return o.file == f }) {
		return ops
	}
	var left []*op
	for _, o := range ops {
		if o.file == f {
			o = o.clip(&m.ed, off, end)
		}
		if o != nil {
			left = append(left, o)
		}
	}
	return left
}

// syncFailed notes that the system has given up on what a file was written until then: it takes it for written, and a later
// sync does not try again. The file's size is not data, and goes its own way.
func (m *Model) syncFailed(e trace.Event) {
	f := m.files[e.File]
	if f == nil { // a directory's: nothing was written to it
		return
	}
	f.failed = true
	give := func(ops []*op) (all []*op) {
		for _, o := range ops {
			if o.file != f || o.kind != opPut || o.seq > e.Covers || o.stuck {
				all = append(all, o)
				continue
			}
			data := *o
			data.stuck = true
			data.journal = false
			data.grows = o.grows && !o.journal
			all = append(all, &data)
			if o.journal {
				all = append(all, &op{seq: o.seq, kind: opGrow, journal: true, verb: "size of", path: o.path, file: f, end: o.end})
			}
		}
		return all
	}
	m.pending, f.parked = give(m.pending), give(f.parked)
}

// park sets aside what has no way to be seen after any crash: ops on files that no name leads to, and on directories.
func (m *Model) park() {
	reached := m.disk.reach(m.pending)
	var rest []*op
	for _, o := range m.pending {
		switch {
		case o.kind == opNames:
			if slices.ContainsFunc(o.changes, func(c change) bool { return reached[c.dir] }) {
				rest = append(rest, o)
			}
		case reached[o.file.node]:
			rest = append(rest, o)
		default:
			o.file.parked = append(o.file.parked, o)
		}
	}
	m.pending = rest
	for _, f := range m.files {
		f.nameless = !reached[f.node]
	}
	for dir := range m.disk.lists {
		if !reached[dir] {
			delete(m.disk.lists, dir)
		}
	}
}

// unpark makes the ops of a file count again that gets a name.
func (m *Model) unpark(f *file) {
	f.nameless = false
	f.parked, _ = m.settle(f.parked, func(o *op) bool { return o.journal && o.seq <= m.settled })
	if len(f.parked) == 0 {
		return
	}
	m.pending = append(slices.Clone(m.pending), f.parked...)
	slices.SortStableFunc(m.pending, func(a, b *op) int { return cmp.Compare(a.seq, b.seq) })
	f.parked = nil
}
