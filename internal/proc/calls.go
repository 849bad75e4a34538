package proc

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// Calls are what a process asked of the kernel so far, as far as proc(5) counts it.
type Calls struct {
	// Reads and Writes are calls of the read and write families (read, readv, pread, write, …) on anything: files,
	// sockets, eventfds. Not among them: send, recv, epoll_wait, fsync, futex.
	Reads, Writes uint64

	// Waits is how often a thread gave up its processor because it had nothing to do, and Preempted how often one was
	// taken from it. Only of threads that live.
	Waits, Preempted uint64
}

// CallsOf counts the calls of a process. It needs the right to look into it: the same user, or root.
func CallsOf(pid int) (Calls, error) {
	var c Calls
	text, err := read(pid, "io")
	if err != nil {
		return c, err
	}
	if c.Reads, err = count(text, "syscr"); err != nil {
		return Calls{}, err
	}
	if c.Writes, err = count(text, "syscw"); err != nil {
		return Calls{}, err
	}
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return Calls{}, err
	}
	for _, thread := range threads {
		if err := c.addSwitches(pid, thread.Name()); err != nil {
			return Calls{}, err
		}
	}
	return c, nil
}

// addSwitches adds those of one thread; one that has just ended has none.
func (c *Calls) addSwitches(pid int, thread string) error {
	text, err := read(pid, "task/"+thread+"/status")
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return nil
	}
	if err != nil {
		return err
	}
	waits, err := count(text, "voluntary_ctxt_switches")
	if err != nil {
		return err
	}
	preempted, err := count(text, "nonvoluntary_ctxt_switches")
	c.Waits, c.Preempted = c.Waits+waits, c.Preempted+preempted
	return err
}
