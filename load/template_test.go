package load

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"holdfast/resp"
)

func newMaker(keys uint64, d Distribution, valueBytes int) maker {
	return maker{keys: newKeySpace(keys, d), values: newValues(valueBytes, 1), random: rand.New(rand.NewPCG(1, 2))}
}

// made writes a request and reads it back as a server does.
func made(t *testing.T, m *maker, words ...string) (args []string, c choice) {
	t.Helper()
	template, err := newTemplate(words)
	if err != nil {
		t.Fatal(err)
	}
	b, c := m.append(nil, &template, nil)
	parsed, err := resp.Parse(b, nil)
	if err != nil {
		t.Fatalf("%q: %v", b, err)
	}
	for _, arg := range parsed {
		args = append(args, string(arg))
	}
	return args, c
}

func TestRequestsAreWhatTheWordsSay(t *testing.T) {
	m := newMaker(10, Sequential, 20)
	value := func(key uint64) string { return string(m.values.append(nil, key, 0)[:stampBytes]) }
	for i, c := range []struct{ words, want string }{
		{"PING", "PING"},
		{"GET {key}", "GET key:000000000000"},
		{"SET {key} {value} EX 5", "SET key:000000000001 " + value(1) + "… EX 5"},
		{"SET {new} {value}", "SET key:000000000010 " + value(10) + "…"},
		{"INCR {counter}", "INCR cnt:000000000002"},
		{"APPEND fixed {value}", "APPEND fixed " + value(0) + "…"},
		{"SET  ", "SET  "}, // empty words are words
	} {
		args, _ := made(t, &m, strings.Split(c.words, " ")...)
		for n, arg := range args {
			if len(arg) == 20 && !strings.HasPrefix(arg, "key:") {
				args[n] = arg[:stampBytes] + "…"
			}
		}
		if got := strings.Join(args, " "); got != c.want {
			t.Errorf("%d: %s became %q, want %q", i, c.words, got, c.want)
		}
	}
}

func TestRangesAreConsecutive(t *testing.T) {
	m := newMaker(1000, Uniform, 20)
	lengths := map[int]bool{}
	for range 2000 {
		args, c := made(t, &m, "MGET", WordRange, "last")
		keys := args[1 : len(args)-1]
		for n, key := range keys {
			if want := fmt.Sprintf("key:%012d", c.key+uint64(n)); key != want {
				t.Fatalf("%q: %d is %s, want %s", args, n, key, want)
			}
		}
		if len(keys) != int(c.count) || args[len(args)-1] != "last" {
			t.Fatalf("%d keys, said to be %d", len(keys), c.count)
		}
		lengths[len(keys)] = true
	}
	if len(lengths) != rangeMax || !lengths[1] || !lengths[rangeMax] {
		t.Errorf("%d different lengths", len(lengths))
	}
}

func TestSecondRequestHasTheSameKey(t *testing.T) {
	m := newMaker(1000, Uniform, 20)
	get, err := newTemplate([]string{"GET", WordKey})
	if err != nil {
		t.Fatal(err)
	}
	set, err := newTemplate([]string{"SET", WordKey, WordValue})
	if err != nil {
		t.Fatal(err)
	}
	_, first := m.append(nil, &get, nil)
	b, second := m.append(nil, &set, &first)
	if second != first || !bytes.Contains(b, appendKey(nil, keyPrefix, first.key)) {
		t.Errorf("key %d, then %d: %q", first.key, second.key, b)
	}
}

func TestWordsThatMakeNoRequest(t *testing.T) {
	for _, words := range [][]string{nil, {"GET", WordKey, WordNew}, {"GET", "user:{key}"}, {"MGET", WordRange, WordKey}} {
		if _, err := newTemplate(words); err == nil {
			t.Errorf("%q is taken", words)
		}
	}
}

func TestMix(t *testing.T) {
	w, err := Mix("get=9, SET")
	if err != nil || len(w.Operations) != 2 || w.Operations[0].Weight != 9 || w.Operations[1].Name != "set" || w.Operations[1].Weight != 1 {
		t.Errorf("%+v, %v", w, err)
	}
	for _, list := range []string{"", "gte", "get=0", "get=x", "get=-1", "get,get", "get=1=2"} {
		if _, err := Mix(list); err == nil {
			t.Errorf("%q is taken", list)
		}
	}
	for _, name := range SingleNames() {
		w, err := Mix(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.compile(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestYCSB(t *testing.T) {
	for name, want := range map[string]string{
		"ycsb-a": "zipf read=50 update=50", "ycsb-b": "zipf read=95 update=5", "YCSB-C": "zipf read=100",
		"ycsb-d": "latest read=95 insert=5", "ycsb-e": "zipf scan=95 insert=5", "ycsb-f": "zipf read=50 read-modify-write=50",
	} {
		w, err := YCSB(name)
		if err != nil {
			t.Fatal(err)
		}
		got := string(w.Keys)
		for _, o := range w.Operations {
			got += fmt.Sprintf(" %s=%d", o.Name, o.Weight)
		}
		if _, err := w.compile(); got != want || err != nil || !w.Fill {
			t.Errorf("%s: %s, %v; want %s", name, got, err, want)
		}
	}
	if _, err := YCSB("ycsb-g"); err == nil || !slices.Contains(YCSBNames(), "ycsb-f") {
		t.Error("there is a workload G")
	}
}

func TestJudge(t *testing.T) {
	v := newValues(20, 1)
	value := v.append(nil, 7, 3)
	right := reply{kind: '$', n: 20, head: value[:stampBytes]}
	for i, c := range []struct {
		expect Expect
		reply  reply
		wrong  bool
		miss   bool
	}{
		{ExpectAny, reply{kind: '*'}, false, false},
		{ExpectStatus, reply{kind: '+', head: []byte("OK")}, false, false},
		{ExpectStatus, reply{kind: ':'}, true, false},
		{ExpectInteger, reply{kind: ':', n: 4}, false, false},
		{ExpectInteger, reply{kind: '$'}, true, false},
		{ExpectString, reply{kind: '$', n: 3}, false, false},
		{ExpectString, reply{kind: '$', n: -1}, false, true},
		{ExpectString, reply{kind: '+'}, true, false},
		{ExpectValue, right, false, false},
		{ExpectValue, reply{kind: '$', n: -1}, false, true},
		{ExpectValue, reply{kind: '$', n: 21, head: right.head}, true, false},
		{ExpectValue, reply{kind: '$', n: 20, head: []byte("0123456789abcdef")}, true, false},
		{ExpectArray, reply{kind: '*', n: 5}, false, false},
		{ExpectArray, reply{kind: '*', n: 4}, true, false},
		{ExpectArray, reply{kind: ':', n: 5}, true, false},
	} {
		wrong, miss := judge(c.expect, c.reply, choice{key: 7, count: 5}, v, true)
		if (wrong != "") != c.wrong || miss != c.miss {
			t.Errorf("%d: %+v is %q, miss %v", i, c.reply, wrong, miss)
		}
	}
	if wrong, _ := judge(ExpectValue, reply{kind: '$', n: 1}, choice{}, v, false); wrong != "" {
		t.Errorf("a value is checked that nobody knows: %s", wrong)
	}
}
