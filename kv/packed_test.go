package kv

import (
	"bytes"
	"testing"

	"holdfast/expiry"
)

// small sets a key to a toy of n bytes, and returns the database.
func small(t *testing.T, n int) (ks *Keyspace, db *DB, key []byte) {
	t.Helper()
	ks = New(1, toyTypes())
	db, key = ks.DB(0), []byte("k")
	db.SetValue(key, toyKind, &toy{b: bytes.Repeat([]byte{1}, n)}, expiry.None)
	check(t, ks)
	return ks, db, key
}

func TestASmallCollectionLiesInItsBlock(t *testing.T) {
	ks, db, key := small(t, 100)
	if n := ks.DataBytes(); n != int64(blockSize(offBody+1+100)) {
		t.Fatalf("a key of 1 byte and a collection of 100 take %d", n)
	}
	v, _ := db.Edit(key)
	v.(*toy).b = append(v.(*toy).b, 7)
	ks.Settle()
	check(t, ks)
	if n := ks.DataBytes(); n != int64(blockSize(offBody+1+101)) {
		t.Fatalf("a key of 1 byte and a collection of 101 take %d", n)
	}
	if e, _ := db.Peek(key); e.Value().Len() != 101 {
		t.Fatalf("%d bytes after one was added to 100", e.Value().Len())
	}
}

func TestACollectionLeavesItsBlockAndComesBack(t *testing.T) {
	ks, db, key := small(t, 100)
	for _, n := range []int{toyPackedMax + 1, 2000, 10} {
		v, _ := db.Edit(key)
		v.(*toy).b = bytes.Repeat([]byte{1}, n)
		ks.Settle()
		check(t, ks)
		e, _ := db.Peek(key)
		if e.Value().Len() != n || e.b.pools() != (n > toyPackedMax) {
			t.Fatalf("%d bytes were to be there: %d are, in the pool: %v", n, e.Value().Len(), e.b.pools())
		}
	}
	if n := ks.DataBytes(); n != int64(blockSize(offBody+1+10)) {
		t.Fatalf("a key of 1 byte and a collection of 10 take %d", n)
	}
}

// Whoever asks for a collection while it is being changed sees the change; who asked before sees it as it was.
func TestAnEditShowsBeforeItIsSettled(t *testing.T) {
	ks, db, key := small(t, 100)
	e, _ := db.Peek(key)
	before := e.Value().(*toy)
	v, _ := db.Edit(key)
	v.(*toy).b[0] = 9
	again, _ := db.Edit(key)
	e, _ = db.Peek(key)
	if again != v || e.Value() != v {
		t.Fatal("an edit that was begun is not what others get")
	}
	if before.b[0] != 1 {
		t.Fatal("a collection that was handed out to be read changes with an edit")
	}
	ks.Settle()
	check(t, ks)
}

// brick is a collection that is packed whatever its size.
type brick struct{ b []byte }

const brickKind Kind = 10

func (v *brick) Len() int                       { return len(v.b) }
func (v *brick) Bytes() int64                   { return int64(cap(v.b)) }
func (v *brick) AppendBinary(dst []byte) []byte { return append(dst, v.b...) }
func (v *brick) PackedSize() int                { return len(v.b) }
func (v *brick) AppendPacked(dst []byte) []byte { return append(dst, v.b...) }

// Around the largest block, a byte more or less, a deadline's 8, and a change of name decide where a collection lies.
func TestCollectionsAroundTheLargestBlock(t *testing.T) {
	for n := maxBlock - 40; n < maxBlock+10; n++ {
		ks := New(1, NewTypes(Type{Kind: brickKind, Unpack: func(b []byte) Value { return &brick{b} }}))
		db, key, longer := ks.DB(0), []byte("k"), []byte("another name")
		want := bytes.Repeat([]byte{3}, n)
		look := func(key []byte, at int64) {
			t.Helper()
			check(t, ks)
			e, ok := db.Peek(key)
			if !ok || e.Deadline() != at || !bytes.Equal(e.Value().(*brick).b, want) {
				t.Fatalf("a collection of %d bytes is gone, or its deadline is", n)
			}
		}
		db.SetValue(key, brickKind, &brick{bytes.Clone(want)}, expiry.None)
		look(key, expiry.None)
		db.SetDeadline(key, 5)
		look(key, 5)
		db.Rename(key, longer)
		look(longer, 5)
		v, _ := db.Edit(longer)
		want = append(want, 9)
		v.(*brick).b = append(v.(*brick).b, 9)
		ks.Settle()
		look(longer, 5)
		db.SetDeadline(longer, expiry.None)
		look(longer, expiry.None)
		db.Edit(longer)
		ks.Settle()
		look(longer, expiry.None)
		db.Delete(longer)
		check(t, ks)
	}
}

// BenchmarkEditOfASmallCollection is what opening a collection and packing it again costs.
func BenchmarkEditOfASmallCollection(b *testing.B) {
	ks := New(1, toyTypes())
	db, key := ks.DB(0), []byte("key:000000000001")
	db.SetValue(key, toyKind, &toy{b: make([]byte, 100)}, expiry.None)
	b.ReportAllocs()
	for b.Loop() {
		v, _ := db.Edit(key)
		v.(*toy).b[7]++
		ks.Settle()
	}
}

// A collection that is gone before it is settled may have left its number to another, of which Settle must not take it for
// the owner; those that are left are settled.
func TestACollectionIsDeletedBeforeItIsSettled(t *testing.T) {
	ks := New(2, toyTypes())
	a, b := ks.DB(0), ks.DB(1)
	names := [][]byte{[]byte("k"), []byte("l")}
	for _, db := range []*DB{a, b} {
		for _, key := range names {
			db.SetValue(key, toyKind, &toy{b: make([]byte, 8)}, expiry.None)
		}
	}
	for _, db := range []*DB{a, b} { // where they get the same numbers
		for _, key := range names {
			v, _ := db.Edit(key)
			v.(*toy).b = make([]byte, 16)
		}
	}
	a.Delete(names[0])
	a.SetValue([]byte("large"), toyKind, &toy{b: make([]byte, 2000)}, expiry.None)
	ks.Settle()
	check(t, ks) // that what is small is packed, too
	if e, ok := a.Peek([]byte("large")); !ok || e.Value().Len() != 2000 {
		t.Error("what got the number is gone")
	}
}
