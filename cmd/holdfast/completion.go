package main

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"holdfast/commands"
	"holdfast/inspect"
	"holdfast/internal/vfs"
)

// The scripts ask the program itself what may come next ("holdfast complete"), so that they fit whatever version is
// installed. The library's own scripts let the shell evaluate the unfinished line, and know no names of snapshots.
var (
	//go:embed completion.bash
	completionBash string
	//go:embed completion.zsh
	completionZsh string
	//go:embed completion.fish
	completionFish string
)

func completionCommand() *cli.Command {
	scripts := map[string]string{"bash": completionBash, "zsh": completionZsh, "fish": completionFish}
	var shells []*cli.Command
	for shell, example := range map[string]string{
		"bash": "source <(holdfast completion bash)", "zsh": "holdfast completion zsh > ~/.zfunc/_holdfast",
		"fish": "holdfast completion fish | source",
	} {
		install := map[string]string{
			"bash": "holdfast completion bash > /etc/bash_completion.d/holdfast", "zsh": "source <(holdfast completion zsh)",
			"fish": "holdfast completion fish > ~/.config/fish/completions/holdfast.fish",
		}[shell]
		shells = append(shells, &cli.Command{
			Name: shell, Usage: "print the script for " + shell, Description: examples(example, install), HideHelpCommand: true,
			OnUsageError: onUsageError,
			Action: func(ctx *cli.Context) error {
				if ctx.Args().Present() {
					return misused(ctx, fmt.Errorf("%s does not take %q", commandName(ctx), ctx.Args().First()))
				}
				_, err := fmt.Fprint(ctx.App.Writer, scripts[shell])
				return err
			},
		})
	}
	slices.SortFunc(shells, func(a, b *cli.Command) int { return strings.Compare(a.Name, b.Name) })
	return group("completion", "print a script that completes commands, flags and names of snapshots in a shell", shells...)
}

// completeCommand is what the scripts call: it prints what the last of its arguments may become, a line each, with a tab
// and a description behind it.
func completeCommand() *cli.Command {
	return &cli.Command{
		Name: "complete", Hidden: true, SkipFlagParsing: true, HideHelp: true,
		Action: func(ctx *cli.Context) error {
			words := ctx.Args().Slice()
			if len(words) > 0 && words[0] == "--" {
				words = words[1:]
			}
			for _, c := range complete(ctx.App.Commands, words) {
				if _, err := fmt.Fprintf(ctx.App.Writer, "%s\t%s\n", c.word, c.about); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// completion is what a word may become.
type completion struct{ word, about string }

// complete finds what the last of the words may become. Where that is a file, or anything at all, it finds nothing.
func complete(all []*cli.Command, words []string) (found []completion) {
	words = joinEquals(words)
	if len(words) == 0 {
		return nil
	}
	last := words[len(words)-1]
	var command *cli.Command // that has been named
	dir, wants := "data", cli.Flag(nil)
	for _, word := range words[:len(words)-1] {
		switch name, value, given := strings.Cut(strings.TrimLeft(word, "-"), "="); {
		case wants != nil:
			if wants.Names()[0] == "dir" {
				dir = word
			}
			wants = nil
		case strings.HasPrefix(word, "-") && command != nil:
			if wants = flagNamed(command, name); given || wants == nil || isToggle(wants) {
				if given && name == "dir" {
					dir = value
				}
				wants = nil
			}
		default:
			for _, c := range all {
				if c.HasName(word) {
					command, all = c, c.Subcommands
					break
				}
			}
		}
	}
	add := func(word, about string) {
		if strings.HasPrefix(word, last) {
			about, _, _ = strings.Cut(strings.ReplaceAll(about, "`", ""), "\n")
			found = append(found, completion{word, about})
		}
	}
	flagName, _, inFlag := strings.Cut(last, "=")
	switch {
	case wants != nil:
		values(wants.Names()[0], dir, "", add)
	case inFlag && strings.HasPrefix(last, "-"):
		values(strings.TrimLeft(flagName, "-"), dir, flagName+"=", add)
	case strings.HasPrefix(last, "-") && command != nil:
		for _, flag := range command.Flags {
			addFlag(flag, words, add)
		}
		if !command.HideHelp {
			add("--help", "show help")
		}
	case command == nil || len(command.Subcommands) > 0:
		for _, c := range all {
			if !c.Hidden {
				add(c.Name, c.Usage)
			}
		}
	case slices.Contains([]string{"diff", "drop"}, command.Name):
		values("name", dir, "", add)
	}
	return found
}

// joinEquals puts together what bash takes apart: --dir, =, data.
func joinEquals(words []string) (joined []string) {
	for i, word := range words {
		if n := len(joined); n > 0 && (word == "=" && strings.HasPrefix(joined[n-1], "-") || i > 0 && words[i-1] == "=") {
			joined[n-1] += word
			continue
		}
		joined = append(joined, word)
	}
	return joined
}

func flagNamed(c *cli.Command, name string) cli.Flag {
	i := slices.IndexFunc(c.Flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), name) })
	if i < 0 {
		return nil
	}
	return c.Flags[i]
}

func isToggle(f cli.Flag) bool {
	_, toggles := f.(*cli.BoolFlag)
	return toggles
}

// addFlag adds the names of a flag that the line does not have yet.
func addFlag(flag cli.Flag, words []string, add func(word, about string)) {
	if v, ok := flag.(cli.VisibleFlag); ok && !v.IsVisible() {
		return
	}
	about := ""
	if d, ok := flag.(cli.DocGenerationFlag); ok {
		about = d.GetUsage()
	}
	for _, name := range flag.Names() {
		if name = "-" + name; len(name) > 2 {
			name = "-" + name
		}
		if !slices.Contains(words[:len(words)-1], name) {
			add(name, about)
		}
	}
}

// values adds what the value of a flag may be.
func values(flag, dir, before string, add func(word, about string)) {
	switch flag {
	case "name":
		d, err := inspect.Open(vfs.OS(), dir)
		if err != nil {
			return
		}
		list, err := d.NamedSnapshots()
		if err != nil {
			return
		}
		for _, s := range list.Snapshots {
			add(before+s.Name, fmt.Sprintf("as of LSN %d", s.LSN))
		}
	case "format":
		for _, form := range exportFormats() {
			add(before+form, "form")
		}
	case "type":
		for _, t := range commands.Types() {
			if t.Name != "" {
				add(before+t.Name, "type")
			}
		}
	}
}
