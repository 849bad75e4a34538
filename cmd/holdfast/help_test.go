package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// The help of each command can be had in two ways, and who is wrong is told where it is.
func TestHelp(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"--help", 0, "GLOBAL OPTIONS"},
		{"-h", 0, "--help, -h"},
		{"help", 0, "talk to a server"},
		{"h serve", 0, "--unixsocket"},
		{"help snapshot", 0, "export "},
		{"help snapshot get", 0, "holdfast snapshot get [command options] KEY"},
		{"help cli", 0, "--quoted-json"},
		{"help lab fault", 0, "of each connection (default: 40)"},
		{"help lab run", 0, "of each connection (default: 300)"},
		{"snapshot help", 0, "export "},
		{"snapshot help get", 0, "holdfast snapshot get [command options] KEY"},
		{"help bogus", 2, `there is no command "bogus"; see "holdfast --help"`},
		{"help snapshot bogus", 2, `there is no command "snapshot bogus"; see "holdfast snapshot --help"`},
		{"help serve bogus", 2, `there is no command "serve bogus"; see "holdfast serve --help"`},
		{"bogus", 2, `there is no command "bogus"; see "holdfast --help"`},
		{"--bogus", 2, `see "holdfast --help"`},
		{"serve --bogus", 2, `see "holdfast serve --help"`},
		{"serve bogus", 2, `see "holdfast serve --help"`},
		{"lab record", 2, `wants --out, a file for the trace; see "holdfast lab record --help"`},
		{"lab bogus", 2, `see "holdfast lab --help"`},
		{"completion zsh bogus", 2, `see "holdfast completion zsh --help"`},
	} {
		app := newApp()
		var out bytes.Buffer
		app.Writer, app.ErrWriter = &out, &out
		code := 0
		if err := app.Run(append([]string{"holdfast"}, strings.Fields(c.args)...)); err != nil {
			var coder cli.ExitCoder
			if !errors.As(err, &coder) {
				t.Fatalf("%q: an error without an exit code: %v", c.args, err)
			}
			code = coder.ExitCode()
			out.WriteString(err.Error())
		}
		if code != c.code || !strings.Contains(out.String(), c.says) || code != 0 && strings.Contains(out.String(), "\n") {
			t.Errorf("%q: exit code %d, %s", c.args, code, out.String())
		}
	}
}
