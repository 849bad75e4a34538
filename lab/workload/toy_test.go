package workload

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sort"
	"strconv"
	"strings"

	"holdfast/resp"
)

// toy is a server in memory, small and simple, and written without a look at machine.go: what it does is what the
// judgement has to find right.
type toy struct {
	keys      map[string]*thing
	libraries map[string]string // their versions
}

type thing struct {
	s        string
	l        []string
	isList   bool
	m        map[string]bool     // a set
	z        map[string]int64    // a sorted set
	h        map[string]toyField // a hash
	stream   *toyStream
	sketch   map[string]bool // what was added to a HyperLogLog; nil is none
	deadline int64
}

func newToy() *toy { return &toy{map[string]*thing{}, map[string]string{}} }

func (t *toy) clone() *toy {
	c := newToy()
	c.libraries = maps.Clone(t.libraries)
	for k, v := range t.keys {
		o := *v
		o.l = slices.Clone(v.l)
		o.h, o.stream = maps.Clone(v.h), v.stream.clone()
		c.keys[k] = &o
	}
	return c
}

var (
	okReply   = resp.Reply{Kind: '+', Str: []byte("OK")}
	nullReply = resp.Reply{Kind: '$', Null: true}
)

func intReply(n int64) resp.Reply   { return resp.Reply{Kind: ':', Int: n} }
func bulkReply(s string) resp.Reply { return resp.Reply{Kind: '$', Str: []byte(s)} }
func errReply(s string) resp.Reply  { return resp.Reply{Kind: '-', Str: []byte(s)} }
func arrayReply(all []string) resp.Reply {
	r := resp.Reply{Kind: '*', Elems: []resp.Reply{}}
	for _, s := range all {
		r.Elems = append(r.Elems, bulkReply(s))
	}
	return r
}

func (t *toy) value(k string) resp.Reply {
	if v := t.keys[k]; v != nil && v.sketch != nil {
		return bulkReply(toySketch(v.sketch))
	} else if v != nil {
		return bulkReply(v.s)
	}
	return nullReply
}

func (t *toy) list(k string) *thing {
	if t.keys[k] == nil {
		return &thing{isList: true}
	}
	return t.keys[k]
}

func (t *toy) put(k string, v *thing) {
	if delete(t.keys, k); !v.isList || len(v.l) > 0 {
		t.keys[k] = v
	}
}

// do runs one command at a time, in unix ms.
func (t *toy) do(args [][]byte, now int64) resp.Reply {
	for k, v := range t.keys {
		if v.deadline != 0 && v.deadline <= now {
			delete(t.keys, k)
		}
	}
	w := make([]string, len(args))
	for i := range args {
		w[i] = string(args[i])
	}
	t.lapse(slices.Values(w[1:]), now)
	num := func(i int) int64 {
		n, err := strconv.ParseInt(w[i], 10, 64)
		if err != nil {
			panic(fmt.Sprintf("%q: %v", w, err))
		}
		return n
	}
	switch w[0] {
	case "KEYS":
		t.lapse(maps.Keys(t.keys), now)
		var all []string
		for k := range t.keys {
			all = append(all, k)
		}
		sort.Strings(all)
		return arrayReply(all)
	case "BGSAVE":
		return okReply
	case "BGREWRITEAOF":
		return errReply("ERR unknown command 'BGREWRITEAOF'")
	case "GET":
		return t.value(w[1])
	case "SET":
		v := &thing{s: w[2]}
		if len(w) == 4 && t.keys[w[1]] != nil { // KEEPTTL
			v.deadline = t.keys[w[1]].deadline
		}
		if len(w) == 5 {
			v.deadline = when(w[3], num(4), now)
		}
		t.keys[w[1]] = v
		return okReply
	case "GETSET":
		r := t.value(w[1])
		t.keys[w[1]] = &thing{s: w[2]}
		return r
	case "GETDEL":
		r := t.value(w[1])
		delete(t.keys, w[1])
		return r
	case "GETEX":
		if v := t.keys[w[1]]; v != nil && w[2] == "PERSIST" {
			v.deadline = 0
		} else if v != nil {
			v.deadline = when(w[2], num(3), now)
		}
		return t.value(w[1])
	case "MSET":
		for i := 1; i < len(w); i += 2 {
			t.keys[w[i]] = &thing{s: w[i+1]}
		}
		return okReply
	case "MGET":
		r := resp.Reply{Kind: '*'}
		for _, k := range w[1:] {
			r.Elems = append(r.Elems, t.value(k))
		}
		return r
	case "DEL", "EXISTS":
		n := int64(0)
		for _, k := range w[1:] {
			if t.keys[k] != nil {
				n++
			}
			if w[0] == "DEL" {
				delete(t.keys, k)
			}
		}
		return intReply(n)
	case "INCR", "DECR", "INCRBY", "DECRBY":
		by := int64(1)
		if len(w) == 3 {
			by = num(2)
		}
		if strings.HasPrefix(w[0], "DECR") {
			by = -by
		}
		if t.keys[w[1]] == nil {
			t.keys[w[1]] = &thing{s: "0"}
		}
		n, err := strconv.ParseInt(t.keys[w[1]].s, 10, 64)
		if err != nil {
			return errReply(resp.ErrNotInteger)
		}
		t.keys[w[1]].s = strconv.FormatInt(n+by, 10)
		return intReply(n + by)
	case "RENAME":
		v := t.keys[w[1]]
		if v == nil {
			return errReply(resp.ErrNoSuchKey)
		}
		delete(t.keys, w[1])
		t.keys[w[2]] = v
		return okReply
	case "COPY":
		v := t.keys[w[1]]
		if v == nil || (t.keys[w[2]] != nil && len(w) == 3) {
			return intReply(0)
		}
		t.keys[w[2]] = t.clone().keys[w[1]]
		return intReply(1)
	case "PEXPIRE", "PEXPIREAT", "PERSIST", "PEXPIRETIME":
		return t.doDeadline(w, num, now)
	}
	if reply, known := t.doOther(w, num); known {
		return reply
	}
	if w[0][0] == 'S' && w[0] != "SET" {
		return t.doSet(w)
	}
	if w[0][0] == 'Z' {
		return t.doRanking(w, num)
	}
	if w[0][0] == 'H' {
		return t.doHash(w, num, now)
	}
	if w[0][0] == 'X' {
		return t.doStream(w)
	}
	return t.doList(w, num)
}

func when(option string, n, now int64) int64 {
	if strings.HasSuffix(option, "AT") {
		return n
	}
	return now + n
}

func (t *toy) doDeadline(w []string, num func(int) int64, now int64) resp.Reply {
	v := t.keys[w[1]]
	switch {
	case v == nil && w[0] == "PEXPIRETIME":
		return intReply(-2)
	case v == nil, v.deadline == 0 && w[0] == "PERSIST":
		return intReply(0)
	case w[0] == "PERSIST":
		v.deadline = 0
	case w[0] != "PEXPIRETIME":
		v.deadline = when(w[0], num(2), now)
	case v.deadline == 0:
		return intReply(-1)
	default:
		return intReply(v.deadline)
	}
	return intReply(1)
}

func (t *toy) doList(w []string, num func(int) int64) resp.Reply {
	v := t.list(w[1])
	switch w[0] {
	case "RPUSH", "LPUSH":
		for _, e := range w[2:] {
			if w[0] == "RPUSH" {
				v.l = append(v.l, e)
			} else {
				v.l = slices.Insert(v.l, 0, e)
			}
		}
		t.put(w[1], v)
		return intReply(int64(len(v.l)))
	case "LLEN":
		return intReply(int64(len(v.l)))
	case "LPOP", "RPOP", "LMOVE":
		if len(v.l) == 0 {
			return nullReply
		}
		i := 0
		if w[0] == "RPOP" || (w[0] == "LMOVE" && w[3] == "RIGHT") {
			i = len(v.l) - 1
		}
		e := v.l[i]
		v.l = slices.Delete(v.l, i, i+1)
		t.put(w[1], v)
		if w[0] == "LMOVE" {
			to := t.list(w[2])
			if w[4] == "LEFT" {
				to.l = slices.Insert(to.l, 0, e)
			} else {
				to.l = append(to.l, e)
			}
			t.put(w[2], to)
		}
		return bulkReply(e)
	case "LRANGE":
		if num(2) != 0 || num(3) != -1 {
			panic("the toy knows only the whole range")
		}
		return arrayReply(v.l)
	}
	i := int(num(2))
	if i < 0 {
		i += len(v.l)
	}
	within := i >= 0 && i < len(v.l)
	switch {
	case w[0] == "LINDEX" && within:
		return bulkReply(v.l[i])
	case w[0] == "LINDEX":
		return nullReply
	case w[0] != "LSET":
		panic(fmt.Sprintf("the toy does not know %q", w))
	case len(v.l) == 0:
		return errReply(resp.ErrNoSuchKey)
	case !within:
		return errReply(resp.ErrIndexRange)
	}
	v.l[i] = w[3]
	return okReply
}

// exec runs what is one operation.
func (t *toy) exec(op *Op, now int64) resp.Reply {
	if op.Body == nil {
		return t.do(op.Args, now)
	}
	r := resp.Reply{Kind: '*'}
	for _, args := range op.Body {
		r.Elems = append(r.Elems, t.do(args, now))
	}
	return r
}

// world is a toy with clients, a clock, and a log of what it did.
type world struct {
	w   Workload
	rng *rand.Rand
	now int64
	seq uint64

	base    *toy // where the log begins
	live    *toy
	ops     []Op
	log     []logged
	clients []*actor
	atomic  bool // one operation after another
}

// logged is that an operation was done, when, and at which event.
type logged struct {
	op  int
	now int64
	seq uint64
}

type actor struct {
	conn   int
	next   Client
	id     uint64
	reply  resp.Reply
	op     int // -1 is none
	done   bool
	ended  bool
	queued [][][]byte
	multi  bool
}

func newWorld(w Workload, seed uint64) *world {
	d := &world{w: w, rng: rand.New(rand.NewPCG(seed, 7)), now: 1_700_000_000_000, base: newToy(), live: newToy()}
	d.connect(0, seed)
	return d
}

func (d *world) connect(round int, seed uint64) {
	d.clients = nil
	for n := range d.w.Clients() {
		conn := 1 + round*d.w.Clients() + n
		rng := rand.New(rand.NewPCG(seed, uint64(conn)))
		d.clients = append(d.clients, &actor{conn: conn, next: d.w.Client(n, round, rng), op: -1})
	}
}

// run lets clients ask and the toy answer, in random order, until all are done or so many events have happened.
func (d *world) run(round, events int) {
	busy := slices.Clone(d.clients)
	for len(busy) > 0 && events > 0 {
		i := d.rng.IntN(len(busy))
		for {
			d.step(busy[i], round)
			events--
			if !d.atomic || busy[i].ended || busy[i].op < 0 && !busy[i].multi {
				break
			}
		}
		if busy[i].ended {
			busy = slices.Delete(busy, i, i+1)
		}
	}
}

func (d *world) step(a *actor, round int) {
	d.seq++
	if d.rng.IntN(4) == 0 {
		d.now += d.rng.Int64N(6)
	}
	switch {
	case a.op >= 0 && !a.done:
		op := &d.ops[a.op]
		a.reply, a.done = d.live.exec(op, d.now), true
		d.log = append(d.log, logged{a.op, d.now, d.seq})
	case a.op >= 0:
		op := &d.ops[a.op]
		op.Reply, op.Acked, op.Return, op.ReturnAt = a.reply, true, d.seq, d.now
		a.op = -1
	default:
		a.ask(d, round)
	}
}

func (a *actor) ask(d *world, round int) {
	args := a.next.Next(a.reply)
	a.id++
	switch {
	case args == nil:
		a.ended = true
		return
	case string(args[0]) == "MULTI":
		a.multi, a.queued, a.reply = true, nil, okReply
		return
	case a.multi && string(args[0]) != "EXEC":
		a.queued = append(a.queued, args)
		a.reply = resp.Reply{Kind: '+', Str: []byte("QUEUED")}
		return
	}
	op := Op{Conn: a.conn, ID: a.id, Round: round, Args: args, Call: d.seq, CallAt: d.now}
	if a.multi {
		op.Body, a.multi = a.queued, false
	}
	a.op, a.done = len(d.ops), false
	d.ops = append(d.ops, op)
}

// crash is a history up to event seq, and how much of the log has to survive it, and can.
func (d *world) crash(seq uint64, everysec bool) (h *History, least, most int) {
	h = &History{Crash: seq, Ops: slices.Clone(d.ops)}
	for i := range h.Ops {
		op := &h.Ops[i]
		if op.Call > seq {
			h.Ops = h.Ops[:i]
			break
		}
		h.CrashAt = max(h.CrashAt, op.CallAt)
		if op.Acked && op.Return <= seq {
			h.CrashAt = max(h.CrashAt, op.ReturnAt)
		}
	}
	for i, l := range d.log {
		if l.seq > seq {
			break
		}
		most = i + 1
		h.CrashAt = max(h.CrashAt, l.now)
	}
	must := map[int]bool{}
	for i := range h.Ops {
		op := &h.Ops[i]
		if !op.Acked || op.Return > seq {
			if op.Round == d.lastRound() {
				op.Acked, op.Reply, op.Fate, op.Return, op.ReturnAt = false, resp.Reply{}, May, seq, h.CrashAt
			}
		} else if everysec && op.ReturnAt+1000 > h.CrashAt {
			op.Fate = May
		} else {
			must[i] = true
		}
	}
	for i, l := range d.log[:most] {
		if must[l.op] {
			least = i + 1
		}
	}
	return h, least, most
}

func (d *world) lastRound() int {
	if len(d.ops) == 0 {
		return 0
	}
	return d.ops[len(d.ops)-1].Round
}

// recover is the toy as a log of so many entries leaves it, without those that are left out.
func (d *world) recover(entries int, without ...int) *toy {
	t := d.base.clone()
	for i, l := range d.log[:entries] {
		if !slices.Contains(without, i) {
			t.exec(&d.ops[l.op], l.now)
		}
	}
	return t
}

func look(t *toy, w Workload, now int64) []resp.Reply {
	var replies []resp.Reply
	for _, args := range w.Reads() {
		replies = append(replies, t.do(args, now))
	}
	return replies
}

// restart goes on after a crash with what t has: it is read, which stands in the history, and asked for more.
func (d *world) restart(h *History, t *toy, seed uint64) {
	d.ops, d.log, d.now, d.seq = slices.Clone(h.Ops), nil, h.Seen, h.Crash
	for i, reply := range look(t, d.w, d.now) {
		d.seq += 2
		d.ops = append(d.ops, Op{Conn: 9999, ID: uint64(i), Round: 1, Args: d.w.Reads()[i], Acked: true, Reply: reply,
			Call: d.seq - 1, Return: d.seq, CallAt: d.now, ReturnAt: d.now})
	}
	d.base, d.live = t, t.clone()
	d.connect(1, seed)
}
