package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"holdfast/bench/rig"
)

// feature is something that a server does beside, switched on before each run.
type feature struct {
	name    string
	before  [][]string
	listens []string // lines that a connection says which then reads whatever comes; nil: there is none
}

// features are what is compared with a server that does nothing beside. Events are told for every change; the user may touch the
// keys of the load and run all commands but one, so that each request is checked. INFO and CONFIG are asked as that user too.
func features() []feature {
	events := [][]string{{"CONFIG", "SET", "notify-keyspace-events", "KEA"}}
	return []feature{
		{name: "plain"},
		{name: "user rules", before: [][]string{{"ACL", "SETUSER", "default", "resetkeys", "~key:*", "-flushall"}}},
		{name: "events", before: events},
		{name: "events heard", before: events, listens: []string{"PSUBSCRIBE __key*__:*"}},
		{name: "client cache", listens: []string{"HELLO 3", "CLIENT TRACKING ON BCAST"}},
		{name: "monitor", listens: []string{"MONITOR"}},
	}
}

func featureRows(l Load) []Row {
	var rows []Row
	for _, f := range features() {
		l.Listens = f.listens
		for _, name := range []string{"GET", "SET"} {
			row := usual(name, l, f.name)
			row.Pipeline, row.Workload.Before = typesPipeline, f.before
			rows = append(rows, row)
		}
	}
	return rows
}

// startListener makes the connection that reads what the server tells, if one is wanted. The function ends it; an error says that
// the server had cut it off.
func (l Load) startListener(ctx context.Context, port string) (end func() error, err error) {
	if l.Listens == nil {
		return func() error { return nil }, nil
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", net.JoinHostPort(rig.Loopback, port))
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(c, strings.Join(l.Listens, "\r\n")+"\r\n"); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	first := make([]byte, 1)
	if _, err := io.ReadFull(c, first); err != nil || first[0] == '-' {
		return nil, errors.Join(fmt.Errorf("%q: %q, %w", l.Listens, first, err), c.Close())
	}
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, c)
		ended <- err
	}()
	return func() error {
		select {
		case err := <-ended:
			return errors.Join(errors.New("who listens was cut off"), err, c.Close())
		default:
		}
		err := c.Close()
		<-ended
		return err
	}, nil
}
