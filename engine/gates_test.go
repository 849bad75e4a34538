package engine_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"holdfast/engine"
	"holdfast/internal/vfs"
)

// gate executes command lines as one batch without a commit, and returns the gate of their replies.
func (r *rig) gate(c *client, lines ...string) uint64 {
	r.t.Helper()
	var requests [][][]byte
	for _, line := range lines {
		requests = append(requests, words(line))
	}
	replies, gate := r.run(c, requests...)
	if len(replies) == 0 && c.Blocked == nil {
		r.t.Fatalf("%q gave no reply", lines)
	}
	return gate
}

// quiet are keys that nobody writes while a test looks. Keys share their places in the table of gates, so that one of
// them may have to wait for nothing; not all.
const quiet = 5

// withWriteUnderWay has quiet keys, a list and a hot key, whose last write is logged and not committed. It returns the
// gate of that write.
func withWriteUnderWay(t *testing.T, settings ...string) (r *rig, hot uint64) {
	t.Helper()
	r = open(t, setup{settings: settings})
	for i := range quiet {
		r.expect(fmt.Sprintf("SET quiet%d v", i), "+OK")
	}
	r.expect("RPUSH list a b", ":2")
	r.expect("SET hot 0", "+OK")
	hot = r.gate(r.user, "SET hot 1")
	if passed := r.engine.Passed(); hot <= passed {
		t.Fatalf("an uncommitted write has gate %d, and %d is passed", hot, passed)
	}
	return r, hot
}

// What a reply tells of a record that is not on disk waits for exactly that record.
func TestAReadWaitsForTheNewestWriteThatItShows(t *testing.T) {
	for _, policy := range []string{"always", "everysec", "no"} {
		for _, line := range []string{
			"GET hot", "EXISTS quiet0 hot", "MGET quiet0 hot", "TYPE hot", "TTL hot", "STRLEN hot", "GETRANGE hot 0 -1",
			"OBJECT ENCODING hot", "SET hot 2 NX", "INCRBYFLOAT hot x", "LPUSH hot x", "LRANGE hot 0 -1", "TOUCH hot",
			"LCS hot quiet0", "EXPIRETIME hot", "SETNX hot 2", "PERSIST hot", "COPY quiet0 hot", "LPOS hot x",
		} {
			r, hot := withWriteUnderWay(t, "appendfsync", policy)
			other := r.gate(r.user, "SET other 1") // a newer write, of no concern to who asks for the hot key
			if gate := r.gate(r.connect(), line); gate < hot || gate > other {
				t.Errorf("%s, %s: gate %d, and the write that it shows is LSN %d", policy, line, gate, hot)
			}
		}
	}
}

// What depends on all keys waits for the newest record of all.
func TestAReadOfTheWholeKeyspaceWaitsForEverything(t *testing.T) {
	for _, line := range []string{
		"KEYS *", "KEYS quiet*", "DBSIZE", "SCAN 0", "RANDOMKEY", "DEBUG DIGEST", "FLUSHDB", "SWAPDB 1 2",
	} {
		r, hot := withWriteUnderWay(t)
		if gate := r.gate(r.connect(), line); gate < hot {
			t.Errorf("%s: gate %d, and the newest record is LSN %d", line, gate, hot)
		}
	}
}

// What no record under way has touched does not wait.
func TestAReadOfAQuietKeyDoesNotWait(t *testing.T) {
	for _, form := range []string{
		"GET quiet%d", "STRLEN quiet%d", "EXISTS quiet%d", "TTL quiet%d", "LPUSH quiet%d x", "SET quiet%d x NX", "GET missing%d",
	} {
		r, _ := withWriteUnderWay(t)
		c, passed, atOnce := r.connect(), r.engine.Passed(), 0
		for i := range quiet {
			if r.gate(c, fmt.Sprintf(form, i)) <= passed {
				atOnce++
			}
		}
		if atOnce < quiet-1 {
			t.Errorf("%s: %d of %d replies need not wait", form, atOnce, quiet)
		}
	}
	r, _ := withWriteUnderWay(t)
	for _, line := range []string{"PING", "ECHO x", "TIME", "CONFIG GET save", "CLIENT ID", "nonsense", "GET", "SELECT 1"} {
		if gate := r.gate(r.connect(), line); gate > r.engine.Passed() {
			t.Errorf("%s: gate %d, and it touches no key", line, gate)
		}
	}
}

// A key that is gone, renamed, moved or swapped away is a write that a read can see, too.
func TestAReadWaitsForWhatTookAKeyAway(t *testing.T) {
	for write, read := range map[string]string{
		"DEL hot":                 "GET hot",
		"RENAME hot cold":         "EXISTS hot",
		"RENAME  hot cold":        "GET cold",
		"MOVE hot 1":              "GET hot",
		"GETDEL hot":              "STRLEN hot",
		"FLUSHDB":                 "GET hot",
		"FLUSHALL":                "GET quiet0",
		"SWAPDB 0 1":              "GET quiet1",
		"LPOP list 2":             "EXISTS list",
		"LMOVE list to LEFT LEFT": "LLEN to",
		"EXPIRE hot 100":          "TTL hot",
		"PEXPIREAT hot 1":         "GET hot",
		"COPY hot cold":           "GET cold",
	} {
		r := open(t, setup{})
		r.expect("SET hot 0", "+OK")
		r.expect("SET quiet0 0", "+OK")
		r.expect("RPUSH list a b", ":2")
		gate := r.gate(r.user, write)
		if gate <= r.engine.Passed() {
			t.Errorf("%s: gate %d is passed before a commit", write, gate)
		}
		if seen := r.gate(r.connect(), read); seen < gate {
			t.Errorf("%s after %s: gate %d, not %d", read, write, seen, gate)
		}
	}
}

// library is a request, FUNCTION LOAD with or without REPLACE, of a library whose function tells its version.
func library(load, version string) [][]byte {
	code := "#!lua name=lib\nredis.register_function{function_name='version', callback=function() return '" + version + "' end, flags={'no-writes'}}"
	return append(words(load), []byte(code))
}

// What a function does, and that there is one, is what its library was made last; neither names a key.
func TestWhatShowsALibraryWaitsForIt(t *testing.T) {
	for _, call := range [][]string{
		{"FCALL version 0"}, {"FCALL_RO version 0"}, {"MULTI", "FCALL version 0", "EXEC"}, {"FUNCTION STATS"}, {"FUNCTION LIST"}, {"FUNCTION DELETE nosuch"},
	} {
		r := open(t, setup{})
		_, gate := r.run(r.user, library("FUNCTION LOAD", "1"))
		if !r.commit(gate) {
			t.Fatal("the first version is not committed")
		}
		if seen := r.gate(r.connect(), call...); seen > r.engine.Passed() {
			t.Errorf("%q waits for LSN %d, and nothing is under way", call, seen)
		}
		_, changed := r.run(r.user, library("FUNCTION LOAD REPLACE", "2"))
		if seen := r.gate(r.connect(), call...); changed <= r.engine.Passed() || seen < changed {
			t.Errorf("%q of a new version: gate %d, and the version is LSN %d", call, seen, changed)
		}
		if _, seen := r.run(r.connect(), library("FUNCTION LOAD", "3")); seen < changed {
			t.Errorf("LOAD of what there is: gate %d, and the version is LSN %d", seen, changed)
		}
		gone := r.gate(r.user, "FUNCTION DELETE lib")
		for _, line := range append(call, "FUNCTION DELETE lib", "FUNCTION DUMP") {
			if line == "MULTI" || line == "EXEC" {
				continue
			}
			if seen := r.gate(r.connect(), line); seen < gone {
				t.Errorf("%q of a function that is gone: gate %d, and that is LSN %d", line, seen, gone)
			}
		}
	}
}

// While a script is in its midst the libraries are shown, too.
func TestStatisticsBesideAScriptWaitForTheLibraries(t *testing.T) {
	r := open(t, setup{settings: []string{"busy-reply-threshold", "1"}})
	_, change := r.run(r.user, library("FUNCTION LOAD", "1"))
	scripter := r.connect()
	r.run(scripter, evaluation(endless))
	if scripter.Blocked == nil {
		t.Fatal("the script is not in its midst")
	}
	if seen := r.gate(r.connect(), "FUNCTION STATS"); seen < change {
		t.Errorf("gate %d, and the last change of libraries is LSN %d", seen, change)
	}
	if seen := r.gate(r.connect(), "PING"); seen > r.engine.Passed() {
		t.Errorf("BUSY has gate %d, and only %d is passed", seen, r.engine.Passed())
	}
	r.expect("SCRIPT KILL", "+OK")
	r.await(scripter)
}

// SORT looks at keys that its arguments do not name.
func TestASortWaitsForTheKeysOfItsPatterns(t *testing.T) {
	for _, line := range []string{
		"SORT numbers BY nosort GET h*t", "SORT numbers BY h*t ALPHA", "SORT_RO numbers BY nosort GET h*t", "SORT numbers BY nosort GET hash*->field",
	} {
		r, _ := withWriteUnderWay(t)
		r.expect("RPUSH numbers o", ":1")
		r.expect("HSET hasho field 1", ":1")
		write := r.gate(r.user, "SET hot 2", "HSET hasho field 2")
		if gate := r.gate(r.connect(), line); gate < write {
			t.Errorf("%s: gate %d, and what it shows is LSN %d", line, gate, write)
		}
	}
}

// A transaction's reply waits for what its commands wrote and read, and, when it fails, for the write that failed it.
func TestTheGateOfATransaction(t *testing.T) {
	r, hot := withWriteUnderWay(t)
	if gate := r.gate(r.connect(), "MULTI", "GET quiet0", "GET hot", "EXEC"); gate < hot {
		t.Errorf("EXEC that read the hot key: gate %d, not %d", gate, hot)
	}
	if gate := r.gate(r.connect(), "MULTI", "GET quiet0", "SET new 1", "EXEC"); gate <= hot {
		t.Errorf("EXEC that wrote: gate %d, not that of its own record, behind %d", gate, hot)
	}
	atOnce := 0
	for i := range quiet {
		if r.gate(r.connect(), "MULTI", fmt.Sprintf("GET quiet%d", i), "PING", "EXEC") <= r.engine.Passed() {
			atOnce++
		}
	}
	if atOnce < quiet-2 {
		t.Errorf("EXEC that read quiet keys: %d of %d need not wait", atOnce, quiet)
	}
	if gate := r.gate(r.connect(), "MULTI", "DBSIZE", "EXEC"); gate <= hot {
		t.Errorf("EXEC that counted keys: gate %d", gate)
	}
	if gate := r.gate(r.connect(), "MULTI", "SET hot 5"); gate > r.engine.Passed() {
		t.Errorf("QUEUED waits for LSN %d", gate)
	}
}

func TestATransactionThatFailsWaitsForTheWriteThatFailedIt(t *testing.T) {
	r := open(t, setup{})
	r.expect("SET watched 0", "+OK")
	c := r.connect()
	r.as(c, "WATCH watched")
	write := r.gate(r.user, "SET watched 1")
	if gate := r.gate(c, "MULTI", "GET quiet", "EXEC"); gate < write {
		t.Errorf("EXEC says that the watched key changed, with gate %d; the change is LSN %d", gate, write)
	}
}

// Each batch has one gate, the highest; a commit passes it.
func TestTheGateOfABatch(t *testing.T) {
	for _, policy := range []string{"always", "everysec", "no"} {
		r, hot := withWriteUnderWay(t, "appendfsync", policy)
		gate := r.gate(r.user, "GET quiet0", "SET a 1", "GET quiet0", "SET b 1", "GET quiet0")
		if gate != hot+2 {
			t.Errorf("%s: a batch whose second write is LSN %d has gate %d", policy, hot+2, gate)
		}
		if !r.commit(gate) || r.engine.Passed() != hot+2 {
			t.Errorf("%s: after a commit %d is passed, not %d", policy, r.engine.Passed(), hot+2)
		}
		if gate := r.gate(r.connect(), "GET hot"); gate > r.engine.Passed() {
			t.Errorf("%s: after a commit a read waits for LSN %d", policy, gate)
		}
	}
}

// Whoever is served after a wait waits for the record that served it; so does who served it.
func TestTheGateOfABlockedPop(t *testing.T) {
	r, _ := withWriteUnderWay(t)
	popper, mover := r.connect(), r.connect()
	r.gate(popper, "BLPOP queue 0")
	r.gate(mover, "BLMOVE queue2 done LEFT RIGHT 0")
	push := r.gate(r.user, "RPUSH queue job")
	if l := r.await(popper); l.reply != "*2 $5 queue $3 job" || l.gate <= push {
		t.Errorf("BLPOP: %q with gate %d; the push is LSN %d, the pop a later one", l.reply, l.gate, push)
	}
	push = r.gate(r.user, "RPUSH queue2 job")
	l := r.await(mover)
	if l.reply != "$3 job" || l.gate <= push {
		t.Errorf("BLMOVE: %q with gate %d; the push is LSN %d", l.reply, l.gate, push)
	}
	if r.engine.Passed() >= push {
		t.Fatal("something committed")
	}
	if gate := r.gate(r.connect(), "LRANGE done 0 -1"); gate < l.gate {
		t.Errorf("what was moved is read with gate %d, not %d", gate, l.gate)
	}
	r.commit(0)
	if r.engine.Passed() < l.gate {
		t.Errorf("after a commit %d is passed, and the reply waits for %d", r.engine.Passed(), l.gate)
	}
}

// A wait that ends without anything saw what the newest record left.
func TestTheGateOfATimeout(t *testing.T) {
	r, hot := withWriteUnderWay(t)
	c := r.connect()
	r.gate(c, "BLPOP queue 5")
	r.setup.clock.advance(6000)
	if l := r.await(c); l.reply != "*-1" || l.gate < hot {
		t.Errorf("BLPOP that timed out: %q with gate %d; the newest record is LSN %d", l.reply, l.gate, hot)
	}
	r.gate(c, "BLPOP queue 0")
	unblocked := r.gate(r.user, "SET hot 3", fmt.Sprintf("CLIENT UNBLOCK %d", c.ID))
	if l := r.await(c); l.reply != "*-1" || l.gate < hot+1 {
		t.Errorf("BLPOP that was unblocked: %q with gate %d; the newest record is LSN %d", l.reply, l.gate, hot+1)
	}
	if unblocked < hot+1 {
		t.Errorf("a batch with a write has gate %d, not %d", unblocked, hot+1)
	}
}

// A key that is found due is deleted by a record, and the reply that shows it gone waits for that.
func TestTheGateOfAnExpiry(t *testing.T) {
	r := open(t, setup{})
	r.expect("DEBUG SET-ACTIVE-EXPIRE 0", "+OK")
	r.expect("SET brief v PX 100", "+OK")
	r.setup.clock.advance(200)
	gate := r.gate(r.user, "GET brief")
	if gate <= r.engine.Passed() {
		t.Errorf("the reply that deleted a due key has gate %d, and %d is passed", gate, r.engine.Passed())
	}
	if again := r.gate(r.connect(), "EXISTS brief"); again < gate {
		t.Errorf("the next has gate %d, not %d", again, gate)
	}
}

// Without a log nothing waits.
func TestWithoutALogNothingWaits(t *testing.T) {
	r := open(t, setup{settings: []string{"appendonly", "no"}})
	for _, line := range []string{"SET a 1", "GET a", "DBSIZE", "MULTI"} {
		if gate := r.gate(r.user, line); gate > r.engine.Passed() {
			t.Errorf("%s waits for LSN %d of %d", line, gate, r.engine.Passed())
		}
	}
}

// A change to `always` takes in what was acknowledged before under a weaker promise.
func TestAChangeToAlways(t *testing.T) {
	r := open(t, setup{settings: []string{"appendfsync", "no"}})
	r.expect("SET a 1", "+OK")
	gate := r.gate(r.user, "SET a 2", "CONFIG SET appendfsync always", "GET a")
	if !r.commit(gate) {
		t.Error("the reply may not leave after a commit")
	}
	if gate := r.gate(r.user, "SET a 3"); gate <= r.engine.Passed() {
		t.Errorf("gate %d is passed before a commit", gate)
	}
}

// Nobody waits for what is written while the log is turned on, for it does not count yet. Once it does, who reads that waits.
func TestAReadWaitsForWhatWasWrittenWhileTheLogWasTurnedOn(t *testing.T) {
	t.Parallel()
	fsys, dir := disk(t)
	r := open(t, setup{fs: fsys, dir: dir, settings: []string{"appendonly", "no"}})
	last, end := make(chan bool), make(chan bool)
	fsys.Intercept(func(kind vfs.Kind, path string) error {
		if kind == vfs.Remove && filepath.Base(path) == engine.StagedName {
			last <- true
			<-end
		}
		return nil
	})
	r.run(r.connect(), words("CONFIG SET appendonly yes"))
	<-last
	if gate := r.gate(r.user, "SET key value"); gate > 0 {
		t.Errorf("a write that has no promise yet waits for LSN %d", gate)
	}
	close(end)
	r.until("the end of the switch", func() (over bool) {
		r.engine.Do(func() { over = r.engine.Settled(func() {}) })
		return over
	})
	if gate := r.gate(r.user, "GET key"); gate <= r.engine.Passed() {
		t.Errorf("a read shows what is not on disk: gate %d, passed %d", gate, r.engine.Passed())
	}
	r.expect("GET key", "$5 value")
}
