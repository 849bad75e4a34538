// Package subject is a server under test, seen from outside: something that is started on a directory, speaks RESP on a
// loopback port, and can be ended in all the ways that a server ends.
package subject

import (
	"context"
	"errors"

	"holdfast/resp"
)

// Starter starts a server. Process is the one that starts a real one; a test may have another.
type Starter interface {
	// Start starts a server on a data directory and waits until it answers commands. ErrRefused when it ended by itself
	// before that, ErrSilent when it neither ended nor answered in time (it has been ended then); what it wrote is in
	// the error's text.
	Start(ctx context.Context, dir string) (Server, error)
}

// Server is a running server.
type Server interface {
	// Dial opens a connection.
	Dial() (Conn, error)
	// Kill ends the server at once, as kill -9 does, and returns when it is gone. It may be called again.
	Kill() error
	// Output is what the server wrote so far, the newest part of it if that is much.
	Output() string
}

// Conn is a connection for one goroutine.
type Conn interface {
	// Do sends one request and waits for its reply. An error is a connection that cannot be used any more; an error
	// reply is none.
	Do(args ...[]byte) (resp.Reply, error)
	Close() error
}

var (
	// ErrRefused says that a server ended by itself instead of answering.
	ErrRefused = errors.New("the server refused to start")
	// ErrSilent says that a server did not answer in time.
	ErrSilent = errors.New("the server does not answer")
)
