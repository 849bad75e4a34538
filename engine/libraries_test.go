package engine_test

import (
	"bytes"
	"strings"
	"testing"
)

// A library that once was loaded is there after a restart with a lower limit for strings: from the log, where it was loaded
// or restored, and from the base.
func TestALibraryIsKeptUnderALowerLimit(t *testing.T) {
	code := "#!lua name=lib\n--" + strings.Repeat("x", 2<<20) + "\nredis.register_function('f', function() return 1 end)"
	r := open(t, setup{})
	if reply, _ := r.run(r.user, append(words("FUNCTION LOAD"), []byte(code))); string(reply) != "$3\r\nlib\r\n" {
		t.Fatalf("%.200q", reply)
	}
	dump, _ := r.run(r.user, words("FUNCTION DUMP"))
	dump = bytes.TrimSuffix(dump[bytes.IndexByte(dump, '\n')+1:], []byte("\r\n"))
	reply, gate := r.run(r.user, append(words("FUNCTION RESTORE"), dump, []byte("REPLACE")))
	if string(reply) != "+OK\r\n" || !r.commit(gate) {
		t.Fatalf("%.200q", reply)
	}
	r.mustClose(false)
	r = r.again("proto-max-bulk-len", "1mb")
	r.expect("FCALL f 0", ":1")
	if err := r.checkpoint(); err != nil {
		t.Fatal(err)
	}
	r.mustClose(true)
	r.again().expect("FCALL f 0", ":1")
}
