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
		if !slices.Contains(w.queues[s], c) {
			w.queues[s] = append(w.queues[s], c)
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
		left := slices.DeleteFunc(w.queues[s], func(o *Client) bool { return o == c })
		if len(left) == 0 {
			delete(w.queues, s)
		} else {
			w.queues[s] = left
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
