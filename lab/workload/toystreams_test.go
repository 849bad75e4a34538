package workload

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"holdfast/resp"
)

// toyStream is a stream of the toy, whose entries are numbers and texts.
type toyStream struct {
	texts   map[int]string
	added   int
	grouped bool
	given   int
	owners  map[int]string // of what is pending
}

func (s *toyStream) clone() *toyStream {
	if s == nil {
		return nil
	}
	o := *s
	o.texts, o.owners = maps.Clone(s.texts), maps.Clone(s.owners)
	return &o
}

func (s *toyStream) entry(n int) resp.Reply {
	return resp.Reply{Kind: '*', Elems: []resp.Reply{bulkReply(fmt.Sprint("7-", n)), arrayReply([]string{"f", s.texts[n]})}}
}

func (s *toyStream) numbers() []int { return slices.Sorted(maps.Keys(s.texts)) }

// doStream runs what journals asks, and the read of a whole stream.
func (t *toy) doStream(w []string) resp.Reply {
	key := w[1]
	switch w[0] {
	case "XINFO", "XGROUP":
		key = w[2]
	case "XREADGROUP":
		key = w[7]
	}
	var s *toyStream
	if v := t.keys[key]; v != nil {
		s = v.stream
	}
	if makes := w[0] == "XADD" || w[0] == "XGROUP"; makes && s == nil {
		s = &toyStream{texts: map[int]string{}, owners: map[int]string{}}
		t.keys[key] = &thing{stream: s}
	}
	switch {
	case s == nil && w[0] == "XINFO":
		return errReply(resp.ErrNoSuchKey)
	case w[0] == "XREADGROUP" && (s == nil || !s.grouped):
		return errReply(resp.ErrReadNoGroup([]byte(key), []byte(w[2])))
	case s == nil:
		return intReply(0)
	}
	return s.do(w, key)
}

func (s *toyStream) do(w []string, key string) resp.Reply {
	id := -1
	if last := w[len(w)-1]; strings.HasPrefix(last, "7-") {
		id, _ = strconv.Atoi(last[2:]) //nolint:errcheck // journals makes them
	}
	switch w[0] {
	case "XADD":
		s.texts[s.added] = w[len(w)-1]
		s.added++
		if w[2] == "MAXLEN" {
			s.trim(w[3])
		}
		return bulkReply(fmt.Sprint("7-", s.added-1))
	case "XTRIM":
		return intReply(s.trim(w[3]))
	case "XLEN":
		return intReply(int64(len(s.texts)))
	case "XDEL":
		n := len(s.texts)
		delete(s.texts, id)
		return intReply(int64(n - len(s.texts)))
	case "XACK":
		n := len(s.owners)
		delete(s.owners, id)
		return intReply(int64(n - len(s.owners)))
	case "XGROUP":
		if s.grouped {
			return errReply(resp.ErrGroupExists)
		}
		s.grouped = true
		return okReply
	case "XREADGROUP":
		return s.read(w[3], key)
	}
	return s.info()
}

func (s *toyStream) trim(keep string) int64 {
	n, _ := strconv.Atoi(keep) //nolint:errcheck // journals makes them
	numbers := s.numbers()
	gone := numbers[:max(0, len(numbers)-n)]
	for _, k := range gone {
		delete(s.texts, k)
	}
	return int64(len(gone))
}

func (s *toyStream) read(consumer, key string) resp.Reply {
	found := resp.Reply{Kind: '*'}
	for _, n := range s.numbers() {
		if n >= s.given && len(found.Elems) < 2 {
			found.Elems = append(found.Elems, s.entry(n))
			s.owners[n] = consumer
			s.given = n + 1
		}
	}
	if len(found.Elems) == 0 {
		return resp.Reply{Kind: '*', Null: true}
	}
	one := resp.Reply{Kind: '*', Elems: []resp.Reply{bulkReply(key), found}}
	return resp.Reply{Kind: '*', Elems: []resp.Reply{one}}
}

func (s *toyStream) info() resp.Reply {
	upTo := func(n int) resp.Reply {
		if n == 0 {
			return bulkReply("0-0")
		}
		return bulkReply(fmt.Sprint("7-", n-1))
	}
	entries, groups := resp.Reply{Kind: '*'}, resp.Reply{Kind: '*'}
	for _, n := range s.numbers() {
		entries.Elems = append(entries.Elems, s.entry(n))
	}
	if s.grouped {
		pending := resp.Reply{Kind: '*'}
		for _, n := range slices.Sorted(maps.Keys(s.owners)) {
			pending.Elems = append(pending.Elems, resp.Reply{Kind: '*', Elems: []resp.Reply{
				bulkReply(fmt.Sprint("7-", n)), bulkReply(s.owners[n]), intReply(1_700_000_000_000), intReply(1)}})
		}
		groups.Elems = []resp.Reply{{Kind: '*', Elems: []resp.Reply{
			bulkReply("name"), bulkReply("g"), bulkReply("last-delivered-id"), upTo(s.given), bulkReply("pending"), pending}}}
	}
	return resp.Reply{Kind: '*', Elems: []resp.Reply{
		bulkReply("last-generated-id"), upTo(s.added), bulkReply("entries"), entries, bulkReply("groups"), groups}}
}
