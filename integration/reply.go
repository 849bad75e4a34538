package integration

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"
)

// A Reply is one RESP2 or RESP3 reply: its bytes as they came, and what they say.
type Reply struct {
	Raw   []byte
	Kind  byte    // the type byte: + - : $ * _ , # ! = ( % ~ > |
	Text  string  // scalars: the payload; of a verbatim string without its format
	Null  bool    // $-1, *-1 and _
	Elems []Reply // aggregates; a map's keys and values alternate
}

// replyBytesMax bounds one string of a reply; a longer length means that the stream is out of step.
const replyBytesMax = 1 << 30

// ReadReply reads one reply. An error leaves the stream out of step.
func ReadReply(r *bufio.Reader) (Reply, error) {
	line, err := r.ReadBytes('\n')
	if err != nil {
		if err == io.EOF && len(line) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return Reply{Raw: line}, err
	}
	if len(line) < 3 || line[len(line)-2] != '\r' {
		return Reply{Raw: line}, fmt.Errorf("not a reply: %q", line)
	}
	reply := Reply{Raw: line, Kind: line[0], Text: string(line[1 : len(line)-2])}
	switch reply.Kind {
	case '+', '-', ':', ',', '#', '(':
		return reply, nil
	case '_':
		reply.Null = true
		return reply, nil
	case '$', '=', '!':
		return readString(r, reply)
	case '*', '~', '>', '%', '|':
		return readAggregate(r, reply)
	}
	return reply, fmt.Errorf("not a reply: %q", line)
}

func readString(r *bufio.Reader, reply Reply) (Reply, error) {
	n, err := strconv.Atoi(reply.Text)
	if err != nil || n < -1 || n > replyBytesMax {
		return reply, fmt.Errorf("not a length: %q", reply.Raw)
	}
	if n == -1 {
		reply.Null = true
		return reply, nil
	}
	body := make([]byte, n+2)
	if _, err := io.ReadFull(r, body); err != nil {
		return reply, err
	}
	reply.Raw = append(reply.Raw, body...)
	reply.Text = string(body[:n])
	if reply.Kind == '=' && n >= len("txt:") {
		reply.Text = reply.Text[len("txt:"):]
	}
	if !bytes.HasSuffix(body, []byte("\r\n")) {
		return reply, fmt.Errorf("string without its end: %q", reply.Raw)
	}
	return reply, nil
}

func readAggregate(r *bufio.Reader, reply Reply) (Reply, error) {
	n, err := strconv.Atoi(reply.Text)
	if err != nil || n < -1 {
		return reply, fmt.Errorf("not a count: %q", reply.Raw)
	}
	if n == -1 {
		reply.Null = true
		return reply, nil
	}
	if reply.Kind == '%' || reply.Kind == '|' {
		n *= 2
	}
	for range n {
		elem, err := ReadReply(r)
		reply.Raw = append(reply.Raw, elem.Raw...)
		if err != nil {
			return reply, err
		}
		reply.Elems = append(reply.Elems, elem)
	}
	return reply, nil
}

// IsError says whether the reply is an error.
func (r Reply) IsError() bool { return r.Kind == '-' || r.Kind == '!' }

// String shows the raw bytes, quoted, cut in the middle when long.
func (r Reply) String() string {
	const shownMax = 3000
	if len(r.Raw) <= shownMax {
		return strconv.Quote(string(r.Raw))
	}
	return fmt.Sprintf("%q … (%d bytes) … %q", r.Raw[:shownMax/2], len(r.Raw), r.Raw[len(r.Raw)-shownMax/2:])
}
