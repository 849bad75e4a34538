package snapshot

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"

	"holdfast/internal/vfs"
)

// Keys come as a base would give them, in memory or from files, and a key that was added twice comes twice.
func TestSorter(t *testing.T) {
	const enough = 8 << 20 // for the keys, and for what large ones leave unused of the slabs they lie in
	for _, memory := range []int{1 << 10, enough} {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		rng := rand.New(rand.NewPCG(seed, 0))
		dir := t.TempDir()
		s := NewSorter(vfs.OS(), dir, memory)
		type added struct {
			store Store
			key   string
			value string
		}
		var want []added
		for i := range 400 {
			a := added{Store(rng.IntN(3)), fmt.Sprint("k", rng.IntN(300)), fmt.Sprint(i)}
			if rng.IntN(40) == 0 {
				a.key = strings.Repeat(a.key, 20_000)
			}
			if err := s.Add(a.store, []byte(a.key), []byte(a.value)); err != nil {
				t.Fatal(err)
			}
			want = append(want, a)
		}
		slices.SortStableFunc(want, func(a, b added) int {
			if a.store != b.store {
				return int(a.store) - int(b.store)
			}
			return CompareKeys([]byte(a.key), []byte(b.key))
		})
		for i, w := range want {
			store, key, value, err := s.Next()
			if got := (added{store, string(key), string(value)}); err != nil || got != w {
				t.Fatalf("%d: %d %.20q %q, %v; want %d %.20q %q", i, got.store, got.key, got.value, err, w.store, w.key, w.value)
			}
		}
		if _, _, _, err := s.Next(); !errors.Is(err, io.EOF) {
			t.Error(err)
		}
		names, err := vfs.OS().List(dir)
		if err != nil || (len(names) > 0) != (memory < enough) {
			t.Errorf("%q, %v", names, err)
		}
		if err := s.Discard(); err != nil {
			t.Error(err)
		}
		if names, err := vfs.OS().List(dir); err != nil || len(names) > 0 {
			t.Errorf("left behind: %q, %v", names, err)
		}
	}
}

// A large run leaves the disk though it cannot be shortened first, which is a courtesy to others and no more.
func TestARunThatCannotBeShortenedGoes(t *testing.T) {
	for _, fails := range []bool{false, true} {
		dir := t.TempDir()
		disk := vfs.NewFaulty(dir, 1)
		if fails {
			disk.FailFrom(1, syscall.EIO, vfs.Truncate)
		}
		s := NewSorter(disk, dir, 1<<10)
		for i := range 3 { // three runs, the last of which has still to be written
			must(t, s.Add(1, fmt.Append(nil, i), make([]byte, 3<<20)))
		}
		if _, _, _, err := s.Next(); err != nil {
			t.Fatal(err)
		}
		must(t, s.Discard())
		if names, err := vfs.OS().List(dir); err != nil || len(names) > 0 {
			t.Errorf("truncate fails: %v: left behind: %q, %v", fails, names, err)
		}
		if n := len(disk.Injected()); (n > 0) != fails {
			t.Errorf("truncate fails: %v: %d failures", fails, n)
		}
	}
}

// A run that could not be written is none: what was to be in it is still in memory, and goes into the next.
func TestARunThatCouldNotBeWritten(t *testing.T) {
	const keys = 300 // of a memory that holds some twenty
	for fail := 1; ; fail++ {
		dir := t.TempDir()
		disk := vfs.NewFaulty(dir, 1)
		disk.FailAt(fail, syscall.ENOSPC, vfs.Write)
		s := NewSorter(disk, dir, 1<<10)
		for i := range keys {
			err := s.Add(1, fmt.Appendf(nil, "%04d", i), nil)
			if errors.Is(err, syscall.ENOSPC) {
				err = s.Add(1, fmt.Appendf(nil, "%04d", i), nil)
			}
			must(t, err)
		}
		for i := range keys {
			if _, key, _, err := s.Next(); err != nil || string(key) != fmt.Sprintf("%04d", i) {
				t.Fatalf("write %d failed: key %d is %q, %v", fail, i, key, err)
			}
		}
		if _, _, _, err := s.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("write %d failed: %v behind the last key", fail, err)
		}
		must(t, s.Discard())
		if names, err := vfs.OS().List(dir); err != nil || len(names) > 0 {
			t.Errorf("write %d failed: left behind: %q, %v", fail, names, err)
		}
		if len(disk.Injected()) == 0 {
			if fail < 10 {
				t.Errorf("%d writes", fail-1)
			}
			return
		}
	}
}
