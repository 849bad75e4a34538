package client

import (
	"errors"
	"fmt"

	"holdfast/resp"
)

// ErrScan is wrapped when the reply of SCAN is not a cursor and keys.
var ErrScan = errors.New("unexpected reply to SCAN")

// Scan prints all keys that match pattern ("" is all), each on a line in the session's style, and calls between before
// each further step. As SCAN promises: what is there from start to end is printed at least once.
func (s *Session) Scan(pattern string, between func()) error {
	if err := s.ready(); err != nil {
		return err
	}
	for cursor := "0"; ; between() {
		args := []string{"SCAN", cursor}
		if pattern != "" {
			args = append(args, "MATCH", pattern)
		}
		reply, err := s.ask(args...)
		if err != nil {
			return err
		}
		if isError(reply) {
			return s.print(reply)
		}
		if len(reply.Elems) != 2 || len(reply.Elems[0].Str) == 0 {
			return fmt.Errorf("%w from %s", ErrScan, s.Target)
		}
		if err := s.printKeys(reply.Elems[1].Elems); err != nil {
			return err
		}
		if cursor = string(reply.Elems[0].Str); cursor == "0" {
			return nil
		}
	}
}

// printKeys prints one step's keys with one write.
func (s *Session) printKeys(keys []resp.Reply) error {
	var text []byte
	for _, key := range keys {
		text = s.Style.Append(text, key)
	}
	_, err := s.Out.Write(text)
	return err
}
