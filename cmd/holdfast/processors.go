package main

import (
	"os"
	"runtime"
)

// spareProcessor lets one goroutine more run at a time than there are processors: what is done in the background has a
// thread of low priority (package nice), and must not take the place of a loop while it waits for a processor.
// Who sets GOMAXPROCS has chosen otherwise.
func spareProcessor() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	}
}
