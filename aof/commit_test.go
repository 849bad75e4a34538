package aof

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast/internal/vfs"
)

func TestPolicyNames(t *testing.T) {
	for _, p := range []Policy{Always, Everysec, No} {
		if got, err := ParsePolicy(strings.ToUpper(p.String())); err != nil || got != p {
			t.Errorf("%v: %v, %v", p, got, err)
		}
	}
	if _, err := ParsePolicy("sometimes"); err == nil {
		t.Error("no error")
	}
}

func TestThePolicyDecidesWhatACommitDoesAndWhereTheGateIs(t *testing.T) {
	for _, c := range []struct {
		policy        Policy
		syncs         int
		gate, durable uint64
	}{{Always, 1, 1, 1}, {Everysec, 0, 1, 0}, {No, 0, 1, 0}} {
		fsys, o := disk(t, c.policy, 1)
		l, _, _ := mustRecover(t, o, 0)
		before := fsys.Ops(vfs.Sync)
		commit(t, l, "one")
		if syncs := fsys.Ops(vfs.Sync) - before; syncs != c.syncs || l.Gate() != c.gate || l.Durable() != c.durable {
			t.Errorf("%v: %d syncs, gate %d, durable %d", c.policy, syncs, l.Gate(), l.Durable())
		}
		if err := l.Sync(); err != nil || l.Durable() != 1 {
			t.Errorf("%v, after Sync: durable %d, %v", c.policy, l.Durable(), err)
		}
		l.SetPolicy(No)
		commit(t, l, "two")
		l.SetPolicy(Always)
		if l.Gate() != 1 || l.Sync() != nil || l.Gate() != 2 {
			t.Errorf("%v, changed to always: gate %d", c.policy, l.Gate())
		}
	}
}

// Whoever appends while a sync runs shares the next one, however many they are.
func TestGroupCommit(t *testing.T) {
	const others = 30
	fsys, o := disk(t, Always, 1)
	o.SegmentBytes = 64 << 10
	l, _, _ := mustRecover(t, o, 0)
	entered, release := make(chan struct{}, 2), make(chan struct{})
	fsys.Intercept(func(kind vfs.Kind, _ string) error {
		if kind == vfs.Sync {
			entered <- struct{}{}
			<-release
		}
		return nil
	})
	syncs, writes := fsys.Ops(vfs.Sync), fsys.Ops(vfs.Write)
	var committers sync.WaitGroup
	committer := func() {
		defer committers.Done()
		if err := l.Commit(); err != nil {
			t.Error(err)
		}
	}
	l.Append(0, 0, []byte("first"))
	committers.Add(1 + others)
	go committer()
	<-entered
	for i := range others {
		l.Append(0, 0, fmt.Appendf(nil, "other %d", i))
		go committer()
	}
	if l.Gate() != 0 || l.Written() != 1 {
		t.Errorf("gate %d, written %d during the first sync", l.Gate(), l.Written())
	}
	close(release)
	committers.Wait()
	fsys.Intercept(nil)
	if s, w := fsys.Ops(vfs.Sync)-syncs, fsys.Ops(vfs.Write)-writes; s != 2 || w != 2 {
		t.Errorf("%d syncs and %d writes for two batches", s, w)
	}
	if l.Gate() != 1+others {
		t.Errorf("gate %d", l.Gate())
	}
}

// Under everysec a commit does not wait for the sync of the second.
func TestCommitsGoOnWhileSyncSyncs(t *testing.T) {
	fsys, o := disk(t, Everysec, 1)
	l, _, _ := mustRecover(t, o, 0)
	entered, release := make(chan struct{}), make(chan struct{})
	commit(t, l, "one")
	fsys.Intercept(func(kind vfs.Kind, _ string) error {
		if kind == vfs.Sync {
			close(entered)
			<-release
		}
		return nil
	})
	synced := make(chan error)
	go func() { synced <- l.Sync() }()
	<-entered
	commit(t, l, "two")
	if l.Gate() != 2 || l.Durable() != 0 {
		t.Errorf("gate %d, durable %d during the sync", l.Gate(), l.Durable())
	}
	close(release)
	if err := <-synced; err != nil {
		t.Error(err)
	}
	fsys.Intercept(nil)
	if l.Durable() != 1 {
		t.Errorf("durable %d: the second record was written after the sync began", l.Durable())
	}
}

func TestConcurrentCommittersLoseNothing(t *testing.T) {
	for _, policy := range []Policy{Always, Everysec} {
		t.Run(policy.String(), func(t *testing.T) {
			const writers, each = 8, 100
			o := options(vfs.OS(), t.TempDir())
			o.Policy, o.inline = policy, false
			l, _, _ := mustRecover(t, o, 0)
			var running sync.WaitGroup
			for w := range writers {
				running.Add(1)
				go func() {
					defer running.Done()
					for i := range each {
						lsn := l.Append(0, 0, fmt.Appendf(nil, "%d/%d", w, i))
						if err := l.Commit(); err != nil || l.Gate() < lsn {
							t.Errorf("LSN %d: gate %d, error %v", lsn, l.Gate(), err)
						}
						if i%25 == 0 {
							if err := errors.Join(l.Sync(), l.RoomFor(0), l.Retire(0)); err != nil {
								t.Error(err)
							}
						}
					}
				}()
			}
			running.Wait()
			mustClose(t, l)
			_, found, bodies := mustRecover(t, o, 0)
			at := make(map[string]int)
			for _, body := range bodies {
				w, i, _ := strings.Cut(body, "/")
				if i != fmt.Sprint(at[w]) {
					t.Fatalf("writer %s: record %s where %d was expected", w, i, at[w])
				}
				at[w]++
			}
			if len(bodies) != writers*each || found.Segments < 10 {
				t.Errorf("%d records in %d segments", len(bodies), found.Segments)
			}
		})
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	o := options(vfs.OS(), t.TempDir())
	o.SegmentBytes, o.Policy = 4<<20, No
	l, _, _ := mustRecover(t, o, 0)
	body := make([]byte, 100)
	for range 2 { // both buffers
		for range 100 {
			l.Append(0, 0, body)
		}
		commit(t, l)
	}
	n := testing.AllocsPerRun(100, func() {
		l.Append(0, 0, body)
		if err := l.Commit(); err != nil {
			t.Error(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestSegmentsFollowEachOther(t *testing.T) {
	dir := t.TempDir()
	l, _, _ := mustRecover(t, options(vfs.OS(), dir), 0)
	commit(t, l, bodiesOf(10, 200)...) // one batch
	size := RecordBytes(len(bodiesOf(1, 200)[0]))
	want := []SegmentInfo{
		{File: pathOf(dir, 1), First: 1, Last: 4, Bytes: HeaderBytes + 4*size + sealBytes, Used: HeaderBytes + 4*size},
		{File: pathOf(dir, 5), First: 5, Last: 8, Bytes: HeaderBytes + 4*size + sealBytes, Used: HeaderBytes + 4*size},
		{File: pathOf(dir, 9), First: 9, Last: 10, Bytes: HeaderBytes + 1000, Used: HeaderBytes + 2*size + 1},
	}
	for i := range want {
		want[i].Created, want[i].ID = 1_700_000_000_000, testID
	}
	if got := l.Segments(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	mustClose(t, l)
	for _, s := range want {
		if info, err := os.Stat(s.File); err != nil || info.Size() != s.Bytes {
			t.Errorf("%s: %v, %v", s.File, info, err)
		}
	}
	l, _, _ = mustRecover(t, options(vfs.OS(), dir), 0)
	if got := l.Segments(); !reflect.DeepEqual(got, want) {
		t.Errorf("after Recover: %+v", got)
	}
	if got, err := List(vfs.OS(), dir); err != nil || got[2] != want[2] || got[0].Last != 4 {
		t.Errorf("List: %+v, %v", got, err)
	}
}

func TestALargeRecordHasASegmentOfItsOwn(t *testing.T) {
	large := strings.Repeat("L", 50_000)
	for name, bodies := range map[string][]string{
		"first":      {large, "a"},
		"in a row":   {"a", large, large, "b"},
		"at the end": {"a", "b", large},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(vfs.OS(), t.TempDir())
			l, _, _ := mustRecover(t, o, 0)
			commit(t, l, bodies...)
			infos := l.Segments()
			mustClose(t, l)
			l, _, got := mustRecover(t, o, 0)
			if !reflect.DeepEqual(got, bodies) || !reflect.DeepEqual(l.Segments(), infos) {
				t.Errorf("%d records; segments %+v, before %+v", len(got), l.Segments(), infos)
			}
			commit(t, l, "more")
			if l.Last() != uint64(len(bodies)+1) {
				t.Errorf("last %d", l.Last())
			}
		})
	}
}

func TestCut(t *testing.T) {
	dir := t.TempDir()
	o := options(vfs.OS(), dir)
	o.Policy = No
	l, _, _ := mustRecover(t, o, 0)
	for _, want := range []int{1, 1} { // nothing to cut off, however often
		if err := l.Cut(); err != nil || len(l.Segments()) != want {
			t.Fatalf("%+v, %v", l.Segments(), err)
		}
	}
	l.Append(0, 0, []byte("one"))
	l.Append(0, 0, []byte("two"))
	if err := l.Cut(); err != nil {
		t.Fatal(err)
	}
	if l.Durable() != 2 {
		t.Errorf("durable %d under %v", l.Durable(), l.Policy())
	}
	if s := l.Segments(); len(s) != 2 || s[0].Last != 2 || s[1].First != 3 || s[1].Last != 2 {
		t.Errorf("%+v", s)
	}
	commit(t, l, "three")
	mustClose(t, l)
	if _, _, bodies := mustRecover(t, o, 2); !reflect.DeepEqual(bodies, []string{"three"}) {
		t.Errorf("%q", bodies)
	}
}

func TestRetire(t *testing.T) {
	dir := t.TempDir()
	l, _, _ := mustRecover(t, options(vfs.OS(), dir), 0)
	commit(t, l, bodiesOf(10, 200)...) // 1 to 4, 5 to 8, 9 to 10
	for _, c := range []struct{ through, oldest uint64 }{{3, 1}, {4, 5}, {7, 5}, {100, 9}} {
		if err := l.Retire(c.through); err != nil {
			t.Fatal(err)
		}
		if s := l.Segments(); s[0].First != c.oldest {
			t.Errorf("through %d: %+v", c.through, s)
		}
		if _, err := os.Stat(pathOf(dir, c.oldest)); err != nil {
			t.Error(err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
	mustClose(t, l)
	wantDamage(t, dir, 7, DamageError{Kind: ErrGap, Segment: segmentName(9), LSN: 8})
	if _, _, bodies := mustRecover(t, options(vfs.OS(), dir), 8); len(bodies) != 2 {
		t.Errorf("%q", bodies)
	}
}

func TestSyncTimeIsAMovingMean(t *testing.T) {
	clock := new(handClock)
	fsys, o := disk(t, Always, 1)
	o.Clock = clock.now
	l, _, _ := mustRecover(t, o, 0)
	cost := 8 * time.Millisecond
	fsys.Intercept(func(kind vfs.Kind, _ string) error {
		if kind == vfs.Sync {
			clock.advance(cost)
		}
		return nil
	})
	for _, c := range []struct{ cost, mean time.Duration }{{8, 8}, {8, 8}, {16, 9}, {1, 8}} {
		cost = c.cost * time.Millisecond
		commit(t, l, "x")
		if got := l.SyncTime(); got != c.mean*time.Millisecond {
			t.Errorf("a sync of %v made it %v", cost, got)
		}
	}
	fsys.Intercept(nil)
}

func TestAClosedLogRefuses(t *testing.T) {
	l, _, _ := mustRecover(t, options(vfs.OS(), t.TempDir()), 0)
	l.Append(0, 0, []byte("written by Close"))
	mustClose(t, l)
	mustClose(t, l)
	if l.Durable() != 1 {
		t.Errorf("durable %d", l.Durable())
	}
	for name, err := range map[string]error{
		"Commit": l.Commit(), "Sync": l.Sync(), "Cut": l.Cut(), "Retire": l.Retire(9), "RoomFor": l.RoomFor(0), "Err": l.Err(),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What waits is kept when buffers are given up, and what comes afterwards has new ones.
func TestShedKeepsWhatWaits(t *testing.T) {
	fsys, o := disk(t, No, 1)
	l, _, _ := mustRecover(t, o, 0)
	commit(t, l, "one")
	l.Append(1, 0, []byte("two"))
	l.Shed()
	if cap(l.out) != 0 || len(l.buf) == 0 {
		t.Errorf("%d bytes of room in the buffer that is written, %d bytes waiting", cap(l.out), len(l.buf))
	}
	if err := l.Commit(); err != nil || l.Written() != 2 {
		t.Fatalf("written to LSN %d, %v", l.Written(), err)
	}
	l.Shed()
	if cap(l.out)+cap(l.buf) != 0 {
		t.Errorf("%d and %d bytes of room are kept", cap(l.out), cap(l.buf))
	}
	fsys.SetFree(0)
	l.Append(1, 0, make([]byte, 900))
	l.Append(1, 0, make([]byte, 900))
	if err := l.Commit(); !errors.Is(err, ErrFull) {
		t.Fatalf("on a full disk Commit said %v", err)
	}
	l.Shed() // of what is to be written a part is
	fsys.SetFree(1 << 20)
	if err := l.Commit(); err != nil || l.Written() != 4 {
		t.Errorf("written to LSN %d, %v", l.Written(), err)
	}
	mustClose(t, l)
	if _, found, _ := mustRecover(t, o, 0); found.To != 4 {
		t.Errorf("%d is the last LSN that comes back", found.To)
	}
}
