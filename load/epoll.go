package load

import (
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A poller waits until sockets are ready. It is for one goroutine.
type poller struct {
	fd     int
	events []unix.EpollEvent
	coarse bool // the kernel lacks epoll_pwait2: waits are whole milliseconds
}

func newPoller(sockets int) (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return &poller{fd: fd, events: make([]unix.EpollEvent, min(sockets, 1024))}, nil
}

// add watches a socket for reading. Its events carry the index.
func (p *poller) add(socket, index int) error {
	return p.control(unix.EPOLL_CTL_ADD, socket, index, unix.EPOLLIN)
}

// watch says whether a socket is watched for writing too.
func (p *poller) watch(socket, index int, writes bool) error {
	events := uint32(unix.EPOLLIN)
	if writes {
		events |= unix.EPOLLOUT
	}
	return p.control(unix.EPOLL_CTL_MOD, socket, index, events)
}

func (p *poller) control(how, socket, index int, events uint32) error {
	event := unix.EpollEvent{Events: events, Fd: int32(index)}
	if err := unix.EpollCtl(p.fd, how, socket, &event); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	return nil
}

// wait returns what is ready, after so long at the most. Without epoll_pwait2 (Linux 5.11) it returns up to a
// millisecond early, and the caller asks again.
func (p *poller) wait(atMost time.Duration) ([]unix.EpollEvent, error) {
	n, err := p.ask(max(atMost, 0))
	if err == unix.EINTR {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return p.events[:n], nil
}

func (p *poller) ask(atMost time.Duration) (int, error) {
	if p.coarse || atMost%time.Millisecond == 0 {
		return unix.EpollWait(p.fd, p.events, int(atMost/time.Millisecond))
	}
	span := unix.NsecToTimespec(int64(atMost))
	n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(p.fd), uintptr(unsafe.Pointer(&p.events[0])), uintptr(len(p.events)),
		uintptr(unsafe.Pointer(&span)), 0, 0)
	switch errno {
	case 0:
		return int(n), nil
	case unix.ENOSYS:
		p.coarse = true
		return p.ask(atMost)
	}
	return 0, errno
}

func (p *poller) close() error { return unix.Close(p.fd) }
