package fault

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/lab/workload"
	"holdfast/resp"
)

// broken lists what broke a promise.
func broken(results []Result) []Result {
	return slices.DeleteFunc(slices.Clone(results), func(r Result) bool { return !r.Outcome.Broke() })
}

// A name says everything: what is done again by name is the same experiment.
func TestNames(t *testing.T) {
	for _, name := range []string{
		"eio/fsync/17/once", "enospc/write/1/on", "eio/rename/2/once/start", "enospc/fallocate/3/on/start", "slow/100ms", "slow/1.5s",
		"kill/reply/137", "kill/after/350ms", "kill/op/412", "pause/reply/50/300ms",
		"rest/killed/flip/1234.5/aof/1.aof", "rest/clean/zero/512/base.db",
	} {
		x, err := parse(name)
		if err != nil || x.String() != name {
			t.Errorf("%q is %q, %v", name, x, err)
		}
	}
	for _, name := range []string{
		"", "eio", "eio/fsync/0/once", "eio/fsync/x/once", "eio/read/1/once", "eio/fsync/1/twice", "eio/fsync/1/once/end", "eio/fsync/1/once/start/x",
		"slow", "slow/x", "kill/reply", "kill/9", "pause/reply/5", "pause/now/5/1s", "rest/killed/flip/12/f", "rest/killed/flip/12.8/f",
		"rest/killed/zero/1.1/f", "rest/killed/flip/-1.0/f", "rest/killed/flip/1.1/../f", "rest/killed/flip/1.1//f", "rest/killed/flip/1.1", "rest/dead/flip/1.1/f",
	} {
		if x, err := parse(name); !errors.Is(err, ErrName) {
			t.Errorf("%q is the experiment %+v, %v", name, x, err)
		}
	}
}

func TestKillsAndPauses(t *testing.T) {
	o := processes(t, fake{}, Kill, Pause)
	counts, all := run(t, o)
	if b := broken(all); len(b) > 0 || counts[Sound] < 8 {
		t.Errorf("%v: %+v", counts, b)
	}
}

// A server that replies before it has written anything is caught by a kill, and by one after a pause.
func TestLateWritesAreCaught(t *testing.T) {
	counts, all := run(t, processes(t, fake{RepliesFirst: true}, Kill))
	if counts[Broken] < 6 || all[0].Findings[0].Check != workload.Lost {
		t.Errorf("%v: %+v", counts, all)
	}
	if counts, _ := run(t, options(t, fake{RepliesFirst: true}, Pause)); counts[Broken] < 3 {
		t.Errorf("pauses: %v", counts)
	}
}

// What is damaged at rest is refused, or looks like a torn end: never is a part served for the whole.
func TestDamageAtRest(t *testing.T) {
	counts, all := run(t, options(t, fake{}, Rest))
	if b := broken(all); len(b) > 0 || counts[Refused] < 10 {
		t.Errorf("%v: %+v", counts, b)
	}
	o := options(t, fake{}, Rest)
	o.Only = "rest/clean/flip/0.0/log"
	if counts, all := run(t, o); counts[Refused] != 1 || !strings.Contains(all[0].Reason, "damaged") {
		t.Errorf("%v, %v", counts, all)
	}
	o.Only = "rest/clean/flip/3299.0/log" // the newest line, of 300 that have 11 or 12 bytes each
	if counts, all := run(t, o); counts[Unreached]+counts[TornEnd]+counts[Refused] != 1 {
		t.Errorf("%v, %v", counts, all)
	}
}

func TestCuttingAnywhereIsCaught(t *testing.T) {
	if counts, all := run(t, options(t, fake{CutsAnywhere: true}, Rest)); counts[Broken] < 10 {
		t.Errorf("%v: %+v", counts, all)
	}
}

func TestNoChecksumIsCaught(t *testing.T) {
	if counts, all := run(t, options(t, fake{NoChecksum: true}, Rest)); counts[Broken] < 5 {
		t.Errorf("%v: %+v", counts, all)
	}
}

// The newest line may be cut off: nobody can know that it was whole. The one before it may not.
func TestTornEnd(t *testing.T) {
	o := options(t, fake{CutsAnywhere: true}, Rest)
	o.Workload = counters{1, 50} // lines of 12 bytes: "c0 ", eight digits, and the end
	for name, want := range map[string]Outcome{
		"rest/killed/flip/589.1/log": TornEnd,
		"rest/killed/flip/588.1/log": TornEnd,
		"rest/killed/flip/587.1/log": Broken,
		"rest/killed/flip/576.1/log": Broken,
		"rest/killed/zero/512/log":   TornEnd,
		"rest/killed/zero/0/log":     Broken,
		"rest/killed/flip/600.1/log": Unreached,
		"rest/killed/flip/1.1/none":  Unreached,
	} {
		o.Only = name
		if counts, all := run(t, o); counts[want] != 1 {
			t.Errorf("%s: %v, want %s: %+v", name, counts, want, all[0])
		}
	}
}

// What a history forgives is the newest write, what was written together with it, and what fits into the bytes.
func TestForgive(t *testing.T) {
	op := func(name string, call, ret uint64) workload.Op { return answered(name, call, ret, ":1\r\n") }
	h := &workload.History{Crash: 99, Ops: []workload.Op{
		op("INCR", 1, 2), op("INCR", 3, 9), op("GET", 4, 5), op("incr", 6, 8), op("SAVE", 7, 11), op("INCR", 10, 13), op("get", 12, 14), op("INCR", 15, 16), op("GET", 17, 18),
	}}
	for bytes, want := range map[int64]string{
		0: "1 must, 3 must, 4 must, 6 must, 7 must, 10 must, 12 must, 15 may",
		1: "1 must, 3 must, 4 must, 6 must, 10 may, 15 may",
		5: "1 must, 3 must, 4 must, 6 must, 10 may, 15 may",
		6: "1 must, 3 may, 4 must, 6 may, 10 may, 15 may",
	} {
		if got := fates(forgive(h, bytes)); got != want {
			t.Errorf("%d bytes: %s, want %s", bytes, got, want)
		}
	}
	if got := fates(h); strings.Contains(got, "may") {
		t.Errorf("the history itself has changed: %s", got)
	}
	if got, want := lastBatch(h), int64(2*len("INCRk")+recordHead); got != want {
		t.Errorf("the last batch takes %d bytes at most, want %d", got, want)
	}
}

// Who changed nothing, or may have, left no record that shows where the log ends.
func TestForgiveWhoChangedNothing(t *testing.T) {
	for _, last := range []workload.Op{
		answered("HDEL", 5, 6, ":0\r\n"), answered("HPERSIST", 5, 6, "*2\r\n:-1\r\n:-2\r\n"), answered("HGETDEL", 5, 6, "*1\r\n$-1\r\n"),
		answered("INCR", 5, 6, "-WRONGTYPE\r\n"), answered("LPOP", 5, 6, "_\r\n"), answered("GETEX", 5, 6, "$1\r\nv\r\n"),
		answered("EXEC", 5, 6, "*2\r\n:1\r\n:0\r\n", "GET", "DEL"), answered("EXEC", 5, 6, "*-1\r\n", "SET"),
	} {
		h := &workload.History{Crash: 99, Ops: []workload.Op{
			answered("SET", 1, 2, "+OK\r\n"), answered("SET", 3, 4, "+OK\r\n"), last}}
		if got, want := fates(forgive(h, 0)), "1 must, 3 may, 5 may"; got != want {
			t.Errorf("%s: %s, want %s", last.Args[0], got, want)
		}
	}
	for _, last := range []workload.Op{
		answered("HPERSIST", 5, 6, "*2\r\n:-1\r\n:1\r\n"), answered("LPOP", 5, 6, "$1\r\nv\r\n"), answered("EXEC", 5, 6, "*2\r\n$1\r\nv\r\n+OK\r\n", "GET", "SET"),
	} {
		h := &workload.History{Crash: 99, Ops: []workload.Op{answered("SET", 1, 2, "+OK\r\n"), last}}
		if got, want := fates(forgive(h, 0)), "1 must, 5 may"; got != want {
			t.Errorf("%s: %s, want %s", last.Args[0], got, want)
		}
	}
}

// answered is an operation on a key, of the commands in body if there are any, and its reply as it was sent.
func answered(name string, call, ret uint64, reply string, body ...string) workload.Op {
	op := workload.Op{Args: [][]byte{[]byte(name), []byte("k")}, Call: call, Return: ret, Acked: true}
	for _, b := range body {
		op.Body = append(op.Body, [][]byte{[]byte(b), []byte("k")})
	}
	var err error
	if op.Reply, err = resp.NewDecoder(strings.NewReader(reply)).Decode(); err != nil {
		panic(err)
	}
	return op
}

func fates(h *workload.History) string {
	var out []string
	for _, op := range h.Ops {
		out = append(out, fmt.Sprint(op.Call, " ", word(op.Fate == workload.May, "may", "must")))
	}
	return strings.Join(out, ", ")
}

// An end without a cause is a finding; a server that does not even run says so; one that Cannot be paused is told apart.
func TestServersThatDoNotRun(t *testing.T) {
	o := options(t, fake{EndsAt: 50})
	o.Only = "kill/reply/200"
	if counts, all := run(t, o); counts[Broken] != 1 || all[0].Findings[0].Check != Behaviour {
		t.Errorf("%v: %+v", counts, all)
	}
	o.Only, o.Kinds = "", []Kind{Rest}
	if err := Run(t.Context(), o, func(Result) {}); err == nil || !strings.Contains(err.Error(), "too much") {
		t.Errorf("%v", err)
	}
	counts, _ := run(t, options(t, fake{RefusesAfter: true}, Pause))
	if counts[Refused] == 0 {
		t.Errorf("%v", counts)
	}
	if counts, all := run(t, options(t, fake{Cannot: true}, Pause)); counts[Impossible] == 0 || len(broken(all)) > 0 {
		t.Errorf("%v", counts)
	}
}

// A run can be ended at any moment, and leaves nothing.
func TestCancel(t *testing.T) {
	o := processes(t, fake{})
	for _, after := range []time.Duration{0, time.Millisecond, 20 * time.Millisecond, 200 * time.Millisecond, 700 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(t.Context(), after)
		if err := Run(ctx, o, func(Result) {}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after %v: %v", after, err)
		}
		cancel()
		if left, err := os.ReadDir(o.Dir); err != nil || len(left) > 0 {
			t.Errorf("after %v there is %v, %v", after, left, err)
		}
	}
}

// The same seed does the same experiments, and another one others.
func TestSeed(t *testing.T) {
	names := func(seed uint64) map[string]bool {
		o := options(t, fake{}, Rest)
		o.Workload, o.Seed = counters{1, 50}, seed
		_, all := run(t, o)
		set := map[string]bool{}
		for _, r := range all {
			set[r.Name] = true
		}
		return set
	}
	if a, b := names(1), names(1); !maps.Equal(a, b) {
		t.Errorf("%v and %v", a, b)
	}
	if a, b := names(1), names(2); maps.Equal(a, b) {
		t.Errorf("both are %v", a)
	}
}
