package aof

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"holdfast/internal/vfs"
)

// cutLog is a log in three segments, and where its records lie.
func cutLog(t *testing.T, root string) (dir string, bodies []string, at []Position) {
	t.Helper()
	dir = filepath.Join(root, "aof")
	l, _, _ := mustRecover(t, options(vfs.OS(), dir), 0)
	bodies = bodiesOf(12, 200)
	for _, body := range bodies {
		commit(t, l, body)
	}
	mustClose(t, l)
	return dir, bodies, offsets(t, dir)
}

func (p Position) first(t *testing.T) (first uint64) {
	t.Helper()
	if _, err := fmt.Sscanf(filepath.Base(p.File), "%d", &first); err != nil {
		t.Fatal(err)
	}
	return first
}

// Wherever a log is cut, it ends before the cut and goes on from there.
func TestCutAt(t *testing.T) {
	for i := range 12 {
		dir, bodies, at := cutLog(t, t.TempDir())
		if err := CutAt(vfs.OS(), dir, at[i].first(t), at[i].Offset); err != nil {
			t.Fatal(err)
		}
		l, found, got := mustRecover(t, options(vfs.OS(), dir), 0)
		if !slices.Equal(got, bodies[:i]) || found.CutBytes != 0 {
			t.Errorf("cut at record %d: %d records, torn: %d bytes", i+1, len(got), found.CutBytes)
		}
		commit(t, l, "after")
		mustClose(t, l)
		_, _, got = mustRecover(t, options(vfs.OS(), dir), 0)
		if want := append(slices.Clone(bodies[:i]), "after"); !slices.Equal(got, want) {
			t.Errorf("cut at record %d, and gone on: %d records", i+1, len(got))
		}
	}
}

// An offset within the header takes the segment.
func TestCutSegment(t *testing.T) {
	dir, bodies, at := cutLog(t, t.TempDir())
	second := at[slices.IndexFunc(at, func(p Position) bool { return p.File != at[0].File })]
	if err := CutAt(vfs.OS(), dir, second.first(t), 0); err != nil {
		t.Fatal(err)
	}
	_, found, got := mustRecover(t, options(vfs.OS(), dir), 0)
	if found.Segments != 1 || !slices.Equal(got, bodies[:second.first(t)-1]) {
		t.Errorf("%d segments, %d records", found.Segments, len(got))
	}
}

// A crash on the way leaves a log that is refused, or one that ends where it was cut, or where it ended before; and
// cutting again finishes it.
func TestCutAtCrash(t *testing.T) {
	for n := 1; ; n++ {
		root := t.TempDir()
		dir, bodies, at := cutLog(t, root)
		cutting := at[2]
		edit(t, cutting.File, func(b []byte) []byte { b[cutting.Offset+40] ^= 1; return b })
		fsys := vfs.NewFaulty(root, int64(n))
		fsys.CrashAt(n)
		err := CutAt(fsys, dir, cutting.first(t), cutting.Offset)
		for mode := vfs.OnlySynced; mode <= vfs.RandomOrdered; mode++ {
			left := filepath.Join(t.TempDir(), "left")
			if err := fsys.Materialise(left, mode, int64(n)); err != nil {
				t.Fatal(err)
			}
			left = filepath.Join(left, "aof")
			var damage *DamageError
			if _, err := Scan(vfs.OS(), left, 0, func(Position, Record) error { return nil }); err != nil && !errors.As(err, &damage) {
				t.Fatal(err)
			}
			if err := CutAt(vfs.OS(), left, cutting.first(t), cutting.Offset); err != nil {
				t.Fatal(err)
			}
			if _, _, got := mustRecover(t, options(vfs.OS(), left), 0); !slices.Equal(got, bodies[:2]) {
				t.Errorf("crash at %d, %v: %d records", n, mode, len(got))
			}
		}
		if !fsys.Crashed() {
			if err != nil {
				t.Fatal(err)
			}
			return
		}
	}
}

// What lies behind damage is found record by record, at any byte, and nothing else is.
func TestRemains(t *testing.T) {
	dir, bodies, at := cutLog(t, t.TempDir())
	edit(t, at[0].File, func(b []byte) []byte { b[at[0].Offset+40] ^= 1; return b })
	segments, misnamed, err := Survey(vfs.OS(), dir)
	if err != nil || len(misnamed) > 0 {
		t.Fatal(err, misnamed)
	}
	var got []string
	for _, s := range segments {
		err := Remains(vfs.OS(), s, testID, 0, func(p Position, r Record) error {
			if p != at[r.LSN-1] {
				t.Errorf("LSN %d is at %+v, expected %+v", r.LSN, p, at[r.LSN-1])
			}
			got = append(got, string(r.Body))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(got, bodies[1:]) {
		t.Errorf("found %d of %d records", len(got), len(bodies)-1)
	}
}

// ScanSegments ends where it is told to, whatever follows, and sees no segment that it was not given.
func TestScanSegments(t *testing.T) {
	dir, bodies, at := cutLog(t, t.TempDir())
	segments, _, err := Survey(vfs.OS(), dir)
	if err != nil {
		t.Fatal(err)
	}
	edit(t, at[8].File, func(b []byte) []byte { b[at[8].Offset+40] ^= 1; return b })
	scan := func(segments []SegmentInfo, from, through uint64) (got []string, err error) {
		_, err = ScanSegments(vfs.OS(), segments, testID, from, through, func(_ Position, r Record) error {
			got = append(got, string(r.Body))
			return nil
		})
		return got, err
	}
	if got, err := scan(segments, 2, 8); err != nil || !slices.Equal(got, bodies[1:8]) {
		t.Errorf("LSN 2 to 8: %d records, %v", len(got), err)
	}
	if got, err := scan(segments, 5, 4); err != nil || len(got) > 0 {
		t.Errorf("nothing: %d records, %v", len(got), err)
	}
	if got, err := scan(segments, 1, 12); !errors.Is(err, ErrCorrupt) || !slices.Equal(got, bodies[:8]) {
		t.Errorf("up to the damage: %d records, %v", len(got), err)
	}
	if _, err := scan(append(segments[:1:1], segments[2:]...), 1, 12); !errors.Is(err, ErrGap) {
		t.Errorf("without the second segment: %v", err)
	}
	if got, err := scan(segments[:1], 1, 12); err != nil || !slices.Equal(got, bodies[:len(got)]) || len(got) == 0 {
		t.Errorf("the first segment: %d records, %v", len(got), err)
	}
}

// Whatever lies in a segment, Remains hands out only what was written.
func FuzzRemains(f *testing.F) {
	dir := logOf(f, "one", "two", "three")
	f.Add(readFile(f, pathOf(dir, 1))[HeaderBytes:HeaderBytes+200], int64(0))
	f.Add([]byte{1, 2, 3}, int64(5000))
	whole := readFile(f, pathOf(dir, 1))
	f.Fuzz(func(t *testing.T, tail []byte, offset int64) {
		if offset < 0 {
			return
		}
		path := filepath.Join(t.TempDir(), segmentName(1))
		writeFile(t, path, append(slices.Clone(whole[:HeaderBytes]), tail...))
		err := Remains(vfs.OS(), SegmentInfo{File: path, First: 1}, testID, offset, func(_ Position, r Record) error {
			if s := string(r.Body); s != "one" && s != "two" && s != "three" {
				t.Errorf("a record that nobody wrote: %q", r.Body)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
