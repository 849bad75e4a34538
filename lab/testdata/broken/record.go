package main

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// head is the length of a record in front of its body, and inner the part of it that the CRC covers.
const (
	head  = 16
	inner = 8
)

var errBad = errors.New("bad record")

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// appendBody appends commands as counted words.
func appendBody(dst []byte, commands [][]string) []byte {
	for _, words := range commands {
		dst = binary.AppendUvarint(dst, uint64(len(words)))
		for _, word := range words {
			dst = append(binary.AppendUvarint(dst, uint64(len(word))), word...)
		}
	}
	return dst
}

func appendRecord(dst []byte, body []byte, durable int64) []byte {
	start := len(dst)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(inner+len(body)))
	dst = binary.LittleEndian.AppendUint32(dst, 0)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(durable))
	dst = append(dst, body...)
	binary.LittleEndian.PutUint32(dst[start+4:], checksum(dst[start+8:]))
	return dst
}

// parseRecord takes the first record of data. It is bad if it is cut off, or if its checksum, where that counts, is
// another.
func parseRecord(data []byte, checked bool) (commands [][]string, durable int64, size int, err error) {
	if len(data) < head {
		return nil, 0, 0, errBad
	}
	length := int64(binary.LittleEndian.Uint32(data))
	if length < inner || length > int64(len(data)-8) {
		return nil, 0, 0, errBad
	}
	rest := data[8 : 8+length]
	if checked && checksum(rest) != binary.LittleEndian.Uint32(data[4:]) {
		return nil, 0, 0, errBad
	}
	commands, err = parseBody(rest[inner:])
	return commands, int64(binary.LittleEndian.Uint64(rest)), int(8 + length), err
}

func parseBody(body []byte) (commands [][]string, err error) {
	number := func() uint64 {
		n, used := binary.Uvarint(body)
		if used <= 0 || n > uint64(len(body)) {
			err = errBad
			return 0
		}
		body = body[used:]
		return n
	}
	for len(body) > 0 && err == nil {
		words := make([]string, number())
		for i := range words {
			n := number()
			if n > uint64(len(body)) {
				return nil, errBad
			}
			words[i], body = string(body[:n]), body[n:]
		}
		commands = append(commands, words)
	}
	return commands, err
}

// damaged reports whether a record behind a bad one at bad says that it had been durable.
func damaged(data []byte, bad int) bool {
	for at := bad + 1; at+head <= len(data); at++ {
		if _, durable, _, err := parseRecord(data[at:], true); err == nil && durable > int64(bad) {
			return true
		}
	}
	return false
}
