package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"holdfast/bench/rig"
)

// channel is what subscribers listen to.
const channel = "channel"

// publish sends values to a hundred subscribers.
func publish() Workload {
	return Workload{Name: "PUBLISH_100", Load: Requests{Send: []string{"PUBLISH", channel, "{value}"}}}
}

// messageBytes is the length of a message on its way to a subscriber.
func messageBytes(valueBytes int) int64 {
	return int64(len(fmt.Sprintf("*3\r\n$7\r\nmessage\r\n$%d\r\n%s\r\n$%d\r\n\r\n", len(channel), channel, valueBytes)) + valueBytes)
}

// heardWithin is how long after the last reply subscribers may take to hear of the last message.
const heardWithin = 20 * time.Second

// startSubscribers makes connections that listen to the channel, if any are wanted. The function ends them, when each has heard
// of so many messages, of which none may be missing.
func (l Load) startSubscribers(ctx context.Context, port string) (end func(messages int) error, err error) {
	var conns []net.Conn
	for range l.Subscribers {
		c, err := subscribe(ctx, port)
		if err != nil {
			return nil, errors.Join(err, closeAll(conns))
		}
		conns = append(conns, c)
	}
	heard := make(chan int64, len(conns))
	for _, c := range conns {
		go func() {
			n, _ := io.Copy(io.Discard, c) // where it was cut off the number tells
			heard <- n
		}()
	}
	return func(messages int) error {
		const farewell = "+OK\r\n"
		want := int64(messages)*messageBytes(l.ValueBytes) + int64(len(farewell))
		var errs []error
		for _, c := range conns {
			// What was published before comes before the reply to this, behind which the connection ends.
			_, err := io.WriteString(c, "QUIT\r\n")
			errs = append(errs, err, c.SetReadDeadline(time.Now().Add(heardWithin)))
		}
		for range conns {
			if got := <-heard; got != want {
				errs = append(errs, fmt.Errorf("a subscriber has got %d bytes, not %d", got, want))
			}
		}
		return errors.Join(append(errs, closeAll(conns))...)
	}, nil
}

func closeAll(conns []net.Conn) (err error) {
	for _, c := range conns {
		err = errors.Join(err, c.Close())
	}
	return err
}

// subscribe connects a subscriber.
func subscribe(ctx context.Context, port string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", net.JoinHostPort(rig.Loopback, port))
	if err != nil {
		return nil, err
	}
	confirmation := fmt.Sprintf("*3\r\n$9\r\nsubscribe\r\n$%d\r\n%s\r\n:1\r\n", len(channel), channel)
	got := make([]byte, len(confirmation))
	if _, err = io.WriteString(c, "SUBSCRIBE "+channel+"\r\n"); err == nil {
		_, err = io.ReadFull(c, got)
	}
	if err == nil && string(got) != confirmation {
		err = fmt.Errorf("SUBSCRIBE: %q", got)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}
