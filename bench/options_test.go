package main

import (
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"holdfast/bench/rig"
)

func rowNames(o Options) string {
	var names []string
	for _, r := range o.rows() {
		names = append(names, r.Name())
	}
	return strings.Join(names, "; ")
}

func TestChooseRows(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"-rows SET -policies always", "always SET/1; always SET/16"},
		{"-rows GET/16,SET/1 -policies no,always", "no SET/1; no GET/16; always SET/1; always GET/16"},
		{"-rows SET,SET/16 -policies everysec", "everysec SET/1; everysec SET/16"},
		{"-rows YCSB-A/1 -policies no", "no YCSB-A/1"},
		{"-rows SET -groups keys", "everysec SET/1, uniform; everysec SET/1, zipf"},
		{"-groups rate", "everysec GET/1, fixed rate; everysec SET/1, fixed rate; everysec GET+SET/1, fixed rate"},
		{"-groups writers,connections -policies always", "always SET/1, 1 connection; always GET/1, 50 writers; always GET/1, 50 writers, 2000/s"},
		{"-generator redis-benchmark -pipelines 1 -policies no", "no SET/1; no GET/1; no INCR/1; no LPUSH/1; no LRANGE_100/1"},
		{"-groups types -quick", "everysec PING_INLINE/16; everysec SPOP/16; everysec XADD/16; everysec SINTER/16"},
		{"-groups pipeline -quick", "everysec GET/128; everysec SET/128; everysec INCR/128; everysec LPUSH/128"},
	} {
		o, err := parseOptions(strings.Fields(c.line), io.Discard)
		if got := rowNames(o); err != nil || got != c.want {
			t.Errorf("%s: got %s, %v", c.line, got, err)
		}
	}
}

// Names tell rows apart, and fit the table.
func TestEveryGroupHasRows(t *testing.T) {
	o, err := parseOptions([]string{"-groups", "all"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, g := range o.Groups {
		names = append(names, g.Name)
		known := map[string]bool{}
		for _, r := range g.Rows {
			if known[r.Name()] || utf8.RuneCountInString(r.Name()) > table.Widths[0] {
				t.Errorf("%s: %s", g.Name, r.Name())
			}
			known[r.Name()] = true
		}
	}
	if !slices.Equal(names, groupNames()) {
		t.Errorf("got %v", names)
	}
	o, err = parseOptions(nil, io.Discard)
	if err != nil || len(o.Groups[0].Rows) != 5*2*3 || len(o.rows()) != 30+9+3+2 {
		t.Errorf("by default %d rows: %s, %v", len(o.rows()), rowNames(o), err)
	}
}

func TestOptionsThatMeanNothing(t *testing.T) {
	for _, line := range []string{
		"-rows STE", "-groups odd", "-groups ,", "-groups rate -policies no", "-valkey /no/such", "-generator redis-benchmark -groups rate", "-rows SET/2", "-rows SET,GTE", "-policies sometimes", "-policies ,", "-rounds 0", "-requests -1",
		"-generator odd", "-pipelines 0", "-pipelines ,", "-value-size 1x", "-value-size 0", "-distribution odd", "-clients 0",
		"-generator redis-benchmark -rows YCSB-A", "-generator redis-benchmark -distribution zipf",
		"-duration 0s", "-keys 0", "SET", "-nosuch",
	} {
		if _, err := parseOptions(strings.Fields(line), io.Discard); err == nil {
			t.Errorf("%s is taken", line)
		}
		if code := run(t.Context(), strings.Fields(line), io.Discard, io.Discard); code != rig.ExitUsage {
			t.Errorf("%s: exit code %d", line, code)
		}
	}
}

func TestQuick(t *testing.T) {
	o, err := parseOptions([]string{"-quick"}, io.Discard)
	if err != nil || o.Rounds != quickRounds || o.Duration != quickDuration || o.Load.Keys != quickKeys || len(o.Groups) != len(groupNames()) {
		t.Errorf("got %+v, %v", o, err)
	}
	o, err = parseOptions([]string{"-rounds", "7", "-quick", "-keys", "3"}, io.Discard)
	if err != nil || o.Rounds != 7 || o.Duration != quickDuration || o.Load.Keys != 3 {
		t.Errorf("what was asked for is not kept: %+v, %v", o, err)
	}
}
