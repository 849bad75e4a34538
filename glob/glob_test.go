package glob

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// The verdicts are those of redis-server 7.0.15: KEYS with each pattern on a key of that name.
func TestMatch(t *testing.T) {
	for _, tc := range []struct {
		pattern string
		match   string // space-separated
		differ  string
	}{
		{"abc", "abc", "ab abcd Abc xabc"},
		{"a?c", "abc a?c a*c", "ac abbc"},
		{"*", "a abc", ""},
		{"a*", "a abc a*", "ba"},
		{"*a", "a ba aa", "ab"},
		{"*a*b*", "ab xaxbx aabb", "ba aaa"},
		{"a***b", "ab axb", "a b"},
		{"*ab", "ab aab abab", "aba"},
		{"*a?b", "axb aaab", "ab aab1"},
		{"[abc]x", "ax bx cx", "dx x abcx"},
		{"[^abc]x", "dx ]x", "ax bx x"},
		{"[!a]x", "!x ax", "bx"},
		{"[a-c]", "a b c", "d - A"},
		{"[c-a]", "a b c", "d -"},
		{"[a-cx-z]", "a y", "d w -"},
		{"[-a]", "- a", "b"},
		{"[a-]", "a ] ^", "- b"},      // the range from ] to a, and no end
		{"[a-]x]", "a ] ^ x", "- ax"}, // the same and x, closed by the second ]
		{"[]", "", "] []"},            // empty
		{"[]a]", "", "] a ]a] a]"},    // empty, then a]
		{"[^]", "a ]", "ab"},          // anything
		{"[^]a]", "xa] ]a]", "a] xa"}, // anything, then a]
		{"[", "", "["},
		{"[^", "a [ ^", "ab"},
		{"[ab", "a b", "[ c ab"}, // not closed
		{"x[ab", "xa xb", "x xab"},
		{`[\]]`, "]", `\ a`},
		{`[\a-c]`, "a - c", `b \`}, // an escaped byte begins no range
		{`[a\`, `a \`, "b"},
		{`\*`, "*", `a \*`},
		{`\[a]`, "[a]", "a"},
		{`\a`, "a", `\a`},
		{`a\`, `a\`, "a"},
		{`\\`, `\`, `\\`},
		{`*\`, `\ a\`, "a"},
		{"h[^e]llo", "hallo hbllo", "hello"},
		{"a[^*]*", "abcde ab", "a a*"},
	} {
		for _, s := range strings.Fields(tc.match) {
			if !Match([]byte(tc.pattern), []byte(s)) {
				t.Errorf("Match(%q, %q) = false, want true", tc.pattern, s)
			}
		}
		for _, s := range strings.Fields(tc.differ) {
			if Match([]byte(tc.pattern), []byte(s)) {
				t.Errorf("Match(%q, %q) = true, want false", tc.pattern, s)
			}
		}
	}
}

func TestMatchEmpty(t *testing.T) {
	for pattern, want := range map[string]bool{
		"": true, "*": true, "**": true, "?": false, "a": false, "*a": false, "[^a]": false, `\`: false, "[": false,
	} {
		if got := Match([]byte(pattern), nil); got != want {
			t.Errorf("Match(%q, empty) = %v, want %v", pattern, got, want)
		}
	}
	if Match(nil, []byte("a")) {
		t.Error("the empty pattern matches a")
	}
}

// Case folding as CONFIG GET does it.
func TestMatchFold(t *testing.T) {
	for _, tc := range []struct {
		pattern, s string
		want       bool
	}{
		{"MAXmemory", "maxMEMORY", true},
		{"max*POLICY", "maxmemory-policy", true},
		{"[A-C]x", "bX", true},
		{"[a-c]x", "BX", true},
		{"[^B]x", "bX", false},
		{"[z-A]", "b", true},  // A to z in order, then folded: a to z
		{"[Z-a]", "b", false}, // Z to a in order, then folded: z to a, which is empty
		{"É", "é", false},     // ASCII only
		{"abc", "abd", false},
	} {
		if got := MatchFold([]byte(tc.pattern), []byte(tc.s)); got != tc.want {
			t.Errorf("MatchFold(%q, %q) = %v, want %v", tc.pattern, tc.s, got, tc.want)
		}
	}
}

// Nested stars that no suffix satisfies took Redis before 7.0.9 longer than anybody waits.
func TestMatchIsBounded(t *testing.T) {
	pattern := []byte(strings.Repeat("*a", 1000) + "b")
	s := bytes.Repeat([]byte("a"), 50_000)
	start := time.Now()
	if Match(pattern, s) {
		t.Error("matched without the b")
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}

// FuzzMatch compares with the recursive definition on small inputs, and with itself where there is a law.
func FuzzMatch(f *testing.F) {
	for _, seed := range [][2]string{
		{"a*b?c", "axxbyc"}, {"[a-c]*[^x]", "bzz"}, {`\*[\]a`, "*]"}, {"[z-a]**", "q"}, {"[", "["}, {"*[^", "ab"},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, pattern, s []byte) {
		got := Match(pattern, s)
		if len(pattern)+len(s) <= 24 {
			if want := recursive(pattern, s); got != want {
				t.Errorf("Match(%q, %q) = %v, want %v", pattern, s, got, want)
			}
		}
		if got && !MatchFold(pattern, s) && !bytes.ContainsAny(pattern, "[") {
			t.Errorf("Match(%q, %q), but not MatchFold", pattern, s)
		}
		if !Match(escape(s), s) {
			t.Errorf("%q does not match itself escaped", s)
		}
	})
}

// recursive is the definition: a * is every number of bytes in turn.
func recursive(pattern, s []byte) bool {
	if len(pattern) == 0 {
		return len(s) == 0
	}
	if pattern[0] == '*' {
		for skip := 0; skip <= len(s); skip++ {
			if recursive(pattern[1:], s[skip:]) {
				return true
			}
		}
		return false
	}
	if len(s) == 0 {
		return false
	}
	next, ok := element(pattern, 0, s[0], false)
	return ok && recursive(pattern[next:], s[1:])
}

func escape(s []byte) []byte {
	var pattern []byte
	for _, c := range s {
		pattern = append(pattern, '\\', c)
	}
	return pattern
}

func BenchmarkMatch(b *testing.B) {
	pattern, s := []byte("session:*:token"), []byte("session:0123456789abcdef:token")
	b.ReportAllocs()
	for b.Loop() {
		if !Match(pattern, s) {
			b.Fatal("no match")
		}
	}
}
