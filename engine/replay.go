package engine

import (
	"bytes"
	"runtime"
	"slices"
	"sync"

	"holdfast/aof"
	"holdfast/commands"
	"holdfast/kv"
	"holdfast/snapshot"
)

// Most of what replaying the log's tail costs is fetching, one by one and from all over the base, the keys that its records
// name. So the tail is taken in batches. While further ones are read, a goroutine for each fetches the keys that it names, in
// the base's order; then its records are applied, in the log's order. Fetching changes nothing but what is hot, and makes hot what is
// cold by then: whatever a record has done to a key, or to all of them, comes first. A key that was not fetched, be it for an
// error, for its size or for that of others, is left for its record to ask for. Where a record says what was under the keys to which
// it gave strings (see kv.Found), nothing is fetched for those.

const (
	replayAtOnce = 1024      // records of a batch at most
	replayRoom   = 1 << 20   // bytes of them
	replayLarge  = 256 << 10 // bytes of a record that is applied from where it lies
	replayAhead  = 4 << 20   // bytes of values fetched for a batch and a database, about
)

// replayer applies the records of the tail.
type replayer struct {
	e       *Engine
	filling *replayBatch
	waiting []*replayBatch // to be applied, the oldest first
	applied []*replayBatch // to be filled again
	depth   int            // how many wait, so that there is somebody to fetch on every processor
}

// replayBatch is records taken apart, and the keys that they name.
type replayBatch struct {
	records  []redoRecord
	commands []redoCommand // of all records
	words    [][]byte      // of all commands
	bodies   []byte        // which the words lie in
	wanted   []wanted
	fetched  sync.WaitGroup
}

type redoRecord struct {
	lsn      uint64
	time     int64
	found    kv.Found
	commands int // how many
}

type redoCommand struct {
	*commands.Command
	db   int
	args [][]byte
}

// wanted are the keys that a batch names in one database, and what the base has under them.
type wanted struct {
	db    int
	keys  [][]byte
	store snapshot.Store // the database's when the fetching began
	found kv.Batch
}

func newReplayer(e *Engine) *replayer {
	return &replayer{e: e, filling: &replayBatch{}, depth: runtime.GOMAXPROCS(0) + 1}
}

// take takes the next record, to be applied in its turn.
func (r *replayer) take(record aof.Record) error {
	if len(record.Body) >= replayLarge {
		if err := r.finish(); err != nil {
			return err
		}
		r.e.world.Keys.Foretell(foundOf(record.Flags))
		defer r.e.world.Keys.Foretell(kv.FoundOther)
		return r.e.replay(record)
	}
	if err := r.add(record); err != nil {
		return r.e.notReplayed(err)
	}
	if len(r.filling.records) < replayAtOnce && len(r.filling.bodies) < replayRoom {
		return nil
	}
	r.dispatch()
	if len(r.waiting) <= r.depth {
		return nil
	}
	return r.applyOldest()
}

// finish applies every record that was taken.
func (r *replayer) finish() error {
	if len(r.filling.records) > 0 {
		r.dispatch()
	}
	for len(r.waiting) > 0 {
		if err := r.applyOldest(); err != nil {
			return err
		}
	}
	return nil
}

// close waits until nobody fetches any more, and gives up the memory.
func (r *replayer) close() {
	for _, b := range r.waiting {
		b.fetched.Wait()
	}
	r.e.redoing = redoing{}
	r.e.world.Keys.Found()
}

// add takes a record apart.
func (r *replayer) add(record aof.Record) (err error) {
	b := r.filling
	from := len(b.bodies)
	b.bodies = append(b.bodies, record.Body...)
	before, found := len(b.commands), foundOf(record.Flags)
	b.words, err = aof.Split(b.bodies[from:], b.words, func(db int, args [][]byte) error {
		cmd, err := r.e.logged(record.LSN, db, args)
		if err == nil {
			b.commands = append(b.commands, redoCommand{cmd, db, args})
		}
		if err == nil && (found == kv.FoundOther || !setsStrings(cmd, args)) {
			cmd.EachKey(args, func(i int, _ commands.KeyFlags) { b.want(db, args[i]) })
		}
		return err
	})
	b.records = append(b.records, redoRecord{record.LSN, record.Time, found, len(b.commands) - before})
	return err
}

func (b *replayBatch) want(db int, key []byte) {
	for i := range b.wanted {
		if w := &b.wanted[i]; w.db == db {
			w.keys = append(w.keys, key)
			return
		}
	}
	b.wanted = append(b.wanted, wanted{db: db, keys: append(make([][]byte, 0, replayAtOnce), key)})
}

// dispatch has the keys of the batch that is full fetched, and begins another one.
func (r *replayer) dispatch() {
	b, base := r.filling, r.e.base.Load()
	for i := range b.wanted {
		w := &b.wanted[i]
		db := r.e.world.Keys.DB(w.db)
		if base == nil || db.ColdKeys() == 0 {
			continue
		}
		w.store = snapshot.Store(db.Store())
		r.e.world.Keys.Begin(&w.found)
		b.fetched.Go(func() { r.e.fetch(base, w) })
	}
	r.waiting = append(r.waiting, b)
	if n := len(r.applied); n > 0 {
		r.filling, r.applied = r.applied[n-1], r.applied[:n-1]
	} else {
		r.filling = &replayBatch{}
	}
}

// fetch finds what the base has under the keys. An error is met again by the record that asks for its key.
func (e *Engine) fetch(base *snapshot.Base, w *wanted) {
	slices.SortFunc(w.keys, bytes.Compare)
	w.keys = slices.CompactFunc(w.keys, bytes.Equal)
	left := replayAhead
	_ = base.Find(w.store, w.keys, func(key []byte, r snapshot.Record) bool {
		left -= len(r.Payload)
		switch {
		case kv.Kind(r.Kind) == kv.String:
			w.found.Add(key, e.stored(w.store, key, r))
		case !r.Parted:
			r.Payload = bytes.Clone(r.Payload)
			if s, ok := e.made(w.store, key, r); ok {
				w.found.Add(key, s)
			}
		}
		return left > 0
	})
}

// applyOldest applies the batch that has waited for longest.
func (r *replayer) applyOldest() error {
	b := r.waiting[0]
	r.waiting = slices.Delete(r.waiting, 0, 1)
	b.fetched.Wait()
	for i := range b.wanted {
		w := &b.wanted[i]
		if db := r.e.databaseOf(w.store); db != nil { // it may have been emptied
			for db.Hydrate(&w.found) {
			}
		}
	}
	if err := r.apply(b); err != nil {
		return r.e.notReplayed(err)
	}
	b.records, b.commands, b.words, b.bodies, b.wanted = b.records[:0], b.commands[:0], b.words[:0], b.bodies[:0], b.wanted[:0]
	r.applied = append(r.applied, b)
	return nil
}

func (r *replayer) apply(b *replayBatch) error {
	defer r.e.world.Keys.Foretell(kv.FoundOther)
	at := 0
	for _, record := range b.records {
		r.e.beginRedo(record.time)
		r.e.world.Keys.Foretell(record.found)
		for _, c := range b.commands[at : at+record.commands] {
			if err := r.e.redo(c.Command, c.db, c.args, record.lsn); err != nil {
				return err
			}
		}
		at += record.commands
		r.e.endRedo(record.lsn)
	}
	return nil
}

// foundOf is what the flags of a record say: what its commands found under the keys to which they gave strings. It is true of
// the state that the record was made on top of, and so of any base that the whole log leads on from.
func foundOf(flags uint8) kv.Found {
	f := kv.Found(flags)
	if f == kv.FoundNothing || f == kv.FoundLasting {
		return f
	}
	return kv.FoundOther
}

// setsStrings reports whether a command does nothing to its keys but give them strings, whatever they held.
func setsStrings(cmd *commands.Command, args [][]byte) bool {
	switch cmd.Name {
	case "mset":
		return true
	case "set":
		return len(args) == 3 || len(args) == 5 && bytes.EqualFold(args[3], []byte("PXAT"))
	}
	return false
}
