package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// readyWait is how long a server may take to say whether it is ready.
const readyWait = 4 * time.Second

// readyCommand is "holdfast ready", for health checks where there is no other program. It asks at metrics-addr, which answers
// whatever ports, TLS and passwords clients need.
func readyCommand() *cli.Command {
	return &cli.Command{
		Name: "ready", Usage: "ask at metrics-addr whether a server serves, for health checks", HideHelpCommand: true, OnUsageError: onUsageError,
		Description: "The exit code is 0 if /readyz says so, 1 if it says anything else, or nobody answers.\n\n" +
			examples("HOLDFAST_METRICS_ADDR=:9121 holdfast ready", "holdfast ready --metrics-addr 127.0.0.1:9121"),
		Flags: []cli.Flag{&cli.StringFlag{Name: "metrics-addr", EnvVars: []string{"HOLDFAST_METRICS_ADDR"}, Usage: "`HOST:PORT` that the server has as its metrics-addr"}},
		Action: func(ctx *cli.Context) error {
			switch addr := ctx.String("metrics-addr"); {
			case ctx.Args().Present():
				return misused(ctx, fmt.Errorf("ready takes flags only, not %q", ctx.Args().First()))
			case addr == "":
				return misused(ctx, errors.New("ready wants --metrics-addr, or HOLDFAST_METRICS_ADDR in the environment"))
			default:
				return askReady(ctx.App.Writer, addr)
			}
		},
	}
}

// askReady prints the server's word, and is an error unless that is that it is ready.
func askReady(out io.Writer, addr string) (err error) {
	asks := http.Client{Timeout: readyWait, Transport: &http.Transport{DisableKeepAlives: true}} // and by no proxy
	reply, err := asks.Get("http://" + addr + "/readyz")
	if err != nil {
		return cli.Exit(fmt.Sprintf("ready: %v", errors.Unwrap(err)), exitFailed)
	}
	defer func() { err = errors.Join(err, reply.Body.Close()) }()
	const wordMax = 1 << 10
	word, err := io.ReadAll(io.LimitReader(reply.Body, wordMax))
	if err != nil {
		return cli.Exit(fmt.Sprintf("ready: reading what %s says: %v", addr, err), exitFailed)
	}
	if reply.StatusCode != http.StatusOK {
		return cli.Exit(fmt.Sprintf("not ready: %s says %s", addr, strings.TrimSpace(string(word))), exitFailed)
	}
	_, err = fmt.Fprintln(out, "ready")
	return err
}
