package geo

import "math"

// cell is a square of the map: its number, and the step that says how large it is. The zero cell is none.
type cell struct {
	bits uint64
	step uint
}

// cellOf is the cell of a step that a point lies in.
func cellOf(p Point, step uint) cell { return cellIn(p, LatMax, step) }

// cellIn is cellOf on a map with another highest latitude.
func cellIn(p Point, latMax float64, step uint) cell {
	size := float64(uint64(1) << step)
	row := (p.Lat + latMax) / (2 * latMax) * size
	column := (p.Lon + LonMax) / (2 * LonMax) * size
	return cell{spread(uint32(row)) | spread(uint32(column))<<1, step}
}

// spread puts a zero before each bit.
func spread(n uint32) uint64 {
	x := uint64(n)
	x = (x | x<<16) & 0x0000ffff0000ffff
	x = (x | x<<8) & 0x00ff00ff00ff00ff
	x = (x | x<<4) & 0x0f0f0f0f0f0f0f0f
	x = (x | x<<2) & 0x3333333333333333
	return (x | x<<1) & 0x5555555555555555
}

// gather is the reverse of spread: every second bit, from the lowest on.
func gather(x uint64) uint32 {
	x &= 0x5555555555555555
	x = (x | x>>1) & 0x3333333333333333
	x = (x | x>>2) & 0x0f0f0f0f0f0f0f0f
	x = (x | x>>4) & 0x00ff00ff00ff00ff
	x = (x | x>>8) & 0x0000ffff0000ffff
	return uint32(x | x>>16)
}

// box is a part of the map, in degrees.
type box struct{ west, south, east, north float64 }

// box is the part of the map that the cell covers.
func (c cell) box() box {
	row, column := float64(gather(c.bits)), float64(gather(c.bits>>1))
	size := float64(uint64(1) << c.step)
	at := func(n, max float64) float64 { return -max + float64(n/size*(2*max)) }
	return box{at(column, LonMax), at(row, LatMax), at(column+1, LonMax), at(row+1, LatMax)}
}

// beside is the cell so many columns to the east and rows to the north; the map goes on at its other side.
func (c cell) beside(columns, rows int) cell {
	mask := uint32(1)<<c.step - 1
	row, column := gather(c.bits)+uint32(rows), gather(c.bits>>1)+uint32(columns)
	return cell{spread(row&mask) | spread(column&mask)<<1, c.step}
}

// scores are the lowest score in the cell and the lowest beyond it.
func (c cell) scores() (from, to float64) {
	shift := 2 * (stepMax - c.step)
	return float64(c.bits << shift), float64((c.bits + 1) << shift)
}

// Score is the score under which a sorted set keeps a place.
func Score(p Point) uint64 { return cellOf(p, stepMax).bits }

// Place is the middle of the cell that a score stands for. Any score stands for one.
func Place(score float64) Point {
	b := cell{number(score), stepMax}.box()
	clamp := func(x, max float64) float64 { return min(max, math.Max(x, -max)) }
	return Point{clamp((b.west+b.east)/2, LonMax), clamp((b.south+b.north)/2, LatMax)}
}

// number is a score as an integer, by the rules of the processors that Redis usually runs on where it is none: what is
// negative, or too large, is a cell too.
func number(score float64) uint64 {
	const half = 1 << 63
	switch {
	case math.Abs(score) < half:
		return uint64(int64(score))
	case score >= half && score < 2*half:
		return uint64(int64(score-half)) ^ half
	case score >= 2*half:
		return 0
	}
	return half
}

// AppendText appends a place as the geohash that people write: eleven letters. They belong to a map up to the poles, and
// the last is always 0, as there are 52 bits.
func AppendText(dst []byte, p Point) []byte {
	const alphabet = "0123456789bcdefghjkmnpqrstuvwxyz"
	bits := cellIn(p, 90, stepMax).bits
	for i := 1; i <= 10; i++ {
		dst = append(dst, alphabet[bits>>(52-5*i)&31])
	}
	return append(dst, alphabet[0])
}
