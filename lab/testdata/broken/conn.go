package main

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"time"

	"holdfast/resp"
)

// talk serves one connection. A request looks like a reply that is an array of strings.
func (s *store) talk(conn net.Conn) {
	defer conn.Close()
	in, out := resp.NewDecoder(conn), bufio.NewWriter(conn)
	t := &talk{store: s}
	for {
		request, err := in.Decode()
		if err != nil {
			return
		}
		args := make([]string, 0, len(request.Elems))
		for _, elem := range request.Elems {
			args = append(args, string(elem.Str))
		}
		if len(args) == 0 {
			return
		}
		args[0] = strings.ToUpper(args[0])
		if _, err := out.Write(t.answer(args)); err != nil {
			return
		}
		if in.Buffered() == 0 && out.Flush() != nil {
			return
		}
	}
}

// talk is the state of a connection.
type talk struct {
	store *store
	queue [][]string // of a transaction
	multi bool
	bad   bool // the transaction has been refused a command
}

func (t *talk) answer(args []string) []byte {
	var reply resp.Writer
	row, known := table[args[0]]
	switch {
	case args[0] == "MULTI":
		t.multi, t.bad, t.queue = true, false, nil
		reply.OK()
	case t.multi && args[0] == "DISCARD":
		t.multi = false
		reply.OK()
	case t.multi && args[0] == "EXEC":
		t.multi = false
		if t.bad {
			reply.Error("EXECABORT Transaction discarded because of previous errors.")
			break
		}
		return t.store.run(t.queue, true)
	case !known && !t.multi:
		return t.store.serverCommand(args)
	case !known, !row.takes(args):
		t.bad = true
		reply.Error(fmt.Sprintf("ERR unknown command '%s', or wrong number of arguments", args[0]))
	case t.multi:
		t.queue = append(t.queue, args)
		reply.Status("QUEUED")
	default:
		return t.store.run([][]string{args}, false)
	}
	return reply.Take()
}

// serverCommand is about the server, and no key.
func (s *store) serverCommand(args []string) []byte {
	var reply resp.Writer
	switch args[0] {
	case "PING":
		reply.Status("PONG")
	case "BGSAVE", "BGREWRITEAOF", "SAVE":
		s.save(args[0] == "SAVE")
		reply.OK()
	case "INFO":
		reply.BulkString("loading:0\r\n")
	default:
		reply.Error(fmt.Sprintf("ERR unknown command '%s'", args[0]))
	}
	return reply.Take()
}

// save asks for a snapshot.
func (s *store) save(wait bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.saved
	s.wanted = true
	s.changed.Broadcast()
	for wait && s.saved == before {
		s.changed.Wait()
	}
}

// run does commands as one, and returns the reply when it may be sent.
func (s *store) run(commands [][]string, transaction bool) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var reply resp.Writer
	if transaction {
		reply.Array(len(commands))
	}
	now := time.Now().UnixMilli()
	var effects [][]string
	for _, args := range commands {
		c := &call{keys: s.keys, args: args, now: now, relative: s.wrong.relativeTTL}
		table[args[0]].do(c)
		reply.Raw(c.reply.Take())
		effects = append(effects, c.effects...)
	}
	s.append(effects)
	gate := s.appended
	if s.wrong.readBeforeSync && len(effects) == 0 {
		gate = 0
	}
	for s.answered < gate {
		s.changed.Wait()
	}
	return reply.Take()
}

// append gives the committer what commands did, as one record.
func (s *store) append(effects [][]string) {
	if len(effects) == 0 {
		return
	}
	records := [][][]string{effects}
	if s.wrong.tornTransactions {
		records = nil
		for _, effect := range effects {
			records = append(records, [][]string{effect})
		}
	}
	for _, record := range records {
		s.pending = append(s.pending, appendBody(nil, record))
		s.appended++
	}
	s.changed.Broadcast()
}
