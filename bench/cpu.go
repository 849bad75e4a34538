package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of utime and stime in /proc/PID/stat: USER_HZ, 100 on every architecture that Go supports.
const clockTick = time.Second / 100

// When a server counts as quiet: at most one clock tick in quietSpan, which is under 5 % of a core.
const (
	quietSpan    = 200 * time.Millisecond
	quietWaitMax = 5 * time.Second
)

// cpuTime is the CPU time that the process used so far: user and system, all threads, those that ended included.
func cpuTime(pid int) (time.Duration, error) {
	name := fmt.Sprintf("/proc/%d/stat", pid)
	line, err := os.ReadFile(name)
	if err != nil {
		return 0, fmt.Errorf("CPU time: %w", err)
	}
	used, err := parseStat(string(line))
	if err != nil {
		return 0, fmt.Errorf("CPU time: %s: %w", name, err)
	}
	return used, nil
}

// parseStat adds utime and stime, fields 14 and 15 of proc(5). Field 2 is the program's name in parentheses and may hold
// anything, spaces and parentheses too: counting begins after the last one.
func parseStat(line string) (time.Duration, error) {
	const after, utime, stime = 3, 14, 15 // after: the number of the first field behind the name
	end := strings.LastIndexByte(line, ')')
	if end < 0 {
		return 0, fmt.Errorf("no program name in %q", line)
	}
	fields := strings.Fields(line[end+1:])
	if len(fields) <= stime-after {
		return 0, fmt.Errorf("too few fields in %q", line)
	}
	var ticks uint64
	for _, field := range []int{utime, stime} {
		n, err := strconv.ParseUint(fields[field-after], 10, 40) // 40 bits: 350 years of CPU time
		if err != nil {
			return 0, fmt.Errorf("field %d: %w", field, err)
		}
		ticks += n
	}
	return time.Duration(ticks) * clockTick, nil
}

// cpuTimeWhenQuiet waits until the process has nothing left to do and returns the CPU time that it used so far. What
// a run leaves behind to be done (a sync, a checkpoint, collecting garbage) is so counted as its own, and does not run
// into the other server's turn. quiet is false for a process that was still busy after quietWaitMax.
func cpuTimeWhenQuiet(ctx context.Context, pid int) (used time.Duration, quiet bool, err error) {
	deadline := time.Now().Add(quietWaitMax)
	used, err = cpuTime(pid)
	for err == nil && !quiet && time.Now().Before(deadline) {
		select {
		case <-ctx.Done():
			return used, false, context.Cause(ctx)
		case <-time.After(quietSpan):
		}
		before := used
		used, err = cpuTime(pid)
		quiet = used-before <= clockTick
	}
	return used, quiet, err
}
