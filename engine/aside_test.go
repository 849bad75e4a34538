package engine_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"holdfast/resp"
)

// Closing does not wait for another server that MIGRATE waits for, and its key stays.
func TestCloseEndsMigrate(t *testing.T) {
	deaf, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	_, port, err := net.SplitHostPort(deaf.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	r := open(t, setup{})
	r.expect("SET key value", "+OK")
	w := new(resp.Writer)
	if r.engine.Run(&r.user.Client, w, [][][]byte{words("MIGRATE 127.0.0.1 " + port + " key 0 600000")}); w.Len() > 0 {
		t.Fatalf("MIGRATE replied %s", w.Bytes())
	}
	conn, err := deaf.Accept() // it is under way
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	began := time.Now()
	r.mustClose(false)
	if took := time.Since(began); took > 30*time.Second {
		t.Error("closing took", took)
	}
	again := r.again()
	if got := again.do("GET key"); !strings.Contains(got, "value") {
		t.Errorf("the key holds %s", got)
	}
}
