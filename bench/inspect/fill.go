package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"holdfast/bench/rig"
)

// fillBoth makes what the commands read: base.db and a snapshot "before", and dump.rdb.
func fillBoth(ctx context.Context, o options, dir string, stderr io.Writer) error {
	holdfast := rig.Program{Name: "holdfast", Path: o.holdfast, Args: func(dir, port string) []string {
		return []string{"serve", "--dir", dir, "--addr", rig.Loopback + ":" + port, "--fsync", "no"}
	}}
	fmt.Fprintln(stderr, "filling holdfast")
	err := fill(ctx, holdfast, filepath.Join(dir, "holdfast"), func(p *rig.Process) error {
		if err := put(p.Addr(), 0, o.keys, "a"); err != nil {
			return err
		}
		if _, err := p.Ask("SNAPSHOT", "CREATE", "before"); err != nil {
			return err
		}
		return put(p.Addr(), 0, o.keys/50, "b")
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(stderr, "filling redis")
	return fill(ctx, redisOn(o), filepath.Join(dir, "redis"), func(p *rig.Process) error {
		if err := put(p.Addr(), 0, o.keys, "a"); err != nil {
			return err
		}
		_, err := p.Ask("SAVE")
		return err
	})
}

func redisOn(o options) rig.Program {
	return rig.Program{Name: "redis", Path: o.redis, Args: func(dir, port string) []string {
		return []string{"--dir", dir, "--bind", rig.Loopback, "--port", port, "--appendonly", "no", "--save", ""}
	}}
}

// fill starts a server, lets work fill it, and ends it.
func fill(ctx context.Context, program rig.Program, dir string, work func(*rig.Process) error) error {
	p, err := rig.Start(ctx, program, dir)
	if err != nil {
		return err
	}
	if err = work(p); err == nil {
		return p.Terminate(waitMax)
	}
	p.Kill()
	return p.Explain(err)
}

// put sets keys, and reads as many replies.
func put(addr string, from, to int, value string) (err error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	sent := make(chan error, 1)
	go func() {
		w := bufio.NewWriterSize(conn, 1<<20)
		text := strings.Repeat(value, 64)
		for i := from; i < to; i++ {
			fmt.Fprintf(w, "*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$64\r\n%s\r\n", i, text)
			if i%4 == 0 {
				at := fmt.Sprint(2_000_000_000 + i%1_000_000)
				fmt.Fprintf(w, "*3\r\n$8\r\nEXPIREAT\r\n$16\r\nkey:%012d\r\n$%d\r\n%s\r\n", i, len(at), at)
			}
		}
		sent <- w.Flush()
	}()
	replies, wantReplies := bufio.NewReaderSize(conn, 1<<20), to-from+(to-from+3)/4
	for range wantReplies {
		line, err := replies.ReadString('\n')
		if err != nil {
			return err
		}
		if line[0] == '-' {
			return fmt.Errorf("the server says %q", line)
		}
	}
	return <-sent
}

// command is what is measured, with what is wanted of it; 0 where nothing is.
type command struct {
	name         string
	secondsMax   float64 // of 5 million keys
	megabytesMax float64
	run          func(ctx context.Context) (took time.Duration, megabytes float64, err error)
}

func commandsOn(o options, dir string) []command {
	data, rdb := filepath.Join(dir, "holdfast"), filepath.Join(dir, "redis", "dump.rdb")
	inspect := func(args ...string) func(context.Context) (time.Duration, float64, error) {
		return program(o.holdfast, append([]string{"snapshot"}, args...)...)
	}
	return []command{
		{"snapshot stats", 10, 200, inspect("stats", "--dir", data)},
		{"snapshot verify", 15, 0, inspect("verify", "--dir", data)},
		{"snapshot diff", 20, 0, inspect("diff", "before", data, "--dir", data)},
		{"snapshot keys", 0, 0, inspect("keys", "--dir", data)},
		{"snapshot report", 0, 0, inspect("report", "--dir", data, "--html", filepath.Join(dir, "report.html"))},
		{"redis-check-rdb", 0, 0, program(o.check, rdb)},
		{"redis-server, until it answers", 0, 0, func(ctx context.Context) (time.Duration, float64, error) { return load(ctx, o, filepath.Dir(rdb)) }},
	}
}

// program runs a program to its end. What it prints goes nowhere.
func program(path string, args ...string) func(context.Context) (time.Duration, float64, error) {
	return func(ctx context.Context) (time.Duration, float64, error) {
		cmd := exec.CommandContext(ctx, path, args...)
		started := time.Now()
		err := cmd.Run()
		took := time.Since(started)
		if err != nil {
			return 0, 0, err
		}
		usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
		if !ok {
			return 0, 0, errors.New("the kernel does not say how much memory it took")
		}
		return took, float64(usage.Maxrss) / 1024, nil
	}
}

// load starts a redis-server on the dump, waits until it answers, and tells its memory then.
func load(ctx context.Context, o options, dir string) (took time.Duration, megabytes float64, err error) {
	started := time.Now()
	p, err := rig.Start(ctx, redisOn(o), dir)
	if err != nil {
		return 0, 0, err
	}
	defer p.Kill()
	for {
		if _, err := p.Ask("GET", "key:000000000000"); err == nil {
			break
		}
		if ctx.Err() != nil {
			return 0, 0, ctx.Err()
		}
		time.Sleep(time.Millisecond)
	}
	took = time.Since(started)
	info, err := p.Ask("INFO", "memory")
	if err != nil || len(info) == 0 {
		return took, 0, err
	}
	_, rest, _ := strings.Cut(strings.Join(info, "\n"), "used_memory_rss:")
	var bytes float64
	_, err = fmt.Sscan(rest, &bytes)
	return took, bytes / (1 << 20), err
}
