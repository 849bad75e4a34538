package integration

import (
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
