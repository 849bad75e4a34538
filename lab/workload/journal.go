package workload

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"holdfast/resp"
)

// journal is what a stream holds: entries, and a group with what is pending in it. All IDs have the millisecond 7. When
// something was delivered is left out: the server's clock says it. It is immutable.
type journal struct {
	next    int // the sequence number of the next entry
	entries []journalEntry
	grouped bool
	read    int // the group was given the entries before this
	pending []journalPending
}

type journalEntry struct {
	seq  int
	text string // without its padding
}

type journalPending struct {
	seq      int
	consumer string
	count    int64
}

// String tells journals apart.
func (j *journal) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "next %d:", j.next)
	for _, e := range j.entries {
		fmt.Fprintf(&out, " %d=%s", e.seq, e.text)
	}
	if j.grouped {
		fmt.Fprintf(&out, "; group at %d:", j.read)
	}
	for _, p := range j.pending {
		fmt.Fprintf(&out, " %d of %s, %d times", p.seq, p.consumer, p.count)
	}
	return out.String()
}

// journalGroup is the only group there may be.
const journalGroup = "g"

func journalID(seq int) string { return "7-" + strconv.Itoa(seq) }

// journalSeq is journalID taken back; 0-0, which comes before all others, is -1.
func journalSeq(id []byte) (int, error) {
	if string(id) == "0-0" {
		return -1, nil
	}
	text, ok := strings.CutPrefix(string(id), "7-")
	if !ok {
		return 0, fmt.Errorf("the ID %s is of nobody's making", id)
	}
	return strconv.Atoi(text)
}

// unpadded is a value with a number instead of what made it long.
func unpadded(text string) string {
	short := strings.TrimRight(text, "x")
	if long := len(text) - len(short); long > 0 {
		return short + "+" + strconv.Itoa(long)
	}
	return short
}

// seeJournal understands the reply to XINFO STREAM FULL; nil where there is no stream.
func seeJournal(r *resp.Reply) (*journal, error) {
	if r.Err() != nil {
		if s := string(r.Str); s == resp.ErrNoSuchKey || strings.HasPrefix(s, "ERR unknown command") {
			return nil, nil
		}
		return nil, r.Err()
	}
	all := pairs(r)
	last, err := journalSeq(all["last-generated-id"].Str)
	if err != nil {
		return nil, err
	}
	j := &journal{next: last + 1}
	for _, e := range all["entries"].Elems {
		seq, text, err := journalShown(&e)
		if err != nil {
			return nil, err
		}
		j.entries = append(j.entries, journalEntry{seq, text})
	}
	for _, g := range all["groups"].Elems {
		if err := j.seeGroup(pairs(&g)); err != nil {
			return nil, err
		}
	}
	return j, nil
}

func (j *journal) seeGroup(g map[string]resp.Reply) error {
	if j.grouped || string(g["name"].Str) != journalGroup {
		return fmt.Errorf("the group %s is of nobody's making", g["name"].Str)
	}
	last, err := journalSeq(g["last-delivered-id"].Str)
	if err != nil {
		return err
	}
	j.grouped, j.read = true, last+1
	for _, p := range g["pending"].Elems {
		if len(p.Elems) != 4 {
			return fmt.Errorf("a pending entry of %d parts", len(p.Elems))
		}
		seq, err := journalSeq(p.Elems[0].Str)
		if err != nil {
			return err
		}
		j.pending = append(j.pending, journalPending{seq, string(p.Elems[1].Str), p.Elems[3].Int})
	}
	return nil
}

// journalShown understands an entry in a reply: its ID, and one field with its value.
func journalShown(e *resp.Reply) (seq int, text string, err error) {
	if len(e.Elems) != 2 || len(e.Elems[1].Elems) != 2 {
		return 0, "", fmt.Errorf("an entry that is %s", printed(*e))
	}
	seq, err = journalSeq(e.Elems[0].Str)
	return seq, unpadded(string(e.Elems[1].Elems[1].Str)), err
}

// pairs are those of a flat reply.
func pairs(r *resp.Reply) map[string]resp.Reply {
	all := map[string]resp.Reply{}
	for i := 0; i+1 < len(r.Elems); i += 2 {
		all[string(r.Elems[i].Str)] = r.Elems[i+1]
	}
	return all
}

// runJournal runs a command on a stream, and reports whether the reply fits.
func (m *machine) runJournal(v *value, c *command, a answer) bool {
	if v.kind != none && v.kind != jrn {
		return false
	}
	own := &journal{}
	if v.kind == jrn {
		*own = *v.journal
	}
	before := len(own.entries)
	switch c.name {
	case "XLEN":
		return a.isInt(before)
	case "XADD": // [MAXLEN n] 7-* f text
		own.entries = append(slices.Clone(own.entries), journalEntry{own.next, unpadded(c.args[len(c.args)-1])})
		own.next++
		if c.args[0] == "MAXLEN" {
			own.trim(int(c.num))
		}
		v.hold(own)
		return a.isStr(journalID(own.next - 1))
	case "XTRIM": // MAXLEN n
		own.trim(int(c.num))
	case "XDEL": // id
		own.entries = slices.DeleteFunc(slices.Clone(own.entries), func(e journalEntry) bool { return journalID(e.seq) == c.args[0] })
	default:
		return m.runJournalGroup(v, own, c, a)
	}
	if v.kind == jrn {
		v.hold(own)
	}
	return a.isInt(before - len(own.entries))
}

func (j *journal) trim(keep int) { j.entries = j.entries[max(0, len(j.entries)-keep):] }

// hold makes the value the journal's.
func (v *value) hold(j *journal) {
	v.kind, v.lapsed, v.journal, v.str = jrn, false, j, j.String()
}

func (m *machine) runJournalGroup(v *value, own *journal, c *command, a answer) bool {
	switch {
	case c.name == "XGROUP" && own.grouped: // CREATE … MKSTREAM
		return a.isError(resp.ErrGroupExists)
	case c.name == "XGROUP":
		own.grouped = true
		v.hold(own)
		return a.isOK()
	case c.name == "XREADGROUP" && !own.grouped: // GROUP g consumer COUNT n STREAMS key >
		return a.r == nil || a.r.Err() != nil && strings.HasPrefix(string(a.r.Str), "NOGROUP")
	case c.name == "XREADGROUP":
		given := own.give(c.args[2], int(c.num))
		v.hold(own)
		return a.isDelivery(given)
	}
	n := len(own.pending) // XACK g id
	own.pending = slices.DeleteFunc(slices.Clone(own.pending), func(p journalPending) bool { return journalID(p.seq) == c.args[1] })
	if v.kind == jrn {
		v.hold(own)
	}
	return a.isInt(n - len(own.pending))
}

// give gives entries that are new to the group to a consumer.
func (j *journal) give(consumer string, count int) (given []journalEntry) {
	j.pending = slices.Clone(j.pending)
	for _, e := range j.entries {
		if e.seq < j.read || len(given) == count {
			continue
		}
		given = append(given, e)
		j.pending = append(j.pending, journalPending{e.seq, consumer, 1})
		j.read = e.seq + 1
	}
	return given
}

// isDelivery: these entries of one stream, or null where there are none.
func (a answer) isDelivery(given []journalEntry) bool {
	switch {
	case a.r == nil:
		return true
	case len(given) == 0:
		return a.isNull()
	case a.r.Null || len(a.r.Elems) != 1 || len(a.r.Elems[0].Elems) != 2 || len(a.r.Elems[0].Elems[1].Elems) != len(given):
		return false
	}
	for i, e := range given {
		seq, text, err := journalShown(&a.r.Elems[0].Elems[1].Elems[i])
		if err != nil || seq != e.seq || text != e.text {
			return false
		}
	}
	return true
}
