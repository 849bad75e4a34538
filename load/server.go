package load

import (
	"fmt"
	"time"

	"holdfast/internal/proc"
)

// A Sample is what the kernel says of a server's process at a moment.
type Sample struct {
	CPU   time.Duration
	Anon  int64 // RssAnon, bytes
	File  int64 // RssFile, bytes
	Calls proc.Calls
}

// Look takes a sample of a process on this machine. It needs the right to look into it.
func Look(pid int) (Sample, error) {
	var s Sample
	var err error
	if s.CPU, err = proc.CPUTime(pid); err != nil {
		return Sample{}, fmt.Errorf("look at process %d: %w", pid, err)
	}
	if s.Anon, s.File, err = proc.Resident(pid); err != nil {
		return Sample{}, fmt.Errorf("look at process %d: %w", pid, err)
	}
	if s.Calls, err = proc.CallsOf(pid); err != nil {
		return Sample{}, fmt.Errorf("look at process %d: %w", pid, err)
	}
	return s, nil
}

// Usage is what a server used for each request.
type Usage struct {
	CPUus     float64 // CPU time, microseconds: user and system, all threads
	Reads     float64 // calls of the read family, on sockets and files
	Writes    float64 // calls of the write family
	Waits     float64 // times that a thread had nothing to do
	Preempted float64 // times that a processor was taken from a thread
	Anon      int64   // RssAnon at the end, bytes
	File      int64   // RssFile at the end, bytes
}

// Used divides what lies between two samples by a number of requests, of which there is one at least.
func Used(before, after Sample, requests uint64) Usage {
	per := func(a, b uint64) float64 { return (float64(b) - float64(a)) / float64(requests) } // threads that end take their waits along
	return Usage{
		CPUus: float64((after.CPU-before.CPU)/time.Microsecond) / float64(requests),
		Reads: per(before.Calls.Reads, after.Calls.Reads), Writes: per(before.Calls.Writes, after.Calls.Writes),
		Waits: per(before.Calls.Waits, after.Calls.Waits), Preempted: per(before.Calls.Preempted, after.Calls.Preempted),
		Anon: after.Anon, File: after.File,
	}
}
