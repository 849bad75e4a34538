package main

import (
	"fmt"
	"math"
	"runtime"
	"strconv"
	"strings"

	"holdfast/bench/rig"
)

// loopRows vary the event loops of the server under test, from one to as many as there are processors, beside a reference that stays as
// it is. The generator has a thread for every loop.
func loopRows(l Load) []Row {
	var rows []Row
	for _, n := range loopCounts(runtime.NumCPU()) {
		l.Loops, l.Threads = n, n
		for _, pipeline := range []int{1, 16} {
			for _, name := range []string{"GET", "SET"} {
				row := usual(name, l, fmt.Sprintf("loops: %d", n))
				row.Pipeline, row.Workload.Before = pipeline, [][]string{{"CONFIG", "RESETSTAT"}}
				rows = append(rows, row)
			}
		}
	}
	return rows
}

// loopCounts doubles from one up to the number of processors, which is always the last.
func loopCounts(processors int) []int {
	var counts []int
	for n := 1; n < processors; n *= 2 {
		counts = append(counts, n)
	}
	return append(counts, processors)
}

// withLoops has the program run so many event loops.
func withLoops(p Program, n int) Program {
	args := p.Args
	p.Args = func(dir, port, policy string) []string {
		return append(args(dir, port, policy), "--loops", strconv.Itoa(n))
	}
	return p
}

// remarkLock tells what share of a run's time commands ran for, by the server's own count. As they run one at a time, that is how
// much of the lock is taken; framing, sockets and the log's writes are outside of it.
func (s *side) remarkLock() error {
	reply, err := s.Ask("INFO", "commandstats")
	if err != nil {
		return err
	}
	run := s.runs[len(s.runs)-1]
	micros := commandMicros(reply)
	if math.IsNaN(micros) || run.Requests == 0 {
		return fmt.Errorf("%w: INFO commandstats: %q", ErrLoad, reply)
	}
	perRequest := micros / float64(run.Requests)
	s.remarks = append(s.remarks, fmt.Sprintf("%s, run %d: commands ran for %.2f µs a request, %.0f %% of the time",
		s.name, len(s.runs), perRequest, 100*perRequest*run.RPS/1e6))
	return nil
}

// commandMicros adds up the usec of all commands but those that the measuring itself sends; NaN if there are none.
func commandMicros(info []string) float64 {
	sum := math.NaN()
	for line := range strings.Lines(strings.Join(info, "")) {
		name, fields, _ := strings.Cut(strings.TrimSpace(line), ":")
		command, found := strings.CutPrefix(name, "cmdstat_")
		if !found || command == "info" || strings.HasPrefix(command, "config") {
			continue
		}
		for _, field := range rig.SplitList(fields) {
			text, found := strings.CutPrefix(field, "usec=")
			if micros, err := strconv.ParseFloat(text, 64); found && err == nil {
				if math.IsNaN(sum) {
					sum = 0
				}
				sum += micros
			}
		}
	}
	return sum
}
