package resp

import (
	"strings"
	"testing"
)

// Inline requests split as redis-server 7.0.15 splits them.
func TestParseInline(t *testing.T) {
	for _, tc := range []struct {
		line string
		want []string
	}{
		{"PING", []string{"PING"}},
		{"  SET   key value  ", []string{"SET", "key", "value"}},
		{"PING\tfoo", []string{"PING", "foo"}},
		{"PING a\rb", []string{"PING", "a", "b"}},
		{"PING a\r", []string{"PING", "a"}},
		{"\vPING\f", []string{"PING\f"}}, // these two separate words only from outside
		{"PING foo\vbar", []string{"PING", "foo\vbar"}},
		{`PING foo"bar"`, []string{"PING", "foobar"}},
		{`PING foo'b a'`, []string{"PING", "foob a"}},
		{`PING "a b" 'c d'`, []string{"PING", "a b", "c d"}},
		{`PING "" ''`, []string{"PING", "", ""}},
		{`PING "it's" 'say "x"'`, []string{"PING", "it's", `say "x"`}},
		{`PING "a\x41\n\r\t\b\a\q\""`, []string{"PING", "aA\n\r\t\b\aq\""}},
		{`PING "\xfF\x0" "\xZZ" "\x4"`, []string{"PING", "\xffx0", "xZZ", "x4"}},
		{`PING "\\"`, []string{"PING", `\`}},
		{`PING 'a\'b\n\x41\\ '`, []string{"PING", `a'b\n\x41\\ `}},
		{`PING a\nb \" x`, nil}, // the backslash is not special outside quotes, the quote after it is
		{`PING a\nb`, []string{"PING", `a\nb`}},
		{"PING 'a'\v'b'", []string{"PING", "a", "b"}},
		{"$4", []string{"$4"}},
		{"$5 hello", []string{"$5", "hello"}},
		{"", []string{}},
		{"   ", []string{}},
	} {
		for _, end := range []string{"\n", "\r\n"} {
			args, err := Parse([]byte(tc.line+end), nil)
			if tc.want == nil {
				if err != errUnbalanced {
					t.Errorf("%q: %q, %v, want unbalanced quotes", tc.line+end, args, err)
				}
				continue
			}
			if err != nil || len(args) != len(tc.want) {
				t.Errorf("%q: %q, %v, want %q", tc.line+end, args, err, tc.want)
				continue
			}
			for i, arg := range args {
				if string(arg) != tc.want[i] {
					t.Errorf("%q: %q, want %q", tc.line+end, args, tc.want)
				}
			}
		}
	}
}

func TestParseMultibulk(t *testing.T) {
	packet := []byte("*3\r\n$3\r\nSET\r\n$0\r\n\r\n$4\r\na\r\nb\r\n")
	old := [][]byte{[]byte("left"), []byte("over")}
	args, err := Parse(packet, old)
	if err != nil || len(args) != 3 || string(args[0]) != "SET" || string(args[1]) != "" || string(args[2]) != "a\r\nb" {
		t.Fatalf("%q, %v", args, err)
	}
	packet[8] = 'G' // SET's first byte
	if string(args[0]) != "GET" {
		t.Error("an argument is not a slice of the packet")
	}
	for _, empty := range []string{"*0\r\n", "*-1\r\n", "*-9223372036854775808\r\n", "\r\n", "\n"} {
		if args, err := Parse([]byte(empty), old); len(args) != 0 || err != nil {
			t.Errorf("%q: %q, %v, want nothing", empty, args, err)
		}
	}
}

// What Framer would not have accepted, and redcon survives, is an error.
func TestParseUnframed(t *testing.T) {
	for _, packet := range []string{
		"", "*", "*1\r\n", "*1\r\n$4\r\nPING", "*1\r\n$4\r\nPINGxx", "*1\r\nfoo\r\n", "*1\r\n$4\r\nPING\r\nmore", "PING 'a\n",
	} {
		args, err := Parse([]byte(packet), nil)
		if err == nil || !strings.HasPrefix(err.Error(), "ERR Protocol error: ") {
			t.Errorf("%q: %q, %v, want a protocol error", packet, args, err)
		}
	}
}

func TestParseAllocatesNothing(t *testing.T) {
	packet, line := AppendCommand(nil, "SET", "key", "value"), []byte("SET key value\r\n")
	args := make([][]byte, 0, 3)
	allocs := testing.AllocsPerRun(100, func() {
		args, _ = Parse(packet, args)
		args, _ = Parse(line, args)
	})
	if allocs != 0 {
		t.Errorf("%v allocations, want 0", allocs)
	}
}
