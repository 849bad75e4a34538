package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"holdfast/acl"
	"holdfast/aof"
	"holdfast/config"
	"holdfast/engine"
	"holdfast/intake"
	"holdfast/internal/notify"
	"holdfast/internal/vfs"
	"holdfast/metrics"
	"holdfast/rdb"
	"holdfast/server"
	"holdfast/snapshot"
)

// serveCommand is "holdfast serve". Its flags are the table of directives.
func serveCommand() *cli.Command {
	flags := []cli.Flag{&cli.StringFlag{Name: "config", Usage: "read directives from `FILE`, in the form of redis.conf"}}
	for _, d := range config.Directives() {
		for _, name := range d.Names() {
			flags = append(flags, directiveFlag{&cli.StringFlag{
				Name: name, Usage: d.Usage, DefaultText: d.Default, Hidden: d.Inert || d.Fixed || name != d.Name,
			}, []string{name}})
		}
	}
	return &cli.Command{
		Name:  "serve",
		Usage: "serve a data directory to Redis clients",
		Description: "Every flag is also an environment variable (HOLDFAST_APPENDFSYNC for --appendfsync)\n" +
			"and a directive of the file that --config names. Flags count most, then the environment, then the file.\n" +
			"Short forms: --addr HOST:PORT for --bind and --port, --fsync for --appendfsync.\n" +
			"The exit code is 2 if a setting is wrong, 3 if the data is damaged, 4 if another server has the directory.\n\n" +
			examples("holdfast serve --dir data --maxmemory 1gb --retain 7d", "holdfast serve --config /etc/holdfast/holdfast.conf --fsync everysec"),
		HideHelpCommand: true,
		Flags:           flags,
		OnUsageError:    onUsageError,
		Action: func(ctx *cli.Context) error {
			if ctx.Args().Present() {
				return misused(ctx, fmt.Errorf("serve takes flags only, not %q", ctx.Args().First()))
			}
			return serve(ctx)
		},
	}
}

// directiveFlag is a flag that knows its names. The library works them out anew, by a regular expression, whenever it compares
// a flag with a name: with so many flags that was half of the processor time of a start.
type directiveFlag struct {
	*cli.StringFlag
	names []string
}

// Names are the flag's names: one.
func (f directiveFlag) Names() []string { return f.names }

// settings puts defaults, file, environment and flags together.
func settings(ctx *cli.Context) (*config.Config, error) {
	c := config.New()
	if file := configFile(ctx); file != "" {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("opening the configuration file: %w", err)
		}
		err = errors.Join(c.Load(f, file), f.Close())
		if err != nil {
			return nil, err
		}
	}
	if err := c.Environ(os.Environ(), configVariable, "HOLDFAST_HISTORY"); err != nil {
		return nil, err
	}
	for _, d := range config.Directives() {
		for _, name := range d.Names() {
			if !ctx.IsSet(name) {
				continue
			}
			if err := c.Set(config.Flag, name, ctx.String(name)); err != nil {
				var bad *config.Error
				if errors.As(err, &bad) {
					return nil, errors.New("--" + bad.Explain())
				}
				return nil, err
			}
		}
	}
	return c, nil
}

// configVariable names the configuration file where no flag does.
const configVariable = "HOLDFAST_CONFIG"

// configFile is the path of the configuration file, or "" without one.
func configFile(ctx *cli.Context) string {
	if file := ctx.String("config"); file != "" {
		return file
	}
	return os.Getenv(configVariable)
}

func serve(ctx *cli.Context) (err error) {
	dieBySignal()
	reloads := make(chan os.Signal, 1)
	signal.Notify(reloads, syscall.SIGHUP) // a start may take long, and is not to end by it
	defer signal.Stop(reloads)
	cfg, err := settings(ctx)
	if err != nil {
		return cli.Exit(err.Error(), exitUsage)
	}
	log, err := logger(cfg)
	if err != nil {
		return cli.Exit(err.Error(), exitUsage)
	}
	stop := make(chan bool, 1) // with a checkpoint or without
	ask := func(checkpoint bool) {
		select {
		case stop <- checkpoint:
		default:
		}
	}
	over := make(chan struct{})
	defer close(over)
	gc := newCollector(cfg)
	go gc.follow(over)
	watch, err := metrics.Listen(cfg.String("metrics-addr").Load(), log)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := watch.Close(); err == nil { // an exit code is not to be wrapped
			err = closeErr
		}
	}()
	tell(log, notify.Status("loading"))
	serving := make(chan struct{})
	eng, err := open(ctx, cfg, log, ask, serving)
	if err != nil {
		if tellsInLog(cfg) {
			log.Error("the start is refused", "error", err)
		}
		return cli.Exit(err.Error(), exitCode(err))
	}
	eng.World().RewriteConfig = rewriter(configFile(ctx), cfg, eng.UserLines)
	if err := run(cfg, eng, log, watch, gc, reloads, stop, serving); err != nil {
		return cli.Exit(strings.ReplaceAll(err.Error(), "\n", "; "), exitCode(err))
	}
	return nil
}

func open(ctx *cli.Context, cfg *config.Config, log *slog.Logger, stop func(bool), serving <-chan struct{}) (*engine.Engine, error) {
	dir, err := filepath.Abs(cfg.String("dir").Load())
	if err != nil {
		return nil, err
	}
	identity, seed := identify(ctx, cfg)
	return engine.Open(engine.Options{
		FS: vfs.OS(), Dir: dir, Config: cfg, Clock: time.Now, Seed: seed, Log: log, Stop: stop, Identity: identity, Serving: serving,
		Fatal: func(err error) {
			if tellsInLog(cfg) {
				log.Error("FATAL", "error", err)
			}
			fmt.Fprintln(os.Stderr, "holdfast: FATAL:", err)
			os.Exit(exitCode(err))
		},
	})
}

func identify(ctx *cli.Context, cfg *config.Config) (engine.Identity, uint64) {
	var random [28]byte
	if _, err := rand.Read(random[:]); err != nil {
		panic("BUG: no randomness: " + err.Error()) // crypto/rand promises this does not happen
	}
	executable, err := os.Executable()
	if err != nil {
		executable = os.Args[0]
	}
	file := configFile(ctx)
	if abs, err := filepath.Abs(file); file != "" && err == nil {
		file = abs
	}
	port := cfg.Int("port").Load()
	if port == 0 {
		port = cfg.Int("tls-port").Load() // as Redis has it
	}
	return engine.Identity{
		Version: version, RunID: hex.EncodeToString(random[:20]), ConfigFile: file, Executable: executable,
		Port: int(port),
	}, binary.LittleEndian.Uint64(random[20:])
}

// firstServed is how long those who waited for the sockets are left the processors, once these are open.
const firstServed = 20 * time.Millisecond

// run serves until a signal, SHUTDOWN or a failure, then closes in good order. It closes serving when the first clients have
// been served.
func run(
	cfg *config.Config, eng *engine.Engine, log *slog.Logger, watch *metrics.Watch, gc *collector, reloads <-chan os.Signal, stop chan bool,
	serving chan<- struct{},
) error {
	var srv *server.Server
	srv = server.New(server.Options{
		Engine: eng, Config: cfg, Log: log, Clock: time.Now,
		Ready: func() {
			time.AfterFunc(firstServed, func() { close(serving) })
			if tellsInLog(cfg) {
				log.Info("started", "version", version, "process", os.Getpid(), "listening", listening(cfg), "dir", cfg.String("dir").Load(),
					"durability", durability(cfg), "recovered", eng.Report().String())
			}
			if !tellsInLog(cfg) || isTerminal(os.Stdout) {
				fmt.Print(greeting(cfg, eng, watch))
			}
			watch.Serving(metrics.Source{Engine: eng, Server: srv})
			tell(log, notify.Ready, notify.Status("serving; "+eng.Report().String()))
		},
	})
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(signals)

	over := make(chan struct{})
	defer close(over)
	gc.serve(eng)
	go gc.giveBack(eng, srv, over)
	go keepAlive(eng, log, over)

	served := make(chan error, 1)
	go func() { served <- srv.Run() }()
	checkpoint := len(cfg.SaveRules().Load()) > 0
	for waiting := true; waiting; {
		select {
		case err := <-served:
			return errors.Join(err, eng.Close(false))
		case <-reloads:
			reload(srv, log)
			continue
		case s := <-signals:
			if !mayStop(eng, log, checkpoint) {
				continue
			}
			log.Info("stopping", "signal", s.String())
		case checkpoint = <-stop:
			log.Info("stopping", "command", "SHUTDOWN")
		}
		waiting = false
	}
	watch.Stopping()
	tell(log, notify.Stopping, notify.Status("stopping"))
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := srv.Stop(ctx)
	if err = errors.Join(err, <-served, eng.Close(checkpoint)); err != nil {
		return err
	}
	if !checkpoint && !cfg.Bool("appendonly").Load() {
		log.Info("stopped; nothing was saved, as asked")
		return nil
	}
	log.Info("stopped; everything is on disk")
	return nil
}

// tellsInLog reports whether somebody reads the log rather than a terminal: then a start and its end are told there too.
func tellsInLog(cfg *config.Config) bool {
	return cfg.String("logfile").Load() != "" || cfg.String("log-format").Load() == "json"
}

// mayStop reports whether a signal may end the server: not where that would lose what could not be saved.
func mayStop(eng *engine.Engine, log *slog.Logger, checkpoint bool) bool {
	if !checkpoint {
		return true
	}
	err := eng.SaveLast()
	if err != nil {
		log.Error("not stopping: what would be lost could not be saved; make room, or end the server with SHUTDOWN NOSAVE", "error", err)
	}
	return err == nil
}

// reload is what SIGHUP asks for.
func reload(srv *server.Server, log *slog.Logger) {
	err := srv.ReloadTLS()
	switch {
	case err != nil:
		log.Error("the certificate could not be read again; the old one stays in use", "error", err)
	case srv.CertificateExpires().IsZero():
		log.Info("SIGHUP: nothing is read anew, as there is no TLS; settings are changed by CONFIG SET or a restart")
	default:
		log.Info("SIGHUP: the certificate has been read anew")
	}
}

// greeting is what a start prints: where it listens, where the data is, what was recovered.
func greeting(cfg *config.Config, eng *engine.Engine, watch *metrics.Watch) string {
	dir, err := filepath.Abs(cfg.String("dir").Load())
	if err != nil {
		dir = cfg.String("dir").Load()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "holdfast %s, process %d\n", version, os.Getpid())
	fmt.Fprintf(&b, "  listening  %s\n", listening(cfg))
	if watch != nil {
		fmt.Fprintf(&b, "  metrics    http://%s/metrics\n", watch.Address())
	}
	fmt.Fprintf(&b, "  data       %s\n", dir)
	fmt.Fprintf(&b, "  durability %s\n", durability(cfg))
	fmt.Fprintf(&b, "  recovered  %s\n", eng.Report())
	return b.String()
}

// listening is where the server does.
func listening(cfg *config.Config) string {
	addresses, secure, unix := server.Addresses(cfg)
	for _, a := range secure {
		addresses = append(addresses, a+" (TLS)")
	}
	if unix != "" {
		addresses = append(addresses, unix)
	}
	return strings.Join(addresses, ", ")
}

// durability says in words what the settings promise.
func durability(cfg *config.Config) string {
	if cfg.Bool("appendonly").Load() {
		switch cfg.String("appendfsync").Load() {
		case "always":
			return "fsync always: a reply means that the write is on disk"
		case "everysec":
			return "fsync everysec: a power cut may lose the last second; a killed process loses nothing"
		}
		return "fsync no: a power cut may lose what the kernel had not written; a killed process loses nothing"
	}
	if rules, _ := cfg.Get("save"); rules != "" {
		return "snapshots only (save " + rules + "): a crash loses what came after the last one"
	}
	return "NONE: memory only, everything written is lost when the process ends (--appendonly no --save \"\")"
}

// exitCode says what kind of failure it was that kept the server from starting, or ended it.
func exitCode(err error) int {
	var damage *aof.DamageError
	switch {
	case errors.Is(err, acl.ErrFile), errors.Is(err, server.ErrSettings), errors.Is(err, server.ErrTLS):
		return exitUsage
	case errors.Is(err, engine.ErrInUse), errors.Is(err, snapshot.ErrLocked):
		return exitInUse
	case errors.Is(err, aof.ErrNewer), errors.Is(err, snapshot.ErrNewer), errors.Is(err, snapshot.ErrNotBase):
		return exitFailed
	case errors.As(err, &damage), errors.Is(err, snapshot.ErrCorrupt), errors.Is(err, engine.ErrLogMissing), errors.Is(err, engine.ErrDataMissing),
		errors.Is(err, rdb.ErrCorrupt), errors.Is(err, rdb.ErrChecksum), errors.Is(err, intake.ErrInput):
		return exitDamaged
	}
	return exitFailed
}

// logger is the structured log that the settings ask for; CONFIG SET loglevel changes what it lets through.
func logger(cfg *config.Config) (*slog.Logger, error) {
	level := new(slog.LevelVar)
	var out io.Writer = os.Stderr
	if path := cfg.String("logfile").Load(); path != "" {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return nil, fmt.Errorf("--logfile: %w; give a file that can be written", err)
		}
		out = f
	}
	level.Set(config.Level(cfg.String("loglevel").Load()))
	cfg.String("loglevel").OnChange(func(name string) error {
		level.Set(config.Level(name))
		return nil
	})
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: nameLevel}
	if cfg.String("log-format").Load() == "json" {
		return slog.New(slog.NewJSONHandler(out, options)), nil
	}
	return slog.New(slog.NewTextHandler(out, options)), nil
}

// nameLevel gives the level that log/slog has no name for its own.
func nameLevel(_ []string, a slog.Attr) slog.Attr {
	if level, ok := a.Value.Any().(slog.Level); ok && a.Key == slog.LevelKey && level == config.LevelVerbose {
		a.Value = slog.StringValue("VERBOSE")
	}
	return a
}

// rewriter is what CONFIG REWRITE does: the file is replaced whole.
func rewriter(path string, cfg *config.Config, users func() [][]string) func() error {
	if path == "" {
		return nil
	}
	return func() error {
		old, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(cfg.Users(), func(u config.UserLine) bool { return u.Included }) {
			return errors.New("users are in an included file, which would have to be changed too; use an aclfile and ACL SAVE")
		}
		return vfs.Rewrite(vfs.OS(), path, cfg.Rewrite(old, users()))
	}
}
