package aof

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"holdfast/internal/vfs"
)

var testID = [16]byte{'h', 'o', 'l', 'd', 'f', 'a', 's', 't', 1, 2, 3, 4, 5, 6, 7, 8}

// handClock stands still until it is moved.
type handClock struct{ ms atomic.Int64 }

func (c *handClock) now() time.Time          { return time.UnixMilli(1_700_000_000_000 + c.ms.Load()) }
func (c *handClock) advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

// options are for small logs without a segment made ahead, so that tests know every file and operation.
func options(fsys vfs.FS, dir string) Options {
	return Options{FS: fsys, Dir: dir, ID: testID, SegmentBytes: HeaderBytes + 1000, Clock: new(handClock).now, inline: true}
}

// mustRecover opens the log and returns what was replayed as bodies, in order.
func mustRecover(t testing.TB, o Options, base uint64) (*Log, Recovery, []string) {
	t.Helper()
	var bodies []string
	next := base + 1
	l, found, err := Recover(o, base, func(r Record) error {
		if r.LSN != next {
			t.Fatalf("replayed LSN %d, expected %d", r.LSN, next)
		}
		next++
		bodies = append(bodies, string(r.Body))
		return nil
	})
	if err != nil {
		t.Fatalf("Recover: %v", err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil && !errors.Is(err, ErrFailed) {
			t.Errorf("Close: %v", err)
		}
	})
	return l, found, bodies
}

// commit appends bodies as one batch.
func commit(t testing.TB, l *Log, bodies ...string) {
	t.Helper()
	for _, body := range bodies {
		l.Append(1000+int64(l.Last()), 0, []byte(body))
	}
	if err := l.Commit(); err != nil {
		t.Fatalf("Commit: %v", err)
	}
}

func mustClose(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
}

// logOf makes a log in a new directory, a commit per body, and closes it.
func logOf(t testing.TB, bodies ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	l, _, _ := mustRecover(t, options(vfs.OS(), dir), 0)
	for _, body := range bodies {
		commit(t, l, body)
	}
	mustClose(t, l)
	return dir
}

// bodiesOf makes n bodies of about size bytes, none of which ends in zeroes.
func bodiesOf(n, size int) []string {
	bodies := make([]string, n)
	for i := range bodies {
		bodies[i] = fmt.Sprintf("%d:%s.", i+1, bytes.Repeat([]byte{byte('a' + i%26)}, size))
	}
	return bodies
}

func pathOf(dir string, first uint64) string { return filepath.Join(dir, segmentName(first)) }

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeFile(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// edit changes a file in place.
func edit(t testing.TB, path string, change func(b []byte) []byte) {
	t.Helper()
	writeFile(t, path, change(readFile(t, path)))
}

// picture is everything in a directory.
func picture(t testing.TB, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for _, e := range entries {
		fmt.Fprintf(&b, "%s\n%q\n", e.Name(), readFile(t, filepath.Join(dir, e.Name())))
	}
	return b.String()
}

// wantDamage recovers and scans, expects the same damage of both, and that nothing was changed.
func wantDamage(t *testing.T, dir string, base uint64, want DamageError) {
	t.Helper()
	before := picture(t, dir)
	_, _, err := Recover(options(vfs.OS(), dir), base, func(Record) error { return nil })
	var got *DamageError
	if !errors.As(err, &got) || !errors.Is(err, want.Kind) {
		t.Fatalf("Recover: %v, expected %v", err, want.Kind)
	}
	if filepath.Base(got.Segment) != want.Segment || got.Offset != want.Offset || got.LSN != want.LSN {
		t.Errorf("Recover: %v\nexpected %s, offset %d, LSN %d", got, want.Segment, want.Offset, want.LSN)
	}
	if got.Reason == "" {
		t.Error("damage without a reason")
	}
	if picture(t, dir) != before {
		t.Error("Recover changed a damaged log")
	}
}

// offsets lists where the records of a log lie.
func offsets(t testing.TB, dir string) []Position {
	t.Helper()
	var all []Position
	if _, err := Scan(vfs.OS(), dir, 0, func(p Position, _ Record) error { all = append(all, p); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}
