package rdb

import (
	"bytes"
	"encoding/binary"
	"iter"
	"math"

	"holdfast/streams"
)

// A stream is its nodes, each an ID and a listpack, then what else it knows, then its groups.
//
//	stream    nodes | { id (16) | listpack } | length | last id | first id | highest deleted id | entries added | groups
//	          (5.0: none of first id to entries added)
//	listpack  entries | deleted | fields | field … | 0 | entry …
//	entry     flags | milliseconds | sequence | fields | field | value … | elements of the entry
//	          (with sameFields: … sequence | value … | elements of the entry)
//	group     name | last id | entries read (not 5.0) | pending | { id (16) | delivered (8) | count } | consumers
//	consumer  name | seen (8) | active (8, 7.2) | pending | { id (16) }
//
// IDs of 16 bytes are big-endian, times are unix milliseconds of 8 bytes, little-endian. An entry's ID is a distance from
// that of its node.
const (
	entryDeleted    = 1
	entrySameFields = 2
	idSize          = 16
)

// As much goes into a node that is written.
const (
	nodeEntriesMax = 100
	nodeBytesMax   = 4096
)

// bytesPerByte bounds what a stream takes for each byte of its payload. Names of fields that all entries of a node share stand
// once in the payload, and once in each of the nodes that are made of it, of which there may be many more.
const bytesPerByte = 128

// entryMax bounds the fields and values of an entry together, in bytes, as in Redis.
const entryMax = 1 << 30

func (r *reader) stream(form byte, rules Rules) *streams.Stream {
	s := streams.New()
	most := int64(min(r.left(), 1<<50))*bytesPerByte + 1<<20
	if rules.Known {
		most = math.MaxInt64
	}
	before := streams.ID{}
	for range r.count(1 + idSize + 1) {
		r.entries(&before, func(e streamEntry) bool {
			if !e.deleted {
				s.Append(e.id, e.pairs, rules.Streams)
			}
			if s.Bytes() > most {
				r.fail()
			}
			return !r.failed
		})
	}
	n := r.length()
	last := r.id()
	added, maxDeleted := n, streams.ID{}
	if form != typeStream5_0 {
		r.id() // of the first entry
		maxDeleted = r.id()
		added = r.length()
	}
	if r.failed || n != uint64(s.Len()) || last.Less(s.LastID()) {
		r.fail()
		return s
	}
	s.SetLast(last)
	s.SetMaxDeleted(maxDeleted)
	s.SetAdded(added)
	for range r.count(5) {
		r.group(s, form)
	}
	return s
}

// id is an ID as two lengths.
func (r *reader) id() streams.ID {
	ms := r.length()
	return streams.ID{MS: ms, Seq: r.length()}
}

// idAt is an ID as 16 bytes.
func idAt(b []byte) streams.ID {
	return streams.ID{MS: binary.BigEndian.Uint64(b), Seq: binary.BigEndian.Uint64(b[8:])}
}

// rawID is an ID as 16 bytes.
func (r *reader) rawID() streams.ID {
	if b := r.take(idSize); b != nil {
		return idAt(b)
	}
	return streams.ID{}
}

// streamEntry is an entry of a stream's node.
type streamEntry struct {
	id      streams.ID
	pairs   [][]byte // field and value, in turn; good until the next entry
	deleted bool
}

// entries reads the next node of a stream and calls visit with each of its entries, deleted ones included, while that wants
// more. IDs rise beyond *before, which follows them.
func (r *reader) entries(before *streams.ID, visit func(streamEntry) (more bool)) {
	key := r.string()
	if len(key) != idSize {
		r.fail()
		return
	}
	run := r.listpack()
	live, deleted := run.number(), run.number()
	var names [][]byte
	for fields := run.number(); fields > 0 && !r.failed; fields-- {
		names = append(names, run.must().bytes())
	}
	if run.number() != 0 || live < 0 || deleted < 0 {
		r.fail()
	}
	master := idAt(key)
	var e streamEntry
	for !r.failed {
		flags, ok := run.next()
		if !ok {
			break
		}
		e.deleted = !flags.isText && flags.number&entryDeleted != 0
		if e.deleted {
			deleted--
		} else {
			live--
		}
		r.entry(&e, &run, flags.number, master, names)
		if !before.Less(e.id) {
			r.fail()
		}
		*before = e.id
		if r.failed || !visit(e) {
			return
		}
	}
	if live != 0 || deleted != 0 {
		r.fail()
	}
}

// entry reads an entry whose flags have been read.
func (r *reader) entry(e *streamEntry, run *run, flags int64, master streams.ID, names [][]byte) {
	e.id = streams.ID{MS: master.MS + uint64(run.number()), Seq: master.Seq + uint64(run.number())}
	e.pairs = e.pairs[:0]
	same := flags&entrySameFields != 0
	fields, elements := int64(len(names)), int64(3+len(names))
	if !same {
		fields = run.number()
		elements = 3 + 1 + 2*fields
	}
	size := 0
	for i := int64(0); i < fields && !r.failed; i++ {
		var name []byte
		if same {
			name = names[i]
		} else {
			name = run.must().bytes()
		}
		value := run.must().bytes()
		size += len(name) + len(value)
		e.pairs = append(e.pairs, name, value)
	}
	if run.number() != elements || fields <= 0 || size > entryMax {
		r.fail()
	}
}

// pendingEntry is an entry of a group's before it is known whose it is.
type pendingEntry struct {
	delivered int64
	count     uint64
}

func (r *reader) group(s *streams.Stream, form byte) {
	name, last := r.string(), r.id()
	read := s.Count(last)
	if form != typeStream5_0 {
		read = int64(r.length())
	}
	if r.failed || read < streams.Unknown {
		r.fail()
		return
	}
	g := s.CreateGroup(name, last, read)
	if g == nil {
		r.fail()
		return
	}
	pending := map[streams.ID]pendingEntry{}
	for range r.count(idSize + 8 + 1) {
		id := r.rawID()
		delivered := int64(r.uint64())
		if _, twice := pending[id]; twice || delivered < 0 {
			r.fail()
			return
		}
		pending[id] = pendingEntry{delivered, r.length()}
	}
	for range r.count(1 + 8 + 1) {
		r.consumer(g, pending, form)
	}
	if len(pending) > 0 {
		r.fail() // there is somebody whose each of them is
	}
}

// consumer adds a consumer and gives it its entries, which are pending no more then.
func (r *reader) consumer(g *streams.Group, pending map[streams.ID]pendingEntry, form byte) {
	name := r.string()
	seen := int64(r.uint64())
	if form == typeStream7_2 {
		r.uint64() // when it last got something
	}
	if r.failed || seen < 0 || g.Consumer(name) != nil {
		r.fail()
		return
	}
	c := g.CreateConsumer(name)
	c.Seen = seen
	for range r.count(idSize) {
		id := r.rawID()
		p, ok := pending[id]
		if !ok {
			r.fail()
			return
		}
		delete(pending, id)
		g.Give(id, c, p.delivered, p.count)
	}
}

func appendID(b []byte, id streams.ID) []byte { return appendLength(appendLength(b, id.MS), id.Seq) }

func appendRawID(b []byte, id streams.ID) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, id.MS), id.Seq)
}

func appendStream(s *streams.Stream) []byte {
	var nodes []byte
	n := 0
	var w nodeWriter
	flush := func() {
		if w.entries > 0 {
			nodes = appendBytes(appendBytes(nodes, appendRawID(nil, w.first)), w.done())
			n++
		}
	}
	s.Range(streams.ID{}, streams.MaxID(), func(e streams.Entry) bool {
		if w.full() {
			flush()
			w = newNode(e.ID, e.Pairs())
		}
		w.add(e.ID, e.Len(), e.Pairs())
		return true
	})
	flush()
	b := append(appendLength([]byte{typeStream7_0}, uint64(n)), nodes...)
	b = appendID(appendLength(b, uint64(s.Len())), s.LastID())
	b = appendID(appendID(b, s.First()), s.MaxDeleted())
	b = appendLength(b, s.Added())
	b = appendLength(b, uint64(len(s.Groups())))
	for _, g := range s.Groups() {
		b = appendGroup(b, g)
	}
	return b
}

// nodeWriter makes a node. Its entries are written apart from its head, which says how many they are.
type nodeWriter struct {
	first   streams.ID
	names   [][]byte
	body    pack
	entries int
	size    int
}

func newNode(id streams.ID, pairs iter.Seq2[[]byte, []byte]) nodeWriter {
	w := nodeWriter{first: id}
	for name := range pairs {
		w.names = append(w.names, bytes.Clone(name))
	}
	return w
}

// full reports whether the next entry begins another node.
func (w *nodeWriter) full() bool {
	return w.entries == 0 || w.entries == nodeEntriesMax || w.size >= nodeBytesMax
}

func (w *nodeWriter) add(id streams.ID, n int, pairs iter.Seq2[[]byte, []byte]) {
	same := n == len(w.names)
	i := 0
	for name := range pairs {
		if !same || string(name) != string(w.names[i]) {
			same = false
			break
		}
		i++
	}
	flags, elements := int64(0), 3+1+2*n
	if same {
		flags, elements = entrySameFields, 3+n
	}
	w.body.number(flags)
	w.body.number(int64(id.MS - w.first.MS))
	w.body.number(int64(id.Seq - w.first.Seq))
	if !same {
		w.body.number(int64(n))
	}
	for name, value := range pairs {
		if !same {
			w.body.text(name)
		}
		w.body.text(value)
	}
	w.body.number(int64(elements))
	w.entries++
	w.size = len(w.body.b)
}

func (w *nodeWriter) done() []byte {
	p := newPack()
	p.number(int64(w.entries))
	p.number(0)
	p.number(int64(len(w.names)))
	for _, name := range w.names {
		p.text(name)
	}
	p.number(0)
	p.b = append(p.b, w.body.b...)
	p.n += w.body.n
	return p.done()
}

func appendGroup(b []byte, g *streams.Group) []byte {
	b = appendID(appendString(b, []byte(g.Name)), g.Last)
	b = appendLength(b, uint64(g.Read))
	b = appendLength(b, uint64(g.Len()))
	g.Each(streams.ID{}, streams.MaxID(), nil, func(p streams.Pending) bool {
		b = binary.LittleEndian.AppendUint64(appendRawID(b, p.ID), uint64(p.Delivered))
		b = appendLength(b, p.Count)
		return true
	})
	b = appendLength(b, uint64(len(g.Consumers())))
	for _, c := range g.Consumers() {
		b = binary.LittleEndian.AppendUint64(appendString(b, []byte(c.Name)), uint64(c.Seen))
		b = appendLength(b, uint64(c.Pending()))
		g.Each(streams.ID{}, streams.MaxID(), c, func(p streams.Pending) bool {
			b = appendRawID(b, p.ID)
			return true
		})
	}
	return b
}
