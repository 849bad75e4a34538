package metrics

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"holdfast/commands"
)

// Server is what the metrics need of the clients' side.
type Server interface {
	Figures() commands.ClientFigures
	CertificateExpires() time.Time
}

// Watch is the HTTP server of metrics-addr. A nil Watch is one that was not asked for: its methods do nothing.
type Watch struct {
	http    http.Server
	address net.Addr
	ended   chan struct{}

	mu      sync.Mutex
	unready string       // why requests should go elsewhere; "" while they should not; guarded by mu
	metrics http.Handler // nil before Serving; guarded by mu
}

// ErrAddress says that metrics-addr cannot be listened on.
var ErrAddress = errors.New("cannot serve metrics")

// Bounds of the HTTP server: who asks is trusted to be a monitor, and still cannot hold it up.
const (
	headerWait  = 5 * time.Second
	requestWait = 30 * time.Second
	idleWait    = 5 * time.Second // a monitor that asks rarely connects anew
	connections = 64              // at a time; server's reserve of descriptors has room for them
	headerBytes = 16 << 10
)

// Listen begins to serve HTTP at an address as the directive metrics-addr has it; "" returns nil. Until Serving is called, it
// says that the data are being loaded.
func Listen(address string, log *slog.Logger) (*Watch, error) {
	if address == "" {
		return nil, nil
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%w on metrics-addr %s: %w", ErrAddress, address, err)
	}
	w := &Watch{unready: "loading", address: listener.Addr(), ended: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(out http.ResponseWriter, _ *http.Request) { answer(out, "") })
	mux.HandleFunc("GET /readyz", func(out http.ResponseWriter, _ *http.Request) { answer(out, w.reason()) })
	mux.HandleFunc("GET /metrics", w.scrape)
	if at, ok := listener.Addr().(*net.TCPAddr); ok && at.IP.IsLoopback() { // profiles cost the server, so not for a whole network
		mux.HandleFunc("GET /debug/pprof/", pprof.Index) // heap, goroutine and the other lists
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	w.http = http.Server{
		Handler: mux, ReadHeaderTimeout: headerWait, ReadTimeout: requestWait, WriteTimeout: requestWait, IdleTimeout: idleWait,
		MaxHeaderBytes: headerBytes, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	go func() {
		defer close(w.ended)
		if err := w.http.Serve(narrowed(listener, connections)); !errors.Is(err, http.ErrServerClosed) {
			log.Error("metrics are not served any more", "error", err)
		}
	}()
	return w, nil
}

// Address is where it listens, as host:port.
func (w *Watch) Address() string { return w.address.String() }

// answer says ok, or why not.
func answer(out http.ResponseWriter, reason string) {
	out.Header().Set("Content-Type", "text/plain; charset=utf-8")
	out.Header().Set("Cache-Control", "no-store")
	if reason != "" {
		out.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(out, reason) // an error is the asker's, who is gone
		return
	}
	fmt.Fprintln(out, "ok")
}

func (w *Watch) reason() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.unready
}

func (w *Watch) scrape(out http.ResponseWriter, request *http.Request) {
	w.mu.Lock()
	handler := w.metrics
	w.mu.Unlock()
	if handler == nil {
		answer(out, w.reason())
		return
	}
	handler.ServeHTTP(out, request)
}

// Serving says that the sockets are open: requests may come, and there are metrics.
func (w *Watch) Serving(source Source) {
	if w == nil {
		return
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(newCollector(source), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unready = ""
	w.metrics = promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// Stopping says that the server is about to end.
func (w *Watch) Stopping() {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unready = "stopping"
}

// Close ends the HTTP server, whoever is being answered.
func (w *Watch) Close() error {
	if w == nil {
		return nil
	}
	err := w.http.Close()
	<-w.ended
	return err
}
