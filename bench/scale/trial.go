package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"holdfast/internal/proc"
)

// A trial measures everything for one number of keys. Its phases build on each other: the servers are loaded once and
// keep their data to the end.
type trial struct {
	o        Options
	keys     uint64
	dir      string
	emit     func(Row)
	remark   func(string)
	progress io.Writer

	holdfast, rdb, aof *contender

	used    int64  // used_memory of holdfast once everything is loaded and quiet
	bursts  uint64 // of updates sent so far: each has other keys
	lookups uint64 // of GETs to a server that starts so far: each has another key
}

func newTrial(o Options, keys uint64, dir string, emit func(Row), remark func(string), progress io.Writer) *trial {
	return &trial{
		o: o, keys: keys, dir: dir, emit: emit, remark: remark, progress: progress,
		holdfast: &contender{program: holdfast(o.Holdfast), dir: filepath.Join(dir, "holdfast"), memory: proc.OwnMemory, saving: savesChanges},
		rdb:      &contender{program: redisRDB(o.Redis), dir: filepath.Join(dir, "rdb"), memory: proc.FamilyMemory, saving: savesAll},
		aof:      &contender{program: redisAOF(o.Redis), dir: filepath.Join(dir, "aof"), memory: proc.FamilyMemory, saving: savesNever},
	}
}

// run runs the phases that are asked for. No server runs when it returns.
func (t *trial) run(ctx context.Context) error {
	defer func() {
		for _, c := range t.contenders() {
			c.kill()
		}
	}()
	if err := t.load(ctx); err != nil {
		return err
	}
	phases := []struct {
		name string
		run  func(context.Context) error
	}{
		{phaseRestart, t.restarts},
		{phaseHydration, t.hydration},
		{phaseCheckpoint, t.checkpoints},
		{phaseSpill, t.spill},
		{phaseChurn, t.churn},
		{phaseCollect, t.collections},
		{phaseConnect, t.connections},
	}
	for _, phase := range phases {
		if !slices.Contains(t.o.Phases, phase.name) {
			continue
		}
		if err := phase.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", phase.name, err)
		}
	}
	return nil
}

// contenders in the order of the table's columns.
func (t *trial) contenders() []*contender { return []*contender{t.holdfast, t.rdb, t.aof} }

func (t *trial) say(format string, args ...any) {
	fmt.Fprintf(t.progress, "%s keys: %s\n", millions(t.keys), fmt.Sprintf(format, args...))
}

// row begins a row of the table.
func (t *trial) row(what string, digits int, sides sides) Row {
	return Row{Keys: t.keys, What: what, Digits: digits, Sides: sides}
}

// burst overwrites so many random keys as fast as the server takes it.
func (t *trial) burst(ctx context.Context, c *contender, count uint64) error {
	t.bursts++
	return c.send(ctx, updates(min(count, t.keys), t.keys, t.o.Seed+t.bursts))
}

// pace is the modest load.
func (t *trial) pace(writes bool) pace {
	t.bursts++
	return pace{rate: t.o.Rate, writes: writes, keys: t.keys, seed: t.o.Seed + t.bursts}
}

// someKey is another key each time.
func (t *trial) someKey() uint64 {
	t.lookups++
	return mix(t.o.Seed^mix(t.lookups)) % t.keys
}

// load fills the servers one after the other and says what their memory holds then.
func (t *trial) load(ctx context.Context) error {
	var rate, anon, file sides
	for i, c := range t.contenders() {
		if err := c.create(ctx); err != nil {
			return err
		}
		begin := time.Now()
		if err := c.send(ctx, load(t.keys)); err != nil {
			return err
		}
		took := time.Since(begin)
		if err := c.rest(ctx); err != nil {
			return err
		}
		own, mapped, err := proc.Resident(c.process.PID())
		if err != nil {
			return err
		}
		rate.add(i, float64(t.keys)/took.Seconds())
		anon.add(i, t.perKey(own))
		file.add(i, t.perKey(mapped))
		t.say("%s: loaded in %.1f s, quiet with %d MB", c.name(), took.Seconds(), own>>20)
	}
	fields, err := askInfo(t.holdfast.process, "memory")
	if err != nil {
		return err
	}
	if t.used, err = fields.number("used_memory"); err != nil {
		return err
	}
	t.emit(t.row("load, SETs per second", 0, rate).besideRDB())
	t.emit(t.row("loaded: RssAnon, bytes per key", 0, anon).besideRDB().within(loadedBound))
	t.emit(t.row("loaded: RssFile, bytes per key", 0, file))
	return nil
}

func (t *trial) perKey(bytes int64) float64 { return float64(bytes) / float64(t.keys) }

// undisturbed runs a measurement again, a few times, when a checkpoint by the server's own rules fell into it.
func (t *trial) undisturbed(measure func() error) error {
	const tries = 3
	var err error
	for range tries {
		if err = measure(); !errors.Is(err, errSaving) {
			return err
		}
		t.say("%v; once more", err)
	}
	return err
}

// dropCaches makes the kernel forget every file. It has to be allowed to root.
func dropCaches() error {
	unix.Sync()
	if err := os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0); err != nil {
		return fmt.Errorf("drop the page cache: %w", err)
	}
	return nil
}

// millions prints a number of keys: "5 M", "0.2 M".
func millions(keys uint64) string {
	return strconv.FormatFloat(float64(keys)/1e6, 'g', -1, 64) + " M"
}
