// Package proc reads what the kernel says of a process, from the files of proc(5): CPU time, memory, calls. It knows
// Linux alone.
package proc

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

func read(pid int, name string) (string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	return string(text), err
}

// count finds a line "name: 123" and returns the number. A tab may stand for the space.
func count(text, name string) (uint64, error) {
	for line := range strings.Lines(text) {
		value, found := strings.CutPrefix(line, name+":")
		if !found {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s is %q", name, value)
		}
		return n, nil
	}
	return 0, fmt.Errorf("%w: %s", errNoField, name)
}
