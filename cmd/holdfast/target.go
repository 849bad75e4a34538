package main

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/urfave/cli/v2"

	"holdfast/client"
	"holdfast/resp"
)

// Which server a command talks to, and as whom: the same flags for every command that does.

// connectionFlags say where the server is, and how to speak to it.
func connectionFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "h", Value: "127.0.0.1", Usage: "`HOST` of the server"},
		&cli.IntFlag{Name: "p", Value: 6379, Usage: "`PORT` of the server"},
		&cli.StringFlag{Name: "s", Usage: "unix `SOCKET` of the server, instead of host and port"},
		&cli.StringFlag{Name: "u", Usage: "`URL` of the server: redis://[[user]:password@]host[:port][/db], rediss:// for TLS"},
		toggle("tls", "speak TLS"),
		&cli.StringFlag{Name: "cacert", Usage: "`FILE` with certificates that may sign the server's, PEM (default: the system's)"},
		&cli.StringFlag{Name: "cacertdir", Usage: "`DIRECTORY` with such files"},
		&cli.StringFlag{Name: "cert", Usage: "`FILE` with a certificate to show to the server, PEM"},
		&cli.StringFlag{Name: "key", Usage: "`FILE` with its private key, PEM"},
		&cli.StringFlag{Name: "sni", Usage: "`NAME` that the server's certificate is for, where that is not the host"},
		toggle("insecure", "take any certificate; somebody in between could read and change everything"),
		&cli.StringFlag{Name: "a", Aliases: []string{"pass"}, Usage: "`PASSWORD`; better given as REDISCLI_AUTH in the environment"},
		&cli.StringFlag{Name: "user", Usage: "`USER` whose password -a is"},
	}
}

// namesServer reports whether any of these flags is given.
func namesServer(ctx *cli.Context) bool {
	return slices.ContainsFunc(connectionFlags(), func(f cli.Flag) bool { return ctx.IsSet(f.Names()[0]) })
}

// serverTarget reads these flags. The database is db where a URL names none. Its errors are usageErrors.
func serverTarget(ctx *cli.Context, db int) (client.Target, error) {
	target := client.Target{
		TLS: ctx.Bool("tls"),
		Trust: client.Trust{
			CACert: ctx.String("cacert"), CACertDir: ctx.String("cacertdir"), Cert: ctx.String("cert"), Key: ctx.String("key"),
			SNI: ctx.String("sni"), Insecure: ctx.Bool("insecure"),
		},
		Host: ctx.String("h"), Port: ctx.Int("p"), Socket: ctx.String("s"),
		User: ctx.String("user"), Password: os.Getenv("REDISCLI_AUTH"), DB: db,
	}
	var err error
	if text := ctx.String("u"); text != "" {
		if target, err = client.ParseURL(text, target); err != nil {
			return target, usageError("-u: " + err.Error())
		}
	}
	if ctx.IsSet("a") {
		target.Password = ctx.String("a")
	}
	switch {
	case target.Port < 0 || target.Port > 65535:
		return target, usageError(fmt.Sprintf("%d is not a port", target.Port))
	case (ctx.IsSet("cert") || ctx.IsSet("key") || ctx.IsSet("cacert") || ctx.IsSet("cacertdir")) && !target.TLS:
		return target, usageError("--cacert, --cacertdir, --cert and --key need --tls, or a URL with rediss://")
	case (target.Trust.Cert == "") != (target.Trust.Key == ""):
		return target, usageError("--cert needs --key, and --key needs --cert")
	case target.User != "" && target.Password == "":
		return target, usageError("--user needs a password: give -a, or REDISCLI_AUTH in the environment")
	}
	return target, nil
}

// ask sends a server one command. An error that it replies is an error.
func ask(target client.Target, args ...string) (reply resp.Reply, err error) {
	conn, err := client.DialAs(target)
	if err != nil {
		return reply, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	return conn.Do(args...)
}
