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

// Stolen is how long the machine below this one kept its processors from it so far, while something wanted to run: steal, the
// eighth number of the first line of /proc/stat, of all processors together. It is 0 on a machine of one's own.
func Stolen() (time.Duration, error) {
	const name = "/proc/stat"
	text, err := os.ReadFile(name)
	if err != nil {
		return 0, fmt.Errorf("stolen time: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	stolen, err := parseStolen(line)
	if err != nil {
		return 0, fmt.Errorf("stolen time: %s: %w", name, err)
	}
	return stolen, nil
}

func parseStolen(line string) (time.Duration, error) {
	const steal = 8 // behind the word "cpu"
	fields := strings.Fields(line)
	if len(fields) <= steal || fields[0] != "cpu" {
		return 0, fmt.Errorf("no sum of all processors in %q", line)
	}
	n, err := strconv.ParseUint(fields[steal], 10, 40)
	if err != nil {
		return 0, fmt.Errorf("field %d: %w", steal, err)
	}
	return time.Duration(n) * ClockTick, nil
}
