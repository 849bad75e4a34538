// Inspect measures the offline commands on millions of keys: how long they take and what memory they reach, beside
// redis-check-rdb on the same keys and beside loading them into a redis-server.
//
//	go run ./bench/inspect [-keys 5000000] [-rounds 3] [-holdfast bin/holdfast] [-dir DIR]
//
// A holdfast and a redis-server get the same keys (16 bytes, values of 64, every fourth with a TTL) and write them to disk; a
// named snapshot of holdfast's is from before a fiftieth of them changed. Then each command runs once in each round, and
// medians are told. Memory is the most that the process had resident, pages of mapped files included.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"holdfast/bench/rig"
)

func main() { rig.Main(run) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return rig.Tool[options]{Name: "bench/inspect", Parse: parse, Measure: measure}.Run(ctx, args, stdout, stderr)
}

type options struct {
	holdfast, redis, check, dir string
	keys, rounds                int
}

func parse(args []string, stderr io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("bench/inspect", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.holdfast, "holdfast", "bin/holdfast", "the holdfast `binary`")
	flags.StringVar(&o.redis, "redis", "redis-server", "the redis-server `binary`")
	flags.StringVar(&o.check, "check", "redis-check-rdb", "the redis-check-rdb `binary`")
	flags.StringVar(&o.dir, "dir", os.TempDir(), "make the data directories below this `directory`")
	flags.IntVar(&o.keys, "keys", 5_000_000, "`number` of keys")
	flags.IntVar(&o.rounds, "rounds", 3, "rounds, each of which runs every command once")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("what is %q? There are only flags; -help lists them", flags.Arg(0))
	case o.rounds < 1 || o.keys < 10_000 || o.keys > 100_000_000:
		return o, errors.New("-rounds must be positive, -keys from 10000 to 100000000")
	}
	return o, nil
}

// measure fills the two servers, and runs the commands on what they wrote.
func measure(ctx context.Context, o options, args []string, stdout, stderr io.Writer) (err error) {
	dir, err := os.MkdirTemp(o.dir, "holdfast-inspect-")
	if err != nil {
		return fmt.Errorf("make a directory for the data: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	machine, err := rig.Machine(dir)
	if err != nil {
		return err
	}
	for _, line := range machine {
		fmt.Fprintln(stdout, line)
	}
	for _, part := range []string{"holdfast", "redis"} {
		if err := os.Mkdir(filepath.Join(dir, part), 0o700); err != nil {
			return err
		}
	}
	if err := fillBoth(ctx, o, dir, stderr); err != nil {
		return err
	}
	all := commandsOn(o, dir)
	seconds, megabytes := make([][]float64, len(all)), make([][]float64, len(all))
	for round := range o.rounds {
		for i, c := range all {
			fmt.Fprintf(stderr, "round %d: %s\n", round+1, c.name)
			took, most, err := c.run(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			seconds[i], megabytes[i] = append(seconds[i], took.Seconds()), append(megabytes[i], most)
		}
	}
	fmt.Fprintf(stdout, "\n%d keys, %d rounds, medians\n\n| command | s | wanted | MB resident | wanted |\n| --- | --- | --- | --- | --- |\n", o.keys, o.rounds)
	scale := float64(o.keys) / 5e6 // what is wanted is said of 5 million
	for i, c := range all {
		fmt.Fprintf(stdout, "| %s | %s | %s | %s | %s |\n", c.name, rig.Number(rig.Median(seconds[i]), 2), wanted(c.secondsMax*scale),
			rig.Number(rig.Median(megabytes[i]), 0), wanted(c.megabytesMax))
	}
	return nil
}

func wanted(most float64) string {
	if most == 0 {
		return ""
	}
	return "≤ " + rig.Number(most, 1)
}

// waitMax is how long a server may take to end, its last save included.
const waitMax = 5 * time.Minute
