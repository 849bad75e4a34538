package snapshot

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
)

// Store is the number of the place where one database's keys live.
type Store uint32

// Record is a key's value as the base keeps it.
type Record struct {
	Kind     byte   // the caller's
	Parted   bool   // the value lies in parts; Payload is what the head says of them
	Deadline int64  // unix milliseconds; 0 is none, less than 0 is the caller's mistake
	Lapse    int64  // likewise, of what in the value has a deadline of its own the earliest
	Payload  []byte // the caller's, of any length
}

const (
	// MaxPlainKey is the longest key, in bytes, that is stored as it is. A longer one lies under its SHA-256.
	// bbolt's limit is 32768; tag, deadline, length and part number need their share of it.
	MaxPlainKey = 32752
	// MaxPart is the longest payload of a part, in bytes. bbolt may put four values on one page and
	// addresses a page with 31 bits.
	MaxPart = 256 << 20
	// chunk is the most, in bytes, that a record holds itself; a larger body is cut and lies among the parts.
	chunk = 64 << 10
)

// A stored key is a tag and then the key, or its hash. With a tag the empty key is one byte long, which bbolt
// accepts, and no key can be mistaken for another one's hash. Hashes sort behind all plain keys.
const (
	tagPlain  = 'k'
	tagHashed = 's'
)

const (
	flagParted  = 1 << iota // the caller's parts lie in the parts bucket
	flagChunked             // the body is the length (u64) of the true body, which lies in chunks in the parts bucket
	flagHashed              // the body begins with the length of the key and the key
	flagLapse               // the time at which something in the value lapses follows the deadline
)

const (
	sumSize  = 4
	headSize = sumSize + 1 + 1 + 8 // crc, kind, flags, deadline

	lapseSize = 8
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(key, rest []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, rest)
}

// seal fills in the checksum at the front of a value.
func seal(key, value []byte) []byte {
	binary.LittleEndian.PutUint32(value, checksum(key, value[sumSize:]))
	return value
}

// sound says whether a value is the one that was written under this key.
func sound(key, value []byte) bool {
	return len(value) >= sumSize && binary.LittleEndian.Uint32(value) == checksum(key, value[sumSize:])
}

func hashed(key []byte) bool { return len(key) > MaxPlainKey }

// appendStored appends the stored form of a key.
func appendStored(dst, key []byte) []byte {
	if hashed(key) {
		sum := sha256.Sum256(key)
		return append(append(dst, tagHashed), sum[:]...)
	}
	return append(append(dst, tagPlain), key...)
}

// What a part key's number counts.
const (
	spaceChunks = 'c' // ours: the pieces of a body larger than a chunk
	spaceParts  = 'p' // the caller's
)

// appendPartPrefix appends what the part keys of one key and one space, and no others, begin with.
func appendPartPrefix(dst, stored []byte, space byte) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(stored)))
	return append(append(dst, stored...), space)
}

func appendPartKey(dst, stored []byte, space byte, number uint64) []byte {
	return binary.BigEndian.AppendUint64(appendPartPrefix(dst, stored, space), number)
}

// splitPartKey undoes appendPartKey.
func splitPartKey(key []byte) (stored []byte, space byte, number uint64, ok bool) {
	n := len(key) - 2 - 1 - 8
	if n < 1 || int(binary.BigEndian.Uint16(key)) != n {
		return nil, 0, 0, false
	}
	space = key[2+n]
	return key[2 : 2+n], space, binary.BigEndian.Uint64(key[2+n+1:]), space == spaceChunks || space == spaceParts
}

func appendDeadlineKey(dst []byte, deadline int64, stored []byte) []byte {
	return append(binary.BigEndian.AppendUint64(dst, uint64(deadline)), stored...)
}

// splitDeadlineKey undoes appendDeadlineKey.
func splitDeadlineKey(key []byte) (deadline int64, stored []byte, ok bool) {
	if len(key) < 9 || binary.BigEndian.Uint64(key) > math.MaxInt64 {
		return 0, nil, false
	}
	return int64(binary.BigEndian.Uint64(key)), key[8:], true
}

// head is a record's value, taken apart. body points into the value.
type head struct {
	kind, flags byte
	deadline    int64
	lapse       int64
	body        []byte
}

// due is when somebody has to look after the key: at its deadline, or when something in its value lapses. It is what the
// index of deadlines has of the record; 0 where it has nothing.
func (h head) due() int64 {
	if h.deadline == 0 || h.lapse != 0 && h.lapse < h.deadline {
		return h.lapse
	}
	return h.deadline
}

// record is the caller's view of a head, with the payload.
func (h head) record(payload []byte) Record {
	return Record{Kind: h.kind, Parted: h.has(flagParted), Deadline: h.deadline, Lapse: h.lapse, Payload: payload}
}

func (h head) has(flag byte) bool { return h.flags&flag != 0 }

// appendHead appends a record's value, sealed.
func appendHead(dst, stored []byte, h head) []byte {
	at := len(dst)
	if h.lapse != 0 {
		h.flags |= flagLapse
	}
	dst = append(dst, 0, 0, 0, 0, h.kind, h.flags)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(h.deadline))
	if h.lapse != 0 {
		dst = binary.LittleEndian.AppendUint64(dst, uint64(h.lapse))
	}
	dst = append(dst, h.body...)
	seal(stored, dst[at:])
	return dst
}

// parseHead takes a value apart that is sound.
func parseHead(value []byte) (h head, ok bool) {
	if len(value) < headSize {
		return head{}, false
	}
	h = head{
		kind: value[4], flags: value[5],
		deadline: int64(binary.LittleEndian.Uint64(value[6:])),
		body:     value[headSize:],
	}
	if h.deadline < 0 || h.flags&^(flagParted|flagChunked|flagHashed|flagLapse) != 0 {
		return head{}, false
	}
	if !h.has(flagLapse) {
		return h, true
	}
	if len(h.body) < lapseSize {
		return head{}, false
	}
	h.lapse, h.body = int64(binary.LittleEndian.Uint64(h.body)), h.body[lapseSize:]
	return h, h.lapse > 0
}

// fullBody is what a record says beside its head: the key where only its hash is stored, then the payload.
func fullBody(key, payload []byte) []byte {
	if !hashed(key) {
		return payload
	}
	body := make([]byte, 0, binary.MaxVarintLen64+len(key)+len(payload))
	body = binary.AppendUvarint(body, uint64(len(key)))
	return append(append(body, key...), payload...)
}

// splitBody undoes fullBody. The key of a hashed record must have the hash that it is stored under.
func splitBody(stored []byte, flags byte, body []byte) (key, payload []byte, ok bool) {
	if flags&flagHashed == 0 {
		return stored[1:], body, stored[0] == tagPlain
	}
	n, size := binary.Uvarint(body)
	if size <= 0 || n > uint64(len(body)-size) || stored[0] != tagHashed {
		return nil, nil, false
	}
	key, payload = body[size:size+int(n)], body[size+int(n):]
	sum := sha256.Sum256(key)
	return key, payload, bytes.Equal(sum[:], stored[1:])
}

// table is one of a store's three buckets.
type table byte

const (
	tableKeys table = iota
	tableDeadlines
	tableParts
)

func (t table) prefix() string {
	return [...]string{tableKeys: "keys:", tableDeadlines: "deadlines:", tableParts: "parts:"}[t]
}

// bucket is the name of a store's bucket.
func (t table) bucket(s Store) []byte {
	const digits = "0123456789abcdef"
	name := append(make([]byte, 0, 24), t.prefix()...)
	for shift := 28; shift >= 0; shift -= 4 {
		name = append(name, digits[s>>shift&15])
	}
	return name
}

// parseBucket undoes bucket.
func parseBucket(name []byte) (t table, s Store, ok bool) {
	for t = tableKeys; t <= tableParts; t++ {
		rest, found := bytes.CutPrefix(name, []byte(t.prefix()))
		if !found {
			continue
		}
		var n uint32
		if _, err := fmt.Sscanf(string(rest), "%08x", &n); err != nil {
			return 0, 0, false
		}
		return t, Store(n), bytes.Equal(t.bucket(Store(n)), name)
	}
	return 0, 0, false
}
