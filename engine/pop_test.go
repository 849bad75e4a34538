package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A set that lies in the base in parts, and of which SPOP leaves little, or only integers, is what it was after a restart
// from the base, and after one from the log.
func TestWhatSPOPLeavesComesBack(t *testing.T) {
	for _, member := range []string{"member%06d", "%d"} {
		for _, taken := range []int{1, 4_000, 5_990, 5_999} {
			for _, saved := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s,%d,%v", member, taken, saved), func(t *testing.T) {
					r := open(t, setup{})
					r.addMembers("s", member, 6_000)
					r.expect("SREM s beside", ":1")
					if err := r.checkpoint(); err != nil {
						t.Fatal(err)
					}
					if got := len(r.ask(r.user, "SELECT", "0", "SPOP", "s", fmt.Sprint(taken)).Elems); got != taken {
						t.Fatalf("%d members were taken, not %d", got, taken)
					}
					want := r.members("s")
					if saved {
						if err := r.checkpoint(); err != nil {
							t.Fatal(err)
						}
					}
					r.mustClose(false)
					if got := r.again().members("s"); !slices.Equal(got, want) || len(got) != 6_000-taken {
						t.Errorf("%d members after a restart, %d before", len(got), len(want))
					}
				})
			}
		}
	}
}

// members are those of a set, in order.
func (r *rig) members(key string) (all []string) {
	r.t.Helper()
	for _, e := range r.ask(r.user, "SELECT", "0", "SMEMBERS", key).Elems {
		all = append(all, string(e.Str))
	}
	slices.Sort(all)
	return all
}

// Nor does the base mix up what it has of such a set in parts with those that it gets when the set is large again.
func TestWhatSPOPLeavesMayGrowAgain(t *testing.T) {
	for _, taken := range []int{15_000, 19_700, 19_997} {
		t.Run(fmt.Sprint(taken), func(t *testing.T) {
			r := open(t, setup{})
			r.addMembers("s", "%d", 20_000)
			r.expect("SREM s beside", ":1")
			if err := r.checkpoint(); err != nil {
				t.Fatal(err)
			}
			if got := len(r.ask(r.user, "SELECT", "0", "SPOP", "s", fmt.Sprint(taken)).Elems); got != taken {
				t.Fatalf("%d members were taken, not %d", got, taken)
			}
			r.addMembers("s", "member%06d", 20_000)
			want := r.members("s")
			if err := r.checkpoint(); err != nil {
				t.Fatal(err)
			}
			r.mustClose(false)
			if got := r.again().members("s"); !slices.Equal(got, want) || len(got) != 40_001-taken {
				t.Errorf("%d members after a restart, %d before", len(got), len(want))
			}
		})
	}
}

// addMembers adds one, and then so many of a form, to a set.
func (r *rig) addMembers(key, member string, n int) {
	r.t.Helper()
	for at := 0; at < n; at += 1_000 {
		var line strings.Builder
		line.WriteString("SADD " + key + " beside")
		for i := at; i < at+1_000; i++ {
			fmt.Fprintf(&line, " "+member, i)
		}
		r.do(line.String())
	}
}
