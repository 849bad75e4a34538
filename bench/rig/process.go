package rig

import (
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

// Loopback is where servers listen: nothing here is for a network.
const Loopback = "127.0.0.1"

const (
	startWaitMax = 15 * time.Second // from a server's start to its first answer
	startTries   = 4                // ports tried, should somebody take one in between
	outputKept   = 4096             // last bytes of a server's output that an error quotes
)

// ErrGone is why a load stops whose server has ended; Process.Explain says how that came.
var ErrGone = errors.New("the server is gone")

// A Process is a running server of ours.
type Process struct {
	Port string // on loopback

	cmd    *exec.Cmd
	output *tail
	alive  context.Context // done when the process has ended; its cause says how
}

// Start starts the program on a free loopback port, waits until it answers, and checks its settings.
func Start(ctx context.Context, prog Program, dir string) (*Process, error) {
	for try := 1; ; try++ {
		p, err := Launch(prog, dir)
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", prog.Name, err)
		}
		err = p.awaitAnswer(ctx)
		if err == nil {
			err = p.CheckSettings(prog.Settings)
		}
		if err == nil {
			return p, nil
		}
		p.Kill()
		portTaken := strings.Contains(strings.ToLower(p.output.String()), "address already in use")
		if !portTaken || try == startTries || ctx.Err() != nil {
			return nil, fmt.Errorf("start %s: %w; it wrote:\n%s", prog.Name, err, p.output)
		}
	}
}

// Launch starts the program on a free loopback port and does not wait for it.
func Launch(prog Program, dir string) (*Process, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	p := &Process{
		Port:   port,
		cmd:    exec.Command(prog.Path, prog.Args(dir, port)...),
		output: &tail{},
	}
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	p.cmd.Env = plainEnviron()
	p.cmd.SysProcAttr = OwnGroup()
	alive, ended := context.WithCancelCause(context.Background())
	p.alive = alive
	started := make(chan error)
	go p.attend(started, ended)
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// attend starts the process and waits for its end, both on a thread of its own: the kernel sends what Pdeathsig says when
// the thread ends that started the process, and Go ends threads now and then, those of the load generator among them.
func (p *Process) attend(started chan<- error, ended context.CancelCauseFunc) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	if err := p.cmd.Wait(); err != nil {
		ended(fmt.Errorf("it ended: %w", err))
		return
	}
	ended(errors.New("it ended with exit code 0"))
}

// OwnGroup keeps a child out of the terminal's ^C, which is for us to handle, and ends it should we be killed.
func OwnGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// plainEnviron is the environment without what would set holdfast's directives.
func plainEnviron() []string {
	return slices.DeleteFunc(os.Environ(), func(entry string) bool { return strings.HasPrefix(entry, "HOLDFAST_") })
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", Loopback+":0")
	if err != nil {
		return "", err
	}
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	return port, l.Close()
}

// awaitAnswer asks until the server answers.
func (p *Process) awaitAnswer(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startWaitMax, errors.New("it does not answer"))
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-p.alive.Done():
			return context.Cause(p.alive)
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
		if p.answers() {
			return nil
		}
	}
}

// answers says whether the server answers by now, and is the one that we started: another may have taken the port
// a moment before.
func (p *Process) answers() bool {
	info, err := p.Ask("INFO", "server")
	return err == nil && strings.Contains(strings.Join(info, ""), fmt.Sprintf("process_id:%d\r\n", p.PID()))
}

// CheckSettings asks the server whether it took its settings as they were meant.
func (p *Process) CheckSettings(settings map[string]string) error {
	for name, wanted := range settings {
		reply, err := p.Ask("CONFIG", "GET", name)
		if err != nil {
			return fmt.Errorf("ask for %s: %w", name, err)
		}
		if !slices.Equal(reply, []string{name, wanted}) {
			return fmt.Errorf("it was told %s %q and says %q", name, wanted, reply)
		}
	}
	return nil
}

// Ask sends one command on a connection of its own; see Ask.
func (p *Process) Ask(args ...string) ([]string, error) {
	return Ask(p.Addr(), args...)
}

// Addr is where it listens, as host:port.
func (p *Process) Addr() string { return net.JoinHostPort(Loopback, p.Port) }

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// During derives a context that ends with the server too: what talks to it has no reason to go on.
func (p *Process) During(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(p.alive, func() { cancel(ErrGone) })
	return ctx, func() { stop(); cancel(nil) }
}

// Explain adds to an error how the server ended, if it did, and what it wrote last. A client may see the socket close
// a moment before we see the process end.
func (p *Process) Explain(err error) error {
	select {
	case <-p.alive.Done():
		return fmt.Errorf("%w; %w; it wrote:\n%s", err, context.Cause(p.alive), p.output)
	case <-time.After(time.Second):
		return err
	}
}

// Terminate asks the process to end by SIGTERM, as a service manager does, and waits for its end. One that takes longer
// than wait, or that ends with another exit code than 0, is an error.
func (p *Process) Terminate(wait time.Duration) error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return p.Explain(fmt.Errorf("terminate: %w", err))
	}
	select {
	case <-p.alive.Done():
	case <-time.After(wait):
		return fmt.Errorf("it has not ended %v after SIGTERM", wait)
	}
	if !p.cmd.ProcessState.Success() {
		return p.Explain(errors.New("after SIGTERM"))
	}
	return nil
}

// Kill ends the process by SIGKILL and waits for its end.
func (p *Process) Kill() {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		panic(fmt.Sprintf("BUG: cannot kill our own process: %v", err))
	}
	<-p.alive.Done()
}

// A tail keeps the last bytes written to it.
type tail struct {
	mu   sync.Mutex
	kept []byte // guarded by mu; at most outputKept
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, b...)
	t.kept = t.kept[max(0, len(t.kept)-outputKept):]
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.kept)
}
