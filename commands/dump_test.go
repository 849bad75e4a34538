package commands

import (
	"fmt"
	"strings"
	"testing"
)

// restorable are payloads of a Redis 7.0.15: the integer 10 and the text "hello".
const (
	restorableTen   = "\x00\xc0\x0a\x0a\x00n\x9fWE\x0e\xaec\xbb"
	restorableHello = "\x00\x05hello\x0a\x00cr\xdfve4 \x0a"
)

func TestRestoreIsLoggedWithoutAClock(t *testing.T) {
	s := newStage(t)
	s.do("SET old v")
	s.takeLog()
	s.events = nil
	for _, words := range [][]string{
		{"RESTORE", "k", "0", restorableTen},
		{"RESTORE", "k", "1000", restorableHello, "REPLACE", "IDLETIME", "5"},
		{"RESTORE", "old", "5", restorableTen, "ABSTTL", "REPLACE"},
		{"RESTORE", "none", "5", restorableTen, "ABSTTL"},
	} {
		if reply := s.run(words...); reply != "+OK" {
			t.Fatalf("%q: %s", words, reply)
		}
	}
	s.expectAll([]step{{"GET k", "$5 hello"}, {"PTTL k", ":1000"}, {"EXISTS old none", ":0"}, {"OBJECT IDLETIME k", ":0"}})
	s.expectLog("RESTORE k 0 "+restorableTen+" REPLACE ABSTTL", fmt.Sprintf("RESTORE k %d %s REPLACE ABSTTL", beginning+1000, restorableHello),
		"DEL old")
	s.expectEvents("g restore 0 k", "g restore 0 k", "g del 0 old")
}

func TestFieldsKeepTheirDeadlinesThroughADump(t *testing.T) {
	s := newStage(t)
	s.do("HSET h a 1 b 2 c 3")
	s.do("HPEXPIRE h 1000 FIELDS 1 a")
	s.do("HPEXPIRE h 5000 FIELDS 1 b")
	_, payload, _ := strings.Cut(string(s.raw(s.user, [][]byte{[]byte("DUMP"), []byte("h")})), "\r\n")
	if reply := s.run("RESTORE", "copy", "0", strings.TrimSuffix(payload, "\r\n")); reply != "+OK" {
		t.Fatal(reply)
	}
	s.expect("HPTTL copy FIELDS 3 a b c", "*3 :1000 :5000 :-1")
	s.advance(2000)
	s.expect("HLEN copy", ":2")
}
