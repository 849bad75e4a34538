package engine_test

import "testing"

// What a transaction does for its client once that has left, as a script in it took long, leaves nothing behind.
func TestWhoLeavesWhileHisScriptRuns(t *testing.T) {
	r := open(t, setup{settings: []string{"busy-reply-threshold", "1"}})
	c := r.connect()
	r.as(c, "MULTI")
	r.send(c, evaluation("pcall(function() "+endless+" end)"))
	for _, line := range []string{"SUBSCRIBE channel", "PSUBSCRIBE pattern*", "CLIENT TRACKING ON BCAST"} {
		if got := r.as(c, line); got != "+QUEUED" {
			t.Fatal(got)
		}
	}
	r.as(c, "EXEC")
	if c.Blocked == nil {
		t.Fatal("the script is not in its midst")
	}
	r.engine.Leave(&c.Client)
	r.expect("SCRIPT KILL", "+OK")
	r.until("the script to end", func() bool { return r.do("PING") == "+PONG" })
	r.expect("PUBLISH channel message", ":0")
	r.expect("PUBSUB NUMPAT", ":0")
	if got := r.info("tracking_clients"); got != "0" {
		t.Errorf("%s clients track", got)
	}
}
