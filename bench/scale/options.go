package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"holdfast/bench/rig"
)

// Phases of a trial. All of them begin with the load.
const (
	phaseRestart    = "restart"
	phaseHydration  = "hydration"
	phaseCheckpoint = "checkpoint"
	phaseSpill      = "spill"
	phaseChurn      = "churn"
	phaseCollect    = "collections"
	phaseConnect    = "connections"
)

func phaseNames() []string {
	return []string{phaseRestart, phaseHydration, phaseCheckpoint, phaseSpill, phaseChurn, phaseCollect, phaseConnect}
}

// Options are what the command line says, checked.
type Options struct {
	Holdfast string // path of the binary
	Redis    string // path or name of redis-server

	Dir      string // where the data directories are made
	Markdown string // file to write the report to; "" for none

	Keys   []uint64 // one trial each
	Phases []string
	Rounds int
	Rate   float64 // of the modest load, requests per second
	Seed   uint64
	Cold   bool // restarts without the page cache too
}

// What -quick changes: enough to see that all works, too little for figures.
const (
	quickMillions = "0.2"
	quickRounds   = 2
)

func parseOptions(args []string, stderr io.Writer) (Options, error) {
	var o Options
	var sizes, phases string
	var quick bool
	flags := flag.NewFlagSet("bench/scale", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.Holdfast, "holdfast", "bin/holdfast", "the holdfast `binary`")
	flags.StringVar(&o.Redis, "redis", "redis-server", "the redis-server `binary`")
	flags.StringVar(&o.Dir, "dir", os.TempDir(), "make the data directories below this `directory`")
	flags.StringVar(&o.Markdown, "markdown", "", "write the report to this `file` too")
	flags.StringVar(&sizes, "millions", "5", "`millions` of keys, one trial each: 1,5,10")
	flags.StringVar(&phases, "only", strings.Join(phaseNames(), ","), "`phases` to measure, after the load")
	flags.IntVar(&o.Rounds, "rounds", 3, "rounds, each of which measures every server once")
	flags.Float64Var(&o.Rate, "rate", 5000, "requests per second of the modest load whose latency is measured")
	flags.Uint64Var(&o.Seed, "seed", 1, "of the choice of random keys")
	flags.BoolVar(&o.Cold, "cold", false, "measure restarts with an empty page cache too; drops it, and needs to be root for that")
	flags.BoolVar(&quick, "quick", false, "two rounds with 200,000 keys: a test of this program, not of the servers")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("what is %q? There are only flags; -help lists them", flags.Arg(0))
	}
	if quick {
		given := map[string]bool{}
		flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
		if !given["millions"] {
			sizes = quickMillions
		}
		if !given["rounds"] {
			o.Rounds = quickRounds
		}
	}
	if o.Rounds < 1 || !(o.Rate >= 100 && o.Rate <= 1e6) {
		return o, errors.New("-rounds must be positive, -rate from 100 to 1000000")
	}
	var sizesErr, phasesErr error
	o.Keys, sizesErr = parseMillions(sizes)
	o.Phases, phasesErr = parsePhases(phases)
	return o, errors.Join(sizesErr, phasesErr)
}

// parseMillions reads a list such as "0.2,1,5" as numbers of keys.
func parseMillions(list string) ([]uint64, error) {
	const keysMin = 10_000 // fewer fit into a cache, and that is another benchmark
	var sizes []uint64
	for _, word := range rig.SplitList(list) {
		n, err := strconv.ParseFloat(word, 64)
		keys := math.Round(n * 1e6)
		if err != nil || !(keys >= keysMin && keys <= keysMax) {
			return nil, fmt.Errorf("-millions: %q is no number from 0.01 to 1000", word)
		}
		sizes = append(sizes, uint64(keys))
	}
	if len(sizes) == 0 {
		return nil, errors.New("-millions: names no size")
	}
	return sizes, nil
}

func parsePhases(list string) ([]string, error) {
	wanted := rig.SplitList(list)
	for _, name := range wanted {
		if !slices.Contains(phaseNames(), name) {
			return nil, fmt.Errorf("-only: %q is none of %s", name, strings.Join(phaseNames(), ", "))
		}
	}
	if len(wanted) == 0 {
		return nil, errors.New("-only: names no phase")
	}
	return wanted, nil
}
