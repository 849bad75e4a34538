package commands

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"holdfast/hashes"
	"holdfast/kv"
	"holdfast/outline"
)

// linesOf are elements as texts; that a hash's field has a deadline is a line of its own, as it comes in a command of its own.
func linesOf(e outline.Element) (lines []string) {
	line := e.Aside
	for _, p := range e.Pieces {
		line += fmt.Sprintf(" %s=%q", p.Role, p.Bytes)
	}
	if e.Deadline == 0 {
		return []string{line}
	}
	if e.Aside == hashes.AsideDeadline {
		return []string{fmt.Sprint(line, e.Deadline)}
	}
	return []string{line, fmt.Sprintf("%s %s=%q%d", hashes.AsideDeadline, e.Pieces[0].Role, e.Pieces[0].Bytes, e.Deadline)}
}

// The commands that make a value tell its elements.
func TestRewrittenUndoesRemake(t *testing.T) {
	s, kinds := surveyed(t), map[kv.Kind]int{}
	s.run("SET", "text", "some text")
	s.world.Keys.DB(0).Each(func(e kv.Entry) bool {
		typ := s.world.Keys.Types[e.Kind()]
		var form outline.Form
		if e.Kind() == kv.String {
			form = bodyForm(e.Text())
		} else {
			form = bodyForm(e.Value().AppendBinary(nil))
		}
		kinds[e.Kind()]++
		read := typ.Rewritten.Reader()
		var want, got []string
		visit, end := typ.Remake(e.Key(), func(args ...[]byte) error {
			place, known := typ.Rewritten.Keys[string(args[0])]
			if !known || !bytes.Equal(args[place], e.Key()) {
				t.Fatalf("%s: %.100q", e.Key(), args)
			}
			elements := read(args)
			if elements == nil {
				t.Fatalf("%s: %.100q is not known", e.Key(), args)
			}
			for element := range elements {
				got = append(got, linesOf(element)...)
			}
			return nil
		})
		err := typ.Walk(form, func(element outline.Element) error {
			want = append(want, linesOf(element)...)
			return visit(element)
		})
		if err == nil {
			err = end()
		}
		// A piece of an aside has another place in a command than in a walk.
		for _, lines := range [][]string{want, got} {
			for i, line := range lines {
				if words := strings.Split(line, " "); words[0] != "" {
					slices.Sort(words)
					lines[i] = strings.Join(words, " ")
				}
			}
		}
		if slices.Sort(want); err != nil || !slices.Equal(want, sortedLines(got)) {
			t.Errorf("%s: %v, %d lines, want %d: %.300q, want %.300q", e.Key(), err, len(got), len(want), got, want)
		}
		return true
	})
	for kind := range kv.Kind(len(s.world.Keys.Types)) {
		if s.world.Keys.Types[kind].Name != "" && kinds[kind] == 0 {
			t.Errorf("kind %d was not seen", kind)
		}
	}
}

func sortedLines(lines []string) []string {
	slices.Sort(lines)
	return lines
}

// A command that does more than to add elements is none of those that make a value.
func TestRewrittenRefuses(t *testing.T) {
	for kind, lines := range map[kv.Kind]string{
		kv.String: "SET k|SET k v NX|SET k v KEEPTTL",
		kv.List:   "RPUSH k",
		kv.Set:    "SADD k",
		kv.ZSet:   "ZADD k 1|ZADD k NX 1 a|ZADD k NX CH 1 a|ZADD k x a|ZADD k nan a",
		kv.Hash:   "HSET k f|HPEXPIREAT k 5 FIELDS 2 f|HPEXPIREAT k 0 FIELDS 1 f|HPEXPIREAT k 5 NX FIELDS 1 f|HPEXPIREAT k 5 FIELDS 1|HPEXPIREAT k",
		kv.Stream: "XADD k * f v|XADD k MAXLEN 0 1-1 f v|XADD k 1-1 f|XSETID k 1-1|XSETID k 1-1 ENTRIESADDED 1 MAXDELETEDID 2-2|XGROUP DESTROY k g|XGROUP|" +
			"XGROUP CREATE k g $ ENTRIESREAD 1|XCLAIM k g c 0 1-1 TIME 5 RETRYCOUNT 1 FORCE IDLE|XCLAIM k g c 5 1-1 TIME 5 RETRYCOUNT 1 FORCE JUSTID",
	} {
		for _, line := range strings.Split(lines, "|") {
			if Types()[kind].Rewritten.Reader()(wordsOf(line)) != nil {
				t.Errorf("%s is taken for one that adds elements", line)
			}
		}
	}
}
