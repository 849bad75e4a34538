package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strconv"

	"holdfast/bench/rig"
	"holdfast/internal/proc"
)

// idleConnections is how many clients do nothing. The kernel's part, buffers of sockets, is not measured: it is the same for
// every server.
const idleConnections = 10_000

// connections shows what a client costs that has said something and is silent now, on two servers of their own without data.
func (t *trial) connections(ctx context.Context) error {
	programs := []rig.Program{roomy(holdfast(t.o.Holdfast)), roomy(redisRDB(t.o.Redis))}
	var bytes sides
	for range t.o.Rounds {
		for i, program := range programs {
			c := &contender{program: program, dir: filepath.Join(t.dir, fmt.Sprintf("idle-%d-%d", i, len(bytes[i]))), memory: proc.OwnMemory}
			each, err := c.idle(ctx)
			if err != nil {
				return err
			}
			bytes.add(i, each)
			t.say("connections: %s: %.0f bytes for each of %d", c.name(), each, idleConnections)
		}
	}
	t.emit(t.row(fmt.Sprintf("%d idle connections: RssAnon, bytes per connection", idleConnections), 0, bytes).besideRDB().within(connectionBound))
	return nil
}

// roomy lets a server have that many clients, and a few besides.
func roomy(program rig.Program) rig.Program {
	plain := program.Args
	program.Args = func(dir, port string) []string {
		return append(plain(dir, port), "--maxclients", strconv.Itoa(idleConnections+100))
	}
	return program
}

// idle starts the server and returns by how much it grows for each connection.
func (c *contender) idle(ctx context.Context) (bytes float64, err error) {
	if err := c.create(ctx); err != nil {
		return 0, err
	}
	defer c.kill()
	if err := c.settle(ctx); err != nil {
		return 0, err
	}
	before, err := c.memory(c.process.PID())
	if err != nil {
		return 0, err
	}
	var all []net.Conn
	defer func() {
		for _, conn := range all {
			_ = conn.Close() // the server is about to end
		}
	}()
	for range idleConnections {
		conn, err := pinged(ctx, c.process.Addr())
		if err != nil {
			return 0, c.wrap(fmt.Sprintf("connection %d", len(all)+1), err)
		}
		all = append(all, conn)
	}
	if err := c.settle(ctx); err != nil {
		return 0, err
	}
	after, err := c.memory(c.process.PID())
	return float64(after-before) / idleConnections, err
}

// pinged connects and says one thing, as a client's library does that then keeps the connection in its pool.
func pinged(ctx context.Context, addr string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	const pong = "+PONG\r\n"
	reply := make([]byte, len(pong))
	if _, err = io.WriteString(conn, "PING\r\n"); err == nil {
		_, err = io.ReadFull(conn, reply)
	}
	if err == nil && string(reply) != pong {
		err = fmt.Errorf("%w: %q", errWrong, reply)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}
