package commands

import (
	"strings"
	"testing"
)

// The sums are those of redis-server 7.0.15 on x86-64.
func TestIncrByFloatCountsInLongDoubles(t *testing.T) {
	for _, x := range []struct{ a, b, sum string }{
		{"0.1", "0.2", "0.3"},
		{"10.50", "0.1", "10.6"},
		{"5.0e3", "2.0e2", "5200"},
		{"3", "-3.0", "0"},
		{"0", "-0.0", "0"},
		{"1", "0.3333333333333333333", "1.33333333333333333"},
		{"0", "0.00000000000000001", "0.00000000000000001"},
		{"0", "0.000000000000000001", "0"},
		{"9223372036854775807", "1", "9223372036854775808"},
		{"18446744073709551615", "2", "18446744073709551616"},
		{"1e20", "1", "100000000000000000000"},
		{"0x10", "0x1p-3", "16.125"},
		{"+.5", "5.", "5.5"},
	} {
		s := newStage(t)
		s.run("SET", "k", x.a)
		if got := s.run("INCRBYFLOAT", "k", x.b); !strings.HasSuffix(got, " "+x.sum) {
			t.Errorf("%s + %s = %s, wanted %s", x.a, x.b, got, x.sum)
		}
	}
}

func TestWhatIsNoLongDouble(t *testing.T) {
	for _, text := range []string{
		"", " ", " 1", "1 ", "1\x00", "abc", "nan", "-nan", "1e", "1e+", ".", "-", "+-1", "--1", "1_000", "0x", "0x.",
		"0xp3", "0x-1", "1p5", "0b1", "0o7", "1e5000", "-1e5000", "1e-5000", "1e-2000000000", "1e2000000000",
		"1e99999999999999999999", "0x1p99999", "0x1p-99999", "infinit", "infinityx", strings.Repeat("1", 5120),
	} {
		if x, ok := parseLongDouble([]byte(text)); ok {
			t.Errorf("%.40q is taken for %g", text, x)
		}
	}
}

func TestTheEndsOfLongDoubles(t *testing.T) {
	s := newStage(t)
	const notFinite = "-ERR increment would produce NaN or Infinity"
	s.expectAll([]step{
		{"INCRBYFLOAT k inf", notFinite},
		{"INCRBYFLOAT k -Infinity", notFinite},
		{"INCRBYFLOAT k 1e-4950", "$1 0"},
	})
	if reply := s.do("INCRBYFLOAT k 1e4932"); !strings.HasPrefix(reply, "$4933 1000000000000000000006018949387963891323") {
		t.Errorf("1e4932 is %.60s", reply)
	}
	s.expect("INCRBYFLOAT k 1e4932", notFinite)
	s.expect("SET k inf", "+OK")
	s.expect("INCRBYFLOAT k -inf", notFinite)
}

// Whatever parses prints as a number that prints as itself.
func FuzzLongDouble(f *testing.F) {
	for _, seed := range []string{"0.1", "-1e17", "0x1.8p-2", "1e-18", "123456789.987654321", "1e-99999999999", "0e9999999999"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		x, ok := parseLongDouble(b)
		if !ok || x.IsInf() {
			return
		}
		text := appendLongDouble(nil, x)
		again, ok := parseLongDouble(text)
		if !ok || string(appendLongDouble(nil, again)) != string(text) {
			t.Errorf("%q prints as %s, which prints as %s", b, text, appendLongDouble(nil, again))
		}
	})
}
