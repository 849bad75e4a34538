package snapshot

import (
	"bytes"
	"encoding/binary"
)

// Head is a record of which a long payload is only begun.
type Head struct {
	Record       // of a payload that is longer than 64 KiB Payload may be the beginning
	Size   int64 // of the payload, in bytes
}

// Heads calls fn for the keys of a store that begin with a prefix, as Each does for all. What it holds in memory does not
// depend on the size of the values. Without a prefix the number of keys must be the meta's.
func (b *Base) Heads(store Store, prefix []byte, fn func(key []byte, h Head) error) error {
	type entry struct {
		key  []byte
		head Head
		skip bool
	}
	plain, short := appendStored(nil, prefix[:min(len(prefix), MaxPlainKey)]), len(prefix) > 0
	sc := scan[entry]{
		doing: "iterating", store: store, table: tableKeys, from: plain,
		take: func(s *storeView, it item, a *arena) (e entry, ok bool, err error) {
			if short && !bytes.HasPrefix(it.key, plain) {
				return entry{}, false, nil
			}
			e.key, e.head, err = s.glance(it, a)
			e.skip = !bytes.HasPrefix(e.key, prefix)
			return e, true, err
		},
		give: func(e entry) error {
			if e.skip {
				return nil
			}
			return fn(e.key, e.head)
		},
	}
	if len(prefix) == 0 {
		sc.expect = func(c counts) int64 { return c.keys }
		return sc.run(b)
	}
	if len(prefix) <= MaxPlainKey {
		if err := sc.run(b); err != nil {
			return err
		}
	}
	short, sc.from = false, []byte{tagHashed} // long keys lie in the order of their hashes
	return sc.run(b)
}

// HeadOf is Heads for one key.
func (b *Base) HeadOf(store Store, key []byte) (h Head, ok bool, err error) {
	err = b.read("looking up a key", func(v *view, root uint64) error {
		s := storeView{v, root, store}
		keys, err := s.tree(tableKeys)
		if err != nil || keys == nil {
			return err
		}
		stored := appendStored(nil, key)
		value, found, err := keys.find(stored)
		if err != nil || !found {
			return err
		}
		_, h, err = s.glance(item{key: stored, value: value}, &arena{})
		ok = err == nil
		return err
	})
	return h, ok, err
}

// glance is entry without reading more than the beginning of a long body.
func (s *storeView) glance(it item, a *arena) (key []byte, h Head, err error) {
	head, ok := parseHead(it.value)
	if !ok {
		return nil, Head{}, s.damage(tableKeys, it.key, "the record makes no sense")
	}
	if !head.has(flagChunked) {
		e, err := s.entry(it, a)
		return e.Key, Head{e.Record, int64(len(e.Payload))}, err
	}
	body, err := s.join(it.key, head.body, chunk)
	if err == nil && head.has(flagHashed) { // the key is the first thing in it, and may be longer
		n, _ := binary.Uvarint(body)
		if most := n + binary.MaxVarintLen64; most > chunk && most > n {
			body, err = s.join(it.key, head.body, most)
		}
	}
	if err != nil {
		return nil, Head{}, err
	}
	key, payload, ok := splitBody(it.key, head.flags, body)
	if !ok {
		return nil, Head{}, s.damage(tableKeys, it.key, "the record is not this key's")
	}
	a.bytes += len(body)
	size := int64(binary.LittleEndian.Uint64(head.body)) - int64(len(body)-len(payload))
	if head.flags&flagHashed == 0 {
		key = a.copy(key)
	}
	return key, Head{head.record(payload), size}, nil
}

// PartBytes is how many bytes the parts of a parted key have together. It reads them, and checks them.
func (b *Base) PartBytes(store Store, key []byte) (size int64, err error) {
	prefix := appendPartPrefix(nil, appendStored(nil, key), spaceParts)
	err = scan[int]{
		doing: "measuring parts", store: store, table: tableParts,
		from: binary.BigEndian.AppendUint64(bytes.Clone(prefix), 0),
		take: func(_ *storeView, it item, _ *arena) (int, bool, error) {
			return len(it.value) - sumSize, bytes.HasPrefix(it.key, prefix), nil
		},
		give: func(n int) error {
			size += int64(n)
			return nil
		},
	}.run(b)
	return size, err
}

// EachChunk calls fn with the payload of a key in pieces of some 64 KiB, in order: one piece for a short one. ok says whether
// the key is there. The pieces are valid until fn returns; fn's error ends the reading and is returned.
func (b *Base) EachChunk(store Store, key []byte, fn func(piece []byte) error) (ok bool, err error) {
	h, ok, err := b.HeadOf(store, key)
	if err != nil || !ok {
		return ok, err
	}
	if int64(len(h.Payload)) == h.Size {
		return true, fn(h.Payload)
	}
	stored := appendStored(nil, key)
	prefix := appendPartPrefix(nil, stored, spaceChunks)
	skip := 0 // the key, where it lies before the payload
	if hashed(key) {
		skip = len(fullBody(key, nil))
	}
	left, next := h.Size, uint64(0)
	err = scan[part]{
		doing: "reading a large value", store: store, table: tableParts,
		from: binary.BigEndian.AppendUint64(bytes.Clone(prefix), 0),
		take: func(s *storeView, it item, a *arena) (part, bool, error) {
			if !bytes.HasPrefix(it.key, prefix) {
				return part{}, false, nil
			}
			_, _, number, ok := splitPartKey(it.key)
			if !ok || number != next {
				return part{}, false, s.damage(tableParts, it.key, "chunks of a large value are missing")
			}
			next++
			return part{number, a.copy(it.value[sumSize:])}, true, nil
		},
		give: func(p part) error {
			piece := p.payload[min(skip, len(p.payload)):]
			skip -= len(p.payload) - len(piece)
			if left -= int64(len(piece)); len(piece) == 0 {
				return nil
			}
			return fn(piece)
		},
	}.run(b)
	if err == nil && left != 0 {
		err = &DamageError{File: b.path, Bucket: string(tableParts.bucket(store)), Key: stored, Offset: -1, What: "chunks of a large value are missing"}
	}
	return true, err
}

// CompareKeys orders keys as Each and Heads give them.
func CompareKeys(a, b []byte) int {
	if !hashed(a) && !hashed(b) {
		return bytes.Compare(a, b)
	}
	return bytes.Compare(appendStored(nil, a), appendStored(nil, b))
}
