package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
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
	Valkey   string // path of valkey-server; "": it is not measured
	Load     Load   // of the group commands
	Twin     bool   // a second redis-server in holdfast's place

	Dir    string // where the data directories are made
	Report string // directory to write the report and its charts to; "" for none
	Quick  bool   // the figures are not for quoting

	Groups   []Group
	Rounds   int
	Requests int           // per run; 0: as many as take Duration
	Duration time.Duration // of a run, roughly
}

// What -quick changes: enough to see that all works, too short for figures.
const (
	quickRounds   = 1
	quickDuration = 80 * time.Millisecond
	quickKeys     = 5000
	quickPolicy   = "everysec" // of the group commands

	quickQuietSpan     = 40 * time.Millisecond
	quickProbeRequests = 4000
)

func parseOptions(args []string, stderr io.Writer) (Options, error) {
	var o Options
	var groupList, rows, policies, pipelines, valueSize, keyspace string
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.Holdfast, "holdfast", "bin/holdfast", "the holdfast `binary`")
	flags.StringVar(&o.Redis, "redis", "redis-server", "the redis-server `binary`")
	flags.StringVar(&o.Valkey, "valkey", "valkey-server", "the valkey-server `binary`; measured too where there is one")
	flags.StringVar(&o.Load.Generator, "generator", ours, "what sends the requests: `holdfast` (our own) or redis-benchmark")
	flags.StringVar(&o.Load.Path, "load", "redis-benchmark", "the redis-benchmark `binary`")
	flags.IntVar(&o.Load.Clients, "clients", 50, "connections of the group commands")
	flags.StringVar(&pipelines, "pipelines", "1,16", "pipeline `depths` of the group commands")
	flags.StringVar(&valueSize, "value-size", "3", "`bytes` of a value in the group commands; 1k and 1m are 1024 and 1048576")
	flags.StringVar(&keyspace, "distribution", string(load.Uniform), "how keys of the group commands are chosen: uniform, sequential, `zipf`")
	flags.BoolVar(&o.Twin, "twin", false, "a second redis-server in holdfast's place: shows the noise of the method")
	flags.StringVar(&o.Dir, "dir", os.TempDir(), "make the data directories below this `directory`; its disk is what fsync waits for")
	flags.StringVar(&o.Report, "report", "", "write the report and its charts into this `directory` too")
	flags.StringVar(&groupList, "groups", defaultGroups, "measure these `groups` of rows: "+strings.Join(groupNames(), ", ")+"; all")
	flags.StringVar(&rows, "rows", "", "measure only these, as COMMAND or COMMAND/PIPELINE: `SET,GET/16`")
	flags.StringVar(&policies, "policies", strings.Join(policyNames, ","), "measure under these fsync `policies`")
	flags.IntVar(&o.Rounds, "rounds", 5, "rounds, each of which measures every server once")
	flags.IntVar(&o.Requests, "requests", 0, "requests per run; 0 for as many as take -duration")
	flags.DurationVar(&o.Duration, "duration", 2500*time.Millisecond, "how long a run should take")
	flags.IntVar(&o.Load.Keys, "keys", 100_000, "key space of SET, GET, INCR and YCSB")
	flags.BoolVar(&o.Quick, "quick", false, "every group, one short round on few keys: a test of this program, not of the servers")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("what is %q? There are only flags; -help lists them", flags.Arg(0))
	}
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if o.Quick {
		o.hurry(given)
	}
	switch {
	case given["groups"]:
	case rows != "" || o.Load.Generator == redisBenchmark: // which knows no other
		groupList = "commands"
	case o.Quick:
		groupList = allGroups
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
	if o.Groups, err = chooseGroups(groups(o.Load, depths), rig.SplitList(groupList)); err != nil {
		return o, err
	}
	if o.Groups, err = chooseRows(o.Groups, rows, policies); err != nil {
		return o, err
	}
	if o.Quick && rows == "" && !given["policies"] {
		o.thin()
	}
	if o.Valkey, err = o.findValkey(given["valkey"]); err != nil {
		return o, err
	}
	return o, o.checkLoad()
}

// thin leaves one policy in the group commands, and few rows in the group types.
func (o *Options) thin() {
	for i, g := range o.Groups {
		switch g.Name {
		case "commands":
			o.Groups[i].Rows = slices.DeleteFunc(g.Rows, func(r Row) bool { return r.Policy != quickPolicy })
		case "types":
			o.Groups[i].Rows = slices.DeleteFunc(g.Rows, func(r Row) bool { return !slices.Contains(fewTypes(), r.Workload.Name) })
		}
	}
}

// findValkey is the path of valkey-server, or "" where there is none. One that was asked for must be there.
func (o Options) findValkey(asked bool) (string, error) {
	if o.Valkey == "" || o.Twin && !asked {
		return "", nil
	}
	path, err := exec.LookPath(o.Valkey)
	if err != nil && asked {
		return "", fmt.Errorf("-valkey: %w", err)
	}
	if err != nil {
		return "", nil
	}
	return path, nil
}

// rows lists those of all groups.
func (o Options) rows() []Row {
	var rows []Row
	for _, g := range o.Groups {
		rows = append(rows, g.Rows...)
	}
	return rows
}

// checkLoad says what the generator cannot do.
func (o Options) checkLoad() error {
	switch o.Load.Generator {
	case ours:
		for _, row := range o.rows() {
			if _, err := row.Load.options("1", row.Workload.Load); err != nil {
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
	for _, row := range o.rows() {
		if l := row.Load; row.Workload.Load.Words == nil || row.paced() || l.Writers > 0 || l.Subscribers > 0 || l.Keyspace != load.Uniform {
			return fmt.Errorf("redis-benchmark cannot send %s", row.Name())
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
func (o *Options) hurry(given map[string]bool) {
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

// chooseRows keeps the rows of the groups that both filters let through, in the order of the report. An empty filter of
// rows lets all through; of the group commands those that redis-benchmark knows too. A word that matches nothing is an
// error: a typing mistake must not look like a fast run.
func chooseRows(all []Group, rows, policies string) ([]Group, error) {
	wantedPolicies := rig.SplitList(policies)
	for _, p := range wantedPolicies {
		if !slices.Contains(policyNames, p) {
			return nil, fmt.Errorf("-policies: %q is none of %s", p, strings.Join(policyNames, ", "))
		}
	}
	wanted := rig.SplitList(rows)
	matched := map[string]bool{}
	var chosen []Group
	for _, g := range all {
		kept := Group{Name: g.Name, About: g.About}
		for _, r := range g.Rows {
			takes := len(wanted) == 0 && (g.Name != "commands" || r.Workload.Load.Words != nil)
			for _, name := range []string{r.Workload.Name, r.Workload.Name + "/" + strconv.Itoa(r.Pipeline)} {
				if slices.Contains(wantedPolicies, r.Policy) && slices.Contains(wanted, name) {
					matched[name], takes = true, true
				}
			}
			if takes && slices.Contains(wantedPolicies, r.Policy) {
				kept.Rows = append(kept.Rows, r)
			}
		}
		if len(kept.Rows) > 0 {
			chosen = append(chosen, kept)
		}
	}
	for _, name := range wanted {
		if !matched[name] {
			return nil, fmt.Errorf("-rows: there is no row %q", name)
		}
	}
	if len(chosen) == 0 {
		return nil, errors.New("-groups and -policies: they leave no row")
	}
	return chosen, nil
}
