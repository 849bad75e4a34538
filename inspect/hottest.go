package inspect

import (
	"cmp"
	"slices"
)

// hottest finds what comes most often in a stream of names, in bounded memory, by the Space-Saving algorithm of Metwally,
// Agrawal and El Abbadi (2005): it counts as many names as it has room for. A new one takes the place of that with the
// lowest count, and goes on from that count, of which so much may then not be its own. What comes more often than one
// in room is certain to be there.
type hottest struct {
	room   int
	counts map[string]*hot
	heap   []*hot // the lowest count first
}

// hot is a name with its counts.
type hot struct {
	name  string
	n     int64 // how often it came, at most
	over  int64 // by how much n may be too high
	bytes int64 // since it is counted
	at    int   // in the heap
}

func newHottest(room int) *hottest { return &hottest{room: room, counts: map[string]*hot{}} }

// add counts a name.
func (h *hottest) add(name []byte, bytes int64) {
	c := h.counts[string(name)]
	switch {
	case c != nil:
	case len(h.heap) < h.room:
		c = &hot{name: string(name), at: len(h.heap)}
		h.counts[c.name] = c
		h.heap = append(h.heap, c)
		h.rise(c.at)
	default:
		c = h.heap[0]
		delete(h.counts, c.name)
		c.name, c.over, c.bytes = string(name), c.n, 0
		h.counts[c.name] = c
	}
	c.n++
	c.bytes += bytes
	h.sink(c.at)
}

func (h *hottest) swap(i, j int) {
	h.heap[i], h.heap[j] = h.heap[j], h.heap[i]
	h.heap[i].at, h.heap[j].at = i, j
}

func (h *hottest) rise(i int) {
	for i > 0 && h.heap[i].n < h.heap[(i-1)/2].n {
		h.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
}

func (h *hottest) sink(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h.heap); child++ {
			if h.heap[child].n < h.heap[least].n {
				least = child
			}
		}
		if least == i {
			return
		}
		h.swap(i, least)
		i = least
	}
}

// top are those that came most often, up to most of them. exact says that every name there was is counted.
func (h *hottest) top(most int) (top []Hot, exact bool) {
	all := slices.Clone(h.heap)
	slices.SortFunc(all, func(a, b *hot) int {
		return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.name, b.name))
	})
	exact = true
	for _, c := range all {
		exact = exact && c.over == 0
	}
	top = []Hot{}
	for _, c := range all[:min(most, len(all))] {
		top = append(top, Hot{Name: Bytes(c.name), Commands: c.n, Over: c.over, Bytes: c.bytes})
	}
	return top, exact
}

// Hot is a key, or a prefix of keys, of which there is much in the log.
type Hot struct {
	Name     Bytes `json:"name"`
	Commands int64 `json:"commands"`           // at most
	Over     int64 `json:"too_high,omitempty"` // by how many commands at most that is too high
	Bytes    int64 `json:"bytes"`              // of those commands
}
