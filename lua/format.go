package lua

import (
	"fmt"
	"math"
	"strings"

	glua "github.com/yuin/gopher-lua"
)

// string.format(format, ...)
func (m *Machine) format(l *glua.LState) int {
	f := checkText(l, 1)
	m.pay(l, int64(len(f)))
	var out []byte
	arg := 1
	for i := 0; i < len(f); i++ {
		if f[i] != '%' {
			out = append(out, f[i])
			continue
		}
		i++
		if i < len(f) && f[i] == '%' {
			out = append(out, '%')
			continue
		}
		spec := parseSpec(l, f[i:])
		i += spec.length
		verb := byte(0)
		if i < len(f) {
			verb = f[i]
		}
		arg++
		out = m.formatOne(l, out, spec, verb, arg)
	}
	l.Push(glua.LString(out))
	return 1
}

// spec is what stands between % and the letter.
type spec struct {
	flags            string
	width, precision int // -1: not given
	length           int // bytes
}

func parseSpec(l *glua.LState, s string) spec {
	p := spec{width: -1, precision: -1}
	i := 0
	for i < len(s) && strings.IndexByte("-+ #0", s[i]) >= 0 {
		i++
	}
	if i > 5 {
		fail(l, "invalid format (repeated flags)")
	}
	p.flags = s[:i]
	digits := func() int {
		n, from := 0, i
		for i < len(s) && isDigit(s[i]) {
			n = n*10 + int(s[i]-'0')
			if i++; i-from > 2 {
				fail(l, "invalid format (width or precision too long)")
			}
		}
		if from == i {
			return -1
		}
		return n
	}
	p.width = digits()
	if i < len(s) && s[i] == '.' {
		i++
		p.precision = max(digits(), 0)
	}
	p.length = i
	return p
}

// verb is the spec in Go's notation.
func (p spec) verb(letter byte) string {
	s := "%" + p.flags
	if p.width >= 0 {
		s += fmt.Sprint(p.width)
	}
	if p.precision >= 0 {
		s += "." + fmt.Sprint(p.precision)
	}
	return s + string(letter)
}

func (m *Machine) formatOne(l *glua.LState, out []byte, p spec, verb byte, arg int) []byte {
	switch verb {
	case 'c':
		return p.pad(out, string([]byte{byte(checkInt(l, arg))}))
	case 'd', 'i':
		if p.precision >= 0 {
			p.flags = strings.ReplaceAll(p.flags, "0", "") // as in C
		}
		return fmt.Appendf(out, p.verb('d'), checkInt(l, arg))
	case 'u':
		return fmt.Appendf(out, p.verb('d'), uint64(checkInt(l, arg)))
	case 'o', 'x', 'X':
		return fmt.Appendf(out, p.verb(verb), uint64(checkInt(l, arg)))
	case 'e', 'E', 'f', 'g', 'G':
		return p.float(out, verb, checkNumber(l, arg))
	case 'q':
		s := checkText(l, arg)
		m.pay(l, int64(len(s))*6) // of a zero it makes four bytes
		return appendQuoted(out, s)
	case 's':
		s := checkText(l, arg)
		m.pay(l, int64(len(s))*2)
		if p.precision >= 0 && p.precision < len(s) {
			s = s[:p.precision]
		}
		return p.pad(out, s)
	}
	if verb == 0 {
		fail(l, "invalid option '%%' to 'format'")
	}
	fail(l, "invalid option '%%%c' to 'format'", verb)
	return out
}

// pad appends a text in at least the width.
func (p spec) pad(out []byte, s string) []byte {
	blanks := strings.Repeat(" ", max(p.width-len(s), 0))
	if strings.Contains(p.flags, "-") {
		return append(append(out, s...), blanks...)
	}
	return append(append(out, blanks...), s...)
}

func (p spec) float(out []byte, verb byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		s := string(appendG(nil, f, 6))
		if strings.Contains(p.flags, "+") && s[0] != '-' {
			s = "+" + s
		}
		if verb < 'a' {
			s = strings.ToUpper(s)
		}
		return p.pad(out, s)
	}
	if p.precision < 0 {
		p.precision = 6
	}
	return fmt.Appendf(out, p.verb(verb), f)
}

// appendQuoted appends a string as Lua reads it.
func appendQuoted(out []byte, s string) []byte {
	out = append(out, '"')
	for _, c := range []byte(s) {
		switch c {
		case '"', '\\', '\n':
			out = append(out, '\\', c)
		case '\r':
			out = append(out, `\r`...)
		case 0:
			out = append(out, `\000`...)
		default:
			out = append(out, c)
		}
	}
	return append(out, '"')
}
