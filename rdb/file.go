package rdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"holdfast/hashes"
	"holdfast/kv"
	"holdfast/outline"
)

// A file is a header, then items, each begun by a byte that is the type of a value, or one of these.
//
//	file     "REDIS" | version, four digits | item … | end | checksum (8, from version 5 on; 0: none)
//	key      [deadline] [idle or frequency] | type | key | value
const (
	opSlot      = 244 // of a cluster: three lengths
	opFunctions = 245 // a library of functions: a string
	opModule    = 247 // what a module keeps beside keys
	opIdle      = 248 // seconds since the key was used
	opFrequency = 249 // how often, a byte
	opAux       = 250 // a name and a value
	opResize    = 251 // how many keys the database has, and how many with deadlines
	opMillis    = 252 // a deadline in unix milliseconds
	opSeconds   = 253 // and in seconds
	opDB        = 254 // the number of the database that follows
	opEnd       = 255
)

const (
	magic      = "REDIS"
	headerSize = len(magic) + 4
	// VersionMax is the newest version of files that is read, that of Redis 7.4 and 8.
	VersionMax = version7_4

	versionSummed = 5 // the first with a checksum
)

// Why a file is not read.
var (
	// ErrNotRDB: the file does not begin as an RDB file does.
	ErrNotRDB = errors.New("not an RDB file")
	// ErrVersion: a newer program wrote the file.
	ErrVersion = errors.New("a newer version of the RDB format")
	// ErrModule: the value is a module's.
	ErrModule = errors.New("a value of a module, which only that module can read")
)

// DamageError says where a file makes no sense. It is ErrCorrupt or ErrChecksum.
type DamageError struct {
	Kind   error
	Offset int64
	Key    []byte // of the value that it is in; nil outside
	Reason string
}

func (e *DamageError) Error() string {
	text := fmt.Sprintf("damaged at offset %d: %s", e.Offset, e.Reason)
	if e.Key != nil {
		text += fmt.Sprintf(", in the value of the key %.100q", e.Key)
	}
	return text
}

func (e *DamageError) Unwrap() error { return e.Kind }

// Key is a key of a file. Its value is read by the file's methods while it is the current one.
type Key struct {
	DB       int
	Name     []byte // good for as long as it is wanted
	Deadline int64  // unix ms; 0: none
	Kind     kv.Kind
	Module   bool  // the value is a module's, and cannot be read
	Lapse    int64 // the earliest deadline within the value, 0: none
	Bytes    int64 // that key and value take in the file
	Size     int64 // of the elements, in bytes, when nothing is compressed any more
	Longest  int64 // likewise of one of them, the longest
	outline.Summary
}

// File reads a file from its beginning to its end. Its memory is one piece of the file, or one string of it; it does not grow
// with values. One goroutine may use it.
type File struct {
	reader  reader
	window  window
	Version int
	// Aux are the names and values that the file had up to here; those of functions are libraries.
	Aux       map[string]string
	Functions int // libraries of functions that were met
	Expected  int64
	// Announced is what the file has said so far of how many keys its databases have: hints, for whoever makes room.
	Announced []Announced
	// Summed: a checksum stood behind the data, and is right. Version 5 and later have one, unless it was turned off.
	Summed bool

	db     int
	key    Key
	form   byte
	begin  int64 // of the current value; of a long string, of its bytes
	end    int64 // behind it
	text   []byte
	long   bool // the value is a string that is not in text
	ended  bool
	broken bool // by damage
}

// Announced is what a file says of a database before its keys.
type Announced struct {
	DB         int
	Keys, TTLs uint64
}

// announcedMax bounds how many of these are kept.
const announcedMax = 1 << 12

// auxMax bounds what is kept of what a file says of itself.
const auxMax = 64

// Open reads the header of a file of so many bytes: ErrNotRDB, ErrVersion.
func Open(r io.ReaderAt, size int64) (*File, error) {
	f := &File{window: window{r: r, size: size}, Aux: map[string]string{}}
	f.reader = reader{max: math.MaxInt64, file: &f.window}
	head := f.reader.take(uint64(min(size, int64(headerSize))))
	if f.window.err != nil {
		return nil, f.window.err
	}
	if len(head) < headerSize || string(head[:len(magic)]) != magic {
		return nil, ErrNotRDB
	}
	version, err := strconv.ParseUint(string(head[len(magic):]), 10, 16)
	if err != nil || version == 0 {
		return nil, ErrNotRDB
	}
	if f.Version = int(version); version > VersionMax {
		return nil, fmt.Errorf("%w: %d, and this program knows them up to %d", ErrVersion, version, VersionMax)
	}
	return f, nil
}

// ReadKey reads a key of a file again that Next has given before: from where its type stands, to where its value ends. What
// stands before the type is not read, so that DB and Deadline are not known; and no Next follows.
func ReadKey(r io.ReaderAt, from, to int64) (*File, error) {
	f := &File{window: window{r: r, size: to, at: from, summed: math.MaxInt64}}
	f.reader = reader{max: math.MaxInt64, file: &f.window}
	form := f.reader.byte()
	if f.reader.failed {
		return nil, f.damage("the file ends here; was it cut off meanwhile?")
	}
	return f, f.measure(form, from)
}

// EndBy lets the reading end with the error of ended, which is asked at each piece of the file that is read.
func (f *File) EndBy(ended func() error) { f.window.ended = ended }

// Broken reports whether nothing more of the file can be read, after an error.
func (f *File) Broken() bool { return f.broken }

// Offset is how far the file has been read.
func (f *File) Offset() int64 { return f.window.offset(&f.reader) }

// Next is the next key, and nil behind the last one, when the checksum has been found right. After an error there is no next.
func (f *File) Next() (*Key, error) {
	if f.ended {
		return nil, nil
	}
	if f.end > 0 {
		f.window.seek(&f.reader, f.end)
	}
	f.key = Key{}
	for {
		at := f.Offset()
		op := f.reader.byte()
		if f.reader.failed {
			return nil, f.damage("the file ends here without an end mark; was it cut off, or is it being written?")
		}
		switch op {
		case opEnd:
			f.ended = true
			return nil, f.checksum()
		case opMillis:
			f.key.Deadline = int64(f.reader.uint64())
		case opSeconds:
			if b := f.reader.take(4); b != nil {
				f.key.Deadline = int64(binary.LittleEndian.Uint32(b)) * 1000
			}
		default:
			if done, err := f.item(op, at); done || err != nil {
				return &f.key, err
			}
		}
		if f.reader.failed {
			return nil, f.damage(fmt.Sprintf("what begins at offset %d with byte %d is cut off or makes no sense", at, op))
		}
	}
}

// item reads one that is not about a deadline; true for a key.
func (f *File) item(op byte, at int64) (key bool, err error) {
	r := &f.reader
	switch op {
	case opDB:
		db := r.length()
		if db > math.MaxInt32 {
			r.fail()
		}
		f.db = int(db)
	case opResize:
		keys := r.length()
		timed := r.length()
		f.Expected += int64(min(keys, math.MaxInt32))
		if len(f.Announced) < announcedMax {
			f.Announced = append(f.Announced, Announced{f.db, keys, timed})
		}
	case opAux:
		name, value := r.string(), r.string()
		if len(f.Aux) < auxMax && len(name)+len(value) < 1<<12 {
			f.Aux[string(name)] = string(value)
		}
	case opIdle:
		r.length()
	case opFrequency:
		r.byte()
	case opSlot:
		r.length()
		r.length()
		r.length()
	case opFunctions:
		r.string()
		f.Functions++
	case opModule:
		r.module()
	default:
		return true, f.measure(op, at)
	}
	return false, nil
}

// measure reads key and value of a type for the first time, and looks how much there is.
func (f *File) measure(form byte, at int64) error {
	r, k := &f.reader, &f.key
	k.DB, k.Kind = f.db, kindOf(form)
	if k.Name = r.string(); r.failed {
		return f.damage("a key is cut off or makes no sense")
	}
	if k.Deadline < 0 {
		k.Deadline = 1 // long past, as Redis takes it
	}
	f.form, f.begin, f.text, f.long = form, f.Offset(), nil, false
	switch {
	case form == typeModule2:
		r.module()
		k.Module = true
	case k.Kind == 0:
		return f.damage(fmt.Sprintf("type %d is not known: a module's, or of a version before 2.4", form))
	case k.Kind == kv.String:
		f.measureText()
	default:
		f.count()
	}
	if r.failed {
		return f.damage("the value is cut off or makes no sense")
	}
	f.end = f.Offset()
	k.Bytes = f.end - at - 1
	return nil
}

const typeModule2 = 7

// counter counts what is in a collection.
type counter struct {
	elements, timed, groups, consumers, pending int64
	lapse                                       int64
	size, longest                               int64
}

func (c *counter) visit(e outline.Element) error {
	size := int64(0)
	for i := range e.Pieces {
		size += int64(len(e.Pieces[i].Bytes))
	}
	c.size, c.longest = c.size+size, max(c.longest, size)
	switch e.Aside {
	case "":
		c.elements++
		if e.Deadline != 0 {
			c.timed++
			if c.lapse == 0 || e.Deadline < c.lapse {
				c.lapse = e.Deadline
			}
		}
	case "group":
		c.groups++
	case "consumer":
		c.consumers++
	case "pending":
		c.pending++
	}
	return nil
}

// count walks a collection in order to know how many elements it has.
func (f *File) count() {
	var c counter
	w := walk{reader: &f.reader, visit: c.visit}
	w.value(f.form)
	k := &f.key
	k.Elements, k.Lapse, k.Encoding = c.elements, c.lapse, encodingOf(f.form)
	k.Size, k.Longest = c.size, c.longest
	for _, n := range []outline.Count{
		{What: hashes.TimedFields, N: c.timed}, {What: "groups", N: c.groups},
		{What: "consumers", N: c.consumers}, {What: "pending entries", N: c.pending},
	} {
		if n.N > 0 {
			k.More = append(k.More, n)
		}
	}
	if k.Elements == 0 && k.Kind != kv.Stream {
		f.reader.fail()
	}
}

// Walk visits the elements of the current key's value. It may be called again.
func (f *File) Walk(visit outline.Visitor) error {
	switch {
	case f.key.Module:
		return fmt.Errorf("key %.100q: %w", f.key.Name, ErrModule)
	case f.key.Kind == kv.String:
		text, err := f.wholeText()
		if err != nil {
			return err
		}
		return visit(outline.Element{Pieces: []outline.Piece{{Role: outline.Text, Bytes: text}}})
	}
	f.window.seek(&f.reader, f.begin)
	w := walk{reader: &f.reader, visit: visit}
	w.value(f.form)
	if w.err == nil && f.reader.failed {
		return f.damage("the value is cut off or makes no sense")
	}
	return w.err
}

// Object makes the current key's value.
func (f *File) Object(rules Rules) (Object, error) {
	switch {
	case f.key.Module:
		return Object{}, fmt.Errorf("key %.100q: %w", f.key.Name, ErrModule)
	case f.key.Kind == kv.String:
		text, err := f.wholeText()
		return Object{Kind: kv.String, Text: text}, err
	}
	f.window.seek(&f.reader, f.begin)
	o := f.reader.object(f.form, rules)
	if f.reader.failed && f.window.err == nil {
		// It has been read to its end before, so what follows can still be read.
		f.reader.failed = false
		return Object{}, f.Refused(f.window.failed)
	}
	return o, f.window.err
}

// Refused is the error about the current key's value, which has been read and makes no value, as something is in it twice. What
// follows can still be read. An offset of 0 is that of the value.
func (f *File) Refused(offset int64) error {
	if offset == 0 {
		offset = f.begin
	}
	return &DamageError{Kind: ErrCorrupt, Offset: offset, Key: f.key.Name, Reason: "something is there twice, or is too large"}
}

// Key is the current key.
func (f *File) Key() *Key { return &f.key }

// checksum reads what stands behind the end mark.
func (f *File) checksum() error {
	if f.Version < versionSummed {
		return nil
	}
	at := f.Offset()
	f.window.sumTo(at)
	b := f.reader.take(8)
	if b == nil {
		return f.damage("the file ends here without its checksum")
	}
	sum := binary.LittleEndian.Uint64(b)
	if sum != 0 && sum != f.window.sum {
		return &DamageError{Kind: ErrChecksum, Offset: at, Reason: "the checksum of the file does not match: some byte before it is not what was written"}
	}
	f.Summed = sum != 0
	return nil
}

// damage is the error of a reader that has failed, or of the file.
func (f *File) damage(why string) error {
	if f.window.err != nil {
		return f.window.err
	}
	at := f.window.failed
	if !f.reader.failed {
		at = f.Offset()
	}
	f.ended, f.broken = true, true
	if f.window.why != "" {
		why = f.window.why
	}
	return &DamageError{Kind: ErrCorrupt, Offset: at, Key: f.key.Name, Reason: why}
}

// module passes over what a module wrote: items, each with its form before it, up to an end.
func (r *reader) module() {
	r.length() // which module
	for !r.failed {
		switch r.length() {
		case 0:
			return
		case 1, 2:
			r.length()
		case 3:
			r.take(4)
		case 4:
			r.take(8)
		case 5:
			r.string()
		default:
			r.fail()
		}
	}
}
