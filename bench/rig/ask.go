package rig

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

const (
	askWaitMax    = 30 * time.Second // a DEL of a list of millions is among the questions
	replyItemsMax = 1000
	replyBytesMax = 1 << 20
)

// A ReplyError is an error reply, such as "LOADING Redis is loading the dataset in memory".
type ReplyError string

func (e ReplyError) Error() string { return fmt.Sprintf("the server says %q", string(e)) }

// Ask sends one command on a connection of its own and returns the reply: one string, or those of an array. An error
// reply is an error.
func Ask(addr string, args ...string) ([]string, error) {
	conn, err := net.DialTimeout("tcp", addr, askWaitMax)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(askWaitMax)); err != nil {
		return nil, err
	}
	var request strings.Builder
	fmt.Fprintf(&request, "*%d\r\n", len(args))
	for _, arg := range args {
		fmt.Fprintf(&request, "$%d\r\n%s\r\n", len(arg), arg)
	}
	if _, err := io.WriteString(conn, request.String()); err != nil {
		return nil, fmt.Errorf("%s: %w", args[0], err)
	}
	reply, err := ReadReply(bufio.NewReader(conn))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", args[0], err)
	}
	return reply, nil
}

// ReadReply reads one reply of RESP2. Arrays come flat; an error reply is a ReplyError.
func ReadReply(r *bufio.Reader) ([]string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	line, ended := strings.CutSuffix(line, "\r\n")
	if !ended || line == "" {
		return nil, fmt.Errorf("not RESP: %q", line)
	}
	switch kind, rest := line[0], line[1:]; kind {
	case '+', ':':
		return []string{rest}, nil
	case '-':
		return nil, ReplyError(rest)
	case '$':
		return readBulk(r, rest)
	case '*':
		return readArray(r, rest)
	}
	return nil, fmt.Errorf("not RESP: %q", line)
}

// readBulk reads the rest of a bulk string. The null one is no string at all.
func readBulk(r *bufio.Reader, header string) ([]string, error) {
	n, err := strconv.Atoi(header)
	if err != nil || n < -1 || n > replyBytesMax {
		return nil, fmt.Errorf("a bulk string of length %q", header)
	}
	if n == -1 {
		return nil, nil
	}
	body := make([]byte, n+len("\r\n"))
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, err
	}
	if string(body[n:]) != "\r\n" {
		return nil, fmt.Errorf("a bulk string longer than its length %d", n)
	}
	return []string{string(body[:n])}, nil
}

// readArray reads the items of an array, which must not be arrays: nothing that we ask is answered so.
func readArray(r *bufio.Reader, header string) ([]string, error) {
	n, err := strconv.Atoi(header)
	if err != nil || n < 0 || n > replyItemsMax {
		return nil, fmt.Errorf("an array of length %q", header)
	}
	var items []string
	for range n {
		if next, err := r.Peek(1); err == nil && next[0] == '*' {
			return nil, fmt.Errorf("an array in an array")
		}
		item, err := ReadReply(r)
		if err != nil {
			return nil, err
		}
		items = append(items, item...)
	}
	return items, nil
}
