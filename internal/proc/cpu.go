package proc

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// ClockTick is the unit of utime and stime in /proc/PID/stat: USER_HZ, 100 on every architecture that Go supports.
const ClockTick = time.Second / 100

// CPUTime is the CPU time that the process used so far: user and system, all threads, those that ended included.
func CPUTime(pid int) (time.Duration, error) {
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
	return time.Duration(ticks) * ClockTick, nil
}
