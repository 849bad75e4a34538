package recorder

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// halt calls f.stop, and closes f.stopped when that is done. f.mu is held.
func (f *Filesystem) halt() {
	done, do := make(chan struct{}), f.stop
	f.stopped, f.stop = done, nil
	go func() {
		do()
		f.mu.Lock()
		f.stopped = nil
		f.mu.Unlock()
		close(done)
	}()
}

// begin takes f.mu for an operation of a thread. It reports false, and does not take it, if the thread is being killed
// while operations have to wait.
func (f *Filesystem) begin(thread uint32) bool {
	for {
		f.mu.Lock()
		stopped := f.stopped
		if stopped == nil {
			return true
		}
		f.mu.Unlock()
		if !await(stopped, thread) {
			return false
		}
	}
}

// end gives f.mu back, and holds the answer back if operations have to wait.
func (f *Filesystem) end(thread uint32) {
	stopped := f.stopped
	f.mu.Unlock()
	if stopped != nil {
		await(stopped, thread)
	}
}

// await waits until the channel is closed; false if the thread was about to die before that. A thread that waits for an
// answer cannot die before it comes, even of SIGKILL. That a signal came is no sign, as Go sends itself others. A thread
// of this process does not have to wait: it may be the one that is to close the channel.
func await(done <-chan struct{}, thread uint32) bool {
	if _, err := os.Stat(fmt.Sprintf("/proc/self/task/%d", thread)); err == nil {
		return false
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return true
		case <-tick.C:
			if thread != 0 && dying(int(thread)) { // 0 is the kernel itself
				return false
			}
		}
	}
}

// dying reports whether SIGKILL waits to be delivered to a thread, or it is dead or gone.
func dying(thread int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", thread))
	if err != nil {
		return true
	}
	state := statusField(status, "State")
	if bytes.HasPrefix(state, []byte("Z")) || bytes.HasPrefix(state, []byte("X")) {
		return true
	}
	pending, err := strconv.ParseUint(string(statusField(status, "SigPnd")), 16, 64)
	return err == nil && pending&(1<<8) != 0 // SIGKILL is 9, and the lowest bit is signal 1
}

func statusField(status []byte, name string) []byte {
	_, rest, _ := bytes.Cut(status, []byte("\n"+name+":"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	return bytes.TrimSpace(line)
}
