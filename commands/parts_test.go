package commands

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"holdfast/dict"
	"holdfast/hashes"
	"holdfast/kv"
	"holdfast/lists"
	"holdfast/sets"
	"holdfast/streams"
	"holdfast/zsets"
)

// errPause stops a walk through parts.
var errPause = errors.New("stop here")

// inSteps are the parts from id 0 on, a few with each call.
func inSteps(t *testing.T, v kv.Parted, changed bool, step int) (ids []uint64) {
	t.Helper()
	for from, more := uint64(0), true; more; {
		more = false
		left := step
		err := v.PartsFrom(from, changed, func(id uint64, _ []byte) error {
			if id < from {
				t.Fatalf("part %d comes where those from %d on were asked for", id, from)
			}
			if left--; left < 0 {
				from, more = id, true
				return errPause
			}
			ids = append(ids, id)
			return nil
		})
		if more != errors.Is(err, errPause) {
			t.Fatalf("PartsFrom says %v", err)
		}
	}
	return ids
}

// The parts of every type come in steps as they come at once: all of them, and those that few or many changes have touched.
func TestPartsInSteps(t *testing.T) {
	l, s, h, z, x := lists.New(), sets.New(), hashes.New(), zsets.New(), streams.New()
	seed := dict.Seed{1}
	rules, limits := sets.Rules{Seed: func() dict.Seed { return seed }}, zsets.Limits{Seed: func() dict.Seed { return seed }}
	h.Enlarge(seed)
	name := func(i int) []byte { return fmt.Append(nil, "element:", i) }
	for i := range 15_000 {
		l.PushBack(name(i))
		s.Add(name(i), rules)
		h.Set(name(i), name(i))
		z.Put(name(i), float64(i%700), limits)
		x.Append(streams.ID{MS: uint64(i) + 1}, [][]byte{[]byte("field"), name(i)}, streams.Limits{Entries: 100})
	}
	for _, c := range []struct {
		v      kv.Parted
		change func(i int)
	}{
		{l, func(i int) { l.Set(i, []byte("other")) }},
		{s, func(i int) { s.Remove(name(i)) }},
		{h, func(i int) { h.Set(name(i), []byte("other")) }},
		{z, func(i int) { z.Put(name(i), 9, limits) }},
		{x, func(i int) { x.Delete(streams.ID{MS: uint64(i)}) }},
	} {
		v, key := c.v, fmt.Sprintf("%T", c.v)
		all := inSteps(t, v, false, 1<<30)
		if len(all) < 20 || !slices.IsSorted(all) || !slices.Equal(all, inSteps(t, v, false, 3)) {
			t.Fatalf("%s: %d parts, and other ones in steps", key, len(all))
		}
		v.MarkClean()
		for _, changes := range []int{1, 10, 4000} {
			for i := range changes {
				c.change(1 + i*11_000/changes)
			}
			some := inSteps(t, v, true, 1<<30)
			if len(some) == 0 || !slices.Equal(some, inSteps(t, v, true, 2)) {
				t.Errorf("%s: %d parts after %d changes, and other ones in steps", key, len(some), changes)
			}
		}
	}
}
