package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// WithBinary runs a package's tests with the path of the program under test: what INTEGRATION_BINARY names, or else holdfast,
// built once into a directory that goes when they are over; with INTEGRATION_RACE, with the race detector in it. It returns
// what run does, the exit code; or 1 where there is no program.
func WithBinary(run func(path string) int) int {
	if path := os.Getenv("INTEGRATION_BINARY"); path != "" {
		return run(path)
	}
	dir, err := os.MkdirTemp("", "holdfast-built-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	path, args := filepath.Join(dir, "holdfast"), []string{"build"}
	if raceBuilt() {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "-o", path, "holdfast/cmd/holdfast")...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building holdfast: %v\n%s", err, out)
		return 1
	}
	return run(path)
}
