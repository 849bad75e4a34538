package workload

import (
	"encoding/binary"
	"hash/crc64"
	"math/bits"
	"strings"

	"holdfast/resp"
)

// dumps are lists that come as a whole, out of what DUMP might have said elsewhere, with and without a deadline; some lie in
// parts. Copies are made of them, and both are changed.
func dumps() family {
	slots := []slot{{"dump:{%d}:a", sequence}, {"dump:{%d}:b", sequence}, {"dump:{%d}:c", sequence}}
	return family{slots: slots, burst: func(s *stream, g *group) [][][]byte {
		a, b := s.two(g.keys)
		switch s.rng.IntN(16) {
		case 0, 1:
			return one("RESTORE", a, "0", s.payload(1+s.rng.IntN(4), 0))
		case 2, 3:
			return one("RESTORE", a, "0", s.payload(1+s.rng.IntN(4), 0), "REPLACE")
		case 4:
			return one("RESTORE", a, s.millis(year2100), s.payload(2, 0), "REPLACE", "ABSTTL")
		case 5:
			return one("RESTORE", a, "0", s.payload(elementsParted, elementBytes), "REPLACE")
		case 6:
			return one("COPY", a, b)
		case 7, 8:
			return one("COPY", a, b, "REPLACE")
		case 9:
			return one("DUMP", a)
		case 10, 11:
			return one("LPOP", a)
		case 12:
			return one("LRANGE", a, "0", "-1")
		case 13:
			return [][][]byte{request("MULTI"), request("DEL", a), request("RESTORE", a, "0", s.payload(2, 0)), request("EXEC")}
		default:
			return one("RPUSH", a, s.unique())
		}
	}}
}

// elementsParted is how many elements of elementBytes make a list that lies in parts.
const elementsParted = 140

// payload is a list of unique elements in the form of DUMP: the oldest form of a list, which every server knows.
func (s *stream) payload(elements, padded int) string {
	all := make([]string, elements)
	for i := range all {
		all[i] = s.unique() + padding(padded)
	}
	return dumped(all)
}

const (
	dumpList    = 1 // the type of a list, element by element
	dumpVersion = 6 // of the form; servers take those that are no newer than their own
	dumpTail    = 10
)

func dumped(elements []string) string {
	b := appendDumpLength([]byte{dumpList}, len(elements))
	for _, e := range elements {
		b = append(appendDumpLength(b, len(e)), e...)
	}
	b = binary.LittleEndian.AppendUint16(b, dumpVersion)
	return string(binary.LittleEndian.AppendUint64(b, dumpSum(b)))
}

// dumpSum is CRC-64/Jones, without the inversions that package crc64 makes.
func dumpSum(b []byte) uint64 {
	return ^crc64.Update(^uint64(0), crc64.MakeTable(bits.Reverse64(0xad93d23594c935a9)), b)
}

// appendDumpLength appends a length below 16384.
func appendDumpLength(b []byte, n int) []byte {
	if n < 1<<6 {
		return append(b, byte(n))
	}
	return append(b, 1<<6|byte(n>>8), byte(n))
}

// undumped are the elements of a payload of ours.
func undumped(payload string) (elements []string) {
	length := func() (n int) {
		if n = int(payload[0]); n < 1<<6 {
			payload = payload[1:]
			return n
		}
		n = n&63<<8 | int(payload[1])
		payload = payload[2:]
		return n
	}
	payload = payload[1 : len(payload)-dumpTail]
	for range length() {
		n := length()
		elements, payload = append(elements, payload[:n]), payload[n:]
	}
	return elements
}

// meaningOfRestore is RESTORE with what is in its payload: the key, when it ends, the options in one word, the elements.
func meaningOfRestore(args [][]byte) [][]byte {
	options := make([]string, 0, 2)
	for _, arg := range args[4:] {
		options = append(options, string(arg))
	}
	words := append([]string{"RESTORE", string(args[1]), string(args[2]), strings.Join(options, " ")}, undumped(string(args[3]))...)
	return request(words...)
}

// runDump runs DUMP and RESTORE: the latter by its meaning.
func (m *machine) runDump(v *value, c *command, a answer) bool {
	if c.name == "DUMP" {
		return a.r == nil || a.r.Null == (v.kind == none) && a.r.Err() == nil
	}
	if v.kind != none && !strings.Contains(c.args[1], "REPLACE") {
		return a.isError(resp.ErrBusyKey)
	}
	*v = value{kind: lst, list: m.list(append([]string(nil), c.args[2:]...)), lo: c.num, hi: c.num}
	return a.isOK()
}
