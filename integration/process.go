package integration

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// startWaitMax bounds the time from a server's start to its first answer.
var startWaitMax = 15 * time.Second * slowness

// Program is a server that can be started: how to turn options into a command line.
type Program struct {
	Name string
	Args func(o Options, port int) (path string, args []string)
}

// Options are what both servers understand.
type Options struct {
	Dir        string
	AppendOnly string   // yes or no; "" is yes
	Fsync      string   // always, everysec, no; "" is always
	Extra      []string // further flags, as they are
	Port       int      // to listen on; 0: a free one
	Credential *syscall.Credential
}

// Holdfast is the program under test, at path.
func Holdfast(path string) Program {
	return Program{Name: "holdfast", Args: func(o Options, port int) (string, []string) {
		args := []string{"serve", "--dir", o.Dir, "--addr", "127.0.0.1:" + strconv.Itoa(port),
			"--enable-debug-command", "yes", "--appendonly", or(o.AppendOnly, "yes"), "--fsync", or(o.Fsync, "always")}
		return path, append(args, o.Extra...)
	}}
}

// Redis is the real server. Its own name for --fsync is --appendfsync.
func Redis(path string) Program {
	return Program{Name: "redis", Args: func(o Options, port int) (string, []string) {
		args := []string{"--dir", o.Dir, "--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--save", "", "--loglevel", "warning",
			"--enable-debug-command", "yes", "--appendonly", or(o.AppendOnly, "yes"), "--appendfsync", or(o.Fsync, "always")}
		return path, append(args, o.Extra...)
	}}
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// A Process is a running server.
type Process struct {
	Addr           string
	Stdout, Stderr *Output

	login   []string // AUTH and the password it was started with; nil without one
	cmd     *exec.Cmd
	done    chan struct{} // closed when the process has ended
	waitErr error         // of Wait; valid after done
}

// Output is what a process wrote to one of its outputs.
type Output struct {
	mu  sync.Mutex
	buf bytes.Buffer // guarded by mu
}

func (o *Output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// Start starts the program on a free loopback port and waits until it answers. A port that somebody took
// in between is tried again with another.
func Start(p Program, o Options) (*Process, error) {
	const tries = 4
	var err error
	for range tries {
		var proc *Process
		proc, err = Launch(p, o)
		if err != nil {
			return nil, err
		}
		err = proc.awaitAnswer()
		if err == nil {
			return proc, nil
		}
		proc.Kill()
		out := strings.ToLower(proc.Output())
		if !strings.Contains(out, "address already in use") {
			return nil, fmt.Errorf("start %s: %w; it wrote:\n%s", p.Name, err, proc.Output())
		}
	}
	return nil, fmt.Errorf("start %s: no free port: %w", p.Name, err)
}

// Launch starts the program and does not wait for it.
func Launch(p Program, o Options) (*Process, error) { return LaunchWith(p, o) }

// LaunchWith is Launch with variables, as NAME=value, in the program's environment.
func LaunchWith(p Program, o Options, variables ...string) (*Process, error) {
	port := o.Port
	if port == 0 {
		var err error
		if port, err = freePort(); err != nil {
			return nil, err
		}
	}
	path, args := p.Args(o, port)
	proc := &Process{
		Addr:   net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
		Stdout: &Output{},
		Stderr: &Output{},
		cmd:    exec.Command(path, args...),
		done:   make(chan struct{}),
		login:  loginFor(o.Extra),
	}
	proc.cmd.Stdout, proc.cmd.Stderr = proc.Stdout, proc.Stderr
	proc.cmd.Env = append(plainEnviron(), variables...)
	proc.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Credential: o.Credential}
	started := make(chan error)
	go proc.attend(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", p.Name, err)
	}
	return proc, nil
}

// attend starts the process and waits for its end, on a thread that stays: the kernel sends what Pdeathsig says when the
// thread ends that started the process, and Go ends threads now and then.
func (p *Process) attend(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	p.waitErr = p.cmd.Wait()
	close(p.done)
}

// plainEnviron is the environment without what would set holdfast's directives, but for the number of loops that all tests are to
// run with.
func plainEnviron() []string {
	plain := slices.DeleteFunc(os.Environ(), func(entry string) bool { return strings.HasPrefix(entry, "HOLDFAST_") })
	if loops := os.Getenv("INTEGRATION_LOOPS"); loops != "" {
		plain = append(plain, "HOLDFAST_LOOPS="+loops)
	}
	return plain
}

// Output is all that the process wrote so far.
func (p *Process) Output() string { return p.Stdout.String() + p.Stderr.String() }

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

// loginFor is the AUTH command for a server started with these flags; nil if it wants no password.
func loginFor(flags []string) []string {
	if i := slices.Index(flags, "--requirepass"); i >= 0 && i+1 < len(flags) {
		return []string{"AUTH", flags[i+1]}
	}
	return nil
}

// awaitAnswer asks PING until the server answers it.
func (p *Process) awaitAnswer() error {
	ctx, cancel := context.WithTimeout(context.Background(), startWaitMax)
	defer cancel()
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-p.done:
			return fmt.Errorf("it ended: %v", p.waitErr)
		case <-ctx.Done():
			return errors.New("it does not answer")
		case <-tick.C:
		}
		if p.answers() {
			return nil
		}
	}
}

// answers says whether the server replies PONG by now, and is the one that we started: another may have taken the
// port a moment before.
func (p *Process) answers() bool {
	c, err := Dial(p.Addr)
	if err != nil {
		return false
	}
	defer c.Close()
	if p.login != nil {
		if _, err := c.Do(p.login...); err != nil {
			return false
		}
	}
	if reply, err := c.Do("PING"); err != nil || reply.Text != "PONG" {
		return false
	}
	info, err := c.Do("INFO", "server")
	return err == nil && strings.Contains(info.Text, fmt.Sprintf("process_id:%d\r\n", p.cmd.Process.Pid))
}

// Kill ends the process by SIGKILL and waits for its end.
func (p *Process) Kill() {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		panic(fmt.Sprintf("BUG: cannot kill our own process: %v", err))
	}
	<-p.done
}

// Stop asks the process to end (SIGTERM) and returns its exit code. One that does not end is killed and
// an error.
func (p *Process) Stop() (exitCode int, err error) {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return 0, err
	}
	return p.Exit()
}

// Exit waits until the process ends by itself and returns its exit code.
func (p *Process) Exit() (exitCode int, err error) {
	timer := time.NewTimer(startWaitMax)
	defer timer.Stop()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode(), nil
	case <-timer.C:
		p.Kill()
		return 0, fmt.Errorf("it did not end; it wrote:\n%s", p.Output())
	}
}
