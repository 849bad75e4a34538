package server

import (
	"testing"

	"holdfast/internal/vfs"
)

// A large turnout is many sessions within a millisecond, not many requests of few.
func TestTurnout(t *testing.T) {
	for _, sessions := range []int{1, crowdSessions - 1, crowdSessions, 4 * crowdSessions} {
		var c turnout
		all := make([]session, sessions)
		for now := int64(1000); now < 1003; now++ {
			for range 3 { // requests of each
				for i := range all {
					all[i].client.Active = now
					c.count(&all[i])
				}
			}
			if want := now > 1000 && sessions >= crowdSessions; c.large != want {
				t.Errorf("%d sessions at %d ms: large is %v", sessions, now, c.large)
			}
		}
		all[0].client.Active = 2000
		c.count(&all[0])
		all[0].client.Active = 2001
		c.count(&all[0])
		if c.large {
			t.Errorf("one session left of %d: still a crowd", sessions)
		}
	}
}

// Replies of a crowd leave at the end of the iteration, but where commits sync each as soon as it may.
func TestGather(t *testing.T) {
	for policy, waits := range map[string]bool{"always": false, "everysec": true, "no": true} {
		t.Run(policy, func(t *testing.T) {
			r := start(t, "appendfsync", policy)
			r.fs.Intercept(func(kind vfs.Kind, _ string) error {
				if kind == vfs.Sync {
					r.ahead.Add(1) // so that syncs take time
				}
				return nil
			})
			s, w, el := connect(t, r.server)
			el.iterate(s, w, []byte(request("SET", "key", "value")))
			s.client.Active = s.loop.turnout.now
			s.loop.turnout.large, s.loop.turnout.seen = true, crowdSessions
			before := w.sent
			w.in = []byte(request("GET", "key"))
			s.traffic()
			if got := w.sent == before; got != waits {
				t.Errorf("the reply has waited: %v", got)
			}
			el.iterate(s, w, nil)
			if want := before + len("$5\r\nvalue\r\n"); w.sent != want {
				t.Errorf("%d bytes sent at the end of the iteration, not %d", w.sent, want)
			}
		})
	}
}
