package main

import (
	"context"
	"fmt"

	"holdfast/bench/rig"
)

// describe lists what a reader needs to judge the figures and to repeat them: the machine, the versions, the commands.
func describe(ctx context.Context, b *Bench, args []string) ([]string, error) {
	left, err := rig.VersionOf(ctx, b.left.Path)
	if err != nil {
		return nil, err
	}
	right, err := rig.VersionOf(ctx, b.right.Path)
	if err != nil {
		return nil, err
	}
	generator, err := b.describeLoad(ctx)
	if err != nil {
		return nil, err
	}
	machine, err := rig.Machine(b.dir)
	if err != nil {
		return nil, err
	}
	sample := Row{Workload: workloads()[0], Pipeline: 16, Policy: "POLICY"}
	commands := []string{
		"command: `" + rig.CommandLine("go", append([]string{"run", "./bench"}, args...)) + "`",
		b.left.Name + ": " + left + rig.BuildOf(b.left.Path) + ", `" + rig.CommandLine(b.left.Path, b.left.Args("DIR", "PORT", sample.Policy)) + "`",
		b.right.Name + ": " + right + rig.BuildOf(b.right.Path) + ", `" + rig.CommandLine(b.right.Path, b.right.Args("DIR", "PORT", sample.Policy)) + "`",
		"load: " + generator,
		fmt.Sprintf("%d rounds, %s", b.rounds, b.runLength()),
	}
	return append(machine, commands...), nil
}

func (b *Bench) runLength() string {
	if b.requests > 0 {
		return fmt.Sprintf("%d requests per run", b.requests)
	}
	return fmt.Sprintf("as many requests per run as take about %v", b.duration)
}

// describeLoad says what sends the requests.
func (b *Bench) describeLoad(ctx context.Context) (string, error) {
	if b.load.Generator == ours {
		return fmt.Sprintf("our own generator (holdfast bench), one thread, %d connections, %d keys (%s), values of %d bytes",
			b.load.Clients, b.load.Keys, b.load.Keyspace, b.load.ValueBytes), nil
	}
	version, err := rig.VersionOf(ctx, b.load.Path)
	if err != nil {
		return "", err
	}
	return version + ", `" + rig.CommandLine(b.load.Path, b.load.Args("PORT", workloads()[0].Load.Words, "N", 16)) + "`, for one row", nil
}
