package workload

import (
	"math/bits"
	"strconv"
	"strings"
)

const (
	bitsNear = 512   // most bits that are set lie below this
	bitsFar  = 4_096 // and all below this
	cells    = 12    // numbers of 8 and 16 bits that BITFIELD counts, side by side from the beginning on
)

// bitmaps are strings whose bits are set, counted on and combined.
func bitmaps() family {
	slots := []slot{{"bits:{%d}:a", bitmap}, {"bits:{%d}:b", bitmap}, {"bits:{%d}:c", bitmap}}
	return family{slots: slots, burst: func(s *stream, g *group) [][][]byte {
		a, b := s.two(g.keys)
		cell, cell2 := "#"+strconv.Itoa(s.rng.IntN(cells)), "#"+strconv.Itoa(s.rng.IntN(cells))
		n, bit := strconv.Itoa(s.rng.IntN(400)-200), strconv.Itoa(s.rng.IntN(bitsNear))
		switch s.rng.IntN(16) {
		case 0:
			return one("SETBIT", a, strconv.Itoa(s.rng.IntN(bitsFar)), "1")
		case 1, 2:
			return one("SETBIT", a, bit, "0")
		case 3:
			return one("GETBIT", a, bit)
		case 4:
			return one("BITCOUNT", a)
		case 5, 6:
			return one("BITFIELD", a, "INCRBY", "u8", cell, n)
		case 7, 8:
			return one("BITFIELD", a, "SET", "u16", cell, strconv.Itoa(s.rng.IntN(1<<16)), "INCRBY", "u8", cell2, n, "GET", "u16", cell2)
		case 9, 10: // who combines looks what there is: the length that is replied says next to nothing
			return [][][]byte{request("MULTI"), request("GET", a), request("GET", b),
				request("BITOP", s.of([]string{"AND", "OR", "XOR"}), s.of(g.keys), a, b), request("EXEC")}
		case 11:
			return [][][]byte{request("MULTI"), request("GET", a), request("BITOP", "NOT", b, a), request("EXEC")}
		case 12:
			return one("GET", a)
		case 13:
			if s.rng.IntN(4) == 0 {
				return one("DEL", a)
			}
		}
		return one("SETBIT", a, bit, "1")
	}}
}

// runBits runs a command about bits.
func (m *machine) runBits(s *state, c *command, a answer) bool {
	v := &s.vals[c.keys[0]]
	switch c.name {
	case "BITOP":
		return m.combineBits(s, c, a)
	case "BITFIELD":
		return v.runFields(c.args, a)
	case "BITCOUNT":
		n := 0
		for i := range len(v.str) {
			n += bits.OnesCount8(v.str[i])
		}
		return a.isInt(n)
	}
	at, _ := strconv.Atoi(c.args[0]) //nolint:errcheck // only workloads of this package come here
	old := 0
	if at/8 < len(v.str) {
		old = int(v.str[at/8] >> (7 - at%8) & 1)
	}
	if c.name == "GETBIT" {
		return a.isInt(old)
	}
	if !a.isInt(old) {
		return false
	}
	b := grown(v.str, at/8+1)
	b[at/8] &^= 1 << (7 - at%8)
	if c.args[1] == "1" {
		b[at/8] |= 1 << (7 - at%8)
	}
	v.kind, v.str = str, string(b)
	return true
}

// grown is a copy of a string, made so long with zeros.
func grown(text string, size int) []byte {
	b := make([]byte, max(len(text), size))
	copy(b, text)
	return b
}

// runFields runs the subcommands of BITFIELD in words of 8 or 16 bits.
func (v *value) runFields(words []string, a answer) bool {
	b := []byte(v.str)
	var told []int
	for len(words) > 0 {
		size := 1
		if words[1] == "u16" {
			size = 2
		}
		at, _ := strconv.Atoi(words[2][1:]) //nolint:errcheck // only workloads of this package come here
		at *= size
		word := grown(string(b), at+size)
		old := int(word[at])
		if size == 2 {
			old = old<<8 | int(word[at+1])
		}
		if words[0] == "GET" {
			told, words = append(told, old), words[3:]
			continue
		}
		n, _ := strconv.Atoi(words[3]) //nolint:errcheck // the same
		if words[0] == "INCRBY" {
			n += old
			told = append(told, n&(1<<(8*size)-1))
		} else {
			told = append(told, old)
		}
		b, words = word, words[4:]
		b[at+size-1] = byte(n)
		if size == 2 {
			b[at] = byte(n >> 8)
		}
	}
	v.kind, v.str = str, string(b)
	return a.isInts(told)
}

// combineBits is BITOP.
func (m *machine) combineBits(s *state, c *command, a answer) bool {
	first := s.vals[c.keys[1]].str
	b := []byte(first)
	if c.args[0] == "NOT" {
		for i := range b {
			b[i] = ^b[i]
		}
	} else {
		second := s.vals[c.keys[2]].str
		b = grown(first, len(second))
		other := grown(second, len(b))
		for i := range b {
			switch c.args[0] {
			case "AND":
				b[i] &= other[i]
			case "OR":
				b[i] |= other[i]
			default:
				b[i] ^= other[i]
			}
		}
	}
	s.vals[c.keys[0]] = value{}
	if len(b) > 0 {
		s.vals[c.keys[0]] = value{kind: str, str: string(b)}
	}
	return a.isInt(len(b))
}

// isInts: these numbers.
func (a answer) isInts(want []int) bool {
	if a.r == nil {
		return true
	}
	if a.r.Kind != '*' || len(a.r.Elems) != len(want) {
		return false
	}
	for i, n := range want {
		if !(answer{&a.r.Elems[i]}).isInt(n) {
			return false
		}
	}
	return true
}

// copies reports whether a command may put what one key holds into another one, and leave it where it was.
func copies(name string) bool {
	return name == "COPY" || name == "BITOP" || name == "PFMERGE" || strings.HasSuffix(name, "STORE")
}
