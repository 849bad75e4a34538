package play_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/lab/disk"
	"holdfast/lab/play"
	"holdfast/lab/workload"
)

// plan is one on a toy server. Whatever a test does, no server and no directory may be left.
func plan(t *testing.T, path string, w sets, s *toy) play.Plan {
	t.Helper()
	scratch := t.TempDir()
	t.Cleanup(func() {
		if left, err := os.ReadDir(scratch); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v (%v)", left, err)
		}
		if n := s.running.Load(); n != 0 {
			t.Errorf("%d servers left running", n)
		}
	})
	return play.Plan{Trace: path, Workload: w, Starter: s, Scratch: scratch, Seed: 1, Workers: 2}
}

func mustPlay(t *testing.T, p play.Plan) play.Summary {
	t.Helper()
	s, err := play.Play(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAServerThatSyncsBeforeItRepliesIsSound(t *testing.T) {
	w := sets{keys: 3, requests: 20}
	server := new(toy)
	p := plan(t, record(t, w, false), w, server)
	p.Second = 0.5
	states := map[string]bool{}
	done := 0
	p.Each = func(r play.Result) { states[r.Name] = true }
	p.Progress = func(n, total int, tally play.Tally) {
		done++
		if n != done || tally.States != n || total != 21*20+41 {
			t.Errorf("progress %d of %d (%d) at result %d", n, total, tally.States, done)
		}
	}
	s := mustPlay(t, p)
	const points = 2 + 3*20 // creation and its sync; write, sync and reply of each request
	const atRisk = 1 + 20   // after the creation and each write
	if s.Points != points || s.States != atRisk*20+points-atRisk || s.Outcomes[play.Sound] != s.States || len(s.Failures) > 0 {
		t.Errorf("%+v", s)
	}
	if s.Distinct >= s.States || s.Distinct < atRisk || s.Twice == 0 || s.Twice == s.Distinct {
		t.Errorf("%d directories for %d states, %d of them twice", s.Distinct, s.States, s.Twice)
	}
	if started := int(server.started.Load()); started != s.Distinct+s.Twice {
		t.Errorf("%d servers started for %d directories and %d second recoveries", started, s.Distinct, s.Twice)
	}
	for name := range states {
		if _, err := play.ParseState(name); err != nil {
			t.Error(err)
		}
	}
}

func TestAServerThatRepliesBeforeItSyncsIsCaughtAndShrunk(t *testing.T) {
	w := sets{keys: 3, requests: 30}
	server := new(toy)
	p := plan(t, record(t, w, true), w, server)
	p.Shrink = true
	s := mustPlay(t, p)
	if s.Outcomes[play.Broken] == 0 || s.Checks[workload.Lost] != s.Outcomes[play.Broken] {
		t.Fatalf("%+v", s.Tally)
	}
	shrunk := 0
	for _, r := range s.Failures {
		if r.Least == "" {
			continue
		}
		shrunk++
		// The least is the first reply without a sync before it, and the one write that it rests on.
		const least = "7/"
		if !strings.HasPrefix(r.Least, least) || len(r.LeastLost) != 1 || !strings.Contains(r.LeastLost[0], "[0, 7)") {
			t.Errorf("%s was shrunk to %s, which loses %q", r.Name, r.Least, r.LeastLost)
		}
		state, err := play.ParseState(r.Least)
		if err != nil {
			t.Fatal(err)
		}
		again, err := play.One(context.Background(), p, state)
		if err != nil || again.Outcome != play.Broken || again.Findings[0].Check != workload.Lost {
			t.Errorf("%s again: %+v, %v", r.Least, again, err)
		}
	}
	if shrunk == 0 {
		t.Error("nothing was shrunk")
	}
}

// The same directory is right before a reply and wrong after it.
func TestEqualDirectoriesAreStartedOnceAndJudgedEachTime(t *testing.T) {
	w := sets{keys: 1, requests: 1}
	server := new(toy)
	p := plan(t, record(t, w, true), w, server)
	p.Readings, p.Pieces, p.Variants = []disk.Reading{disk.Strict}, []int64{512}, []disk.Variant{disk.OnlySynced}
	outcomes := map[uint64]play.Outcome{}
	p.Each = func(r play.Result) { outcomes[r.State.Seq] = r.Outcome }
	mustPlay(t, p)
	want := map[uint64]play.Outcome{2: play.Sound, 3: play.Sound, 6: play.Sound, 7: play.Broken}
	if !maps.Equal(outcomes, want) {
		t.Errorf("%v, want %v", outcomes, want)
	}
	if n := server.started.Load(); n != 2 { // without the file and with it
		t.Errorf("%d starts for two directories", n)
	}
}

func TestRefusalsAndSilenceAreCountedApart(t *testing.T) {
	w := sets{keys: 2, requests: 10}
	empty := func(content []byte) bool { return len(content) == 0 }
	long := func(content []byte) bool { return len(content) > 40 && bytes.Contains(content, []byte("0.8\n")) }
	server := &toy{refuse: empty, hang: long}
	p := plan(t, record(t, w, false), w, server)
	p.Limit, p.Variants = 20*time.Millisecond, []disk.Variant{disk.Everything}
	s := mustPlay(t, p)
	if s.Outcomes[play.Refused] == 0 || s.Outcomes[play.Silent] == 0 || s.Outcomes[play.Sound] == 0 || s.Outcomes[play.Broken] != 0 {
		t.Fatalf("%+v", s.Tally)
	}
	if s.Checks[workload.NeverStarted] != s.Outcomes[play.Silent] {
		t.Errorf("%+v", s.Tally)
	}
	for _, r := range s.Failures {
		if r.Outcome == play.Refused && !strings.HasSuffix(r.Reason, "not to my liking") || r.Round != 1 {
			t.Errorf("%+v", r)
		}
	}
}

func TestAServerThatEndsWhileItIsReadIsBroken(t *testing.T) {
	w := sets{keys: 2, requests: 4}
	server := &toy{dies: func(content []byte) bool { return len(content) > 10 }}
	s := mustPlay(t, plan(t, record(t, w, false), w, server))
	if s.Outcomes[play.Broken] == 0 || s.Checks[play.Ended] != s.Outcomes[play.Broken] || s.Failures[0].Reason != "what a toy has to say" {
		t.Errorf("%+v", s)
	}
}

// What counts is how long a reply takes, and not all of them together.
func TestASlowServerIsSound(t *testing.T) {
	w := sets{keys: 60, requests: 3}
	p := plan(t, record(t, w, false), w, &toy{slow: 5 * time.Millisecond})
	p.Limit, p.Second, p.States, p.Variants = 250*time.Millisecond, 1, 1, []disk.Variant{disk.Everything}
	if s := mustPlay(t, p); s.Outcomes[play.Sound] != s.States || s.Twice == 0 {
		t.Errorf("%+v", s)
	}
}

func TestAServerThatHangsWhileItIsReadIsSilent(t *testing.T) {
	w := sets{keys: 2, requests: 4}
	server := &toy{mute: func(content []byte) bool { return len(content) > 10 }}
	p := plan(t, record(t, w, false), w, server)
	p.Limit, p.Variants = 10*time.Millisecond, []disk.Variant{disk.Everything}
	s := mustPlay(t, p)
	if s.Outcomes[play.Silent] == 0 || s.Outcomes[play.Broken] > 0 || s.Checks[play.Hangs] != s.Outcomes[play.Silent] {
		t.Errorf("%+v", s)
	}
}

func TestWhatIsLostOnlyInASecondCrashIsFound(t *testing.T) {
	w := sets{keys: 3, requests: 20}
	server := &toy{forgets: true}
	p := plan(t, record(t, w, false), w, server)
	if s := mustPlay(t, p); s.Outcomes[play.Sound] != s.States {
		t.Fatalf("%+v", s)
	}
	p.Second = 1
	s := mustPlay(t, p)
	if s.Outcomes[play.Broken] != s.Distinct || s.Twice != s.Distinct {
		t.Errorf("%+v", s.Tally)
	}
	for _, r := range s.Failures {
		if r.Round != 2 || r.Findings[0].Check != workload.Lost {
			t.Errorf("%+v", r)
		}
	}
	// It can be played again, second crash and all.
	again, err := play.One(context.Background(), p, s.Failures[0].State)
	if err != nil || again.Round != 2 {
		t.Errorf("again: %+v, %v", again, err)
	}
}

func TestASecondCrashMayBeAPowerCut(t *testing.T) {
	w := sets{keys: 3, requests: 20}
	server := &toy{lazy: true} // kill -9 does it no harm
	p := plan(t, record(t, w, false), w, server)
	p.Second = 1
	if s := mustPlay(t, p); s.Outcomes[play.Sound] != s.States {
		t.Fatalf("without power cuts: %+v", s)
	}
	p.Power = taped{server}
	s := mustPlay(t, p)
	if s.Outcomes[play.Broken] == 0 || s.Cuts == 0 || s.Outcomes[play.Broken]+s.Outcomes[play.Sound] != s.States {
		t.Errorf("%+v", s)
	}
	for _, r := range s.Failures {
		if r.Round != 2 || !strings.Contains(r.Reason, "a power cut") {
			t.Errorf("%+v", r)
		}
	}
	server.lazy = false
	if s := mustPlay(t, p); s.Outcomes[play.Sound] != s.States || s.Cuts == 0 {
		t.Errorf("a toy that syncs: %+v", s)
	}
}

func TestACancelledPlayLeavesNothing(t *testing.T) {
	w := sets{keys: 3, requests: 40}
	path := record(t, w, false)
	for _, after := range []int64{1, 2, 7, 30} {
		for _, hangs := range []bool{false, true} {
			server := new(toy)
			ctx, cancel := context.WithCancel(context.Background())
			server.onStart = func() {
				if server.started.Load() == after {
					cancel()
				}
			}
			if hangs {
				server.hang = func([]byte) bool { return server.started.Load() >= after }
			}
			p := plan(t, path, w, server)
			p.Second, p.Limit = 0.5, time.Minute
			s, err := play.Play(ctx, p)
			if !errors.Is(err, context.Canceled) || s.States > 30*20 {
				t.Errorf("after %d starts: %v, %d states", after, err, s.States)
			}
			cancel()
		}
	}
}

func TestOneKeepsItsDirectory(t *testing.T) {
	w := sets{keys: 1, requests: 2}
	server := new(toy)
	p := plan(t, record(t, w, false), w, server)
	p.Keep = filepath.Join(t.TempDir(), "kept")
	state, err := play.ParseState("11/strict/512/none")
	if err != nil {
		t.Fatal(err)
	}
	r, err := play.One(context.Background(), p, state)
	if err != nil || r.Outcome != play.Sound {
		t.Fatalf("%+v, %v", r, err)
	}
	if kept, err := os.ReadFile(filepath.Join(p.Keep, logName)); err != nil || string(kept) != "k0=0.1\nk0=0.2\n" {
		t.Errorf("%q, %v", kept, err)
	}
}

func TestStatesThatTheTraceDoesNotHaveAreErrors(t *testing.T) {
	w := sets{keys: 1, requests: 2}
	p := plan(t, record(t, w, false), w, new(toy))
	for text, want := range map[string]error{
		"999/strict/512/none": play.ErrNoPoint,
		"6/strict/512/7":      disk.ErrChoice,
	} {
		state, err := play.ParseState(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := play.One(context.Background(), p, state); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
	for _, text := range []string{"", "1/2/3", "x/strict/512/all", "1/lax/512/all", "1/strict/0/all", "1/strict/-1/all"} {
		if _, err := play.ParseState(text); err == nil {
			t.Errorf("%q is taken for a state", text)
		}
	}
}

func TestTheSameSeedPlaysTheSameStates(t *testing.T) {
	w := sets{keys: 3, requests: 20}
	path := record(t, w, true)
	names := func(seed uint64, states int) []string {
		p := plan(t, path, w, new(toy))
		p.Seed, p.States = seed, states
		var all []string
		p.Each = func(r play.Result) { all = append(all, r.Name+" "+r.Variant+" "+string(r.Outcome)) }
		if s := mustPlay(t, p); s.States != states {
			t.Errorf("%d states of %d", s.States, states)
		}
		slices.Sort(all)
		return all
	}
	for _, states := range []int{1, 100, 2000} { // of a thousand slots
		if !slices.Equal(names(1, states), names(1, states)) {
			t.Errorf("%d states: the same seed, other states", states)
		}
	}
	if slices.Equal(names(1, 100), names(2, 100)) {
		t.Error("another seed, the same states")
	}
}
