package inspect

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"holdfast/hashes"
	"holdfast/kv"
	"holdfast/snapshot"
	"holdfast/streams"
	"holdfast/zsets"
)

// exportFixture makes a directory whose base has a value of every type.
func exportFixture(t *testing.T) Source {
	t.Helper()
	dir := t.TempDir()
	h, z, s := hashes.New(), zsets.New(), streams.New()
	h.Set([]byte("f"), []byte("1"))
	h.Set([]byte("g"), []byte("x y"))
	h.SetDeadline([]byte("g"), testTime+5)
	z.Put([]byte("m"), 1.5, zsets.Limits{Entries: 10, Value: 64})
	s.Append(streams.ID{MS: 1, Seq: 1}, [][]byte{[]byte("f"), []byte("v"), []byte("f"), []byte("w")}, streams.Limits{Bytes: 4096, Entries: 100})
	g := s.CreateGroup([]byte("grp"), streams.ID{MS: 1, Seq: 1}, 1)
	g.Give(streams.ID{MS: 1, Seq: 1}, g.CreateConsumer([]byte("c")), testTime, 2)
	writeBase(t, dir, testMeta(), append(items(),
		item{1, "h", snapshot.Record{Kind: byte(kv.Hash), Payload: h.AppendBinary(nil), Lapse: testTime + 5}},
		item{2, "s", snapshot.Record{Kind: byte(kv.Stream), Payload: s.AppendBinary(nil)}},
		item{2, "z", snapshot.Record{Kind: byte(kv.ZSet), Payload: z.AppendBinary(nil), Deadline: testTime}},
	)...)
	return openSnapshot(t, dir).Source()
}

func TestExport(t *testing.T) {
	s := exportFixture(t)
	export := func(f KeyFilter, x func(b *bytes.Buffer) Exporter) string {
		t.Helper()
		var b bytes.Buffer
		_, err := Export(s, ExportOptions{KeyFilter: f}, x(&b))
		must(t, err)
		return b.String()
	}
	json := func(b *bytes.Buffer) Exporter { return NewJSONLines(b) }
	want := `{"db":0,"key":{"base64":"Ymlu/wo="},"type":"string","deadline_unix_ms":1700000000001,"value":{"base64":"AP8="}}
{"db":0,"key":"greeting","type":"string","value":"hello <é>"}
{"db":0,"key":"h","type":"hash","count":2,"elements":[{"field":"f","value":"1"},{"field":"g","value":"x y","deadline_unix_ms":1700000000005}]}
{"db":0,"key":"queue","type":"list","count":10,"elements":["a","b\n",{"base64":"/w=="},"","e","f","g","h","i","j"]}
{"db":3,"key":"other","type":"string","value":"x"}
{"db":3,"key":"s","type":"stream","count":1,"elements":[{"id":"1-1","fields":[{"field":"f","value":"v"},{"field":"f","value":"w"}]},` +
		`{"aside":"stream","last_id":"1-1","max_deleted_id":"0-0","entries_added":1},` +
		`{"aside":"group","group":"grp","last_delivered_id":"1-1","entries_read":1},{"aside":"consumer","group":"grp","consumer":"c"},` +
		`{"aside":"pending","group":"grp","id":"1-1","consumer":"c","delivered_unix_ms":1700000000000,"deliveries":2}]}
{"db":3,"key":"z","type":"zset","deadline_unix_ms":1700000000000,"count":1,"elements":[{"member":"m","score":1.5}]}
`
	if got := export(KeyFilter{DB: AllDatabases}, json); got != want {
		t.Errorf("JSON:\n%s", got)
	}
	want = `db,key,type,deadline_unix_ms,part,name,value,value_deadline_unix_ms
0,"""bin\xff\n""",string,1700000000001,,,"""\x00\xff""",
0,greeting,string,,,,hello <é>,
0,h,hash,,,f,1,
0,h,hash,,,g,x y,1700000000005
`
	csv := func(b *bytes.Buffer) Exporter {
		x, err := NewCSV(b)
		must(t, err)
		return x
	}
	if got := export(KeyFilter{DB: 0, Limit: 3}, csv); got != want {
		t.Errorf("CSV:\n%s", got)
	}
	if got := export(KeyFilter{DB: 3, Prefix: []byte("s")}, csv); !strings.Contains(got, "\n3,s,stream,,pending,grp 1-1,c 1700000000000 2,\n") {
		t.Errorf("CSV:\n%s", got)
	}
	resp := func(b *bytes.Buffer) Exporter { return NewCommands(NewRequests(b, false)) }
	for _, c := range []struct{ filter, want string }{
		{"h", "SELECT 0 | HSET h f 1 g x y | HPEXPIREAT h 1700000000005 FIELDS 1 g"},
		{"z", "SELECT 3 | ZADD z 1.5 m | PEXPIREAT z 1700000000000"},
		{"s", "SELECT 3 | XADD s 1-1 f v f w | XSETID s 1-1 ENTRIESADDED 1 MAXDELETEDID 0-0 | XGROUP CREATE s grp 1-1 ENTRIESREAD 1 | " +
			"XGROUP CREATECONSUMER s grp c | XCLAIM s grp c 0 1-1 TIME 1700000000000 RETRYCOUNT 2 FORCE JUSTID"},
	} {
		got := readable(t, export(KeyFilter{DB: AllDatabases, Match: []byte(c.filter)}, resp))
		if got != c.want {
			t.Errorf("commands: %s", got)
		}
	}
}

// readable shows requests as words.
func readable(t *testing.T, text string) string {
	t.Helper()
	var b strings.Builder
	for len(text) > 0 {
		var n, size, used int
		_, err := fmt.Sscanf(text, "*%d\r\n", &n)
		must(t, err)
		text = text[strings.Index(text, "\n")+1:]
		if b.Len() > 0 {
			b.WriteString(" | ")
		}
		for i := range n {
			_, err := fmt.Sscanf(text, "$%d\r\n", &size)
			must(t, err)
			used = strings.Index(text, "\n") + 1
			if i > 0 {
				b.WriteString(" ")
			}
			b.WriteString(text[used : used+size])
			text = text[used+size+2:]
		}
	}
	return b.String()
}

// A large value takes several lines, and each of them is a line of its own right.
func TestExportLargeValueAsJSON(t *testing.T) {
	var b bytes.Buffer
	elements := make([]string, 3000)
	for i := range elements {
		elements[i] = strings.Repeat("x", 200)
	}
	dir := t.TempDir()
	writeBase(t, dir, testMeta(), item{1, "l", snapshot.Record{Kind: byte(kv.List), Payload: list(elements...)}})
	done, err := Export(openSnapshot(t, dir).Source(), ExportOptions{KeyFilter: KeyFilter{DB: AllDatabases}}, NewJSONLines(&b))
	must(t, err)
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if done.Keys != 1 || len(lines) != 3 || !strings.HasPrefix(lines[1], `{"db":0,"key":"l","more":true,"elements":["xxx`) {
		t.Errorf("%+v, %d lines", done, len(lines))
	}
}

// A key that cannot be read ends an export, or is left out and counted.
func TestExportOfBadValues(t *testing.T) {
	dir := t.TempDir()
	bad := item{1, "h", snapshot.Record{Kind: byte(kv.Hash), Payload: []byte("\x01\x00\x02\x01f")}}
	writeBase(t, dir, testMeta(), append(items(), bad)...)
	s := openSnapshot(t, dir).Source()
	var b bytes.Buffer
	if _, err := Export(s, ExportOptions{KeyFilter: KeyFilter{DB: AllDatabases}}, NewJSONLines(&b)); !errors.Is(err, snapshot.ErrCorrupt) || !strings.Contains(err.Error(), `"h"`) {
		t.Errorf("%v", err)
	}
	b.Reset()
	done, err := Export(s, ExportOptions{KeyFilter: KeyFilter{DB: AllDatabases}, SkipBad: true}, NewJSONLines(&b))
	if err != nil || done.Keys != 4 || done.Left != 1 || len(done.Skipped) != 1 || strings.Contains(b.String(), `"key":"h"`) {
		t.Errorf("%+v, %v\n%s", done, err, b.String())
	}
	if _, err := Export(s, ExportOptions{KeyFilter: KeyFilter{DB: AllDatabases, Type: "hush"}}, NewJSONLines(&b)); err == nil {
		t.Error("a type that is none")
	}
}
