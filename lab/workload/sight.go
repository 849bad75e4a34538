package workload

import (
	"fmt"

	"holdfast/resp"
)

// sight is what the Reads showed of one key.
type sight struct {
	kind     kind
	str      []byte
	journal  *journal // of a stream, and str what it looks like
	fields   fields   // of a hash
	elems    []resp.Reply
	deadline int64 // unix ms; 0 is none
}

// value is the same as what a serial history begins with after a recovery.
func (m *machine) value(s *sight) value {
	v := value{kind: s.kind, lo: s.deadline, hi: s.deadline}
	switch s.kind {
	case str:
		v.str = string(s.str)
	case lst, set, zst:
		elems := make([]string, len(s.elems))
		for i := range s.elems {
			elems[i] = string(s.elems[i].Str)
		}
		v.list = m.list(elems)
	case hsh:
		v.holdFields(s.fields)
	case jrn:
		v.hold(s.journal)
	}
	return v
}

// look understands the replies to the Reads. Groups with something unreadable in them are in unread.
func (w *standard) look(replies []resp.Reply, seen []sight) (_ []sight, findings []Finding, unread map[int]bool) {
	if len(replies) != len(w.reads) {
		return seen, []Finding{{Check: Unreadable, Detail: fmt.Sprintf("%d replies to %d reads", len(replies), len(w.reads))}}, nil
	}
	for _, name := range replies[0].Elems {
		if _, ours := w.places[string(name.Str)]; !ours {
			findings = append(findings, Finding{Invented, string(name.Str), "there is a key of this name, which nobody ever wrote"})
		}
	}
	if replies[0].Kind != '*' {
		findings = append(findings, Finding{Check: Unreadable, Detail: "KEYS * is answered with " + printed(replies[0])})
	}
	unread = map[int]bool{}
	for g := range w.groups {
		for k, key := range w.groups[g].keys {
			at := 1 + 2*(w.first[g]+k)
			s, problem := see(&replies[at], &replies[at+1], w.groups[g].class[k])
			if problem != "" {
				unread[g] = true
				findings = append(findings, Finding{Unreadable, key, problem})
			}
			seen = append(seen, s)
		}
	}
	return seen, findings, unread
}

// see makes a sight of the replies about one key, or says why that is not possible.
func see(read, deadline *resp.Reply, c class) (s sight, problem string) {
	switch c {
	case record:
		return seeRecord(read, deadline)
	case library:
		return seeLibrary(read)
	}
	if deadline.Kind != ':' || deadline.Int < -2 {
		return s, "PEXPIRETIME is answered with " + printed(*deadline)
	}
	if c == entries {
		j, err := seeJournal(read)
		if err != nil {
			return s, "reading it is answered with " + err.Error()
		}
		if j != nil {
			s = sight{kind: jrn, journal: j, str: []byte(j.String())}
		}
	}
	if c == sketch {
		var err error
		if s, err = seeSketch(read); err != nil {
			return s, err.Error()
		}
	}
	switch {
	case c == entries, c == sketch:
	case c == sequence && read.Kind == '*' && !read.Null:
		if len(read.Elems) > 0 {
			s = sight{kind: lst, elems: read.Elems}
		}
	case c == club && (read.Kind == '*' || read.Kind == '~') && !read.Null:
		if len(read.Elems) > 0 {
			s = sight{kind: set, elems: sortedElems(read.Elems)}
		}
	case c == ranking && read.Kind == '*' && !read.Null:
		if len(read.Elems) > 0 {
			s = sight{kind: zst, elems: read.Elems}
		}
	case c == club, c == ranking:
		return s, "reading it is answered with " + printed(*read)
	case c != sequence && read.Null:
	case c != sequence && read.Kind == '$':
		s = sight{kind: str, str: read.Str}
	default:
		return s, "reading it is answered with " + printed(*read)
	}
	switch {
	case deadline.Int == -2:
		return sight{}, "" // it may have lapsed between the two
	case s.kind == none:
		return s, fmt.Sprintf("it is not there, and yet has the deadline %d", deadline.Int)
	case deadline.Int >= 0:
		s.deadline = deadline.Int
	}
	return s, ""
}

func printed(r resp.Reply) string {
	switch {
	case r.Kind == 0:
		return "nothing"
	case r.Null:
		return "null"
	case r.Kind == ':':
		return fmt.Sprint(r.Int)
	case r.Kind == '*':
		return fmt.Sprintf("an array of %d", len(r.Elems))
	}
	return fmt.Sprintf("%c%.60q", r.Kind, r.Str)
}
