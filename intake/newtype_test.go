package intake

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/commands"
	"holdfast/internal/vfs"
	"holdfast/kv"
	"holdfast/outline"
	"holdfast/snapshot"
)

// A type that nothing here has heard of: some words, each with a number, in a part for each of them, sorted.
const (
	tallyKind  kv.Kind      = 12
	tallyWord  outline.Role = "word"
	tallyCount outline.Role = "times"
)

func tallyType() kv.Type {
	return kv.Type{
		Kind: tallyKind, Name: "tally",
		Survey: func(f outline.Form) (outline.Summary, error) {
			return outline.Summary{Encoding: "tally", Elements: int64(binary.BigEndian.Uint64(f.Body))}, nil
		},
		Walk: func(f outline.Form, visit outline.Visitor) error {
			return f.Parts(func(_ uint64, payload []byte) error {
				times, word, _ := bytes.Cut(payload, []byte(" "))
				return visit(tallied(word, times))
			})
		},
		Assembly: outline.Assembly{ElementMax: 2000, Begin: func(s outline.Site) outline.Assembler {
			return &tallyAssembler{s, s.Sorter(4), 0}
		}},
		Checker: func() outline.Visitor { return checkTally },
		Remake: func([]byte, func(...[]byte) error) (outline.Visitor, func() error) {
			return checkTally, func() error { return errors.New("there are no commands for it") }
		},
	}
}

func checkTally(e outline.Element) error {
	if !e.Has(tallyWord, tallyCount) {
		return outline.ErrNoValue
	}
	return nil
}

func tallied(word, times []byte) outline.Element {
	return outline.Element{Own: 1, Pieces: []outline.Piece{{Role: tallyWord, Bytes: word}, {Role: tallyCount, Bytes: times}}}
}

type tallyAssembler struct {
	outline.Site
	order outline.Sorter
	count uint64
}

func (a *tallyAssembler) Add(e outline.Element) error {
	return a.order.Add(e.Pieces[0].Bytes, e.Pieces[1].Bytes)
}

func (a *tallyAssembler) End() (head []byte, err error) {
	last := ""
	err = a.order.Each(func(word, times []byte) error {
		if string(word) == last {
			return outline.ErrNoValue
		}
		a.count, last = a.count+1, string(word)
		return a.Part(a.count, fmt.Appendf(nil, "%s %s", times, word))
	})
	return binary.BigEndian.AppendUint64(nil, a.count), err
}

func (a *tallyAssembler) Discard() error { return a.order.Discard() }

// A new type needs no change here: what its package says of itself is enough for a large value of it.
func TestTypeThatIsNew(t *testing.T) {
	const n = 800
	lines := func(first string) string {
		var b strings.Builder
		for i := range n {
			switch {
			case i == 0:
				fmt.Fprintf(&b, `{"db":0,"key":"k","type":"tally","count":%d,"elements":[`, n)
			case i%100 == 0:
				b.WriteString("]}\n" + `{"db":0,"key":"k","more":true,"elements":[`)
			default:
				b.WriteString(",")
			}
			word := fmt.Sprint(i*7%n, "-", strings.Repeat("x", 1000))
			if i == 0 {
				word = first
			}
			fmt.Fprintf(&b, `{"word":"%s","times":%d}`, word, i)
		}
		return b.String() + "]}\n"
	}
	into := func(text string) (Report, string, error) {
		in := openFile(t, "x.json", text)
		in.types[tallyKind] = tallyType()
		o, to := options(), filepath.Join(t.TempDir(), "new")
		o.Memory = 2 << 20
		r, err := IntoDirectory(t.Context(), in, to, o)
		return r, to, err
	}
	r, to, err := into(lines("first"))
	if must(t, err); r.Keys != 1 || r.Commands != 0 {
		t.Errorf("%+v", r)
	}
	base, err := snapshot.Open(filepath.Join(to, "base.db"), snapshot.OpenOptions{FS: vfs.OS(), ReadOnly: true})
	must(t, err)
	record, _, err := base.Get(storeOf(0), []byte("k"))
	must(t, err)
	var found []string
	form := outline.Form{Body: record.Payload, Parts: func(fn func(uint64, []byte) error) error { return base.EachPart(storeOf(0), []byte("k"), fn) }}
	must(t, tallyType().Walk(form, func(e outline.Element) error {
		found = append(found, fmt.Sprintf("%.6s %s", e.Pieces[0].Bytes, e.Pieces[1].Bytes))
		return nil
	}))
	must(t, base.Close())
	if len(found) != n || found[0] != "1-xxxx 343" || found[n-1] != "first 0" {
		t.Errorf("%d: %q … %q", len(found), found[:1], found[len(found)-1:])
	}
	if _, _, err := into(lines("7-" + strings.Repeat("x", 1000))); !errors.Is(err, ErrInput) || !strings.Contains(err.Error(), "line 1: in the value of the key") {
		t.Errorf("with a word twice: %v", err)
	}
	if _, _, err := into(strings.Replace(lines("first"), `"times"`, `"count"`, 1)); !errors.Is(err, ErrInput) || !strings.Contains(err.Error(), "element 1 of the line: no value of the type") {
		t.Errorf("with a piece that is unknown: %v", err)
	}
}

// Each type of collection says how it is checked, assembled, and made anew.
func TestEveryTypeCanBeTakenIn(t *testing.T) {
	for _, typ := range commands.Types() {
		if typ.Name != "" && (typ.Checker == nil || typ.Remake == nil) {
			t.Errorf("type %s has no Checker, or no Remake", typ.Name)
		}
		if typ.FromParts != nil && typ.Assembly.Begin == nil {
			t.Errorf("type %s has parts, and no Assembly", typ.Name)
		}
	}
}
