package snapshot

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"holdfast/internal/vfs"
)

// TestBulkTrees: what is written page by page is what bbolt reads, finds no fault with, and goes on with: it changes and
// empties it, which puts pages together and takes them apart.
func TestBulkTrees(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	sizes := func(most int) func() int { return func() int { return rng.IntN(most + 1) } }
	for name, c := range map[string]struct {
		keys       int
		key, value func() int // bytes, of a key beyond what makes it one of its own
	}{
		"none":                      {0, sizes(0), sizes(0)},
		"one":                       {1, sizes(0), sizes(0)},
		"few, in the page above":    {8, sizes(9), sizes(20)},
		"just beyond that":          {30, sizes(9), sizes(20)},
		"two levels":                {3000, sizes(20), sizes(100)},
		"three levels, empty ones":  {30_000, sizes(100), sizes(0)},
		"keys of about a page":      {60, sizes(8000), sizes(10)},
		"keys as long as they come": {9, func() int { return bbolt.MaxKeySize - 8 }, sizes(9)},
		"values of many pages":      {40, sizes(20), sizes(300_000)},
		"a giant":                   {1, sizes(9), func() int { return bulkBytes + 1 }},
		"giants":                    {20, sizes(8000), func() int { return bulkBytes - 1 + rng.IntN(4) }},
		"giants among others":       {60, sizes(20), func() int { return 1 << (1 + rng.IntN(20)) }},
		"of any size":               {1000, sizes(2000), func() int { return 1 << rng.IntN(15) }},
	} {
		t.Run(name, func(t *testing.T) {
			var keys, values [][]byte
			for i := range c.keys {
				keys = append(keys, fmt.Appendf(nil, "%08d%s", i, strings.Repeat("k", c.key())))
				values = append(values, bytes.Repeat([]byte{byte(i)}, c.value()))
			}
			bulkAndBbolt(t, rng, keys, values)
		})
	}
}

func bulkAndBbolt(t *testing.T, rng *rand.Rand, keys, values [][]byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bulk.db")
	f, err := createBulk(vfs.OS(), path)
	must(t, err)
	tree := newBulkTree(f)
	for i, key := range keys {
		must(t, tree.put(key, values[i], 0))
	}
	bucket, err := tree.bucket()
	must(t, err)
	must(t, f.close(f.finish(map[string][]byte{"a": bucket})))

	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoSync: true, NoGrowSync: true})
	must(t, err)
	defer func() { must(t, db.Close()) }()
	db.StrictMode = true // every commit checks the whole file
	must(t, db.View(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			t.Error(err)
		}
		i := 0
		return tx.Bucket([]byte("a")).ForEach(func(k, v []byte) error {
			if i >= len(keys) || !bytes.Equal(k, keys[i]) || !bytes.Equal(v, values[i]) {
				return fmt.Errorf("key %d is %.20q", i, k)
			}
			i++
			return nil
		})
	}))
	if n := db.Stats().FreePageN; n != 0 {
		t.Errorf("%d pages are free", n)
	}
	left := slices.Clone(keys)
	rng.Shuffle(len(left), func(i, j int) { left[i], left[j] = left[j], left[i] })
	for len(left) > 0 {
		n := (len(left) + 1) / 2
		must(t, db.Update(func(tx *bbolt.Tx) error {
			b := tx.Bucket([]byte("a"))
			for _, key := range left[:n] {
				must(t, b.Delete(key))
			}
			return b.Put([]byte("x"), []byte("y"))
		}))
		left = left[n:]
	}
	must(t, db.View(func(tx *bbolt.Tx) error {
		if n := tx.Bucket([]byte("a")).Stats().KeyN; n != 1 && len(keys) > 0 {
			return fmt.Errorf("%d keys are left", n)
		}
		return nil
	}))
}

// TestBulkTreesAreFull: no page but the last of a level has room for what comes behind it.
func TestBulkTreesAreFull(t *testing.T) {
	f, err := createBulk(vfs.OS(), filepath.Join(t.TempDir(), "bulk.db"))
	must(t, err)
	tree := newBulkTree(f)
	const keys, perLeaf = 100_000, 4080 / (16 + 8 + 32)
	for i := range keys {
		must(t, tree.put(fmt.Appendf(nil, "%08d", i), make([]byte, 32), 0))
	}
	_, err = tree.finish()
	must(t, f.close(err))
	leaves := (keys + perLeaf - 1) / perLeaf
	branches := leaves / (4080 / (16 + 8))
	if f.pageSize != 4096 {
		t.Skipf("pages of %d bytes", f.pageSize)
	}
	if pages := int(f.next) - 2; pages < leaves+branches || pages > leaves+branches+2 {
		t.Errorf("%d pages, where %d leaves and some %d branch pages are wanted", pages, leaves, branches)
	}
}

// TestBulkKeysRise: two of the same, or one behind a greater, is the caller's bug.
func TestBulkKeysRise(t *testing.T) {
	for _, second := range []string{"a", "b"} {
		f, err := createBulk(vfs.OS(), filepath.Join(t.TempDir(), "bulk.db"))
		must(t, err)
		tree := newBulkTree(f)
		must(t, tree.put([]byte("b"), nil, 0))
		func() {
			defer func() {
				if p, ok := recover().(string); !ok || !strings.HasPrefix(p, "BUG: ") {
					t.Errorf("%q behind b: recovered %v", second, p)
				}
			}()
			t.Error(tree.put([]byte(second), nil, 0))
		}()
		must(t, f.close(nil))
	}
}
