package commands

import (
	"iter"

	"holdfast/hashes"
	"holdfast/kv"
	"holdfast/outline"
	"holdfast/streams"
)

// What the commands that make a value add to it: kv.Type.Rewritten for each type, which undoes Remake. A Redis that rewrites its
// AOF without an RDB file writes the same commands, and HMSET for a hash.

// argumentsOf yields elements of so many arguments each, from the third on. fill takes those of one.
func argumentsOf(args [][]byte, each int, e *outline.Element, fill func(args [][]byte)) iter.Seq[outline.Element] {
	if len(args) < 2+each || (len(args)-2)%each != 0 {
		return nil
	}
	return func(yield func(outline.Element) bool) {
		for i := 2; i < len(args); i += each {
			if fill(args[i : i+each]); !yield(*e) {
				return
			}
		}
	}
}

// rewrittenRun is for the types whose elements are one piece each.
func rewrittenRun(role outline.Role, name string) kv.Rewritten {
	return kv.Rewritten{Keys: map[string]int{name: 1}, Reader: func() func([][]byte) iter.Seq[outline.Element] {
		e := outline.Element{Pieces: []outline.Piece{{Role: role}}}
		return func(args [][]byte) iter.Seq[outline.Element] {
			return argumentsOf(args, 1, &e, func(args [][]byte) { e.Pieces[0].Bytes = args[0] })
		}
	}}
}

// rewrittenString: SET with an option is another command.
func rewrittenString() kv.Rewritten {
	r := rewrittenRun(outline.Text, "SET")
	reader := r.Reader
	r.Reader = func() func([][]byte) iter.Seq[outline.Element] {
		read := reader()
		return func(args [][]byte) iter.Seq[outline.Element] {
			if len(args) != 3 {
				return nil
			}
			return read(args)
		}
	}
	return r
}

func rewrittenZSet() kv.Rewritten {
	return kv.Rewritten{Keys: map[string]int{"ZADD": 1}, Reader: func() func([][]byte) iter.Seq[outline.Element] {
		e := outline.Element{Own: 1, Pieces: []outline.Piece{{Role: outline.Member}, {Role: outline.Score}}}
		return func(args [][]byte) iter.Seq[outline.Element] {
			for i := 2; i < len(args); i += 2 { // an option is no score
				if _, fits, ok := parseDouble(args[i]); !ok || !fits {
					return nil
				}
			}
			return argumentsOf(args, 2, &e, func(args [][]byte) { e.Pieces[0].Bytes, e.Pieces[1].Bytes = args[1], args[0] })
		}
	}}
}

func rewrittenHash() kv.Rewritten {
	keys := map[string]int{"HSET": 1, "HMSET": 1, "HPEXPIREAT": 1}
	return kv.Rewritten{Keys: keys, Reader: func() func([][]byte) iter.Seq[outline.Element] {
		e := outline.Element{Own: 1, Pieces: []outline.Piece{{Role: outline.Field}, {Role: outline.Value}}}
		return func(args [][]byte) iter.Seq[outline.Element] {
			if sameFolded(args[0], "hpexpireat") {
				return deadlinesOf(args)
			}
			return argumentsOf(args, 2, &e, func(args [][]byte) { e.Pieces[0].Bytes, e.Pieces[1].Bytes = args[0], args[1] })
		}
	}}
}

// deadlinesOf reads HPEXPIREAT key deadline FIELDS number field [field …].
func deadlinesOf(args [][]byte) iter.Seq[outline.Element] {
	const fields = 5 // where they begin
	if len(args) <= fields || !sameFolded(args[3], "fields") {
		return nil
	}
	at, known := ParseInt(args[2])
	if n, ok := ParseInt(args[4]); !ok || !known || at <= 0 || at > latestFieldDeadline || n != int64(len(args)-fields) {
		return nil
	}
	return func(yield func(outline.Element) bool) {
		for _, field := range args[fields:] {
			e := outline.Element{Aside: hashes.AsideDeadline, Deadline: at, Pieces: []outline.Piece{{Role: outline.Field, Bytes: field}}}
			if !yield(e) {
				return
			}
		}
	}
}

func rewrittenStream() kv.Rewritten {
	keys := map[string]int{"XADD": 1, "XSETID": 1, "XGROUP": 2, "XCLAIM": 1}
	return kv.Rewritten{Keys: keys, Reader: func() func([][]byte) iter.Seq[outline.Element] {
		r := streamReader{check: streams.Checker(), consumers: map[[2]string]bool{}}
		return r.read
	}}
}

// streamReader reads the commands that make a stream. A consumer may be made by the first entry that is pending for it.
type streamReader struct {
	check     outline.Visitor
	entries   bool               // there are some: before them there is no stream that could have anything else
	asides    bool               // some of what comes behind them: it may have set the last ID
	consumers map[[2]string]bool // of groups
	elements  [2]outline.Element
	pieces    []outline.Piece
}

func (r *streamReader) read(args [][]byte) iter.Seq[outline.Element] {
	n := r.take(args)
	for i := range n {
		entry := r.elements[i].Aside == ""
		if entry && r.asides || !entry && !r.entries {
			return nil
		}
		r.entries, r.asides = r.entries || entry, r.asides || !entry
		if r.check(r.elements[i]) != nil {
			return nil
		}
	}
	if n == 0 {
		return nil
	}
	return func(yield func(outline.Element) bool) {
		for _, e := range r.elements[:n] {
			if !yield(e) {
				return
			}
		}
	}
}

// take puts what a command adds into elements, and returns how many those are.
func (r *streamReader) take(args [][]byte) (n int) {
	is := func(i int, word string) bool { return sameFolded(args[i], word) }
	name := args[0]
	switch {
	case sameFolded(name, "xadd") && len(args) >= 5 && len(args)%2 == 1:
		r.pieces = append(r.pieces[:0], outline.Piece{Role: outline.ID, Bytes: args[2]})
		for i := 3; i < len(args); i += 2 {
			r.pieces = append(r.pieces, outline.Piece{Role: outline.Field, Bytes: args[i]}, outline.Piece{Role: outline.Value, Bytes: args[i+1]})
		}
		r.elements[0] = outline.Element{Own: 1, Nested: true, Pieces: r.pieces}
	case sameFolded(name, "xsetid") && len(args) == 7 && is(3, "entriesadded") && is(5, "maxdeletedid"):
		r.elements[0] = aside(streams.AsideState, as(outline.LastID, args[2]), as(outline.Added, args[4]), as(outline.MaxDeleted, args[6]))
	case sameFolded(name, "xgroup") && len(args) == 7 && is(1, "create") && is(5, "entriesread"):
		r.elements[0] = aside(streams.AsideGroup, as(outline.Group, args[3]), as(outline.Delivered, args[4]), as(outline.Read, args[6]))
	case sameFolded(name, "xgroup") && len(args) == 5 && is(1, "createconsumer"):
		return r.consumer(args[3], args[4])
	case sameFolded(name, "xclaim") && len(args) == 12 && is(4, "0") && is(6, "time") && is(8, "retrycount") &&
		(is(10, "force") && is(11, "justid") || is(10, "justid") && is(11, "force")):
		n = r.consumer(args[2], args[3])
		r.elements[n] = aside(streams.AsidePending, as(outline.Group, args[2]), as(outline.ID, args[5]), as(outline.Consumer, args[3]),
			as(outline.At, args[7]), as(outline.Times, args[9]))
		return n + 1
	default:
		return 0
	}
	return 1
}

// consumer adds a consumer that is not there.
func (r *streamReader) consumer(group, name []byte) (n int) {
	consumer := [2]string{string(group), string(name)}
	if r.consumers[consumer] {
		return 0
	}
	r.consumers[consumer] = true
	r.elements[0] = aside(streams.AsideConsumer, as(outline.Group, group), as(outline.Consumer, name))
	return 1
}

// aside makes an element that is none of the entries, of pieces.
func aside(what string, pieces ...outline.Piece) outline.Element {
	return outline.Element{Aside: what, Pieces: pieces}
}

func as(role outline.Role, b []byte) outline.Piece { return outline.Piece{Role: role, Bytes: b} }
