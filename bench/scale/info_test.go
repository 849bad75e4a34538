package main

import (
	"strings"
	"testing"
)

func TestParseInfo(t *testing.T) {
	got := parseInfo("# Persistence\r\nloading:0\r\nrecovery:snapshot base.db at LSN 5; 1:2\r\nempty:\r\n\r\nno field\r\n")
	for name, want := range map[string]string{"loading": "0", "recovery": "snapshot base.db at LSN 5; 1:2", "empty": ""} {
		if value, found := got[name]; !found || value != want {
			t.Errorf("%s is %q", name, value)
		}
	}
	if len(got) != 3 {
		t.Errorf("%d fields: %v", len(got), got)
	}
}

func TestInfoNumber(t *testing.T) {
	fields := info{"cold_keys": "12", "hydrated_perc": "50.00%", "none": "-1"}
	if n, err := fields.number("cold_keys"); err != nil || n != 12 {
		t.Errorf("got %d, %v", n, err)
	}
	if n, err := fields.number("none"); err != nil || n != -1 {
		t.Errorf("got %d, %v", n, err)
	}
	for _, name := range []string{"hydrated_perc", "hydrating"} {
		if n, err := fields.number(name); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
}

func TestIsBusy(t *testing.T) {
	for text, want := range map[string]bool{
		"loading:0\nrdb_bgsave_in_progress:0\n": false,
		"":                                      false,
		"loading:1\n":                           true,
		"hydrating:1\nloading:0\n":              true,
		"rdb_bgsave_in_progress:1\n":            true,
		"aof_rewrite_scheduled:1\n":             true,
	} {
		if got := parseInfo(text).isBusy(); got != want {
			t.Errorf("%q: busy is %v", text, got)
		}
	}
}

func TestIsHydrated(t *testing.T) {
	for _, c := range []struct {
		fields info
		want   bool
		fails  bool
	}{
		{fields: info{"hydrating": "1", "cold_keys": "7"}},
		{fields: info{"hydrating": "0", "cold_keys": "0"}, want: true},
		{fields: info{"hydrating": "0", "cold_keys": "7"}, fails: true},
		{fields: info{"loading": "0"}, fails: true},
	} {
		if got, err := isHydrated(c.fields); got != c.want || c.fails != (err != nil) {
			t.Errorf("%v: %v, %v", c.fields, got, err)
		}
	}
}
