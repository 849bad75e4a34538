package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"holdfast/engine"
	"holdfast/internal/vfs"
)

// Commands about snapshots as files: kept under a name, listed, dropped, made small.

func createCommand() *cli.Command {
	return byName(&cli.Command{
		Name: "create", Usage: "keep a copy of all data under a name, while the server goes on", ArgsUsage: "NAME",
		Description: "The server at -h and -p makes the copy, snapshots/NAME.db in its data directory, as of now. With --dir it is made of\n" +
			"a directory whose server has been stopped, if the log there has nothing that base.db has not: SHUTDOWN SAVE sees\n" +
			"to that.\n\n" +
			examples("holdfast snapshot create before-upgrade -p 6380 --tls --cacert ca.crt --user ops", "holdfast snapshot create nightly --dir data"),
	}, "create", engine.CreateSnapshotAtRest)
}

func dropCommand() *cli.Command {
	return byName(&cli.Command{
		Name: "drop", Usage: "remove a snapshot that was made by name", ArgsUsage: "NAME",
		Description: examples("holdfast snapshot drop before-upgrade -p 6379", "holdfast snapshot drop nightly --dir data"),
	}, "drop", engine.DropSnapshotAtRest)
}

// byName completes a command that a running server does, or, on a directory without one, atRest.
func byName(c *cli.Command, verb string, atRest func(fsys vfs.FS, dir, name string) error) *cli.Command {
	c.HideHelp = true // -h is the host here
	c.Flags = append(connectionFlags(),
		&cli.StringFlag{Name: "dir", Usage: "data `DIRECTORY` of a server that has been stopped"},
		toggle("help", "show this text"))
	return offline(c, 1, func(ctx *cli.Context, out io.Writer) error {
		name := ctx.Args().First()
		if err := engine.CheckSnapshotName(name); err != nil {
			return usage(err)
		}
		if ctx.IsSet("dir") {
			if namesServer(ctx) {
				return usage(errors.New("--dir is for a stopped server, -h, -p and the like are for a running one: give one or the other"))
			}
			if err := atRest(vfs.OS(), ctx.String("dir"), name); err != nil {
				return err
			}
		} else {
			target, err := serverTarget(ctx, 0)
			if err != nil {
				return usage(err)
			}
			if _, err := ask(target, "SNAPSHOT", verb, name); err != nil {
				return err
			}
		}
		done := map[string]string{"create": "created", "drop": "dropped"}[verb]
		_, err := fmt.Fprintf(out, "snapshot %s %s\n", name, done)
		return err
	})
}

func listCommand() *cli.Command {
	return offline(&cli.Command{
		Name: "list", Usage: "list the snapshots, and how far the log goes on behind each",
		Description: "From a snapshot and the log behind it any state in between can be restored. Those whose names begin with auto- are\n" +
			"made, and dropped, by a server with --retain.\n\n" +
			examples("holdfast snapshot list --dir data", "holdfast snapshot list --dir /backup/data --json"),
		Flags: []cli.Flag{dirFlag(), jsonFlag("one document"), &cli.StringFlag{Name: "rdb", Hidden: true}},
	}, 0, func(ctx *cli.Context, out io.Writer) error {
		if ctx.IsSet("rdb") {
			return usage(errors.New("an RDB file holds no snapshots to list: snapshot info --rdb says what it is"))
		}
		d, err := directory(ctx)
		if err != nil {
			return err
		}
		list, err := d.NamedSnapshots()
		if err != nil {
			return err
		}
		return show(ctx, out, list)
	})
}

func compactCommand() *cli.Command {
	return offline(&cli.Command{
		Name: "compact", Usage: "write base.db anew without its free pages; no server may run",
		Description: "The new file is written beside the old and takes its place when it is whole and has been checked. The exit code is 4\n" +
			"while a server has the directory.\n\n" +
			examples("holdfast snapshot compact --dir data", "HOLDFAST_DIR=/backup/data holdfast snapshot compact"),
		Flags: []cli.Flag{dirFlag()},
	}, 0, func(ctx *cli.Context, out io.Writer) error {
		before, after, err := engine.Compact(vfs.OS(), ctx.String("dir"))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "%s: %d bytes, %d before\n", engine.BaseName, after, before)
		return err
	})
}
