// Package glob matches byte strings against glob patterns as Redis does, for KEYS, SCAN … MATCH, PSUBSCRIBE and
// CONFIG GET:
//
//	?        one byte
//	*        any bytes, or none
//	[abc]    one byte of the class; ranges a-z, in either order; [^abc] one byte outside it; \ escapes
//	\x       the byte x
//
// What no pattern should contain but some do, as Redis 7.0 takes it: a class that is not closed ends with the
// pattern; "]" directly after "[" closes it, so that [] matches nothing and [^] any byte; "-" before "]" makes a
// range that ends at "]"; a backslash at the pattern's end stands for itself.
//
// Two accidents of Redis are not repeated: bytes from 0x80 on are the highest in a range (with C's signed char they
// are below all others), and the empty string matches "**" as it matches "*".
//
// Every element but * takes exactly one byte, so after a mismatch only the last * needs another try, and matching
// takes at most len(pattern)·len(s) steps. Rejected: a recursive call per *, which is exponential in nested stars.
package glob

// Match reports whether the whole of s matches pattern.
func Match(pattern, s []byte) bool { return match(pattern, s, false) }

// MatchFold is Match without regard to the case of ASCII letters.
func MatchFold(pattern, s []byte) bool { return match(pattern, s, true) }

func match(pattern, s []byte, fold bool) bool {
	p, i := 0, 0
	star, again := -1, 0 // pattern behind the last *, and where in s its next try begins
	for i < len(s) {
		if p < len(pattern) && pattern[p] == '*' {
			p++
			if p == len(pattern) {
				return true
			}
			star, again = p, i
			continue
		}
		if p < len(pattern) {
			if next, ok := element(pattern, p, s[i], fold); ok {
				p, i = next, i+1
				continue
			}
		}
		if star < 0 {
			return false
		}
		again++
		p, i = star, again
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// element matches c against the element at pattern[p], which is not a *, and returns where the next one begins.
func element(pattern []byte, p int, c byte, fold bool) (next int, ok bool) {
	switch {
	case pattern[p] == '?':
		return p + 1, true
	case pattern[p] == '[':
		return class(pattern, p+1, c, fold)
	case pattern[p] == '\\' && p+1 < len(pattern):
		p++
	}
	return p + 1, canon(pattern[p], fold) == canon(c, fold)
}

// class matches c against the class whose first byte is at pattern[p].
func class(pattern []byte, p int, c byte, fold bool) (next int, ok bool) {
	negated := p < len(pattern) && pattern[p] == '^'
	if negated {
		p++
	}
	c = canon(c, fold)
	found := false
	for ; p < len(pattern) && pattern[p] != ']'; p++ {
		low, high := pattern[p], pattern[p]
		switch {
		case pattern[p] == '\\' && p+1 < len(pattern):
			p++
			low, high = pattern[p], pattern[p]
		case p+2 < len(pattern) && pattern[p+1] == '-':
			p += 2
			high = pattern[p]
			if low > high {
				low, high = high, low
			}
		}
		if canon(low, fold) <= c && c <= canon(high, fold) {
			found = true
		}
	}
	return min(p+1, len(pattern)), found != negated
}

// canon is c, or if case is folded its lower case.
func canon(c byte, fold bool) byte {
	if fold && 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
