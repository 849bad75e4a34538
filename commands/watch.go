package commands

import (
	"slices"
)

// spot is a key in a database.
type spot struct {
	db  int
	key string
}

// watched is a key that a client watches. Expired: it was already due when WATCH was said, so that its going
// is no change.
type watched struct {
	spot
	expired bool
}

// Watches knows who watches which keys. The zero Watches is empty.
type Watches struct {
	clients map[spot][]*Client
}

// Add makes the client watch the key.
func (w *Watches) Add(c *Client, db int, key []byte, expired bool) {
	s := spot{db, string(key)}
	if slices.Contains(w.clients[s], c) { // who watches the key are fewer than what a client may watch
		return
	}
	if w.clients == nil {
		w.clients = map[spot][]*Client{}
	}
	w.clients[s] = append(w.clients[s], c)
	c.Watched = append(c.Watched, watched{s, expired})
}

// Forget ends all watching by the client.
func (w *Watches) Forget(c *Client) {
	for _, have := range c.Watched {
		left := slices.DeleteFunc(w.clients[have.spot], func(o *Client) bool { return o == c })
		if len(left) == 0 {
			delete(w.clients, have.spot)
		} else {
			w.clients[have.spot] = left
		}
	}
	c.Watched, c.Dirty = nil, false
}

// Changed makes the transactions fail that watch the key.
func (w *Watches) Changed(db int, key []byte) {
	if len(w.clients) == 0 {
		return
	}
	for _, c := range w.clients[spot{db, string(key)}] {
		c.Dirty = true
	}
}

// ChangedAll is for commands that change a whole database. there tells whether a key is, or was, there: who
// watches a missing key does not mind.
func (w *Watches) ChangedAll(db int, there func(key []byte) bool) {
	for s, clients := range w.clients {
		if s.db == db && there([]byte(s.key)) {
			for _, c := range clients {
				c.Dirty = true
			}
		}
	}
}
