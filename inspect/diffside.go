package inspect

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/maphash"
	"slices"

	"holdfast/outline"
	"holdfast/snapshot"
)

// orderedBase is a base as a side of a diff: its keys are in order.
type orderedBase struct {
	*Snapshot
	d *diff
}

func (s *Snapshot) ordered(d *diff) (orderedKeys, error) { return orderedBase{s, d}, nil }

func (s orderedBase) databases() map[int]int64 {
	keys := map[int]int64{}
	for _, db := range s.dbs {
		if s.d.within(db.Index) {
			keys[db.Index] = db.Keys
		}
	}
	return keys
}

func (s orderedBase) cursor(db int) cursor {
	i := slices.IndexFunc(s.dbs, func(d snapshot.DB) bool { return d.Index == db })
	if i < 0 {
		return readSide(s.Snapshot, db, 0, nil)
	}
	return readSide(s.Snapshot, db, s.dbs[i].Store, s.d.options.Prefix)
}

func (orderedBase) end() error { return nil }

// side is the keys of a database of a base, read ahead by a goroutine.
type side struct {
	base    *Snapshot
	db      int
	store   snapshot.Store
	batches chan *headBatch
	free    chan *headBatch
	quit    chan struct{} // closed by stop
	failed  error         // good once batches is closed

	now *headBatch
	at  int
}

// headBatch is what is handed over at once.
type headBatch struct {
	heads  []keyedHead
	memory []byte // of keys and payloads
}

// keyedHead is a key with the head of its record.
type keyedHead struct {
	key  []byte
	head snapshot.Head
}

// sameBytes reports whether the two values are stored as the same bytes, and nowhere but in their records.
func (h *keyedHead) sameBytes(o *keyedHead) bool {
	a, b := &h.head, &o.head
	return a.Kind == b.Kind && !a.Parted && !b.Parted && a.Size == b.Size && a.Size == int64(len(a.Payload)) && bytes.Equal(a.Payload, b.Payload)
}

var errStopped = errors.New("stopped")

// readSide begins to read the keys of a store; store 0 has none.
func readSide(s *Snapshot, db int, store snapshot.Store, prefix []byte) *side {
	const ahead = 4
	d := &side{
		base: s, db: db, store: store, quit: make(chan struct{}),
		batches: make(chan *headBatch, ahead), free: make(chan *headBatch, ahead+2),
	}
	for range cap(d.free) {
		d.free <- &headBatch{}
	}
	go d.read(prefix)
	return d
}

// stop ends the reading, and returns when it has.
func (d *side) stop() {
	close(d.quit)
	for range d.batches {
	}
}

// read is the goroutine.
func (d *side) read(prefix []byte) {
	const keysMost, bytesMost = 512, 1 << 20
	defer close(d.batches)
	if d.store == 0 {
		return
	}
	b := <-d.free
	hand := func(next bool) error {
		select {
		case d.batches <- b:
		case <-d.quit:
			return errStopped
		}
		if !next {
			return nil
		}
		select {
		case b = <-d.free:
			b.heads, b.memory = b.heads[:0], b.memory[:0]
			return nil
		case <-d.quit:
			return errStopped
		}
	}
	err := d.base.base.Heads(d.store, prefix, func(key []byte, h snapshot.Head) error {
		if need := len(key) + len(h.Payload); len(b.heads) == keysMost || len(b.heads) > 0 && len(b.memory)+need > max(bytesMost, cap(b.memory)) {
			if err := hand(true); err != nil {
				return err
			}
		}
		b.add(key, h)
		return nil
	})
	if err == nil {
		err = hand(false)
	}
	if !errors.Is(err, errStopped) {
		d.failed = advise(err)
	}
}

// add copies a key and what its record holds. Where that moves the memory, what was copied before keeps the old one alive.
func (b *headBatch) add(key []byte, h snapshot.Head) {
	at := len(b.memory)
	b.memory = append(append(b.memory, key...), h.Payload...)
	end := at + len(key)
	h.Payload = b.memory[end:len(b.memory):len(b.memory)]
	b.heads = append(b.heads, keyedHead{b.memory[at:end:end], h})
}

func (d *side) peek() (*keyedHead, error) {
	for d.now == nil || d.at == len(d.now.heads) {
		if d.now != nil {
			d.free <- d.now
		}
		d.now, d.at = <-d.batches, 0
		if d.now == nil {
			return nil, d.failed
		}
	}
	return &d.now.heads[d.at], nil
}

func (d *side) next() { d.at++ }

func (d *side) entry(h *keyedHead) (*Entry, error) {
	e := &Entry{DB: d.db}
	v := &baseValue{Snapshot: d.base, store: d.store}
	return e, advise(v.fill(e, h.key, h.head))
}

// seeds make digests that nobody can foresee.
type seeds [2]maphash.Seed

func newSeeds() seeds { return seeds{maphash.MakeSeed(), maphash.MakeSeed()} }

// sum is a digest of 128 bits.
type sum [2]uint64

// add takes something in whose place among the others does not matter.
func (s *sum) add(of seeds, b []byte) {
	for i := range s {
		s[i] += maphash.Bytes(of[i], b)
	}
}

// same reports whether two values of one kind hold the same. How they are stored may differ: a set that was made in another
// order is the same set.
func (of seeds) same(a, b *Entry) (bool, error) {
	v, based := a.Value.(*baseValue)
	w, too := b.Value.(*baseValue)
	if based && too {
		if t := v.known(); t == nil || t.Decode == nil { // bytes are all there is to it
			if v.head.Size != w.head.Size {
				return false, nil
			}
			x, err := of.chunks(v)
			if err != nil {
				return false, err
			}
			y, err := of.chunks(w)
			return x == y, err
		}
		if a.Elements != b.Elements {
			return false, nil
		}
	}
	x, err := of.digest(a.Value)
	if err != nil {
		return false, err
	}
	y, err := of.digest(b.Value)
	return x == y, err
}

// digest is that of what a value holds.
func (of seeds) digest(v Value) (sum, error) {
	if kept, ok := v.(*sortedValue); ok {
		return kept.sum, nil
	}
	if long, ok := v.(longValue); ok && long.longBytes() > 0 {
		return of.text(long)
	}
	return of.elements(v)
}

// text digests a long string, of which it holds a piece, as elements digests it.
func (of seeds) text(v longValue) (s sum, err error) {
	var hashes [2]maphash.Hash
	write := func(b []byte) error {
		for i := range hashes {
			_, _ = hashes[i].Write(b) // never fails
		}
		return nil
	}
	for i := range hashes {
		hashes[i].SetSeed(of[i])
	}
	head := binary.AppendUvarint(appendIdentity(nil, outline.Element{}, 1), 1)
	_ = write(binary.AppendUvarint(head, uint64(v.longBytes())))
	err = v.pieces(write)
	_ = write(binary.AppendVarint(nil, 0)) // no deadline of its own
	for i := range hashes {
		s[i] = hashes[i].Sum64()
	}
	return s, advise(err)
}

// chunks digests a payload as it is.
func (of seeds) chunks(v *baseValue) (s sum, err error) {
	var hashes [2]maphash.Hash
	for i := range hashes {
		hashes[i].SetSeed(of[i])
	}
	_, err = v.base.EachChunk(v.store, v.entry.Key, func(piece []byte) error {
		for i := range hashes {
			_, _ = hashes[i].Write(piece) // never fails
		}
		return nil
	})
	for i := range hashes {
		s[i] = hashes[i].Sum64()
	}
	return s, advise(err)
}

// elements digests what a value holds.
func (of seeds) elements(v Value) (s sum, err error) {
	var text []byte
	place := 0
	err = v.Walk(func(e outline.Element) error {
		place++
		text = appendIdentity(text[:0], e, place)
		text = appendContent(text, e)
		s.add(of, text)
		return nil
	})
	return s, advise(err)
}
