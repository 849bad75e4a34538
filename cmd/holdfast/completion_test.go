package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

func TestComplete(t *testing.T) {
	dir := richDir(t)
	for _, c := range []struct {
		line string // the last word is being typed; DIR is the directory
		want string
	}{
		{"sn", "snapshot"},
		{"snapshot st", "stats"},
		{"snapshot stats --d", "--db --depth --dir"},
		{"snapshot stats --db 3 --d", "--depth --dir"},
		{"snapshot stats --help", "--help"},
		{"snapshot keys --type z", "zset"},
		{"snapshot keys --type=z", "--type=zset"},
		{"snapshot info --dir DIR --name b", "before"},
		{"snapshot info --dir=DIR --name=b", "--name=before"},
		{"snapshot info --dir = DIR --name = b", "--name=before"},
		{"snapshot diff --dir DIR --values b", "before"},
		{"snapshot drop --dir DIR ", "before"},
		{"snapshot drop --dir DIR/no ", ""},
		{"snapshot get --dir DIR ", ""},
		{"snapshot info --file ", ""},
		{"snapshot list --r", ""}, // what a flag that is there to be refused is named
		{"snapshot export --format ", "csv json rdb resp"},
		{"nothing --x", ""},
		{"comp", "completion"}, // and not complete, which is hidden
		{"completion ", "bash fish zsh"},
	} {
		var got []string
		for _, f := range complete(newApp().Commands, strings.Split(strings.ReplaceAll(c.line, "DIR", dir), " ")) {
			got = append(got, f.word)
			if strings.ContainsAny(f.about, "\n\t`") {
				t.Errorf("%s: described as %q", f.word, f.about)
			}
		}
		slices.Sort(got)
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q: %q, want %q", c.line, got, c.want)
		}
	}
	if got := complete(newApp().Commands, nil); got != nil {
		t.Errorf("of nothing: %v", got)
	}
}

// Whoever asks a command of these groups for help sees two examples, of that command.
func TestHelpHasExamples(t *testing.T) {
	checked := 0
	var check func(path string, c *cli.Command)
	check = func(path string, c *cli.Command) {
		path += " " + c.Name
		for _, sub := range c.Subcommands {
			check(path, sub)
		}
		if len(c.Subcommands) > 0 || c.Hidden {
			return
		}
		checked++
		_, shown, _ := strings.Cut(c.Description, "Examples:\n")
		found := 0
		for _, line := range strings.Split(shown, "\n") {
			if strings.Contains(line, strings.TrimSpace(path)) && strings.HasPrefix(line, "  ") {
				found++
			}
		}
		if found < 2 {
			t.Errorf("holdfast%s --help has %d examples", strings.TrimPrefix(path, " holdfast"), found)
		}
	}
	for _, c := range newApp().Commands {
		if slices.Contains([]string{"snapshot", "log", "restore", "check", "completion"}, c.Name) {
			check("holdfast", c)
		}
	}
	if checked < 20 {
		t.Errorf("%d commands", checked)
	}
}
