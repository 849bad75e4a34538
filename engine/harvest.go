package engine

import (
	"holdfast/kv"
	"holdfast/snapshot"
)

// harvest is what a slice of a checkpoint encoded: changes to the base, their keys and payloads in one run of bytes.
type harvest struct {
	bytes []byte
	items []harvested
}

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
	h.bytes = append(h.bytes, f.Key...)
	item := harvested{
		what: what, store: snapshot.Store(f.Store), kind: f.Kind, deadline: f.Deadline, lapse: f.Lapse,
		part: part, key: len(h.bytes),
	}
	if payload != nil {
		h.bytes = payload(h.bytes)
	}
	item.payload = len(h.bytes)
	h.items = append(h.items, item)
}

// pour moves the harvest into the sorter, and leaves it empty.
func (h *harvest) pour(into *snapshot.Changes) error {
	at := 0
	for _, item := range h.items {
		if err := item.pour(into, h.bytes[at:item.key], h.bytes[item.key:item.payload]); err != nil {
			return err
		}
		at = item.payload
	}
	h.bytes, h.items = keep(h.bytes), h.items[:0]
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
