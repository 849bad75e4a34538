package integration

import (
	"regexp"
	"strings"
	"testing"
)

// What MONITOR shows of one client's commands is, times and addresses apart, what Redis shows.
func TestMonitorShowsWhatRedisShows(t *testing.T) {
	here, there := start(t, subject, Options{}), start(t, model, Options{})
	ours, theirs := watchedTraffic(t, here.Addr), watchedTraffic(t, there.Addr)
	if ours != theirs {
		t.Errorf("holdfast shows\n%s\nredis shows\n%s", ours, theirs)
	}
}

// watchedTraffic is what a client that monitors is shown of another's commands, its own address being HERE and times T.
func watchedTraffic(t *testing.T, addr string) string {
	t.Helper()
	monitor, c, other := dial(t, addr), dial(t, addr), dial(t, addr)
	must(t, monitor, "MONITOR")
	for _, args := range [][]string{
		{"AUTH", "secret"}, {"AUTH", "user", "secret"}, {"HELLO", "2", "AUTH", "user", "secret", "SETNAME", "x"},
		{"CONFIG", "SET", "requirepass", ""}, {"get", "a\"\x00\xff\r\n\\ \t\a\b\x1b"}, {"GET", ""},
		{"MULTI"}, {"SET", "a", "1"}, {"CLIENT", "ID"}, {"INCR", "a"}, {"EXEC"}, {"MULTI"}, {"SET", "a", "2"}, {"DISCARD"},
		{"nosuch"}, {"GET"}, {"LPUSH", "a", "x"}, {"BLPOP", "q", "0.01"}, {"SELECT", "3"}, {"INFO", "server"}, {"FLUSHALL"},
		{"EVAL", "return redis.call('GET', KEYS[1])", "1", "k"},
		{"MIGRATE", "127.0.0.1", "1", "", "0", "1", "AUTH2", "user", "secret", "KEYS", "missing"}, {"DEBUG", "SLEEP", "0"},
	} {
		if _, err := c.Do(args...); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Send("BLPOP", "list", "0"); err != nil {
		t.Fatal(err)
	}
	must(t, other, "SELECT", "3")
	for must(t, other, "INFO", "clients"); !strings.Contains(must(t, other, "INFO", "clients").Text, "blocked_clients:1"); {
		must(t, other, "PING")
	}
	must(t, other, "LPUSH", "list", "x")
	must(t, other, "ECHO", "the end")
	here := c.net.LocalAddr().String()
	var all strings.Builder
	for {
		reply, err := monitor.Read()
		if err != nil {
			t.Fatal(err)
		}
		line := regexp.MustCompile(`^[0-9]+\.[0-9]{6} `).ReplaceAllString(reply.Text, "T ")
		line = strings.ReplaceAll(line, here, "HERE")
		line = strings.ReplaceAll(line, other.net.LocalAddr().String(), "OTHER")
		if strings.Contains(line, `OTHER] "INFO"`) || strings.Contains(line, `OTHER] "PING"`) {
			continue // as often as it took
		}
		all.WriteString(line + "\n")
		if strings.Contains(line, "the end") {
			return all.String()
		}
	}
}

// One who monitors and does not read is cut off when more waits than may, and holds up nobody.
func TestMonitorThatDoesNotRead(t *testing.T) {
	proc := start(t, subject, Options{Fsync: "no", Extra: []string{"--client-output-buffer-limit", "normal 1mb 0 0"}})
	monitor, c := dial(t, proc.Addr), dial(t, proc.Addr)
	must(t, monitor, "MONITOR")
	value := strings.Repeat("v", 100_000)
	for i := 0; !strings.Contains(must(t, c, "INFO", "stats").Text, "client_output_buffer_limit_disconnections:1"); i++ {
		if i > 1000 {
			t.Fatal("it is still there")
		}
		must(t, c, "SET", "k", value)
	}
	must(t, c, "SET", "k", "v")
	if got := must(t, c, "CLIENT", "LIST").Text; strings.Contains(got, "flags=O") {
		t.Errorf("it is in the list:\n%s", got)
	}
}
