package client

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// lines are typed lines. What they split into is compared with redis-cli 7.0 in reference_test.go.
var lines = []struct {
	line string
	want []string // nil: the quotes do not match
}{
	{`set a 1`, []string{"set", "a", "1"}},
	{"  a \t b\v \v\fc", []string{"a", "b\v", "c"}},
	{"'a'\vb", []string{"a", "b"}},
	{`a "b c" ''`, []string{"a", "b c", ""}},
	{`a "\x41\n\r\t\b\a\q\\\""`, []string{"a", "A\n\r\t\b\aq\\\""}},
	{`a "\xff\x0"`, []string{"a", "\xffx0"}},
	{`a "\xZZ"`, []string{"a", "xZZ"}},
	{`a 'b\'c\n"'`, []string{"a", `b'c\n"`}},
	{`a b"c d"`, []string{"a", "bc d"}},
	{`a b'c d'`, []string{"a", "bc d"}},
	{`a \"b"`, []string{"a", `\b`}},
	{`a \n\\`, []string{"a", `\n\\`}},
	{`a "b"c`, nil},
	{`a 'b'c`, nil},
	{`a "b" "c"`, []string{"a", "b", "c"}},
	{`a "b""c"`, nil},
	{`a "b`, nil},
	{`a 'b`, nil},
	{`a "b\"`, nil},
	{`a "b\`, nil},
	{`a 'b\'`, nil},
	{`a é "é"`, []string{"a", "é", "é"}},
}

func TestWords(t *testing.T) {
	for _, c := range lines {
		got, err := Words(c.line)
		if !slices.Equal(got, c.want) || (err == nil) != (c.want != nil) {
			t.Errorf("Words(%q) = %q, %v; want %q", c.line, got, err, c.want)
		}
	}
	if got, err := Words(" \t"); len(got) != 0 || err != nil {
		t.Errorf("a blank line is %q, %v", got, err)
	}
	if _, err := Words(`"`); !errors.Is(err, ErrQuotes) {
		t.Errorf("got %v, want ErrQuotes", err)
	}
}

// What is printed in quotes can be typed in again.
func FuzzWords(f *testing.F) {
	for _, c := range lines {
		f.Add(c.line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		words, err := Words(line)
		if err != nil {
			return
		}
		quoted := make([]string, len(words))
		for i, word := range words {
			quoted[i] = string(appendQuoted(nil, word))
		}
		again, err := Words(strings.Join(quoted, " "))
		if err != nil || !slices.Equal(again, words) {
			t.Fatalf("%q gives %q, but in quotes %q, %v", line, words, again, err)
		}
	})
}
