package rdb

import "encoding/binary"

// Compressed bytes are those of LZF: runs of literal bytes, and references to what was there before.
//
//	000nnnnn                     n+1 bytes follow
//	nnnooooo oooooooo            n+2 bytes (n is 1 to 6) from o+1 bytes back
//	111ooooo nnnnnnnn oooooooo   n+9 bytes
const (
	literalsMax  = 32
	referenceMax = 9 + 255
	distanceMax  = 1 << 13
	// expandMax is how many times as many bytes come out at most: the longest reference takes three.
	expandMax = referenceMax / 3
)

// expand undoes compress; the result must have n bytes, which is to be no more than expandMax times as many as b has.
func expand(b []byte, n int) ([]byte, bool) {
	out := make([]byte, 0, n)
	for len(b) > 0 {
		control := int(b[0])
		b = b[1:]
		if control < literalsMax {
			k := control + 1
			if k > len(b) || k > n-len(out) {
				return nil, false
			}
			out = append(out, b[:k]...)
			b = b[k:]
			continue
		}
		k := control >> 5
		if k == 7 {
			if len(b) == 0 {
				return nil, false
			}
			k += int(b[0])
			b = b[1:]
		}
		if len(b) == 0 {
			return nil, false
		}
		k += 2
		from := len(out) - 1 - (control&0x1f)<<8 - int(b[0])
		b = b[1:]
		if from < 0 || k > n-len(out) {
			return nil, false
		}
		for i := range k { // the two may overlap
			out = append(out, out[from+i])
		}
	}
	return out, len(out) == n
}

// compress is b compressed, or nil if that does not make it shorter.
func compress(b []byte) []byte {
	const slots = 1 << 13
	var seen [slots]int32 // a place in b, plus one, by the three bytes there
	out := make([]byte, 0, len(b))
	literal := 0 // where the bytes begin that are not yet in out
	for i := 0; i+2 < len(b) && len(out) < len(b); {
		word := uint32(b[i])<<16 | uint32(b[i+1])<<8 | uint32(b[i+2])
		slot := &seen[word*0x9e3779b1>>19]
		from := int(*slot) - 1
		*slot = int32(i + 1)
		if from < 0 || i-from > distanceMax || b[from] != b[i] || b[from+1] != b[i+1] || b[from+2] != b[i+2] {
			i++
			continue
		}
		n, most := 3, min(referenceMax, len(b)-i)
		for n < most && b[from+n] == b[i+n] {
			n++
		}
		out = appendReference(appendLiterals(out, b[literal:i]), i-from-1, n)
		i += n
		literal = i
	}
	if out = appendLiterals(out, b[literal:]); len(out) >= len(b) {
		return nil
	}
	return out
}

func appendLiterals(out, b []byte) []byte {
	for len(b) > 0 {
		n := min(len(b), literalsMax)
		out = append(append(out, byte(n-1)), b[:n]...)
		b = b[n:]
	}
	return out
}

func appendReference(out []byte, back, n int) []byte {
	if n < 9 {
		return binary.BigEndian.AppendUint16(out, uint16((n-2)<<13|back))
	}
	return append(out, byte(7<<5|back>>8), byte(n-9), byte(back))
}
