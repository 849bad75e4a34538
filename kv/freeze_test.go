package kv

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"holdfast/expiry"
)

// checkpoints takes checkpoints of a twin into its base, one after the other.
type checkpoints struct {
	*twin
	kept []map[string]thing // the model as of the last checkpoint that the base took

	phase   phase
	running *Freeze
	cut     []map[string]thing // the model as it stood then
	taken   []alteration
	handed  map[string]bool // what was handed out, by store and key
	pieces  int             // that were handed out after the first of a key
	sweep   func() bool
}

// phase is how far a checkpoint is.
type phase int

const (
	idle     phase = iota
	walking        // not everything is handed out yet
	gathered       // the base is to get it
	applied        // the base has it, and the keyspace does not know yet
	sweeping       // after Commit or Abort
)

func newCheckpoints(w *twin) *checkpoints {
	w.ks.piece = 2 * (toyPartBytes + partCost) // two parts at a time
	return &checkpoints{twin: w, kept: emptied(w.model)}
}

func emptied(model []map[string]thing) (m []map[string]thing) {
	for range model {
		m = append(m, map[string]thing{})
	}
	return m
}

// asStored is a model as the base keeps it, which knows nothing of raw strings.
func asStored(model []map[string]thing) (copies []map[string]thing) {
	for _, m := range model {
		kept := maps.Clone(m)
		for key, t := range kept {
			t.raw = false
			kept[key] = t
		}
		copies = append(copies, kept)
	}
	return copies
}

// advance takes the checkpoint under way a step further, or begins one.
func (c *checkpoints) advance() {
	c.Helper()
	switch c.phase {
	case idle:
		c.begin()
	case walking:
		if !c.running.Step() {
			c.phase = gathered
		}
	case gathered:
		c.apply()
	case applied:
		c.sweep, c.phase = c.running.Commit(), sweeping
	case sweeping:
		if !c.sweep() {
			c.phase = idle
		}
	}
}

func (c *checkpoints) begin() {
	c.Helper()
	c.cut, c.taken, c.handed = asStored(c.model), nil, map[string]bool{}
	c.running, c.phase = c.ks.Freeze(c.take), walking
	seen := map[int]bool{}
	for _, db := range c.running.DBs {
		seen[db.Index] = true
		if len(c.cut[db.Index]) != db.Keys {
			c.Fatalf("database %d had %d keys at the cut, which says %d", db.Index, len(c.cut[db.Index]), db.Keys)
		}
	}
	for i, m := range c.cut {
		if len(m) > 0 && !seen[i] {
			c.Fatalf("database %d had %d keys at the cut, and is not in the freeze", i, len(m))
		}
	}
}

func (c *checkpoints) take(f Frozen) {
	c.Helper()
	if c.phase != walking {
		c.Fatalf("key %.40q of store %d was handed out to a checkpoint that is over", f.Key, f.Store)
	}
	name := fmt.Sprint(f.Store, " ", string(f.Key))
	if c.handed[name] != f.Continued {
		c.Fatalf("key %.40q of store %d was handed out before: %v, and goes on: %v", f.Key, f.Store, c.handed[name], f.Continued)
	}
	if f.Continued {
		c.more(f)
		return
	}
	c.handed[name] = true
	c.taken = append(c.taken, alterationOf(f))
}

// more adds parts to what was handed out of a key.
func (c *checkpoints) more(f Frozen) {
	c.Helper()
	i := slices.IndexFunc(c.taken, func(a alteration) bool { return a.store == f.Store && a.key == string(f.Key) })
	a := alterationOf(f)
	if a.whole != c.taken[i].whole || a.partly != c.taken[i].partly {
		c.Fatalf("key %.40q has changed between two pieces of it", f.Key)
	}
	for id, part := range a.record.parts {
		if _, there := c.taken[i].record.parts[id]; there {
			c.Fatalf("part %d of key %.40q was handed out twice", id, f.Key)
		}
		c.taken[i].record.parts[id] = part
	}
	c.pieces++
}

// apply gives the base what was handed out; it must hold the state at the cut then.
func (c *checkpoints) apply() {
	c.Helper()
	c.base.apply(c.running.DBs, c.taken)
	for _, db := range c.running.DBs {
		records := c.base.racks[db.Store].records
		for key, want := range c.cut[db.Index] { // of which there are no fewer than records: see shelf.apply
			if got, ok := records[key]; !ok || got.thing() != want {
				c.Fatalf("database %d, key %.40q: the base has %v %.100v; at the cut it was %.100v", db.Index, key, ok, got.thing(), want)
			}
		}
	}
	c.kept, c.phase = c.cut, applied
}

// abort ends the checkpoint, which the base has not taken.
func (c *checkpoints) abort() {
	if c.phase == walking || c.phase == gathered {
		c.sweep, c.phase = c.running.Abort(), sweeping
	}
}

// run takes one checkpoint while between makes changes; it may end in an abort, at any point.
func (c *checkpoints) run(between func()) {
	c.Helper()
	stop := -1
	if c.of(6) == 0 {
		stop = c.of(8)
	}
	c.advance()
	for step := 0; c.phase != idle; step++ {
		between()
		if step == stop {
			c.abort()
		}
		c.advance()
	}
}

// checkpoint takes one with nothing in between.
func (c *checkpoints) checkpoint() {
	c.Helper()
	for c.advance(); c.phase != idle; c.advance() {
	}
}

// TestCheckpointsKeepTheStateAtTheirCuts is the promise that durability rests on. Many short lives of small
// keyspaces, each through several checkpoints, with every kind of change at every point.
func TestCheckpointsKeepTheStateAtTheirCuts(t *testing.T) {
	d := seeded(t)
	rounds := 1000
	if testing.Short() {
		rounds = 300
	}
	pieces := 0
	for range rounds {
		w := newTwin(t, d, 1+d.of(3), shortNames(1+d.of(30)))
		w.sizes = []int{0, 3, 20, 1100}
		c := newCheckpoints(w)
		changes := 1 + d.of(60)
		between := func() {
			for range d.of(changes) {
				c.change()
			}
		}
		for range 1 + d.of(6) {
			between()
			c.run(between)
		}
		c.verify()
		pieces += c.pieces
	}
	if pieces == 0 {
		t.Fatal("no collection was handed out in pieces")
	}
}

// Here the table splits and merges under the freeze's cursor: between two steps many keys come or go.
func TestCheckpointsWhileTheTableGrowsAndShrinks(t *testing.T) {
	d := seeded(t)
	for range 15 {
		w := newTwin(t, d, 2, oddNames(500+d.of(8000)))
		w.sizes = []int{0, 3, 20}
		c := newCheckpoints(w)
		for range 4 {
			c.burst()
			c.run(func() {
				if d.of(8) == 0 {
					c.burst()
				}
				c.change()
			})
		}
		c.verify()
	}
}

// burst makes a random share of the keys of one database come, or go.
func (c *checkpoints) burst() {
	i, share := c.of(len(c.model)), 1+c.of(10)
	coming := c.of(2) == 0
	for _, key := range c.names {
		switch {
		case c.of(10) >= share:
		case coming:
			c.set(c.ks.DB(i), c.model[i], key)
		default:
			c.delete(c.ks.DB(i), c.model[i], key)
		}
	}
}

// What was there at the cut leaves tombs when it goes, so only keys that came since can make the table shrink. Then
// a merge joins what the cursor has passed with what it has not.
func TestTheTableShrinksUnderTheCursor(t *testing.T) {
	d := seeded(t)
	for range 30 {
		w := newTwin(t, d, 1, shortNames(3000))
		w.sizes = []int{0, 3, 20}
		c := newCheckpoints(w)
		db, m := w.ks.DB(0), w.model[0]
		lasting, passing := w.names[:60], w.names[60:]
		for _, key := range lasting {
			w.set(db, m, key)
		}
		c.advance()
		for _, key := range passing {
			w.set(db, m, key)
		}
		for range d.of(db.table.segs) {
			c.advance()
		}
		for _, key := range passing {
			w.delete(db, m, key)
		}
		if db.table.segs != 1 {
			t.Fatalf("%d segments for %d keys", db.table.segs, db.Len())
		}
		for c.phase != idle {
			c.advance()
		}
		w.verify()
	}
}

// Each time other marks are left behind, which the next must take for its own.
func TestACheckpointAfterSeveralThatWereAborted(t *testing.T) {
	w := newTwin(t, seeded(t), 1, shortNames(2000))
	c := newCheckpoints(w)
	for _, key := range w.names {
		w.set(w.ks.DB(0), w.model[0], key)
	}
	for steps := range 4 {
		c.advance()
		for range steps {
			c.advance()
		}
		c.abort()
		for c.phase != idle {
			c.advance()
		}
		for range 100 {
			c.change()
		}
		c.compare()
	}
	c.checkpoint()
	c.verify()
}

func TestMisusesOfAFreezePanic(t *testing.T) {
	nothing := func(Frozen) {}
	for name, misuse := range map[string]func(*Keyspace){
		"a freeze within a freeze":           func(ks *Keyspace) { ks.Freeze(nothing); ks.Freeze(nothing) },
		"a freeze before the sweep is done":  func(ks *Keyspace) { ks.Freeze(nothing).Abort()(); ks.Freeze(nothing) },
		"a commit before the last step":      func(ks *Keyspace) { ks.Freeze(nothing).Commit() },
		"an abort without a sweep, then one": func(ks *Keyspace) { ks.Freeze(nothing).Abort(); ks.Freeze(nothing) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if said := fmt.Sprint(recover()); !strings.HasPrefix(said, "BUG: ") {
					t.Fatalf("it went through, or says %q", said)
				}
			}()
			misuse(New(2, toyTypes()))
		})
	}
}

// handedOut takes a checkpoint into the base, and tells what it consisted of.
func (c *checkpoints) handedOut() (told []string) {
	c.Helper()
	c.checkpoint()
	for _, a := range c.taken {
		switch {
		case a.deleted:
			told = append(told, a.key+" deleted")
		case a.partly:
			told = append(told, fmt.Sprintf("%s in part: %d put, %d dropped", a.key, len(a.record.parts), len(a.dropped)))
		case a.record.parts != nil:
			told = append(told, fmt.Sprintf("%s in %d parts", a.key, len(a.record.parts)))
		default:
			told = append(told, a.key)
		}
	}
	slices.Sort(told)
	return told
}

// hands checks what the next checkpoint consists of.
func (c *checkpoints) hands(want ...string) {
	c.Helper()
	if told := c.handedOut(); !slices.Equal(told, want) {
		c.Fatalf("the base was told %q, not %q", told, want)
	}
	c.compare()
}

func TestATombTellsTheBaseOnce(t *testing.T) {
	c := newCheckpoints(newTwin(t, seeded(t), 1, [][]byte{[]byte("k")}))
	db, m, key := c.ks.DB(0), c.model[0], c.names[0]
	c.set(db, m, key)
	c.hands("k")
	c.delete(db, m, key)
	if _, ok := db.Peek(key); ok || db.Len() != 0 || db.Deadlines() != 0 || db.table.used != 1 {
		t.Fatalf("after Delete: there %v, %d keys, %d deadlines, %d slots", ok, db.Len(), db.Deadlines(), db.table.used)
	}
	c.hands("k deleted")
	if db.table.used != 0 {
		t.Fatalf("%d slots are left", db.table.used)
	}
	c.hands()
	c.set(db, m, key)
	c.delete(db, m, key)
	c.hands() // the base never had it
	if db.table.used != 0 {
		t.Fatalf("%d slots are left", db.table.used)
	}
}

// A key that was handed out, and that the base did not take, is handed out again; deleted meanwhile, as a tomb, for
// nobody knows any more whether the base has it. What the base had before is left alone.
func TestAfterAnAbortAllIsToldAgain(t *testing.T) {
	c := newCheckpoints(newTwin(t, seeded(t), 1, shortNames(3)))
	c.put("clean", 640)
	c.hands("clean in 10 parts")
	for _, key := range c.names {
		c.set(c.ks.DB(0), c.model[0], key)
	}
	for c.advance(); c.phase == walking; c.advance() {
	}
	c.delete(c.ks.DB(0), c.model[0], c.names[0])
	c.abort()
	for c.phase != idle {
		c.delete(c.ks.DB(0), c.model[0], c.names[1])
		c.compare()
		c.advance()
	}
	c.hands("key:0 deleted", "key:1 deleted", "key:2")
	c.hands()
}

// put makes a key hold a toy of n bytes.
func (w *twin) put(key string, n int) {
	text := bytes.Repeat([]byte{'a'}, n)
	w.ks.DB(0).SetValue([]byte(key), toyKind, &toy{b: text}, expiry.None)
	w.model[0][key] = thing{kind: toyKind, text: string(text)}
}

// resize makes a toy longer or shorter, in place.
func (w *twin) resize(key string, n int) {
	v, _ := w.ks.DB(0).Edit([]byte(key))
	value := v.(*toy)
	value.b = append(value.b, make([]byte, n)...)[:n]
	w.ks.Settle()
	t := w.model[0][key]
	t.text = string(value.b)
	w.model[0][key] = t
}

// anew makes a toy of n bytes, in place, of one that knew its parts in the base.
func (w *twin) anew(key string, n int) {
	v, _ := w.ks.DB(0).Edit([]byte(key))
	v.(*toy).stored = nil
	w.ks.DB(0).Edit([]byte(key)) // a command may ask twice
	w.resize(key, n)
}

// What lies in parts is handed out in part where the base has the rest, and only there.
func TestWhatIsHandedOutInPart(t *testing.T) {
	c := newCheckpoints(newTwin(t, seeded(t), 1, [][]byte{[]byte("k"), []byte("l")}))
	db, m := c.ks.DB(0), c.model[0]
	c.put("k", 640)
	c.hands("k in 10 parts")
	c.hands()
	c.resize("k", 641)
	c.hands("k in part: 1 put, 0 dropped")
	c.resize("k", 500)
	c.hands("k in part: 1 put, 3 dropped")

	deadline := func(at int64) {
		db.SetDeadline([]byte("k"), at)
		was := m["k"]
		was.deadline = at
		m["k"] = was
	}
	deadline(5000)
	c.hands("k in part: 0 put, 0 dropped")
	deadline(6000)
	c.hands("k in part: 0 put, 0 dropped")
	deadline(expiry.None)
	c.hands("k in part: 0 put, 0 dropped")

	c.resize("k", 100) // too small for parts
	c.hands("k")
	c.resize("k", 640)
	c.hands("k in 10 parts")
	c.anew("k", 280) // too small for parts, and too large for its block
	c.resize("k", 500)
	c.hands("k in 8 parts")
	c.put("k", 641) // another value
	c.hands("k in 11 parts")
	db.Rename([]byte("k"), []byte("l"))
	m["l"] = m["k"]
	delete(m, "k")
	c.hands("k deleted", "l in 11 parts")

	c.resize("l", 642)
	c.advance()
	c.advance() // handed out, and noted by the toy as stored
	c.abort()
	for c.phase != idle {
		c.advance()
	}
	c.hands("l in 11 parts")
	if !db.Spill([]byte("l")) {
		t.Fatal("a clean key does not go cold")
	}
	c.resize("l", 643)
	c.hands("l in part: 1 put, 0 dropped")
}

// A value may take less room when it has been read than it took when it was written, and be too small for the parts that it
// came from: then it is handed out whole, and all of it again when it has grown.
func TestAValueReadFromPartsThatIsTooSmallForThem(t *testing.T) {
	c := newCheckpoints(newTwin(t, seeded(t), 1, [][]byte{[]byte("k")}))
	db, m, key := c.ks.DB(0), c.model[0], c.names[0]
	c.put("k", 640)
	c.hands("k in 10 parts")
	db.Spill(key)
	short := strings.Repeat("s", toyPartedAbove)
	c.base.racks[db.store].records["k"] = record{kind: toyKind, parts: map[uint64]string{0: short}}
	m["k"] = thing{kind: toyKind, text: short, deadline: 5000}
	db.SetDeadline(key, 5000)
	c.hands("k")
	c.resize("k", 640)
	c.hands("k in 10 parts")
}

func TestRestoredStoresAreNeverShared(t *testing.T) {
	w := newTwin(t, seeded(t), 4, shortNames(1))
	c := newCheckpoints(w)
	w.ks.Swap(0, 3) // database 3 goes by store 1, and is the only one with keys
	w.set(w.ks.DB(3), w.model[3], w.names[0])
	c.checkpoint()
	if dbs := w.base.dbs; len(dbs) != 1 || dbs[0].Index != 3 || dbs[0].Store != 1 || dbs[0].Keys != 1 {
		t.Fatalf("the base has %+v", dbs)
	}
	started := New(4, toyTypes())
	started.SetCold(w.base)
	started.Restore(3, 1, 1, 0)
	started.Restore(1, 5, 0, 0) // as the number that database 0 was given in place of 1
	seen := map[uint32]int{}
	for i := range started.Databases() {
		store := started.DB(i).Store()
		if other, ok := seen[store]; ok {
			t.Fatalf("databases %d and %d both go by store %d", other, i, store)
		}
		seen[store] = i
	}
	if seen[1] != 3 || seen[5] != 1 {
		t.Fatalf("stores by number: %v", seen)
	}
	if e, ok := started.DB(3).Get(w.names[0]); !ok || started.ColdKeys() != 0 {
		t.Fatalf("the key is there: %v %q", ok, e.Key())
	}
	for _, i := range []int{0, 1, 2} {
		if started.DB(i).Len() != 0 {
			t.Fatalf("database %d has %d keys", i, started.DB(i).Len())
		}
	}
}

// A step ends behind the value with which it has given enough: one with 150 values of 64 KB would hold the lock for 40 ms.
func TestAStepGivesFewLongValues(t *testing.T) {
	const keys, length = 300, 40 << 10
	ks := New(1, toyTypes())
	for i := range keys {
		ks.DB(0).SetString(fmt.Appendf(nil, "key:%d", i), make([]byte, length), expiry.None)
	}
	handed, all := 0, 0
	f := ks.Freeze(func(f Frozen) { handed += len(f.Text) })
	for more := true; more; {
		handed = 0
		more = f.Step()
		if handed > pieceBytes+length {
			t.Fatalf("a step gave %d bytes", handed)
		}
		all += handed
	}
	if all != keys*length {
		t.Errorf("%d bytes in all", all)
	}
	for sweep := f.Commit(); sweep(); {
	}
}
