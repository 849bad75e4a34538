package subject

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrPreset says that there is no such preset, or that it cannot be used here.
var ErrPreset = errors.New("not a preset")

// Presets are the names of servers whose command is known.
func Presets() []string { return []string{"holdfast", "redis", "valkey"} }

// Policies are how durable an acknowledged write is: always, at once; everysec, a second later.
func Policies() []string { return []string{"always", "everysec"} }

// Preset is the command of a server by name, with {port} and {dir} to be filled in. holdfast is the path of that program.
// ErrNoProgram and ErrNotRunnable when it is not installed.
func Preset(name, policy, holdfast string) (command []string, err error) {
	if !slices.Contains(Policies(), policy) {
		return nil, fmt.Errorf("policy %q: %w: want %s", policy, ErrPreset, strings.Join(Policies(), " or "))
	}
	switch name {
	case "holdfast":
		// Small segments and checkpoints are what a server has after days: there is more to go wrong.
		command = []string{holdfast, "serve", "--dir", "{dir}", "--addr", "127.0.0.1:{port}", "--fsync", policy, "--segment-bytes", "1mb"}
	case "redis", "valkey":
		// As it comes, but for the log and where it listens. Snapshots besides the log would only add work.
		command = []string{name + "-server", "--port", "{port}", "--bind", "127.0.0.1", "--dir", "{dir}",
			"--appendonly", "yes", "--appendfsync", policy, "--save", "", "--enable-debug-command", "no", "--daemonize", "no"}
	default:
		return nil, fmt.Errorf("server %q: %w: want %s", name, ErrPreset, strings.Join(Presets(), ", "))
	}
	_, err = lookPath(command[0])
	switch {
	case errors.Is(err, ErrNotRunnable):
		return nil, fmt.Errorf("%s: %w", command[0], err)
	case err != nil:
		return nil, fmt.Errorf("%s: %w: %s is not installed or not in the PATH", name, err, command[0])
	}
	return command, nil
}
