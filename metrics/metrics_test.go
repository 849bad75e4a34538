package metrics

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"holdfast/commands"
	"holdfast/config"
	"holdfast/engine"
	"holdfast/internal/histogram"
	"holdfast/internal/vfs"
	"holdfast/resp"
)

// site is a watch on a running engine, with a server of its own making.
type site struct {
	t      *testing.T
	engine *engine.Engine
	watch  *Watch
	url    string
}

type door struct{}

func (door) Figures() commands.ClientFigures {
	return commands.ClientFigures{Connected: 3, MaxClients: 10_000}
}
func (door) CertificateExpires() time.Time { return time.Unix(2_000_000_000, 0) }

func open(t *testing.T) *site {
	t.Helper()
	cfg := config.New()
	eng, err := engine.Open(engine.Options{
		FS: vfs.OS(), Dir: t.TempDir(), Config: cfg, Clock: time.Now, Seed: 1, Log: slog.New(slog.DiscardHandler),
		Fatal: func(err error) { t.Error(err) }, Stop: func(bool) {}, Identity: engine.Identity{Version: "test"},
	})
	if err != nil {
		t.Fatal(err)
	}
	watch, err := Listen("127.0.0.1:0", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := watch.Close(); err != nil {
			t.Error(err)
		}
		if err := eng.Close(false); err != nil {
			t.Error(err)
		}
	})
	return &site{t, eng, watch, "http://" + watch.Address()}
}

// run runs commands of one client, each of words.
func (s *site) run(lines ...string) {
	s.t.Helper()
	client := &commands.Client{Proto: 2, Authenticated: true, User: s.engine.World().Users.Default}
	var w resp.Writer
	for _, line := range lines {
		var args [][]byte
		for _, word := range strings.Fields(line) {
			args = append(args, []byte(word))
		}
		s.engine.Run(client, &w, [][][]byte{args})
		if err := s.engine.Commit(); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *site) get(path string) (status int, body string) {
	s.t.Helper()
	response, err := http.Get(s.url + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// scrape returns the samples, by name and labels, and the whole text.
func (s *site) scrape() (samples map[string]string, text string) {
	s.t.Helper()
	status, text := s.get("/metrics")
	if status != http.StatusOK {
		s.t.Fatal(status, text)
	}
	samples = map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && !strings.HasPrefix(line, "#") {
			samples[name] = value
		}
	}
	return samples, text
}

func TestScrape(t *testing.T) {
	s := open(t)
	s.watch.Serving(Source{s.engine, door{}})
	s.run("SET a 1", "SET b 2", "SET c 3 PX 1000000", "GET a", "GET none", "INCR", "NOSUCH", "LPUSH a x", "SELECT 3", "SET d 4", "CONFIG GET dir")
	samples, text := s.scrape()
	for name, want := range map[string]string{
		`holdfast_commands_total{command="set"}`:                            "4",
		`holdfast_commands_total{command="get"}`:                            "2",
		`holdfast_commands_total{command="config|get"}`:                     "1",
		`holdfast_commands_rejected_total{command="incr"}`:                  "1",
		`holdfast_commands_failed_total{command="lpush"}`:                   "1",
		`holdfast_errors_total{code="ERR"}`:                                 "2",
		`holdfast_errors_total{code="WRONGTYPE"}`:                           "1",
		`holdfast_command_duration_seconds_count{command="set"}`:            "4",
		`holdfast_command_duration_seconds_bucket{command="set",le="+Inf"}`: "4",
		`holdfast_keys{db="0"}`:                                             "3",
		`holdfast_keys{db="3"}`:                                             "1",
		`holdfast_keys_with_deadline{db="0"}`:                               "1",
		`holdfast_log_batch_records_count`:                                  "4",
		`holdfast_log_batch_records_bucket{le="1"}`:                         "4",
		`holdfast_log_sync_duration_seconds_count`:                          "4",
		`holdfast_log_last_lsn`:                                             "4",
		`holdfast_log_durable_lsn`:                                          "4",
		`holdfast_keyspace_hits_total`:                                      "1",
		`holdfast_keyspace_misses_total`:                                    "1",
		`holdfast_connected_clients`:                                        "3",
		`holdfast_access_denied_total{reason="auth"}`:                       "0",
		`holdfast_script_seconds`:                                           "0",
		`holdfast_pubsub_topics{kind="channel"}`:                            "0",
		`holdfast_writable`:                                                 "1",
		`holdfast_checkpoint_ok`:                                            "1",
		`holdfast_tls_certificate_expiry_timestamp_seconds`:                 "2e+09",
	} {
		if got := samples[name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestHealth(t *testing.T) {
	s := open(t)
	expect := func(path string, status int, text string) {
		t.Helper()
		if got, body := s.get(path); got != status || body != text+"\n" {
			t.Errorf("%s: %d %q, want %d %s", path, got, body, status, text)
		}
	}
	expect("/healthz", http.StatusOK, "ok")
	expect("/readyz", http.StatusServiceUnavailable, "loading")
	expect("/metrics", http.StatusServiceUnavailable, "loading")
	s.watch.Serving(Source{s.engine, door{}})
	expect("/readyz", http.StatusOK, "ok")
	s.watch.Stopping()
	expect("/readyz", http.StatusServiceUnavailable, "stopping")
	expect("/healthz", http.StatusOK, "ok")
	if status, body := s.get("/debug/pprof/goroutine?debug=1"); status != http.StatusOK || !strings.Contains(body, "goroutine profile") {
		t.Error("profile:", status, body)
	}
	if status, _ := s.get("/else"); status != http.StatusNotFound {
		t.Error("/else:", status)
	}
}

// Without an address there is nothing, and nothing to do.
func TestOff(t *testing.T) {
	watch, err := Listen("", slog.New(slog.DiscardHandler))
	if watch != nil || err != nil {
		t.Fatal(watch, err)
	}
	watch.Serving(Source{})
	watch.Stopping()
	if err := watch.Close(); err != nil {
		t.Error(err)
	}
}

func TestAddressInUse(t *testing.T) {
	s := open(t)
	if _, err := Listen(s.watch.Address(), slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), s.watch.Address()) {
		t.Error("got", err)
	}
}

// Histograms are told by bounds that count exactly.
func TestShapes(t *testing.T) {
	var h histogram.Histogram
	for n := range int64(100) {
		h.Add(n+1, 1)
	}
	count, sum, buckets := sizes().tell(&h)
	if count != 100 || sum != 5050 || buckets[1] != 1 || buckets[3] != 3 || buckets[63] != 63 || buckets[127] != 100 {
		t.Error(count, sum, buckets)
	}
	var l histogram.Histogram
	l.Add(1_000_000, 16) // a millisecond
	count, sum, buckets = latencies().tell(&l)
	if count != 16 || sum != 0.016 || buckets[float64(1<<19)*1e-9] != 0 || buckets[float64(1<<20)*1e-9] != 16 {
		t.Error(count, sum, buckets)
	}
}

// However many codes of errors there are, few are told apart.
func TestFewCodes(t *testing.T) {
	codes := map[string]int64{}
	for i := range 3 * codesMost {
		codes[fmt.Sprint("E", i)] = int64(i)
	}
	few := fewCodes(codes)
	var sum int64
	for _, n := range few {
		sum += n
	}
	if len(few) != codesMost+1 || sum != 3*codesMost*(3*codesMost-1)/2 || few["E299"] != 299 {
		t.Errorf("%d codes of %d errors", len(few), sum)
	}
}

// names of the metrics that a scrape of a server at work has, without labels and what histograms add.
func names(t *testing.T) []string {
	t.Helper()
	s := open(t)
	s.watch.Serving(Source{s.engine, door{}})
	s.run("SET a 1", "GET a", "NOSUCH")
	_, text := s.scrape()
	var all []string
	for _, found := range regexp.MustCompile(`(?m)^# TYPE (\S+) `).FindAllStringSubmatch(text, -1) {
		all = append(all, found[1])
	}
	return all
}

// Each metric that the dashboard, the rules and the documentation speak of exists, and each of ours is documented.
func TestNamesThatAreSpokenOf(t *testing.T) {
	exist := names(t)
	for _, file := range []string{"../deploy/grafana-dashboard.json", "../deploy/prometheus-rules.yml", "../docs/operations.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		spoken := regexp.MustCompile(`\b(holdfast|go|process)_[a-z0-9_]+\b`).FindAllString(string(text), -1)
		if len(spoken) < 10 {
			t.Errorf("%s speaks of %d metrics", file, len(spoken))
		}
		for _, name := range spoken {
			base := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
			if !slices.Contains(exist, name) && !slices.Contains(exist, base) {
				t.Errorf("%s speaks of %s, which there is not", file, name)
			}
		}
		if !strings.HasSuffix(file, ".md") {
			continue
		}
		for _, name := range exist {
			if strings.HasPrefix(name, "holdfast_") && !slices.Contains(spoken, name) {
				t.Errorf("%s says nothing of %s", file, name)
			}
		}
	}
}

// Each alarm has its row in the documentation, and each row its alarm.
func TestAlarmsAreDocumented(t *testing.T) {
	find := func(file, pattern string) (all []string) {
		t.Helper()
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
			all = append(all, found[1])
		}
		return all
	}
	alarms, rows := find("../deploy/prometheus-rules.yml", `(?m)- alert: (\w+)$`), find("../docs/operations.md", `(?m)^\| (Holdfast\w+) \|`)
	slices.Sort(alarms)
	slices.Sort(rows)
	if len(alarms) < 10 || !slices.Equal(alarms, rows) {
		t.Errorf("alarms %q, documented %q", alarms, rows)
	}
}

// However many connections come and stay, a few are open at a time: the others wait until one of those ends.
func TestConnectionsAreBounded(t *testing.T) {
	s := open(t)
	const waiting = 10
	var all []net.Conn
	for range connections + waiting {
		c, err := net.Dial("tcp", s.watch.Address())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		fmt.Fprint(c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
		all = append(all, c)
	}
	answered := func(c net.Conn, within time.Duration) bool {
		if err := c.SetReadDeadline(time.Now().Add(within)); err != nil {
			t.Fatal(err)
		}
		_, err := c.Read(make([]byte, 1))
		return err == nil
	}
	for i, c := range all[:connections] {
		if !answered(c, 20*time.Second) {
			t.Fatalf("connection %d has no answer", i)
		}
	}
	for _, c := range all[connections:] {
		if answered(c, 10*time.Millisecond) {
			t.Fatal("there is one connection too many")
		}
	}
	for i := range waiting {
		all[i].Close()
	}
	for i, c := range all[connections:] {
		if !answered(c, idleWait-time.Second) {
			t.Errorf("connection %d has no answer though others have ended", connections+i)
		}
	}
	if s.watch.http.IdleTimeout != idleWait {
		t.Error("idle connections keep their room")
	}
}

// The dashboard is what Grafana reads: panels with queries, on a data source that is asked for.
func TestDashboard(t *testing.T) {
	text, err := os.ReadFile("../deploy/grafana-dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Title  string
		Panels []struct {
			Type, Title string
			ID          int
			GridPos     struct{ X, W int }
			Targets     []struct {
				Expr       string
				Datasource struct{ UID string }
			}
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	ids := map[int]bool{}
	for _, p := range dashboard.Panels {
		if ids[p.ID] || p.Title == "" || p.GridPos.X+p.GridPos.W > 24 || p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %d, %q", p.ID, p.Title)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			if !strings.Contains(target.Expr, `{instance=~"$instance"`) || target.Datasource.UID != "${datasource}" ||
				strings.Count(target.Expr, "(") != strings.Count(target.Expr, ")") {
				t.Errorf("%s: %s", p.Title, target.Expr)
			}
		}
	}
	if dashboard.Title != "holdfast" || len(ids) < 20 {
		t.Errorf("%q with %d panels", dashboard.Title, len(ids))
	}
}
