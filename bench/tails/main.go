// Tails measures how long requests wait while something else happens to a server: a checkpoint, a million keys that are
// due in one second, the end of a list of millions.
//
//	go run ./bench/tails [-only checkpoint,expiry] [-rounds N] [-keys N] [-scale F] [-rate R] [-quick] [-markdown FILE]
//
// Each event is measured by itself, on holdfast and on a redis-server, one after the other, so many rounds:
//
//	prepare ─► load at a fixed rate: quiet ─► the event ─► until it is over, and a second at least
//
// The load is half GET and half SET at 70 % of the fixed rate that the slower server takes without falling behind. Latency
// counts from when a request was due (package load), so the longest one is the longest pause. What is shown of each server is
// the quiet time before the event and the event itself, in the same run: machines drift. With each stands how long the machine
// below a virtual one took the processors away meanwhile: no server can answer then, and a wait as long as that is not its own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"holdfast/bench/rig"
)

func main() { rig.Main(run) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return rig.Tool[Options]{Name: "bench/tails", Parse: parseOptions, Measure: measureAll}.Run(ctx, args, stdout, stderr)
}

// Options are what the command line says, checked.
type Options struct {
	Holdfast string // path of the binary
	Redis    string // path or name of redis-server
	Twin     bool   // a second redis-server in holdfast's place
	Dir      string // where the data directories are made
	Markdown string // file to write the report to; "" for none
	Events   []event
	Keys     uint64        // of the load
	Scale    float64       // of the events: 1 is a million keys due, five million flushed, a list of ten million
	Rate     float64       // of the load, requests per second; 0: 70 % of what the slower server takes
	Quiet    time.Duration // before an event
	Rounds   int
	Clients  int
}

// What -quick changes: enough to see that every event happens, too little for figures.
const (
	quickKeys  = 20_000
	quickScale = 0.01
	quickQuiet = 500 * time.Millisecond
)

func parseOptions(args []string, stderr io.Writer) (Options, error) {
	var o Options
	var only string
	var quick bool
	flags := flag.NewFlagSet("bench/tails", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.Holdfast, "holdfast", "bin/holdfast", "the holdfast `binary`")
	flags.StringVar(&o.Redis, "redis", "redis-server", "the redis-server `binary`")
	flags.BoolVar(&o.Twin, "twin", false, "a second redis-server in holdfast's place: shows the noise of the method")
	flags.StringVar(&o.Dir, "dir", os.TempDir(), "make the data directories below this `directory`")
	flags.StringVar(&o.Markdown, "markdown", "", "write the report to this `file` too")
	flags.StringVar(&only, "only", strings.Join(eventNames(), ","), "`events` to measure")
	flags.Uint64Var(&o.Keys, "keys", 1_000_000, "keys of the load")
	flags.Float64Var(&o.Scale, "scale", 1, "size of the events: 1 is a million keys due, five million flushed, a list of ten million elements")
	flags.Float64Var(&o.Rate, "rate", 0, "requests per second of the load; 0 for 70 % of what the slower server takes")
	flags.DurationVar(&o.Quiet, "quiet", 5*time.Second, "how long the load goes on before an event")
	flags.IntVar(&o.Rounds, "rounds", 1, "measure each event so often, and show medians")
	flags.IntVar(&o.Clients, "clients", 50, "connections of the load")
	flags.BoolVar(&quick, "quick", false, "small events on few keys: a test of this program, not of the servers")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if quick {
		o.hurry(flags)
	}
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("what is %q? There are only flags; -help lists them", flags.Arg(0))
	case o.Keys < 1 || o.Clients < 1 || o.Rounds < 1 || o.Quiet <= 0 || !(o.Scale > 0 && o.Scale <= 100):
		return o, errors.New("-keys, -clients, -rounds and -quiet must be positive, -scale above 0 and at most 100")
	case !(o.Rate == 0 || o.Rate >= 1 && o.Rate <= 1e7):
		return o, errors.New("-rate is 0, or from 1 to 10000000")
	}
	var err error
	o.Events, err = chooseEvents(only)
	return o, err
}

// hurry makes small what the command line did not set itself.
func (o *Options) hurry(flags *flag.FlagSet) {
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if !given["keys"] {
		o.Keys = quickKeys
	}
	if !given["scale"] {
		o.Scale = quickScale
	}
	if !given["quiet"] {
		o.Quiet = quickQuiet
	}
}

func chooseEvents(list string) ([]event, error) {
	wanted := rig.SplitList(list)
	for _, name := range wanted {
		if !slices.Contains(eventNames(), name) {
			return nil, fmt.Errorf("-only: %q is none of %s", name, strings.Join(eventNames(), ", "))
		}
	}
	if len(wanted) == 0 {
		return nil, errors.New("-only: names no event")
	}
	return slices.DeleteFunc(events(), func(e event) bool { return !slices.Contains(wanted, e.name) }), nil
}

// measureAll measures every event and prints each row as soon as it is known. The temporary directory is gone when it
// returns.
func measureAll(ctx context.Context, o Options, args []string, stdout, stderr io.Writer) (err error) {
	dir, err := os.MkdirTemp(o.Dir, "holdfast-tails-")
	if err != nil {
		return fmt.Errorf("make a directory for the data: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	programs := []rig.Program{holdfast(o.Holdfast), redis(o.Redis)}
	if o.Twin {
		programs[0] = redis(o.Redis)
		programs[0].Name = "twin"
	}
	heading, err := describe(ctx, programs, dir, args)
	if err != nil {
		return err
	}
	if o.Rate == 0 {
		if o.Rate, err = affordable(ctx, o, programs, dir); err != nil {
			return err
		}
	}
	report := Report{Heading: append(heading, fmt.Sprintf("load: half GET, half SET, %.0f a second on %d connections, %d keys, values of %d bytes; %d rounds",
		o.Rate, o.Clients, o.Keys, valueBytes, o.Rounds)), Left: programs[0].Name, Right: programs[1].Name}
	fmt.Fprint(stdout, report.Head())
	for _, e := range o.Events {
		row, err := measureEvent(ctx, o, programs, e, dir, stderr)
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		if err != nil {
			return err
		}
		report.Rows = append(report.Rows, row)
		fmt.Fprint(stdout, row.Line())
	}
	fmt.Fprint(stdout, report.Foot())
	if o.Markdown != "" {
		if err := os.WriteFile(o.Markdown, []byte(report.String()), 0o644); err != nil {
			return fmt.Errorf("write the table: %w", err)
		}
	}
	return nil
}

// measureEvent measures the programs in turn, round by round.
func measureEvent(ctx context.Context, o Options, programs []rig.Program, e event, dir string, stderr io.Writer) (Row, error) {
	var rounds [2][]Side
	for range o.Rounds {
		for i, program := range programs {
			side, err := measure(ctx, o, program, e, filepath.Join(dir, fmt.Sprint(e.name, i)))
			if err != nil {
				return Row{}, fmt.Errorf("%s: %s: %w", e.name, program.Name, err)
			}
			fmt.Fprintf(stderr, "%s: %s: %s\n", e.name, program.Name, side)
			rounds[i] = append(rounds[i], side)
		}
	}
	return Row{Event: e.name, Sides: [2]Side{middle(rounds[0]), middle(rounds[1])}}, nil
}

func describe(ctx context.Context, programs []rig.Program, dir string, args []string) ([]string, error) {
	heading, err := rig.Machine(dir)
	if err != nil {
		return nil, err
	}
	heading = append(heading, "command: `"+rig.CommandLine("go", append([]string{"run", "./bench/tails"}, args...))+"`")
	for _, p := range programs {
		version, err := rig.VersionOf(ctx, p.Path)
		if err != nil {
			return nil, err
		}
		heading = append(heading, p.Name+": "+version+rig.BuildOf(p.Path)+", `"+rig.CommandLine(p.Path, p.Args("DIR", "PORT"))+"`")
	}
	return heading, nil
}

// holdfast begins checkpoints when it is told to, so that none falls into another event.
func holdfast(path string) rig.Program {
	return rig.Program{
		Name: "holdfast", Path: path,
		Args: func(dir, port string) []string {
			return []string{"serve", "--dir", dir, "--addr", rig.Loopback + ":" + port, "--fsync", "everysec", "--save", ""}
		},
		Settings: map[string]string{"appendonly": "yes", "appendfsync": "everysec", "save": ""},
	}
}

func redis(path string) rig.Program {
	return rig.Program{
		Name: "redis", Path: path,
		Args: func(dir, port string) []string {
			return []string{"--dir", dir, "--bind", rig.Loopback, "--port", port, "--appendonly", "yes", "--appendfsync", "everysec",
				"--save", "", "--auto-aof-rewrite-percentage", "0"}
		},
		Settings: map[string]string{"appendonly": "yes", "appendfsync": "everysec", "save": ""},
	}
}
