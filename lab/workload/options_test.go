package workload

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"holdfast/resp"
)

func TestOptionsHaveBounds(t *testing.T) {
	for _, o := range []Options{{Clients: -1}, {Clients: 61}, {Requests: 100_001}, {Keys: 10_001}, {Keys: -5}} {
		if _, err := New("counters", o); !errors.Is(err, ErrOptions) {
			t.Errorf("%+v: %v, want %v", o, err, ErrOptions)
		}
	}
	if _, err := New("nothing", Options{}); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "counters") {
		t.Errorf("%v, want %v and the names that there are", err, ErrUnknown)
	}
	for _, a := range List() {
		if w := must(t, a.Name, Options{}); w.Name() != a.Name || a.Line == "" {
			t.Errorf("%+v is called %s", a, w.Name())
		}
	}
}

// The same seed asks the same. Values differ between connections and rounds, whatever the seed.
func TestClientsAreDeterministicAndTheirValuesUnique(t *testing.T) {
	for _, name := range Names() {
		values := map[string]string{}
		w := must(t, name, Options{Requests: 200, Checkpoints: true})
		for n := range w.Clients() {
			for round := range 3 {
				a, b := all(w.Client(n, round, rand.New(rand.NewPCG(1, 1)))), all(w.Client(n, round, rand.New(rand.NewPCG(1, 1))))
				if fmt.Sprintf("%q", a) != fmt.Sprintf("%q", b) || len(a) < 200 {
					t.Fatalf("%s: connection %d, round %d: %d requests and then %d others", name, n, round, len(a), len(b))
				}
				for _, args := range a {
					for _, arg := range args {
						if v, who := string(arg), fmt.Sprint(n, round); v[0] == 'r' && strings.Count(v, ".") == 2 {
							if values[v] != "" {
								t.Fatalf("%s: %.30s was sent by %s and by %s", name, v, values[v], who)
							}
							values[v] = who
						}
					}
				}
			}
		}
	}
}

func all(c Client) (requests [][][]byte) {
	for args := c.Next(resp.Reply{}); args != nil; args = c.Next(resp.Reply{}) {
		requests = append(requests, args)
	}
	return requests
}

// The workloads do what they are for: see that it happens in a run of ordinary size.
func TestWorkloadsReachWhatTheyAreFor(t *testing.T) {
	d := newWorld(must(t, "mixed", Options{}), 1)
	longest, lapsed, did := 0, 0, map[string]int{}
	d.run(0, 1_000_000)
	for _, op := range d.ops {
		did[string(op.Args[0])]++
		if string(op.Args[0]) == "GET" && strings.HasPrefix(string(op.Args[1]), "ttl:") && op.Reply.Null {
			lapsed++
		}
	}
	for k, v := range d.live.keys {
		if strings.HasPrefix(k, "big:") {
			longest = len(strings.Join(v.l, ""))
		}
	}
	if longest < 64<<10 || longest > 512<<10 {
		t.Errorf("the big list has %d bytes, want more than 64 KiB, and not too many", longest)
	}
	if lapsed == 0 {
		t.Error("nobody saw a key gone")
	}
	for _, command := range []string{"EXEC", "BGSAVE", "BGREWRITEAOF", "LMOVE", "MSET", "RENAME", "COPY", "DEL", "GETEX", "PERSIST", "PEXPIREAT",
		"HSETEX", "HGETEX", "HGETDEL", "HPEXPIRE", "HPEXPIREAT", "HPERSIST"} {
		if did[command] == 0 {
			t.Errorf("no %s", command)
		}
	}
}

// What is not an answer to the reads is said, and judged no further.
func TestUnreadable(t *testing.T) {
	w := must(t, "lists", Options{})
	for name, replies := range map[string][]resp.Reply{
		"none":         nil,
		"only errors":  make([]resp.Reply, len(w.Reads())),
		"loading":      {errReply("LOADING")},
		"one too many": make([]resp.Reply, len(w.Reads())+1),
	} {
		findings := w.Judge(&History{}, replies)
		if len(findings) == 0 || findings[0].Check != Unreadable {
			t.Errorf("%s: %v", name, findings)
		}
	}
}
