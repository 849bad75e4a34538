package traffic

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"holdfast/lab/trace"
	"holdfast/lab/workload"
)

// script applies events to a Follower: "1? INCR a" is a request of connection 1, "1! :1" its reply, "1." its end,
// and "@250" sets the time to 250 ms. Events are numbered from 1.
func script(t *testing.T, f *Follower, lines ...string) {
	t.Helper()
	at, ids := int64(0), map[int]uint64{}
	seq := f.last.Seq
	for _, line := range lines {
		if _, err := fmt.Sscanf(line, "@%d", &at); err == nil {
			continue
		}
		var conn int
		var what string
		if _, err := fmt.Sscanf(line, "%d%1s", &conn, &what); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		_, rest, _ := strings.Cut(line, " ")
		seq++
		e := trace.Event{Seq: seq, At: at * 1e6, Conn: conn}
		switch what {
		case "?":
			ids[conn]++
			e.Kind, e.ID, e.Args = trace.Request, ids[conn], words(strings.Fields(rest)...)
		case "!":
			e.Kind, e.ID, e.Reply = trace.Reply, ids[conn], []byte(strings.ReplaceAll(rest, "|", "\r\n")+"\r\n")
		case ".":
			e.Kind = trace.Closed
		}
		if err := f.Apply(e); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
	}
}

// told is a history in a few words: per operation the words, "{…}" what was queued, and its fate.
func told(h *workload.History) string {
	var out []string
	for _, op := range h.Ops {
		text := text(op.Args)
		for _, args := range op.Body {
			text += "{" + strings.TrimSpace(fmt.Sprintf("%s", args)) + "}"
		}
		switch {
		case op.Fate == workload.Must:
			text += " must"
		case op.Acked:
			text += " acked"
		default:
			text += " may"
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

func text(args [][]byte) string {
	var out []string
	for _, a := range args {
		out = append(out, string(a))
	}
	return strings.Join(out, " ")
}

func check(t *testing.T, h *workload.History, want string) {
	t.Helper()
	if got := told(h); got != want {
		t.Errorf("the history is\n\t%s\nwant\n\t%s", got, want)
	}
}

// Under always a reply settles it; under everysec a reply and a second do.
func TestFates(t *testing.T) {
	f := NewFollower(trace.Meta{Clients: 2, Began: 5000})
	script(t, f, "1? INCR a", "2? INCR b", "@10", "2! :1", "@600", "2? INCR c", "@700", "2! :1", "@1010", "2? GET x")
	check(t, f.History(6, Always), "INCR a may, INCR b must, INCR c must, GET x may")
	check(t, f.History(6, EverySec), "INCR a may, INCR b must, INCR c acked, GET x may")
}

func TestFatesAsTimePasses(t *testing.T) {
	f := NewFollower(trace.Meta{Clients: 2, Began: 5000})
	script(t, f, "1? INCR a", "@10", "1! :1", "@20", "1? INCR b", "@30", "1! :2")
	check(t, f.History(4, EverySec), "INCR a acked, INCR b acked")
	script(t, f, "@1009", "2.")
	check(t, f.History(5, EverySec), "INCR a acked, INCR b acked")
	script(t, f, "@1010", "2.")
	check(t, f.History(6, EverySec), "INCR a must, INCR b acked")
	script(t, f, "@1030", "2.")
	check(t, f.History(7, EverySec), "INCR a must, INCR b must")
	check(t, f.History(7, Always), "INCR a must, INCR b must")
}

// Numbers and times are the trace's; what has no reply returns at the crash.
func TestTimes(t *testing.T) {
	f := NewFollower(trace.Meta{Clients: 1, Began: 5000})
	script(t, f, "@3", "1? INCR a", "@4", "1! :1", "@5", "2? INCR b", "@9", "1? INCR c")
	h := f.History(7, Always)
	var got [][6]int64
	for _, op := range h.Ops {
		got = append(got, [6]int64{int64(op.Conn), int64(op.Round), int64(op.Call), int64(op.Return), op.CallAt, op.ReturnAt})
	}
	want := [][6]int64{{1, 0, 1, 2, 5003, 5004}, {2, 1, 3, 7, 5005, 5009}, {1, 0, 4, 7, 5009, 5009}}
	if !reflect.DeepEqual(got, want) || h.Crash != 7 || h.CrashAt != 5009 {
		t.Errorf("%v, crash %d at %d; want %v, 7 at 5009", got, h.Crash, h.CrashAt, want)
	}
	if n := h.Ops[0].Reply.Int; n != 1 {
		t.Errorf("the reply is %d", n)
	}
}

// A transaction is its EXEC, from that request on; before it, it is nothing.
func TestTransactions(t *testing.T) {
	f := NewFollower(trace.Meta{Clients: 2})
	script(t, f, "1? MULTI", "1! +OK", "1? DECRBY a 5", "2? GET a", "1! +QUEUED", "1? incrby b 5", "1! +QUEUED", "2! $-1")
	check(t, f.History(8, Always), "GET a must")
	script(t, f, "1? exec")
	tx := "exec{[DECRBY a 5]}{[incrby b 5]}"
	check(t, f.History(9, Always), "GET a must, "+tx+" may")
}

func TestEndsOfTransactions(t *testing.T) {
	for _, c := range []struct {
		events []string
		want   string
	}{
		{[]string{"1? MULTI", "1! +OK", "1? SET a 1", "1! +QUEUED", "1? EXEC", "1! *1|+OK"}, "EXEC{[SET a 1]} must"},
		{[]string{"1? MULTI", "1! +OK", "1? SET a 1", "1! +QUEUED", "1? EXEC", "1! *-1"}, "EXEC{[SET a 1]} must"},
		{[]string{"1? MULTI", "1! +OK", "1? SET a 1", "1! +QUEUED", "1? DISCARD", "1! +OK", "1? SET b 1", "1! +OK"}, "SET b 1 must"},
		{[]string{"1? MULTI", "1! +OK", "1? SET a", "1! -ERR wrong", "1? SET b 2", "1! +QUEUED", "1? EXEC", "1! -EXECABORT no"}, "EXEC{[SET b 2]} must"},
		{[]string{"1? MULTI", "1! +OK", "1? MULTI", "1! -ERR nested", "1? SET b 2", "1! +QUEUED", "1? EXEC", "1! *1|+OK", "1? PING", "1! +PONG"},
			"EXEC{[SET b 2]} must, PING must"},
		{[]string{"1? MULTI", "1! -ERR no", "1? SET b 2", "1! +OK", "1? EXEC", "1! -ERR EXEC without MULTI"}, "SET b 2 must, EXEC must"},
		{[]string{"1? WATCH a", "1! +OK", "1? MULTI", "1! +OK", "1? SET a 1", "1."}, "WATCH a must"},
		{[]string{"1? SET a 1", "1."}, "SET a 1 may"},
	} {
		f := NewFollower(trace.Meta{Clients: 1})
		script(t, f, c.events...)
		check(t, f.History(uint64(len(c.events)), Always), c.want)
	}
}

// What was given out stays as it was.
func TestHistoriesDoNotChange(t *testing.T) {
	f := NewFollower(trace.Meta{Clients: 2})
	script(t, f, "1? INCR a", "2? INCR b")
	before := f.History(2, Always)
	if err := f.Apply(trace.Event{Seq: 3, Kind: trace.Reply, Conn: 1, ID: 1, Reply: []byte(":1\r\n")}); err != nil {
		t.Fatal(err)
	}
	check(t, before, "INCR a may, INCR b may")
}

// After a recovery the fates of before stay, and what comes is judged by the next crash.
func TestResume(t *testing.T) {
	f := NewFollower(trace.Meta{Clients: 1, Began: 1000})
	script(t, f, "1? INCR a", "1! :1", "1? INCR b")
	h := f.History(3, EverySec)
	g := Resume(h, trace.Meta{Clients: 1, Began: 9000})
	script(t, g, "@5", "2? INCR c", "@6", "2! :1", "2? INCR d", "@7", "1.")
	check(t, g.History(8, Always), "INCR a acked, INCR b may, INCR c must, INCR d may")
	if op := g.History(8, Always).Ops[1]; op.Return != 3 || op.Round != 0 {
		t.Errorf("what was under way at the first crash ended at %d in round %d", op.Return, op.Round)
	}
	if op := g.ops[2]; op.Call != 4 || op.CallAt != 9005 || op.Round != 1 {
		t.Errorf("%+v", op)
	}
}

func TestRepliesToNothing(t *testing.T) {
	f := NewFollower(trace.Meta{Clients: 1})
	if err := f.Apply(trace.Event{Seq: 1, Kind: trace.Reply, Conn: 1, ID: 1, Reply: []byte("+OK\r\n")}); !errors.Is(err, trace.ErrFormat) {
		t.Errorf("%v, want ErrFormat", err)
	}
	script(t, f, "1? PING")
	if err := f.Apply(trace.Event{Seq: 9, Kind: trace.Reply, Conn: 1, ID: 1, Reply: []byte("garbage\r\n")}); err == nil {
		t.Error("garbage is a reply")
	}
}

// Live goes by the clock it is given.
func TestLive(t *testing.T) {
	now := time.UnixMilli(70_000)
	live := NewLive(1, func() time.Time { return now })
	send := func(e trace.Event) {
		t.Helper()
		if _, err := live.Append(e, nil); err != nil {
			t.Fatal(err)
		}
	}
	send(trace.Event{Kind: trace.Request, Conn: 1, ID: 1, Args: words("INCR", "a")})
	now = now.Add(300 * time.Millisecond)
	send(trace.Event{Kind: trace.Reply, Conn: 1, ID: 1, Reply: []byte(":1\r\n")})
	now = now.Add(999 * time.Millisecond)
	h, err := live.History(EverySec)
	if err != nil {
		t.Fatal(err)
	}
	check(t, h, "INCR a acked")
	now = now.Add(time.Millisecond)
	if h, _ = live.History(EverySec); h.CrashAt != 71_300 {
		t.Errorf("the crash is at %d", h.CrashAt)
	}
	check(t, h, "INCR a must")
	next := After(h, 1, func() time.Time { return now })
	if seq, err := next.Append(trace.Event{Kind: trace.Closed, Conn: 2}, nil); err != nil || seq != h.Crash+1 {
		t.Errorf("event %d after %d, %v", seq, h.Crash, err)
	}
}

// What a server stamps between a request and its reply lies between their times, to the millisecond, in a trace and live.
func TestTimesAreThoseOfTheDay(t *testing.T) {
	for n := range 50 {
		now := time.UnixMilli(70_000).Add(time.Duration(n) * 20 * time.Microsecond)
		live := NewLive(1, func() time.Time { return now })
		now = now.Add(990 * time.Microsecond)
		if _, err := live.Append(trace.Event{Kind: trace.Request, Conn: 1, ID: 1, Args: words("GET", "a")}, nil); err != nil {
			t.Fatal(err)
		}
		h, err := live.History(Always)
		if err != nil || h.Ops[0].CallAt != now.UnixMilli() {
			t.Errorf("at %v: %+v, %v", now.UnixNano(), h.Ops, err)
		}
	}
}

func BenchmarkHistory(b *testing.B) {
	f := NewFollower(trace.Meta{Clients: 4})
	for i := range uint64(10_000) {
		conn := int(i%4) + 1
		f.Apply(trace.Event{Seq: 2*i + 1, Kind: trace.Request, Conn: conn, ID: i + 1, Args: words("INCR", "a")})
		f.Apply(trace.Event{Seq: 2*i + 2, Kind: trace.Reply, Conn: conn, ID: i + 1, Reply: []byte(":1\r\n")})
	}
	b.ReportAllocs()
	for b.Loop() {
		f.History(20_000, Always)
	}
}
