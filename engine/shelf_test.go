package engine

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"holdfast/aof"
	"holdfast/commands"
	"holdfast/config"
	"holdfast/internal/vfs"
	"holdfast/resp"
)

// shelf is an engine on a directory, with one client and a clock that stands still, for tests of what lies in the directory.
// Its writes say their LSN, so that any state tells which one it is.
type shelf struct {
	t      *testing.T
	fs     vfs.FS
	dir    string
	clock  *atomic.Int64 // unix ms
	config *config.Config
	e      *Engine
	user   *commands.Client
	log    diary
}

// diary is what an engine logs.
type diary struct {
	mu   sync.Mutex
	text strings.Builder
}

func (d *diary) Write(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.Write(b)
}

// count is how many lines say something.
func (d *diary) count(what string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Count(d.text.String(), what)
}

const shelfBegin = 1_700_000_000_000

// openShelf opens an engine on dir. The settings are pairs of name and value.
func openShelf(t *testing.T, fsys vfs.FS, dir string, clock *atomic.Int64, settings ...string) *shelf {
	t.Helper()
	s, err := tryShelf(t, fsys, dir, clock, settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return s
}

func tryShelf(t *testing.T, fsys vfs.FS, dir string, clock *atomic.Int64, settings ...string) (*shelf, error) {
	s := &shelf{t: t, fs: fsys, dir: dir, clock: clock, config: config.New()}
	settings = append([]string{"segment-bytes", "1mb"}, settings...) // zeroes take time
	for i := 0; i < len(settings); i += 2 {
		if err := s.config.Set(config.Flag, settings[i], settings[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	s.e, err = Open(Options{
		FS: fsys, Dir: dir, Config: s.config, Clock: func() time.Time { return time.UnixMilli(clock.Load()) },
		Log:   slog.New(slog.NewTextHandler(&s.log, nil)),
		Fatal: func(err error) { t.Logf("fatal: %v", err) },
		Stop:  func(bool) {},
	})
	s.user = &commands.Client{ID: 1, Proto: 2, Authenticated: true, Peer: make(ear, 1)}
	return s, err
}

func newClock() *atomic.Int64 {
	clock := new(atomic.Int64)
	clock.Store(shelfBegin)
	return clock
}

func (s *shelf) close() {
	if err := s.e.Close(false); err != nil && !errors.Is(err, ErrClosed) && !errors.Is(err, vfs.ErrCrashed) {
		s.t.Error(err)
	}
}

// ear is the client's end: it hears what comes after a wait.
type ear chan string

func (e ear) Deliver(reply []byte, _ uint64) { e <- string(reply) }
func (e ear) Resume()                        {}
func (e ear) Kill(bool)                      {}
func (e ear) Buffers() (in, out int)         { return 0, 0 }
func (e ear) FD() int                        { return 0 }
func (e ear) Collect(*resp.Writer) uint64    { return 0 }

// do runs a command to its reply, however long that takes, with blanks for line ends.
func (s *shelf) do(words ...string) string {
	s.t.Helper()
	args := make([][]byte, len(words))
	for i := range words {
		args[i] = []byte(words[i])
	}
	var w resp.Writer
	s.e.Run(s.user, &w, [][][]byte{args})
	if err := s.e.Commit(); err != nil && !errors.Is(err, vfs.ErrCrashed) {
		s.t.Fatalf("%q: %v", words, err)
	}
	reply := string(w.Bytes())
	if reply == "" {
		reply = <-s.user.Peer.(ear)
	}
	return strings.TrimSuffix(strings.ReplaceAll(reply, "\r\n", " "), " ")
}

func (s *shelf) expect(want string, words ...string) {
	s.t.Helper()
	if got := s.do(words...); got != want {
		s.t.Errorf("%.100q replied %.200s, want %s", words, got, want)
	}
}

// write writes n records, each with that much beside its LSN, which is the key's value.
func (s *shelf) write(n, padding int) {
	s.t.Helper()
	for range n {
		s.expect("+OK", "SET", "lsn", fmt.Sprintf("%d:%s", s.last()+1, strings.Repeat("x", padding)))
	}
}

func (s *shelf) last() (lsn uint64) {
	s.e.Do(func() { lsn = s.e.lsn })
	return lsn
}

// save writes a checkpoint, after one that is running.
func (s *shelf) save() {
	s.t.Helper()
	if err := s.e.checkpointNow(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shelf) advance(d time.Duration) { s.clock.Add(d.Milliseconds()) }

// files are the names in snapshots/.
func (s *shelf) files() []string {
	s.t.Helper()
	names, err := os.ReadDir(filepath.Join(s.dir, SnapshotDir))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		s.t.Fatal(err)
	}
	var files []string
	for _, n := range names {
		files = append(files, n.Name())
	}
	return files
}

func (s *shelf) expectFiles(want ...string) {
	s.t.Helper()
	if got := s.files(); !slices.Equal(got, want) {
		s.t.Errorf("%s holds %q, want %q", SnapshotDir, got, want)
	}
}

func (s *shelf) figures() (f commands.Figures) {
	s.e.Do(func() { f = s.e.Figures() })
	return f
}

// stateAt builds the state at an LSN from what a directory holds, as holdfast restore is to do: from the newest snapshot
// that is no newer, or from nothing, and the log. It returns the LSN that the state says it is of.
func stateAt(t *testing.T, dir string, lsn uint64) (uint64, error) {
	t.Helper()
	infos, err := Snapshots(vfs.OS(), dir)
	if err != nil {
		return 0, err
	}
	from, room := uint64(0), t.TempDir()
	var source string
	for _, info := range infos {
		if info.Problem != "" {
			return 0, errors.New(info.Problem)
		}
		if info.LSN <= lsn {
			from, source = info.LSN, SnapshotPath(dir, info.Name)
		}
	}
	if source != "" {
		b, err := os.ReadFile(source)
		if err == nil {
			err = os.WriteFile(filepath.Join(room, BaseName), b, 0o600)
		}
		if err != nil {
			return 0, err
		}
	}
	return replayTo(room, filepath.Join(dir, LogDir), from, lsn)
}

func replayTo(room, log string, from, through uint64) (lsn uint64, err error) {
	e := newEngine(Options{
		FS: vfs.OS(), Dir: room, Config: config.New(), Clock: func() time.Time { return time.UnixMilli(shelfBegin) },
		Fatal: func(error) {}, Log: slog.New(slog.DiscardHandler),
	})
	if _, err := e.openBase(); err != nil {
		return 0, err
	}
	defer func() {
		if base := e.base.Load(); base != nil {
			err = errors.Join(err, base.Close())
		}
	}()
	_, err = aof.Scan(vfs.OS(), log, from+1, func(_ aof.Position, r aof.Record) error {
		if r.LSN > through {
			return errEnough
		}
		return e.replay(r)
	})
	if err != nil && !errors.Is(err, errEnough) {
		return 0, err
	}
	var w resp.Writer
	e.Run(&commands.Client{Authenticated: true, Proto: 2}, &w, [][][]byte{{[]byte("GET"), []byte("lsn")}})
	reply := string(w.Bytes())
	if reply == "$-1\r\n" {
		return 0, nil
	}
	_, value, _ := strings.Cut(reply, "\r\n")
	number, _, _ := strings.Cut(value, ":")
	return strconv.ParseUint(number, 10, 64)
}

func expectState(t *testing.T, dir string, lsn uint64) {
	t.Helper()
	if got, err := stateAt(t, dir, lsn); err != nil || got != lsn {
		t.Errorf("the state at LSN %d is that of LSN %d, %v", lsn, got, err)
	}
}

func mustList(t *testing.T, dir string) []commands.SnapshotInfo {
	t.Helper()
	infos, err := Snapshots(vfs.OS(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return infos
}
