// Package rdb reads and writes values in the form in which Redis stores and sends them: what DUMP replies and RESTORE takes.
//
//	payload  body | version | checksum      2 and 8 bytes, little-endian; CRC-64 of all that is before it
//	body     type | value                   one byte; what follows depends on it
//	string   length | bytes, or an integer, or compressed bytes (string.go)
//
// All types of Redis 5.0 to 7.4 are read, those of modules apart. Written are the types that Redis 7.0 knows, in the
// plainest form of each, which every server makes its own encoding from when it reads it; only a hash whose fields have
// deadlines is written as Redis 7.4 does, and refused by older servers.
//
// What is read is hostile: each length is checked against what is there before anything is made of it, so that a value takes
// memory in proportion to its payload. Compressed bytes may become 88 times as many.
//
// A file (file.go) is read and written element by element: a value of any size takes one piece of the file in memory.
//
// Rejected: github.com/hdt3213/rdb v1.3.0; docs/decisions.md says what was found.
package rdb

import (
	"encoding/binary"
	"errors"
	"hash/crc64"
	"math/bits"
)

// The versions of the format that payloads are written in: Redis 7.0's, and that of 7.4 for what 7.0 cannot hold.
const (
	version7_0 = 10
	version7_4 = 12
)

// footerSize is what is behind a body: the version and the checksum.
const footerSize = 2 + 8

var (
	// ErrChecksum says that a payload was not made by a server, or by one that is too new.
	ErrChecksum = errors.New("rdb: wrong version or checksum")
	// ErrCorrupt says that the body of a payload is not a value.
	ErrCorrupt = errors.New("rdb: corrupt value")
)

// jones is the polynomial of the checksum; the package of Go wants its bits in the other order.
var jones = crc64.MakeTable(bits.Reverse64(0xad93d23594c935a9))

// checksum is CRC-64 without the inversions at both ends that Go's package makes.
func checksum(b []byte) uint64 { return ^crc64.Update(^uint64(0), jones, b) }

// seal appends version and checksum to a body.
func seal(body []byte, version uint16) []byte {
	body = binary.LittleEndian.AppendUint16(body, version)
	return binary.LittleEndian.AppendUint64(body, checksum(body))
}

// open checks a payload and returns its body.
func open(payload []byte) ([]byte, error) {
	n := len(payload) - footerSize
	if n < 0 {
		return nil, ErrChecksum
	}
	if binary.LittleEndian.Uint16(payload[n:]) > version7_4 {
		return nil, ErrChecksum
	}
	if binary.LittleEndian.Uint64(payload[n+2:]) != checksum(payload[:n+2]) {
		return nil, ErrChecksum
	}
	return payload[:n], nil
}
