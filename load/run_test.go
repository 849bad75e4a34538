package load

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestEveryRequestIsAnsweredOnce(t *testing.T) {
	for _, c := range []struct {
		pipeline, threads, valueBytes int
		rate                          float64
	}{{1, 1, 64, 0}, {16, 2, 64, 0}, {4, 1, 600_000, 0}, {2, 2, 64, 20_000}} {
		f := &fake{}
		o := optionsFor(t, f.serve(t), "get=1,set=1")
		o.Pipeline, o.Threads, o.ValueBytes, o.Rate, o.Verify = c.pipeline, c.threads, c.valueBytes, c.rate, true
		o.Requests = 1003
		if c.valueBytes > 1000 {
			o.Requests = 103
		}
		if err := Fill(t.Context(), o, nil); err != nil {
			t.Fatal(err)
		}
		result, err := Await(t.Context(), o, nil)
		if err != nil {
			t.Fatal(err)
		}
		p := result.Phases[0]
		if p.Operations != o.Requests || p.Requests != o.Requests || f.n != o.Requests+o.Keys || p.Errors != 0 || p.Misses != 0 || p.Unsent != 0 {
			t.Errorf("%+v: %+v; the server saw %d", c, p, f.n)
		}
		if p.Kinds[0].Operations+p.Kinds[1].Operations != o.Requests || p.Kinds[0].Operations < o.Requests/4 || p.Latency.Max == 0 || p.Rate <= 0 {
			t.Errorf("%+v: %+v", c, p)
		}
	}
}

func TestReadModifyWriteIsTwoRequests(t *testing.T) {
	f := &fake{}
	o := optionsFor(t, f.serve(t), "get")
	var err error
	if o.Workload, err = YCSB("ycsb-f"); err != nil {
		t.Fatal(err)
	}
	o.Requests, o.Pipeline, o.Verify = 400, 4, true
	if err := Fill(t.Context(), o, nil); err != nil {
		t.Fatal(err)
	}
	result, err := Await(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := result.Phases[0]
	if p.Operations != 400 || p.Requests != 400+p.Kinds[1].Operations || p.Errors != 0 || p.Misses != 0 {
		t.Errorf("%+v", p)
	}
	sets := uint64(0)
	for _, name := range f.seen[o.Keys:] {
		if name == "SET" {
			sets++
		}
	}
	if sets != p.Kinds[1].Operations {
		t.Errorf("%d SETs for %d operations", sets, p.Kinds[1].Operations)
	}
}

// Keys that workload D inserts are asked for once they are there, so no reply says that one is not.
func TestInsertedKeysAreThere(t *testing.T) {
	f := &fake{}
	o := optionsFor(t, f.serve(t), "get")
	var err error
	if o.Workload, err = YCSB("ycsb-d"); err != nil {
		t.Fatal(err)
	}
	o.Requests, o.Pipeline, o.Keyspace, o.Verify = 3000, 8, Latest, true
	if err := Fill(t.Context(), o, nil); err != nil {
		t.Fatal(err)
	}
	result, err := Await(t.Context(), o, nil)
	if p := result.Phases[0]; err != nil || p.Misses != 0 || p.Errors != 0 || p.Kinds[1].Operations == 0 {
		t.Errorf("%+v, %v", p, err)
	}
}

// A stall counts for every request that was due in it, although a connection sends one at a time: what no closed loop
// sees. The stall is 200 ms, and a fifth of the requests is due in its first half.
func TestOpenLoopCountsWhatAStallHeldUp(t *testing.T) {
	const stall = 200 * time.Millisecond
	f := &fake{stall: stall}
	o := optionsFor(t, f.serve(t), "set")
	o.Connections, o.Rate, o.Requests = 1, 2000, 1000
	result, err := Await(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := result.Phases[0]
	if p.Operations != 1000 || p.Latency.Max < stall || p.Latency.P90 < stall/2 {
		t.Errorf("%+v", p)
	}
	f = &fake{stall: stall}
	o.Target, o.Rate = f.serve(t), 0
	if result, err = Await(t.Context(), o, nil); err != nil {
		t.Fatal(err)
	}
	if p := result.Phases[0]; p.Latency.Max < stall || p.Latency.P90 >= stall/2 {
		t.Errorf("the closed loop: %+v", p)
	}
}

// What was due before a phase belongs to the one before it.
func TestPhases(t *testing.T) {
	f := &fake{}
	r, err := Start(t.Context(), optionsFor(t, f.serve(t), "set"), "first")
	if err != nil {
		t.Fatal(err)
	}
	awaitAnswered := func(n uint64) {
		for r.Answered() < n {
			time.Sleep(time.Millisecond)
		}
	}
	awaitAnswered(100)
	r.Phase("second")
	awaitAnswered(r.Answered() + 100)
	result, err := r.Stop()
	if err != nil {
		t.Fatal(err)
	}
	first, second := result.Phase("first"), result.Phase("second")
	if first.Operations < 90 || second.Operations < 90 || first.Operations+second.Operations != r.Answered() {
		t.Errorf("%d and %d of %d", first.Operations, second.Operations, r.Answered())
	}
	if phaseAt([]int64{0, 10, 20}, 9) != 0 || phaseAt([]int64{0, 10, 20}, 10) != 1 || phaseAt([]int64{0, 10, 20}, 99) != 2 {
		t.Error("phases begin elsewhere")
	}
}

func TestWrongRepliesAreCounted(t *testing.T) {
	f := &fake{reply: func(args []string, n uint64) string {
		switch {
		case args[0] != "GET":
			return ""
		case n%10 == 0:
			return "-OOM no room\r\n"
		case n%10 == 1:
			return "$5\r\nwrong\r\n"
		case n%10 == 2:
			return ":1\r\n"
		}
		return ""
	}}
	o := optionsFor(t, f.serve(t), "get")
	o.Verify, o.Requests = true, 1000
	if err := Fill(t.Context(), o, nil); err != nil {
		t.Fatal(err)
	}
	result, err := Await(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := result.Phases[0]
	if p.Errors != 300 || p.Texts["OOM no room"] != 100 || len(p.Texts) != 3 || p.Operations != 1000 {
		t.Errorf("%+v", p)
	}
	if fault := (Report{Phase: p}).Fault(); !errors.Is(fault, ErrReplies) || !strings.Contains(fault.Error(), "OOM no room (100 times); a GET") {
		t.Errorf("%v", fault)
	}
}

func TestRunsThatFail(t *testing.T) {
	for name, c := range map[string]struct {
		fake *fake
		want string
	}{
		"a lost connection": {&fake{drop: 20}, "the connection was lost: EOF, after "},
		"no RESP":           {&fake{reply: func([]string, uint64) string { return "HTTP/1.1 400\r\n" }}, `the server does not answer in RESP: "HTTP/1.1 400\r\n"`},
		"too many replies":  {&fake{reply: func([]string, uint64) string { return "+OK\r\n+OK\r\n" }}, "a reply came that nobody asked for"},
	} {
		o := optionsFor(t, c.fake.serve(t), "set")
		o.Requests, o.Connections = 1000, 1
		if _, err := Await(t.Context(), o, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSilentServerIsAnError(t *testing.T) {
	silent := make(chan struct{})
	f := &fake{reply: func([]string, uint64) string {
		<-silent
		return ""
	}}
	o := optionsFor(t, f.serve(t), "set")
	t.Cleanup(func() { close(silent) })
	o.Requests, o.Patience = 10, 100*time.Millisecond
	if _, err := Await(t.Context(), o, nil); err == nil || !strings.Contains(err.Error(), "no reply came for 100ms") {
		t.Errorf("%v", err)
	}
}

func TestInterruptedRunIsAnError(t *testing.T) {
	f := &fake{}
	o := optionsFor(t, f.serve(t), "set")
	o.Requests = 1 << 40
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := Await(ctx, o, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// Requests that are due and never sent, because the server is too slow, are told and not lost.
func TestUnsentRequestsAreTold(t *testing.T) {
	l := &loop{run: &Run{o: Options{Rate: 1000}, operations: make([]operation, 1)}, pace: newPace(0, 1000), starts: []int64{0}}
	c := newConn(0, 1)
	c.owed, l.owed, l.conns = 7, 7, []*conn{c}
	l.abandon(int64(time.Second))
	p := (&Run{o: Options{Workload: Workload{Operations: make([]Operation, 1)}}}).phase("x", l.tallies[0], time.Second)
	if p.Unsent != 7 || p.Operations != 0 || p.Latency.Max != time.Second || l.owed != 0 {
		t.Errorf("%+v", p)
	}
	if fault := (Report{Phase: p}).Fault(); !errors.Is(fault, ErrReplies) || !strings.Contains(fault.Error(), "7 requests that were due were never sent") {
		t.Errorf("%v", fault)
	}
}

func TestTargetThatLetsNobodyIn(t *testing.T) {
	f := &fake{reply: func(args []string, _ uint64) string {
		if args[0] == "AUTH" {
			return "-WRONGPASS no\r\n"
		}
		return ""
	}}
	target := f.serve(t)
	target.Password = "x"
	if _, err := target.connect(); !errors.Is(err, ErrConnect) || !strings.Contains(err.Error(), "AUTH: WRONGPASS no") {
		t.Errorf("%v", err)
	}
	if _, err := (Target{Network: "tcp", Address: "127.0.0.1:1"}).connect(); !errors.Is(err, ErrConnect) || !strings.HasSuffix(err.Error(), "127.0.0.1:1: connection refused") {
		t.Errorf("%v", err)
	}
}

func TestOptionsThatMeanNothing(t *testing.T) {
	w, err := Mix("get")
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Options){
		"connections": func(o *Options) { o.Connections = 0 },
		"threads":     func(o *Options) { o.Threads = 51 },
		"pipeline":    func(o *Options) { o.Pipeline = 0 },
		"rate":        func(o *Options) { o.Rate = -1 },
		"slow rate":   func(o *Options) { o.Rate = 0.1 },
		"keys":        func(o *Options) { o.Keys = 0 },
		"value":       func(o *Options) { o.ValueBytes = 0 },
		"keyspace":    func(o *Options) { o.Keyspace = "odd" },
		"workload":    func(o *Options) { o.Workload = Workload{} },
		"patience":    func(o *Options) { o.Patience = 0 },
	} {
		o := Defaults()
		o.Workload = w
		if err := o.Check(); err != nil {
			t.Fatalf("the defaults: %v", err)
		}
		spoil(&o)
		if _, err := Start(t.Context(), o, ""); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
}
