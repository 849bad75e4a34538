package commands

import "slices"

// Waiters knows which clients are blocked on which keys, in the order in which they came, and which of those keys
// have changed since the engine last served them. The zero Waiters is empty.
type Waiters struct {
	queues map[spot]*queue
	ready  []spot
	clock  uint64
}

// queue is who waits for a key, the first one first. ready: the key has changed since they were last served.
type queue struct {
	clients []*Client
	ready   bool
}

// Add blocks the client on the keys of its wait.
func (w *Waiters) Add(c *Client, wait *Wait) {
	if w.queues == nil {
		w.queues = map[spot]*queue{}
	}
	w.clock++
	wait.Since = w.clock
	c.Blocked = wait
	for _, key := range wait.Keys {
		s := spot{wait.DB, string(key)}
		q := w.queues[s]
		if q == nil {
			q = new(queue)
			w.queues[s] = q
		}
		if n := len(q.clients); n == 0 || q.clients[n-1] != c { // a key may be named twice
			q.clients = append(q.clients, c)
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
		q := w.queues[s]
		if q == nil {
			continue // a key that was named twice
		}
		at := slices.Index(q.clients, c)
		switch {
		case at < 0: // likewise
		case len(q.clients) == 1:
			delete(w.queues, s)
		case at == 0: // mostly, as the first is served first
			q.clients[0] = nil
			q.clients = q.clients[1:]
		default:
			q.clients = slices.Delete(q.clients, at, at+1)
		}
	}
	c.Blocked = nil
}

func (w *Waiters) changed(db int, key []byte) {
	if len(w.queues) == 0 {
		return
	}
	s := spot{db, string(key)}
	if q := w.queues[s]; q != nil && !q.ready {
		q.ready = true
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
func (w *Waiters) Next() (db int, key []byte, waiting []*Client, ok bool) {
	if len(w.ready) == 0 {
		return 0, nil, nil, false
	}
	s := w.ready[0]
	w.ready = w.ready[1:]
	if q := w.queues[s]; q != nil {
		q.ready = false
		waiting = slices.Clone(q.clients)
	}
	return s.db, []byte(s.key), waiting, true
}
