package main

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// runBench runs "holdfast bench" in process.
func runBench(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout bytes.Buffer
	app := &cli.App{
		Commands: []*cli.Command{benchCommand()}, Writer: &stdout, ErrWriter: io.Discard,
		ExitErrHandler: func(*cli.Context, error) {},
	}
	if err := app.Run(append([]string{"holdfast", "bench"}, args...)); err != nil {
		var coder cli.ExitCoder
		if !errors.As(err, &coder) {
			t.Fatalf("%q: an error without an exit code: %v", args, err)
		}
		return coder.ExitCode(), stdout.String(), err.Error()
	}
	return 0, stdout.String(), ""
}

// Every mistake is one line that names it, and nothing is sent.
func TestBenchUsage(t *testing.T) {
	for _, c := range []struct{ line, says string }{
		{"--workload gte", `no request named "gte"`},
		{"--workload get=0", "share of get"},
		{"--workload ycsb-z", `no workload "ycsb-z"`},
		{"--workload get PING", "not both"},
		{"user:{key}", `in "user:{key}" a placeholder`},
		{"--port 0", "0 is not a port"},
		{"--db -1", "-1 is not a database"},
		{"--user me", "--user needs a password"},
		{"--connections 0", "connections are from 1"},
		{"--connections 2 --threads 3", "3 threads cannot share 2 connections"},
		{"--pipeline 0", "a pipeline is from 1"},
		{"--rate 0", "--rate is a number from 1"},
		{"--rate -5", "a rate is from 1"},
		{"--duration 0s", "--duration is positive"},
		{"--warm-up -1s", "--warm-up not negative"},
		{"--requests 0", "--requests is a number from 1"},
		{"--requests 5 --duration 1s", "not both"},
		{"--keys 0", "keys are from 1"},
		{"--distribution odd", `"odd" is no distribution`},
		{"--value-size 1x", `--value-size: "1x"`},
		{"--value-size 0", "a value has from 1"},
		{"--fill --no-fill", "not both"},
		{"--pid 0", "0 is not a process"},
		{"--nosuch", "nosuch"},
	} {
		code, out, errs := runBench(t, strings.Fields(c.line)...)
		if code != exitUsage || out != "" || !strings.Contains(errs, c.says) || strings.Contains(errs, "\n") {
			t.Errorf("%s: exit code %d, printed %q, %q; expected %q", c.line, code, out, errs, c.says)
		}
	}
}

func TestBenchWithoutServer(t *testing.T) {
	for line, says := range map[string]string{
		"--port 1":                                  "cannot connect to 127.0.0.1:1: connection refused",
		"--unixsocket /nonexistent/socket":          "cannot connect to /nonexistent/socket: no such file or directory",
		"--port 1 --pid 1073741824 --workload ping": "look at process 1073741824",
	} {
		if code, out, errs := runBench(t, strings.Fields(line)...); code != exitFailed || out != "" || !strings.Contains(errs, says) {
			t.Errorf("%s: exit code %d, printed %q, %q", line, code, out, errs)
		}
	}
}
