package engine

import (
	"bytes"
	"math"
	"strings"

	"holdfast/aof"
	"holdfast/commands"
	"holdfast/kv"
)

// Above maxmemory a command first makes room, by the policy. Redis's policies delete keys, with logged deletes and
// evicted events, chosen from a few that are sampled: the one idle for longest, or used least, or that would expire
// first. `spill`, ours, loses nothing: it makes keys cold that the base has as they stand, and where too many have changed
// for that it has a checkpoint written.

const (
	// evictAtOnce bounds what one command does to make room; the next one goes on.
	evictAtOnce = 64
	// spillSlack is the share of maxmemory, in percent, by which changed keys may exceed it while a checkpoint that
	// allows them to go is written. Beyond it writes are refused.
	spillSlack = 25
)

// usedMemory is what the process holds for its data: the keyspace as it counts itself, and the rest as last sampled.
func (e *Engine) usedMemory() int64 { return e.world.Keys.Bytes() + e.stats.overhead }

// makeRoom brings memory below maxmemory, or does a part of it, and reports whether a write may go on.
func (e *Engine) makeRoom(now int64) bool {
	limit := e.maxmemory.Load()
	if limit <= 0 || e.usedMemory() <= limit {
		return true
	}
	policy := e.policy.Load()
	if policy == "noeviction" {
		return false
	}
	for range evictAtOnce {
		if e.usedMemory() <= limit {
			return true
		}
		if !e.evictOne(policy, now) {
			break
		}
	}
	used := e.usedMemory()
	if policy == "spill" {
		if used > limit && e.changes > 0 {
			e.Checkpoint(nil) // what has changed can go when it is written
		}
		return used <= limit+limit/100*spillSlack
	}
	return used <= limit
}

// evictOne removes one key by the policy, and reports whether it found one.
func (e *Engine) evictOne(policy string, now int64) bool {
	best, index, worst := []byte(nil), 0, int64(math.MinInt64)
	for i := range e.world.Keys.Databases() {
		db := e.world.Keys.DB(i)
		db.Sample(e.world.Rand, int(e.samples.Load()), func(entry kv.Entry) {
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
		return db.Spill(best)
	}
	e.evict(index, bytes.Clone(best))
	return true
}

// evictionScore says how much a key deserves to go; the highest of the sample does.
func (e *Engine) evictionScore(policy string, db *kv.DB, entry kv.Entry) (score int64, ok bool) {
	if strings.HasPrefix(policy, "volatile-") && entry.Deadline() == 0 {
		return 0, false
	}
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
	e.world.Touched(db, key)
	e.world.Watches.Changed(db, key)
	e.body = aof.AppendCommand(e.body, db, delCommand, key)
	e.changes++
	e.stats.evicted++
	if e.world.Events != nil {
		e.world.Events(commands.EventEvicted, "evicted", db, key)
	}
	e.world.Keys.DB(db).Delete(key)
}

// watchPolicy keeps the hot layer's counting in step with the policy.
func (e *Engine) watchPolicy() {
	apply := func(policy string, factor, decay int64) {
		var f *kv.Frequency
		if strings.HasSuffix(policy, "-lfu") {
			f = &kv.Frequency{LogFactor: factor, DecayMinutes: decay, Rand: e.world.Rand}
		}
		e.world.Keys.SetFrequency(f)
	}
	factor, decay := e.o.Config.Int("lfu-log-factor"), e.o.Config.Int("lfu-decay-time")
	apply(e.policy.Load(), factor.Load(), decay.Load())
	e.policy.OnChange(func(policy string) error {
		apply(policy, factor.Load(), decay.Load())
		return nil
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
