package metrics

import (
	"net"
	"sync"
)

// narrow is a listener that has so many connections open at a time. Others wait in the kernel, without a descriptor of ours: who has all
// of the process's leaves none for clients.
type narrow struct {
	net.Listener
	room   chan struct{} // full when no other may come
	closed chan struct{}
	close  func()
}

func narrowed(l net.Listener, most int) net.Listener {
	closed := make(chan struct{})
	return &narrow{l, make(chan struct{}, most), closed, sync.OnceFunc(func() { close(closed) })}
}

// Accept waits for room, and then for a connection.
func (n *narrow) Accept() (net.Conn, error) {
	select {
	case n.room <- struct{}{}:
	case <-n.closed:
		return nil, net.ErrClosed
	}
	c, err := n.Listener.Accept()
	if err != nil {
		<-n.room
		return nil, err
	}
	return &guest{c, sync.OnceFunc(func() { <-n.room })}, nil
}

// Close ends Accept.
func (n *narrow) Close() error {
	n.close()
	return n.Listener.Close()
}

// guest is a connection that takes room until it is closed.
type guest struct {
	net.Conn
	leave func()
}

// Close makes room.
func (g *guest) Close() error {
	defer g.leave()
	return g.Conn.Close()
}
