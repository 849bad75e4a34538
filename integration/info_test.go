package integration

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// INFO has the sections of Redis, in the same order, whatever is asked for, and in each the fields of Redis and perhaps more.
func TestInfoHasTheFieldsOfRedis(t *testing.T) {
	ours, theirs := bothServers(t)
	for _, c := range []*Conn{ours, theirs} {
		must(t, c, "SET", "k", "v", "EX", "1000")
		must(t, c, "GET", "k")
		if reply, err := c.Do("nosuch"); err != nil || !reply.IsError() {
			t.Fatal(reply, err)
		}
	}
	for _, line := range []string{
		"INFO", "INFO default", "INFO all", "INFO everything", "INFO EVERYTHING", "INFO nosuch", "INFO keyspace server", "INFO commandstats default",
		"INFO modules", "INFO all modules", "INFO latencystats errorstats commandstats", "INFO server server", "INFO server nosuch cpu",
	} {
		titles, fields := sectionsOf(must(t, ours, strings.Fields(line)...).Text)
		wantTitles, want := sectionsOf(must(t, theirs, strings.Fields(line)...).Text)
		if !slices.Equal(titles, wantTitles) {
			t.Errorf("%s has sections %v, and in Redis %v", line, titles, wantTitles)
		}
		for title, names := range want {
			for _, name := range names {
				if !slices.Contains(fields[title], name) {
					t.Errorf("%s: %s has no %s", line, title, name)
				}
			}
		}
	}
	_, fields := sectionsOf(must(t, ours, "INFO", "everything").Text)
	for title, names := range fields {
		for i, name := range names {
			if slices.Contains(names[:i], name) {
				t.Errorf("%s has %s twice", title, name)
			}
		}
	}
}

// An error is counted once, however far a script passes it on, and a command that a script could not run as rejected.
func TestErrorsOfScriptsAreCounted(t *testing.T) {
	ours, theirs := bothServers(t)
	for _, c := range []*Conn{ours, theirs} {
		must(t, c, "RPUSH", "list", "a")
		must(t, c, "FUNCTION", "LOAD", "#!lua name=l\nredis.register_function('f', function() return redis.call('INCR', 'list') end)")
	}
	for _, line := range []string{
		`EVAL "return redis.call('INCR', 'list')" 0`, `EVAL "return redis.pcall('INCR', 'list')" 0`, `EVAL "redis.pcall('INCR', 'list')" 0`,
		`EVAL "error(redis.pcall('INCR', 'list'))" 0`, `EVAL "return {err = redis.pcall('INCR', 'list').err}" 0`, `FCALL f 0`, `FCALL_RO f 0`,
		`EVAL_RO "return redis.call('INCR', 'list')" 0`, `EVAL "redis.call('INCR')" 0`, `EVAL "redis.pcall('INCR')" 0`, `EVAL "redis.pcall('nosuch')" 0`,
		`EVAL "redis.call('SUBSCRIBE', 'a')" 0`, `EVAL "redis.pcall('CONFIG', 'nosuch')" 0`, `EVAL "redis.call()" 0`, `EVAL "redis.pcall({})" 0`,
		`EVAL "return redis.error_reply('MINE is this')" 0`, `EVAL "error(redis.error_reply('MINE is this'))" 0`, `EVAL "error('x')" 0`,
		`EVAL "return {err = 'MINE is this', ignore_error_stats_update = true}" 0`, `EVAL "return nothing" 0`, `EVAL "not Lua" 0`,
	} {
		args, err := SplitWords(line)
		if err != nil {
			t.Fatal(err)
		}
		var counts [2][]string
		for i, c := range []*Conn{ours, theirs} {
			must(t, c, "CONFIG", "RESETSTAT")
			if _, err := c.Do(args...); err != nil {
				t.Fatal(err)
			}
			counts[i] = errorCounts(must(t, c, "INFO", "commandstats", "errorstats", "stats").Text)
		}
		if !slices.Equal(counts[0], counts[1]) {
			t.Errorf("%s\n  holdfast  %q\n  redis     %q", line, counts[0], counts[1])
		}
	}
}

var spentTime = regexp.MustCompile(`usec=.*rejected`)

// errorCounts is what a text of INFO tells of calls and errors.
func errorCounts(text string) (lines []string) {
	for line := range strings.SplitSeq(text, "\r\n") {
		if strings.HasPrefix(line, "cmdstat_") || strings.HasPrefix(line, "errorstat_") || strings.HasPrefix(line, "total_error_replies") {
			lines = append(lines, spentTime.ReplaceAllString(line, "rejected"))
		}
	}
	slices.Sort(lines)
	return lines
}

// sectionsOf is the titles of a text of INFO, and the names of the fields below each. Those of single commands are told by
// their first word.
func sectionsOf(text string) (titles []string, fields map[string][]string) {
	fields = map[string][]string{}
	title := ""
	for line := range strings.SplitSeq(text, "\r\n") {
		if rest, ok := strings.CutPrefix(line, "# "); ok {
			title = rest
			titles = append(titles, title)
			continue
		}
		name, _, ok := strings.Cut(line, ":")
		if ok && !strings.Contains(name, "|") {
			fields[title] = append(fields[title], name)
		}
	}
	return titles, fields
}
