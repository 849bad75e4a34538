package kv

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"testing"
	"weak"

	"holdfast/expiry"
)

// A database that is flushed is garbage at once, whatever was done to it last.
func TestAFlushedDatabaseIsGarbage(t *testing.T) {
	ks, key := New(1, toyTypes()), []byte("key")
	ks.DB(0).SetValue(key, toyKind, &toy{b: bytes.Repeat([]byte{1}, toyPackedMax+1)}, expiry.None)
	if _, ok := ks.DB(0).Edit(key); !ok {
		t.Fatal("the value is not there")
	}
	ks.Settle()
	old := weak.Make(ks.DB(0))
	ks.Flush(0)
	runtime.GC()
	if old.Value() != nil {
		t.Error("something holds it")
	}
	runtime.KeepAlive(ks)
}

// The keys that come behind FLUSHALL find pages there, but for one in whose midst a checkpoint reads them.
func TestSomePagesStayWhenADatabaseIsFlushed(t *testing.T) {
	const pages = 4 * idleShare
	value := bytes.Repeat([]byte{1}, 900)
	fill := func(ks *Keyspace) {
		for i := 0; ks.DB(0).arena.bytes < pages*pageBytes; i++ {
			ks.DB(0).SetString(binary.AppendUvarint(nil, uint64(i)), value, expiry.None)
		}
	}
	ks := New(1, toyTypes())
	fill(ks)
	ks.Flush(0)
	if a := &ks.DB(0).arena; len(a.idle) != pages/idleShare || a.bytes != int64(len(a.idle)*pageBytes) {
		t.Errorf("%d pages stay, %d bytes, of %d", len(a.idle), a.bytes, pages)
	}
	fill(ks)
	if got, ok := ks.DB(0).Get(binary.AppendUvarint(nil, 1)); !ok || !bytes.Equal(got.Text(), value) {
		t.Errorf("key 1 in a page that stayed: %q, there: %v", got.Text(), ok)
	}
	f := ks.Freeze(func(Frozen) {})
	defer f.Abort()
	ks.Flush(0)
	if n := len(ks.DB(0).arena.idle); n != 0 {
		t.Errorf("%d pages stay that a checkpoint is reading", n)
	}
}
