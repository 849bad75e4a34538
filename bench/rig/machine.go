package rig

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Machine says what all of this runs on, and how busy that was beforehand.
func Machine(dir string) ([]string, error) {
	var texts [5]string
	for i, name := range []string{"/proc/cpuinfo", "/proc/meminfo", "/proc/sys/kernel/osrelease", "/proc/loadavg", "/proc/self/mountinfo"} {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		texts[i] = string(text)
	}
	resolved, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, err
	}
	filesystem := filesystemOf(texts[4], resolved)
	if filesystem == "tmpfs" {
		filesystem += ": fsync costs nothing here, so choose a directory on a disk with -dir"
	}
	return []string{
		fmt.Sprintf("machine: %d × %s, memory %s, %s", runtime.NumCPU(), field(texts[0], "model name"), field(texts[1], "MemTotal"), runtime.GOARCH),
		"kernel: Linux " + firstLine(texts[2]),
		"file system of the data: " + filesystem,
		"date: " + time.Now().UTC().Format(time.RFC3339) + ", load average before: " + loadAverage(texts[3]),
	}, nil
}

// field is the value of the first line "name: value" of a file such as /proc/cpuinfo.
func field(text, name string) string {
	for line := range strings.Lines(text) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// filesystemOf finds the type of the file system that holds path in the text of /proc/self/mountinfo (proc(5)): of
// the mount points above path the longest, and of equal ones the last, which hides the others.
func filesystemOf(mountinfo, path string) string {
	const mountPoint = 4
	kind, longest := "unknown", 0
	for line := range strings.Lines(mountinfo) {
		mount, source, found := strings.Cut(line, " - ")
		fields, sourceFields := strings.Fields(mount), strings.Fields(source)
		if !found || len(fields) <= mountPoint || len(sourceFields) == 0 {
			continue
		}
		point := fields[mountPoint]
		above := strings.HasPrefix(path+"/", strings.TrimSuffix(point, "/")+"/")
		if above && len(point) >= longest {
			kind, longest = sourceFields[0], len(point)
		}
	}
	return kind
}

// VersionOf is the first line of what the program prints for --version.
func VersionOf(ctx context.Context, path string) (string, error) {
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("%s --version: %w", path, err)
	}
	return firstLine(string(out)), nil
}

// BuildOf says with what, and from which commit, a Go program was built; "" for others.
func BuildOf(path string) string {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return "" // not a Go program, or found along PATH: --version has said what it is
	}
	text := " (" + info.GoVersion
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision":
			text += ", commit " + setting.Value[:min(12, len(setting.Value))]
		case setting.Key == "vcs.modified" && setting.Value == "true":
			text += " with changes"
		}
	}
	return text + ")"
}

// CommandLine prints a command as a shell would take it.
func CommandLine(path string, args []string) string {
	words := []string{path}
	for _, arg := range args {
		if arg == "" || strings.ContainsAny(arg, " \t\"'\\$*?&|;<>()") {
			arg = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
		words = append(words, arg)
	}
	return strings.Join(words, " ")
}

func loadAverage(text string) string {
	fields := strings.Fields(text)
	return strings.Join(fields[:min(3, len(fields))], " ")
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimSpace(line)
}
