package subject

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// endGroup ends whom a process left behind in its group. It is to be called at once after the process was waited for,
// before its number can be another's.
func endGroup(group int) error {
	for deadline := time.Now().Add(endMax); ; time.Sleep(time.Millisecond) {
		// Again and again: who is being born when the signal comes does not get it.
		if err := unix.Kill(-group, syscall.SIGKILL); errors.Is(err, syscall.ESRCH) || !alive(group) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("children of the server, group %d, have not ended %v after SIGKILL", group, endMax)
		}
	}
}

// alive reports whether a process group has somebody who is more than a number that nobody has asked for yet.
func alive(group int) bool {
	for _, pid := range processes() {
		state, of := look(fmt.Sprintf("/proc/%d/stat", pid))
		if of == strconv.Itoa(group) && state != "Z" && state != "X" {
			return true
		}
	}
	return false
}

// still reports whether no thread of a process runs.
func still(pid int) bool {
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return true
	}
	for _, thread := range threads {
		if state, _ := look(fmt.Sprintf("/proc/%d/task/%s/stat", pid, thread.Name())); !strings.Contains("TZX", state) {
			return false
		}
	}
	return true
}

// look reads the state and the process group from a stat file; "" if there is none.
func look(path string) (state, group string) {
	stat, err := os.ReadFile(path)
	if err != nil {
		return "", ""
	}
	// state, parent, group follow the name, which may have blanks and brackets in it
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 3 {
		return "", ""
	}
	return fields[0], fields[2]
}

func processes() (pids []int) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// daemonMax is how long a process that went to the background may take until it listens.
const daemonMax = 500 * time.Millisecond

// daemon looks for who listens on the port after the process has ended; 0 is nobody.
func (r *Running) daemon() int {
	for deadline := time.Now().Add(daemonMax); ; time.Sleep(5 * time.Millisecond) {
		if inode := listening(r.port); inode != "" {
			return owner(inode)
		}
		if time.Now().After(deadline) {
			return 0
		}
	}
}

// listens reports whether it is the process, or one of its group, that listens on the port: not somebody in the
// background, nor a stranger. Where that cannot be known it is taken for granted.
func (r *Running) listens() bool {
	inode := listening(r.port)
	if inode == "" || has(r.pid, inode) {
		return true
	}
	pid := owner(inode)
	if pid < 0 {
		return true
	}
	group, err := unix.Getpgid(pid)
	return err == nil && group == r.pid
}

// listening is the inode of the socket that listens on a port; "" if none does.
func listening(port int) string {
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		if inode := listeningIn(table, port); inode != "" {
			return inode
		}
	}
	return ""
}

// listeningIn reads a table as far as it is about sockets that listen: those come first, and of others there may be many.
func listeningIn(table string, port int) string {
	const listens = "0A"
	file, err := os.Open(table)
	if err != nil {
		return ""
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Scan() // names of columns
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 10 || fields[3] != listens {
			break
		}
		if strings.HasSuffix(fields[1], fmt.Sprintf(":%04X", port)) {
			return fields[9]
		}
	}
	return ""
}

// owner is a process that has a socket open; -1 if it cannot be found.
func owner(inode string) int {
	for _, pid := range processes() {
		if has(pid, inode) {
			return pid
		}
	}
	return -1
}

// has reports whether a process has a socket open.
func has(pid int, inode string) bool {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, entry := range entries {
		if target, err := os.Readlink(filepath.Join(dir, entry.Name())); err == nil && target == "socket:["+inode+"]" {
			return true
		}
	}
	return false
}

// endDaemon ends the server in the background, if it is beyond doubt that it is the one: it works in one of the two
// directories that it was given, or it is the same program.
func (r *Running) endDaemon(pid int) error {
	if pid > 0 {
		works, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
		if err == nil && (works == r.scratch || works == r.dir || samePath(works, r.dir)) {
			if err := unix.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("ending process %d: %w", pid, err)
			}
			for deadline := time.Now().Add(endMax); listening(r.port) != "" && time.Now().Before(deadline); {
				time.Sleep(time.Millisecond)
			}
			return nil
		}
	}
	return fmt.Errorf("process %d listens on port %d still; it has to be ended by hand", pid, r.port)
}

func samePath(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}
