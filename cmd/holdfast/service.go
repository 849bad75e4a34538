package main

import (
	"log/slog"
	"runtime/debug"
	"syscall"
	"time"

	"holdfast/engine"
	"holdfast/internal/notify"
)

// tell says how the process is to the service manager that started it, if one did.
func tell(log *slog.Logger, lines ...string) {
	if err := notify.Send(lines...); err != nil {
		log.Warn("the service manager does not hear", "error", err)
	}
}

// keepAlive tells the service manager, where that wants to know, that commands can still run: each time it takes the
// lock that they take, or, while a script has it that others are not told BUSY for (busy-reply-threshold), that the script has
// looked at the clock. It ends with over.
func keepAlive(eng *engine.Engine, log *slog.Logger, over <-chan struct{}) {
	every := notify.Watchdog() / 4 // so that a second look comes in time, when the first finds the lock taken
	if every == 0 {
		return
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	free := make(chan struct{}, 1)
	asked, looks := false, eng.ScriptLooks()
	for {
		select {
		case <-over:
			return
		case <-free:
			asked = false
			tell(log, notify.Alive)
		case <-ticker.C:
			now := eng.ScriptLooks()
			if asked && now != looks {
				tell(log, notify.Alive)
			}
			looks = now
			if !asked {
				asked = true
				go func() { eng.Do(func() { free <- struct{}{} }) }()
			}
		}
	}
}

// dieBySignal has a bug end the process, or a signal such as the one that systemd sends to what hangs, by SIGABRT. Go's exit code 2 would
// say that a setting is wrong, and supervisors would not start it again. There is no core, which would hold the data.
func dieBySignal() {
	var core syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &core); err == nil {
		core.Cur = 0
		_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &core) // to less is allowed to everybody
	}
	debug.SetTraceback("crash")
}
