package rdb

import (
	"encoding/binary"
	"math"
	"strconv"

	"holdfast/dict"
	"holdfast/hashes"
	"holdfast/kv"
	"holdfast/lists"
	"holdfast/sets"
	"holdfast/streams"
	"holdfast/zsets"
)

// The types of values in a body. Where there are several for one kind, the later ones are what newer servers write.
const (
	typeString       = 0
	typeList         = 1
	typeSet          = 2
	typeZSetDecimal  = 3
	typeHash         = 4
	typeZSet         = 5
	typeListZiplist  = 10
	typeSetIntegers  = 11
	typeZSetZiplist  = 12
	typeHashZiplist  = 13
	typeListZiplists = 14
	typeStream5_0    = 15
	typeHashListpack = 16
	typeZSetListpack = 17
	typeListNodes    = 18 // plain or listpack each
	typeStream7_0    = 19
	typeSetListpack  = 20
	typeStream7_2    = 21
	typeHashTimed    = 24 // fields may have deadlines
	typeHashTimedLP  = 25
)

// Rules say how values are made.
type Rules struct {
	// StringMax is the most bytes of a string.
	StringMax int64
	// Known says that the payload has been read before, and that no limits apply any more.
	Known bool
	// HashEntries is how many fields a small hash has at most, HashValue how many bytes each of them and of its values.
	HashEntries, HashValue int64

	Sets    sets.Rules
	ZSets   zsets.Limits
	Streams streams.Limits
	// Seed makes the seed of a hash that becomes large.
	Seed func() dict.Seed
}

// DirectiveRules are those of a server's directives, with a source of seeds, for values that have been read before.
func DirectiveRules(setting func(directive string) int64, seed func() [16]byte) Rules {
	newSeed := func() dict.Seed { return seed() }
	return Rules{
		Known: true, HashEntries: setting("hash-max-listpack-entries"), HashValue: setting("hash-max-listpack-value"), Seed: newSeed,
		Sets:    sets.Rules{MaxIntegers: setting("set-max-intset-entries"), Seed: newSeed},
		ZSets:   zsets.Limits{Entries: int(setting("zset-max-listpack-entries")), Value: int(setting("zset-max-listpack-value")), Seed: newSeed},
		Streams: streams.Limits{Bytes: setting("stream-node-max-bytes"), Entries: setting("stream-node-max-entries")},
	}
}

// Object is a value: Text where it is a string, else Value.
type Object struct {
	Kind  kv.Kind
	Text  []byte
	Value kv.Value
}

// Decode reads a payload, as DUMP replies it. The text of a string may lie in the payload. The error is ErrChecksum or
// ErrCorrupt; a collection without elements, streams apart, is corrupt.
func Decode(payload []byte, rules Rules) (Object, error) {
	body, err := open(payload)
	if err != nil {
		return Object{}, err
	}
	r := &reader{b: body, max: rules.StringMax}
	if rules.Known {
		r.max = math.MaxInt64
	}
	o := r.object(r.byte(), rules)
	if r.failed || len(r.b) > 0 {
		return Object{}, ErrCorrupt
	}
	if o.Kind != kv.String && o.Kind != kv.Stream && o.Value.Len() == 0 {
		return Object{}, ErrCorrupt
	}
	return o, nil
}

func (r *reader) object(form byte, rules Rules) Object {
	if r.failed {
		return Object{}
	}
	switch form {
	case typeString:
		return Object{Kind: kv.String, Text: r.string()}
	case typeList, typeListZiplist, typeListZiplists, typeListNodes:
		return Object{Kind: kv.List, Value: r.list(form)}
	case typeSet, typeSetIntegers, typeSetListpack:
		return Object{Kind: kv.Set, Value: r.set(form, rules)}
	case typeZSet, typeZSetDecimal, typeZSetZiplist, typeZSetListpack:
		return Object{Kind: kv.ZSet, Value: r.zset(form, rules)}
	case typeHash, typeHashZiplist, typeHashListpack, typeHashTimed, typeHashTimedLP:
		return Object{Kind: kv.Hash, Value: r.hash(form, rules)}
	case typeStream5_0, typeStream7_0, typeStream7_2:
		return Object{Kind: kv.Stream, Value: r.stream(form, rules)}
	}
	r.fail()
	return Object{}
}

func (r *reader) list(form byte) *lists.List {
	l := lists.New()
	all := func(run run) {
		for e, ok := run.next(); ok; e, ok = run.next() {
			l.PushBack(e.bytes())
		}
	}
	if form == typeListZiplist {
		all(r.ziplist())
		return l
	}
	for range r.count(1) {
		switch {
		case r.failed:
			return l
		case form == typeListZiplists:
			all(r.ziplist())
		case form == typeList:
			l.PushBack(r.string())
		default:
			r.node(l, all)
		}
	}
	return l
}

// node is one of a list's: a long element by itself, or a listpack.
func (r *reader) node(l *lists.List, all func(run)) {
	switch r.length() {
	case 1:
		l.PushBack(r.string())
	case 2:
		all(r.listpack())
	default:
		r.fail()
	}
}

func (r *reader) set(form byte, rules Rules) *sets.Set {
	s := sets.New()
	add := func(member []byte) {
		if !s.Add(member, rules.Sets) {
			r.fail()
		}
	}
	switch form {
	case typeSet:
		for range r.count(1) {
			if member := r.string(); !r.failed {
				add(member)
			}
		}
	case typeSetListpack:
		run := r.listpack()
		for e, ok := run.next(); ok; e, ok = run.next() {
			add(e.bytes())
		}
	default:
		r.integers(add)
	}
	return s
}

// integers are those of a set: how wide each is, their number, and each, little-endian and rising.
func (r *reader) integers(add func([]byte)) {
	b := r.string()
	if len(b) < 8 {
		r.fail()
		return
	}
	width, n := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	b = b[8:]
	if width != 2 && width != 4 && width != 8 || uint64(n)*uint64(width) != uint64(len(b)) {
		r.fail()
		return
	}
	for before, first := int64(0), true; len(b) > 0 && !r.failed; first = false {
		x := littleEndian(b[:width])
		if !first && x <= before {
			r.fail()
			return
		}
		add(strconv.AppendInt(nil, x, 10))
		before, b = x, b[width:]
	}
}

func (r *reader) zset(form byte, rules Rules) *zsets.Set {
	z := zsets.New()
	put := func(member []byte, score float64) {
		if r.failed || math.IsNaN(score) || !z.Put(member, score, rules.ZSets) {
			r.fail()
		}
	}
	switch form {
	case typeZSet:
		for range r.count(1 + 8) {
			member := r.string()
			put(member, r.double())
		}
	case typeZSetDecimal:
		for range r.count(1 + 1) {
			member := r.string()
			put(member, r.decimalDouble())
		}
	default:
		run := r.either(form == typeZSetZiplist)
		for e, ok := run.next(); ok; e, ok = run.next() {
			put(e.bytes(), run.must().score(r))
		}
	}
	return z
}

// either begins a ziplist or a listpack.
func (r *reader) either(ziplist bool) run {
	if ziplist {
		return r.ziplist()
	}
	return r.listpack()
}

// score is the element as a score.
func (e element) score(r *reader) float64 {
	if !e.isText {
		return float64(e.number)
	}
	f, err := strconv.ParseFloat(string(e.text), 64)
	if err != nil && !math.IsInf(f, 0) {
		r.fail()
	}
	return f
}

func (r *reader) hash(form byte, rules Rules) *hashes.Hash {
	h := hashes.New()
	switch form {
	case typeHash:
		for range r.count(1 + 1) {
			field := r.string()
			r.field(h, field, r.string(), 0, rules)
		}
	case typeHashTimed:
		first := r.uint64()
		for range r.count(1 + 1 + 1) {
			after := r.length() // the first deadline, plus one; 0 for no deadline
			if after > 0 {
				after += first - 1
			}
			field := r.string()
			r.field(h, field, r.string(), after, rules)
		}
	case typeHashTimedLP:
		r.uint64()
		run := r.listpack()
		for e, ok := run.next(); ok; e, ok = run.next() {
			value := run.must().bytes()
			r.field(h, e.bytes(), value, uint64(run.number()), rules)
		}
	default:
		run := r.either(form == typeHashZiplist)
		for e, ok := run.next(); ok; e, ok = run.next() {
			r.field(h, e.bytes(), run.must().bytes(), 0, rules)
		}
	}
	return h
}

// deadlineMax is the highest deadline of a field, in unix milliseconds, as in Redis 7.4.
const deadlineMax = 1<<46 - 1

// field adds a field with its value, and with a deadline if that is not 0.
func (r *reader) field(h *hashes.Hash, field, value []byte, deadline uint64, rules Rules) {
	if r.failed || deadline > deadlineMax {
		r.fail()
		return
	}
	most := min(rules.HashEntries, hashes.SmallMax)
	if !h.Large() && (int64(h.Len()) >= most || int64(max(len(field), len(value))) > rules.HashValue) {
		h.Enlarge(rules.Seed())
	}
	if !h.Set(field, value) {
		r.fail()
		return
	}
	if deadline > 0 {
		h.SetDeadline(field, int64(deadline))
	}
}
