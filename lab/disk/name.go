package disk

import (
	"fmt"

	"holdfast/lab/trace"
)

// exchange is the flag of renameat2 that swaps two names.
const exchange = 2

// name follows an event that changes names.
func (m *Model) name(e trace.Event) error {
	switch e.Kind {
	case trace.Mkdir:
		n := &node{}
		return m.give(e, e.Path, n, op{verb: "mkdir", places: n})
	case trace.Symlink:
		return m.give(e, e.Path, &node{isLink: true, target: e.To}, op{verb: "symlink", to: e.To})
	case trace.Create:
		return m.create(e)
	case trace.Link:
		return m.link(e)
	case trace.Rename:
		return m.rename(e)
	default: // Rmdir, Unlink
		dir, name, err := m.live.parent(e.Path)
		if err != nil {
			return err
		}
		n := m.live.list(dir)[name]
		if n == nil || n.isDir() != (e.Kind == trace.Rmdir) {
			return fmt.Errorf("%q is not there to be removed: %w", e.Path, ErrEvent)
		}
		m.names(e, op{verb: e.Kind.String(), changes: []change{{dir, name, n, true}}})
		return nil
	}
}

// names adds an op on names. The live tree has no reason to refuse it.
func (m *Model) names(e trace.Event, o op) {
	o.kind, o.journal = opNames, m.reading == Ordered
	add := m.op(e, o)
	if !m.live.apply(add) {
		panic("BUG: a directory in itself, where the kernel saw none: " + e.String())
	}
	m.add(add)
}

// give gives a node a name.
func (m *Model) give(e trace.Event, path string, n *node, o op) error {
	dir, name, err := m.live.parent(path)
	if err != nil {
		return err
	}
	o.changes = []change{{dir, name, n, false}}
	m.names(e, o)
	return nil
}

func (m *Model) create(e trace.Event) error {
	if e.File == 0 || m.files[e.File] != nil {
		return fmt.Errorf("file %d cannot be made (again): %w", e.File, ErrEvent)
	}
	f := &file{path: e.Path}
	f.node = &node{file: f}
	if e.Path == "" { // as by O_TMPFILE
		f.nameless = true
	} else if err := m.give(e, e.Path, f.node, op{verb: "create"}); err != nil {
		return err
	}
	m.files[e.File] = f
	return nil
}

func (m *Model) link(e trace.Event) error {
	n := m.live.find(e.Path)
	if f := m.files[e.File]; f != nil {
		n = f.node
	}
	if n != nil && e.Path == "" && n.file != nil {
		e.Path = n.file.name(e.File)
	}
	if n == nil || n.isDir() {
		return fmt.Errorf("%q is not there to be linked: %w", e.Path, ErrEvent)
	}
	if err := m.give(e, e.To, n, op{verb: "link", to: e.To}); err != nil {
		return err
	}
	if n.file != nil {
		m.unpark(n.file)
	}
	return nil
}

func (m *Model) rename(e trace.Event) error {
	from, old, err := m.live.parent(e.Path)
	if err != nil {
		return err
	}
	to, name, err := m.live.parent(e.To)
	if err != nil {
		return err
	}
	n := m.live.list(from)[old]
	switch {
	case n == nil:
		return fmt.Errorf("%q is not there to be renamed: %w", e.Path, ErrEvent)
	case e.Mode&exchange != 0:
		return fmt.Errorf("an exchange of names: %w", ErrEvent)
	case m.live.list(to)[name] == n: // two names of one file: POSIX has it do nothing
		return nil
	case n.isDir() && inside(m.live.places(), to, n):
		return fmt.Errorf("a directory into itself: %w", ErrEvent)
	}
	gives, takes := change{to, name, n, false}, change{from, old, n, true}
	o := op{verb: "rename", to: e.To}
	if n.isDir() {
		o.places, o.moves = n, true
	} else if n.file != nil {
		n.file.path = e.To
	}
	if m.reading == Strict && from != to && !n.isDir() {
		// Two directories, each of which is synced by itself: both names may be there, or neither.
		o.changes = []change{gives}
		m.names(e, o)
		o.changes = []change{takes}
		m.names(e, o)
		return nil
	}
	o.changes = []change{takes, gives}
	m.names(e, o)
	return nil
}
