package client

import (
	"encoding/json"
	"strings"
	"testing"

	"holdfast/resp"
)

// printed lists replies, and how each style prints them. All but json are redis-cli 7.0's (see reference_test.go).
var printed = []struct{ wire, formatted, raw, json string }{
	{"+OK\r\n", "OK\n", "OK\n", `"OK"`},
	{"+\r\n", "\n", "\n", `""`},
	{"-ERR a \"b\"\r\n", "(error) ERR a \"b\"\n", "ERR a \"b\"\n\n", `{"error":"ERR a \"b\""}`},
	{":-3\r\n", "(integer) -3\n", "-3\n", `-3`},
	{"$0\r\n\r\n", "\"\"\n", "\n", `""`},
	{"$1\r\n\n\r\n", "\"\\n\"\n", "\n\n", `"\n"`},
	{bulk("a\x00\xff\"\\\r\t\a\b\f\x1b/\x7f"), `"a\x00\xff\"\\\r\t\a\b\x0c\x1b/\x7f"` + "\n",
		"a\x00\xff\"\\\r\t\a\b\f\x1b/\x7f\n", `"a\u0000\u00ff\"\\\r\t\u0007\b\f\u001b/` + "\x7f\""},
	{bulk("é€x"), `"\xc3\xa9\xe2\x82\xacx"` + "\n", "é€x\n", `"é€x"`},
	{"$-1\r\n", "(nil)\n", "\n", `null`},
	{"*-1\r\n", "(nil)\n", "\n", `null`},
	{"_\r\n", "(nil)\n", "\n", `null`},
	{"#t\r\n", "(true)\n", "(true)\n", `true`},
	{"#f\r\n", "(false)\n", "(false)\n", `false`},
	{",1.5\r\n", "(double) 1.5\n", "1.5\n", `1.5`},
	{",1e300\r\n", "(double) 1e300\n", "1e300\n", `1e300`},
	{",inf\r\n", "(double) inf\n", "inf\n", `"inf"`},
	{"=7\r\ntxt:a\"b\r\n", "a\"b\n", "a\"b\n", `"a\"b"`},
	{"*0\r\n", "(empty array)\n", "\n", `[]`},
	{"~0\r\n", "(empty set)\n", "\n", `[]`},
	{"%0\r\n", "(empty hash)\n", "\n", `{}`},
	{"*2\r\n$1\r\na\r\n:2\r\n", "1) \"a\"\n2) (integer) 2\n", "a\n2\n", `["a",2]`},
	{"*2\r\n-ERR x\r\n+OK\r\n", "1) (error) ERR x\n2) OK\n", "ERR x\n\nOK\n", `[{"error":"ERR x"},"OK"]`},
	{"*3\r\n*2\r\n:1\r\n:2\r\n*0\r\n*1\r\n*1\r\n$1\r\na\r\n",
		"1) 1) (integer) 1\n   2) (integer) 2\n2) (empty array)\n3) 1) 1) \"a\"\n", "1\n2\n\na\n", `[[1,2],[],[["a"]]]`},
	{"*10\r\n" + strings.Repeat(":1\r\n", 9) + "*2\r\n:1\r\n:2\r\n",
		" 1) (integer) 1\n 2) (integer) 1\n 3) (integer) 1\n 4) (integer) 1\n 5) (integer) 1\n 6) (integer) 1\n" +
			" 7) (integer) 1\n 8) (integer) 1\n 9) (integer) 1\n10) 1) (integer) 1\n    2) (integer) 2\n",
		strings.Repeat("1\n", 10) + "2\n", `[1,1,1,1,1,1,1,1,1,[1,2]]`},
	{"~2\r\n+a\r\n~1\r\n+b\r\n", "1~ a\n2~ 1~ b\n", "a\nb\n", `["a",["b"]]`},
	{"%3\r\n:1\r\n+a\r\n,1.5\r\n+b\r\n#t\r\n_\r\n", "1# (integer) 1 => a\n2# (double) 1.5 => b\n3# (true) => (nil)\n",
		"1 a\n1.5 b\n(true) \n", `{"1":"a","1.5":"b","true":null}`},
	{"%1\r\n+a\r\n*1\r\n:1\r\n", "1# a => 1) (integer) 1\n", "a 1\n", `{"a":[1]}`},
	{"%2\r\n+a\r\n*2\r\n:1\r\n%1\r\n:1\r\n:2\r\n*2\r\n:1\r\n:2\r\n:3\r\n",
		"1# a => \n   1) (integer) 1\n   2) 1# (integer) 1 => (integer) 2\n2# 1) (integer) 1\n   2) (integer) 2 => (integer) 3\n",
		"a 1\n1 2\n1\n2 3\n", `{"a":[1,{"1":2}],"[1,2]":3}`},
	{"*2\r\n%2\r\n+a\r\n%1\r\n+x\r\n~2\r\n:1\r\n:2\r\n+b\r\n%0\r\n+z\r\n",
		"1) 1# a => \n      1# x => \n         1~ (integer) 1\n         2~ (integer) 2\n   2# b => (empty hash)\n2) z\n",
		"a x 1\n2\nb \nz\n", `[{"a":{"x":[1,2]},"b":{}},"z"]`},
}

func TestStyles(t *testing.T) {
	for _, c := range printed {
		reply := decode(t, c.wire)
		for _, want := range []struct {
			style Style
			name  string
			text  string
		}{{Formatted, "formatted", c.formatted}, {Raw, "raw", c.raw}, {JSON, "JSON", c.json + "\n"}} {
			if got := string(want.style.Append(nil, reply)); got != want.text {
				t.Errorf("%q %s:\n got %q\nwant %q", c.wire, want.name, got, want.text)
			}
		}
	}
}

// What redis-cli 7.0 gives up on is printed too.
func TestStylesBeyondRedisCli(t *testing.T) {
	for _, c := range []struct{ wire, formatted, raw, json string }{
		{"(12345678901234567890123\r\n", "(big number) 12345678901234567890123\n", "12345678901234567890123\n", "12345678901234567890123\n"},
		{"!5\r\nERR x\r\n", "(error) ERR x\n", "ERR x\n\n", "{\"error\":\"ERR x\"}\n"},
		{",nan\r\n", "(double) nan\n", "nan\n", "\"nan\"\n"},
		{"|1\r\n+ttl\r\n:1\r\n+OK\r\n", "OK\n", "OK\n", "\"OK\"\n"},
		{">2\r\n+a\r\n+b\r\n", "1) a\n2) b\n", "a\nb\n", "[\"a\",\"b\"]\n"},
	} {
		reply := decode(t, c.wire)
		for i, want := range []string{c.formatted, c.raw, c.json} {
			if got := string(Style(i).Append(nil, reply)); got != want {
				t.Errorf("%q in style %d: got %q, want %q", c.wire, i, got, want)
			}
		}
	}
}

// QuotedJSON holds every byte: its strings, unquoted as JSON and then as a typed line, are the original.
func TestQuotedJSONLosesNothing(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	var text string
	if err := json.Unmarshal(QuotedJSON.Append(nil, resp.Reply{Kind: '$', Str: all}), &text); err != nil {
		t.Fatal(err)
	}
	words, err := Words(`"` + text + `"`)
	if err != nil || len(words) != 1 || words[0] != string(all) {
		t.Fatalf("got %q, %v", words, err)
	}
}

// Whatever a server sends, the document is JSON.
func FuzzJSON(f *testing.F) {
	for _, c := range printed {
		f.Add([]byte(c.wire))
	}
	f.Add([]byte("%2\r\n-ERR \"\xff\r\n,inf\r\n*1\r\n$1\r\n\"\r\n(+007\r\n"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		reply, err := resp.NewDecoder(strings.NewReader(string(wire))).Decode()
		if err != nil {
			return
		}
		for _, style := range []Style{JSON, QuotedJSON} {
			if text := style.Append(nil, reply); !json.Valid(text) {
				t.Fatalf("%q is printed as %q", wire, text)
			}
		}
	})
}
