package inspect

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"holdfast/internal/vfs"
	"holdfast/kv"
	"holdfast/rdb"
	"holdfast/snapshot"
)

// A long string goes piece by piece, from a base and from an RDB file, and is in each form what it is when it goes at once.
func TestExportOfLongText(t *testing.T) {
	const size = longText + 300_001
	texts := map[string][]byte{
		"text":  []byte(strings.Repeat("é\"\n€\\, 𝄞x", size/10))[:],
		"bytes": bytes.Repeat([]byte("\xff\"a\x00é\r"), size/6),
		"cut":   append(bytes.Repeat([]byte("ab"), size/2), 0xe2, 0x82),
	}
	dir := t.TempDir()
	var keys []item
	for key, text := range texts {
		keys = append(keys, item{1, key, snapshot.Record{Kind: byte(kv.String), Payload: text, Deadline: testTime}})
	}
	writeBase(t, dir, testMeta(), keys...)
	base := openSnapshot(t, dir).Source()

	all := ExportOptions{KeyFilter: KeyFilter{DB: AllDatabases}, SkipBad: true}
	path := filepath.Join(t.TempDir(), "dump.rdb")
	var file bytes.Buffer
	plan, err := PlanRDB(base, all.KeyFilter)
	must(t, err)
	x, err := NewRDB(&file, plan, 0, false)
	must(t, err)
	_, err = Export(base, all, x)
	must(t, err)
	must(t, os.WriteFile(path, file.Bytes(), 0o600))
	fromRDB, err := OpenRDB(vfs.OS(), path)
	must(t, err)
	defer func() { must(t, fromRDB.Close()) }()

	f, err := rdb.Open(bytes.NewReader(file.Bytes()), int64(file.Len()))
	must(t, err)
	for range texts {
		k, err := f.Next()
		must(t, err)
		o, err := f.Object(rdb.Rules{})
		if must(t, err); !bytes.Equal(o.Text, texts[string(k.Name)]) || k.Deadline != testTime {
			t.Errorf("in the RDB file %s is another", k.Name)
		}
	}
	for name, s := range map[string]Source{"base": base, "RDB file": fromRDB} {
		var lines, rows, requests bytes.Buffer
		_, err := Export(s, all, NewJSONLines(&lines))
		must(t, err)
		sheet, err := NewCSV(&rows)
		must(t, err)
		_, err = Export(s, all, sheet)
		must(t, err)
		_, err = Export(s, all, NewCommands(NewRequests(&requests, false)))
		must(t, err)
		read, err := csv.NewReader(strings.NewReader(strings.ReplaceAll(rows.String(), "\r", "\\r"))).ReadAll()
		must(t, err)
		if len(read) != 1+len(texts) {
			t.Fatalf("%s: %d rows", name, len(read))
		}
		for _, row := range read[1:] {
			text := texts[row[1]]
			want := string(text)
			if !utf8.Valid(text) {
				want = Bytes(text).String()
			}
			if row[6] != strings.ReplaceAll(want, "\r", "\\r") || row[3] != fmt.Sprint(testTime) {
				t.Errorf("%s, CSV: %s is another", name, row[1])
			}
		}
		for _, text := range bytes.Split(bytes.TrimSpace(lines.Bytes()), []byte("\n")) {
			var got struct {
				Key   string
				Value json.RawMessage
			}
			must(t, json.Unmarshal(text, &got))
			if want, err := Bytes(texts[got.Key]).MarshalJSON(); err != nil || !bytes.Equal(got.Value, want) {
				t.Errorf("%s, JSON: %s is another", name, got.Key)
			}
		}
		for key, text := range texts {
			want := fmt.Sprintf("*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n*3\r\n$9\r\nPEXPIREAT\r\n", len(key), key, len(text), text)
			if !bytes.Contains(requests.Bytes(), []byte(want)) {
				t.Errorf("%s, commands: %s is another", name, key)
			}
		}
	}
	if err := base.Find(0, []byte("text"), func(e *Entry) error { return e.Pieces(func([]byte) error { return errEnough }) }); !errors.Is(err, errEnough) {
		t.Errorf("%v", err)
	}
}
