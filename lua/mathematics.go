package lua

import (
	"math"
	"math/rand/v2"

	glua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
)

func (m *Machine) mathFunctions() map[string]glua.LGFunction {
	functions := map[string]glua.LGFunction{
		"fmod": two(math.Mod), "mod": two(math.Mod), "pow": two(math.Pow), "atan2": two(math.Atan2),
		"frexp": frexp, "ldexp": ldexp, "modf": modf, "max": mathMax, "min": mathMin,
		"random": m.random, "randomseed": m.randomseed,
		"deg": one(func(f float64) float64 { return f * 180 / math.Pi }),
		"rad": one(func(f float64) float64 { return f * math.Pi / 180 }),
	}
	for name, f := range map[string]func(float64) float64{
		"abs": math.Abs, "acos": math.Acos, "asin": math.Asin, "atan": math.Atan, "ceil": math.Ceil, "cos": math.Cos,
		"cosh": math.Cosh, "exp": math.Exp, "floor": math.Floor, "log": math.Log, "log10": math.Log10, "sin": math.Sin,
		"sinh": math.Sinh, "sqrt": math.Sqrt, "tan": math.Tan, "tanh": math.Tanh,
	} {
		functions[name] = one(f)
	}
	return functions
}

func one(f func(float64) float64) glua.LGFunction {
	return func(l *glua.LState) int {
		l.Push(glua.LNumber(f(checkNumber(l, 1))))
		return 1
	}
}

func two(f func(a, b float64) float64) glua.LGFunction {
	return func(l *glua.LState) int {
		l.Push(glua.LNumber(f(checkNumber(l, 1), checkNumber(l, 2))))
		return 1
	}
}

func frexp(l *glua.LState) int {
	f, e := math.Frexp(checkNumber(l, 1))
	l.Push(glua.LNumber(f))
	l.Push(glua.LNumber(e))
	return 2
}

func ldexp(l *glua.LState) int {
	l.Push(glua.LNumber(math.Ldexp(checkNumber(l, 1), checkInt(l, 2))))
	return 1
}

func modf(l *glua.LState) int {
	f := checkNumber(l, 1)
	whole := math.Trunc(f)
	part := f - whole
	if math.IsInf(f, 0) {
		part = 0
	}
	l.Push(glua.LNumber(whole))
	l.Push(glua.LNumber(part))
	return 2
}

func mathMax(l *glua.LState) int {
	best := checkNumber(l, 1)
	for i := 2; i <= l.GetTop(); i++ {
		if f := checkNumber(l, i); f > best {
			best = f
		}
	}
	l.Push(glua.LNumber(best))
	return 1
}

func mathMin(l *glua.LState) int {
	best := checkNumber(l, 1)
	for i := 2; i <= l.GetTop(); i++ {
		if f := checkNumber(l, i); f < best {
			best = f
		}
	}
	l.Push(glua.LNumber(best))
	return 1
}

// math.random([low [, high]])
func (m *Machine) random(l *glua.LState) int {
	f := m.rand.Float64()
	switch l.GetTop() {
	case 0:
		l.Push(glua.LNumber(f))
	case 1:
		high := checkInt(l, 1)
		if high < 1 {
			badArgument(l, 1, "interval is empty")
		}
		l.Push(glua.LNumber(math.Floor(f*float64(high)) + 1))
	case 2:
		low, high := checkInt(l, 1), checkInt(l, 2)
		if low > high {
			badArgument(l, 2, "interval is empty")
		}
		l.Push(glua.LNumber(math.Floor(f*(float64(high)-float64(low)+1)) + float64(low)))
	default:
		fail(l, "wrong number of arguments")
	}
	return 1
}

// math.randomseed(n)
func (m *Machine) randomseed(l *glua.LState) int {
	seed := uint64(checkInt(l, 1))
	m.rand = rand.New(rand.NewPCG(seed, seed))
	return 0
}

// arithmetic is that of strings which are numbers.
func arithmetic() map[string]glua.LGFunction {
	functions := map[string]glua.LGFunction{}
	for event, f := range map[string]func(a, b float64) float64{
		"__add": func(a, b float64) float64 { return a + b }, "__sub": func(a, b float64) float64 { return a - b },
		"__mul": func(a, b float64) float64 { return a * b }, "__div": func(a, b float64) float64 { return a / b },
		"__mod": remainder, "__pow": math.Pow,
	} {
		functions[event] = operator(event, f)
	}
	functions["__unm"] = func(l *glua.LState) int {
		l.Push(glua.LNumber(-operand(l, l.Get(1))))
		return 1
	}
	return functions
}

// remainder is what Lua 5.1's % leaves: 0 for 1%0.1, where C's fmod, which gopher-lua takes, leaves nearly 0.1.
func remainder(a, b float64) float64 { return a - math.Floor(a/b)*b }

// moduloName is the global that computes a remainder. No script can say it.
const moduloName = "\x00modulo"

// modulo makes a call of an operator %.
func modulo(e *ast.ArithmeticOpExpr) ast.Expr {
	f := at(&ast.IdentExpr{Value: moduloName}, e)
	return at(&ast.FuncCallExpr{Func: f, Args: []ast.Expr{e.Lhs, oneValue(e.Rhs)}, AdjustRet: true}, e)
}

// moduloFunction is the global moduloName: of two numbers, or of what has an operation of its own.
func moduloFunction() glua.LGFunction {
	others := operator("__mod", remainder)
	return func(l *glua.LState) int {
		a, okA := l.Get(1).(glua.LNumber)
		b, okB := l.Get(2).(glua.LNumber)
		if !okA || !okB {
			return others(l)
		}
		l.Push(glua.LNumber(remainder(float64(a), float64(b))))
		return 1
	}
}

// operator is an operation on strings, unless one of its operands has one of its own.
func operator(event string, f func(a, b float64) float64) glua.LGFunction {
	return func(l *glua.LState) int {
		for i := 1; i <= 2; i++ {
			if t, ok := l.Get(i).(*glua.LTable); ok {
				if own, ok := l.GetMetaField(t, event).(*glua.LFunction); ok {
					l.Insert(own, 1)
					l.Call(2, 1)
					return 1
				}
			}
		}
		l.Push(glua.LNumber(f(operand(l, l.Get(1)), operand(l, l.Get(2)))))
		return 1
	}
}

func operand(l *glua.LState, v glua.LValue) float64 {
	f, ok := number(v)
	if !ok {
		fail(l, "attempt to perform arithmetic on a %s value", v.Type().String())
	}
	return f
}
