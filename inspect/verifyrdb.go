package inspect

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"holdfast/internal/plural"
	"holdfast/outline"
	"holdfast/rdb"
	"holdfast/snapshot"
)

// twiceElements is how many elements of a value are looked at together for one that comes twice: 16 MB of digests.
const twiceElements = 1 << 20

// Verify reads an RDB file whole and checks what can be checked: its version and checksum, that every value is one, in which
// nothing comes twice, and that no key does. Keys are sorted for that; above some 64 MiB in files in the directory temporary.
// What the file announces of its databases is a hint, and is told where it is wrong. Behind damage nothing can be read.
// The error is that of ctx, if that ends before.
func (s *RDBSource) Verify(ctx context.Context, temporary string, progress func(done, total int64)) (FileReport, error) {
	v := rdbVerifier{RDBSource: s, ctx: ctx, seeds: newSeeds(), keys: snapshot.NewSorter(s.fs, temporary, sortMemory), counts: map[int]rdb.Announced{}}
	v.report = FileReport{File: s.path, Verdict: Fine}
	err := s.EachFile(Scope{DB: AllDatabases, Progress: progress, Ended: ctx.Err}, v.entry)
	if err == nil {
		err = v.twice()
	}
	if errors.Is(err, snapshot.ErrCorrupt) { // which is not of the RDB file
		err = fmt.Errorf("sorting keys in %s: %v", temporary, err)
	}
	if err = errors.Join(err, v.keys.Discard()); err != nil {
		v.report.blame(err)
	}
	v.tell()
	return v.report, ctx.Err()
}

// rdbVerifier is a Verify under way.
type rdbVerifier struct {
	*RDBSource
	ctx     context.Context
	seeds   seeds
	report  FileReport
	keys    *snapshot.Sorter // by digest, with their places
	counts  map[int]rdb.Announced
	modules int64
	sums    []sum // scratch
	text    []byte
}

func (v *rdbVerifier) entry(e *Entry, f *rdb.File) error {
	v.report.Keys++
	n := v.counts[e.DB]
	n.Keys++
	if e.Deadline != 0 {
		v.report.TTLs++
		n.TTLs++
	}
	v.counts[e.DB] = n
	var name sum
	name.add(v.seeds, e.Key)
	from := f.Offset() - e.Bytes - 1
	place := binary.AppendVarint(binary.AppendVarint(nil, from), f.Offset())
	if err := v.keys.Add(snapshot.Store(e.DB), name.appendTo(nil), place); err != nil {
		return err
	}
	if e.Kind == 0 {
		v.modules++
		return nil
	}
	if e.LongText() > 0 {
		return e.Pieces(func([]byte) error { return nil })
	}
	return v.elements(e, from)
}

func (s sum) appendTo(dst []byte) []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(dst, s[0]), s[1])
}

// errPlaces ends a walk of elements that only their places tell from each other.
var errPlaces = errors.New("elements without identity")

// elements looks for one that is in the value twice. Where they are many it looks at a part of them at a time.
func (v *rdbVerifier) elements(e *Entry, from int64) error {
	elements := e.Elements
	for _, more := range e.More {
		elements += more.N
	}
	if elements < 2 {
		return nil
	}
	passes := 1 + uint64(elements/twiceElements)
	for pass := range passes {
		v.sums = v.sums[:0]
		err := e.Value.Walk(func(el outline.Element) error {
			if el.Own == 0 && el.Aside == "" {
				return errPlaces
			}
			if el.Own == 0 {
				return nil
			}
			if s := v.identity(el); s[0]%passes == pass {
				v.sums = append(v.sums, s)
			}
			return nil
		})
		switch {
		case errors.Is(err, errPlaces):
			return nil
		case err != nil:
			return err
		}
		slices.SortFunc(v.sums, func(a, b sum) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
		for i := 1; i < len(v.sums); i++ {
			if v.sums[i] == v.sums[i-1] {
				return v.blameTwice(e, from, v.sums[i])
			}
		}
	}
	return nil
}

func (v *rdbVerifier) identity(e outline.Element) (s sum) {
	v.text = appendIdentity(v.text[:0], e, 0)
	s.add(v.seeds, v.text)
	return s
}

// blameTwice names the element, by as much as can be read at a glance. The key begins at from.
func (v *rdbVerifier) blameTwice(e *Entry, from int64, which sum) error {
	const shown = 100
	var name []byte
	err := e.Value.Walk(func(el outline.Element) error {
		if el.Own > 0 && v.identity(el) == which {
			own := el.Pieces[el.Own-1]
			name = Bytes(own.Bytes[:min(len(own.Bytes), shown)]).appendQuoted(append(append(name, own.Role...), ' '))
			if len(own.Bytes) > shown {
				name = append(name, "…"...)
			}
			return errEnough
		}
		return nil
	})
	if !errors.Is(err, errEnough) {
		return err
	}
	return v.blame(&rdb.DamageError{Kind: rdb.ErrCorrupt, Offset: from, Key: e.Key, Reason: string(name) + " is there twice"})
}

// twice looks for a key that is in a database twice.
func (v *rdbVerifier) twice() error {
	var db snapshot.Store
	var before []byte
	for {
		store, key, place, err := v.keys.Next()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case before != nil && store == db && string(key) == string(before):
			return v.blameKey(int(store), place)
		}
		db, before = store, append(before[:0], key...)
	}
}

func (v *rdbVerifier) blameKey(db int, place []byte) error {
	from, n := binary.Varint(place)
	to, _ := binary.Varint(place[n:])
	f, err := rdb.ReadKey(v.file, from, to)
	if err != nil {
		return v.blame(err)
	}
	return v.blame(twiceError(from, f.Key().Name, db))
}

// tell says what the file is, and which of its hints are wrong.
func (v *rdbVerifier) tell() {
	f, r := v.read, &v.report
	if f == nil {
		return // it could not be opened anew
	}
	r.Found = fmt.Sprintf("RDB version %d", f.Version)
	if v.time != 0 {
		r.Found += " of " + clock(v.time)
	}
	r.Found += fmt.Sprintf(": %s, %s", plural.Count(r.Keys, "key"), plural.Count(r.TTLs, "TTL"))
	switch {
	case r.Verdict == Damaged:
		r.Found += " before the damage"
		return
	case r.Verdict != Fine:
		r.Found += " as far as it was read"
		return
	case f.Summed:
		r.Found += ", checksum right"
	default:
		r.Found += ", no checksum in it"
	}
	if v.modules > 0 {
		r.Found += fmt.Sprintf(", %s of modules not looked into", plural.Count(v.modules, "value"))
	}
	if f.Functions > 0 {
		r.Found += ", libraries of functions not looked into"
	}
	for _, said := range f.Announced {
		if has := v.counts[said.DB]; has.Keys != said.Keys || has.TTLs != said.TTLs {
			r.Found += fmt.Sprintf("; database %d has %s and %s where the file announces %d and %d, which is a hint and no damage",
				said.DB, plural.Count(has.Keys, "key"), plural.Count(has.TTLs, "TTL"), said.Keys, said.TTLs)
		}
	}
}
