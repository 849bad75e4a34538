package main

import (
	"bufio"
	"errors"
	"fmt"
	"strings"
	"testing"

	"holdfast/bench/rig"
)

func TestRequestsAreRESP(t *testing.T) {
	if got, want := string(appendGet(nil, 5)), "*2\r\n$3\r\nGET\r\n$16\r\nkey:000000000005\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	want := fmt.Sprintf("*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000005\r\n$64\r\n%s\r\n", appendValue(nil, 5, 9))
	if got := string(appendSet(nil, 5, 9)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func reader(text string) *bufio.Reader { return bufio.NewReader(strings.NewReader(text)) }

func TestReadOK(t *testing.T) {
	if err := readOK(reader("+OK\r\n")); err != nil {
		t.Error(err)
	}
	var refused rig.ReplyError
	if err := readOK(reader("-OOM no room\r\n")); !errors.As(err, &refused) || refused != "OOM no room" {
		t.Errorf("an error reply: %v", err)
	}
	for _, reply := range []string{"$-1\r\n", "+QUEUED\r\n", "+OK\n"} {
		if err := readOK(reader(reply)); !errors.Is(err, errWrong) {
			t.Errorf("%q: %v", reply, err)
		}
	}
	if err := readOK(reader("")); err == nil {
		t.Error("the end of the stream passes for a reply")
	}
}

// A missing key, or another key's value, is never taken for an answer.
func TestReadValueRefusesWrongAnswers(t *testing.T) {
	bulk := func(value []byte) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(value), value) }
	if err := readValue(reader(bulk(appendValue(nil, 5, 1))), 5); err != nil {
		t.Error(err)
	}
	for _, reply := range []string{"$-1\r\n", "$0\r\n\r\n", bulk(appendValue(nil, 6, 1)), "*0\r\n"} {
		if err := readValue(reader(reply), 5); !errors.Is(err, errWrong) {
			t.Errorf("%q: %v", reply, err)
		}
	}
}

func FuzzReplies(f *testing.F) {
	f.Add("+OK\r\n")
	f.Add("-LOADING\r\n")
	f.Add("$64\r\n")
	f.Fuzz(func(t *testing.T, reply string) {
		if err := readOK(reader(reply)); err == nil && !strings.HasPrefix(reply, "+OK\r\n") {
			t.Errorf("SET: %q is fine", reply)
		}
		if err := readValue(reader(reply), 5); err == nil && !strings.Contains(reply, string(appendValue(nil, 5, 0)[:fixedBytes])) {
			t.Errorf("GET: %q is fine", reply)
		}
	})
}
