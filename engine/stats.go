package engine

import (
	"bytes"
	"os"
	"syscall"
	"time"

	"holdfast/commands"
)

// stats are counters since the start, or since CONFIG RESETSTAT.
type stats struct {
	start    int64 // unix ms
	commands int64
	expired  int64
	lapsed   int64            // fields of hashes
	errors   map[string]int64 // error replies by code
	evicted  int64
	memory   memory
	peak     int64 // used memory at most, as sampled
	rate     rate  // of commands
}

// Codes of errors are told apart up to so many, and so long. Scripts make up any: the others are counted together.
const (
	errorCodesKept = 128
	errorCodeBytes = 128
	otherErrors    = "other"
)

// failed counts an error reply by its code.
func (s *stats) failed(reply []byte) {
	if len(reply) == 0 {
		return // the connection ends without a word
	}
	code, _, _ := bytes.Cut(reply[1:], []byte(" "))
	code, _, _ = bytes.Cut(code, []byte("\r"))
	if s.errors == nil {
		s.errors = map[string]int64{}
	}
	if _, known := s.errors[string(code)]; known || len(s.errors) < errorCodesKept && len(code) <= errorCodeBytes {
		s.errors[string(code)]++
	} else {
		s.errors[otherErrors]++
	}
}

// sample notes from time to time what is not counted as it happens. keyspace is in bytes.
func (s *stats) sample(now, keyspace int64) {
	s.memory.sample(keyspace)
	s.peak = max(s.peak, s.memory.held())
	s.rate.sample(now, s.commands)
}

// rate is how fast a counter rises: the mean of the last samples, which are a heartbeat apart.
type rate struct {
	at, count int64 // unix ms and count of the last sample
	samples   [16]int64
	next      int
}

func (r *rate) sample(now, count int64) {
	passed := now - r.at
	if passed < heartbeat.Milliseconds() {
		return
	}
	if r.at != 0 {
		r.samples[r.next%len(r.samples)] = (count - r.count) * 1000 / passed
		r.next++
	}
	r.at, r.count = now, count
}

func (r *rate) perSecond() int64 {
	var sum int64
	for _, n := range r.samples {
		sum += n
	}
	return sum / int64(len(r.samples))
}

// below reports whether it is, as a mean and at last: the mean alone takes a second and a half to tell of a load that has begun.
func (r *rate) below(limit int64) bool { return r.perSecond() < limit && r.last() < limit }

// modest reports whether there is a load at present, and no flood.
func (r *rate) modest() bool { return r.last() >= restCommands && r.last() < flood }

func (r *rate) last() int64 { return r.samples[(r.next+len(r.samples)-1)%len(r.samples)] }

// processTime is the processor time that the process has taken; 0 where the system does not tell.
func processTime() (user, system time.Duration) {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		return 0, 0
	}
	return time.Duration(use.Utime.Nano()), time.Duration(use.Stime.Nano())
}

// Figures are the engine's numbers for INFO.
func (e *Engine) Figures() commands.Figures {
	c, m := &e.checkpoints, &e.stats.memory
	m.sample(e.keysMemory())
	f := commands.Figures{
		StartTime: e.stats.start, Version: e.o.Identity.Version, ProcessID: os.Getpid(), RunID: e.o.Identity.RunID, ConfigFile: e.o.Identity.ConfigFile,
		Executable: e.o.Identity.Executable, Port: e.o.Identity.Port,
		LastSave: e.LastSave(), LastSaveOK: !c.failing, SaveRunning: c.running,
		SaveStarted: c.last.started, SaveMillis: c.last.millis,
		Changes: e.changes, LastLSN: e.lsn, CheckpointLSN: c.lsn,
		CheckpointKeys: c.last.keys, CheckpointBytes: c.last.bytes, CheckpointSlice: c.last.slice.Microseconds(),
		Commands: e.stats.commands, CommandsPerSecond: e.stats.rate.perSecond(), Expired: e.stats.expired, Evicted: e.stats.evicted, Errors: e.stats.errors,
		Switching: e.switching, MemoryStartup: m.startup, Recovery: e.report.String(),
		Blocked: len(e.blocked), Hits: e.world.Keys.Hits, Misses: e.world.Keys.Misses,
	}
	f.KeysLoaded, f.KeysLapsed, f.MachineMemory = e.report.Keys-e.report.Lapsed, e.report.Lapsed, machineMemory()
	f.Checkpoints = int64(e.generation)
	f.CheckpointPages, f.ExpiredSubkeys = c.last.pages, e.stats.lapsed
	f.Hydrating, f.HydrationTotal, f.HydrationLeft = e.hydration.running, e.hydration.total, e.hydrationLeft()
	f.ColdKeys = int64(e.world.Keys.ColdKeys())
	f.Memory, f.MemoryData, f.MemoryBound, f.MemorySpare = m.held(), e.world.Keys.DataBytes(), e.boundMemory(), e.spareMemory()
	e.stats.peak = max(e.stats.peak, f.Memory)
	f.MemoryPeak = e.stats.peak
	f.UserCPU, f.SystemCPU = processTime()
	f.NamedSnapshots = e.snapshots.Load()
	if e.keepsHistory() {
		h := e.history.figures
		f.RetainedFromLSN, f.RetainedFromTime, f.RetainedBytes = h.lsn, h.time, h.bytes
	}
	if e.log != nil {
		f.LogEnabled, f.DurableLSN, f.LogWaiting = true, e.log.Durable(), e.log.Waiting()
		f.LogFull = e.refusesWrites()
		for _, s := range e.log.Segments() {
			f.LogSegments++
			f.LogBytes += s.Used
		}
	}
	return f
}

// LastSave is the time of the last checkpoint that succeeded, or of the start, in unix ms.
func (e *Engine) LastSave() int64 {
	c := &e.checkpoints
	if c.failing {
		return max(c.lastGood, e.stats.start)
	}
	return max(c.last.ended, e.stats.start)
}

// ResetStats sets the counters back.
func (e *Engine) ResetStats() {
	e.stats = stats{start: e.stats.start, memory: e.stats.memory}
	e.world.Keys.Hits, e.world.Keys.Misses, e.world.Keys.Moved = 0, 0, 0
	for _, c := range e.world.Table.All() {
		c.Stats = commands.Stats{}
		for _, s := range c.Subs {
			s.Stats = commands.Stats{}
		}
	}
}
