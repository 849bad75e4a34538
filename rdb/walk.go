package rdb

import (
	"math"
	"strconv"

	"holdfast/kv"
	"holdfast/outline"
	"holdfast/streams"
	"holdfast/zsets"
)

// walk visits the elements of a value as they come, and keeps none of them. What a walk of holdfast's own values gives
// (package outline) it gives too: in the order of the file, and of a list in parts as well.
type walk struct {
	*reader
	visit  outline.Visitor
	err    error // the visitor's
	room   []outline.Piece
	number [32]byte
}

// ok reports whether the walk goes on.
func (w *walk) ok() bool { return !w.failed && w.err == nil }

func (w *walk) element(e outline.Element) {
	if w.ok() {
		w.err = w.visit(e)
	}
}

// pieces makes the pieces of an element.
func (w *walk) pieces(own int, deadline int64, pieces ...outline.Piece) {
	w.room = append(w.room[:0], pieces...)
	w.element(outline.Element{Pieces: w.room, Own: own, Deadline: deadline})
}

func (w *walk) item(b []byte) { w.pieces(0, 0, outline.Piece{Role: outline.Item, Bytes: b}) }

func (w *walk) member(b []byte) { w.pieces(1, 0, outline.Piece{Role: outline.Member, Bytes: b}) }

func (w *walk) scored(member []byte, score float64) {
	if math.IsNaN(score) {
		w.fail()
	}
	w.pieces(1, 0, outline.Piece{Role: outline.Member, Bytes: member},
		outline.Piece{Role: outline.Score, Bytes: zsets.AppendScore(w.number[:0], score)})
}

func (w *walk) field(field, value []byte, deadline uint64) {
	if deadline > deadlineMax {
		w.fail()
	}
	w.pieces(1, int64(deadline), outline.Piece{Role: outline.Field, Bytes: field}, outline.Piece{Role: outline.Value, Bytes: value})
}

// value walks a value of a type.
func (w *walk) value(form byte) {
	switch kindOf(form) {
	case kv.String:
		text := w.string()
		w.pieces(0, 0, outline.Piece{Role: outline.Text, Bytes: text})
	case kv.List:
		w.list(form)
	case kv.Set:
		w.set(form)
	case kv.ZSet:
		w.zset(form)
	case kv.Hash:
		w.hash(form)
	case kv.Stream:
		w.stream(form)
	default:
		w.fail()
	}
}

// kindOf is the kind of a value of a type; 0 where that is not known.
func kindOf(form byte) kv.Kind {
	switch form {
	case typeString:
		return kv.String
	case typeList, typeListZiplist, typeListZiplists, typeListNodes:
		return kv.List
	case typeSet, typeSetIntegers, typeSetListpack:
		return kv.Set
	case typeZSet, typeZSetDecimal, typeZSetZiplist, typeZSetListpack:
		return kv.ZSet
	case typeHash, typeHashZiplist, typeHashListpack, typeHashTimed, typeHashTimedLP:
		return kv.Hash
	case typeStream5_0, typeStream7_0, typeStream7_2:
		return kv.Stream
	}
	return 0
}

// encodingOf is how a server that reads a value of a type would keep it, as OBJECT ENCODING replies it.
func encodingOf(form byte) string {
	switch form {
	case typeString:
		return "raw"
	case typeList, typeListZiplist, typeListZiplists, typeListNodes:
		return "quicklist"
	case typeSet, typeHash, typeHashTimed:
		return "hashtable"
	case typeSetIntegers:
		return "intset"
	case typeZSet, typeZSetDecimal:
		return "skiplist"
	case typeSetListpack, typeZSetZiplist, typeZSetListpack, typeHashZiplist, typeHashListpack:
		return "listpack"
	case typeHashTimedLP:
		return "listpackex"
	case typeStream5_0, typeStream7_0, typeStream7_2:
		return "stream"
	}
	return ""
}

func (w *walk) list(form byte) {
	all := func(run run) {
		for e, ok := run.next(); ok && w.ok(); e, ok = run.next() {
			w.item(e.bytes())
		}
	}
	if form == typeListZiplist {
		all(w.ziplist())
		return
	}
	for n := w.length(); n > 0 && w.ok(); n-- {
		switch form {
		case typeListZiplists:
			all(w.ziplist())
		case typeList:
			w.item(w.string())
		default:
			switch w.length() {
			case 1:
				w.item(w.string())
			case 2:
				all(w.listpack())
			default:
				w.fail()
			}
		}
	}
}

func (w *walk) set(form byte) {
	switch form {
	case typeSet:
		for n := w.length(); n > 0 && w.ok(); n-- {
			w.member(w.string())
		}
	case typeSetListpack:
		run := w.listpack()
		for e, ok := run.next(); ok && w.ok(); e, ok = run.next() {
			w.member(e.bytes())
		}
	default:
		w.integers(w.member)
	}
}

func (w *walk) zset(form byte) {
	switch form {
	case typeZSet, typeZSetDecimal:
		for n := w.length(); n > 0 && w.ok(); n-- {
			member := w.string()
			if form == typeZSet {
				w.scored(member, w.double())
			} else {
				w.scored(member, w.decimalDouble())
			}
		}
	default:
		run := w.either(form == typeZSetZiplist)
		for e, ok := run.next(); ok && w.ok(); e, ok = run.next() {
			w.scored(e.bytes(), run.must().score(w.reader))
		}
	}
}

func (w *walk) hash(form byte) {
	switch form {
	case typeHash:
		for n := w.length(); n > 0 && w.ok(); n-- {
			field := w.string()
			w.field(field, w.string(), 0)
		}
	case typeHashTimed:
		first := w.uint64()
		for n := w.length(); n > 0 && w.ok(); n-- {
			after := w.length()
			if after > 0 {
				after += first - 1
			}
			field := w.string()
			w.field(field, w.string(), after)
		}
	case typeHashTimedLP:
		w.uint64()
		run := w.listpack()
		for e, ok := run.next(); ok && w.ok(); e, ok = run.next() {
			value := run.must().bytes()
			w.field(e.bytes(), value, uint64(run.number()))
		}
	default:
		run := w.either(form == typeHashZiplist)
		for e, ok := run.next(); ok && w.ok(); e, ok = run.next() {
			w.field(e.bytes(), run.must().bytes(), 0)
		}
	}
}

// stream walks the entries, and then as asides what the stream knows of itself and its groups. What is pending in one group
// is in memory: the file says apart what is pending, and whose it is.
func (w *walk) stream(form byte) {
	found, first, before := uint64(0), streams.ID{}, streams.ID{}
	for n := w.length(); n > 0 && w.ok(); n-- {
		w.entries(&before, func(e streamEntry) bool {
			if !e.deleted {
				if found++; found == 1 {
					first = e.id
				}
				w.room = append(w.room[:0], idPiece(outline.ID, e.id))
				for i := 0; i < len(e.pairs); i += 2 {
					w.room = append(w.room, outline.Piece{Role: outline.Field, Bytes: e.pairs[i]}, outline.Piece{Role: outline.Value, Bytes: e.pairs[i+1]})
				}
				w.element(outline.Element{Pieces: w.room, Own: 1, Nested: true})
			}
			return w.ok()
		})
	}
	n, last := w.length(), w.id()
	added, maxDeleted := n, streams.ID{}
	if form != typeStream5_0 {
		w.id()
		maxDeleted = w.id()
		added = w.length()
	}
	if w.ok() && (n != found || last.Less(before)) {
		w.fail()
	}
	w.aside("stream", 0, idPiece(outline.LastID, last), idPiece(outline.MaxDeleted, maxDeleted), unsignedPiece(outline.Added, added))
	for groups := w.length(); groups > 0 && w.ok(); groups-- {
		w.group(form, func(id streams.ID) int64 { return readBefore7(id, n, first, last) })
	}
}

// readBefore7 is how many entries a group has read up to an ID, of a stream that does not say what was deleted from it, nor how
// many entries there were: by the rule of streams.Stream.Count.
func readBefore7(id streams.ID, entries uint64, first, last streams.ID) int64 {
	switch at := id.Compare(last); {
	case entries == 0:
		return 0
	case at == 0:
		return int64(entries)
	case at < 0 && id.Less(first):
		return 0
	case at < 0 && id == first:
		return 1
	}
	return streams.Unknown
}

func (w *walk) aside(what string, own int, pieces ...outline.Piece) {
	w.element(outline.Element{Aside: what, Own: own, Pieces: pieces})
}

func (w *walk) group(form byte, count func(streams.ID) int64) {
	name, last := w.string(), w.id()
	read := count(last)
	if form != typeStream5_0 {
		if read = int64(w.length()); read < streams.Unknown {
			w.fail()
		}
	}
	group := outline.Piece{Role: outline.Group, Bytes: name}
	w.aside("group", 1, group, idPiece(outline.Delivered, last), signedPiece(outline.Read, read))
	pending := map[streams.ID]pendingEntry{}
	for range w.count(idSize + 8 + 1) {
		id, delivered := w.rawID(), int64(w.uint64())
		if _, twice := pending[id]; twice || delivered < 0 {
			w.fail()
		}
		if !w.ok() {
			return
		}
		pending[id] = pendingEntry{delivered, w.length()}
	}
	for n := w.length(); n > 0 && w.ok(); n-- {
		w.consumer(group, pending, form)
	}
	if w.ok() && len(pending) > 0 {
		w.fail()
	}
}

func (w *walk) consumer(group outline.Piece, pending map[streams.ID]pendingEntry, form byte) {
	consumer := outline.Piece{Role: outline.Consumer, Bytes: w.string()}
	w.uint64() // when it was seen
	if form == typeStream7_2 {
		w.uint64()
	}
	w.aside("consumer", 2, group, consumer)
	for n := w.length(); n > 0 && w.ok(); n-- {
		id := w.rawID()
		p, ok := pending[id]
		if !ok {
			w.fail()
			return
		}
		delete(pending, id)
		w.aside("pending", 2, group, idPiece(outline.ID, id), consumer,
			signedPiece(outline.At, p.delivered), unsignedPiece(outline.Times, p.count))
	}
}

func idPiece(role outline.Role, id streams.ID) outline.Piece {
	return outline.Piece{Role: role, Bytes: id.AppendText(nil)}
}

func signedPiece(role outline.Role, n int64) outline.Piece {
	return outline.Piece{Role: role, Bytes: strconv.AppendInt(nil, n, 10)}
}

func unsignedPiece(role outline.Role, n uint64) outline.Piece {
	return outline.Piece{Role: role, Bytes: strconv.AppendUint(nil, n, 10)}
}
