package client

import (
	"os"

	"golang.org/x/sys/unix"
)

// IsTerminal says whether stream, an io.Reader or io.Writer, is a terminal.
func IsTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetWinsize(int(file.Fd()), unix.TIOCGWINSZ)
	return err == nil
}
