package client

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Prompt reads lines and runs them, until the input ends or the user leaves.
type Prompt struct {
	Session *Session
	Editor  Editor
	History History
	Manual  *Manual   // filled from the server once it can be asked; must not be nil
	Err     io.Writer // what went wrong, apart from error replies

	asked bool // the manual has been asked for
}

// quotesRefused is what redis-cli says to a line whose quotes do not match.
const quotesRefused = "Invalid argument(s)"

// Run runs the prompt. At a prompt that a person sees, errors are shown and that is all. Of lines from elsewhere it
// returns ErrReply if any had an error for an answer, and at once what else goes wrong, for then nothing can be said of
// the lines that would come next.
func (p *Prompt) Run() error {
	var failed error
	if err := p.Session.Connect(); err != nil {
		if err := p.report(err); err != nil {
			return err
		}
	}
	for {
		p.askManual()
		line, err := p.Editor.ReadLine(p.text())
		switch {
		case err == io.EOF:
			return failed
		case errors.Is(err, ErrCleared):
			continue
		case err != nil:
			return fmt.Errorf("reading a line: %w", err)
		}
		words, err := Words(line)
		if len(words) > 0 || err != nil {
			p.remember(line, words)
		}
		if err == nil && isLeave(words) {
			return failed
		}
		if err == nil && len(words) > 0 {
			err = p.run(words)
		}
		switch {
		case errors.Is(err, ErrQuotes):
			_, err = fmt.Fprintln(p.Session.Out, quotesRefused)
			failed = ErrReply
		case errors.Is(err, ErrReply):
			err, failed = nil, ErrReply
		case err != nil:
			err = p.report(err)
		}
		if err != nil {
			return err
		}
		if p.Session.Live {
			failed = nil
		}
	}
}

// report shows err if a person is watching, and returns it if not.
func (p *Prompt) report(err error) error {
	if !p.Session.Live {
		return err
	}
	_, err = fmt.Fprintln(p.Err, err)
	return err
}

// text returns the prompt: where, which database, and whether commands are being queued.
func (p *Prompt) text() string {
	s := p.Session
	if s.conn == nil {
		return "not connected> "
	}
	text := s.Target.String()
	if s.Target.DB != 0 {
		text += "[" + strconv.Itoa(s.Target.DB) + "]"
	}
	if s.tx {
		text += "(TX)"
	}
	return text + "> "
}

// run runs one line.
func (p *Prompt) run(words []string) error {
	if count, err := strconv.Atoi(words[0]); err == nil && count > 0 && len(words) > 1 {
		var failed error
		for range count {
			if err := p.run(words[1:]); errors.Is(err, ErrReply) {
				failed = err
			} else if err != nil {
				return err
			}
		}
		return failed
	}
	switch strings.ToLower(words[0]) {
	case "help", "?":
		return p.Manual.Help(p.Session.Out, words[1:])
	case "clear":
		_, err := io.WriteString(p.Session.Out, "\x1b[H\x1b[2J")
		return err
	case "connect":
		if len(words) == 3 {
			return p.connect(words[1], words[2])
		}
	}
	return p.Session.Do(words...)
}

// connect goes over to another server.
func (p *Prompt) connect(host, port string) error {
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return fmt.Errorf("connect HOST PORT: %q is not a port", port)
	}
	s := p.Session
	s.drop()
	s.Target.Host, s.Target.Port, s.Target.Socket = host, int(number), ""
	return s.Connect()
}

// askManual asks the server for its commands, once, as soon as it answers that. Only a person has use for them.
func (p *Prompt) askManual() {
	s := p.Session
	if p.asked || !s.Live || s.conn == nil || s.tx {
		return
	}
	for _, question := range [][]string{{"COMMAND", "DOCS"}, {"COMMAND", "LIST"}} {
		reply, err := s.ask(question...)
		if err != nil {
			p.asked = errors.Is(err, ErrInterrupted)
			return
		}
		if strings.HasPrefix(string(reply.Str), "NOAUTH") {
			return // and ask again after AUTH
		}
		p.asked = true
		if !isError(reply) && len(reply.Elems) > 0 {
			*p.Manual = *ReadManual(reply)
			return
		}
	}
}

// remember puts line into the history, unless it holds a password. A history that cannot be written is no reason to stop.
func (p *Prompt) remember(line string, words []string) {
	if isSecret(words) {
		line = ""
	}
	err := p.Editor.Remember(line)
	if line != "" {
		err = errors.Join(err, p.History.Add(line))
	}
	if err != nil && p.Session.Live {
		p.History = History{}
		fmt.Fprintln(p.Err, err)
	}
}

// isLeave says whether words ask to leave the prompt.
func isLeave(words []string) bool {
	return len(words) == 1 && (strings.EqualFold(words[0], "quit") || strings.EqualFold(words[0], "exit"))
}
