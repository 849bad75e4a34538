package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
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
	if err != nil || !strings.Contains(string(page), "Growth over the retained snapshots") ||
		!strings.Contains(string(page), "stream, groups: 1, in 1 key.") || !strings.Contains(string(page), "page:&lt;script&gt;") {
		t.Errorf("%v: %.200s", err, page)
	}
	if left, err := os.ReadDir(to); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}

	defer syscall.Umask(syscall.Umask(0o077))
	for _, mode := range []os.FileMode{0o644, 0o600} { // of what is there, and of a new file
		if mode == 0o600 {
			err = os.Remove(file)
		}
		runOffline(t, "snapshot", "report", "--dir", dir, "--html", file)
		if info, statErr := os.Stat(file); err != nil || statErr != nil || info.Mode() != mode {
			t.Errorf("%v, %v: %v, not %v", err, statErr, info.Mode(), mode)
		}
	}
}

// A page goes into what its path leads to: neither a device nor a symbolic link may make room for a file.
func TestReportPageLeavesWhatWasThere(t *testing.T) {
	dir, to := richDir(t), t.TempDir()
	pipe, link, file := filepath.Join(to, "pipe"), filepath.Join(to, "link"), filepath.Join(to, "file")
	if err := errors.Join(syscall.Mkfifo(pipe, 0o600), os.WriteFile(file, []byte("old"), 0o600), os.Symlink("file", link)); err != nil {
		t.Fatal(err)
	}
	read := make(chan string)
	go func() {
		text, err := os.ReadFile(pipe)
		read <- fmt.Sprintf("%s%v", text, err)
	}()
	for _, path := range []string{pipe, link} {
		if code, out, errs := runOffline(t, "snapshot", "report", "--dir", dir, "--html", path); code != 0 {
			t.Fatalf("%s: exit code %d; %s%s", path, code, out, errs)
		}
	}
	if text := <-read; !strings.HasPrefix(text, "<!doctype html>") || !strings.HasSuffix(text, "</html>\n<nil>") {
		t.Errorf("the pipe brought %.100q", text)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("the link is gone: %v", err)
	}
	if text, err := os.ReadFile(file); err != nil || !strings.HasPrefix(string(text), "<!doctype html>") {
		t.Errorf("the file behind the link has %.100q, %v", text, err)
	}
}

// A full disk is told on one line, and once.
func TestFullDisk(t *testing.T) {
	dir := richDir(t)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := full.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, words := range []string{"keys", "keys --json", "stats", "get queue:log", "get blob", "verify", "diff DIR DIR/snapshots/before.db --values", "report --html -"} {
		app := newApp()
		app.Writer, app.ErrWriter = full, full
		err := app.Run(append([]string{"holdfast", "snapshot"}, strings.Fields(strings.ReplaceAll(words+" --dir DIR", "DIR", dir))...))
		if err == nil || strings.Count(err.Error(), "no space left on device") != 1 || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", words, err)
		}
	}
}
