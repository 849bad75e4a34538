package commands

import (
	"strings"
	"testing"

	"holdfast/kv"
	"holdfast/outline"
)

// A run of commands is a value only where a replay takes them too.
func TestRewrittenAsReplayed(t *testing.T) {
	const entry, state, group = "XADD k 1-1 f v|", "XSETID k 5-0 ENTRIESADDED 1 MAXDELETEDID 0-0|", "XGROUP CREATE k g 0-0 ENTRIESREAD 0|"
	types := Types()
	for _, x := range []struct {
		kind kv.Kind
		run  string
		good bool
	}{
		{kv.Stream, entry + state + group, true},
		{kv.Stream, state + entry, false},
		{kv.Stream, group + entry, false},
		{kv.Stream, entry + state + "XADD k 3-0 f v", false},
		{kv.Stream, "XADD k 0-0 f v", false},
		{kv.Stream, entry + strings.Replace(state, "ADDED 1", "ADDED +1", 1), false},
		{kv.Hash, "HSET k f v|HPEXPIREAT k 70368744177663 FIELDS 1 f", true},
		{kv.Hash, "HSET k f v|HPEXPIREAT k 70368744177664 FIELDS 1 f", false},
		{kv.ZSet, "ZADD k 1 m", true},
		{kv.ZSet, "ZADD k 1e999 m", false},
	} {
		read, good := types[x.kind].Rewritten.Reader(), true
		for line := range strings.SplitSeq(strings.TrimSuffix(x.run, "|"), "|") {
			var args [][]byte
			for word := range strings.FieldsSeq(line) {
				args = append(args, []byte(word))
			}
			good = good && read(args) != nil
		}
		if good != x.good {
			t.Errorf("%s: %v", x.run, good)
		}
	}
}

// What is no element by what its bytes say, is none.
func TestCheckersReadNumbers(t *testing.T) {
	types := Types()
	score := func(text string) outline.Element {
		return outline.Element{Own: 1, Pieces: []outline.Piece{{Role: outline.Member, Bytes: []byte("m")}, {Role: outline.Score, Bytes: []byte(text)}}}
	}
	for text, good := range map[string]bool{"1.5": true, "-inf": true, "inf": true, "x": false, "1e999": false, "nan": false, "": false} {
		if err := types[kv.ZSet].Checker()(score(text)); (err == nil) != good {
			t.Errorf("score %q: %v", text, err)
		}
	}
	check := types[kv.Stream].Checker()
	for _, x := range []struct {
		id   string
		good bool
	}{{"0-0", false}, {"1-1", true}} {
		e := outline.Element{Nested: true, Pieces: []outline.Piece{{Role: outline.ID, Bytes: []byte(x.id)}, {Role: outline.Field}, {Role: outline.Value}}}
		if err := check(e); (err == nil) != x.good {
			t.Errorf("ID %s: %v", x.id, err)
		}
	}
}
