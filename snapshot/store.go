package snapshot

import (
	"bytes"
	"encoding/binary"
	"math"
)

// storeView is one store as a view sees it.
type storeView struct {
	view  *view
	root  uint64
	store Store
}

// tree opens one of the store's buckets. It is nil for a store that the meta does not know; a bucket that is
// missing from a store that it knows is damage.
func (s *storeView) tree(t table) (*tree, error) {
	id := bucketID{t, s.store}
	if p, ok := s.view.place(s.root, id); ok {
		return &tree{view: s.view, bucket: p.bucket, root: p.root}, nil
	}
	name := t.bucket(s.store)
	found, err := s.view.bucket(s.root, name)
	if found != nil {
		s.view.remember(s.root, id, found)
	}
	if found != nil || err != nil {
		return found, err
	}
	known, err := s.view.readState(s.root)
	if err != nil {
		return nil, err
	}
	if _, ok := known.stores[s.store]; ok {
		return nil, &DamageError{File: s.view.file, Bucket: string(name), Offset: -1, What: "the bucket is missing"}
	}
	return nil, nil
}

func (s *storeView) damage(t table, key []byte, what string) error {
	return &DamageError{File: s.view.file, Bucket: string(t.bucket(s.store)), Key: bytes.Clone(key), Offset: s.view.offset(key), What: what}
}

// unpack takes a record apart whose value is sound. Key and payload point into the mapped file, or, where copied
// says so, into memory of their own.
func (s *storeView) unpack(stored, value []byte) (key, payload []byte, h head, copied bool, err error) {
	h, ok := parseHead(value)
	if !ok {
		return nil, nil, head{}, false, s.damage(tableKeys, stored, "the record makes no sense")
	}
	body := h.body
	if h.has(flagChunked) {
		if body, err = s.join(stored, body, math.MaxInt64); err != nil {
			return nil, nil, head{}, false, err
		}
	}
	if key, payload, ok = splitBody(stored, h.flags, body); !ok {
		return nil, nil, head{}, false, s.damage(tableKeys, stored, "the record is not this key's")
	}
	return key, payload, h, h.has(flagChunked), nil
}

// join puts a body together from its chunks, which are numbered from 0 and all but the last of them full: all of it, or at
// least so many bytes.
func (s *storeView) join(stored, header []byte, least uint64) (body []byte, err error) {
	if len(header) == 8 { // a damaged size is no more than the file
		body = make([]byte, 0, min(binary.LittleEndian.Uint64(header), least+chunk, uint64(len(s.view.data))))
	}
	err = s.chunks(stored, header, least, func(b []byte) { body = append(body, b...) })
	return body, err
}

// chunks calls fn with one chunk of a body after the other, as join puts them together.
func (s *storeView) chunks(stored, header []byte, least uint64, fn func(b []byte)) error {
	parts, err := s.tree(tableParts)
	if err != nil {
		return err
	}
	if len(header) != 8 || parts == nil {
		return s.damage(tableKeys, stored, "the record of a large value makes no sense")
	}
	size, found := binary.LittleEndian.Uint64(header), uint64(0)
	c := cursor{tree: parts}
	ok, err := c.seek(appendPartKey(nil, stored, spaceChunks, 0))
	for number := uint64(0); ok && err == nil; number++ {
		var it item
		if it, ok, err = c.item(); err == nil && ok {
			err = parts.check(it)
		}
		if err != nil || !ok {
			break
		}
		of, space, n, valid := splitPartKey(it.key)
		if !valid || space != spaceChunks || n != number || !bytes.Equal(of, stored) {
			break
		}
		fn(it.value[sumSize:])
		if found += uint64(len(it.value) - sumSize); found >= min(size, least) {
			break
		}
		ok, err = c.next()
	}
	if err == nil && (found < min(size, least) || found > size) {
		err = s.damage(tableParts, stored, "chunks of a large value are missing")
	}
	return err
}

// entry is unpack with a copy of everything.
func (s *storeView) entry(it item, a *arena) (Entry, error) {
	key, payload, h, copied, err := s.unpack(it.key, it.value)
	if err != nil {
		return Entry{}, err
	}
	if copied {
		a.bytes += len(payload)
	} else {
		key, payload = a.copy(key), a.copy(payload)
	}
	return Entry{key, h.record(payload)}, nil
}

// keyOf returns a copy of the key that is stored in this form, for which a hashed one needs its record.
func (s *storeView) keyOf(stored []byte, a *arena) ([]byte, error) {
	if stored[0] == tagPlain {
		return a.copy(stored[1:]), nil
	}
	keys, err := s.tree(tableKeys)
	if err != nil {
		return nil, err
	}
	value, ok, err := keys.find(stored)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, s.damage(tableKeys, stored, "a key with a deadline is missing")
	}
	key, _, _, _, err := s.unpack(stored, value)
	return a.copy(key), err
}

// arena hands out memory for copies in large pieces.
type arena struct {
	free  []byte
	bytes int // handed out since the last reset
}

func (a *arena) copy(b []byte) []byte {
	const least, most = 512, 64 << 10
	if len(b) > cap(a.free)-len(a.free) {
		a.free = make([]byte, 0, max(len(b), least, min(2*cap(a.free), most)))
	}
	at := len(a.free)
	a.free = append(a.free, b...)
	a.bytes += len(b)
	return a.free[at:len(a.free):len(a.free)]
}

// reset lets the memory be used again: what was handed out is no longer valid.
func (a *arena) reset() { a.free, a.bytes = a.free[:0], 0 }
