package workload

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strconv"

	"holdfast/resp"
)

// A HyperLogLog is kept as its registers that are not zero, each as four bytes, by rising number: number and rank. Which
// register an element sets is a matter of its hash, which Redis has chosen once and for all; how the registers are written
// down, in runs or one beside the other, is the server's affair.

const (
	sketchBits      = 14
	sketchRegisters = 1 << sketchBits
	sketchShared    = 200 // elements that clients have in common
	sketchMany      = 64  // elements that one PFADD may have: some ten of those make a sketch that is stored in another form
)

// sketches are HyperLogLogs that are added to and merged. What an addition changes beside a merger or a deletion no reply
// tells; so who merges or deletes looks, and there is never much that may be.
func sketches() family {
	slots := []slot{{"sketch:{%d}:a", sketch}, {"sketch:{%d}:b", sketch}, {"sketch:{%d}:c", sketch}}
	return family{slots: slots, burst: func(s *stream, g *group) [][][]byte {
		a, b := s.two(g.keys)
		known := func() string { return "e" + strconv.Itoa(s.rng.IntN(sketchShared)) }
		look := func(change ...string) [][][]byte {
			return [][][]byte{request("MULTI"), request("GET", a), request("GET", b), request(change...), request("EXEC")}
		}
		switch s.rng.IntN(16) {
		case 0:
			if s.rng.IntN(6) > 0 {
				return one("PFCOUNT", a, b)
			}
			words := []string{"PFADD", a}
			for range sketchMany {
				words = append(words, s.unique())
			}
			return one(words...)
		case 1, 2, 3:
			return one("PFADD", a, known(), known())
		case 4:
			return look("PFMERGE", a, b)
		case 5:
			return look("PFMERGE", b, g.keys[0], g.keys[1], g.keys[2])
		case 6:
			if s.rng.IntN(4) == 0 {
				return look("DEL", a)
			}
			return one("PFCOUNT", a)
		case 7, 8:
			return one("GET", a)
		}
		return one("PFADD", a, s.unique())
	}}
}

// ranks are a HyperLogLog's registers, those that are not zero: number<<8 | rank, rising.
type ranks []uint32

func ranksOf(text string) ranks {
	r := make(ranks, 0, len(text)/4)
	for ; len(text) >= 4; text = text[4:] {
		r = append(r, binary.BigEndian.Uint32([]byte(text[:4])))
	}
	return r
}

func (r ranks) String() string {
	b := make([]byte, 0, 4*len(r))
	for _, rank := range r {
		b = binary.BigEndian.AppendUint32(b, rank)
	}
	return string(b)
}

// merged are the higher ranks of both.
func (r ranks) merged(with ranks) ranks {
	all := slices.Concat(r, with)
	slices.SortFunc(all, func(a, b uint32) int { return cmp.Compare(b, a) }) // of each register the highest first
	all = slices.CompactFunc(all, func(a, b uint32) bool { return a>>8 == b>>8 })
	slices.Reverse(all)
	return all
}

// rankOf is what an element sets.
func rankOf(element string) uint32 {
	h := sketchHash([]byte(element))
	rest := h>>sketchBits | 1<<(64-sketchBits)
	return uint32(h%sketchRegisters)<<8 | uint32(bits.TrailingZeros64(rest)+1)
}

// sketchHash is MurmurHash64A with the seed that Redis has.
func sketchHash(b []byte) uint64 {
	const m = 0xc6a4a7935bd1e995
	h := uint64(0xadc83b19) ^ uint64(len(b))*m
	for ; len(b) >= 8; b = b[8:] {
		k := binary.LittleEndian.Uint64(b) * m
		h = (h ^ (k^k>>47)*m) * m
	}
	if len(b) > 0 {
		var last [8]byte
		copy(last[:], b)
		h = (h ^ binary.LittleEndian.Uint64(last[:])) * m
	}
	h = (h ^ h>>47) * m
	return h ^ h>>47
}

// runSketch runs a command of HyperLogLogs.
func (m *machine) runSketch(s *state, c *command, a answer) bool {
	v := &s.vals[c.keys[0]]
	before := ranksOf(v.str)
	switch c.name {
	case "PFCOUNT":
		for _, k := range c.keys[1:] {
			before = before.merged(ranksOf(s.vals[k].str))
		}
		return a.isAbout(float64(sketchRegisters) * math.Log(float64(sketchRegisters)/float64(sketchRegisters-len(before))))
	case "PFADD":
		var added ranks
		for _, e := range c.args {
			added = append(added, rankOf(e))
		}
		after := before.merged(added).String()
		changed := 0
		if after != v.str || v.kind == none {
			changed = 1
		}
		v.kind, v.str = str, after
		return a.isInt(changed)
	}
	for _, k := range c.keys[1:] { // PFMERGE
		before = before.merged(ranksOf(s.vals[k].str))
	}
	v.kind, v.str = str, before.String()
	return a.isOK()
}

// isAbout: the count of a sketch, which is an estimate.
func (a answer) isAbout(n float64) bool {
	return a.r == nil || a.r.Kind == ':' && math.Abs(float64(a.r.Int)-n) <= 1+n/20
}

// isSketch: the HyperLogLog that v holds, in whatever form.
func (a answer) isSketch(v *value) bool {
	if a.r == nil || !bytes.HasPrefix(a.r.Str, []byte("HYLL")) {
		return false
	}
	s, err := seeSketch(a.r)
	return err == nil && string(s.str) == v.str
}

var errSketch = errors.New("no HyperLogLog")

// seeSketch reads the registers of a HyperLogLog as GET shows it.
func seeSketch(r *resp.Reply) (sight, error) {
	switch {
	case r.Null:
		return sight{}, nil
	case r.Kind != '$' || len(r.Str) < sketchHead || string(r.Str[:4]) != "HYLL":
		return sight{}, fmt.Errorf("%w: %s", errSketch, printed(*r))
	}
	read := readRuns
	if r.Str[4] == 0 {
		read = readSideBySide
	}
	all, err := read(r.Str[sketchHead:])
	return sight{kind: str, str: []byte(all.String())}, err
}

// sketchHead is the length of what comes before the registers: a name, the form, and a count that may be out of date.
const sketchHead = 16

// readSideBySide reads registers of six bits, the lowest bits first.
func readSideBySide(b []byte) (all ranks, err error) {
	if len(b) != sketchRegisters*6/8 {
		return nil, fmt.Errorf("%w: registers in %d bytes", errSketch, len(b))
	}
	b = append(slices.Clone(b), 0)
	for i := range sketchRegisters {
		at := i * 6
		if rank := (uint32(b[at/8]) | uint32(b[at/8+1])<<8) >> (at % 8) & 63; rank > 0 {
			all = append(all, uint32(i)<<8|rank)
		}
	}
	return all, nil
}

// readRuns reads registers in runs: of zeros, short or long, and of a few of the same rank.
func readRuns(b []byte) (all ranks, err error) {
	at := 0
	for len(b) > 0 && at <= sketchRegisters {
		switch op := int(b[0]); {
		case op&0x80 != 0:
			for range op&3 + 1 {
				all = append(all, uint32(at)<<8|uint32(op>>2&31+1))
				at++
			}
		case op&0x40 == 0:
			at += op + 1
		case len(b) < 2:
			return nil, fmt.Errorf("%w: a run is cut off", errSketch)
		default:
			at += op&63<<8 + int(b[1]) + 1
			b = b[1:]
		}
		b = b[1:]
	}
	if at != sketchRegisters {
		return nil, fmt.Errorf("%w: runs of %d registers", errSketch, at)
	}
	return all, nil
}
