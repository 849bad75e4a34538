package aof

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"syscall"
	"testing"

	"holdfast/internal/vfs"
)

// history is what a run of the workload did: what it appended, what it was told is durable, what it said it no
// longer needs, and every error it was told of.
type history struct {
	bodies  []string // body i has LSN i+1
	acked   uint64
	retired uint64
	errs    []error
}

func (h *history) note(err error) bool {
	if err != nil {
		h.errs = append(h.errs, err)
	}
	return err == nil
}

// workload opens the log, and appends, rotates, cuts and retires until something fails for good.
func workload(o Options, h *history) {
	l, _, err := Recover(o, 0, func(r Record) error { return fmt.Errorf("replayed LSN %d of a new log", r.LSN) })
	if !h.note(err) {
		return
	}
	steps(l, h)
	if h.note(l.Close()) {
		h.acked = l.Last()
	}
	h.acked = max(h.acked, l.Durable())
}

func steps(l *Log, h *history) {
	for step := range 12 {
		for i := range step%3 + 1 {
			body := fmt.Sprintf("%d/%d %s.", step, i, bytes.Repeat([]byte{byte('a' + step)}, 50+step*20))
			if step == 7 {
				body += string(bytes.Repeat([]byte("large"), 500)) + "."
			}
			h.bodies = append(h.bodies, body)
			l.Append(int64(step), 0, []byte(body))
		}
		if err := l.Commit(); errors.Is(err, ErrFull) { // not final: the same again
			h.note(err)
			if !h.note(l.Commit()) {
				return
			}
		} else if !h.note(err) {
			return
		}
		if l.Gate() == l.Last() {
			h.acked = max(h.acked, l.Durable())
		}
		if step == 5 {
			h.note(l.Cut())
		}
		if step == 9 {
			h.retired = l.Segments()[1].Last
			h.note(l.Retire(h.retired))
		}
		h.note(l.RoomFor(0))
	}
}

// check recovers dir and compares it with the history: every acknowledged record is there, what is there is a
// prefix of what was appended, and the log goes on from it.
func check(t *testing.T, dir string, h *history) {
	t.Helper()
	o := options(vfs.NewFaulty(filepath.Dir(dir), 1), dir) // quicker than the real one: its Sync only moves the books
	for range 2 {
		last := h.retired
		l, found, err := Recover(o, h.retired, func(r Record) error {
			if r.LSN != last+1 || r.LSN > uint64(len(h.bodies)) || string(r.Body) != h.bodies[r.LSN-1] {
				return fmt.Errorf("LSN %d behind %d holds %.20q", r.LSN, last, r.Body)
			}
			last = r.LSN
			return nil
		})
		if err != nil {
			t.Fatalf("recovery: %v", err)
		}
		if last < h.acked {
			t.Fatalf("acknowledged up to LSN %d, recovered up to %d, cut %d bytes", h.acked, last, found.CutBytes)
		}
		h = &history{bodies: append(h.bodies[:last:last], "after the fault"), retired: h.retired, acked: last + 1}
		commit(t, l, "after the fault")
		mustClose(t, l)
	}
}

// leftovers checks every kind of remains that a power cut at this point may leave.
func leftovers(t *testing.T, fsys *vfs.Faulty, h *history, seeds int) {
	t.Helper()
	for _, mode := range []vfs.Mode{vfs.OnlySynced, vfs.Everything, vfs.Random, vfs.RandomOrdered} {
		for seed := range int64(seeds) {
			dst := filepath.Join(t.TempDir(), "left")
			if err := fsys.Materialise(dst, mode, seed); err != nil {
				t.Fatal(err)
			}
			t.Run(fmt.Sprintf("%v,seed=%d", mode, seed), func(t *testing.T) { check(t, filepath.Join(dst, "aof"), h) })
			if mode == vfs.OnlySynced || mode == vfs.Everything {
				break
			}
		}
	}
}

// disk makes a faulty disk and the options of a log on it.
func disk(t *testing.T, policy Policy, seed int64) (*vfs.Faulty, Options) {
	t.Helper()
	root := t.TempDir()
	fsys := vfs.NewFaulty(root, seed)
	o := options(fsys, filepath.Join(root, "aof"))
	o.Policy = policy
	return fsys, o
}

func TestEveryOperationFailsOnce(t *testing.T) {
	for _, c := range []struct {
		policy Policy
		cause  error
	}{{Always, syscall.EIO}, {Always, syscall.ENOSPC}, {Everysec, syscall.EIO}} {
		for k := 1; ; k++ {
			fsys, o := disk(t, c.policy, int64(k))
			fsys.FailAt(k, c.cause)
			h := new(history)
			workload(o, h)
			if len(fsys.Injected()) == 0 {
				if len(h.errs) > 0 || h.acked != uint64(len(h.bodies)) {
					t.Fatalf("without a fault: %v, acknowledged %d", h.errs, h.acked)
				}
				break
			}
			injected, told := fsys.Injected()[0], errors.Join(h.errs...)
			t.Run(fmt.Sprintf("%v,%v,%v", c.policy, c.cause, injected.Op), func(t *testing.T) {
				if !errors.Is(told, injected.Err) {
					t.Errorf("nobody was told; told was: %v", told)
				}
				leftovers(t, fsys, h, 1)
			})
		}
	}
}

func TestEveryOperationIsTheLastBeforeACrash(t *testing.T) {
	for _, policy := range []Policy{Always, Everysec} {
		for k := 1; ; k++ {
			fsys, o := disk(t, policy, int64(k))
			fsys.CrashAt(k)
			h := new(history)
			workload(o, h)
			if !fsys.Crashed() {
				break
			}
			t.Run(fmt.Sprintf("%v,k=%d", policy, k), func(t *testing.T) { leftovers(t, fsys, h, 2) })
		}
	}
}

// The cut of a torn tail is itself torn, at every operation, and again.
func TestACrashDuringRecovery(t *testing.T) {
	h := &history{}
	fsys, o := disk(t, Always, 1)
	l, _, err := Recover(o, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { h.note(l.Close()) }()
	h.bodies = append(h.bodies, "acknowledged", "torn 1.", string(bytes.Repeat([]byte("torn 2."), 50)), "torn 3.")
	commit(t, l, h.bodies[0])
	h.acked = 1
	for _, body := range h.bodies[1:] {
		l.Append(0, 0, []byte(body))
	}
	fsys.FailAt(fsys.Ops(vfs.Sync)+1, syscall.EIO, vfs.Sync)
	if err := l.Commit(); !errors.Is(err, ErrFailed) {
		t.Fatal(err)
	}
	for seed := range int64(20) {
		left := filepath.Join(t.TempDir(), "left")
		if err := fsys.Materialise(left, vfs.Random, seed); err != nil {
			t.Fatal(err)
		}
		for k := 1; ; k++ {
			root := t.TempDir()
			if err := vfs.NewFaulty(left, 1).Materialise(filepath.Join(root, "disk"), vfs.Everything, 1); err != nil {
				t.Fatal(err)
			}
			again := vfs.NewFaulty(filepath.Join(root, "disk"), seed)
			again.CrashAt(k)
			l, _, err := Recover(options(again, filepath.Join(root, "disk", "aof")), 0, func(Record) error { return nil })
			if err == nil {
				mustClose(t, l)
				break
			}
			t.Run(fmt.Sprintf("seed=%d,k=%d", seed, k), func(t *testing.T) { leftovers(t, again, h, 2) })
		}
	}
}

// A kill leaves in the kernel what a power cut then takes. What Recover handed out, it has synced, name and all.
func TestWhatWasReplayedIsDurable(t *testing.T) {
	fsys, o := disk(t, No, 1)
	l, _, err := Recover(o, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	commit(t, l, "one", "two") // and no Close: the process is gone
	_, _, bodies := mustRecover(t, o, 0)
	leftovers(t, fsys, &history{bodies: bodies, acked: 2}, 1)
}

// The same for a name, when the process ends before any one of its directory syncs.
func TestAKillBeforeADirectorySync(t *testing.T) {
	for n := 1; ; n++ {
		fsys, o := disk(t, Always, 1)
		fsys.FailFrom(n, errors.New("killed"), vfs.SyncDir)
		h := new(history)
		workload(o, h)
		if len(fsys.Injected()) == 0 {
			break
		}
		fsys.Heal()
		l, _, bodies := mustRecover(t, o, h.retired)
		commit(t, l, "after the kill")
		h.bodies = append(h.bodies[:int(h.retired)+len(bodies)], "after the kill")
		h.acked = l.Last()
		t.Run(fmt.Sprintf("n=%d", n), func(t *testing.T) { leftovers(t, fsys, h, 1) })
	}
}

// With the segments made ahead by their goroutine, and so in an order that differs from run to run.
func TestCrashesBesideTheMaker(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	for range 40 {
		fsys, o := disk(t, Always, rng.Int64())
		o.inline = false
		at := 1 + rng.IntN(120)
		fsys.CrashAt(at)
		h := new(history)
		workload(o, h)
		t.Run(fmt.Sprintf("at=%d", at), func(t *testing.T) { leftovers(t, fsys, h, 2) })
	}
}

func TestAFailedSyncIsFinal(t *testing.T) {
	for _, kind := range []vfs.Kind{vfs.Sync, vfs.Write} {
		fsys, o := disk(t, Always, 1)
		l, _, _ := mustRecover(t, o, 0)
		commit(t, l, "one")
		l.Append(0, 0, []byte("two"))
		fsys.FailAt(fsys.Ops(kind)+1, syscall.EIO, kind)
		first := l.Commit()
		ops := fsys.Ops()
		for name, err := range map[string]error{
			"Commit": first, "Commit again": l.Commit(), "Sync": l.Sync(), "Cut": l.Cut(), "Retire": l.Retire(9), "RoomFor": l.RoomFor(0),
		} {
			if !errors.Is(err, ErrFailed) || !errors.Is(err, syscall.EIO) {
				t.Errorf("%v, %s: %v", kind, name, err)
			}
		}
		if fsys.Ops() != ops || l.Gate() != 1 {
			t.Errorf("%v: %d operations after the failure; gate %d", kind, fsys.Ops()-ops, l.Gate())
		}
	}
}

// A read error is neither damage nor a torn tail, and changes nothing.
func TestAReadErrorDuringRecovery(t *testing.T) {
	dir := logOf(t, bodiesOf(10, 200)...)
	before := picture(t, dir)
	for k := 1; ; k++ {
		fsys := vfs.NewFaulty(dir, 1)
		fsys.FailAt(k, syscall.EIO, vfs.Read)
		l, _, err := Recover(options(fsys, dir), 0, func(Record) error { return nil })
		if len(fsys.Injected()) == 0 {
			mustClose(t, l)
			break
		}
		if err == nil || !errors.Is(err, syscall.EIO) || errors.As(err, new(*DamageError)) {
			t.Errorf("read %d: %v", k, err)
		}
		if picture(t, dir) != before {
			t.Fatalf("read %d: the log was changed", k)
		}
	}
}
