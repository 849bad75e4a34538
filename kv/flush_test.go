package kv

import (
	"bytes"
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
