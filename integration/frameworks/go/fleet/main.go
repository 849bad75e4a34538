// Command fleet runs asynq workers while the server is killed by SIGKILL in the middle, and checks that no task is lost, and none
// done twice that was not being done at that moment.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/hibiken/asynq"
)

const (
	tasks   = 300
	workers = 4
	crashAt = 100 // tasks done
	patient = 90 * time.Second
)

// ledger is what was done, beside the server.
type ledger struct {
	mu    sync.Mutex
	runs  map[int]int
	crash sync.Once
	done  chan struct{}
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	redis := asynq.RedisClientOpt{Addr: net.JoinHostPort(os.Getenv("HOLDFAST_TEST_HOST"), os.Getenv("HOLDFAST_TEST_PORT"))}
	client := asynq.NewClient(redis)
	for i := range tasks {
		payload, err := json.Marshal(i)
		if err != nil {
			return err
		}
		if _, err := client.Enqueue(asynq.NewTask("work", payload), asynq.MaxRetry(50), asynq.Retention(time.Hour)); err != nil {
			return err
		}
	}
	l := &ledger{runs: map[int]int{}, done: make(chan struct{})}
	server := asynq.NewServer(redis, asynq.Config{
		Concurrency: workers, LogLevel: asynq.FatalLevel,
		RetryDelayFunc: func(int, error, *asynq.Task) time.Duration { return 100 * time.Millisecond },
	})
	if err := server.Start(asynq.HandlerFunc(l.work)); err != nil {
		return err
	}
	select {
	case <-l.done:
	case <-time.After(patient):
	}
	server.Shutdown()
	if err := client.Close(); err != nil {
		return err
	}
	return l.judge(asynq.NewInspector(redis))
}

func (l *ledger) work(_ context.Context, t *asynq.Task) error {
	var n int
	if err := json.Unmarshal(t.Payload(), &n); err != nil {
		return err
	}
	time.Sleep(5 * time.Millisecond) // the work
	l.mu.Lock()
	defer l.mu.Unlock()
	l.runs[n]++
	if len(l.runs) >= crashAt {
		l.crash.Do(func() { fmt.Println("@crash") })
	}
	if len(l.runs) == tasks && l.runs[n] == 1 {
		close(l.done)
	}
	return nil
}

// judge compares what was done with what asynq promises, each task at least once, and more than once only where a worker could
// not say that it was done: a few around the crash.
func (l *ledger) judge(inspector *asynq.Inspector) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	twice := 0
	for n := range tasks {
		switch {
		case l.runs[n] == 0:
			return fmt.Errorf("task %d was lost", n)
		case l.runs[n] > 1:
			twice++
		}
	}
	if most := 4 * workers; twice > most {
		return fmt.Errorf("%d tasks were done more than once, more than the %d that the crash can explain", twice, most)
	}
	info, err := inspector.GetQueueInfo("default")
	if err != nil {
		return err
	}
	fmt.Printf("%d tasks done across a crash, %d of them twice; in the queue: %d pending, %d active, %d completed\n", tasks, twice, info.Pending, info.Active, info.Completed)
	if info.Pending != 0 {
		return fmt.Errorf("%d tasks are pending", info.Pending)
	}
	return inspector.Close()
}
