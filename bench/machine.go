package main

import (
	"context"
	"fmt"

	"holdfast/bench/rig"
)

// describe lists what a reader needs to judge the figures and to repeat them: the machine, the versions, the commands.
func describe(ctx context.Context, b *Bench, o Options, args []string) ([]string, error) {
	generator, err := describeLoad(ctx, o.Load)
	if err != nil {
		return nil, err
	}
	heading, err := rig.Machine(b.dir)
	if err != nil {
		return nil, err
	}
	if o.Quick {
		heading = append([]string{notForQuoting}, heading...)
	}
	heading = append(heading, "command: `"+rig.CommandLine("go", append([]string{"run", "./bench"}, args...))+"`")
	for _, p := range b.programs {
		version, err := rig.VersionOf(ctx, p.Path)
		if err != nil {
			return nil, err
		}
		heading = append(heading, p.Name+": "+version+rig.BuildOf(p.Path)+", `"+rig.CommandLine(p.Path, p.Args("DIR", "PORT", "POLICY"))+"`")
	}
	if o.Valkey == "" && !o.Twin {
		heading = append(heading, "valkey: not measured, there is no valkey-server on PATH")
	}
	return append(heading, "load: "+generator, fmt.Sprintf("%d keys where nothing else is said; rounds: %d, %s", o.Load.Keys, b.rounds, b.runLength())), nil
}

// notForQuoting marks the report of -quick.
const notForQuoting = "**not for quoting**: a test of the program by -quick, with runs too short for figures"

func (b *Bench) runLength() string {
	if b.requests > 0 {
		return fmt.Sprintf("%d requests per run", b.requests)
	}
	return fmt.Sprintf("as many requests per run as take about %v", b.duration)
}

// describeLoad says what sends the requests.
func describeLoad(ctx context.Context, l Load) (string, error) {
	if l.Generator == ours {
		return "our own generator (holdfast bench), one thread", nil
	}
	version, err := rig.VersionOf(ctx, l.Path)
	if err != nil {
		return "", err
	}
	return version + ", `" + rig.CommandLine(l.Path, l.Args("PORT", workload("SET").Load.Words, "N", 16)) + "`, for one row", nil
}
