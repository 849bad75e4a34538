package crash

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"holdfast/lab/disk"
	"holdfast/lab/play"
	"holdfast/lab/recorder"
	"holdfast/lab/subject"
	"holdfast/lab/trace"
	"holdfast/lab/traffic"
	"holdfast/lab/workload"
)

// defect is a way for the server in lab/testdata/broken to be wrong, and the check that is meant for it.
type defect struct {
	flag     string // "": none
	workload string
	check    workload.Check
	// readings are those in which it shows; none are both.
	readings []disk.Reading
	variants []disk.Variant // in which it shows; none are all
	second   float64        // the share of the states with a second crash
	states   int
}

func defects() []defect {
	strict := []disk.Reading{disk.Strict}
	return []defect{
		{flag: "--ack-before-sync", workload: "registers", check: workload.Lost, states: 60},
		{flag: "--read-before-sync", workload: "counters", check: workload.Lost, states: 400, variants: []disk.Variant{disk.OnlySynced}},
		{flag: "--no-dirsync", workload: "registers", check: workload.Lost, readings: strict, states: 60},
		{flag: "--no-checksum", workload: "lists", check: workload.Invented, variants: []disk.Variant{disk.Torn}, states: 400},
		{flag: "--torn-transactions", workload: "accounts", check: workload.Torn, states: 200},
		{flag: "--reorder-commits", workload: "lists", check: workload.Order, states: 100},
		{flag: "--relative-ttl", workload: "ttls", check: workload.Deadline, states: 40},
		{flag: "--relative-ttl", workload: "ttls", check: workload.Resurrected, states: 40},
		{flag: "--timeless-fields", workload: "hashes", check: workload.Deadline, states: 40},
		{flag: "--timeless-fields", workload: "hashes", check: workload.Resurrected, states: 40},
		{flag: "--flat-lists", workload: "lists", check: workload.Unreadable, states: 40},
		{flag: "--forget-after-second-start", workload: "registers", check: workload.Lost, second: 1, states: 40},
		{flag: "--wait-for-torn-record", workload: "lists", check: workload.NeverStarted, variants: []disk.Variant{disk.Torn}, states: 100},
	}
}

// broken builds the server of lab/testdata/broken.
func broken(t *testing.T) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "broken")
	if out, err := exec.Command("go", "build", "-o", program, "../../lab/testdata/broken").CombinedOutput(); err != nil {
		t.Fatalf("building the broken server: %v\n%s", err, out)
	}
	return program
}

// TestBrokenServer: each way of being wrong is found by the check that is meant for it.
func TestBrokenServer(t *testing.T) {
	program, seed := broken(t), number(t, "CRASH_SEED", 1)
	for _, d := range defects() {
		t.Run(fmt.Sprintf("%s/%s", d.flag, d.check), func(t *testing.T) {
			s := playBroken(t, program, d, seed)
			t.Log(s.Checks)
			if s.Checks[d.check] == 0 {
				t.Errorf("CRASH_SEED=%d: of %d states %v; %v", seed, s.States, s.Outcomes, s.Checks)
			}
		})
	}
}

// TestSoundServer: the same server with nothing wrong is found fault with by no check, so what the others find is theirs.
func TestSoundServer(t *testing.T) {
	program, seed := broken(t), number(t, "CRASH_SEED", 1)
	for _, name := range workload.Names() {
		t.Run(name, func(t *testing.T) {
			s := playBroken(t, program, defect{workload: name, second: 0.2, states: 100}, seed)
			if s.Outcomes[play.Sound] != s.States || s.States == 0 {
				t.Errorf("CRASH_SEED=%d: of %d states %v; %v\n%+v", seed, s.States, s.Outcomes, s.Checks, s.Failures[:min(3, len(s.Failures))])
			}
		})
	}
}

// playBroken records the server with a defect, and plays what crashes leave of it.
func playBroken(t *testing.T, program string, d defect, seed uint64) play.Summary {
	t.Helper()
	w, err := workload.New(d.workload, workload.Options{Clients: 4, Requests: 120, Keys: 12, Checkpoints: true})
	if err != nil {
		t.Fatal(err)
	}
	server := &subject.Process{
		Command: slices.DeleteFunc([]string{program, "--port", "{port}", "--dir", "{dir}", "--checkpoint-every", "100", d.flag},
			func(arg string) bool { return arg == "" }),
		StartMax: 2 * time.Second,
	}
	dir := scratch(t)
	path := filepath.Join(dir, "trace")
	if err := recordBroken(dir, path, server, w, seed); err != nil {
		t.Fatal(err)
	}
	return mustPlay(t, play.Plan{Trace: path, Workload: w, Starter: server, Scratch: dir, States: d.states, Seed: seed,
		Readings: d.readings, Variants: d.variants, Second: d.second})
}

// syncTakes is long enough for the requests of several clients to wait for one commit.
const syncTakes = 2 * time.Millisecond

func recordBroken(dir, path string, server *subject.Process, w workload.Workload, seed uint64) (err error) {
	log, err := trace.NewWriter(path, trace.Meta{Began: time.Now().UnixMilli(), Server: "other", Command: server.Command,
		Policy: "always", Workload: w.Name(), Seed: seed, Clients: w.Clients()}, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	fs, err := mount(dir, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, fs.Unmount()) }()
	running, err := server.Start(context.Background(), filepath.Join(dir, "data"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, running.Kill()) }()
	for _, note := range []string{trace.MarkReady, trace.MarkTraffic} {
		if _, err := log.Append(trace.Event{Kind: trace.Mark, Note: note}, nil); err != nil {
			return err
		}
	}
	if err := traffic.Drive(context.Background(), w, 0, running.Dial, log, seed); err != nil {
		return err
	}
	_, err = log.Append(trace.Event{Kind: trace.Mark, Note: trace.MarkDone}, nil)
	return err
}

// mount mounts a recording filesystem at dir/data.
func mount(dir string, log *trace.Writer) (*recorder.Filesystem, error) {
	backing, data := filepath.Join(dir, "files"), filepath.Join(dir, "data")
	for _, d := range []string{backing, data} {
		if err := os.Mkdir(d, 0o700); err != nil {
			return nil, err
		}
	}
	return recorder.Mount(recorder.Options{Backing: backing, Mountpoint: data, Trace: log, SyncDelay: syncTakes})
}
