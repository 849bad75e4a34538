package engine

import (
	"errors"
	"time"

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
	hydrateSlice = 128 // keys
	// hydratePause follows a slice while clients are being served, so that they are served first.
	hydratePause = 300 * time.Microsecond
)

// hydrate runs once after a start.
func (e *Engine) hydrate() {
	defer e.background.Done()
	for _, db := range e.hydratable() {
		if !e.hydrateStore(db) {
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
			stores = append(stores, snapshot.Store(db.Store()))
		}
	}
	return stores
}

// hydrateStore makes the keys of one store hot, and reports whether there may be more to do elsewhere.
func (e *Engine) hydrateStore(store snapshot.Store) bool {
	var after []byte
	var served int64
	for {
		select {
		case <-e.quit:
			return false
		default:
		}
		e.mu.Lock()
		base, generation := e.base.Load(), e.generation
		busy := e.stats.commands != served
		served = e.stats.commands
		e.mu.Unlock()
		if busy && !e.sleep(hydratePause) {
			return false
		}
		entries, more, err := base.Slice(store, after, hydrateSlice)
		if err != nil {
			if errors.Is(err, snapshot.ErrClosed) || e.superseded(generation) {
				continue
			}
			e.damaged(err)
			return false
		}
		slice := e.decode(store, entries)
		switch e.admit(store, entries, slice, generation) {
		case admitAgain:
			continue
		case admitStop:
			return false
		case admitGone:
			return true
		}
		if !more {
			return true
		}
		after = entries[len(entries)-1].Key
	}
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

func (e *Engine) admit(store snapshot.Store, entries []snapshot.Entry, slice []kv.Stored, generation uint64) admission {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.generation != generation {
		return admitAgain
	}
	if limit := e.maxmemory.Load(); limit > 0 && e.usedMemory() > limit*9/10 {
		return admitStop
	}
	for i := range e.world.Keys.Databases() {
		db := e.world.Keys.DB(i)
		if snapshot.Store(db.Store()) != store {
			continue
		}
		for j, entry := range entries {
			db.Hydrate(entry.Key, slice[j])
		}
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
