package subject

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"syscall"
)

// Ports are taken from below those that the kernel gives to connections, so that none of these is in the way.
const (
	portMin = 10000
	portMax = 32000
)

// freePort finds a port that nobody listens on, and reserves it among all labs of this machine until the listener that
// it returns is closed: between this look and the server's, another must not come to the same. Which one it is does not
// matter, so it needs no seed.
func freePort() (int, net.Listener, error) {
	const tries = 200
	for range tries {
		port := portMin + rand.IntN(portMax-portMin)
		reserved, err := net.Listen("unix", fmt.Sprintf("@holdfast-lab-port-%d", port))
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			return 0, nil, fmt.Errorf("reserving a port: %w", err)
		}
		probe, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			err = probe.Close()
		}
		if err == nil {
			return port, reserved, nil
		}
		if err := errors.Join(err, reserved.Close()); !errors.Is(err, syscall.EADDRINUSE) && !errors.Is(err, os.ErrPermission) {
			return 0, nil, fmt.Errorf("looking for a free port: %w", err)
		}
	}
	return 0, nil, fmt.Errorf("no free port in %d tries from %d to %d", tries, portMin, portMax)
}

// saysPortTaken reports whether a server ended because somebody else had taken its port after all.
func saysPortTaken(output string) bool {
	output = strings.ToLower(output)
	return strings.Contains(output, "address already in use") || strings.Contains(output, "eaddrinuse")
}
