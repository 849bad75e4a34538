package disk

import (
	"fmt"
	"maps"
	"strings"
)

// node is what a name stands for: a directory, a file, or a symbolic link. Its identity is its address.
type node struct {
	file   *file // nil if it is none
	isLink bool
	target string // of a symbolic link
}

func (n *node) isDir() bool { return n.file == nil && !n.isLink }

// tree is what the names of all directories stand for, from a root. Like extents, a listing may be changed only under
// the edit that made it.
type tree struct {
	root  *node
	lists map[*node]listing
	own   *edit
}

type listing struct {
	names map[string]*node
	own   *edit
}

func newTree(root *node, own *edit) tree {
	return tree{root: root, lists: map[*node]listing{}, own: own}
}

// snapshot is the tree as it is now; t must get a new edit after.
func (t *tree) snapshot(own *edit) tree {
	return tree{root: t.root, lists: maps.Clone(t.lists), own: own}
}

func (t *tree) list(dir *node) map[string]*node { return t.lists[dir].names }

// writable is the listing of a directory, to be changed.
func (t *tree) writable(dir *node) map[string]*node {
	l := t.lists[dir]
	switch {
	case l.names == nil:
		l = listing{map[string]*node{}, t.own}
	case l.own != t.own:
		l = listing{maps.Clone(l.names), t.own}
	default:
		return l.names
	}
	t.lists[dir] = l
	return l.names
}

// apply makes an op's changes. It reports false, and makes none, if a directory would come to lie in itself.
//
// A directory has one place: giving it another takes it from the one it has, wherever that is.
func (t *tree) apply(o *op) bool {
	if o.moves {
		places := t.places()
		for _, c := range o.changes {
			if !c.taken && inside(places, c.dir, c.node) {
				return false
			}
		}
		if p, has := places[o.places]; has {
			delete(t.writable(p.dir), p.name)
		}
	}
	for _, c := range o.changes {
		if c.taken {
			if t.list(c.dir)[c.name] == c.node {
				delete(t.writable(c.dir), c.name)
			}
		} else {
			t.writable(c.dir)[c.name] = c.node
		}
	}
	return true
}

type place struct {
	dir  *node
	name string
}

// places says where each directory is.
func (t *tree) places() map[*node]place {
	places := map[*node]place{}
	for dir, l := range t.lists {
		for name, n := range l.names {
			if n.isDir() {
				places[n] = place{dir, name}
			}
		}
	}
	return places
}

// inside reports whether dir is outer or lies in it.
func inside(places map[*node]place, dir, outer *node) bool {
	for range len(places) + 1 {
		if dir == outer {
			return true
		}
		p, has := places[dir]
		if !has {
			return false
		}
		dir = p.dir
	}
	return true
}

// find walks a path; nil is returned if nothing is there.
func (t *tree) find(path string) *node {
	n := t.root
	for path != "" && n != nil {
		var name string
		name, path, _ = strings.Cut(path, "/")
		n = t.list(n)[name]
	}
	return n
}

// parent is the directory of a path that is not the root's, and the name in it.
func (t *tree) parent(path string) (dir *node, name string, err error) {
	above := ""
	name = path
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		above, name = path[:i], path[i+1:]
	}
	// A trace may come from elsewhere: what it names is made below the directory that is built, never beside it.
	if name == "" || name == "." || name == ".." || strings.ContainsRune(name, 0) {
		return nil, "", fmt.Errorf("%q is not a path: %w", path, ErrEvent)
	}
	if dir = t.find(above); dir == nil || !dir.isDir() {
		return nil, "", fmt.Errorf("%q is not a directory: %w", above, ErrEvent)
	}
	return dir, name, nil
}

// reach is every node that has a way from the root by names that are in the tree or in one of the ops.
func (t *tree) reach(ops []*op) map[*node]bool {
	given := map[*node][]*node{}
	for _, o := range ops {
		for _, c := range o.changes {
			if !c.taken {
				given[c.dir] = append(given[c.dir], c.node)
			}
		}
	}
	reached := map[*node]bool{t.root: true}
	todo := []*node{t.root}
	see := func(n *node) {
		if !reached[n] {
			reached[n] = true
			if n.isDir() {
				todo = append(todo, n)
			}
		}
	}
	for len(todo) > 0 {
		dir := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, n := range t.list(dir) {
			see(n)
		}
		for _, n := range given[dir] {
			see(n)
		}
	}
	return reached
}
