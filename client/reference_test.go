package client

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// These tests hold what this package prints against redis-cli 7.0, which must be installed.

// redisCli runs redis-cli against s with input as typed lines, and returns what it prints.
func redisCli(t *testing.T, s *fakeServer, input string, flags ...string) string {
	t.Helper()
	path, err := exec.LookPath("redis-cli")
	if err != nil {
		t.Fatalf("these tests need redis-cli 7.0: %v", err)
	}
	cmd := exec.Command(path, append([]string{"-h", s.target.Host, "-p", fmt.Sprint(s.target.Port)}, flags...)...)
	cmd.Env = []string{"HOME=" + t.TempDir()}
	cmd.Stdin = strings.NewReader(input)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("redis-cli: %v\n%s", err, stderr.String())
	}
	return string(out)
}

// answerInTurn answers REPLY n with the n-th of wires, and other commands, which redis-cli sends for itself, with an error.
func answerInTurn(wires []string) func(args []string) string {
	return func(args []string) string {
		var n int
		if _, err := fmt.Sscan(args[len(args)-1], &n); err != nil || n >= len(wires) {
			return "-ERR unknown command\r\n"
		}
		return wires[n]
	}
}

func TestRepliesAsRedisCli(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	var wires []string
	for _, c := range printed {
		wires = append(wires, c.wire)
	}
	for range 300 {
		wires = append(wires, randomReply(random, 3))
	}
	var input strings.Builder
	for i := range wires {
		fmt.Fprintf(&input, "REPLY %d\n", i)
	}
	server := newFakeServer(t, answerInTurn(wires))
	for flag, style := range map[string]Style{"--no-raw": Formatted, "--raw": Raw} {
		var want strings.Builder
		for _, wire := range wires {
			want.Write(style.Append(nil, decode(t, wire)))
		}
		if got := redisCli(t, server, input.String(), flag); got != want.String() {
			t.Errorf("redis-cli %s prints otherwise: %s", flag, firstDifference(got, want.String()))
		}
	}
}

// JSON agrees with redis-cli wherever redis-cli's output is JSON.
func TestJSONAsRedisCli(t *testing.T) {
	var wires []string
	var want, input strings.Builder
	for _, c := range printed {
		if strings.Contains(c.wire, "-ERR") || strings.Contains(c.wire, "inf") || strings.Contains(c.wire, "\xff") {
			continue
		}
		fmt.Fprintf(&input, "REPLY %d\n", len(wires))
		wires = append(wires, c.wire)
		want.WriteString(c.json + "\n")
	}
	if got := redisCli(t, newFakeServer(t, answerInTurn(wires)), input.String(), "--json", "-2"); got != want.String() {
		t.Errorf("redis-cli --json prints otherwise: %s", firstDifference(got, want.String()))
	}
}

// Reports are printed as they are, with and without arguments behind the name.
func TestReportsAsRedisCli(t *testing.T) {
	var input strings.Builder
	for _, report := range reports {
		input.WriteString(report.name + "\n" + strings.ToLower(report.name) + " more\n" + report.name + " more still\n")
	}
	input.WriteString("CLIENT GETNAME\nLATENCY\nCLIENT\n")
	for _, answer := range []string{bulk("one \"line\"\ntwo\n"), "-ERR no\r\n"} {
		server := newFakeServer(t, func(args []string) string {
			if args[0] == "COMMAND" {
				return "-ERR unknown command\r\n"
			}
			return answer
		})
		for flag, style := range map[string]Style{"--no-raw": Formatted, "--raw": Raw} {
			want := redisCli(t, server, input.String(), flag)
			session, out := newSession(t, server)
			session.Style = style
			prompt := &Prompt{Session: session, Editor: Plain(strings.NewReader(input.String())), Manual: &Manual{}, Err: out}
			if err := prompt.Run(); err != nil && err != ErrReply {
				t.Fatal(err)
			}
			if out.String() != want {
				t.Errorf("redis-cli %s prints otherwise: %s", flag, firstDifference(want, out.String()))
			}
		}
	}
}

func TestWordsAsRedisCli(t *testing.T) {
	server := newFakeServer(t, script(nil))
	var input strings.Builder
	for _, c := range lines {
		input.WriteString(c.line + "\n")
	}
	refused := strings.Count(redisCli(t, server, input.String()), quotesRefused)
	var want [][]string
	for _, c := range lines {
		if c.want != nil {
			want = append(want, c.want)
		}
	}
	got := slices.DeleteFunc(server.received, func(args []string) bool { return args[0] == "COMMAND" })
	if !slices.EqualFunc(got, want, slices.Equal) || refused != len(lines)-len(want) {
		t.Errorf("redis-cli splits into %q and refuses %d, want %q and %d", got, refused, want, len(lines)-len(want))
	}
}

// randomReply returns a reply on the wire of what redis-cli 7.0 can print, nested at most depth deep.
func randomReply(random *rand.Rand, depth int) string {
	kinds := 9
	if depth > 0 {
		kinds = 13
	}
	switch random.IntN(kinds) {
	case 0:
		return "+OK\r\n"
	case 1:
		return "-ERR it failed\r\n"
	case 2:
		return fmt.Sprintf(":%d\r\n", random.Int64())
	case 3:
		return []string{"$-1\r\n", "*-1\r\n", "_\r\n"}[random.IntN(3)]
	case 4:
		return []string{"#t\r\n", "#f\r\n"}[random.IntN(2)]
	case 5:
		return fmt.Sprintf(",%g\r\n", random.NormFloat64())
	case 6:
		return "=8\r\ntxt:a\"\nb\r\n"
	case 7, 8:
		text := make([]byte, random.IntN(12))
		for i := range text {
			text[i] = byte(random.IntN(256))
		}
		return bulk(string(text))
	}
	kind, step := "*", 1
	switch random.IntN(3) {
	case 0:
		kind = "~"
	case 1:
		kind, step = "%", 2
	}
	count := random.IntN(4)
	if random.IntN(8) == 0 {
		count += 9
	}
	var wire strings.Builder
	fmt.Fprintf(&wire, "%s%d\r\n", kind, count)
	for range count * step {
		wire.WriteString(randomReply(random, depth-1))
	}
	return wire.String()
}

// firstDifference shows where redis-cli's output and ours part.
func firstDifference(theirs, ours string) string {
	at := 0
	for at < len(theirs) && at < len(ours) && theirs[at] == ours[at] {
		at++
	}
	from := max(0, at-60)
	return fmt.Sprintf("at byte %d\nredis-cli %q\n     ours %q", at, theirs[from:min(len(theirs), at+60)], ours[from:min(len(ours), at+60)])
}
