package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"holdfast/internal/vfs"
)

// Changes gathers what a checkpoint puts into the base, in any order, and gives it out sorted. Above its memory
// limit it goes to temporary files. One goroutine at a time may use it.
//
// The last call for a key, or for a part, wins. A record that is not parted, or a Delete, removes all parts,
// those of earlier calls too. A parted record leaves the parts alone that are there: so HSET on a large hash is
// its head and the parts that changed, while DEL and HSET are a Delete, a Put of the new head, and new parts.
//
// What belongs to a store that the Meta of the commit does not name is left out.
type Changes struct {
	spool       spool
	calls       int
	key, value  []byte // scratch
	chunkHeader [8]byte
	ended       func() error
}

// NewChanges makes an empty set. dir is for its temporary files; memory, in bytes, is what it keeps before it
// needs them. Errors of files come from the calls that write them.
func NewChanges(fs vfs.FS, dir string, memory int) *Changes {
	return &Changes{spool: spool{fs: fs, dir: dir, limit: memory}}
}

// NewChangesBehind is NewChanges with half of the memory sorted and written by a goroutine while the other half fills; what
// WriteFresh makes of them it reads ahead. Errors may come a call later. It is for a command that has the machine to itself.
// Discard ends the goroutine.
func NewChangesBehind(fs vfs.FS, dir string, memory int) *Changes {
	return &Changes{spool: spool{fs: fs, dir: dir, limit: memory, behind: true}}
}

// EndBy lets WriteFresh end with the error of ended, which it asks now and then.
func (c *Changes) EndBy(ended func() error) { c.ended = ended }

// Put sets a key's record. The slices may be reused after it returns.
func (c *Changes) Put(store Store, key []byte, r Record) error {
	body := fullBody(key, r.Payload)
	if len(body) > chunk {
		return c.putChunks(store, key, r, int64(len(body)), func(fn func(piece []byte) error) error { return fn(body) })
	}
	return c.putHead(store, key, r, 0, body)
}

// PutLong is Put for a payload of so many bytes that is had in pieces: pieces hands them to fn, and ends with fn's error. What r
// has for a payload is not looked at. After an error the key is in no state to be committed: put it again, or delete it.
func (c *Changes) PutLong(store Store, key []byte, r Record, size int64, pieces func(fn func(piece []byte) error) error) error {
	before := fullBody(key, nil)
	if int64(len(before))+size <= chunk {
		r.Payload = make([]byte, 0, size)
		err := pieces(func(piece []byte) error {
			r.Payload = append(r.Payload, piece...)
			return nil
		})
		if found := int64(len(r.Payload)); err == nil && found != size {
			err = lengthError(key, found, size)
		}
		if err != nil {
			return err
		}
		return c.Put(store, key, r)
	}
	return c.putChunks(store, key, r, int64(len(before))+size, func(fn func(piece []byte) error) error {
		if err := fn(before); err != nil {
			return err
		}
		return pieces(fn)
	})
}

func lengthError(key []byte, found, announced int64) error {
	return fmt.Errorf("key %.64q: a value of %d bytes where %d are announced", key, found, announced)
}

// putChunks puts a record whose body is so many bytes, more than a chunk.
func (c *Changes) putChunks(store Store, key []byte, r Record, size int64, pieces func(fn func(piece []byte) error) error) error {
	if size <= chunk {
		panic(fmt.Sprintf("BUG: snapshot: a long body of %d bytes", size))
	}
	body := binary.LittleEndian.AppendUint64(c.chunkHeader[:0], uint64(size))
	if err := c.putHead(store, key, r, flagChunked, body); err != nil {
		return err
	}
	var gathered []byte
	number, found := uint64(0), int64(0)
	add := func(b []byte) error {
		number++
		found += int64(len(b))
		return c.addPart(opChunk, store, spaceChunks, number-1, b)
	}
	err := pieces(func(piece []byte) error {
		for len(gathered)+len(piece) >= chunk {
			whole := piece[:chunk-len(gathered)]
			piece = piece[len(whole):]
			if len(gathered) > 0 {
				whole = append(gathered, whole...)
				gathered = gathered[:0]
			}
			if err := add(whole); err != nil {
				return err
			}
		}
		gathered = append(gathered, piece...)
		return nil
	})
	if err == nil && len(gathered) > 0 {
		err = add(gathered)
	}
	if err == nil && found != size {
		err = lengthError(key, found, size)
	}
	return err
}

// putHead adds the entry of a record. It leaves the stored key in c.key.
func (c *Changes) putHead(store Store, key []byte, r Record, flags byte, body []byte) error {
	if r.Deadline < 0 || r.Lapse < 0 {
		panic(fmt.Sprintf("BUG: snapshot: deadline %d, lapse %d of key %q", r.Deadline, r.Lapse, key))
	}
	c.calls++
	c.key = appendStored(c.key[:0], key)
	h := head{kind: r.Kind, flags: flags, deadline: r.Deadline, lapse: r.Lapse, body: body}
	if r.Parted {
		h.flags |= flagParted
	}
	if hashed(key) {
		h.flags |= flagHashed
	}
	c.value = appendHead(c.value[:0], c.key, h)
	return c.spool.add(opPut, store, 0, c.key, c.value)
}

// Delete removes a key with all its parts; it need not be there.
func (c *Changes) Delete(store Store, key []byte) error {
	c.calls++
	c.key = appendStored(c.key[:0], key)
	return c.spool.add(opDelete, store, 0, c.key, nil)
}

// PutPart sets a part of a key whose record is parted, here or in the base. ErrTooLarge beyond MaxPart bytes.
func (c *Changes) PutPart(store Store, key []byte, part uint64, payload []byte) error {
	if len(payload) > MaxPart {
		return fmt.Errorf("part %d of key %.64q has %d bytes: %w", part, key, len(payload), ErrTooLarge)
	}
	c.calls++
	c.key = appendStored(c.key[:0], key)
	return c.addPart(opPart, store, spaceParts, part, payload)
}

// DeletePart removes a part; it need not be there.
func (c *Changes) DeletePart(store Store, key []byte, part uint64) error {
	c.calls++
	c.key = appendStored(c.key[:0], key)
	return c.spool.add(opDelPart, store, part, c.key, nil)
}

// addPart adds a part or chunk of the key in c.key.
func (c *Changes) addPart(o op, store Store, space byte, number uint64, payload []byte) error {
	at := len(c.key)
	c.key = appendPartKey(c.key, c.key[:at:at], space, number)
	c.value = binary.LittleEndian.AppendUint32(c.value[:0], checksum(c.key[at:], payload)) // as seal does
	c.key = c.key[:at]
	return c.spool.add(o, store, number, c.key, c.value, payload)
}

// Len is the number of calls so far: no fewer than what they change.
func (c *Changes) Len() int { return c.calls }

// Bytes is what the set takes, in memory and files together.
func (c *Changes) Bytes() int64 { return c.spool.bytes }

// Discard removes the temporary files. The set is empty then and may be used again.
func (c *Changes) Discard() error {
	c.calls = 0
	return c.spool.discard()
}

// relent gives memory back where it is much: what is in it goes to a temporary file. More may be added afterwards.
func (c *Changes) relent() error { return c.spool.relent() }

// resolved gives out what is left to do: of each key at most one opPut or opDelete, then the chunks of that
// opPut, then at most one opPart or opDelPart of each part. May be called again.
func (c *Changes) resolved() (source, error) {
	from, err := c.spool.entries()
	if err != nil {
		return nil, err
	}
	return &resolver{from: from}, nil
}

// resolver lets later calls win over earlier ones.
type resolver struct {
	from  source
	ahead entry // not yet consumed; valid until from is asked again
	err   error

	key     entry  // an entry about the key at hand
	put     uint64 // sequence of the key's last record
	cleared uint64 // sequence of the last call that removed all parts; 0 if there was none
	out     entry
}

// peek shows the next entry without consuming it.
func (r *resolver) peek() (entry, bool) {
	if r.ahead == nil && r.err == nil {
		r.ahead, r.err = r.from.next()
	}
	return r.ahead, r.err == nil
}

func (r *resolver) next() (entry, error) {
	for {
		e, ok := r.peek()
		if !ok {
			return nil, r.err
		}
		if r.key == nil || !sameKey(r.key, e) {
			r.key = append(r.key[:0], e.about()...)
			r.put, r.cleared = 0, 0
		}
		r.last()
		if r.err != nil && !errors.Is(r.err, io.EOF) {
			return nil, r.err
		}
		switch r.out.class() {
		case classRecord:
			if r.cleared > 0 {
				r.out.setClear()
			}
		case classChunk:
			if r.out.seq() < r.put { // of a record that was replaced
				continue
			}
		case classPart:
			if r.out.seq() < r.cleared {
				continue
			}
		}
		return r.out, nil
	}
}

// last consumes the entries about one thing and keeps the last of them in out.
func (r *resolver) last() {
	for first := true; ; first = false {
		e, ok := r.peek()
		if !ok || !first && (!sameKey(r.out, e) || r.out.class() != e.class() || r.out.part() != e.part()) {
			return
		}
		r.out = append(r.out[:0], e...)
		r.ahead = nil
		if e.class() == classRecord {
			r.put = e.seq()
			if h, _ := parseHead(e.value()); e.op() == opDelete || !h.has(flagParted) {
				r.cleared = e.seq()
			}
		}
	}
}
