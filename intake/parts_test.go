package intake

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strconv"
	"testing"
	"time"

	"holdfast/commands"
	"holdfast/config"
	"holdfast/inspect"
	"holdfast/internal/vfs"
	"holdfast/kv"
	"holdfast/outline"
	"holdfast/rdb"
	"holdfast/snapshot"
)

// collections are the kinds of values that are stored in parts, each with what makes element i.
var collections = []struct {
	kind kv.Kind
	make func(i int) outline.Element
}{
	{kv.List, func(i int) outline.Element { return element2(outline.Item, long(i), "", "") }},
	{kv.Set, func(i int) outline.Element { return element2(outline.Member, long(i), "", "") }},
	{kv.ZSet, func(i int) outline.Element {
		return element2(outline.Member, long(i), outline.Score, strconv.FormatFloat(float64(i*7919%1000)/8-50, 'g', -1, 64))
	}},
	{kv.Hash, func(i int) outline.Element {
		e := element2(outline.Field, fmt.Sprint(i), outline.Value, long(i))
		if i%5 == 0 {
			e.Deadline = 1_900_000_000_000 + int64(i)
		}
		return e
	}},
}

func element2(role outline.Role, b string, second outline.Role, c string) outline.Element {
	e := outline.Element{Pieces: []outline.Piece{{Role: role, Bytes: []byte(b)}}}
	if second != "" {
		e.Pieces = append(e.Pieces, outline.Piece{Role: second, Bytes: []byte(c)})
	}
	return e
}

// long is a text of its own for each number, of some 60 bytes; now and then of many more.
func long(i int) string {
	text := fmt.Sprintf("%d:%050d", i, i)
	if i%1000 == 999 {
		text += string(bytes.Repeat([]byte("x"), 20_000))
	}
	return text
}

// write writes a value of n elements as an RDB file.
func writeValue(t testing.TB, w *rdb.Writer, name string, kind kv.Kind, n int, make func(i int) outline.Element) {
	t.Helper()
	k := rdb.Key{Name: []byte(name), Kind: kind, Summary: outline.Summary{Elements: int64(n)}}
	if kind == kv.Hash {
		k.Lapse = 1_900_000_000_000
	}
	must(t, w.Put(k, func(visit outline.Visitor) error {
		for i := range n {
			if err := visit(make(i)); err != nil {
				return err
			}
		}
		return nil
	}))
}

// streamOf are the elements of a stream of n entries with a group.
func streamOf(n int) func(visit outline.Visitor) error {
	return func(visit outline.Visitor) error {
		piece := func(role outline.Role, text string) outline.Piece {
			return outline.Piece{Role: role, Bytes: []byte(text)}
		}
		aside := func(what string, pieces ...outline.Piece) error {
			return visit(outline.Element{Aside: what, Pieces: pieces})
		}
		var errs []error
		for i := range n {
			errs = append(errs, visit(outline.Element{Pieces: []outline.Piece{
				piece(outline.ID, fmt.Sprintf("%d-1", i+1)), piece(outline.Field, "f"), piece(outline.Value, long(i)),
			}}))
		}
		last := fmt.Sprintf("%d-5", n+7)
		errs = append(errs, aside("stream", piece(outline.LastID, last), piece(outline.MaxDeleted, "3-0"), piece(outline.Added, fmt.Sprint(n+9))),
			aside("group", piece(outline.Group, "g"), piece(outline.Delivered, "900-1"), piece(outline.Read, "900")),
			aside("consumer", piece(outline.Group, "g"), piece(outline.Consumer, "c")),
			aside("consumer", piece(outline.Group, "g"), piece(outline.Consumer, "d")))
		for i := range 500 {
			errs = append(errs, aside("pending", piece(outline.Group, "g"), piece(outline.ID, fmt.Sprintf("%d-1", i+1)),
				piece(outline.Consumer, []string{"c", "d"}[i%2]), piece(outline.At, "1700000000000"), piece(outline.Times, "2")))
		}
		return errors.Join(errs...)
	}
}

// fileOfLarge is an RDB file of a value of each kind, of n elements.
func fileOfLarge(t *testing.T, n int) []byte {
	t.Helper()
	var file bytes.Buffer
	w := rdb.NewWriter(&file, rdb.Version74)
	must(t, w.DB(0, 5, 0))
	for _, c := range collections {
		writeValue(t, w, fmt.Sprintf("key %d", c.kind), c.kind, n, c.make)
	}
	must(t, w.Put(rdb.Key{Name: []byte("key 6"), Kind: kv.Stream, Deadline: 1_900_000_000_000}, streamOf(n)))
	must(t, w.End())
	return file.Bytes()
}

// intoSmall imports a file with little memory.
func intoSmall(t *testing.T, path string) (to string) {
	t.Helper()
	to = filepath.Join(t.TempDir(), "new")
	in, err := Open(vfs.OS(), path)
	must(t, err)
	o := options()
	o.Memory = 2 << 20
	_, err = IntoDirectory(t.Context(), in, to, o)
	must(t, errors.Join(err, in.Close()))
	return to
}

// What is stored in parts is what the value would have been, had it been made, whether it comes from an RDB file or from JSON lines.
func TestLargeValuesInParts(t *testing.T) {
	const n = 12_000
	path := filepath.Join(t.TempDir(), "dump.rdb")
	file := fileOfLarge(t, n)
	must(t, os.WriteFile(path, file, 0o600))
	t.Run("RDB", func(t *testing.T) { haveParts(t, intoSmall(t, path), file, n) })

	var lines bytes.Buffer
	source, err := inspect.OpenRDB(vfs.OS(), path)
	must(t, err)
	_, err = inspect.Export(source, inspect.ExportOptions{KeyFilter: inspect.KeyFilter{DB: inspect.AllDatabases}}, inspect.NewJSONLines(&lines))
	must(t, errors.Join(err, source.Close()))
	path = filepath.Join(t.TempDir(), "export.json")
	must(t, os.WriteFile(path, lines.Bytes(), 0o600))
	t.Run("JSON", func(t *testing.T) { haveParts(t, intoSmall(t, path), file, n) })
}

// haveParts looks whether a directory has the values of a file, of n elements each, in parts.
func haveParts(t *testing.T, to string, file []byte, n int) {
	t.Helper()
	base, err := snapshot.Open(filepath.Join(to, "base.db"), snapshot.OpenOptions{FS: vfs.OS(), ReadOnly: true})
	must(t, err)
	types, rules := commands.Types(), (&directory{cfg: config.New()}).rules()
	f, err := rdb.Open(bytes.NewReader(file), int64(len(file)))
	must(t, err)
	for range 5 {
		k, err := f.Next()
		must(t, err)
		want, err := f.Object(rules)
		must(t, err)
		r, ok, err := base.Get(storeOf(0), k.Name)
		if must(t, err); !ok || !r.Parted || r.Deadline != k.Deadline || r.Lapse != k.Lapse {
			t.Fatalf("%s: %v, parted %v, deadlines %d and %d", k.Name, ok, r.Parted, r.Deadline, r.Lapse)
		}
		got := fromParts(t, base, types, k.Name, r)
		if got.Len() != n {
			t.Errorf("%s: %d elements", k.Name, got.Len())
		}
		switch k.Kind {
		case kv.Stream: // when a consumer was seen is not stored
			if !bytes.Equal(got.AppendBinary(nil), want.Value.AppendBinary(nil)) {
				t.Errorf("%s: another value", k.Name)
			}
		case kv.List, kv.ZSet:
			if !bytes.Equal(rdb.Encode(rdb.Object{Kind: k.Kind, Value: got}), rdb.Encode(want)) {
				t.Errorf("%s: another value", k.Name)
			}
		default: // they have a seed of their own
			if !slices.Equal(sorted(types, k.Kind, got), sorted(types, k.Kind, want.Value)) {
				t.Errorf("%s: another value", k.Name)
			}
		}
	}
	must(t, base.Close())
}

func fromParts(t *testing.T, base *snapshot.Base, types *kv.Types, key []byte, r snapshot.Record) kv.Value {
	t.Helper()
	type part struct {
		id      uint64
		payload []byte
	}
	next, stop := iter.Pull(func(yield func(part) bool) {
		must(t, base.EachPart(storeOf(0), key, func(id uint64, payload []byte) error {
			yield(part{id, bytes.Clone(payload)})
			return nil
		}))
	})
	defer stop()
	v, err := types[r.Kind].FromParts(r.Payload, func() (uint64, []byte, bool, error) {
		p, ok := next()
		return p.id, p.payload, ok, nil
	})
	must(t, err)
	return v
}

// sorted are the elements of a value, with the value of each field and its deadline.
func sorted(types *kv.Types, kind kv.Kind, v kv.Value) (all []string) {
	name := ""
	for b, deadline := range types[kind].TimedElements(v) {
		if kind == kv.Hash && name == "" {
			name = string(b) + "="
			continue
		}
		all = append(all, fmt.Sprint(name, string(b), " ", deadline))
		name = ""
	}
	slices.Sort(all)
	return all
}

// A large value in which something is there twice ends an import, or is left out.
func TestLargeValuesWithSomethingTwice(t *testing.T) {
	for _, c := range collections[1:] {
		var file bytes.Buffer
		w := rdb.NewWriter(&file, rdb.Version74)
		must(t, w.DB(0, 2, 0))
		writeValue(t, w, "bad", c.kind, 3000, func(i int) outline.Element {
			e := c.make(i)
			if i == 2900 {
				e.Pieces[0] = c.make(17).Pieces[0]
			}
			return e
		})
		writeValue(t, w, "good", c.kind, 3000, c.make)
		must(t, w.End())
		in := openFile(t, "dump.rdb", file.String())
		o := options()
		o.Memory = 2 << 20
		root := t.TempDir()
		if _, err := IntoDirectory(t.Context(), in, filepath.Join(root, "a"), o); !errors.Is(err, rdb.ErrCorrupt) || !bytes.Contains([]byte(err.Error()), []byte(`"bad"`)) {
			t.Errorf("kind %d: %v", c.kind, err)
		}
		o.SkipBad = true
		r, err := IntoDirectory(t.Context(), in, filepath.Join(root, "b"), o)
		if must(t, err); r.Keys != 1 || r.Skipped != 1 {
			t.Errorf("kind %d: %+v", c.kind, r)
		}
		s, err := inspect.OpenSnapshot(vfs.OS(), filepath.Join(root, "b", "base.db"))
		must(t, err)
		must(t, errors.Join(s.Source().Find(0, []byte("good"), func(e *inspect.Entry) error {
			return e.Value.Walk(func(outline.Element) error { return nil })
		}), s.Close()))
	}
}

// A value takes the memory that the import is given, and not its own.
func TestLargeValuesTakeLittleMemory(t *testing.T) {
	if raced {
		t.Skip("memory is another under the race detector")
	}
	const most, elements, size = 72 << 20, 64_000, 1500 // 96 MB
	path := filepath.Join(t.TempDir(), "dump.rdb")
	must(t, vfs.WriteStream(vfs.OS(), path, func(out io.Writer) error {
		w := rdb.NewWriter(out, rdb.Version70)
		must(t, w.DB(0, 1, 0))
		tail := string(bytes.Repeat([]byte("x"), size-20))
		k := rdb.Key{Name: []byte("h"), Kind: kv.Hash, Summary: outline.Summary{Elements: elements}}
		must(t, w.Put(k, func(visit outline.Visitor) error {
			for i := range elements {
				if err := visit(element2(outline.Field, fmt.Sprint(i), outline.Value, fmt.Sprintf("%020d", i)+tail)); err != nil {
					return err
				}
			}
			return nil
		}))
		return w.End()
	}))
	in, err := Open(vfs.OS(), path)
	must(t, err)
	defer func() { must(t, in.Close()) }()
	o := options()
	o.Memory = 4 << 20
	took := heapDuring(func() { _, err = IntoDirectory(t.Context(), in, filepath.Join(t.TempDir(), "new"), o) })
	must(t, err)
	if took > most {
		t.Errorf("%d MB of heap for a value of %d MB", took>>20, elements*size>>20)
	}
}

// heapDuring is how much more there is on the heap while fn runs, at most.
func heapDuring(fn func()) (most int64) {
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	heap := func() int64 {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(sample)
		return int64(sample[0].Value.Uint64())
	}
	debug.FreeOSMemory()
	before := heap()
	done, end := make(chan struct{}), make(chan struct{})
	go func() { // ends with fn
		defer close(end)
		for tick := time.NewTicker(time.Millisecond); ; {
			most = max(most, heap()-before)
			select {
			case <-tick.C:
			case <-done:
				tick.Stop()
				return
			}
		}
	}()
	fn()
	close(done)
	<-end
	return most
}
