package resp

import (
	"bytes"
	"errors"
	"io"
	"math"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

func TestDecode(t *testing.T) {
	one, two := Reply{Kind: ':', Int: 1}, Reply{Kind: ':', Int: 2}
	for _, tc := range []struct {
		wire string
		want Reply
	}{
		{"+OK\r\n", Reply{Kind: '+', Str: []byte("OK")}},
		{"+\r\n", Reply{Kind: '+', Str: []byte{}}},
		{"-ERR no\r\n", Reply{Kind: '-', Str: []byte("ERR no")}},
		{":-9223372036854775808\r\n", Reply{Kind: ':', Int: math.MinInt64}},
		{"$4\r\na\r\nb\r\n", Reply{Kind: '$', Str: []byte("a\r\nb")}},
		{"$0\r\n\r\n", Reply{Kind: '$', Str: []byte{}}},
		{"$-1\r\n", Reply{Kind: '$', Null: true}},
		{"*-1\r\n", Reply{Kind: '*', Null: true}},
		{"_\r\n", Reply{Kind: '_', Null: true}},
		{"*0\r\n", Reply{Kind: '*', Elems: []Reply{}}},
		{"*2\r\n:1\r\n*1\r\n:2\r\n", Reply{Kind: '*', Elems: []Reply{one, {Kind: '*', Elems: []Reply{two}}}}},
		{"~2\r\n:1\r\n:2\r\n", Reply{Kind: '~', Elems: []Reply{one, two}}},
		{">2\r\n:1\r\n:2\r\n", Reply{Kind: '>', Elems: []Reply{one, two}}},
		{"%1\r\n:1\r\n:2\r\n", Reply{Kind: '%', Elems: []Reply{one, two}}},
		{"|1\r\n:1\r\n:2\r\n:1\r\n", Reply{Kind: ':', Int: 1, Attrs: []Reply{one, two}}},
		{"*1\r\n|1\r\n:1\r\n:2\r\n:1\r\n", Reply{Kind: '*', Elems: []Reply{{Kind: ':', Int: 1, Attrs: []Reply{one, two}}}}},
		{",3.141\r\n", Reply{Kind: ',', Float: 3.141, Str: []byte("3.141")}},
		{",-inf\r\n", Reply{Kind: ',', Float: math.Inf(-1), Str: []byte("-inf")}},
		{",1e+17\r\n", Reply{Kind: ',', Float: 1e17, Str: []byte("1e+17")}},
		{"#t\r\n", Reply{Kind: '#', Bool: true}},
		{"#f\r\n", Reply{Kind: '#'}},
		{"(-12345678901234567890\r\n", Reply{Kind: '(', Str: []byte("-12345678901234567890")}},
		{"!8\r\nERR a\r\nb\r\n", Reply{Kind: '!', Str: []byte("ERR a\r\nb")}},
		{"=8\r\ntxt:a\r\nb\r\n", Reply{Kind: '=', Ext: "txt", Str: []byte("a\r\nb")}},
	} {
		// Byte by byte, so that every wait for more is taken, and with another reply behind it.
		d := NewDecoder(iotest.OneByteReader(strings.NewReader(tc.wire + "+next\r\n")))
		got, err := d.Decode()
		if err != nil || !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%q: %+v, %v, want %+v", tc.wire, got, err, tc.want)
		}
		if next, err := d.Decode(); err != nil || string(next.Str) != "next" {
			t.Errorf("%q: the next reply is %q, %v", tc.wire, next.Str, err)
		}
		if _, err := d.Decode(); err != io.EOF {
			t.Errorf("%q: %v at the end, want io.EOF", tc.wire, err)
		}
		for cut := 1; cut < len(tc.wire); cut++ {
			if _, err := decode(tc.wire[:cut]); err != io.ErrUnexpectedEOF {
				t.Errorf("%q: %v, want io.ErrUnexpectedEOF", tc.wire[:cut], err)
			}
		}
	}
	if nan, err := decode(",nan\r\n"); err != nil || !math.IsNaN(nan.Float) {
		t.Errorf("nan: %v, %v", nan.Float, err)
	}
}

func TestDecodeMalformed(t *testing.T) {
	for _, wire := range []string{
		"\r\n", "OK\r\n", "+OK\n", ":\r\n", ":x\r\n", ":9223372036854775808\r\n", "$\r\n", "$-2\r\n", "$x\r\n", "$1\r\nabc",
		"$?\r\n", "*-2\r\n", "*x\r\n", "%-1\r\n", "~-1\r\n", "!-1\r\n", "_x\r\n", ",\r\n", ",x\r\n", ",0x1p4\r\n",
		",1_000\r\n", ",infinity\r\n", "#\r\n", "#x\r\n", "(\r\n", "(-\r\n", "(1x\r\n", "=3\r\ntxt\r\n", "=4\r\ntext\r\n",
		"*1\r\n?\r\n", "$00\r\n\r\n",
	} {
		if r, err := decode(wire); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %+v, %v, want ErrMalformed", wire, r, err)
		}
	}
}

func TestDecodeLimits(t *testing.T) {
	for wire, within := range map[string]bool{
		"$5\r\nabcde\r\n":                            true,
		"$6\r\nabcdef\r\n":                           false,
		"*2\r\n:1\r\n:2\r\n":                         true,
		"*3\r\n:1\r\n:2\r\n:3\r\n":                   false,
		"%2\r\n:1\r\n:1\r\n:2\r\n:2\r\n":             false,
		"*1\r\n*1\r\n:1\r\n":                         true,
		"*1\r\n*1\r\n*1\r\n:1\r\n":                   false,
		"+345678\r\n":                                true,
		"+3456789\r\n":                               false,
		"|1\r\n:1\r\n:1\r\n|1\r\n:1\r\n:1\r\n:1\r\n": false,
	} {
		d := NewDecoder(strings.NewReader(wire))
		d.BulkMax, d.ElementsMax, d.DepthMax, d.LineMax = 5, 2, 2, 9
		if _, err := d.Decode(); within && err != nil || !within && !errors.Is(err, ErrTooLarge) {
			t.Errorf("%q: %v, within the limits: %v", wire, err, within)
		}
	}
}

// A server that only announces much makes the client allocate little.
func TestDecodeAllocatesWhatArrives(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, wire := range []string{"$1000000000\r\nabc", "*2147483647\r\n:1\r\n", "%1000000000\r\n", strings.Repeat("*2147483647\r\n", 100)} {
		if _, err := decode(wire); err != io.ErrUnexpectedEOF {
			t.Errorf("%.40q: %v, want io.ErrUnexpectedEOF", wire, err)
		}
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
		t.Errorf("allocated %d bytes", grown)
	}
}

func TestDecodeLargeString(t *testing.T) {
	text := bytes.Repeat([]byte("0123456789"), 100_000)
	var w Writer
	w.Bulk(text)
	got, err := decode(string(w.Bytes()))
	if err != nil || !bytes.Equal(got.Str, text) {
		t.Errorf("%d bytes, %v, want %d", len(got.Str), err, len(text))
	}
}

func TestReplyErr(t *testing.T) {
	for wire, want := range map[string]error{
		"-" + ErrSyntax + "\r\n": Error(ErrSyntax), "!3\r\nERR\r\n": Error("ERR"), "+OK\r\n": nil, "$3\r\nERR\r\n": nil,
	} {
		if r, err := decode(wire); err != nil || r.Err() != want {
			t.Errorf("%q: %v, %v, want %v", wire, r.Err(), err, want)
		}
	}
}

// What AppendCommand encodes is one request for the server's side.
func TestAppendCommand(t *testing.T) {
	packet := AppendCommand([]byte("+"), "SET", "", "a\r\nb")
	if got, want := string(packet), "+*3\r\n$3\r\nSET\r\n$0\r\n\r\n$4\r\na\r\nb\r\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if same := AppendCommand([]byte("+"), words("SET", "", "a\r\nb")...); !bytes.Equal(same, packet) {
		t.Errorf("from byte slices %q, from strings %q", same, packet)
	}
	check(t, "AppendCommand", []string{"SET  a\r\nb"}, requests(t, packet[1:]))
}

// FuzzDecode: nothing panics, and what is decoded and written again decodes to the same.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"+OK\r\n", "-ERR\r\n", ":1\r\n", "$3\r\nabc\r\n", "$-1\r\n", "*2\r\n:1\r\n$1\r\na\r\n", "%1\r\n+a\r\n#t\r\n", "~1\r\n_\r\n",
		">1\r\n,1.5\r\n", "|1\r\n+a\r\n+b\r\n=6\r\ntxt:ab\r\n", "(123\r\n", "!3\r\nERR\r\n", "*2147483647\r\n", "$1000000000\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		r, err := decode(string(wire))
		if err != nil {
			return
		}
		var w Writer
		w.SetProto(3)
		write(&w, r)
		again, err := decode(string(w.Bytes()))
		if err != nil {
			t.Fatalf("%q written again as %q: %v", wire, w.Bytes(), err)
		}
		var w2 Writer
		w2.SetProto(3)
		write(&w2, again)
		if !bytes.Equal(w.Bytes(), w2.Bytes()) {
			t.Fatalf("%q: %q, then %q", wire, w.Bytes(), w2.Bytes())
		}
	})
}

func decode(wire string) (Reply, error) { return NewDecoder(strings.NewReader(wire)).Decode() }

// write is a Decoder's reverse.
func write(w *Writer, r Reply) {
	if len(r.Attrs) > 0 {
		w.Attribute(len(r.Attrs) / 2)
		writeAll(w, r.Attrs)
	}
	switch {
	case r.Null:
		w.Null()
	case r.Kind == '+':
		w.Status(string(r.Str))
	case r.Kind == '-' || r.Kind == '!':
		w.Error(string(r.Str))
	case r.Kind == ':':
		w.Int(r.Int)
	case r.Kind == '$':
		w.Bulk(r.Str)
	case r.Kind == ',':
		w.Double(r.Float)
	case r.Kind == '#':
		w.Bool(r.Bool)
	case r.Kind == '(':
		w.BigNumber(string(r.Str))
	case r.Kind == '=':
		w.Verbatim(r.Ext, string(r.Str))
	case r.Kind == '*':
		w.Array(len(r.Elems))
	case r.Kind == '~':
		w.Set(len(r.Elems))
	case r.Kind == '>':
		w.Push(len(r.Elems))
	case r.Kind == '%':
		w.Map(len(r.Elems) / 2)
	}
	writeAll(w, r.Elems)
}

func writeAll(w *Writer, replies []Reply) {
	for _, r := range replies {
		write(w, r)
	}
}
