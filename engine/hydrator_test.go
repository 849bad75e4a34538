package engine

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"holdfast/config"
	"holdfast/internal/vfs"
	"holdfast/snapshot"
)

// What hydration has read of the base is of no use any more once a checkpoint has changed the base, or the keyspace has been made
// anew: it is read again, even if a part of it was hot already.
func TestHydrationReadsAgainWhatHasChanged(t *testing.T) {
	const keys = 300 // some pages of them
	last := string(longKey(keys - 1))
	value := func(s string) string { return s + strings.Repeat(".", 1000) }
	for what, change := range map[string]func(s *shelf){
		"a checkpoint": func(s *shelf) {
			s.save()
			s.e.Do(func() {
				if !s.e.world.Keys.DB(0).Spill([]byte(last)) {
					t.Error("a key that the base has cannot go cold")
				}
			})
		},
		"DEBUG RELOAD":  func(s *shelf) { s.expect("+OK", "DEBUG", "RELOAD") },
		"DEBUG LOADAOF": func(s *shelf) { s.expect("+OK", "DEBUG", "LOADAOF") },
	} {
		t.Run(what, func(t *testing.T) {
			s := openShelf(t, vfs.OS(), t.TempDir(), newClock(), "save", "", "enable-debug-command", "yes")
			s.set(keys, 1, "old")
			s.save()
			s.close()
			s.config = config.New()
			err := s.config.SetMany(config.Flag, [][2]string{{"enable-debug-command", "yes"}, {"save", ""}, {"segment-bytes", "1mb"}})
			if err != nil {
				t.Fatal(err)
			}
			s.e, err = Open(Options{
				FS: s.fs, Dir: s.dir, Config: s.config, Clock: func() time.Time { return time.UnixMilli(s.clock.Load()) },
				Log:   slog.New(slog.NewTextHandler(&s.log, nil)),
				Fatal: func(err error) { t.Errorf("fatal: %v", err) },
				Stop:  func(bool) {}, Serving: make(chan struct{}), // so that nothing is hydrated but here
			})
			if err != nil {
				t.Fatal(err)
			}
			store := snapshot.Store(s.e.world.Keys.DB(0).Store())
			h := hydrator{e: s.e, store: store, slicer: slicer{engine: s.e, mu: &s.e.mu, turns: hydrateTurns()}}
			if _, err := h.read(); err != nil {
				t.Fatal(err)
			}
			s.e.Do(func() { s.e.world.Keys.DB(0).Hydrate(&h.batch) })
			s.expect("+OK", "SET", last, value("new"))
			change(s)
			if got := h.admit(); got != admitAgain {
				t.Errorf("what was read before comes to %d, want %d", got, admitAgain)
			}
			if what != "a checkpoint" {
				h.after, h.last = h.last, h.after // as behind a batch: the first key is cold again
			}
			if !h.run() || s.e.world.Keys.ColdKeys() > 0 {
				t.Errorf("%d keys are cold in the end", s.e.world.Keys.ColdKeys())
			}
			for i := range keys - 1 {
				s.expect("$1003 "+value("old"), "GET", string(longKey(i)))
			}
			s.expect("$1003 "+value("new"), "GET", last)
			s.expect(fmt.Sprintf(":%d", keys), "DBSIZE")
		})
	}
}
