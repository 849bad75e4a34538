package disk

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"

	"holdfast/lab/trace"
)

// reference is the model once more, so plainly that it can be seen to be right: every piece of every event since the
// beginning is kept, with its bytes, and a state is made from nothing by doing those that are not lost, in order.
type reference struct {
	reading Reading
	size    int // of a piece
	pieces  []*refPiece
	nextDir int
}

type refPiece struct {
	seq        uint64
	file       uint64
	dirs       []int
	moves      int // the directory that is moved
	makes      int // … or made
	journal    bool
	durable    bool
	off, end   int // of data
	clears     int // from here …
	clearsTo   int // … to here everything goes
	do         func(*world)
	newContent []byte
}

// world is a state: bytes are what files have, those past the size too.
type world struct {
	bytes map[uint64][]byte
	size  map[uint64]int
	names map[int]map[string]thing
}

type thing struct {
	dir    int
	file   uint64
	target string
	made   uint64 // at which event, so that two links to one target are two
}

const fileMax = 64

func (ref *reference) state(lost func(*refPiece) bool) *world {
	w := &world{bytes: map[uint64][]byte{}, size: map[uint64]int{}, names: map[int]map[string]thing{}}
	for _, p := range ref.pieces {
		if p.durable || !lost(p) {
			p.do(w)
		}
	}
	return w
}

func nothing(*refPiece) bool    { return false }
func everything(*refPiece) bool { return true }

func (w *world) file(f uint64) []byte {
	if w.bytes[f] == nil {
		w.bytes[f] = make([]byte, fileMax)
	}
	return w.bytes[f]
}

func (w *world) dir(d int) map[string]thing {
	if w.names[d] == nil {
		w.names[d] = map[string]thing{}
	}
	return w.names[d]
}

// find follows a path from the root, directory 1.
func (w *world) find(p string) thing {
	at := thing{dir: 1}
	for name := range strings.SplitSeq(p, "/") {
		if name != "" {
			at = w.dir(at.dir)[name]
		}
	}
	return at
}

// holds reports whether directory inner is outer, or somewhere in it.
func (w *world) holds(outer, inner int) bool {
	if outer == inner {
		return true
	}
	for _, n := range w.dir(outer) {
		if n.dir != 0 && w.holds(n.dir, inner) {
			return true
		}
	}
	return false
}

func (w *world) show() string {
	var parts []string
	first := map[uint64]string{}
	var walk func(d int, at string)
	walk = func(d int, at string) {
		for _, name := range slices.Sorted(maps.Keys(w.dir(d))) {
			n, p := w.dir(d)[name], path.Join(at, name)
			switch {
			case n.dir != 0:
				parts = append(parts, p+"/")
				walk(n.dir, p)
			case n.file == 0:
				parts = append(parts, p+">"+n.target)
			case first[n.file] != "":
				parts = append(parts, p+":"+first[n.file])
			default:
				first[n.file] = p
				b := w.file(n.file)[:w.size[n.file]]
				parts = append(parts, p+"="+strings.ReplaceAll(string(b), "\x00", "."))
			}
		}
	}
	walk(1, "")
	return strings.Join(parts, " ")
}

func (ref *reference) add(p refPiece) { ref.pieces = append(ref.pieces, &p) }

// put adds the pieces of bytes at off; grows: each makes the file reach to its end.
func (ref *reference) put(e trace.Event, b []byte, off int, grows, journal bool) {
	for end := 0; len(b) > 0; off, b = end, b[end-off:] {
		end = min(off+len(b), (off/ref.size+1)*ref.size)
		b := b[:end-off]
		from, to := off, end
		ref.add(refPiece{seq: e.Seq, file: e.File, off: from, end: to, journal: journal, newContent: b, do: func(w *world) {
			copy(w.file(e.File)[from:to], b)
			if grows {
				w.size[e.File] = max(w.size[e.File], to)
			}
		}})
	}
}

// dirty says where a file may have something other than zeros after a crash.
func (ref *reference) dirty(e trace.Event) []bool {
	durable := ref.state(everything).file(e.File)
	dirty := make([]bool, fileMax)
	for i := range dirty {
		dirty[i] = durable[i] != 0
	}
	for _, p := range ref.pieces {
		if p.file == e.File && !p.durable && len(p.newContent) > 0 && p.newContent[0] != 0 {
			for i := p.off; i < p.end; i++ {
				dirty[i] = true
			}
		}
	}
	return dirty
}

// zeros adds pieces for zeros where there may be something else.
func (ref *reference) zeros(e trace.Event, off, end int, grows bool) {
	dirty := ref.dirty(e)
	for at := off; at < end; at++ {
		if !dirty[at] {
			continue
		}
		from := at
		for at < end && dirty[at] {
			at++
		}
		ref.put(e, make([]byte, at-from), from, grows, false)
	}
}

// grow adds the size of a file that was smaller before the event.
func (ref *reference) grow(e trace.Event, have, end int) {
	if end > have {
		ref.add(refPiece{seq: e.Seq, file: e.File, journal: true, do: func(w *world) { w.size[e.File] = max(w.size[e.File], end) }})
	}
}

func (ref *reference) hole(e trace.Event) {
	off, end := int(e.Off), int(e.Off+e.Size)
	if ref.reading == Strict {
		ref.zeros(e, off, end, false)
		return
	}
	if !slices.Contains(ref.dirty(e)[off:end], true) {
		return
	}
	ref.add(refPiece{seq: e.Seq, file: e.File, journal: true, clears: off, clearsTo: end, do: func(w *world) {
		clear(w.file(e.File)[off:end])
	}})
}

func (ref *reference) apply(e trace.Event, data []byte) {
	live := ref.state(nothing)
	have := live.size[e.File]
	switch e.Kind {
	case trace.Write:
		off, end := int(e.Off), int(e.Off+e.Size)
		if bytes.Count(data, []byte{0}) == len(data) {
			ref.zeros(e, off, end, ref.reading == Strict)
			ref.grow(e, have, end)
		} else if ref.reading == Strict {
			ref.put(e, data, off, true, false)
			ref.grow(e, have, end)
		} else {
			over := max(0, min(end, have)-off)
			ref.put(e, data[:over], off, false, false)
			ref.put(e, data[over:], off+over, true, true)
		}
	case trace.Truncate:
		if size := int(e.Size); size != have {
			ref.add(refPiece{seq: e.Seq, file: e.File, journal: true, clears: size, clearsTo: fileMax, do: func(w *world) {
				w.size[e.File] = size
				clear(w.file(e.File)[size:])
			}})
		}
	case trace.Allocate:
		if e.Mode >= 3 {
			ref.hole(e)
		}
		if e.Mode == 0 || e.Mode == 16 {
			ref.grow(e, have, int(e.Off+e.Size))
		}
	case trace.Sync:
		ref.settle(func(p *refPiece) bool { return p.seq <= e.Covers && p.file == e.File })
		ref.commit(e.Covers)
	case trace.SyncDir:
		ref.syncDir(live.find(e.Path).dir, e.Covers)
		ref.commit(e.Covers)
	case trace.Mark:
		ref.settle(everything)
	default:
		ref.name(e, live)
	}
}

func (ref *reference) settle(durable func(*refPiece) bool) {
	for _, p := range ref.pieces {
		p.durable = p.durable || durable(p)
	}
}

func (ref *reference) commit(covers uint64) {
	if ref.reading == Ordered {
		ref.settle(func(p *refPiece) bool { return p.journal && p.seq <= covers })
	}
}

func (ref *reference) syncDir(dir int, covers uint64) {
	if ref.reading == Ordered {
		return
	}
	var newest uint64
	moved := map[int]bool{}
	for _, p := range ref.pieces {
		if slices.Contains(p.dirs, dir) && p.seq <= covers {
			if p.moves != 0 && !p.durable {
				newest = p.seq
			}
			p.durable = true
		}
	}
	for _, p := range ref.pieces {
		if p.moves != 0 && p.seq <= newest {
			moved[p.moves] = true
		}
	}
	ref.settle(func(p *refPiece) bool { return p.seq <= newest && (p.moves != 0 || moved[p.makes]) })
}

func (ref *reference) name(e trace.Event, live *world) {
	dir, name := live.find(path.Dir("/"+e.Path)).dir, path.Base(e.Path)
	n := live.dir(dir)[name]
	give := func(dir int, name string, n thing) func(*world) { return func(w *world) { w.dir(dir)[name] = n } }
	take := func(dir int, name string, n thing) func(*world) {
		return func(w *world) {
			if w.dir(dir)[name] == n {
				delete(w.dir(dir), name)
			}
		}
	}
	p := refPiece{seq: e.Seq, dirs: []int{dir}, journal: true}
	switch e.Kind {
	case trace.Create:
		p.do = give(dir, name, thing{file: e.File})
	case trace.Mkdir:
		ref.nextDir++
		p.makes = ref.nextDir + 1
		p.do = give(dir, name, thing{dir: p.makes})
	case trace.Symlink:
		p.do = give(dir, name, thing{target: e.To, made: e.Seq})
	case trace.Unlink, trace.Rmdir:
		p.do = take(dir, name, n)
	case trace.Link, trace.Rename:
		to, newName := live.find(path.Dir("/"+e.To)).dir, path.Base(e.To)
		if e.Kind == trace.Link {
			p.dirs, p.do = []int{to}, give(to, newName, n)
			break
		}
		if live.dir(to)[newName] == n {
			return
		}
		takes, gives := take(dir, name, n), give(to, newName, n)
		switch {
		case n.dir != 0:
			p.dirs, p.moves = []int{dir, to}, n.dir
			p.do = func(w *world) { w.move(to, newName, n) }
		case dir == to || ref.reading == Ordered:
			p.do = func(w *world) { takes(w); gives(w) }
		default:
			ref.add(refPiece{seq: e.Seq, dirs: []int{to}, do: gives})
			p.do = takes
		}
	}
	ref.add(p)
}

// move gives a directory its only place, unless that is in itself.
func (w *world) move(to int, name string, n thing) {
	if w.holds(n.dir, to) {
		return
	}
	for _, names := range w.names {
		for old, other := range names {
			if other == n {
				delete(names, old)
			}
		}
	}
	w.dir(to)[name] = n
}

// states is every state that the reading allows: for each subset of what is at risk, if it may be lost.
func (ref *reference) states() map[string]bool {
	var risk []*refPiece
	for _, p := range ref.pieces {
		if !p.durable {
			risk = append(risk, p)
		}
	}
	all := map[string]bool{}
	for set := range 1 << len(risk) {
		lost := map[*refPiece]bool{}
		for i, p := range risk {
			lost[p] = set>>i&1 == 1
		}
		if ref.allowed(risk, lost) {
			all[ref.state(func(p *refPiece) bool { return lost[p] }).show()] = true
		}
	}
	return all
}

func (ref *reference) allowed(risk []*refPiece, lost map[*refPiece]bool) bool {
	if ref.reading == Strict {
		return true
	}
	for i, p := range risk {
		for _, later := range risk[i+1:] {
			if !lost[p] || lost[later] {
				continue
			}
			if p.journal && later.journal {
				return false
			}
			if later.file == p.file && later.off < p.clearsTo && p.clears < later.end {
				return false
			}
		}
	}
	return true
}

func (ref *reference) atRisk() (n int) {
	for _, p := range ref.pieces {
		if !p.durable {
			n++
		}
	}
	return n
}

// randomEvent is something that could be done in the live state.
func randomEvent(rng *rand.Rand, live *world, files, last uint64) (e trace.Event, data []byte) {
	dirs := []string{""}
	for d := range live.dir(1) {
		if live.find(d).dir != 0 {
			dirs = append(dirs, d)
		}
	}
	slices.Sort(dirs)
	anyPath := func() string {
		return strings.TrimPrefix(dirs[rng.IntN(len(dirs))]+"/"+string(rune('a'+rng.IntN(3))), "/")
	}
	p := anyPath()
	n := live.find(p)
	isThere := n != thing{}
	if files > 0 && rng.IntN(2) == 0 {
		return randomChange(rng, 1+rng.Uint64N(files), last)
	}
	switch rng.IntN(9) {
	case 0:
		if d := string(rune('d' + rng.IntN(2))); live.find(d) == (thing{}) {
			return trace.Event{Kind: trace.Mkdir, Path: d}, nil
		}
		return trace.Event{Kind: trace.SyncDir, Path: dirs[rng.IntN(len(dirs))], Covers: last}, nil
	case 1:
		if !isThere {
			return trace.Event{Kind: trace.Symlink, Path: p, To: "t"}, nil
		}
		return trace.Event{Kind: trace.Unlink, Path: p}, nil
	case 2, 3, 4:
		to := anyPath()
		if d := dirs[rng.IntN(len(dirs))]; d != "" && rng.IntN(3) == 0 {
			if to = string(rune('d' + rng.IntN(4))); live.find(to) == (thing{}) || live.find(to).dir != 0 && len(live.dir(live.find(to).dir)) == 0 {
				return trace.Event{Kind: trace.Rename, Path: d, To: to}, nil
			}
		} else if isThere {
			if rng.IntN(3) == 0 && live.find(to) == (thing{}) {
				return trace.Event{Kind: trace.Link, Path: p, To: to, File: n.file}, nil
			}
			return trace.Event{Kind: trace.Rename, Path: p, To: to, File: n.file}, nil
		}
	case 5, 6:
		return trace.Event{Kind: trace.SyncDir, Path: dirs[rng.IntN(len(dirs))], Covers: last - rng.Uint64N(min(last, 2)+1)}, nil
	case 7:
		if d := dirs[rng.IntN(len(dirs))]; d != "" && len(live.dir(live.find(d).dir)) == 0 {
			return trace.Event{Kind: trace.Rmdir, Path: d}, nil
		}
	}
	if isThere {
		return trace.Event{Kind: trace.Unlink, Path: p}, nil
	}
	return trace.Event{Kind: trace.Create, Path: p, File: files + 1}, nil
}

func randomChange(rng *rand.Rand, file, last uint64) (e trace.Event, data []byte) {
	off, size := int64(rng.IntN(12)), int64(1+rng.IntN(7))
	switch rng.IntN(8) {
	case 0:
		return trace.Event{Kind: trace.Truncate, File: file, Size: off}, nil
	case 1:
		mode := []uint32{0, 1, 3, 16, 17}[rng.IntN(5)]
		return trace.Event{Kind: trace.Allocate, File: file, Off: off, Size: size, Mode: mode}, nil
	case 2, 3:
		return trace.Event{Kind: trace.Sync, File: file, Covers: last - rng.Uint64N(min(last, 2)+1)}, nil
	case 4:
		return trace.Event{Kind: trace.Write, File: file, Off: off, Size: size}, make([]byte, size)
	default:
		data = make([]byte, size)
		for i := range data {
			data[i] = byte('A' + rng.IntN(50))
		}
		return trace.Event{Kind: trace.Write, File: file, Off: off, Size: size}, data
	}
}

// The model and the reference allow the same states, after every one of many random operations.
func TestModelAllowsWhatTheReferenceAllows(t *testing.T) {
	seeds := []uint64{2013, 2372} // a durable hole in the middle of a piece once made two of it
	for seed := range uint64(60) {
		seeds = append(seeds, seed)
	}
	for _, seed := range seeds {
		for _, reading := range []Reading{Strict, Ordered} {
			t.Run(fmt.Sprint(reading, seed), func(t *testing.T) { compare(t, reading, seed) })
		}
	}
}

func compare(t *testing.T, reading Reading, seed uint64) {
	rng := rng(t, seed)
	rec := newRecording(t)
	ref := &reference{reading: reading, size: 4}
	const events = 40
	var (
		files     uint64
		data      [][]byte
		snapshots []string // of the reference, after each event
	)
	for i := range events {
		e, b := randomEvent(rng, ref.state(nothing), files, rec.last)
		if i == events/8 {
			e, b = trace.Event{Kind: trace.Mark, Note: trace.MarkBegin}, nil
		} else if ref.atRisk() > 8 { // keep the subsets few
			e, b = relief(ref, rec.last, i)
		}
		if e.Kind == trace.Create {
			files++
		}
		rec.add(e, b)
		e.Seq = rec.last
		ref.apply(e, b)
		data = append(data, b)
		snapshots = append(snapshots, ref.state(nothing).show())
	}
	r, all := rec.play()
	again := &reference{reading: reading, size: 4}
	m := New(r, reading)
	for i, e := range all {
		if err := m.Apply(e); err != nil {
			t.Fatal(err)
		}
		again.apply(e, data[i])
		c := m.Crash(4)
		if got := shown(t, c, c.Pick(Everything, 0)); got != snapshots[i] {
			t.Fatalf("after %v: everything is %q, but it was %q", e, got, snapshots[i])
		}
		if again.atRisk() > 10 || i%4 != 0 {
			continue
		}
		want := again.states()
		got := states(t, c)
		if !slices.Equal(keys(got), keys(want)) {
			for _, e := range all[:i+1] {
				t.Log(e, e.Covers)
			}
			t.Fatalf("after %v:\n%swant\n%s", e, lines(keys(got)), lines(keys(want)))
		}
		checkPicks(t, c, want, rng)
	}
}

// relief makes most of what is at risk durable.
func relief(ref *reference, last uint64, i int) (trace.Event, []byte) {
	for _, p := range ref.pieces {
		if p.durable {
			continue
		}
		if p.file != 0 {
			return trace.Event{Kind: trace.Sync, File: p.file, Covers: last}, nil
		}
		live := ref.state(nothing)
		for _, at := range append([]string{""}, keys(live.dir(1))...) {
			if d := live.find(at).dir; d != 0 && slices.Contains(p.dirs, d) {
				return trace.Event{Kind: trace.SyncDir, Path: at, Covers: last}, nil
			}
		}
	}
	return trace.Event{Kind: trace.Mark, Note: trace.MarkBegin}, nil
}

// checkPicks: every variant picks what is allowed, and what is closed already.
func checkPicks(t *testing.T, c *Crash, allowed map[string]bool, rng *rand.Rand) {
	t.Helper()
	for _, v := range []Variant{OnlySynced, Everything, Random, NamesLost, Torn} {
		seed := rng.Uint64()
		ch := c.Pick(v, seed)
		if c.Normalise(ch).String() != ch.String() {
			t.Errorf("%s picks %s, which is not all that is lost by that: %s", v, ch, c.Normalise(ch))
		}
		if c.Pick(v, seed).String() != ch.String() {
			t.Errorf("%s picks otherwise the second time", v)
		}
		state := shown(t, c, ch)
		if !allowed[state] {
			t.Errorf("%s picks %s, and makes %q", v, ch, state)
		}
		if v == Random {
			if made := built(t, c, ch); made != state {
				t.Errorf("losing %s should leave %q, but %q was built", ch, state, made)
			}
		}
	}
	if all := c.Pick(OnlySynced, 0); all.Len() != c.Pieces() || c.Pick(Everything, 0).Len() != 0 {
		t.Errorf("of %d pieces, all are %s", c.Pieces(), all)
	}
}
