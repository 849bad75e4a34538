package engine_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// history is every state that a data set went through, one for each command, transaction or pause of the clock, from
// the newest of which everything is promised on. A crash must leave one of these states, exactly: what was acknowledged
// is all there, what was not is there or not but in order, nothing is invented, and no transaction is there in part.
type history struct {
	states []state
	shown  int // index of the newest state of which a reply left: the end of the process alone does not lose it
	db     int // that the client has selected
}

func newHistory() *history { return &history{states: []state{{}}} }

func (h *history) last() state { return h.states[len(h.states)-1] }

// promised forgets the states before the last: no crash may leave them any more.
func (h *history) promised() { h.states, h.shown = h.states[len(h.states)-1:], 0 }

// killed is promised for what a process leaves that ended while the machine went on.
func (h *history) killed() { h.states, h.shown = h.states[h.shown:], 0 }

func (h *history) clone() *history {
	return &history{states: slices.Clone(h.states), shown: h.shown, db: h.db}
}

// recovered finds the state that a rig shows, the newest that fits, and makes it the only one. When none fits that is an
// error.
func (h *history) recovered(r *rig, what string) bool {
	r.t.Helper()
	now := r.setup.clock.now().UnixMilli()
	shown := r.dump(slices.Collect(maps.Keys(h.last()))...)
	for i := len(h.states) - 1; i >= 0; i-- {
		if maps.Equal(shown, h.states[i].dump(now)) {
			h.states, h.shown, h.db = h.states[i:i+1], 0, 0
			return true
		}
	}
	oldest, newest := h.states[0].dump(now), h.last().dump(now)
	r.t.Errorf("%s: what is there fits none of the %d states that may be\nagainst the oldest: %s\nagainst the newest: %s\n%s",
		what, len(h.states), difference(shown, oldest), difference(shown, newest), r.engine.Report())
	return false
}

// difference names what one dump has and the other has not.
func difference(got, want map[place]string) string {
	var out []string
	for at, text := range want {
		if got[at] != text {
			out = append(out, fmt.Sprintf("%d/%s is %s, not %s", at.db, at.key, orNothing(got[at]), text))
		}
	}
	for at, text := range got {
		if want[at] == "" {
			out = append(out, fmt.Sprintf("%d/%s is %s, not there", at.db, at.key, text))
		}
	}
	slices.Sort(out)
	return strings.Join(out, "; ")
}

func orNothing(text string) string {
	if text == "" {
		return "missing"
	}
	return text
}

// session is a rig together with what its keyspace must be.
type session struct {
	*rig
	*history
	refused int  // batches that were refused for lack of room
	held    int  // batches whose replies had to wait for room
	loose   bool // replies promise nothing: there is no log, or it is not synced
}

// begin starts a session on an empty data set.
func begin(t testing.TB, s setup) *session {
	t.Helper()
	return &session{rig: open(t, s), history: newHistory()}
}

// over reports whether the process has had to end.
func (s *session) over() bool { return s.dead() != nil }

func (s *session) now() int64 { return s.setup.clock.now().UnixMilli() }

// say executes a command line that the model knows, and compares its reply.
func (s *session) say(line string) {
	s.t.Helper()
	s.pipeline(line)
}

// pipeline executes command lines as one batch, each of them by itself.
func (s *session) pipeline(lines ...string) {
	s.t.Helper()
	if s.over() {
		return
	}
	var requests [][][]byte
	var want []string
	before, db := len(s.states), s.db
	for _, line := range lines {
		request := words(line)
		requests = append(requests, request)
		next, reply := s.foresee(s.last(), request)
		s.states = append(s.states, next)
		want = append(want, reply)
	}
	if replies, refused := s.submit(requests, want); refused {
		s.states, s.db = s.states[:before], db
		s.review(requests, replies)
	}
}

// review foresees a batch anew, of which writes have been refused.
func (s *session) review(requests [][][]byte, replies []byte) {
	s.t.Helper()
	left := strings.ReplaceAll(string(replies), "\r\n", "\n")
	for _, request := range requests {
		if strings.HasPrefix(left, "-MISCONF") {
			_, left, _ = strings.Cut(left, "\n")
			continue
		}
		next, reply := s.foresee(s.last(), request)
		s.states = append(s.states, next)
		n := min(len(reply)+1, len(left))
		if got := strings.ReplaceAll(left[:n], "\n", " "); got != reply+" " {
			s.t.Fatalf("%.100q in a batch that was refused in part: reply %.300q, not %.300q", request, got, reply)
		}
		left = left[n:]
	}
}

// transaction executes command lines as one.
func (s *session) transaction(lines ...string) {
	s.t.Helper()
	if s.over() {
		return
	}
	requests := [][][]byte{words("MULTI")}
	want := []string{"+OK"}
	next, replies := s.last(), []string{fmt.Sprint("*", len(lines))}
	for _, line := range lines {
		request := words(line)
		requests = append(requests, request)
		want = append(want, "+QUEUED")
		var reply string
		next, reply = s.foresee(next, request)
		replies = append(replies, reply)
	}
	s.states = append(s.states, next)
	requests = append(requests, words("EXEC"))
	if _, refused := s.submit(requests, append(want, strings.Join(replies, " "))); refused {
		s.states = s.states[:len(s.states)-1]
	}
}

// foresee is what the model says of a request.
func (s *session) foresee(from state, request [][]byte) (state, string) {
	args := make([]string, len(request))
	for i := range request {
		args[i] = string(request[i])
	}
	if strings.EqualFold(args[0], "SELECT") {
		s.db = int(args[1][0] - '0')
		return from, "+OK"
	}
	return from.after(s.now(), s.db, args...)
}

// submit runs a batch whose states have been foreseen. refused says that writes in it were refused, as the disk is full or the log
// fails: they have not happened, and its replies have not been compared.
func (s *session) submit(requests [][][]byte, want []string) (replies []byte, refused bool) {
	s.t.Helper()
	replies, gate := s.run(s.user, requests...)
	left := s.commit(gate)
	got := plain(replies)
	if strings.Contains(got, "-MISCONF") {
		s.refused++
		s.note(fmt.Errorf("%s", got))
		return replies, true
	}
	if wanted := strings.Join(want, " "); got != wanted {
		s.t.Errorf("%.100q: reply %.300q, not %.300q", requests, got, wanted)
	}
	if left {
		s.shown = len(s.states) - 1
	} else if !s.over() {
		s.held++
	}
	if left && !s.loose {
		s.promised()
	}
	return replies, false
}

// pass moves the clock, and waits until what is due then is gone.
func (s *session) pass(ms int64) {
	s.t.Helper()
	if s.over() {
		return
	}
	s.setup.clock.advance(ms)
	left := fmt.Sprint(":", len(s.last().dump(s.now())))
	s.until("expired keys to go", func() bool { return s.over() || s.sizes() == left })
}

// sizes adds up DBSIZE.
func (s *session) sizes() string {
	s.t.Helper()
	n := int64(0)
	c := s.connect()
	for db := range databases {
		n += s.ask(c, "SELECT", fmt.Sprint(db), "DBSIZE").Int
	}
	return fmt.Sprint(":", n)
}

// save writes a checkpoint. When it is done all before it is promised.
func (s *session) save() {
	s.t.Helper()
	if s.over() {
		return
	}
	if err := s.checkpoint(); err == nil {
		s.promised()
	}
}

// check compares what the running engine shows with the newest state.
func (s *session) check(what string) {
	s.t.Helper()
	now := s.now()
	if shown, want := s.dump(), s.last().dump(now); !maps.Equal(shown, want) {
		s.t.Errorf("%s: %s", what, difference(shown, want))
	}
	s.commit(0)
}
