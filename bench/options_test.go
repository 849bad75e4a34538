package main

import (
	"io"
	"strings"
	"testing"
)

func TestChooseRows(t *testing.T) {
	for _, c := range []struct{ rows, policies, want string }{
		{"SET", "always", "always SET/1, always SET/16"},
		{"GET/16,SET/1", "no,always", "no SET/1, no GET/16, always SET/1, always GET/16"},
		{"SET,SET/16", "everysec", "everysec SET/1, everysec SET/16"},
		{"YCSB-A/1", "no", "no YCSB-A/1"},
		{" LRANGE_100/1 ,", " no ", "no LRANGE_100/1"},
	} {
		rows, err := chooseRows(c.rows, c.policies, []int{1, 16})
		var names []string
		for _, r := range rows {
			names = append(names, r.Name())
		}
		if got := strings.Join(names, ", "); err != nil || got != c.want {
			t.Errorf("-rows %q -policies %q: got %s, %v", c.rows, c.policies, got, err)
		}
	}
	if rows, err := chooseRows("", strings.Join(policyNames, ","), []int{1, 16}); err != nil || len(rows) != 5*2*3 {
		t.Errorf("without filters: %d rows, %v", len(rows), err)
	}
}

func TestOptionsThatMeanNothing(t *testing.T) {
	for _, line := range []string{
		"-rows STE", "-rows SET/2", "-rows SET,GTE", "-policies sometimes", "-policies ,", "-rounds 0", "-requests -1",
		"-generator odd", "-pipelines 0", "-pipelines ,", "-value-size 1x", "-value-size 0", "-distribution odd", "-clients 0",
		"-generator redis-benchmark -rows YCSB-A", "-generator redis-benchmark -distribution zipf",
		"-duration 0s", "-keys 0", "SET", "-nosuch",
	} {
		if _, err := parseOptions(strings.Fields(line), io.Discard); err == nil {
			t.Errorf("%s is taken", line)
		}
		if code := run(t.Context(), strings.Fields(line), io.Discard, io.Discard); code != exitUsage {
			t.Errorf("%s: exit code %d", line, code)
		}
	}
}

func TestQuick(t *testing.T) {
	o, err := parseOptions([]string{"-quick"}, io.Discard)
	if err != nil || o.Rounds != quickRounds || o.Duration != quickDuration || o.Load.Keys != quickKeys || len(o.Rows) != 30 {
		t.Errorf("got %+v, %v", o, err)
	}
	o, err = parseOptions([]string{"-rounds", "7", "-quick", "-keys", "3"}, io.Discard)
	if err != nil || o.Rounds != 7 || o.Duration != quickDuration || o.Load.Keys != 3 {
		t.Errorf("what was asked for is not kept: %+v, %v", o, err)
	}
}
