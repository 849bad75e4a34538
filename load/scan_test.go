package load

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"holdfast/resp"
)

// scanAll feeds a stream in pieces as a connection does, and lists the replies.
func scanAll(stream string, piece func() int) (replies []string, err error) {
	var s scanner
	var rest []byte
	for len(stream) > 0 {
		n := min(max(piece(), 1), len(stream))
		b := append(bytes.Clone(rest), stream[:n]...)
		stream = stream[n:]
		for {
			r, taken, done, err := s.next(b)
			if err != nil {
				return replies, err
			}
			b = b[taken:]
			if !done {
				break
			}
			replies = append(replies, fmt.Sprintf("%c%d%s", r.kind, r.n, r.head))
		}
		rest = b
	}
	return replies, nil
}

const conversation = "+OK\r\n-ERR no\r\n:42\r\n:-7\r\n$5\r\nhello\r\n$0\r\n\r\n$-1\r\n*-1\r\n*0\r\n*2\r\n$3\r\nabc\r\n:1\r\n" +
	"*2\r\n*1\r\n+x\r\n*2\r\n$-1\r\n$40\r\naaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbbbbb\r\n$20\r\n01234567890123456789\r\n"

func TestScan(t *testing.T) {
	want := "+0OK|-0ERR no|:42|:-7|$5hello|$0|$-1|*-1|*0|*2|*2|$200123456789012345"
	for _, size := range []int{1, 2, 3, 7, 16, 1000} {
		got, err := scanAll(conversation, func() int { return size })
		if text := strings.Join(got, "|"); err != nil || text != want {
			t.Errorf("in pieces of %d: %v\n%s\nwant\n%s", size, err, text, want)
		}
	}
}

func TestScanRefusesWhatIsNoReply(t *testing.T) {
	for _, stream := range []string{
		"hello\r\n", "\r\n", "+OK\n", "$x\r\n", "$-2\r\n", "*-2\r\n", "$99999999999999999999\r\n", ":\r\n", ":1.5\r\n", "$536870913\r\n", "*16777217\r\n",
		"$3\r\nabcdef\r\n+OK\r\n", "%1\r\n+a\r\n+b\r\n", ":9999999999999999999\r\n", strings.Repeat("x", lineMax+1),
	} {
		if got, err := scanAll(stream, func() int { return len(stream) }); !errors.Is(err, errNotRESP) {
			t.Errorf("%.40q: %v, %v", stream, got, err)
		}
	}
}

// In whatever pieces a stream comes, the same replies are found; and as many as the client's decoder finds.
func FuzzScan(f *testing.F) {
	f.Add(conversation, uint64(1))
	f.Add("*2\r\n$-1\r\n$5\r\nhello\r\n+OK\r\n", uint64(2))
	f.Add("$3\r\nabcde\r\n", uint64(3))
	f.Fuzz(func(t *testing.T, stream string, seed uint64) {
		whole, wholeErr := scanAll(stream, func() int { return len(stream) })
		random := rand.New(rand.NewPCG(seed, 0))
		pieces, piecesErr := scanAll(stream, func() int { return 1 + random.IntN(5) })
		if strings.Join(whole, "|") != strings.Join(pieces, "|") || (wholeErr == nil) != (piecesErr == nil) {
			t.Errorf("whole: %q, %v; in pieces: %q, %v", whole, wholeErr, pieces, piecesErr)
		}
		decoder := resp.NewDecoder(strings.NewReader(stream))
		for _, r := range whole {
			reply, err := decoder.Decode()
			if errors.Is(err, resp.ErrTooLarge) || errors.Is(err, resp.ErrMalformed) {
				return // the decoder is stricter within a reply
			}
			if err != nil || reply.Kind != r[0] {
				t.Fatalf("%q: the decoder finds %c, %v", r, reply.Kind, err)
			}
		}
	})
}
