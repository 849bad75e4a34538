package engine

import (
	"bytes"
	"math"
	"strings"

	"holdfast/commands"
	"holdfast/kv"
)

// Above maxmemory a command first makes room, by the policy, and between commands the clockwork goes on. Redis's policies
// delete keys, with logged deletes and evicted events, chosen from a few that are sampled: the one idle for longest, or
// used least; volatile-ttl takes the very one that is due first. `spill`, ours, loses nothing: it makes keys cold that the base has as they stand, and where too many have changed
// for that it has a checkpoint written.

const (
	// evictAtOnce bounds what one command does to make room; the next one goes on.
	evictAtOnce = 64
	// spillSlack is the share of maxmemory, in percent, by which changed keys may exceed it while a checkpoint that
	// allows them to go is written. Beyond it writes are refused.
	spillSlack = 25
)

// liveMemory is what the process has use for: the keys, and the rest as last sampled.
func (e *Engine) liveMemory() int64 {
	return e.keysMemory() + e.stats.memory.beside() + e.stats.memory.gaps
}

// keysMemory is what keys take: those that there are, as the keyspace counts itself, and those that have changed or gone since a
// checkpoint began, which has yet to write them.
func (e *Engine) keysMemory() int64 {
	return e.world.Keys.Bytes() + e.checkpoints.harvest.size() + e.checkpoints.pouring
}

// spareMemory is the part of it that keys have left behind in their pages, and long values between others.
func (e *Engine) spareMemory() int64 { return e.world.Keys.SpareBytes() + e.stats.memory.gaps }

// LiveMemory is how many bytes of what the process has been given it has use for. The rest is garbage that waits to be
// collected, and what is free.
func (e *Engine) LiveMemory() (n int64) {
	e.Do(func() { n = e.liveMemory() })
	return n
}

// NeededMemory is LiveMemory and what hydration is about to bring.
func (e *Engine) NeededMemory() (n int64) {
	e.Do(func() { n = e.liveMemory() + e.comingMemory() })
	return n
}

// comingMemory is about how many bytes the keys will take that hydration has yet to bring: as many as in the base, within maxmemory.
func (e *Engine) comingMemory() int64 {
	h := &e.hydration
	if !h.running || h.total == 0 {
		return 0
	}
	coming := int64(float64(e.checkpoints.baseFile.used) * float64(e.world.Keys.ColdKeys()) / float64(h.total))
	if limit := e.maxmemory.Load(); limit > 0 {
		coming = min(coming, max(0, limit-e.boundMemory()))
	}
	return coming
}

// boundMemory is what maxmemory bounds. Garbage does not count: no key's going would help against it. Nor does spare memory:
// new keys take it, and were it counted no key's going would help before a whole page is empty. Nor do keys that only a checkpoint still
// needs: one that goes would be among them, and were they counted all would go.
func (e *Engine) boundMemory() int64 {
	return e.world.Keys.Bytes() - e.world.Keys.SpareBytes() + e.stats.memory.beside()
}

// makeRoom brings memory below maxmemory, or does a part of it, and reports whether a write may go on. As in Redis it may
// while keys are found to go, though there are more to follow.
func (e *Engine) makeRoom() bool {
	limit := e.maxmemory.Load()
	if limit <= 0 || e.boundMemory() <= limit {
		return true
	}
	policy := e.policy.Load()
	if policy == "noeviction" {
		return false
	}
	before := e.boundMemory()
	found := e.evictSome(policy, limit)
	used := e.boundMemory()
	if policy == "spill" {
		return e.maySpill(limit, before, used, found)
	}
	return found || used <= limit
}

// maySpill reports whether a write may go on when keys have been made cold. Where maxmemory was lowered it may as long as
// memory comes down, and is not more than it was.
func (e *Engine) maySpill(limit, before, used int64, found bool) bool {
	if used > limit && e.changes > 0 && (!found || e.outgrown == 0) {
		e.Checkpoint(nil) // what has changed can go when it is written
	}
	most := limit
	if used < before {
		most = max(limit, e.outgrown)
	}
	return used <= most+limit/100*spillSlack
}

// evictSome removes keys until memory is below the limit, as many as one command may; false says that there are no more.
func (e *Engine) evictSome(policy string, limit int64) bool {
	for range evictAtOnce {
		if e.boundMemory() <= limit {
			return true
		}
		if !e.evictOne(policy) {
			return false
		}
	}
	return true
}

// evictOn goes on with what commands began, for about a slice of time, and reports whether there is more to do.
func (e *Engine) evictOn(now int64) (more bool) {
	limit, policy := e.maxmemory.Load(), e.policy.Load()
	if limit <= 0 {
		return false
	}
	if e.boundMemory() <= limit {
		e.outgrown = 0
		return false
	}
	if policy == "noeviction" {
		if !e.anyKeys() { // it is no data that takes the memory
			e.exhausted(policy, limit)
		}
		return false
	}
	start := e.o.Clock()
	defer func() { e.spiked("eviction-cycle", e.o.Clock().Sub(start), now) }()
	for e.boundMemory() > limit {
		found := e.evictSome(policy, limit)
		e.record(now)
		if !found {
			if c := &e.checkpoints; policy == "spill" && e.changes > 0 && !(c.failing && now < c.retryAt) {
				e.Checkpoint(nil) // what has changed can go when it is written, though nobody says anything
			}
			e.exhausted(policy, limit)
			return false
		}
		if e.o.Clock().Sub(start) > expireSlice {
			return true
		}
	}
	return false
}

func (e *Engine) anyKeys() bool {
	for i := range e.world.Keys.Databases() {
		if e.world.Keys.DB(i).Len() > 0 {
			return true
		}
	}
	return false
}

// exhausted says once of a maxmemory that it cannot be kept to. Under `spill` that is known when no key waits to be written.
func (e *Engine) exhausted(policy string, limit int64) {
	if e.scarce == limit || policy == "spill" && (e.changes > 0 || e.checkpoints.running) {
		return
	}
	e.scarce = limit
	e.o.Log.Warn("maxmemory leaves no room: no more keys can go by the policy, and what remains is above it; writes that need memory are refused",
		"maxmemory", limit, "in_use", e.boundMemory(), "policy", policy)
}

// evictOne removes one key by the policy, and reports whether it found one.
func (e *Engine) evictOne(policy string) bool {
	best, index, worst := []byte(nil), 0, int64(math.MinInt64)
	for i := range e.world.Keys.Databases() {
		db := e.world.Keys.DB(i)
		e.candidates(policy, db, func(entry kv.Entry) {
			if score, ok := e.evictionScore(policy, db, entry); ok && score > worst {
				best, index, worst = append(best[:0], entry.Key()...), i, score
			}
		})
	}
	if worst == math.MinInt64 {
		return false
	}
	db := e.world.Keys.DB(index)
	if policy == "spill" {
		spilled := db.Spill(best)
		e.hydration.spilled = e.hydration.spilled || spilled
		return spilled
	}
	e.evict(index, bytes.Clone(best))
	return true
}

// candidates calls fn for some keys of a database that the policy may take.
func (e *Engine) candidates(policy string, db *kv.DB, fn func(kv.Entry)) {
	n := int(e.samples.Load())
	switch {
	case policy == "volatile-ttl":
		if entry, ok := db.Soonest(); ok {
			fn(entry)
		}
	case strings.HasPrefix(policy, "volatile-"):
		db.SampleVolatile(e.world.Rand, n, fn)
	default:
		db.Sample(e.world.Rand, n, fn)
	}
}

// evictionScore says how much a key deserves to go; the highest of the candidates does.
func (e *Engine) evictionScore(policy string, db *kv.DB, entry kv.Entry) (score int64, ok bool) {
	switch {
	case policy == "spill":
		return entry.Idle(), db.Spillable(entry)
	case strings.HasSuffix(policy, "-lru"):
		return entry.Idle(), true
	case strings.HasSuffix(policy, "-lfu"):
		return 255 - entry.Frequency(), true
	case strings.HasSuffix(policy, "-ttl"):
		return math.MaxInt64 - entry.Deadline(), true
	}
	return e.world.Rand.Int64N(1 << 30), true
}

// evict deletes a key for room, as part of the record under way.
func (e *Engine) evict(db int, key []byte) {
	e.world.Touch(db, key)
	e.add(db, delCommand, key)
	e.changes++
	e.stats.evicted++
	if e.world.Events != nil {
		e.world.Events(commands.EventEvicted, "evicted", db, key)
	}
	e.world.Keys.DB(db).Delete(key)
}

// watchPolicy keeps the hot layer's counting in step with the policy, and notes what is in use when there is to be less.
func (e *Engine) watchPolicy() {
	apply := func(policy string, factor, decay int64) {
		var f *kv.Frequency
		if strings.HasSuffix(policy, "-lfu") {
			f = &kv.Frequency{LogFactor: factor, DecayMinutes: decay, Rand: e.world.Rand}
		}
		e.world.Keys.SetFrequency(f)
	}
	outgrow := func() error {
		e.outgrown = e.boundMemory()
		return nil
	}
	e.maxmemory.OnChange(func(int64) error { return outgrow() })
	factor, decay := e.o.Config.Int("lfu-log-factor"), e.o.Config.Int("lfu-decay-time")
	apply(e.policy.Load(), factor.Load(), decay.Load())
	e.policy.OnChange(func(policy string) error {
		apply(policy, factor.Load(), decay.Load())
		return outgrow()
	})
	factor.OnChange(func(n int64) error {
		apply(e.policy.Load(), n, decay.Load())
		return nil
	})
	decay.OnChange(func(n int64) error {
		apply(e.policy.Load(), factor.Load(), n)
		return nil
	})
}
