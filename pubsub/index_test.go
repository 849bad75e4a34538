package pubsub

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

type index = Index[string]

func sub(name string) *Subscriber[string] { return &Subscriber[string]{Owner: name} }

// hearers lists who hears of a message, with the pattern where one made it so.
func hearers(x *index, k Kind, channel string) string {
	var all []string
	x.Hearers(k, []byte(channel), func(s *Subscriber[string], pattern string) {
		if pattern != "" {
			pattern = ":" + pattern
		}
		all = append(all, s.Owner+pattern)
	})
	return strings.Join(all, " ")
}

func expectHearers(t *testing.T, x *index, k Kind, channel, want string) {
	t.Helper()
	if got := hearers(x, k, channel); got != want {
		t.Errorf("%s is heard by %q, wanted %q", channel, got, want)
	}
}

func TestWhoHears(t *testing.T) {
	var x index
	a, b, c := sub("a"), sub("b"), sub("c")
	for _, s := range []*Subscriber[string]{b, a} {
		if !x.Add(s, Channel, []byte("news")) {
			t.Error("not new")
		}
	}
	if x.Add(a, Channel, []byte("news")) {
		t.Error("new a second time")
	}
	x.Add(c, Pattern, []byte("n*"))
	x.Add(a, Pattern, []byte("n*"))
	x.Add(a, Pattern, []byte("*"))
	x.Add(c, Shard, []byte("news"))
	expectHearers(t, &x, Channel, "news", "b a c:n* a:n* a:*")
	expectHearers(t, &x, Channel, "other", "a:*")
	expectHearers(t, &x, Shard, "news", "c")
	expectHearers(t, &x, Shard, "other", "")
	if got := a.Total(); got != 3 {
		t.Errorf("a has %d subscriptions, wanted 3", got)
	}
	if x.Remove(b, Pattern, []byte("n*")) || x.Remove(b, Channel, []byte("none")) || x.Remove(nil, Channel, []byte("news")) {
		t.Error("removed what was not there")
	}
	if !x.Remove(b, Channel, []byte("news")) || x.Members(Channel, []byte("news")) != 1 {
		t.Error("b is still there")
	}
	x.Leave(a)
	x.Leave(a)
	expectHearers(t, &x, Channel, "news", "c:n*")
	if x.Topics(Channel) != 0 || x.Topics(Pattern) != 1 || x.Topics(Shard) != 1 || x.Leaving() {
		t.Error("a left something behind")
	}
	x.Leave(c)
	if x.Any(Channel) || x.Any(Shard) || x.byName[Pattern] != nil {
		t.Error("c left something behind")
	}
}

// Somebody with many subscriptions is not seen any more when he has left, and they go bit by bit.
func TestLeavingTakesItsTime(t *testing.T) {
	var x index
	many, other := sub("many"), sub("other")
	const n = 10 * leaveAtOnce
	for i := range n {
		x.Add(many, Channel, fmt.Append(nil, i))
	}
	x.Add(other, Channel, []byte("3"))
	x.Leave(many)
	if !x.Leaving() || len(x.all[Channel]) != n {
		t.Error("it has gone at once")
	}
	expectHearers(t, &x, Channel, "3", "other")
	expectHearers(t, &x, Channel, "4", "")
	var names []string
	x.EachTopic(Channel, func(name string) { names = append(names, name) })
	if !slices.Equal(names, []string{"3"}) || x.Topics(Channel) != 1 || x.Members(Channel, []byte("3")) != 1 || x.Members(Channel, []byte("4")) != 0 {
		t.Errorf("he who left is still seen: %q", names)
	}
	x.Leave(sub("without any"))
	slices := 1
	for x.Sweep(leaveAtOnce) {
		slices++
	}
	if slices < n/leaveAtOnce || x.Leaving() || len(x.all[Channel]) != 1 {
		t.Errorf("swept in %d slices, %d topics are left", slices, len(x.all[Channel]))
	}
}

// TestAgainstAModel compares the index with lists that are searched from one end to the other.
func TestAgainstAModel(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	type pair struct{ who, topic string }
	var x index
	var model [kinds][]pair // in the order in which they were made
	subs := map[string]*Subscriber[string]{}
	topics := []string{"a", "b", "ab", "a*", "?b"}
	for range 20_000 {
		who, topic, k := fmt.Sprint(random.IntN(30)), topics[random.IntN(len(topics))], Kind(random.IntN(int(kinds)))
		if subs[who] == nil {
			subs[who] = sub(who)
		}
		p := pair{who, topic}
		have := slices.Contains(model[k], p)
		switch random.IntN(8) {
		case 0, 1, 2, 3:
			if x.Add(subs[who], k, []byte(topic)) == have {
				t.Fatal("Add is wrong")
			}
			if !have {
				model[k] = append(model[k], p)
			}
		case 4, 5, 6:
			if x.Remove(subs[who], k, []byte(topic)) != have {
				t.Fatal("Remove is wrong")
			}
			model[k] = slices.DeleteFunc(model[k], func(o pair) bool { return o == p })
		case 7:
			x.Leave(subs[who])
			delete(subs, who)
			for k := range kinds {
				model[k] = slices.DeleteFunc(model[k], func(o pair) bool { return o.who == who })
			}
		}
		var want []string
		for _, p := range model[k] {
			if p.topic == topic {
				want = append(want, p.who)
			}
		}
		if got := x.Members(k, []byte(topic)); got != len(want) {
			t.Fatalf("%s has %d members, wanted %d", topic, got, len(want))
		}
		if k == Shard {
			expectHearers(t, &x, Shard, topic, strings.Join(want, " "))
		}
		if s := subs[who]; s != nil {
			var names []string
			for _, p := range model[k] {
				if p.who == who {
					names = append(names, p.topic)
				}
			}
			slices.Sort(names)
			if got := s.Names(k); !slices.Equal(got, names) {
				t.Fatalf("%s has subscribed to %q, wanted %q", who, got, names)
			}
		}
		if t.Failed() {
			return
		}
	}
}

// BenchmarkSubscriptions tells what a subscription costs, to a topic of its own: time to make and to sweep it, and memory.
func BenchmarkSubscriptions(b *testing.B) {
	b.ReportAllocs()
	var x index
	s := sub("s")
	for i := range b.N {
		x.Add(s, Channel, fmt.Append(nil, i))
	}
	x.Leave(s)
	for x.Sweep(256) {
	}
}
