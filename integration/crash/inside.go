package crash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"holdfast/commands"
	"holdfast/config"
	"holdfast/engine"
	"holdfast/internal/vfs"
	"holdfast/lab/subject"
	"holdfast/resp"
)

// Inside starts holdfast's engine in this process: it is a subject.Starter. What it acknowledges is not durable, as syncs
// cost nothing here; who plays power cuts on it needs a real one.
type Inside struct {
	// Settings are names and values of directives.
	Settings []string
	Clock    func() time.Time
	ids      atomic.Int64
}

// Start opens an engine. Whatever refuses it is subject.ErrRefused.
func (s *Inside) Start(ctx context.Context, dir string) (subject.Server, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	settings := config.New()
	for i := 0; i < len(s.Settings); i += 2 {
		if err := settings.Set(config.Flag, s.Settings[i], s.Settings[i+1]); err != nil {
			return nil, fmt.Errorf("setting %s: %w", s.Settings[i], err)
		}
	}
	r := &running{starter: s, fs: &mortalFS{FS: vfs.OS()}, dead: make(chan struct{})}
	e, err := open(engine.Options{
		FS: r.fs, Dir: dir, Config: settings, Clock: s.Clock, Seed: 1, Log: slog.New(slog.NewTextHandler(&r.output, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Fatal: func(err error) {
			_, _ = fmt.Fprintln(&r.output, "FATAL", err) // a buffer takes everything
			r.fatal.Store(true)
		},
		Stop: func(bool) {},
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", subject.ErrRefused, err)
	}
	e.Do(func() { e.World().Clients = nobody{} })
	r.engine = e
	return r, nil
}

// open opens an engine. A child of this process that is just being started has the lock of the one before, like every open
// file, until it becomes another program; so what is in use is tried again for a moment.
func open(o engine.Options) (*engine.Engine, error) {
	const tries, pause = 500, 2 * time.Millisecond
	for try := 1; ; try++ {
		e, err := engine.Open(o)
		if !errors.Is(err, engine.ErrInUse) || try == tries {
			return e, err
		}
		time.Sleep(pause)
	}
}

// running is an engine that runs.
type running struct {
	starter *Inside
	fs      *mortalFS
	engine  *engine.Engine
	output  output
	fatal   atomic.Bool

	killing sync.Once
	dead    chan struct{} // closed when it is being killed
}

// Kill ends the engine as kill -9 does: from now on it changes nothing in the log's files and no names. A checkpoint that is
// writing into bbolt's file, which is not ours to stop, gets to its end: what it leaves is a crash a moment later.
func (r *running) Kill() error {
	r.killing.Do(func() {
		close(r.dead)
		r.fs.die()
		// Its error is that it cannot write any more, which is what was wanted.
		_ = r.engine.Close(false) //nolint:errcheck // see above
	})
	return nil
}

func (r *running) Output() string { return r.output.String() }

func (r *running) Dial() (subject.Conn, error) {
	c := &conn{r: r, mail: make(chan []byte, 1)}
	c.client = commands.Client{ID: r.starter.ids.Add(1), Proto: 2, Authenticated: true, Peer: c}
	c.decoder = resp.NewDecoder(&c.in)
	return c, nil
}

// conn is a client without a socket.
type conn struct {
	r       *running
	client  commands.Client
	in      bytes.Reader
	decoder *resp.Decoder
	mail    chan []byte // the reply to a request that had to wait
}

// Do runs a request and commits it. The reply leaves when its gate has been passed, as in the server.
func (c *conn) Do(args ...[]byte) (resp.Reply, error) {
	select {
	case <-c.r.dead:
		return resp.Reply{}, io.EOF
	default:
	}
	var w resp.Writer
	w.SetProto(c.client.Proto)
	done, gate := c.r.engine.Run(&c.client, &w, [][][]byte{args})
	err := c.r.engine.Commit()
	if err != nil || done != 1 || c.r.fatal.Load() || gate > c.r.engine.Passed() {
		return resp.Reply{}, fmt.Errorf("%w: %d requests taken, gate %d: %w", io.EOF, done, gate, err)
	}
	reply := w.Take()
	if len(reply) == 0 {
		select {
		case reply = <-c.mail:
		case <-c.r.dead:
			return resp.Reply{}, io.EOF
		}
	}
	c.in.Reset(reply)
	return c.decoder.Decode()
}

// Close leaves the engine alone: it has no list of clients.
func (c *conn) Close() error { return nil }

func (c *conn) Deliver(reply []byte, _ uint64) { c.mail <- bytes.Clone(reply) }
func (c *conn) Resume()                        {}
func (c *conn) Kill(bool)                      {}
func (c *conn) Buffers() (in, out int)         { return 0, 0 }
func (c *conn) FD() int                        { return 0 }
func (c *conn) Collect(*resp.Writer) uint64    { return 0 }

// nobody are the clients that an engine without a server has.
type nobody struct{}

func (nobody) Each(func(*commands.Client) bool) {}
func (nobody) ByID(int64) *commands.Client      { return nil }
func (nobody) Figures() commands.ClientFigures  { return commands.ClientFigures{} }
func (nobody) ResetStats()                      {}

// output is what an engine says.
type output struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// mortalFS is the machine's file system for a process that may be killed: then every change fails. Syncs do nothing, and
// preallocated room is a hole: on both only the speed of a machine depends that stays up.
type mortalFS struct {
	vfs.FS
	mu   sync.RWMutex // guards dead; held while something is changed
	dead bool
}

var errKilled = errors.New("killed")

func (m *mortalFS) die() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead = true
}

// change does something, unless the process is dead.
func (m *mortalFS) change(do func() error) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.dead {
		return errKilled
	}
	return do()
}

func (m *mortalFS) open(open func(string) (vfs.File, error), path string) (file vfs.File, err error) {
	err = m.change(func() error {
		inner, err := open(path)
		file = &mortalFile{inner, m}
		return err
	})
	if err != nil {
		return nil, err
	}
	return file, nil
}

func (m *mortalFS) Create(path string) (vfs.File, error)   { return m.open(m.FS.Create, path) }
func (m *mortalFS) Open(path string) (vfs.File, error)     { return m.open(m.FS.Open, path) }
func (m *mortalFS) OpenRead(path string) (vfs.File, error) { return m.open(m.FS.OpenRead, path) }
func (m *mortalFS) SyncDir(string) error                   { return m.change(func() error { return nil }) }
func (m *mortalFS) Rename(from, to string) error {
	return m.change(func() error { return m.FS.Rename(from, to) })
}
func (m *mortalFS) Remove(path string) error {
	return m.change(func() error { return m.FS.Remove(path) })
}
func (m *mortalFS) MkdirAll(dir string) error {
	return m.change(func() error { return m.FS.MkdirAll(dir) })
}

type mortalFile struct {
	vfs.File
	fs *mortalFS
}

func (f *mortalFile) Sync() error { return f.fs.change(func() error { return nil }) }

func (f *mortalFile) Truncate(size int64) error {
	return f.fs.change(func() error { return f.File.Truncate(size) })
}

func (f *mortalFile) WriteAt(b []byte, off int64) (n int, err error) {
	err = f.fs.change(func() (err error) {
		n, err = f.File.WriteAt(b, off)
		return err
	})
	return n, err
}

func (f *mortalFile) Preallocate(off, size int64) error {
	return f.fs.change(func() error {
		have, err := f.Size()
		if err == nil && have <= off {
			return f.File.Truncate(off + size)
		}
		return f.File.Preallocate(off, size)
	})
}
