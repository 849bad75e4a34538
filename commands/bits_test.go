package commands

import (
	"bytes"
	"math/big"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"testing"
)

// random is a source of chance whose seed is printed; TEST_SEED repeats one.
func random(t *testing.T) *rand.Rand {
	seed := rand.Uint64()
	if given := os.Getenv("TEST_SEED"); given != "" {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("TEST_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

func TestBitsChangeWhatTheySay(t *testing.T) {
	s := newStage(t)
	s.expectAll([]step{
		{"SETBIT k 9 1", ":0"},
		{"SETBIT k 9 1", ":1"},
		{"SETBIT k 9 0", ":1"},
		{"SETBIT k 9 0", ":0"},
		{"SETBIT zero 9 0", ":0"},
		{"BITFIELD k SET u8 0 255 INCRBY i4 0 1 GET u8 0 SET u4 4 15", "*4 :0 :0 :15 :15"},
		{"BITFIELD k SET u4 4 15", "*1 :15"},
		{"BITFIELD new OVERFLOW FAIL SET u2 0 9", "*1 $-1"},
		{"BITOP NOT d k", ":2"},
		{"BITOP AND d missing", ":0"},
		{"BITOP AND d missing", ":0"},
	})
	s.expectLog("SETBIT k 9 1", "SETBIT k 9 0", "SETBIT zero 9 0", "BITFIELD k SET u8 0 255 INCRBY i4 0 1 GET u8 0 SET u4 4 15",
		"BITFIELD new OVERFLOW FAIL SET u2 0 9", "BITOP NOT d k", "BITOP AND d missing")
	s.expectEvents("$ setbit 0 k", "$ setbit 0 k", "$ setbit 0 zero", "$ setbit 0 k", "$ setbit 0 new", "$ set 0 d", "g del 0 d")
}

func TestBitsKeepTheDeadlineAndBitopDropsIt(t *testing.T) {
	s := newStage(t)
	s.expectAll([]step{
		{"SET k a PX 1000", "+OK"},
		{"SETBIT k 100 1", ":0"},
		{"BITFIELD k SET u8 200 1", "*1 :0"},
		{"PTTL k", ":1000"},
		{"BITOP OR k k k", ":26"},
		{"PTTL k", ":-1"},
	})
}

// A bit of a long string is set where it lies: nothing of the string's size is allocated.
func TestSetBitDoesNotCopy(t *testing.T) {
	const size = 64 << 20
	s := newStage(t)
	c := &Call{World: s.world, Client: s.user, DB: s.world.Keys.DB(0), Args: [][]byte{nil, []byte("k")}}
	c.DB.GrowString([]byte("k"), size)
	defer c.DB.Delete([]byte("k")) // the stage compares what there is at the end
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range int64(1000) {
		text, grown, ok := c.bitsForChange(i * 1000)
		if !ok || grown || len(text) != size {
			t.Fatalf("bit %d: %d bytes, grown %v, ok %v", i*1000, len(text), grown, ok)
		}
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > size/2 {
		t.Errorf("%d bytes were allocated", n)
	}
}

// bitOf is the naive way to a bit.
func bitOf(text []byte, at int64) bool { return text[at/8]>>(7-at%8)&1 == 1 }

func TestCountAndFindBitsAtRandom(t *testing.T) {
	rng := random(t)
	for range 20_000 {
		text := make([]byte, 1+rng.IntN(40))
		fill := []byte{0, 0xff}[rng.IntN(2)]
		for i := range text {
			text[i] = fill
		}
		for range rng.IntN(4) {
			text[rng.IntN(len(text))] ^= 1 << rng.IntN(8)
		}
		n := int64(len(text)) * 8
		from := rng.Int64N(n)
		r := bitRange{from, from + rng.Int64N(n-from+1)}
		count, first := int64(0), map[bool]int64{true: -1, false: -1}
		for at := r.from; at < r.to; at++ {
			bit := bitOf(text, at)
			if first[bit] < 0 {
				first[bit] = at
			}
			if bit {
				count++
			}
		}
		if got := countBits(text, r); got != count {
			t.Fatalf("%x, %+v: %d bits counted, there are %d", text, r, got, count)
		}
		for bit, want := range first {
			if got := findBit(text, r, bit); got != want {
				t.Fatalf("%x, %+v: first %v found at %d, it is at %d", text, r, bit, got, want)
			}
		}
	}
}

func TestCombineBitsAtRandom(t *testing.T) {
	rng := random(t)
	for range 2000 {
		sources := make([][]byte, 1+rng.IntN(4))
		longest := 0
		for i := range sources {
			sources[i] = make([]byte, rng.IntN(30))
			for k := range sources[i] {
				sources[i][k] = byte(rng.Uint32())
			}
			longest = max(longest, len(sources[i]))
		}
		for name, op := range map[string]struct {
			words func(into, from []byte)
			one   func(a, b byte) byte
		}{
			"AND": {andBits, func(a, b byte) byte { return a & b }},
			"OR":  {orBits, func(a, b byte) byte { return a | b }},
			"XOR": {xorBits, func(a, b byte) byte { return a ^ b }},
		} {
			want := make([]byte, longest)
			for i := range want {
				for k, s := range sources {
					b := byte(0)
					if i < len(s) {
						b = s[i]
					}
					if k == 0 {
						want[i] = b
					} else {
						want[i] = op.one(want[i], b)
					}
				}
			}
			if got := combineBits(sources, op.words); !bytes.Equal(got, want) {
				t.Fatalf("%s of %x is %x, not %x", name, sources, got, want)
			}
		}
		not := notBits(sources[0])
		xorBits(not, sources[0])
		if !bytes.Equal(not, bytes.Repeat([]byte{0xff}, len(not))) {
			t.Fatalf("NOT of %x: %x", sources[0], notBits(sources[0]))
		}
	}
}

// Every operation of BITFIELD, against arithmetic without an end.
func TestBitfieldAtRandom(t *testing.T) {
	rng := random(t)
	edges := []int64{0, 1, -1, 2, 127, 128, -128, 255, 1 << 31, -1 << 31, 1<<62 - 1, 1 << 62, -1 << 62, 1<<63 - 1, -1 << 63}
	for range 100_000 {
		op := bitfieldOp{bitfieldType: bitfieldType{rng.IntN(2) == 0, 1 + rng.Int64N(63)}}
		if op.signed && rng.IntN(4) == 0 {
			op.width = 64
		}
		op.at, op.overflow, op.verb = rng.Int64N(70), overflow(rng.IntN(3)), "sa"[rng.IntN(2)]
		op.operand = edges[rng.IntN(len(edges))]
		if rng.IntN(2) == 0 {
			op.operand = rng.Int64() >> rng.IntN(64)
		}
		text := make([]byte, (op.at+op.width+7)/8)
		for i := range text {
			text[i] = byte(rng.Uint32())
		}
		checkBitfield(t, &op, text)
	}
}

func checkBitfield(t *testing.T, op *bitfieldOp, text []byte) {
	t.Helper()
	old := naiveField(op, text)
	if got := op.number(op.read(text)); got.Cmp(old) != 0 {
		t.Fatalf("%+v of %x reads as %v, is %v", *op, text, got, old)
	}
	want := big.NewInt(op.operand)
	if op.verb == 'a' {
		want.Add(want, old)
	} else if !op.signed {
		want.SetUint64(uint64(op.operand)) // as Redis has it
	}
	low, high := op.number(uint64(op.lowest())), op.number(uint64(op.highest()))
	fitting := want.Cmp(low) >= 0 && want.Cmp(high) <= 0
	if op.overflow == saturate && want.Cmp(low) < 0 {
		want.Set(low)
	} else if op.overflow == saturate && want.Cmp(high) > 0 {
		want.Set(high)
	}
	size := new(big.Int).Lsh(big.NewInt(1), uint(op.width))
	want.Sub(want, low).Mod(want, size).Add(want, low) // wrapped
	n, fits := op.result(op.read(text))
	if got := op.number(n); got.Cmp(want) != 0 || fits != fitting {
		t.Fatalf("%+v: from %v to %v (fits: %v), should be %v (%v)", *op, old, got, fits, want, fitting)
	}
	before := bytes.Clone(text)
	op.write(text, n)
	if got := naiveField(op, text); got.Cmp(want) != 0 {
		t.Fatalf("%+v: %v was written as %v", *op, want, got)
	}
	for at := int64(0); at < int64(len(text))*8; at++ {
		if (at < op.at || at >= op.at+op.width) && bitOf(text, at) != bitOf(before, at) {
			t.Fatalf("%+v changed bit %d", *op, at)
		}
	}
}

// number is n as its type means it.
func (op *bitfieldOp) number(n uint64) *big.Int {
	if op.signed {
		return big.NewInt(int64(n))
	}
	return new(big.Int).SetUint64(n)
}

func naiveField(op *bitfieldOp, text []byte) *big.Int {
	n := new(big.Int)
	for i := range op.width {
		n.Lsh(n, 1)
		if bitOf(text, op.at+i) {
			n.SetBit(n, 0, 1)
		}
	}
	if op.signed && bitOf(text, op.at) {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(op.width)))
	}
	return n
}
