package workload

import (
	"bytes"
	"maps"
	"slices"
	"strings"
)

// harmField changes the first field of a hash that is fit for it; change reports whether it is.
func harmField(change func(name string, f *toyField) bool) func(*world, *toy, *History) bool {
	return func(_ *world, t *toy, _ *History) bool {
		return keyed(t, "hash:", func(_ string, v *thing) bool {
			for _, name := range slices.Sorted(maps.Keys(v.h)) {
				if f := v.h[name]; name != countField && change(name, &f) {
					v.h[name] = f
					return true
				}
			}
			return false
		})
	}
}

func hashDefects() []defect {
	far := func(do func(*toyField)) func(string, *toyField) bool {
		return func(_ string, f *toyField) bool {
			if f.deadline < year2100 {
				return false
			}
			do(f)
			return true
		}
	}
	return []defect{
		{"a lost HSET", "hashes", Lost, without("HSET")},
		{"a lost HDEL", "hashes", Lost, without("HDEL")},
		{"a lost HINCRBY", "hashes", Lost, without("HINCRBY")},
		{"a field's deadline a millisecond off", "hashes", Deadline, harmField(far(func(f *toyField) { f.deadline++ }))},
		{"a field's deadline forgotten", "hashes", Deadline, harmField(far(func(f *toyField) { f.deadline = 0 }))},
		{"a field's deadline out of nowhere", "hashes", Deadline, harmField(func(_ string, f *toyField) bool {
			had := f.deadline != 0
			f.deadline = year2100
			return !had
		})},
		{"a field's value cut short", "hashes", Invented, harmField(func(_ string, f *toyField) bool {
			if len(f.text) < journalBytes {
				return false
			}
			f.text = f.text[:journalBytes/2]
			return true
		})},
		{"a field out of nowhere", "hashes", Invented, func(_ *world, t *toy, _ *History) bool {
			return keyed(t, "hash:", func(_ string, v *thing) bool {
				v.h["g"] = toyField{text: "v"}
				return true
			})
		}},
		{"an expired field that came back", "hashes", Resurrected, func(d *world, t *toy, _ *History) bool {
			for i := len(d.log) - 1; i >= 0; i-- {
				op := &d.ops[d.log[i].op]
				if string(op.Args[0]) != "HSETEX" || string(op.Args[2]) != "PX" {
					continue
				}
				k, name, text := string(op.Args[1]), string(op.Args[6]), string(op.Args[7])
				touched := slices.ContainsFunc(d.log[i+1:], func(l logged) bool {
					later := &d.ops[l.op]
					return slices.ContainsFunc(append(later.Body, later.Args), func(args [][]byte) bool {
						words := strings.Fields(string(bytes.Join(args, []byte(" "))))
						moves := len(words) <= 4 && (words[0] == "DEL" || words[0] == "RENAME" || words[0] == "COPY")
						return slices.Contains(words, k) && (moves || slices.Contains(words, name))
					})
				})
				if v := t.keys[k]; v != nil && !touched {
					v.h[name] = toyField{text: text}
					return true
				}
			}
			return false
		}},
	}
}
