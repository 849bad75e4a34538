package lua

import (
	glua "github.com/yuin/gopher-lua"
)

// matcher matches the patterns of Lua 5.1, by backtracking. Each step is spent on the watch, so that a bad pattern ends as
// any loop does.
type matcher struct {
	m        *Machine
	l        *glua.LState
	src, pat string
	level    int // captures, finished or not
	depth    int
	capture  [capturesMax]struct{ start, len int }
}

const (
	capturesMax     = 32
	captureOpen     = -1
	capturePosition = -2
	matchDepthMax   = 20_000
)

func (ms *matcher) fail(what string) { fail(ms.l, "%s", what) }

// match matches the pattern from p on at s, and returns the end of the match, or -1.
func (ms *matcher) match(s, p int) int {
	if ms.depth++; ms.depth > matchDepthMax {
		ms.fail("pattern too complex")
	}
	defer func() { ms.depth-- }()
	for {
		ms.m.spend(ms.l)
		if p == len(ms.pat) {
			return s
		}
		switch ms.pat[p] {
		case '(':
			if p+1 < len(ms.pat) && ms.pat[p+1] == ')' {
				return ms.open(s, p+2, capturePosition)
			}
			return ms.open(s, p+1, captureOpen)
		case ')':
			return ms.close(s, p+1)
		case '$':
			if p+1 == len(ms.pat) {
				if s == len(ms.src) {
					return s
				}
				return -1
			}
		case '%':
			if p+1 < len(ms.pat) {
				switch c := ms.pat[p+1]; {
				case c == 'b':
					if s = ms.balance(s, p+2); s < 0 {
						return -1
					}
					p += 4
					continue
				case c == 'f':
					next, ok := ms.frontier(s, p+2)
					if !ok {
						return -1
					}
					p = next
					continue
				case '0' <= c && c <= '9':
					if s = ms.back(s, c); s < 0 {
						return -1
					}
					p += 2
					continue
				}
			}
		}
		end := ms.classEnd(p)
		suffix := byte(0)
		if end < len(ms.pat) {
			suffix = ms.pat[end]
		}
		switch suffix {
		case '?':
			if s < len(ms.src) && ms.single(s, p, end) {
				if r := ms.match(s+1, end+1); r >= 0 {
					return r
				}
			}
			p = end + 1
		case '*':
			return ms.expand(s, p, end)
		case '+':
			if s >= len(ms.src) || !ms.single(s, p, end) {
				return -1
			}
			return ms.expand(s+1, p, end)
		case '-':
			return ms.shortest(s, p, end)
		default:
			if s >= len(ms.src) || !ms.single(s, p, end) {
				return -1
			}
			s, p = s+1, end
		}
	}
}

// expand matches as many as possible of what is from p to end.
func (ms *matcher) expand(s, p, end int) int {
	n := 0
	for s+n < len(ms.src) && ms.single(s+n, p, end) {
		n++
		ms.m.spend(ms.l)
	}
	for ; n >= 0; n-- {
		if r := ms.match(s+n, end+1); r >= 0 {
			return r
		}
	}
	return -1
}

// shortest matches as few as possible.
func (ms *matcher) shortest(s, p, end int) int {
	for {
		if r := ms.match(s, end+1); r >= 0 {
			return r
		}
		if s >= len(ms.src) || !ms.single(s, p, end) {
			return -1
		}
		s++
	}
}

func (ms *matcher) open(s, p, what int) int {
	if ms.level >= capturesMax {
		ms.fail("too many captures")
	}
	ms.capture[ms.level].start, ms.capture[ms.level].len = s, what
	ms.level++
	r := ms.match(s, p)
	if r < 0 {
		ms.level--
	}
	return r
}

func (ms *matcher) close(s, p int) int {
	for i := ms.level - 1; i >= 0; i-- {
		if ms.capture[i].len != captureOpen {
			continue
		}
		ms.capture[i].len = s - ms.capture[i].start
		r := ms.match(s, p)
		if r < 0 {
			ms.capture[i].len = captureOpen
		}
		return r
	}
	ms.fail("invalid pattern capture")
	return -1
}

func (ms *matcher) balance(s, p int) int {
	if p+1 >= len(ms.pat) {
		ms.fail("unbalanced pattern")
	}
	if s >= len(ms.src) || ms.src[s] != ms.pat[p] {
		return -1
	}
	begin, end, depth := ms.pat[p], ms.pat[p+1], 1
	for i := s + 1; i < len(ms.src); i++ {
		switch ms.src[i] {
		case end:
			if depth--; depth == 0 {
				return i + 1
			}
		case begin:
			depth++
		}
	}
	return -1
}

// frontier is %f: a place where the set begins to fit.
func (ms *matcher) frontier(s, p int) (next int, ok bool) {
	if p >= len(ms.pat) || ms.pat[p] != '[' {
		ms.fail("missing '[' after '%f' in pattern")
	}
	end := ms.classEnd(p)
	at := func(i int) byte {
		if i < 0 || i >= len(ms.src) {
			return 0
		}
		return ms.src[i]
	}
	return end, !ms.set(at(s-1), p, end-1) && ms.set(at(s), p, end-1)
}

func (ms *matcher) back(s int, digit byte) int {
	i := int(digit - '1')
	if i < 0 || i >= ms.level || ms.capture[i].len == captureOpen {
		ms.fail("invalid capture index")
	}
	c := ms.capture[i]
	n := max(c.len, 0)
	if len(ms.src)-s >= n && ms.src[c.start:c.start+n] == ms.src[s:s+n] {
		return s + n
	}
	return -1
}

// classEnd is where the item that begins at p ends.
func (ms *matcher) classEnd(p int) int {
	c := ms.pat[p]
	p++
	switch c {
	case '%':
		if p == len(ms.pat) {
			ms.fail("malformed pattern (ends with '%')")
		}
		return p + 1
	case '[':
		if p < len(ms.pat) && ms.pat[p] == '^' {
			p++
		}
		for first := true; first || ms.pat[p] != ']'; first = false {
			if p == len(ms.pat) {
				ms.fail("malformed pattern (missing ']')")
			}
			escaped := ms.pat[p] == '%'
			p++
			if escaped && p < len(ms.pat) {
				p++
			}
			if p >= len(ms.pat) {
				ms.fail("malformed pattern (missing ']')")
			}
		}
		return p + 1
	}
	return p
}

// single reports whether one character fits the item from p to end.
func (ms *matcher) single(s, p, end int) bool {
	c := ms.src[s]
	switch ms.pat[p] {
	case '.':
		return true
	case '%':
		return class(c, ms.pat[p+1])
	case '[':
		return ms.set(c, p, end-1)
	}
	return ms.pat[p] == c
}

// set reports whether a character is in the set from p, its opening bracket, to its closing one.
func (ms *matcher) set(c byte, p, closing int) bool {
	in := true
	p++
	if ms.pat[p] == '^' {
		in = false
		p++
	}
	for ; p < closing; p++ {
		switch {
		case ms.pat[p] == '%':
			p++
			if class(c, ms.pat[p]) {
				return in
			}
		case p+2 < closing && ms.pat[p+1] == '-':
			if ms.pat[p] <= c && c <= ms.pat[p+2] {
				return in
			}
			p += 2
		case ms.pat[p] == c:
			return in
		}
	}
	return !in
}

// class reports whether a character is of a class; a letter in upper case is all others.
func class(c, letter byte) bool {
	var is bool
	switch letter | 0x20 {
	case 'a':
		is = isAlpha(c)
	case 'c':
		is = c < ' ' || c == 127
	case 'd':
		is = isDigit(c)
	case 'l':
		is = 'a' <= c && c <= 'z'
	case 'p':
		is = c > ' ' && c < 127 && !isAlpha(c) && !isDigit(c)
	case 's':
		is = c == ' ' || '\t' <= c && c <= '\r'
	case 'u':
		is = 'A' <= c && c <= 'Z'
	case 'w':
		is = isAlpha(c) || isDigit(c)
	case 'x':
		is = isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f'
	case 'z':
		is = c == 0
	default:
		return letter == c
	}
	if !isAlpha(letter) {
		return letter == c
	}
	return is == (letter >= 'a')
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isAlpha(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// value is the i-th capture, or for 0 without captures the whole match.
func (ms *matcher) value(i, s, e int) glua.LValue {
	if i >= ms.level {
		if i > 0 {
			ms.fail("invalid capture index")
		}
		return ms.m.part(ms.l, ms.src, s, e)
	}
	c := ms.capture[i]
	switch c.len {
	case captureOpen:
		ms.fail("unfinished capture")
	case capturePosition:
		return glua.LNumber(c.start + 1)
	}
	return ms.m.part(ms.l, ms.src, c.start, c.start+c.len)
}

// push pushes all captures, or the whole match where there are none and it is wanted, and returns how many.
func (ms *matcher) push(s, e int, whole bool) int {
	n := ms.level
	if n == 0 && whole {
		n = 1
	}
	for i := range n {
		ms.l.Push(ms.value(i, s, e))
	}
	return n
}
