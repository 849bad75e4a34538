package engine_test

import (
	"bytes"
	"runtime"
	"strings"
	"testing"

	"holdfast/resp"
)

const (
	endless = "while true do end"
	writes  = "redis.call('SET', KEYS[1], 'torn') "
)

// evaluation is EVAL of a script with one key.
func evaluation(script string) [][]byte {
	return [][]byte{[]byte("EVAL"), []byte(script), []byte("1"), []byte("key")}
}

// Whoever asks for a script once the engine has closed gets no reply, as with all else, and leaves nothing behind: whether no
// script had run, one had, or one was in its midst.
func TestNoScriptBeginsOnceTheEngineHasClosed(t *testing.T) {
	for _, c := range []struct{ name, before string }{
		{"none before", ""},
		{"one has ended", writes},
		{"one is in its midst", endless},
		{"one is in its midst and has written", writes + endless},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := open(t, setup{settings: append([]string{"busy-reply-threshold", "1"}, usual...)})
			r.expect("SET key whole", "+OK")
			if c.before != "" {
				r.run(r.user, evaluation(c.before))
			}
			if midst := r.user.Blocked != nil; midst != strings.HasSuffix(c.before, endless) {
				t.Fatal("the script is in its midst:", midst)
			}
			r.mustClose(false)
			for _, request := range [][][]byte{evaluation("return 1"), evaluation(endless), words("GET key"), words("SET key late")} {
				var w resp.Writer
				if done, gate := r.engine.Run(&r.connect().Client, &w, [][][]byte{request}); done != 0 || gate != 0 || w.Len() > 0 {
					t.Errorf("%s: %d taken, gate %d, reply %q", request[0], done, gate, w.Bytes())
				}
			}
			if stacks := stacks(); bytes.Contains(stacks, []byte("engine.(*Engine).coroutine")) {
				t.Errorf("a script's goroutine is left:\n%s", stacks)
			}
			want := "$5 whole"
			if c.before == writes {
				want = "$4 torn"
			}
			r.again().expect("GET key", want)
		})
	}
}

// stacks are those of all goroutines.
func stacks() []byte {
	room := make([]byte, 1<<20)
	return room[:runtime.Stack(room, true)]
}

// What a client queues while somebody's script is in its midst runs with EXEC, and not at once.
func TestQueueingBesideAScript(t *testing.T) {
	r := open(t, setup{settings: []string{"busy-reply-threshold", "1"}})
	scripter, c := r.connect(), r.connect()
	r.run(scripter, evaluation(endless))
	if scripter.Blocked == nil {
		t.Fatal("the script is not in its midst")
	}
	for _, step := range [][2]string{
		{"MULTI", "+OK"}, {"HELLO 3", "+QUEUED"}, {"SCRIPT KILL", "+QUEUED"}, {"UNWATCH", "+QUEUED"}, {"WATCH k", "-ERR WATCH inside MULTI is not allowed"},
	} {
		if got := r.as(c, step[0]); got != step[1] {
			t.Errorf("%s: %s, wanted %s", step[0], got, step[1])
		}
	}
	r.expect("SCRIPT KILL", "+OK")
	r.await(scripter)
	if got := r.as(c, "EXEC"); !strings.HasPrefix(got, "*3 %7 ") || !strings.HasSuffix(got, " -NOTBUSY No scripts in execution right now. +OK") {
		t.Error("EXEC:", got)
	}
}
