package engine_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"holdfast/internal/vfs"
)

// workloadVariable is the environment variable that sets how long the random workload runs, as 30s or 10m.
const workloadVariable = "ENGINE_WORKLOAD"

// Lives of a data set, one after the other: random commands, transactions, checkpoints and pauses; then an orderly end, a
// kill or a power cut, at any moment and perhaps during the start; then the next. Each finds what the one before it
// promised.
func TestARandomLife(t *testing.T) {
	length := 10 * time.Second
	if given := os.Getenv(workloadVariable); given != "" {
		var err error
		if length, err = time.ParseDuration(given); err != nil {
			t.Fatalf("%s: %v", workloadVariable, err)
		}
	}
	rng := chance(t)
	l := &life{rng: rng, history: newHistory(), clock: newClock()}
	l.fs, l.dir = disk(t)
	t.Cleanup(func() {
		if err := os.RemoveAll(filepath.Dir(l.dir)); err != nil {
			t.Error(err)
		}
	})
	began := time.Now()
	for ; time.Since(began) < length && !t.Failed(); l.number++ {
		t.Run(fmt.Sprint("life ", l.number), l.live)
	}
	t.Logf("%d lives, %d commands, %d crashes, the last state has %d keys", l.number, l.commands, l.crashes, len(l.last()))
}

// life is a data set on its way through the ends of processes and machines.
type life struct {
	*history
	rng    *rand.Rand
	clock  *handClock
	fs     *vfs.Faulty
	dir    string
	number int

	commands, crashes int
}

// live is the time from one start to the end. What is left then is the next life's disk.
func (l *life) live(t *testing.T) {
	policy := []string{"always", "always", "everysec", "no"}[l.rng.IntN(4)]
	crashing := l.rng.IntN(2) == 0
	if crashing {
		l.fs.CrashAt(l.fs.Ops() + 1 + l.rng.IntN(150))
	}
	what := fmt.Sprintf("life %d, policy %s", l.number, policy)
	r, err := tryOpen(t, setup{fs: l.fs, dir: l.dir, clock: l.clock, settings: []string{"appendfsync", policy}})
	if err != nil && !l.fs.Crashed() {
		t.Fatalf("%s: Open: %v", what, err)
	}
	if err == nil {
		s := &session{rig: r, history: l.history, loose: policy != "always"}
		if !l.recovered(r, what) {
			return
		}
		for steps := l.rng.IntN(100); steps > 0 && !s.over(); steps-- {
			l.step(s)
		}
		if !s.over() && !l.fs.Crashed() {
			s.check(what)
		}
		if !crashing && l.rng.IntN(2) == 0 {
			s.mustClose(l.rng.IntN(2) == 0)
			l.promised()
			return // the next goes on on the same disk
		}
	}
	l.crash(t, r)
}

// crash ends the process, and perhaps the machine.
func (l *life) crash(t *testing.T, r *rig) {
	t.Helper()
	l.crashes++
	mode := modes[l.rng.IntN(len(modes))]
	if mode == vfs.Everything {
		l.killed()
	}
	l.shown = 0 // what a power cut took no later start brings back
	root, err := os.MkdirTemp("", "engine-life")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.fs.Materialise(root, mode, l.rng.Int64()); err != nil {
		t.Fatal(err)
	}
	if r.engine != nil {
		r.close(false)
	}
	old := filepath.Dir(l.dir)
	l.fs, l.dir = vfs.NewFaulty(root, l.rng.Int64()), filepath.Join(root, "data")
	if err := os.RemoveAll(old); err != nil {
		t.Fatal(err)
	}
}

func (l *life) step(s *session) {
	switch l.rng.IntN(20) {
	case 0:
		s.save()
	case 1:
		s.saveBeside(l.command(), l.command(), l.command())
	case 2:
		s.pass(l.rng.Int64N(3000))
	case 3:
		s.say(fmt.Sprint("SELECT ", l.rng.IntN(databases)))
	case 4, 5, 6:
		s.transaction(l.some(6)...)
	case 7, 8, 9:
		s.pipeline(l.some(8)...)
	case 10:
		s.say("SET " + l.key() + " " + big(fmt.Sprint("value", l.rng.IntN(1000))))
	case 11:
		element := strings.Repeat(fmt.Sprintf("element%d.", l.rng.IntN(1000)), 3000)
		s.pipeline("RPUSH "+l.key()+" "+element+" "+element, "LPUSH "+l.key()+" "+element)
	case 12:
		l.spill(s)
	default:
		s.say(l.command())
	}
}

// spill makes keys leave the hot layer, as far as the base has them, and begins a checkpoint for the others.
func (l *life) spill(s *session) {
	s.do("CONFIG SET maxmemory-policy spill maxmemory 1")
	for range 3 {
		s.say("GET " + l.key())
	}
	s.do("CONFIG SET maxmemory 0")
}

func (l *life) some(n int) []string {
	lines := make([]string, 1+l.rng.IntN(n))
	for i := range lines {
		lines[i] = l.command()
	}
	return lines
}

func (l *life) key() string { return fmt.Sprint("key", l.rng.IntN(12)) }

// command is some command that the model knows.
func (l *life) command() string {
	l.commands++
	key, other, n := l.key(), l.key(), l.rng.IntN(1000)
	side := func() string { return []string{"LEFT", "RIGHT"}[l.rng.IntN(2)] }
	forms := []string{
		fmt.Sprintf("SET %s %d", key, n), fmt.Sprintf("SET %s %d", key, n), fmt.Sprintf("SET %s v%d PX %d", key, n, 1+n*5),
		fmt.Sprintf("SET %s v%d KEEPTTL", key, n), fmt.Sprintf("SET %s v%d NX", key, n), "INCR " + key, "INCR " + key,
		fmt.Sprintf("APPEND %s %d", key, n), fmt.Sprintf("SETBIT %s %d %d", key, n%40*8+7, n%2), "GET " + key, fmt.Sprintf("DEL %s %s", key, l.key()),
		fmt.Sprintf("RPUSH %s %d x%d y", key, n, n), fmt.Sprintf("LPUSH %s %d", key, n), fmt.Sprintf("RPUSH %s %d", key, n),
		"LPOP " + key, "RPOP " + key, fmt.Sprintf("LMOVE %s %s %s %s", key, other, side(), side()),
		fmt.Sprintf("LTRIM %s %d %d", key, n%3, n%3+n%7), fmt.Sprintf("LREM %s 0 y", key),
		fmt.Sprintf("PEXPIRE %s %d", key, n*7), fmt.Sprintf("PEXPIREAT %s %d", key, beginning+int64(n)*100_000), "PERSIST " + key,
	}
	if key != other {
		forms = append(forms, fmt.Sprintf("RENAME %s %s", key, other), fmt.Sprintf("COPY %s %s", key, other))
	}
	if l.rng.IntN(4) == 0 {
		forms = l.streamForms()
	}
	if l.rng.IntN(4) == 0 {
		forms = l.zsetForms()
	}
	if l.rng.IntN(4) == 0 {
		forms = l.hashForms()
	}
	if l.rng.IntN(4) == 0 {
		forms = l.setForms()
	}
	if l.rng.IntN(60) == 0 {
		swap := fmt.Sprintf("SWAPDB %d %d", l.rng.IntN(databases), l.rng.IntN(databases))
		forms = []string{"FLUSHDB", swap, swap, "FLUSHALL"}
	}
	return forms[l.rng.IntN(len(forms))]
}
