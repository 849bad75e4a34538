package proc

import (
	"errors"
	"os"
	"testing"
)

func TestCount(t *testing.T) {
	const text = "rchar: 10\nsyscr: 12\nvoluntary_ctxt_switches:\t7\nbad: -1\nempty:\n"
	for name, want := range map[string]uint64{"syscr": 12, "voluntary_ctxt_switches": 7} {
		if got, err := count(text, name); err != nil || got != want {
			t.Errorf("%s: %d, %v", name, got, err)
		}
	}
	for _, name := range []string{"bad", "empty"} {
		if _, err := count(text, name); err == nil || errors.Is(err, errNoField) {
			t.Errorf("%s is no number: %v", name, err)
		}
	}
	if _, err := count(text, "sysc"); !errors.Is(err, errNoField) {
		t.Errorf("a field that is not there: %v", err)
	}
}

// Each read of a file is counted, and nothing is counted backwards.
func TestCallsOfThisProcess(t *testing.T) {
	before, err := CallsOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	const reads = 50
	for range reads {
		if _, err := os.ReadFile("/proc/self/stat"); err != nil {
			t.Fatal(err)
		}
	}
	after, err := CallsOf(os.Getpid())
	if err != nil || after.Reads < before.Reads+reads || after.Writes < before.Writes || after.Waits == 0 {
		t.Errorf("before %+v, after %+v, %v", before, after, err)
	}
	if _, err := CallsOf(1 << 30); err == nil {
		t.Error("a process that cannot exist calls")
	}
}
