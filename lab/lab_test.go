package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast/lab/disk"
	"holdfast/lab/fault"
	"holdfast/lab/play"
	"holdfast/lab/recorder"
	"holdfast/lab/subject"
	"holdfast/lab/trace"
	"holdfast/lab/traffic"
	"holdfast/lab/workload"
)

// built is the program of holdfast, built once.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "lab-test-")
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, "holdfast")
	out, err := exec.Command("go", "build", "-o", program, "holdfast/cmd/holdfast").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return program, err
})

func TestMain(m *testing.M) {
	code := m.Run()
	if program, err := built(); err == nil {
		os.RemoveAll(filepath.Dir(program))
	}
	os.Exit(code)
}

// target is a preset with a policy.
func target(t *testing.T, server, policy string) Target {
	t.Helper()
	program, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return Target{Server: server, Policy: policy, Holdfast: program}
}

// small is a load that takes little time.
func small(name string) Load {
	return Load{Workload: name, Seed: 7, Options: workload.Options{Clients: 3, Requests: 60, Keys: 24}}
}

// clean checks that nothing is left in a directory, mounted or not, once the test is over.
func clean(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left in %s: %v, %v", dir, left, err)
	}
	if text, err := os.ReadFile("/proc/self/mountinfo"); err != nil || strings.Contains(string(text), dir) {
		t.Errorf("still mounted in %s: %v", dir, err)
	}
}

// record records, and leaves nothing behind but the trace.
func record(t *testing.T, o RecordOptions) (Recording, error) {
	t.Helper()
	o.Dir = t.TempDir()
	o.Trace = filepath.Join(t.TempDir(), "trace")
	rec, err := Record(t.Context(), o)
	clean(t, o.Dir)
	if _, missing := os.Stat(o.Trace); (err == nil) != (missing == nil) {
		t.Errorf("recording: %v; its trace: %v", err, missing)
	}
	return rec, err
}

// Every workload can be recorded on each server: every request has its reply, and the trace holds up.
func TestRecordRealServers(t *testing.T) {
	for _, server := range []string{"holdfast", "redis"} {
		for _, name := range workload.Names() {
			t.Run(server+"/"+name, func(t *testing.T) {
				rec, err := record(t, RecordOptions{Target: target(t, server, "always"), Load: small(name)})
				if err != nil {
					t.Fatal(err)
				}
				if rec.Replies < 150 || rec.Replies != rec.Requests || rec.Cut != "" || rec.Server != server || rec.Workload != name {
					t.Errorf("%+v", rec)
				}
				if rec.Operations["write"] == 0 || rec.Operations["sync"] == 0 || rec.Bytes == 0 || rec.PerSecond <= 0 {
					t.Errorf("%+v", rec)
				}
				if len(rec.Problems) > 0 {
					t.Errorf("problems: %q", rec.Problems)
				}
			})
		}
	}
}

// Recording slows a server by less than five times.
func TestSlowdown(t *testing.T) {
	load := Load{Workload: "counters", Seed: 1}
	for _, server := range []string{"holdfast", "redis"} {
		rec, err := record(t, RecordOptions{Target: target(t, server, "always"), Load: load, Compare: true})
		if err != nil {
			t.Fatal(err)
		}
		if s := rec.Slower(); s <= 0 || s >= 5 {
			t.Errorf("%s: %.1f times slower: %.0f requests a second, %.0f without the mount", server, s, rec.PerSecond, rec.Plain)
		}
	}
}

// A trace knows how it is played: server, workload and all.
func TestPlayWhatWasRecorded(t *testing.T) {
	for _, name := range []string{"counters", "mixed"} {
		path := filepath.Join(t.TempDir(), "trace")
		if _, err := Record(t.Context(), RecordOptions{Target: target(t, "holdfast", "always"), Load: small(name), Trace: path}); err != nil {
			t.Fatal(err)
		}
		var results []play.Result
		o := PlayOptions{Trace: path, States: 40, Seed: 3, Second: 0.3, Dir: t.TempDir(), Each: func(r play.Result) { results = append(results, r) }}
		r, err := Play(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if len(results) != 40 || !r.Held() {
			t.Errorf("%s: %d states: %s", name, len(results), r.Verdict())
		}
		o.State = results[7].Name
		again := results[7]
		results = nil
		if _, err := Play(t.Context(), o); err != nil || len(results) != 1 || results[0].Outcome != again.Outcome {
			t.Errorf("%s again: %v, %+v", o.State, err, results)
		}
		clean(t, o.Dir)
	}
}

// A user's own commands are recorded and judged like a workload.
func TestScript(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trace")
	o := RecordOptions{Target: target(t, "holdfast", "always"), Trace: path,
		Load: Load{Script: "SET a 1\nINCR a\n# a comment\nRPUSH l x y z\nLPOP l\nSET b \"two words\"\n"}}
	rec, err := Record(t.Context(), o)
	if err != nil || rec.Requests != 5 {
		t.Fatalf("%+v, %v", rec, err)
	}
	r, err := Play(t.Context(), PlayOptions{Trace: path, States: 20, Dir: t.TempDir()})
	if err != nil || !r.Held() {
		t.Errorf("%v, %v", err, r.Verdict())
	}
}

// Under everysec there is something that had to be there.
func TestEverySecondIsPromisedSomething(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "trace")
	o := RecordOptions{Target: target(t, "redis", "everysec"), Load: small("counters"), Trace: path, Dir: t.TempDir(), Time: 500 * time.Millisecond}
	if rec, err := Record(t.Context(), o); err != nil {
		t.Fatalf("%+v, %v", rec, err)
	}
	r, err := trace.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	follower, last := traffic.NewFollower(r.Meta), uint64(0)
	if err := r.Events(func(e trace.Event) (bool, error) { last = e.Seq; return true, follower.Apply(e) }); err != nil {
		t.Fatal(err)
	}
	if due := workload.Due(follower.History(last, traffic.EverySec).Ops); !due {
		t.Error("nothing was promised by the end")
	}
}

// Bounds end a recording, and it can be played.
func TestBounds(t *testing.T) {
	load := Load{Workload: "counters", Seed: 1, Options: workload.Options{Requests: 100_000}}
	rec, err := record(t, RecordOptions{Target: target(t, "holdfast", "everysec"), Load: load, Bytes: 1 << 20})
	if err != nil || !strings.Contains(rec.Cut, "1 MiB") || rec.Bytes > 1<<20 || rec.Replies == 0 {
		t.Errorf("%+v, %v", rec, err)
	}
	rec, err = record(t, RecordOptions{Target: target(t, "holdfast", "everysec"), Load: load, Time: 300 * time.Millisecond})
	if err != nil || !strings.Contains(rec.Cut, "300ms") || rec.Seconds > 2 {
		t.Errorf("%+v, %v", rec, err)
	}
}

// What is wrong with a server is said in a line that says what to do.
func TestServersThatCannotBeRecorded(t *testing.T) {
	sh := func(script string) string { return "sh -c '" + script + "' {port} {dir}" }
	for _, c := range []struct {
		command, says string
		is            error
	}{
		{sh(`echo no such thing as $0 >&2; exit 3`), "no such thing", subject.ErrRefused},
		{"redis-server --port {port} --dir {dir} --daemonize yes --save ''", "background", subject.ErrBackground},
		{"/nowhere/to/be/found {port} {dir}", "/nowhere/to/be/found", subject.ErrNoProgram},
		{"/etc/passwd {port} {dir}", "/etc/passwd", subject.ErrNotRunnable},
		{"redis-server --port {port}", "{dir}", ErrCommand},
		{"redis-server --dir {dir}", "{port}", ErrCommand},
		{"redis-server '--dir {dir} {port}", "quote", ErrCommand},
	} {
		_, err := record(t, RecordOptions{Target: Target{Command: c.command, Policy: "always"}, Load: small("counters")})
		if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.command, err)
		}
	}
	for path, is := range map[string]error{"/etc/passwd": subject.ErrNotRunnable, "/etc/": subject.ErrNotRunnable, "/no/program": subject.ErrNoProgram} {
		if _, err := record(t, RecordOptions{Target: Target{Server: path, Policy: "always"}, Load: small("counters")}); !errors.Is(err, is) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := record(t, RecordOptions{Target: Target{Server: "oracle", Policy: "always"}, Load: small("counters")}); !errors.Is(err, subject.ErrPreset) {
		t.Errorf("%v", err)
	}
	if _, err := record(t, RecordOptions{Target: target(t, "holdfast", "always"), Load: small("none")}); !errors.Is(err, workload.ErrUnknown) {
		t.Errorf("%v", err)
	}
}

// A server that keeps its files elsewhere is recorded, and the recording says that it is worth nothing.
func TestFilesElsewhere(t *testing.T) {
	elsewhere := t.TempDir()
	for command, says := range map[string]string{
		"redis-server --port {port} --appendonly yes --save '' --dir " + elsewhere + " --logfile {dir}/log": elsewhere,
		"redis-server --port {port} --appendonly yes --save '' --logfile {dir}/log":                         "working directory",
	} {
		rec, err := record(t, RecordOptions{Target: Target{Command: command, Policy: "everysec"}, Load: small("counters")})
		if err != nil || !strings.Contains(strings.Join(rec.Problems, "\n"), says) {
			t.Errorf("%s: %q, %v", command, rec.Problems, err)
		}
	}
}

// A server that takes nothing has nothing to lose: that is no promise kept.
func TestServersThatRefuseEverything(t *testing.T) {
	command := "redis-server --port {port} --dir {dir} --appendonly yes --requirepass secret"
	_, err := record(t, RecordOptions{Target: Target{Command: command, Policy: "always"}, Load: small("counters")})
	if !errors.Is(err, ErrNothing) || !strings.Contains(err.Error(), "-NOAUTH") {
		t.Errorf("%v", err)
	}
	command = "redis-server --port {port} --dir {dir} --appendonly yes --maxmemory 1" // it can be read
	_, err = record(t, RecordOptions{Target: Target{Command: command, Policy: "always"}, Load: small("counters")})
	if !errors.Is(err, ErrNothing) || !strings.Contains(err.Error(), "-OOM") {
		t.Errorf("%v", err)
	}
}

// That holds without a recording too, whatever is tried.
func TestFaultsOfServersThatTakeNoWrite(t *testing.T) {
	command := "redis-server --port {port} --dir {dir} --appendonly yes --maxmemory 1" // it can be read
	for _, kind := range fault.Kinds() {
		o := FaultOptions{Target: Target{Command: command, Policy: "always"}, Load: small("counters"), Kinds: []fault.Kind{kind}, Each: 1, Dir: t.TempDir(),
			OnResult: func(r fault.Result) { t.Errorf("%s: %s", r.Name, r.Outcome) }}
		if _, err := Faults(t.Context(), o); !errors.Is(err, ErrNothing) || !strings.Contains(err.Error(), "OOM") {
			t.Errorf("%s: %v", kind, err)
		}
		clean(t, o.Dir)
	}
}

// A request that is never answered is no end of the traffic like another.
func TestServersThatHang(t *testing.T) {
	o := RecordOptions{Target: target(t, "redis", "always"), Load: Load{Script: "SET a 1\nBLPOP nothing 0\n"}, Patience: 50 * time.Millisecond}
	if rec, err := record(t, o); !errors.Is(err, ErrHangs) || !strings.Contains(err.Error(), "BLPOP") {
		t.Errorf("%+v, %v", rec, err)
	}
}

// A server may close connections. What it did then is not known; all else must be there.
func TestServersThatCloseConnections(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trace")
	o := RecordOptions{Target: target(t, "redis", "always"), Trace: path, Load: Load{Script: "SET a 1\nINCR a\nCLIENT KILL TYPE normal SKIPME no\nINCR a\n"}}
	rec, err := Record(t.Context(), o)
	if err != nil || rec.Replies != 3 || !strings.Contains(strings.Join(rec.Problems, "\n"), "closed connections") {
		t.Fatalf("%+v, %v", rec, err)
	}
	r, err := Play(t.Context(), PlayOptions{Trace: path, States: 10, Readings: []disk.Reading{disk.Ordered}, Dir: t.TempDir()})
	if err != nil || !r.Held() {
		t.Errorf("%v, %v", err, r.Verdict())
	}
}

// A trace of which the end is missing is played as far as it goes, and the report says so. One that is full is whole.
func TestCutTraces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trace")
	load := small("counters")
	load.Options.Requests = 5000
	rec, err := Record(t.Context(), RecordOptions{Target: target(t, "holdfast", "everysec"), Load: load, Trace: path, Bytes: 256 << 10})
	if err != nil || rec.Bytes > 256<<10 || !strings.Contains(rec.Cut, "limit") {
		t.Fatalf("%+v, %v", rec, err)
	}
	for _, bytes := range []int64{rec.Bytes, rec.Bytes - 100} {
		if err := os.Truncate(path, bytes); err != nil {
			t.Fatal(err)
		}
		r, err := Play(t.Context(), PlayOptions{Trace: path, States: 1, Dir: t.TempDir()})
		if said := r != nil && strings.Contains(strings.Join(r.Notes, "\n"), "cut short"); err != nil || said == (bytes == rec.Bytes) {
			t.Errorf("%d of %d bytes: %v, %+v", bytes, rec.Bytes, err, r.Notes)
		}
	}
}

// An interrupt at any moment leaves no mount, no process and no directory.
func TestInterrupt(t *testing.T) {
	for _, after := range []time.Duration{0, 5 * time.Millisecond, 50 * time.Millisecond, 150 * time.Millisecond, 400 * time.Millisecond} {
		for _, server := range []string{"holdfast", "redis"} {
			dir := t.TempDir()
			ctx, cancel := context.WithTimeout(t.Context(), after)
			_, err := Record(ctx, RecordOptions{Target: target(t, server, "always"), Dir: dir, Trace: filepath.Join(t.TempDir(), "trace"),
				Load: Load{Workload: "mixed", Options: workload.Options{Requests: 50_000}}})
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s after %v: %v", server, after, err)
			}
			clean(t, dir)
			if pids := processesIn(t, dir); len(pids) > 0 {
				t.Errorf("%s after %v: still running: %v", server, after, pids)
			}
		}
	}
}

// processesIn lists the processes that have a directory in their arguments.
func processesIn(t *testing.T, dir string) []string {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, path := range lines {
		if text, err := os.ReadFile(path); err == nil && strings.Contains(string(text), dir) {
			found = append(found, path)
		}
	}
	return found
}

// holdfast keeps its promises whatever else goes wrong; the experiments do come about.
func TestFaultsOfHoldfast(t *testing.T) {
	for policy, kinds := range map[string][]fault.Kind{"always": nil, "everysec": {fault.Kill, fault.Pause, fault.Rest}} {
		outcomes := map[fault.Outcome]int{}
		load := small("mixed")
		load.Options.Requests = 25
		o := FaultOptions{Target: target(t, "holdfast", policy), Load: load, Kinds: kinds, Each: 1, Dir: t.TempDir(), Traffic: 3 * time.Second,
			OnResult: func(r fault.Result) {
				outcomes[r.Outcome]++
				if r.Outcome.Broke() {
					t.Errorf("%s: %s: %s: %+v\n%s", policy, r.Name, r.Outcome, r.Findings, r.Reason)
				}
			}}
		if _, err := Faults(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if outcomes[fault.Sound] < 10 || outcomes[fault.Refused] == 0 || kinds == nil && outcomes[fault.Ended] == 0 || outcomes[fault.Impossible] > 0 {
			t.Errorf("%s: %v", policy, outcomes)
		}
		t.Logf("%s: %v", policy, outcomes)
		clean(t, o.Dir)
	}
}

// redis-server can be put through the same; what comes of it is what it is.
func TestFaultsOfRedis(t *testing.T) {
	outcomes := map[fault.Outcome]int{}
	o := FaultOptions{Target: target(t, "redis", "always"), Load: small("counters"), Each: 1, Dir: t.TempDir(), Traffic: 3 * time.Second,
		OnResult: func(r fault.Result) { outcomes[r.Outcome]++ }}
	r, err := Faults(t.Context(), o)
	if err != nil || outcomes[fault.Sound] < 5 || outcomes[fault.Impossible] > 0 {
		t.Errorf("%v, %v", outcomes, err)
	}
	t.Log(r.Verdict())
	clean(t, o.Dir)
}

// Run does all of it.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	var stages []string
	r, err := Run(t.Context(), RunOptions{Target: target(t, "holdfast", "always"), Load: small("mixed"), States: 30, FaultTime: 2 * time.Second,
		Dir: dir, Stage: func(s string) { stages = append(stages, s) }})
	if err != nil || r.Crashes == nil || r.Faults == nil || len(stages) != 3 {
		t.Fatalf("%v, %v, %+v", err, stages, r)
	}
	if !r.Held() {
		t.Errorf("%s; %s", r.Crashes.Verdict(), r.Faults.Verdict())
	}
	clean(t, dir)
}

// A trace that another lab made with options that this one does not know is refused, rather than judged wrongly.
func TestForeignTraces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trace")
	for _, meta := range []trace.Meta{
		{Server: "holdfast", Policy: "always", Workload: "counters"},
		{Server: "holdfast", Command: []string{"holdfast"}, Policy: "always", Workload: "none"},
		{Server: "holdfast", Command: []string{"holdfast"}, Policy: "always", Workload: "counters", Options: []byte(`{"Clients":"x"}`)},
	} {
		log, err := trace.NewWriter(path, meta, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := Play(t.Context(), PlayOptions{Trace: path, Dir: t.TempDir()}); err == nil {
			t.Errorf("%+v is played", meta)
		}
	}
}

// What a lab that was killed has left is removed by the next, and what one that lives has not.
func TestScratchOfAKilledLab(t *testing.T) {
	parent := t.TempDir()
	dead, remove, err := scratch(parent)
	if err != nil {
		t.Fatal(err)
	}
	alive, end, err := scratch(parent)
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	if _, err := os.Stat(dead); err != nil {
		t.Errorf("it was alive still: %v", err)
	}
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	// Its lock goes with a process.
	if err := errors.Join(os.MkdirAll(filepath.Join(dead, "data"), 0o700), os.WriteFile(filepath.Join(dead, lockName), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := cleanUp(parent); err != nil {
		t.Error(err)
	}
	left, err := os.ReadDir(parent)
	if err != nil || len(left) != 1 || left[0].Name() != filepath.Base(alive) {
		t.Errorf("%v, %v", left, err)
	}
}

func TestNoMount(t *testing.T) {
	err := noMount(fmt.Errorf("%w: /dev/fuse", recorder.ErrNoFUSE))
	if !errors.Is(err, ErrMount) || !strings.Contains(err.Error(), "kill,pause,rest") {
		t.Error(err)
	}
}

func TestCommandsAreSplitAsByAShell(t *testing.T) {
	got, err := parseCommand(`redis-server --port {port}  --save "" --dir '{dir}' --x 'a "b" c'"d"`)
	if want := []string{"redis-server", "--port", "{port}", "--save", "", "--dir", "{dir}", "--x", `a "b" cd`}; err != nil || fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("%q, %v", got, err)
	}
}
