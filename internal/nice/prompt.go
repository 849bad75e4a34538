package nice

import (
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// promptSlice is shorter than the slice of an ordinary thread, which is 0.7 milliseconds with one processor and 2.8 with eight, and as
// long as a thread that answers works at a time: before its end nobody is put in its place.
const promptSlice = 500 * time.Microsecond

// Prompt asks the kernel to run the threads of this process as soon as they wake up, and those that these start later: for a
// server, which works for some 10 microseconds at a time and waits again, beside programs that compute for milliseconds. Since
// Linux 6.12 a thread with a shorter slice takes the place of one with a longer one at once; otherwise it waits for the next tick,
// up to 4 milliseconds. No thread gets more of a processor by that. Where the kernel knows no slices nothing changes.
func Prompt() {
	done := map[int]bool{}
	for found := true; found; { // until no thread is new: each starts others with the slice that it has itself
		found = false
		threads, _ := os.ReadDir("/proc/self/task")
		for _, thread := range threads {
			if id, err := strconv.Atoi(thread.Name()); err == nil && !done[id] {
				done[id], found = true, true
				shorten(id)
			}
		}
	}
}

// PromptThread is Prompt for the thread that it is called on, and those that it starts.
func PromptThread() { shorten(0) }

// shorten gives one thread the short slice, 0 being the calling one.
func shorten(thread int) {
	// A courtesy of the kernel, as in Lower: without it everything works, later.
	if attr, err := unix.SchedGetAttr(thread, 0); err == nil {
		attr.Runtime = uint64(promptSlice)
		_ = unix.SchedSetAttr(thread, attr, 0)
	}
}
