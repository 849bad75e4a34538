// Package notify tells the service manager how the process is, as sd_notify(3) has it: a datagram of lines NAME=value to
// the socket that NOTIFY_SOCKET names. Where the variable is not set nobody wants to know.
package notify

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"
)

// The lines that are told.
const (
	Ready    = "READY=1"
	Stopping = "STOPPING=1"
	Alive    = "WATCHDOG=1"
)

// Status is a line for people.
func Status(text string) string { return "STATUS=" + text }

// sendMax is how long to wait for a service manager that does not read what it was told before: it is to hold up nobody.
const sendMax = time.Second

// Send sends lines. It does nothing where no service manager listens.
func Send(lines ...string) error {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return nil
	}
	// A name that begins with @ is in the abstract namespace; package net reads it in the same way.
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("telling the service manager: %w", err)
	}
	var text []byte
	for _, line := range lines {
		text = append(append(text, line...), '\n')
	}
	err = conn.SetWriteDeadline(time.Now().Add(sendMax))
	if err == nil {
		_, err = conn.Write(text)
	}
	if err = errors.Join(err, conn.Close()); err != nil {
		return fmt.Errorf("telling the service manager: %w", err)
	}
	return nil
}

// Watchdog is how often the service manager wants to hear Alive; 0: not at all.
func Watchdog() time.Duration {
	if pid := os.Getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0 // it is for another process
	}
	us, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil || us <= 0 {
		return 0
	}
	return time.Duration(us) * time.Microsecond
}
