package client

import (
	"errors"
	"fmt"
	"io"
	"time"

	"holdfast/resp"
)

// ErrSilence is wrapped by Pipe when the server stopped answering.
var ErrSilence = errors.New("the server does not answer")

// Pipe sends in, which holds requests as the server reads them, and counts replies and error replies, among them those of the
// commands of a transaction, which are elements of the reply to EXEC. nonce must be a
// string that no other reply equals: it comes back from an ECHO behind the last request, and so tells that all of them
// are answered. Error replies are copied to errs. After the last byte of in, silence of more than patience ends the
// wait with ErrSilence (0: never); a request cut short at the end of in swallows the ECHO and leads there.
// An error from anything but replies ends the connection.
func (s *Session) Pipe(in io.Reader, errs io.Writer, nonce string, patience time.Duration) (replies, failed int, err error) {
	if err := s.ready(); err != nil {
		return 0, 0, err
	}
	conn := s.conn
	defer func() {
		if err != nil {
			s.drop()
		}
	}()
	sent := make(chan error, 1)
	go func() { sent <- pump(conn, in, nonce) }() // ends with in, or when conn is closed
	var silence <-chan time.Time
	var pumpErr error
	waiting := sent
	for {
		select {
		case pumpErr = <-waiting: // if it failed, the server may have said why before it hung up
			waiting = nil
			if patience > 0 {
				silence = time.After(patience)
			}
		case reply, ok := <-conn.replies:
			switch {
			case !ok && pumpErr != nil:
				return replies, failed, fmt.Errorf("%w, after %w", conn.lostError(), pumpErr)
			case !ok:
				return replies, failed, conn.lostError()
			case reply.Kind == '$' && string(reply.Str) == nonce:
				return replies, failed, nil
			case reply.Kind == '>':
				continue
			}
			n, err := printErrors(errs, reply)
			if failed += n; err != nil {
				return replies, failed, err
			}
			replies++
			if waiting == nil && patience > 0 {
				silence = time.After(patience)
			}
		case <-silence:
			return replies, failed, fmt.Errorf("%w: nothing for %s after the last request; is it cut short?",
				ErrSilence, patience)
		}
	}
}

// printErrors prints a reply that is an error, or those of its elements that are, and returns how many there are.
func printErrors(to io.Writer, reply resp.Reply) (n int, err error) {
	if isError(reply) {
		_, err := fmt.Fprintf(to, "%s\n", reply.Str)
		return 1, err
	}
	for _, e := range reply.Elems {
		if isError(e) {
			n++
			if _, err := fmt.Fprintf(to, "%s\n", e.Str); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// pump sends in, and the ECHO behind it. Where in cannot be read to its end the connection ends: the last request may be half
// sent, and the server would wait for the rest.
func pump(conn *Conn, in io.Reader, nonce string) error {
	from := &watched{Reader: in}
	if _, err := io.Copy(conn.nc, from); err != nil {
		if from.failed {
			err = errors.Join(err, conn.nc.Close())
		}
		return fmt.Errorf("sending: %w", err)
	}
	_, err := conn.nc.Write(resp.AppendCommand(nil, "ECHO", nonce))
	return err
}

// watched is a reader of which is known whether it failed.
type watched struct {
	io.Reader
	failed bool
}

func (w *watched) Read(b []byte) (int, error) {
	n, err := w.Reader.Read(b)
	w.failed = err != nil && err != io.EOF
	return n, err
}
