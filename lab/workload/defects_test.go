package workload

import (
	"slices"
	"strings"
	"testing"

	"holdfast/resp"
)

// defect is something that a server may do to a state that was right.
type defect struct {
	name, workload string
	want           Check
	// harm changes the recovered toy, and reports whether it found something to do it to.
	harm func(d *world, t *toy, h *History) bool
}

// keyed calls do with each key that begins so, in order, until it reports true.
func keyed(t *toy, prefix string, do func(k string, v *thing) bool) bool {
	var names []string
	for k := range t.keys {
		names = append(names, k)
	}
	slices.Sort(names)
	for _, k := range names {
		if strings.HasPrefix(k, prefix) && do(k, t.keys[k]) {
			return true
		}
	}
	return false
}

// without is the newest log entry that some command begins so: the state is made again without it.
func without(words ...string) func(*world, *toy, *History) bool {
	return func(d *world, t *toy, h *History) bool {
		for i := len(d.log) - 1; i >= 0; i-- {
			op := &d.ops[d.log[i].op]
			if !slices.Contains(words, string(op.Args[0])) || op.Reply.Null || op.Reply.Kind == ':' && op.Reply.Int == 0 {
				continue
			}
			lost := d.recover(len(d.log), i)
			same := func(a, b resp.Reply) bool { return sameReply(&a, &b) }
			if !slices.EqualFunc(look(lost.clone(), d.w, h.Seen), look(t.clone(), d.w, h.Seen), same) {
				t.keys = lost.keys
				return true
			}
		}
		return false
	}
}

// half makes the state again with only a part of the newest operation that has several.
func half(name string, keep func(op *Op) Op) func(*world, *toy, *History) bool {
	return func(d *world, t *toy, h *History) bool {
		for i := len(d.log) - 1; i >= 0; i-- {
			op := d.ops[d.log[i].op]
			if string(op.Args[0]) != name || (name == "EXEC" && string(op.Body[0][0]) == "GET") ||
				(name == "EVAL" && string(op.Args[1]) != transferScript) {
				continue
			}
			broken := d.recover(i)
			part := keep(&op)
			broken.exec(&part, d.log[i].now)
			for _, l := range d.log[i+1:] {
				broken.exec(&d.ops[l.op], l.now)
			}
			if string(op.Args[0]) == "MSET" && (broken.keys[string(op.Args[1])] == nil || broken.keys[string(op.Args[1])].s != string(op.Args[2]) ||
				t.keys[string(op.Args[3])] == nil || t.keys[string(op.Args[3])].s != string(op.Args[4])) {
				continue // overwritten since
			}
			t.keys = broken.keys
			return true
		}
		return false
	}
}

func defects() []defect {
	all := []defect{
		{"a lost INCR", "counters", Lost, without("INCR")},
		{"a lost DECR", "counters", Lost, without("DECR")},
		{"a lost SET", "registers", Lost, without("SET", "GETSET", "MSET")},
		{"a lost DEL", "registers", Lost, without("DEL", "GETDEL")},
		{"a lost push", "lists", Lost, without("RPUSH", "LPUSH")},
		{"a lost pop", "lists", Lost, without("LPOP", "RPOP")},
		{"a lost transaction", "accounts", Lost, func(d *world, t *toy, h *History) bool {
			for i := len(d.log) - 1; i >= 0; i-- {
				if op := &d.ops[d.log[i].op]; op.Body != nil && string(op.Body[0][0]) != "GET" {
					t.keys = d.recover(len(d.log), i).keys
					return true
				}
			}
			return false
		}},
		{"everything lost", "mixed", Lost, func(_ *world, t *toy, _ *History) bool {
			clear(t.keys)
			return true
		}},
		{"a transaction without its credit", "accounts", Torn, half("EXEC", func(op *Op) Op {
			return Op{Args: op.Args, Body: [][][]byte{op.Body[0], op.Body[2]}}
		})},
		{"a transaction without its journal", "accounts", Torn, half("EXEC", func(op *Op) Op {
			return Op{Args: op.Args, Body: op.Body[:2]}
		})},
		{"half an MSET", "registers", Torn, half("MSET", func(op *Op) Op { return Op{Args: op.Args[:3]} })},
		{"a move in part", "lists", Torn, func(_ *world, t *toy, _ *History) bool {
			return keyed(t, "list:{0}:a", func(_ string, v *thing) bool {
				return keyed(t, "list:{0}:b", func(_ string, to *thing) bool {
					to.l = append(to.l, v.l[0])
					return true
				})
			})
		}},
		{"elements swapped", "lists", Order, func(_ *world, t *toy, _ *History) bool {
			return keyed(t, "list:", func(_ string, v *thing) bool {
				if len(v.l) < 2 {
					return false
				}
				v.l[0], v.l[1] = v.l[1], v.l[0]
				return true
			})
		}},
		{"elements of the big list swapped", "lists", Order, func(_ *world, t *toy, _ *History) bool {
			return keyed(t, "big:", func(_ string, v *thing) bool {
				v.l[50], v.l[90] = v.l[90], v.l[50]
				return true
			})
		}},
		{"an element twice", "lists", Order, func(_ *world, t *toy, _ *History) bool {
			return keyed(t, "list:", func(_ string, v *thing) bool {
				v.l = append(v.l, v.l[0])
				return true
			})
		}},
		{"the journal in another order", "accounts", Order, func(_ *world, t *toy, _ *History) bool {
			return keyed(t, "journal:", func(_ string, v *thing) bool {
				slices.Reverse(v.l)
				return len(v.l) > 1
			})
		}},
		{"a value out of nowhere", "registers", Invented, func(_ *world, t *toy, _ *History) bool {
			return keyed(t, "register:", func(_ string, v *thing) bool {
				v.s = "r7.7.7"
				return true
			})
		}},
		{"the value of another key", "registers", Invented, func(_ *world, t *toy, _ *History) bool {
			return keyed(t, "register:{0}", func(_ string, v *thing) bool {
				return keyed(t, "register:{1}", func(_ string, other *thing) bool {
					v.s = other.s
					return true
				})
			})
		}},
		{"an element out of nowhere", "lists", Invented, func(_ *world, t *toy, _ *History) bool {
			return keyed(t, "list:", func(_ string, v *thing) bool {
				v.l = append(v.l, "r7.7.7")
				return true
			})
		}},
		{"a number out of nowhere", "counters", Invented, func(_ *world, t *toy, _ *History) bool {
			return keyed(t, "counter:", func(_ string, v *thing) bool {
				v.s = "99999999"
				return true
			})
		}},
		{"a key out of nowhere", "counters", Invented, func(_ *world, t *toy, _ *History) bool {
			t.keys["nobody"] = &thing{s: "1"}
			return true
		}},
		{"a deadline a millisecond off", "ttls", Deadline, func(_ *world, t *toy, _ *History) bool {
			return keyed(t, "ttl:", func(_ string, v *thing) bool {
				if v.deadline < year2100 {
					return false
				}
				v.deadline++
				return true
			})
		}},
		{"a time to live counted anew", "ttls", Deadline, func(_ *world, t *toy, h *History) bool {
			return keyed(t, "ttl:", func(_ string, v *thing) bool {
				if v.deadline == 0 || v.deadline > year2100 || v.deadline < h.Seen+longMillis/2 {
					return false
				}
				v.deadline += 1000
				return true
			})
		}},
		{"a deadline forgotten", "ttls", Deadline, func(_ *world, t *toy, _ *History) bool {
			return keyed(t, "ttl:", func(_ string, v *thing) bool {
				if v.deadline < year2100 {
					return false
				}
				v.deadline = 0
				return true
			})
		}},
		{"an expired key that came back", "ttls", Resurrected, func(d *world, t *toy, h *History) bool {
			for i := len(d.log) - 1; i >= 0; i-- {
				op := &d.ops[d.log[i].op]
				k := string(op.Args[1])
				if string(op.Args[0]) != "SET" || len(op.Args) != 5 || len(op.Args[4]) > 3 || t.keys[k] != nil {
					continue
				}
				for _, l := range d.log[i+1:] {
					if later := &d.ops[l.op]; string(later.Args[1]) == k && !readOnly(string(later.Args[0])) {
						k = ""
						break
					}
				}
				if k != "" {
					t.keys[k] = &thing{s: string(op.Args[2])}
					return true
				}
			}
			return false
		}},
		{"a wrong type", "lists", Unreadable, nil},
	}
	return slices.Concat(all, hashDefects(), otherDefects())
}

// Every kind of defect is found, and called what it is; in one round and in the next.
func TestDefectsAreFoundAndNamed(t *testing.T) {
	for _, c := range defects() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := must(t, c.workload, Options{Clients: 3, Requests: 120, Keys: 18})
			done := 0
			for seed := range uint64(12) {
				d := newWorld(w, seed)
				d.atomic = true
				d.run(0, 1_000_000)
				if seed%2 == 1 { // the defect comes in the second round
					h, _, most := d.crash(d.seq/2, false)
					h.Seen = h.CrashAt
					d.restart(h, d.recover(most), seed)
					d.run(1, 1_000_000)
				}
				h, _, most := d.crash(d.seq+1, false)
				h.Seen = h.CrashAt + 1000
				recovered := d.recover(most)
				if findings := w.Judge(h, look(recovered.clone(), w, h.Seen)); len(findings) > 0 {
					t.Fatalf("seed %d: before the harm: %v", seed, findings)
				}
				recovered.do(request("KEYS", "*"), h.Seen)
				if c.harm != nil && !c.harm(d, recovered, h) {
					continue
				}
				done++
				replies := look(recovered, w, h.Seen)
				if c.harm == nil {
					replies[1] = resp.Reply{Kind: '-', Str: []byte("WRONGTYPE Operation against a key holding the wrong kind of value")}
				}
				findings := w.Judge(h, replies)
				if !slices.ContainsFunc(findings, func(f Finding) bool { return f.Check == c.want }) {
					t.Errorf("seed %d: %v, want %q", seed, findings, c.want)
				}
				for _, f := range findings {
					if f.Detail == "" || f.Check != c.want && c.name != "everything lost" {
						t.Errorf("seed %d: also %v", seed, f)
					}
				}
			}
			if done < 3 {
				t.Errorf("only %d of 12 histories had a place for it", done)
			}
		})
	}
}

// A server that answers what no order of the requests explains is found out before the crash matters.
func TestRepliesThatNoOrderExplains(t *testing.T) {
	w := must(t, "counters", Options{Clients: 2, Requests: 50, Keys: 2})
	d := newWorld(w, 1)
	d.atomic = true
	d.run(0, 1_000_000)
	h, _, most := d.crash(d.seq+1, false)
	h.Seen = h.CrashAt
	h.Ops[40].Reply.Int, h.Ops[40].Reply.Kind = 7777, ':'
	findings := w.Judge(h, look(d.recover(most), w, h.Seen))
	if len(findings) != 1 || findings[0].Check != Order || !strings.Contains(findings[0].Detail, "7777") {
		t.Errorf("%v", findings)
	}
}
