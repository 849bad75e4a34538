package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReportPage(t *testing.T) {
	dir, to := richDir(t), t.TempDir()
	file := filepath.Join(to, "r.html")
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"--html FILE", 0, "wrote FILE\n"},
		{"--html FILE --depth 3 --separators :<", 0, "wrote FILE\n"}, // over the one before
		{"--html - --name before", 0, "<!doctype html>"},
		{"", 2, "wants --html"},
		{"--html FILE/no", 1, "not a directory"},
		{"--html FILE.no/r.html", 1, "no such file or directory"},
		{"--html FILE --separators é", 2, "ASCII"},
	} {
		args := append([]string{"snapshot", "report", "--dir", dir}, strings.Fields(strings.ReplaceAll(c.args, "FILE", file))...)
		code, out, errs := runOffline(t, args...)
		if code != c.code || !strings.Contains(strings.ReplaceAll(out+errs, file, "FILE"), c.says) {
			t.Errorf("%s: exit code %d, %.100q, %q", c.args, code, out, errs)
		}
	}
	page, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(page), "Growth over the retained snapshots") || !strings.Contains(string(page), "page:&lt;script&gt;") {
		t.Errorf("%v: %.200s", err, page)
	}
	if left, err := os.ReadDir(to); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
