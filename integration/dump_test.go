package integration

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// dumped are commands that make values of every kind and encoding: key by key.
func dumped() (cmds [][]string) {
	do := func(args ...string) { cmds = append(cmds, args) }
	for i, s := range []string{"", "0", "-1", "128", "-32769", "2147483647", "2147483648", "9223372036854775807", "+5", "text",
		strings.Repeat("ab", 40), strings.Repeat("z", 100_000), "\x00\xff\r\n"} {
		do("SET", fmt.Sprint("string:", i), s)
	}
	for _, n := range []int{1, 5, 100, 2000} {
		key := func(kind string) string { return fmt.Sprint(kind, ":", n) }
		list, set, ints, zset, hash := []string{"RPUSH", key("list")}, []string{"SADD", key("set")}, []string{"SADD", key("ints")},
			[]string{"ZADD", key("zset")}, []string{"HSET", key("hash")}
		for i := range n {
			text := fmt.Sprint(i, strings.Repeat("-", i%60))
			list = append(list, text, fmt.Sprint(-i*i*i*i), "")
			set = append(set, text)
			ints = append(ints, fmt.Sprint(i*i*i*7-300))
			zset = append(zset, fmt.Sprint(float64(i)*1.1-20), text)
			hash = append(hash, text, fmt.Sprint(i), fmt.Sprint(i), text)
			if i < 300 {
				do("XADD", key("stream"), fmt.Sprint(1+i/3, "-", 1+i), "field", fmt.Sprint(i*1000), "other", text)
			}
		}
		for _, args := range [][]string{list, set, ints, zset, hash} {
			do(args...)
		}
		do("XADD", key("stream"), "5000-*", "another", "one")
		do("XDEL", key("stream"), "1-1")
		do("XGROUP", "CREATE", key("stream"), "g", "0")
		do("XGROUP", "CREATE", key("stream"), "h", "$", "ENTRIESREAD", "3")
		do("XREADGROUP", "GROUP", "g", "a", "COUNT", "3", "STREAMS", key("stream"), ">")
		do("XREADGROUP", "GROUP", "g", "b", "COUNT", "200", "STREAMS", key("stream"), ">")
		do("XCLAIM", key("stream"), "g", "a", "0", "1-3")
		do("XACK", key("stream"), "g", "1-2")
		do("XGROUP", "CREATECONSUMER", key("stream"), "g", "c")
	}
	do("RPUSH", "list:long", strings.Repeat("x", 20_000), "short", strings.Repeat("y", 16_000))
	do("ZADD", "zset:edges", "-inf", "a", "inf", "b", "-0", "c", "1e300", "d", "5e-324", "e", "0.1", "f")
	do("HSET", "hash:long", "f", strings.Repeat("v", 100), strings.Repeat("g", 70_000), "")
	do("XADD", "stream:empty", "7-7", "f", "v")
	do("XDEL", "stream:empty", "7-7")
	return cmds
}

// What one server dumps, the other restores, with the same digest, encoding and groups.
func TestDumpsGoBothWays(t *testing.T) {
	ours, theirs := bothServers(t)
	var keys []string
	for _, args := range dumped() {
		must(t, ours, args...)
		must(t, theirs, args...)
		at := 1
		if args[0] == "XGROUP" {
			at = 2
		}
		if args[0] != "XREADGROUP" && (len(keys) == 0 || keys[len(keys)-1] != args[at]) {
			keys = append(keys, args[at])
		}
	}
	for _, key := range keys {
		for _, way := range []struct {
			name     string
			from, to *Conn
		}{{"to redis", ours, theirs}, {"to holdfast", theirs, ours}} {
			payload := must(t, way.from, "DUMP", key).Text
			if reply := must(t, way.to, "RESTORE", "copy", "0", payload, "REPLACE"); reply.Text != "OK" {
				t.Fatalf("%s %s: %s", key, way.name, reply.Text)
			}
			for _, question := range [][]string{{"DEBUG", "DIGEST-VALUE"}, {"OBJECT", "ENCODING"}} {
				want, got := must(t, way.from, append(question, key)...), must(t, way.to, append(question, "copy")...)
				if !bytes.Equal(want.Raw, got.Raw) {
					t.Errorf("%s %s: %v is %q, and was %q", key, way.name, question, got.Raw, want.Raw)
				}
			}
			if strings.HasPrefix(key, "stream") {
				compareStreams(t, key+" "+way.name, way.from, key, way.to)
			}
		}
	}
}

// compareStreams compares what a stream knows besides its entries, times since something apart.
func compareStreams(t *testing.T, what string, from *Conn, key string, to *Conn) {
	t.Helper()
	for _, question := range []string{"XINFO STREAM %s", "XINFO GROUPS %s", "XPENDING %s g", "XRANGE %s - + COUNT 5"} {
		ask := func(c *Conn, key string) string {
			reply, err := c.Do(strings.Fields(fmt.Sprintf(question, key))...)
			if err != nil {
				t.Fatal(err)
			}
			text := string(reply.Raw)
			if at := strings.Index(text, "radix-tree-keys"); at >= 0 {
				text = text[:at] + text[strings.Index(text, "last-generated-id"):]
			}
			return strings.ReplaceAll(text, "'"+key+"'", "'copy'")
		}
		if want, got := ask(from, key), ask(to, "copy"); want != got {
			t.Errorf("%s: %s\n  was %q\n  is  %q", what, question, want, got)
		}
	}
}
