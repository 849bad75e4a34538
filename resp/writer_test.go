package resp

import (
	"bufio"
	"errors"
	"math"
	"strings"
	"testing"
)

// What each call writes, in both versions. Where Redis has the same reply (DEBUG PROTOCOL, ZSCORE, null replies)
// the bytes are those of redis-server 7.0.15.
func TestWriterTypes(t *testing.T) {
	for _, tc := range []struct {
		name         string
		write        func(w *Writer)
		resp2, resp3 string
	}{
		{"OK", func(w *Writer) { w.OK() }, "+OK\r\n", "+OK\r\n"},
		{"status", func(w *Writer) { w.Status("QUEUED") }, "+QUEUED\r\n", "+QUEUED\r\n"},
		{"status of two lines", func(w *Writer) { w.Status("a\r\nb") }, "+a  b\r\n", "+a  b\r\n"},
		{"error", func(w *Writer) { w.Error(ErrSyntax) }, "-ERR syntax error\r\n", "-ERR syntax error\r\n"},
		{"error of two lines", func(w *Writer) { w.Error("ERR a\r\nb") }, "-ERR a  b\r\n", "-ERR a  b\r\n"},
		{"error value", func(w *Writer) { w.Err(Error(ErrNoScript)) }, "-" + ErrNoScript + "\r\n", "-" + ErrNoScript + "\r\n"},
		{"int", func(w *Writer) { w.Int(12345) }, ":12345\r\n", ":12345\r\n"},
		{"lowest int", func(w *Writer) { w.Int(math.MinInt64) }, ":-9223372036854775808\r\n", ":-9223372036854775808\r\n"},
		{"bulk", func(w *Writer) { w.Bulk([]byte("a\r\nb")) }, "$4\r\na\r\nb\r\n", "$4\r\na\r\nb\r\n"},
		{"nil bulk", func(w *Writer) { w.Bulk(nil) }, "$0\r\n\r\n", "$0\r\n\r\n"},
		{"bulk string", func(w *Writer) { w.BulkString("Hello World") }, "$11\r\nHello World\r\n", "$11\r\nHello World\r\n"},
		{"bulk int", func(w *Writer) { w.BulkInt(math.MinInt64) }, "$20\r\n-9223372036854775808\r\n", "$20\r\n-9223372036854775808\r\n"},
		{"null", func(w *Writer) { w.Null() }, "$-1\r\n", "_\r\n"},
		{"null array", func(w *Writer) { w.NullArray() }, "*-1\r\n", "_\r\n"},
		{"array", func(w *Writer) { w.Array(3) }, "*3\r\n", "*3\r\n"},
		{"map", func(w *Writer) { w.Map(7) }, "*14\r\n", "%7\r\n"},
		{"set", func(w *Writer) { w.Set(3) }, "*3\r\n", "~3\r\n"},
		{"push", func(w *Writer) { w.Push(2) }, "*2\r\n", ">2\r\n"},
		{"double", func(w *Writer) { w.Double(3.141) }, "$5\r\n3.141\r\n", ",3.141\r\n"},
		{"true", func(w *Writer) { w.Bool(true) }, ":1\r\n", "#t\r\n"},
		{"false", func(w *Writer) { w.Bool(false) }, ":0\r\n", "#f\r\n"},
		{"big number", func(w *Writer) { w.BigNumber("1234567999999999999999999999999999999") },
			"$37\r\n1234567999999999999999999999999999999\r\n", "(1234567999999999999999999999999999999\r\n"},
		{"verbatim", func(w *Writer) { w.Verbatim("txt", "This is a verbatim\nstring") },
			"$25\r\nThis is a verbatim\nstring\r\n", "=29\r\ntxt:This is a verbatim\nstring\r\n"},
		{"raw", func(w *Writer) { w.Raw([]byte("+PONG\r\n")) }, "+PONG\r\n", "+PONG\r\n"},
	} {
		var w Writer
		tc.write(&w)
		if got := string(w.Bytes()); got != tc.resp2 {
			t.Errorf("%s in RESP2: %q, want %q", tc.name, got, tc.resp2)
		}
		w.Reset()
		w.SetProto(3)
		tc.write(&w)
		if got := string(w.Bytes()); got != tc.resp3 {
			t.Errorf("%s in RESP3: %q, want %q", tc.name, got, tc.resp3)
		}
	}
}

// ZADD with the first, then ZSCORE, on redis-server 7.0.15.
func TestAppendDouble(t *testing.T) {
	for _, tc := range []struct {
		f    float64
		want string
	}{
		{0, "0"}, {1, "1"}, {-1, "-1"}, {100, "100"}, {2.5, "2.5"},
		{0.1, "0.10000000000000001"},
		{3.3333333333333335, "3.3333333333333335"},
		{12345678.9, "12345678.9"},
		{1e15, "1000000000000000"},
		{1e16, "10000000000000000"},
		{1e17, "1e+17"},
		{99999999999999999, "1e+17"},
		{123456789012345678, "1.2345678901234568e+17"},
		{1e100, "1e+100"},
		{1e300, "1.0000000000000001e+300"},
		{1e-4, "0.0001"},
		{0.00012345, "0.00012344999999999999"},
		{1e-5, "1.0000000000000001e-05"},
		{5e-324, "4.9406564584124654e-324"},
		{math.MaxFloat64, "1.7976931348623157e+308"},
		{math.Inf(1), "inf"}, {math.Inf(-1), "-inf"}, {math.NaN(), "nan"},
	} {
		if got := string(AppendDouble(nil, tc.f)); got != tc.want {
			t.Errorf("%v: %s, want %s", tc.f, got, tc.want)
		}
	}
}

func TestWriterProto(t *testing.T) {
	var w Writer
	if w.Proto() != 2 {
		t.Errorf("a new Writer speaks %d, want 2", w.Proto())
	}
	w.SetProto(3)
	w.Reset()
	if w.Proto() != 3 {
		t.Errorf("after Reset %d, want 3 as before", w.Proto())
	}
	w.Attribute(1)
	if got := string(w.Bytes()); got != "|1\r\n" {
		t.Errorf("attribute: %q", got)
	}
	mustPanic(t, "version 4", func() { w.SetProto(4) })
	mustPanic(t, "a verbatim format of four bytes", func() { w.Verbatim("text", "") })
	w.SetProto(2)
	mustPanic(t, "an attribute in RESP2", func() { w.Attribute(1) })
}

func TestWriterBuffer(t *testing.T) {
	var w Writer
	w.OK()
	before := w.Len()
	w.Array(2)
	w.Int(1)
	w.Truncate(before)
	w.Error(ErrWrongType)
	if got, want := string(w.Bytes()), "+OK\r\n-"+ErrWrongType+"\r\n"; got != want {
		t.Errorf("after Truncate: %q, want %q", got, want)
	}
	kept := cap(w.Bytes())
	w.Reset()
	if w.Len() != 0 || cap(w.Bytes()) != kept {
		t.Errorf("after Reset: %d bytes, capacity %d, want 0 and %d", w.Len(), cap(w.Bytes()), kept)
	}
	w.Bulk(make([]byte, bufferKept))
	w.Reset()
	if cap(w.Bytes()) > bufferKept {
		t.Errorf("Reset kept a buffer of %d bytes", cap(w.Bytes()))
	}
	w.OK()
	taken := w.Take()
	w.Error(ErrSyntax)
	if string(taken) != "+OK\r\n" {
		t.Errorf("the buffer that was taken now holds %q", taken)
	}
}

// Strings beyond the limit are left empty, and it is told.
func TestWriterLimit(t *testing.T) {
	var w Writer
	w.Limit(20)
	w.BulkString("0123456789")
	if w.Over() {
		t.Error("over the limit after one string")
	}
	w.Bulk([]byte("0123456789"))
	w.Raw([]byte("+too much\r\n"))
	if want := "$10\r\n0123456789\r\n$0\r\n\r\n"; !w.Over() || string(w.Bytes()) != want {
		t.Errorf("%v %q, want %q", w.Over(), w.Bytes(), want)
	}
	if w.Truncate(18); !w.Over() {
		t.Error("not over the limit, though what was has not been taken back")
	}
	if w.Truncate(17); w.Over() {
		t.Error("over the limit after what was has been taken back")
	}
	var outer Writer
	outer.Limit(100)
	outer.OK()
	w.BulkString("0123456789")
	if outer.Append(&w); !outer.Over() || outer.Len() != 5+17+6 {
		t.Errorf("%v %q after one that is over its limit was appended", outer.Over(), outer.Bytes())
	}
	if outer.Truncate(5); outer.Over() {
		t.Error("over the limit after what was appended has been taken back")
	}
	if w.Reset(); w.Over() {
		t.Error("over the limit after Reset")
	}
}

// A length given later leaves the same bytes as one given first, at every number of digits and nested.
func TestWriterLater(t *testing.T) {
	for _, version := range []int{2, 3} {
		for _, n := range []int{0, 1, 9, 10, 99, 100, 12345} {
			var now, later Writer
			now.SetProto(version)
			later.SetProto(version)
			now.OK()
			later.OK()

			now.Array(3)
			now.Map(n)
			outer := later.ArrayLater()
			pairs := later.MapLater()
			for range n {
				for _, w := range []*Writer{&now, &later} {
					w.BulkString("key")
					w.Int(7)
				}
			}
			later.MapEnd(pairs, n)
			now.Set(n)
			members := later.SetLater()
			for range n {
				now.Int(1)
				later.Int(1)
			}
			later.SetEnd(members, n)
			now.Array(0)
			later.ArrayEnd(later.ArrayLater(), 0)
			later.ArrayEnd(outer, 3)

			if string(now.Bytes()) != string(later.Bytes()) {
				t.Errorf("RESP%d, %d elements: %.60q, want %.60q", version, n, later.Bytes(), now.Bytes())
			}
		}
	}
}

// What a Writer writes, a Decoder reads, and nothing is left over.
func TestWriterIsDecodable(t *testing.T) {
	for _, version := range []int{2, 3} {
		var w Writer
		w.SetProto(version)
		w.Map(1)
		w.Verbatim("txt", "key")
		w.Array(5)
		w.Null()
		w.NullArray()
		w.Bool(true)
		w.Double(math.Inf(-1))
		w.Set(1)
		w.BigNumber("-12")
		in := bufio.NewReader(strings.NewReader(string(w.Bytes())))
		d := NewDecoder(in)
		if _, err := d.Decode(); err != nil {
			t.Errorf("RESP%d: %v in %q", version, err, w.Bytes())
		}
		if d.Buffered() != 0 {
			t.Errorf("RESP%d: %d bytes left of %q", version, d.Buffered(), w.Bytes())
		}
	}
}

func TestErrorValues(t *testing.T) {
	var err error = Error(ErrSyntax)
	if !errors.Is(err, Error(ErrSyntax)) || errors.Is(err, Error(ErrOOM)) {
		t.Error("errors.Is does not compare the texts")
	}
}

func TestWriterAllocatesNothing(t *testing.T) {
	var w Writer
	value := []byte("value")
	allocs := testing.AllocsPerRun(100, func() { everyType(&w, value) })
	if allocs != 0 {
		t.Errorf("%v allocations for one of each type, want 0", allocs)
	}
}

func everyType(w *Writer, value []byte) {
	for _, version := range []int{2, 3} {
		w.Reset()
		w.SetProto(version)
		w.OK()
		w.Status("QUEUED")
		w.Error(ErrWrongType)
		w.Int(1 << 40)
		w.Bulk(value)
		w.BulkString("value")
		w.BulkInt(-1 << 40)
		w.Null()
		w.NullArray()
		m := w.MapLater()
		for range 10 {
			w.Double(0.1)
			w.Bool(true)
		}
		w.MapEnd(m, 10)
		w.BigNumber("123")
		w.Verbatim("txt", "text")
	}
}

func mustPanic(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		if text, _ := recover().(string); !strings.HasPrefix(text, "BUG: ") {
			t.Errorf("%s: panicked with %q, want a BUG", what, text)
		}
	}()
	f()
}

func BenchmarkWriterBulk(b *testing.B) {
	var w Writer
	value := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		w.Reset()
		w.Bulk(value)
	}
}

func BenchmarkWriterEveryType(b *testing.B) {
	var w Writer
	value := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		everyType(&w, value)
	}
}
