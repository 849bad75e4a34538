package engine

import (
	"bytes"
	"slices"
	"sync"

	"holdfast/aof"
	"holdfast/commands"
	"holdfast/kv"
	"holdfast/snapshot"
)

// Most of what replaying the log's tail costs is fetching, one by one and from all over the base, the keys that its records
// name. So the tail is read once beforehand, for the keys alone, and they are fetched sorted, half of them on each of two
// goroutines. That changes nothing but what is hot: whatever goes wrong here is left for the replay to meet.

const (
	foreseenRecords = replayRecords
	foreseenBytes   = 64 << 20 // of keys
	foreseenLeast   = 256      // keys for which it pays
)

// foreseen are the keys that the tail names, by database.
type foreseen struct {
	keys  [][][]byte
	count int
	bytes int
}

// foresee makes hot what the log behind an LSN is going to ask for.
func (e *Engine) foresee(after uint64) {
	base := e.base.Load()
	if base == nil || e.maxmemory.Load() > 0 {
		return
	}
	named := foreseen{keys: make([][][]byte, e.world.Keys.Databases())}
	err := aof.Glance(e.o.FS, e.logDir(), after+1, func(_ aof.Position, r aof.Record) error {
		err := aof.Commands(r.Body, func(db int, args [][]byte) error {
			if cmd, refusal := e.Find(args); refusal == "" && db < len(named.keys) {
				cmd.EachKey(args, func(i int, _ commands.KeyFlags) { named.add(db, args[i]) })
			}
			return nil
		})
		if r.LSN-after >= foreseenRecords || named.bytes >= foreseenBytes {
			return errEnough
		}
		return err
	})
	if named.count < foreseenLeast || err != nil && err != errEnough {
		return
	}
	for i, keys := range named.keys {
		if len(keys) > 0 {
			e.foreseeIn(base, e.world.Keys.DB(i), keys)
		}
	}
}

func (f *foreseen) add(db int, key []byte) {
	f.keys[db] = append(f.keys[db], bytes.Clone(key))
	f.count++
	f.bytes += len(key)
}

// foreseeIn makes those of the keys hot that are strings in the base.
func (e *Engine) foreseeIn(base *snapshot.Base, db *kv.DB, keys [][]byte) {
	slices.SortFunc(keys, bytes.Compare)
	keys = slices.CompactFunc(keys, bytes.Equal)
	store := snapshot.Store(db.Store())
	halves := [][][]byte{keys[:len(keys)/2], keys[len(keys)/2:]}
	batches := make([]kv.Batch, len(halves))
	var all sync.WaitGroup
	for i, half := range halves {
		e.world.Keys.Begin(&batches[i])
		all.Go(func() {
			// An error is met again by whoever asks for the key.
			_ = base.Find(store, half, func(key []byte, r snapshot.Record) {
				if kv.Kind(r.Kind) == kv.String {
					batches[i].Add(key, e.stored(store, key, r))
				}
			})
		})
	}
	all.Wait()
	for i := range batches {
		for db.Hydrate(&batches[i]) {
		}
	}
}
