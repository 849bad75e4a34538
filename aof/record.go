package aof

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// Where the fields of a record lie. The length counts what follows the CRC, so that it is never zero.
const (
	lengthAt  = 0  // u32: bytes after the CRC field
	crcAt     = 4  // u32: CRC32C of length and of all that follows, from the segment's seed
	lsnAt     = 8  // u64
	timeAt    = 16 // i64: unix ms
	durableAt = 24 // u64: every LSN up to this was durable when the record was written
	flagsAt   = 32 // u8: the engine's
	bodyAt    = 33

	recordMin = bodyAt // bytes of a record with an empty body
)

// MaxBody is the largest body of a record in bytes. Who appends keeps to it.
const MaxBody = 1<<31 - 1 - recordMin

// Record is one entry of the log.
type Record struct {
	LSN     uint64
	Time    int64  // unix ms
	Durable uint64 // the LSN known durable when this was written
	Flags   uint8
	Body    []byte // valid until the next record is read
}

// RecordBytes is what a record with a body of n bytes takes in a segment.
func RecordBytes(n int) int64 { return recordMin + int64(n) }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seedOf is where the CRC of every record of one segment starts.
func seedOf(id [16]byte, first uint64) uint32 {
	var b [24]byte
	copy(b[:], id[:])
	binary.LittleEndian.PutUint64(b[16:], first)
	return crc32.Checksum(b[:], castagnoli)
}

// appendRecord appends a record that still lacks its CRC and durable LSN: both belong to the moment of the write.
func appendRecord(dst []byte, lsn uint64, ms int64, flags uint8, body []byte) []byte {
	if len(body) > MaxBody {
		panic(fmt.Sprintf("BUG: log record of %d bytes; the limit is %d", len(body), MaxBody))
	}
	dst = binary.LittleEndian.AppendUint32(dst, uint32(recordMin-lsnAt+len(body)))
	dst = binary.LittleEndian.AppendUint32(dst, 0)
	dst = binary.LittleEndian.AppendUint64(dst, lsn)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(ms))
	dst = binary.LittleEndian.AppendUint64(dst, 0)
	dst = append(dst, flags)
	return append(dst, body...)
}

// sealRecord fills in durable LSN and CRC of the record that is b.
func sealRecord(b []byte, durable uint64, seed uint32) {
	binary.LittleEndian.PutUint64(b[durableAt:], durable)
	binary.LittleEndian.PutUint32(b[crcAt:], recordCRC(b, seed))
}

// recordSize reads the bytes that the record at the start of b takes, whether or not b holds all of it.
func recordSize(b []byte) int64 {
	return lsnAt + int64(binary.LittleEndian.Uint32(b[lengthAt:]))
}

func recordLSN(b []byte) uint64     { return binary.LittleEndian.Uint64(b[lsnAt:]) }
func recordDurable(b []byte) uint64 { return binary.LittleEndian.Uint64(b[durableAt:]) }
func storedCRC(b []byte) uint32     { return binary.LittleEndian.Uint32(b[crcAt:]) }

func recordCRC(b []byte, seed uint32) uint32 {
	return crc32.Update(crc32.Update(seed, castagnoli, b[:crcAt]), castagnoli, b[lsnAt:])
}

// parseRecord takes the whole, checked record b apart. Body points into b.
func parseRecord(b []byte) Record {
	return Record{
		LSN:     recordLSN(b),
		Time:    int64(binary.LittleEndian.Uint64(b[timeAt:])),
		Durable: recordDurable(b),
		Flags:   b[flagsAt],
		Body:    b[bodyAt:len(b):len(b)],
	}
}
