package fault

import (
	"os"
	"strings"
	"testing"
	"time"

	"holdfast/lab/workload"
)

// A server that reports every error by ending keeps its promises, whatever fails and when.
func TestFailingCalls(t *testing.T) {
	o := processes(t, fake{}, Error)
	o.Each, o.Workload = 2, counters{3, 20}
	counts, all := run(t, o)
	if b := broken(all); len(b) > 0 || counts[Ended] < 8 {
		t.Errorf("%v: %+v", counts, b)
	}
	if counts, _ := run(t, o, "eio/fsync/1/once/start"); counts[Refused] != 1 {
		t.Errorf("a sync of the start that fails: %v", counts)
	}
}

// A server that ignores what a write says has lost data when it is started again.
func TestIgnoredWriteErrorsAreCaught(t *testing.T) {
	o := processes(t, fake{IgnoresErrors: true})
	for _, name := range []string{"eio/write/17/once", "enospc/write/17/on"} {
		o.Only = name
		if counts, all := run(t, o); counts[Broken] != 1 || all[0].Findings[0].Check != workload.Lost {
			t.Errorf("%s: %+v", name, all)
		}
	}
}

// A sync that failed shows when the power fails too; so does one that is asked for again until it does not fail.
func TestIgnoredSyncErrorsAreCaught(t *testing.T) {
	for _, f := range []fake{{IgnoresErrors: true}, {RetriesSyncs: true}} {
		o := processes(t, f)
		o.Only = "eio/fsync/300/once"
		counts, all := run(t, o)
		if counts[Broken] != 1 || all[0].Findings[0].Check != workload.Lost || !strings.Contains(all[0].Findings[0].Detail, "power cut") {
			t.Errorf("%+v: %+v", f, all)
		}
	}
}

func TestNoSyncsAreCaught(t *testing.T) {
	o := processes(t, fake{NeverSyncs: true})
	o.Only = "kill/op/200"
	if counts, all := run(t, o); counts[Broken] != 1 {
		t.Errorf("%+v", all)
	}
}

func TestKillsAtOperations(t *testing.T) {
	o := processes(t, fake{}, Kill)
	o.Each, o.Workload = 5, counters{3, 30}
	counts, all := run(t, o, "kill/op/")
	if b := broken(all); len(b) > 0 || counts[Sound] != 5 {
		t.Errorf("%v: %+v", counts, all)
	}
	o.Only = "kill/op/100000"
	if counts, all := run(t, o); counts[Unreached] != 1 {
		t.Errorf("%+v", all)
	}
}

// A slow disk makes a server slow and nothing else; one that Hangs is told from that.
func TestSlowDisk(t *testing.T) {
	o := processes(t, fake{}, Slow)
	o.Traffic = 300 * time.Millisecond
	if counts, all := run(t, o); counts[Sound] != 2 {
		t.Errorf("%+v", all)
	}
	o = processes(t, fake{Hangs: true})
	o.Patience, o.Only = 200*time.Millisecond, "eio/fsync/5/once"
	if counts, all := run(t, o); counts[Silent] != 1 {
		t.Errorf("%+v", all)
	}
}

// Nothing of an experiment stays mounted.
func TestNothingStaysMounted(t *testing.T) {
	o := processes(t, fake{}, Error, Slow)
	o.Each, o.Traffic = 1, 100*time.Millisecond
	run(t, o)
	if text, err := os.ReadFile("/proc/self/mountinfo"); err != nil || strings.Contains(string(text), o.Dir) {
		t.Errorf("%v\n%s", err, text)
	}
}
