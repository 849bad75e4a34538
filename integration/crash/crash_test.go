package crash

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"holdfast/engine"
	"holdfast/integration"
	"holdfast/lab/play"
	"holdfast/lab/recorder"
	"holdfast/lab/trace"
	"holdfast/lab/workload"
)

// program is holdfast, set by TestMain.
var program string

func TestMain(m *testing.M) {
	os.Exit(integration.WithBinary(func(path string) int {
		program = path
		return m.Run()
	}))
}

// number is an environment variable, or else what is usual.
func number(t *testing.T, name string, usual uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// scratch is a directory in memory, where there is one.
func scratch(t *testing.T) string {
	t.Helper()
	const memory = "/dev/shm"
	parent := ""
	if info, err := os.Stat(memory); err == nil && info.IsDir() {
		parent = memory
	}
	dir, err := os.MkdirTemp(parent, "holdfast-crash-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// record records a program, and returns the settings for the engine that plays it.
func record(t *testing.T, r Recording) *Inside {
	t.Helper()
	err := r.Record(context.Background())
	if errors.Is(err, recorder.ErrNoFUSE) {
		t.Fatalf("crashes can be played only where they can be recorded, with /dev/fuse and the right to mount: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	r.complete(t)
	// Past the end of every trace, and standing still: what a directory shows does not depend on when it is played.
	now := time.Now().Add(2 * time.Second)
	return &Inside{Settings: append(r.settings(), "databases", "1"), Clock: func() time.Time { return now }}
}

// complete fails the test if the trace lacks something that is to be crashed: checkpoints that make the base and change it,
// compaction, named snapshots, the log's segments made and, unless they are retained, removed.
func (r Recording) complete(t *testing.T) {
	t.Helper()
	from, err := trace.Open(r.Trace)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	bases, changes, segments, retired, snapshots, automatic := 0, 0, 0, 0, 0, 0
	err = from.Events(func(e trace.Event) (bool, error) {
		inLog := strings.HasPrefix(e.Path, engine.LogDir+"/") && strings.HasSuffix(e.Path, ".aof")
		switch {
		case e.Kind == trace.Rename && e.To == engine.BaseName:
			bases++
		case e.Kind == trace.Write && e.Path == engine.BaseName:
			changes++
		case e.Kind == trace.Rename && strings.HasPrefix(e.To, engine.LogDir+"/"):
			segments++
		case e.Kind == trace.Unlink && inLog:
			retired++
		case e.Kind == trace.Rename && strings.HasPrefix(e.To, engine.SnapshotDir+"/"):
			snapshots++
			if strings.Contains(e.To, "auto-") {
				automatic++
			}
		}
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if bases < 2 || changes == 0 || segments < 2 || snapshots-automatic < 2 ||
		retired == 0 && r.Retain == "" || automatic == 0 && r.Retain == shortRetain {
		t.Errorf("the recording lacks something: %d bases, %d changes of one, %d segments, %d of them removed (retain: %q), %d snapshots, %d automatic",
			bases, changes, segments, retired, r.Retain, snapshots, automatic)
	}
}

// TestEveryCrash: whatever is lost in a crash of holdfast, nothing is missing that was acknowledged, and it starts.
func TestEveryCrash(t *testing.T) {
	seed := number(t, "CRASH_SEED", rand.Uint64()>>32)
	states := int(number(t, "CRASH_STATES", 500))
	t.Logf("CRASH_SEED=%d CRASH_STATES=%d", seed, states)
	lives := []struct {
		workload, policy string
		retain           string        // seconds
		delay            time.Duration // of each sync: with it the traffic lasts long enough for retention to make snapshots
		share            int           // of the states, in tenths
	}{
		{"counters", "always", "", 0, 1},
		{"registers", "always", "", 0, 1},
		{"lists", "always", "3600", 0, 2},
		{"accounts", "always", "", 0, 1},
		{"ttls", "always", "", 0, 1},
		{"sets", "always", "", 0, 1},
		{"rankings", "always", "", 0, 1},
		{"hashes", "always", "", 0, 1},
		{"streams", "always", "", 0, 1},
		{"bits", "always", "", 0, 1},
		{"sketches", "always", "", 0, 1},
		{"places", "always", "", 0, 1},
		{"dumps", "always", "", 0, 1},
		{"scripts", "always", "", 0, 1},
		{"mixed", "always", shortRetain, 6 * time.Millisecond, 2},
		{"mixed", "everysec", "", 0, 2},
	}
	began, played := time.Now(), 0
	for _, life := range lives {
		t.Run(life.workload+"/"+life.policy, func(t *testing.T) {
			w, err := workload.New(life.workload, workload.Options{Clients: 4, Requests: 120, Keys: 48, Checkpoints: true})
			if err != nil {
				t.Fatal(err)
			}
			dir := scratch(t)
			r := Recording{
				Program: program, Dir: dir, Trace: filepath.Join(dir, "trace"), Workload: w, Policy: life.policy, Retain: life.retain, Seed: seed,
				SyncDelay: life.delay,
			}
			server := record(t, r)
			due := 0
			s := mustPlay(t, play.Plan{
				Trace: r.Trace, Workload: w, Starter: server, Scratch: dir, States: states * life.share / 10, Seed: seed,
				Second: 0.1, Killed: "always", Clock: server.Clock, Shrink: true,
				Each: func(r play.Result) {
					if !r.NothingDue {
						due++
					}
				},
			})
			if due < s.States/3 {
				t.Errorf("of %d states something had to be there in %d only", s.States, due)
			}
			played += s.States
			sound(t, s, r.Trace, seed)
		})
	}
	t.Logf("%d states, recorded and played in %v", played, time.Since(began).Round(time.Millisecond))
}

// TestASecondPowerCut: after a crash the program recovers, takes writes, and loses power again: in the recovery or later.
func TestASecondPowerCut(t *testing.T) {
	seed := number(t, "CRASH_SEED", rand.Uint64()>>32)
	states := int(number(t, "CRASH_STATES", 500)) / 10
	t.Logf("CRASH_SEED=%d", seed)
	w, err := workload.New("mixed", workload.Options{Clients: 4, Requests: 60, Keys: 48})
	if err != nil {
		t.Fatal(err)
	}
	dir := scratch(t)
	r := Recording{Program: program, Dir: dir, Trace: filepath.Join(dir, "trace"), Workload: w, Policy: "always", Seed: seed}
	server := record(t, r)
	server.Clock = time.Now // as the program's
	s := mustPlay(t, play.Plan{
		Trace: r.Trace, Workload: w, Starter: server, Scratch: dir, States: states, Seed: seed,
		Second: 1, Power: Second{r}, Killed: "always", Clock: server.Clock,
	})
	if s.Cuts == 0 {
		t.Error("there was no second power cut")
	}
	t.Logf("%d directories after a second power cut", s.Cuts)
	sound(t, s, r.Trace, seed)
}

func mustPlay(t *testing.T, p play.Plan) play.Summary {
	t.Helper()
	s, err := play.Play(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d states of %d points on %d directories, %d with a second crash: %.0f states/s",
		s.States, s.Points, s.Distinct, s.Twice, s.PerSecond)
	return s
}

// sound fails the test unless every state is, and then keeps the trace.
func sound(t *testing.T, s play.Summary, path string, seed uint64) {
	t.Helper()
	if s.Outcomes[play.Sound] == s.States && len(s.Checks) == 0 && s.States > 0 {
		return
	}
	kept := keep(t, path)
	t.Errorf("CRASH_SEED=%d: %v; %v. The trace is %s", seed, s.Outcomes, s.Checks, kept)
	const shownMax = 8
	for _, r := range s.Failures[:min(len(s.Failures), shownMax)] {
		t.Errorf("%s (%s), %s in recovery %d: %.300s %.600v\n\tat the least %s, without %s\n\tholdfast lab play --server holdfast --state %s --trace %s",
			r.Name, r.Variant, r.Outcome, r.Round, r.Reason, r.Findings, r.Least, strings.Join(r.LeastLost, "; "), r.Name, kept)
	}
}

// keep saves a trace from being removed with the test's directory.
func keep(t *testing.T, path string) string {
	t.Helper()
	from, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := os.CreateTemp("", "holdfast-crash-*.trace")
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(to, from)
	if err := errors.Join(err, to.Close()); err != nil {
		t.Fatal(err)
	}
	return to.Name()
}
