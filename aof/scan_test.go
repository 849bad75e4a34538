package aof

import (
	"errors"
	"reflect"
	"syscall"
	"testing"

	"holdfast/internal/vfs"
)

func scan(t *testing.T, dir string, from uint64) (lsns []uint64, found Recovery, err error) {
	t.Helper()
	before := picture(t, dir)
	found, err = Scan(vfs.OS(), dir, from, func(p Position, r Record) error {
		b := readFile(t, p.File)[p.Offset : p.Offset+p.Bytes]
		if again := parseRecord(b); again.LSN != r.LSN || string(again.Body) != string(r.Body) {
			t.Errorf("LSN %d is not at %+v", r.LSN, p)
		}
		lsns = append(lsns, r.LSN)
		return nil
	})
	if picture(t, dir) != before {
		t.Error("Scan changed the log")
	}
	return lsns, found, err
}

func TestScanBeginsWhereItIsTold(t *testing.T) {
	dir := t.TempDir()
	l, _, _ := mustRecover(t, options(vfs.OS(), dir), 0)
	commit(t, l, bodiesOf(10, 200)...)
	if err := l.Retire(4); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from uint64
		want []uint64
	}{{0, []uint64{5, 6, 7, 8, 9, 10}}, {5, []uint64{5, 6, 7, 8, 9, 10}}, {8, []uint64{8, 9, 10}}, {10, []uint64{10}}, {11, nil}, {99, nil}} {
		if got, _, err := scan(t, dir, c.from); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("from %d: %v, %v", c.from, got, err)
		}
	}
	if _, _, err := scan(t, dir, 4); !errors.Is(err, ErrGap) {
		t.Errorf("from 4: %v", err)
	}
}

func TestScanReportsWhatRecoverWouldCut(t *testing.T) {
	dir := logOf(t, "one", "two", "three")
	last := offsets(t, dir)[2]
	edit(t, pathOf(dir, 1), func(b []byte) []byte { b[last.Offset+crcAt] ^= 1; return b })
	lsns, found, err := scan(t, dir, 0)
	if err != nil || len(lsns) != 2 || found.CutFile != pathOf(dir, 1) || found.CutOffset != last.Offset || found.CutBytes != last.Bytes {
		t.Errorf("%v, %+v, %v", lsns, found, err)
	}
	infos, err := List(vfs.OS(), dir)
	if err != nil || infos[0].Last != 2 || infos[0].Used != last.Offset || infos[0].Damage != nil {
		t.Errorf("%+v, %v", infos, err)
	}
}

func TestScanAndListReportDamage(t *testing.T) {
	dir := logOf(t, bodiesOf(10, 200)...)
	edit(t, pathOf(dir, 5), func(b []byte) []byte { b[HeaderBytes+300] ^= 1; return b })
	lsns, _, err := scan(t, dir, 0)
	var damage *DamageError
	if len(lsns) != 5 || !errors.As(err, &damage) || damage.Kind != ErrCorrupt || damage.LSN != 6 {
		t.Errorf("%v, %v", lsns, err)
	}
	reheader(t, pathOf(dir, 5), func(h *header) { h.id[3]++ })
	edit(t, pathOf(dir, 9), func(b []byte) []byte { b[HeaderBytes+10] ^= 1; return b })
	infos, err := List(vfs.OS(), dir)
	if err != nil || len(infos) != 3 {
		t.Fatalf("%+v, %v", infos, err)
	}
	for i, want := range []error{nil, ErrForeign, ErrCorrupt} {
		if !errors.Is(infos[i].Damage, want) {
			t.Errorf("segment %d: %v, expected %v", i, infos[i].Damage, want)
		}
	}
}

// A bad header in a later segment hides nothing of what comes before it.
func TestScanHandsOutWhatLiesBeforeABadHeader(t *testing.T) {
	dir := logOf(t, bodiesOf(10, 200)...) // segments from LSN 1, 5 and 9 on
	for _, c := range []struct {
		first uint64
		want  int
	}{{9, 8}, {5, 4}, {1, 0}} {
		edit(t, pathOf(dir, c.first), func(b []byte) []byte { b[20] ^= 1; return b })
		lsns, _, err := scan(t, dir, 1)
		var damage *DamageError
		if !errors.As(err, &damage) || damage.Kind != ErrCorrupt || damage.Segment != pathOf(dir, c.first) {
			t.Errorf("the header of segment %d is bad: %v", c.first, err)
		}
		if len(lsns) != c.want {
			t.Errorf("the header of segment %d is bad: %d records are handed out, not %d", c.first, len(lsns), c.want)
		}
	}
}

func TestScanReturnsTheErrorOfItsCaller(t *testing.T) {
	dir := logOf(t, "one")
	stop := errors.New("stop")
	if _, err := Scan(vfs.OS(), dir, 0, func(Position, Record) error { return stop }); err != stop {
		t.Error(err)
	}
}

// At every read of a scan, records come that the scan has not seen yet and that vouch for each other.
func TestScanLooksTwiceBeforeItJudges(t *testing.T) {
	for k := 1; ; k++ {
		fsys, o := disk(t, Always, 1)
		o.SegmentBytes = 64 << 10
		l, _, _ := mustRecover(t, o, 0)
		commit(t, l, "one")
		reads, wrote := 0, false
		fsys.Intercept(func(kind vfs.Kind, _ string) error {
			if kind == vfs.Read && !wrote {
				if reads++; reads == k {
					wrote = true
					commit(t, l, "two")
					commit(t, l, "three", "four")
				}
			}
			return nil
		})
		found, err := Scan(fsys, o.Dir, 0, func(Position, Record) error { return nil })
		fsys.Intercept(nil)
		if err != nil || found.CutFile != "" || found.To != 1 && found.To != 4 {
			t.Errorf("written at read %d: %+v, %v", k, found, err)
		}
		if !wrote {
			break
		}
	}
}

// However a scan falls between the writes, rotations and retirements of a server, it sees a run of whole records and
// calls nothing damaged.
func TestScanBesideAWriter(t *testing.T) {
	dir := t.TempDir()
	o := options(vfs.OS(), dir)
	o.Policy, o.inline, o.SegmentBytes = No, false, HeaderBytes+20_000
	l, _, _ := mustRecover(t, o, 0)
	commit(t, l, "one")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i, body := range bodiesOf(3000, 90) {
			l.Append(0, 0, []byte(body))
			if i%3 == 0 {
				if err := l.Commit(); err != nil {
					t.Error(err)
					return
				}
			}
		}
	}()
	for scanning := true; scanning; {
		select {
		case <-done:
			scanning = false
		default:
		}
		written, next := l.Written(), uint64(1)
		_, err := Scan(vfs.OS(), dir, 1, func(_ Position, r Record) error {
			if r.LSN != next {
				t.Fatalf("LSN %d behind %d", r.LSN, next-1)
			}
			next++
			return nil
		})
		if err != nil || next <= written {
			t.Fatalf("%v; scanned to %d, written were %d", err, next-1, written)
		}
	}
}

// A disk that does not give what is asked of it is not a damaged log either.
func TestAListThatCannotBeRead(t *testing.T) {
	fsys, o := disk(t, Always, 1)
	l, _, _ := mustRecover(t, o, 0)
	commit(t, l, "one")
	for k := 1; ; k++ {
		fsys.FailAt(fsys.Ops(vfs.Read)+k, syscall.EIO, vfs.Read)
		infos, err := List(fsys, o.Dir)
		fsys.Heal()
		if err == nil {
			if k < 5 || infos[0].Damage != nil {
				t.Errorf("%d reads, %+v", k-1, infos)
			}
			return
		}
		if !errors.Is(err, syscall.EIO) {
			t.Errorf("read %d: %v", k, err)
		}
	}
}
