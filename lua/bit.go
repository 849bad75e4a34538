package lua

import (
	"math"
	"math/bits"
	"strings"

	glua "github.com/yuin/gopher-lua"
)

// bitFunctions are those of the module bit, on integers of 32 bits.
func bitFunctions() map[string]glua.LGFunction {
	return map[string]glua.LGFunction{
		"tobit":   unaryBits(func(a uint32) uint32 { return a }),
		"bnot":    unaryBits(func(a uint32) uint32 { return ^a }),
		"bswap":   unaryBits(bits.ReverseBytes32),
		"band":    foldBits(func(a, b uint32) uint32 { return a & b }),
		"bor":     foldBits(func(a, b uint32) uint32 { return a | b }),
		"bxor":    foldBits(func(a, b uint32) uint32 { return a ^ b }),
		"lshift":  shiftBits(func(a uint32, n int) uint32 { return a << n }),
		"rshift":  shiftBits(func(a uint32, n int) uint32 { return a >> n }),
		"arshift": shiftBits(func(a uint32, n int) uint32 { return uint32(int32(a) >> n) }),
		"rol":     shiftBits(func(a uint32, n int) uint32 { return bits.RotateLeft32(a, n) }),
		"ror":     shiftBits(func(a uint32, n int) uint32 { return bits.RotateLeft32(a, -n) }),
		"tohex":   tohex,
	}
}

// checkBits is the i-th argument, modulo 2^32.
func checkBits(l *glua.LState, i int) uint32 {
	f := math.RoundToEven(checkNumber(l, i))
	if math.Abs(f) < 1<<63 {
		return uint32(int64(f))
	}
	return uint32(int64(math.Mod(f, 1<<32))) // what is no number is 0
}

func pushBits(l *glua.LState, a uint32) int {
	l.Push(glua.LNumber(int32(a)))
	return 1
}

func unaryBits(f func(uint32) uint32) glua.LGFunction {
	return func(l *glua.LState) int { return pushBits(l, f(checkBits(l, 1))) }
}

func foldBits(f func(a, b uint32) uint32) glua.LGFunction {
	return func(l *glua.LState) int {
		a := checkBits(l, 1)
		for i := 2; i <= l.GetTop(); i++ {
			a = f(a, checkBits(l, i))
		}
		return pushBits(l, a)
	}
}

func shiftBits(f func(a uint32, n int) uint32) glua.LGFunction {
	return func(l *glua.LState) int { return pushBits(l, f(checkBits(l, 1), int(checkBits(l, 2)&31))) }
}

// bit.tohex(x [, digits])
func tohex(l *glua.LState) int {
	const low, high = "0123456789abcdef", "0123456789ABCDEF"
	a, n, digits := checkBits(l, 1), int32(8), low
	if l.Get(2) != glua.LNil {
		n = int32(checkBits(l, 2))
	}
	if n < 0 {
		n, digits = -n, high
	}
	if n < 0 || n > 8 {
		n = 8
	}
	var s strings.Builder
	for n--; n >= 0; n-- {
		s.WriteByte(digits[a>>(4*n)&15])
	}
	l.Push(glua.LString(s.String()))
	return 1
}
