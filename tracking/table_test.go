package tracking

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

type table = Table[string]

func tracker(x *table, name string, m Modes, prefixes ...string) *Tracker[string] {
	t := &Tracker[string]{Owner: name}
	x.TurnOn(t, m, 0, prefixes)
	return t
}

func changed(x *table, key string, by *Tracker[string]) string {
	var told []string
	x.Changed([]byte(key), by, func(t *Tracker[string]) { told = append(told, t.Owner) })
	return strings.Join(told, " ")
}

func broadcasts(x *table) string {
	var told []string
	x.Broadcasts(func(t *Tracker[string], keys []string) {
		told = append(told, t.Owner+":"+strings.Join(keys, ","))
	})
	return strings.Join(told, " ")
}

func expect(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %q, wanted %q", what, got, want)
	}
}

func TestReadersAreToldOnce(t *testing.T) {
	var x table
	a, b, quiet := tracker(&x, "a", Modes{}), tracker(&x, "b", Modes{}), tracker(&x, "quiet", Modes{NoLoop: true})
	for _, r := range []*Tracker[string]{a, b, quiet, a} {
		x.Remember(r, []byte("k"))
	}
	x.Remember(a, []byte("other"))
	if x.Keys() != 2 || x.Items() != 4 || x.Count() != 3 {
		t.Errorf("%d keys, %d items, %d trackers", x.Keys(), x.Items(), x.Count())
	}
	expect(t, "a change by who does not want to hear of his own", changed(&x, "k", quiet), "a b")
	expect(t, "the next change", changed(&x, "k", nil), "")
	x.Remember(quiet, []byte("k"))
	expect(t, "a change by another", changed(&x, "k", a), "quiet")
	x.Remember(b, []byte("k"))
	x.TurnOff(b)
	expect(t, "of one who is off", changed(&x, "k", nil), "")
	var all []string
	x.Flushed(func(t *Tracker[string]) { all = append(all, t.Owner) })
	slices.Sort(all)
	expect(t, "a flush", strings.Join(all, " "), "a quiet")
	if x.Keys() != 0 || x.Items() != 0 {
		t.Error("a flush leaves something")
	}
	x.TurnOff(a)
	x.TurnOff(quiet)
	x.TurnOff(quiet)
	if x.Active() || x.keys != nil {
		t.Error("something is left")
	}
}

func TestModes(t *testing.T) {
	for _, c := range []struct {
		t    Tracker[string]
		want bool
	}{
		{Tracker[string]{}, false},
		{Tracker[string]{On: true}, true},
		{Tracker[string]{On: true, Modes: Modes{Broadcast: true}}, false},
		{Tracker[string]{On: true, Modes: Modes{OptIn: true}}, false},
		{Tracker[string]{On: true, Modes: Modes{OptIn: true}, Caching: true}, true},
		{Tracker[string]{On: true, Modes: Modes{OptOut: true}}, true},
		{Tracker[string]{On: true, Modes: Modes{OptOut: true}, Caching: true}, false},
	} {
		if got := c.t.Remembers(); got != c.want {
			t.Errorf("%+v: %v", c.t, got)
		}
	}
}

func TestBroadcasts(t *testing.T) {
	var x table
	a := tracker(&x, "a", Modes{Broadcast: true}, "u", "i")
	all := tracker(&x, "all", Modes{Broadcast: true, NoLoop: true})
	for _, c := range []struct {
		key string
		by  *Tracker[string]
	}{{"u2", nil}, {"u1", all}, {"x", a}, {"u1", nil}} {
		expect(t, "at once", changed(&x, c.key, c.by), "")
	}
	if !x.Pending() {
		t.Error("nothing is pending")
	}
	expect(t, "broadcasts", broadcasts(&x), "all:u2,x a:u1,u2")
	expect(t, "again", broadcasts(&x), "")
	x.TurnOn(a, a.Modes, 0, []string{"x"})
	expect(t, "prefixes", strings.Join(a.Prefixes(), " "), "i u x")
	changed(&x, "x1", nil)
	x.TurnOff(a)
	expect(t, "without a", broadcasts(&x), "all:x1")
	changed(&x, "y", all)
	expect(t, "of one's own alone", broadcasts(&x), "")
	changed(&x, "y", nil)
	x.TurnOff(all)
	if x.Pending() || x.Prefixes() != 0 || broadcasts(&x) != "" {
		t.Error("something is left")
	}
}

// Many who read a key, come and go, do not pile up.
func TestManyReaders(t *testing.T) {
	var x table
	var now []*Tracker[string]
	tracker(&x, "always", Modes{})
	for i := range 1000 {
		r := tracker(&x, fmt.Sprint(i), Modes{})
		x.Remember(r, []byte("k"))
		x.Remember(r, []byte("k"))
		if now = append(now, r); len(now) > 20 {
			if x.Leave(now[0]); now[0].Owner != "" {
				t.Fatal("the table leads to an owner that has left")
			}
			now = now[1:]
		}
		if x.Items() > 64 || x.Items() != len(x.keys["k"].all) {
			t.Fatalf("%d items, %d readers", x.Items(), len(x.keys["k"].all))
		}
	}
	var want []string
	for _, r := range now {
		want = append(want, r.Owner)
	}
	expect(t, "those who are there", changed(&x, "k", nil), strings.Join(want, " "))
}

func TestEvict(t *testing.T) {
	var x table
	a, b := tracker(&x, "a", Modes{}), tracker(&x, "b", Modes{NoLoop: true})
	for i := range 10 {
		x.Remember(a, fmt.Append(nil, i))
		x.Remember(b, fmt.Append(nil, i))
	}
	var told []string
	for i := 5; x.Keys() > 5; i-- {
		x.Evict(i, func(key string, t *Tracker[string]) { told = append(told, key+t.Owner) })
	}
	expect(t, "evicted", strings.Join(told, " "), "5a 5b 4a 4b 3a 3b 2a 2b 1a 1b")
	if x.Items() != 10 || changed(&x, "4", nil) != "" || changed(&x, "9", nil) != "a b" {
		t.Error("it was not evicted, or something else was")
	}
}

func TestOverlap(t *testing.T) {
	for _, c := range []struct {
		have, wanted string
		one, other   string
		among        bool
	}{
		{"", "a b", "", "", false},
		{"", "a ab", "a", "ab", true},
		{"b", "a bc", "bc", "b", false},
		{"", "x a x", "x", "x", true},
	} {
		one, other, among, found := Overlap(strings.Fields(c.have), strings.Fields(c.wanted))
		if one != c.one || other != c.other || among != c.among || found != (c.one != "") {
			t.Errorf("%v: %q and %q, %v, %v", c, one, other, among, found)
		}
	}
}
