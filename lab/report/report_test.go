package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/lab/disk"
	"holdfast/lab/fault"
	"holdfast/lab/play"
	"holdfast/lab/trace"
	"holdfast/lab/workload"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares what was written with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not as it was; -update writes it anew. Got:\n%s", name, got)
	}
}

func setup() Setup {
	return Setup{Server: "other", Policy: "always", Workload: "registers", Seed: 7, Trace: "t.trace",
		Replay: "holdfast lab play --trace t.trace --state"}
}

// result makes a state's result.
func result(seq uint64, reading disk.Reading, variant disk.Variant, o play.Outcome, findings ...workload.Finding) play.Result {
	s := play.State{Seq: seq, Reading: reading, Piece: 512, Variant: variant, Choice: "all"}
	return play.Result{State: s, Name: s.String(), Variant: string(variant), Outcome: o, Round: 1, Findings: findings, Millis: 12}
}

func finding(check workload.Check, key, detail string) workload.Finding {
	return workload.Finding{Check: check, Key: key, Detail: detail}
}

// someResults has every outcome.
func someResults() (results []play.Result) {
	lost := finding(workload.Lost, "register:{1}:a", `"r0.1.7" was acknowledged at event 39, and the key is not there`)
	for seq := uint64(10); seq < 60; seq++ {
		results = append(results, result(seq, disk.Strict, disk.Everything, play.Sound), result(seq, disk.Ordered, disk.Torn, play.Sound))
		switch {
		case seq%10 == 3:
			r := result(seq, disk.Strict, disk.Random, play.Refused)
			r.Reason = fmt.Sprintf("log.1 is damaged at %d\nnothing was changed", seq)
			results = append(results, r)
		case seq >= 40 && seq < 48:
			r := result(seq, disk.Strict, disk.OnlySynced, play.Broken, lost, lost)
			if seq == 42 {
				r.Least, r.LeastLost = "40/strict/512/1", []string{"write of 43 bytes at 812 of log.1"}
			}
			results = append(results, r)
		default:
			results = append(results, result(seq, disk.Strict, disk.OnlySynced, play.Sound))
		}
	}
	torn := result(51, disk.Strict, disk.Torn, play.Broken, lost, finding(workload.Torn, "account:{0}:a", "the accounts' total is 7, not 0"))
	torn.Round = 2
	hangs := result(52, disk.Ordered, disk.Torn, play.Silent, finding(workload.NeverStarted, "", "it neither answers nor ends"))
	hangs.Reason = "waiting for the rest"
	return append(results, torn, hangs)
}

func crashes(results ...play.Result) *Crashes {
	c := NewCrashes(setup())
	for _, r := range results {
		c.Add(r)
	}
	return c
}

func TestCrashesAsText(t *testing.T) {
	c := crashes(someResults()...)
	var out bytes.Buffer
	if err := WriteText(&out, c, nil); err != nil {
		t.Fatal(err)
	}
	golden(t, "crashes.txt", out.Bytes())
}

// Of both, both verdicts come last.
func TestCrashesAndFaultsAsText(t *testing.T) {
	var out bytes.Buffer
	c, f := crashes(result(1, disk.Strict, disk.Random, play.Sound)), faults()
	if err := WriteText(&out, c, f); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(out.String(), "\n\n"+c.Verdict()+"\n"+f.Verdict()+"\n") {
		t.Errorf("the last lines are not the verdicts:\n%s", out.String())
	}
}

func TestCrashesAsJSON(t *testing.T) {
	c := crashes(someResults()...)
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "crashes.json", append(text, '\n'))
}

// The tables do not depend on the order in which states happen to be done.
func TestOrderOfResultsDoesNotMatterToCounts(t *testing.T) {
	results := someResults()
	forward := crashes(results...)
	slices.Reverse(results)
	backward := crashes(results...)
	if !slices.Equal(forward.variants, backward.variants) || forward.counts != backward.counts {
		t.Errorf("%+v\n%+v", forward.variants, backward.variants)
	}
}

func TestVerdicts(t *testing.T) {
	sound := result(1, disk.Strict, disk.Random, play.Sound)
	refused := result(2, disk.Strict, disk.Random, play.Refused)
	broken := result(3, disk.Strict, disk.Random, play.Broken, finding(workload.Order, "k", "…"), finding(workload.Lost, "k", "…"))
	silent := result(4, disk.Strict, disk.Random, play.Silent)
	for _, c := range []struct {
		results []play.Result
		policy  string
		cut     string
		held    bool
		verdict string
	}{
		{nil, "always", "", false, "0 states, 0 sound, 0 refused, 0 broken: nothing was played, so nothing is shown"},
		{[]play.Result{sound}, "always", "", true, "1 state, 1 sound, 0 refused, 0 broken: every acknowledged write survived"},
		{slices.Repeat([]play.Result{sound}, 4212), "always", "", true,
			"4,212 states, 4,212 sound, 0 refused, 0 broken: every acknowledged write survived"},
		{[]play.Result{sound}, "everysec", "interrupted", true,
			"1 state, 1 sound, 0 refused, 0 broken: every write acknowledged a second before survived (interrupted)"},
		{[]play.Result{sound, refused}, "always", "", true,
			"2 states, 1 sound, 1 refused, 0 broken: where it started, every acknowledged write survived"},
		{[]play.Result{refused}, "always", "", false, "1 state, 0 sound, 1 refused, 0 broken: it never started, so nothing is shown"},
		{[]play.Result{sound, broken, broken}, "always", "", false,
			"3 states, 1 sound, 0 refused, 2 broken: state that no serial history allows in 2, acknowledged write lost in 2"},
		{[]play.Result{sound, silent}, "always", "", false,
			"2 states, 1 sound, 0 refused, 0 broken, 1 silent: the server neither started nor ended"},
	} {
		r := NewCrashes(Setup{Server: "holdfast", Policy: c.policy, Workload: "registers"})
		for _, result := range c.results {
			r.Add(result)
		}
		r.End(0, c.cut)
		want := "holdfast · " + c.policy + " · registers: " + c.verdict
		if got := r.Verdict(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if r.Held() != c.held {
			t.Errorf("%s: held is %v", want, r.Held())
		}
	}
}

// However many fail in the usual way, the first of each check is kept, in front; and a failure that was shrunk is.
func TestFailuresThatAreKept(t *testing.T) {
	lost := finding(workload.Lost, "a", "gone")
	c := NewCrashes(setup())
	for seq := range uint64(1000) {
		c.Add(result(seq, disk.Strict, disk.Random, play.Broken, lost))
	}
	c.Add(result(2000, disk.Strict, disk.Random, play.Broken, lost, finding(workload.Deadline, "b", "late")))
	shrunk := result(2001, disk.Strict, disk.Random, play.Broken, lost)
	shrunk.Least = "5/strict/512/0"
	c.Add(shrunk)
	if len(c.failures) > failuresMax+2 || c.failures[1].State.Seq != 2000 {
		t.Fatalf("%d are kept, the second of them %v", len(c.failures), c.failures[1].Name)
	}
	if !slices.ContainsFunc(c.failures, func(f Failure) bool { return f.Least == shrunk.Least }) {
		t.Error("the one that was shrunk is not among them")
	}
	if c.leftOut() != 1002-len(c.failures) {
		t.Errorf("%d are said to be left out", c.leftOut())
	}
}

// States in which nothing had been promised show nothing, unless somebody wanted that one.
func TestNothingDue(t *testing.T) {
	for policy, want := range map[string]string{"always": "no write had been acknowledged", "everysec": "less than a second"} {
		c := NewCrashes(Setup{Policy: policy})
		c.Add(play.Result{Outcome: play.Sound, NothingDue: true})
		if !c.Held() {
			t.Errorf("%s: one state: %s", policy, c.Verdict())
		}
		c.Add(play.Result{Outcome: play.Sound, NothingDue: true})
		if c.Held() || !strings.Contains(c.Verdict(), want) {
			t.Errorf("%s: two: %s", policy, c.Verdict())
		}
		c.Add(play.Result{Outcome: play.Sound})
		if !c.Held() || strings.Contains(c.Verdict(), "nothing") {
			t.Errorf("%s: three: %s", policy, c.Verdict())
		}
	}
}

// A key that is short is named too, though the detail has it in some word.
func TestAFindingNamesItsKey(t *testing.T) {
	if got := about(finding(workload.Lost, "a", "after 3 commands")); got != "a: after 3 commands" {
		t.Error(got)
	}
}

func TestFindingsOfAFailureAreBounded(t *testing.T) {
	many := slices.Repeat([]workload.Finding{finding(workload.Lost, "a", "gone")}, 500)
	c, f := crashes(result(1, disk.Strict, disk.Random, play.Broken, many...)), NewFaults(Setup{})
	f.Add(fault.Result{Name: "x", Outcome: fault.Broken, Findings: many})
	if n := len(c.failures[0].Findings); n != findingsMax || c.failures[0].FindingsLeftOut != 500-n || c.checks[0].Findings != 500 {
		t.Errorf("%d are kept, %d counted", n, c.checks[0].Findings)
	}
	if n := len(f.failures[0].Findings); n != findingsMax || f.failures[0].FindingsLeftOut != 500-n {
		t.Errorf("%d are kept of a fault", n)
	}
}

func TestMemoryDoesNotGrowWithResults(t *testing.T) {
	c := NewCrashes(setup())
	long := strings.Repeat("no\n", 10_000)
	feed := func() {
		for i := range uint64(60_000) {
			r := result(i*31, disk.Strict, disk.Random, play.Broken, finding(workload.Lost, "k", "gone"))
			if i%2 == 0 {
				r.Outcome, r.Reason = play.Refused, long
			}
			c.Add(r)
		}
	}
	feed()
	before := heap()
	feed()
	if grown := heap() - before; grown > 1<<20 {
		t.Errorf("60,000 more results took %d bytes", grown)
	}
	runtime.KeepAlive(c)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestQuote(t *testing.T) {
	for word, want := range map[string]string{
		"412/strict/512/3,7-9": "412/strict/512/3,7-9", "": "''", "rest/killed/flip/1.5/a b": "'rest/killed/flip/1.5/a b'", "it's": `'it'\''s'`,
	} {
		if got := Quote(word); got != want {
			t.Errorf("%q is quoted as %s, not %s", word, got, want)
		}
	}
}

func faults() *Faults {
	f := NewFaults(Setup{Server: "redis", Policy: "everysec", Workload: "counters", Seed: 3,
		Replay: "holdfast lab fault --server redis --only"})
	for i := range 12 {
		f.Add(fault.Result{Name: fmt.Sprintf("kill/reply/%d", i), Kind: fault.Kill, Outcome: fault.Sound})
	}
	f.Add(fault.Result{Name: "eio/fsync/2/once", Kind: fault.Error, Outcome: fault.Ended, Reason: "FATAL fsync: input/output error"})
	f.Add(fault.Result{Name: "rest/killed/flip/12.3/a file", Kind: fault.Rest, Outcome: fault.Broken,
		Findings: []workload.Finding{finding(workload.Lost, "counter:{1}", "4 where 9 was acknowledged")}})
	f.Add(fault.Result{Name: "rest/killed/zero/512/log", Kind: fault.Rest, Outcome: fault.TornEnd})
	f.Add(fault.Result{Name: "slow/100ms", Kind: fault.Slow, Outcome: fault.Impossible, Reason: "no /dev/fuse"})
	return f
}

func TestFaultsAsText(t *testing.T) {
	var out bytes.Buffer
	if err := WriteText(&out, nil, faults()); err != nil {
		t.Fatal(err)
	}
	golden(t, "faults.txt", out.Bytes())
}

func TestFaultsAsJSON(t *testing.T) {
	text, err := json.MarshalIndent(faults(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "faults.json", append(text, '\n'))
}

func TestFaultsThatShowNothing(t *testing.T) {
	f := NewFaults(Setup{Server: "x"})
	f.Add(fault.Result{Name: "slow/1ms", Kind: fault.Slow, Outcome: fault.Impossible})
	if f.Held() {
		t.Error("nothing was tried, and that is called kept")
	}
	f.Add(fault.Result{Name: "kill/reply/1", Kind: fault.Kill, Outcome: fault.Sound})
	if !f.Held() {
		t.Error("one experiment was sound, and that is called broken")
	}
}

// made is a trace of n rounds of a request, a write, a sync and a reply.
func made(t *testing.T, n int) *trace.Reader {
	t.Helper()
	path := filepath.Join(t.TempDir(), "t.trace")
	w, err := trace.NewWriter(path, trace.Meta{Server: "other", Began: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()}, 0)
	if err != nil {
		t.Fatal(err)
	}
	put := func(e trace.Event) {
		if _, err := w.Append(e, bytes.Repeat([]byte("x"), int(e.Size))); err != nil {
			t.Fatal(err)
		}
	}
	put(trace.Event{Kind: trace.Create, File: 1, Path: "log.1"})
	put(trace.Event{Kind: trace.SyncDir})
	put(trace.Event{Kind: trace.Mark, Note: trace.MarkTraffic})
	for i := range n {
		conn := 1 + i%3
		put(trace.Event{Kind: trace.Request, Conn: conn, ID: uint64(1 + i/3), Args: [][]byte{[]byte("SET"), []byte("k<b>"), []byte("v\x00")}})
		put(trace.Event{Kind: trace.Write, File: 1, Off: int64(i) * 43, Size: 43})
		if i%4 == 3 {
			put(trace.Event{Kind: trace.Sync, File: 1})
		}
		if i%50 == 25 {
			put(trace.Event{Kind: trace.Create, File: uint64(i + 2), Path: "snapshot.tmp"})
			put(trace.Event{Kind: trace.Rename, File: uint64(i + 2), Path: "snapshot.tmp", To: "snapshot"})
		}
		put(trace.Event{Kind: trace.Reply, Conn: conn, ID: uint64(1 + i/3), Reply: []byte("+OK\r\n")})
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := trace.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func page(t *testing.T, p Page) string {
	t.Helper()
	var out bytes.Buffer
	if _, err := p.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	if dir := os.Getenv("REPORT_PAGES"); dir != "" { // to look at them
		name := filepath.Join(dir, strings.ReplaceAll(t.Name(), "/", "-")+".html")
		if err := os.WriteFile(name, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

func TestPage(t *testing.T) {
	text := page(t, Page{Crashes: crashes(someResults()...), Faults: faults(), Trace: made(t, 30)})
	for _, want := range []string{
		"<!doctype html>", "acknowledged write lost in 8", "40/strict/512/1", "write of 43 bytes at 812 of log.1",
		"holdfast lab play --trace t.trace --state 40/strict/512/1", "k&lt;b&gt;", `v\x00`, "prefers-color-scheme: dark",
		"holdfast lab fault --server redis --only &#39;rest/killed/flip/12.3/a file&#39;", "@media print", "log.1 is damaged at 13",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not have %q", want)
		}
	}
	for _, never := range []string{"<script", "http:", "https:", "url(", "ZgotmplZ", "k<b>", "@import"} {
		if strings.Contains(text, never) {
			t.Errorf("the page has %q", never)
		}
	}
	if !strings.HasPrefix(text, "<!doctype html>") {
		t.Errorf("it begins with %.40q", text)
	}
}

// A page without failures shows what the traffic looked like.
func TestPageOfWhatHeld(t *testing.T) {
	text := page(t, Page{Crashes: crashes(result(40, disk.Strict, disk.Random, play.Sound)), Trace: made(t, 100)})
	if !strings.Contains(text, "The beginning of the traffic") || strings.Contains(text, `id="failures"`) {
		t.Error("the page of what held is not as it should be")
	}
}

func TestPageWithoutATrace(t *testing.T) {
	text := page(t, Page{Faults: faults()})
	if strings.Contains(text, `id="timeline"`) || !strings.Contains(text, `id="faults"`) {
		t.Error("a page of faults alone is not as it should be")
	}
}

// A long trace and many failures make no big page, and the page says what it leaves out.
func TestPageIsBounded(t *testing.T) {
	c := NewCrashes(setup())
	for i := range uint64(20_000) {
		r := result(10+i*4, disk.Strict, disk.Random, play.Broken, finding(workload.Lost, "k", strings.Repeat("gone ", 50)))
		r.Reason = strings.Repeat("no reason ", 1000)
		c.Add(r)
	}
	text := page(t, Page{Crashes: c, Trace: made(t, 30_000)})
	if len(text) > 1<<20 {
		t.Errorf("the page has %d bytes", len(text))
	}
	if !strings.Contains(text, "too many to be drawn one by one") {
		t.Error("the page does not say that it is a sample")
	}
}
