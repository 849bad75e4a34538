// Package frameworks runs clients and frameworks as they are published against the built binary. Each has a program in its own
// language that does what an application does with it, and ends with a code that says whether all went well.
//
// The quick ones are part of every test run; FRAMEWORKS=all runs the others too, and installs what they need (make frameworks).
package frameworks

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"holdfast/integration"
)

// subject is the program under test, set by TestMain.
var subject integration.Program

func TestMain(m *testing.M) {
	os.Exit(integration.WithBinary(func(path string) int {
		subject = integration.Holdfast(path)
		return m.Run()
	}))
}

// start starts a server; it ends with the test.
func start(t *testing.T, o integration.Options) *integration.Process {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	proc, err := integration.Start(subject, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proc.Kill)
	return proc
}

// program is one that uses a client.
type program struct {
	dir     string
	command []string
	setup   [][]string // commands that install or build what it needs, when FRAMEWORKS=all
	wait    time.Duration
	crash   func() // what the line @crash does
}

const programWait = 2 * time.Minute

// run runs the program against a server, whose address it finds in HOLDFAST_TEST_HOST and HOLDFAST_TEST_PORT.
func (p program) run(t *testing.T, addr string) {
	t.Helper()
	for _, words := range p.setup {
		p.do(t, addr, words)
	}
	p.do(t, addr, p.command)
}

func (p program) do(t *testing.T, addr string, words []string) {
	t.Helper()
	wait := p.wait
	if wait == 0 {
		wait = programWait
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "HOLDFAST_TEST_HOST="+host, "HOLDFAST_TEST_PORT="+port, "PYTHONDONTWRITEBYTECODE=1")
	var said bytes.Buffer
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for in := bufio.NewScanner(stdout); in.Scan(); {
		lines = append(lines, in.Text())
		if in.Text() == crashLine && p.crash != nil {
			p.crash()
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%s: %v\n%s\n%s", strings.Join(words, " "), err, strings.Join(lines, "\n"), said.String())
	}
	t.Logf("%s", strings.Join(lines, "\n"))
}

// crashLine is what a program prints when it wants the server to be killed and started again.
const crashLine = "@crash"

// crashing is a server on a port of its own, and what kills it by SIGKILL and starts it again on the same directory.
func crashing(t *testing.T) (addr string, crash func()) {
	t.Helper()
	o := integration.Options{Dir: t.TempDir()}
	proc := start(t, o)
	_, port, err := net.SplitHostPort(proc.Addr)
	if err == nil {
		o.Port, err = strconv.Atoi(port)
	}
	if err != nil {
		t.Fatal(err)
	}
	return proc.Addr, func() {
		proc.Kill()
		proc = start(t, o)
	}
}

// acrossACrash runs the program against a server that it can have killed, by a line of its output, and started again.
func (p program) acrossACrash(t *testing.T) {
	t.Helper()
	var addr string
	addr, p.crash = crashing(t)
	p.run(t, addr)
}

// all skips what only make frameworks runs.
func all(t *testing.T) {
	t.Helper()
	if os.Getenv("FRAMEWORKS") != "all" {
		t.Skip("make frameworks runs it")
	}
}
