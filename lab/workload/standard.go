package workload

import (
	"math/rand/v2"
	"strconv"
	"sync"

	"holdfast/resp"
)

// standard is a workload of this package's design.
type standard struct {
	design    design
	opts      Options
	groups    []group
	byFamily  [][]int
	bigFamily int // or -1
	places    map[string]place
	first     []int // of each group: where its keys begin among all
	keys      int
	reads     [][][]byte

	mu   sync.Mutex
	idle []*judge // guarded by mu
}

// place is where a key is: in which group, and which of it.
type place struct{ group, slot int }

func newStandard(d design, o Options) *standard {
	w := &standard{design: d, opts: o, bigFamily: -1, places: map[string]place{}}
	share := max(1, o.Keys/len(d.families))
	for f, fam := range d.families {
		count := max(1, share/len(fam.slots))
		if fam.single {
			count, w.bigFamily = 1, f
		}
		var of []int
		for n := range count {
			of = append(of, len(w.groups))
			w.groups = append(w.groups, fam.group(f, n))
		}
		w.byFamily = append(w.byFamily, of)
	}
	if d.operator {
		w.groups = append(w.groups, group{family: -1, keys: []string{operatorKey}, class: []class{counter}})
	}
	w.arrange()
	return w
}

// arrange numbers the keys and makes the requests that read them: first which there are, then of each its value and deadline.
func (w *standard) arrange() {
	w.reads = [][][]byte{request("KEYS", "*")}
	for g := range w.groups {
		w.first = append(w.first, w.keys)
		for k, key := range w.groups[g].keys {
			w.places[key] = place{g, k}
			w.keys++
			read := readOf(w.groups[g].class[k], key)
			deadline := request("PEXPIRETIME", key)
			if w.groups[g].class[k] == record {
				names := recordNames()
				deadline = request(append([]string{"HPEXPIRETIME", key, "FIELDS", strconv.Itoa(len(names))}, names...)...)
			}
			w.reads = append(w.reads, read, deadline)
		}
	}
}

// readOf is the request that shows what a key holds.
func readOf(c class, key string) [][]byte {
	switch c {
	case sequence:
		return request("LRANGE", key, "0", "-1")
	case club:
		return request("SMEMBERS", key)
	case ranking:
		return request("ZRANGE", key, "0", "-1", "WITHSCORES")
	case entries:
		return request("XINFO", "STREAM", key, "FULL", "COUNT", "0")
	case record:
		return request("HGETALL", key)
	case library:
		return request("FUNCTION", "LIST", "LIBRARYNAME", key, "WITHCODE")
	}
	return request("GET", key)
}

func (w *standard) Name() string { return w.design.Name }

func (w *standard) Clients() int {
	if w.design.operator {
		return w.opts.Clients + 1
	}
	return w.opts.Clients
}

func (w *standard) Client(n, round int, rng *rand.Rand) Client {
	return client{w.stream(n, round, rng)}
}

type client struct{ *stream }

func (c client) Next(resp.Reply) [][]byte { return c.next() }

// Lost drops what was to follow the request: the rest of a transaction means something else outside of it.
func (c client) Lost() bool {
	c.queue = nil
	return true
}

func (w *standard) Reads() [][][]byte { return w.reads }

// borrow returns a judge for one judgement; giveBack keeps it for the next, with what it has learned.
func (w *standard) borrow() *judge {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.idle); n > 0 {
		j := w.idle[n-1]
		w.idle = w.idle[:n-1]
		return j
	}
	return newJudge(w)
}

func (w *standard) giveBack(j *judge) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.idle = append(w.idle, j)
}
