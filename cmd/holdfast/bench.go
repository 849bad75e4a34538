package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"holdfast/load"
)

// benchCommand is "holdfast bench": a load generator for any RESP server.
func benchCommand() *cli.Command {
	return &cli.Command{
		Name:      "bench",
		Usage:     "load a server and measure how long its replies take",
		ArgsUsage: "[COMMAND ARG …]",
		Description: "Works on any server that speaks RESP, without TLS. Without --rate each connection sends its pipeline of requests, waits\n" +
			"for all replies, and sends the next. With --rate requests are due at a fixed rate, and their latency counts from when they were\n" +
			"due: what a server that stalls would have been asked meanwhile counts as well.\n" +
			"A COMMAND is sent as it is, with " + strings.Join(load.Placeholders(), " ") + " replaced each time.\n" +
			"The exit code is 1 if a reply was an error or not the right one.\n\n" +
			examples("holdfast bench --workload get=9,set=1 --pipeline 16 --duration 30s", "holdfast bench --rate 20000 --fill --json", "holdfast bench -p 6380 ZADD board {number} {key}"),
		HideHelp:     true,
		Flags:        benchFlags(),
		OnUsageError: func(_ *cli.Context, err error, _ bool) error { return benchUsage(err) },
		Action: func(ctx *cli.Context) error {
			if ctx.Bool("help") {
				return cli.ShowCommandHelp(ctx, "bench")
			}
			plan, err := benchPlan(ctx)
			if err != nil {
				return benchUsage(err)
			}
			if err := plan.run(ctx); err != nil {
				return cli.Exit("bench: "+strings.ReplaceAll(err.Error(), "\n", "; "), exitFailed)
			}
			return nil
		},
	}
}

func benchUsage(err error) error {
	return cli.Exit("bench: "+err.Error()+"; see \"holdfast bench --help\"", exitUsage)
}

func benchFlags() []cli.Flag {
	o := load.Defaults()
	return []cli.Flag{
		&cli.StringFlag{Name: "host", Aliases: []string{"h"}, Value: "127.0.0.1", Usage: "`HOST` of the server"},
		&cli.IntFlag{Name: "port", Aliases: []string{"p"}, Value: 6379, Usage: "`PORT` of the server"},
		&cli.StringFlag{Name: "unixsocket", Aliases: []string{"s"}, Usage: "unix `SOCKET` of the server, instead of host and port"},
		&cli.StringFlag{Name: "password", Aliases: []string{"a"}, Usage: "`PASSWORD`; better given as REDISCLI_AUTH in the environment"},
		&cli.StringFlag{Name: "user", Usage: "`USER` whose password it is"},
		&cli.IntFlag{Name: "db", Aliases: []string{"n"}, Usage: "number of the `DATABASE`"},
		&cli.StringFlag{Name: "workload", Aliases: []string{"w"}, Value: "get", Usage: "`WORKLOAD`: " + strings.Join(load.YCSBNames(), ", ") +
			"; or requests and their shares, get=9,set=1, of " + strings.Join(load.SingleNames(), ", ")},
		&cli.IntFlag{Name: "connections", Aliases: []string{"c"}, Value: o.Connections, Usage: "`NUMBER` of connections"},
		&cli.IntFlag{Name: "threads", Value: o.Threads, Usage: "`NUMBER` of threads that share them"},
		&cli.IntFlag{Name: "pipeline", Aliases: []string{"P"}, Value: o.Pipeline, Usage: "`NUMBER` of requests that a connection sends before it waits for replies"},
		&cli.Float64Flag{Name: "rate", DefaultText: "as fast as replies come", Usage: "`REQUESTS` a second, all connections together"},
		&cli.DurationFlag{Name: "duration", Value: 10 * time.Second, Usage: "`TIME` to measure"},
		&cli.DurationFlag{Name: "warm-up", Value: time.Second, Usage: "`TIME` before that, which is not measured"},
		&cli.Uint64Flag{Name: "requests", DefaultText: "as many as the time allows", Usage: "measure this `NUMBER` of requests instead, without a warm-up"},
		&cli.Uint64Flag{Name: "keys", Value: o.Keys, Usage: "`NUMBER` of keys"},
		&cli.StringFlag{Name: "distribution", Aliases: []string{"d"}, DefaultText: "uniform; YCSB's own for ycsb-…",
			Usage: "how keys are chosen, `NAME`: uniform, sequential, zipf (theta 0.99, scattered) or latest"},
		&cli.StringFlag{Name: "value-size", Value: "64", Usage: "`BYTES` of a value; 1k and 1m are 1024 and 1048576"},
		toggle("fill", "write every key first, and check the values of GETs; ycsb-… does so by itself"),
		toggle("no-fill", "do not: the keys are there from a run before"),
		&cli.Uint64Flag{Name: "seed", Value: o.Seed, Usage: "`NUMBER` that what is drawn by chance follows from"},
		&cli.IntFlag{Name: "pid", DefaultText: "none", Usage: "show what the server's process `PID`, on this machine, uses per request"},
		jsonFlag("one object"),
		toggle("help", "show this text"),
	}
}

// benchRun is what the flags ask for.
type benchRun struct {
	o        load.Options
	fill     bool
	duration time.Duration // 0: until the requests are done
	warmUp   time.Duration
	pid      int
	json     bool
}

func benchPlan(ctx *cli.Context) (b benchRun, err error) {
	b = benchRun{o: load.Defaults(), duration: ctx.Duration("duration"), warmUp: ctx.Duration("warm-up"), pid: ctx.Int("pid"), json: ctx.Bool("json")}
	if b.o.Target, err = benchTarget(ctx); err != nil {
		return b, err
	}
	if b.o.Workload, err = benchWorkload(ctx); err != nil {
		return b, err
	}
	b.o.Connections, b.o.Threads, b.o.Pipeline = ctx.Int("connections"), ctx.Int("threads"), ctx.Int("pipeline")
	b.o.Rate, b.o.Requests, b.o.Keys, b.o.Seed = ctx.Float64("rate"), ctx.Uint64("requests"), ctx.Uint64("keys"), ctx.Uint64("seed")
	if b.o.Workload.Keys != "" {
		b.o.Keyspace = b.o.Workload.Keys
	}
	if ctx.IsSet("distribution") {
		b.o.Keyspace = load.Distribution(ctx.String("distribution"))
	}
	if b.o.ValueBytes, err = load.ParseBytes(ctx.String("value-size")); err != nil {
		return b, fmt.Errorf("--value-size: %w", err)
	}
	b.fill = (b.o.Workload.Fill || ctx.Bool("fill")) && !ctx.Bool("no-fill")
	b.o.Verify = b.fill
	switch {
	case ctx.IsSet("requests") && b.o.Requests == 0:
		return b, errors.New("--requests is a number from 1")
	case ctx.IsSet("requests") && (ctx.IsSet("duration") || ctx.IsSet("warm-up")):
		return b, errors.New("give --requests, or --duration and --warm-up, not both")
	case ctx.IsSet("rate") && b.o.Rate == 0:
		return b, errors.New("--rate is a number from 1")
	case b.duration <= 0 || b.warmUp < 0:
		return b, errors.New("--duration is positive, --warm-up not negative")
	case ctx.Bool("fill") && ctx.Bool("no-fill"):
		return b, errors.New("give --fill or --no-fill, not both")
	case ctx.IsSet("pid") && b.pid <= 0:
		return b, fmt.Errorf("%d is not a process", b.pid)
	}
	if b.o.Requests > 0 {
		b.duration, b.warmUp = 0, 0
	}
	return b, b.o.Check()
}

func benchTarget(ctx *cli.Context) (load.Target, error) {
	t := load.Target{User: ctx.String("user"), Password: os.Getenv("REDISCLI_AUTH"), DB: ctx.Int("db")}
	if ctx.IsSet("password") {
		t.Password = ctx.String("password")
	}
	t.Network, t.Address = "tcp", fmt.Sprintf("%s:%d", ctx.String("host"), ctx.Int("port"))
	if strings.Contains(ctx.String("host"), ":") {
		t.Address = fmt.Sprintf("[%s]:%d", ctx.String("host"), ctx.Int("port"))
	}
	if path := ctx.String("unixsocket"); path != "" {
		t.Network, t.Address = "unix", path
	}
	switch port := ctx.Int("port"); {
	case port < 1 || port > 65535:
		return t, fmt.Errorf("%d is not a port", port)
	case t.DB < 0:
		return t, fmt.Errorf("%d is not a database", t.DB)
	case t.User != "" && t.Password == "":
		return t, errors.New("--user needs a password: give -a, or REDISCLI_AUTH in the environment")
	}
	return t, nil
}

func benchWorkload(ctx *cli.Context) (load.Workload, error) {
	if words := ctx.Args().Slice(); len(words) > 0 {
		if ctx.IsSet("workload") {
			return load.Workload{}, errors.New("give --workload or a COMMAND, not both")
		}
		return load.Custom(words)
	}
	name := ctx.String("workload")
	if slices.Contains(load.YCSBNames(), strings.ToLower(name)) || strings.HasPrefix(strings.ToLower(name), "ycsb") {
		return load.YCSB(name)
	}
	return load.Mix(name)
}

// run fills, measures and prints.
func (b benchRun) run(ctx *cli.Context) error {
	interrupted, stop := interruptible(ctx)
	defer stop()
	shown := newBar(ctx.App.ErrWriter)
	defer shown.end()
	if b.fill {
		if err := load.Fill(interrupted, b.o, func(done uint64) { shown.show("filling", int64(done), int64(b.o.Keys)) }); err != nil {
			return err
		}
	}
	report, err := b.measure(interrupted, shown)
	if err != nil {
		return err
	}
	shown.end()
	if b.json {
		err = report.WriteJSON(ctx.App.Writer)
	} else {
		err = report.WriteTable(ctx.App.Writer)
	}
	if err != nil {
		return err
	}
	return report.Fault()
}

const (
	phaseWarmUp   = "warm-up"
	phaseMeasured = "measured"
)

// measure is the warm-up and what follows it.
func (b benchRun) measure(ctx context.Context, shown *bar) (load.Report, error) {
	report := load.Report{Options: b.o}
	began := time.Now()
	total := b.warmUp + b.duration
	progress := func(done uint64) {
		if b.o.Requests > 0 {
			shown.show("measuring", int64(done), int64(b.o.Requests))
			return
		}
		shown.show("measuring", int64(time.Since(began)), int64(total))
	}
	var before, after load.Sample
	look := func(s *load.Sample) (err error) {
		if b.pid > 0 {
			*s, err = load.Look(b.pid)
		}
		return err
	}
	phase := phaseMeasured
	if b.warmUp > 0 {
		phase = phaseWarmUp
	}
	if err := look(&before); err != nil { // before the run, so that a wrong process is told at once
		return report, err
	}
	run, err := load.Start(ctx, b.o, phase)
	if err != nil {
		return report, err
	}
	if b.warmUp > 0 {
		run.For(b.warmUp, progress)
		err = look(&before)
		run.Phase(phaseMeasured)
	}
	if b.duration > 0 {
		run.For(b.duration, progress)
	} else {
		run.Wait(progress)
	}
	result, stopErr := run.Stop()
	if err := errors.Join(err, stopErr, look(&after)); err != nil {
		return report, err
	}
	if ctx.Err() != nil {
		return report, errors.New("interrupted")
	}
	report.Phase = result.Phase(phaseMeasured)
	if b.pid > 0 && report.Phase.Requests > 0 {
		usage := load.Used(before, after, report.Phase.Requests)
		report.Server = &usage
	}
	return report, nil
}
