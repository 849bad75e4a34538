package engine

import (
	"context"

	"holdfast/commands"
)

// Aside has work done on a goroutine, and then what follows from it under the lock.
func (e *Engine) Aside(work func(context.Context), settle func(now int64), finish func()) {
	if e.closing {
		return // nobody waits any more
	}
	e.background.Add(1)
	go func() {
		defer e.background.Done()
		ctx, cancel := e.whileOpen()
		defer cancel()
		work(ctx)
		e.mu.Lock()
		now := e.tick()
		settle(now)
		e.record(now)
		e.serve(now)
		finish()
		e.rouse()
		e.mu.Unlock()
		_ = e.Commit() // a log that has failed has told so, and one that has no room tries again
	}()
}

// whileOpen is a context that ends when the engine closes.
func (e *Engine) whileOpen() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		select {
		case <-e.quit:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// removeKey deletes a key for a call that is over, as part of the record under way.
func (e *Engine) removeKey(db int, key []byte) {
	e.world.Touch(db, key)
	e.add(db, delCommand, key)
	e.changes++
	if e.world.Events != nil {
		e.world.Events(commands.EventGeneric, "del", db, key)
	}
	e.world.Keys.DB(db).Delete(key)
}
