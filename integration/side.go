package integration

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A Side is one of the two servers as a transcript sees it: its clients by name, what it was asked to
// remember, and a control connection of ours.
type Side struct {
	Name  string
	addr  string
	resp3 bool
	login []string // the AUTH command that the control connection begins with; nil without a password

	conns   map[string]*Conn
	vars    map[string]string
	control *Conn
}

// NewSide makes the side of a running server. The flags are those it was started with.
func NewSide(name, addr string, flags []string, resp3 bool) *Side {
	return &Side{Name: name, addr: addr, resp3: resp3, login: loginFor(flags), conns: map[string]*Conn{}, vars: map[string]string{}}
}

// Client returns the named client's connection, made and switched to RESP3 when first asked for. A server that
// wants a password first leaves it in RESP2.
func (s *Side) Client(name string) (*Conn, error) {
	if c := s.conns[name]; c != nil {
		return c, nil
	}
	if err := s.openControl(); err != nil {
		return nil, err
	}
	c, err := Dial(s.addr)
	if err != nil {
		return nil, fmt.Errorf("%s: connect %s: %w", s.Name, name, err)
	}
	s.conns[name] = c
	if s.resp3 {
		reply, err := c.Do("HELLO", "3")
		if err == nil && reply.IsError() && !strings.HasPrefix(reply.Text, "NOAUTH") {
			err = fmt.Errorf("HELLO 3: %s", reply.Text)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: connect %s: %w", s.Name, name, err)
		}
	}
	return c, nil
}

// openControl connects the control connection, if it is not there.
func (s *Side) openControl() error {
	if s.control != nil {
		return nil
	}
	c, err := Dial(s.addr)
	if err != nil {
		return fmt.Errorf("%s: connect control: %w", s.Name, err)
	}
	s.control = c
	if s.login != nil {
		if _, err := c.Must(s.login...); err != nil {
			return fmt.Errorf("%s: control: %w", s.Name, err)
		}
	}
	return nil
}

// Ask sends a command on the control connection. The connection is made again once: a transcript may
// have killed it.
func (s *Side) Ask(args ...string) (Reply, error) {
	for attempt := 0; ; attempt++ {
		if err := s.openControl(); err != nil {
			return Reply{}, err
		}
		reply, err := s.control.Do(args...)
		if err == nil && reply.IsError() {
			return reply, fmt.Errorf("%s: %s: %s", s.Name, strings.Join(args, " "), reply.Text)
		}
		if err == nil {
			return reply, nil
		}
		if attempt == 1 {
			return reply, fmt.Errorf("%s: %s: %w", s.Name, strings.Join(args, " "), err)
		}
		s.closeControl()
	}
}

func (s *Side) closeControl() {
	if s.control != nil {
		_ = s.control.Close() // a socket that is gone already is what we want
		s.control = nil
	}
}

// Forget closes the named client's connection and waits until the server has noticed.
func (s *Side) Forget(name string) error {
	c := s.conns[name]
	if c == nil {
		return fmt.Errorf("no client %s", name)
	}
	before, err := s.clientCount("connected_clients")
	if err != nil {
		return err
	}
	delete(s.conns, name)
	if err := c.Close(); err != nil {
		return err
	}
	return s.await("connected_clients", func(n int) bool { return n < before })
}

// Close closes every connection.
func (s *Side) Close() {
	s.closeControl()
	for _, c := range s.conns {
		_ = c.Close() // the server may have closed it first
	}
	clear(s.conns)
}

// lookup finds what ${name} stands for on this side.
func (s *Side) lookup(name string) (string, bool) {
	if client, ok := strings.CutSuffix(name, ".laddr"); ok && s.conns[client] != nil {
		return s.conns[client].net.RemoteAddr().String(), true
	}
	if client, ok := strings.CutSuffix(name, ".addr"); ok && s.conns[client] != nil {
		return s.conns[client].net.LocalAddr().String(), true
	}
	value, ok := s.vars[name]
	return value, ok
}

// clientCount reads one number of INFO clients.
func (s *Side) clientCount(fieldName string) (int, error) {
	info, err := s.Ask("INFO", "clients")
	if err != nil {
		return 0, err
	}
	m := regexp.MustCompile(fieldName + `:(\d+)`).FindStringSubmatch(info.Text)
	if m == nil {
		return 0, fmt.Errorf("%s: INFO clients has no %s: %q", s.Name, fieldName, info.Text)
	}
	return strconv.Atoi(m[1])
}

// await polls a number of INFO clients until it is as wanted.
func (s *Side) await(fieldName string, wanted func(int) bool) error {
	deadline := time.Now().Add(replyWaitMax)
	for {
		n, err := s.clientCount(fieldName)
		if err != nil || wanted(n) {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: %s stays at %d", s.Name, fieldName, n)
		}
		time.Sleep(time.Millisecond)
	}
}
