package nice

import (
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// slices are those of all threads of this process; none where the kernel knows no slices.
func slices(t *testing.T) map[int]time.Duration {
	t.Helper()
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	found := map[int]time.Duration{}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			t.Fatal(err)
		}
		if attr, err := unix.SchedGetAttr(id, 0); err == nil && attr.Runtime != 0 {
			found[id] = time.Duration(attr.Runtime)
		}
	}
	return found
}

func TestThreadsArePromptAndThoseTheyStart(t *testing.T) {
	Prompt()
	kept := make(chan bool)
	defer close(kept)
	for range 10 { // threads that there were not before
		locked := make(chan bool)
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			locked <- true
			<-kept
		}()
		<-locked
	}
	for id, got := range slices(t) {
		if got != promptSlice {
			t.Errorf("thread %d has a slice of %v, want %v", id, got, promptSlice)
		}
	}
	background := Start()
	defer background.Stop()
	background.Do(func() {
		if attr, err := unix.SchedGetAttr(0, 0); err == nil && attr.Runtime != 0 && time.Duration(attr.Runtime) != slice {
			t.Errorf("work in the background has a slice of %v, want %v", time.Duration(attr.Runtime), slice)
		}
	})
}
