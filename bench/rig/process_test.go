package rig

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// script makes a program for /bin/sh to run.
func script(t *testing.T, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// redis is the real redis-server, which keeps nothing.
func redis() Program {
	return Program{
		Name: "redis", Path: "redis-server",
		Args: func(dir, port string) []string {
			return []string{"--dir", dir, "--bind", Loopback, "--port", port, "--save", "", "--appendonly", "no"}
		},
		Settings: map[string]string{"appendonly": "no", "save": ""},
	}
}

func noArgs(string, string) []string { return nil }

func TestServerThatDoesNotStart(t *testing.T) {
	prog := Program{Name: "broken", Path: script(t, "echo cannot >&2; exit 3"), Args: noArgs}
	_, err := Start(t.Context(), prog, t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "cannot") {
		t.Errorf("got %v", err)
	}
}

// What a table says about a setting is so on the server, whatever its command line meant to say.
func TestServerWithOtherSettingsIsRefused(t *testing.T) {
	liar := redis()
	liar.Settings = map[string]string{"appendonly": "yes"}
	_, err := Start(t.Context(), liar, t.TempDir())
	if err == nil || !strings.Contains(err.Error(), `it was told appendonly "yes" and says ["appendonly" "no"]`) {
		t.Errorf("got %v", err)
	}
}

func TestTerminatedServerHasEnded(t *testing.T) {
	p, err := Start(t.Context(), redis(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	if err := p.Terminate(10 * time.Second); err != nil {
		t.Error(err)
	}
	if err := syscall.Kill(p.PID(), 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d: %v", p.PID(), err)
	}
}

// A server that saves its data badly at its end says so with its exit code, and that must not pass for a clean stop.
func TestTerminatedServerThatFailsIsAnError(t *testing.T) {
	dir := t.TempDir()
	ready := filepath.Join(dir, "ready")
	prog := Program{Name: "failing", Path: script(t, `trap 'echo cannot save; exit 4' TERM; : > `+ready+`; while :; do sleep 0.01; done`), Args: noArgs}
	p, err := Launch(prog, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	for { // the shell makes the file once it has its trap
		if _, err := os.Stat(ready); err == nil {
			break
		}
		select {
		case <-p.alive.Done():
			t.Fatal("it ended before its time")
		default:
		}
	}
	err = p.Terminate(10 * time.Second)
	if err == nil || !strings.Contains(err.Error(), "exit status 4") || !strings.Contains(err.Error(), "cannot save") {
		t.Errorf("got %v", err)
	}
}

// A server lives on when the thread ends that asked for it, as threads of the load generator do.
func TestServerOutlivesTheThreadThatAskedForIt(t *testing.T) {
	type launched struct {
		p      *Process
		err    error
		thread int
	}
	results := make(chan launched)
	var launch func()
	launch = func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if syscall.Gettid() == os.Getpid() {
			go launch() // the first thread of a program never ends, so another one, while this one is locked
			<-t.Context().Done()
			return
		}
		p, err := Start(t.Context(), redis(), t.TempDir())
		results <- launched{p, err, syscall.Gettid()}
	}
	go launch()
	l := <-results
	if l.err != nil {
		t.Fatal(l.err)
	}
	defer l.p.Kill()
	for { // until the thread has ended
		if _, err := os.Stat("/proc/self/task/" + strconv.Itoa(l.thread)); errors.Is(err, os.ErrNotExist) {
			break
		}
		runtime.Gosched()
	}
	if err := l.p.Terminate(10 * time.Second); err != nil { // and not by SIGKILL before
		t.Error(err)
	}
}
