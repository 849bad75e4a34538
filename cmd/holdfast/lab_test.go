package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/urfave/cli/v2"

	"holdfast/lab/trace"
)

// runLab runs holdfast lab with args. It returns the exit code, and what was printed.
func runLab(t *testing.T, ctx context.Context, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	app := &cli.App{
		Commands: []*cli.Command{labCommand()}, Writer: &stdout, ErrWriter: &stderr, ExitErrHandler: func(*cli.Context, error) {},
	}
	if err := app.RunContext(ctx, append([]string{"holdfast", "lab"}, args...)); err != nil {
		var coder cli.ExitCoder
		if !errors.As(err, &coder) {
			t.Fatalf("%q: an error without an exit code: %v", args, err)
		}
		code = coder.ExitCode()
		stderr.WriteString(err.Error())
	}
	return code, stdout.String(), stderr.String()
}

// emptyTrace is a trace in which nothing happens.
func emptyTrace(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.trace")
	w, err := trace.NewWriter(path, trace.Meta{Server: "other", Policy: "always", Workload: "counters", Clients: 1,
		Command: []string{"true", "{port}", "{dir}"}}, 0)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLabErrors(t *testing.T) {
	some := emptyTrace(t)
	for _, c := range []struct {
		args []string
		code int
		errs string // a part of it; $ is the end
	}{
		{[]string{"dance"}, 2, `there is no command "lab dance"`},
		{[]string{"run", "--speed", "9"}, 2, "flag provided but not defined: -speed"},
		{[]string{"run", "--server", "sqlite"}, 2, `server "sqlite": not a preset: want holdfast, redis, valkey`},
		{[]string{"run", "--server", ""}, 2, "name a server"},
		{[]string{"run", "--server", "redis", "--server-cmd", "x {port} {dir}"}, 2, "both name a server"},
		{[]string{"run", "--server-cmd", "x --port {port}"}, 2, "it has no {dir}"},
		{[]string{"run", "--server-cmd", "x '{port} {dir}"}, 2, "a quote is not closed"},
		{[]string{"run", "--server-cmd", "no-such-program {port} {dir}"}, 1, "no-such-program: no such program"},
		{[]string{"run", "--server-cmd", "false {port} {dir}"}, 1, "false ended: exit status 1$"},
		{[]string{"run", "--policy", "never"}, 2, `--policy takes always or everysec, not "never"`},
		{[]string{"run", "--workload", "golf"}, 2, `there is no workload "golf", and no file of that name; workloads are counters`},
		{[]string{"run", "--workload", "/dev/null"}, 2, "/dev/null has no command in it"},
		{[]string{"record", "--out", filepath.Join(t.TempDir(), "x"), "--bytes", "10", "--server-cmd", "true {port} {dir}"}, 1, "the trace has reached its size limit"},
		{[]string{"run", "--states", "-1"}, 2, "--states takes no negative number"},
		{[]string{"run", "--clients", "1000"}, 2, "1000 clients, want 1 to 60"},
		{[]string{"run", "--html", "/no/such/place.html"}, 1, "making the HTML report: open /no/such/place.html"},
		{[]string{"run", "stray"}, 2, `does not take "stray"`},
		{[]string{"record"}, 2, "lab record wants --out"},
		{[]string{"record", "--out", "x", "--time", "0s"}, 2, "--time and --bytes must be above zero"},
		{[]string{"record", "--out", "/no/such/place"}, 1, "making a trace: open /no/such/place"},
		{[]string{"play"}, 2, "lab play wants --trace"},
		{[]string{"play", "--trace", "/no/such/trace"}, 1, "opening a trace: open /no/such/trace"},
		{[]string{"play", "--trace", "lab_test.go"}, 1, "not a trace of holdfast lab"},
		{[]string{"play", "--trace", some, "--keep", "x"}, 2, "--keep needs --state"},
		{[]string{"play", "--trace", some, "--state", "5/strict/512/all", "--states", "9", "--reading", "strict"}, 2, "leave out --states and --reading"},
		{[]string{"play", "--trace", some, "--state", "5"}, 2, `"5" is not a crash state: want SEQ/READING/PIECE/CHOICE`},
		{[]string{"play", "--trace", some, "--state", "5/strict/512/all"}, 2, "the trace has no such event"},
		{[]string{"play", "--trace", some, "--reading", "kind"}, 2, `--reading takes strict or ordered, not "kind"`},
		{[]string{"play", "--trace", some, "--second", "2"}, 2, "--second takes a share from 0 to 1"},
		{[]string{"play", "--trace", some, "--second", "NaN"}, 2, "--second takes a share from 0 to 1"},
		{[]string{"play", "--trace", some, "--limit", "-1s"}, 2, "--limit must be above zero"},
		{[]string{"play", "--trace", some}, 1, "the trace has no file operation"},
		{[]string{"fault", "--kinds", "kill,fire"}, 2, `--kinds takes kill, pause, rest, slow, error, not "fire"`},
		{[]string{"fault", "--only", "eio/fsync/x", "--server-cmd", "true {port} {dir}"}, 2, `"eio/fsync/x" is not an experiment`},
		{[]string{"fault", "--patience", "0s"}, 2, "--patience must be above zero"},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			code, _, errs := runLab(t, t.Context(), c.args...)
			if code != c.code || !strings.Contains(errs+"$", c.errs) {
				t.Errorf("exit code %d, want %d; it said:\n%s", code, c.code, errs)
			}
			if strings.Contains(errs, "\n") {
				t.Errorf("the error has more than one line:\n%s", errs)
			}
		})
	}
}

// A lab that comes to nothing leaves what was at the place of its report or its trace: a device, or an earlier report.
func TestLabLeavesWhatWasThere(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	dir := t.TempDir()
	pipe, earlier := filepath.Join(dir, "pipe"), filepath.Join(dir, "earlier.html")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(pipe, os.O_RDWR, 0) // without somebody at its end an open would wait
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := os.WriteFile(earlier, []byte("a report"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		errs string
	}{
		{[]string{"run", "--server-cmd", "no-such-program {port} {dir}", "--html", pipe}, "no such program"},
		{[]string{"fault", "--server-cmd", "no-such-program {port} {dir}", "--html", earlier}, "no such program"},
		{[]string{"record", "--out", pipe}, "no ordinary file"},
	} {
		if code, _, errs := runLab(t, t.Context(), c.args...); code != 1 || !strings.Contains(errs, c.errs) {
			t.Errorf("%s: exit code %d; %s", c.args, code, errs)
		}
	}
	if info, err := os.Stat(pipe); err != nil || info.Mode().Type() != os.ModeNamedPipe {
		t.Errorf("the pipe is gone: %v", err)
	}
	if text, err := os.ReadFile(earlier); string(text) != "a report" {
		t.Errorf("the report is %q now, %v", text, err)
	}
}

// A shorter page takes the place of a longer one, and nothing of that is left.
func TestLabPageOverAnother(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	page := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(page, bytes.Repeat([]byte("old"), 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs := runLab(t, t.Context(), "fault", "--server-cmd", brokenServer(t, ""), "--workload", "counters", "--only", "kill/reply/20",
		"--seed", "2", "--html", page)
	if text, err := os.ReadFile(page); code != 0 || err != nil || !bytes.HasPrefix(text, []byte("<!doctype")) || bytes.Contains(text, []byte("oldold")) {
		t.Errorf("exit code %d, %s: %v, %d bytes, %.40q", code, errs, err, len(text), text)
	}
}

// Closing the terminal ends a lab as ^C does, unless it was started not to care.
func TestLabEndsWithItsTerminal(t *testing.T) {
	heard := make(chan os.Signal, 1)
	signal.Notify(heard, syscall.SIGHUP) // or it would end the test
	stop, cancel := interruptible(&cli.Context{Context: t.Context()})
	defer cancel()
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	<-heard
	select {
	case <-stop.Done():
	case <-time.After(10 * time.Second):
		t.Error("it goes on")
	}
	signal.Ignore(syscall.SIGHUP)
	defer signal.Reset(syscall.SIGHUP)
	if slices.Contains(endings(), os.Signal(syscall.SIGHUP)) {
		t.Error("a SIGHUP that nohup ignores would end it")
	}
}

func TestLabWorkloads(t *testing.T) {
	code, out, errs := runLab(t, t.Context(), "workloads")
	if code != 0 || !strings.Contains(out, "accounts ") || !strings.Contains(out, "mixed ") {
		t.Errorf("exit code %d; %s%s", code, out, errs)
	}
	_, out, _ = runLab(t, t.Context(), "workloads", "--json")
	var first struct{ Name, Does string }
	if err := json.NewDecoder(strings.NewReader(out)).Decode(&first); err != nil || first.Name != "counters" || first.Does == "" {
		t.Errorf("%v: %s", err, out)
	}
}

// brokenServer builds the server that acknowledges before it syncs, and is the command that starts it.
func brokenServer(t *testing.T, flags string) (command string) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "broken server")
	if out, err := exec.Command("go", "build", "-o", program, "../../lab/testdata/broken").CombinedOutput(); err != nil {
		t.Fatalf("building the broken server: %v\n%s", err, out)
	}
	return "'" + program + "' --port {port} --dir {dir} " + flags
}

// found is the JSON that scripts rely on, the part of it that matters here.
type found struct {
	Recording struct{ Events int }
	Crashes   struct {
		Held                    bool
		States, Sound, Broken   int
		Trace, Verdict, Command any
		Checks                  []struct{ Check string }
		Failures                []struct{ State, Least, Replay string }
	}
	Faults *struct{ Experiments int }
}

// A run on a server that breaks a promise ends with exit code 1 and keeps its trace, and each failure comes back by the
// command in the report.
func TestLabRunFindsADefect(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	page := filepath.Join(t.TempDir(), "report.html")
	code, out, errs := runLab(t, t.Context(), "run", "--server-cmd", brokenServer(t, "--ack-before-sync"), "--workload", "registers",
		"--requests", "60", "--states", "60", "--seed", "5", "--no-faults", "--json", "--html", page)
	var got found
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v: %s%s", err, out, errs)
	}
	c := got.Crashes
	if code != 1 || c.Held || c.Broken == 0 || c.States != 60 || len(c.Checks) == 0 || c.Checks[0].Check != "acknowledged write lost" {
		t.Fatalf("exit code %d; %+v", code, c)
	}
	if got.Recording.Events == 0 || got.Faults != nil {
		t.Errorf("recording and faults are not as they should be: %s", out)
	}
	if html, err := os.ReadFile(page); err != nil || !bytes.Contains(html, []byte("<svg class=\"time\"")) {
		t.Errorf("the page has no timeline: %v", err)
	}
	replay := strings.Fields(strings.TrimPrefix(c.Failures[0].Replay, "holdfast lab "))
	code, out, errs = runLab(t, t.Context(), replay...)
	if code != 1 || !strings.Contains(out, "acknowledged write lost: register:") {
		t.Errorf("%q: exit code %d; %s%s", replay, code, out, errs)
	}
}

// A run in which every promise holds leaves nothing behind.
func TestLabRunOfWhatIsSound(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	code, out, errs := runLab(t, t.Context(), "run", "--server-cmd", brokenServer(t, ""), "--workload", "counters", "--requests", "40",
		"--states", "30", "--no-faults")
	if code != 0 || !strings.HasSuffix(out, "30 states, 30 sound, 0 refused, 0 broken: every acknowledged write survived\n") {
		t.Errorf("exit code %d; %s%s", code, out, errs)
	}
	nothingIn(t, tmp)
	_, out, _ = runLab(t, t.Context(), "run", "--server-cmd", brokenServer(t, ""), "--workload", "counters", "--requests", "40", "--states", "1",
		"--no-faults", "--json")
	if strings.Contains(out, tmp) {
		t.Errorf("it names a trace that is gone: %s", out)
	}
}

// One that is interrupted when it has a trace and no crash yet has nothing to show of it, and leaves nothing either.
func TestLabRunInterruptedBeforeACrash(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	program := filepath.Join(t.TempDir(), "starts once")
	script := "#!/bin/sh\nif [ -e \"$2/log.1\" ]; then echo >\"$0.again\"; exec sleep 100; fi\nexec " +
		strings.NewReplacer("{port}", `"$1"`, "{dir}", `"$2"`).Replace(brokenServer(t, "")) + "\n"
	if err := errors.Join(os.WriteFile(program, []byte(script), 0o700), syscall.Mkfifo(program+".again", 0o600)); err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	go func() {
		if _, err := os.ReadFile(program + ".again"); err == nil { // a crash state is being played
			interrupt()
		}
	}()
	page := filepath.Join(tmp, "page.html")
	code, out, errs := runLab(t, ctx, "run", "--server-cmd", "'"+program+"' {port} {dir}", "--workload", "counters", "--requests", "20",
		"--states", "9", "--no-faults", "--html", page)
	if code != 1 || errs != "interrupted" || !strings.HasPrefix(out, "recorded other") {
		t.Errorf("exit code %d; %s%s", code, out, errs)
	}
	nothingIn(t, tmp)
}

func nothingIn(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Errorf("%s was left behind", e.Name())
	}
}

func TestLabInterrupted(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	page := filepath.Join(tmp, "page.html")
	for _, args := range [][]string{
		{"run", "--server-cmd", brokenServer(t, ""), "--html", page},
		{"fault", "--server-cmd", brokenServer(t, ""), "--html", page},
		{"record", "--server-cmd", brokenServer(t, ""), "--out", filepath.Join(tmp, "trace")},
	} {
		if code, _, errs := runLab(t, ctx, args...); code != 1 || errs != "interrupted" {
			t.Errorf("%s: exit code %d; %s", args[0], code, errs)
		}
		nothingIn(t, tmp)
	}
}

// A recording is played by another server too, and one of its states can be kept to look into.
func TestLabRecordAndPlay(t *testing.T) {
	dir := t.TempDir()
	path, kept := filepath.Join(dir, "a.trace"), filepath.Join(dir, "kept")
	server := brokenServer(t, "")
	code, out, errs := runLab(t, t.Context(), "record", "--server-cmd", server, "--workload", "accounts", "--requests", "30", "--seed", "9", "--out", path)
	if code != 0 || !strings.HasPrefix(out, "recorded other · always · accounts, seed 9: ") {
		t.Fatalf("exit code %d; %s%s", code, out, errs)
	}
	code, out, errs = runLab(t, t.Context(), "play", "--trace", path, "--state", "40/ordered/512/none", "--keep", kept, "--server-cmd", server)
	if code != 0 || !strings.Contains(out, "1 state, 1 sound") || !strings.Contains(out, "seed 9") {
		t.Errorf("exit code %d; %s%s", code, out, errs)
	}
	if _, err := os.Stat(filepath.Join(kept, "log.1")); err != nil {
		t.Error(err)
	}
	code, out, errs = runLab(t, t.Context(), "play", "--trace", path, "--state", "40/ordered/512/none", "--keep", dir)
	if _, err := os.Stat(filepath.Join(dir, "log.1")); code != 1 || !strings.Contains(errs, dir+" is not empty") || err == nil {
		t.Errorf("exit code %d; %s%s", code, out, errs)
	}
}

func TestLabFault(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	code, out, errs := runLab(t, t.Context(), "fault", "--server-cmd", brokenServer(t, ""), "--workload", "counters", "--only", "kill/reply/20", "--seed", "2")
	if code != 0 || !strings.HasSuffix(out, "1 experiment, 1 sound, 0 broken: nothing wrong was served\n") {
		t.Errorf("exit code %d; %s%s", code, out, errs)
	}
}
