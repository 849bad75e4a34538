package dict

import (
	"bytes"
	"cmp"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

// built makes a Dict of pairs by way of a Builder.
func built(t *testing.T, pairs map[string]string) (*Dict, error) {
	t.Helper()
	type part struct {
		id      uint64
		payload []byte
	}
	var parts []part
	size := 0
	for key, value := range pairs {
		size += len(key) + len(value)
	}
	b := NewBuilder(Seed{1, 2, 3}, int64(len(pairs)), int64(size), func(id uint64, payload []byte) error {
		parts = append(parts, part{id, bytes.Clone(payload)})
		return nil
	})
	keys := make([]string, 0, len(pairs))
	for key := range pairs {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(x, y string) int {
		return cmp.Or(cmp.Compare(b.Hash([]byte(x)), b.Hash([]byte(y))), cmp.Compare(x, y))
	})
	for _, key := range keys {
		if err := b.Add(b.Hash([]byte(key)), []byte(key), []byte(pairs[key])); err != nil {
			return nil, err
		}
		if len(b.hashes) > leafMax+1 {
			t.Fatalf("the builder holds %d keys", len(b.hashes))
		}
	}
	head, err := b.End()
	if err != nil {
		return nil, err
	}
	return FromParts(head, func() (uint64, []byte, bool, error) {
		if len(parts) == 0 {
			return 0, nil, false, nil
		}
		p := parts[0]
		parts = parts[1:]
		return p.id, p.payload, true, nil
	})
}

func TestBuilderMakesWhatSetMakes(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for _, c := range []struct{ keys, valueMax int }{{0, 1}, {1, 9}, {60, 9}, {61, 9}, {5000, 20}, {3000, 300}, {700, 9000}, {40, 200_000}} {
		pairs := map[string]string{}
		plain := New(Seed{1, 2, 3})
		for len(pairs) < c.keys {
			key := make([]byte, 1+rng.IntN(20))
			for i := range key {
				key[i] = byte(rng.UintN(256))
			}
			value := bytes.Repeat([]byte{byte(rng.UintN(256))}, rng.IntN(c.valueMax))
			pairs[string(key)] = string(value)
			plain.Set(key, value)
		}
		d, err := built(t, pairs)
		if err != nil {
			t.Fatalf("%d keys of values up to %d: %v", c.keys, c.valueMax, err)
		}
		found := 0
		for key, value := range d.All() {
			if pairs[string(key)] != string(value) {
				t.Fatalf("%q has a value of %d bytes", key, len(value))
			}
			found++
		}
		if found != len(pairs) || d.Len() != found {
			t.Errorf("%d keys: %d are there, %d are counted", len(pairs), found, d.Len())
		}
		if c.valueMax <= 300 && d.leaves > 2*plain.leaves {
			t.Errorf("%d keys: %d leaves, and a dict that grew has %d", c.keys, d.leaves, plain.leaves)
		}
		if d.Parted() && !d.store.tracked {
			t.Errorf("%d keys of values up to %d: its parts are not those that are stored", c.keys, c.valueMax)
		}
	}
}

func TestBuilderRefusesAKeyTwice(t *testing.T) {
	b := NewBuilder(Seed{}, 2, 2, func(uint64, []byte) error { return nil })
	hash := b.Hash([]byte("k"))
	if err := b.Add(hash, []byte("k"), nil); err != nil {
		t.Fatal(err)
	}
	if err := b.Add(hash, []byte("k"), nil); !errors.Is(err, ErrTwice) {
		t.Errorf("%v", err)
	}
}
