package resp

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// The two packets that end, or occupy for ever, a server that hands them to redcon unframed.
func TestFramerRefusesWhatRedconDoesNotSurvive(t *testing.T) {
	for packet, want := range map[string]error{
		"*1\r\n$9223372036854775807\r\n": errBulkLength,
		"*9223372036854775807\r\n":       errMultibulkLength,
	} {
		for _, authenticated := range []bool{true, false} {
			if _, err := frame(packet, authenticated); err != want {
				t.Errorf("%q, authenticated %v: %v, want %v", packet, authenticated, err, want)
			}
		}
	}
}

// The errors, and what is no error yet, are those of redis-server 7.0.15; "more" is a connection that waits.
func TestFramerVerdicts(t *testing.T) {
	long := strings.Repeat("1", 64<<10) // exactly the limit
	for _, tc := range []struct{ packet, want string }{
		// counts
		{"*\r\n", "ERR Protocol error: invalid multibulk length"},
		{"*01\r\n", "ERR Protocol error: invalid multibulk length"},
		{"*+1\r\n", "ERR Protocol error: invalid multibulk length"},
		{"* 1\r\n", "ERR Protocol error: invalid multibulk length"},
		{"*-0\r\n", "ERR Protocol error: invalid multibulk length"},
		{"*1x\r\n", "ERR Protocol error: invalid multibulk length"},
		{"*1\n$4\r\nPING\r\n", "ERR Protocol error: invalid multibulk length"},
		{"*1048576\r\n", "more"},
		{"*2147483648\r\n", "ERR Protocol error: invalid multibulk length"},
		{"*9223372036854775808\r\n", "ERR Protocol error: invalid multibulk length"},
		{"*-9223372036854775809\r\n", "ERR Protocol error: invalid multibulk length"},
		// lengths
		{"*1\r\n$-1\r\n", "ERR Protocol error: invalid bulk length"},
		{"*1\r\n$\r\n", "ERR Protocol error: invalid bulk length"},
		{"*1\r\n$04\r\nPING\r\n", "ERR Protocol error: invalid bulk length"},
		{"*1\r\n$536870912\r\n", "more"},
		{"*1\r\n$536870913\r\n", "ERR Protocol error: invalid bulk length"},
		{"*2\r\n$4\r\nPING\r\n$x\r\n", "ERR Protocol error: invalid bulk length"},
		// not a bulk string
		{"*1\r\nfoo", "more"},
		{"*1\r\nfoo\r\n", "ERR Protocol error: expected '$', got 'f'"},
		{"*1\r\n\xff\r\n", "ERR Protocol error: expected '$', got '\xff'"},
		{"*1\r\n\r\n", "ERR Protocol error: expected '$', got '\r'"}, // on the wire a space
		// lines that do not end
		{"*" + long[1:], "more"},
		{"*" + long, "ERR Protocol error: too big mbulk count string"},
		{"*1\r\n$" + long[1:], "more"},
		{"*1\r\n$" + long, "ERR Protocol error: too big bulk count string"},
		{"*1\r\n" + long + "1", "ERR Protocol error: too big bulk count string"},
		{long, "more"},
		{long + "1", "ERR Protocol error: too big inline request"},
		{long + "\n", "whole"},
		// quotes
		{"PING \"a\r\n", "ERR Protocol error: unbalanced quotes in request"},
		{"PING 'a\r\n", "ERR Protocol error: unbalanced quotes in request"},
		{"PING \"a\"b\r\n", "ERR Protocol error: unbalanced quotes in request"},
		{"PING 'a'b\r\n", "ERR Protocol error: unbalanced quotes in request"},
		{"PING \"a\\\r\n", "ERR Protocol error: unbalanced quotes in request"},
		// whole requests
		{"*0\r\n", "whole"},
		{"*-1\r\n", "whole"},
		{"*-9223372036854775808\r\n", "whole"},
		{"*1\r\n$0\r\n\r\n", "whole"},
		{"*1\r\n$4\r\nPING\r\n", "whole"},
		{"*2\r\n$4\r\nECHO\r\n$4\r\n\r\n\r\n\r\n", "whole"},
		{"\r\n", "whole"},
		{"\n", "whole"},
		{"   \r\n", "whole"},
		{"PING\n", "whole"},
		{"$4\r\n", "whole"}, // an inline request for the command $4
		// not yet
		{"*", "more"},
		{"*1", "more"},
		{"*1\r", "more"},
		{"*1\r\n", "more"},
		{"*1\r\n$4\r\nPING", "more"},
		{"*1\r\n$4\r\nPING\r", "more"},
		{"PING", "more"},
	} {
		if got := verdict(tc.packet, true); got != tc.want {
			t.Errorf("%.40q (%d bytes): %s, want %s", tc.packet, len(tc.packet), got, tc.want)
		}
	}
}

func TestFramerWithoutAuthentication(t *testing.T) {
	for _, tc := range []struct{ packet, want string }{
		{"*10\r\n", "more"},
		{"*11\r\n", "ERR Protocol error: unauthenticated multibulk length"},
		{"*1\r\n$16384\r\n", "more"},
		{"*1\r\n$16385\r\n", "ERR Protocol error: unauthenticated bulk length"},
		{"*99999999999999999\r\n", "ERR Protocol error: invalid multibulk length"},
		{"*1\r\n$99999999999999999\r\n", "ERR Protocol error: invalid bulk length"},
		{"*1\r\n$4\r\nPING\r\n", "whole"},
		{"PING\r\n", "whole"},
	} {
		if got := verdict(tc.packet, false); got != tc.want {
			t.Errorf("%q: %s, want %s", tc.packet, got, tc.want)
		}
	}
}

// Redis skips two bytes where CR LF belongs; redcon and we do not. Our bound on arguments is that of Redis before 7.0.
func TestFramerStricterThanRedis(t *testing.T) {
	for packet, want := range map[string]error{
		"*1\rX$4\r\nPING\r\n": errMultibulkLength,
		"*1\r\n$4\rXPING\r\n": errBulkLength,
		"*1\r\n$4\r\nPINGxx":  errBulkLength,
		"*1048577\r\n":        errMultibulkLength,
	} {
		if _, err := frame(packet, true); err != want {
			t.Errorf("%q: %v, want %v", packet, err, want)
		}
	}
}

// With the highest limit that proto-max-bulk-len may be there is no argument behind whose end no byte could lie.
func TestFramerWithoutALimit(t *testing.T) {
	limits := DefaultLimits()
	limits.Bulk = math.MaxInt64
	for length, want := range map[int64]error{1 << 62: nil, math.MaxInt64: errBulkLength} {
		var f Framer
		packet := fmt.Appendf(nil, "*2\r\n$4\r\nECHO\r\n$%d\r\nabc", length)
		if n, err := f.Next(packet, &limits, true); n != 0 || err != nil && err != want || err == nil && want != nil {
			t.Errorf("%d bytes: %d, %v, want %v", length, n, err, want)
		}
	}
}

func TestFramerObeysItsLimits(t *testing.T) {
	small := &Limits{Bulk: 5, Args: 2, Inline: 10, UnauthArgs: 1, UnauthBulk: 3}
	for _, tc := range []struct {
		packet        string
		authenticated bool
		want          error
	}{
		{"*2\r\n$5\r\n", true, nil},
		{"*3\r\n", true, errMultibulkLength},
		{"*1\r\n$6\r\n", true, errBulkLength},
		{"0123456789\n", true, nil},
		{"01234567890\n", true, errInlineTooBig},
		{"*1\r\n$3\r\n", false, nil},
		{"*2\r\n", false, errUnauthMultibulk},
		{"*1\r\n$4\r\n", false, errUnauthBulk},
	} {
		var f Framer
		_, err := f.Next([]byte(tc.packet), small, tc.authenticated)
		if err != tc.want && (err != nil || tc.want != nil) {
			t.Errorf("%q: %v, want %v", tc.packet, err, tc.want)
		}
		var protocol *ProtocolError
		if err != nil && !errors.As(err, &protocol) {
			t.Errorf("%q: %T, want a *ProtocolError", tc.packet, err)
		}
	}
}

// One stream, cut once at every byte, and once into single bytes, gives the same requests.
func TestFramerSplitAnywhere(t *testing.T) {
	stream := []byte("*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n" + "PING \"two words\"\r\n" + "*0\r\n" + "\r\n" + "*-1\r\n" +
		"*3\r\n$3\r\nSET\r\n$0\r\n\r\n$12\r\n*1\r\n$4\r\nPING\r\n" + "QUIT\n")
	want := []string{"GET key", "PING two words", "", "", "", "SET  *1\r\n$4\r\nPING", "QUIT"}
	pieces := make([][]byte, 0, len(stream))
	for i := range stream {
		check(t, fmt.Sprint("cut at ", i), want, requests(t, stream[:i], stream[i:]))
		pieces = append(pieces, stream[i:i+1])
	}
	check(t, "single bytes", want, requests(t, pieces...))
}

// A large value that arrives in small reads is not looked at again with each of them: Next says how much it needs,
// and until then does not touch what it was given.
func TestFramerNeed(t *testing.T) {
	header := "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000000\r\n"
	whole := len(header) + 1_000_000 + 2
	buf := append(make([]byte, 0, whole), header...)
	var f Framer
	l := DefaultLimits()
	if f.Need() != 1 {
		t.Errorf("a new Framer needs %d bytes, want 1", f.Need())
	}
	for len(buf) < whole {
		n, err := f.Next(buf, &l, true)
		if n != 0 || err != nil {
			t.Fatalf("at %d bytes of %d: %d, %v", len(buf), whole, n, err)
		}
		if f.Need() != int64(whole) {
			t.Fatalf("at %d bytes needs %d, want %d", len(buf), f.Need(), whole)
		}
		clear(buf) // a second look would not find the '*'
		buf = buf[:min(whole, len(buf)+16<<10)]
	}
	copy(buf, header)
	copy(buf[whole-2:], "\r\n")
	if n, err := f.Next(buf, &l, true); n != whole || err != nil {
		t.Errorf("the whole: %d, %v, want %d", n, err, whole)
	}
	if f.Need() != 1 {
		t.Errorf("after a request needs %d bytes, want 1", f.Need())
	}
}

func TestFramerAllocatesNothing(t *testing.T) {
	packet := []byte("*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r\n")
	line := []byte("SET key \"a value\"\r\n")
	l := DefaultLimits()
	var f Framer
	allocs := testing.AllocsPerRun(100, func() {
		for i := range packet {
			_, _ = f.Next(packet[:i], &l, true)
		}
		_, _ = f.Next(packet, &l, true)
		_, _ = f.Next(line, &l, true)
	})
	if allocs != 0 {
		t.Errorf("%v allocations, want 0", allocs)
	}
}

// Announcing much costs the server nothing.
func TestAnnouncedLengthsAreNotAllocated(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, packet := range []string{"*1048576\r\n", "*1\r\n$536870912\r\n", "*1048576\r\n$536870912\r\n"} {
		if got := verdict(packet, true); got != "more" {
			t.Errorf("%q: %s", packet, got)
		}
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 {
		t.Errorf("allocated %d bytes", grown)
	}
}

// FuzzFramer: whatever is framed is parsed completely, in whatever pieces it came, and nothing panics.
func FuzzFramer(f *testing.F) {
	for _, seed := range []string{
		"*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n", "PING\r\n", "*0\r\n*-1\r\n\r\nQUIT\n", "*1\r\n$9223372036854775807\r\n",
		"*9223372036854775807\r\n", "SET \"a\\x41\" 'b\\'c'\r\n", "*1\r\n$0\r\n\r\n$5 hello\r\n", "*1\r\n$4\r\nPINGxx",
		"a\"b c\"\v 'd'\n", "*1\r\nfoo\r\n", "*1\rx",
	} {
		f.Add([]byte(seed), uint16(3), true)
	}
	f.Fuzz(func(t *testing.T, stream []byte, cut uint16, authenticated bool) {
		at := min(int(cut), len(stream))
		whole, wholeErr := drain(t, authenticated, stream)
		split, splitErr := drain(t, authenticated, stream[:at], stream[at:])
		if fmt.Sprint(wholeErr) != fmt.Sprint(splitErr) {
			t.Fatalf("%q: %v, but cut at %d %v", stream, wholeErr, at, splitErr)
		}
		check(t, fmt.Sprintf("%q cut at %d", stream, at), whole, split)
	})
}

func frame(packet string, authenticated bool) (int, error) {
	var f Framer
	l := DefaultLimits()
	return f.Next([]byte(packet), &l, authenticated)
}

// verdict is "whole", "more" or the error's text.
func verdict(packet string, authenticated bool) string {
	n, err := frame(packet, authenticated)
	switch {
	case err != nil:
		return err.Error()
	case n == len(packet):
		return "whole"
	case n == 0:
		return "more"
	}
	return "whole after " + strconv.Itoa(n)
}

// requests are the words of each request in a valid stream that arrives in pieces.
func requests(t *testing.T, pieces ...[]byte) []string {
	t.Helper()
	got, err := drain(t, true, pieces...)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// drain frames and parses as a session does, until the pieces are used up or the protocol is violated.
func drain(t *testing.T, authenticated bool, pieces ...[]byte) (got []string, err error) {
	t.Helper()
	var f Framer
	var args [][]byte
	l := DefaultLimits()
	var buf []byte
	for _, piece := range pieces {
		buf = append(buf, piece...)
		for {
			n, err := f.Next(buf, &l, authenticated)
			if err != nil {
				return got, err
			}
			if n == 0 {
				if f.Need() <= int64(len(buf)) {
					t.Fatalf("%q: needs %d bytes and has %d", buf, f.Need(), len(buf))
				}
				break
			}
			if args, err = Parse(buf[:n], args); err != nil {
				t.Fatalf("framed %q, but Parse: %v", buf[:n], err)
			}
			got = append(got, string(bytes.Join(args, []byte(" "))))
			buf = buf[n:]
		}
	}
	return got, nil
}

func check(t *testing.T, what string, want, got []string) {
	t.Helper()
	if strings.Join(want, "|") != strings.Join(got, "|") || len(want) != len(got) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func BenchmarkFrameAndParse(b *testing.B) {
	packet := AppendCommand(nil, "SET", "key:000000000042", strings.Repeat("x", 64))
	l := DefaultLimits()
	var f Framer
	var args [][]byte
	b.ReportAllocs()
	for b.Loop() {
		n, err := f.Next(packet, &l, true)
		if err != nil {
			b.Fatal(err)
		}
		if args, err = Parse(packet[:n], args); err != nil || len(args) != 3 {
			b.Fatal(err, len(args))
		}
	}
}

func BenchmarkFrame(b *testing.B) {
	packet := AppendCommand(nil, "SET", "key:000000000042", strings.Repeat("x", 64))
	l := DefaultLimits()
	var f Framer
	b.ReportAllocs()
	for b.Loop() {
		if n, err := f.Next(packet, &l, true); n != len(packet) || err != nil {
			b.Fatal(n, err)
		}
	}
}
