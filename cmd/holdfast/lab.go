package main

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"holdfast/inspect"
	"holdfast/lab"
	"holdfast/lab/disk"
	"holdfast/lab/fault"
	"holdfast/lab/play"
	labreport "holdfast/lab/report"
	"holdfast/lab/subject"
	"holdfast/lab/workload"
)

// labCommand is "holdfast lab": crash experiments on any server.
func labCommand() *cli.Command {
	return group("lab", "play the crashes that can happen, on any server that speaks RESP",
		labRunCommand(), labRecordCommand(), labPlayCommand(), labFaultCommand(), labWorkloadsCommand())
}

// Flags that say which server is tested, and what is asked of it.

func targetFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "server", Value: "holdfast", Usage: "`SERVER` to test: holdfast, redis, valkey, or the path of another holdfast"},
		&cli.StringFlag{Name: "server-cmd", Usage: "`COMMAND` of any other server, with {port} and {dir} in it: 'my-server --port {port} --dir {dir}'"},
		&cli.StringFlag{Name: "policy", Value: "always", Usage: "`WHEN` a write counts as durable: always (once acknowledged) or everysec (a second later)"},
	}
}

// loadFlags are those of a command whose connections make so many requests each where nobody says how many.
func loadFlags(requests int) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "workload", Value: "mixed", Usage: "`NAME` of a workload (see holdfast lab workloads), or a file of commands, one a line"},
		&cli.IntFlag{Name: "clients", DefaultText: "6", Usage: "`NUMBER` of connections of the workload"},
		&cli.IntFlag{Name: "requests", DefaultText: strconv.Itoa(requests), Usage: "`NUMBER` of requests of each connection"},
		&cli.IntFlag{Name: "keys", DefaultText: "96", Usage: "`NUMBER` of keys, about"},
		toggle("checkpoints", "ask for BGSAVE and BGREWRITEAOF meanwhile; the workload mixed always does"),
		seedFlag(),
	}
}

// recordRequests is the default of workload.Options.
const recordRequests = 300

func seedFlag() cli.Flag {
	return &cli.Uint64Flag{Name: "seed", DefaultText: "by chance", Usage: "`NUMBER` that repeats what was drawn by chance"}
}

func htmlFlag() cli.Flag {
	return &cli.StringFlag{Name: "html", Usage: "write a report with timelines to `FILE`, one page that needs nothing else"}
}

// target reads which server is tested, and what it promises.
func target(ctx *cli.Context) (lab.Target, error) {
	t, err := serverOf(ctx)
	t.Policy = ctx.String("policy")
	if err == nil && !slices.Contains(subject.Policies(), t.Policy) {
		err = fmt.Errorf("--policy takes %s, not %q", strings.Join(subject.Policies(), " or "), t.Policy)
	}
	return t, err
}

func serverOf(ctx *cli.Context) (lab.Target, error) {
	t := lab.Target{Server: ctx.String("server"), Command: ctx.String("server-cmd")}
	if t.Command == "" && t.Server == "" {
		return t, errors.New("--server and --server-cmd are empty: name a server")
	}
	if t.Command == "" {
		return t, nil
	}
	if ctx.IsSet("server") {
		return t, errors.New("--server and --server-cmd both name a server: give one or the other")
	}
	t.Server = ""
	return t, nil
}

// loadNames are the flags that say what is tested and how; a replay command repeats them.
func loadNames() []string {
	return []string{"server", "server-cmd", "policy", "workload", "clients", "requests", "keys", "checkpoints"}
}

// loadOf reads what is asked of the server: a workload by name, or a file of commands.
func loadOf(ctx *cli.Context) (lab.Load, error) {
	l := lab.Load{Workload: ctx.String("workload"), Seed: seed(ctx), Options: workload.Options{
		Clients: ctx.Int("clients"), Requests: ctx.Int("requests"), Keys: ctx.Int("keys"), Checkpoints: ctx.Bool("checkpoints"),
	}}
	if slices.Contains(workload.Names(), l.Workload) {
		return l, nil
	}
	text, err := os.ReadFile(l.Workload)
	if errors.Is(err, os.ErrNotExist) {
		return l, fmt.Errorf("there is no workload %q, and no file of that name; workloads are %s", l.Workload,
			strings.Join(workload.Names(), ", "))
	}
	if err != nil {
		return l, fmt.Errorf("reading a workload: %w", err)
	}
	if len(text) == 0 {
		return l, fmt.Errorf("%s has no command in it", l.Workload)
	}
	l.Workload, l.Script = filepath.Base(l.Workload), string(text)
	return l, nil
}

// seed is the one that was given, or another each time; it is in every report. It is short, as people type it.
func seed(ctx *cli.Context) uint64 {
	if ctx.IsSet("seed") {
		return ctx.Uint64("seed")
	}
	var b [8]byte
	rand.Read(b[:])
	return uint64(binary.LittleEndian.Uint32(b[:4]))
}

// readings reads --reading; none are both.
func readings(ctx *cli.Context) ([]disk.Reading, error) {
	switch text := ctx.String("reading"); disk.Reading(text) {
	case "":
		return nil, nil
	case disk.Strict, disk.Ordered:
		return []disk.Reading{disk.Reading(text)}, nil
	default:
		return nil, fmt.Errorf("--reading takes %s or %s, not %q", disk.Strict, disk.Ordered, text)
	}
}

// notNegative complains of numbers below zero.
func notNegative(ctx *cli.Context, names ...string) error {
	for _, name := range names {
		if ctx.Int(name) < 0 {
			return fmt.Errorf("--%s takes no negative number", name)
		}
	}
	return nil
}

// isUsage reports whether an error of the lab is about how it was called.
func isUsage(err error) bool {
	for _, target := range []error{lab.ErrCommand, subject.ErrPreset, workload.ErrUnknown, workload.ErrOptions, workload.ErrScript,
		fault.ErrName, disk.ErrChoice, play.ErrNoPoint} {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

// again is the command line of a sub-command, with the flags in names as they were given, and more behind them.
func again(ctx *cli.Context, command string, names []string, more ...string) string {
	words := []string{"holdfast", "lab", command}
	for _, name := range names {
		if !ctx.IsSet(name) {
			continue
		}
		words = append(words, "--"+name)
		if value := fmt.Sprint(ctx.Value(name)); value != "true" {
			words = append(words, labreport.Quote(value))
		}
	}
	return strings.Join(append(words, more...), " ")
}

// playAgain is the command that plays a state of a trace again, without the state; flags stand in its middle.
func playAgain(trace string, seed uint64, flags string) string {
	return fmt.Sprintf("holdfast lab play --trace %s --seed %d%s --state", labreport.Quote(trace), seed, flags)
}

// faultAgain is the command that does an experiment again, without its name.
func faultAgain(ctx *cli.Context, seed uint64) string {
	return again(ctx, "fault", loadNames(), "--seed", strconv.FormatUint(seed, 10), "--only")
}

// labWorkloadsCommand lists the workloads.
func labWorkloadsCommand() *cli.Command {
	return offline(&cli.Command{
		Name: "workloads", Usage: "list the workloads", Flags: []cli.Flag{jsonFlag("an object a line")},
	}, 0, func(ctx *cli.Context, out io.Writer) error {
		for _, w := range lab.Workloads() {
			if ctx.Bool("json") {
				if err := inspect.WriteJSON(out, map[string]string{"name": w.Name, "does": w.Line}); err != nil {
					return err
				}
			} else if _, err := fmt.Fprintf(out, "%-10s  %s\n", w.Name, w.Line); err != nil {
				return err
			}
		}
		return nil
	})
}
