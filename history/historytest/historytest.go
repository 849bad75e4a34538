// Package historytest plays small histories for tests: an engine on a directory, under a clock that a test moves, whose
// whole state can be taken down at every LSN.
package historytest

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"holdfast/commands"
	"holdfast/config"
	"holdfast/engine"
	"holdfast/expiry"
	"holdfast/kv"
	"holdfast/resp"
)

// Start is when the clock of a new history stands, in unix milliseconds: 2023-11-14T22:13:20Z.
const Start = 1_700_000_000_000

// State is a whole keyspace in words, a line for each key by "database/key".
type State map[string]string

// Differs says in what two states differ; "" where they are the same.
func (s State) Differs(other State) string {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(s)) {
		if other[key] != s[key] {
			fmt.Fprintf(&b, "%s: %.200s, not %.200s\n", key, s[key], other[key])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(other)) {
		if _, ok := s[key]; !ok {
			fmt.Fprintf(&b, "%s: not there, instead of %.200s\n", key, other[key])
		}
	}
	return b.String()
}

// Clock stands still until a test moves it. It counts unix milliseconds.
type Clock struct{ atomic.Int64 }

// NewClock is a clock that stands at Start.
func NewClock() *Clock {
	c := new(Clock)
	c.Store(Start)
	return c
}

// Now is what an engine is given.
func (c *Clock) Now() time.Time { return time.UnixMilli(c.Load()) }

// Server is an engine without sockets. A clock that stands still keeps its clockwork from changing anything.
type Server struct {
	*engine.Engine
	t      testing.TB
	client commands.Client
}

// Open starts an engine on a directory. settings are directives and values.
func Open(t testing.TB, dir string, clock *Clock, settings ...string) *Server {
	t.Helper()
	s, err := TryOpen(t, dir, clock, settings...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TryOpen is Open that may be refused.
func TryOpen(t testing.TB, dir string, clock *Clock, settings ...string) (*Server, error) {
	cfg := config.New()
	settings = append([]string{"save", "", "segment-bytes", "1mb", "appendfsync", "no"}, settings...)
	for pair := range slices.Chunk(settings, 2) {
		if err := cfg.Set(config.Flag, pair[0], pair[1]); err != nil {
			t.Fatal(err)
		}
	}
	e, err := engine.Open(engine.Options{
		FS: FS(), Dir: dir, Config: cfg, Seed: 1, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Clock: clock.Now,
		Fatal: func(err error) { panic(err) },
		Stop:  func(bool) {},
		// Nothing is made ahead, nor hydrated: most servers here only tell what there is.
		Serving: make(chan struct{}),
	})
	if err != nil {
		return nil, err
	}
	return &Server{Engine: e, t: t, client: commands.Client{Authenticated: true, Proto: 2}}, nil
}

// Do runs a command. An error reply fails the test.
func (s *Server) Do(words ...string) (reply string) {
	s.t.Helper()
	var w resp.Writer
	w.SetProto(2)
	args := make([][]byte, len(words))
	for i, word := range words {
		args[i] = []byte(word)
	}
	s.Run(&s.client, &w, [][][]byte{args})
	if err := s.Commit(); err != nil {
		s.t.Fatal(err)
	}
	reply = string(w.Take())
	if strings.HasPrefix(reply, "-") {
		s.t.Fatalf("%q: %s", words, reply)
	}
	return reply
}

// LSN is that of the last change.
func (s *Server) LSN() (lsn uint64) {
	s.Engine.Do(func() { lsn = s.Figures().LastLSN })
	return lsn
}

// State takes the keyspace down.
func (s *Server) State() State {
	state := State{}
	s.Engine.Do(func() {
		keys := s.World().Keys
		for i := range keys.Databases() {
			keys.DB(i).Each(func(e kv.Entry) bool {
				state[fmt.Sprintf("%d/%q", i, e.Key())] = describe(keys.Types, e)
				return true
			})
		}
	})
	return state
}

func describe(types *kv.Types, e kv.Entry) string {
	typ := types[e.Kind()]
	text := fmt.Sprintf("%s until %d:", typ.Name, e.Deadline())
	if e.Kind() == kv.String {
		return text + fmt.Sprintf(" %q", e.Text())
	}
	for element, deadline := range typ.TimedElements(e.Value()) {
		text += fmt.Sprintf(" %q", element)
		if deadline != expiry.None {
			text += fmt.Sprintf(" until %d", deadline)
		}
	}
	return text
}

// Close ends the engine, with a checkpoint or without.
func (s *Server) Close(checkpoint bool) {
	s.t.Helper()
	if err := s.Engine.Close(checkpoint); err != nil {
		s.t.Fatal(err)
	}
}

// StateOf opens a directory, takes the state down, and closes it again.
func StateOf(t testing.TB, dir string) State {
	t.Helper()
	s := Open(t, dir, NewClock())
	defer s.Close(false)
	return s.State()
}

// CopyDir copies a directory with all below it. Files of the target that have the same names are replaced.
func CopyDir(t testing.TB, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}
