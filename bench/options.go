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
)

// Options are what the command line says, checked.
type Options struct {
	Holdfast string // path of the binary
	Redis    string // path or name of redis-server
	Load     string // path or name of redis-benchmark
	Twin     bool   // a second redis-server in holdfast's place

	Dir      string // where the data directories are made
	Markdown string // file to write the report to; "" for none

	Rows     []Row
	Rounds   int
	Requests int           // per run; 0: as many as take Duration
	Duration time.Duration // of a run, roughly
	Keys     int           // key space of SET, GET and INCR
}

// What -quick changes: enough to see that all works, too short for figures.
const (
	quickRounds   = 2
	quickDuration = 300 * time.Millisecond
	quickKeys     = 10_000
)

func parseOptions(args []string, stderr io.Writer) (Options, error) {
	var o Options
	var rows, policies string
	var quick bool
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.Holdfast, "holdfast", "bin/holdfast", "the holdfast `binary`")
	flags.StringVar(&o.Redis, "redis", "redis-server", "the redis-server `binary`")
	flags.StringVar(&o.Load, "load", "redis-benchmark", "the redis-benchmark `binary`")
	flags.BoolVar(&o.Twin, "twin", false, "a second redis-server in holdfast's place: shows the noise of the method")
	flags.StringVar(&o.Dir, "dir", os.TempDir(), "make the data directories below this `directory`; its disk is what fsync waits for")
	flags.StringVar(&o.Markdown, "markdown", "", "write the report to this `file` too")
	flags.StringVar(&rows, "rows", "", "measure only these, as COMMAND or COMMAND/PIPELINE: `SET,GET/16`")
	flags.StringVar(&policies, "policies", strings.Join(policyNames, ","), "measure under these fsync `policies`")
	flags.IntVar(&o.Rounds, "rounds", 5, "rounds, each of which measures both servers once")
	flags.IntVar(&o.Requests, "requests", 0, "requests per run; 0 for as many as take -duration")
	flags.DurationVar(&o.Duration, "duration", 2500*time.Millisecond, "how long a run should take")
	flags.IntVar(&o.Keys, "keys", 100_000, "key space of SET, GET and INCR")
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
	if o.Rounds < 1 || o.Requests < 0 || o.Duration <= 0 || o.Keys < 1 {
		return o, errors.New("-rounds, -duration and -keys must be positive, -requests at least 0")
	}
	var err error
	o.Rows, err = chooseRows(rows, policies)
	return o, err
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
		o.Keys = quickKeys
	}
}

// chooseRows lists the rows that both filters let through, in the order of the table. An empty filter of rows lets all
// through. A word that matches nothing is an error: a typing mistake must not look like a fast run.
func chooseRows(rows, policies string) ([]Row, error) {
	wantedPolicies := rig.SplitList(policies)
	for _, p := range wantedPolicies {
		if !slices.Contains(policyNames, p) {
			return nil, fmt.Errorf("-policies: %q is none of %s", p, strings.Join(policyNames, ", "))
		}
	}
	wanted := rig.SplitList(rows)
	matched := map[string]bool{}
	var chosen []Row
	for _, r := range allRows() {
		if !slices.Contains(wantedPolicies, r.Policy) {
			continue
		}
		takes := len(wanted) == 0
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
