package kv

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"holdfast/expiry"
)

const million = 1_000_000

// name16 is the i-th key of 16 bytes, made in place: b is 16 bytes.
func name16(b []byte, i int) []byte {
	for at := 15; at >= 4; at-- {
		b[at] = '0' + byte(i%10)
		i /= 10
	}
	return b
}

func filled(n int) (db *DB, key []byte) {
	db, key = New(1, toyTypes()).DB(0), []byte("key:000000000000")
	value := bytes.Repeat([]byte("v"), 64)
	for i := range n {
		db.SetString(name16(key, i), value, expiry.None)
	}
	return db, key
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A key of 16 bytes with a value of 64 takes less than 130 bytes all told (Redis 7.0: 183), and Bytes says what it takes.
func TestBytesPerKey(t *testing.T) {
	before := heap()
	db, _ := filled(million)
	held := heap() - before
	t.Logf("%.1f bytes a key; Bytes says %.1f; the data is 80", float64(held)/million, float64(db.Bytes())/million)
	if held > 130*million {
		t.Errorf("%.1f bytes a key", float64(held)/million)
	}
	if said := db.Bytes(); held < said*97/100 || held > said*103/100 {
		t.Errorf("%d bytes are held; Bytes says %d", held, said)
	}
}

// Bytes is honest about pooled strings, collections and deadlines, too.
func TestBytesOfOtherKinds(t *testing.T) {
	const n = 20_000
	for name, set := range map[string]func(db *DB, key []byte, i int){
		"long strings": func(db *DB, key []byte, _ int) { db.SetString(key, make([]byte, 4096), expiry.None) },
		"long keys":    func(db *DB, key []byte, _ int) { db.SetString(append(key, make([]byte, 2032)...), nil, expiry.None) },
		"collections":  func(db *DB, key []byte, _ int) { db.SetValue(key, toyKind, &toy{b: make([]byte, 512)}, expiry.None) },
		"deadlines":    func(db *DB, key []byte, i int) { db.SetString(key, nil, int64(1+i*7919%n)) },
	} {
		before := heap()
		db := New(1, toyTypes()).DB(0)
		for i := range n {
			set(db, name16(make([]byte, 16), i), i)
		}
		held := heap() - before
		if said := db.Bytes(); held < said*9/10 || held > said*11/10 {
			t.Errorf("%s: %d bytes are held; Bytes says %d", name, held, said)
		}
	}
}

// What a server does most does not allocate.
func TestNothingAllocates(t *testing.T) {
	db, key := filled(1000)
	text, counter, due, tomb := []byte("long"), []byte("counter"), []byte("due:7"), []byte("tomb")
	long, short, small := make([]byte, 5000), make([]byte, 64), New(1, toyTypes()).DB(0)
	db.SetString(text, long, expiry.None)
	for i := range 100 {
		db.SetString(fmt.Appendf(nil, "due:%d", i), short, int64(10+i))
	}
	db.SetString(counter, []byte("10"), expiry.None)
	half := halfCold(t)
	i := 0
	for name, run := range map[string]func(){
		"Get":                          func() { i++; db.Get(name16(key, i%2000)) },
		"Peek":                         func() { i++; db.Peek(name16(key, i%2000)) },
		"overwriting":                  func() { i++; db.SetString(name16(key, i%1000), short, expiry.None) },
		"overwriting a long string":    func() { db.SetString(text, long, expiry.None) },
		"overwriting with other sizes": func() { i++; db.SetString(name16(key, i%1000), short[:i%64], expiry.None) },
		"EditString":                   func() { db.EditString(counter, false) },
		"a deadline replaced":          func() { i++; db.SetDeadline(due, int64(1+i%200)) },
		"set and deleted, alone":       func() { small.SetString(key, short, expiry.None); small.Delete(key) },
		"a step of Scan":               func() { db.Scan(0, func(Entry) {}) },
		"Get beside cold keys":         func() { i++; half.Get(name16(key, i%500)) },
		"Get of a tomb":                func() { half.Get(tomb) },
	} {
		if n := testing.AllocsPerRun(1000, run); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// halfCold is a database with 500 hot keys, a tomb, and cold keys.
func halfCold(t testing.TB) *DB {
	db, key := filled(1000)
	db.SetString([]byte("tomb"), nil, expiry.None)
	shelf := newShelf(t)
	db.ks.SetCold(shelf)
	var taken []alteration
	f := db.ks.Freeze(func(f Frozen) { taken = append(taken, alterationOf(f)) })
	for f.Step() {
	}
	shelf.apply(f.DBs, taken)
	for sweep := f.Commit(); sweep(); {
	}
	for i := 500; i < 1000; i++ {
		db.Spill(name16(key, i))
	}
	if db.Delete([]byte("tomb")); db.ColdKeys() != 500 || db.Len() != 1000 {
		t.Fatalf("%d of %d keys are cold", db.ColdKeys(), db.Len())
	}
	return db
}

func BenchmarkGet(b *testing.B) {
	db, key := filled(million)
	for name, from := range map[string]int{"hit": 0, "miss": million} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, ok := db.Get(name16(key, from+i*7919%million)); ok != (from == 0) {
					b.Fatal("wrong")
				}
			}
		})
	}
}

func BenchmarkSetStringOverwrite(b *testing.B) {
	for _, size := range []int{64, 4096} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			n := million * 64 / size
			db, key := filled(n)
			value := make([]byte, size)
			for i := range n {
				db.SetString(name16(key, i), value, expiry.None)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				db.SetString(name16(key, i*7919%n), value, expiry.None)
			}
		})
	}
}

func BenchmarkSetStringNew(b *testing.B) {
	db, key := New(1, toyTypes()).DB(0), make([]byte, 16)
	value := make([]byte, 64)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		db.SetString(name16(key, i), value, expiry.None)
	}
}

func BenchmarkSetAndDeleteInASmallDatabase(b *testing.B) {
	db, key := New(1, toyTypes()).DB(0), make([]byte, 16)
	value := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		db.SetString(key, value, expiry.None)
		db.Delete(key)
	}
}

func BenchmarkDelete(b *testing.B) {
	db, key := filled(million)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i > 0 && i%million == 0 {
			b.StopTimer()
			db, key = filled(million)
			b.StartTimer()
		}
		db.Delete(name16(key, i%million))
	}
}

func BenchmarkScanStep(b *testing.B) {
	db, _ := filled(million)
	cursor, keys := uint64(0), 0
	b.ReportAllocs()
	for b.Loop() {
		cursor = db.Scan(cursor, func(Entry) { keys++ })
	}
	b.ReportMetric(float64(keys)/float64(b.N), "keys/op")
}

// One key in a hundred changed.
func BenchmarkFreezeStep(b *testing.B) {
	db, key := filled(million)
	keys, left := 0, false
	var f *Freeze
	b.ReportAllocs()
	for b.Loop() {
		if !left {
			b.StopTimer()
			if f != nil {
				finish(f)
			}
			for i := 0; i < million; i += 100 {
				db.SetString(name16(key, i), nil, expiry.None)
			}
			f = db.ks.Freeze(func(Frozen) { keys++ })
			b.StartTimer()
		}
		left = f.Step()
	}
	b.ReportMetric(float64(keys)/float64(b.N), "keys/op")
}

// finish steps to the end and commits.
func finish(f *Freeze) {
	for f.Step() {
	}
	for sweep := f.Commit(); sweep(); {
	}
}

// One slice of a sweep, of a checkpoint of everything.
func BenchmarkSweep(b *testing.B) {
	db, key := filled(million)
	var sweep func() bool
	b.ReportAllocs()
	for more := false; b.Loop(); {
		if !more {
			b.StopTimer()
			for i := range million {
				db.SetString(name16(key, i), nil, expiry.None)
			}
			f := db.ks.Freeze(func(Frozen) {})
			for f.Step() {
			}
			sweep = f.Commit()
			b.StartTimer()
		}
		more = sweep()
	}
}

// What a checkpoint of a million keys takes of the lock beside what it hands out, of which there is nothing here.
func BenchmarkFreezeOfCleanKeys(b *testing.B) {
	ks := New(1, &Types{})
	for i := range 1_000_000 {
		ks.DB(0).SetString(fmt.Appendf(nil, "key:%012d", i), make([]byte, 64), 0)
	}
	for b.Loop() {
		f := ks.Freeze(func(Frozen) {})
		for f.Step() {
		}
		for sweep := f.Commit(); sweep(); {
		}
	}
}

// Lookups of keys that are many more than the processor's caches hold, 16 at a time.
func BenchmarkPrefetch(b *testing.B) {
	const keys, batch = 1 << 20, 16
	db := New(1, toyTypes()).DB(0)
	names := make([][]byte, keys)
	for i := range names {
		names[i] = fmt.Appendf(nil, "key:%d", i)
		db.SetString(names[i], []byte("value"), expiry.None)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	rnd.Shuffle(keys, func(i, j int) { names[i], names[j] = names[j], names[i] })
	for name, prefetch := range map[string]bool{"without": false, "with": true} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i = (i + batch) % keys {
				wanted := names[i : i+batch]
				if prefetch {
					db.Prefetch(batch, func(i int) []byte { return wanted[i] })
				}
				for _, key := range wanted {
					if _, found := db.Get(key); !found {
						b.Fatal("a key is missing")
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/key")
		})
	}
}
