package kv

import (
	"encoding/binary"
	"hash/maphash"
	"math/rand/v2"
	"testing"

	"holdfast/expiry"
)

// nameOf is the i-th of many keys.
func nameOf(i int) []byte { return binary.BigEndian.AppendUint64([]byte("key:"), uint64(i)) }

func fill(db *DB, from, to int) {
	for i := from; i < to; i++ {
		db.SetString(nameOf(i), nil, expiry.None)
	}
}

// A table that was grown for the keys that are coming is as large as one that grew with them, and splits hardly any more.
func TestGrownAhead(t *testing.T) {
	for _, keys := range []int{1, 168, 169, 3000, 100_000} {
		plain, told := New(1, toyTypes()), New(1, NewTypes())
		fill(told.DB(0), 0, keys/100)
		for cursor := told.DB(0).table.grow(0, keys); cursor != 0; cursor = told.DB(0).table.grow(cursor, keys) {
		}
		check(t, told)
		before := told.DB(0).table.segs
		fill(plain.DB(0), 0, keys)
		fill(told.DB(0), keys/100, keys)
		check(t, told)
		a, b := told.DB(0).table.segs, plain.DB(0).table.segs
		if a > before+before/50 || a > max(2*b, 1) {
			t.Errorf("%d keys: %d segments beforehand, %d in the end, and %d without being told", keys, before, a, b)
		}
	}
}

func TestGrowthAndShrinking(t *testing.T) {
	const keys = 300_000
	ks := New(1, toyTypes())
	db := ks.DB(0)
	for _, size := range []int{1000, 40_000, keys} {
		fill(db, db.Len(), size)
		check(t, ks)
	}
	if full := float64(keys) / float64(db.table.segs*segmentSlots); full < 0.5 {
		t.Fatalf("the table is %.0f%% full", 100*full)
	}
	for i := keys - 1; i >= 0; i-- {
		if !db.Delete(nameOf(i)) {
			t.Fatalf("key %d is gone", i)
		}
		if i == 40_000 || i == 1000 || i == 1 {
			check(t, ks)
		}
	}
	check(t, ks)
	if db.Len() != 0 || db.table.segs != 1 || len(db.table.dir) > 4 || db.arena.bytes > pageBytes {
		t.Fatalf("left of %d keys: %d keys, %d segments, %d entries in the directory, %d bytes",
			keys, db.Len(), db.table.segs, len(db.table.dir), db.arena.bytes)
	}
}

// scanAll scans to the end, with a change of the database after each step, and counts how often it saw each key.
func scanAll(t *testing.T, db *DB, between func()) map[string]int {
	t.Helper()
	seen := map[string]int{}
	for cursor, steps := uint64(0), 0; ; steps++ {
		if cursor = db.Scan(cursor, func(e Entry) { seen[string(e.Key())]++ }); cursor == 0 {
			return seen
		}
		if cursor >= 1<<50 {
			t.Fatalf("cursor %#x has more than 50 bits", cursor)
		}
		if steps > 1_000_000 {
			t.Fatal("the scan does not end")
		}
		between()
	}
}

func TestScanWhileTheTableGrows(t *testing.T) {
	db := New(1, toyTypes()).DB(0)
	fill(db, 0, 1000)
	grow := func() { fill(db, db.Len(), min(db.Len()+20, 20_000)) }
	for key, n := range scanAll(t, db, grow) {
		if n != 1 {
			t.Fatalf("key %q was seen %d times", key, n)
		}
	}
	seen := scanAll(t, db, func() {})
	if len(seen) != db.Len() || len(seen) < 10_000 {
		t.Fatalf("%d of %d keys were seen", len(seen), db.Len())
	}
}

// Keys that are there throughout are seen, whatever comes and goes beside them.
func TestScanWhileKeysComeAndGo(t *testing.T) {
	d := seeded(t)
	for range 20 {
		db := New(1, toyTypes()).DB(0)
		const lasting = 300
		fill(db, 0, lasting)
		seen := scanAll(t, db, func() {
			if d.of(10) > 0 {
				return
			}
			from, n, coming := lasting+d.of(3000), d.of(3000), d.of(2) == 0
			for i := from; i < from+n; i++ {
				if coming {
					db.SetString(nameOf(i), nil, expiry.None)
				} else {
					db.Delete(nameOf(i))
				}
			}
		})
		for i := range lasting {
			if seen[string(nameOf(i))] == 0 {
				t.Fatalf("key %d was there throughout, and not seen", i)
			}
		}
	}
}

// A small database is scanned in about as many steps as it has keys, so that one SCAN covers it as in Redis.
func TestScanStepsOverNothing(t *testing.T) {
	db := New(1, toyTypes()).DB(0)
	for n := range 20 {
		steps := 0
		scanAll(t, db, func() { steps++ })
		if steps > n {
			t.Fatalf("%d keys take %d steps", n, steps+1)
		}
		fill(db, n, n+1)
	}
}

// A client may send any number.
func TestScanFromAnyCursor(t *testing.T) {
	d := seeded(t)
	db := New(1, toyTypes()).DB(0)
	fill(db, 0, 1000)
	for range 1000 {
		cursor := d.Uint64()
		for steps := 0; ; steps++ {
			next := db.Scan(cursor, func(Entry) {})
			if next == 0 {
				break
			}
			if next <= cursor&(cursorCold-1) || steps > 5000 {
				t.Fatalf("cursor %#x leads to %#x, in step %d", cursor, next, steps)
			}
			cursor = next
		}
	}
}

func TestEachStopsWhereToldTo(t *testing.T) {
	db := New(1, toyTypes()).DB(0)
	fill(db, 0, 1000)
	n := 0
	db.Each(func(Entry) bool { n++; return n < 300 })
	if n != 300 {
		t.Fatalf("it went on to %d keys", n)
	}
}

func TestRandomIsFair(t *testing.T) {
	d := seeded(t)
	db := New(1, toyTypes()).DB(0)
	const keys, draws = 500, 200_000
	fill(db, 0, keys)
	drawn := map[string]int{}
	for range draws {
		e, ok := db.Random(d.Rand)
		if !ok {
			t.Fatal("no key")
		}
		drawn[string(e.Key())]++
	}
	for i := range keys {
		if n := drawn[string(nameOf(i))]; n < 300 || n > 500 { // 400 are to be expected, give or take 20
			t.Fatalf("key %d was drawn %d times", i, n)
		}
	}
}

func TestRandomFindsTheOneKeyAmongTombs(t *testing.T) {
	db := New(1, toyTypes()).DB(0)
	rnd := rand.New(rand.NewPCG(1, 1))
	const tombs = 100_000
	fill(db, 0, tombs)
	finish(db.ks.Freeze(func(Frozen) {}))
	for i := range tombs {
		db.Delete(nameOf(i))
	}
	if _, ok := db.Random(rnd); ok || db.table.used != tombs {
		t.Fatalf("a key among %d tombs", db.table.used)
	}
	db.SetString([]byte("here"), nil, expiry.None)
	for range 10 {
		if e, ok := db.Random(rnd); !ok || string(e.Key()) != "here" {
			t.Fatalf("Random: %v", ok)
		}
	}
}

// The bits that a slot remembers may be those of several keys.
func TestPlaceTellsKeysOfOneTagApart(t *testing.T) {
	const hash = 1 << 63
	table := newTable(maphash.MakeSeed(), nil)
	for block := range uint16(3) {
		r := makeRef(1, block)
		same := func(other ref) bool { return other == r }
		seg, i, found := table.place(hash, same)
		if found {
			t.Fatalf("key %d is there before it came", block)
		}
		table.fill(seg, i, hash, clean, r)
		if seg, i, found = table.place(hash, same); !found || seg.slots[i].ref() != r {
			t.Errorf("key %d: there %v, at %d", block, found, i)
		}
	}
}
