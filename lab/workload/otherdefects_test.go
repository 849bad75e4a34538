package workload

import (
	"slices"
	"strings"
	"testing"

	"holdfast/resp"
)

// withoutExec is without for the newest transaction in which a command is the last.
func withoutExec(word string) func(*world, *toy, *History) bool {
	return func(d *world, t *toy, h *History) bool {
		for i := len(d.log) - 1; i >= 0; i-- {
			op := &d.ops[d.log[i].op]
			if op.Body == nil || string(op.Body[len(op.Body)-1][0]) != word {
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

// otherDefects are those of strings with a meaning, places, dumps and scripts.
func otherDefects() []defect {
	return []defect{
		{"a lost SETBIT", "bits", Lost, without("SETBIT")},
		{"a lost BITFIELD", "bits", Lost, without("BITFIELD")},
		{"a lost BITOP", "bits", Lost, withoutExec("BITOP")},
		{"a bit that turned", "bits", Lost, func(_ *world, t *toy, _ *History) bool {
			return keyed(t, "bits:", func(_ string, v *thing) bool {
				v.s = v.s[:len(v.s)-1] + string(v.s[len(v.s)-1]^1)
				return true
			})
		}},
		{"a lost PFADD", "sketches", Lost, without("PFADD")},
		{"a lost PFMERGE", "sketches", Lost, withoutExec("PFMERGE")},
		{"a sketch that is none", "sketches", Unreadable, func(_ *world, t *toy, _ *History) bool {
			return keyed(t, "sketch:", func(_ string, v *thing) bool {
				v.s, v.sketch = "HYLL", nil
				return true
			})
		}},
		{"a lost GEOADD", "places", Lost, without("GEOADD")},
		{"a lost GEOSEARCHSTORE", "places", Lost, without("GEOSEARCHSTORE")},
		{"a member at another place", "places", Lost, func(_ *world, t *toy, _ *History) bool {
			return keyed(t, "places:", func(_ string, v *thing) bool {
				for member, score := range v.z {
					z := map[string]int64{}
					for other, its := range v.z {
						z[other] = its
					}
					z[member] = score + 1
					v.z = z
					return true
				}
				return false
			})
		}},
		{"a lost RESTORE", "dumps", Lost, without("RESTORE")},
		{"a lost COPY", "dumps", Lost, without("COPY")},
		{"a restored deadline a millisecond off", "dumps", Deadline, func(_ *world, t *toy, _ *History) bool {
			return keyed(t, "dump:", func(_ string, v *thing) bool {
				if v.deadline == 0 {
					return false
				}
				v.deadline++
				return true
			})
		}},
		{"a script without its last write", "scripts", Torn, half("EVAL", func(op *Op) Op {
			w := op.Args
			return Op{Args: op.Args, Body: [][][]byte{{[]byte("DECRBY"), w[3], w[6]}, {[]byte("INCRBY"), w[4], w[6]}}}
		})},
		{"a lost exchange", "scripts", Lost, func(d *world, t *toy, h *History) bool {
			for i := len(d.log) - 1; i >= 0; i-- {
				if op := &d.ops[d.log[i].op]; string(op.Args[0]) == "EVAL" && string(op.Args[1]) == exchangeScript {
					t.keys = d.recover(len(d.log), i).keys
					return true
				}
			}
			return false
		}},
		{"a lost library", "scripts", Lost, func(_ *world, t *toy, _ *History) bool {
			for name := range t.libraries {
				delete(t.libraries, name)
				return true
			}
			return false
		}},
		{"an older version of a library", "scripts", Lost, func(d *world, t *toy, _ *History) bool {
			older := map[string]string{}
			for _, l := range d.log {
				op := &d.ops[l.op]
				if string(op.Args[0]) != "FUNCTION" || string(op.Args[1]) != "LOAD" {
					continue
				}
				name, version := string(op.Reply.Str), versionIn(string(op.Args[3]))
				if old, there := older[name]; there && t.libraries[name] == version {
					t.libraries[name] = old
					return true
				}
				older[name] = version
			}
			return false
		}},
		{"a lost call of a function", "scripts", Lost, func(d *world, t *toy, _ *History) bool {
			for i := len(d.log) - 1; i >= 0; i-- {
				if op := &d.ops[d.log[i].op]; string(op.Args[0]) == "FCALL" && len(op.Args) > 3 && op.Reply.Err() == nil {
					t.keys = d.recover(len(d.log), i).keys
					return true
				}
			}
			return false
		}},
	}
}

// What redis-server 7.0.15 shows of HyperLogLogs, in both forms: of "a", "b", "c", and of a thousand elements more.
func TestSketchesAreReadAsRedisWritesThem(t *testing.T) {
	runs := "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80`\xf3\x80P\xb1\x84K\xfb\x80BZ"
	got, err := seeSketch(&resp.Reply{Kind: '$', Str: []byte(runs)})
	want := ranks{rankOf("a"), rankOf("b"), rankOf("c")}
	slices.Sort(want)
	if err != nil || string(got.str) != want.String() {
		t.Errorf("%q, %v, want %q", got.str, err, want.String())
	}
	elements := map[string]bool{"a": true, "b": true, "c": true}
	got, err = seeSketch(&resp.Reply{Kind: '$', Str: []byte(toySketch(elements))})
	if err != nil || string(got.str) != want.String() {
		t.Errorf("side by side: %q, %v, want %q", got.str, err, want.String())
	}
	for _, bad := range []string{"", "HYLL", runs[:20], runs + "\x00", "XYLL" + runs[4:], runs[:16] + "\x7f", runs[:16] + strings.Repeat("\x3f", 300)} {
		if _, err := seeSketch(&resp.Reply{Kind: '$', Str: []byte(bad)}); err == nil {
			t.Errorf("%.30q was read", bad)
		}
	}
}

// The geohash of a place, and what of payloads goes in and out.
func TestPlacesAndPayloads(t *testing.T) {
	for i := range towns {
		if want := toyGeohash(float64(townLon(i)), float64(townLat(i))); int64(townScore(i)) != want {
			t.Errorf("place %d has the score %d, want %d", i, townScore(i), want)
		}
	}
	elements := []string{"r0.1.1", "r0.1.2" + padding(elementBytes), ""}
	if got := undumped(dumped(elements)); !slices.Equal(got, elements) {
		t.Errorf("%.40q", got)
	}
}
