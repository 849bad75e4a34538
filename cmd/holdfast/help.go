package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// helpCommand is "holdfast help", or that of a group: "help snapshot get" is "snapshot get --help". The library's own has an exit
// code of its own for a command that there is not, and looks no further than the first word.
func helpCommand(group string) *cli.Command {
	return &cli.Command{
		Name: "help", Aliases: []string{"h"}, Usage: "show what there is, or the help of one command", ArgsUsage: "[COMMAND …]",
		Hidden: group != "", HideHelpCommand: true, OnUsageError: onUsageError,
		Action: func(ctx *cli.Context) error {
			return showHelp(ctx, append(strings.Fields(group), ctx.Args().Slice()...))
		},
	}
}

// showHelp shows the help of the command that the words name, of the program without any.
func showHelp(ctx *cli.Context, words []string) error {
	if len(words) == 0 {
		return cli.ShowAppHelp(ctx)
	}
	all := ctx.App.Commands
	for i, word := range words {
		c := named(all, word)
		if c == nil {
			return noCommand(strings.Join(words[:i], " "), word)
		}
		all = c.Subcommands
	}
	command := named(ctx.App.Commands, words[0])
	inner := cli.NewContext(ctx.App, nil, ctx)
	inner.Command = command
	return command.Run(inner, append(words, "--help")...)
}

func named(commands []*cli.Command, name string) *cli.Command {
	for _, c := range commands {
		if c.HasName(name) {
			return c
		}
	}
	return nil
}

// noCommand says that a group, or without one the program, has no such command.
func noCommand(group, name string) error {
	return seeHelp(group, fmt.Errorf("there is no command %q", strings.TrimSpace(group+" "+name)))
}
