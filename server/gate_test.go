package server

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"holdfast/config"
	"holdfast/engine"
	"holdfast/internal/vfs"
)

// slowDisk makes every sync cost 5 ms of the engine's time, so that commits run beside their loops.
func (r *rig) slowDisk() {
	r.t.Helper()
	r.fs.Intercept(func(kind vfs.Kind, _ string) error {
		if kind == vfs.Sync {
			r.ahead.Add(5)
		}
		return nil
	})
	p := r.dial()
	r.until("syncs known to be slow", func() bool {
		p.expect("+OK", "SET", "warm", "1")
		return r.engine.CommitCost() >= slowSync
	})
}

// stall holds up every sync of the live segment from now on. begun hears of each; the syncs return what is put into
// verdict.
func (r *rig) stall() (begun chan struct{}, verdict chan error) {
	r.t.Helper()
	live := make(chan string, 100) // the segment that is written to; the next one is being made ready beside it
	r.fs.Intercept(func(kind vfs.Kind, path string) error {
		if kind == vfs.Write {
			live <- path
		}
		return nil
	})
	r.dial().expect("+OK", "SET", "warm", "1")
	segment := <-live
	begun, verdict = make(chan struct{}, 100), make(chan error)
	r.fs.Intercept(func(kind vfs.Kind, path string) error {
		if kind != vfs.Sync || path != segment {
			return nil
		}
		begun <- struct{}{}
		return <-verdict
	})
	return begun, verdict
}

// undisturbed lets syncs be what they are, those under way included.
func (r *rig) undisturbed(verdict chan error) {
	r.fs.Intercept(nil)
	close(verdict)
}

func TestNoReplyBeforeTheSync(t *testing.T) {
	for _, disk := range []string{"fast", "slow"} {
		t.Run(disk, func(t *testing.T) {
			r := start(t, "appendfsync", "always")
			if disk == "slow" {
				r.slowDisk()
			}
			p, other := r.dial(), r.dial()
			other.expect("+PONG", "PING")
			begun, verdict := r.stall()
			p.raw(request("SET", "a", "1") + request("GET", "quiet"))
			<-begun
			p.quiet() // the read behind the write waits with it
			other.send("SET", "b", "1")
			p.quiet()
			other.quiet()
			r.undisturbed(verdict)
			p.wants("+OK", "_")
			other.wants("+OK")
			if r.engine.Passed() < 2 {
				t.Error("replies left, but the log has passed only", r.engine.Passed())
			}
		})
	}
}

// P2: what a read shows cannot be taken back, and it waits for nothing else.
func TestReadsWaitForWhatTheyShowOnly(t *testing.T) {
	r := start(t, "appendfsync", "always", "loops", "2")
	p, same, quiet, whole := r.dial(), r.dial(), r.dial(), r.dial()
	p.expect("+OK", "SET", "quiet", "q")
	r.slowDisk()
	begun, verdict := r.stall()
	p.send("SET", "a", "1")
	<-begun
	same.send("GET", "a")
	whole.send("DBSIZE")
	for range 10 {
		quiet.expect("$q", "GET", "quiet")
		quiet.expect("+PONG", "PING")
	}
	same.quiet()
	whole.quiet()
	p.quiet()

	// A reply that need not wait does so behind one that must.
	same.raw(request("GET", "quiet") + request("PING"))
	quiet.expect("$q", "GET", "quiet")
	same.quiet()

	r.undisturbed(verdict)
	p.wants("+OK")
	same.wants("$1", "$q", "+PONG")
	whole.wants(":3")
}

func TestPopsWaitForTheSync(t *testing.T) {
	r := start(t, "appendfsync", "always", "loops", "2")
	r.slowDisk()
	popper, pusher := r.dial(), r.dial()
	popper.send("BLPOP", "list", "0")
	r.blocked(1)
	begun, verdict := r.stall()
	pusher.send("RPUSH", "list", "x")
	<-begun
	r.blocked(0)
	popper.quiet()
	pusher.quiet()
	r.undisturbed(verdict)
	popper.wants("[$list $x]")
	pusher.wants(":1")
}

func TestNoReplyAfterAFailedSync(t *testing.T) {
	for _, disk := range []string{"fast", "slow"} {
		t.Run(disk, func(t *testing.T) {
			r := start(t, "appendfsync", "always", "loops", "2")
			if disk == "slow" {
				r.slowDisk()
			}
			p, other := r.dial(), r.dial()
			other.expect("+PONG", "PING")
			begun, verdict := r.stall()
			p.send("SET", "a", "1")
			<-begun
			verdict <- syscall.EIO
			<-r.fatal
			r.undisturbed(verdict)
			other.send("GET", "a")
			other.send("SET", "b", "1")
			p.send("SET", "c", "1")
			p.quiet()
			other.quiet()
			r.dial().send("SET", "d", "1")
			p.quiet()
			other.quiet()
		})
	}
}

// appendfsync becomes stricter between a commit and the look at what it has made good: the reply waits for a sync
// then, and nobody else may come to ask for one.
func TestStricterPolicyWhileAReplyWaits(t *testing.T) {
	r := start(t, "appendfsync", "everysec")
	if err := r.cfg.Set(config.RunTime, "appendfsync", "everysec"); err != nil {
		t.Fatal(err)
	}
	p := r.dial()
	verdict, set := make(chan error), make(chan error, 1)
	armed := make(chan struct{}, 1)
	r.fs.Intercept(func(kind vfs.Kind, path string) error {
		if !strings.Contains(path, "/aof/") {
			return nil
		}
		if kind == vfs.Sync {
			return <-verdict
		}
		select {
		case <-armed:
			go func() { set <- r.cfg.Set(config.RunTime, "appendfsync", "always") }()
			r.until("the new policy", func() bool { return r.engine.Passed() == 0 })
		default:
		}
		return nil
	})
	p.expect("+OK", "SET", "a", "1")
	armed <- struct{}{}
	p.send("SET", "a", "2")
	p.quiet()
	r.undisturbed(verdict)
	p.wants("+OK")
	if err := <-set; err != nil {
		t.Fatal(err)
	}
}

// A full disk holds replies up, and loses none: they leave by themselves when there is room.
func TestRepliesWaitForRoomOnTheDisk(t *testing.T) {
	for _, disk := range []string{"fast", "slow"} {
		t.Run(disk, func(t *testing.T) {
			r := start(t, "appendfsync", "always")
			p := r.dial()
			p.expect("+OK", "SET", "a", "1")
			if disk == "slow" {
				r.slowDisk()
			}
			var refused atomic.Bool
			r.fs.Intercept(func(kind vfs.Kind, _ string) error {
				if kind == vfs.Sync && disk == "slow" {
					r.ahead.Add(5)
				}
				if kind == vfs.Preallocate {
					refused.Store(true)
					return syscall.ENOSPC
				}
				return nil
			})
			const n = 60_000 // some 3 MB of records, where segments have 1 MB
			var b strings.Builder
			for i := range n {
				b.WriteString(request("PEXPIREAT", "a", fmt.Sprint(int64(1)<<42+int64(i))))
			}
			go p.flood(b.String())
			r.until("the log without room", func() bool {
				return errors.Is(r.engine.Commit(), engine.ErrNoRoom)
			})
			if !refused.Load() {
				t.Error("no segment was refused")
			}
			r.fs.Intercept(nil)
			for range n {
				p.wants(":1")
			}
		})
	}
}

// The log is turned off and on under the replies that wait for it.
func TestLogTurnedOffUnderReplies(t *testing.T) {
	r := start(t, "appendfsync", "always", "loops", "2")
	admin, p := r.dial(), r.dial()
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			p.deadline(patience)
			if _, err := p.Write([]byte(request("INCR", "a") + request("GET", "a"))); err != nil {
				t.Error(err)
				return
			}
			for range 2 {
				if _, err := p.in.Decode(); err != nil {
					t.Error("a reply was lost:", err)
					return
				}
			}
		}
	}()
	for i := range 20 {
		value := []string{"no", "yes"}[i%2]
		r.until("appendonly "+value, func() bool { return admin.do("CONFIG", "SET", "appendonly", value) == "+OK" })
	}
	close(stop)
	<-done
}

// Stop waits for commits under way, whose outcome a loop is to hear; the engine is closed after it.
func TestStopDuringACommit(t *testing.T) {
	r := start(t, "appendfsync", "always")
	r.slowDisk()
	p := r.dial()
	begun, verdict := r.stall()
	p.send("SET", "a", "1")
	<-begun
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		r.stop()
	}()
	r.until("the server stopping", func() bool {
		r.server.mu.Lock()
		defer r.server.mu.Unlock()
		return r.server.stopping
	})
	select {
	case <-stopped:
		t.Error("stopped before the commit was done")
	default:
	}
	r.undisturbed(verdict)
	<-stopped
}

// What the engine has to say to a client after the server has stopped reaches nobody, and no file either: the loop's
// descriptors belong to others by then.
func TestWordsAfterTheStop(t *testing.T) {
	r := start(t)
	p := r.dial()
	p.send("BLPOP", "list", "0")
	r.blocked(1)
	sess := r.server.all()[0]
	r.stop()
	sess.Deliver([]byte("+late\r\n"), 0)
	sess.Resume()
	sess.Kill(false)
	if sess.mail.rung || len(sess.mail.letters) > 0 {
		t.Error("mail for a session that is gone was taken in")
	}
	p.ended()
}
