package config

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Limits on what Load reads. They stop an include that includes itself, and a path that is not a configuration.
const (
	lineBytesMax = 64 << 10
	filesMax     = 100
	errorsMax    = 20
)

// Load reads a file in the syntax of redis.conf: a directive and its arguments on each line, # for comments, and
// include with a path or a glob, relative to the including file. filename is for messages and includes; it is not
// opened. A directive that stands twice takes its last value, except that lines of save add up, and lines of
// client-output-buffer-limit merge.
//
// The error joins a *SourceError, a line of text each, for everything that is wrong, up to 20. What was right is
// in force then, so a Config that failed to load should not be used.
func (c *Config) Load(r io.Reader, filename string) error {
	l := &loader{c: c}
	l.file(r, filename)
	return errors.Join(l.errs...)
}

// A loader is one run of Load through a file and its includes.
type loader struct {
	c     *Config
	files int
	depth int    // of includes
	save  string // the save rules that stood in lines so far
	errs  []error
}

func (l *loader) file(r io.Reader, filename string) {
	l.files++
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4096), lineBytesMax)
	at := SourceError{File: filename}
	for lines.Scan() {
		at.Line++
		if err := l.line(lines.Text(), filename, at.Line); err != nil {
			l.fail(at, err)
		}
		if len(l.errs) >= errorsMax {
			return
		}
	}
	if err := lines.Err(); err != nil {
		at.Line++
		l.fail(at, unreadable(err))
	}
}

func unreadable(err error) *Error {
	if errors.Is(err, bufio.ErrTooLong) {
		return &Error{Reason: fmt.Sprintf("line of more than %d bytes", lineBytesMax),
			Advice: "check that this is a configuration file", Err: ErrSyntax}
	}
	return &Error{Reason: "cannot read on: " + err.Error(), Advice: "check the file", Err: err}
}

func (l *loader) fail(at SourceError, err *Error) {
	at.What = err
	l.errs = append(l.errs, &at)
}

func (l *loader) line(text, filename string, number int) *Error {
	p, err := l.c.parseLine(text)
	switch {
	case err != nil:
		return err
	case p.include != "":
		return l.include(p.include, filename)
	case p.user != nil:
		l.c.addUser(UserLine{File: filename, Line: number, Included: l.depth > 0, Words: p.user})
		return nil
	case p.name == "":
		return nil
	}
	value := p.value
	save := l.c.lookup(p.name).Kind == KindSave
	if save && value != "" && l.save != "" {
		value = l.save + " " + value
	}
	if err := l.c.Set(File, p.name, value); err != nil {
		var what *Error
		if !errors.As(err, &what) {
			panic("BUG: config: Set returned " + err.Error())
		}
		return what
	}
	if save {
		l.save = value
	}
	return nil
}

// include loads the files that a path or a glob names. As in Redis, a glob may find none.
func (l *loader) include(pattern, from string) *Error {
	path := pattern
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(from), path)
	}
	paths := []string{path}
	if strings.ContainsAny(pattern, "*?[") {
		var err error
		if paths, err = filepath.Glob(path); err != nil {
			return &Error{Name: "include", Reason: err.Error(), Advice: "check the pattern", Err: ErrSyntax}
		}
	}
	for _, path := range paths {
		if err := l.open(path); err != nil {
			return err
		}
	}
	return nil
}

// open reads one included file. It goes past vfs, which is for what holdfast keeps: this is read once, and never written.
func (l *loader) open(path string) *Error {
	if l.files >= filesMax {
		return &Error{Name: "include", Reason: fmt.Sprintf("more than %d files", filesMax),
			Advice: "check that no file includes itself", Err: ErrSyntax}
	}
	f, err := os.Open(path)
	if err != nil {
		return &Error{Name: "include", Reason: err.Error(),
			Advice: "check the path, which is relative to this file", Err: err}
	}
	l.depth++
	l.file(f, path)
	l.depth--
	if err := f.Close(); err != nil {
		return &Error{Name: "include", Reason: err.Error(), Advice: "check the file", Err: err}
	}
	return nil
}
