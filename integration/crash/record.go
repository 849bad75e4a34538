package crash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"holdfast/engine"
	"holdfast/lab/recorder"
	"holdfast/lab/subject"
	"holdfast/lab/trace"
	"holdfast/lab/traffic"
	"holdfast/lab/workload"
)

// Recording says what is recorded of a holdfast program.
type Recording struct {
	Program  string
	Dir      string // where the mount and what lies under it are made; the caller removes it
	Trace    string // the file to make
	Workload workload.Workload
	Policy   string
	Retain   string // seconds of history; "": none
	Seed     uint64
	// SyncDelay is how long each sync takes: the longer, the more seconds the same traffic lasts.
	SyncDelay time.Duration
}

// settings are the directives of the program, as flags; the engine in process has the same.
func (r Recording) settings() []string {
	all := []string{"appendfsync", r.Policy, "segment-bytes", "1mb", "save", ""}
	if r.Retain != "" {
		limit := "300kb"
		if r.Retain == shortRetain {
			limit = "1mb" // the base grows to more than the 240 kB of which 300 would allow a snapshot, sooner or later
		}
		all = append(all, "retain", r.Retain, "retain-bytes", limit)
	}
	return all
}

// Record makes the trace of a whole life: a first start, traffic with checkpoints, a named snapshot, a kill -9, a recovery,
// another kill -9, and the base compacted at rest. Every crash in it can be judged by the traffic.
func (r Recording) Record(ctx context.Context) (err error) {
	backing, data := r.files(), filepath.Join(r.Dir, "data")
	for _, dir := range []string{backing, data} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	log, err := trace.NewWriter(r.Trace, trace.Meta{
		Began: time.Now().UnixMilli(), Server: "holdfast", Policy: r.Policy, Workload: r.Workload.Name(), Seed: r.Seed,
		Clients: r.Workload.Clients(),
	}, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	fs, err := recorder.Mount(recorder.Options{Backing: backing, Mountpoint: data, Trace: log, SyncDelay: r.SyncDelay})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, fs.Unmount()) }()
	if err := r.lives(ctx, data, log); err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, r.Program, "snapshot", "compact", "--dir", data).CombinedOutput()
	if err != nil {
		return fmt.Errorf("holdfast snapshot compact: %w\n%s", err, out)
	}
	if problems := fs.Problems(); len(problems) > 0 {
		return fmt.Errorf("the recording is not exact: %q", problems)
	}
	return nil
}

// lives are the two lives of the server. In the first it gets the traffic, in the second it only recovers.
func (r Recording) lives(ctx context.Context, dir string, log *trace.Writer) error {
	err := r.live(ctx, dir, func(server subject.Server) error {
		for _, note := range []string{trace.MarkReady, trace.MarkTraffic} {
			if _, err := log.Append(trace.Event{Kind: trace.Mark, Note: note}, nil); err != nil {
				return err
			}
		}
		w := r.Workload
		if r.Policy == traffic.EverySec {
			w = traffic.Resting(ctx, w) // or nothing would be promised yet
		}
		if err := traffic.Drive(ctx, w, 0, server.Dial, log, r.Seed); err != nil {
			return err
		}
		if err := operate(server); err != nil {
			return err
		}
		r.awaitAutomatic()
		_, err := log.Append(trace.Event{Kind: trace.Mark, Note: trace.MarkDone}, nil)
		return err
	})
	if err != nil {
		return err
	}
	return r.live(ctx, dir, func(subject.Server) error { return nil })
}

// shortRetain is a history that gets automatic snapshots while it is recorded.
const shortRetain = "1"

// awaitAutomatic gives the keeper of such a history the time to make one, however little the traffic took. Whether it did, the trace says.
func (r Recording) awaitAutomatic() {
	if r.Retain != shortRetain {
		return
	}
	for range triesMax {
		made, err := filepath.Glob(filepath.Join(r.files(), engine.SnapshotDir, "auto-*.db"))
		if err != nil || len(made) > 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// files is where the files lie that are recorded.
func (r Recording) files() string { return filepath.Join(r.Dir, "files") }

// command starts a program with the settings.
func (r Recording) command(program string) []string {
	command := []string{program, "serve", "--dir", "{dir}", "--addr", "127.0.0.1:{port}"}
	settings := r.settings()
	for i := 0; i < len(settings); i += 2 {
		command = append(command, "--"+settings[i], settings[i+1])
	}
	if loops := os.Getenv("INTEGRATION_LOOPS"); loops != "" {
		command = append(command, "--loops", loops)
	}
	return command
}

func (r Recording) live(ctx context.Context, dir string, use func(subject.Server) error) error {
	process := &subject.Process{Command: r.command(r.Program)}
	server, err := process.Start(ctx, dir)
	if err != nil {
		return err
	}
	return errors.Join(use(server), server.Kill())
}

// triesMax is how often something is asked for that cannot be had at once.
const triesMax = 5000

// operate asks for what an operator asks for, besides the checkpoints in the workload. It changes no key.
func operate(server subject.Server) error {
	conn, err := server.Dial()
	if err != nil {
		return err
	}
	for _, request := range [][]string{{"SAVE"}, {"SNAPSHOT", "CREATE", "kept"}, {"SNAPSHOT", "DROP", "kept"}, {"SNAPSHOT", "CREATE", "again"}} {
		args := make([][]byte, len(request))
		for i, word := range request {
			args[i] = []byte(word)
		}
		reply, err := conn.Do(args...)
		for try := 0; try < triesMax && err == nil && bytes.Contains(reply.Str, []byte("in progress")); try++ {
			time.Sleep(time.Millisecond) // the workload's last checkpoint is being written
			reply, err = conn.Do(args...)
		}
		if err == nil {
			err = reply.Err()
		}
		if err != nil {
			return fmt.Errorf("%q: %w", request, errors.Join(err, conn.Close()))
		}
	}
	return conn.Close()
}

// Second starts the program on the recording filesystem for a second crash: it is a play.Recorder.
type Second struct{ Recording }

// Record starts the program on a directory that a crash left, and writes down what it does with it.
func (s Second) Record(ctx context.Context, dir, path string, meta trace.Meta, use func(subject.Server, traffic.Log) error) (err error) {
	mountpoint := dir + ".mount"
	if err := os.Mkdir(mountpoint, 0o700); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(mountpoint)) }()
	log, err := trace.NewWriter(path, meta, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	fs, err := recorder.Mount(recorder.Options{Backing: dir, Mountpoint: mountpoint, Trace: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, fs.Unmount()) }()
	process := &subject.Process{Command: s.command(s.Program)}
	server, err := process.Start(ctx, mountpoint)
	if err != nil {
		return err
	}
	return errors.Join(use(server, log), server.Kill())
}
