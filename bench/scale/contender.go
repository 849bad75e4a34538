package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"holdfast/bench/rig"
	"holdfast/internal/proc"
)

const (
	stopWaitMax   = 5 * time.Minute
	startWaitMax  = 30 * time.Minute // Redis reads a log of many millions for so long on a slow disk
	settleWaitMax = 15 * time.Minute
	saveWaitMax   = 30 * time.Minute

	// How long nothing has to happen before a server counts as quiet. One that begins checkpoints of its own is watched
	// for longer: holdfast does so when its load, averaged over 1.6 seconds, has gone down.
	settleSpan      = time.Second
	settleSpanRules = 2500 * time.Millisecond
	settleTick      = 250 * time.Millisecond

	// startPoll lies between two attempts to connect to a server that starts, and loadingPoll between two questions to
	// one that is loading: Redis is not to lose time with them.
	startPoll   = 100 * time.Microsecond
	loadingPoll = time.Millisecond
)

// errSaving: the server was writing a checkpoint of its own when ours was to begin.
var errSaving = errors.New("a checkpoint is running already")

// A contender is one server with one data set, which it keeps over restarts.
type contender struct {
	program rig.Program
	dir     string
	memory  func(pid int) (int64, error) // what it holds, its children included
	saving  saving

	process *rig.Process // nil: not running
	quiet   bool         // nothing was asked of it since it became quiet
}

// saving is what BGSAVE is to a contender.
type saving uint8

const (
	savesNever   saving = iota // its log has everything
	savesAll                   // writes everything: asked for only when something has changed
	savesChanges               // writes what changed, and is due by its own rules less soon after it was asked for
)

// programs under test. Each keeps what it acknowledges within a second.

func holdfast(path string, more ...string) rig.Program {
	return rig.Program{
		Name: "holdfast", Path: path,
		Args: func(dir, port string) []string {
			return append([]string{"serve", "--dir", dir, "--addr", rig.Loopback + ":" + port, "--fsync", "everysec"}, more...)
		},
		Settings: map[string]string{"appendonly": "yes", "appendfsync": "everysec"},
	}
}

// redisRDB has no save rules: it saves when it is told to, so that no fork falls into another measurement.
func redisRDB(path string) rig.Program {
	return rig.Program{
		Name: "redis RDB", Path: path,
		Args: func(dir, port string) []string {
			return []string{"--dir", dir, "--bind", rig.Loopback, "--port", port, "--appendonly", "no", "--save", ""}
		},
		Settings: map[string]string{"appendonly": "no", "save": ""},
	}
}

// redisAOF rewrites its log by its own rules.
func redisAOF(path string) rig.Program {
	return rig.Program{
		Name: "redis AOF", Path: path,
		Args: func(dir, port string) []string {
			return []string{"--dir", dir, "--bind", rig.Loopback, "--port", port, "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""}
		},
		Settings: map[string]string{"appendonly": "yes", "appendfsync": "everysec", "save": ""},
	}
}

func (c *contender) name() string { return c.program.Name }

// wrap says whose error it is, and what the server wrote last if it ended.
func (c *contender) wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %s: %w", c.name(), doing, err)
	if c.process != nil && !errors.Is(err, context.Canceled) {
		err = c.process.Explain(err)
	}
	return err
}

// create starts it on an empty directory.
func (c *contender) create(ctx context.Context) error {
	if err := os.Mkdir(c.dir, 0o700); err != nil {
		return err
	}
	process, err := rig.Start(ctx, c.program, c.dir)
	c.process, c.quiet = process, false
	return err
}

// restart starts it on its data and returns how long it took from there to the first reply to a GET of key i.
func (c *contender) restart(ctx context.Context, i uint64) (time.Duration, error) {
	begin := time.Now()
	process, err := rig.Launch(c.program, c.dir)
	if err != nil {
		return 0, c.wrap("restart", err)
	}
	c.process, c.quiet = process, false
	if err := c.awaitGet(ctx, i); err != nil {
		return 0, c.wrap("restart", err)
	}
	took := time.Since(begin)
	return took, c.wrap("restart", process.CheckSettings(c.program.Settings))
}

// awaitGet asks for key i until there is a reply.
func (c *contender) awaitGet(ctx context.Context, i uint64) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startWaitMax, errors.New("no reply to a GET"))
	defer cancel()
	ctx, stop := c.process.During(ctx)
	defer stop()
	for {
		client, err := dial(ctx, c.process.Addr())
		if err == nil {
			defer client.close()
			return because(ctx, awaitLoaded(ctx, client, i))
		}
		if err := pause(ctx, startPoll); err != nil {
			return err
		}
	}
}

// awaitLoaded asks on one connection while the server answers that it is loading.
func awaitLoaded(ctx context.Context, client *conn, i uint64) error {
	for {
		err := client.get(i)
		var refused rig.ReplyError
		if !errors.As(err, &refused) || !strings.HasPrefix(string(refused), "LOADING") {
			return err
		}
		if err := pause(ctx, loadingPoll); err != nil {
			return err
		}
	}
}

// terminate stops it as a service manager does.
func (c *contender) terminate() error {
	if err := c.process.Terminate(stopWaitMax); err != nil {
		return fmt.Errorf("%s: %w", c.name(), err)
	}
	c.process = nil
	return nil
}

// kill ends it by SIGKILL; nothing is done to one that does not run.
func (c *contender) kill() {
	if c.process != nil {
		c.process.Kill()
	}
	c.process = nil
}

// send is bulk.send, which ends with the server.
func (c *contender) send(ctx context.Context, b bulk) error {
	c.quiet = false
	ctx, stop := c.process.During(ctx)
	defer stop()
	return c.wrap("load", b.send(ctx, c.process.Addr()))
}

// await asks for INFO persistence, every so often, until it says what is waited for.
func (c *contender) await(ctx context.Context, every, atMost time.Duration, done func(info) (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, atMost, fmt.Errorf("not within %v", atMost))
	defer cancel()
	ctx, stop := c.process.During(ctx)
	defer stop()
	for {
		fields, err := askInfo(c.process, "persistence")
		if err != nil {
			return because(ctx, err)
		}
		if is, err := done(fields); is || err != nil {
			return err
		}
		if err := pause(ctx, every); err != nil {
			return err
		}
	}
}

// settle waits until the server has been quiet for a while: nothing in the background, and next to no CPU time.
func (c *contender) settle(ctx context.Context) error {
	if c.quiet {
		return nil
	}
	span := settleSpan
	if c.saving == savesChanges {
		span = settleSpanRules
	}
	since := time.Now()
	used, err := proc.CPUTime(c.process.PID())
	if err != nil {
		return c.wrap("wait until quiet", err)
	}
	const share = 20 // a server is quiet below one 20th of a core
	err = c.await(ctx, settleTick, settleWaitMax, func(fields info) (bool, error) {
		now, err := proc.CPUTime(c.process.PID())
		if err != nil {
			return false, err
		}
		if fields.isBusy() || now-used > settleTick/share+proc.ClockTick {
			since = time.Now()
		}
		used = now
		return time.Since(since) >= span, nil
	})
	c.quiet = err == nil
	return c.wrap("wait until quiet", err)
}

// save writes a checkpoint and returns how long that took, as INFO says, which is asked every so often.
func (c *contender) save(ctx context.Context, every time.Duration) (time.Duration, error) {
	c.quiet = false
	begin := time.Now()
	_, err := c.process.Ask("BGSAVE")
	var refused rig.ReplyError
	if errors.As(err, &refused) && strings.Contains(string(refused), "in progress") {
		return 0, fmt.Errorf("%s: %w", c.name(), errSaving)
	}
	if err != nil {
		return 0, c.wrap("BGSAVE", err)
	}
	err = c.await(ctx, every, saveWaitMax, func(fields info) (bool, error) {
		if fields.isBusy() {
			return false, nil
		}
		if status := fields["rdb_last_bgsave_status"]; status != "ok" {
			return false, fmt.Errorf("rdb_last_bgsave_status:%s", status)
		}
		return true, nil
	})
	return time.Since(begin), c.wrap("BGSAVE", err)
}

// rest has what is unsaved written into the file that a start reads, and waits until the server is quiet.
func (c *contender) rest(ctx context.Context) error {
	if err := c.settle(ctx); err != nil || c.saving == savesNever {
		return err
	}
	fields, err := askInfo(c.process, "persistence")
	if err != nil {
		return c.wrap("rest", err)
	}
	if changes, err := fields.number("rdb_changes_since_last_save"); err != nil || changes == 0 && c.saving == savesAll {
		return c.wrap("rest", err)
	}
	if _, err := c.save(ctx, settleTick); err != nil {
		return err
	}
	return c.settle(ctx)
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
