package client

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// typist is an Editor that types lines, and keeps the prompts it saw and what it was told to remember.
type typist struct {
	lines      []string // an empty line stands for ^C on a line begun
	prompts    []string
	remembered []string
}

func (e *typist) ReadLine(prompt string) (string, error) {
	e.prompts = append(e.prompts, prompt)
	if len(e.lines) == 0 {
		return "", io.EOF
	}
	line := e.lines[0]
	e.lines = e.lines[1:]
	if line == "" {
		return "", ErrCleared
	}
	return line, nil
}

func (e *typist) Remember(line string) error {
	if line != "" {
		e.remembered = append(e.remembered, line)
	}
	return nil
}

func (e *typist) Close() error { return nil }

// typeIn runs a prompt for a person who types lines. It returns what is printed, errors included.
func typeIn(t *testing.T, server *fakeServer, history History, lines ...string) (*typist, string) {
	t.Helper()
	session, out := newSession(t, server)
	session.Live = true
	editor := &typist{lines: lines}
	prompt := &Prompt{Session: session, Editor: editor, History: history, Manual: &Manual{}, Err: out}
	if err := prompt.Run(); err != nil {
		t.Fatal(err)
	}
	return editor, out.String()
}

// The prompt says where it is, in which database, and whether commands are queued.
func TestPromptText(t *testing.T) {
	server := newFakeServer(t, script(map[string]string{
		"SELECT 99": "-ERR DB index is out of range\r\n",
		"GET bye":   hangUp,
		"exec":      "*-1\r\n",
	}))
	server.target.DB = 1
	editor, _ := typeIn(t, server, History{}, "SELECT 2", "SELECT 99", "MULTI", "SELECT 3", "DISCARD",
		"multi", "select 4", "exec", "SELECT 0", "GET bye", "PING", "quit", "never")
	where := server.target.String()
	want := []string{
		where + "[1]> ", where + "[2]> ", where + "[2]> ", where + "[2](TX)> ", where + "[3](TX)> ", where + "[2]> ",
		where + "[2](TX)> ", where + "[4](TX)> ", where + "[2]> ", where + "> ", "not connected> ", where + "> ",
	}
	if !slices.Equal(editor.prompts, want) {
		t.Errorf("prompts\n%q, want\n%q", editor.prompts, want)
	}
}

func TestPromptPrints(t *testing.T) {
	server := newFakeServer(t, script(map[string]string{"GET a": "$1\r\n1\r\n", "FOO": "-ERR unknown\r\n"}))
	_, printed := typeIn(t, server, History{}, "GET a", "  ", "", `GET "a`, "FOO", "2 GET a", "connect 127.0.0.1 x", "help get")
	want := "\"1\"\nInvalid argument(s)\n(error) ERR unknown\n\"1\"\n\"1\"\n" +
		"connect HOST PORT: \"x\" is not a port\nNothing is known about \"get\": the server names no such command or group.\n"
	if printed != want {
		t.Errorf("printed\n%s\nwant\n%s", printed, want)
	}
}

// Lines that hold a password are remembered nowhere; the file is for its owner only.
func TestPromptHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history")
	editor, _ := typeIn(t, newFakeServer(t, script(nil)), NewHistory(path), "GET a", "auth x", "HELLO 3 AUTH u p",
		"ACL SETUSER u >p", "CONFIG SET maxmemory 1 requirepass p", "MIGRATE h 1 k 0 9 AUTH p", "HELLO 3", "CONFIG GET requirepass")
	want := []string{"GET a", "HELLO 3", "CONFIG GET requirepass"}
	if !slices.Equal(editor.remembered, want) {
		t.Errorf("remembered %q, want %q", editor.remembered, want)
	}
	if lines, err := NewHistory(path).Load(); !slices.Equal(lines, want) || err != nil {
		t.Errorf("the file holds %q, %v; want %q", lines, err, want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v, %v", info.Mode(), err)
	}
}

func TestHistoryIsShortened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history")
	if err := os.WriteFile(path, []byte(strings.Repeat("old\n", 2*historyLines)+"new\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		lines, err := NewHistory(path).Load()
		if len(lines) != historyLines || lines[len(lines)-1] != "new" || err != nil {
			t.Fatalf("%d lines, %v", len(lines), err)
		}
	}
	if text, err := os.ReadFile(path); bytes.Count(text, []byte("\n")) != historyLines || err != nil {
		t.Errorf("the file has %d lines, %v", bytes.Count(text, []byte("\n")), err)
	}
}

// Lines that no person types: no prompts, all of them run, and an error reply is the outcome; a lost connection ends it.
func TestPlainInput(t *testing.T) {
	for _, c := range []struct {
		input, printed, sent string
		outcome              error
	}{
		{"GET a\n\nGET b", "1\n2\n", "GET a\nGET b", nil},
		{"FOO\r\nGET a\r\n", "ERR unknown\n\n1\n", "FOO\nGET a", ErrReply},
		{"GET \"a\nGET a\n", "Invalid argument(s)\n1\n", "GET a", ErrReply},
		{"GET bye\nGET a\n", "", "GET bye", ErrLost},
		{"GET a\nquit\nGET b\n", "1\n", "GET a", nil},
	} {
		server := newFakeServer(t, script(map[string]string{
			"GET a": "$1\r\n1\r\n", "GET b": "$1\r\n2\r\n", "FOO": "-ERR unknown\r\n", "GET bye": hangUp,
		}))
		session, out := newSession(t, server)
		session.Style = Raw
		prompt := &Prompt{Session: session, Editor: Plain(strings.NewReader(c.input)), Manual: &Manual{}, Err: out}
		if err := prompt.Run(); !errors.Is(err, c.outcome) {
			t.Errorf("%q: got %v, want %v", c.input, err, c.outcome)
		}
		if out.String() != c.printed || server.commands() != c.sent {
			t.Errorf("%q: printed %q, sent %q", c.input, out, server.commands())
		}
	}
}

// docs is what COMMAND DOCS answers, by a server of two commands.
var docs = "*4\r\n+set\r\n*8\r\n+summary\r\n+Sets a value\r\n+since\r\n+1.0.0\r\n+group\r\n+string\r\n+arguments\r\n*4\r\n" +
	"*4\r\n+name\r\n+key\r\n+type\r\n+key\r\n" +
	"*4\r\n+name\r\n+value\r\n+type\r\n+string\r\n" +
	"*8\r\n+name\r\n+condition\r\n+type\r\n+oneof\r\n+flags\r\n*1\r\n+optional\r\n+arguments\r\n*2\r\n" +
	"*6\r\n+name\r\n+nx\r\n+type\r\n+pure-token\r\n+token\r\n+NX\r\n" +
	"*6\r\n+name\r\n+xx\r\n+type\r\n+pure-token\r\n+token\r\n+XX\r\n" +
	"*8\r\n+name\r\n+tag\r\n+type\r\n+string\r\n+token\r\n+TAG\r\n+flags\r\n*2\r\n+multiple\r\n+optional\r\n" +
	"+client\r\n%3\r\n+summary\r\n+About clients\r\n+group\r\n+connection\r\n+subcommands\r\n%2\r\n" +
	"+client|list\r\n%1\r\n+summary\r\n+Lists clients\r\n" +
	"+client|setname\r\n%1\r\n+arguments\r\n*1\r\n%2\r\n+name\r\n+name\r\n+type\r\n+string\r\n"

func TestManual(t *testing.T) {
	manual := ReadManual(decode(t, docs))
	for line, want := range map[string][]string{
		"":             {"clear", "client", "connect", "exit", "help", "quit", "set"},
		"s":            {"et "},
		"SE":           {"T "},
		"set":          {" "},
		"cl":           {"ear", "ient"},
		"client ":      {"list", "setname"},
		"client  s":    {"etname "},
		"CLIENT L":     {"IST "},
		"set k":        nil,
		"help cl":      {"ient "},
		"help @":       {"connection", "string"},
		"HELP client ": {"list", "setname"},
	} {
		if got, _ := manual.Complete(line); !slices.Equal(got, want) {
			t.Errorf("%q completes by %q, want %q", line, got, want)
		}
	}
	for line, want := range map[string]string{
		"se":               "",
		"set":              " key value [NX|XX] [TAG tag [tag ...]]",
		"SET k ":           "value [NX|XX] [TAG tag [tag ...]]",
		"set k v n t more": "",
		"client setname ":  "name",
		"client ":          "",
	} {
		if got := manual.Hint(line); got != want {
			t.Errorf("%q has the hint %q, want %q", line, got, want)
		}
	}
	var help strings.Builder
	if err := manual.Help(&help, []string{"Client"}); err != nil {
		t.Fatal(err)
	}
	want := "\n  CLIENT\n  summary: About clients\n  group: connection\n\n\n  CLIENT LIST\n  summary: Lists clients\n\n\n  CLIENT SETNAME name\n\n"
	if help.String() != want {
		t.Errorf("help client:\n%q, want\n%q", help.String(), want)
	}
}

// The manual is asked for once, again after AUTH where that was lacking, and by names where there are no docs.
func TestPromptAsksForTheManual(t *testing.T) {
	authenticated := false
	server := newFakeServer(t, func(args []string) string {
		switch strings.Join(args, " ") {
		case "AUTH x":
			authenticated = true
		case "COMMAND DOCS":
			if !authenticated {
				return "-NOAUTH Authentication required.\r\n"
			}
			return "-ERR unknown subcommand\r\n"
		case "COMMAND LIST":
			return "*2\r\n+get\r\n+client|list\r\n"
		}
		return "+OK\r\n"
	})
	session, out := newSession(t, server)
	session.Live = true
	manual := &Manual{}
	prompt := &Prompt{Session: session, Editor: &typist{lines: []string{"AUTH x", "PING"}}, Manual: manual, Err: out}
	if err := prompt.Run(); err != nil {
		t.Fatal(err)
	}
	if got, want := server.commands(), "COMMAND DOCS\nAUTH x\nCOMMAND DOCS\nCOMMAND LIST\nPING"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
	if got, _ := manual.Complete("client "); !slices.Equal(got, []string{"list "}) {
		t.Errorf("completes by %q", got)
	}
}
