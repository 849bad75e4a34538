package rdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"holdfast/kv"
	"holdfast/outline"
)

// fileOf writes a file of keys by their names: collections in the form that DUMP has, which is one a file may have too.
func fileOf(t testing.TB, version int, objects map[string]Object) []byte {
	t.Helper()
	var b bytes.Buffer
	w := NewWriter(&b, version)
	must(t, w.Aux("redis-ver", "7.0.15"))
	must(t, w.DB(0, int64(len(objects)), 0))
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		payload := Encode(objects[name])
		body, err := open(payload)
		must(t, err)
		w.b = append(appendBytes(append(w.b, body[0]), []byte(name)), body[1:]...)
	}
	must(t, w.End())
	return b.Bytes()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func openBytes(t testing.TB, b []byte) *File {
	t.Helper()
	f, err := Open(bytes.NewReader(b), int64(len(b)))
	must(t, err)
	return f
}

// show is what a walk gives, as text.
func show(walk func(outline.Visitor) error) (string, error) {
	var b strings.Builder
	err := walk(func(e outline.Element) error {
		fmt.Fprintf(&b, "%s %d:", e.Aside, e.Deadline)
		for _, p := range e.Pieces {
			fmt.Fprintf(&b, " %s=%q", p.Role, p.Bytes)
		}
		b.WriteString("\n")
		return nil
	})
	return b.String(), err
}

// What is read of a file, written element by element, and read again is the same, as elements and as values.
func TestFileRoundTrip(t *testing.T) {
	objects := samples()
	first := fileOf(t, Version74, objects)
	var second bytes.Buffer
	w := NewWriter(&second, Version74)
	must(t, w.DB(0, int64(len(objects)), 0))
	elements := map[string]string{}
	f := openBytes(t, first)
	for n := 0; ; n++ {
		k, err := f.Next()
		must(t, err)
		if k == nil {
			if n != len(objects) {
				t.Fatalf("%d keys of %d", n, len(objects))
			}
			break
		}
		name := string(k.Name)
		elements[name], err = show(f.Walk)
		must(t, err)
		k.Deadline = 1_700_000_000_000 + int64(n)
		must(t, w.Put(*k, f.Walk))
		o, err := f.Object(testRules())
		must(t, err)
		if !bytes.Equal(Encode(o), Encode(objects[name])) {
			t.Errorf("%s: another value was read", name)
		}
	}
	must(t, w.End())
	f = openBytes(t, second.Bytes())
	for n := 0; ; n++ {
		k, err := f.Next()
		must(t, err)
		if k == nil {
			break
		}
		name := string(k.Name)
		again, err := show(f.Walk)
		if must(t, err); again != elements[name] || k.Deadline != 1_700_000_000_000+int64(n) {
			t.Errorf("%s: deadline %d, elements\n%s\nwhere there were\n%s", name, k.Deadline, again, elements[name])
		}
		o, err := f.Object(testRules())
		must(t, err)
		if want := objects[name]; want.Kind == kv.String && !bytes.Equal(o.Text, want.Text) || want.Value != nil && want.Value.Len() != o.Value.Len() {
			t.Errorf("%s: another value was read", name)
		}
		if want, ok := objects[name].Value.(kv.Lapser); ok && o.Value.(kv.Lapser).Lapses() != want.Lapses() {
			t.Errorf("%s: fields lapse from %d on, not %d", name, o.Value.(kv.Lapser).Lapses(), want.Lapses())
		}
		if want := objects[name]; want.Value != nil && int64(want.Value.Len()) != k.Elements {
			t.Errorf("%s: %d elements where %d are", name, k.Elements, want.Value.Len())
		}
	}
}

// Every item that is not a key is passed over, and what a file says of itself is kept.
func TestFileItems(t *testing.T) {
	var b []byte
	b = append(b, "REDIS0012"...)
	b = append(appendBytes(append(b, opAux), []byte("redis-ver")), "\x067.4.12"...)
	b = appendBytes(append(b, opFunctions), []byte("#!lua name=x"))
	b = append(b, opModule, 1, 2, 1, 2, 7, 3, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 5, 1, 'x', 0)
	b = append(b, opDB, 3, opResize, 2, 1, opSlot, 1, 1, 0)
	b = append(b, opIdle, 5, opSeconds, 1, 0, 0, 0, typeString, 1, 'a', 1, 'b')
	b = append(b, opFrequency, 255, opMillis, 1, 0, 0, 0, 0, 0, 0, 0, typeModule2, 1, 'm', 1, 2, 5, 0)
	b = append(b, typeString, 1, 'c', special8, 7)
	b = append(b, opEnd)
	b = binary.LittleEndian.AppendUint64(b, checksum(b))
	f := openBytes(t, b)
	var got []string
	for {
		k, err := f.Next()
		must(t, err)
		if k == nil {
			break
		}
		text, err := show(f.Walk)
		if k.Module != errors.Is(err, ErrModule) {
			t.Errorf("%s: %v", k.Name, err)
		}
		got = append(got, fmt.Sprintf("%d %s %d %s", k.DB, k.Name, k.Deadline, strings.TrimSpace(text)))
	}
	want := []string{`3 a 1000 0: text="b"`, `3 m 1 `, `3 c 0 0: text="7"`}
	if !slices.Equal(got, want) || f.Aux["redis-ver"] != "7.4.12" || f.Functions != 1 || f.Expected != 2 {
		t.Errorf("%q, %v, %d libraries, %d keys expected", got, f.Aux, f.Functions, f.Expected)
	}
}

func readAll(b []byte) (keys int, err error) {
	f, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return 0, err
	}
	for {
		k, err := f.Next()
		if err != nil || k == nil {
			return keys, err
		}
		if _, err := show(f.Walk); err != nil {
			return keys, err
		}
		keys++
	}
}

func TestFileDamage(t *testing.T) {
	whole := fileOf(t, Version70, map[string]Object{"a": {Kind: kv.String, Text: []byte("text")}, "b": {Kind: kv.String, Text: []byte("more")}})
	if n, err := readAll(whole); n != 2 || err != nil {
		t.Fatalf("%d keys, %v", n, err)
	}
	for cut := range len(whole) {
		_, err := readAll(whole[:cut])
		if cut < headerSize && !errors.Is(err, ErrNotRDB) || cut >= headerSize && !errors.Is(err, ErrCorrupt) {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
	for at := range len(whole) {
		b := bytes.Clone(whole)
		b[at] ^= 0x10
		if _, err := readAll(b); err == nil {
			t.Errorf("byte %d was another, and nothing was said", at)
		}
	}
	unsummed := append(bytes.Clone(whole[:len(whole)-8]), make([]byte, 8)...)
	if n, err := readAll(unsummed); n != 2 || err != nil {
		t.Errorf("without a checksum: %d keys, %v", n, err)
	}
	for head, want := range map[string]error{"REDIS0013": ErrVersion, "REDIS0000": ErrNotRDB, "REDISxxxx": ErrNotRDB, "VALKEY080": ErrNotRDB, "": ErrNotRDB} {
		if _, err := readAll([]byte(head)); !errors.Is(err, want) {
			t.Errorf("%q: %v", head, err)
		}
	}
}

// A value that is many times the window is read, and read again, without being in memory.
func TestFileWindow(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b, Version70)
	must(t, w.DB(0, 2, 0))
	text, n := bytes.Repeat([]byte("0123456789"), 1000), int64(500)
	walk := func(visit outline.Visitor) error {
		for range n {
			if err := visit(outline.Element{Pieces: []outline.Piece{{Role: outline.Item, Bytes: text}}}); err != nil {
				return err
			}
		}
		return nil
	}
	must(t, w.Put(Key{Name: []byte("long"), Kind: kv.List, Summary: outline.Summary{Elements: n}}, walk))
	must(t, w.Put(Key{Name: []byte("string"), Kind: kv.String}, func(visit outline.Visitor) error {
		return visit(outline.Element{Pieces: []outline.Piece{{Bytes: bytes.Repeat([]byte("x"), 3*pieceSize)}}})
	}))
	must(t, w.End())
	f := openBytes(t, b.Bytes())
	k, err := f.Next()
	must(t, err)
	for round := range 3 {
		found, stop := int64(0), errors.New("stop")
		err := f.Walk(func(e outline.Element) error {
			if found++; round == 1 && found == n/2 {
				return stop
			}
			if !bytes.Equal(e.Pieces[0].Bytes, text) {
				t.Fatal("another element")
			}
			return nil
		})
		if round == 1 && !errors.Is(err, stop) || round != 1 && (err != nil || found != k.Elements || found != n) {
			t.Errorf("round %d: %d elements, %v", round, found, err)
		}
		if size := len(f.window.buf); size > 2*pieceSize {
			t.Errorf("%d bytes in memory", size)
		}
	}
	if k, err = f.Next(); err != nil || string(k.Name) != "string" {
		t.Fatalf("%v, %v", k, err)
	}
	if k, err = f.Next(); err != nil || k != nil {
		t.Errorf("%v, %v", k, err)
	}
}

func FuzzFile(f *testing.F) {
	for name, o := range samples() {
		if o.Value == nil && len(o.Text) < 500 || o.Value != nil && o.Value.Len() < 120 {
			f.Add(fileOf(f, Version74, map[string]Object{name: o}))
		}
	}
	f.Add([]byte("REDIS0011\xfe\x00\xfb\x01\x00\x00\x01a\x01b\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		for {
			k, err := file.Next()
			if err != nil || k == nil {
				if again, err := file.Next(); again != nil && err == nil {
					t.Fatal("a key behind the end")
				}
				return
			}
			n := int64(0)
			err = file.Walk(func(e outline.Element) error {
				if e.Aside == "" {
					n++
				}
				return nil
			})
			if err == nil && n != k.Elements {
				t.Fatalf("%d elements, and %d in the walk", k.Elements, n)
			}
			if err != nil && !k.Module {
				t.Fatalf("a value that was measured does not walk: %v", err)
			}
			if k.Bytes < 0 {
				t.Fatal("negative bytes")
			}
			if _, err := file.Object(testRules()); err == nil && k.Module {
				t.Fatal("a module's value was made")
			}
		}
	})
}

// A key is read again at the place where it has been met.
func TestReadKey(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b, Version70)
	err := w.DB(0, 2, 0)
	texts := map[string]string{"a": "one", "b": "two"}
	for _, name := range []string{"a", "b"} {
		err = errors.Join(err, w.Put(Key{Name: []byte(name), Kind: kv.String, Deadline: 7}, func(visit outline.Visitor) error {
			return visit(outline.Element{Pieces: []outline.Piece{{Role: outline.Text, Bytes: []byte(texts[name])}}})
		}))
	}
	if err = errors.Join(err, w.End()); err != nil {
		t.Fatal(err)
	}
	r := bytes.NewReader(b.Bytes())
	f, err := Open(r, r.Size())
	if err != nil {
		t.Fatal(err)
	}
	for range texts {
		k, err := f.Next()
		if err != nil || k == nil {
			t.Fatal(k, err)
		}
		to := f.Offset()
		again, err := ReadKey(r, to-k.Bytes-1, to)
		if err != nil {
			t.Fatal(err)
		}
		err = again.Walk(func(e outline.Element) error {
			if string(e.Pieces[0].Bytes) != texts[string(k.Name)] {
				t.Errorf("%s: %s", k.Name, e.Pieces[0].Bytes)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		if _, err := ReadKey(r, to-k.Bytes-1, to-1); !errors.Is(err, ErrCorrupt) {
			t.Errorf("cut short: %v", err)
		}
	}
	if _, err := ReadKey(r, r.Size(), r.Size()); !errors.Is(err, ErrCorrupt) {
		t.Errorf("behind the end: %v", err)
	}
	if k, err := f.Next(); k != nil || err != nil || !f.Summed || len(f.Announced) != 1 || f.Announced[0] != (Announced{0, 2, 0}) {
		t.Errorf("%v, %v, %t, %v", k, err, f.Summed, f.Announced)
	}
}
