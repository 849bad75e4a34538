package engine_test

import (
	"syscall"
	"testing"
	"time"

	"holdfast/internal/vfs"
	"holdfast/resp"
)

// Without a log SHUTDOWN saves before anything is closed. If that fails it is refused, and everybody is served again; so it is with
// a signal, for which SaveLast is called. FORCE and NOSAVE end the server all the same.
func TestAnEndThatCannotSaveIsRefused(t *testing.T) {
	fsys, dir := disk(t)
	stops := make(chan bool, 1)
	r := open(t, setup{fs: fsys, dir: dir, stop: func(checkpoint bool) { stops <- checkpoint }, settings: []string{"appendonly", "no", "save", "3600 1", "stop-writes-on-bgsave-error", "no"}})
	r.expect("SET a 1", "+OK")
	fsys.FailFrom(1, syscall.ENOSPC, vfs.Write)
	for range 2 {
		c := r.connect()
		if reply := r.as(c, "SHUTDOWN"); reply != "" {
			t.Fatalf("SHUTDOWN: %q", reply)
		}
		if reply := r.await(c).reply; reply != "-"+resp.ErrShutdownFailed {
			t.Fatalf("SHUTDOWN that cannot save: %q", reply)
		}
		if err := r.engine.SaveLast(); err == nil {
			t.Fatal("SaveLast has saved on a full disk")
		}
		r.note(syscall.ENOSPC)
		r.expect("INCR a", map[string]string{"$1 1": ":2", "$1 2": ":3"}[r.do("GET a")])
	}
	if n := r.toldOf("nothing is lost"); n > 0 {
		t.Errorf("the log says %d times that nothing is lost", n)
	}
	for line, want := range map[string]bool{"SHUTDOWN NOSAVE": false, "SHUTDOWN FORCE": true} {
		r.as(r.connect(), line)
		if checkpoint := <-stops; checkpoint != want {
			t.Errorf("%s: Stop(%v)", line, checkpoint)
		}
	}
	fsys.Heal()
	r.as(r.connect(), "SHUTDOWN")
	select {
	case <-stops:
	case <-time.After(patience):
		t.Fatal("SHUTDOWN does not come to an end")
	}
	fsys.FailFrom(1, syscall.ENOSPC, vfs.Write) // there is nothing left to save
	r.mustClose(true)
	fsys.Heal()
	r.again().expect("GET a", "$1 3")
}

// Nobody is served while the last save is written, whoever says UNPAUSE: it would lack what was acknowledged behind it.
func TestUnpauseDoesNotEndTheLastSavesHush(t *testing.T) {
	fsys, dir := disk(t)
	stops := make(chan bool, 1)
	r := open(t, setup{fs: fsys, dir: dir, stop: func(checkpoint bool) { stops <- checkpoint }, settings: []string{"appendonly", "no", "save", "3600 1"}})
	r.expect("SET a 1", "+OK")
	writing, goOn := make(chan struct{}, 1), make(chan struct{})
	fsys.Intercept(func(kind vfs.Kind, _ string) error {
		if kind == vfs.Write {
			select {
			case writing <- struct{}{}:
			default:
			}
			<-goOn
		}
		return nil
	})
	r.as(r.connect(), "SHUTDOWN")
	<-writing
	for _, line := range []string{"CLIENT PAUSE 1", "CLIENT UNPAUSE"} {
		r.as(r.connect(), line)
	}
	late := r.connect()
	var w resp.Writer
	r.engine.Run(&late.Client, &w, [][][]byte{words("SET b 2")})
	if w.Len() > 0 || late.Blocked == nil {
		t.Errorf("a write during the last save gets %q", plain(w.Bytes()))
	}
	close(goOn)
	<-stops
	fsys.Intercept(nil)
	r.mustClose(true)
}
