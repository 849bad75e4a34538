package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"holdfast/bench/rig"
	"holdfast/load"
)

// Options are what the command line says, checked.
type Options struct {
	Holdfast string // path of the binary
	Redis    string // path or name of redis-server
	Load     Load
	Twin     bool // a second redis-server in holdfast's place

	Dir      string // where the data directories are made
	Markdown string // file to write the report to; "" for none

	Rows     []Row
	Rounds   int
	Requests int           // per run; 0: as many as take Duration
	Duration time.Duration // of a run, roughly
}

// What -quick changes: enough to see that all works, too short for figures.
const (
	quickRounds   = 2
	quickDuration = 300 * time.Millisecond
	quickKeys     = 10_000
)

func parseOptions(args []string, stderr io.Writer) (Options, error) {
	var o Options
	var rows, policies, pipelines, valueSize, keyspace string
	var quick bool
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.Holdfast, "holdfast", "bin/holdfast", "the holdfast `binary`")
	flags.StringVar(&o.Redis, "redis", "redis-server", "the redis-server `binary`")
	flags.StringVar(&o.Load.Generator, "generator", ours, "what sends the requests: `holdfast` (our own) or redis-benchmark")
	flags.StringVar(&o.Load.Path, "load", "redis-benchmark", "the redis-benchmark `binary`")
	flags.IntVar(&o.Load.Clients, "clients", 50, "connections")
	flags.StringVar(&pipelines, "pipelines", "1,16", "pipeline `depths`")
	flags.StringVar(&valueSize, "value-size", "3", "`bytes` of a value; 1k and 1m are 1024 and 1048576")
	flags.StringVar(&keyspace, "distribution", string(load.Uniform), "how keys are chosen: uniform, sequential, `zipf`")
	flags.BoolVar(&o.Twin, "twin", false, "a second redis-server in holdfast's place: shows the noise of the method")
	flags.StringVar(&o.Dir, "dir", os.TempDir(), "make the data directories below this `directory`; its disk is what fsync waits for")
	flags.StringVar(&o.Markdown, "markdown", "", "write the report to this `file` too")
	flags.StringVar(&rows, "rows", "", "measure only these, as COMMAND or COMMAND/PIPELINE: `SET,GET/16`")
	flags.StringVar(&policies, "policies", strings.Join(policyNames, ","), "measure under these fsync `policies`")
	flags.IntVar(&o.Rounds, "rounds", 5, "rounds, each of which measures both servers once")
	flags.IntVar(&o.Requests, "requests", 0, "requests per run; 0 for as many as take -duration")
	flags.DurationVar(&o.Duration, "duration", 2500*time.Millisecond, "how long a run should take")
	flags.IntVar(&o.Load.Keys, "keys", 100_000, "key space of SET, GET, INCR and YCSB")
	flags.BoolVar(&quick, "quick", false, "two short rounds on few keys: a test of this program, not of the servers")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("what is %q? There are only flags; -help lists them", flags.Arg(0))
	}
	if quick {
		o.hurry(flags)
	}
	if o.Rounds < 1 || o.Requests < 0 || o.Duration <= 0 || o.Load.Keys < 1 {
		return o, errors.New("-rounds, -duration and -keys must be positive, -requests at least 0")
	}
	var err error
	if o.Load.ValueBytes, err = load.ParseBytes(valueSize); err != nil {
		return o, fmt.Errorf("-value-size: %w", err)
	}
	o.Load.Keyspace = load.Distribution(keyspace)
	depths, err := parsePipelines(pipelines)
	if err != nil {
		return o, err
	}
	if o.Rows, err = chooseRows(rows, policies, depths); err != nil {
		return o, err
	}
	return o, o.checkLoad()
}

// checkLoad says what the generator cannot do.
func (o Options) checkLoad() error {
	switch o.Load.Generator {
	case ours:
		for _, row := range o.Rows {
			if _, err := o.Load.options("1", row.Workload.Load); err != nil {
				return err
			}
		}
		return nil
	case redisBenchmark:
	default:
		return fmt.Errorf("-generator is %s or %s, not %q", ours, redisBenchmark, o.Load.Generator)
	}
	if o.Load.Keyspace != load.Uniform {
		return errors.New("redis-benchmark knows uniform keys alone")
	}
	if o.Load.Clients < 1 || o.Load.ValueBytes < 1 {
		return errors.New("-clients and -value-size must be positive")
	}
	for _, row := range o.Rows {
		if row.Workload.Load.Words == nil {
			return fmt.Errorf("redis-benchmark cannot send %s", row.Workload.Name)
		}
	}
	return nil
}

func parsePipelines(list string) ([]int, error) {
	var depths []int
	for _, word := range rig.SplitList(list) {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 || n > load.PipelineMax {
			return nil, fmt.Errorf("-pipelines: %q is no number from 1 to %d", word, load.PipelineMax)
		}
		depths = append(depths, n)
	}
	if len(depths) == 0 {
		return nil, errors.New("-pipelines: names none")
	}
	return depths, nil
}

// hurry shortens what the command line did not set itself.
func (o *Options) hurry(flags *flag.FlagSet) {
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if !given["rounds"] {
		o.Rounds = quickRounds
	}
	if !given["duration"] {
		o.Duration = quickDuration
	}
	if !given["keys"] {
		o.Load.Keys = quickKeys
	}
}

// chooseRows lists the rows that both filters let through, in the order of the table. An empty filter of rows lets all
// through but YCSB's. A word that matches nothing is an error: a typing mistake must not look like a fast run.
func chooseRows(rows, policies string, pipelines []int) ([]Row, error) {
	wantedPolicies := rig.SplitList(policies)
	for _, p := range wantedPolicies {
		if !slices.Contains(policyNames, p) {
			return nil, fmt.Errorf("-policies: %q is none of %s", p, strings.Join(policyNames, ", "))
		}
	}
	wanted := rig.SplitList(rows)
	matched := map[string]bool{}
	var chosen []Row
	for _, r := range allRows(pipelines) {
		if !slices.Contains(wantedPolicies, r.Policy) {
			continue
		}
		takes := len(wanted) == 0 && r.Workload.Load.Words != nil
		for _, name := range []string{r.Workload.Name, r.Workload.Name + "/" + strconv.Itoa(r.Pipeline)} {
			if slices.Contains(wanted, name) {
				matched[name], takes = true, true
			}
		}
		if takes {
			chosen = append(chosen, r)
		}
	}
	if len(chosen) == 0 && len(wanted) == 0 {
		return nil, errors.New("-policies: names none")
	}
	for _, name := range wanted {
		if !matched[name] {
			return nil, fmt.Errorf("-rows: there is no row %q", name)
		}
	}
	return chosen, nil
}
