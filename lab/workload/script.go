package workload

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"

	"holdfast/resp"
)

// Oracle tells what a script's first so many commands make: what a server that ran them, and nothing else, replies to the
// Reads. Its caller remembers.
type Oracle func(commands int) ([]resp.Reply, error)

// ErrScript says that a user's file of commands cannot be understood.
var ErrScript = errors.New("not a script of commands")

const (
	scriptCommandsMax = 100_000
	scriptKeysMax     = 10_000
	oracleKept        = 4096 // states of the oracle that are remembered
)

// script is a user's workload: the commands of a file, one after another on one connection. It is judged by an oracle: what
// is there must be what some first part of the script makes, with all of it that had to survive.
//
// After a crash it asks nothing more: the second crash must then leave what the first one left.
type script struct {
	commands [][][]byte
	reads    [][][]byte
	keys     []string
	rooms    []room
	words    map[string]bool
	oracle   Oracle

	mu    sync.Mutex // guards known
	known map[int][]resp.Reply
}

// room is a database that a script names, or 0, with the place among the reads of those that show it. Each key is looked
// for in each of them.
type room struct{ name, at int }

// Script returns the workload of a user's file: a command a line, quoted as for redis-cli; empty lines and those that begin
// with # are left out. Without an oracle it can be recorded, and not judged. Commands should do the same each time: what is
// random, or depends on the time of day, does not. All databases that the commands name are looked at.
func Script(text string, oracle Oracle) (Workload, error) {
	s := &script{oracle: oracle, known: map[int][]resp.Reply{}, words: map[string]bool{}}
	named := map[string]bool{}
	databases := []int{0}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		args, err := split(line)
		if err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrScript, i+1, err)
		}
		s.commands = append(s.commands, args)
		for _, arg := range args {
			s.words[string(arg)] = true
		}
		for _, db := range databasesIn(args) {
			if !slices.Contains(databases, db) {
				databases = append(databases, db)
			}
		}
		for _, key := range keysIn(args) {
			if !named[key] {
				named[key], s.keys = true, append(s.keys, key)
			}
		}
	}
	if len(s.commands) == 0 || len(s.commands) > scriptCommandsMax || len(s.keys)*len(databases) > scriptKeysMax {
		return nil, fmt.Errorf("%w: %d commands, want 1 to %d; %d keys, in each database, want at most %d", ErrScript, len(s.commands),
			scriptCommandsMax, len(s.keys)*len(databases), scriptKeysMax)
	}
	s.arrange(databases)
	return s, nil
}

// readsPerKey is how many requests show a key, whatever it holds: all but one or two are answered with an error.
const readsPerKey = 7

func (s *script) arrange(databases []int) {
	for _, db := range databases {
		if len(databases) > 1 {
			s.reads = append(s.reads, request("SELECT", strconv.Itoa(db)))
		}
		s.rooms = append(s.rooms, room{name: db, at: len(s.reads)})
		s.reads = append(s.reads, request("KEYS", "*"))
		for _, key := range s.keys {
			s.reads = append(s.reads, request("PEXPIRETIME", key), request("GET", key), request("LRANGE", key, "0", "-1"),
				request("HGETALL", key), request("SMEMBERS", key), request("ZRANGE", key, "0", "-1", "WITHSCORES"),
				request("XRANGE", key, "-", "+"))
		}
	}
}

func (s *script) Name() string      { return "script" }
func (s *script) Clients() int      { return 1 }
func (s *script) Reads() [][][]byte { return s.reads }

func (s *script) Client(_, round int, _ *rand.Rand) Client {
	if round > 0 {
		return &lines{}
	}
	return &lines{rest: s.commands}
}

type lines struct{ rest [][][]byte }

func (l *lines) Next(resp.Reply) [][]byte {
	if len(l.rest) == 0 {
		return nil
	}
	args := l.rest[0]
	l.rest = l.rest[1:]
	return args
}

// Lost ends a script: it is judged by what its first commands make, and each of them is one that was done.
func (l *lines) Lost() bool { return false }

// Judge judges; see Workload.
func (s *script) Judge(h *History, replies []resp.Reply) []Finding {
	if len(replies) != len(s.reads) {
		return []Finding{{Check: Unreadable, Detail: fmt.Sprintf("%d replies to %d reads", len(replies), len(s.reads))}}
	}
	if _, base := lastReads(h.Ops, s.reads); base != nil {
		if key, detail := s.differ(base, replies); detail != "" {
			return []Finding{{Lost, key, "after the recovery before " + detail}}
		}
		return nil
	}
	least, most := s.extent(h)
	return s.judge(least, most, replies)
}

// extent says how many commands must have happened, and how many may have. The IDs of a connection number its requests.
func (s *script) extent(h *History) (least, most int) {
	for i := range h.Ops {
		op := &h.Ops[i]
		n := min(int(op.ID), len(s.commands))
		if most = max(most, n); op.Acked && op.Fate == Must {
			least = max(least, n)
		}
	}
	return least, most
}

func (s *script) judge(least, most int, replies []resp.Reply) []Finding {
	var first Finding
	for n := least; n <= most; n++ {
		want, err := s.after(n)
		if err != nil {
			return []Finding{{Check: Undecided, Detail: fmt.Sprintf("what %d commands make is not known: %v", n, err)}}
		}
		key, detail := s.differ(want, replies)
		if detail == "" {
			return nil
		}
		if n == least {
			first = Finding{s.check(least, replies), key, fmt.Sprintf("after %d commands that had to survive %s", n, detail)}
		}
	}
	return []Finding{first}
}

// earlierMax is how far back an explanation is looked for.
const earlierMax = 200

// check names what is wrong: a state that was right before is a loss, any other is none of this script.
func (s *script) check(least int, replies []resp.Reply) Check {
	for n := least - 1; n >= max(0, least-earlierMax); n-- {
		if want, err := s.after(n); err == nil {
			if _, detail := s.differ(want, replies); detail == "" {
				return Lost
			}
		}
	}
	return Order
}

// after asks the oracle.
func (s *script) after(n int) ([]resp.Reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if replies, known := s.known[n]; known {
		return replies, nil
	}
	if s.oracle == nil {
		return nil, errors.New("there is no oracle")
	}
	replies, err := s.oracle(n)
	if err != nil {
		return nil, err
	}
	if len(replies) != len(s.reads) {
		return nil, fmt.Errorf("%d replies to %d reads", len(replies), len(s.reads))
	}
	if len(s.known) == oracleKept {
		clear(s.known)
	}
	s.known[n] = replies
	return replies, nil
}

// differ says where two states differ. A key with a deadline that is not in the script, but was made of a time to live, may
// be gone in one of them, and its deadlines need not be the same.
func (s *script) differ(want, have []resp.Reply) (key, detail string) {
	for _, in := range s.rooms {
		if key, detail = s.differIn(in.at, want, have); detail != "" {
			if len(s.rooms) > 1 {
				key = fmt.Sprintf("%s of database %d", key, in.name)
			}
			return key, detail
		}
	}
	return "", ""
}

// differIn is differ for the database whose reads begin at first.
func (s *script) differIn(first int, want, have []resp.Reply) (key, detail string) {
	passing := map[string]bool{}
	for k, key := range s.keys {
		at := first + 1 + k*readsPerKey
		deadline := want[at].Int
		if deadline < 0 {
			deadline = have[at].Int
		}
		passing[key] = deadline >= 0 && !s.mentions(deadline)
		if passing[key] && (want[at].Int == -2 || have[at].Int == -2 || (want[at].Int >= 0) != (have[at].Int >= 0)) {
			if want[at].Int == -1 || have[at].Int == -1 {
				return key, "one has a deadline and the other has none"
			}
			continue
		}
		if !passing[key] && !sameReply(&want[at], &have[at]) {
			return key, fmt.Sprintf("PEXPIRETIME should be %s and is %s", printed(want[at]), printed(have[at]))
		}
		for i := at + 1; i < at+readsPerKey; i++ {
			if !alike(string(s.reads[i][0]), &want[i], &have[i]) {
				return key, fmt.Sprintf("%s should be %s and is %s", s.reads[i][0], printed(want[i]), printed(have[i]))
			}
		}
	}
	if name := lackingName(want[first].Elems, have[first].Elems, passing); name != "" {
		return name, "it should be there"
	}
	if name := lackingName(have[first].Elems, want[first].Elems, passing); name != "" {
		return name, "it should not be there"
	}
	return "", ""
}

// lackingName returns the first of some names that others lack.
func lackingName(names, others []resp.Reply, passing map[string]bool) string {
	have := map[string]bool{}
	for _, r := range others {
		have[string(r.Str)] = true
	}
	for _, r := range names {
		if name := string(r.Str); !have[name] && !passing[name] {
			return name
		}
	}
	return ""
}

// mentions reports whether the script has a deadline, in unix ms, word for word; or in seconds.
func (s *script) mentions(deadline int64) bool {
	return s.words[strconv.FormatInt(deadline, 10)] || (deadline%1000 == 0 && s.words[strconv.FormatInt(deadline/1000, 10)])
}

// alike compares the replies to a read. What is in a hash or a set has no order.
func alike(read string, a, b *resp.Reply) bool {
	if sameReply(a, b) {
		return true
	}
	each := map[string]int{"HGETALL": 2, "SMEMBERS": 1}[read]
	if each == 0 || a.Err() != nil || b.Err() != nil || len(a.Elems) != len(b.Elems) {
		return false
	}
	return slices.Equal(unordered(a.Elems, each), unordered(b.Elems, each))
}

// unordered returns elements sorted, so many at a time.
func unordered(elems []resp.Reply, each int) []string {
	var all []string
	for part := range slices.Chunk(elems, each) {
		text := ""
		for _, r := range part {
			text += strconv.Quote(string(r.Str))
		}
		all = append(all, text)
	}
	slices.Sort(all)
	return all
}
