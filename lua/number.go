package lua

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	glua "github.com/yuin/gopher-lua"
)

const pi = math.Pi

var infinity = math.Inf(1)

// parseNumber reads a number as Lua 5.1 does: decimal or hexadecimal, with blanks around it.
func parseNumber(text string) (float64, bool) {
	text = strings.Trim(text, " \t\n\v\f\r")
	if text == "" || strings.ContainsRune(text, '_') {
		return 0, false
	}
	unsigned := strings.TrimLeft(text, "+-")
	if len(text)-len(unsigned) > 1 {
		return 0, false
	}
	if len(unsigned) > 2 && unsigned[0] == '0' && (unsigned[1] == 'x' || unsigned[1] == 'X') {
		if !strings.ContainsAny(unsigned, "pP") {
			unsigned += "p0"
		}
		f, err := strconv.ParseFloat(unsigned, 64)
		if text[0] == '-' {
			f = -f
		}
		return f, err == nil || math.IsInf(f, 0)
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil || math.IsInf(f, 0)
}

// appendNumber appends a number as Lua 5.1 prints it: C's %.14g.
func appendNumber(dst []byte, f float64) []byte {
	if f == math.Trunc(f) && math.Abs(f) < 1e14 {
		if f == 0 && math.Signbit(f) {
			return append(dst, "-0"...)
		}
		return strconv.AppendInt(dst, int64(f), 10)
	}
	return appendG(dst, f, 14)
}

// appendG is C's %.<digits>g.
func appendG(dst []byte, f float64, digits int) []byte {
	switch {
	case math.IsNaN(f) && math.Signbit(f):
		return append(dst, "-nan"...)
	case math.IsNaN(f):
		return append(dst, "nan"...)
	case math.IsInf(f, 1):
		return append(dst, "inf"...)
	case math.IsInf(f, -1):
		return append(dst, "-inf"...)
	}
	return strconv.AppendFloat(dst, f, 'g', digits, 64)
}

// text is a string, or a number as a string.
func text(v glua.LValue) (string, bool) {
	switch v := v.(type) {
	case glua.LString:
		return string(v), true
	case glua.LNumber:
		var room [32]byte
		return string(appendNumber(room[:0], float64(v))), true
	}
	return "", false
}

// number is a number, or a string that is one.
func number(v glua.LValue) (float64, bool) {
	switch v := v.(type) {
	case glua.LNumber:
		return float64(v), true
	case glua.LString:
		return parseNumber(string(v))
	}
	return 0, false
}

// display is any value as a string, as tostring has it without metatables.
func display(v glua.LValue) string {
	if s, ok := text(v); ok {
		return s
	}
	if ud, ok := v.(*glua.LUserData); ok && ud.Value == nil {
		return "userdata: (nil)"
	}
	return v.String()
}

// checkText is the i-th argument as a string.
func checkText(l *glua.LState, i int) string {
	s, ok := text(l.Get(i))
	if !ok {
		badType(l, i, "string")
	}
	return s
}

// optText is the i-th argument as a string, or what is to be taken where there is none.
func optText(l *glua.LState, i int, otherwise string) string {
	if l.Get(i) == glua.LNil {
		return otherwise
	}
	return checkText(l, i)
}

// checkNumber is the i-th argument as a number.
func checkNumber(l *glua.LState, i int) float64 {
	f, ok := number(l.Get(i))
	if !ok {
		badType(l, i, "number")
	}
	return f
}

// checkInt is the i-th argument as an integer, without what is behind its point.
func checkInt(l *glua.LState, i int) int { return toInt(checkNumber(l, i)) }

func optInt(l *glua.LState, i, otherwise int) int {
	if l.Get(i) == glua.LNil {
		return otherwise
	}
	return checkInt(l, i)
}

// toInt is a number without what is behind its point; what does not fit is the lowest integer, as a processor has it.
func toInt(f float64) int {
	if f >= -(1<<63) && f < 1<<63 {
		return int(f)
	}
	return math.MinInt64
}

// fail raises an error that tells where the caller is, if that is a function in Lua.
func fail(l *glua.LState, format string, args ...any) {
	l.Error(glua.LString(place(l, 1)+fmt.Sprintf(format, args...)), 0)
}

// checkTable is the i-th argument, which must be a table.
func checkTable(l *glua.LState, i int) *glua.LTable {
	t, ok := l.Get(i).(*glua.LTable)
	if !ok {
		badType(l, i, "table")
	}
	return t
}

// checkFunction is the i-th argument, which must be a function.
func checkFunction(l *glua.LState, i int) *glua.LFunction {
	f, ok := l.Get(i).(*glua.LFunction)
	if !ok {
		badType(l, i, "function")
	}
	return f
}

// checkAny is the i-th argument, which must be there.
func checkAny(l *glua.LState, i int) glua.LValue {
	if l.GetTop() < i {
		badArgument(l, i, "value expected")
	}
	return l.Get(i)
}

// badType raises the error of an argument that is of the wrong type.
func badType(l *glua.LState, i int, wanted string) {
	got := "no value"
	if i <= l.GetTop() {
		got = l.Get(i).Type().String()
	}
	badArgument(l, i, wanted+" expected, got "+got)
}

// noValue raises the error of an argument that is not there, where anything would do.
func noValue(l *glua.LState, i int) { badArgument(l, i, "value expected") }

// badArgument raises the error of an argument that is wrong.
func badArgument(l *glua.LState, i int, what string) {
	name := "?"
	if frame, ok := l.GetStack(0); ok {
		if _, err := l.GetInfo("n", frame, glua.LNil); err == nil {
			name = functionName(frame.Name)
		}
	}
	fail(l, "bad argument #%d to '%s' (%s)", i, name, what)
}

// functionName is the last part of a name as gopher-lua gives it.
func functionName(name string) string {
	if dot := strings.LastIndexAny(name, ".:"); dot >= 0 {
		name = name[dot+1:]
	}
	if name == "" || name[0] == '(' || name[0] == '<' {
		return "?"
	}
	return name
}
