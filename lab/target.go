package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"holdfast/lab/recorder"
	"holdfast/lab/subject"
	"holdfast/lab/trace"
	"holdfast/lab/traffic"
	"holdfast/lab/workload"
	"holdfast/resp"
)

// Target is the server to test.
type Target struct {
	// Server is the name of a preset, or the path, with a slash in it, of a program that takes holdfast's arguments.
	Server string
	// Command starts any other server: words, quoted as for a shell, with {port} and {dir} in them, and {policy} if need be.
	Command string
	// Policy is "always" or "everysec".
	Policy string
	// Holdfast is the program of that preset; "" is the one that runs.
	Holdfast string
}

// ErrCommand says that a command cannot start a server for the lab.
var ErrCommand = errors.New("not a command for the lab")

// name is what reports call the server.
func (t Target) name() string {
	if t.Command != "" {
		return "other"
	}
	return filepath.Base(t.Server)
}

// starter is what starts the server.
func (t Target) starter() (*subject.Process, error) {
	command, err := t.command()
	if err != nil {
		return nil, err
	}
	return &subject.Process{Command: command, Policy: t.Policy}, nil
}

func (t Target) command() ([]string, error) {
	if t.Command != "" {
		return parseCommand(t.Command)
	}
	if strings.Contains(t.Server, "/") {
		return subject.Preset("holdfast", t.Policy, t.Server)
	}
	holdfast := t.Holdfast
	if holdfast == "" {
		var err error
		if holdfast, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("looking for the program of holdfast: %w", err)
		}
	}
	return subject.Preset(t.Server, t.Policy, holdfast)
}

// killed is the policy that holds when the process is killed and the machine lives. holdfast's log is written before the
// reply leaves under every policy; of others it is not known that they promise as much.
func (t Target) killed() string {
	if t.Command == "" && strings.HasPrefix(filepath.Base(t.Server), "holdfast") {
		return traffic.Always
	}
	return t.Policy
}

// parseCommand splits a command into words, as a shell does with quotes and without anything else.
func parseCommand(text string) ([]string, error) {
	var words []string
	var word strings.Builder
	quote, open := rune(0), false
	for _, c := range text {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, open = c, true
		case quote == 0 && (c == ' ' || c == '\t' || c == '\n'):
			if open {
				words = append(words, word.String())
			}
			word.Reset()
			open = false
		default:
			word.WriteRune(c)
			open = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("%q: %w: a quote is not closed", text, ErrCommand)
	}
	if open {
		words = append(words, word.String())
	}
	for _, part := range []string{"{port}", "{dir}"} {
		if !strings.Contains(text, part) {
			return nil, fmt.Errorf("%q: %w: it has no %s, where the lab's own goes in", text, ErrCommand, part)
		}
	}
	return words, nil
}

// Load is what is asked of the server.
type Load struct {
	// Workload is a name; see lab/workload. With Script, a user's own commands, it is not looked at.
	Workload string
	Script   string
	Seed     uint64
	workload.Options
}

// workload makes it. The oracle judges a script; without one it can be recorded and not judged.
func (l Load) workload(oracle workload.Oracle) (workload.Workload, error) {
	if l.Script != "" {
		return workload.Script(l.Script, oracle)
	}
	return workload.New(l.Workload, l.Options)
}

// judged makes the workload with what is needed to judge it: a script is judged by what the server itself makes of the
// same commands when nothing goes wrong.
func (l Load) judged(ctx context.Context, starter subject.Starter, dir string) (workload.Workload, error) {
	var w workload.Workload
	w, err := l.workload(func(commands int) (replies []resp.Reply, err error) {
		fresh, err := os.MkdirTemp(dir, "oracle-")
		if err != nil {
			return nil, fmt.Errorf("making a place for the oracle: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(fresh)) }()
		server, err := starter.Start(ctx, fresh)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, server.Kill()) }()
		conn, err := server.Dial()
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		script := w.Client(0, 0, nil)
		for range commands {
			if _, err := conn.Do(script.Next(resp.Reply{})...); err != nil {
				return nil, err
			}
		}
		return traffic.Ask(ctx, server.Dial, nil, 0, w.Reads(), patienceDefault)
	})
	return w, err
}

// ErrMount says that there can be no recording filesystem here.
var ErrMount = errors.New("no recording filesystem on this machine")

// noMount says so of the error of a mount, and what can be done without; an error of another kind stays as it is.
func noMount(err error) error {
	if !errors.Is(err, recorder.ErrNoFUSE) {
		return err
	}
	return fmt.Errorf("%w: %w\nrecording needs /dev/fuse and the right to mount; without them there is `holdfast lab fault "+
		"--kinds kill,pause,rest`, and `holdfast lab play` on a trace from elsewhere", ErrMount, err)
}

// outside says which files elsewhere a server has open for writing. What it writes there is not in the trace, so no
// crash will ever take it away.
func outside(server subject.Server, dir string) []string {
	process, ok := server.(interface{ PID() int })
	if !ok {
		return nil
	}
	fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", process.PID()))
	if err != nil {
		return nil
	}
	var found []string
	for _, fd := range fds {
		switch filepath.Base(fd) {
		case "0", "1", "2":
			continue // the lab's own
		}
		path, err := os.Readlink(fd)
		if err != nil || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, dir+"/") || !writable(fd) {
			continue
		}
		if info, err := os.Stat(fd); err == nil && info.Mode().IsRegular() && !strings.HasPrefix(path, "/memfd:") {
			found = append(found, "the server writes outside its directory, where nothing is recorded: "+path)
		}
	}
	return found
}

// strays are the files that a server wrote into its working directory, as it does that was not told {dir}.
func strays(server subject.Server) []string {
	process, ok := server.(interface{ Strays() []string })
	if !ok {
		return nil
	}
	var found []string
	for _, name := range process.Strays() {
		found = append(found, "the server wrote into its working directory, where nothing is recorded: "+name)
	}
	return found
}

// writable reports whether a descriptor is open for writing, by the flags in its fdinfo.
func writable(fd string) bool {
	text, err := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(fd)), "fdinfo", filepath.Base(fd)))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(text), "flags:")
	var flags int
	if _, err := fmt.Sscanf(rest, "%o", &flags); err != nil {
		return false
	}
	return flags&(os.O_WRONLY|os.O_RDWR) != 0
}

// counter is a log that only counts replies.
type counter struct{ events, replies atomic.Int64 }

func (c *counter) Append(e trace.Event, _ []byte) (uint64, error) {
	if e.Kind == trace.Reply {
		c.replies.Add(1)
	}
	return uint64(c.events.Add(1)), nil
}
