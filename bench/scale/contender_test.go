package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"holdfast/internal/proc"

	"holdfast/bench/rig"
)

// The tests below run the real redis-server, briefly.

const testKeys = 10_000

// filled is a redis-server with RDB and testKeys keys.
func filled(t *testing.T) *contender {
	t.Helper()
	c := &contender{program: redisRDB("redis-server"), dir: filepath.Join(t.TempDir(), "data"), memory: proc.FamilyMemory, saving: savesAll}
	t.Cleanup(c.kill)
	if err := c.create(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.send(t.Context(), load(testKeys)); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLoadWritesEveryKey(t *testing.T) {
	c := filled(t)
	if size, err := c.process.Ask("DBSIZE"); err != nil || len(size) != 1 || size[0] != "10000" {
		t.Errorf("DBSIZE: %v, %v", size, err)
	}
	if err := c.send(t.Context(), lookups(testKeys, testKeys)); err != nil {
		t.Error(err)
	}
	if err := c.send(t.Context(), updates(5_000, testKeys, 1)); err != nil {
		t.Error(err)
	}
	if err := c.send(t.Context(), lookups(testKeys, testKeys)); err != nil {
		t.Errorf("after updates: %v", err)
	}
}

func TestMissingKeyIsNoticed(t *testing.T) {
	c := filled(t)
	if _, err := c.process.Ask("DEL", string(appendKey(nil, 77))); err != nil {
		t.Fatal(err)
	}
	if err := c.send(t.Context(), lookups(testKeys, testKeys)); !errors.Is(err, errWrong) || !strings.Contains(err.Error(), "key:000000000077") {
		t.Errorf("got %v", err)
	}
}

func TestRestartKeepsWhatWasSaved(t *testing.T) {
	c := filled(t)
	if err := c.rest(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, stop := range []func() error{c.terminate, func() error { c.kill(); return nil }} {
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		first, err := c.restart(t.Context(), 5)
		if err != nil || first <= 0 {
			t.Fatalf("first GET after %v, %v", first, err)
		}
	}
	if err := c.send(t.Context(), lookups(testKeys, testKeys)); err != nil {
		t.Error(err)
	}
}

// A start that does not get as far as an answer is an error that says why.
func TestRestartThatFails(t *testing.T) {
	c := filled(t)
	c.kill()
	if err := os.WriteFile(filepath.Join(c.dir, "dump.rdb"), []byte("REDIS0009 no more"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.restart(t.Context(), 5); err == nil || !strings.Contains(err.Error(), "it ended") {
		t.Errorf("got %v", err)
	}
}

// A key that the server has lost must not pass for a fast start.
func TestRestartWithoutTheDataIsAnError(t *testing.T) {
	c := filled(t)
	c.kill() // nothing was saved
	if _, err := c.restart(t.Context(), 5); !errors.Is(err, errWrong) {
		t.Errorf("got %v", err)
	}
}

func TestSaveIsTimed(t *testing.T) {
	c := filled(t)
	if took, err := c.save(t.Context(), savePoll); err != nil || took <= 0 {
		t.Errorf("took %v, %v", took, err)
	}
	if _, err := os.Stat(filepath.Join(c.dir, "dump.rdb")); err != nil {
		t.Error(err)
	}
}

func TestLoadAtAPace(t *testing.T) {
	c := filled(t)
	trial := newTrial(Options{}, testKeys, t.TempDir(), nil, nil, io.Discard)
	begin := time.Now()
	samples, err := trial.loadFor(t.Context(), c, pace{rate: 2000, writes: true, keys: testKeys, seed: 1}, 300*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	most := int(time.Since(begin).Seconds()*2000) + paceConns
	if len(samples) == 0 || len(samples) > most {
		t.Errorf("%d samples; at most %d were due", len(samples), most)
	}
	if !(p99(samples) > 0) {
		t.Errorf("p99 is %v", p99(samples))
	}
}

// A server that dies under the load ends it, with an error that says so.
func TestLoadEndsWithTheServer(t *testing.T) {
	c := filled(t)
	trial := newTrial(Options{}, testKeys, t.TempDir(), nil, nil, io.Discard)
	_, err := trial.loadWhile(t.Context(), c, pace{rate: 2000, keys: testKeys}, func(context.Context) error {
		c.process.Kill()
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("got %v", err)
	}
}

func TestUndisturbedTriesAgain(t *testing.T) {
	trial := newTrial(Options{}, testKeys, t.TempDir(), nil, nil, io.Discard)
	tries := 0
	err := trial.undisturbed(func() error {
		if tries++; tries < 3 {
			return errSaving
		}
		return nil
	})
	if err != nil || tries != 3 {
		t.Errorf("%d tries, %v", tries, err)
	}
	other := errors.New("another")
	tries = 0
	if err := trial.undisturbed(func() error { tries++; return other }); !errors.Is(err, other) || tries != 1 {
		t.Errorf("%d tries, %v", tries, err)
	}
}

// A trial that fails makes exit code 1, and leaves neither servers nor data behind.
func TestTrialThatFails(t *testing.T) {
	dir := t.TempDir()
	fake := filepath.Join(t.TempDir(), "holdfast")
	script := "#!/bin/sh\nif [ \"$1\" = --version ]; then echo fake; exit 0; fi\necho no such server >&2\nexit 1\n"
	if err := os.WriteFile(fake, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), strings.Fields("-quick -dir "+dir+" -holdfast "+fake), &stdout, &stderr); code != rig.ExitFailed {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(stdout.String(), "- 0.2 M keys failed: start holdfast: it ended: exit status 1") {
		t.Errorf("it wrote:\n%s%s", stdout.String(), stderr.String())
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
