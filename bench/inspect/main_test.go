package main

import (
	"io"
	"testing"
)

func TestParse(t *testing.T) {
	if o, err := parse(nil, io.Discard); err != nil || o.keys != 5_000_000 || o.rounds != 3 {
		t.Errorf("%+v, %v", o, err)
	}
	if o, err := parse([]string{"-keys", "200000", "-rounds", "1"}, io.Discard); err != nil || o.keys != 200_000 || o.rounds != 1 {
		t.Errorf("%+v, %v", o, err)
	}
	for _, bad := range [][]string{{"-keys", "0"}, {"-rounds", "0"}, {"x"}, {"-keys", "many"}} {
		if _, err := parse(bad, io.Discard); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if got := wanted(0) + wanted(1.5); got != "≤ 1.5" {
		t.Error(got)
	}
}
