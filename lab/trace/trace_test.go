package trace

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

// some are events of every kind, with the data of those that have any.
func some() (events []Event, data [][]byte) {
	add := func(e Event, b []byte) { events, data = append(events, e), append(data, b) }
	add(Event{Kind: Mkdir, Path: "aof"}, nil)
	add(Event{Kind: Create, File: 1, Path: "aof/1.tmp"}, nil)
	add(Event{Kind: Write, File: 1, Off: 7, Size: 5}, []byte("hello"))
	add(Event{Kind: Write, File: 1, Off: 1 << 40, Size: 4096}, make([]byte, 4096))
	add(Event{Kind: Allocate, File: 1, Off: 3, Size: 9, Mode: 1}, nil)
	add(Event{Kind: Truncate, File: 1, Size: 10}, nil)
	add(Event{Kind: Sync, File: 1, DataOnly: true, Covers: 4}, nil)
	add(Event{Kind: Rename, File: 1, Path: "aof/1.tmp", To: "aof/1.aof"}, nil)
	add(Event{Kind: SyncDir, Path: "aof", Covers: 8}, nil)
	add(Event{Kind: Link, File: 1, Path: "aof/1.aof", To: "x"}, nil)
	add(Event{Kind: Unlink, File: 1, Path: "x"}, nil)
	add(Event{Kind: Symlink, Path: "l", To: "x"}, nil)
	add(Event{Kind: Rmdir, Path: "aof"}, nil)
	add(Event{Kind: Request, Conn: 2, ID: 1, Args: [][]byte{[]byte("SET"), {}, []byte("\r\n\x00")}}, nil)
	add(Event{Kind: Reply, Conn: 2, ID: 1, Reply: []byte("+OK\r\n")}, nil)
	add(Event{Kind: Closed, Conn: 2}, nil)
	add(Event{Kind: Mark, Note: MarkDone}, nil)
	return events, data
}

// record writes the events and returns the trace's path.
func record(t *testing.T, meta Meta, events []Event, data [][]byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trace")
	w, err := NewWriter(path, meta, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range events {
		if seq, err := w.Append(e, data[i]); err != nil || seq != uint64(i+1) {
			t.Fatalf("event %d: number %d, %v", i+1, seq, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// replay reads a trace and checks it against what was written; it returns how many events there were.
func replay(t *testing.T, path string, events []Event, data [][]byte) int {
	t.Helper()
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	n := 0
	err = r.Events(func(e Event) (bool, error) {
		want := events[n]
		want.Seq, want.At = uint64(n+1), e.At
		got := e
		got.Data = Data{}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if e.Kind == Write {
			buf := make([]byte, e.Size)
			if err := r.ReadData(e.Data, 0, buf); err != nil || string(buf) != string(data[n]) {
				t.Errorf("%v: %v, %d bytes that are not those written", e, err, len(buf))
			}
			if err := r.ReadData(e.Data, e.Size-1, buf[:1]); err != nil || buf[0] != data[n][e.Size-1] {
				t.Errorf("%v: the last byte is %d, %v", e, buf[0], err)
			}
		}
		n++
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestEventsComeBack(t *testing.T) {
	events, data := some()
	meta := Meta{Version: 1, Server: "redis", Command: []string{"redis-server", "{port}"}, Seed: 7, Workload: "counters"}
	path := record(t, meta, events, data)
	if n := replay(t, path, events, data); n != len(events) {
		t.Errorf("%d events of %d", n, len(events))
	}
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if !reflect.DeepEqual(r.Meta, meta) {
		t.Errorf("meta %+v, want %+v", r.Meta, meta)
	}
	if info, err := os.Stat(path); err != nil || info.Size() > 2000 {
		t.Errorf("%d bytes, %v: zeros should take no room", info.Size(), err)
	}
}

// A recording that was cut off can be read up to there, wherever that is; a changed byte is noticed.
func TestCutAndSpoiltTraces(t *testing.T) {
	events, data := some()
	whole, err := os.ReadFile(record(t, Meta{}, events, data))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "spoilt")
	last := -1
	for size := range whole {
		if err := os.WriteFile(path, whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Open(path)
		if err != nil {
			if last >= 0 {
				t.Fatalf("%d bytes: %v", size, err)
			}
			continue
		}
		r.Close()
		n := replay(t, path, events, data)
		if n < last {
			t.Errorf("%d bytes: %d events, and %d with fewer", size, n, last)
		}
		last = n
	}
	if last != len(events)-1 {
		t.Errorf("%d events without the last byte", last)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		spoilt := append([]byte{}, whole...)
		at := rng.IntN(len(whole))
		spoilt[at] ^= 1 << rng.IntN(8)
		if err := os.WriteFile(path, spoilt, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Open(path)
		if err == nil {
			n := 0
			err = r.Events(func(Event) (bool, error) { n++; return true, nil })
			r.Close()
			if err == nil && n == len(events) {
				t.Errorf("byte %d flipped, and nobody notices", at)
			}
		}
		if err != nil && !errors.Is(err, ErrFormat) && !errors.Is(err, os.ErrNotExist) {
			// A length that reaches beyond the end looks like a recording cut short.
			t.Logf("byte %d: %v", at, err)
		}
	}
}

func TestLimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trace")
	w, err := NewWriter(path, Meta{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for ; n < 100; n++ {
		if _, err = w.Append(Event{Kind: Mark, Note: "a note of some length"}, nil); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrFull) || n == 0 {
		t.Errorf("after %d events: %v", n, err)
	}
	if err := w.Close(); !errors.Is(err, ErrFull) {
		t.Errorf("Close: %v", err)
	}
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	read := 0
	if err := r.Events(func(Event) (bool, error) { read++; return true, nil }); err != nil || read != n {
		t.Errorf("%d events of %d, %v", read, n, err)
	}
}

// Meta.Began and the time of an event are together the time of day, to the millisecond.
func TestTimesAreThoseOfTheDay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trace")
	began := time.Now().UnixMilli()
	w, err := NewWriter(path, Meta{Began: began}, 0)
	if err != nil {
		t.Fatal(err)
	}
	before := time.Now().UnixMilli()
	if _, err := w.Append(Event{Kind: Mark, Note: MarkReady}, nil); err != nil {
		t.Fatal(err)
	}
	after := time.Now().UnixMilli()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Events(func(e Event) (bool, error) {
		if at := began + e.At/1e6; at < before || at > after {
			t.Errorf("the event is at %d, and was between %d and %d", at, before, after)
		}
		return true, nil
	}); err != nil {
		t.Fatal(err)
	}
}
