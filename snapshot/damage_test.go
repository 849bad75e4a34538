package snapshot

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"holdfast/internal/vfs"
)

// manyKeys make a tree of three levels, as the keys are long.
const manyKeys = 1200

func manyKey(i int) string { return fmt.Sprintf("many:%0180d", i) }

// damageable writes a base of all shapes with trees of several levels and some free pages.
func damageable(t testing.TB, dir string, rng *rand.Rand) *model {
	t.Helper()
	m := newModel(1, 2)
	m.meta.LSN = 1
	c := newChanges(t, vfs.OS(), dir, m)
	c.random(rng, 100)
	for i := range manyKeys {
		c.put(1, manyKey(i), Record{Deadline: int64(i % 3 * i), Payload: []byte("payload")})
	}
	c.fresh(vfs.OS(), dir)
	b, err := Open(basePath(dir), OpenOptions{})
	must(t, err)
	m.meta.LSN++
	for i := range 100 {
		c.delete(1, manyKey(10*i+5))
	}
	c.apply(b)
	m.check(t, b)
	must(t, b.Close())
	return m
}

// known says whether an error is one that damage may cause.
func known(err error) bool {
	return errors.Is(err, ErrCorrupt) || errors.Is(err, ErrNotBase) || errors.Is(err, ErrNewer)
}

// TestAFlippedByteIsFoundOrHarmless flips a byte anywhere. Either Open or Verify says so, or it lay where nothing
// is, and everything reads as before. And whatever Verify would say, Get never gives a wrong answer: neither
// another value nor a miss.
func TestAFlippedByteIsFoundOrHarmless(t *testing.T) {
	unraced(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	m := damageable(t, dir, rng)
	file, err := os.OpenFile(basePath(dir), os.O_RDWR, 0)
	must(t, err)
	defer func() { must(t, file.Close()) }()
	used := usedBytes(t, dir)
	var keys []string
	for key := range m.stores[1] {
		keys = append(keys, key)
	}
	found := 0
	const flips = 300
	for range flips {
		at := rng.Int64N(used)
		if rng.IntN(2) == 0 { // half of them where pages have their structure
			at = at&^4095 + rng.Int64N(128)
		}
		mask := byte(1 + rng.IntN(255))
		flip(t, file, at, mask)
		b, err := Open(basePath(dir), OpenOptions{ReadOnly: true})
		if err == nil {
			sample := make([]string, 10)
			for i := range sample {
				sample[i] = keys[rng.IntN(len(keys))]
			}
			neverLies(t, b, m, sample, at)
			_, err = b.Verify(nil)
			if err == nil {
				if diff := m.differs(b); diff != nil {
					t.Fatalf("byte %d ^ %#x: Verify found nothing, and %v", at, mask, diff)
				}
			}
			must(t, b.Close())
		}
		if err != nil && !known(err) {
			t.Fatalf("byte %d ^ %#x: %v", at, mask, err)
		}
		found += int(one(err != nil))
		flip(t, file, at, mask)
	}
	t.Logf("%d of %d flips were damage", found, flips)
	if found < flips/4 {
		t.Error("the flips missed what is there")
	}
	m.check(t, open(t, dir, OpenOptions{ReadOnly: true}))
}

// usedBytes is where the pages of a base end; bbolt makes the file longer ahead of need.
func usedBytes(t *testing.T, dir string) int64 {
	t.Helper()
	b, err := Open(basePath(dir), OpenOptions{ReadOnly: true})
	must(t, err)
	stats, err := b.Stats()
	must(t, errors.Join(err, b.Close()))
	return stats.Pages * int64(stats.PageBytes)
}

func flip(t *testing.T, file *os.File, at int64, mask byte) {
	t.Helper()
	b := make([]byte, 1)
	_, err := file.ReadAt(b, at)
	must(t, err)
	b[0] ^= mask
	_, err = file.WriteAt(b, at)
	must(t, err)
}

// neverLies asks for keys that are there and keys that are not, of a base that may be damaged.
func neverLies(t *testing.T, b *Base, m *model, keys []string, at int64) {
	t.Helper()
	for _, key := range keys {
		r, ok, err := b.Get(1, []byte(key))
		if err == nil && !ok {
			t.Fatalf("byte %d: key %.30q has become a miss", at, key)
		}
		if err == nil {
			err = sameRecord([]byte(key), r, m.stores[1][key].Record)
		}
		if err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatalf("byte %d: %v", at, err)
		}
		if _, ok, err := b.Get(1, []byte(key+"?")); ok || err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatalf("byte %d: %.30q? is there: %t, %v", at, key, ok, err)
		}
	}
}

// TestApplyOnAFlippedByte flips bytes all over a small base: an Apply says that there is damage, or what it leaves
// behind says so, or is right.
func TestApplyOnAFlippedByte(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	m := small(t, dir)
	whole, err := os.ReadFile(basePath(dir))
	must(t, err)
	changed := m.clone()
	changed.meta.LSN++
	for range 500 {
		at := rng.IntN(len(whole))&^4095 + rng.IntN(600) // there is hardly anything beyond
		bit := byte(1) << rng.IntN(8)
		whole[at] ^= bit
		must(t, os.WriteFile(basePath(dir), whole, 0o600))
		whole[at] ^= bit
		b, err := Open(basePath(dir), OpenOptions{})
		if err != nil {
			if !known(err) {
				t.Fatalf("byte %d: %v", at, err)
			}
			continue
		}
		neverLies(t, b, m, []string{"a", "b", "c"}, int64(at))
		c := newChanges(t, vfs.OS(), dir, changed)
		c.put(1, "b", Record{Kind: 9, Payload: []byte("changed")})
		if _, err = b.Apply(c.ch, changed.meta); err == nil {
			if _, err = b.Verify(nil); err == nil {
				err = changed.differs(b)
			}
		}
		if err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatalf("byte %d: %v", at, err)
		}
		must(t, c.ch.Discard())
		must(t, b.Close())
	}
}

// TestATruncatedFile cuts a base at many lengths.
func TestATruncatedFile(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	damageable(t, dir, rng)
	for size := usedBytes(t, dir) - 1; size > 0; size -= rng.Int64N(100_000) + 1 {
		must(t, os.Truncate(basePath(dir), size))
		for _, readOnly := range []bool{true, false} {
			if _, err := Open(basePath(dir), OpenOptions{ReadOnly: readOnly}); !errors.Is(err, ErrCorrupt) && (size > 4096 || !errors.Is(err, ErrNotBase)) {
				t.Fatalf("cut at %d: %v", size, err)
			}
		}
	}
}

// TestAFileThatIsCutWhileOpen: reading beyond its end faults, and that is an error and not the end of the process.
func TestAFileThatIsCutWhileOpen(t *testing.T) {
	dir := t.TempDir()
	m := damageable(t, dir, rand.New(rand.NewPCG(1, 1)))
	b := open(t, dir, OpenOptions{ReadOnly: true})
	must(t, os.Truncate(basePath(dir), 3*4096))
	for key := range m.stores[1] {
		if _, _, err := b.Get(1, []byte(key)); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("Get: %v", err)
		}
		break
	}
	if err := b.Each(1, nil, func([]byte, Record) error { return nil }); !errors.Is(err, ErrCorrupt) {
		t.Errorf("Each: %v", err)
	}
	if r, err := b.Verify(nil); !errors.Is(err, ErrCorrupt) || r.Found == 0 {
		t.Errorf("Verify: %v", err)
	}
}

// forge damages a base by a change of its bytes that keeps each page plausible by itself.
func forge(t *testing.T, dir string, change func(v *view, h header, p func(id uint64) page)) {
	t.Helper()
	content, err := os.ReadFile(basePath(dir))
	must(t, err)
	h, err := readHeader(bytes.NewReader(content), int64(len(content)), "")
	must(t, err)
	v := &view{data: content, pageSize: h.pageSize}
	change(v, h, func(id uint64) page { return page(content[int(id)*h.pageSize : int(id+1)*h.pageSize]) })
	must(t, os.WriteFile(basePath(dir), content, 0o600))
}

// manyRoot is the root page of the largest bucket, which is a branch page.
func manyRoot(t *testing.T, v *view, h header) uint64 {
	t.Helper()
	tree, err := v.bucket(h.root, tableKeys.bucket(1))
	must(t, err)
	return tree.root
}

// TestACycleOfPages: bbolt alone would recurse until the process dies.
func TestACycleOfPages(t *testing.T) {
	dir := t.TempDir()
	m := damageable(t, dir, rand.New(rand.NewPCG(1, 1)))
	forge(t, dir, func(v *view, h header, p func(uint64) page) {
		root := manyRoot(t, v, h)
		branch := p(root)
		if !branch.isBranch() {
			t.Fatal("the tree is too small for this test")
		}
		for i := range branch.count() {
			binary.NativeEndian.PutUint64(branch[pageHeader+i*elementSize+8:], root)
		}
	})
	b := open(t, dir, OpenOptions{})
	if _, _, err := b.Get(1, []byte(manyKey(1))); !errors.Is(err, ErrCorrupt) {
		t.Errorf("Get: %v", err)
	}
	if err := b.Each(1, nil, func([]byte, Record) error { return nil }); !errors.Is(err, ErrCorrupt) {
		t.Errorf("Each: %v", err)
	}
	if _, err := b.Verify(nil); !errors.Is(err, ErrCorrupt) {
		t.Errorf("Verify: %v", err)
	}
	applyRefuses(t, b, dir, m)
}

// applyRefuses says that an Apply finds the damage before it changes anything.
func applyRefuses(t *testing.T, b *Base, dir string, m *model) {
	t.Helper()
	before, err := os.ReadFile(basePath(dir))
	must(t, err)
	c := newChanges(t, vfs.OS(), dir, m.clone())
	c.put(1, manyKey(1), Record{})
	for _, limits := range ways {
		b.limits = limits
		if _, err := b.Apply(c.ch, c.m.meta); !errors.Is(err, ErrCorrupt) {
			t.Errorf("Apply: %v", err)
		}
	}
	after, err := os.ReadFile(basePath(dir))
	must(t, err)
	if !bytes.Equal(before, after) {
		t.Error("Apply wrote to a damaged file")
	}
	if _, err := os.Stat(basePath(dir) + redoSuffix); err == nil {
		t.Error("Apply left a redo file for a damaged file")
	}
}

// TestALivePageInTheFreeList: bbolt alone would write over it.
func TestALivePageInTheFreeList(t *testing.T) {
	dir := t.TempDir()
	m := damageable(t, dir, rand.New(rand.NewPCG(1, 1)))
	forge(t, dir, func(v *view, h header, p func(uint64) page) {
		_, leaf, ok := p(manyRoot(t, v, h)).branch(0)
		for ok && p(leaf).isBranch() {
			_, leaf, ok = p(leaf).branch(0)
		}
		list := p(h.freelist)
		if !ok || list.count() == 0 {
			t.Fatal("no free pages")
		}
		for i := range list.count() { // in its place in the order
			at := list[pageHeader+8*i:]
			if free := binary.NativeEndian.Uint64(at); free > leaf || i == list.count()-1 {
				binary.NativeEndian.PutUint64(at, leaf)
				return
			}
		}
	})
	b, err := Open(basePath(dir), OpenOptions{})
	if errors.Is(err, ErrCorrupt) {
		return // where it broke the order
	}
	must(t, err)
	defer func() { must(t, b.Close()) }()
	if _, err := b.Verify(nil); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "free list") {
		t.Errorf("Verify: %v", err)
	}
	applyRefuses(t, b, dir, m)
}

func TestADamageErrorSaysWhere(t *testing.T) {
	dir := t.TempDir()
	small(t, dir)
	forge(t, dir, func(v *view, _ header, _ func(uint64) page) {
		copy(v.data, bytes.ReplaceAll(v.data, []byte("two"), []byte("tw0"))) // in older pages too
	})
	b := open(t, dir, OpenOptions{})
	_, _, err := b.Get(1, []byte("b"))
	var damage *DamageError
	if !errors.As(err, &damage) || damage.File != basePath(dir) || damage.Bucket != "keys:00000001" || string(damage.Key) != "kb" {
		t.Errorf("%+v", damage)
	}
	if !strings.Contains(err.Error(), basePath(dir)) || !strings.Contains(err.Error(), `bucket keys:00000001: key "b"`) {
		t.Errorf("%v", err)
	}
	report, err := b.Verify(nil)
	if !errors.Is(err, ErrCorrupt) || report.Found != 2 { // the record, and its deadline's
		t.Errorf("%+v, %v", report, err)
	}
}

// A damage error names keys as users know them, whatever bucket they are met in.
func TestADamageErrorNamesTheUsersKey(t *testing.T) {
	long := bytes.Repeat([]byte("x"), MaxPlainKey+1)
	for _, c := range []struct {
		table table
		key   []byte
		want  string
	}{
		{tableKeys, appendStored(nil, []byte("greeting")), `key "greeting"`},
		{tableKeys, appendStored(nil, nil), `key ""`},
		{tableKeys, appendStored(nil, long), fmt.Sprintf("the long key with the SHA-256 %x", sha256.Sum256(long))},
		{tableKeys, appendStored(nil, long[:200]), fmt.Sprintf("key %q… (200 bytes)", long[:128])},
		{tableParts, appendPartKey(nil, appendStored(nil, []byte("l")), spaceParts, 7), `key "l"`},
		{tableDeadlines, appendDeadlineKey(nil, 1000, appendStored(nil, []byte("t"))), `key "t"`},
		{tableParts, []byte("no part key"), `key "no part key"`},
		{tableDeadlines, []byte("short"), `key "short"`},
	} {
		err := &DamageError{File: "base.db", Bucket: string(c.table.bucket(1)), Key: c.key, Offset: -1, What: "is gone"}
		if want := fmt.Sprintf("base.db: bucket %s: %s: is gone: %v", err.Bucket, c.want, ErrCorrupt); err.Error() != want {
			t.Errorf("%s\nnot\n%s", err, want)
		}
	}
}

// The place of a record in the file is told: that of its key.
func TestDamageOfARecordHasItsOffset(t *testing.T) {
	dir := t.TempDir()
	small(t, dir)
	content, err := os.ReadFile(basePath(dir))
	must(t, err)
	at := bytes.LastIndex(content, []byte("one"))
	content[at] ^= 1
	must(t, os.WriteFile(basePath(dir), content, 0o600))
	b := open(t, dir, OpenOptions{ReadOnly: true})
	_, _, err = b.Get(1, []byte("a"))
	var damage *DamageError
	if !errors.As(err, &damage) || damage.Offset < 0 || !bytes.HasPrefix(content[damage.Offset:], []byte("ka")) {
		t.Errorf("%v; the key is at %d", err, bytes.LastIndex(content[:at], []byte("ka")))
	}
}

func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	m := small(f, dir)
	whole, err := os.ReadFile(basePath(dir))
	must(f, err)
	f.Add(uint32(0), []byte{1})
	f.Add(uint32(2*4096+16), []byte{1, 2, 3, 4, 5, 6, 7, 8})
	f.Add(uint32(3*4096+20), []byte{255, 255})
	f.Fuzz(func(t *testing.T, at uint32, patch []byte) {
		content := bytes.Clone(whole)
		copy(content[int(at)%len(content):], patch)
		dir := t.TempDir()
		must(t, os.WriteFile(basePath(dir), content, 0o600))
		b, err := Open(basePath(dir), OpenOptions{ReadOnly: true})
		if err == nil {
			if _, err = b.Verify(nil); err == nil {
				err = m.differs(b)
			}
			must(t, b.Close())
		}
		if err != nil && !known(err) {
			t.Fatal(err)
		}
	})
}

func FuzzState(f *testing.F) {
	f.Add(newState(newModel(1, 2).meta).value())
	f.Fuzz(func(t *testing.T, value []byte) {
		if len(value) < sumSize {
			return
		}
		if s, ok := parseState(value); ok && len(s.Extra) > len(value) {
			t.Fatalf("%+v", s)
		}
		parseFormat(value)
		parseRedoHeader(value)
		parseBucket(value)
		splitPartKey(value)
		splitDeadlineKey(value)
		if h, ok := parseHead(value); ok {
			splitBody([]byte("s123"), h.flags, h.body)
		}
	})
}
