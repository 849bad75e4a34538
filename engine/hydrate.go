package engine

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"holdfast/internal/nice"
	"holdfast/kv"
	"holdfast/snapshot"
)

// After a start the keys are in the base, and a key that is asked for is fetched. Hydration fetches the others in the
// background, a slice at a time, until every key is hot, or memory is at its limit, where keys go cold again anyhow.
//
// A batch is read from the base and made ready without the lock, and admitted under it in slices. In between a checkpoint may
// have changed the base; then the generation has risen, and the batch is read again.
//
// While clients are being served it works in short spells, and rests between them. Rejected: a thread of low priority. The
// kernel lets it wait for milliseconds, and with it whatever stops all of Go's threads for a moment, as the collector does.

// hydration is its progress, for INFO. Guarded by the engine's lock.
type hydration struct {
	running bool
	total   int64 // cold keys at the start
	began   time.Time
	spilled bool // keys that were hot have gone cold since
}

const (
	hydrateBatch = 16 << 10 // keys
	hydrateLook  = 128      // keys between two looks at the clock
	// hydrateServing is how long it works at a time while clients are being served.
	hydrateServing = 60 * time.Microsecond
)

// hydrateTurns are how long it may hold the lock.
func hydrateTurns() turns {
	return turns{serving: hydrateServing, pause: 200 * time.Microsecond, each: commandTime, alone: 300 * time.Microsecond}
}

// beginHydration notes what there is to do.
func (e *Engine) beginHydration() {
	e.hydration = hydration{running: true, total: int64(e.world.Keys.ColdKeys()), began: time.Now()}
}

// hydrate runs once after a start.
func (e *Engine) hydrate() {
	defer e.background.Done()
	if !e.awaitServing() {
		return
	}
	defer nice.Lend()()
	for _, store := range e.hydratable() {
		h := hydrator{e: e, store: store, slicer: slicer{engine: e, mu: &e.mu, turns: hydrateTurns()}}
		if !h.run() {
			break
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.hydration.running = false
	if e.hydration.total == 0 {
		return
	}
	e.o.Log.Info("hydrated", "keys", e.hydration.total-int64(e.world.Keys.ColdKeys()),
		"cold", e.world.Keys.ColdKeys(), "ms", time.Since(e.hydration.began).Milliseconds())
}

// awaitServing waits until there is time for what can wait. False: the engine closes.
func (e *Engine) awaitServing() bool {
	if e.o.Serving == nil {
		return true
	}
	select {
	case <-e.quit:
		return false
	case <-e.o.Serving:
		return true
	}
}

// hydratable are the stores that have cold keys, and those of the base that are to have none.
func (e *Engine) hydratable() (stores []snapshot.Store) {
	e.mu.Lock()
	defer e.mu.Unlock()
	base := e.base.Load()
	if base == nil {
		return nil
	}
	for _, d := range base.Meta().DBs {
		if db := e.databaseOf(d.Store); db != nil && (db.ColdKeys() > 0 || d.Keys == 0) {
			stores = append(stores, d.Store)
		}
	}
	return stores
}

// hydrator makes the keys of one store hot.
type hydrator struct {
	e      *Engine
	store  snapshot.Store
	slicer slicer

	after      []byte // the key that the batch begins behind
	batch      kv.Batch
	last       []byte // in the batch; not nil, which would be the start, where it is the empty key
	generation uint64 // of the base that it is from
	db         *kv.DB // that it is for, and whose memory it goes into
}

// run reports whether there may be more to do elsewhere.
func (h *hydrator) run() bool {
	if out := h.grow(); out != admitted {
		return out == admitGone
	}
	for {
		more, err := h.read()
		if err != nil {
			if !errors.Is(err, snapshot.ErrClosed) && !h.superseded() {
				h.e.damaged(err)
				return false
			}
			continue
		}
		switch h.admit() {
		case admitAgain:
			continue
		case admitStop:
			return false
		case admitGone:
			return true
		}
		if !more {
			return h.counted()
		}
		h.after, h.last = h.last, h.after
	}
}

// counted makes sure, once every key of the base is hot, that the base had as many as it says: by that is known how many are
// cold, and where none is to be, none is looked for.
func (h *hydrator) counted() bool {
	h.e.mu.Lock()
	defer h.e.mu.Unlock()
	db := h.e.databaseOf(h.store)
	if db == nil || db != h.db || h.e.hydration.spilled || db.ColdKeys() == 0 && db.ColdDeadlines() == 0 {
		return true
	}
	h.e.damaged(fmt.Errorf("%s: %w: the keys of a database are %d less than its count of them, those with deadlines %d",
		h.e.basePath(), snapshot.ErrCorrupt, db.ColdKeys(), db.ColdDeadlines()))
	return false
}

// read fills the batch, and reports whether there are keys behind it. What is no string is made a value outside of the lock. One
// that cannot be made may be changing under us, head and parts being read one after the other: if its key is still cold
// under the lock it is read again there.
func (h *hydrator) read() (more bool, err error) {
	h.e.mu.Lock()
	base := h.e.base.Load()
	if db := h.e.databaseOf(h.store); db != h.db { // at first, and when DEBUG has read the data anew
		h.db, h.after, h.last = db, nil, []byte{}
	}
	h.generation = h.e.generation
	h.e.world.Keys.Begin(&h.batch)
	h.e.mu.Unlock()
	var values []snapshot.Entry
	begun := time.Now()
	more, err = base.Some(h.store, h.after, hydrateBatch, func(key []byte, r snapshot.Record) {
		h.last = append(h.last[:0], key...)
		if kv.Kind(r.Kind) == kv.String {
			h.batch.Add(key, h.e.stored(h.store, key, r))
		} else {
			r.Payload = bytes.Clone(r.Payload)
			values = append(values, snapshot.Entry{Key: bytes.Clone(key), Record: r})
		}
		if h.batch.Len()%hydrateLook == 0 && time.Since(begun) > hydrateServing {
			h.rest()
			begun = time.Now()
		}
	})
	for _, entry := range values {
		s, _ := h.e.made(h.store, entry.Key, entry.Record)
		h.batch.Add(entry.Key, s)
	}
	return more, err
}

// rest lets clients be served, where any are.
func (h *hydrator) rest() {
	h.e.mu.Lock()
	busy := h.slicer.serving()
	h.e.mu.Unlock()
	if busy {
		nice.Pause(h.slicer.turns.rest(h.slicer.lately))
	}
}

func (h *hydrator) superseded() bool {
	h.e.mu.Lock()
	defer h.e.mu.Unlock()
	return h.e.generation != h.generation
}

type admission uint8

const (
	admitted   admission = iota
	admitAgain           // the base has changed, or has been read anew
	admitStop            // memory is at its limit, or the engine closes
	admitGone            // the database has been flushed
)

// admit makes the keys of the batch hot.
func (h *hydrator) admit() admission {
	return h.slices(func(db *kv.DB) (more bool, out admission) {
		if db != h.db { // which took with it what is left of the batch
			return false, admitAgain
		}
		if h.e.generation != h.generation {
			db.Drop(&h.batch)
			return false, admitAgain
		}
		if limit := h.e.maxmemory.Load(); limit > 0 && h.e.boundMemory() > limit*9/10 {
			db.Drop(&h.batch)
			return false, admitStop
		}
		return db.Hydrate(&h.batch), admitted
	})
}

// grow makes the table as large as all keys will want it, unless they may not all have room.
func (h *hydrator) grow() admission {
	cursor := uint64(0)
	return h.slices(func(db *kv.DB) (more bool, out admission) {
		if h.e.maxmemory.Load() == 0 {
			cursor = db.Grow(cursor)
		}
		return cursor != 0, admitted
	})
}

// slices calls step under the lock until it says that there is no more, in slices, between which clients are served.
func (h *hydrator) slices(step func(*kv.DB) (more bool, out admission)) (out admission) {
	for more := true; more; {
		select {
		case <-h.e.quit:
			return admitStop
		default:
		}
		more = h.slicer.next(func() (more bool) {
			db := h.e.databaseOf(h.store)
			if db == nil {
				out = admitGone
				return false
			}
			more, out = step(db)
			return more
		})
	}
	return out
}

// databaseOf is the database that the base keeps under a store number, or nil where it is no more.
func (e *Engine) databaseOf(store snapshot.Store) *kv.DB {
	for i := range e.world.Keys.Databases() {
		if db := e.world.Keys.DB(i); snapshot.Store(db.Store()) == store {
			return db
		}
	}
	return nil
}

// hydrationLeft estimates, in seconds, how long hydration will go on, from how long it has taken so far.
func (e *Engine) hydrationLeft() int64 {
	done := e.hydration.total - int64(e.world.Keys.ColdKeys())
	if !e.hydration.running || done <= 0 {
		return 0
	}
	perKey := time.Since(e.hydration.began) / time.Duration(done)
	return int64(perKey*time.Duration(e.world.Keys.ColdKeys())/time.Second) + 1
}
