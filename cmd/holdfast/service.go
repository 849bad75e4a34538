package main

import (
	"log/slog"
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
// lock that they take. It ends with over.
func keepAlive(eng *engine.Engine, log *slog.Logger, over <-chan struct{}) {
	every := notify.Watchdog() / 2
	if every == 0 {
		return
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-over:
			return
		case <-ticker.C:
		}
		eng.Do(func() {})
		tell(log, notify.Alive)
	}
}
