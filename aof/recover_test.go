package aof

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"holdfast/internal/vfs"
)

func TestAnEmptyDirectoryBeginsALogBehindTheBase(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "aof")
	l, found, bodies := mustRecover(t, options(vfs.OS(), dir), 41)
	if found != (Recovery{}) || bodies != nil || l.Last() != 41 || l.Durable() != 41 {
		t.Errorf("found %+v, bodies %q, last %d", found, bodies, l.Last())
	}
	commit(t, l, "a")
	if l.Last() != 42 || l.Gate() != 42 {
		t.Errorf("last %d, gate %d", l.Last(), l.Gate())
	}
	if _, err := os.Stat(pathOf(dir, 42)); err != nil {
		t.Error(err)
	}
}

func TestRecordsComeBack(t *testing.T) {
	dir := t.TempDir()
	l, _, _ := mustRecover(t, options(vfs.OS(), dir), 0)
	want := []Record{{LSN: 1, Time: -5, Flags: 0, Body: []byte{}}, {LSN: 2, Time: 1 << 50, Flags: 0xff, Durable: 1, Body: []byte("b\x00")}}
	for _, r := range want {
		if lsn := l.Append(r.Time, r.Flags, r.Body); lsn != r.LSN {
			t.Fatalf("LSN %d", lsn)
		}
		commit(t, l)
	}
	mustClose(t, l)
	var got []Record
	l, found, err := Recover(options(vfs.OS(), dir), 0, func(r Record) error {
		r.Body = bytes.Clone(r.Body)
		got = append(got, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, l)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	if want := (Recovery{Segments: 1, From: 1, To: 2, Records: 2, Bytes: RecordBytes(0) + RecordBytes(2), LastTime: 1 << 50}); found != want {
		t.Errorf("%+v", found)
	}
}

func TestOnlyRecordsBehindTheBaseAreReplayed(t *testing.T) {
	dir := logOf(t, bodiesOf(12, 200)...) // four to a segment
	for base := uint64(0); base <= 12; base++ {
		l, found, bodies := mustRecover(t, options(vfs.OS(), dir), base)
		if len(bodies) != int(12-base) || found.Segments != 3 || l.Last() != 12 {
			t.Errorf("base %d: %d replayed, %+v", base, len(bodies), found)
		}
		mustClose(t, l)
	}
}

func TestABaseBehindTheWholeLogBeginsANewSegment(t *testing.T) {
	dir := logOf(t, "a", "b")
	l, _, bodies := mustRecover(t, options(vfs.OS(), dir), 10)
	commit(t, l, "eleven")
	mustClose(t, l)
	if bodies != nil || l.Last() != 11 {
		t.Errorf("bodies %q, last %d", bodies, l.Last())
	}
	_, _, bodies = mustRecover(t, options(vfs.OS(), dir), 10)
	if !reflect.DeepEqual(bodies, []string{"eleven"}) {
		t.Errorf("%q", bodies)
	}
	wantDamage(t, dir, 2, DamageError{Kind: ErrGap, Segment: segmentName(11), LSN: 3})
}

func TestTheErrorOfApplyStopsAndChangesNothing(t *testing.T) {
	dir := logOf(t, "a", "b", "c")
	edit(t, pathOf(dir, 1), func(b []byte) []byte { b[len(b)-1] = 1; return b })
	writeFile(t, filepath.Join(dir, nextTemp), []byte("left"))
	before := picture(t, dir)
	stop := errors.New("stop")
	_, found, err := Recover(options(vfs.OS(), dir), 0, func(r Record) error {
		if r.LSN == 2 {
			return stop
		}
		return nil
	})
	if err != stop || found.To != 2 || picture(t, dir) != before {
		t.Errorf("error %v, found %+v", err, found)
	}
	seen := 0
	o := options(vfs.OS(), dir)
	o.Replayed = func() error {
		if seen != 3 {
			t.Errorf("%d records were handed out before what comes behind the last", seen)
		}
		return stop
	}
	if _, _, err := Recover(o, 0, func(Record) error { seen++; return nil }); err != stop || picture(t, dir) != before {
		t.Errorf("behind the last record: error %v", err)
	}
}

func TestTemporaryFilesGoAndOthersStay(t *testing.T) {
	dir := logOf(t, "a")
	writeFile(t, filepath.Join(dir, nextTemp), []byte("left"))
	writeFile(t, filepath.Join(dir, "README"), []byte("mine"))
	l, found, _ := mustRecover(t, options(vfs.OS(), dir), 0)
	defer mustClose(t, l)
	if _, err := os.Stat(filepath.Join(dir, nextTemp)); !os.IsNotExist(err) || found.Segments != 1 {
		t.Errorf("temporary file: %v; found %+v", err, found)
	}
	if got := string(readFile(t, filepath.Join(dir, "README"))); got != "mine" {
		t.Errorf("README: %q", got)
	}
}

// A crash may end the last record at any byte; and whatever is cut never shows again. But it leaves the file as long as it was: one that
// ends within a record has been cut by somebody else, as a copy is by a full disk, and what is missing was acknowledged.
func TestTornTailAtEveryByteOfTheLastRecord(t *testing.T) {
	for _, how := range []string{"zeroed", "shortened"} {
		t.Run(how, func(t *testing.T) {
			source := logOf(t, "one", "two", "three", "the last record.")
			whole := readFile(t, pathOf(source, 1))
			last := offsets(t, source)[3]
			for cut := last.Offset; cut < last.Offset+last.Bytes; cut++ {
				dir := t.TempDir()
				torn := bytes.Clone(whole)
				if clear(torn[cut:]); how == "shortened" {
					torn = torn[:cut]
				}
				writeFile(t, pathOf(dir, 1), torn)
				if how == "shortened" && cut > last.Offset {
					_, _, err := Recover(options(vfs.OS(), dir), 0, func(Record) error { return nil })
					var damage *DamageError
					if !errors.As(err, &damage) || !errors.Is(err, ErrCorrupt) || damage.Offset != last.Offset || !strings.Contains(err.Error(), "cut short") {
						t.Fatalf("shortened to %d: %v", cut, err)
					}
					continue
				}
				l, found, bodies := mustRecover(t, options(vfs.OS(), dir), 0)
				if len(bodies) != 3 || l.Last() != 3 {
					t.Fatalf("cut at %d: %q", cut, bodies)
				}
				data := int64(len(bytes.TrimRight(torn, "\x00")))
				want := Recovery{Segments: 1, From: 1, To: 3, Records: 3, Bytes: found.Bytes, LastTime: 1002}
				if data > last.Offset {
					want.CutFile, want.CutOffset, want.CutBytes = pathOf(dir, 1), last.Offset, data-last.Offset
				}
				if found != want {
					t.Fatalf("cut at %d: found %+v, expected %+v", cut, found, want)
				}
				commit(t, l, "4")
				mustClose(t, l)
				l, found, bodies = mustRecover(t, options(vfs.OS(), dir), 0)
				mustClose(t, l)
				if len(bodies) != 4 || bodies[3] != "4" || found.CutFile != "" {
					t.Fatalf("cut at %d, afterwards: %q, %+v", cut, bodies, found)
				}
			}
		})
	}
}

// A batch is one write, and its sectors reach the disk in any order.
func TestATornBatchIsCutWhole(t *testing.T) {
	dir := t.TempDir()
	l, _, _ := mustRecover(t, options(vfs.OS(), dir), 0)
	commit(t, l, "one")
	commit(t, l, "two", "three", "four")
	mustClose(t, l)
	at := offsets(t, dir)
	edit(t, pathOf(dir, 1), func(b []byte) []byte {
		clear(b[at[1].Offset : at[1].Offset+at[1].Bytes])
		return b
	})
	l, found, bodies := mustRecover(t, options(vfs.OS(), dir), 0)
	if !reflect.DeepEqual(bodies, []string{"one"}) || found.CutOffset != at[1].Offset {
		t.Errorf("%q, %+v", bodies, found)
	}
	// The new records end exactly where the old third one began: it must not follow them.
	commit(t, l, "TWO")
	mustClose(t, l)
	_, _, bodies = mustRecover(t, options(vfs.OS(), dir), 0)
	if !reflect.DeepEqual(bodies, []string{"one", "TWO"}) {
		t.Errorf("afterwards %q", bodies)
	}
}

// Any byte of a record that a later one vouches for.
func TestDamageBeforeADurableRecordIsCorruption(t *testing.T) {
	source := logOf(t, "one", "two", "three")
	whole := readFile(t, pathOf(source, 1))
	second := offsets(t, source)[1]
	for at := second.Offset; at < second.Offset+second.Bytes; at++ {
		dir := t.TempDir()
		b := bytes.Clone(whole)
		b[at] ^= 0x40
		writeFile(t, pathOf(dir, 1), b)
		wantDamage(t, dir, 0, DamageError{Kind: ErrCorrupt, Segment: segmentName(1), Offset: second.Offset, LSN: 2})
		if t.Failed() {
			t.Fatalf("byte %d", at)
		}
	}
}

// LSNs say nothing of how much a segment holds.
func TestDamageOfAnOldLog(t *testing.T) {
	const base = 1 << 40
	dir := t.TempDir()
	l, _, _ := mustRecover(t, options(vfs.OS(), dir), base)
	for _, body := range []string{"one", "two", "three"} {
		commit(t, l, body)
	}
	mustClose(t, l)
	second := offsets(t, dir)[1]
	edit(t, pathOf(dir, base+1), func(b []byte) []byte { b[second.Offset+bodyAt] ^= 0x40; return b })
	wantDamage(t, dir, base, DamageError{Kind: ErrCorrupt, Segment: segmentName(base + 1), Offset: second.Offset, LSN: base + 2})
}

func TestJudgement(t *testing.T) {
	atFirst := func(lsn uint64, off int64) DamageError {
		return DamageError{Kind: ErrCorrupt, Segment: segmentName(1), Offset: off, LSN: lsn}
	}
	ten := bodiesOf(10, 200) // LSN 1 to 4, 5 to 8, 9 to 10
	four := HeaderBytes + 3*RecordBytes(len(ten[0]))
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, dir string)
		want  DamageError
	}{
		{"a hole of zeroes before a durable record", func(t *testing.T, dir string) {
			edit(t, pathOf(dir, 9), func(b []byte) []byte { clear(b[HeaderBytes : HeaderBytes+100]); return b })
		}, DamageError{Kind: ErrCorrupt, Segment: segmentName(9), Offset: HeaderBytes, LSN: 9}},
		{"a hole of zeroes in a sealed segment", func(t *testing.T, dir string) {
			edit(t, pathOf(dir, 1), func(b []byte) []byte { clear(b[four : four+100]); return b })
		}, atFirst(4, four)},
		{"the last record of a sealed segment", func(t *testing.T, dir string) {
			edit(t, pathOf(dir, 1), func(b []byte) []byte { b[len(b)-sealBytes-1] ^= 1; return b })
		}, atFirst(4, four)},
		{"a sealed segment is shorter", func(t *testing.T, dir string) {
			edit(t, pathOf(dir, 1), func(b []byte) []byte { return b[:len(b)-sealBytes-1] })
		}, atFirst(4, four)},
		{"a sealed segment lacks a whole record", func(t *testing.T, dir string) {
			edit(t, pathOf(dir, 1), func(b []byte) []byte { return b[:four] })
		}, DamageError{Kind: ErrGap, Segment: segmentName(5), LSN: 4}},
		{"a sealed segment lacks those behind it", func(t *testing.T, dir string) {
			remove(t, pathOf(dir, 5))
			remove(t, pathOf(dir, 9))
		}, DamageError{Kind: ErrGap, Segment: segmentName(1), Offset: four + RecordBytes(len(ten[0])), LSN: 5}},
		{"the newest segment is missing", func(t *testing.T, dir string) { remove(t, pathOf(dir, 9)) },
			DamageError{Kind: ErrGap, Segment: segmentName(5), Offset: four + RecordBytes(len(ten[0])), LSN: 9}},
		{"a sealed segment is not followed by what its seal says", func(t *testing.T, dir string) {
			remove(t, pathOf(dir, 5))
			b := header{version: Version, first: 6, id: testID}.encode()
			writeFile(t, pathOf(dir, 6), b)
		}, DamageError{Kind: ErrGap, Segment: segmentName(6), LSN: 5}},
		{"a segment is missing", func(t *testing.T, dir string) { remove(t, pathOf(dir, 5)) },
			DamageError{Kind: ErrGap, Segment: segmentName(9), LSN: 5}},
		{"the first segment is missing", func(t *testing.T, dir string) { remove(t, pathOf(dir, 1)) },
			DamageError{Kind: ErrGap, Segment: segmentName(5), LSN: 1}},
		{"a segment is empty", func(t *testing.T, dir string) { writeFile(t, pathOf(dir, 5), nil) },
			DamageError{Kind: ErrCorrupt, Segment: segmentName(5), LSN: 5}},
		{"the last segment is empty", func(t *testing.T, dir string) { writeFile(t, pathOf(dir, 9), nil) },
			DamageError{Kind: ErrCorrupt, Segment: segmentName(9), LSN: 9}},
		{"the last segment lost its header", func(t *testing.T, dir string) {
			edit(t, pathOf(dir, 9), func(b []byte) []byte { clear(b[:HeaderBytes]); return b })
		}, DamageError{Kind: ErrCorrupt, Segment: segmentName(9), LSN: 9}},
		{"the last segment is a stranger's file", func(t *testing.T, dir string) {
			writeFile(t, pathOf(dir, 9), bytes.Repeat([]byte("REDIS0010"), 1000))
		}, DamageError{Kind: ErrNotSegment, Segment: segmentName(9), LSN: 9}},
		{"a name that is no LSN", func(t *testing.T, dir string) { writeFile(t, filepath.Join(dir, "appendonly.aof"), nil) },
			DamageError{Kind: ErrNotSegment, Segment: "appendonly.aof"}},
		{"a name of LSN 0", func(t *testing.T, dir string) { writeFile(t, pathOf(dir, 0), nil) },
			DamageError{Kind: ErrNotSegment, Segment: segmentName(0)}},
		{"another data set", func(t *testing.T, dir string) {
			reheader(t, pathOf(dir, 5), func(h *header) { h.id[0]++ })
		}, DamageError{Kind: ErrForeign, Segment: segmentName(5), LSN: 5}},
		{"a newer format", func(t *testing.T, dir string) {
			reheader(t, pathOf(dir, 9), func(h *header) { h.version++ })
		}, DamageError{Kind: ErrNewer, Segment: segmentName(9), LSN: 9}},
		{"no format", func(t *testing.T, dir string) {
			reheader(t, pathOf(dir, 1), func(h *header) { h.version = 0 })
		}, DamageError{Kind: ErrCorrupt, Segment: segmentName(1), LSN: 1}},
		{"a renamed segment", func(t *testing.T, dir string) {
			if err := os.Rename(pathOf(dir, 9), pathOf(dir, 10)); err != nil {
				t.Fatal(err)
			}
		}, DamageError{Kind: ErrCorrupt, Segment: segmentName(10), LSN: 10}},
		{"a copy under another name", func(t *testing.T, dir string) {
			writeFile(t, pathOf(dir, 11), readFile(t, pathOf(dir, 9)))
		}, DamageError{Kind: ErrCorrupt, Segment: segmentName(11), LSN: 11}},
		{"records of two histories", func(t *testing.T, dir string) {
			writeFile(t, pathOf(dir, 10), readFile(t, pathOf(dir, 9)))
			reheader(t, pathOf(dir, 10), func(h *header) { h.first = 10 })
		}, DamageError{Kind: ErrCorrupt, Segment: segmentName(9), Offset: HeaderBytes, LSN: 10}},
		{"a valid record with another LSN", func(t *testing.T, dir string) {
			edit(t, pathOf(dir, 9), func(b []byte) []byte {
				forged := appendRecord(nil, 12, 0, 0, []byte("x"))
				sealRecord(forged, 0, seedOf(testID, 9))
				clear(b[HeaderBytes:])
				copy(b[HeaderBytes:], forged)
				return b
			})
		}, DamageError{Kind: ErrCorrupt, Segment: segmentName(9), Offset: HeaderBytes, LSN: 9}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := logOf(t, ten...)
			c.spoil(t, dir)
			wantDamage(t, dir, 0, c.want)
		})
	}
}

// The header of an empty live segment proves that the one before it was durable to its end.
func TestAnEmptySegmentVouchesForTheOneBefore(t *testing.T) {
	dir := t.TempDir()
	l, _, _ := mustRecover(t, options(vfs.OS(), dir), 0)
	commit(t, l, "one", "two")
	if err := l.Cut(); err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	edit(t, pathOf(dir, 1), func(b []byte) []byte { b[len(b)-sealBytes-1] ^= 1; return b })
	wantDamage(t, dir, 0, DamageError{Kind: ErrCorrupt, Segment: segmentName(1),
		Offset: HeaderBytes + RecordBytes(3), LSN: 2})
}

// The seal is proof of what followed, and nothing else: without it, or with a damaged one, a log is as sound as with it.
func TestALogDoesWithoutSeals(t *testing.T) {
	for name, change := range map[string]func(b []byte) []byte{
		"none":      func(b []byte) []byte { return b[:len(b)-sealBytes] },
		"torn":      func(b []byte) []byte { return b[:len(b)-3] },
		"damaged":   func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"not cut":   func(b []byte) []byte { return append(b, make([]byte, 30)...) },
		"no record": func(b []byte) []byte { clear(b[len(b)-sealBytes:]); return b },
	} {
		dir := logOf(t, bodiesOf(10, 200)...)
		edit(t, pathOf(dir, 1), change)
		edit(t, pathOf(dir, 5), change)
		l, found, bodies := mustRecover(t, options(vfs.OS(), dir), 0)
		mustClose(t, l)
		if len(bodies) != 10 || found.CutBytes != 0 {
			t.Errorf("%s: %d records, %+v", name, len(bodies), found)
		}
	}
}

// A log that ends before the base is its caller's to judge.
func TestASealBeforeTheBaseIsNoDamage(t *testing.T) {
	dir := logOf(t, bodiesOf(10, 200)...)
	remove(t, pathOf(dir, 9))
	l, _, bodies := mustRecover(t, options(vfs.OS(), dir), 9)
	commit(t, l, "more")
	mustClose(t, l)
	if len(bodies) != 0 || l.Last() != 10 {
		t.Errorf("%q, LSN %d", bodies, l.Last())
	}
	wantDamage(t, dir, 7, DamageError{Kind: ErrGap, Segment: segmentName(10), LSN: 9})
}

func TestDamageBehindTheBaseDoesNotStopAStart(t *testing.T) {
	dir := logOf(t, bodiesOf(10, 200)...)
	edit(t, pathOf(dir, 1), func(b []byte) []byte { clear(b); return b })
	l, _, bodies := mustRecover(t, options(vfs.OS(), dir), 4)
	defer mustClose(t, l)
	if len(bodies) != 6 || l.Segments()[0].Damage == nil {
		t.Errorf("%d bodies, segments %+v", len(bodies), l.Segments())
	}
}

// What a rotation can leave on a disk that reordered it: a header in part, or none, and nothing behind it.
func TestATornHeaderOfAnUnusedSegmentIsWrittenAnew(t *testing.T) {
	for keep := 0; keep < headerUsed; keep++ {
		dir := logOf(t, "one", "two")
		b := make([]byte, HeaderBytes+1000)
		copy(b, header{version: Version, first: 3, id: testID, created: -1}.encode()[:keep])
		writeFile(t, pathOf(dir, 3), b)
		l, found, bodies := mustRecover(t, options(vfs.OS(), dir), 0)
		if len(bodies) != 2 || found.CutFile != pathOf(dir, 3) || found.CutOffset != 0 {
			t.Fatalf("%d bytes of header: %q, %+v", keep, bodies, found)
		}
		commit(t, l, "three")
		mustClose(t, l)
		_, found, bodies = mustRecover(t, options(vfs.OS(), dir), 0)
		if len(bodies) != 3 || found.CutFile != "" {
			t.Fatalf("%d bytes of header, afterwards: %q, %+v", keep, bodies, found)
		}
	}
}

func TestATornHeaderIsDamageWhereRecordsMayHaveBeen(t *testing.T) {
	t.Run("it is the only segment", func(t *testing.T) {
		dir := t.TempDir()
		writeFile(t, pathOf(dir, 1), make([]byte, HeaderBytes+1000))
		wantDamage(t, dir, 0, DamageError{Kind: ErrCorrupt, Segment: segmentName(1), LSN: 1})
	})
	t.Run("the base has records of it", func(t *testing.T) {
		dir := logOf(t, "one", "two")
		writeFile(t, pathOf(dir, 3), make([]byte, HeaderBytes+1000))
		wantDamage(t, dir, 3, DamageError{Kind: ErrCorrupt, Segment: segmentName(3), LSN: 3})
	})
	t.Run("it is a whole header, of another segment", func(t *testing.T) {
		dir := logOf(t, "one", "two")
		b := make([]byte, HeaderBytes+1000)
		copy(b, header{version: Version, first: 5, id: testID}.encode())
		writeFile(t, pathOf(dir, 3), b)
		wantDamage(t, dir, 0, DamageError{Kind: ErrCorrupt, Segment: segmentName(3), LSN: 3})
	})
	t.Run("the segment before it is incomplete", func(t *testing.T) {
		dir := logOf(t, "one", "two")
		writeFile(t, pathOf(dir, 4), make([]byte, HeaderBytes+1000))
		wantDamage(t, dir, 0, DamageError{Kind: ErrGap, Segment: segmentName(4), LSN: 3})
	})
}

// Values may hold anything, log records too; those carry the CRC of their own segment.
func TestARecordInsideAValueProvesNothing(t *testing.T) {
	foreign := appendRecord(nil, 3, 0, 0, []byte("x"))
	sealRecord(foreign, 2, seedOf(testID, 77))
	dir := logOf(t, "one", string(foreign)+".")
	edit(t, pathOf(dir, 1), func(b []byte) []byte { b[offsets(t, dir)[1].Offset+timeAt] ^= 1; return b })
	l, found, bodies := mustRecover(t, options(vfs.OS(), dir), 0)
	defer mustClose(t, l)
	if len(bodies) != 1 || found.CutFile == "" {
		t.Errorf("%q, %+v", bodies, found)
	}
}

// The search for later records goes in chunks; the one that matters may lie across two of them.
func TestProofIsFoundWhereverItLies(t *testing.T) {
	for _, across := range []int{0, 1, 7, 8, 31, 32, 33, 34, 100} {
		_, o := disk(t, Always, 1)
		o.SegmentBytes = 4 << 20
		l, _, _ := mustRecover(t, o, 0)
		commit(t, l, "one")
		bad := HeaderBytes + RecordBytes(3)
		commit(t, l, strings.Repeat("x", judgeChunk-recordMin-across))
		commit(t, l, "three")
		mustClose(t, l)
		edit(t, pathOf(o.Dir, 1), func(b []byte) []byte { b[bad+bodyAt] ^= 1; return b })
		_, _, err := Recover(o, 0, func(Record) error { return nil })
		var damage *DamageError
		if !errors.As(err, &damage) || damage.LSN != 2 || damage.Offset != bad {
			t.Errorf("%d bytes before the boundary: %v", across, err)
		}
	}
}

// Heads of records over and over would cost a checksum of the whole rest each; the search gives up on the safe side.
func TestTooManyLikenessesAreNotSearchedForever(t *testing.T) {
	o := options(vfs.OS(), t.TempDir())
	o.SegmentBytes = 1 << 20
	l, _, _ := mustRecover(t, o, 0)
	commit(t, l, "one")
	var head []byte
	head = appendRecord(head, 2, 0, 0, nil)
	binary.LittleEndian.PutUint32(head, 900_000)
	commit(t, l, strings.Repeat(string(head), 2000)+".")
	mustClose(t, l)
	edit(t, pathOf(o.Dir, 1), func(b []byte) []byte { b[HeaderBytes+RecordBytes(3)+timeAt] ^= 1; return b })
	wantDamage(t, o.Dir, 0, DamageError{Kind: ErrCorrupt, Segment: segmentName(1), Offset: HeaderBytes + RecordBytes(3), LSN: 2})
}

func TestDamagePrintsOneLine(t *testing.T) {
	err := &DamageError{Kind: ErrCorrupt, Segment: "aof/" + segmentName(1), Offset: 4129, LSN: 17, Reason: "because"}
	if got, want := err.Error(), "log is corrupt: aof/00000000000000000001.aof at offset 4129, LSN 17: because"; got != want {
		t.Errorf("%q", got)
	}
}

func TestTooSmallSegmentsAreRefused(t *testing.T) {
	o := options(vfs.OS(), t.TempDir())
	o.SegmentBytes = HeaderBytes
	if _, _, err := Recover(o, 0, nil); err == nil {
		t.Error("no error")
	}
}

// FuzzSegment: whatever a file holds, it is judged without a panic, and what Recover accepts it accepts again.
// Run it with -fuzzminimizetime 1x: coverage behind a file system is never the same twice, and minimising never ends.
func FuzzSegment(f *testing.F) {
	dir := logOf(f, "one", "two", "three")
	whole := readFile(f, pathOf(dir, 1))[HeaderBytes:]
	f.Add(whole)
	f.Add(whole[:60])
	f.Add(append(make([]byte, 40), whole...))
	f.Fuzz(func(t *testing.T, records []byte) {
		dir := filepath.Join(t.TempDir(), "aof")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		b := header{version: Version, first: 1, id: testID}.encode()
		writeFile(t, pathOf(dir, 1), append(b, records...))
		n, o := 0, options(vfs.NewFaulty(filepath.Dir(dir), 1), dir)
		l, _, err := Recover(o, 0, func(Record) error { n++; return nil })
		if err != nil {
			if !errors.As(err, new(*DamageError)) {
				t.Fatal(err)
			}
			return
		}
		commit(t, l, "new")
		mustClose(t, l)
		l, found, bodies := mustRecover(t, o, 0)
		mustClose(t, l)
		if len(bodies) != n+1 || bodies[n] != "new" || found.CutFile != "" {
			t.Fatalf("%d records, then %q, %+v", n, bodies, found)
		}
	})
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// reheader changes a header and gives it a good checksum.
func reheader(t *testing.T, path string, change func(*header)) {
	t.Helper()
	edit(t, path, func(b []byte) []byte {
		h := header{version: binary.LittleEndian.Uint32(b[8:]), first: binary.LittleEndian.Uint64(b[16:])}
		copy(h.id[:], b[24:])
		change(&h)
		copy(b, h.encode())
		if binary.LittleEndian.Uint32(b[headerCRCAt:]) != crc32.Checksum(b[:headerCRCAt], castagnoli) {
			t.Fatal("the header's checksum is not what the format says")
		}
		return b
	})
}
