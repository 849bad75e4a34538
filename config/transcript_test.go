package config

import (
	"bufio"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// asRedis returns a Config with the settings of the server that the transcript was recorded from.
func asRedis(t *testing.T) *Config {
	t.Helper()
	c := New()
	for _, pair := range [][2]string{{"save", ""}, {"appendonly", "no"}, {"appendfsync", "everysec"}} {
		if err := c.Set(Flag, pair[0], pair[1]); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// The transcript was recorded from redis-server 7.0.15: every reply has to be the same, byte for byte.
func TestTranscript(t *testing.T) {
	f, err := os.Open("testdata/transcript-redis-7.0.15.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := asRedis(t)
	commands := 0
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		command := lines.Text()
		if command == "" || command[0] == '#' {
			continue
		}
		if !lines.Scan() {
			t.Fatalf("line %d: no reply", n)
		}
		n++
		commands++
		if got := reply(t, c, command); got != lines.Text() {
			t.Errorf("line %d: %s\n got %s\nwant %s", n, command, got, lines.Text())
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if commands < 300 {
		t.Errorf("only %d commands in the transcript", commands)
	}
}

var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// reply runs one line of the transcript and prints the reply as the transcript does.
func reply(t *testing.T, c *Config, command string) string {
	t.Helper()
	var args []string
	for _, word := range quoted.FindAllString(command, -1) {
		arg, err := strconv.Unquote(word)
		if err != nil {
			t.Fatalf("%s: %v", command, err)
		}
		args = append(args, arg)
	}
	if strings.HasPrefix(command, "SET ") {
		var pairs [][2]string
		for pair := range slices.Chunk(args, 2) {
			pairs = append(pairs, [2]string(pair))
		}
		if err := c.SetMany(RunTime, pairs); err != nil {
			return strconv.Quote("-" + err.Error())
		}
		return `"OK"`
	}
	var words []string
	for _, pair := range c.Match(args) {
		words = append(words, strconv.Quote(pair[0]), strconv.Quote(pair[1]))
	}
	if len(words) == 0 {
		return "(empty)"
	}
	return strings.Join(words, " ")
}
