package engine

import (
	"errors"
	"time"

	"holdfast/internal/nice"
	"holdfast/kv"
	"holdfast/snapshot"
)

// After a start the keys are in the base, and a key that is asked for is fetched. Hydration fetches the others in the
// background, a slice at a time, until every key is hot, or memory is at its limit, where keys go cold again anyhow.
//
// A slice is read from the base without the lock, and admitted under it. In between a checkpoint may have changed the
// base; then the generation has risen, and the slice is read again.

// hydration is its progress, for INFO. Guarded by the engine's lock.
type hydration struct {
	running bool
	total   int64 // cold keys at the start
	began   time.Time
}

const (
	hydrateSlice = 512 // keys
	// hydratePause follows a slice while clients are being served, so that they are served first.
	hydratePause = 300 * time.Microsecond
)

// hydrate runs once after a start.
func (e *Engine) hydrate() {
	defer e.background.Done()
	behind := nice.Start()
	defer behind.Stop()
	for _, db := range e.hydratable() {
		if !e.hydrateStore(db, behind) {
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

// hydratable are the stores that have cold keys.
func (e *Engine) hydratable() (stores []snapshot.Store) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.hydration = hydration{running: true, total: int64(e.world.Keys.ColdKeys()), began: time.Now()}
	for i := range e.world.Keys.Databases() {
		if db := e.world.Keys.DB(i); db.ColdKeys() > 0 {
			if e.maxmemory.Load() == 0 { // else they may not all have room
				db.ExpectHydration()
			}
			stores = append(stores, snapshot.Store(db.Store()))
		}
	}
	return stores
}

// hydrateStore makes the keys of one store hot, and reports whether there may be more to do elsewhere. While a slice is
// admitted the next one is being read.
func (e *Engine) hydrateStore(store snapshot.Store, behind *nice.Thread) bool {
	var served int64
	next := e.fetch(behind, store, nil)
	defer func() { <-next.done }() // the base is not closed under it
	for {
		select {
		case <-e.quit:
			return false
		case <-next.done:
		}
		s := next
		e.mu.Lock()
		busy := e.stats.commands != served
		served = e.stats.commands
		e.mu.Unlock()
		if busy && !e.sleep(hydratePause) {
			return false
		}
		switch {
		case s.err == nil:
		case errors.Is(s.err, snapshot.ErrClosed) || e.superseded(s.generation):
			next = e.fetch(behind, store, s.after)
			continue
		default:
			e.damaged(s.err)
			return false
		}
		if s.more {
			next = e.fetch(behind, store, s.keys[len(s.keys)-1])
		}
		switch e.admit(store, s.keys, s.values, s.generation) {
		case admitAgain:
			<-next.done
			next = e.fetch(behind, store, s.after)
			continue
		case admitStop:
			return false
		case admitGone:
			return true
		}
		if !s.more {
			return true
		}
	}
}

// fetched is a slice of the base, once done is closed.
type fetched struct {
	done       <-chan struct{}
	after      []byte // the key before it
	generation uint64
	keys       [][]byte
	values     []kv.Stored
	more       bool // there are keys behind it
	err        error
}

// fetch reads the slice that follows a key, behind everything else.
func (e *Engine) fetch(behind *nice.Thread, store snapshot.Store, after []byte) *fetched {
	e.mu.Lock()
	base := e.base.Load()
	s := &fetched{after: after, generation: e.generation}
	e.mu.Unlock()
	s.done = behind.Begin(func() {
		var entries []snapshot.Entry
		if entries, s.more, s.err = base.Slice(store, after, hydrateSlice); s.err != nil {
			return
		}
		s.values = e.decode(store, entries)
		for _, entry := range entries {
			s.keys = append(s.keys, entry.Key)
		}
	})
	return s
}

func (e *Engine) superseded(generation uint64) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.generation != generation
}

// decode makes values of a slice, outside of the lock. One that cannot be made may be changing under us, head and
// parts being read one after the other: if its key is still cold under the lock it is read again there.
func (e *Engine) decode(store snapshot.Store, entries []snapshot.Entry) []kv.Stored {
	slice := make([]kv.Stored, len(entries))
	for i, entry := range entries {
		slice[i] = e.stored(store, entry.Key, entry.Record)
		if slice[i].Load == nil {
			continue
		}
		if v, err := e.value(store, entry.Key, entry.Record); err == nil {
			slice[i].Load = func() kv.Value { return v }
		}
	}
	return slice
}

type admission uint8

const (
	admitted   admission = iota
	admitAgain           // the base has changed
	admitStop            // memory is at its limit
	admitGone            // the database has been flushed
)

func (e *Engine) admit(store snapshot.Store, keys [][]byte, slice []kv.Stored, generation uint64) admission {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.generation != generation {
		return admitAgain
	}
	if limit := e.maxmemory.Load(); limit > 0 && e.boundMemory() > limit*9/10 {
		return admitStop
	}
	for i := range e.world.Keys.Databases() {
		db := e.world.Keys.DB(i)
		if snapshot.Store(db.Store()) != store {
			continue
		}
		db.Hydrate(keys, slice)
		return admitted
	}
	return admitGone
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
