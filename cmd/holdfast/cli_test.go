package main

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"holdfast/resp"
)

// cliServer answers PING, GET key (a bulk string with a byte that is not UTF-8) and ECHO, and an error to all else.
func cliServer(t *testing.T) (port string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go cliServe(conn)
		}
	}()
	_, port, _ = strings.Cut(listener.Addr().String(), ":")
	return port
}

func cliServe(conn net.Conn) {
	defer conn.Close()
	for decoder := resp.NewDecoder(conn); ; {
		request, err := decoder.Decode()
		if err != nil {
			return
		}
		answer := "-ERR unknown\r\n"
		switch string(request.Elems[0].Str) {
		case "PING":
			answer = "+PONG\r\n"
		case "HELLO":
			answer = "%0\r\n"
		case "GET":
			answer = "$2\r\na\xff\r\n"
		case "ECHO":
			answer = string(resp.AppendCommand(nil, request.Elems[1].Str)[len("*1\r\n"):])
		}
		if _, err := conn.Write([]byte(answer)); err != nil {
			return
		}
	}
}

// runArgs runs holdfast with args. It returns the exit code, and what was printed.
func runArgs(t *testing.T, input string, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	app := &cli.App{
		Commands: []*cli.Command{cliCommand()}, Reader: strings.NewReader(input), Writer: &stdout, ErrWriter: &stderr,
		ExitErrHandler: func(*cli.Context, error) {},
	}
	err := app.Run(append([]string{"holdfast"}, args...))
	var coder cli.ExitCoder
	switch {
	case errors.As(err, &coder):
		code = coder.ExitCode()
		stderr.WriteString(err.Error())
	case err != nil:
		t.Fatalf("%q: an error without an exit code: %v", args, err)
	}
	return code, stdout.String(), stderr.String()
}

func TestCLI(t *testing.T) {
	t.Setenv("REDISCLI_AUTH", "")
	port := cliServer(t)
	for _, c := range []struct {
		args  string
		input string
		code  int
		out   string
		errs  string // a part of it
	}{
		{args: "PING", out: "PONG\n"},
		{args: "GET a", out: "a\xff\n"},
		{args: "--no-raw GET a", out: "\"a\\xff\"\n"},
		{args: "--json GET a", out: "\"a\\u00ff\"\n"},
		{args: "--quoted-json GET a", out: "\"a\\\\xff\"\n"},
		{args: "-r 2 -i 0 PING", out: "PONG\nPONG\n"},
		{args: "-x ECHO", input: "in\nput", out: "in\nput\n"},
		{args: "ECHO -1", out: "-1\n"},
		{args: "FOO", code: 1, out: "ERR unknown\n\n"},
		{args: "--json FOO", code: 1, out: "{\"error\":\"ERR unknown\"}\n"},
		{args: "", input: "PING\nGET a\n", out: "PONG\na\xff\n"},
		{args: "", input: "FOO\nPING\n", code: 1, out: "ERR unknown\n\nPONG\n"},
		{args: "--pipe", input: "*1\r\n$4\r\nPING\r\n", out: "errors: 0, replies: 1\n"},
		{args: "--pipe", input: "*1\r\n$3\r\nFOO\r\n", code: 1, out: "errors: 1, replies: 1\n", errs: "ERR unknown"},
		{args: "-n 3 PING", code: 1, errs: "SELECT"},
		{args: "-n 3 -u redis://127.0.0.1/0 PING", out: "PONG\n"},
		{args: "-n 3 -u redis://127.0.0.1 PING", code: 1, errs: "SELECT"},
		{args: "-a pw PING", code: 1, errs: "Warning: other users"},
		{args: "-p 1 PING", code: 1, errs: "connection refused"},
		{args: "-p 99999 PING", code: 2, errs: "not a port"},
		{args: "-p", code: 2, errs: "holdfast cli --help"},
		{args: "--bogus", code: 2, errs: "-bogus"},
		{args: "-2 -3 PING", code: 2, errs: "-2 and -3 exclude each other: give one"},
		{args: "--raw --no-raw PING", code: 2, errs: "--raw and --no-raw exclude each other"},
		{args: "-x", code: 2, errs: "-x needs a command"},
		{args: "-u http://x PING", code: 2, errs: "redis://"},
		{args: "--user ann PING", code: 2, errs: "needs a password"},
		{args: "--tls --cert client.crt PING", code: 2, errs: "--cert needs --key"},
		{args: "--tls --key client.key PING", code: 2, errs: "--key needs --cert"},
	} {
		args := append([]string{"cli", "-p", port}, strings.Fields(c.args)...)
		code, out, errs := runArgs(t, c.input, args...)
		if code != c.code || out != c.out || !strings.Contains(errs, c.errs) {
			t.Errorf("%q: exit code %d, output %q, errors %q; want %d, %q, %q", c.args, code, out, errs, c.code, c.out, c.errs)
		}
	}
}

// -h is the host, as in redis-cli, and --help the help.
func TestCLIHelp(t *testing.T) {
	code, out, _ := runArgs(t, "", "cli", "--help")
	if code != 0 || !strings.Contains(out, "-h HOST") {
		t.Errorf("exit code %d, output %q", code, out)
	}
	if code, _, errs := runArgs(t, "", "cli", "-h", "127.0.0.1", "-p", "1", "PING"); code != 1 || !strings.Contains(errs, "127.0.0.1:1") {
		t.Errorf("exit code %d, errors %q", code, errs)
	}
}
