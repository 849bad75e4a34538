package subject

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	startMax = 15 * time.Second
	replyMax = 10 * time.Second
	endMax   = 15 * time.Second // for an end that was asked for
	portsMax = 5                // tries, when somebody else takes the port
)

// Process starts a real server as a child process, in a process group of its own. It is safe for concurrent use, and
// each server gets a port of its own.
type Process struct {
	// Command is the program and its arguments, in which {port}, {dir} and {policy} are filled in.
	Command []string
	Policy  string   // for {policy}
	Env     []string // KEY=value, added to this process's own
	// StartMax is how long a start may take, ReplyMax a request, EndMax the end that Terminate asks for; 0 is 15 s, 10 s
	// and 15 s.
	StartMax, ReplyMax, EndMax time.Duration
}

var (
	// ErrBackground says that the server went to the background, where it cannot be watched or ended.
	ErrBackground = errors.New("it went to the background; start it in the foreground")
	// ErrNoProgram says that the server's program is not there.
	ErrNoProgram = errors.New("no such program")
	// ErrNotRunnable says that what should be the server's program is another kind of file.
	ErrNotRunnable = errors.New("not a program that can be run")
)

// lookPath finds a program, as a shell does. ErrNoProgram, ErrNotRunnable.
func lookPath(name string) (string, error) {
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
		return path, nil
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EISDIR):
		return "", ErrNotRunnable
	}
	return "", ErrNoProgram
}

// Running is a server that Process started.
type Running struct {
	command  []string
	dir      string
	scratch  string
	port     int
	reserved net.Listener // keeps the port from other labs
	replyMax time.Duration
	endMax   time.Duration
	output   tail
	pid      int
	exited   chan struct{} // closed when the process and its group have ended; what follows is set then
	state    *os.ProcessState
	group    error // of ending those whom it left behind

	cleaning sync.Once
	cleaned  error
	strays   []string
}

// Start starts the server on a data directory and waits until it answers. Besides what Starter says: ErrBackground (an
// ErrRefused too) when it daemonised, ErrNoProgram and ErrNotRunnable when there is no such program.
func (p *Process) Start(ctx context.Context, dir string) (Server, error) {
	r, err := p.StartProcess(ctx, dir)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// StartProcess is Start for who needs more than a Server.
func (p *Process) StartProcess(ctx context.Context, dir string) (*Running, error) {
	if len(p.Command) == 0 {
		return nil, fmt.Errorf("starting a server: an empty command: %w", ErrNoProgram)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("starting a server: %w", err)
	}
	for try := 1; ; try++ {
		r, err := p.try(ctx, dir)
		if err == nil || try == portsMax || !errors.Is(err, ErrRefused) || !saysPortTaken(err.Error()) {
			return r, err
		}
	}
}

// try starts the server on one port.
func (p *Process) try(ctx context.Context, dir string) (*Running, error) {
	port, reserved, err := freePort()
	if err != nil {
		return nil, err
	}
	r := &Running{dir: dir, scratch: strings.TrimSuffix(dir, "/") + ".scratch", port: port, reserved: reserved,
		replyMax: or(p.ReplyMax, replyMax), endMax: or(p.EndMax, endMax), exited: make(chan struct{})}
	fill := strings.NewReplacer("{port}", strconv.Itoa(port), "{dir}", dir, "{policy}", p.Policy)
	for _, arg := range p.Command {
		r.command = append(r.command, fill.Replace(arg))
	}
	if err := r.launch(p.Env); err != nil {
		return nil, errors.Join(err, r.clean())
	}
	if err := r.ready(ctx, or(p.StartMax, startMax)); err != nil {
		return nil, errors.Join(err, r.Kill())
	}
	return r, nil
}

func or(d, standard time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return standard
}

// launch starts the process. Relative files that it writes come to lie in the scratch directory.
func (r *Running) launch(env []string) error {
	program, err := lookPath(r.command[0])
	if err != nil {
		return fmt.Errorf("%s: %w", r.command[0], err)
	}
	if program, err = filepath.Abs(program); err != nil {
		return fmt.Errorf("starting %s: %w", r.command[0], err)
	}
	if err := os.Mkdir(r.scratch, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("making a working directory for the server: %w", err)
	}
	cmd := exec.Command(program, r.command[1:]...)
	cmd.Dir, cmd.Env = r.scratch, slices.Concat(os.Environ(), env)
	cmd.Stdout, cmd.Stderr = &r.output, &r.output
	cmd.WaitDelay = 200 * time.Millisecond // for output, when a child of the child keeps it open
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		// The signal at the parent's death is at that of the thread that started the child: this one stays.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			r.pid = cmd.Process.Pid
		}
		started <- err
		if err == nil {
			// Its error is about the exit code, which the state has too, or about output that did not end.
			_ = cmd.Wait() //nolint:errcheck // see above
			r.state, r.group = cmd.ProcessState, endGroup(r.pid)
			close(r.exited)
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("starting %s: %w", program, err)
	}
	return nil
}

// PID is the number of the process, and of its group.
func (r *Running) PID() int { return r.pid }

// Port is where it listens, on 127.0.0.1.
func (r *Running) Port() int { return r.port }

// Exited is closed when the process has ended.
func (r *Running) Exited() <-chan struct{} { return r.exited }

// ExitCode waits for the end of the process, and returns its code; -1 if a signal ended it.
func (r *Running) ExitCode() int {
	<-r.exited
	return r.state.ExitCode()
}

// Output is the newest 64 KiB of what the server wrote.
func (r *Running) Output() string { return r.output.String() }

// Signal sends a signal to the process, and does not wait.
func (r *Running) Signal(sig syscall.Signal) error { return r.send(r.pid, sig) }

// Stop halts the process and its children, as SIGSTOP does, until Continue. It waits until the process stands still, for
// a second at most: a thread that waits for a disk stands still only after that.
func (r *Running) Stop() error {
	err := r.send(-r.pid, syscall.SIGSTOP)
	for deadline := time.Now().Add(time.Second); err == nil && !still(r.pid) && time.Now().Before(deadline); {
		time.Sleep(poll)
	}
	return err
}

// Continue ends a Stop.
func (r *Running) Continue() error { return r.send(-r.pid, syscall.SIGCONT) }

func (r *Running) send(pid int, sig syscall.Signal) error {
	select {
	case <-r.exited:
		return nil // its number may be another's by now
	default:
	}
	if err := unix.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("sending %v to the server, process %d: %w", sig, r.pid, err)
	}
	return nil
}

// Terminate asks the process to end, with SIGTERM, and waits until it has: with an error if that was not with code 0, or
// not in time (it runs on then). Kill is to be called afterwards in any case.
func (r *Running) Terminate() error {
	if err := r.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-r.exited:
	case <-time.After(r.endMax):
		return fmt.Errorf("%w: it has not ended %v after SIGTERM\n%s", ErrSilent, r.endMax, r.Output())
	}
	if !r.state.Success() {
		return fmt.Errorf("the server ended badly after SIGTERM: %v\n%s", r.state, r.Output())
	}
	return nil
}

// Kill ends the process and its children at once, waits until they are gone, and removes the scratch directory. It may be
// called again.
func (r *Running) Kill() error {
	err := r.send(-r.pid, syscall.SIGKILL)
	select {
	case <-r.exited:
	case <-time.After(endMax):
		return errors.Join(err, fmt.Errorf("the server, process %d, has not ended %v after SIGKILL", r.pid, endMax))
	}
	return errors.Join(err, r.group, r.clean())
}

// Strays lists the files that the server wrote into its working directory, which is not the data directory; after Kill,
// as of then.
func (r *Running) Strays() []string {
	select {
	case <-r.exited:
		_ = r.clean() // Kill tells
		return r.strays
	default:
		return r.look()
	}
}

func (r *Running) look() (strays []string) {
	// What cannot be read is no stray: the directory goes with the server.
	_ = filepath.WalkDir(r.scratch, func(path string, d fs.DirEntry, err error) error { //nolint:errcheck // see above
		if err == nil && path != r.scratch {
			strays = append(strays, strings.TrimPrefix(path, r.scratch+"/"))
		}
		return nil
	})
	return strays
}

// clean gives back what the process was given.
func (r *Running) clean() error {
	r.cleaning.Do(func() {
		r.strays = r.look()
		r.cleaned = errors.Join(os.RemoveAll(r.scratch), r.reserved.Close())
	})
	return r.cleaned
}
