package engine

import (
	"holdfast/kv"
	"holdfast/snapshot"
)

// harvest is what slices of a checkpoint encoded, and commands that were about to change what no slice had come to: changes to the
// base, in baskets. While those of the last slice are written, a flood of commands may fill hundreds of them, under the lock:
// one piece of memory that grows would be copied again and again meanwhile.
type harvest struct {
	baskets []basket // those that are full, and the one at hand
	idle    []basket // empty ones
}

// basket is some changes, their keys and payloads in one run of bytes.
type basket struct {
	bytes []byte
	items []harvested
}

const (
	basketBytes = 64 << 10 // a basket is full when it has these,
	basketItems = 512      // or so many changes
	basketsKept = 16       // of those that have been emptied
)

type harvested struct {
	what     change
	store    snapshot.Store
	kind     kv.Kind
	deadline int64
	lapse    int64
	part     uint64
	key      int // end of the key in bytes
	payload  int // end of the payload
}

// change is what happens to a record of the base.
type change uint8

const (
	putWhole change = iota // a record without parts; those that the base has go
	putHead                // a record with parts; those that the base has stay
	putPart
	dropPart
	dropKey
)

// take is where the frozen keys go, from slices and from commands that are about to change one.
func (h *harvest) take(f kv.Frozen) {
	if f.Deleted {
		h.add(f, dropKey, 0, nil)
		return
	}
	if f.Value == nil {
		h.add(f, putWhole, 0, func(b []byte) []byte { return append(b, f.Text...) })
		return
	}
	if f.Parts == nil {
		h.add(f, putWhole, 0, f.Value.AppendBinary)
		return
	}
	if !f.Continued {
		h.takeHead(f)
	}
	f.Parts(func(id uint64, payload []byte) {
		h.add(f, putPart, id, func(b []byte) []byte { return append(b, payload...) })
	})
}

// takeHead takes what comes before the parts of a collection.
func (h *harvest) takeHead(f kv.Frozen) {
	parted := f.Value.(kv.Parted)
	if f.Partly {
		parted.DroppedParts(func(id uint64) { h.add(f, dropPart, id, nil) })
	} else {
		h.add(f, dropKey, 0, nil)
	}
	h.add(f, putHead, 0, parted.AppendHead)
}

func (h *harvest) add(f kv.Frozen, what change, part uint64, payload func([]byte) []byte) {
	b := h.basket()
	b.bytes = append(b.bytes, f.Key...)
	item := harvested{
		what: what, store: snapshot.Store(f.Store), kind: f.Kind, deadline: f.Deadline, lapse: f.Lapse,
		part: part, key: len(b.bytes),
	}
	if payload != nil {
		b.bytes = payload(b.bytes)
	}
	item.payload = len(b.bytes)
	b.items = append(b.items, item)
}

// basket is the one at hand, or another where that is full.
func (h *harvest) basket() *basket {
	last := len(h.baskets) - 1
	if last >= 0 && len(h.baskets[last].bytes) < basketBytes && len(h.baskets[last].items) < basketItems {
		return &h.baskets[last]
	}
	var b basket
	if n := len(h.idle) - 1; n >= 0 {
		b, h.idle = h.idle[n], h.idle[:n]
	} else {
		b = basket{bytes: make([]byte, 0, basketBytes+basketBytes/8), items: make([]harvested, 0, basketItems)}
	}
	h.baskets = append(h.baskets, b)
	return &h.baskets[last+1]
}

// size is what the baskets take, in bytes and about.
func (h *harvest) size() (n int64) {
	const itemBytes = 56
	for _, b := range h.baskets {
		n += int64(cap(b.bytes)) + itemBytes*int64(cap(b.items))
	}
	return n
}

// pour moves the harvest into the sorter, and leaves it empty.
func (h *harvest) pour(into *snapshot.Changes) error {
	for _, b := range h.baskets {
		if err := b.pour(into); err != nil {
			return err
		}
		if len(h.idle) < basketsKept && cap(b.bytes) < 2*basketBytes {
			h.idle = append(h.idle, basket{b.bytes[:0], b.items[:0]})
		}
	}
	clear(h.baskets)
	h.baskets = h.baskets[:0]
	return nil
}

func (b *basket) pour(into *snapshot.Changes) error {
	at := 0
	for _, item := range b.items {
		if err := item.pour(into, b.bytes[at:item.key], b.bytes[item.key:item.payload]); err != nil {
			return err
		}
		at = item.payload
	}
	return nil
}

func (i harvested) pour(into *snapshot.Changes, key, payload []byte) error {
	switch i.what {
	case dropKey:
		return into.Delete(i.store, key)
	case putPart:
		return into.PutPart(i.store, key, i.part, payload)
	case dropPart:
		return into.DeletePart(i.store, key, i.part)
	}
	return into.Put(i.store, key, snapshot.Record{
		Kind: byte(i.kind), Parted: i.what == putHead, Deadline: i.deadline, Lapse: i.lapse, Payload: payload,
	})
}
