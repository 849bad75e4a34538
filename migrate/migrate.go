// Package migrate carries keys to another server, as MIGRATE does: a connection, RESTORE for each key, and the answers.
// It knows nothing of the keyspace that they come from; who calls it removes there what the other server has taken.
package migrate

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
	"time"

	"holdfast/resp"
)

// Key is one key to be carried.
type Key struct {
	Name     []byte
	Payload  []byte // as DUMP makes it
	Deadline int64  // unix ms; 0: none
}

// Order is what to carry where.
type Order struct {
	Host, Port string
	DB         int64
	// Timeout bounds connecting, each piece that is sent and each reply.
	Timeout time.Duration
	// Login is the AUTH command for the other server; nil without one.
	Login [][]byte
	// Replace: what the other server has under these names goes.
	Replace bool
	Keys    []Key
}

// Errors of a connection. Whether the other server has taken a key whose reply did not come, nobody knows.
var (
	ErrConnect = errors.New("connecting to the other server")
	ErrWrite   = errors.New("writing to the other server")
	ErrRead    = errors.New("reading from the other server")
)

// Refusal is an error that the other server replied, without its '-'.
type Refusal string

func (r Refusal) Error() string { return "the other server refuses: " + string(r) }

// Run carries the keys. taken tells, by index, which of them the other server has acknowledged; err is the first thing
// that went wrong. now is the time in unix ms, from which times to live are counted: the other server's clock may differ.
func (o *Order) Run(ctx context.Context, now func() int64) (taken []bool, err error) {
	taken = make([]bool, len(o.Keys))
	conn, err := o.connect(ctx)
	if err != nil {
		return taken, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })() // who waits on it is told by the error
	if err := o.send(conn, now); err != nil {
		return taken, err
	}
	return taken, o.receive(conn, taken)
}

// connect reports a port that nobody listens on as Redis does: as one that cannot be written to.
func (o *Order) connect(ctx context.Context) (net.Conn, error) {
	dialer := net.Dialer{Timeout: o.Timeout}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(o.Host, o.Port))
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("%w: %w", ErrWrite, err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrConnect, err)
	}
	return conn, nil
}

// pieceBytes is how much is written before the timeout begins anew.
const pieceBytes = 64 << 10

// send writes all requests. Their replies are short, so nothing need be read meanwhile.
func (o *Order) send(conn net.Conn, now func() int64) error {
	var buffer []byte
	if o.Login != nil {
		buffer = resp.AppendCommand(buffer, o.Login...)
	}
	buffer = resp.AppendCommand(buffer, "SELECT", strconv.FormatInt(o.DB, 10))
	for i := range o.Keys {
		buffer = o.appendRestore(buffer, &o.Keys[i], now())
		if len(buffer) < pieceBytes && i+1 < len(o.Keys) {
			continue
		}
		for rest := buffer; len(rest) > 0; {
			piece := rest[:min(len(rest), pieceBytes)]
			if err := conn.SetWriteDeadline(time.Now().Add(o.Timeout)); err != nil {
				return fmt.Errorf("%w: %w", ErrWrite, err)
			}
			if _, err := conn.Write(piece); err != nil {
				return fmt.Errorf("%w: %w", ErrWrite, err)
			}
			rest = rest[len(piece):]
		}
		buffer = buffer[:0]
	}
	return nil
}

// appendRestore appends the request for one key. What is due on the way gets the shortest time to live there is.
func (o *Order) appendRestore(dst []byte, k *Key, now int64) []byte {
	var ttl int64
	if k.Deadline != 0 {
		ttl = max(1, k.Deadline-now)
	}
	args := [][]byte{[]byte("RESTORE"), k.Name, strconv.AppendInt(nil, ttl, 10), k.Payload}
	if o.Replace {
		args = append(args, []byte("REPLACE"))
	}
	return resp.AppendCommand(dst, args...)
}

// Limits of a reply, which is a word or a line.
const (
	replyBytes    = 64 << 10
	replyElements = 64
	replyDepth    = 4
)

// receive reads the replies in their order. After a refusal it goes on, since another key may have been taken.
func (o *Order) receive(conn net.Conn, taken []bool) (first error) {
	d := resp.NewDecoder(conn)
	d.BulkMax, d.LineMax, d.ElementsMax, d.DepthMax = replyBytes, replyBytes, replyElements, replyDepth
	next := func() (ok bool, err error) {
		if err := conn.SetReadDeadline(time.Now().Add(o.Timeout)); err != nil {
			return false, fmt.Errorf("%w: %w", ErrRead, err)
		}
		reply, err := d.Decode()
		if err != nil {
			return false, fmt.Errorf("%w: %w", ErrRead, err)
		}
		if first == nil {
			first = refusal(reply)
		}
		return refusal(reply) == nil, nil
	}
	prologue, ready := 1, true
	if o.Login != nil {
		prologue = 2
	}
	for range prologue {
		ok, err := next()
		if err != nil {
			return err
		}
		ready = ready && ok
	}
	for i := range taken {
		ok, err := next()
		if err != nil {
			return errors.Join(first, err)
		}
		taken[i] = ok && ready // where SELECT failed the key is in the wrong database
	}
	return first
}

// refusal is what stands against a reply; nil where it is the OK that every request here must have.
func refusal(r resp.Reply) error {
	switch {
	case r.Err() != nil:
		return Refusal(r.Str)
	case r.Kind != '+' || string(r.Str) != "OK":
		return Refusal("no OK, but something else")
	}
	return nil
}
