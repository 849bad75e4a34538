package inspect

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"holdfast/kv"
	"holdfast/outline"
	"holdfast/snapshot"
)

// What is asked of a base is answered about a type that nothing here has heard of, by what its package says of itself: words,
// each with a number.
func TestTypeThatIsNew(t *testing.T) {
	const tallyKind kv.Kind = 12
	source := func(key, value string) *Snapshot {
		dir := t.TempDir()
		writeBase(t, dir, testMeta(), item{1, key, snapshot.Record{Kind: byte(tallyKind), Payload: []byte(value), Deadline: testTime}})
		s := openSnapshot(t, dir)
		s.types[tallyKind] = kv.Type{
			Kind: tallyKind, Name: "tally",
			Survey: func(f outline.Form) (outline.Summary, error) {
				return outline.Summary{Encoding: "plain", Elements: int64(bytes.Count(f.Body, []byte("="))), More: []outline.Count{{What: "vowels", N: 3}}}, nil
			},
			Walk: func(f outline.Form, visit outline.Visitor) error {
				for pair := range bytes.FieldsSeq(f.Body) {
					word, times, _ := bytes.Cut(pair, []byte("="))
					if err := visit(outline.Element{Own: 1, Pieces: []outline.Piece{{Role: "word", Bytes: word}, {Role: "times", Bytes: times}}}); err != nil {
						return err
					}
				}
				return nil
			},
		}
		return s
	}
	base := source("k", "a=1 e=22")
	s := base.Source()
	all := KeyFilter{DB: AllDatabases}
	golden(t, func(b *bytes.Buffer) error {
		_, err := Export(s, ExportOptions{KeyFilter: all}, NewJSONLines(b))
		return err
	}, `{"db":0,"key":"k","type":"tally","deadline_unix_ms":1700000000000,"count":2,"elements":[{"word":"a","times":"1"},{"word":"e","times":"22"}]}`+"\n")
	golden(t, func(b *bytes.Buffer) error { return Get(s, 0, []byte("k"), b, AsReply) }, "1) \"a\"\n2) \"1\"\n3) \"e\"\n4) \"22\"\n")
	golden(t, func(b *bytes.Buffer) error { return Get(s, 0, []byte("k"), b, AsRaw) }, "a\n1\ne\n22\n")
	golden(t, func(b *bytes.Buffer) error {
		return Keys(s, all, func(k Key) error { return k.WriteLong(b) })
	}, fmt.Sprintf(longLayout+"\"k\"\n", 0, "tally", "plain", 2, 9, clock(testTime)))
	stats, err := NewStats(s, StatsOptions{Scope: Scope{DB: AllDatabases}})
	must(t, err)
	var text bytes.Buffer
	must(t, stats.WriteText(&text))
	for _, line := range []string{"tally  plain     1     2         9\n", "tally  vowels  1                    3\n"} {
		if !strings.Contains(text.String(), line) {
			t.Errorf("no %q in\n%s", line, &text)
		}
	}
	var told []string
	_, err = Diff(context.Background(), base, source("k", "a=1 e=23"), DiffOptions{DB: AllDatabases, Values: true},
		func(d Difference) error { told = append(told, d.Change); return nil },
		func(_ Difference, e ElementDifference) error {
			text, err := e.MarshalJSON()
			told = append(told, string(text))
			return err
		})
	must(t, err)
	want := `changed|{"change":"changed","before":{"word":"e","times":"22"},"after":{"word":"e","times":"23"}}`
	if got := strings.Join(told, "|"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
