package commands

import "slices"

// Waiters knows which clients are blocked on which keys, in the order in which they came, and which of those keys
// have changed since the engine last served them. The zero Waiters is empty.
type Waiters struct {
	queues map[spot][]*Client
	ready  []spot
	clock  uint64
}

// Add blocks the client on the keys of its wait.
func (w *Waiters) Add(c *Client, wait *Wait) {
	if w.queues == nil {
		w.queues = map[spot][]*Client{}
	}
	w.clock++
	wait.Since = w.clock
	c.Blocked = wait
	for _, key := range wait.Keys {
		s := spot{wait.DB, string(key)}
		queue := w.queues[s]
		if n := len(queue); n == 0 || queue[n-1] != c { // a key may be named twice
			w.queues[s] = append(queue, c)
		}
	}
}

// Remove ends the client's wait.
func (w *Waiters) Remove(c *Client) {
	if c.Blocked == nil {
		return
	}
	for _, key := range c.Blocked.Keys {
		s := spot{c.Blocked.DB, string(key)}
		queue := w.queues[s]
		at := slices.Index(queue, c)
		switch {
		case at < 0: // a key that was named twice
		case len(queue) == 1:
			delete(w.queues, s)
		case at == 0: // mostly, as the first is served first
			queue[0] = nil
			w.queues[s] = queue[1:]
		default:
			w.queues[s] = slices.Delete(queue, at, at+1)
		}
	}
	c.Blocked = nil
}

func (w *Waiters) changed(db int, key []byte) {
	if len(w.queues) == 0 {
		return
	}
	s := spot{db, string(key)}
	if len(w.queues[s]) > 0 && !slices.Contains(w.ready, s) {
		w.ready = append(w.ready, s)
	}
}

// ChangedAll is for commands that bring a whole database.
func (w *Waiters) ChangedAll(db int) {
	var all []string
	for s := range w.queues {
		if s.db == db {
			all = append(all, s.key)
		}
	}
	slices.Sort(all)
	for _, key := range all {
		w.changed(db, []byte(key))
	}
}

// Next takes the first key that changed, and a copy of the queue of who waits for it; false when there is none.
func (w *Waiters) Next() (db int, key []byte, queue []*Client, ok bool) {
	if len(w.ready) == 0 {
		return 0, nil, nil, false
	}
	s := w.ready[0]
	w.ready = w.ready[1:]
	return s.db, []byte(s.key), slices.Clone(w.queues[s]), true
}
