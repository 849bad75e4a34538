package proc

import (
	"os"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const behind = " S 2106 2105 32708 0 -1 4194560 6404 0 0 0 17 18 0 0 20 0 10 0 390740"
	for _, c := range []struct {
		line  string
		want  time.Duration
		fails bool
	}{
		{line: "2108 (redis-server)" + behind, want: 350 * time.Millisecond},
		{line: "2108 (a) b (c d)" + behind, want: 350 * time.Millisecond},
		{line: "1 (x) S 1 2 3 4 5 6 7 8 9 10 0 0", want: 0},
		{line: "", fails: true},
		{line: "2108 redis-server S", fails: true},
		{line: "2108 (x) S 1 2 3 4 5 6 7 8 9 10 17", fails: true},
		{line: "2108 (x) S 1 2 3 4 5 6 7 8 9 10 17 many", fails: true},
		{line: "2108 (x) S 1 2 3 4 5 6 7 8 9 10 -1 1", fails: true},
		{line: "2108 (x) S 1 2 3 4 5 6 7 8 9 10 18446744073709551615 1", fails: true},
	} {
		got, err := parseStat(c.line)
		if c.fails != (err != nil) || got != c.want {
			t.Errorf("%q: got %v, %v", c.line, got, err)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add("2108 (x) S 1 2 3 4 5 6 7 8 9 10 17 18")
	f.Fuzz(func(t *testing.T, line string) {
		if used, err := parseStat(line); used < 0 || err != nil && used != 0 {
			t.Errorf("%q: %v, %v", line, used, err)
		}
	})
}

// The kernel's own figures: CPU time is not lost while this process works for some.
func TestCPUTimeGrowsWithWork(t *testing.T) {
	before, err := CPUTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	used := before
	for deadline := time.Now().Add(10 * time.Second); used < before+2*ClockTick; {
		if time.Now().After(deadline) {
			t.Fatalf("still %v", used)
		}
		if used, err = CPUTime(os.Getpid()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCPUTimeOfNobody(t *testing.T) {
	if _, err := CPUTime(1 << 30); err == nil {
		t.Error("a process that cannot exist has CPU time")
	}
}

func TestParseStolen(t *testing.T) {
	for _, c := range []struct {
		line  string
		want  time.Duration
		fails bool
	}{
		{line: "cpu  2492039 2558639 1348238 2910736 61913 0 133044 49510 0 0", want: 495100 * time.Millisecond},
		{line: "cpu  1 2 3 4 5 6 7 0", want: 0},
		{line: "cpu0 1 2 3 4 5 6 7 8", fails: true},
		{line: "cpu  1 2 3 4 5 6 7", fails: true},
		{line: "cpu  1 2 3 4 5 6 7 -8", fails: true},
		{line: "", fails: true},
	} {
		got, err := parseStolen(c.line)
		if c.fails != (err != nil) || got != c.want {
			t.Errorf("%q: got %v, %v", c.line, got, err)
		}
	}
}

// The kernel's own line is read.
func TestStolen(t *testing.T) {
	before, err := Stolen()
	if err != nil {
		t.Fatal(err)
	}
	if after, err := Stolen(); err != nil || after < before {
		t.Errorf("%v, and before %v: %v", after, before, err)
	}
}
