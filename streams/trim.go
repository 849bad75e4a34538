package streams

// Trim says what entries are to go: the first ones.
type Trim struct {
	// ByID: those whose IDs are below From; else all but the last Keep.
	ByID bool
	From ID
	Keep int
	// WholeNodes: only as many of them as fill whole nodes.
	WholeNodes bool
	// Limit is the most that may go with WholeNodes, 0 for no limit.
	Limit int
}

// Trim removes entries, and returns how many.
func (s *Stream) Trim(t Trim) (removed int) {
	for s.len > 0 && (t.ByID || s.len > t.Keep) {
		n := &s.nodes[0]
		live := int(n.live)
		if t.Limit > 0 && removed+live > t.Limit {
			return removed
		}
		whole := s.len-live >= t.Keep
		if t.ByID {
			_, last := n.ends()
			whole = last.Less(t.From)
		}
		if !whole {
			if !t.WholeNodes {
				removed += s.trimNode(n, t)
			}
			return removed
		}
		s.len -= live
		removed += live
		s.drop(0)
	}
	return removed
}

// trimNode removes entries of the first node, of which some remain.
func (s *Stream) trimNode(n *node, t Trim) (removed int) {
	for c := n.cursor(); c.next(); {
		switch {
		case c.deleted():
			continue
		case t.ByID && !c.id.Less(t.From), !t.ByID && s.len <= t.Keep:
			return removed
		}
		c.delete()
		s.len--
		removed++
	}
	return removed
}
