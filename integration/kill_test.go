package integration

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	killWorkers = 50
	roundsShort = 10 // rounds of `make test`; INTEGRATION_ROUNDS says otherwise
)

// P1, P3, P5: whatever moment kill -9 comes at, every acknowledged write is there afterwards, in order, whole, and
// with its deadline to the millisecond; nothing is there that was never sent. That holds under `always`, and as
// kill -9 takes no page cache away, under `everysec` as well.
func TestKill(t *testing.T) {
	for _, fsync := range []string{"always", "everysec"} {
		t.Run(fsync, func(t *testing.T) {
			seed := envUint(t, "INTEGRATION_SEED", uint64(time.Now().UnixNano()))
			rounds := envUint(t, "INTEGRATION_ROUNDS", roundsShort)
			t.Logf("INTEGRATION_SEED=%d, %d rounds", seed, rounds)
			killRounds(t, Options{Dir: t.TempDir(), Fsync: fsync}, seed, int(rounds))
		})
	}
}

func envUint(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

func killRounds(t *testing.T, o Options, seed uint64, rounds int) {
	rng := rand.New(rand.NewPCG(seed, 0))
	var workers []*worker
	for i := range killWorkers {
		workers = append(workers, newWorker(i+1, seed))
	}
	operations := 0
	for round := range rounds {
		proc := start(t, subject, o)
		killAfter := time.Duration(20+rng.IntN(400)) * time.Millisecond
		crashedMs := writeUntilKilled(t, proc, workers, killAfter, rng.IntN(2) == 0)
		// Now and then the next start is killed too, in the middle of its recovery.
		if rng.IntN(3) == 0 {
			killDuringStart(t, o, time.Duration(rng.IntN(40))*time.Millisecond)
		}
		proc = start(t, subject, o)
		verifyWorkers(t, proc, workers, crashedMs)
		proc.Kill()
		if t.Failed() {
			t.Fatalf("round %d of %d", round+1, rounds)
		}
	}
	for _, w := range workers {
		operations += w.serial
	}
	t.Logf("%d operations", operations)
	proc := start(t, subject, o)
	if code, err := proc.Stop(); err != nil || code != 0 {
		t.Errorf("SIGTERM: exit code %d, %v", code, err)
	}
	verifyWorkers(t, start(t, subject, o), workers, time.Now().UnixMilli())
}

// writeUntilKilled lets the workers write, kills the server, and returns the time of its death.
func writeUntilKilled(t *testing.T, proc *Process, workers []*worker, after time.Duration, saves bool) int64 {
	t.Helper()
	var wg sync.WaitGroup
	errs := make(chan error, len(workers))
	for _, w := range workers {
		c := dial(t, proc.Addr)
		wg.Go(func() { errs <- w.run(c) })
	}
	if saves && !twins { // a redis-server's child would outlive it and write on
		c := dial(t, proc.Addr)
		wg.Go(func() {
			for {
				if _, err := c.Do("BGSAVE"); err != nil {
					return
				}
			}
		})
	}
	<-time.After(after)
	proc.Kill()
	crashedMs := time.Now().UnixMilli()
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	return crashedMs
}

func killDuringStart(t *testing.T, o Options, after time.Duration) {
	t.Helper()
	proc, err := Launch(subject, o)
	if err != nil {
		t.Fatal(err)
	}
	<-time.After(after)
	proc.Kill()
}

// verifyWorkers reads the whole keyspace and holds it against what each worker may expect.
func verifyWorkers(t *testing.T, proc *Process, workers []*worker, crashedMs int64) {
	t.Helper()
	found, seen, err := readAll(dial(t, proc.Addr))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range workers {
		if err := w.resolve(found[w.id], crashedMs, seen); err != nil {
			t.Error(err)
		}
		delete(found, w.id)
	}
	for owner, keys := range found {
		t.Errorf("keys of nobody: w%d: %v", owner, keys)
	}
}

// readAll reads every key, grouped by the worker that owns it, and says while which time it read.
func readAll(c *Conn) (map[int]state, interval, error) {
	seen := interval{from: time.Now().UnixMilli()}
	keys, err := c.Must("KEYS", "*")
	if err != nil {
		return nil, seen, err
	}
	found := map[int]state{}
	for _, key := range keys.Elems {
		var owner int
		if _, err := fmt.Sscanf(key.Text, "w%d:", &owner); err != nil {
			return nil, seen, fmt.Errorf("a key that nobody wrote: %q", key.Text)
		}
		v, there, err := readKey(c, key.Text)
		if err != nil {
			return nil, seen, err
		}
		if found[owner] == nil {
			found[owner] = state{}
		}
		if there {
			found[owner][key.Text] = v
		}
	}
	seen.to = time.Now().UnixMilli()
	return found, seen, nil
}

func readKey(c *Conn, key string) (v value, there bool, err error) {
	read := []string{"GET", key}
	if strings.HasSuffix(key, ":journal") || strings.HasSuffix(key, ":ledger") {
		read = []string{"LRANGE", key, "0", "-1"}
	}
	if err := c.Write(AppendCommand(AppendCommand(nil, "PEXPIRETIME", key), read...)); err != nil {
		return v, false, err
	}
	deadline, err := c.Read()
	if err != nil {
		return v, false, err
	}
	content, err := c.Read()
	if err != nil || content.IsError() {
		return v, false, fmt.Errorf("%s: %s %w", key, content, err)
	}
	if ms, err := strconv.ParseInt(deadline.Text, 10, 64); err != nil || ms > 0 {
		v.deadline = exactly(ms)
	}
	v.text = content.Text
	if content.Kind == '*' {
		v.text = ""
		for _, e := range content.Elems {
			v.list = append(v.list, e.Text)
		}
	}
	return v, !content.Null && deadline.Text != "-2", nil
}
