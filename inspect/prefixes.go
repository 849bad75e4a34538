package inspect

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
)

// prefixTree counts keys by what they begin with: "user:" and "user:42:" of "user:42:name", where ":" separates. It takes
// bounded memory however many prefixes there are: when it has more than so many, it forgets the smaller half of those
// without others below them, whose keys stay counted in the prefix above. Where keys come in order a prefix is complete
// when the next one begins, so that what is forgotten is certain to be small, and what is told is exact.
type prefixTree struct {
	separators string
	depth      int // how many separators a prefix has at most
	room       int // for prefixes
	sorted     bool

	root  prefixNode
	count int
	path  []*prefixNode // of the key before, from the root on
	doubt bool          // a prefix was forgotten that may have come again
}

// prefixNode is a prefix.
type prefixNode struct {
	name      string // whole
	keys      int64
	bytes     int64
	below     map[string]*prefixNode
	forgotten Others
}

// Others are prefixes that are not named one by one.
type Others struct {
	Prefixes int64 `json:"prefixes"`
	Keys     int64 `json:"keys"`
	Bytes    int64 `json:"bytes"`
}

func (o *Others) add(n *prefixNode) {
	o.Prefixes++
	o.Keys += n.keys
	o.Bytes += n.bytes
}

// Prefix is a prefix with what is below it.
type Prefix struct {
	Prefix Bytes    `json:"prefix"` // "" is all keys
	Keys   int64    `json:"keys"`
	Bytes  int64    `json:"bytes"`
	Below  []Prefix `json:"below,omitempty"`  // the largest, by bytes
	Others *Others  `json:"others,omitempty"` // the rest of them
	// Approximate: some of what was counted below may have been forgotten and begun anew.
	Approximate bool `json:"approximate,omitempty"`
}

// prefixRoom is for how many prefixes there is memory: some 30 MB of it.
const prefixRoom = 100_000

func newPrefixTree(separators string, depth int, sorted bool) *prefixTree {
	t := &prefixTree{separators: separators, depth: depth, room: prefixRoom, sorted: sorted}
	t.path = []*prefixNode{&t.root}
	return t
}

// add counts a key.
func (t *prefixTree) add(key []byte, size int64) {
	kept := 1 // nodes of the path that are this key's too
	for kept < len(t.path) && len(t.path[kept].name) <= len(key) && string(key[:len(t.path[kept].name)]) == t.path[kept].name {
		kept++
	}
	t.path = t.path[:kept]
	node := t.path[kept-1]
	for at := len(node.name); len(t.path) <= t.depth; {
		end := t.next(key, at)
		if end < 0 {
			break
		}
		node, at = t.child(node, key[:end]), end
		t.path = append(t.path, node)
	}
	for _, n := range t.path {
		n.keys++
		n.bytes += size
	}
	if t.count > t.room {
		t.prune()
	}
}

// next is where the next prefix of the key ends; -1 where none does.
func (t *prefixTree) next(key []byte, at int) int {
	i := -1
	if len(t.separators) == 1 {
		i = bytes.IndexByte(key[at:], t.separators[0])
	} else {
		i = bytes.IndexAny(key[at:], t.separators)
	}
	if i < 0 {
		return -1
	}
	return at + i + 1
}

func (t *prefixTree) child(n *prefixNode, name []byte) *prefixNode {
	if c := n.below[string(name)]; c != nil {
		return c
	}
	if n.below == nil {
		n.below = map[string]*prefixNode{}
	}
	c := &prefixNode{name: string(name)}
	n.below[c.name] = c
	t.count++
	return c
}

// prune forgets the smaller half of the prefixes that have none below them.
func (t *prefixTree) prune() {
	type leaf struct{ above, node *prefixNode }
	var leaves []leaf
	var gather func(n *prefixNode)
	gather = func(n *prefixNode) {
		for _, c := range n.below {
			switch {
			case len(c.below) > 0:
				gather(c)
			case !slices.Contains(t.path, c):
				leaves = append(leaves, leaf{n, c})
			}
		}
	}
	gather(&t.root)
	slices.SortFunc(leaves, func(a, b leaf) int {
		return cmp.Or(cmp.Compare(a.node.bytes, b.node.bytes), strings.Compare(a.node.name, b.node.name))
	})
	for _, l := range leaves[:(len(leaves)+1)/2] {
		l.above.forgotten.add(l.node)
		l.above.forgotten.Prefixes += l.node.forgotten.Prefixes
		delete(l.above.below, l.node.name)
		t.count--
	}
	t.doubt = t.doubt || !t.sorted
}

// top is the tree with the largest prefixes of each level, up to most.
func (t *prefixTree) top(most int) Prefix {
	p := t.root.top(most)
	p.Approximate = t.doubt
	return p
}

func (n *prefixNode) top(most int) Prefix {
	p := Prefix{Prefix: Bytes(n.name), Keys: n.keys, Bytes: n.bytes}
	below := make([]*prefixNode, 0, len(n.below))
	for _, c := range n.below {
		below = append(below, c)
	}
	slices.SortFunc(below, func(a, b *prefixNode) int {
		return cmp.Or(cmp.Compare(b.bytes, a.bytes), cmp.Compare(b.keys, a.keys), strings.Compare(a.name, b.name))
	})
	others := n.forgotten
	for i, c := range below {
		if i < most {
			p.Below = append(p.Below, c.top(most))
		} else {
			others.add(c)
		}
	}
	if others.Prefixes > 0 {
		p.Others = &others
	}
	return p
}
