package integration

import (
	"bytes"
	"fmt"
	"slices"
	"time"
)

// A Player plays transcripts to two servers and says where their replies differ.
type Player struct {
	Ours, Theirs *Side
	// Twins says that both are the same program: documented differences cannot show.
	Twins bool
	// Trace, unless nil, is told of every reply that Theirs gave.
	Trace func(s Step, theirs Reply)

	failures []string
	name     string // of the transcript in play
}

// Play runs the steps in order. It returns the differences found; an error means that the rest could not
// be played.
func (p *Player) Play(t Transcript) (failures []string, err error) {
	p.failures, p.name = nil, t.Name
	for _, step := range t.Steps {
		if err := p.step(step); err != nil {
			return p.failures, fmt.Errorf("%s:%d: %s: %w", t.Name, step.Line, step.Text, err)
		}
	}
	return p.failures, nil
}

func (p *Player) sides() []*Side { return []*Side{p.Ours, p.Theirs} }

func (p *Player) step(s Step) error {
	switch s.Act {
	case ActSleep:
		time.Sleep(s.Pause)
		return nil
	case ActClose:
		return p.each(func(side *Side) error { return side.Forget(s.Client) })
	case ActClosed:
		return p.expectClosed(s)
	case ActScan:
		return p.scan(s)
	case ActSplit:
		return p.split(s)
	case ActOwn:
		return p.own(s)
	case ActRead:
		return p.compareReplies(s, s.Count)
	case ActBlock:
		return p.each(func(side *Side) error { return p.block(side, s) })
	}
	nowMs := time.Now().UnixMilli()
	if err := p.each(func(side *Side) error { return p.send(side, s, nowMs) }); err != nil {
		return err
	}
	if s.Act == ActSend || s.Act == ActRaw {
		return nil
	}
	return p.compareReplies(s, 1)
}

func (p *Player) each(do func(*Side) error) error {
	for _, side := range p.sides() {
		if err := do(side); err != nil {
			return fmt.Errorf("%s: %w", side.Name, err)
		}
	}
	return nil
}

// send sends the step's command, or its raw bytes.
func (p *Player) send(side *Side, s Step, nowMs int64) error {
	c, err := side.Client(s.Client)
	if err != nil {
		return err
	}
	args, err := s.Args(nowMs, side.lookup)
	if err != nil {
		return err
	}
	if s.Act == ActRaw {
		return c.Write([]byte(args[0]))
	}
	return c.Send(args...)
}

// compareReplies reads count replies of the step's client from both sides.
func (p *Player) compareReplies(s Step, count int) error {
	for range count {
		var replies []Reply
		err := p.each(func(side *Side) error {
			c, err := side.Client(s.Client)
			if err != nil {
				return err
			}
			reply, err := c.Read()
			if s.Let != "" {
				side.vars[s.Let] = reply.Text
			}
			replies = append(replies, reply)
			return err
		})
		if err != nil {
			return fmt.Errorf("%w (replies so far: %v)", err, replies)
		}
		if p.Trace != nil {
			p.Trace(s, replies[1])
		}
		p.compare(s, replies[0], replies[1])
	}
	return nil
}

func (p *Player) compare(s Step, ours, theirs Reply) {
	if s.Same(ours, theirs) || p.Twins && s.Rule == RuleDiffers {
		return
	}
	note := ""
	if s.Rule == RuleDiffers {
		note = "\n  the documented difference is gone: remove !differs"
	}
	p.failf(s, "%s%s\n  %-9s %s\n  %-9s %s", s.Text, note, p.Ours.Name, ours, p.Theirs.Name, theirs)
}

func (p *Player) failf(s Step, format string, args ...any) {
	p.failures = append(p.failures, fmt.Sprintf("%s:%d: ", p.name, s.Line)+fmt.Sprintf(format, args...))
}

// block sends a command and waits until the server counts one more blocked client.
func (p *Player) block(side *Side, s Step) error {
	c, err := side.Client(s.Client)
	if err != nil {
		return err
	}
	before, err := side.clientCount("blocked_clients")
	if err != nil {
		return err
	}
	if err := p.send(side, s, time.Now().UnixMilli()); err != nil {
		return err
	}
	err = side.await("blocked_clients", func(n int) bool { return n > before || c.Pending(0) })
	if err == nil && c.Pending(0) {
		reply, readErr := c.Read()
		return fmt.Errorf("did not block: %s %w", reply, readErr)
	}
	return err
}

func (p *Player) expectClosed(s Step) error {
	var rests [][]byte
	err := p.each(func(side *Side) error {
		c, err := side.Client(s.Client)
		if err != nil {
			return err
		}
		rest, err := c.ReadToEnd()
		rests = append(rests, rest)
		delete(side.conns, s.Client)
		if err != nil {
			return fmt.Errorf("connection not closed: %w", err)
		}
		return c.Close()
	})
	if err == nil && !bytes.Equal(rests[0], rests[1]) {
		p.failf(s, "%s: before the close\n  %-9s %q\n  %-9s %q", s.Text, p.Ours.Name, rests[0], p.Theirs.Name, rests[1])
	}
	return err
}

// scan goes round from cursor 0 to 0 on both sides and compares what was met, as sets. The cursor is the
// first 0 among the words.
func (p *Player) scan(s Step) error {
	var met [][]string
	err := p.each(func(side *Side) error {
		c, err := side.Client(s.Client)
		if err != nil {
			return err
		}
		args, err := s.Args(time.Now().UnixMilli(), side.lookup)
		if err != nil {
			return err
		}
		elems, err := scanAll(c, args)
		met = append(met, elems)
		return err
	})
	if err == nil && !slices.Equal(met[0], met[1]) {
		p.failf(s, "%s\n  %-9s %q\n  %-9s %q", s.Text, p.Ours.Name, met[0], p.Theirs.Name, met[1])
	}
	return err
}

func scanAll(c *Conn, args []string) ([]string, error) {
	const roundsMax = 100_000
	at := slices.Index(args, "0")
	var met []string
	for range roundsMax {
		reply, err := c.Must(args...)
		if err != nil {
			return nil, err
		}
		if len(reply.Elems) != 2 {
			return nil, fmt.Errorf("not a scan's reply: %s", reply)
		}
		for _, e := range reply.Elems[1].Elems {
			met = append(met, e.Text)
		}
		args[at] = reply.Elems[0].Text
		if args[at] == "0" {
			slices.Sort(met)
			return slices.Compact(met), nil
		}
	}
	return nil, fmt.Errorf("the cursor does not come back to 0")
}

// split sends the bytes in two parts, cut at every place in turn, and then byte by byte. Between the parts
// a PING on the control connection lets the server see the first part by itself.
func (p *Player) split(s Step) error {
	args, err := s.Args(time.Now().UnixMilli(), p.Ours.lookup)
	if err != nil {
		return err
	}
	stream := []byte(args[0])
	for cut := 1; cut < len(stream); cut++ {
		if err := p.sendParts(s, [][]byte{stream[:cut], stream[cut:]}); err != nil {
			return fmt.Errorf("cut at byte %d: %w", cut, err)
		}
	}
	return p.sendParts(s, slices.Collect(slices.Chunk(stream, 1)))
}

func (p *Player) sendParts(s Step, parts [][]byte) error {
	err := p.each(func(side *Side) error {
		c, err := side.Client(s.Client)
		if err != nil {
			return err
		}
		for _, part := range parts {
			if err := c.Write(part); err != nil {
				return err
			}
			if _, err := side.Ask("PING"); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return p.compareReplies(s, s.Count)
}

// own asks holdfast alone.
func (p *Player) own(s Step) error {
	if p.Twins {
		return nil
	}
	c, err := p.Ours.Client(s.Client)
	if err != nil {
		return err
	}
	if err := p.send(p.Ours, s, time.Now().UnixMilli()); err != nil {
		return err
	}
	reply, err := c.Read()
	if err == nil && string(reply.Raw) != s.Words {
		p.failf(s, "%s\n  %-9s %s\n  expected  %q", s.Text, p.Ours.Name, reply, s.Words)
	}
	return err
}
