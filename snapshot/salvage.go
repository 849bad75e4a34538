package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"holdfast/internal/vfs"
)

// Salvaged is what Salvage found.
type Salvaged struct {
	// Meta is what the damaged base says of itself, its counts those that there ought to be. Where a change was half
	// applied and its redo file is whole, it is the meta that the change was to reach.
	Meta  Meta
	Keys  int64     // read whole
	Lost  []LostKey // keys whose name can be read and whose value can not, up to 1000 of them
	Found int64     // problems, however many
	First error     // the first of them
}

// LostKey is a key of a damaged base whose value cannot be read.
type LostKey struct {
	DB  int
	Key []byte // a key longer than MaxPlainKey is its hash
	Err error
}

// Part is a part of a value that lies in parts.
type Part struct {
	Number  uint64
	Payload []byte
}

// Salvage reads what can be read of the base at path, which need not open, and puts each key that is whole into
// changes, which may be nil where only the account is wanted. Keys whose pages or checksums are damaged, or of whose parts any is, are left out; below a damaged branch
// page everything is. keep, if any, is asked about each key and may refuse it with an error, as lost; what it gets is
// good during the call. It is not asked where a change was half applied, as what is read then is not yet what will be.
//
// It does not need bbolt, the free list, or both of the header pages. It needs one of them and the meta, as only
// that says where a database lives: without, the error is ErrCorrupt. ErrLocked where somebody is writing the base.
func Salvage(fsys vfs.FS, path string, changes *Changes, keep func(db int, key []byte, r Record, parts []Part) error) (_ Salvaged, err error) {
	s := salvage{fs: fsys, path: path, changes: changes, keep: keep}
	b := Base{path: path, readOnly: true, fs: fsys}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: %w", ErrNotExist, err)
	}
	if err != nil {
		return Salvaged{}, fmt.Errorf("salvaging %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := b.flock(file); err != nil {
		return Salvaged{}, fmt.Errorf("salvaging %s: %w", path, err)
	}
	unmap, err := s.open(file)
	if err != nil {
		return Salvaged{}, err
	}
	defer func() { err = errors.Join(err, unmap()) }()
	if err := s.run(); err != nil {
		return Salvaged{}, err
	}
	return s.found, nil
}

// salvage is a Salvage under way.
type salvage struct {
	fs      vfs.FS
	path    string
	changes *Changes
	keep    func(db int, key []byte, r Record, parts []Part) error

	view  view
	root  uint64
	free  []uint64
	state state
	found Salvaged
}

// open maps the file, as much of it as there is, and reads the meta.
func (s *salvage) open(file *os.File) (unmap func() error, err error) {
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("salvaging %s: %w", s.path, err)
	}
	h, err := readHeader(file, info.Size(), s.path)
	if err != nil {
		return nil, err
	}
	data, err := syscall.Mmap(int(file.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("mapping %s: %w", s.path, err)
	}
	pages := min(h.hwm, uint64(info.Size())/uint64(h.pageSize))
	s.view = view{file: s.path, pageSize: h.pageSize, data: data[:pages*uint64(h.pageSize)]}
	s.root = h.root
	if free, err := readFreelist(file, h.boltMeta, s.path); err == nil {
		s.free = free // a damaged one is no hindrance
	}
	err = guard(s.path, "reading the meta", func() error {
		s.state, err = s.view.readState(s.root)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, syscall.Munmap(data))
	}
	s.found.Meta = s.state.counted()
	return func() error { return syscall.Munmap(data) }, nil
}

func (s *salvage) run() error {
	for _, db := range s.state.DBs {
		if err := s.database(db); err != nil {
			return err
		}
	}
	return s.redo()
}

func (s *salvage) problem(err error) {
	if s.found.Found++; s.found.First == nil {
		s.found.First = err
	}
}

// lost notes that a key is there and cannot be read.
func (s *salvage) lost(db int, stored []byte, err error) {
	const most = 1000
	s.problem(err)
	if len(s.found.Lost) < most && len(stored) > 0 {
		s.found.Lost = append(s.found.Lost, LostKey{db, bytes.Clone(stored[1:]), err})
	}
}

// database takes the keys of one database, a leaf page at a time.
func (s *salvage) database(db DB) error {
	store := storeView{view: &s.view, root: s.root, store: db.Store}
	var leaves []leaf
	err := guard(s.path, "salvaging", func() error {
		keys, err := store.tree(tableKeys)
		if err != nil || keys == nil {
			return err
		}
		leaves = s.leaves(keys)
		return nil
	})
	if err != nil {
		s.problem(err)
	}
	for _, l := range leaves {
		for i := range l.count {
			if err := s.item(&store, db.Index, l, i); err != nil {
				return err
			}
		}
	}
	return nil
}

// leaf is a leaf page, and what its keys must lie between, high excluded; nil is no bound. The number of its elements
// has been read where a fault does no harm.
type leaf struct {
	page      page
	count     int
	low, high []byte
}

// has reports whether a key belongs into the page: the checksum of a value says nothing about its place.
func (l leaf) has(key []byte) bool {
	return bytes.Compare(key, l.low) >= 0 && (l.high == nil || bytes.Compare(key, l.high) < 0)
}

// leaves finds the leaf pages of a tree that its branch pages lead to. A walk asks the leftmost way for the tree's
// height; here every page says itself what it is, so that no one page stands for all.
func (s *salvage) leaves(t *tree) (found []leaf) {
	if t.inline != nil {
		return []leaf{{page: t.inline, count: t.inline.count()}}
	}
	w := newWalk(&s.view, true)
	for _, id := range s.free {
		w.reached.set(id) // a page number that leads there is a wrong one
	}
	var visit func(id uint64, depth int, low, high []byte)
	visit = func(id uint64, depth int, low, high []byte) {
		p, err := s.view.page(id)
		for over := 0; err == nil && over <= p.overflow(); over++ {
			err = w.reach(t.bucket, id+uint64(over))
		}
		if err == nil && depth == maxDepth {
			err = t.damage(p, "is too deep")
		}
		if err == nil && p.isBranch() {
			err = w.order(t, p, low, high)
		}
		switch {
		case err != nil:
			s.problem(err)
		case p.isLeaf():
			found = append(found, leaf{p, p.count(), low, high})
		default:
			for i := range p.count() {
				low, child, _ := p.branch(i)
				bound := high
				if i+1 < p.count() {
					bound, _ = p.key(i + 1)
				}
				visit(child, depth+1, low, bound)
			}
		}
	}
	visit(t.root, 0, nil, nil)
	return found
}

// item takes a key, or notes that it is lost. The error is for what ends the salvage.
func (s *salvage) item(store *storeView, db int, l leaf, i int) error {
	var stored []byte
	var e Entry
	var parts []Part
	err := guard(s.path, "salvaging", func() error {
		it, ok := l.page.item(i)
		if !ok || !l.has(it.key) {
			return store.damage(tableKeys, nil, fmt.Sprintf("element %d of a page is bad, or in a wrong place", i))
		}
		stored = bytes.Clone(it.key)
		var err error
		e, parts, err = s.whole(store, it)
		return err
	})
	if err == nil && s.keep != nil && !s.state.applying {
		err = s.keep(db, e.Key, e.Record, parts)
	}
	if err != nil {
		s.lost(db, stored, err)
		return nil
	}
	s.found.Keys++
	if s.changes == nil {
		return nil
	}
	if err := s.changes.Put(store.store, e.Key, e.Record); err != nil {
		return err
	}
	for _, part := range parts {
		if err := s.changes.PutPart(store.store, e.Key, part.Number, part.Payload); err != nil {
			return err
		}
	}
	return nil
}

// whole reads a record with its parts.
func (s *salvage) whole(store *storeView, it item) (e Entry, parts []Part, err error) {
	keys := tree{view: &s.view, bucket: string(tableKeys.bucket(store.store))}
	if err := keys.check(it); err != nil {
		return Entry{}, nil, err
	}
	var a arena
	if e, err = store.entry(it, &a); err != nil || !e.Parted {
		return e, nil, err
	}
	t, err := store.tree(tableParts)
	if err != nil || t == nil {
		return e, nil, err
	}
	prefix := appendPartPrefix(nil, it.key, spaceParts)
	c := cursor{tree: t}
	for _, err = c.seek(prefix); err == nil; {
		part, ok, err := c.item()
		if err != nil || !ok || !bytes.HasPrefix(part.key, prefix) {
			return e, parts, err
		}
		if err := t.check(part); err != nil {
			return e, nil, err
		}
		_, _, number, ok := splitPartKey(part.key)
		if !ok {
			return e, nil, store.damage(tableParts, part.key, "the part makes no sense")
		}
		parts = append(parts, Part{number, bytes.Clone(part.value[sumSize:])})
		if ok, err := c.next(); err != nil || !ok {
			return e, parts, err
		}
	}
	return e, nil, err
}

// redo finishes a change that was half applied: what it still has to do is absolute, so it goes on top of whatever was
// salvaged. What it says of the parts of a key that is lost is left out.
func (s *salvage) redo() error {
	if !s.state.applying {
		return nil
	}
	path := s.path + redoSuffix
	file, err := s.fs.OpenRead(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &DamageError{File: s.path, Offset: -1, What: "a change is half applied, and its redo file is gone"}
	}
	if err != nil {
		return fmt.Errorf("opening %s: %w", path, err)
	}
	h, err := checkRedo(file, path)
	if err == nil {
		err = s.apply(newBlockReader(file, path, redoMagic), h.to)
	}
	return errors.Join(err, file.Close())
}

func (s *salvage) apply(from source, to state) error {
	if _, err := from.next(); err != nil { // the header
		return err
	}
	var at entry // the key at hand,
	var there bool
	for {
		e, err := from.next()
		if err == io.EOF {
			s.found.Meta = to.Meta
			s.found.Meta.DBs = s.expected(to.Meta.DBs)
			return nil
		}
		if err != nil {
			return err
		}
		if at == nil || !sameKey(at, e) {
			at = append(at[:0], e.about()...)
			there = e.op() == opPut && e.clear() || e.op() == opDelete || s.readable(e)
		}
		if !there || s.changes == nil {
			continue
		}
		if e.op() == opPut && e.clear() {
			if err := s.changes.spool.add(opDelete, e.store(), 0, e.key(), nil); err != nil {
				return err
			}
		}
		s.changes.calls++
		if err := s.changes.spool.add(e.op(), e.store(), e.part(), e.key(), e.value()); err != nil {
			return err
		}
	}
}

// expected gives the databases of the state to reach the counts of the present one: they are nearer than none.
func (s *salvage) expected(dbs []DB) []DB {
	for i, db := range dbs {
		c := s.state.stores[db.Store]
		dbs[i].Keys, dbs[i].Deadlines = c.keys, c.deadlines
	}
	return dbs
}

// readable reports whether the record that an entry is about was salvaged, or needs nothing that was.
func (s *salvage) readable(e entry) (ok bool) {
	if h, valid := parseHead(e.value()); e.op() == opPut && valid && !h.has(flagParted) {
		return true
	}
	err := guard(s.path, "salvaging", func() error {
		store := storeView{&s.view, s.root, e.store()}
		keys, err := store.tree(tableKeys)
		if err != nil || keys == nil {
			return err
		}
		value, found, err := keys.find(e.key())
		if err == nil && found {
			_, _, err = s.whole(&store, item{key: e.key(), value: value})
			ok = err == nil
		}
		return err
	})
	return ok && err == nil
}
