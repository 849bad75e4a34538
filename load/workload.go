package load

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Expect says what a right reply to a request is.
type Expect uint8

// What a reply may be. An error reply is right nowhere.
const (
	ExpectAny     Expect = iota // anything but an error
	ExpectStatus                // +OK, +PONG
	ExpectInteger               // :1
	ExpectString                // a string, or null: a miss
	ExpectValue                 // the value of the request's key, or null: a miss
	ExpectArray                 // an array; of {range} one element for each key
)

// An Operation is one thing that clients do: a request, and perhaps a second one on the same key once the first is
// answered. Its latency is that of all of it.
type Operation struct {
	Name   string // as results call it
	Weight int    // its share, in proportion to those of the others
	Words  []string
	Expect Expect
	Then   []string // nil: nothing
	// Status is expected of Then.

	Inline bool // the words, none of which stands for another, are sent as a line
}

// A Workload is a mix of operations.
type Workload struct {
	Name       string
	Operations []Operation
	Keys       Distribution // that it is meant for; "" for any
	Fill       bool         // it reads keys that must be there
}

// single lists the requests that can be named in a mix. Each is like the one of redis-benchmark of that name.
func single() []Operation {
	const list, set, hash, zset = "mylist", "myset", "myhash", "myzset"
	pairs := make([]string, 0, 1+20)
	pairs = append(pairs, "MSET")
	for i := range 10 {
		pairs = append(pairs, "key:mset:"+strconv.Itoa(i), WordValue)
	}
	return []Operation{
		{Name: "ping_inline", Words: []string{"PING"}, Expect: ExpectStatus, Inline: true},
		{Name: "ping", Words: []string{"PING"}, Expect: ExpectStatus},
		{Name: "set", Words: []string{"SET", WordKey, WordValue}, Expect: ExpectStatus},
		{Name: "get", Words: []string{"GET", WordKey}, Expect: ExpectValue},
		{Name: "del", Words: []string{"DEL", WordKey}, Expect: ExpectInteger},
		{Name: "incr", Words: []string{"INCR", WordCounter}, Expect: ExpectInteger},
		{Name: "append", Words: []string{"APPEND", WordKey, WordValue}, Expect: ExpectInteger},
		{Name: "lpush", Words: []string{"LPUSH", list, WordValue}, Expect: ExpectInteger},
		{Name: "rpush", Words: []string{"RPUSH", list, WordValue}, Expect: ExpectInteger},
		{Name: "lpop", Words: []string{"LPOP", list}, Expect: ExpectString},
		{Name: "rpop", Words: []string{"RPOP", list}, Expect: ExpectString},
		{Name: "lrange", Words: []string{"LRANGE", list, "0", "99"}, Expect: ExpectArray},
		{Name: "mget", Words: []string{"MGET", WordRange}, Expect: ExpectArray},
		{Name: "mset", Words: pairs, Expect: ExpectStatus},
		{Name: "sadd", Words: []string{"SADD", set, WordNumber}, Expect: ExpectInteger},
		{Name: "spop", Words: []string{"SPOP", set}, Expect: ExpectString},
		{Name: "hset", Words: []string{"HSET", hash, WordNumber, WordValue}, Expect: ExpectInteger},
		{Name: "hget", Words: []string{"HGET", hash, WordNumber}, Expect: ExpectString},
		{Name: "zadd", Words: []string{"ZADD", zset, WordNumber, WordNumber}, Expect: ExpectInteger},
		{Name: "zpopmin", Words: []string{"ZPOPMIN", zset}, Expect: ExpectArray},
	}
}

// SingleNames lists what a mix may name.
func SingleNames() []string {
	var names []string
	for _, o := range single() {
		names = append(names, o.Name)
	}
	return names
}

// Mix reads a list of names, each perhaps with its share: "get", "get=9,set=1".
func Mix(list string) (Workload, error) {
	w := Workload{Name: list}
	for word := range strings.SplitSeq(list, ",") {
		name, share, given := strings.Cut(strings.TrimSpace(word), "=")
		weight := 1
		if given {
			var err error
			if weight, err = strconv.Atoi(share); err != nil || weight < 1 || weight > 1_000_000 {
				return Workload{}, fmt.Errorf("the share of %s is a number from 1 to 1000000, not %q", name, share)
			}
		}
		i := slices.IndexFunc(single(), func(o Operation) bool { return o.Name == strings.ToLower(name) })
		if i < 0 {
			return Workload{}, fmt.Errorf("there is no request named %q; there are %s", name, strings.Join(SingleNames(), ", "))
		}
		if slices.ContainsFunc(w.Operations, func(o Operation) bool { return o.Name == strings.ToLower(name) }) {
			return Workload{}, fmt.Errorf("%s is named twice", name)
		}
		o := single()[i]
		o.Weight = weight
		w.Operations = append(w.Operations, o)
	}
	return w, nil
}

// Custom is a workload of one request, any words with placeholders in them.
func Custom(words []string) (Workload, error) {
	if _, err := newTemplate(words); err != nil {
		return Workload{}, err
	}
	return Workload{Name: strings.Join(words, " "), Operations: []Operation{{Name: strings.ToLower(words[0]), Weight: 1, Words: words}}}, nil
}

// Insert writes a key that has not been there.
func Insert(weight int) Operation {
	return Operation{Name: "insert", Weight: weight, Words: []string{"SET", WordNew, WordValue}, Expect: ExpectStatus}
}

// YCSBNames lists YCSB's core workloads.
func YCSBNames() []string {
	return []string{"ycsb-a", "ycsb-b", "ycsb-c", "ycsb-d", "ycsb-e", "ycsb-f"}
}

// YCSB is one of YCSB's core workloads, on string keys. A record is one value and not ten fields; read-modify-write is
// GET and then SET of the same key; a scan of workload E is MGET of 1 to 100 keys with consecutive numbers, which the
// generator knows: the server is not asked to find keys in an order, since strings have none.
func YCSB(name string) (Workload, error) {
	read := func(weight int) Operation {
		return Operation{Name: "read", Weight: weight, Words: []string{"GET", WordKey}, Expect: ExpectValue}
	}
	update := func(weight int) Operation {
		return Operation{Name: "update", Weight: weight, Words: []string{"SET", WordKey, WordValue}, Expect: ExpectStatus}
	}
	w := Workload{Name: strings.ToLower(name), Keys: Zipfian, Fill: true}
	switch w.Name {
	case "ycsb-a":
		w.Operations = []Operation{read(50), update(50)}
	case "ycsb-b":
		w.Operations = []Operation{read(95), update(5)}
	case "ycsb-c":
		w.Operations = []Operation{read(100)}
	case "ycsb-d":
		w.Operations, w.Keys = []Operation{read(95), Insert(5)}, Latest
	case "ycsb-e":
		scan := Operation{Name: "scan", Weight: 95, Words: []string{"MGET", WordRange}, Expect: ExpectArray}
		w.Operations = []Operation{scan, Insert(5)}
	case "ycsb-f":
		modify := Operation{
			Name: "read-modify-write", Weight: 50, Words: []string{"GET", WordKey}, Expect: ExpectValue,
			Then: []string{"SET", WordKey, WordValue},
		}
		w.Operations = []Operation{read(50), modify}
	default:
		return Workload{}, fmt.Errorf("there is no workload %q; there are %s", name, strings.Join(YCSBNames(), ", "))
	}
	return w, nil
}

// operation is an Operation, ready to be sent.
type operation struct {
	request, then template
	expect        Expect
	twice         bool // there is a then
	inserts       bool // a new key
	upTo          int  // its weight and those of the operations before it
}

// compile prepares the operations of a workload.
func (w Workload) compile() ([]operation, error) {
	if len(w.Operations) == 0 {
		return nil, errors.New("the workload has no operations")
	}
	var ready []operation
	sum := 0
	for _, o := range w.Operations {
		sum += o.Weight
		compiled := operation{expect: o.Expect, twice: o.Then != nil, upTo: sum}
		var err error
		if o.Inline {
			compiled.request = newLine(o.Words)
		} else if compiled.request, err = newTemplate(o.Words); err != nil {
			return nil, err
		}
		compiled.inserts = slices.Contains(o.Words, WordNew)
		if compiled.twice {
			if compiled.then, err = newTemplate(o.Then); err != nil {
				return nil, err
			}
		}
		ready = append(ready, compiled)
	}
	return ready, nil
}

// judge compares a reply with what was expected. The text says what is wrong; "" is a right reply.
func judge(e Expect, r reply, c choice, v *values, verify bool) (wrong string, miss bool) {
	const asked = "%c was answered where %s was expected"
	mismatch := func(what string) string { return fmt.Sprintf(asked, r.kind, what) }
	switch e {
	case ExpectStatus:
		if r.kind != '+' {
			return mismatch("a status"), false
		}
	case ExpectInteger:
		if r.kind != ':' {
			return mismatch("an integer"), false
		}
	case ExpectString, ExpectValue:
		if r.kind != '$' {
			return mismatch("a string"), false
		}
		if r.n < 0 {
			return "", true
		}
		if e == ExpectValue && verify && !v.isOf(c.key, r.n, r.head) {
			return "a GET was answered with another value than the key's", false
		}
	case ExpectArray:
		if r.kind != '*' {
			return mismatch("an array"), false
		}
		if c.count > 0 && r.n != int64(c.count) {
			return "an array has another length than was asked for", false
		}
	}
	return "", false
}
