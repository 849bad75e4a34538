package engine

import "math"

// Without a log only a checkpoint keeps what is in memory, so that one is written before anything is closed: if it fails the server
// goes on, as Redis does. Nobody is served meanwhile, or the checkpoint would lack what was acknowledged behind it.

// SaveLast writes, where no log has the data, the checkpoint that an end is to leave. On an error the server is to go on, and does.
func (e *Engine) SaveLast() error {
	e.lastSave.Lock()
	defer e.lastSave.Unlock()
	resume, needed := e.hush()
	if !needed {
		return nil
	}
	err := e.checkpointNow()
	e.mu.LockAnyway()
	defer e.mu.Unlock()
	if err != nil {
		resume()
	}
	e.saved = err == nil
	return err
}

// hush makes all clients wait where there is something to save, and a script that may still be undone end.
func (e *Engine) hush() (resume func(), needed bool) {
	e.mu.LockAnyway()
	defer e.mu.Unlock()
	if e.keepsLog() || e.closing || e.saved && e.changes == 0 {
		return nil, false
	}
	e.world.Scripts.Kill()
	before := e.pause
	e.pause.until, e.pause.all, e.pause.last = math.MaxInt64, true, true
	return func() {
		e.pause.last = false
		e.Unpause()
		e.pause.until, e.pause.all = before.until, before.all // who has to wait for that does so again
	}, true
}

// saveAndStop is SHUTDOWN where no log has the data.
func (e *Engine) saveAndStop(failed func(error)) {
	e.background.Add(1)
	go func() {
		defer e.background.Done()
		if err := e.SaveLast(); err != nil {
			e.o.Log.Error("SHUTDOWN refused: what would be lost could not be saved; SHUTDOWN FORCE or NOSAVE ends the server all the same", "error", err)
			e.Do(func() { failed(err) })
			return
		}
		e.o.Stop(true)
	}()
}
