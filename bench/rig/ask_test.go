package rig

import (
	"bufio"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestReadReply(t *testing.T) {
	for _, c := range []struct {
		reply string
		want  []string
		fails bool
	}{
		{reply: "+OK\r\n", want: []string{"OK"}},
		{reply: ":12\r\n", want: []string{"12"}},
		{reply: "$5\r\na\r\nbc\r\n", want: []string{"a\r\nbc"}},
		{reply: "$0\r\n\r\n", want: []string{""}},
		{reply: "$-1\r\n"},
		{reply: "*2\r\n$4\r\nsave\r\n$0\r\n\r\n", want: []string{"save", ""}},
		{reply: "*0\r\n"},
		{reply: "-ERR no\r\n", fails: true},
		{reply: "", fails: true},
		{reply: "\r\n", fails: true},
		{reply: "+OK\n", fails: true},
		{reply: "HTTP/1.1 400\r\n", fails: true},
		{reply: "$3\r\nabcd\r\n", fails: true},
		{reply: "$3\r\nab", fails: true},
		{reply: "$-2\r\n", fails: true},
		{reply: "$9999999999\r\n", fails: true},
		{reply: "*9999999\r\n", fails: true},
		{reply: "*-1\r\n", fails: true},
		{reply: "*1\r\n*1\r\n+x\r\n", fails: true},
		{reply: "*2\r\n+x\r\n", fails: true},
	} {
		got, err := ReadReply(bufio.NewReader(strings.NewReader(c.reply)))
		if c.fails != (err != nil) || !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, %v", c.reply, got, err)
		}
	}
}

func TestErrorReplyIsTold(t *testing.T) {
	_, err := ReadReply(bufio.NewReader(strings.NewReader("-LOADING wait\r\n")))
	var refused ReplyError
	if !errors.As(err, &refused) || refused != "LOADING wait" {
		t.Errorf("got %v", err)
	}
}

func FuzzReadReply(f *testing.F) {
	f.Add("*2\r\n$4\r\nsave\r\n$0\r\n\r\n")
	f.Add("*1\r\n*1\r\n*1\r\n")
	f.Fuzz(func(t *testing.T, reply string) {
		got, err := ReadReply(bufio.NewReader(strings.NewReader(reply)))
		if err != nil && got != nil || len(got) > replyItemsMax {
			t.Errorf("%q: %q, %v", reply, got, err)
		}
	})
}
