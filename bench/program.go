package main

import "holdfast/bench/rig"

// A Program is a server that can be started under any fsync policy.
type Program struct {
	Name string // as the table calls it
	Path string
	Args func(dir, port, policy string) []string // the command line after the path
}

// Under is the program with one policy, which CONFIG GET has to confirm.
func (p Program) Under(policy string) rig.Program {
	return rig.Program{
		Name: p.Name, Path: p.Path,
		Args:     func(dir, port string) []string { return p.Args(dir, port, policy) },
		Settings: map[string]string{"appendonly": "yes", "appendfsync": policy, "save": ""},
	}
}

// underTest is the name of the program under test, unless a twin is in its place.
const underTest = "holdfast"

// Holdfast is the program under test, logging every write, with no checkpoint rules.
func Holdfast(path string) Program {
	return Program{Name: underTest, Path: path, Args: func(dir, port, policy string) []string {
		return []string{"serve", "--dir", dir, "--addr", rig.Loopback + ":" + port, "--appendonly", "yes", "--fsync", policy, "--save", ""}
	}}
}

// Redis is the real server with the same promises: logging every write, no RDB snapshots, and no rewrite of the log,
// which would fork in the middle of a run.
func Redis(path string) Program { return redisLike("redis", path) }

// Valkey is the descendant of redis, told the same.
func Valkey(path string) Program { return redisLike("valkey", path) }

func redisLike(name, path string) Program {
	return Program{Name: name, Path: path, Args: func(dir, port, policy string) []string {
		return []string{"--dir", dir, "--bind", rig.Loopback, "--port", port, "--appendonly", "yes", "--appendfsync", policy,
			"--save", "", "--auto-aof-rewrite-percentage", "0"}
	}}
}
