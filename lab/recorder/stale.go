package recorder

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// source is how mounts of the lab are called in /proc/self/mountinfo, with the number of the process behind it and the
// time at which that began: numbers come again.
const source = "holdfast-lab"

func sourceName() (string, error) {
	began, err := processBegan(os.Getpid())
	if err != nil {
		return "", fmt.Errorf("naming a mount: %w", err)
	}
	return fmt.Sprintf("%s:%d:%s", source, os.Getpid(), began), nil
}

// processBegan is when a process began, in ticks since the machine did; it is field 22 of its stat.
func processBegan(pid int) (string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", err
	}
	// The name, field 2, may have blanks and brackets in it.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 20 {
		return "", fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields)+2)
	}
	return fields[19], nil
}

// stale reports whether a mount's source is of a lab whose process is gone.
func stale(from string) bool {
	parts := strings.Split(from, ":")
	if len(parts) != 3 || parts[0] != source {
		return false
	}
	pid, err := strconv.Atoi(parts[1])
	if err != nil {
		return false
	}
	began, err := processBegan(pid)
	// One that was killed while it waited for an answer of its own filesystem cannot even end before that is unmounted.
	return errors.Is(err, os.ErrNotExist) || err == nil && (began != parts[2] || dying(pid))
}

// mounted is a line of /proc/self/mountinfo.
type mounted struct{ point, source string }

func mounts() ([]mounted, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("looking for mounts: %w", err)
	}
	var all []mounted
	for line := range strings.Lines(string(text)) {
		before, after, found := strings.Cut(line, " - ")
		left, right := strings.Fields(before), strings.Fields(after)
		if found && len(left) >= 5 && len(right) >= 2 {
			all = append(all, mounted{point: unescape(left[4]), source: unescape(right[1])})
		}
	}
	return all, nil
}

// unescape undoes the octal escapes of blanks and the like.
func unescape(text string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(text)
}

// CleanStale unmounts what a lab whose process is gone has left, and removes the directories. The prefixes are those of
// the names of the lab's own temporary directories: the innermost of them around a mount point is removed with all that is
// in it, unless another mount is; without one only the mount point is. It returns the mount points.
func CleanStale(prefixes ...string) (cleaned []string, err error) {
	all, err := mounts()
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, m := range all {
		if !stale(m.source) {
			continue
		}
		if err := unmount(m.point, busyMax); err != nil {
			errs = append(errs, err)
			continue
		}
		cleaned = append(cleaned, m.point)
		errs = append(errs, removeAround(m.point, prefixes))
	}
	return cleaned, errors.Join(errs...)
}

func removeAround(point string, prefixes []string) error {
	dir := around(point, prefixes)
	if dir == "" {
		if err := os.Remove(point); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("removing a stale mount point: %w", err)
		}
		return nil
	}
	left, err := mounts()
	if err != nil {
		return err
	}
	for _, m := range left {
		if m.point == dir || strings.HasPrefix(m.point, dir+"/") {
			return nil // whoever removes that one comes by here again
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("removing what a killed lab left: %w", err)
	}
	return nil
}

// around is the innermost directory around a path whose name has one of the prefixes; "" if none has.
func around(path string, prefixes []string) string {
	for dir := path; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		for _, prefix := range prefixes {
			if prefix != "" && strings.HasPrefix(filepath.Base(dir), prefix) {
				return dir
			}
		}
	}
	return ""
}
