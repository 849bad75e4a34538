package main

// A Program is a server that can be started.
type Program struct {
	Name string // as the table calls it
	Path string
	Args func(dir, port, policy string) []string // the command line after the path
}

// Holdfast is the program under test, logging every write, with no checkpoint rules.
func Holdfast(path string) Program {
	return Program{Name: "holdfast", Path: path, Args: func(dir, port, policy string) []string {
		return []string{"serve", "--dir", dir, "--addr", loopback + ":" + port, "--appendonly", "yes", "--fsync", policy, "--save", ""}
	}}
}

// Redis is the real server with the same promises: logging every write, no RDB snapshots, and no rewrite of the log,
// which would fork in the middle of a run.
func Redis(path string) Program {
	return Program{Name: "redis", Path: path, Args: func(dir, port, policy string) []string {
		return []string{"--dir", dir, "--bind", loopback, "--port", port, "--appendonly", "yes", "--appendfsync", policy,
			"--save", "", "--auto-aof-rewrite-percentage", "0"}
	}}
}
