package nice

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// kernelPriority is the nice value of the thread that it is called on.
func kernelPriority(t *testing.T) int {
	t.Helper()
	p, err := unix.Getpriority(unix.PRIO_PROCESS, unix.Gettid())
	if err != nil {
		t.Fatal(err)
	}
	return 20 - p // as the system call has it
}

func TestWorkHasLowPriorityAndOthersKeepTheirs(t *testing.T) {
	own := kernelPriority(t)
	th := Start()
	var got [3]int
	for i := range got {
		th.Do(func() { got[i] = kernelPriority(t) })
	}
	th.Stop()
	for i, p := range got {
		if p != max(own, priority) {
			t.Errorf("function %d ran with priority %d", i, p)
		}
	}
	for range 100 { // threads that are used again
		done := make(chan int)
		go func() { done <- kernelPriority(t) }()
		if p := <-done; p != own {
			t.Fatalf("another goroutine has priority %d, and had %d", p, own)
		}
	}
}

func TestRunHasLowPriorityAndBorrowsNothing(t *testing.T) {
	own, processors := kernelPriority(t), runtime.GOMAXPROCS(0)
	var inside, meanwhile int
	Run(func() { inside, meanwhile = kernelPriority(t), runtime.GOMAXPROCS(0) })
	if inside != max(own, priority) || kernelPriority(t) != own {
		t.Errorf("ran with priority %d, and left the caller %d of %d", inside, kernelPriority(t), own)
	}
	if meanwhile != processors {
		t.Errorf("%d processors meanwhile, want %d", meanwhile, processors)
	}
}

// A kernel from before 6.12 knows no slices, and tells none.
func TestWorkHasALongSlice(t *testing.T) {
	th := Start()
	defer th.Stop()
	th.Do(func() {
		attr, err := unix.SchedGetAttr(0, 0)
		if err != nil {
			return
		}
		if got := time.Duration(attr.Runtime); got != 0 && got != slice {
			t.Errorf("a slice of %v, want %v", got, slice)
		}
	})
}

func TestGoHasAProcessorMoreMeanwhile(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	a, b := Start(), Start()
	if got := runtime.GOMAXPROCS(0); got != before+1 {
		t.Errorf("%d processors with two threads, %d before", got, before)
	}
	if got := Processors(); got != before {
		t.Errorf("%d processors without the loan, %d before", got, before)
	}
	a.Stop()
	back := Lend()
	b.Stop()
	if got := runtime.GOMAXPROCS(0); got != before+1 {
		t.Errorf("%d processors with a loan, %d before", got, before)
	}
	back()
	if got := runtime.GOMAXPROCS(0); got != before {
		t.Errorf("%d processors with neither, %d before", got, before)
	}
}

func TestBeginDoesNotWait(t *testing.T) {
	th := Start()
	defer th.Stop()
	gate, ran := make(chan struct{}), false
	done := th.Begin(func() { <-gate; ran = true })
	close(gate) // it would be too late if Begin waited
	if <-done; !ran {
		t.Error("done before it has run")
	}
}

func TestPauseLastsAsLongAsItSays(t *testing.T) {
	began := time.Now()
	Pause(2 * time.Millisecond)
	if took := time.Since(began); took < 2*time.Millisecond {
		t.Errorf("a pause of 2 ms took %v", took)
	}
}
